//! `host.json` and the folders in `functions/` against the routes, both ways.

use std::collections::BTreeSet;
use std::fs;

use midwatch::functions::router::Trigger;
use serde_json::Value;

use crate::fake_host::script_root;

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(script_root().join(path)).unwrap()).unwrap()
}

/// Every function folder, as the host finds it: one level below the script root.
fn functions() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(script_root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if script_root().join(&name).join("function.json").is_file() {
            let files: Vec<_> = fs::read_dir(script_root().join(&name)).unwrap().collect();
            assert_eq!(files.len(), 1, "{name}: a second file would become its script");
            found.push((name.clone(), json(&format!("{name}/function.json"))));
        }
    }
    found
}

fn bindings(function: &Value) -> &[Value] {
    function["bindings"].as_array().unwrap()
}

#[test]
fn every_folder_has_a_route_and_every_route_a_folder() {
    let http = |function: &Value| bindings(function)[0]["type"] == "httpTrigger";
    let folders: BTreeSet<String> =
        functions().into_iter().filter(|(_, f)| !http(f)).map(|(name, _)| name).collect();
    let routes: BTreeSet<String> =
        Trigger::ALL.iter().map(|trigger| trigger.name().to_owned()).collect();
    assert_eq!(folders, routes);
}

#[test]
fn each_function_has_one_trigger_and_names_that_the_host_accepts() {
    let word = regex::Regex::new("^[a-zA-Z][a-zA-Z0-9]{0,127}$").unwrap();
    let mut lower = BTreeSet::new();
    for (name, function) in functions() {
        assert!(word.is_match(&name) && name != "host", "{name}");
        assert!(lower.insert(name.to_lowercase()), "{name} differs from another in case only");
        let kind = |binding: &Value| binding["type"].as_str().unwrap().to_owned();
        let triggers = bindings(&function).iter().filter(|b| kind(b).ends_with("Trigger")).count();
        assert_eq!(triggers, 1, "{name}");
        let mut names = BTreeSet::new();
        for binding in bindings(&function) {
            let binding_name = binding["name"].as_str().unwrap();
            assert!(word.is_match(binding_name), "{name}: {binding_name}");
            assert!(names.insert(binding_name), "{name}: {binding_name} twice");
        }
        if kind(&bindings(&function)[0]) == "httpTrigger" {
            let kinds: Vec<String> = bindings(&function).iter().map(kind).collect();
            assert_eq!(kinds, ["httpTrigger", "http"], "{name}: or the host will not proxy it");
        }
    }
}

#[test]
fn no_route_from_outside_can_match_a_trigger() {
    let host = json("host.json");
    assert_eq!(host["extensions"]["http"]["routePrefix"], "");
    for (name, function) in functions() {
        let trigger = &bindings(&function)[0];
        if trigger["type"] != "httpTrigger" {
            continue;
        }
        let route = trigger["route"].as_str().unwrap_or(&name);
        let first = route.split('/').next().unwrap();
        assert!(!first.contains('{'), "{name}: `{route}` is a catch-all at the root");
        for trigger in Trigger::ALL {
            assert_ne!(first, trigger.name(), "{name}: `{route}`");
        }
        assert_eq!(trigger["authLevel"], "function", "{name}");
    }
}

#[test]
fn the_host_starts_our_binary_and_proxies_http() {
    let host = json("host.json");
    assert_eq!(host["version"], "2.0");
    let handler = &host["customHandler"];
    assert_eq!(handler["description"]["defaultExecutablePath"], "midwatch");
    assert_eq!(handler["description"]["arguments"], serde_json::json!(["serve"]));
    assert_eq!(handler["enableProxyingHttpRequest"], true);
    assert!(handler["enableForwardingHttpRequest"].is_null());
    assert_eq!(host["extensionBundle"]["version"], "[4.*, 5.0.0)");
}

#[test]
fn only_a_timer_declares_a_retry_policy() {
    for (name, function) in functions() {
        if !function["retry"].is_null() {
            assert_eq!(bindings(&function)[0]["type"], "timerTrigger", "{name}");
        }
    }
}
