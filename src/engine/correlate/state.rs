//! The windows as bytes, to be kept between two runs: a versioned twin of the state, and the way
//! there and back. It decides nothing about the events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::entry::{Entry, Witness};
use super::judge::{Placed, Verdict};
use super::memory::twin::{MemoryTwin, SightTwin};
use super::windows::{Cluster, Counts, Pending, Window, Windows};
use super::{Group, Moment};
use crate::model::finding::{Actor, ActorKind, Evidence, Outcome, Target};
use crate::model::ids::{ClusterId, RuleId, SessionKey};

/// The value of `schema`. Another meaning is another version, and the old one stays readable.
pub const SCHEMA: &str = "midwatch.windows/v2";
/// Versions that are read. Version 1 is version 2 without what was not there to be kept.
const READ: [&str; 2] = ["midwatch.windows/v1", SCHEMA];

/// Why bytes are no state. Never their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("the state is not JSON of its schema")]
    Malformed,
    #[error("the state is of another version than {SCHEMA}")]
    OtherVersion,
    #[error("the state refers to an event that it does not hold")]
    MissingEvent,
    #[error("the state has a word or a time that its schema does not know")]
    UnknownWord,
    #[error("the state cannot be written down")]
    Unwritable,
}

impl Windows {
    /// The state as bytes.
    ///
    /// # Errors
    /// A time lies beyond what RFC 3339 can say; events from a log never do.
    pub fn export(&self) -> Result<Vec<u8>, StateError> {
        let clusters: Result<_, _> = self.clusters.iter().map(|(id, c)| cluster(id, c)).collect();
        let twin = Twin {
            schema: SCHEMA.to_owned(),
            counts: CountsTwin::from(self.counts),
            clusters: clusters?,
        };
        serde_json::to_vec(&twin).map_err(|_| StateError::Unwritable)
    }

    /// The state that these bytes hold.
    ///
    /// # Errors
    /// They are no state of this version or the one before.
    pub fn import(bytes: &[u8]) -> Result<Self, StateError> {
        let Schema { schema } = serde_json::from_slice(bytes).map_err(|_| StateError::Malformed)?;
        if !READ.contains(&schema.as_str()) {
            return Err(StateError::OtherVersion);
        }
        let twin: Twin = serde_json::from_slice(bytes).map_err(|_| StateError::Malformed)?;
        let mut windows = Self { counts: twin.counts.into(), ..Self::default() };
        for twin in twin.clusters {
            windows.clusters.insert(ClusterId::new(&twin.id), twin.read()?);
        }
        Ok(windows)
    }
}

#[derive(Deserialize)]
struct Schema {
    schema: String,
}

#[derive(Serialize, Deserialize)]
struct Twin {
    schema: String,
    counts: CountsTwin,
    clusters: Vec<ClusterTwin>,
}

#[derive(Serialize, Deserialize)]
struct CountsTwin {
    taken: u64,
    repeated: u64,
    late: u64,
    ungrouped: u64,
    evicted_groups: u64,
    evicted_events: u64,
    #[serde(default)]
    learned: u64,
    #[serde(default)]
    evicted_memories: u64,
    #[serde(default)]
    given_up: u64,
}

#[derive(Serialize, Deserialize)]
struct ClusterTwin {
    id: String,
    /// Missing before any event, and in version 1.
    oldest: Option<Moment>,
    newest: Moment,
    settled: Moment,
    waiting: Vec<WaitingTwin>,
    windows: Vec<WindowTwin>,
    #[serde(default)]
    memories: Vec<MemoryTwin>,
    /// Every event once; entries name them by their place in this list.
    events: Vec<WitnessTwin>,
}

#[derive(Serialize, Deserialize)]
struct WaitingTwin {
    rule: String,
    group: Group,
    event: PlacedTwin,
}

#[derive(Serialize, Deserialize)]
struct WindowTwin {
    rule: String,
    group: Group,
    fired: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingTwin>,
    events: Vec<PlacedTwin>,
}

#[derive(Serialize, Deserialize)]
struct PendingTwin {
    moment: Moment,
    due: Moment,
    measured: String,
    chosen: Option<Vec<usize>>,
    events: Vec<PlacedTwin>,
}

#[derive(Serialize, Deserialize)]
struct PlacedTwin {
    moment: Moment,
    identity: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    absence: bool,
    steps: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    differ: BTreeMap<String, Vec<BTreeSet<String>>>,
    texts: Vec<String>,
    /// As text: a number that has gone through JSON may come back as its neighbour.
    numbers: Vec<String>,
    carried: Vec<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sight: Option<SightTwin>,
    events: Vec<usize>,
    total: u64,
}

