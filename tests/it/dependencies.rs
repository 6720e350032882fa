//! What `deny.toml` forbids, held without `cargo deny` being installed; and what it excuses, kept
//! from outliving its cause.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A package of the lock file.
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

fn locked() -> Vec<Locked> {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let field = |block: &str, name: &str| {
        let prefix = format!("{name} = \"");
        let line = block.lines().find_map(|line| line.strip_prefix(&prefix))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    let blocks: Vec<_> = text.split("[[package]]").skip(1).collect();
    assert!(blocks.len() > 100, "the lock file was not understood");
    blocks
        .into_iter()
        .map(|block| Locked {
            name: field(block, "name").unwrap(),
            version: field(block, "version").unwrap(),
            source: field(block, "source"),
        })
        .collect()
}

#[test]
fn no_second_tls_or_http_stack_is_locked() {
    for package in locked() {
        let Locked { name, version, .. } = &package;
        let banned = ["openssl-sys", "native-tls", "serde_yaml", "serde_yml", "rsa"];
        assert!(!banned.contains(&name.as_str()), "{name} is banned; see deny.toml");
        let other = name == "reqwest" && !version.starts_with("0.13.");
        assert!(!other, "reqwest {version} is a second HTTP stack; see deny.toml");
    }
}

/// `ring` is locked, because optional features of TLS crates name it; no feature we use builds it.
#[test]
fn ring_is_not_built() {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--invert", "ring", "--locked", "--offline"])
        .args(["--edges", "normal,build"])
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(!tree.contains("ring v"), "something builds ring:\n{tree}");
    // It either prints nothing, or does not know the package at all; anything else is a failure
    // to look.
    let told = String::from_utf8_lossy(&output.stderr);
    let looked = output.status.success() || told.contains("did not match any packages");
    assert!(looked, "cargo tree failed: {told}");
}

#[test]
fn every_crate_comes_from_crates_io() {
    for package in locked() {
        let official = "registry+https://github.com/rust-lang/crates.io-index";
        let ours = package.name == env!("CARGO_PKG_NAME") && package.source.is_none();
        assert!(ours || package.source.as_deref() == Some(official), "{}", package.name);
    }
}

#[test]
fn an_excused_advisory_names_a_crate_that_is_still_locked_and_a_day_of_review() {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let locked: BTreeSet<String> =
        locked().iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    let mut excused = 0;
    for line in text.lines().filter(|line| line.contains("id = \"RUSTSEC-")) {
        let reason = line.split("reason = \"").nth(1).expect("a reason");
        let crate_and_version = reason.split(':').next().unwrap();
        let still =
            locked.iter().any(|package| package.starts_with(&format!("{crate_and_version}.")));
        assert!(still, "{crate_and_version} has left the lock file: remove {line}");
        let review = reason.split("Review by ").nth(1).expect("a day of review");
        assert!(review.starts_with("20") && review.as_bytes()[4] == b'-', "{review}");
        excused += 1;
    }
    assert_eq!(excused, 6, "an excuse came or went: is docs/adr/0001-table-crate.md still right?");
}
