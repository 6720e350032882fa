//! The storage emulator as a child process, and the few administrative calls that tests need
//! (create a container, append to a blob, drain a queue) and the product must not have.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use azure_core::http::{ClientOptions, RequestContent, Url};
use azure_storage_blob::models::{
    AppendBlobClientCreateOptions, BlobClientUploadOptions, BlobContainerClientCreateOptions,
};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use azure_storage_queue::models::QueueClientReceiveMessagesOptions;
use azure_storage_queue::{QueueClient, QueueClientOptions};
use midwatch::adapters::azure::secret::Secret;
use midwatch::adapters::azure::shared_key::SharedKey;

/// The emulator's well-known account.
pub(crate) const ACCOUNT: &str = "devstoreaccount1";
/// The emulator's well-known key; published by its vendor, a secret of nobody.
pub(crate) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// How long the emulator may take to say where it listens. Generous: it is no measurement.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running emulator with empty, in-memory accounts. It ends when this value is dropped or when
/// the test binary ends, whichever comes first.
pub(crate) struct Azurite {
    child: Child,
    /// Kept open: the emulator ends when it closes.
    _stdin: ChildStdin,
    pub(crate) blob_endpoint: String,
    pub(crate) queue_endpoint: String,
    pub(crate) table_endpoint: String,
}

