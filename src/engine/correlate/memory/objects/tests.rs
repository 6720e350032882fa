//! Object state against the plain meaning, over every form in which a request may show its object
//! or not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::sight::Values;
use crate::audit::event::Event;
use crate::audit::record::{Origin, decode};
use crate::engine::correlate::contribution::contribute;
use crate::engine::correlate::memory::tests::{load, text};
use crate::engine::correlate::tests::{LATENESS, limits, run};
use crate::engine::correlate::windows::{Limits, Windows};
use crate::engine::ruleset::RuleSet;
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;

/// How a request shows its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Update,
    Patch,
    Create,
    Deleted,
    /// A finalizer holds it.
    Held,
    Denied,
    Failed,
    Rehearsed,
    /// No response in the record.
    RequestOnly,
    /// The marker of a response that was too big.
    Dropped,
    Cut,
    /// The client asked for metadata, or for a table.
    Partial,
    Table,
    Scale,
    Read,
}

const FORMS: [Form; 15] = [
    Form::Update,
    Form::Patch,
    Form::Create,
    Form::Deleted,
    Form::Held,
    Form::Denied,
    Form::Failed,
    Form::Rehearsed,
    Form::RequestOnly,
    Form::Dropped,
    Form::Cut,
    Form::Partial,
    Form::Table,
    Form::Scale,
    Form::Read,
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    second: i64,
    id: String,
    letter: char,
    object: u8,
    uid: u8,
    form: Form,
    policies: Vec<&'static str>,
}

fn event(write: &Write) -> Event {
    let Write { second, id, letter, object, uid, form, policies } = write;
    let body = |kind: &str| {
        let mut body = serde_json::json!({
            "kind": kind, "metadata": {"name": format!("o{object}"), "uid": format!("uid-{uid}")},
        });
        if !policies.is_empty() {
            let webhooks: Vec<_> =
                policies.iter().map(|p| serde_json::json!({"failurePolicy": p})).collect();
            body["webhooks"] = webhooks.into();
        }
        body
    };
    let object_ref = serde_json::json!({
        "apiGroup": "admissionregistration.k8s.io", "name": format!("o{object}"),
        "resource": "validatingwebhookconfigurations",
    });
    let time = format!("2026-01-01T00:{:02}:{:02}.000000Z", second / 60, second % 60);
    let whole = body("ValidatingWebhookConfiguration");
    let mut event = serde_json::json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": id,
        "stage": "ResponseComplete", "requestURI": "/x", "verb": "update",
        "user": {"username": "u"}, "userAgent": letter.to_string(), "objectRef": object_ref,
        "responseStatus": {"code": 200}, "requestObject": whole, "responseObject": whole,
        "requestReceivedTimestamp": time, "stageTimestamp": time,
        "annotations": {"authorization.k8s.io/decision": "allow"},
    });
    let success = serde_json::json!({"kind": "Status", "status": "Success"});
    match form {
        Form::Update => {}
        Form::Patch => event["verb"] = "patch".into(),
        Form::Create => {
            event["verb"] = "create".into();
            event["responseStatus"]["code"] = 201.into();
        }
        Form::Deleted => {
            event["verb"] = "delete".into();
            event["responseObject"] = success;
        }
        Form::Held => event["verb"] = "delete".into(),
        Form::Denied => event["responseStatus"]["code"] = 403.into(),
        Form::Failed => event["responseStatus"]["code"] = 409.into(),
        Form::Rehearsed => event["requestURI"] = "/x?dryRun=All".into(),
        Form::RequestOnly => drop(event.as_object_mut().expect("map").remove("responseObject")),
        Form::Dropped => event["responseObject"] = "skipped-too-big-size-object".into(),
        Form::Cut => event["annotations"]["audit.k8s.io/truncated"] = "true".into(),
        Form::Partial => event["responseObject"] = body("PartialObjectMetadata"),
        Form::Table => event["responseObject"] = body("Table"),
        Form::Scale => event["objectRef"]["subresource"] = "scale".into(),
        Form::Read => event["verb"] = "get".into(),
    }
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("c"),
        name: "-".into(),
        control_plane: Default::default(),
    };
    let events = decode(event.to_string().as_bytes(), 0, &origin).events;
    events.into_iter().next().expect("one")
}

const LOST: &str = "object_state: [{field: midwatch.object.webhooks.failurePolicy, change: lost, \
                    values: ['F*']}]";

fn rules() -> RuleSet {
    let changed = "object_state: [{field: midwatch.object.webhooks.failurePolicy, change: \
                   changed}]\n  remember_only: [b]";
    let text = text(&[("lost", "a, b", LOST), ("changed", "a, b", changed)]);
    load(text.replace("[user.username]", "[objectRef.name]")).expect("sound")
}

type Told = BTreeSet<(String, String, BTreeSet<String>)>;

fn told(findings: &[Finding]) -> Told {
    let one = |finding: &Finding| {
        let events = finding.events.iter().map(|event| event.audit_id.clone()).collect();
        (finding.rule.name.clone(), finding.dedup.clone(), events)
    };
    findings.iter().map(one).collect()
}

