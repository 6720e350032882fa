//! What a property holds, it gives back.

use midwatch::ports::error::PortErrorKind;
use midwatch::ports::table::{PROPERTIES_MAX, PROPERTY_BYTES_MAX, Properties, Value, Write};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{Probe, kind_of};

async fn roundtrip(probe: &Probe, row: &str, properties: Properties) {
    let write = Write::Insert { key: probe.key(row), properties: properties.clone() };
    probe.table.write(write).await.unwrap_or_else(|error| panic!("{row}: {error}"));
    assert_eq!(probe.get(row).await.expect("there").properties, properties, "{row}");
    let page = probe.table.scan(&probe.partition, &Default::default(), 1000, None).await;
    let rows = page.expect("scanned").rows;
    let found = rows.into_iter().find(|found| found.key.row == row).expect("scanned");
    assert_eq!(found.properties, properties, "{row}, as a scan gives it");
}

fn one(value: Value) -> Properties {
    Properties::from([("value".to_owned(), value)])
}

pub(super) async fn every_type_reads_back_as_it_was(probe: Probe) {
    let properties = Properties::from([
        ("text".to_owned(), Value::Text("x".into())),
        ("int".to_owned(), Value::Int(42)),
        ("yes".to_owned(), Value::Bool(true)),
        ("no".to_owned(), Value::Bool(false)),
        ("time".to_owned(), Value::Time(datetime!(2026-03-09 14:00:00 UTC))),
        ("bytes".to_owned(), Value::Bytes(vec![0, 1, 254, 255])),
    ]);
    roundtrip(&probe, "all", properties).await;
    roundtrip(&probe, "none", Properties::new()).await;
}

pub(super) async fn extremes_read_back_as_they_were(probe: Probe) {
    let ints = [i64::MIN, i64::MAX, 0, -1, 1 << 31, 9_007_199_254_740_993, i64::from(i32::MIN)];
    for (n, int) in ints.into_iter().enumerate() {
        roundtrip(&probe, &format!("int-{n}"), one(Value::Int(int))).await;
    }
    roundtrip(&probe, "no-text", one(Value::Text(String::new()))).await;
    roundtrip(&probe, "no-bytes", one(Value::Bytes(Vec::new()))).await;
}

pub(super) async fn text_reads_back_as_it_was(probe: Probe) {
    let texts = [
        "o'brien",
        "\"quoted\"",
        "back\\slash",
        "é 漢 🦀",
        "e\u{301}",
        " blanks ",
        "\ttab\r\nline\n",
        "<xml attr='1'>&amp;</xml>",
        "{\"json\": [1, null]}",
        "true",
        "42",
        "null",
        "2026-03-09T14:00:00Z",
        "--batch_x\r\nContent-Type: text/plain\r\n\r\n",
        "\u{1}\u{1f}\u{7f}",
        "\u{2028}\u{2029}\u{feff}",
        "AAAA",
        "12345678-1234-1234-1234-123456789012",
    ];
    for (n, text) in texts.into_iter().enumerate() {
        roundtrip(&probe, &format!("text-{n:02}"), one(Value::Text(text.to_owned()))).await;
    }
}

pub(super) async fn times_keep_a_hundred_nanoseconds(probe: Probe) {
    let times = [
        datetime!(2026-03-09 14:00:00.123_456_7 UTC),
        datetime!(2026-03-09 14:00:00.000_000_1 UTC),
        datetime!(2026-03-09 14:00:00.999_999_9 UTC),
        datetime!(2026-03-09 14:00:00.1 UTC),
        OffsetDateTime::UNIX_EPOCH,
        OffsetDateTime::UNIX_EPOCH - Duration::nanoseconds(100),
        datetime!(1601-01-01 00:00:00 UTC),
        datetime!(9999-12-31 23:59:59 UTC),
    ];
    for (n, time) in times.into_iter().enumerate() {
        roundtrip(&probe, &format!("time-{n}"), one(Value::Time(time))).await;
    }
    let elsewhere = datetime!(2026-03-09 14:00:00.5 +05:30);
    let write = Write::Insert { key: probe.key("zone"), properties: one(Value::Time(elsewhere)) };
    probe.table.write(write).await.expect("inserted");
    let Some(Value::Time(time)) =
        probe.get("zone").await.expect("there").properties.remove("value")
    else {
        panic!("not a time");
    };
    assert_eq!(time, elsewhere, "the same moment");
    assert!(time.offset().is_utc(), "told in UTC");
}

pub(super) async fn a_property_of_64_kib_fits_and_one_more_does_not(probe: Probe) {
    let units = PROPERTY_BYTES_MAX / 2;
    roundtrip(&probe, "bytes", one(Value::Bytes(vec![7; PROPERTY_BYTES_MAX]))).await;
    roundtrip(&probe, "text", one(Value::Text("x".repeat(units)))).await;
    let too_large = [
        Value::Bytes(vec![7; PROPERTY_BYTES_MAX + 1]),
        Value::Text("x".repeat(units + 1)),
        Value::Text(format!("{}x", "🦀".repeat(units / 2))),
    ];
    for value in too_large {
        let insert = Write::Insert { key: probe.key("over"), properties: one(value.clone()) };
        assert_eq!(kind_of(probe.table.write(insert).await), PortErrorKind::Invalid);
        let upsert = Write::Upsert { key: probe.key("over"), properties: one(value) };
        assert_eq!(kind_of(probe.table.batch(vec![upsert]).await), PortErrorKind::Invalid);
    }
    assert_eq!(probe.get("over").await, None);
}

pub(super) async fn text_is_measured_in_utf16_units(probe: Probe) {
    let units = PROPERTY_BYTES_MAX / 2;
    roundtrip(&probe, "wide", one(Value::Text("漢".repeat(units)))).await;
    roundtrip(&probe, "pairs", one(Value::Text("🦀".repeat(units / 2)))).await;
}

pub(super) async fn so_many_properties_fit_and_one_more_does_not(probe: Probe) {
    let many = |count: usize| -> Properties {
        (0..count).map(|n| (format!("p{n}"), Value::Bool(true))).collect()
    };
    roundtrip(&probe, "most", many(PROPERTIES_MAX)).await;
    let over = Write::Insert { key: probe.key("over"), properties: many(PROPERTIES_MAX + 1) };
    assert_eq!(kind_of(probe.table.write(over).await), PortErrorKind::Invalid);
    assert_eq!(probe.get("over").await, None);
}

/// Names such as `time` or `id` must not make an adapter guess at a type.
pub(super) async fn an_int_does_not_become_a_time_or_a_text(probe: Probe) {
    let properties = Properties::from([
        ("time".to_owned(), Value::Int(1)),
        ("timestamp".to_owned(), Value::Text("2026-03-09T14:00:00.0000000Z".into())),
        ("etag".to_owned(), Value::Text("W/\"1\"".into())),
        ("id".to_owned(), Value::Text("12".into())),
        ("key_type".to_owned(), Value::Text("Edm.Int64".into())),
        ("bytes".to_owned(), Value::Text("AAECAw==".into())),
    ]);
    roundtrip(&probe, "row", properties).await;
}
