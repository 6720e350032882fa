//! Our own attributes of a rule, under the custom key `midwatch` of the Sigma document.

use super::correlate::memory::document as memory;
use crate::model::action;
use crate::model::rule::Mode;
use crate::sigma::correlation::extension;
use crate::sigma::error::{SigmaError, quote};
use crate::sigma::node::{Node, Place};

/// Every attribute below `midwatch`; anything else is an error, because a misspelt attribute
/// would silently mean its default.
const ATTRIBUTES: &[&str] =
    &["mode", "dedup", "window", "denied", "where", "guide", "ask", "matrix", "actions"];
/// Those that only correlations have, and that are read elsewhere; elsewhere than there they are
/// refused.
const OF_CORRELATIONS: &[&[&str]] = &[&memory::ATTRIBUTES, &extension::KEYS];
/// A dedup key of more fields folds nothing.
pub(super) const DEDUP_FIELDS_MAX: usize = 8;
/// The least that a rule written elsewhere needs; rules/README.md tells what each part means.
const TEMPLATE: &str = "midwatch: {mode: on, dedup: [user.username], guide: {questions: [Was this \
                        expected], evidence: [The event]}}";
pub(super) const DAY_SECONDS: i64 = 24 * 60 * 60;
const WINDOW_SECONDS_MAX: i64 = 30 * DAY_SECONDS;

/// What `midwatch:` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    pub mode: Mode,
    /// Field paths whose values make the key that folds findings into an alert.
    pub dedup: Vec<String>,
    /// Length of the window of event time within which findings fold; a day by default.
    pub window_seconds: i64,
    pub denied: Denied,
    pub guide: Guide,
    /// What the owner is asked, of a rule whose findings are questions first.
    pub ask: Option<Ask>,
    /// Techniques of Microsoft's threat matrix for Kubernetes, such as `MS-TA9019`.
    pub matrix: Vec<String>,
    /// Remediation actions that fit, the mildest first; names of [`action::DOCS`].
    pub actions: Vec<String>,
}

/// A question to somebody who can know whether the behaviour was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub question: String,
    pub audience: Audience,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The person whose account did it.
    Actor,
    /// Who owns the workload or the namespace.
    Owner,
    /// Who runs the cluster.
    Platform,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 3] = [Self::Actor, Self::Owner, Self::Platform];

    /// The word that rules use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Owner => "owner",
            Self::Platform => "platform",
        }
    }
}

/// What a refused attempt does to the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// One level lower.
    Lower,
    /// The same: being refused is what the rule is about.
    Keep,
}

/// How to look into an alert of this rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guide {
    pub questions: Vec<String>,
    pub evidence: Vec<String>,
}

/// Reads the attributes; all faults at once. Without `dedup_required` an alert may have no key.
pub fn read(
    node: Option<&Node>,
    file: &str,
    place: Place,
    dedup_required: bool,
) -> Result<Metadata, Vec<SigmaError>> {
    let mut faults = Faults { file, list: Vec::new() };
    let Some(node) = node else {
        faults.add(place, &format!("the rule has no `midwatch` attributes; add `{TEMPLATE}`"));
        return Err(faults.list);
    };
    for entry in node.entries() {
        let elsewhere = OF_CORRELATIONS.iter().any(|list| list.contains(&entry.key.as_str()));
        if !ATTRIBUTES.contains(&entry.key.as_str()) && !elsewhere {
            let known = ATTRIBUTES.join(", ");
            faults.add(
                entry.place,
                &format!("`midwatch.{}` is no attribute; known are {known}", entry.key),
            );
        }
    }
    let metadata = Metadata {
        mode: mode(node, &mut faults),
        dedup: dedup(node, dedup_required, &mut faults),
        window_seconds: window(node, &mut faults),
        denied: denied(node, &mut faults),
        guide: Guide {
            questions: sentences(node, "questions", &mut faults),
            evidence: sentences(node, "evidence", &mut faults),
        },
        ask: ask(node, &mut faults),
        matrix: words(node, "matrix", "ids such as MS-TA9019", &mut faults, is_matrix_id),
        actions: words(node, "actions", "names of remediation actions", &mut faults, |name| {
            action::find(name).is_some()
        }),
    };
    if faults.list.is_empty() { Ok(metadata) } else { Err(faults.list) }
}

struct Faults<'a> {
    file: &'a str,
    list: Vec<SigmaError>,
}

impl Faults<'_> {
    fn add(&mut self, place: Place, reason: &str) {
        self.list.push(SigmaError {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            reason: reason.to_owned(),
        });
    }
}

