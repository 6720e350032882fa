//! One row at a time.

use midwatch::ports::error::PortErrorKind;
use midwatch::ports::table::{Etag, Properties, Value, Write};

use super::{Probe, kind_of, number_row};

pub(super) async fn a_row_that_was_never_written_is_none(probe: Probe) {
    assert_eq!(probe.get("nothing").await, None);
}

pub(super) async fn a_row_is_inserted_once(probe: Probe) {
    let etag = probe.insert_now("row", 1).await;
    let row = probe.get("row").await.expect("there");
    assert_eq!(row.key, probe.key("row"));
    assert_eq!(row.etag, etag, "the ETag of the write is the ETag of the row");
    assert_eq!(row.properties, number_row(1));
    let again = probe.table.write(probe.insert("row", 2)).await;
    assert_eq!(kind_of(again), PortErrorKind::Conflict);
    assert_eq!(probe.number("row").await, Some(1));
}

pub(super) async fn a_replace_needs_the_current_etag(probe: Probe) {
    let first = probe.insert_now("row", 1).await;
    let replace = |number, etag: &Etag| Write::Replace {
        key: probe.key("row"),
        properties: number_row(number),
        etag: etag.clone(),
    };
    let second = probe.table.write(replace(2, &first)).await.expect("current").expect("an ETag");
    assert_ne!(first, second);
    let stale = probe.table.write(replace(3, &first)).await;
    assert_eq!(kind_of(stale), PortErrorKind::Conflict);
    assert_eq!(probe.number("row").await, Some(2));
    assert_eq!(probe.get("row").await.expect("there").etag, second);
}

pub(super) async fn a_replace_drops_what_it_does_not_name(probe: Probe) {
    let both = Properties::from([
        ("number".to_owned(), Value::Int(1)),
        ("more".to_owned(), Value::Text("x".into())),
    ]);
    let insert = Write::Insert { key: probe.key("row"), properties: both.clone() };
    let etag = probe.table.write(insert).await.expect("inserted").expect("an ETag");
    let replace = Write::Replace { key: probe.key("row"), properties: number_row(2), etag };
    probe.table.write(replace).await.expect("replaced");
    assert_eq!(probe.get("row").await.expect("there").properties, number_row(2));
    let upsert = |properties| Write::Upsert { key: probe.key("row"), properties };
    probe.table.write(upsert(both)).await.expect("replaced");
    probe.table.write(upsert(number_row(3))).await.expect("replaced");
    assert_eq!(probe.get("row").await.expect("there").properties, number_row(3));
}

pub(super) async fn a_replace_of_a_missing_row_is_a_conflict(probe: Probe) {
    let etag = probe.insert_now("row", 1).await;
    let delete = Write::Delete { key: probe.key("row"), etag: None };
    probe.table.write(delete).await.expect("deleted");
    let replace = Write::Replace { key: probe.key("row"), properties: number_row(2), etag };
    assert_eq!(kind_of(probe.table.write(replace).await), PortErrorKind::Conflict);
    assert_eq!(probe.get("row").await, None);
}

pub(super) async fn an_upsert_writes_whatever_is_there(probe: Probe) {
    let upsert = |number| Write::Upsert { key: probe.key("row"), properties: number_row(number) };
    let first = probe.table.write(upsert(1)).await.expect("inserted").expect("an ETag");
    let second = probe.table.write(upsert(2)).await.expect("replaced").expect("an ETag");
    assert_ne!(first, second);
    assert_eq!(probe.number("row").await, Some(2));
}

pub(super) async fn a_delete_with_a_stale_etag_is_a_conflict(probe: Probe) {
    let first = probe.insert_now("row", 1).await;
    let upsert = Write::Upsert { key: probe.key("row"), properties: number_row(2) };
    let second = probe.table.write(upsert).await.expect("replaced").expect("an ETag");
    let delete = |etag: &Etag| Write::Delete { key: probe.key("row"), etag: Some(etag.clone()) };
    assert_eq!(kind_of(probe.table.write(delete(&first)).await), PortErrorKind::Conflict);
    assert_eq!(probe.number("row").await, Some(2));
    assert_eq!(probe.table.write(delete(&second)).await.expect("deleted"), None);
    assert_eq!(probe.get("row").await, None);
    let gone = kind_of(probe.table.write(delete(&second)).await);
    assert!(
        matches!(gone, PortErrorKind::Conflict | PortErrorKind::NotFound),
        "a row that is gone is not the row that was read: {gone:?}"
    );
}

pub(super) async fn a_delete_without_an_etag_is_done_even_when_nothing_is_there(probe: Probe) {
    probe.insert_now("row", 1).await;
    let delete = Write::Delete { key: probe.key("row"), etag: None };
    assert_eq!(probe.table.write(delete.clone()).await.expect("deleted"), None);
    assert_eq!(probe.get("row").await, None);
    assert_eq!(probe.table.write(delete).await.expect("done already"), None);
}

pub(super) async fn a_row_made_anew_has_a_new_etag(probe: Probe) {
    let first = probe.insert_now("row", 1).await;
    let delete = Write::Delete { key: probe.key("row"), etag: None };
    probe.table.write(delete).await.expect("deleted");
    let second = probe.insert_now("row", 1).await;
    assert_ne!(first, second, "or a stale writer would replace a row it never read");
}

pub(super) async fn of_many_writers_under_one_etag_one_wins(probe: Probe) {
    let etag = probe.insert_now("row", 0).await;
    let writers: Vec<_> = (1..=8)
        .map(|number| {
            let (table, etag) = (probe.table.clone(), etag.clone());
            let key = probe.key("row");
            let write = Write::Replace { key, properties: number_row(number), etag };
            tokio::spawn(async move { (number, table.write(write).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.expect("ran") {
            (number, Ok(_)) => winners.push(number),
            (_, Err(error)) => assert_eq!(error.kind, PortErrorKind::Conflict),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(probe.number("row").await, winners.first().copied());
}
