//! All questions about one field, put so that one value answers them together.

use std::collections::HashMap;

use super::ask::{About, Want, WantedNumber};
use super::bits::Bits;
use super::search::Search;
use super::text::{Glob, fold_into, folded};

/// A value of an event. Numbers are those that an `i64` holds; others are left to the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Truth(bool),
    /// With its spelling, which for integers JSON allows just one of.
    Integer(i64, &'a str),
    Text(&'a str),
}

/// The questions about one field, and what their answers do to the branches that ask.
#[derive(Debug)]
pub(super) struct Column {
    /// Branches that ask anything here.
    pub(super) touched: Bits,
    /// For each question, the branches that need it to hold, and those that need it not to.
    needed: Vec<(Bits, Bits)>,
    /// Questions that hold for anything that is there.
    present: Bits,
    /// Questions that hold for nothing and for null.
    null: Bits,
    answers: Answers,
}

type Texts = HashMap<String, Vec<usize>, foldhash::fast::RandomState>;

/// The values asked for, by how they are looked up. Numbers in here are those of questions.
#[derive(Debug, Default)]
struct Answers {
    equal: Texts,
    equal_cased: Texts,
    /// Texts that are numbers: they also equal the number.
    spelt: Vec<(f64, usize)>,
    numbers: Vec<(WantedNumber, usize)>,
    truths: Vec<(bool, usize)>,
    globs: Option<Globs>,
    /// Asked one after the other.
    rest: Vec<(Want, usize)>,
}

/// Globs with a text that each match contains; all those texts are looked for in one pass.
#[derive(Debug)]
struct Globs {
    search: Search,
    globs: Vec<(Glob, bool, usize)>,
}

/// Room for work on one value, so that it is allocated once.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    folded: String,
    maybe: Vec<bool>,
}

impl Column {
    /// A column without questions over so many branches.
    pub(super) fn builder(branches: usize) -> ColumnBuilder {
        ColumnBuilder { branches, asks: Vec::new(), globs: Vec::new(), answers: Answers::default() }
    }

    /// How many questions there are.
    pub(super) fn questions(&self) -> usize {
        self.needed.len()
    }

    /// The answers for a field that is not there.
    pub(super) fn absent(&self) -> &Bits {
        &self.null
    }

    /// The answers for a field that is there, whatever it holds.
    pub(super) fn present(&self) -> &Bits {
        &self.present
    }

    /// The branches that these answers leave standing; those that ask nothing here among them.
    pub(super) fn standing(&self, answers: &Bits, standing: &mut Bits) {
        for (question, (needs, refuses)) in self.needed.iter().enumerate() {
            standing.remove(if answers.has(question) { refuses } else { needs });
        }
    }

