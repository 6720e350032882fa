//! Finds the rules of correlations: resolves names, refuses what cannot work, and orders
//! correlations so that those which others are made of come first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::judge::Test;
use super::memory::Memory;
use super::plan::{LoadedCorrelation, Plan, Source, Step, test};
use super::{Moment, SECOND};
use crate::audit::taxonomy::{Known, knows};
use crate::engine::loaded::{LoadedRule, NotRun};
use crate::sigma::correlation::{Correlation, RuleName};
use crate::sigma::error::SigmaError;

/// What linking came to.
#[derive(Debug, Default)]
pub(in crate::engine) struct Linked {
    /// Those that others are made of come first.
    pub correlations: Vec<Arc<LoadedCorrelation>>,
    pub not_run: Vec<NotRun>,
    pub faults: Vec<SigmaError>,
}

/// Finds the rules of every correlation. `foreign` has names and ids of rules about other logs.
pub(in crate::engine) fn link(
    rules: &[Arc<LoadedRule>],
    foreign: &BTreeSet<String>,
    correlations: &[Arc<LoadedCorrelation>],
) -> Linked {
    let mut linker = Linker {
        rules: BTreeMap::new(),
        correlations: BTreeMap::new(),
        carry: vec![Vec::new(); correlations.len()],
        all: correlations,
        faults: Vec::new(),
    };
    for rule in rules {
        linker.rules.insert(&rule.reference.name, rule);
        linker.rules.insert(rule.reference.id.as_str(), rule);
    }
    for (at, correlation) in correlations.iter().enumerate() {
        linker.correlations.insert(&correlation.reference.name, at);
        linker.correlations.insert(correlation.reference.id.as_str(), at);
    }
    let mut linked = Linked::default();
    let idle = linker.about_other_logs(foreign);
    let order = linker.order(&idle);
    for at in order.iter().rev() {
        linker.ask_for(*at);
    }
    for at in order {
        if let Some(correlation) = correlations.get(at) {
            let plan = linker.plan(at, correlation);
            let mut loaded = LoadedCorrelation::clone(correlation);
            loaded.plan = plan;
            linked.correlations.push(Arc::new(loaded));
        }
    }
    linked.not_run = idle.iter().filter_map(|at| correlations.get(*at)).map(not_run).collect();
    linked.faults = linker.faults;
    linked
}

fn not_run(correlation: &Arc<LoadedCorrelation>) -> NotRun {
    NotRun {
        file: correlation.document.file.clone(),
        line: correlation.document.line,
        reason: "it correlates rules about other logs than kubernetes/audit".to_owned(),
        other_log: false,
    }
}

struct Linker<'a> {
    rules: BTreeMap<&'a str, &'a LoadedRule>,
    correlations: BTreeMap<&'a str, usize>,
    /// By correlation, what those above it ask for.
    carry: Vec<Vec<String>>,
    all: &'a [Arc<LoadedCorrelation>],
    faults: Vec<SigmaError>,
}

impl<'a> Linker<'a> {
    fn fault(&mut self, document: &Correlation, name: Option<&RuleName>, reason: String) {
        let (line, column) =
            name.map_or((document.line, 1), |name| (name.place.line, name.place.column));
        self.faults.push(SigmaError { file: document.file.clone(), line, column, reason });
    }

    fn correlation(&self, name: &RuleName) -> Option<usize> {
        let lower = name.text.to_lowercase();
        let found = self.correlations.get(name.text.as_str());
        found.or_else(|| self.correlations.get(lower.as_str())).copied()
    }

