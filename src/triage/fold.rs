//! Folds findings into alerts. Pure, and indifferent to how the findings were cut into batches:
//! any order of the same findings comes to the same alert.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::model::alert::{Alert, AlertState, CloseReason};
use crate::model::finding::Finding;
use crate::model::ids::{AlertId, FindingId};

/// Groups findings by the alert they belong to, each finding once, in the order given.
pub fn by_alert(findings: Vec<Finding>) -> BTreeMap<AlertId, Vec<Finding>> {
    let mut seen = BTreeSet::new();
    let mut groups: BTreeMap<AlertId, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        if seen.insert(finding.id.clone()) {
            groups.entry(finding.alert.clone()).or_default().push(finding);
        }
    }
    groups
}

/// Folds findings that are not stored yet into their alert, which is `None` when they are the
/// first. `now` becomes the recording time of a new alert. `None` when there is nothing to fold.
///
/// The caller has removed what is stored already: folding the same finding twice counts it twice.
pub fn fold(alert: Option<Alert>, new: &[Finding], now: OffsetDateTime) -> Option<Alert> {
    let mut folded = alert;
    for finding in new {
        folded = Some(match folded {
            None => opened_by(finding, now),
            Some(alert) => with(alert, finding),
        });
    }
    folded
}

/// The findings among `batch` that are not stored yet.
pub fn unknown(batch: &[Finding], stored: &BTreeSet<FindingId>) -> Vec<Finding> {
    batch.iter().filter(|finding| !stored.contains(&finding.id)).cloned().collect()
}

/// The alert of a first finding. One that an exception accepts raises none: it is kept closed,
/// where whoever looks for it finds it, and nobody is told.
fn opened_by(finding: &Finding, now: OffsetDateTime) -> Alert {
    let excepted = finding.excepted.is_some();
    Alert {
        id: finding.alert.clone(),
        rule: finding.rule.clone(),
        cluster: finding.cluster.clone(),
        dedup: finding.dedup.clone(),
        level: finding.level,
        state: if excepted { AlertState::Closed } else { AlertState::Open },
        owner: None,
        close_reason: excepted.then_some(CloseReason::Excepted),
        recorded: now,
        first_event: finding.time,
        last_event: finding.time,
        findings: 1,
        excepted: u64::from(excepted),
        actor: finding.actor.clone(),
        target: finding.target.clone(),
        why: finding.why.clone(),
        truncated: finding.truncated,
        undelivered: !excepted,
    }
}