    /// Adds the questions that a value answers with yes.
    pub(super) fn answer(&self, value: Value<'_>, yes: &mut Bits, scratch: &mut Scratch) {
        yes.unite(&self.present);
        match value {
            Value::Null => yes.unite(&self.null),
            Value::Truth(truth) => {
                self.answers.truth(truth, yes);
                self.answers.text(if truth { "true" } else { "false" }, yes, scratch);
            }
            Value::Integer(integer, spelling) => {
                self.answers.integer(integer, yes);
                self.answers.text(spelling, yes, scratch);
            }
            Value::Text(text) => {
                self.answers.number_in_text(text, yes);
                self.answers.truth_in_text(text, yes);
                self.answers.text(text, yes, scratch);
            }
        }
        self.answers.rest(value, yes);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fraction cannot equal what lies beyond 2^53")]
fn float(integer: i64) -> f64 {
    integer as f64
}

/// A text as a number, if it is written with the letters of one and is not overlong.
fn numeric(text: &str) -> Option<f64> {
    let plausible = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let sound = text.len() <= 64 && text.chars().all(plausible);
    sound.then(|| text.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())
}

fn within(order: crate::sigma::modifier::Order, value: f64, limit: f64) -> bool {
    use crate::sigma::modifier::Order;
    match order {
        Order::Less => value < limit,
        Order::LessOrEqual => value <= limit,
        Order::Greater => value > limit,
        Order::GreaterOrEqual => value >= limit,
    }
}

#[expect(clippy::float_cmp, reason = "a rule asks for equality, not for nearness")]
impl Answers {
    fn truth(&self, truth: bool, yes: &mut Bits) {
        for (wanted, question) in &self.truths {
            if *wanted == truth {
                yes.insert(*question);
            }
        }
    }

    fn truth_in_text(&self, text: &str, yes: &mut Bits) {
        if text.eq_ignore_ascii_case("true") {
            self.truth(true, yes);
        } else if text.eq_ignore_ascii_case("false") {
            self.truth(false, yes);
        }
    }

    fn integer(&self, integer: i64, yes: &mut Bits) {
        for (wanted, question) in &self.numbers {
            let equal = match wanted.integer {
                Some(wanted) => wanted == integer,
                None => wanted.float == float(integer),
            };
            if equal {
                yes.insert(*question);
            }
        }
        for (wanted, question) in &self.spelt {
            if *wanted == float(integer) {
                yes.insert(*question);
            }
        }
    }

    fn number_in_text(&self, text: &str, yes: &mut Bits) {
        for (wanted, question) in &self.numbers {
            let equal = wanted.spelling == text
                || match (wanted.integer, text.parse::<i64>()) {
                    (Some(wanted), Ok(value)) => wanted == value,
                    _ => numeric(text) == Some(wanted.float),
                };
            if equal {
                yes.insert(*question);
            }
        }
    }

    /// Everything that compares texts.
    fn text(&self, text: &str, yes: &mut Bits, scratch: &mut Scratch) {
        let Scratch { folded, maybe } = scratch;
        if !self.equal_cased.is_empty() {
            for question in self.equal_cased.get(text).into_iter().flatten() {
                yes.insert(*question);
            }
        }
        let found = self.globs.as_ref().is_some_and(|globs| globs.are_near(text, maybe));
        if self.equal.is_empty() && !found {
            return;
        }
        let folded: &str = if fold_into(text, folded) { folded } else { text };
        for question in self.equal.get(folded).into_iter().flatten() {
            yes.insert(*question);
        }
        if found && let Some(globs) = &self.globs {
            globs.look(text, folded, yes, maybe);
        }
    }

    fn rest(&self, value: Value<'_>, yes: &mut Bits) {
        for (want, question) in &self.rest {
            if !yes.has(*question) && holds(want, value) {
                yes.insert(*question);
            }
        }
    }
}

/// One comparison by itself.
fn holds(want: &Want, value: Value<'_>) -> bool {
    let text = match value {
        Value::Null => return false,
        Value::Truth(true) => "true",
        Value::Truth(false) => "false",
        Value::Integer(_, text) | Value::Text(text) => text,
    };
    match want {
        Want::Text { glob, cased: true } => glob.matches(text),
        Want::Text { glob, cased: false } => glob.matches(&folded(text)),
        Want::Regex(regex) => regex.is_match(text),
        Want::Network(network) => text
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| network.contains(&address.to_canonical())),
        Want::Order(order, limit) => match value {
            Value::Integer(integer, _) => within(*order, float(integer), *limit),
            Value::Text(text) => numeric(text).is_some_and(|value| within(*order, value, *limit)),
            Value::Null | Value::Truth(_) => false,
        },
        Want::Truth(_) | Want::Number(_) => false,
    }
}

impl Globs {
    /// Notes the globs whose text is in this one. `false`: there is none, and none can match.
    fn are_near(&self, text: &str, maybe: &mut Vec<bool>) -> bool {
        maybe.clear();
        if !text.is_ascii() {
            // Letters beyond ASCII may fold into it.
            maybe.resize(self.globs.len(), true);
            return true;
        }
        self.search.find(text.as_bytes(), |number| {
            maybe.resize(self.globs.len(), false);
            if let Some(flag) = maybe.get_mut(number) {
                *flag = true;
            }
        });
        !maybe.is_empty()
    }

