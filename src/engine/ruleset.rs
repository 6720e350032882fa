//! Rules, loaded and compiled once. A rule that cannot be used is a problem with file, line and
//! reason, never a rule that silently does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

pub use super::correlate::plan::LoadedCorrelation;
pub use super::elsewhere::Provenance;
pub use super::loaded::{Listed, LoadedRule, NotRun};

use super::correlate::link::{Linked, link};
use super::elsewhere;
use super::fast::{AskedRule, FastPath};
use super::loaded::{self, fault_at};
use super::mapped;
use super::tuning::exceptions;
use super::tuning::filters;
use super::tuning::lists::Lists;
use super::tuning::{KnownRules, Tuning};
use crate::model::ids::RuleId;
use crate::model::rule::{Mode, RuleRef};
use crate::sigma::document::{Document, Rule, parse};
use crate::sigma::error::SigmaError;
use crate::sigma::value_list::ListMode;

/// Rule documents in one set, at most; more is a mistake in a path rather than a rule set.
const RULES_MAX: usize = 10_000;

/// A rule file by name and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// Path as people would name it, for messages.
    pub path: String,
    pub text: String,
}

/// Rules by name, each compiled. Cheap to clone: the rules are shared.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Arc<LoadedRule>>,
    /// Loaded, and not asked.
    idle: Vec<Arc<LoadedRule>>,
    /// All correlations; those that others are made of come first.
    correlations: Vec<Arc<LoadedCorrelation>>,
    /// Correlations that are loaded, and not told of.
    untold: BTreeSet<RuleId>,
    /// Correlations that are evaluated: those told of, and what they are made of.
    running: Vec<Arc<LoadedCorrelation>>,
    /// Rules that the running correlations are made of.
    correlated: Vec<Arc<LoadedRule>>,
    /// What correlations are made of, and that is not told by itself.
    silenced: BTreeSet<RuleId>,
    /// Names and ids of rules about other logs.
    foreign: BTreeSet<String>,
    not_run: Vec<NotRun>,
    /// The rules that are asked, compiled together when they are first needed.
    fast: Arc<OnceLock<FastPath>>,
    /// Filters, exceptions and value lists.
    tuning: Tuning,
}

