//! The file: reopening, locking, and refusing what Azure refuses. The port is held by the contract
//! suite in `tests/it`.

use super::*;
use crate::ports::table::{Properties, Value};

fn key(row: &str) -> Key {
    Key { partition: "p".to_owned(), row: row.to_owned() }
}

fn insert(row: &str) -> Write {
    let properties = Properties::from([("n".to_owned(), Value::Int(1))]);
    Write::Insert { key: key(row), properties }
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.redb");
    let etag = {
        let table = LocalTables::open(&path).expect("opened").table("t");
        table.write(insert("row")).await.expect("written").expect("an ETag")
    };
    let table = LocalTables::open(&path).expect("opened again").table("t");
    let row = table.get(&key("row")).await.expect("read").expect("there");
    assert_eq!(row.etag, etag);
    let next = table.write(insert("next")).await.expect("written").expect("an ETag");
    assert_ne!(next, etag, "versions go on counting");
}

#[test]
fn a_file_in_use_says_so_and_names_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.redb");
    let _open = LocalTables::open(&path).expect("opened");
    let error = LocalTables::open(&path).err().expect("refused");
    assert!(error.to_string().contains("in use by another midwatch: end that one"), "{error}");
}

#[test]
fn a_file_of_something_else_is_refused_with_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.redb");
    std::fs::write(&path, "not a database".repeat(1000)).expect("written");
    let error = LocalTables::open(&path).err().expect("refused");
    assert_eq!(error.kind, PortErrorKind::Corrupt, "not in use: nothing to wait for");
    assert!(error.to_string().contains("move it away"), "{error}");
}

#[tokio::test]
async fn tables_in_one_file_do_not_see_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = LocalTables::open(&folder.path().join("state.redb")).expect("opened");
    tables.table("a").write(insert("row")).await.expect("written");
    assert_eq!(tables.table("b").get(&key("row")).await.expect("read"), None);
    tables.table("meta").write(insert("row")).await.expect("a name of ours is no name of theirs");
}

#[tokio::test]
async fn keys_and_names_that_azure_refuses_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = LocalTables::open(&folder.path().join("state.redb")).expect("opened").table("t");
    for row in ["a/b", "a\\b", "a#b", "a?b", "a\u{0}", "a\u{85}", &"x".repeat(513)] {
        let error = table.write(insert(row)).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::Invalid, "{row:?}");
    }
    for name in ["", "1a", "a-b", "a.b", "PartitionKey", "é"] {
        let properties = Properties::from([(name.to_owned(), Value::Int(1))]);
        let write = Write::Insert { key: key("row"), properties };
        let error = table.write(write).await.expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::Invalid, "{name:?}");
    }
}

#[tokio::test]
async fn a_continuation_of_somebody_else_is_invalid() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = LocalTables::open(&folder.path().join("state.redb")).expect("opened").table("t");
    let scanned = table.scan("p", &Range::default(), 10, Some("!!")).await;
    assert_eq!(scanned.expect_err("refused").kind, PortErrorKind::Invalid);
}