/// What must be told, with all writes at hand at once. Findings of one moment and object are one.
fn naive(writes: &[Write]) -> Told {
    let mut sorted = writes.to_vec();
    sorted.sort_by_key(|write| (write.second, write.id.clone()));
    let mut known: BTreeMap<u8, (u8, Vec<&str>)> = BTreeMap::new();
    let mut found: BTreeMap<(&str, String, i64), BTreeSet<String>> = BTreeMap::new();
    for write in &sorted {
        let mut now = write.policies.clone();
        now.sort_unstable();
        match write.form {
            Form::Create => drop(known.insert(write.object, (write.uid, now))),
            Form::Deleted => drop(known.remove(&write.object)),
            Form::Update | Form::Patch => {
                if let Some((uid, before)) = known.get(&write.object)
                    && *uid == write.uid
                {
                    let count = |list: &[&str]| list.iter().filter(|p| p.starts_with('F')).count();
                    let lost = ["Fail", "Fault"].into_iter().any(|policy| {
                        let count = |list: &[&str]| list.iter().filter(|p| **p == policy).count();
                        count(&now) < count(before)
                    });
                    assert!(lost || count(&now) >= count(before));
                    let key = |name| (name, format!("o{}", write.object), write.second);
                    if lost {
                        found.entry(key("lost")).or_default().insert(write.id.clone());
                    }
                    if now != *before && write.letter == 'a' {
                        found.entry(key("changed")).or_default().insert(write.id.clone());
                    }
                }
                known.insert(write.object, (write.uid, now));
            }
            _ => {}
        }
    }
    found.into_iter().map(|((name, object, _), ids)| (name.to_owned(), object, ids)).collect()
}

fn write() -> impl Strategy<Value = Write> {
    let form = prop_oneof![
        3 => Just(Form::Update),
        2 => Just(Form::Patch),
        3 => prop::sample::select(FORMS.to_vec()),
    ];
    let policies =
        prop::collection::vec(prop::sample::select(vec!["Fail", "Fault", "Ignore"]), 0..4);
    (0..200_i64, prop::bool::ANY, 0..2_u8, 0..8_u8, form, policies).prop_map(
        |(second, silent, object, uid, form, policies)| Write {
            second,
            id: String::new(),
            letter: if silent { 'b' } else { 'a' },
            object,
            // Mostly the same object.
            uid: uid / 7,
            form,
            policies,
        },
    )
}

/// A write, how much later it arrives, a copy that comes later still, and whether a batch ends.
type Arriving = (Write, i64, Option<i64>, bool);