impl Azurite {
    /// The emulator that all tests of this binary share, over plain http. Tests must not depend
    /// on what others leave there: take your own container, table and queue names from [`name`].
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Azurite> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// The shared emulator that speaks https and wants bearer tokens; [`ca_pem`] signed its
    /// certificate. It decodes tokens and does not verify their signature.
    pub(crate) fn shared_oauth() -> &'static Self {
        static SHARED: OnceLock<Azurite> = OnceLock::new();
        SHARED.get_or_init(|| {
            let tls = root().join("tests/data/tls");
            let certificate = tls.join("test-only-loopback.pem").display().to_string();
            let key = tls.join("test-only-loopback.key").display().to_string();
            Self::start(&["--oauth", "basic", "--cert", &certificate, "--key", &key])
        })
    }

    /// Starts one on free ports. Most tests want [`Azurite::shared`].
    pub(crate) fn start(more: &[&str]) -> Self {
        install_once();
        let mut child = Command::new("node")
            .current_dir(root().join("tests/azurite"))
            .args(["run.js", "--inMemoryPersistence", "--skipApiVersionCheck"])
            .args(["--disableTelemetry", "--silent"])
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0"])
            .args(["--queueHost", "127.0.0.1", "--queuePort", "0"])
            .args(["--tableHost", "127.0.0.1", "--tablePort", "0"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("cannot start `node`: install Node.js 20 or newer (it brings npm)");
        let stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        // Reads on after the start, or the emulator would block on a full pipe.
        std::thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(line);
            }
        });
        let mut found = [None, None, None];
        while found.iter().any(Option::is_none) {
            let line = receiver.recv_timeout(START_PATIENCE).expect(
                "the storage emulator did not start; try `node run.js` in tests/azurite by hand",
            );
            for (slot, service) in found.iter_mut().zip(["Blob", "Queue", "Table"]) {
                if let Some(address) = line.strip_prefix(&format!(
                    "Azurite {service} service is successfully listening at "
                )) {
                    *slot = Some(format!("{}/{ACCOUNT}", address.trim()));
                }
            }
        }
        let [blob_endpoint, queue_endpoint, table_endpoint] = found.map(Option::unwrap);
        Self { child, _stdin: stdin, blob_endpoint, queue_endpoint, table_endpoint }
    }

    /// What `MIDWATCH_CONNECTION_STRING` takes.
    pub(crate) fn connection_string(&self) -> String {
        format!(
            "AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={};QueueEndpoint={};TableEndpoint={}",
            self.blob_endpoint, self.queue_endpoint, self.table_endpoint
        )
    }

    /// A container client with the account's key.
    pub(crate) fn container(&self, container: &str) -> BlobContainerClient {
        let url = Url::parse(&format!("{}/{container}", self.blob_endpoint)).unwrap();
        let options = BlobContainerClientOptions { client_options: keyed(), ..Default::default() };
        BlobContainerClient::new(url, None, Some(options)).unwrap()
    }

    /// Creates a container; one that exists already is fine.
    pub(crate) async fn create_container(&self, container: &str) {
        let made =
            self.container(container).create(None::<BlobContainerClientCreateOptions<'_>>).await;
        if let Err(error) = made {
            assert_eq!(error.http_status().map(u16::from), Some(409), "{error}");
        }
    }

    /// Appends to an append blob, as Azure Monitor does; creates it when missing.
    pub(crate) async fn append(&self, container: &str, blob: &str, bytes: &[u8]) {
        let client = self.container(container).blob_client(blob).append_blob_client();
        let options = AppendBlobClientCreateOptions::default().if_not_exists();
        if let Err(error) = client.create(Some(options)).await {
            assert_eq!(error.http_status().map(u16::from), Some(409), "{error}");
        }
        // 4 MiB is the largest block of every service version.
        for block in bytes.chunks(4 * 1024 * 1024) {
            let content = RequestContent::from(block.to_vec());
            client.append_block(content, block.len() as u64, None).await.unwrap();
        }
    }

    /// Replaces a blob by a block blob of these bytes.
    pub(crate) async fn put(&self, container: &str, blob: &str, bytes: &[u8]) {
        let client = self.container(container).blob_client(blob);
        let content = RequestContent::from(bytes.to_vec());
        client.upload(content, None::<BlobClientUploadOptions<'_>>).await.unwrap();
    }

    /// Deletes a blob.
    pub(crate) async fn delete(&self, container: &str, blob: &str) {
        self.container(container).blob_client(blob).delete(None).await.unwrap();
    }

    /// Takes every message off a queue, in the form the Functions host hands on: base64 decoded.
    /// A queue that does not exist is empty.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<String> {
        use base64::Engine as _;
        let url = Url::parse(&format!("{}/{queue}", self.queue_endpoint)).unwrap();
        let options = QueueClientOptions { client_options: keyed(), ..Default::default() };
        let client = QueueClient::new(url, None, Some(options)).unwrap();
        let mut texts = Vec::new();
        loop {
            let options = QueueClientReceiveMessagesOptions {
                number_of_messages: Some(32),
                ..Default::default()
            };
            let messages = match client.receive_messages(Some(options)).await {
                Ok(answer) => answer.into_model().unwrap().items.unwrap_or_default(),
                Err(error) if error.http_status().map(u16::from) == Some(404) => return texts,
                Err(error) => panic!("cannot receive from {queue}: {error}"),
            };
            if messages.is_empty() {
                return texts;
            }
            for message in messages {
                let text = message.message_text.unwrap_or_default();
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
                texts.push(String::from_utf8(bytes).unwrap());
                let (id, receipt) = (message.message_id.unwrap(), message.pop_receipt.unwrap());
                client.delete_message(&id, &receipt, None).await.unwrap();
            }
        }
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name that no other test of this process takes: lower-case letters and digits, at most 40.
pub(crate) fn name(subject: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{subject}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The authority that [`Azurite::shared_oauth`] must be trusted by.
pub(crate) fn ca_pem() -> Vec<u8> {
    std::fs::read(root().join("tests/data/tls/test-only-ca.pem")).unwrap()
}

fn keyed() -> ClientOptions {
    let signer = SharedKey::new(ACCOUNT, Secret::new(KEY));
    ClientOptions { per_try_policies: vec![Arc::new(signer)], ..Default::default() }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Installs the emulator at the locked version when it is missing. A file lock keeps test
/// binaries that run at the same time from installing over each other.
fn install_once() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let folder = root().join("tests/azurite");
        let lock =
            std::fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("azurite.lock"))
                .unwrap();
        lock.lock().unwrap();
        // Written last by npm, so a half-finished installation is done again.
        let wanted = folder.join("package-lock.json");
        let done = folder.join("node_modules/.package-lock.json");
        let modified = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
        if modified(&done).is_some_and(|at| modified(&wanted).is_some_and(|want| want <= at)) {
            return;
        }
        let status = Command::new("npm")
            .current_dir(&folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("cannot run `npm`: install Node.js 20 or newer (it brings npm)");
        assert!(status.success(), "`npm ci` in tests/azurite failed; run it by hand to see why");
    });
}

#[tokio::test]
async fn the_emulator_starts_and_keeps_what_is_appended_and_put() {
    let azurite = Azurite::shared();
    let container = name("harness");
    azurite.create_container(&container).await;
    azurite.append(&container, "a/b.json", b"one\n").await;
    azurite.append(&container, "a/b.json", b"two\n").await;
    let blob = azurite.container(&container).blob_client("a/b.json");
    let body = blob.download(None).await.unwrap().body.collect().await.unwrap();
    assert_eq!(&body[..], b"one\ntwo\n");
    azurite.put(&container, "a/c.json", b"whole").await;
    azurite.delete(&container, "a/b.json").await;
    assert!(!blob.exists().await.unwrap());
    assert!(azurite.drain(&name("nobody")).await.is_empty());
    assert!(azurite.connection_string().contains(&azurite.table_endpoint));
}

#[test]
fn the_emulator_that_wants_tokens_speaks_https() {
    assert!(Azurite::shared_oauth().blob_endpoint.starts_with("https://127.0.0.1:"));
    assert!(ca_pem().starts_with(b"-----BEGIN CERTIFICATE-----"));
}
