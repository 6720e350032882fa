//! What rules need to see: the policy table against the published policy, the shares of the reads
//! against the logs they were counted in, and the answers for the shipped rules.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use midwatch::audit::policy::{RequestShape, level};
use midwatch::engine::ruleset::RuleSet;
use midwatch::engine::visibility::coverage::volume::MEASURED;
use midwatch::engine::visibility::coverage::{Left, needs};
use serde_json::Value;

/// The published policy as Microsoft's documentation has it, where a copy lies beside the
/// repository; it is not ours to ship.
fn published() -> Option<Value> {
    let name = "shared/data/azure/aks_audit_policy.json";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found: Option<PathBuf> =
        root.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file());
    Some(serde_json::from_str(&fs::read_to_string(found?).unwrap()).unwrap())
}

fn texts(rule: &Value, key: &str) -> Vec<String> {
    let list = rule.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// One rule of the policy, read once.
struct PublishedRule {
    level: String,
    users: Vec<String>,
    groups: Vec<String>,
    verbs: Vec<String>,
    namespaces: Vec<String>,
    paths: Vec<String>,
    /// Group, resources and names.
    sets: Vec<(String, Vec<String>, Vec<String>)>,
}

impl PublishedRule {
    fn read(rule: &Value) -> Self {
        let sets = rule.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        let set = |set: &Value| {
            let group = set.get("group").and_then(Value::as_str).unwrap_or_default();
            (group.to_owned(), texts(set, "resources"), texts(set, "resourceNames"))
        };
        Self {
            level: rule["level"].as_str().unwrap().to_owned(),
            users: texts(rule, "users"),
            groups: texts(rule, "userGroups"),
            verbs: texts(rule, "verbs"),
            namespaces: texts(rule, "namespaces"),
            paths: texts(rule, "nonResourceURLs"),
            sets: sets.iter().map(set).collect(),
        }
    }

    /// Judged as the API server documents it; written apart from ours.
    fn fits(&self, request: &RequestShape<'_>) -> bool {
        let allows =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let in_group = request.groups.iter().any(|group| self.groups.iter().any(|g| g == group));
        if !allows(&self.users, request.user)
            || !allows(&self.verbs, request.verb)
            || !(self.groups.is_empty() || in_group)
        {
            return false;
        }
        if !self.sets.is_empty() || !self.namespaces.is_empty() {
            let named = |entry: &String| match entry.split_once('/') {
                Some(pair) => pair == (request.resource, request.subresource),
                None => entry == request.resource && request.subresource.is_empty(),
            };
            let holds = |(group, resources, names): &(String, Vec<String>, Vec<String>)| {
                group == request.api_group
                    && (resources.is_empty()
                        || resources.iter().any(named) && allows(names, request.name))
            };
            return !request.resource.is_empty()
                && allows(&self.namespaces, request.namespace)
                && (self.sets.is_empty() || self.sets.iter().any(holds));
        }
        let covers = |path: &String| match path.strip_suffix('*') {
            Some(start) => request.path.starts_with(start),
            None => path == request.path,
        };
        self.paths.is_empty() || request.resource.is_empty() && self.paths.iter().any(covers)
    }
}

fn published_level<'a>(rules: &'a [PublishedRule], request: &RequestShape<'_>) -> &'a str {
    rules.iter().find(|rule| rule.fits(request)).map_or("None", |rule| &rule.level)
}

#[test]
fn the_table_says_what_the_published_policy_says() {
    let Some(document) = published() else { return };
    let rules = document["policy"]["rules"].as_array().unwrap();
    let read: Vec<PublishedRule> = rules.iter().map(PublishedRule::read).collect();
    let collect = |of: &dyn Fn(&Value) -> Vec<String>, more: &[&str]| {
        let mut all: Vec<String> = rules.iter().flat_map(of).collect();
        all.extend(more.iter().map(|one| (*one).to_owned()));
        all.sort();
        all.dedup();
        all
    };
    let sets =
        |rule: &Value| rule.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
    let users = collect(&|rule| texts(rule, "users"), &["somebody"]);
    let groups = collect(&|rule| texts(rule, "userGroups"), &["system:authenticated"]);
    let verbs =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post"];
    let namespaces = collect(&|rule| texts(rule, "namespaces"), &["default", "kube-system", "x"]);
    let names = collect(
        &|rule| sets(rule).iter().flat_map(|set| texts(set, "resourceNames")).collect(),
        &["x"],
    );
    let api_groups = collect(
        &|rule| {
            let group = |set: &Value| set["group"].as_str().unwrap_or_default().to_owned();
            sets(rule).iter().map(group).collect()
        },
        &["argoproj.io"],
    );
    let resources = collect(
        &|rule| sets(rule).iter().flat_map(|set| texts(set, "resources")).collect(),
        &["pods", "pods/exec", "unheard/of", "unheard"],
    );
    let mut asked = 0_u64;
    let mut check = |request: &RequestShape<'_>| {
        asked += 1;
        assert_eq!(level(request).as_str(), published_level(&read, request), "{request:?}");
    };
    // Every group with every resource for an ordinary request, and every caller and place for those
    // that the policy pairs; all of it at once would take minutes.
    for verb in verbs {
        for api_group in &api_groups {
            for entry in &resources {
                let (resource, subresource) = entry.split_once('/').unwrap_or((entry, ""));
                let base = RequestShape {
                    verb,
                    api_group,
                    resource,
                    subresource,
                    user: "somebody",
                    groups: &["system:authenticated"],
                    namespace: "x",
                    name: "x",
                    path: "",
                };
                check(&base);
                for namespace in &namespaces {
                    for name in &names {
                        check(&RequestShape { namespace, name, ..base });
                    }
                }
                if !api_group.is_empty() && api_group != "apps" {
                    continue;
                }
                for user in &users {
                    for group in &groups {
                        let group = [group.as_str()];
                        for namespace in ["kube-system", "x"] {
                            check(&RequestShape { user, groups: &group, namespace, ..base });
                        }
                    }
                }
            }
        }
        for path in
            collect(&|rule| texts(rule, "nonResourceURLs"), &["/api", "/livez", "/version/"])
        {
            for path in [path.as_str(), path.trim_end_matches('*'), &path.replace('*', "/more")] {
                for user in &users {
                    check(&RequestShape { verb, path, user, ..RequestShape::default() });
                }
            }
        }
    }
    assert!(asked > 10_000, "only {asked} requests compared");
}

