//! The settings by concern. Each struct says which variables it comes from and what holds when
//! they are not set.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::reader::Reader;
use crate::adapters::azure::connection_string::ConnectionString;
use crate::adapters::azure::credential::CredentialChoice;
use crate::adapters::azure::endpoint::Endpoint;
use crate::model::ids::ClusterId;

pub(super) const LOG_ACCOUNTS: &str = "MIDWATCH_LOG_ACCOUNTS";
pub(super) const LOG_CONTAINERS: &str = "MIDWATCH_LOG_CONTAINERS";
pub(super) const CLUSTERS: &str = "MIDWATCH_CLUSTERS";
pub(super) const CONTROL_PLANE: &str = "MIDWATCH_CONTROL_PLANE";
pub(super) const TABLE_ENDPOINT: &str = "MIDWATCH_TABLE_ENDPOINT";
pub(super) const TABLE_PREFIX: &str = "MIDWATCH_TABLE_PREFIX";
pub(super) const QUEUE_ENDPOINT: &str = "MIDWATCH_QUEUE_ENDPOINT";
pub(super) const RULES: &str = "MIDWATCH_RULES";
pub(super) const OPT_IN: &str = "MIDWATCH_OPT_IN";
pub(super) const SEGMENT_BYTES: &str = "MIDWATCH_SEGMENT_BYTES";
pub(super) const LEASE_SECONDS: &str = "MIDWATCH_LEASE_SECONDS";
pub(super) const LOG: &str = "MIDWATCH_LOG";

pub(super) const DEFAULT_CONTAINER: &str = "insights-logs-kube-audit";
pub(super) const DEFAULT_PREFIX: &str = "midwatch";
pub(super) const DEFAULT_LEVEL: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// One read must hold a whole record, and a segment must end before the host's timeout.
const SEGMENT_BYTES_RANGE: (u64, u64) = (64 * 1024, 64 * 1024 * 1024);
const SEGMENT_BYTES_DEFAULT: u64 = 8 * 1024 * 1024;
/// A lease is renewed with every read, so it need not outlast a segment; but a dead worker keeps a
/// blob waiting until its lease ends.
const LEASE_SECONDS_RANGE: (u64, u64) = (1, 3600);
const LEASE_SECONDS_DEFAULT: u64 = 90;
/// Table names have at most 63 characters, and each table adds a word to the prefix.
const PREFIX_CHARS_MAX: usize = 40;

/// Where the audit log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `MIDWATCH_LOG_ACCOUNTS`: blob endpoints, one per log account. With a connection string,
    /// its blob endpoint is the default.
    pub accounts: Vec<Endpoint>,
    /// `MIDWATCH_LOG_CONTAINERS`, `insights-logs-kube-audit` by default.
    pub containers: Vec<String>,
    /// `MIDWATCH_CLUSTERS`: clusters known beforehand; others are found in the log. Empty by
    /// default.
    pub clusters: Vec<ClusterId>,
    /// `MIDWATCH_CONTROL_PLANE`: networks that control planes call from besides 172.31.0.0/16.
    pub control_plane: Vec<IpNet>,
}

/// Where Midwatch keeps what it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSettings {
    /// `MIDWATCH_TABLE_ENDPOINT`; with a connection string, its table endpoint by default.
    pub endpoint: Endpoint,
    /// `MIDWATCH_TABLE_PREFIX`, `midwatch` by default: begins every table's name.
    pub prefix: String,
}

/// Where work is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// `MIDWATCH_QUEUE_ENDPOINT`; with a connection string, its queue endpoint by default.
    pub endpoint: Endpoint,
}

/// Rules besides the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSettings {
    /// `MIDWATCH_RULES`: a directory that adds to the built-in rules or overrides them.
    pub directory: Option<PathBuf>,
    /// `MIDWATCH_OPT_IN`: names of opt-in rules that are switched on. None by default.
    pub opt_in: Vec<String>,
}

/// How much one invocation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// `MIDWATCH_SEGMENT_BYTES`, 8388608 by default: how much of a blob is consumed at once.
    pub segment_bytes: u64,
    /// `MIDWATCH_LEASE_SECONDS`, 90 by default: how long a blob is held.
    pub lease: Duration,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// `MIDWATCH_LOG`, `info` by default.
    pub level: String,
}

impl LogSettings {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        credential: Option<&CredentialChoice>,
    ) -> Option<Self> {
        let accounts = accounts(reader, credential);
        let mut containers: Vec<String> =
            reader.list(LOG_CONTAINERS).into_iter().map(str::to_owned).collect();
        if containers.is_empty() {
            containers.push(DEFAULT_CONTAINER.to_owned());
        }
        if !containers.iter().all(|name| is_container_name(name)) {
            reader.fault(
                LOG_CONTAINERS,
                "must be container names with commas between: 3 to 63 lower-case letters, digits \
                 and single dashes each",
            );
        }
        let named = reader.list(CLUSTERS);
        let mut clusters: Vec<_> = named.iter().filter_map(|id| ClusterId::from_arm(id)).collect();
        if clusters.len() != named.len() {
            reader.fault(
                CLUSTERS,
                "must be ARM ids with commas between: /subscriptions/<id>/resourceGroups/<name>/\
                 providers/Microsoft.ContainerService/managedClusters/<name>",
            );
        }
        clusters.sort();
        clusters.dedup();
        let networks = reader.list(CONTROL_PLANE);
        let control_plane: Vec<IpNet> = networks.iter().flat_map(|net| net.parse()).collect();
        if control_plane.len() != networks.len() {
            reader.fault(
                CONTROL_PLANE,
                "must be networks with commas between, such as 10.224.0.0/28",
            );
        }
        Some(Self { accounts: accounts?, containers, clusters, control_plane })
    }
}

