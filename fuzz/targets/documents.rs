//! Any text as a file of rules, correlations, filters, exceptions, lists and mappings: nothing
//! panics, each fault has a place inside the text and says something, a blank line before the text
//! moves every fault by one line and changes nothing else, and a matcher agrees with its reasons.

use std::sync::OnceLock;

use midwatch::audit::event::Event;
use midwatch::audit::record::{Origin, decode};
use midwatch::engine::ruleset::{Provenance, RuleSet, RuleSource};
use midwatch::model::ids::ClusterId;
use midwatch::sigma::compile::Matcher;
use midwatch::sigma::document::{Document, parse};
use midwatch::sigma::error::SigmaError;

const FILE: &str = "made.yml";

/// Longer texts take time and show nothing new.
const TEXT_MAX: usize = 64 * 1024;

const EVENTS: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","#,
    r#""verb":"create","requestURI":"/api/v1/namespaces/default/pods/p/exec?command=sh","#,
    r#""user":{"username":"system:serviceaccount:a:b","groups":["system:authenticated"]},"#,
    r#""sourceIPs":["10.0.0.1","203.0.113.9"],"userAgent":"kubectl/v1.30","#,
    r#""objectRef":{"resource":"pods","namespace":"default","name":"p","subresource":"exec"},"#,
    r#""responseStatus":{"code":201},"requestObject":{"spec":{"hostPID":true,"containers":["#,
    r#"{"name":"c","image":"busybox","securityContext":{"privileged":true}},{"name":"d"}]}},"#,
    r#""requestReceivedTimestamp":"2026-01-01T00:00:00.000001Z"}"#,
    "\n",
    r#"{"verb":"GET","user":null,"objectRef":{},"sourceIPs":[],"userAgent":"","stage":7}"#,
);

fn events() -> &'static [Event] {
    static DECODED: OnceLock<Vec<Event>> = OnceLock::new();
    DECODED.get_or_init(|| {
        let origin = Origin {
            cluster: None,
            fallback: ClusterId::new("offline"),
            name: "lines".to_owned(),
            control_plane: Default::default(),
        };
        EVENTS.lines().flat_map(|line| decode(line.as_bytes(), 0, &origin).events).collect()
    })
}

pub(crate) fn check(data: &[u8]) {
    if data.len() > TEXT_MAX {
        return;
    }
    let text = String::from_utf8_lossy(data);
    let parsed = parse(&text, FILE);
    match &parsed {
        Err(faults) => placed(faults, &text),
        Ok(documents) => {
            assert!(!documents.is_empty(), "neither a document nor a fault");
            documents.iter().for_each(|document| asked(document, &text));
        }
    }
    moved(&text, &parsed);
    let source = RuleSource { path: FILE.to_owned(), text: text.clone().into_owned() };
    let (_, faults) = RuleSet::load_sound(&[source], Provenance::Directory);
    if parsed.is_err() {
        assert!(!faults.is_empty(), "a faulty file was loaded as sound");
    }
    if !faults.is_empty() {
        placed(&faults, &text);
    }
}

/// Each fault lies inside the text and is one line that can be shown.
fn placed(faults: &[SigmaError], text: &str) {
    assert!(!faults.is_empty(), "refused without a reason");
    let lines = text.split(['\n', '\r']).count();
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    for fault in faults {
        assert_eq!(fault.file, FILE, "{fault}");
        assert!((1..=lines + 1).contains(&(fault.line as usize)), "{lines} lines, but {fault}");
        let column = fault.column as usize;
        assert!((1..=longest + 2).contains(&column), "{longest} letters at most, but {fault}");
        assert!(fault.reason.split_whitespace().count() >= 3, "says too little: {fault}");
        assert!(!fault.reason.contains(char::is_control), "{:?}", fault.reason);
    }
}

fn asked(document: &Document, text: &str) {
    let Document::Rule(rule) = document else { return };
    match Matcher::compile(rule) {
        Err(faults) => placed(&faults, text),
        Ok(matcher) => {
            for event in events() {
                let explanation = matcher.explain(event);
                assert_eq!(matcher.matches(event), explanation.matched, "{explanation}");
                assert_eq!(explanation.matched, !explanation.reasons().is_empty());
            }
        }
    }
}

/// The same text one line further down.
fn moved(text: &str, parsed: &Result<Vec<Document>, Vec<SigmaError>>) {
    // A byte-order mark counts at the very start only.
    if text.starts_with('\u{feff}') {
        return;
    }
    let lower = parse(&format!("\n{text}"), FILE);
    match (parsed, lower) {
        (Ok(here), Ok(there)) => assert_eq!(here.len(), there.len()),
        (Err(here), Err(there)) => {
            // A text of blanks and comments has no line of its own for its fault.
            if here.iter().any(|fault| fault.reason.starts_with("the file is empty")) {
                return;
            }
            let here: Vec<_> = here.iter().map(|f| (f.line + 1, f.column, &f.reason)).collect();
            let there: Vec<_> = there.iter().map(|f| (f.line, f.column, &f.reason)).collect();
            assert_eq!(here, there);
        }
        (here, there) => panic!("a blank line decides: {here:?}, {there:?}"),
    }
}
