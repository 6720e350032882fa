//! Blobs, tables and queues: against the emulator, and against a fake that behaves as Azure does
//! where the emulator does not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use midwatch::adapters::azure::blob::AzureBlobs;
use midwatch::adapters::azure::connection_string::ConnectionString;
use midwatch::adapters::azure::credential::{Access, CredentialChoice};
use midwatch::adapters::azure::endpoint::Endpoint;
use midwatch::adapters::azure::http::{Http, HttpOptions};
use midwatch::adapters::azure::queue::AzureQueue;
use midwatch::adapters::azure::table::AzureTable;
use midwatch::ports::blobs::{Blobs, Read};
use midwatch::ports::error::PortErrorKind;
use midwatch::ports::queue::Queue;
use midwatch::ports::table::{Etag, Key, Properties, Range, Table, Value, Write};

use crate::azurite::{ACCOUNT, Azurite, KEY, name};

/// The emulator reads a body piece by piece and decodes each for itself: a letter of several bytes
/// that falls on a border becomes two or more. The service does not; its limits are checked in
/// `table/limits.rs`.
pub(crate) const EMULATOR_CANNOT: &[&str] = &["values::text_is_measured_in_utf16_units"];

fn http() -> Http {
    Http::new(&HttpOptions::default()).unwrap()
}

fn access(text: &str) -> (ConnectionString, Access) {
    let parsed = ConnectionString::parse(text).unwrap();
    let choice = CredentialChoice::ConnectionString(Box::new(parsed.clone()));
    (parsed, choice.open(&http()).unwrap())
}

fn blobs() -> AzureBlobs {
    let (parsed, access) = access(&Azurite::shared().connection_string());
    AzureBlobs::new(parsed.blob.unwrap(), &access, &http()).unwrap()
}

async fn table() -> AzureTable {
    let (parsed, access) = access(&Azurite::shared().connection_string());
    let table = AzureTable::new(&parsed.table.unwrap(), &access, &http(), &name("table")).unwrap();
    table.ensure().await.unwrap();
    table
}

fn bytes(read: Read) -> Vec<u8> {
    match read {
        Read::Bytes(bytes) => bytes.to_vec(),
        Read::PastEnd => Vec::new(),
    }
}

#[tokio::test]
async fn a_listing_goes_by_prefix_and_page_and_keeps_names_as_they_are() {
    let (azurite, container) = (Azurite::shared(), name("listing"));
    azurite.create_container(&container).await;
    let hour = "resourceId=/SUBSCRIPTIONS/A B/y=2026/m=11/d=25/h=02/m=00";
    for number in 0..5 {
        azurite.append(&container, &format!("{hour}/{number}&+%.json"), b"x\n").await;
    }
    azurite.append(&container, "resourceId=/other", b"x\n").await;
    let blobs = blobs().with_page_items(2);
    let (mut names, mut pages, mut continuation) = (Vec::new(), 0, None);
    loop {
        let page = blobs.list(&container, hour, continuation.as_deref()).await.unwrap();
        pages += 1;
        assert!(page.items.iter().all(|item| item.length == 2 && item.last_modified.is_some()));
        names.extend(page.items.into_iter().map(|item| item.name));
        continuation = page.continuation;
        if continuation.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..5).map(|number| format!("{hour}/{number}&+%.json")).collect();
    assert_eq!((names, pages >= 3), (expected.clone(), true));
    let read = blobs.read(&container, &expected[3], 0, 10).await.unwrap();
    assert_eq!(bytes(read), b"x\n", "a listed name can be read");
}

#[tokio::test]
async fn a_container_that_does_not_exist_yet_is_an_empty_page() {
    let page = blobs().list(&name("missing"), "any/", None).await.unwrap();
    assert_eq!(page, Default::default());
}

#[tokio::test]
async fn a_growing_blob_is_read_range_by_range() {
    let (azurite, container, blobs) = (Azurite::shared(), name("growing"), blobs());
    azurite.create_container(&container).await;
    azurite.append(&container, "b", b"0123456789").await;
    let read = async |offset, max| blobs.read(&container, "b", offset, max).await.unwrap();
    assert_eq!(bytes(read(0, 4).await), b"0123");
    assert_eq!(bytes(read(4, 100).await), b"456789");
    assert_eq!(read(10, 5).await, Read::PastEnd);
    assert_eq!(read(11, 5).await, Read::PastEnd);
    azurite.append(&container, "b", b"more").await;
    assert_eq!(bytes(read(10, 5).await), b"more");
    assert_eq!(blobs.length(&container, "b").await.unwrap(), 14);
    azurite.delete(&container, "b").await;
    for kind in [
        blobs.read(&container, "b", 0, 1).await.unwrap_err().kind,
        blobs.length(&container, "b").await.unwrap_err().kind,
    ] {
        assert_eq!(kind, PortErrorKind::NotFound);
    }
}

