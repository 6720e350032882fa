//! From a parsed rule to a matcher: regular expressions, networks, numbers, placeholders and
//! encodings are worked out once, and every value that cannot work is refused here.

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use super::condition::Condition;
use super::detection::{Detection, Group, Item};
use super::document::Rule;
use super::element::Block;
use super::encode::{self, ValueLists};
use super::error::{Faults, SigmaError, quote};
use super::literal::Literal;
use super::modifier::{Comparison, Flags, Order, Part, Plan};
use super::node::Kind;
use super::pattern::{Pattern, Shape, tokens};
use super::probe::{Number, Probe};

/// Bytes of a regular expression as written.
const REGEX_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a regular expression as a program; `\w{64}` takes more than one million, because `\w`
/// knows every alphabet.
const REGEX_PROGRAM_MAX: usize = 8 << 20;
/// Bytes of what matching an expression remembers to be quick; beyond it, it forgets.
const REGEX_CACHE_MAX: usize = 1 << 20;
/// Values named in the text of one clause.
const SHOWN_MAX: usize = 4;

/// A rule ready to be asked about events: the plain evaluator, which does what the rule says and
/// nothing clever. Faster ones are measured against it.
#[derive(Debug)]
pub struct Matcher {
    pub(crate) selections: Vec<Compiled>,
    pub(crate) condition: Condition,
    /// What is asked of elements of arrays besides; each must hold.
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) body: Branch,
}

#[derive(Debug)]
pub(crate) enum Branch {
    All(Vec<Branch>),
    Any(Vec<Branch>),
    Clause(Clause),
}

/// A field (or the whole event) and what is asked of it.
#[derive(Debug)]
pub(crate) struct Clause {
    /// `None` for keywords.
    pub(crate) field: Option<String>,
    /// The key and the values, for people.
    pub(crate) text: String,
    pub(crate) line: u32,
    /// For each value of the rule, the probes of which one must hold.
    pub(crate) values: Vec<Vec<Probe>>,
    pub(crate) all: bool,
    pub(crate) negated: bool,
}

impl Matcher {
    /// Compiles a rule that uses no placeholders.
    ///
    /// # Errors
    ///
    /// Every value of the rule that cannot work, with its place.
    pub fn compile(rule: &Rule) -> Result<Self, Vec<SigmaError>> {
        Self::compile_with(rule, &ValueLists::new())
    }

    /// Compiles a rule; `lists` stand for the placeholders of `expand`.
    ///
    /// # Errors
    ///
    /// Every value of the rule that cannot work, with its place; a placeholder without a list
    /// among them.
    pub fn compile_with(rule: &Rule, lists: &ValueLists) -> Result<Self, Vec<SigmaError>> {
        let mut faults = Vec::new();
        let mut blocks = Vec::new();
        for block in &rule.element_blocks {
            match Block::compile(block, &rule.file, lists) {
                Ok(block) => blocks.push(block),
                Err(more) => faults.extend(more),
            }
        }
        match Self::compile_detection(&rule.detection, &rule.file, lists) {
            Ok(matcher) if faults.is_empty() => Ok(Self { blocks, ..matcher }),
            Ok(_) => Err(faults),
            Err(mut first) => {
                first.extend(faults);
                Err(first)
            }
        }
    }

    /// Compiles the detection of a rule or of a filter.
    ///
    /// # Errors
    ///
    /// As [`Matcher::compile_with`].
    pub fn compile_detection(
        detection: &Detection,
        file: &str,
        lists: &ValueLists,
    ) -> Result<Self, Vec<SigmaError>> {
        let mut faults = Faults::new(file);
        let selections = detection
            .selections
            .iter()
            .map(|selection| Compiled {
                name: selection.name.clone(),
                body: branch(&selection.body, lists, &mut faults),
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults.into_sorted());
        }
        let condition = match detection.conditions.as_slice() {
            [one] => one.clone(),
            several => Condition::Or(several.to_vec()),
        };
        Ok(Self { selections, condition, blocks: Vec::new() })
    }
}

fn branch(group: &Group, lists: &ValueLists, faults: &mut Faults) -> Branch {
    match group {
        Group::All(parts) => {
            Branch::All(parts.iter().map(|part| branch(part, lists, faults)).collect())
        }
        Group::Any(parts) => {
            Branch::Any(parts.iter().map(|part| branch(part, lists, faults)).collect())
        }
        Group::Item(item) => Branch::Clause(clause(item, lists, faults)),
    }
}

fn clause(item: &Item, lists: &ValueLists, faults: &mut Faults) -> Clause {
    let mut values = Vec::with_capacity(item.values.len());
    for literal in &item.values {
        match probes(item, literal, lists) {
            Ok(probes) => values.push(probes),
            Err(reason) => faults.add(literal.place, reason),
        }
    }
    Clause {
        field: item.field.clone(),
        text: text(item),
        line: item.place.line,
        values,
        all: item.plan.all,
        negated: item.plan.negated,
    }
}

/// The clause in the rule's terms, such as `verb 'create' or 'update'`.
fn text(item: &Item) -> String {
    let word = if item.plan.all { " and " } else { " or " };
    let shown: Vec<String> = item.values.iter().take(SHOWN_MAX).map(Literal::shown).collect();
    let mut text = shown.join(word);
    if item.values.len() > SHOWN_MAX {
        text += &format!("{word}{} more", item.values.len() - SHOWN_MAX);
    }
    let key = super::error::bounded(&item.key, 200);
    if key.is_empty() { format!("keyword {text}") } else { format!("{key} {text}") }
}

