//! The page with the results on the attack log of `samples/`: which rules find which scenario.
//! Renewed like the other pages, so that it tells of the rules as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use midwatch::model::finding::Finding;
use midwatch::model::level::Level;
use midwatch::model::rule::Mode;
use serde_json::Value;

use super::{CURE, updating};
use crate::detect::{detect, sample_lines};

/// What an attack is seen by, best first.
const MODES: [Mode; 3] = [Mode::On, Mode::Duet, Mode::OptIn];

/// Rules that tell of the actor and not of what was done: a scenario that only these find was not
/// understood.
const OF_THE_ACTOR: [&str; 3] =
    ["full-admin-access-feed", "masterclient-used", "multi-tactic-principal"];

/// Scenarios that no `on` or `duet` rule about the behaviour finds, and why that is so.
const MISSES: [(&str, &str); 3] = [
    (
        "pod-logs-sweep",
        "Reading the logs of many pods is what somebody does who searches for a fault. `pod-log-harvest` tells of it where it is \
         switched on; here the other things that the same person did on that day raised `multi-tactic-principal`.",
    ),
    (
        "service-proxy",
        "Dashboards and their users reach services through the API server every day, and the log does not tell what was asked of \
         them. `service-or-pod-proxy` tells of it where it is switched on, and counts towards `multi-tactic-principal`.",
    ),
    (
        "token-review-probe",
        "Every program with a protected endpoint of its own asks whose token it was given, and AKS logs neither the token nor the \
         answer. `tokenreview-by-workload` tells of it where it is switched on, and counts towards `multi-tactic-principal`.",
    ),
];

struct Scenario {
    id: String,
    kind: String,
    title: String,
    severity: String,
    /// Rules that a decisive request set off, by mode.
    rules: BTreeMap<Mode, BTreeSet<String>>,
}

impl Scenario {
    fn read(line: &[u8], findings: &[Finding]) -> Self {
        let entry: Value = serde_json::from_slice(line).unwrap();
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let key: BTreeSet<&str> = entry["keyAuditIDs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap())
            .collect();
        assert!(!key.is_empty(), "{}: no decisive request is in the log", text("scenario"));
        let mut rules: BTreeMap<Mode, BTreeSet<String>> = BTreeMap::new();
        for finding in findings {
            if finding.events.iter().any(|event| key.contains(event.audit_id.as_str())) {
                let names = rules.entry(finding.rule.mode).or_default();
                names.insert(finding.rule.name.clone());
            }
        }
        Self {
            id: text("scenario"),
            kind: text("kind"),
            title: text("title"),
            severity: text("severity"),
            rules,
        }
    }

    fn found(&self, modes: &[Mode]) -> bool {
        modes.iter().any(|mode| self.rules.contains_key(mode))
    }

    /// Found by a rule about what was done.
    fn understood(&self, modes: &[Mode]) -> bool {
        let mut names = modes.iter().filter_map(|mode| self.rules.get(mode)).flatten();
        names.any(|name| !OF_THE_ACTOR.contains(&name.as_str()))
    }

    fn cell(&self, mode: Mode) -> String {
        let names = self.rules.get(&mode).into_iter().flatten();
        let links: Vec<String> = names.map(|name| format!("[`{name}`]({name}.md)")).collect();
        links.join(", ")
    }

    fn row(&self) -> String {
        let [on, duet, opt_in] = MODES.map(|mode| self.cell(mode));
        format!(
            "| `{}` | {} | {} | {on} | {duet} | {opt_in} |\n",
            self.id, self.title, self.severity
        )
    }
}

const HEAD: &str = "| scenario | what was done | severity | on | duet | opt-in |\n| --- | --- | --- | --- | --- | --- |\n";

fn share(scenarios: &[&Scenario], holds: impl Fn(&Scenario) -> bool) -> String {
    let count = scenarios.iter().filter(|scenario| holds(scenario)).count();
    format!("{count} of {} ({:.1} %)", scenarios.len(), percent(count, scenarios.len()))
}

fn percent(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) * 100.0 / f64::from(u32::try_from(whole).unwrap())
}

fn totals(attacks: &[&Scenario]) -> String {
    let mut text = String::from(
        "## Totals\n\nA scenario is found when a rule is set off by one of its decisive requests, those without which it would not \
         have been the attack. Three rules tell of the actor and not of what was done: `full-admin-access-feed`, `masterclient-used` \
         and `multi-tactic-principal`. The last column leaves them out.\n\n\
         | rules that run | found | found by a rule about what was done |\n| --- | ---: | ---: |\n",
    );
    for modes in [&MODES[..], &MODES[..2], &MODES[..1]] {
        let names: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
        let found = share(attacks, |scenario| scenario.found(modes));
        let understood = share(attacks, |scenario| scenario.understood(modes));
        let _ = writeln!(text, "| {} | {found} | {understood} |", names.join(", "));
    }
    text
}

