//! Environments and what becomes of them.

use std::collections::BTreeSet;

use super::*;

const SOUND: [(&str, &str); 3] = [
    ("MIDWATCH_LOG_ACCOUNTS", "https://logs1.blob.core.windows.net"),
    ("MIDWATCH_TABLE_ENDPOINT", "https://state1.table.core.windows.net/"),
    ("MIDWATCH_QUEUE_ENDPOINT", "https://state1.queue.core.windows.net"),
];

/// The sound environment with these set, or cleared by an empty value.
fn read(more: &[(&str, &str)]) -> Result<Settings, ConfigFaults> {
    Settings::read(&Environment::from_pairs(SOUND.iter().chain(more).copied()))
}

fn faults(more: &[(&str, &str)]) -> Vec<String> {
    let faults = read(more).expect_err("there are faults").0;
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn three_endpoints_are_enough() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.log.accounts[0].account(), "logs1");
    assert_eq!(settings.log.containers, ["insights-logs-kube-audit"]);
    assert_eq!(settings.state.prefix, "midwatch");
    assert_eq!(settings.state.endpoint.to_string(), "https://state1.table.core.windows.net");
    assert_eq!(settings.credential, CredentialChoice::ManagedIdentity { client_id: None });
    assert_eq!(settings.limits.segment_bytes, 8_388_608);
    assert_eq!(settings.limits.lease.as_secs(), 90);
    assert_eq!(settings.telemetry.level, "info");
    assert_eq!((settings.rules.directory, settings.unknown), (None, vec![]));
}

#[test]
fn every_fault_is_reported_at_once_and_by_name() {
    let faults = Settings::read(&Environment::from_pairs([
        ("MIDWATCH_TABLE_PREFIX", "1-x"),
        ("MIDWATCH_CREDENTIAL", "password"),
        ("MIDWATCH_CLUSTERS", "cluster-1"),
        ("MIDWATCH_SEGMENT_BYTES", "8MiB"),
        ("MIDWATCH_LEASE_SECONDS", "0"),
        ("MIDWATCH_LOG", "loud"),
        ("MIDWATCH_LOG_CONTAINERS", "A"),
    ]))
    .unwrap_err();
    let named: BTreeSet<_> = faults.0.iter().map(|fault| fault.name).collect();
    let expected = [
        "MIDWATCH_CLUSTERS",
        "MIDWATCH_CREDENTIAL",
        "MIDWATCH_LEASE_SECONDS",
        "MIDWATCH_LOG",
        "MIDWATCH_LOG_ACCOUNTS",
        "MIDWATCH_LOG_CONTAINERS",
        "MIDWATCH_QUEUE_ENDPOINT",
        "MIDWATCH_SEGMENT_BYTES",
        "MIDWATCH_TABLE_ENDPOINT",
        "MIDWATCH_TABLE_PREFIX",
    ];
    assert_eq!(named, BTreeSet::from(expected));
    assert!(faults.to_string().starts_with("the configuration has 10 fault(s)\n  MIDWATCH_"));
}

#[test]
fn a_fault_says_what_cures_it() {
    for (setting, value, cure) in [
        ("MIDWATCH_LOG_ACCOUNTS", "logs1", "expected https://<account>"),
        ("MIDWATCH_LOG_ACCOUNTS", ",", "holds no endpoint"),
        (
            "MIDWATCH_LOG_ACCOUNTS",
            "https://a.b.c,https://a.b.d",
            "(entry 2) names an account twice",
        ),
        ("MIDWATCH_TABLE_ENDPOINT", "http://127.0.0.1:1/dev", "must use https"),
        ("MIDWATCH_TABLE_ENDPOINT", "https://a.b.c?sig=hunter2", "SAS is not supported"),
        ("MIDWATCH_QUEUE_ENDPOINT", "", "give https://<account>.queue.core.windows.net"),
        ("MIDWATCH_CREDENTIAL", "hunter2", "must be managed-identity, workload-identity"),
        ("MIDWATCH_CREDENTIAL", "connection-string", "UseDevelopmentStorage=true"),
        ("MIDWATCH_CLIENT_SECRET", "hunter2", "not used by MIDWATCH_CREDENTIAL=managed-identity"),
        ("MIDWATCH_CONNECTION_STRING", "hunter2", "choose another credential"),
        ("MIDWATCH_CLIENT_ID", "/subscriptions/hunter2", "not a resource id"),
        ("MIDWATCH_CLUSTERS", "/subscriptions/a/hunter2", "managedClusters/<name>"),
        ("MIDWATCH_SEGMENT_BYTES", "1", "from 65536 to 67108864"),
        ("MIDWATCH_LEASE_SECONDS", "3601", "from 1 to 3600"),
    ] {
        let faults = faults(&[(setting, value)]);
        let found = faults.iter().any(|fault| fault.contains(cure));
        assert!(found, "{setting}={value}: {faults:?}");
        assert!(!faults.concat().contains("hunter2"), "{faults:?}");
    }
}

