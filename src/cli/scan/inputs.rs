//! Which files a scan reads: arguments become files, directories are walked, globs expanded.

use std::fs;
use std::io::{self, BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use crate::audit::gzip;

/// Folders within folders, at most; a log account is ten deep.
const DEPTH_MAX: usize = 64;
/// Files of one scan, at most: more is taken for a mistake, such as scanning `/`.
const FILES_MAX: usize = 1_000_000;
/// Decompressed bytes looked at to tell an audit log from other files of a walked directory.
const SNIFF_BYTES: u64 = 256 * 1024;
/// What stands near the beginning of every audit log that Midwatch reads, and hardly elsewhere.
const MARKS: [&[u8]; 5] = [
    b"\"auditID\"",
    b"audit.k8s.io",
    b"\"properties\"",
    b"\"operationName\"",
    // A row of Log Analytics.
    b"\"AuditId\"",
];
/// Endings of file names that a walk considers.
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".log", ".gz"];

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Input {
    /// Standard input.
    Stdin,
    File {
        path: PathBuf,
        /// Bytes on disk, for the progress bar.
        length: u64,
    },
}

/// What the arguments came to.
#[derive(Debug, Default)]
pub(in crate::cli) struct Inputs {
    /// In the order of the arguments, directories by name.
    pub inputs: Vec<Input>,
    /// What was left aside in walked directories, with the reason.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// What could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Expands the arguments. Nothing fails here: what cannot be read is listed.
pub(in crate::cli) fn expand(paths: &[PathBuf]) -> Inputs {
    let mut found = Inputs::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.inputs.push(Input::Stdin);
        } else if path.exists() {
            found.add(path);
        } else {
            found.glob(path);
        }
    }
    found
}

impl Inputs {
    fn refuse(&mut self, path: &Path, why: &dyn std::fmt::Display) {
        self.unreadable.push((path.to_owned(), why.to_string()));
    }

    /// A path that the user named.
    fn add(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let before = self.inputs.len();
                self.walk(path, 0);
                if self.inputs.len() == before {
                    self.refuse(path, &"no audit log in this directory");
                }
            }
            Ok(metadata) => self.push(path, metadata.len()),
            Err(error) => self.refuse(path, &error),
        }
    }

    fn push(&mut self, path: &Path, length: u64) {
        if self.inputs.len() < FILES_MAX {
            self.inputs.push(Input::File { path: path.to_owned(), length });
        } else {
            self.refuse(path, &format!("more than {FILES_MAX} files in one scan"));
        }
    }

    fn glob(&mut self, pattern: &Path) {
        let text = pattern.to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            return self.refuse(pattern, &"no such file or directory");
        }
        let matches = match glob::glob(&text) {
            Ok(matches) => matches,
            Err(error) => return self.refuse(pattern, &error),
        };
        let mut any = false;
        for path in matches {
            any = true;
            match path {
                Ok(path) => self.add(&path),
                Err(error) => self.refuse(error.path(), error.error()),
            }
        }
        if !any {
            self.refuse(pattern, &"no file matches");
        }
    }

    /// Walks a directory in name order. Links to directories are not followed, so that a walk ends.
    fn walk(&mut self, dir: &Path, depth: usize) {
        if depth > DEPTH_MAX {
            return self.refuse(dir, &format!("more than {DEPTH_MAX} folders deep"));
        }
        let entries: io::Result<Vec<fs::DirEntry>> = fs::read_dir(dir).and_then(Iterator::collect);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.refuse(dir, &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.walk(&path, depth + 1),
                Ok(kind) if kind.is_symlink() => self.link(&path),
                Ok(kind) if kind.is_file() && has_log_name(&path) => self.consider(&path),
                Ok(_) => {}
                Err(error) => self.refuse(&path, &error),
            }
        }
    }

    /// A link of a walked directory: to a file it is read like the file, to a directory it is left
    /// aside and told.
    fn link(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                self.skipped
                    .push((path.to_owned(), "a link to a directory; name it to have it read"));
            }
            Ok(metadata) if metadata.is_file() && has_log_name(path) => self.consider(path),
            Err(error) if has_log_name(path) => self.refuse(path, &error),
            Ok(_) | Err(_) => {}
        }
    }

    /// A file of a walked directory: read it if it looks like an audit log.
    fn consider(&mut self, path: &Path) {
        if is_companion(path) {
            return self.skipped.push((path.to_owned(), "by its name no audit log"));
        }
        match fs::metadata(path).and_then(|metadata| Ok((metadata.len(), is_audit_log(path)?))) {
            Ok((length, true)) => self.push(path, length),
            Ok((_, false)) => self.skipped.push((path.to_owned(), "no audit log")),
            Err(error) => self.refuse(path, &error),
        }
    }
}

