//! What a rule set takes, what it refuses, and that it says where and why.

use super::*;
use crate::engine::metadata::Audience;

const SOUND: &str = "
title: A thing happened
id: 0b6a7f9e-3d0c-4a43-8a5c-1e1b1c0f0001
name: a-thing
logsource: {product: kubernetes, service: audit}
detection:
  sel: {verb: delete, objectRef.resource: pods}
  condition: sel
falsepositives: [none]
level: low
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the event]}
";

const MANY: &str = "
title: Many things
id: 0b6a7f9e-3d0c-4a43-8a5c-1e1b1c0f0003
name: many-things
correlation:
  type: event_count
  rules: [a-thing]
  group-by: [user.username]
  timespan: 5m
  condition: {gte: 10}
falsepositives: [none]
level: high
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the event]}
";

fn source(path: &str, text: &str) -> RuleSource {
    RuleSource { path: path.to_owned(), text: text.to_owned() }
}

fn faults(texts: &[&str]) -> Vec<String> {
    let sources: Vec<_> =
        texts.iter().enumerate().map(|(n, text)| source(&format!("{n}.yml"), text)).collect();
    let loaded = RuleSet::load(&sources).map(|_| ());
    let faults = loaded.expect_err(&format!("loaded: {texts:?}"));
    faults.iter().map(ToString::to_string).collect()
}

/// One fault, in this file and line, that says this.
#[track_caller]
fn check(texts: &[&str], place: &str, reason: &str) {
    let faults = faults(texts);
    assert!(
        faults.iter().any(|fault| fault.starts_with(place) && fault.contains(reason)),
        "{place} {reason}: {faults:?}"
    );
}

#[test]
fn a_sound_rule_is_loaded_with_its_attributes() {
    let rules = RuleSet::load(&[source("a.yml", SOUND)]).expect("sound");
    let rule = rules.rule("a-thing").expect("loaded");
    assert_eq!(rule.metadata.window_seconds, 24 * 60 * 60);
    assert_eq!(rule.metadata.dedup, ["user.username"]);
    let more = "mode: on\n  matrix: [MS-TA9019]\n  actions: [pod.isolate]\n  \
                ask: {question: Was it you?, audience: actor}";
    let rules = RuleSet::load(&[source("a.yml", &SOUND.replace("mode: on", more))]).expect("sound");
    let metadata = &rules.rule("a-thing").expect("loaded").metadata;
    assert_eq!(metadata.matrix, ["MS-TA9019"]);
    assert_eq!(metadata.actions, ["pod.isolate"]);
    let ask = metadata.ask.as_ref().expect("asked");
    assert_eq!((ask.question.as_str(), ask.audience), ("Was it you?", Audience::Actor));
}

#[test]
fn two_rules_of_one_id_or_one_name_are_refused() {
    let renamed = SOUND.replace("name: a-thing", "name: b-thing");
    check(&[SOUND, &renamed], "", "the id is taken by");
    let other = SOUND.replace("1c0f0001", "1c0f0002");
    check(&[SOUND, &other], "", "the name is taken by");
}

#[test]
fn our_attributes_are_required_and_misspelt_ones_refused() {
    check(&[SOUND.split("midwatch:").next().unwrap()], "0.yml:", "no `midwatch` attributes");
    for (old, new, reason) in [
        ("mode: on", "mode: loud", "`loud` is not a mode"),
        ("mode: on", "mood: on", "`midwatch.mood` is no attribute"),
        ("dedup: [user.username]", "dedup: []", "`midwatch.dedup` must be a list"),
        ("dedup: [user.username]", "dedup: [user.name]", "names `user.name`, which no event has"),
        ("mode: on", "mode: on\n  window: 5s", "must be 1m to 30d"),
        ("mode: on", "mode: on\n  denied: maybe", "must be lower or keep"),
        ("questions: [who?], ", "", "`midwatch.guide.questions` must be a list"),
        ("mode: on", "mode: on\n  matrix: [TA9019]", "`midwatch.matrix` has `TA9019`; use ids"),
        ("mode: on", "mode: on\n  actions: [pod.explode]", "`midwatch.actions` has `pod.explode`"),
        ("mode: on", "mode: on\n  ask: {question: Was it you?}", "`midwatch.ask` must have a"),
        (
            "mode: on",
            "mode: on\n  ask: {question: Was it you?, audience: the-boss}",
            "`midwatch.ask` must have a",
        ),
    ] {
        check(&[&SOUND.replace(old, new)], "0.yml:", reason);
    }
}

