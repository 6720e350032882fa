//! Keys made of anything, through the one function that makes keys.

use midwatch::ports::table::{Key, Range, Write};
use midwatch::store::key;

use super::{Probe, number_row};

/// Texts that have broken somebody's table client.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "plain",
        "o'brien",
        "''",
        "'",
        "a\"b",
        "a/b",
        "/a",
        "a//b/",
        "a\\b",
        "a%b",
        "%2F",
        "%27",
        "%",
        "%zz",
        "a#b",
        "a?b",
        "?",
        "a b",
        " a",
        "a ",
        " ",
        "a+b",
        "a&b=c",
        "a;b",
        "a,b",
        "(a)",
        "a:b",
        "a@b",
        "a=b",
        "$filter",
        "é",
        "e\u{301}",
        "漢字",
        "🦀",
        "\u{1F469}\u{200D}\u{1F680}",
        "\u{0}",
        "a\u{0}b",
        "\t",
        "\r\n",
        "\u{1f}",
        "\u{7f}",
        "\u{9f}",
        "\u{a0}",
        "\u{feff}a",
        "Case",
        "case",
        "CASE",
        "",
        "~",
        "~~",
        "~2f",
        "~_",
        "~s",
        "..",
        ".",
        "a/../b",
        "x' or RowKey ge '",
        "x' or '1' eq '1",
        "')",
        "x'); DROP",
        "null",
        "true",
        "1",
        "01",
        "resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/y=2026/m=03/d=09/h=14/m=00/PT1H.json",
        "<a>&amp;</a>",
        "{\"a\":1}",
        "[a]",
        "a|b",
        "a^b",
        "a`b",
        "a*b",
        "-",
        "--batch_",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("k".repeat(512));
    texts.push("k".repeat(513));
    texts.push("k".repeat(1024));
    texts.push(format!("{}z", "k".repeat(1023)));
    texts.push("漢".repeat(512));
    texts.push("🦀".repeat(256));
    texts.push("/".repeat(5 * 1024));
    texts.push("x".repeat(5 * 1024));
    texts
}

pub(super) async fn every_key_finds_its_own_row(probe: Probe) {
    let texts = texts();
    for (number, text) in (1i64..).zip(&texts) {
        probe.insert_now(&key::escape(text), number).await;
    }
    for (number, text) in (1i64..).zip(&texts) {
        let row = key::escape(text);
        let found = probe.get(&row).await.unwrap_or_else(|| panic!("lost: {text:?}"));
        assert_eq!(found.key, probe.key(&row), "{text:?}");
        assert_eq!(found.properties, number_row(number), "{text:?}");
        let write = Write::Replace {
            key: probe.key(&row),
            properties: number_row(-number),
            etag: found.etag,
        };
        probe.table.write(write).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    let mut keys = probe.row_keys(&Range::default(), 10).await;
    keys.sort();
    let mut expected: Vec<String> = texts.iter().map(|text| key::escape(text)).collect();
    expected.sort();
    assert_eq!(keys, expected);
    for text in &texts {
        let etag = probe.get(&key::escape(text)).await.map(|row| row.etag);
        let write = Write::Delete { key: probe.key(&key::escape(text)), etag };
        probe.table.write(write).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    assert_eq!(probe.row_keys(&Range::default(), 10).await, Vec::<String>::new());
}

pub(super) async fn every_partition_keeps_its_own_row(probe: Probe) {
    let texts = texts();
    let place = |text: &str| Key {
        partition: key::compound(&[&probe.partition, text]),
        row: key::escape(text),
    };
    for (number, text) in (1i64..).zip(&texts) {
        let write = Write::Insert { key: place(text), properties: number_row(number) };
        probe.table.write(write).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    for (number, text) in (1i64..).zip(&texts) {
        let key = place(text);
        let page = probe.table.scan(&key.partition, &Range::default(), 10, None).await;
        let page = page.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(page.rows.len(), 1, "{text:?}");
        assert_eq!(page.rows[0].key, key);
        assert_eq!(page.rows[0].properties, number_row(number), "{text:?}");
    }
}

pub(super) async fn odd_keys_go_through_a_batch(probe: Probe) {
    let rows: Vec<String> = texts().iter().map(|text| key::escape(text)).collect();
    let partition = key::compound(&[&probe.partition, "o'brien & co/100% 漢"]);
    let probe = Probe { table: probe.table, partition };
    for chunk in rows.chunks(40) {
        let writes = chunk.iter().map(|row| probe.insert(row, 1)).collect();
        probe.table.batch(writes).await.expect("inserted");
        let mut writes = Vec::new();
        for row in chunk {
            let etag = probe.get(row).await.unwrap_or_else(|| panic!("lost: {row:?}")).etag;
            let key = probe.key(row);
            writes.push(Write::Replace { key, properties: number_row(2), etag });
        }
        probe.table.batch(writes).await.expect("replaced");
        for row in chunk {
            assert_eq!(probe.number(row).await, Some(2), "{row:?}");
        }
        let delete = |row: &String| Write::Delete { key: probe.key(row), etag: None };
        probe.table.batch(chunk.iter().map(delete).collect()).await.expect("deleted");
    }
    assert_eq!(probe.row_keys(&Range::default(), 10).await, Vec::<String>::new());
}

pub(super) async fn odd_keys_bound_a_scan(probe: Probe) {
    for text in ["it's", "it's 100%", "it's 100% & more", "jam"] {
        probe.insert_now(&key::escape(text), 1).await;
    }
    let (from, to) = key::starting_with(&["it's 100%"]);
    let range = Range { from: Some(from), to };
    let keys = probe.row_keys(&range, 1).await;
    assert_eq!(keys, ["it's 100%", "it's 100% & more"]);
}

pub(super) async fn no_key_reads_as_a_query(probe: Probe) {
    probe.insert_now("secret", 1).await;
    let injection = "x' or RowKey ge '";
    assert_eq!(probe.get(injection).await, None);
    let bounded = Range { from: Some(injection.to_owned()), to: None };
    assert_eq!(probe.row_keys(&bounded, 10).await, Vec::<String>::new());
    let bounded = Range { from: None, to: Some("a' or RowKey lt 'z".to_owned()) };
    assert_eq!(probe.row_keys(&bounded, 10).await, Vec::<String>::new());
    let partition = format!("nowhere' or PartitionKey eq '{}", probe.partition);
    let page = probe.table.scan(&partition, &Range::default(), 10, None).await.expect("scanned");
    assert_eq!(page.rows, []);
}
