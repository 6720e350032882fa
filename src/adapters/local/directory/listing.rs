//! Walks a container's folder in the order of blob names, visiting only folders that can hold
//! what is asked for. Bounded in depth and in what it gives.

use std::fs;
use std::io;
use std::path::Path;

use time::OffsetDateTime;

use crate::ports::blobs::BlobItem;

/// Folders within folders, at most: a log blob lies sixteen deep.
const DEPTH_MAX: usize = 64;

/// Blobs whose name starts with `prefix` and comes after `after`, at most `max`, in name order.
pub(super) fn walk(
    folder: &Path,
    prefix: &str,
    after: Option<&str>,
    max: usize,
) -> io::Result<Vec<BlobItem>> {
    // The container itself must be a real folder too; none at all is an empty one.
    match folder.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let mut walk = Walk { prefix, after, max, items: Vec::new() };
    walk.visit(folder, "", 0)?;
    Ok(walk.items)
}

struct Walk<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    max: usize,
    items: Vec<BlobItem>,
}

impl Walk<'_> {
    fn visit(&mut self, folder: &Path, above: &str, depth: usize) -> io::Result<()> {
        for name in self.names(folder, above)? {
            if self.items.len() >= self.max {
                break;
            }
            let path = folder.join(name.strip_prefix(above).unwrap_or(&name));
            if name.ends_with('/') {
                if depth < DEPTH_MAX && self.may_hold(&name) {
                    self.visit(&path, &name, depth + 1)?;
                }
            } else if name.starts_with(self.prefix) && self.is_after(&name) {
                self.add(&path, name)?;
            }
        }
        Ok(())
    }

    /// Full names of what lies in a folder, sorted as the blobs below them are: a folder's name
    /// takes its closing slash along. Links, and names that are not UTF-8, are left out.
    fn names(&self, folder: &Path, above: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(folder) {
            // It was removed under our hands.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if kind.is_dir() {
                names.push(format!("{above}{name}/"));
            } else if kind.is_file() {
                names.push(format!("{above}{name}"));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn may_hold(&self, folder: &str) -> bool {
        let fits = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        let ahead = self.after.is_none_or(|after| after.starts_with(folder) || after < folder);
        fits && ahead
    }

    fn is_after(&self, name: &str) -> bool {
        self.after.is_none_or(|after| name > after)
    }

    fn add(&mut self, path: &Path, name: String) -> io::Result<()> {
        let metadata = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            metadata => metadata?,
        };
        let last_modified = metadata.modified().ok().map(OffsetDateTime::from);
        self.items.push(BlobItem { name, length: metadata.len(), last_modified });
        Ok(())
    }
}
