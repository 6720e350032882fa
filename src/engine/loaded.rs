//! A rule as it is loaded: checked, compiled, and what people are shown of it.

use std::fmt;

use time::Date;

use super::correlate::memory::document as memory;
use super::correlate::plan::{LoadedCorrelation, Plan};
use super::elsewhere::{self, Provenance};
use super::metadata::{self, Metadata};
use super::visibility::{self, never::never};
use crate::model::attack::Attack;
use crate::model::ids::RuleId;
use crate::model::level::Level;
use crate::model::rule::RuleRef;
use crate::sigma::compile::Matcher;
use crate::sigma::correlation::Correlation;
use crate::sigma::document::Rule;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::SigmaError;
use crate::sigma::lint::Severity;
use crate::sigma::metadata::{Status, Tag};
use crate::sigma::node::Place;

/// A detection rule, ready to run.
#[derive(Debug)]
pub struct LoadedRule {
    pub reference: RuleRef,
    pub document: Box<Rule>,
    pub metadata: Metadata,
    pub matcher: Matcher,
    /// Why it can never match what AKS writes, when it cannot. Only a rule that others wrote is
    /// loaded then, and asked like any other: the reason is a remark and changes no verdict.
    pub never: Option<String>,
}

/// A document that is sound but is not run by this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    pub file: String,
    pub line: u32,
    pub reason: String,
    /// It is about another log, which is no fault: a directory may hold rules for many.
    pub other_log: bool,
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// What a rule or a correlation says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    pub reference: &'a RuleRef,
    pub metadata: &'a Metadata,
    pub description: Option<&'a str>,
    pub author: Option<&'a str>,
    pub date: Option<Date>,
    /// When it was last changed, as its author says.
    pub modified: Option<Date>,
    pub status: Option<Status>,
    pub tags: &'a [Tag],
    pub falsepositives: &'a [String],
    pub references: &'a [String],
    pub file: &'a str,
    pub line: u32,
    /// It is about several events.
    pub is_correlation: bool,
    /// Why it can never match what AKS writes, when it cannot.
    pub never: Option<&'a str>,
}

impl Listed<'_> {
    /// The ATT&CK tactics and techniques it is tagged with.
    pub fn attack(&self) -> Vec<Attack> {
        let tags = self.tags.iter();
        tags.filter_map(|tag| Attack::from_tag(&format!("{}.{}", tag.namespace, tag.name)))
            .collect()
    }

    /// Its ATT&CK tactics as kebab-case words, such as `credential-access`.
    pub fn tactics(&self) -> Vec<String> {
        let tactic = |attack| match attack {
            Attack::Tactic(tactic) => Some(tactic),
            Attack::Technique(_) => None,
        };
        self.attack().into_iter().filter_map(tactic).collect()
    }

    /// Its ATT&CK techniques by the ids that its tags give, such as `T1552.007`.
    pub fn techniques(&self) -> Vec<String> {
        let technique = |attack| match attack {
            Attack::Technique(technique) => Some(technique),
            Attack::Tactic(_) => None,
        };
        self.attack().into_iter().filter_map(technique).collect()
    }
}

impl LoadedRule {
    /// Others wrote it, who know nothing of Midwatch.
    pub fn is_from_elsewhere(&self) -> bool {
        !self.document.custom.contains_key("midwatch")
    }

    /// The rule over other value lists.
    pub(super) fn over(&self, lists: &ValueLists) -> Result<Self, Vec<SigmaError>> {
        Ok(Self {
            reference: self.reference.clone(),
            document: self.document.clone(),
            metadata: self.metadata.clone(),
            matcher: Matcher::compile_with(&self.document, lists)?,
            never: self.never.clone(),
        })
    }

    /// What it says of itself.
    pub fn listed(&self) -> Listed<'_> {
        let document = &self.document;
        Listed {
            reference: &self.reference,
            metadata: &self.metadata,
            description: document.description.as_deref(),
            author: document.author.as_deref(),
            date: document.date,
            modified: document.modified,
            status: document.status,
            tags: &document.tags,
            falsepositives: &document.falsepositives,
            references: &document.references,
            file: &document.file,
            line: document.line,
            is_correlation: false,
            never: self.never.as_deref(),
        }
    }

    /// The ATT&CK tactics and techniques it is tagged with.
    pub fn attack(&self) -> Vec<Attack> {
        self.listed().attack()
    }
}

impl LoadedCorrelation {
    /// What it says of itself.
    pub fn listed(&self) -> Listed<'_> {
        let document = &self.document;
        let metadata = &document.metadata;
        Listed {
            reference: &self.reference,
            metadata: &self.metadata,
            description: metadata.description.as_deref(),
            author: metadata.author.as_deref(),
            date: metadata.date,
            modified: metadata.modified,
            status: metadata.status,
            tags: &metadata.tags,
            falsepositives: &metadata.falsepositives,
            references: &metadata.references,
            file: &document.file,
            line: document.line,
            is_correlation: true,
            never: None,
        }
    }
}

/// What every document must say of itself to be run.
struct Head<'a> {
    file: &'a str,
    line: u32,
    id: Option<&'a RuleId>,
    name: Option<&'a String>,
    title: &'a str,
    level: Option<Level>,
    /// Others wrote it: what is missing is put in.
    elsewhere: bool,
}