fn probes(item: &Item, literal: &Literal, lists: &ValueLists) -> Result<Vec<Probe>, String> {
    let plan = &item.plan;
    Ok(match plan.comparison {
        Comparison::Value(shape) => return value(item, literal, shape, lists),
        Comparison::Regex(flags) => {
            let texts = if plan.expand {
                encode::expand(&literal.text, lists, regex::escape)?
            } else {
                vec![literal.text.clone()]
            };
            let compiled: Result<Vec<Probe>, String> =
                texts.iter().map(|text| regex(text, flags).map(Probe::Regex)).collect();
            compiled?
        }
        Comparison::Cidr => {
            let texts = expanded(plan, literal, lists)?;
            let networks: Result<Vec<Probe>, String> =
                texts.iter().map(|text| network(text).map(Probe::Cidr)).collect();
            networks?
        }
        Comparison::Order(order) => vec![Probe::Order(order, number(literal)?)],
        Comparison::Part(part, order) => vec![part_probe(part, order, literal)?],
        Comparison::Exists => vec![Probe::Exists(literal.kind == Kind::Bool(true))],
        Comparison::FieldRef(shape) => {
            if literal.kind != Kind::Text || literal.text.is_empty() {
                return Err("`fieldref` takes the name of another field".to_owned());
            }
            let (field, cased) = (literal.text.clone(), plan.cased);
            vec![Probe::FieldRef { field, shape, cased }]
        }
    })
}

fn expanded(plan: &Plan, literal: &Literal, lists: &ValueLists) -> Result<Vec<String>, String> {
    if plan.expand {
        encode::expand(&literal.text, lists, str::to_owned)
    } else {
        Ok(vec![literal.text.clone()])
    }
}

fn value(
    item: &Item,
    literal: &Literal,
    shape: Shape,
    lists: &ValueLists,
) -> Result<Vec<Probe>, String> {
    let plan = &item.plan;
    let bare = shape == Shape::Whole && plan.transforms.is_empty() && !plan.expand;
    match literal.kind {
        Kind::Null => return Ok(vec![Probe::Null]),
        Kind::Bool(value) if bare => return Ok(vec![Probe::Bool(value)]),
        Kind::Int(_) | Kind::Float(_) if bare => {
            let whole = match literal.kind {
                Kind::Int(value) => Some(value),
                _ => None,
            };
            let (value, text) = (number(literal)?, literal.text.clone());
            return Ok(vec![Probe::Number(Number { whole, value, text })]);
        }
        _ => {}
    }
    if literal.text.is_empty() && shape != Shape::Whole {
        return Err("the empty text is part of every text; use `exists: true`".to_owned());
    }
    let mut probes = Vec::new();
    for text in expanded(plan, literal, lists)? {
        let variants = if plan.transforms.is_empty() {
            vec![tokens(&text)]
        } else {
            encode::transform(&text, &plan.transforms)?
        };
        let patterns = variants.iter().map(|tokens| Pattern::new(tokens, shape, plan.cased));
        probes.extend(patterns.map(Probe::Pattern));
    }
    Ok(probes)
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a limit is met to within a millionth")]
fn number(literal: &Literal) -> Result<f64, String> {
    match literal.kind {
        Kind::Int(value) => Ok(value as f64),
        Kind::Float(value) => Ok(value),
        _ => Err(format!("{} is no number; write digits without quotes", quote(&literal.text))),
    }
}

fn part_probe(part: Part, order: Option<Order>, literal: &Literal) -> Result<Probe, String> {
    let (name, range) = match part {
        Part::Minute => ("minute", 0..=59),
        Part::Hour => ("hour", 0..=23),
        Part::Day => ("day", 1..=31),
        Part::Week => ("week", 1..=53),
        Part::Month => ("month", 1..=12),
        Part::Year => ("year", 1..=9999),
    };
    let value = match literal.kind {
        Kind::Int(value) => i32::try_from(value).ok().filter(|value| range.contains(value)),
        _ => None,
    };
    let (first, last) = (range.start(), range.end());
    value.map(|value| Probe::Part(part, order, value)).ok_or_else(|| {
        format!("`{name}` takes a whole number from {first} to {last}, without quotes")
    })
}

fn network(text: &str) -> Result<IpNet, String> {
    let Ok(network) = text.parse::<IpNet>() else {
        return Err(format!(
            "{} is no network; write an address and a prefix length, as 10.0.0.0/8",
            quote(text)
        ));
    };
    if network.trunc() == network {
        Ok(network)
    } else {
        Err(format!("{} has bits behind its prefix; write {}", quote(text), network.trunc()))
    }
}

fn regex(text: &str, flags: Flags) -> Result<Regex, String> {
    if text.len() > REGEX_BYTES_MAX {
        return Err("the regular expression is longer than 8 KiB; split it".to_owned());
    }
    RegexBuilder::new(text)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(REGEX_PROGRAM_MAX)
        .dfa_size_limit(REGEX_CACHE_MAX)
        .nest_limit(64)
        .build()
        .map_err(|error| regex_reason(&error))
}

fn regex_reason(error: &regex::Error) -> String {
    let text = error.to_string();
    if text.contains("look-around") {
        return "look-ahead and look-behind are not supported, because they can take for ever; \
                use a second selection with `not`"
            .to_owned();
    }
    if text.contains("backreference") {
        return "back-references are not supported, because they can take for ever; write the \
                alternatives out"
            .to_owned();
    }
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "the regular expression grows too large; lower its repetitions".to_owned();
    }
    let last = text.lines().last().unwrap_or_default();
    let detail = last.strip_prefix("error: ").unwrap_or(last);
    format!("not a regular expression: {}", super::error::bounded(detail, 200))
}