impl StateSettings {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        credential: Option<&CredentialChoice>,
    ) -> Option<Self> {
        let endpoint = endpoint(reader, TABLE_ENDPOINT, "table", credential, |given| &given.table);
        let prefix = reader.get(TABLE_PREFIX).unwrap_or(DEFAULT_PREFIX).to_owned();
        let fits = prefix.len() <= PREFIX_CHARS_MAX
            && prefix.starts_with(|c: char| c.is_ascii_alphabetic())
            && prefix.chars().all(|c| c.is_ascii_alphanumeric());
        if !fits {
            let reason = "must be letters and digits, a letter first, at most 40";
            reader.fault(TABLE_PREFIX, reason);
        }
        Some(Self { endpoint: endpoint?, prefix })
    }
}

impl QueueSettings {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        credential: Option<&CredentialChoice>,
    ) -> Option<Self> {
        let endpoint = endpoint(reader, QUEUE_ENDPOINT, "queue", credential, |given| &given.queue);
        endpoint.map(|endpoint| Self { endpoint })
    }
}

impl RuleSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let opt_in: Vec<String> = reader.list(OPT_IN).into_iter().map(str::to_owned).collect();
        let is_name = |name: &String| {
            name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !opt_in.iter().all(is_name) {
            reader.fault(OPT_IN, "must be names of rules with commas between, such as host-port");
        }
        Self { directory: reader.get(RULES).map(PathBuf::from), opt_in }
    }
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let bytes = reader.number(SEGMENT_BYTES, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_RANGE);
        let lease = reader.number(LEASE_SECONDS, LEASE_SECONDS_DEFAULT, LEASE_SECONDS_RANGE);
        Some(Self { segment_bytes: bytes?, lease: Duration::from_secs(lease?) })
    }
}

impl TelemetrySettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let level = reader.get(LOG).unwrap_or(DEFAULT_LEVEL).to_lowercase();
        if !LEVELS.contains(&level.as_str()) {
            reader.fault(LOG, "must be off, error, warn, info, debug or trace");
            return None;
        }
        Some(Self { level })
    }
}

fn accounts(
    reader: &mut Reader<'_>,
    credential: Option<&CredentialChoice>,
) -> Option<Vec<Endpoint>> {
    if reader.get(LOG_ACCOUNTS).is_none() {
        let one = endpoint(reader, LOG_ACCOUNTS, "blob", credential, |given| &given.blob);
        return one.map(|one| vec![one]);
    }
    let mut accounts: Vec<Endpoint> = Vec::new();
    let mut sound = true;
    for (index, text) in reader.list(LOG_ACCOUNTS).into_iter().enumerate() {
        let reason = match checked(text, credential) {
            Err(reason) => reason,
            Ok(found) if accounts.iter().any(|known| known.account() == found.account()) => {
                "names an account twice".to_owned()
            }
            Ok(found) => {
                accounts.push(found);
                continue;
            }
        };
        reader.fault(LOG_ACCOUNTS, format!("(entry {}) {reason}", index + 1));
        sound = false;
    }
    if sound && accounts.is_empty() {
        reader.fault(LOG_ACCOUNTS, "holds no endpoint");
        sound = false;
    }
    sound.then_some(accounts)
}

/// An endpoint as set, or the one of the connection string.
fn endpoint(
    reader: &mut Reader<'_>,
    name: &'static str,
    service: &str,
    credential: Option<&CredentialChoice>,
    given: impl Fn(&ConnectionString) -> &Option<Endpoint>,
) -> Option<Endpoint> {
    if let Some(text) = reader.get(name) {
        return checked(text, credential).map_err(|reason| reader.fault(name, reason)).ok();
    }
    if let Some(CredentialChoice::ConnectionString(parsed)) = credential
        && let Some(endpoint) = given(parsed)
    {
        return Some(endpoint.clone());
    }
    reader.fault(name, format!("is not set; give https://<account>.{service}.core.windows.net"));
    None
}

fn checked(text: &str, credential: Option<&CredentialChoice>) -> Result<Endpoint, String> {
    let endpoint = Endpoint::parse(text).map_err(|fault| fault.to_string())?;
    let by_key = matches!(credential, None | Some(CredentialChoice::ConnectionString(_)));
    if endpoint.is_https() || by_key {
        return Ok(endpoint);
    }
    Err("must use https: the chosen credential sends a token, which never travels over http".into())
}

fn is_container_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}
