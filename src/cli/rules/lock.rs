//! `midwatch rules lock`: versions and hashes of the rules of a directory.

use std::fs;
use std::io;
use std::path::Path;

use super::sources;
use crate::cli::arguments::rules::RulesLockArguments;
use crate::cli::console::Console;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::count;
use crate::engine::lock::{self, Lock};

/// The file's name within the directory of rules.
const FILE: &str = "rules.lock";

/// Writes the lock anew, or says what is wrong with it.
pub(super) fn lock(arguments: &RulesLockArguments, console: &mut Console) -> Result<Exit, Failure> {
    let dir = arguments.dir.as_path();
    let rules = lock::current(&sources::rules_of(dir)?)
        .map_err(|faults| sources::unusable(&faults, Some(dir)))?;
    let path = dir.join(FILE);
    let text = read(&path)?;
    let complaints = lock::complaints(&text, &rules);
    if arguments.check {
        for complaint in &complaints {
            writeln!(console.out(), "{}", escape(complaint))?;
        }
        let told = count(complaints.len() as u64, "complaint");
        console.note(&format!("{}, {told}", count(rules.len() as u64, "rule")))?;
        return Ok(if complaints.is_empty() { Exit::Ok } else { Exit::Findings });
    }
    let before = Lock::parse(&text);
    // An id that was retired and comes back needs a decision, not a new line.
    let reused = rules.iter().find(|rule| before.get(&rule.id).is_some_and(|it| it.hash.is_none()));
    if let Some(rule) = reused {
        let what = format!("the id of `{}` is that of a retired rule", rule.name);
        return Err(Failure::new(Exit::Findings, what)
            .because("ids are never given again; draw a new UUID"));
    }
    let renewed = before.renewed(&rules);
    let rendered = renewed.render();
    if rendered != text {
        fs::write(&path, rendered).map_err(|error| cannot(&path, "write", error))?;
    }
    let changed = rules.iter().filter(|rule| before.get(&rule.id) != renewed.get(&rule.id)).count();
    console.note(&format!(
        "{} in {}, {changed} new or in a new version",
        count(rules.len() as u64, "rule"),
        escape(&path.to_string_lossy())
    ))?;
    Ok(Exit::Ok)
}

/// The text of the lock; empty when there is none yet.
fn read(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(cannot(path, "read", error)),
    }
}

fn cannot(path: &Path, what: &str, error: io::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("cannot {what} {}", path.display())).because(error)
}
