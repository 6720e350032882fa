//! The settings as data. The reference page is rendered from here, and a test fails when either
//! of the two is behind the code.

use super::{credential, sections};

/// When a setting must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Always, unless a connection string already says it.
    Always,
    /// With one credential only; the word of `MIDWATCH_CREDENTIAL`.
    With(&'static str),
    /// Never; this holds when it is not set, where there is something to say.
    Optional(Option<&'static str>),
}

/// One variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingDoc {
    pub name: &'static str,
    pub need: Need,
    pub secret: bool,
    pub what: &'static str,
}

const fn doc(name: &'static str, need: Need, what: &'static str) -> SettingDoc {
    SettingDoc { name, need, secret: false, what }
}

/// Every variable that Midwatch reads, in the order of the page.
pub const SETTINGS: &[SettingDoc] = &[
    doc(
        sections::LOG_ACCOUNTS,
        Need::Always,
        "Blob endpoints of the log accounts, with commas between: \
         `https://<account>.blob.core.windows.net`.",
    ),
    doc(
        sections::LOG_CONTAINERS,
        Need::Optional(Some(sections::DEFAULT_CONTAINER)),
        "Containers with audit records, with commas between.",
    ),
    doc(
        sections::CLUSTERS,
        Need::Optional(None),
        "ARM ids of clusters to watch from the start, with commas between. Clusters that write \
         to the log accounts are found without it.",
    ),
    doc(
        sections::CONTROL_PLANE,
        Need::Optional(None),
        "Networks that control planes call from besides 172.31.0.0/16, with commas between: the \
         subnet of the API server where it stands in your own network. Who calls from there under \
         a platform name counts as the platform, so keep it to that subnet.",
    ),
    doc(
        sections::TABLE_ENDPOINT,
        Need::Always,
        "Table endpoint of the account that keeps the state: \
         `https://<account>.table.core.windows.net`.",
    ),
    doc(
        sections::TABLE_PREFIX,
        Need::Optional(Some(sections::DEFAULT_PREFIX)),
        "Begins the name of every table: letters and digits, a letter first, at most 40.",
    ),
    doc(
        sections::QUEUE_ENDPOINT,
        Need::Always,
        "Queue endpoint of the account that carries the work: \
         `https://<account>.queue.core.windows.net`.",
    ),
    doc(
        credential::CREDENTIAL,
        Need::Optional(Some(credential::DEFAULT)),
        "Who Midwatch is: `managed-identity`, `workload-identity`, `client-secret`, `azure-cli` \
         or `connection-string`. Exactly the named one is used; nothing else is tried. A setting \
         that the named one does not use is a fault.",
    ),
    doc(
        credential::CLIENT_ID,
        Need::With("client-secret"),
        "Client id of the app registration. With `managed-identity`, the client id of a \
         user-assigned identity; with `workload-identity`, what replaces `AZURE_CLIENT_ID`.",
    ),
    doc(
        credential::TENANT_ID,
        Need::With("client-secret"),
        "Tenant of the app registration. With `workload-identity`, what replaces \
         `AZURE_TENANT_ID`; with `azure-cli`, the tenant to log in to.",
    ),
    SettingDoc {
        name: credential::CLIENT_SECRET,
        need: Need::With("client-secret"),
        secret: true,
        what: "Secret of the app registration.",
    },
    SettingDoc {
        name: credential::CONNECTION_STRING,
        need: Need::With("connection-string"),
        secret: true,
        what: "Storage connection string, for emulators and development: \
               `UseDevelopmentStorage=true`, or `AccountName` and `AccountKey` with endpoints. \
               Its endpoints stand in for the three above. Azurite must run with \
               `--skipApiVersionCheck`.",
    },
    doc(
        sections::RULES,
        Need::Optional(None),
        "A directory of rules that add to the built-in ones or, by the same name, replace them. \
         Changes are taken up while Midwatch runs.",
    ),
    doc(
        sections::OPT_IN,
        Need::Optional(None),
        "Names of opt-in rules that are switched on, with commas between; `midwatch rules list \
         --mode opt-in` shows them.",
    ),
    doc(
        sections::SEGMENT_BYTES,
        Need::Optional(Some("8388608")),
        "Bytes of one blob that one invocation consumes, 65536 to 67108864.",
    ),
    doc(
        sections::LEASE_SECONDS,
        Need::Optional(Some("90")),
        "Seconds for which a worker holds a blob, 15 to 3600.",
    ),
    doc(
        sections::LOG,
        Need::Optional(Some(sections::DEFAULT_LEVEL)),
        "What is logged of Midwatch itself: `off`, `error`, `warn`, `info`, `debug` or `trace`.",
    ),
];

/// The page `docs/reference/configuration.md`.
pub fn render() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         `midwatch serve` is configured by environment variables, which are the app settings of \
         the function app. This page is\nrendered from `src/config/docs.rs`; run \
         `UPDATE_DOCS=1 cargo test --test it reference_pages` after a change there.\n\n\
         All faults are reported at once when the process starts, each by the name of its \
         variable. An empty value counts as not\nset. A variable that begins with `MIDWATCH_` and \
         is not listed here is reported as unknown and ignored.\n\n\
         | variable | needed | default | meaning |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let (needed, default) = match setting.need {
            Need::Always => ("yes".to_owned(), String::new()),
            Need::With(choice) => (format!("with `{choice}`"), String::new()),
            Need::Optional(default) => {
                ("no".to_owned(), default.map(|text| format!("`{text}`")).unwrap_or_default())
            }
        };
        let secret = if setting.secret { " **Secret.**" } else { "" };
        page.push_str(&format!(
            "| `{}` | {needed} | {default} | {}{secret} |\n",
            setting.name, setting.what
        ));
    }
    page.push_str(
        "\nA secret belongs into a Key Vault reference, never into the template. With \
         `managed-identity`, the default, Midwatch\nneeds none.\n",
    );
    page
}
