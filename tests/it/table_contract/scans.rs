//! Many rows, in order and in pages.

use midwatch::ports::table::{Range, Write};

use super::{Probe, number_row};

fn range(from: Option<&str>, to: Option<&str>) -> Range {
    Range { from: from.map(str::to_owned), to: to.map(str::to_owned) }
}

pub(super) async fn an_empty_partition_is_an_empty_page(probe: Probe) {
    assert_eq!(probe.row_keys(&Range::default(), 10).await, Vec::<String>::new());
}

pub(super) async fn rows_come_in_key_order(probe: Probe) {
    let mut rows: Vec<String> = [
        "b", "a", "ab", "a b", "a-b", "a.b", "a~b", "A", "B", "Z", "z", "0", "10", "9", "é", "漢",
        "_", "a'b", "a%b", "a!b", "a(b", "a_b", "aB",
    ]
    .map(str::to_owned)
    .to_vec();
    probe.fill(&rows).await;
    rows.sort();
    assert_eq!(probe.row_keys(&Range::default(), 1000).await, rows);
    assert_eq!(probe.row_keys(&Range::default(), 3).await, rows);
}

pub(super) async fn twelve_hundred_rows_come_in_pages(probe: Probe) {
    // Written in another order than they are read: 7919 is prime, so every row is there once.
    let rows: Vec<String> = (0..1200).map(|n| format!("row-{:04}", n * 7919 % 1200)).collect();
    probe.fill(&rows).await;
    let expected: Vec<String> = (0..1200).map(|n| format!("row-{n:04}")).collect();
    for limit in [37, 100, 600, 999, 1000, 1200, 5000] {
        assert_eq!(probe.row_keys(&Range::default(), limit).await, expected, "pages of {limit}");
    }
    let first = probe.table.scan(&probe.partition, &Range::default(), 100, None).await;
    let first = first.expect("scanned");
    assert_eq!(first.rows.len(), 100);
    assert!(first.continuation.is_some());
}

pub(super) async fn a_range_has_its_first_row_and_not_its_last(probe: Probe) {
    probe.fill(&["a", "b", "c", "d"].map(str::to_owned)).await;
    let check = [
        (range(None, None), vec!["a", "b", "c", "d"]),
        (range(Some("b"), None), vec!["b", "c", "d"]),
        (range(None, Some("c")), vec!["a", "b"]),
        (range(Some("b"), Some("d")), vec!["b", "c"]),
        (range(Some("bb"), Some("cc")), vec!["c"]),
        (range(Some("c"), Some("c")), vec![]),
        (range(Some("d"), Some("a")), vec![]),
        (range(Some("e"), None), vec![]),
        (range(Some("a "), Some("b ")), vec!["b"]),
    ];
    for (range, expected) in check {
        assert_eq!(probe.row_keys(&range, 2).await, expected, "{range:?}");
    }
}

pub(super) async fn a_range_goes_on_after_a_page(probe: Probe) {
    let rows: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    probe.fill(&rows).await;
    let keys = probe.row_keys(&range(Some("05"), Some("45")), 7).await;
    assert_eq!(keys, rows[5..45]);
    // Rows behind the position that appear or vanish meanwhile do not disturb it.
    let whole = Range::default();
    let first = probe.table.scan(&probe.partition, &whole, 10, None).await.expect("scanned");
    let delete = Write::Delete { key: probe.key("09"), etag: None };
    probe.table.write(delete).await.expect("deleted");
    probe.insert_now("00-new", 1).await;
    let next = probe.table.scan(&probe.partition, &whole, 10, first.continuation.as_deref()).await;
    assert_eq!(next.expect("scanned").rows[0].key.row, "10");
}

pub(super) async fn a_scan_keeps_to_its_partition(probe: Probe) {
    for suffix in ["", "-a", "-b", " "] {
        let mut key = probe.key("row");
        key.partition.push_str(suffix);
        let write = Write::Insert { key, properties: number_row(1) };
        probe.table.write(write).await.expect("inserted");
    }
    assert_eq!(probe.row_keys(&Range::default(), 10).await, ["row"]);
}

pub(super) async fn a_continuation_is_fit_for_a_link(probe: Probe) {
    probe.fill(&["a'b", "a%b", "a&b", "漢", "🦀"].map(str::to_owned)).await;
    let mut continuation: Option<String> = None;
    loop {
        let page = probe
            .table
            .scan(&probe.partition, &Range::default(), 1, continuation.as_deref())
            .await
            .expect("scanned");
        let Some(next) = page.continuation else { break };
        let fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        assert!(next.bytes().all(fit), "{next}");
        continuation = Some(next);
    }
    assert!(continuation.is_some());
}

pub(super) async fn a_scan_gives_etags_that_hold(probe: Probe) {
    probe.insert_now("row", 1).await;
    let page = probe.table.scan(&probe.partition, &Range::default(), 10, None).await;
    let row = page.expect("scanned").rows.remove(0);
    let write = Write::Replace { key: row.key, properties: number_row(2), etag: row.etag };
    probe.table.write(write).await.expect("the ETag of a scan is the row's");
    assert_eq!(probe.number("row").await, Some(2));
}