#[derive(Serialize, Deserialize)]
struct WitnessTwin {
    audit_id: String,
    stage: String,
    time: String,
    username: String,
    kind: String,
    impersonated: Option<String>,
    source: Option<String>,
    client: String,
    /// Since the second version.
    #[serde(default)]
    session: String,
    verb: String,
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    uri: String,
    code: Option<u16>,
    outcome: String,
    dry_run: bool,
    truncated: bool,
    origin: String,
    offset: u64,
    length: u64,
}

impl From<Counts> for CountsTwin {
    fn from(counts: Counts) -> Self {
        Self {
            taken: counts.taken,
            repeated: counts.repeated,
            late: counts.late,
            ungrouped: counts.ungrouped,
            evicted_groups: counts.evicted_groups,
            evicted_events: counts.evicted_events,
            learned: counts.learned,
            evicted_memories: counts.evicted_memories,
            given_up: counts.given_up,
        }
    }
}

impl From<CountsTwin> for Counts {
    fn from(twin: CountsTwin) -> Self {
        Self {
            taken: twin.taken,
            repeated: twin.repeated,
            late: twin.late,
            ungrouped: twin.ungrouped,
            evicted_groups: twin.evicted_groups,
            evicted_events: twin.evicted_events,
            learned: twin.learned,
            evicted_memories: twin.evicted_memories,
            given_up: twin.given_up,
        }
    }
}

/// Events on their way out: each is written once.
#[derive(Default)]
struct Table {
    places: BTreeMap<*const Witness, usize>,
    events: Vec<WitnessTwin>,
}

impl Table {
    fn place(&mut self, event: &Arc<Witness>) -> Result<usize, StateError> {
        if let Some(place) = self.places.get(&Arc::as_ptr(event)) {
            return Ok(*place);
        }
        self.events.push(WitnessTwin::of(event)?);
        self.places.insert(Arc::as_ptr(event), self.events.len() - 1);
        Ok(self.events.len() - 1)
    }

    fn placed(
        &mut self,
        moment: Moment,
        identity: &str,
        entry: &Entry,
    ) -> Result<PlacedTwin, StateError> {
        let events: Result<_, _> = entry.events.iter().map(|event| self.place(event)).collect();
        Ok(PlacedTwin {
            moment,
            identity: identity.to_owned(),
            absence: entry.absence,
            steps: entry.steps.iter().map(|step| step.as_str().to_owned()).collect(),
            differ: entry
                .differ
                .iter()
                .map(|(step, values)| (step.as_str().to_owned(), values.clone()))
                .collect(),
            texts: entry.texts.iter().cloned().collect(),
            numbers: entry.numbers.iter().map(f64::to_string).collect(),
            carried: entry.carried.clone(),
            sight: entry.sight.as_ref().map(SightTwin::of),
            events: events?,
            total: entry.total,
        })
    }

    fn all(&mut self, events: &VecDeque<Placed>) -> Result<Vec<PlacedTwin>, StateError> {
        events.iter().map(|e| self.placed(e.moment, &e.identity, &e.entry)).collect()
    }
}

fn cluster(id: &ClusterId, cluster: &Cluster) -> Result<ClusterTwin, StateError> {
    let mut table = Table::default();
    let mut waiting = Vec::new();
    for (moment, arrived) in &cluster.waiting {
        for (rule, entries) in arrived {
            for ((group, identity), entry) in entries {
                let event = table.placed(*moment, identity, entry)?;
                let rule = rule.as_str().to_owned();
                waiting.push(WaitingTwin { rule, group: group.clone(), event });
            }
        }
    }
    let mut windows = Vec::new();
    for (rule, groups) in &cluster.rules {
        for (group, window) in &groups.groups {
            let events = table.all(&window.events)?;
            let pending = window.pending.as_ref().map(|pending| {
                Ok(PendingTwin {
                    moment: pending.moment,
                    due: pending.due,
                    measured: pending.verdict.measured.clone(),
                    chosen: pending.verdict.chosen.clone(),
                    events: table.all(&pending.events)?,
                })
            });
            windows.push(WindowTwin {
                rule: rule.as_str().to_owned(),
                group: group.clone(),
                fired: window.fired,
                pending: pending.transpose()?,
                events,
            });
        }
    }
    Ok(ClusterTwin {
        id: id.as_str().to_owned(),
        oldest: (cluster.oldest != Moment::MAX).then_some(cluster.oldest),
        newest: cluster.newest,
        settled: cluster.settled,
        waiting,
        windows,
        memories: cluster.memories.iter().map(|(rule, m)| MemoryTwin::of(rule, m)).collect(),
        events: table.events,
    })
}

