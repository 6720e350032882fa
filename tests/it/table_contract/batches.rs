//! Several rows at once.

use midwatch::ports::error::PortErrorKind;
use midwatch::ports::table::{BATCH_OPERATIONS_MAX, Properties, Range, Value, Write};

use super::{Probe, kind_of, number_row};

pub(super) async fn a_batch_is_all_or_nothing(probe: Probe) {
    probe.insert_now("b", 1).await;
    let writes = ["a", "b", "c"].map(|row| probe.insert(row, 2)).to_vec();
    assert_eq!(kind_of(probe.table.batch(writes).await), PortErrorKind::Conflict);
    assert_eq!(probe.row_keys(&Range::default(), 10).await, ["b"]);
    assert_eq!(probe.number("b").await, Some(1));
}

pub(super) async fn a_batch_with_a_stale_etag_changes_nothing(probe: Probe) {
    let stale = probe.insert_now("alert", 1).await;
    let upsert = Write::Upsert { key: probe.key("alert"), properties: number_row(2) };
    probe.table.write(upsert).await.expect("replaced");
    let replace =
        Write::Replace { key: probe.key("alert"), properties: number_row(3), etag: stale };
    let writes = vec![probe.insert("finding", 1), replace];
    assert_eq!(kind_of(probe.table.batch(writes).await), PortErrorKind::Conflict);
    assert_eq!(probe.get("finding").await, None);
    assert_eq!(probe.number("alert").await, Some(2));
}

pub(super) async fn a_batch_of_a_hundred_fits_and_of_more_does_not(probe: Probe) {
    let writes = |count: usize, prefix: &str| -> Vec<Write> {
        (0..count).map(|n| probe.insert(&format!("{prefix}{n:03}"), 1)).collect()
    };
    let too_many = writes(BATCH_OPERATIONS_MAX + 1, "x");
    assert_eq!(kind_of(probe.table.batch(too_many).await), PortErrorKind::Invalid);
    probe.table.batch(writes(BATCH_OPERATIONS_MAX, "y")).await.expect("a hundred fit");
    let keys = probe.row_keys(&Range::default(), 1000).await;
    assert_eq!(keys.len(), BATCH_OPERATIONS_MAX);
    assert!(keys.iter().all(|key| key.starts_with('y')));
}

pub(super) async fn a_batch_over_two_partitions_is_invalid(probe: Probe) {
    let mut elsewhere = probe.key("b");
    elsewhere.partition.push_str("-2");
    let other = Write::Insert { key: elsewhere.clone(), properties: number_row(1) };
    let writes = vec![probe.insert("a", 1), other];
    assert_eq!(kind_of(probe.table.batch(writes).await), PortErrorKind::Invalid);
    assert_eq!(probe.get("a").await, None);
    assert_eq!(probe.table.get(&elsewhere).await.expect("read"), None);
}

pub(super) async fn a_batch_with_one_key_twice_is_invalid(probe: Probe) {
    let upsert = Write::Upsert { key: probe.key("a"), properties: number_row(2) };
    let writes = vec![probe.insert("a", 1), probe.insert("b", 1), upsert];
    assert_eq!(kind_of(probe.table.batch(writes).await), PortErrorKind::Invalid);
    assert_eq!(probe.row_keys(&Range::default(), 10).await, Vec::<String>::new());
}

pub(super) async fn a_batch_mixes_its_operations(probe: Probe) {
    let replaced = probe.insert_now("replaced", 1).await;
    probe.insert_now("upserted", 1).await;
    probe.insert_now("deleted", 1).await;
    let guarded = probe.insert_now("guarded", 1).await;
    let upsert = |row| Write::Upsert { key: probe.key(row), properties: number_row(2) };
    let writes = vec![
        probe.insert("inserted", 2),
        Write::Replace {
            key: probe.key("replaced"),
            properties: number_row(2),
            etag: replaced.clone(),
        },
        upsert("upserted"),
        upsert("new"),
        Write::Delete { key: probe.key("deleted"), etag: None },
        Write::Delete { key: probe.key("guarded"), etag: Some(guarded) },
    ];
    probe.table.batch(writes).await.expect("done");
    let keys = probe.row_keys(&Range::default(), 10).await;
    assert_eq!(keys, ["inserted", "new", "replaced", "upserted"]);
    for row in keys {
        assert_eq!(probe.number(&row).await, Some(2), "{row}");
    }
    let now = probe.get("replaced").await.expect("there").etag;
    assert_ne!(now, replaced, "a batch moves ETags on");
}

pub(super) async fn a_batch_of_one_is_a_batch(probe: Probe) {
    probe.table.batch(vec![probe.insert("only", 1)]).await.expect("done");
    let again = probe.table.batch(vec![probe.insert("only", 2)]).await;
    assert_eq!(kind_of(again), PortErrorKind::Conflict);
    assert_eq!(probe.number("only").await, Some(1));
}

/// As large as a batch of findings can become: below the 4 MiB of one request.
pub(super) async fn a_batch_takes_large_rows(probe: Probe) {
    let body = Value::Text("\"\\".repeat(8 * 1024));
    let large = Properties::from([("body".to_owned(), body)]);
    let writes: Vec<Write> = (0..BATCH_OPERATIONS_MAX)
        .map(|n| Write::Insert { key: probe.key(&format!("{n:03}")), properties: large.clone() })
        .collect();
    probe.table.batch(writes).await.expect("fits");
    assert_eq!(probe.get("099").await.expect("there").properties, large);
}