#[test]
fn each_credential_takes_its_own_settings() {
    let word = |more: &[_]| read(more).map(|settings| settings.credential.word());
    assert_eq!(word(&[("MIDWATCH_CLIENT_ID", "c")]), Ok("managed-identity"));
    let tenant = ("MIDWATCH_TENANT_ID", "t");
    for choice in ["workload-identity", "azure-cli"] {
        assert_eq!(word(&[("MIDWATCH_CREDENTIAL", choice), tenant]), Ok(choice));
    }
    let choice = ("MIDWATCH_CREDENTIAL", "client-secret");
    let (client, secret) = (("MIDWATCH_CLIENT_ID", "c"), ("MIDWATCH_CLIENT_SECRET", "hunter2"));
    assert_eq!(word(&[choice, tenant, client, secret]), Ok("client-secret"));
    assert_eq!(faults(&[choice]).len(), 3, "tenant, client and secret are all missed");
    let settings = read(&[choice, tenant, client, secret]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_connection_string_stands_in_for_the_endpoints() {
    let settings = Settings::read(&Environment::from_pairs([
        ("MIDWATCH_CREDENTIAL", "connection-string"),
        ("MIDWATCH_CONNECTION_STRING", "UseDevelopmentStorage=true"),
        ("MIDWATCH_QUEUE_ENDPOINT", "http://127.0.0.1:9/devstoreaccount1"),
    ]))
    .unwrap();
    let shown = [&settings.log.accounts[0], &settings.state.endpoint, &settings.queue.endpoint]
        .map(ToString::to_string);
    assert_eq!(
        shown,
        [
            "http://127.0.0.1:10000/devstoreaccount1",
            "http://127.0.0.1:10002/devstoreaccount1",
            "http://127.0.0.1:9/devstoreaccount1"
        ]
    );
    let incomplete = faults(&[
        ("MIDWATCH_CREDENTIAL", "connection-string"),
        ("MIDWATCH_CONNECTION_STRING", "AccountName=a;AccountKey=a2V5"),
        ("MIDWATCH_TABLE_ENDPOINT", ""),
    ]);
    assert_eq!(incomplete.len(), 1, "{incomplete:?}");
}

#[test]
fn clusters_are_canonical_and_told_once() {
    let id = |case: fn(&str) -> String| {
        case(
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.ContainerService/managedClusters/C",
        )
    };
    let twice = format!("{}, {}", id(str::to_uppercase), id(str::to_lowercase));
    let clusters = read(&[("MIDWATCH_CLUSTERS", &twice)]).unwrap().log.clusters;
    assert_eq!(clusters.len(), 1);
    assert_eq!(clusters[0].as_str(), id(str::to_lowercase));
}

#[test]
fn a_misspelt_setting_is_told_and_nothing_else_is() {
    let settings = read(&[("MIDWATCH_LEASE_SECOND", "5"), ("PATH", "/bin")]).unwrap();
    assert_eq!(settings.unknown, ["MIDWATCH_LEASE_SECOND"]);
}

/// Every documented variable is set to nonsense, one at a time: if it were not read, that would
/// change nothing.
#[test]
fn every_documented_setting_is_read_and_every_setting_read_is_documented() {
    let sources = [include_str!("credential.rs"), include_str!("sections.rs")].concat();
    let in_code: BTreeSet<&str> = sources
        .split('"')
        .filter(|text| text.starts_with("MIDWATCH_") && !text.contains(['=', ' ']))
        .collect();
    let documented: BTreeSet<&str> = docs::SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(in_code, documented);
    for setting in docs::SETTINGS.iter().filter(|setting| setting.name != "MIDWATCH_RULES") {
        let nonsense = [(setting.name, "!? ;/")];
        assert!(read(&nonsense).is_err(), "{} is not read", setting.name);
    }
}
