//! The script root as packaging lays it out: `host.json`, and each function's folder one level
//! deep beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The repository's own folder.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A script root made from `host.json` and `functions/`, once for each test run.
pub(crate) fn script_root() -> &'static Path {
    static ROOT: OnceLock<tempfile::TempDir> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let from = repository();
        fs::copy(from.join("host.json"), root.path().join("host.json")).unwrap();
        for folder in fs::read_dir(from.join("functions")).unwrap() {
            let folder = folder.unwrap();
            let to = root.path().join(folder.file_name());
            fs::create_dir(&to).unwrap();
            fs::copy(folder.path().join("function.json"), to.join("function.json")).unwrap();
        }
        root
    })
    .path()
}
