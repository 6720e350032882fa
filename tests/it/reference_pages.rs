//! The pages under `docs/reference` that are rendered from data in the code: what is written there
//! is what the code says. `UPDATE_DOCS=1 cargo test --test it reference_pages` writes them anew.

use std::fs;
use std::path::Path;

#[track_caller]
fn check(page: &str, rendered: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, rendered).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let cure = "UPDATE_DOCS=1 cargo test --test it reference_pages";
    assert!(stored == rendered, "docs/reference/{page} is stale: {cure}");
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