    fn rule(&self, name: &RuleName) -> Option<&'a LoadedRule> {
        let lower = name.text.to_lowercase();
        let found = self.rules.get(name.text.as_str());
        found.or_else(|| self.rules.get(lower.as_str())).copied()
    }

    /// Correlations that rest on a rule which is not run here, directly or through others.
    fn about_other_logs(&self, foreign: &BTreeSet<String>) -> BTreeSet<usize> {
        let mut idle = BTreeSet::new();
        loop {
            let before = idle.len();
            for (at, correlation) in self.all.iter().enumerate() {
                let rests = correlation.document.rules.iter().any(|name| {
                    let unknown = self.rule(name).is_none() && self.correlation(name).is_none();
                    (unknown && foreign.contains(&name.text.to_lowercase()))
                        || self.correlation(name).is_some_and(|child| idle.contains(&child))
                });
                if rests {
                    idle.insert(at);
                }
            }
            if idle.len() == before {
                return idle;
            }
        }
    }

    /// Children first, then by name. A correlation on a circle is a fault.
    fn order(&mut self, idle: &BTreeSet<usize>) -> Vec<usize> {
        let mut order = Vec::new();
        let mut placed = BTreeSet::new();
        let mut left: BTreeSet<usize> =
            (0..self.all.len()).filter(|at| !idle.contains(at)).collect();
        while !left.is_empty() {
            let ready: Vec<usize> = left
                .iter()
                .copied()
                .filter(|at| self.children(*at).iter().all(|child| placed.contains(child)))
                .collect();
            if ready.is_empty() {
                break;
            }
            for at in ready {
                left.remove(&at);
                placed.insert(at);
                order.push(at);
            }
        }
        let stuck: Vec<usize> = left.into_iter().filter(|at| self.reaches(*at, *at)).collect();
        for at in stuck {
            let Some(correlation) = self.all.get(at) else { continue };
            let name = correlation.document.rules.iter().find(|name| {
                let child = self.correlation(name);
                child.is_some_and(|child| child == at || self.reaches(child, at))
            });
            let reason = format!(
                "`{}` is made of itself through `{}`; remove one of the references",
                correlation.reference.name,
                name.map(|name| name.text.as_str()).unwrap_or_default()
            );
            self.fault(&correlation.document, name, reason);
        }
        order
    }

    fn children(&self, at: usize) -> Vec<usize> {
        let Some(correlation) = self.all.get(at) else { return Vec::new() };
        correlation.document.rules.iter().filter_map(|name| self.correlation(name)).collect()
    }

    /// Whether `to` is among what `from` is made of.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = self.children(from);
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                next.extend(self.children(at));
            }
        }
        false
    }

    /// Tells the correlations below what this one needs of them.
    fn ask_for(&mut self, at: usize) {
        let Some(correlation) = self.all.get(at) else { return };
        let document = &correlation.document;
        for name in &document.rules {
            let Some(child) = self.correlation(name) else { continue };
            let carried = self.carry.get(at).cloned().unwrap_or_default();
            let differ = document.differ.iter().map(|field| &field.text);
            let wanted = document.group_by.iter().chain(valued(correlation)).chain(&carried);
            let wanted = wanted.chain(differ);
            let wanted: Vec<String> =
                wanted.filter_map(|field| resolve(document, name, field)).collect();
            let known = self.all.get(child).map(|child| child.document.group_by.as_slice());
            for field in wanted {
                if known.is_some_and(|known| known.contains(&field)) {
                    continue;
                }
                if let Some(carry) = self.carry.get_mut(child)
                    && !carry.contains(&field)
                {
                    carry.push(field);
                }
            }
        }
    }

    fn plan(&mut self, at: usize, correlation: &LoadedCorrelation) -> Plan {
        let document = &correlation.document;
        let carry = self.carry.get(at).cloned().unwrap_or_default();
        let steps: Vec<Step> =
            document.rules.iter().filter_map(|name| self.step(correlation, name, &carry)).collect();
        for (at, step) in steps.iter().enumerate() {
            if steps.iter().take(at).any(|other| other.id == step.id) {
                let reason = format!("`{}` is named twice, by id and by name", step.name);
                self.fault(document, document.rules.get(at), reason);
            }
        }
        let test = match test(document) {
            Ok(test) => test,
            Err(reason) => {
                self.fault(document, None, reason);
                Test::Events(Vec::new())
            }
        };
        let seconds = Moment::try_from(document.timespan_seconds).unwrap_or(Moment::MAX);
        Plan {
            ids: steps.iter().map(|step| step.id.clone()).collect(),
            steps,
            timespan: seconds.saturating_mul(SECOND),
            test,
            carry,
            memory: correlation.memory.clone().map(|memory| self.remembering(memory)),
            differ: document.differ.iter().map(|field| field.text.clone()).collect(),
        }
    }

    /// The memory with its rules found.
    fn remembering(&self, mut memory: Memory) -> Memory {
        let found = memory.remember_only.iter().filter_map(|name| {
            let child = self.correlation(name).and_then(|at| self.all.get(at));
            let child = child.map(|child| child.reference.id.clone());
            child.or_else(|| self.rule(name).map(|rule| rule.reference.id.clone()))
        });
        memory.silent = found.collect();
        memory
    }

    fn step(
        &mut self,
        correlation: &LoadedCorrelation,
        name: &RuleName,
        carry: &[String],
    ) -> Option<Step> {
        let document = &correlation.document;
        let (id, called, child) = match (self.correlation(name), self.rule(name)) {
            (Some(at), _) => {
                let child = self.all.get(at)?;
                (child.reference.id.clone(), child.reference.name.clone(), Some(at))
            }
            (None, Some(rule)) => (rule.reference.id.clone(), rule.reference.name.clone(), None),
            (None, None) => {
                let reason = format!("there is no rule `{}`; name one by id or name", name.text);
                self.fault(document, Some(name), reason);
                return None;
            }
        };
        let mut sources = |wanted: &mut dyn Iterator<Item = &String>| -> Vec<Source> {
            let named: Vec<&String> = wanted.collect();
            named
                .into_iter()
                .filter_map(|field| self.source(document, name, child, field))
                .collect()
        };
        let group = sources(&mut document.group_by.iter());
        let carry = sources(&mut carry.iter());
        let differ = sources(&mut document.differ.iter().map(|field| &field.text));
        let mut values = Vec::new();
        for field in valued(correlation) {
            let normaliser = correlation.memory.as_ref().and_then(|m| m.normaliser(field));
            let source = self.source(document, name, child, field);
            values.extend(source.map(|source| match (source, normaliser) {
                (Source::Field(field), Some(with)) => Source::Normalised(field, with),
                (source, _) => source,
            }));
            if normaliser.is_some() && child.is_some() {
                let reason = format!(
                    "`{}` is a correlation, and `normalise` is for fields of events; remember \
                     rules instead",
                    name.text
                );
                self.fault(document, Some(name), reason);
            }
        }
        Some(Step { group, values, carry, differ, id, name: called })
    }

    fn source(
        &mut self,
        document: &Correlation,
        name: &RuleName,
        child: Option<usize>,
        field: &str,
    ) -> Option<Source> {
        let Some(resolved) = resolve(document, name, field) else {
            let reason = format!(
                "the alias `{field}` does not say which field of `{}` it stands for",
                name.text
            );
            self.fault(document, Some(name), reason);
            return None;
        };
        if let Some(child) = child {
            let groups = self.all.get(child).map(|child| child.document.group_by.as_slice());
            let at = |list: &[String]| list.iter().position(|known| *known == resolved);
            let group = groups.and_then(at).map(Source::Group);
            return group
                .or_else(|| self.carry.get(child).and_then(|c| at(c)).map(Source::Carried));
        }
        if matches!(knows(&resolved), Known::Unknown) {
            let reason = format!("no event has `{resolved}`; see docs/reference/fields.md");
            self.fault(document, Some(name), reason);
        }
        Some(Source::Field(resolved))
    }
}

/// The fields whose values count, or are remembered.
fn valued(correlation: &LoadedCorrelation) -> &[String] {
    match &correlation.memory {
        Some(memory) => memory.fields(),
        None => correlation.document.fields(),
    }
}

/// The field that a name means in the events of one rule; `None` for an alias that leaves it out.
fn resolve(document: &Correlation, rule: &RuleName, field: &str) -> Option<String> {
    match document.aliases.get(field) {
        Some(alias) => alias.get(&rule.text).cloned(),
        None => Some(field.to_owned()),
    }
}