fn mode(node: &Node, faults: &mut Faults<'_>) -> Mode {
    let Some(value) = node.get("mode") else {
        faults
            .add(node.place, "`midwatch.mode` is missing; use on, opt-in, duet or building-block");
        return Mode::On;
    };
    match value.text().unwrap_or_default().parse() {
        Ok(mode) => mode,
        Err(error) => {
            faults.add(value.place, &format!("`midwatch.mode`: {error}"));
            Mode::On
        }
    }
}

fn dedup(node: &Node, required: bool, faults: &mut Faults<'_>) -> Vec<String> {
    let Some(list) = node.get("dedup") else {
        if required {
            let reason = "`midwatch.dedup` is missing; list the fields that make one alert";
            faults.add(node.place, reason);
        }
        return Vec::new();
    };
    let fields: Vec<String> =
        list.items().iter().filter_map(Node::text).map(str::to_owned).collect();
    if fields.is_empty() || fields.len() != list.items().len() || fields.len() > DEDUP_FIELDS_MAX {
        faults.add(
            list.place,
            &format!("`midwatch.dedup` must be a list of 1 to {DEDUP_FIELDS_MAX} field names"),
        );
    }
    fields
}

fn window(node: &Node, faults: &mut Faults<'_>) -> i64 {
    let Some(value) = node.get("window") else { return DAY_SECONDS };
    let seconds = value.text().and_then(seconds);
    match seconds.filter(|seconds| (60..=WINDOW_SECONDS_MAX).contains(seconds)) {
        Some(seconds) => seconds,
        None => {
            faults.add(value.place, "`midwatch.window` must be 1m to 30d, such as 30m, 24h or 7d");
            DAY_SECONDS
        }
    }
}

fn seconds(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => 60,
        'h' => 60 * 60,
        'd' => DAY_SECONDS,
        _ => return None,
    };
    let digits = text.get(..text.len().checked_sub(1)?)?;
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

fn denied(node: &Node, faults: &mut Faults<'_>) -> Denied {
    let Some(value) = node.get("denied") else { return Denied::Lower };
    match value.text() {
        Some("lower") => Denied::Lower,
        Some("keep") => Denied::Keep,
        _ => {
            faults.add(value.place, "`midwatch.denied` must be lower or keep");
            Denied::Lower
        }
    }
}

fn sentences(node: &Node, part: &str, faults: &mut Faults<'_>) -> Vec<String> {
    let list = node.get("guide").and_then(|guide| guide.get(part));
    let items: Vec<String> = list
        .map(|list| list.items().iter().filter_map(Node::text).map(str::to_owned).collect())
        .unwrap_or_default();
    if items.is_empty() {
        let place = list.map_or(node.place, |list| list.place);
        faults.add(place, &format!("`midwatch.guide.{part}` must be a list of sentences"));
    }
    items
}

fn ask(node: &Node, faults: &mut Faults<'_>) -> Option<Ask> {
    let ask = node.get("ask")?;
    let question = ask.get("question").and_then(Node::text).filter(|text| !text.trim().is_empty());
    let word = ask.get("audience").and_then(Node::text);
    let audience = Audience::ALL.into_iter().find(|audience| word == Some(audience.as_str()));
    let stray = ask.entries().iter().any(|e| !["question", "audience"].contains(&e.key.as_str()));
    match (question, audience) {
        (Some(question), Some(audience)) if !stray => {
            Some(Ask { question: question.to_owned(), audience })
        }
        _ => {
            let reason = "`midwatch.ask` must have a `question`, an `audience` (actor, owner or \
                          platform) and nothing else";
            faults.add(ask.place, reason);
            None
        }
    }
}

/// A list of words that all pass the test; none when the attribute is missing.
fn words(
    node: &Node,
    part: &str,
    wanted: &str,
    faults: &mut Faults<'_>,
    known: impl Fn(&str) -> bool,
) -> Vec<String> {
    let Some(list) = node.get(part) else { return Vec::new() };
    if list.items().is_empty() {
        faults.add(list.place, &format!("`midwatch.{part}` must be a list: {wanted}"));
    }
    let mut words = Vec::new();
    for item in list.items() {
        match item.text().filter(|word| known(word)) {
            Some(word) => words.push(word.to_owned()),
            None => {
                let word = quote(item.text().unwrap_or_default());
                faults.add(item.place, &format!("`midwatch.{part}` has {word}; use {wanted}"));
            }
        }
    }
    words
}

/// `MS-TA` and the four digits of the published matrix.
fn is_matrix_id(word: &str) -> bool {
    word.strip_prefix("MS-TA")
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
}