#[tokio::test]
async fn an_empty_blob_has_nothing_to_read() {
    let (azurite, container) = (Azurite::shared(), name("empty"));
    azurite.create_container(&container).await;
    azurite.put(&container, "b", b"").await;
    assert_eq!(blobs().read(&container, "b", 0, 10).await.unwrap(), Read::PastEnd);
    assert_eq!(blobs().length(&container, "b").await.unwrap(), 0);
}

#[tokio::test]
async fn a_message_arrives_in_the_form_that_the_host_decodes() {
    let azurite = Azurite::shared();
    let (parsed, access) = access(&azurite.connection_string());
    let queue = AzureQueue::new(&parsed.queue.unwrap(), &access, &http()).unwrap();
    let target = name("queue");
    queue.send(&target, r#"{"blob":"ü <&>"}"#).await.unwrap();
    queue.send(&target, "second").await.unwrap();
    let mut messages = azurite.drain(&target).await;
    messages.sort();
    assert_eq!(messages, ["second", r#"{"blob":"ü <&>"}"#]);
    let largest = "x".repeat(48 * 1024);
    queue.send(&target, &largest).await.unwrap();
    assert_eq!(azurite.drain(&target).await, std::slice::from_ref(&largest));
    let error = queue.send(&target, &format!("{largest}x")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}

#[tokio::test]
async fn azure_tables_pass_the_table_contract() {
    crate::table_contract::run_except(Arc::new(table().await), EMULATOR_CANNOT).await;
}

fn key(row: &str) -> Key {
    Key { partition: "o'p %é".into(), row: row.into() }
}

fn number(number: i64) -> Properties {
    Properties::from([("N".to_owned(), Value::Int(number))])
}

/// Whatever `store::key` lets through must be readable, writable and deletable, alone and in a
/// batch.
#[tokio::test]
async fn odd_keys_address_the_row_they_name() {
    let table = table().await;
    let rows = [
        "o'brien",
        "''",
        "x',RowKey='y",
        "a b",
        "100%",
        "a%20b",
        "a+b",
        "a&b=c",
        "ü😀",
        "a;b,c",
        "(x)",
    ];
    for (index, row) in rows.into_iter().enumerate() {
        let value = number(index as i64);
        table.write(Write::Insert { key: key(row), properties: value.clone() }).await.unwrap();
        let found = table.get(&key(row)).await.unwrap().expect(row);
        assert_eq!((found.key, found.properties), (key(row), value), "{row}");
        // The emulator splits addresses inside a batch at the first such text; Azure does not.
        if row.contains("RowKey=") {
            continue;
        }
        let properties = number(100);
        let replace = Write::Replace { key: key(row), properties, etag: found.etag };
        table.batch(vec![replace]).await.expect(row);
        assert_eq!(table.get(&key(row)).await.unwrap().expect(row).properties, number(100));
    }
    let page = table.scan("o'p %é", &Range::default(), 1000, None).await.unwrap();
    assert_eq!(page.rows.len(), rows.len());
    for row in rows {
        table.write(Write::Delete { key: key(row), etag: None }).await.expect(row);
    }
    assert!(table.scan("o'p %é", &Range::default(), 9, None).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_rolled_back_batch_is_an_error_and_changes_nothing() {
    let table = table().await;
    let properties = number(1);
    let insert = |row: &str| Write::Insert { key: key(row), properties: properties.clone() };
    table.write(insert("b")).await.unwrap();
    let error = table.batch(vec![insert("a"), insert("b")]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    assert!(table.get(&key("a")).await.unwrap().is_none());
    let etag = Etag("W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\"".into());
    let stale =
        Write::Replace { key: key("b"), properties: properties.clone(), etag: etag.clone() };
    let error = table.batch(vec![insert("c"), stale]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    let gone = Write::Replace { key: key("z"), properties: properties.clone(), etag };
    assert_eq!(table.batch(vec![gone]).await.unwrap_err().kind, PortErrorKind::Conflict);
}

#[tokio::test]
async fn deleting_what_is_gone_does_not_fail_the_rest_of_a_batch() {
    let table = table().await;
    let delete = |row: &str| Write::Delete { key: key(row), etag: None };
    let properties = number(1);
    table.write(Write::Insert { key: key("here"), properties: properties.clone() }).await.unwrap();
    let insert = Write::Insert { key: key("new"), properties };
    table.batch(vec![delete("gone"), insert, delete("here"), delete("gone too")]).await.unwrap();
    assert!(table.get(&key("new")).await.unwrap().is_some());
    assert!(table.get(&key("here")).await.unwrap().is_none());
    table.batch(vec![delete("gone")]).await.unwrap();
    table.batch(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn every_value_at_its_limit_is_kept() {
    let table = table().await;
    let properties = Properties::from([
        ("Text".to_owned(), Value::Text("x".repeat(32_768))),
        ("Odd".to_owned(), Value::Text("\u{1}\n--changesetresponse_x\nHTTP/1.1 500\n\"'".into())),
        ("Bytes".to_owned(), Value::Bytes(vec![255; 65_536])),
        ("None".to_owned(), Value::Bytes(Vec::new())),
        ("Min".to_owned(), Value::Int(i64::MIN)),
        ("Time".to_owned(), Value::Time(time::macros::datetime!(1601-01-01 0:00:00.0000001 UTC))),
    ]);
    let key = key("limits");
    table
        .batch(vec![Write::Insert { key: key.clone(), properties: properties.clone() }])
        .await
        .unwrap();
    assert_eq!(table.get(&key).await.unwrap().unwrap().properties, properties);
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_said_to_be_missing() {
    let (parsed, access) = access(&Azurite::shared().connection_string());
    let missing = name("missing");
    let table = AzureTable::new(&parsed.table.unwrap(), &access, &http(), &missing).unwrap();
    let error = table.get(&key("r")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
    let scan = table.scan("p", &Range::default(), 1, None).await.unwrap_err();
    assert_eq!(scan.kind, PortErrorKind::NotFound, "{scan}");
}

/// Answers by the last part of the path, as Azure does and the emulator does not.
#[derive(Default)]
struct Azure {
    calls: AtomicU32,
    headers: Mutex<Vec<String>>,
}

async fn azure(State(azure): State<Arc<Azure>>, uri: Uri, headers: HeaderMap) -> Response {
    let call = azure.calls.fetch_add(1, Ordering::SeqCst);
    let names = headers.keys().map(|name| name.to_string()).collect();
    *azure.headers.lock().unwrap() = names;
    let refuse = |status: u16, code: &'static str, more: [(&'static str, &'static str); 1]| {
        let body = format!("<Error><Code>{code}</Code><Message>sig=fake-secret</Message></Error>");
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("x-ms-error-code", code), ("content-type", "application/xml")], more, body)
            .into_response()
    };
    let none = [("x-none", "")];
    let partial = |range: &'static str, body: &'static str| {
        (StatusCode::PARTIAL_CONTENT, [("content-range", range)], body).into_response()
    };
    match uri.path().rsplit('/').next().unwrap_or_default() {
        "end" => refuse(416, "InvalidRange", none),
        "throttled" => refuse(429, "TooManyRequests", [("retry-after", "7")]),
        "busy" => refuse(503, "ServerBusy", [("retry-after", "30")]),
        "moment" if call == 0 => refuse(503, "ServerBusy", none),
        "moment" => partial("bytes 3-4/10", "ok"),
        "forbidden" => refuse(403, "AuthorizationPermissionMismatch", none),
        "shifted" => partial("bytes 0-1/10", "no"),
        "longer" => partial("bytes 3-9/10", "too long"),
        "whole" => (StatusCode::OK, "0123456789").into_response(),
        name if name.starts_with("garbled") => {
            (StatusCode::OK, "not what was agreed").into_response()
        }
        "moved" => (StatusCode::FOUND, [("location", "http://192.0.2.1/")]).into_response(),
        _ => refuse(404, "BlobNotFound", none),
    }
}

async fn fake() -> (Arc<Azure>, AzureBlobs, Endpoint) {
    let state = Arc::new(Azure::default());
    let app = Router::new().fallback(azure).with_state(Arc::clone(&state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/{ACCOUNT}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (_, access) = access(&format!("AccountName={ACCOUNT};AccountKey={KEY}"));
    let endpoint = Endpoint::parse(&endpoint).unwrap();
    let blobs = AzureBlobs::new(endpoint.clone(), &access, &http()).unwrap();
    (state, blobs, endpoint)
}

#[tokio::test]
async fn a_416_is_the_end_and_costs_one_request_without_a_condition() {
    let (azure, blobs, _) = fake().await;
    assert_eq!(blobs.read("c", "end", 10, 5).await.unwrap(), Read::PastEnd);
    assert_eq!(azure.calls.load(Ordering::SeqCst), 1);
    let headers = azure.headers.lock().unwrap().join(" ");
    assert!(headers.contains("range") && !headers.contains("if-"), "{headers}");
}

#[tokio::test]
async fn a_moment_of_unavailability_is_waited_out() {
    let (azure, blobs, _) = fake().await;
    assert_eq!(bytes(blobs.read("c", "moment", 3, 5).await.unwrap()), b"ok");
    assert_eq!(azure.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_azure_refuses_becomes_a_kind_and_never_shows_its_body() {
    use PortErrorKind as Kind;
    for (blob, kind, wait, calls) in [
        ("throttled", Kind::Throttled, Some(7), 1),
        ("busy", Kind::Unavailable, Some(30), 1),
        ("forbidden", Kind::Unauthorised, None, 1),
        ("gone", Kind::NotFound, None, 1),
        ("shifted", Kind::Corrupt, None, 1),
        ("longer", Kind::Corrupt, None, 1),
        ("whole", Kind::Corrupt, None, 1),
        ("moved", Kind::Corrupt, None, 1),
    ] {
        let (azure, blobs, _) = fake().await;
        let error = blobs.read("c", blob, 3, 5).await.unwrap_err();
        let seen = (error.kind, error.retry_after, azure.calls.load(Ordering::SeqCst));
        assert_eq!(seen, (kind, wait.map(Duration::from_secs), calls), "{blob}: {error}");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("fake-secret") && !shown.contains("<Error>"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_refused_listing_names_the_code_and_never_shows_its_body() {
    let (_, blobs, _) = fake().await;
    let error = blobs.list("forbidden", "", None).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unauthorised);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("403 AuthorizationPermissionMismatch"), "{shown}");
    assert!(!shown.contains("fake-secret"), "{shown}");
    let error = blobs.length("c", "throttled").await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (PortErrorKind::Throttled, Some(Duration::from_secs(7)))
    );
}

#[tokio::test]
async fn a_refused_table_call_keeps_the_wait_and_never_shows_its_body() {
    let (azure, _, endpoint) = fake().await;
    let (_, access) = access(&format!("AccountName={ACCOUNT};AccountKey={KEY}"));
    let table = AzureTable::new(&endpoint, &access, &http(), "throttled").unwrap();
    let insert = Write::Insert { key: key("r"), properties: number(1) };
    let error = table.write(insert).await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (PortErrorKind::Throttled, Some(Duration::from_secs(7)))
    );
    assert!(error.to_string().contains("429 TooManyRequests"), "{error}");
    assert!(!format!("{error} {error:?}").contains("fake-secret"), "{error}");
    assert_eq!(azure.calls.load(Ordering::SeqCst), 1, "an insert is sent once");
}

#[tokio::test]
async fn an_answer_that_was_not_agreed_is_corrupt() {
    let (_, blobs, endpoint) = fake().await;
    let (_, access) = access(&format!("AccountName={ACCOUNT};AccountKey={KEY}"));
    let table = AzureTable::new(&endpoint, &access, &http(), "garbled").unwrap();
    for error in [
        table.get(&key("r")).await.map(|_| ()).unwrap_err(),
        table.scan("p", &Range::default(), 1, None).await.map(|_| ()).unwrap_err(),
        blobs.list("garbled", "", None).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn a_token_is_never_sent_over_plain_http() {
    let access = CredentialChoice::ManagedIdentity { client_id: None }.open(&http()).unwrap();
    let endpoint = Endpoint::parse("http://127.0.0.1:1/dev").unwrap();
    let kinds = [
        AzureBlobs::new(endpoint.clone(), &access, &http()).err().unwrap().kind,
        AzureQueue::new(&endpoint, &access, &http()).err().unwrap().kind,
        AzureTable::new(&endpoint, &access, &http(), "table").err().unwrap().kind,
    ];
    assert_eq!(kinds, [PortErrorKind::Invalid; 3]);
}

#[tokio::test]
async fn nobody_answering_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/{ACCOUNT}", listener.local_addr().unwrap());
    drop(listener);
    let (_, access) = access(&format!("AccountName={ACCOUNT};AccountKey={KEY}"));
    let endpoint = Endpoint::parse(&endpoint).unwrap();
    let blobs = AzureBlobs::new(endpoint.clone(), &access, &http()).unwrap();
    let table = AzureTable::new(&endpoint, &access, &http(), "nobody").unwrap();
    for error in [
        blobs.length("c", "b").await.unwrap_err(),
        table.get(&key("r")).await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{error}");
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
}
