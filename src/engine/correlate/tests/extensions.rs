//! What extensions of correlations tell, and how.

use super::*;

#[test]
fn what_differs_is_told_and_only_the_events_that_do_are_named() {
    let rules = rules();
    let story = [
        (1, "a", "10.0.0.1"),
        (2, "b", "10.0.0.1"),
        (3, "b", ""),
        (4, "b", "10.0.0.1,10.0.0.2"),
        (5, "b", "10.0.0.3,10.0.0.2"),
    ];
    let events = story.map(|(second, letters, from)| Happening {
        second,
        id: format!("e{second}"),
        rules: letters.into(),
        who: "u".into(),
        what: "o".into(),
        number: 200,
        from: from.into(),
    });
    let events = events.iter().map(|happening| (event(happening, false), false)).collect();
    let (findings, _) = run(&rules, events, &limits());
    let finding = findings.iter().find(|f| f.rule.name == "differ-ordered").expect("fires");
    let events: Vec<&str> = finding.events.iter().map(|event| event.audit_id.as_str()).collect();
    assert_eq!(events, ["e1", "e5"]);
    let differ: Vec<&str> =
        finding.why.iter().filter(|r| r.clause == "differ").map(|r| r.value.as_str()).collect();
    assert_eq!(differ, ["a: 10.0.0.1", "b: 10.0.0.2, 10.0.0.3"]);
    assert_eq!(finding.why.first().map(|r| r.value.as_str()), Some("2 rules of 2 events"));
}
