//! Finds the rules of correlations: resolves names, refuses what cannot work, and orders
//! correlations so that those which others are made of come first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::judge::Test;
use super::memory::Memory;
use super::microseconds;
use super::plan::{Absent, LoadedCorrelation, Plan, Source, Step, test};
use super::risk::{Risk, Share, weight};
use crate::audit::taxonomy::{Known, knows};
use crate::engine::loaded::{Listed, LoadedRule, NotRun};
use crate::engine::visibility::shows_object;
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

    /// What the correlation or rule of this name says of itself.
    fn listed(&self, name: &RuleName) -> Option<Listed<'a>> {
        let correlation = self.correlation(name).and_then(|at| self.all.get(at));
        let correlation = correlation.map(|correlation| correlation.listed());
        correlation.or_else(|| self.rule(name).map(LoadedRule::listed))
    }

    /// Correlations that rest on a rule which is not run here, directly or through others.
    fn about_other_logs(&self, foreign: &BTreeSet<String>) -> BTreeSet<usize> {
        let mut idle = BTreeSet::new();
        loop {
            let before = idle.len();
            for (at, correlation) in self.all.iter().enumerate() {
                let rests = correlation.document.members().any(|name| {
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
            let name = correlation.document.members().find(|name| {
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
        correlation.document.members().filter_map(|name| self.correlation(name)).collect()
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
        let carried = self.carry.get(at).cloned().unwrap_or_default();
        let asked = Asked::of(correlation, &carried);
        for name in document.members() {
            let Some(child) = self.correlation(name) else { continue };
            // Of what must not follow, only the group counts.
            let more = Some(&asked).filter(|_| document.rules.contains(name));
            let wanted = document.group_by.iter().chain(more.into_iter().flat_map(Asked::all));
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
        let steps = self.steps(document, &document.rules, &Asked::of(correlation, &carry));
        let absent = document.absent.as_ref().map(|absent| Absent {
            steps: self.steps(document, &absent.rules, &Asked::default()),
            within: microseconds(absent.within_seconds),
        });
        if correlation.memory.as_ref().is_some_and(Memory::needs_object) {
            self.all_show_objects(document);
        }
        let test = match test(document) {
            Ok(test) => self.weighed(document, test),
            Err(reason) => {
                self.fault(document, None, reason);
                Test::Events(Vec::new())
            }
        };
        Plan {
            ids: steps.iter().map(|step| step.id.clone()).collect(),
            steps,
            timespan: microseconds(document.timespan_seconds),
            test,
            carry,
            memory: correlation.memory.clone().map(|memory| self.remembering(memory)),
            differ: document.differ.iter().map(|field| field.text.clone()).collect(),
            absent,
        }
    }

    /// A rule whose events never show an object would be silent for ever here.
    fn all_show_objects(&mut self, document: &Correlation) {
        for name in &document.rules {
            let reason = if self.correlation(name).is_some() {
                "is a correlation, and the state of objects is read from single events; name rules"
            } else if self.rule(name).is_some_and(|rule| !shows_object(&rule.document)) {
                "is about requests of which AKS never writes the response's body, so no change \
                 would ever be seen; name a rule about writes of another kind of object"
            } else {
                continue;
            };
            self.fault(document, Some(name), format!("`{}` {reason}", name.text));
        }
    }

    /// The test with the weights of its rules, when it asks for a risk.
    fn weighed(&self, document: &Correlation, test: Test) -> Test {
        let (Some(limits), Test::Rules { bounds, .. }) = (document.risk, &test) else {
            return test;
        };
        let share = |name: &RuleName| {
            let listed = self.listed(name)?;
            let tactics = listed.tactics().into_iter().collect();
            Some(Share { weight: weight(listed.reference.level), tactics })
        };
        Test::Risk(Risk {
            bounds: bounds.clone(),
            score: limits.score,
            tactics: usize::try_from(limits.tactics).unwrap_or(usize::MAX),
            shares: document.rules.iter().map(|name| share(name).unwrap_or_default()).collect(),
        })
    }

    /// The memory with its rules found.
    fn remembering(&self, mut memory: Memory) -> Memory {
        let found = memory.remember_only.iter();
        let found = found.filter_map(|name| Some(self.listed(name)?.reference.id.clone()));
        memory.silent = found.collect();
        memory
    }

    fn steps(
        &mut self,
        document: &Correlation,
        names: &[RuleName],
        asked: &Asked<'_>,
    ) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for name in names {
            let Some(step) = self.step(document, name, asked) else { continue };
            if steps.iter().any(|other| other.id == step.id) {
                let reason = format!("`{}` is named twice, by id and by name", step.name);
                self.fault(document, Some(name), reason);
            }
            steps.push(step);
        }
        steps
    }

    fn step(&mut self, document: &Correlation, name: &RuleName, asked: &Asked<'_>) -> Option<Step> {
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
        let group_by: Vec<&String> = document.group_by.iter().collect();
        let mut sources = |wanted: &[&String]| -> Vec<Source> {
            let found = wanted.iter().map(|field| self.source(document, name, child, field));
            found.collect::<Vec<_>>().into_iter().flatten().collect()
        };
        let group = sources(&group_by);
        let carry = sources(&asked.carry);
        let differ = sources(&asked.differ);
        let mut values = Vec::new();
        for field in &asked.values {
            let normaliser = asked.memory.and_then(|memory| memory.normaliser(field));
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

/// What a correlation asks of its rules, besides the group.
#[derive(Default)]
struct Asked<'a> {
    memory: Option<&'a Memory>,
    values: Vec<&'a String>,
    carry: Vec<&'a String>,
    differ: Vec<&'a String>,
}

impl<'a> Asked<'a> {
    fn of(correlation: &'a LoadedCorrelation, carry: &'a [String]) -> Self {
        Self {
            memory: correlation.memory.as_ref(),
            values: valued(correlation).iter().collect(),
            carry: carry.iter().collect(),
            differ: correlation.document.differ.iter().map(|field| &field.text).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a String> {
        self.values.iter().chain(&self.carry).chain(&self.differ).copied()
    }
}

/// The field that a name means in the events of one rule; `None` for an alias that leaves it out.
fn resolve(document: &Correlation, rule: &RuleName, field: &str) -> Option<String> {
    match document.aliases.get(field) {
        Some(alias) => alias.get(&rule.text).cloned(),
        None => Some(field.to_owned()),
    }
}