impl ClusterTwin {
    fn read(self) -> Result<Cluster, StateError> {
        let events: Result<Vec<Arc<Witness>>, _> =
            self.events.into_iter().map(|event| event.read().map(Arc::new)).collect();
        let events = events?;
        let mut cluster =
            Cluster { newest: self.newest, settled: self.settled, ..Cluster::default() };
        cluster.memories.extend(self.memories.into_iter().map(MemoryTwin::read));
        for WaitingTwin { rule, group, event } in self.waiting {
            let Placed { moment, identity, entry } = event.read(&events)?;
            let arrived = cluster.waiting.entry(moment).or_default();
            arrived.entry(RuleId::new(rule)).or_default().insert((group, identity), entry);
        }
        let read = |placed: Vec<PlacedTwin>| -> Result<VecDeque<Placed>, StateError> {
            placed.into_iter().map(|event| event.read(&events)).collect()
        };
        for WindowTwin { rule, group, fired, pending, events: placed } in self.windows {
            let pending = pending.map(|twin| {
                let PendingTwin { moment, due, measured, chosen, events } = twin;
                let verdict = Verdict { measured, steps: None, chosen };
                Ok(Box::new(Pending { moment, due, verdict, events: read(events)? }))
            });
            let window = Window { events: read(placed)?, fired, pending: pending.transpose()? };
            cluster.rules.entry(RuleId::new(rule)).or_default().merge(group, window);
        }
        cluster.oldest = self.oldest.unwrap_or_else(|| cluster.oldest_held());
        Ok(cluster)
    }
}

impl PlacedTwin {
    fn read(self, events: &[Arc<Witness>]) -> Result<Placed, StateError> {
        let numbers: Result<Vec<f64>, _> =
            self.numbers.iter().map(|text| text.parse::<f64>()).collect();
        let named: Option<Vec<Arc<Witness>>> =
            self.events.iter().map(|place| events.get(*place).cloned()).collect();
        let entry = Entry {
            absence: self.absence,
            steps: self.steps.into_iter().map(RuleId::new).collect(),
            differ: self.differ.into_iter().map(|(step, v)| (RuleId::new(step), v)).collect(),
            texts: self.texts.into_iter().collect(),
            numbers: numbers.map_err(|_| StateError::UnknownWord)?,
            carried: self.carried,
            sight: self.sight.map(SightTwin::read),
            events: named.ok_or(StateError::MissingEvent)?,
            total: self.total,
        };
        Ok(Placed { moment: self.moment, identity: self.identity, entry })
    }
}

impl WitnessTwin {
    fn of(event: &Witness) -> Result<Self, StateError> {
        let Witness { audit_id, stage, time, actor, target, outcome, evidence, .. } = event.clone();
        Ok(Self {
            audit_id,
            stage,
            time: time.format(&Rfc3339).map_err(|_| StateError::Unwritable)?,
            username: actor.username,
            kind: actor.kind.as_str().to_owned(),
            impersonated: actor.impersonated,
            source: actor.source,
            client: actor.client,
            session: actor.session.as_str().to_owned(),
            verb: target.verb,
            api_group: target.api_group,
            resource: target.resource,
            subresource: target.subresource,
            namespace: target.namespace,
            name: target.name,
            uri: target.uri,
            code: target.code,
            outcome: outcome.as_str().to_owned(),
            dry_run: event.dry_run,
            truncated: event.truncated,
            origin: evidence.origin,
            offset: evidence.offset,
            length: evidence.length,
        })
    }

    fn read(self) -> Result<Witness, StateError> {
        const KINDS: [ActorKind; 6] = [
            ActorKind::Human,
            ActorKind::ServiceAccount,
            ActorKind::Node,
            ActorKind::Platform,
            ActorKind::Anonymous,
            ActorKind::Unknown,
        ];
        const OUTCOMES: [Outcome; 4] =
            [Outcome::Allowed, Outcome::Denied, Outcome::Failed, Outcome::Unknown];
        let kind = KINDS.into_iter().find(|kind| kind.as_str() == self.kind);
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome.as_str() == self.outcome);
        let time = OffsetDateTime::parse(&self.time, &Rfc3339);
        Ok(Witness {
            audit_id: self.audit_id,
            stage: self.stage,
            time: time.map_err(|_| StateError::UnknownWord)?,
            actor: Actor {
                username: self.username,
                kind: kind.ok_or(StateError::UnknownWord)?,
                impersonated: self.impersonated,
                source: self.source,
                client: self.client,
                session: SessionKey::new(self.session),
            },
            target: Target {
                verb: self.verb,
                api_group: self.api_group,
                resource: self.resource,
                subresource: self.subresource,
                namespace: self.namespace,
                name: self.name,
                uri: self.uri,
                code: self.code,
            },
            outcome: outcome.ok_or(StateError::UnknownWord)?,
            dry_run: self.dry_run,
            truncated: self.truncated,
            evidence: Evidence { origin: self.origin, offset: self.offset, length: self.length },
        })
    }
}