impl Head<'_> {
    fn read(&self, faults: &mut Vec<SigmaError>) -> (RuleId, String, Level) {
        if self.elsewhere {
            let name = self.name.map_or_else(|| stem(self.file), String::as_str);
            let id = self.id.cloned().unwrap_or_else(|| elsewhere::id(name, self.title));
            return (id, name.to_owned(), self.level.unwrap_or(elsewhere::LEVEL));
        }
        let mut fault = |reason: &str| faults.push(fault_at(self.file, self.line, reason));
        let id = self.id.cloned().unwrap_or_else(|| {
            fault(
                "the rule has no `id`; findings are derived from it, so draw a UUID once and keep it",
            );
            RuleId::new("")
        });
        let name = self.name.cloned().unwrap_or_else(|| {
            fault(&format!("the rule has no `name`; add `name: {}`", stem(self.file)));
            String::new()
        });
        let level = self.level.unwrap_or_else(|| {
            fault("the rule has no `level`; use informational, low, medium, high or critical");
            Level::Medium
        });
        (id, name, level)
    }
}

/// Checks and compiles a rule.
pub(super) fn rule(
    rule: Box<Rule>,
    provenance: Provenance,
    lists: &ValueLists,
) -> Result<LoadedRule, Vec<SigmaError>> {
    let mut faults = Vec::new();
    let attributes = rule.custom.get("midwatch");
    let elsewhere = attributes.is_none() && provenance == Provenance::Directory;
    let head = Head {
        file: &rule.file,
        line: rule.line,
        id: rule.id.as_ref(),
        name: rule.name.as_ref(),
        title: &rule.title,
        level: rule.level,
        elsewhere,
    };
    let (id, name, level) = head.read(&mut faults);
    let title = head.title.to_owned();
    let place = Place { line: rule.line, column: 1 };
    let metadata = if elsewhere {
        Ok(elsewhere::metadata())
    } else {
        metadata::read(attributes, &rule.file, place, true).map_err(|more| faults.extend(more))
    };
    faults.extend(memory::refuse(attributes, &rule.file));
    let matcher = Matcher::compile_with(&rule, lists).map_err(|more| faults.extend(more));
    if let (Ok(metadata), false) = (&metadata, elsewhere || provenance == Provenance::Embedded) {
        // What can never fire would be silent for ever: an error here, not a remark.
        let lints = visibility::lint(&rule, metadata);
        faults.extend(lints.into_iter().filter(|lint| lint.severity == Severity::Error).map(
            |lint| SigmaError { file: lint.file, line: lint.line, column: 1, reason: lint.reason },
        ));
    }
    match (metadata, matcher) {
        (Ok(metadata), Ok(matcher)) if faults.is_empty() => Ok(LoadedRule {
            reference: RuleRef { id, name, title, level, mode: metadata.mode },
            never: if elsewhere { never(&rule) } else { None },
            document: rule,
            metadata,
            matcher,
        }),
        _ => Err(faults),
    }
}

/// Checks what a correlation says of itself; its rules are found later.
pub(super) fn correlation(
    document: Box<Correlation>,
    provenance: Provenance,
) -> Result<LoadedCorrelation, Vec<SigmaError>> {
    let mut faults = Vec::new();
    let said = &document.metadata;
    let attributes = said.custom.get("midwatch");
    let elsewhere = attributes.is_none() && provenance == Provenance::Directory;
    let head = Head {
        file: &document.file,
        line: document.line,
        id: said.id.as_ref(),
        name: said.name.as_ref(),
        title: &said.title,
        level: said.level,
        elsewhere,
    };
    let (id, name, level) = head.read(&mut faults);
    let title = head.title.to_owned();
    let place = Place { line: document.line, column: 1 };
    let grouped = !document.group_by.is_empty();
    let metadata = if elsewhere {
        Ok(elsewhere::correlation_metadata(&document.group_by))
    } else {
        metadata::read(attributes, &document.file, place, grouped)
            .map_err(|more| faults.extend(more))
    };
    if let Ok(metadata) = &metadata {
        for field in metadata.dedup.iter().filter(|field| !document.group_by.contains(field)) {
            let reason = format!(
                "`midwatch.dedup` of a correlation takes fields of its `group-by`; `{field}` is none"
            );
            faults.push(fault_at(&document.file, document.line, &reason));
        }
    }
    let memory = memory::read(attributes, &document).map_err(|more| faults.extend(more));
    if let (Ok(Some(_)), Some(absent)) = (&memory, &document.absent) {
        faults.push(SigmaError {
            file: document.file.clone(),
            line: absent.place.line,
            column: absent.place.column,
            reason:
                "`midwatch.absent` cannot stand beside what the correlation remembers; write a \
                     second correlation of this one, and put it there"
                    .to_owned(),
        });
    }
    match (metadata, memory) {
        (Ok(metadata), Ok(memory)) if faults.is_empty() => Ok(LoadedCorrelation {
            reference: RuleRef { id, name, title, level, mode: metadata.mode },
            document,
            metadata,
            memory,
            plan: Plan::default(),
        }),
        _ => Err(faults),
    }
}

/// The file's name without folders and ending, which is what a rule is called.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name)
}

/// A fault at the beginning of a document.
pub(super) fn fault_at(file: &str, line: u32, reason: &str) -> SigmaError {
    SigmaError { file: file.to_owned(), line, column: 1, reason: reason.to_owned() }
}