fn story() -> impl Strategy<Value = Vec<Arriving>> {
    let copy = prop::option::weighted(0.3, 0..400_i64);
    prop::collection::vec((write(), 0..LATENESS, copy, any::<bool>()), 0..40).prop_map(
        |mut story| {
            for (at, (write, ..)) in story.iter_mut().enumerate() {
                write.id = format!("w{at:02}");
            }
            story
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn changes_are_told_in_any_order_cutting_and_replay(story in story()) {
        let rules = rules();
        let mut events: Vec<(i64, Event, bool)> = Vec::new();
        for (write, delay, copy, cut) in &story {
            events.push((write.second + delay, event(write), *cut));
            if let Some(later) = copy {
                events.push((write.second + delay + later, event(write), *cut));
            }
        }
        events.sort_by_key(|(at, ..)| *at);
        let events = events.into_iter().map(|(_, event, cut)| (event, cut)).collect();
        let writes: Vec<Write> = story.into_iter().map(|(write, ..)| write).collect();
        let (findings, _) = run(&rules, events, &limits());
        prop_assert_eq!(told(&findings), naive(&writes));
        let (mut one, mut other) = (Windows::default(), Windows::default());
        for (at, write) in writes.iter().enumerate() {
            let part = if at % 3 == 0 { &mut one } else { &mut other };
            part.add(contribute(&rules, &[event(write)]).contributions);
        }
        one.merge(other);
        prop_assert_eq!(told(&one.finish(&rules, &limits())), naive(&writes));
    }
}

fn update(second: i64, object: u8, policies: &[&'static str]) -> Write {
    let policies = policies.to_vec();
    let id = format!("w{second}");
    Write { second, id, letter: 'a', object, uid: 0, form: Form::Update, policies }
}

fn tell(writes: &[Write], limits: &Limits) -> (Vec<Finding>, Windows) {
    let rules = load(text(&[("lost", "a", LOST)])).expect("sound");
    run(&rules, writes.iter().map(|write| (event(write), true)).collect(), limits)
}

#[test]
fn a_finding_says_what_became_of_the_values() {
    let writes = [update(0, 0, &["Fail", "Fail"]), update(1, 0, &["Fail", "Ignore"])];
    let (findings, _) = tell(&writes, &limits());
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    let why: Vec<String> =
        finding.why.iter().map(|r| format!("{}: {} {}", r.clause, r.field, r.value)).collect();
    assert_eq!(
        why,
        [
            "object_state: (correlation) 1 change of 1 events",
            "rules: (rule) a fired 1 times",
            "group-by: user.username u",
            "new: midwatch.object.webhooks.failurePolicy lost Fail; gained Ignore",
        ]
    );
    // A list that was emptied is left out of the object: that is a loss, and not a partial sight.
    let emptied = [update(0, 0, &["Fail"]), update(1, 0, &[])];
    assert_eq!(tell(&emptied, &limits()).0.len(), 1);
}

#[test]
fn what_is_forgotten_for_want_of_room_is_counted_and_not_told() {
    let policies = |second| update(second, u8::try_from(second % 3).expect("small"), &["Fail"]);
    let mut writes: Vec<Write> = (0..3).map(policies).collect();
    writes.push(update(3, 0, &["Ignore"]));
    let (findings, windows) = tell(&writes, &limits());
    assert_eq!((findings.len(), windows.counts().evicted_memories), (1, 0));
    let small = Limits { memories: 4, ..limits() };
    let (findings, windows) = tell(&writes, &small);
    assert_eq!((findings.len(), windows.counts().evicted_memories), (0, 4));
}

#[test]
fn a_change_among_too_many_values_is_told() {
    use super::{Change, Watched};
    let values = |digest: &str| Values {
        counts: BTreeMap::from([("x".to_owned(), 1)]),
        rest: Some(digest.to_owned()),
    };
    for change in [Change::Lost, Change::Gained, Change::Changed] {
        let watched = Watched { field: "f".into(), change, values: Vec::new() };
        assert!(watched.took_place(&values("1"), &values("2")));
        assert!(!watched.took_place(&values("1"), &values("1")));
        assert_eq!(watched.tell(&values("1"), &values("2")), "f changed among too many values");
    }
    let names: Vec<&'static str> = (0..70).map(|n| &*format!("F{n:02}").leak()).collect();
    let writes = [update(0, 0, &names), update(1, 0, &names), update(2, 0, &names[..69])];
    let (findings, _) = tell(&writes, &limits());
    assert_eq!(findings.len(), 1, "the seventieth is beyond what is told apart");
}

#[test]
fn a_state_that_can_never_be_seen_is_refused_with_its_place_and_a_cure() {
    let check = |attributes: &str, change: (&str, &str), expected: &str| {
        let text = text(&[("news", "a", LOST), ("lost", "a, b", attributes)]);
        let faults = load(text.replace(change.0, change.1)).map(|_| ()).expect_err(attributes);
        assert!(
            faults.iter().any(|fault| fault.starts_with("t.yml:") && fault.contains(expected)),
            "{attributes}: {faults:?}"
        );
    };
    let none = ("\u{0}", "");
    for (attributes, expected) in [
        ("object_state: []", "a list of 1 to 8 changes"),
        ("object_state: [{field: verb, change: lost}]", "must be a part of the object"),
        ("object_state: [{field: requestObject.spec, change: lost}]", "a part of the object"),
        ("object_state: [{field: midwatch.images.tag, change: lost}]", "a part of the object"),
        ("object_state: [{field: midwatch.object.a, change: gone}]", "lost, gained or changed"),
        ("object_state: [{field: midwatch.object.a, change: lost, values: []}]", "a list of texts"),
        ("object_state: [{field: midwatch.object.a, change: lost, value: [x]}]", "has no `value`"),
    ] {
        check(attributes, none, expected);
    }
    let both = "object_state: [{field: midwatch.object.a, change: lost}]\n  first_seen: {fields: \
                [verb], learning: 1d, expiry: 2d}";
    check(both, none, "has one memory");
    check(LOST, ("rules: [a, b]", "rules: [news]"), "read from single events");
    let secrets = ("{userAgent|contains: a}", "{objectRef.resource: secrets, verb: patch}");
    check(LOST, secrets, "AKS never writes the response's body");
}

#[test]
fn what_an_event_does_not_show_of_its_object_stays_as_it_was() {
    use super::super::sight::Sighting;
    use super::Objects;
    let shown = |fields: &[(&str, &str)]| {
        let values = |value: &str| Values {
            counts: BTreeMap::from([(value.to_owned(), 1)]),
            ..Values::default()
        };
        let fields = fields.iter().map(|(field, value)| ((*field).to_owned(), values(value)));
        Sighting {
            object: "o".into(),
            uid: String::new(),
            created: false,
            fields: Some(fields.collect()),
        }
    };
    let mut objects = Objects::default();
    objects.remember(shown(&[("a", "1"), ("b", "1")]), 1);
    objects.remember(shown(&[("b", "2")]), 2);
    let known = objects.objects.get("o").expect("known");
    assert_eq!(Some(&known.fields), shown(&[("a", "1"), ("b", "2")]).fields.as_ref());
    objects.remember(Sighting { created: true, ..shown(&[("b", "3")]) }, 3);
    let known = objects.objects.get("o").expect("known");
    assert_eq!(Some(&known.fields), shown(&[("b", "3")]).fields.as_ref());
}
