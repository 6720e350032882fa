//! The detection content: every shipped rule loads, is honest about AKS, and passes its own cases.

use std::collections::BTreeMap;
use std::path::Path;

use midwatch::engine::builtin;
use midwatch::engine::cases;
use midwatch::engine::mutation;
use midwatch::engine::ruleset::{Listed, RuleSet};
use midwatch::engine::visibility;
use midwatch::model::attack::Attack;
use midwatch::model::level::Level;
use midwatch::model::rule::Mode;

fn shipped() -> RuleSet {
    RuleSet::builtin().unwrap_or_else(|faults| {
        let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the shipped rules do not load:\n{}", list.join("\n"));
    })
}

/// Complaints about all rules, so that one run tells them all.
fn check(complaints: impl Fn(&RuleSet, &Listed<'_>) -> Vec<String>) {
    let rules = shipped();
    let catalogue = rules.catalogue();
    let all: Vec<String> =
        catalogue.iter().flat_map(|(rule, _)| complaints(&rules, rule)).collect();
    assert!(all.is_empty(), "{} complaints:\n{}", all.len(), all.join("\n"));
}

/// At a start they are taken as they are; that each can fire is shown here.
#[test]
fn what_ships_meets_everything_that_is_demanded_of_our_own_rules() {
    let faults = RuleSet::load(&builtin::sources()).map(|_| ()).err().unwrap_or_default();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_first_pack_is_there_and_all_of_it_runs() {
    let rules = shipped();
    assert!(rules.rules().len() >= 40, "only {} rules", rules.rules().len());
    assert!(
        rules.correlations().count() >= 10,
        "only {} correlations",
        rules.correlations().count()
    );
    assert_eq!(rules.not_run(), [], "a shipped rule must run");
}

/// Where they are looked for, since looking through all that ships would cost every start.
#[test]
fn mappings_that_ship_lie_in_their_folder() {
    let is_mapping = |text: &str| text.lines().any(|line| line.starts_with("mapping:"));
    let all = builtin::sources().into_iter().filter(|file| is_mapping(&file.text));
    let all: Vec<String> = all.map(|file| file.path).collect();
    let found: Vec<String> = builtin::mapping_files().into_iter().map(|file| file.path).collect();
    assert!(!found.is_empty() && found == all, "{found:?} and {all:?}");
}

#[test]
fn every_clause_about_one_element_is_held_by_a_case() {
    let files: BTreeMap<String, String> =
        builtin::case_files().into_iter().map(|file| (file.path, file.text)).collect();
    let rules = shipped();
    let mut asked = 0;
    let mut survivors = Vec::new();
    for rule in rules.rules().iter().filter(|rule| !rule.document.element_blocks.is_empty()) {
        let path = rule.document.file.replace(".yml", ".cases.jsonl");
        let (cases, _) = cases::parse(&files[&path], &path);
        asked += 1;
        let found = mutation::check(rule, rules.lists(), &cases, &path).survivors;
        let found = found.into_iter().filter(|survivor| survivor.change.starts_with("where["));
        survivors.extend(found.map(|survivor| format!("{}: {}", survivor.rule, survivor.change)));
    }
    assert!(asked >= 8, "only {asked} rules have blocks");
    assert!(survivors.is_empty(), "no case notices:\n{}", survivors.join("\n"));
}

#[test]
fn every_rule_passes_its_cases_and_has_two_of_each_verdict() {
    let files: BTreeMap<String, String> =
        builtin::case_files().into_iter().map(|file| (file.path, file.text)).collect();
    check(|rules, rule| {
        let path = rule.file.replace(".yml", ".cases.jsonl");
        let Some(text) = files.get(&path) else { return vec![format!("{path} is missing")] };
        let (cases, mut problems) = cases::parse(text, &path);
        let name = &rule.reference.name;
        let single = rules.rule(name).map(|rule| cases::run(rule, &cases, &path));
        let several = rules
            .correlation(name)
            .map(|correlation| cases::run_correlation(rules, correlation, &cases, &path));
        problems.extend(single.or(several).unwrap());
        let mut complaints: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let matching = cases.iter().filter(|case| case.matches).count();
        if matching < 2 || cases.len() - matching < 2 {
            complaints.push(format!("{path}: needs two matching cases and two near misses"));
        }
        let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
        names.sort();
        names.dedup();
        if names.len() != cases.len() {
            complaints.push(format!("{path}: two cases have one name"));
        }
        complaints
    });
}

#[test]
fn no_cases_file_lies_about_without_its_rule() {
    let rules = shipped();
    for file in builtin::case_files() {
        let rule = file.path.replace(".cases.jsonl", ".yml");
        assert!(rules.catalogue().iter().any(|(r, _)| r.file == rule), "{} has no rule", file.path);
    }
}

#[test]
fn every_rule_passes_the_lint() {
    for rule in shipped().rules() {
        assert_eq!(visibility::lint(&rule.document, &rule.metadata), [], "{}", rule.document.file);
    }
}

#[test]
fn every_rule_lies_where_its_name_and_tactic_say() {
    check(|_, rule| {
        let path = Path::new(&rule.file);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let mut complaints = Vec::new();
        if stem != rule.reference.name {
            complaints.push(format!("{}: the name is {}", path.display(), rule.reference.name));
        }
        if !rule.attack().contains(&Attack::Tactic(folder.clone())) {
            complaints.push(format!("{}: no tag attack.{folder}", path.display()));
        }
        if !rule.attack().iter().any(|tag| matches!(tag, Attack::Technique(_))) {
            complaints.push(format!("{}: no ATT&CK technique", path.display()));
        }
        complaints
    });
}

#[test]
fn every_rule_can_be_understood_by_the_person_who_gets_the_alert() {
    check(|_, rule| {
        let mut complaints = Vec::new();
        let mut want = |holds: bool, what: &str| {
            if !holds {
                complaints.push(format!("{}: {what}", rule.file));
            }
        };
        let description = rule.description.unwrap_or_default();
        want(description.split_whitespace().count() >= 25, "the description is no paragraph");
        want(!rule.falsepositives.is_empty(), "no false positives");
        want(rule.metadata.guide.questions.len() >= 2, "fewer than two questions in the guide");
        want(
            rule.metadata.guide.evidence.len() >= 2,
            "less than two pieces of evidence to collect",
        );
        want(rule.author == Some("Midwatch"), "the author");
        want(rule.date.is_some(), "no date");
        want(
            rule.reference.mode != Mode::BuildingBlock || rule.reference.level <= Level::Low,
            "a building block is low at most",
        );
        complaints
    });
}
