//! The floors of the house, held by scanning `crate::` paths: an import goes only downward.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import besides itself. `ARCHITECTURE.md` has the same table.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("audit", &["model"]),
    ("sigma", &["model"]),
    ("engine", &["model", "audit", "sigma"]),
    ("triage", &["model"]),
    ("ports", &["model"]),
    ("store", &["model", "ports"]),
    ("pipeline", &["model", "audit", "engine", "triage", "ports", "store"]),
    ("adapters", &["model", "ports"]),
    ("functions", &["model", "engine", "ports", "store", "pipeline"]),
    ("api", &["model", "sigma", "engine", "ports", "store", "pipeline"]),
    ("config", &["model", "adapters"]),
    ("telemetry", &["config"]),
    (
        "app",
        &[
            "model",
            "audit",
            "engine",
            "ports",
            "store",
            "pipeline",
            "adapters",
            "functions",
            "api",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "audit",
            "sigma",
            "engine",
            "triage",
            "ports",
            "store",
            "pipeline",
            "adapters",
            "functions",
            "api",
            "config",
            "telemetry",
            "app",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Sub-rooms that must not know each other.
const STRANGERS: &[(&str, &str)] =
    &[("adapters/azure", "adapters::local"), ("adapters/local", "adapters::azure")];

/// Words that must not stand in the pure floors: what they name belongs to the shell.
const PURE: &[&str] = &["model", "audit", "sigma", "engine", "triage"];
const IMPURE: &[&str] = &[
    "tokio::",
    "reqwest::",
    "tracing::",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::env",
    "std::process",
    "now_utc",
    "SystemTime",
    "async fn",
    "azure_",
    "redb::",
    "axum::",
];

fn source_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Code without its line comments, so that a doc link is no import.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The first segments after `prefix` (`crate::` or `midwatch::`), braces included.
fn imported(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        rooms.insert(std::mem::take(&mut word));
                    }
                    letter if depth == 0 && !letter.is_whitespace() => word.push(letter),
                    _ => {}
                }
            }
            rooms.insert(word);
        } else {
            rooms.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
        .into_iter()
        .map(|word| word.split("::").next().unwrap().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn every_import_goes_downward() {
    let table: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let here = room(&file);
        let allowed = table
            .get(here)
            .unwrap_or_else(|| panic!("src/{file}: the room `{here}` has no floor: add it here"));
        let prefix = if here == "main" { "midwatch::" } else { "crate::" };
        for there in imported(&code(&text), prefix) {
            if there != here && !allowed.contains(&there.as_str()) {
                wrong.push(format!("src/{file} imports `{there}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the floors:\n{}", wrong.join("\n"));
}

#[test]
fn the_two_families_of_adapters_do_not_know_each_other() {
    for (file, text) in sources() {
        for (here, there) in STRANGERS {
            assert!(
                !(file.starts_with(here) && code(&text).contains(there)),
                "src/{file}: {there}"
            );
        }
    }
}

#[test]
fn the_pure_floors_name_nothing_of_the_outside() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if !PURE.contains(&room(&file)) || file.ends_with("tests.rs") {
            continue;
        }
        // Tests may read a page or a sample; they are not part of the floor.
        let code = code(text.split("#[cfg(test)]").next().unwrap());
        for word in IMPURE {
            if code.contains(word) {
                wrong.push(format!("src/{file}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "the outside in a pure floor:\n{}", wrong.join("\n"));
}

#[test]
fn only_app_and_the_command_line_name_a_concrete_adapter() {
    for (file, text) in sources() {
        let here = room(&file);
        if ["adapters", "app", "cli", "config"].contains(&here) {
            continue;
        }
        assert!(!code(&text).contains("crate::adapters"), "src/{file}");
    }
}

#[test]
fn every_module_says_what_it_owns_and_stays_short() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        let faults = [
            (!text.starts_with("//!"), "has no opening `//!` line"),
            (file.ends_with("mod.rs"), "should be `{name}.rs` beside `{name}/`"),
            (lines > 500, "is too long: split it by responsibility"),
        ];
        let found = faults.iter().filter(|(holds, _)| *holds);
        wrong.extend(found.map(|(_, what)| format!("src/{file} {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_file_says_unsafe() {
    let allowed = "engine/fast/scan/x86.rs";
    let says = |text: &str| {
        code(text)
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == "unsafe" || word == "unsafe_code")
    };
    let saying: Vec<_> =
        sources().into_iter().filter(|(_, text)| says(text)).map(|(file, _)| file).collect();
    assert_eq!(saying, [allowed]);
    let (_, text) = sources().into_iter().find(|(file, _)| file == allowed).unwrap();
    let mut before = "";
    for line in text.lines() {
        if line.contains("unsafe {") {
            assert!(before.trim_start().starts_with("// SAFETY: "), "no reason above `{line}`");
        }
        before = line;
    }
}

#[test]
fn no_drawer_modules() {
    let drawers = ["utils", "util", "common", "helpers", "helper", "manager", "misc"];
    for (file, _) in sources() {
        let stem = file.trim_end_matches(".rs").rsplit('/').next().unwrap();
        assert!(!drawers.contains(&stem), "src/{file}");
    }
}

#[test]
fn the_scanner_sees_imports_in_every_spelling() {
    let text =
        "use crate::model::ids; fn f() { crate::ports::x() } use crate::{audit::event, sigma};";
    let rooms: Vec<_> = imported(text, "crate::").into_iter().collect();
    assert_eq!(rooms, ["audit", "model", "ports", "sigma"]);
}
