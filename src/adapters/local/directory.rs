//! A directory as log account: `<root>/<container>/<blob name>`, the layout that a download of
//! the account has. Read only. A name never leads out of the root: `..` is refused, and a
//! symbolic link below the root is as good as not there.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::ports::blobs::{BlobPage, Blobs, Read};
use crate::ports::error::{PortError, PortErrorKind, PortResult};

mod listing;

/// Blobs on one page, at most; what Azure gives.
const PAGE_BLOBS_MAX: usize = 5000;

/// A directory of log containers.
#[derive(Debug, Clone)]
pub struct Directory {
    label: String,
    root: PathBuf,
}

impl Directory {
    /// The directory `root` under the name `label`, which goes into checkpoints: keep it when
    /// the directory moves.
    pub fn new(label: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self { label: label.into(), root: root.into() }
    }

    /// Where a blob lies; refused when its name is no plain path below the container, `NotFound`
    /// when a link lies on the way.
    fn locate(&self, doing: &'static str, container: &str, name: &str) -> PortResult<PathBuf> {
        let mut path = self.root.clone();
        for part in std::iter::once(container).chain(name.split('/')) {
            if !is_plain(part) {
                let cause = "the name is no plain path below a container";
                return Err(PortError::new(PortErrorKind::Invalid, doing, cause));
            }
            path.push(part);
            let metadata = path.symlink_metadata().map_err(|error| fault(doing, &error))?;
            if metadata.is_symlink() {
                let cause = "there is a symbolic link, which is not followed";
                return Err(PortError::new(PortErrorKind::NotFound, doing, cause));
            }
        }
        Ok(path)
    }

    fn open(&self, doing: &'static str, container: &str, name: &str) -> PortResult<(File, u64)> {
        let path = self.locate(doing, container, name)?;
        let file = File::open(path).map_err(|error| fault(doing, &error))?;
        let metadata = file.metadata().map_err(|error| fault(doing, &error))?;
        if !metadata.is_file() {
            return Err(PortError::new(PortErrorKind::NotFound, doing, "it is no file"));
        }
        Ok((file, metadata.len()))
    }

    fn read_now(&self, container: &str, name: &str, offset: u64, max: u64) -> PortResult<Read> {
        const DOING: &str = "read a blob";
        let (mut file, length) = self.open(DOING, container, name)?;
        let wanted = length.saturating_sub(offset).min(max);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        if wanted == 0 {
            return Ok(Read::PastEnd);
        }
        file.seek(SeekFrom::Start(offset)).map_err(|error| fault(DOING, &error))?;
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                // It became shorter under our hands: what is there counts.
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(DOING, &error)),
            }
        }
        bytes.truncate(filled);
        if bytes.is_empty() {
            return Ok(Read::PastEnd);
        }
        Ok(Read::Bytes(Bytes::from(bytes)))
    }

    /// File work waits for the disk, so it is done where waiting harms nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Self) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let directory = self.clone();
        tokio::task::spawn_blocking(move || work(&directory)).await.unwrap_or_else(|_| {
            Err(PortError::new(PortErrorKind::Unavailable, doing, "the work was cut short"))
        })
    }
}

#[async_trait]
impl Blobs for Directory {
    fn account(&self) -> &str {
        &self.label
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        continuation: Option<&str>,
    ) -> PortResult<BlobPage> {
        const DOING: &str = "list blobs";
        if !is_plain(container) {
            let cause = "the name is no plain path below a container";
            return Err(PortError::new(PortErrorKind::Invalid, DOING, cause));
        }
        let after = match continuation {
            None => None,
            Some(text) => {
                let name = URL_SAFE_NO_PAD.decode(text).ok();
                let name = name.and_then(|bytes| String::from_utf8(bytes).ok());
                Some(name.ok_or_else(|| {
                    let cause = "the continuation is none of ours";
                    PortError::new(PortErrorKind::Invalid, DOING, cause)
                })?)
            }
        };
        let (container, prefix) = (container.to_owned(), prefix.to_owned());
        self.blocking(DOING, move |directory| {
            let folder = directory.root.join(container);
            let mut items = listing::walk(&folder, &prefix, after.as_deref(), PAGE_BLOBS_MAX + 1)
                .map_err(|error| fault(DOING, &error))?;
            let mut continuation = None;
            if items.len() > PAGE_BLOBS_MAX {
                items.truncate(PAGE_BLOBS_MAX);
                continuation = items.last().map(|last| URL_SAFE_NO_PAD.encode(&last.name));
            }
            Ok(BlobPage { items, continuation })
        })
        .await
    }

    async fn length(&self, container: &str, name: &str) -> PortResult<u64> {
        const DOING: &str = "read a blob's length";
        let (container, name) = (container.to_owned(), name.to_owned());
        self.blocking(DOING, move |directory| {
            directory.open(DOING, &container, &name).map(|(_, length)| length)
        })
        .await
    }

    async fn read(&self, container: &str, name: &str, offset: u64, max: u64) -> PortResult<Read> {
        const DOING: &str = "read a blob";
        if max == 0 {
            return Err(PortError::new(PortErrorKind::Invalid, DOING, "a read of no bytes"));
        }
        let (container, name) = (container.to_owned(), name.to_owned());
        self.blocking(DOING, move |directory| directory.read_now(&container, &name, offset, max))
            .await
    }
}

/// One component of a path, which leads nowhere but one step down.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && !part.contains(['/', '\\', '\0'])
        && Path::new(part).is_relative()
}

fn fault(doing: &'static str, error: &std::io::Error) -> PortError {
    let kind = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => PortErrorKind::NotFound,
        ErrorKind::PermissionDenied => PortErrorKind::Unauthorised,
        ErrorKind::InvalidFilename => PortErrorKind::Invalid,
        _ => PortErrorKind::Unavailable,
    };
    PortError::new(kind, doing, error.kind().to_string())
}

#[cfg(test)]
mod tests;