impl RuleSet {
    /// Parses and compiles, with everything demanded that is demanded of our own rules; all
    /// faults of all files at once.
    pub fn load(sources: &[RuleSource]) -> Result<Self, Vec<SigmaError>> {
        let (set, faults) = Self::load_sound(sources, Provenance::Shipped);
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// The rules of a directory alone; rules that others wrote need not know Midwatch.
    pub fn of_directory(sources: &[RuleSource]) -> Result<Self, Vec<SigmaError>> {
        let (set, faults) = Self::load_sound(sources, Provenance::Directory);
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// The rules that are sound, and all faults of all others: for whoever checks rules rather
    /// than runs them. Whether correlations find their rules can be told only when every document
    /// is sound; until then one that does not is left out.
    pub fn load_sound(sources: &[RuleSource], provenance: Provenance) -> (Self, Vec<SigmaError>) {
        // What lies in a directory may name what ships, even where that is not asked.
        let shipped = match provenance {
            Provenance::Shipped | Provenance::Embedded => Self::default(),
            Provenance::Directory if sources.iter().any(may_name_others) => {
                Self::builtin().unwrap_or_default()
            }
            // Loading what ships takes longer than a small scan.
            Provenance::Directory => Self::default(),
        };
        let lists = &shipped.tuning.lists;
        let (mut set, mut faults) = Self::parse(sources, provenance, &Self::default(), lists);
        if let Err(more) = set.link(&shipped)
            && faults.is_empty()
        {
            faults = more;
        }
        (set, faults)
    }

    /// These rules with a directory's on top: a rule of the same name replaces one of these, any
    /// other is added.
    pub fn with(mut self, extra: &[RuleSource]) -> Result<Self, Vec<SigmaError>> {
        let (over, mut faults) =
            Self::parse(extra, Provenance::Directory, &self, &self.tuning.lists);
        let replaced: BTreeSet<&str> =
            over.listed().map(|rule| rule.reference.name.as_str()).collect();
        self.rules.retain(|rule| !replaced.contains(rule.reference.name.as_str()));
        self.correlations.retain(|rule| !replaced.contains(rule.reference.name.as_str()));
        for rule in over.listed() {
            if let Some(twin) = self.listed().find(|b| b.reference.id == rule.reference.id) {
                let reason = format!(
                    "the id is that of the shipped rule `{}`; draw a new UUID, or keep the name \
                     to replace it",
                    twin.reference.name
                );
                faults.push(fault_at(rule.file, rule.line, &reason));
            }
        }
        faults.extend(self.over_lists(over.tuning.lists));
        if !faults.is_empty() {
            return Err(faults);
        }
        self.tuning.filters.extend(over.tuning.filters);
        self.tuning.exceptions.extend(over.tuning.exceptions);
        self.rules.extend(over.rules);
        self.rules.sort_by(|a, b| a.reference.name.cmp(&b.reference.name));
        self.correlations.extend(over.correlations);
        self.foreign.extend(over.foreign);
        self.not_run.extend(over.not_run);
        self.link(&Self::default())?;
        Ok(self)
    }

    /// The rules that are asked about events, ordered by name.
    pub fn rules(&self) -> &[Arc<LoadedRule>] {
        &self.rules
    }

    /// The rules about single events that are loaded, asked or not.
    pub(super) fn loaded(&self) -> impl Iterator<Item = &LoadedRule> {
        self.rules.iter().chain(&self.idle).map(AsRef::as_ref)
    }

    /// Every correlation, told of or not.
    pub(super) fn loaded_correlations(&self) -> impl Iterator<Item = &LoadedCorrelation> {
        self.correlations.iter().map(AsRef::as_ref)
    }

    /// The correlations that are told of.
    pub fn correlations(&self) -> impl Iterator<Item = &LoadedCorrelation> {
        self.running.iter().map(AsRef::as_ref).filter(|rule| self.tells(&rule.reference.id))
    }

    /// What a caller that runs no correlations has to say of it; `None` when there are none to run.
    pub fn unheard(&self) -> Option<String> {
        let count = self.correlations().count();
        (count > 0).then(|| {
            format!(
                "{count} correlation rules are not run here: their windows need storage, which is not \
                 built yet; `midwatch scan` runs them"
            )
        })
    }

    /// The rules that make findings of single events.
    pub fn telling(&self) -> impl Iterator<Item = &LoadedRule> {
        let rules = self.rules.iter().map(AsRef::as_ref);
        rules.filter(|rule| !self.silenced.contains(&rule.reference.id))
    }

    /// Correlations that are evaluated; those that others are made of come first.
    pub(super) fn running(&self) -> impl Iterator<Item = &LoadedCorrelation> {
        self.running.iter().map(AsRef::as_ref)
    }

    /// The rules whose events go into correlations.
    pub(super) fn correlated(&self) -> impl Iterator<Item = &LoadedRule> {
        self.correlated.iter().map(AsRef::as_ref)
    }

    /// The rules that are asked, compiled together for the fast path: once, at the first call.
    pub fn fast(&self) -> &FastPath {
        self.fast.get_or_init(|| FastPath::compile(self))
    }

    /// The rules that are asked about events, and what for: those that make findings of their own
    /// first, in the order of [`RuleSet::telling`].
    pub(super) fn asked(&self) -> Vec<AskedRule> {
        let correlated: BTreeSet<&RuleId> =
            self.correlated.iter().map(|rule| &rule.reference.id).collect();
        let telling = |rule: &&Arc<LoadedRule>| !self.silenced.contains(&rule.reference.id);
        let told = self.rules.iter().filter(telling).map(|rule| AskedRule {
            rule: Arc::clone(rule),
            tells: true,
            correlates: correlated.contains(&rule.reference.id),
        });
        let mut asked: Vec<AskedRule> = told.collect();
        let known: BTreeSet<RuleId> =
            asked.iter().map(|asked| asked.rule.reference.id.clone()).collect();
        let more = self.correlated.iter().filter(|rule| !known.contains(&rule.reference.id));
        asked.extend(more.map(|rule| AskedRule {
            rule: Arc::clone(rule),
            tells: false,
            correlates: true,
        }));
        asked
    }

    /// Whether a correlation that fires is told of.
    pub(super) fn tells(&self, correlation: &RuleId) -> bool {
        !self.untold.contains(correlation) && !self.silenced.contains(correlation)
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&LoadedRule> {
        self.rules.iter().find(|rule| rule.reference.name == name).map(Arc::as_ref)
    }

    /// The correlation of this name.
    pub fn correlation(&self, name: &str) -> Option<&LoadedCorrelation> {
        self.correlations.iter().find(|rule| rule.reference.name == name).map(Arc::as_ref)
    }

    /// Documents that parsed and were validated, and that this version does not run.
    pub fn not_run(&self) -> &[NotRun] {
        &self.not_run
    }

    /// Everything that is loaded, ordered by name, and whether it is asked about events.
    pub fn catalogue(&self) -> Vec<(Listed<'_>, bool)> {
        let asked = self.rules.iter().map(|rule| (rule.listed(), true));
        let idle = self.idle.iter().map(|rule| (rule.listed(), false));
        let correlations = self
            .correlations
            .iter()
            .map(|rule| (rule.listed(), !self.untold.contains(&rule.reference.id)));
        let mut all: Vec<_> = asked.chain(idle).chain(correlations).collect();
        all.sort_by(|(a, _), (b, _)| a.reference.name.cmp(&b.reference.name));
        all
    }

    /// Asks only the rules that `keep` accepts; the others stay in the catalogue.
    #[must_use]
    pub fn asking_only(mut self, keep: impl Fn(&RuleRef) -> bool) -> Self {
        let (rules, more) = self.rules.into_iter().partition(|rule| keep(&rule.reference));
        self.rules = rules;
        self.idle.extend(more);
        let dropped = self.correlations.iter().filter(|rule| !keep(&rule.reference));
        self.untold.extend(dropped.map(|rule| rule.reference.id.clone()));
        self.choose();
        self
    }

    /// Runs no correlation: what they are made of is told by itself again. They stay in the
    /// catalogue.
    #[must_use]
    pub fn without_correlations(mut self) -> Self {
        self.untold.extend(self.correlations.iter().map(|rule| rule.reference.id.clone()));
        self.choose();
        self
    }

    fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        let correlations = self.correlations.iter().map(|rule| rule.listed());
        self.rules.iter().map(|rule| rule.listed()).chain(correlations)
    }

    /// `beneath` is what these rules will lie on; a name that a rule was given may not hide one of it.
    fn parse(
        sources: &[RuleSource],
        provenance: Provenance,
        beneath: &Self,
        lists_beneath: &Lists,
    ) -> (Self, Vec<SigmaError>) {
        let mut set = Self::default();
        let (mappings, mut faults) = mapped::mappings(sources, provenance);
        let mut lists = Vec::new();
        let mut files = Vec::new();
        for source in sources {
            match parse(&source.text, &source.path) {
                Ok(documents) => {
                    let mut rest = Vec::new();
                    for mut document in documents {
                        mappings.apply(&mut document);
                        match document {
                            Document::List(list) => lists.push(*list),
                            other => rest.push(other),
                        }
                    }
                    files.push((source, rest));
                }
                Err(more) => faults.extend(more),
            }
        }
        // All lists come first: a rule may ask for one that stands in a later file.
        // A directory that stands alone may hold the shipped ones itself.
        let alone = beneath.rules.is_empty();
        let defined = lists.iter().filter(|list| alone && list.mode == ListMode::Define);
        let beneath_it = lists_beneath.without(defined.map(|list| list.name.as_str()));
        set.tuning.lists = beneath_it.with(lists, &mut faults);
        for (source, documents) in files {
            for document in documents {
                set.take(document, provenance, &mut faults);
            }
            if set.rules.len() + set.correlations.len() > RULES_MAX {
                let reason = format!("more than {RULES_MAX} rules; load a smaller directory");
                faults.push(fault_at(&source.path, 1, &reason));
                break;
            }
        }
        let taken = beneath.listed().map(|rule| rule.reference.name.clone()).collect();
        elsewhere::tell_apart(&mut set.rules, &mut set.correlations, taken);
        set.rules.sort_by(|a, b| a.reference.name.cmp(&b.reference.name));
        faults.extend(duplicates(set.listed()));
        (set, faults)
    }

    fn take(&mut self, document: Document, provenance: Provenance, faults: &mut Vec<SigmaError>) {
        match document {
            Document::Rule(rule) => {
                if let Some(reason) = foreign(&rule) {
                    self.foreign.extend(rule.id.as_ref().map(|id| id.as_str().to_lowercase()));
                    self.foreign.extend(rule.name.as_ref().map(|name| name.to_lowercase()));
                    let (file, line) = (rule.file, rule.line);
                    self.not_run.push(NotRun { file, line, reason, other_log: true });
                    return;
                }
                match loaded::rule(rule, provenance, &self.tuning.lists.values) {
                    Ok(rule) => self.rules.push(Arc::new(rule)),
                    Err(more) => faults.extend(more),
                }
            }
            Document::Correlation(correlation) => {
                match loaded::correlation(correlation, provenance) {
                    Ok(rule) => self.correlations.push(Arc::new(rule)),
                    Err(more) => faults.extend(more),
                }
            }
            Document::Filter(filter) => {
                if let Some(reason) = filters::foreign(&filter) {
                    let (file, line) = (filter.file, filter.line);
                    self.not_run.push(NotRun { file, line, reason, other_log: true });
                    return;
                }
                match filters::load(filter, &self.tuning.lists.values) {
                    Ok(filter) => self.tuning.filters.push(Arc::new(filter)),
                    Err(more) => faults.extend(more),
                }
            }
            Document::Exception(exception) => {
                match exceptions::load(exception, &self.tuning.lists.values) {
                    Ok(exception) => self.tuning.exceptions.push(Arc::new(exception)),
                    Err(more) => faults.extend(more),
                }
            }
            // Mappings and lists were read before everything else.
            Document::Mapping(_) | Document::List(_) => {}
        }
    }

    /// Finds what correlations are made of, and whom filters and exceptions are for.
    fn link(&mut self, also_known: &Self) -> Result<(), Vec<SigmaError>> {
        self.correlations.sort_by(|a, b| a.reference.name.cmp(&b.reference.name));
        let Linked { correlations, not_run, faults } =
            link(&self.rules, &self.foreign, &self.correlations);
        if !faults.is_empty() {
            self.correlations.clear();
            return Err(faults);
        }
        self.correlations = correlations;
        self.not_run.extend(not_run);
        self.choose();
        let known = KnownRules {
            rules: &self.rules,
            correlations: &self.correlations,
            foreign: &self.foreign,
            idle: &also_known.rules,
            idle_correlations: &also_known.correlations,
        };
        self.tuning.link(&known)
    }

    /// Works out what has to run for the correlations that are told of.
    fn choose(&mut self) {
        let mut needed: BTreeSet<&RuleId> = BTreeSet::new();
        let mut aloud: BTreeSet<&RuleId> = BTreeSet::new();
        // A risk is made of rules that also tell for themselves, those that do.
        let mut hushed: BTreeSet<&RuleId> = BTreeSet::new();
        let mut not_to_follow: BTreeSet<&RuleId> = BTreeSet::new();
        let mut running = Vec::new();
        // Backwards, a correlation comes before what it is made of.
        for correlation in self.correlations.iter().rev() {
            let id = &correlation.reference.id;
            let is_part = needed.contains(id) || not_to_follow.contains(id);
            if self.untold.contains(id) && !is_part {
                continue;
            }
            running.push(Arc::clone(correlation));
            needed.extend(correlation.plan.made_of());
            if correlation.document.risk.is_none() {
                hushed.extend(correlation.plan.made_of());
            }
            not_to_follow.extend(correlation.plan.not_to_follow());
            if correlation.document.generate {
                aloud.extend(correlation.plan.made_of());
            }
        }
        running.reverse();
        let all = self.rules.iter().chain(&self.idle);
        let correlated: Vec<_> = all
            .filter(|rule| {
                let id = &rule.reference.id;
                needed.contains(id) || not_to_follow.contains(id)
            })
            .cloned()
            .collect();
        // What must not follow is no part of what the correlation tells, so a rule that tells by
        // itself goes on.
        let blocks = correlated.iter().map(|rule| &rule.reference);
        let blocks = blocks.filter(|rule| rule.mode == Mode::BuildingBlock).map(|rule| &rule.id);
        let blocks = blocks.filter(|id| not_to_follow.contains(id));
        let parts = hushed.iter().copied().filter(|id| !aloud.contains(id));
        let silenced = parts.chain(blocks).cloned().collect();
        self.running = running;
        self.correlated = correlated;
        self.silenced = silenced;
        self.fast = Arc::default();
    }
}

/// Whether a file may hold a document that names rules or lists of other files. Plain rules, which
/// most are, name none; what is not certain counts.
fn may_name_others(source: &RuleSource) -> bool {
    const KINDS: [&str; 3] = ["correlation", "filter", "midwatch_"];
    let kind = |line: &str| {
        let line = line.trim_start_matches(['-', ' ', '\u{feff}']);
        KINDS.iter().any(|kind| line.starts_with(kind) && line.contains(':'))
            || line.starts_with(['"', '\'', '{', '?'])
    };
    let top = |line: &str| !line.starts_with(' ') || line.trim_start().starts_with('{');
    source.text.contains("expand") || source.text.lines().any(|line| top(line) && kind(line))
}

/// Why a rule is about something else than Kubernetes audit events, when it is.
fn foreign(rule: &Rule) -> Option<String> {
    let source = &rule.logsource;
    let ours = source.product.as_deref() == Some("kubernetes")
        && match source.service.as_deref() {
            None => matches!(source.category.as_deref(), None | Some("audit")),
            // `application` is what many public rules for the audit log say beside the service.
            Some("audit") => {
                matches!(source.category.as_deref(), None | Some("audit" | "application"))
            }
            Some(_) => false,
        };
    (!ours).then(|| "its logsource is not kubernetes/audit, which is all this version reads".into())
}

fn duplicates<'a>(rules: impl Iterator<Item = Listed<'a>>) -> Vec<SigmaError> {
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for rule in rules {
        if let Some(first) = ids.insert(rule.reference.id.as_str(), rule.file) {
            let reason = format!("the id is taken by {first}; draw a new UUID");
            faults.push(fault_at(rule.file, rule.line, &reason));
        }
        if let Some(first) = names.insert(&rule.reference.name, rule.file) {
            let reason = format!("the name is taken by {first}; names are unique");
            faults.push(fault_at(rule.file, rule.line, &reason));
        }
    }
    faults
}

mod tuned;

#[cfg(test)]
mod tests;