#[test]
fn the_shares_of_the_reads_are_those_of_the_logs() {
    for measured in MEASURED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(measured.log);
        let mut lines = BufReader::new(GzDecoder::new(fs::File::open(path).unwrap()));
        let (mut all, mut bytes) = (0, 0);
        let mut by_verb: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            let mut value: Value = serde_json::from_str(&line).unwrap();
            if let Some(inner) = value["properties"]["log"].as_str() {
                value = serde_json::from_str(inner).unwrap();
            }
            let verb = by_verb.entry(value["verb"].as_str().unwrap().to_owned()).or_default();
            *verb = (verb.0 + 1, verb.1 + line.len() as u64);
            all += 1;
            bytes += line.len() as u64;
            line.clear();
        }
        assert_eq!((measured.records, measured.bytes), (all, bytes), "{}", measured.log);
        for read in measured.reads {
            assert_eq!((read.records, read.bytes), by_verb[read.verb], "{}", measured.log);
        }
    }
}

#[test]
fn what_goes_blind_under_the_cheaper_category_is_known() {
    let rules = RuleSet::builtin().unwrap();
    for (name, left) in [
        ("secrets-list-cluster", Left::Partly),
        ("pod-log-read", Left::Blind),
        ("pod-log-harvest", Left::Blind),
        ("exec-interactive-shell", Left::Partly),
        ("privileged-container", Left::Whole),
        ("cluster-admin-binding", Left::Whole),
    ] {
        assert_eq!(needs(&rules, name).unwrap().admin, left, "{name}");
    }
    for (rule, _) in rules.catalogue() {
        let needs = needs(&rules, &rule.reference.name).unwrap();
        assert!(!needs.verbs.is_empty(), "{} can match nothing", rule.reference.name);
        assert!(!needs.undetermined, "{} has too many branches", rule.reference.name);
    }
}