/// An alert speaks of the findings that count; those that an exception accepts are only counted,
/// as long as there are others.
fn with(mut alert: Alert, finding: &Finding) -> Alert {
    let quiet = alert.excepted == alert.findings;
    match (quiet, finding.excepted.is_some()) {
        (true, false) => {
            return Alert {
                findings: alert.findings + 1,
                excepted: alert.excepted,
                owner: alert.owner,
                ..opened_by(finding, alert.recorded)
            };
        }
        (false, true) => {
            alert.findings += 1;
            alert.excepted += 1;
            return alert;
        }
        (true, true) => alert.excepted += 1,
        (false, false) => alert.undelivered = true,
    }
    if finding.time < alert.first_event {
        alert.first_event = finding.time;
        alert.actor = finding.actor.clone();
        alert.target = finding.target.clone();
        alert.why = finding.why.clone();
    }
    alert.last_event = alert.last_event.max(finding.time);
    if finding.level > alert.level {
        alert.level = finding.level;
        // The verdict that closed it was given on something less grave.
        if alert.state == AlertState::Closed && !quiet {
            alert.state = AlertState::Open;
            alert.close_reason = None;
        }
    }
    alert.findings += 1;
    alert.truncated |= finding.truncated;
    alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Actor, ActorKind, EventRef, Evidence, Excepted, Outcome, Target};
    use crate::model::ids::{ClusterId, RuleId, SessionKey};
    use crate::model::level::Level;
    use crate::model::rule::{Mode, RuleRef};

    fn finding(event: &str, second: i64, level: Level) -> Finding {
        let cluster = ClusterId::new("c");
        let rule = RuleId::new("r");
        let time = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        Finding {
            id: FindingId::derive(&cluster, event, &rule),
            alert: AlertId::derive(&cluster, &rule, "k", 0),
            rule: RuleRef {
                id: rule,
                name: "n".into(),
                title: "t".into(),
                level: Level::High,
                mode: Mode::On,
            },
            level,
            cluster,
            time,
            events: vec![EventRef { audit_id: event.into(), stage: String::new(), time }],
            actor: Actor {
                username: format!("user-{event}"),
                kind: ActorKind::Human,
                impersonated: None,
                source: None,
                client: String::new(),
                session: SessionKey::new(""),
            },
            target: Target::default(),
            outcome: Outcome::Allowed,
            why: vec![],
            truncated: event == "cut",
            dedup: "k".into(),
            evidence: Evidence { origin: "f".into(), offset: 0, length: 1 },
            excepted: None,
        }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::days(1)
    }

    #[test]
    fn any_order_and_any_cutting_of_the_same_findings_come_to_the_same_alert() {
        let all = [
            finding("a", 5, Level::Medium),
            finding("b", 3, Level::High),
            finding("cut", 9, Level::Low),
        ];
        let expected = fold(None, &all, now());
        let alert = expected.clone().expect("an alert");
        assert_eq!((alert.findings, alert.level, alert.truncated), (3, Level::High, true));
        assert_eq!(alert.actor.username, "user-b");
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut alert = None;
            for index in order {
                alert = fold(alert, &all[index..=index], now());
            }
            assert_eq!(alert, expected, "{order:?}");
        }
    }

    fn accepted(event: &str, second: i64, level: Level) -> Finding {
        let mark = Excepted { name: "x".into(), owner: "o".into(), reason: "r".into() };
        Finding { excepted: Some(mark), ..finding(event, second, level) }
    }

    #[test]
    fn what_an_exception_accepts_raises_no_alert_and_is_kept_closed() {
        let all = [accepted("a", 5, Level::Critical), accepted("b", 3, Level::Low)];
        let alert = fold(None, &all, now()).expect("kept");
        assert_eq!((alert.findings, alert.excepted), (2, 2));
        assert_eq!(alert.state, AlertState::Closed);
        assert_eq!(alert.close_reason, Some(CloseReason::Excepted));
        assert!(!alert.undelivered, "nobody is told");
    }

    #[test]
    fn an_alert_speaks_of_the_findings_that_no_exception_accepts_in_any_order() {
        let all = [
            accepted("a", 1, Level::Critical),
            finding("b", 3, Level::Medium),
            accepted("cut", 9, Level::High),
        ];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut alert = None;
            for index in order {
                alert = fold(alert, &all[index..=index], now());
            }
            let alert = alert.expect("an alert");
            assert_eq!((alert.findings, alert.excepted), (3, 2), "{order:?}");
            assert_eq!((alert.state, alert.close_reason), (AlertState::Open, None), "{order:?}");
            assert_eq!((alert.level, alert.truncated), (Level::Medium, false), "{order:?}");
            assert_eq!(alert.actor.username, "user-b", "{order:?}");
            assert_eq!(alert.first_event, alert.last_event, "{order:?}");
            assert!(alert.undelivered, "{order:?}");
        }
    }

    #[test]
    fn nothing_new_changes_nothing() {
        assert_eq!(fold(None, &[], now()), None);
        let alert = fold(None, &[finding("a", 1, Level::Low)], now());
        assert_eq!(fold(alert.clone(), &[], now()), alert);
    }

    #[test]
    fn a_finding_given_twice_is_grouped_once_and_stored_ones_are_left_out() {
        let twice = vec![finding("a", 1, Level::Low), finding("a", 1, Level::Low)];
        let groups = by_alert(twice);
        let batch = groups.values().next().expect("one group");
        assert_eq!((groups.len(), batch.len()), (1, 1));
        let stored: BTreeSet<_> = batch.iter().map(|finding| finding.id.clone()).collect();
        assert!(unknown(batch, &stored).is_empty());
    }

    #[test]
    fn a_closed_alert_stays_closed_until_something_graver_joins_it() {
        let opened = fold(None, &[finding("a", 1, Level::Medium)], now()).expect("an alert");
        let closed =
            Alert { state: AlertState::Closed, close_reason: Some(CloseReason::Benign), ..opened };
        let same = fold(Some(closed.clone()), &[finding("b", 2, Level::Medium)], now());
        assert_eq!(same.map(|alert| alert.state), Some(AlertState::Closed));
        let graver = fold(Some(closed), &[finding("c", 2, Level::High)], now()).expect("an alert");
        assert_eq!((graver.state, graver.close_reason), (AlertState::Open, None));
    }
}