fn has_log_name(path: &Path) -> bool {
    let name = lower_name(path);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file belongs to logs without being one: a manifest, or the cases of a rule.
fn is_companion(path: &Path) -> bool {
    let name = lower_name(path);
    name.starts_with("manifest") || name.ends_with(".cases.jsonl")
}

fn lower_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether one of the marks stands in the first bytes.
fn is_audit_log(path: &Path) -> io::Result<bool> {
    let mut reader = gzip::open(fs::File::open(path)?)?.take(SNIFF_BYTES);
    let mut head = Vec::new();
    loop {
        let chunk = match reader.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            // Damaged data is found, and told, when the file is read.
            Err(_) => return Ok(true),
        };
        let length = chunk.len();
        head.extend_from_slice(chunk);
        reader.consume(length);
    }
    Ok(MARKS.iter().any(|mark| head.windows(mark.len()).any(|window| window == *mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "{\"kind\":\"Event\",\"auditID\":\"a\"}\n";

    fn names(found: &Inputs) -> Vec<String> {
        let name = |path: &Path| path.file_name().expect("name").to_string_lossy().into_owned();
        found
            .inputs
            .iter()
            .map(|input| match input {
                Input::Stdin => "-".to_owned(),
                Input::File { path, .. } => name(path),
            })
            .collect()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("dir");
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("parent")).expect("dir");
            fs::write(path, content).expect("write");
        }
        dir
    }

    #[test]
    fn a_directory_gives_its_audit_logs_and_nothing_else() {
        let dir = folder(&[
            ("b/PT1H.json", EVENT),
            ("a.jsonl", EVENT),
            ("manifest.jsonl", EVENT),
            ("A-manifest.jsonl", "{\"scenario\":\"x\",\"auditIDs\":[\"1\"]}\n"),
            ("rule.cases.jsonl", EVENT),
            ("notes.txt", EVENT),
        ]);
        let found = expand(&[dir.path().to_owned()]);
        assert_eq!(names(&found), ["a.jsonl", "PT1H.json"]);
        let skipped = ["A-manifest.jsonl", "manifest.jsonl", "rule.cases.jsonl"];
        let skipped = skipped.map(|name| dir.path().join(name));
        assert!(found.skipped.iter().map(|(path, _)| path).eq(&skipped), "{:?}", found.skipped);
        assert!(found.unreadable.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_of_a_directory_is_passed_over_in_silence() {
        let dir = folder(&[("logs/real.log", EVENT), ("other/x", "")]);
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, dir.path().join("logs").join(name)).expect("link");
        };
        link("real.log", "a.log");
        link("..", "b");
        link("gone", "c.log");
        link("d.log", "d.log");
        let found = expand(&[dir.path().join("logs")]);
        assert_eq!(names(&found), ["a.log", "real.log"]);
        assert_eq!(found.skipped.len(), 1);
        assert_eq!(found.unreadable.len(), 2);
    }

    #[test]
    fn a_named_file_is_read_whatever_it_is_called() {
        let dir = folder(&[("manifest.txt", "x")]);
        let found = expand(&[dir.path().join("manifest.txt"), PathBuf::from("-")]);
        assert_eq!(names(&found), ["manifest.txt", "-"]);
    }

    #[test]
    fn globs_are_expanded_and_what_is_missing_is_told() {
        let dir = folder(&[("one.log", EVENT), ("two.log", EVENT), ("sub/x", "")]);
        let at = |name: &str| dir.path().join(name);
        let found = expand(&[at("*.log"), at("none*"), at("gone.json"), at("sub")]);
        assert_eq!(names(&found), ["one.log", "two.log"]);
        let reasons: Vec<&str> = found.unreadable.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(
            reasons,
            ["no file matches", "no such file or directory", "no audit log in this directory"]
        );
    }
}
