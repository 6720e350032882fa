//! Joins alerts into stories: what one principal did in one sitting, with one credential, from one
//! block of addresses and with one kind of client, is one thing to look at.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use crate::model::alert::Alert;
use crate::model::ids::{ClusterId, SessionKey};
use crate::model::level::Level;

/// A sitting ends when nothing was found for longer than this.
pub const GAP: Duration = Duration::minutes(30);

/// Alerts of one sitting.
#[derive(Debug, Clone, PartialEq)]
pub struct Story<'a> {
    pub cluster: &'a ClusterId,
    pub session: &'a SessionKey,
    /// The highest level among its alerts.
    pub level: Level,
    pub first_event: OffsetDateTime,
    pub last_event: OffsetDateTime,
    /// By their first events.
    pub alerts: Vec<&'a Alert>,
}

/// The stories that alerts make, by their beginning. An alert is told where its first finding
/// belongs; one that was never raised is left out, and so is one without a session, which an older
/// version kept. Any order of the same alerts comes to the same stories.
pub fn stories<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Vec<Story<'a>> {
    let mut by_session: BTreeMap<(&ClusterId, &SessionKey), Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        let session = &alert.actor.session;
        if alert.excepted < alert.findings && !session.as_str().is_empty() {
            by_session.entry((&alert.cluster, session)).or_default().push(alert);
        }
    }
    let mut stories: Vec<Story<'a>> = Vec::new();
    for ((cluster, session), mut alerts) in by_session {
        alerts.sort_by(|a, b| (a.first_event, &a.id).cmp(&(b.first_event, &b.id)));
        let before = stories.len();
        for alert in alerts {
            match stories.get_mut(before..).and_then(<[Story<'a>]>::last_mut) {
                Some(story) if alert.first_event - story.last_event <= GAP => {
                    story.last_event = story.last_event.max(alert.last_event);
                    story.level = story.level.max(alert.level);
                    story.alerts.push(alert);
                }
                _ => stories.push(Story {
                    cluster,
                    session,
                    level: alert.level,
                    first_event: alert.first_event,
                    last_event: alert.last_event,
                    alerts: vec![alert],
                }),
            }
        }
    }
    stories.sort_by_key(|story| (story.first_event, story.cluster, story.session));
    stories
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::AlertState;
    use crate::model::finding::{Actor, ActorKind, Target};
    use crate::model::ids::{AlertId, RuleId};
    use crate::model::rule::{Mode, RuleRef};

    fn alert(id: &str, session: &str, minutes: (i64, i64), level: Level) -> Alert {
        let at = |minute| OffsetDateTime::UNIX_EPOCH + Duration::minutes(minute);
        Alert {
            id: AlertId::new(id),
            rule: RuleRef {
                id: RuleId::new("r"),
                name: "n".into(),
                title: "t".into(),
                level,
                mode: Mode::On,
            },
            cluster: ClusterId::new("c"),
            dedup: String::new(),
            level,
            state: AlertState::Open,
            owner: None,
            close_reason: None,
            recorded: at(0),
            first_event: at(minutes.0),
            last_event: at(minutes.1),
            findings: 2,
            excepted: 0,
            actor: Actor {
                username: session.into(),
                kind: ActorKind::Human,
                impersonated: None,
                source: None,
                client: String::new(),
                session: SessionKey::new(session),
            },
            target: Target::default(),
            why: Vec::new(),
            truncated: false,
            undelivered: false,
        }
    }

    fn told(alerts: &[Alert]) -> Vec<String> {
        let one = |story: &Story<'_>| {
            let ids: Vec<&str> = story.alerts.iter().map(|alert| alert.id.as_str()).collect();
            format!("{} {} {}", story.session, story.level, ids.join(","))
        };
        stories(alerts).iter().map(one).collect()
    }

    #[test]
    fn alerts_that_follow_each_other_closely_are_one_story() {
        let mut alerts = vec![
            alert("a", "eve", (0, 10), Level::Low),
            alert("b", "eve", (5, 6), Level::High),
            // Half an hour after the latest that was found before, and a minute more.
            alert("c", "eve", (40, 40), Level::Low),
            alert("d", "eve", (71, 71), Level::Medium),
            alert("e", "bob", (20, 20), Level::Low),
        ];
        let expected = ["eve high a,b,c", "bob low e", "eve medium d"];
        assert_eq!(told(&alerts), expected);
        alerts.reverse();
        assert_eq!(told(&alerts), expected, "in whatever order they come");
    }

    #[test]
    fn what_no_alert_was_raised_of_is_no_part_of_a_story() {
        let mut excepted = alert("a", "eve", (0, 0), Level::High);
        excepted.excepted = excepted.findings;
        let old = alert("b", "", (0, 0), Level::High);
        assert_eq!(told(&[excepted, old]), Vec::<String>::new());
        let mut elsewhere = alert("d", "eve", (1, 1), Level::Low);
        elsewhere.cluster = ClusterId::new("other");
        let here = alert("c", "eve", (0, 0), Level::Low);
        assert_eq!(told(&[elsewhere, here]).len(), 2, "each cluster has its own");
    }
}
