//! The token path, whole: `azure_identity` asks a fake of the platform's identity endpoint, and
//! the emulator that wants tokens serves blobs, queues and tables with what it gets.
//!
//! `azure_identity` reads the endpoint from the process environment when it is made, and setting
//! that of a running process is unsafe. So these tests run this binary again, as a child that has
//! the variables from its start.

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use midwatch::adapters::azure::blob::AzureBlobs;
use midwatch::adapters::azure::credential::{Access, CredentialChoice};
use midwatch::adapters::azure::endpoint::Endpoint;
use midwatch::adapters::azure::http::{Http, HttpOptions};
use midwatch::adapters::azure::queue::AzureQueue;
use midwatch::adapters::azure::secret::Secret;
use midwatch::adapters::azure::table::AzureTable;
use midwatch::ports::blobs::Blobs;
use midwatch::ports::error::{PortError, PortErrorKind};
use midwatch::ports::queue::Queue;
use midwatch::ports::table::Table;

use crate::azure_adapters::EMULATOR_CANNOT;
use crate::azurite::{self, Azurite};

/// What a caller of the identity endpoint must present, as on App Service.
const HEADER: &str = "only-this-app-knows";
const TENANT: &str = "00000000-0000-0000-0000-000000000001";

/// The identity endpoint of App Service, and the part of Entra that grants tokens.
pub(crate) struct FakeIdentity {
    pub(crate) address: std::net::SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    fail_first: u32,
    calls: AtomicU32,
    last: Mutex<String>,
}

impl FakeIdentity {
    /// Answers on a free port; the first `fail_first` requests get a 503.
    pub(crate) async fn start(fail_first: u32) -> Self {
        let log = Arc::new(Log { fail_first, ..Log::default() });
        let app = Router::new()
            .route("/msi/token", get(grant))
            .route("/{tenant}/oauth2/v2.0/token", post(entra))
            .with_state(Arc::clone(&log));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, log }
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> u32 {
        self.log.calls.load(Ordering::SeqCst)
    }

    /// The query or the body of the last request.
    pub(crate) fn last(&self) -> String {
        self.log.last.lock().unwrap().clone()
    }
}