/// The text in backticks after "add" in the only fault, as a line to paste.
#[track_caller]
fn cure(text: &str) -> String {
    let Err(faults) = RuleSet::load(&[source("some/a-thing.yml", text)]) else {
        panic!("loaded: {text}");
    };
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    let (_, cure) = fault.reason.split_once("add `").unwrap();
    format!("{}\n", cure.trim_end_matches('`'))
}

#[test]
fn what_a_rule_written_elsewhere_lacks_can_be_pasted_from_the_message() {
    let (plain, _) = SOUND.split_once("midwatch:").unwrap();
    let cured = format!("{plain}{}", cure(plain));
    RuleSet::load(&[source("a.yml", &cured)]).expect("cured");
    let nameless = SOUND.replace("name: a-thing\n", "");
    assert_eq!(cure(&nameless), "name: a-thing\n");
}

#[test]
fn the_logsources_that_mean_the_audit_log_are_taken_and_others_told() {
    for (logsource, ours) in [
        ("{product: kubernetes}", true),
        ("{product: kubernetes, service: audit}", true),
        ("{product: kubernetes, category: audit}", true),
        ("{product: kubernetes, category: application, service: audit}", true),
        ("{product: kubernetes, category: application}", false),
        ("{product: kubernetes, service: kubelet}", false),
        ("{product: windows, service: audit}", false),
    ] {
        let text = SOUND.replace("{product: kubernetes, service: audit}", logsource);
        let rules = RuleSet::load(&[source("a.yml", &text)]).expect("sound");
        assert_eq!((rules.rules().len() == 1, rules.not_run().is_empty()), (ours, ours), "{text}");
    }
}

#[test]
fn rules_beyond_the_limit_are_a_fault_and_never_left_out_silently() {
    let text = |n: usize| {
        let text = SOUND.replace("1c0f0001", &format!("{n:08}"));
        text.replace("name: a-thing", &format!("name: a-thing-{n}"))
    };
    let texts: Vec<String> = (0..=RULES_MAX).map(text).collect();
    let sources: Vec<_> = texts.iter().map(|text| source("many.yml", text)).collect();
    let faults = RuleSet::load(&sources).map(|_| ()).unwrap_err();
    assert_eq!(faults.len(), 1, "{:?}", faults.first());
    assert!(faults[0].reason.contains("more than 10000 rules"));
}

#[test]
fn sound_rules_are_given_beside_the_faults_of_others() {
    let broken = SOUND.replace("mode: on", "mode: loud");
    let (rules, faults) = RuleSet::load_sound(
        &[source("a.yml", &broken), source("b.yml", SOUND)],
        Provenance::Shipped,
    );
    assert_eq!((rules.rules().len(), faults.len()), (1, 1));
}

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let first = SOUND.replace("mode: on", "mode: loud");
    let second = SOUND.replace("verb: delete", "verb|contians: delete");
    let faults = faults(&[&first, &second]);
    assert!(faults.iter().any(|fault| fault.starts_with("0.yml:")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("1.yml:7:")), "{faults:?}");
}

#[test]
fn a_rule_that_can_never_fire_on_aks_is_refused() {
    let sel = "sel: {verb: delete, objectRef.resource: pods}";
    for (detection, reason) in [
        ("sel: {verb: create, objectRef.resource: secrets, requestObject.type: x}", "AKS never"),
        ("sel: {verb: list, objectRef.resource: pods, midwatch.object.kind: x}", "AKS never"),
        ("sel: {objectRef.resource: serviceaccounts, midwatch.object|exists: true}", "AKS never"),
        ("sel: {verb: deletecollection, objectRef.resource: events}", "does not log"),
        ("sel: {verb: replace, objectRef.resource: pods}", "replace"),
        ("sel: {verb: create, objectRef.ressource: pods}", "objectRef.ressource"),
        ("sel: {responseStatus.code: ALLOW}", "ALLOW"),
    ] {
        check(&[&SOUND.replace(sel, detection)], "0.yml:7:", reason);
    }
}