    fn look(&self, text: &str, folded: &str, yes: &mut Bits, maybe: &[bool]) {
        let near = self.globs.iter().zip(maybe).filter(|(_, near)| **near);
        for ((glob, cased, question), _) in near {
            if !yes.has(*question) && glob.matches(if *cased { text } else { folded }) {
                yes.insert(*question);
            }
        }
    }
}

/// A column while questions are put into it.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    branches: usize,
    asks: Vec<Asked>,
    globs: Vec<(Glob, bool, usize)>,
    answers: Answers,
}

#[derive(Debug)]
struct Asked {
    needs: Bits,
    refuses: Bits,
    present: bool,
    null: bool,
}

impl ColumnBuilder {
    /// Adds a question; gives its number in this column.
    pub(super) fn ask(&mut self, about: About) -> usize {
        let question = self.asks.len();
        let (present, null) = match about {
            About::Present => (true, false),
            About::Null => (false, true),
            About::Any(wants) => {
                for want in wants {
                    self.want(want, question);
                }
                (false, false)
            }
        };
        let (needs, refuses) = (Bits::none(self.branches), Bits::none(self.branches));
        self.asks.push(Asked { needs, refuses, present, null });
        question
    }

    /// Says that a branch wants this answer to a question.
    pub(super) fn wanted_by(&mut self, question: usize, answer: bool, branch: usize) {
        if let Some(asked) = self.asks.get_mut(question) {
            if answer { &mut asked.needs } else { &mut asked.refuses }.insert(branch);
        }
    }

    fn want(&mut self, want: Want, question: usize) {
        let answers = &mut self.answers;
        match want {
            Want::Truth(truth) => answers.truths.push((truth, question)),
            Want::Number(number) => answers.numbers.push((number, question)),
            Want::Text { glob: Glob::Equals(text), cased } => {
                answers.spelt.extend(numeric(&text).map(|number| (number, question)));
                let map = if cased { &mut answers.equal_cased } else { &mut answers.equal };
                map.entry(text).or_default().push(question);
            }
            Want::Text { glob, cased }
                if glob.needle().is_some_and(|needle| Search::takes(&folded(&needle))) =>
            {
                self.globs.push((glob, cased, question));
            }
            other => answers.rest.push((other, question)),
        }
    }

    /// Ready to be asked.
    pub(super) fn build(self) -> Column {
        let Self { branches, asks, globs, mut answers } = self;
        search(globs, &mut answers);
        let mut column = Column {
            touched: Bits::none(branches),
            needed: Vec::with_capacity(asks.len()),
            present: Bits::none(asks.len()),
            null: Bits::none(asks.len()),
            answers,
        };
        for (question, asked) in asks.into_iter().enumerate() {
            column.touched.unite(&asked.needs);
            column.touched.unite(&asked.refuses);
            if asked.present {
                column.present.insert(question);
            }
            if asked.null {
                column.null.insert(question);
            }
            column.needed.push((asked.needs, asked.refuses));
        }
        column
    }
}

/// Fewer globs are tried one after the other.
const SEARCHED_MIN: usize = 2;

fn search(globs: Vec<(Glob, bool, usize)>, answers: &mut Answers) {
    let needles: Vec<String> = globs
        .iter()
        .filter_map(|(glob, ..)| glob.needle())
        .map(|text| folded(&text).into_owned())
        .collect();
    let several = globs.len() >= SEARCHED_MIN && needles.len() == globs.len();
    match several.then(|| Search::over(&needles)).flatten() {
        Some(search) => answers.globs = Some(Globs { search, globs }),
        None => {
            let one = |(glob, cased, question)| (Want::Text { glob, cased }, question);
            answers.rest.extend(globs.into_iter().map(one));
        }
    }
}
