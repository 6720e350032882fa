//! A directory of the layout, its order, its bounds, and no way out of it.

use super::*;

fn account(files: &[(&str, &str)]) -> (tempfile::TempDir, Directory) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        std::fs::write(path, text).expect("written");
    }
    let directory = Directory::new("local", folder.path());
    (folder, directory)
}

async fn names(directory: &Directory, prefix: &str) -> Vec<String> {
    let page = directory.list("logs", prefix, None).await.expect("listed");
    page.items.into_iter().map(|item| item.name).collect()
}

#[tokio::test]
async fn a_listing_is_in_order_of_whole_names_and_keeps_to_the_prefix() {
    let files = ["a/x", "a-b/x", "a/b/c", "b", "a.txt", "B/x"];
    let placed: Vec<String> = files.iter().map(|file| format!("logs/{file}")).collect();
    let placed: Vec<(&str, &str)> = placed.iter().map(|file| (file.as_str(), "12345")).collect();
    let (_folder, directory) = account(&placed);
    let mut sorted = files.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(names(&directory, "").await, sorted);
    assert_eq!(names(&directory, "a/").await, ["a/b/c", "a/x"]);
    assert_eq!(names(&directory, "a/b").await, ["a/b/c"]);
    assert_eq!(names(&directory, "a-").await, ["a-b/x"]);
    assert_eq!(names(&directory, "c").await, Vec::<String>::new());
    let page = directory.list("logs", "b", None).await.expect("listed");
    assert_eq!(page.items[0].length, 5);
    assert!(page.items[0].last_modified.is_some());
}

#[test]
fn a_walk_goes_on_behind_a_name() {
    let names = ["a/1", "a/2", "a-1", "b/c/1", "b/c/2", "c"];
    let placed: Vec<String> = names.iter().map(|name| format!("logs/{name}")).collect();
    let placed: Vec<(&str, &str)> = placed.iter().map(|name| (name.as_str(), "x")).collect();
    let (folder, _) = account(&placed);
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    let mut walked = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let logs = folder.path().join("logs");
        let items = listing::walk(&logs, "", after.as_deref(), 2).expect("walked");
        let Some(last) = items.last() else { break };
        after = Some(last.name.clone());
        walked.extend(items.into_iter().map(|item| item.name));
    }
    assert_eq!(walked, sorted);
}

#[tokio::test]
async fn a_container_that_is_not_there_yet_is_empty() {
    let (_folder, directory) = account(&[]);
    assert_eq!(directory.list("logs", "", None).await.expect("listed"), BlobPage::default());
}

#[tokio::test]
async fn reads_are_bounded_and_the_end_is_past_the_end() {
    let (_folder, directory) = account(&[("logs/a/b", "0123456789")]);
    let read = |offset, max| directory.read("logs", "a/b", offset, max);
    assert_eq!(read(0, 4).await.expect("read"), Read::Bytes("0123".into()));
    assert_eq!(read(8, 4).await.expect("read"), Read::Bytes("89".into()));
    assert_eq!(read(10, 4).await.expect("read"), Read::PastEnd);
    assert_eq!(read(11, u64::MAX).await.expect("read"), Read::PastEnd);
    assert_eq!(read(0, u64::MAX).await.expect("read"), Read::Bytes("0123456789".into()));
    assert_eq!(directory.length("logs", "a/b").await.expect("there"), 10);
}

#[tokio::test]
async fn what_is_not_there_or_no_file_is_not_found() {
    let (_folder, directory) = account(&[("logs/a/b", "x")]);
    for name in ["a/c", "a", "a/b/c"] {
        let error = directory.read("logs", name, 0, 1).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::NotFound, "{name}");
        let error = directory.length("logs", name).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::NotFound, "{name}");
    }
}

#[tokio::test]
async fn no_name_leads_out_of_the_root() {
    let (_folder, directory) = account(&[("logs/a", "x"), ("secret", "x")]);
    for name in ["../secret", "a/../../secret", "/etc/passwd", "", ".", "a//b", "..\\secret", "a\0"]
    {
        let error = directory.read("logs", name, 0, 1).await.expect_err("refused");
        let kinds = [PortErrorKind::Invalid, PortErrorKind::NotFound];
        assert!(kinds.contains(&error.kind), "{name:?}: {error}");
    }
    for container in ["..", "", "../..", "/"] {
        let error = directory.list(container, "", None).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::Invalid, "{container:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (folder, directory) = account(&[("logs/real/x", "x"), ("outside/x", "x")]);
    let root = folder.path();
    symlink(root.join("outside"), root.join("logs/folder")).expect("linked");
    symlink(root.join("outside/x"), root.join("logs/file")).expect("linked");
    symlink(root.join("outside"), root.join("container")).expect("linked");
    symlink(root, root.join("logs/real/loop")).expect("linked");
    assert_eq!(names(&directory, "").await, ["real/x"]);
    let page = directory.list("container", "", None).await.expect("listed");
    assert_eq!(page.items, []);
    for (container, name) in [("logs", "folder/x"), ("logs", "file"), ("container", "x")] {
        let error = directory.read(container, name, 0, 1).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::NotFound, "{container}/{name}");
    }
}