#[test]
fn a_body_that_is_logged_for_one_of_the_resources_is_asked_for_with_reason() {
    let sel = "sel: {verb: delete, objectRef.resource: pods}";
    for detection in [
        "sel: {verb: create, objectRef.resource: [secrets, pods], requestObject.kind: x}",
        "sel: {verb: patch, objectRef.resource: configmaps, objectRef.name: coredns-custom, \
         midwatch.object.data|exists: true}",
        "sel: {verb: create, objectRef.resource: secrets, midwatch.object|exists: false}",
        "sel: {verb: delete, objectRef.resource: events}",
    ] {
        let text = SOUND.replace(sel, detection);
        let loaded = RuleSet::load(&[source("a.yml", &text)]);
        assert!(loaded.is_ok(), "{detection}: {:?}", loaded.err());
    }
}

#[test]
fn a_directory_replaces_a_shipped_rule_by_name_and_may_not_steal_an_id() {
    let shipped = RuleSet::builtin().expect("shipped");
    let first = &shipped.rules()[0].reference;
    let replaced = SOUND
        .replace("name: a-thing", &format!("name: {}", first.name))
        .replace("0b6a7f9e-3d0c-4a43-8a5c-1e1b1c0f0001", first.id.as_str());
    let rules = RuleSet::builtin_with(&[source("mine.yml", &replaced)]).expect("sound");
    assert_eq!(rules.rules().len(), shipped.rules().len());
    let mine = rules.rule(&first.name).expect("replaced");
    assert_eq!(mine.document.file, "mine.yml");

    let added = RuleSet::builtin_with(&[source("mine.yml", SOUND)]).expect("sound");
    assert_eq!(added.rules().len(), shipped.rules().len() + 1);

    let stolen = SOUND.replace("0b6a7f9e-3d0c-4a43-8a5c-1e1b1c0f0001", first.id.as_str());
    let faults = RuleSet::builtin_with(&[source("mine.yml", &stolen)]).map(|_| ()).unwrap_err();
    assert!(faults[0].reason.contains("that of the shipped rule"), "{faults:?}");
}

#[test]
fn what_is_sound_but_not_run_yet_is_named_and_not_dropped() {
    let correlation = MANY.replace("[a-thing]", "[a-foreign-thing]");
    let foreign = SOUND
        .replace("product: kubernetes, service: audit", "product: windows, service: security")
        .replace("1c0f0001", "1c0f0004")
        .replace("name: a-thing", "name: a-foreign-thing");
    let sources =
        [source("a.yml", SOUND), source("b.yml", &correlation), source("c.yml", &foreign)];
    let rules = RuleSet::load(&sources).expect("sound");
    let files: Vec<&str> = rules.not_run().iter().map(|not_run| not_run.file.as_str()).collect();
    assert_eq!(files, ["c.yml", "b.yml"]);
    assert_eq!(rules.rules().len(), 1);
}

#[test]
fn a_rule_that_is_not_asked_stays_in_the_catalogue() {
    let rules = RuleSet::load(&[source("a.yml", SOUND)]).expect("sound").asking_only(|_| false);
    assert!(rules.rules().is_empty());
    let catalogue: Vec<_> = rules
        .catalogue()
        .iter()
        .map(|(rule, asked)| (rule.reference.name.clone(), *asked))
        .collect();
    assert_eq!(catalogue, [("a-thing".to_owned(), false)]);
}