async fn grant(
    State(log): State<Arc<Log>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let number = log.calls.fetch_add(1, Ordering::SeqCst);
    *log.last.lock().unwrap() = format!("{query:?}");
    if headers.get("x-identity-header").is_none_or(|value| value != HEADER) {
        return (StatusCode::UNAUTHORIZED, "the header is not fake-secret").into_response();
    }
    if number < log.fail_first {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let resource = query.get("resource").cloned().unwrap_or_default();
    let (token, expires) = token(&resource);
    axum::Json(serde_json::json!({
        "access_token": token,
        "expires_on": expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
    .into_response()
}

async fn entra(State(log): State<Arc<Log>>, body: String) -> Response {
    log.calls.fetch_add(1, Ordering::SeqCst);
    *log.last.lock().unwrap() = body;
    axum::Json(serde_json::json!({
        "access_token": token("https://storage.azure.com").0,
        "expires_in": 3600,
        "token_type": "Bearer",
    }))
    .into_response()
}

/// A token that the emulator takes: it decodes one and does not verify the signature.
fn token(audience: &str) -> (String, i64) {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let claims = serde_json::json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{TENANT}/"),
        "iat": now - 60, "nbf": now - 60, "exp": now + 3600,
        "oid": "11111111-1111-1111-1111-111111111111", "tid": TENANT,
    });
    let parts = [r#"{"alg":"RS256","typ":"JWT"}"#.to_owned(), claims.to_string(), "s".to_owned()];
    (parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join("."), now + 3600)
}

/// Runs the child test of this file with an identity in its environment and returns what it
/// printed after `ANSWER `, one entry a line.
async fn child(mode: &str, fake: &FakeIdentity, header: &str) -> Vec<String> {
    let azurite = Azurite::shared_oauth();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "managed_identity::a_child_with_an_identity"])
        .args(["--ignored", "--nocapture"])
        .env("IDENTITY_ENDPOINT", format!("http://{}/msi/token", fake.address))
        .env("IDENTITY_HEADER", header)
        .env("TEST_MODE", mode)
        .env("TEST_BLOB", &azurite.blob_endpoint)
        .env("TEST_QUEUE", &azurite.queue_endpoint)
        .env("TEST_TABLE", &azurite.table_endpoint);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the child failed\n{out}\n{err}");
    // The test runner may have begun the line with the test's name.
    out.lines().filter_map(|line| Some(line.split_once("ANSWER ")?.1.to_owned())).collect()
}

#[tokio::test]
#[ignore = "no test by itself: the tests below run it in a process that has an identity"]
async fn a_child_with_an_identity() {
    let var = |name: &str| std::env::var(name).unwrap();
    let client_id = (var("TEST_MODE") == "user-assigned").then(|| "client-1".to_owned());
    let options = HttpOptions { extra_roots: vec![azurite::ca_pem()], ..Default::default() };
    let http = Http::new(&options).unwrap();
    let access = CredentialChoice::ManagedIdentity { client_id }.open(&http).unwrap();
    let endpoint = |name| Endpoint::parse(&var(name)).unwrap();
    match var("TEST_MODE").as_str() {
        "everything" => {
            let table = AzureTable::new(&endpoint("TEST_TABLE"), &access, &http, "token").unwrap();
            // Through the bridge into the previous SDK: the whole contract, with a token.
            crate::table_contract::run_except(Arc::new(table), EMULATOR_CANNOT).await;
            let blobs = AzureBlobs::new(endpoint("TEST_BLOB"), &access, &http).unwrap();
            assert!(blobs.list("nothing-there", "", None).await.unwrap().items.is_empty());
            let gone = blobs.read("nothing-there", "x", 0, 1).await.unwrap_err();
            assert_eq!(gone.kind, PortErrorKind::NotFound);
            let queue = AzureQueue::new(&endpoint("TEST_QUEUE"), &access, &http).unwrap();
            queue.send("token-path", "hello").await.unwrap();
            println!("ANSWER done");
        }
        _ => {
            let table = AzureTable::new(&endpoint("TEST_TABLE"), &access, &http, "errors").unwrap();
            match table.ensure().await {
                Ok(()) => println!("ANSWER done"),
                Err(error) => println!("ANSWER {:?}: {error}", error.kind),
            }
        }
    }
}

#[tokio::test]
async fn one_token_serves_tables_blobs_and_queues() {
    let fake = FakeIdentity::start(0).await;
    assert_eq!(child("everything", &fake, HEADER).await, ["done"]);
    assert_eq!(fake.calls(), 1, "the token is kept");
    assert!(fake.last().contains("https://storage.azure.com"), "{}", fake.last());
}

#[tokio::test]
async fn an_identity_endpoint_that_is_down_for_a_moment_is_waited_for() {
    let fake = FakeIdentity::start(2).await;
    assert_eq!(child("ensure", &fake, HEADER).await, ["done"]);
    assert_eq!(fake.calls(), 3);
}

#[tokio::test]
async fn a_user_assigned_identity_is_asked_for_by_its_client_id() {
    let fake = FakeIdentity::start(0).await;
    assert_eq!(child("user-assigned", &fake, HEADER).await, ["done"]);
    assert!(fake.last().contains("client-1"), "{}", fake.last());
}

#[tokio::test]
async fn a_refused_identity_names_the_setting_and_the_cure_and_no_secret() {
    let fake = FakeIdentity::start(0).await;
    let answer = child("ensure", &fake, "wrong-header").await.join("\n");
    assert!(answer.starts_with("Unauthorised: could not create a table: "), "{answer}");
    assert!(answer.contains("managed-identity: the endpoint answered 401"), "{answer}");
    assert!(answer.contains("MIDWATCH_CLIENT_ID"), "{answer}");
    assert!(!answer.contains("secret") && !answer.contains("wrong-header"), "{answer}");
}

#[tokio::test]
async fn an_identity_endpoint_that_stays_down_is_unavailable_not_unauthorised() {
    let fake = FakeIdentity::start(u32::MAX).await;
    let answer = child("ensure", &fake, HEADER).await.join("\n");
    assert!(answer.starts_with("Unavailable: "), "{answer}");
    assert!(answer.contains("the endpoint answered 503"), "{answer}");
}

/// Sends token requests, which the SDK insists on addressing by https, to the fake. It stands
/// behind the SDK's own policies, so all of them run.
#[derive(Debug)]
struct Redirect(std::net::SocketAddr);

#[async_trait::async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the SDK's trait elides it; writing it out does not match"
)]
impl Policy for Redirect {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let url = request.url_mut();
        url.set_scheme("http").unwrap();
        url.set_ip_host(self.0.ip()).unwrap();
        url.set_port(Some(self.0.port())).unwrap();
        next[0].send(context, request, &next[1..]).await
    }
}

async fn token_of(choice: &CredentialChoice, fake: &FakeIdentity) -> Result<(), PortError> {
    let per_try_policies: Vec<Arc<dyn Policy>> = vec![Arc::new(Redirect(fake.address))];
    let options = ClientOptions { per_try_policies, ..Default::default() };
    let Access::Token(credential) = choice.open_with(options).unwrap() else { unreachable!() };
    let scope = "https://storage.azure.com/.default";
    credential
        .get_token(&[scope], None)
        .await
        .map(|token| assert!(!token.token.secret().is_empty()))
        .map_err(|error| midwatch::adapters::azure::answer::port_error("get a token", &error))
}

#[tokio::test]
async fn a_client_secret_is_exchanged_for_a_token() {
    let fake = FakeIdentity::start(0).await;
    let choice = CredentialChoice::ClientSecret {
        tenant_id: TENANT.into(),
        client_id: "client-2".into(),
        secret: Secret::new("s3cret"),
    };
    token_of(&choice, &fake).await.unwrap();
    assert!(fake.last().contains("client-2") && fake.last().contains("s3cret"), "{}", fake.last());
}

#[tokio::test]
async fn a_federated_token_file_is_exchanged_for_a_token() {
    let fake = FakeIdentity::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "federated-token").unwrap();
    let choice = CredentialChoice::WorkloadIdentity {
        client_id: Some("client-3".into()),
        tenant_id: Some(TENANT.into()),
        token_file: Some(file.clone()),
    };
    token_of(&choice, &fake).await.unwrap();
    assert!(fake.last().contains("client_assertion=federated-token"), "{}", fake.last());
    std::fs::remove_file(file).unwrap();
    let fault = choice.open_with(ClientOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("federated token file"), "{fault}");
}
