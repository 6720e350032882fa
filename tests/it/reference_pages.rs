//! The pages under `docs/reference` and `docs/detections` that are rendered from data in the code and
//! in the rules, and the lock of the rules: what is written there is what the code says.
//! `UPDATE_DOCS=1 cargo test --test it reference_pages` writes them anew.

mod scenarios;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use midwatch::cli::catalogue::{self, Files, index, page};
use midwatch::engine::lock::{self, Lock};
use midwatch::engine::ruleset::{RuleSet, RuleSource};
use midwatch::engine::vendor;

const CURE: &str = "UPDATE_DOCS=1 cargo test --test it reference_pages";

fn updating() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

#[track_caller]
fn check(page: &str, rendered: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(page);
    if updating() {
        fs::write(&path, rendered).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == rendered, "docs/reference/{page} is stale: {CURE}");
}

#[test]
fn the_settings_page_is_current() {
    check("configuration.md", &midwatch::config::docs::render());
}

#[test]
fn the_fields_page_is_current() {
    check("fields.md", &midwatch::audit::taxonomy::markdown());
}

#[test]
fn the_command_line_page_is_current() {
    check("cli.md", &midwatch::cli::reference::markdown());
}

/// Files of `rules/` with one of these endings, as they lie on the disk: what a test writes is not
/// in the binary that it runs in.
fn rule_files(ending: &str) -> Vec<RuleSource> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<RuleSource>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push(RuleSource { path: name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The lock comes before the pages, which tell the versions: one test does both, in this order.
#[test]
fn the_lock_and_the_pages_of_the_rules_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = rule_files(".yml");
    let rules = lock::current(&sources).unwrap();
    let path = root.join("rules/rules.lock");
    let mut text = fs::read_to_string(&path).unwrap_or_default();
    if updating() {
        text = Lock::parse(&text).renewed(&rules).render();
        fs::write(&path, &text).unwrap();
    }
    let wrong = lock::complaints(&text, &rules);
    assert!(wrong.is_empty(), "{CURE}, or:\n{}", wrong.join("\n"));

    let set = RuleSet::load(&sources).unwrap();
    let files =
        Files { rules: sources, cases: rule_files(".cases.jsonl"), lock: Lock::parse(&text) };
    let entries = catalogue::entries(&set, &files).unwrap();
    assert_eq!(entries.len(), set.catalogue().len(), "a rule has no entry");
    let folder = root.join("docs/detections");
    let scenarios = folder.join("scenarios.md").is_file();
    let vendor = vendor::shipped().unwrap();
    let mut pages: Vec<(String, String)> =
        entries.iter().map(|entry| (page::file_name(entry), page::render(entry))).collect();
    pages.push(("README.md".to_owned(), index::render(&entries, &vendor, scenarios)));
    let mut wanted: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    wanted.insert("scenarios.md");
    fs::create_dir_all(&folder).unwrap();
    let mut stale = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !wanted.contains(name.as_str()) {
            if updating() {
                fs::remove_file(folder.join(&name)).unwrap();
            } else {
                stale.push(name);
            }
        }
    }
    for (name, rendered) in &pages {
        if updating() {
            fs::write(folder.join(name), rendered).unwrap();
        }
        if fs::read_to_string(folder.join(name)).unwrap_or_default() != *rendered {
            stale.push(name.clone());
        }
    }
    assert!(stale.is_empty(), "stale in docs/detections: {}; {CURE}", stale.join(", "));
}