#[test]
fn a_correlation_that_cannot_work_is_refused_with_its_place() {
    for (old, new, place, reason) in [
        ("rules: [a-thing]", "rules: [a-thign]", "1.yml:7:11:", "there is no rule `a-thign`"),
        ("rules: [a-thing]", "rules: [many-things]", "1.yml:7:11:", "is made of itself"),
        ("user.username", "user.nam", "1.yml:7:11:", "no event has `user.nam`"),
        ("{gte: 10}", "{gte: 1000000}", "1.yml:2:1:", "a window holds"),
        ("dedup: [user.username]", "dedup: [verb]", "1.yml:2:1:", "takes fields of its `group-by`"),
        ("level: high\n", "", "1.yml:2:1:", "no `level`"),
        (
            "timespan: 5m",
            "timespan: 5m\n  aliases: {user.username: {}}",
            "1.yml:",
            "must map rules to fields",
        ),
    ] {
        let text = MANY.replace(old, new);
        assert_ne!(text, MANY, "{old}");
        check(&[SOUND, &text], place, reason);
    }
}

#[test]
fn a_circle_of_correlations_is_refused() {
    let first = MANY.replace("[a-thing]", "[more-things]");
    let second = MANY
        .replace("[a-thing]", "[many-things]")
        .replace("name: many-things", "name: more-things")
        .replace("1c0f0003", "1c0f0005");
    check(
        &[&first, &second],
        "0.yml:7:11:",
        "`many-things` is made of itself through `more-things`",
    );
}

#[test]
fn what_a_correlation_is_made_of_is_silent_unless_it_says_so_or_does_not_run() {
    let telling = |rules: &RuleSet| rules.telling().count();
    let sources = |text: &str| [source("a.yml", SOUND), source("b.yml", text)];
    let rules = RuleSet::load(&sources(MANY)).expect("sound");
    assert_eq!((telling(&rules), rules.correlations().count()), (0, 1));
    assert_eq!(rules.rules().len(), 1, "it is still listed");
    let off = rules.without_correlations();
    assert_eq!((telling(&off), off.correlations().count()), (1, 0));
    let catalogue: Vec<_> = off.catalogue().iter().map(|(_, active)| *active).collect();
    assert_eq!(catalogue, [true, false]);
    let loud = MANY.replace("timespan: 5m", "timespan: 5m\n  generate: true");
    let rules = RuleSet::load(&sources(&loud)).expect("sound");
    assert_eq!((telling(&rules), rules.correlations().count()), (1, 1));
    let rules = rules.asking_only(|rule| rule.name == "many-things");
    assert_eq!((rules.rules().len(), rules.correlations().count()), (0, 1));
    assert_eq!(rules.correlated().count(), 1, "asked for the correlation");
}

const WHERE: &str = "  where:\n    - some: midwatch.object.spec.containers\n      a: {name: x, image: y}\n      \
                     condition: a\n";

#[test]
fn a_block_about_elements_is_held_against_what_aks_writes() {
    let pods = format!("{}{WHERE}", SOUND.replace("verb: delete", "verb: create"));
    assert!(RuleSet::load(&[source("r.yml", &pods)]).is_ok());
    let secrets = pods.replace("objectRef.resource: pods", "objectRef.resource: secrets");
    check(&[&secrets], "0.yml:16", "lies in a body, and AKS never writes one");
    let none = secrets.replace("- some:", "- none:");
    assert!(RuleSet::load(&[source("r.yml", &none)]).is_ok(), "an absent array satisfies `none`");
    let path = |path: &str| pods.replace("midwatch.object.spec.containers", path);
    check(&[&path("objectRef.rules")], "0.yml:16", "no event has the field `objectRef.rules`");
    check(&[&path("midwatch.csr")], "0.yml:16", "has no elements with fields");
    check(&[&path("user.groups")], "0.yml:16", "has no elements with fields");
}

#[test]
fn a_correlation_or_a_stray_key_beside_where_is_refused() {
    check(&[SOUND, &format!("{MANY}{WHERE}")], "1.yml:17", "belongs to a rule");
    let misspelt = format!("{SOUND}{}", WHERE.replace("where", "wheres"));
    check(&[&misspelt], "0.yml:15", "`midwatch.wheres` is no attribute");
}