fn misses(attacks: &[&Scenario]) -> String {
    let told: BTreeMap<&str, &str> = MISSES.into_iter().collect();
    let missed: BTreeSet<&str> = attacks
        .iter()
        .filter(|scenario| !scenario.understood(&MODES[..2]))
        .map(|scenario| scenario.id.as_str())
        .collect();
    let explained: BTreeSet<&str> = told.keys().copied().collect();
    assert_eq!(missed, explained, "MISSES explains other scenarios than those that are missed");
    let mut text = String::from(
        "\n## What `on` and `duet` rules about the behaviour miss\n\nNo scenario is missed when the opt-in rules run as well.\n\n",
    );
    assert!(
        attacks.iter().all(|scenario| scenario.understood(&MODES)),
        "a scenario is missed by all rules"
    );
    for (scenario, why) in told {
        let _ = writeln!(text, "- `{scenario}`: {why}");
    }
    text
}

fn quiet() -> String {
    let lines = sample_lines("quiet.audit.jsonl.gz");
    let found = detect(lines.iter().map(Vec::as_slice), None);
    let grave =
        |finding: &&Finding| finding.rule.mode == Mode::On && finding.level >= Level::Medium;
    let mut by_rule: BTreeMap<(Mode, &str, Level), usize> = BTreeMap::new();
    for finding in &found.told {
        let key = (finding.rule.mode, finding.rule.name.as_str(), finding.level);
        *by_rule.entry(key).or_default() += 1;
    }
    let mut text = format!(
        "\n## The quiet log\n\n{} events of ordinary traffic, twenty minutes: {} findings of `on` rules of medium or above.\n",
        found.totals.evaluated,
        found.told.iter().filter(grave).count(),
    );
    text.push_str(
        "What is told at all:\n\n| rule | mode | level | findings |\n| --- | --- | --- | ---: |\n",
    );
    for ((mode, name, level), count) in by_rule {
        let _ = writeln!(text, "| [`{name}`]({name}.md) | {mode} | {level} | {count} |");
    }
    text.push_str(
        "\nGenerated days of a larger team and more programs are held to the noise budget by `cargo test --test it noise`.\n",
    );
    text
}

fn page() -> String {
    let lines = sample_lines("attack.azure.jsonl.gz");
    let found = detect(lines.iter().map(Vec::as_slice), None).told;
    let manifest = sample_lines("manifest.jsonl");
    let scenarios: Vec<Scenario> =
        manifest.iter().map(|line| Scenario::read(line, &found)).collect();
    let of = |kind: &str| -> Vec<&Scenario> {
        scenarios.iter().filter(|scenario| scenario.kind == kind).collect()
    };
    let (attacks, lookalikes, ambiguous) = (of("attack"), of("lookalike"), of("ambiguous"));
    assert_eq!((attacks.len(), lookalikes.len(), ambiguous.len()), (67, 10, 1));
    let mut text = format!(
        "# What the rules find\n\nThe shipped rules, as they are, on the attack log of `samples/`: {} events of a real API server under the \
         audit policy of AKS, in which {} attacks, {} harmless look-alikes and {} scenario that can be read either way happened at \
         known times (`samples/README.md`, `samples/manifest.jsonl`). This page is made by\n\n    {CURE}\n\nand a test holds it to \
         what the rules do. The same findings come from `midwatch scan -o ndjson samples/attack.azure.jsonl.gz`; a finding belongs to \
         the scenario whose `keyAuditIDs` name one of its events. First-seen rules learn for days before they speak, so in a \
         log of sixteen minutes they say nothing. The attacks follow each other within seconds, and few actors do all of them: \
         `multi-tactic-principal` speaks here more often than it would elsewhere.\n\n",
        lines.len(),
        attacks.len(),
        lookalikes.len(),
        ambiguous.len(),
    );
    text.push_str(&totals(&attacks));
    text.push_str(&misses(&attacks));
    for (title, rows) in [
        ("Attacks", &attacks),
        ("Harmless look-alikes", &lookalikes),
        ("What can be read either way", &ambiguous),
    ] {
        let _ = write!(text, "\n## {title}\n\n");
        if title == "Harmless look-alikes" {
            text.push_str(
                "A question to the person (`duet`) is the right answer to some of them. `multi-tactic-principal` is about all that a \
                 person did within a day; it stands here where an intruder used the same name before or after.\n\n",
            );
        }
        text.push_str(HEAD);
        rows.iter().for_each(|scenario| text.push_str(&scenario.row()));
    }
    text.push_str(&quiet());
    text
}

#[test]
fn the_results_on_the_attack_log_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/detections/scenarios.md");
    let rendered = page();
    if updating() {
        fs::write(&path, &rendered).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == rendered, "docs/detections/scenarios.md is stale: {CURE}");
}
