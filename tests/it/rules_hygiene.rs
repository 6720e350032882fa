//! What keeps the detection content clean: fields that exist, lists that are used, levels that fit
//! the mode, one spelling, cases that would notice a mistake. What is known to be missing stands in
//! `tests/data/rules`, by name, and may only become less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use midwatch::audit::event::Event;
use midwatch::audit::record::{Origin, decode};
use midwatch::audit::source::ControlPlane;
use midwatch::engine::builtin;
use midwatch::engine::cases::{self, Case};
use midwatch::engine::mutation;
use midwatch::engine::ruleset::{Listed, RuleSet};
use midwatch::model::attack::Attack;
use midwatch::model::framework;
use midwatch::model::ids::ClusterId;
use midwatch::model::level::Level;
use midwatch::model::rule::Mode;
use midwatch::sigma::compile::Matcher;
use midwatch::sigma::document::{Document, parse};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules").join(name)
}

/// Compares what is found with what a data file says is known. A line is a fact, a tab, and for
/// survivors the reason. What is new must be mended, or be put there by hand with its reason; what
/// is no longer so must be taken out, which `UPDATE_DOCS=1` does.
fn compare(name: &str, found: &BTreeSet<String>, columns: usize, what: &str) {
    let text = fs::read_to_string(data(name)).unwrap_or_default();
    let fact = |line: &str| line.split('\t').take(columns).collect::<Vec<_>>().join("\t");
    let known: BTreeSet<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(fact).collect();
    let stale: Vec<&String> = known.difference(found).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() && !stale.is_empty() {
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with('#') || found.contains(&fact(line)))
            .collect();
        fs::write(data(name), kept.join("\n") + "\n").unwrap();
    } else {
        let list = stale.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n");
        assert!(
            stale.is_empty(),
            "no longer so, take it out of tests/data/rules/{name} (UPDATE_DOCS=1 does):\n{list}"
        );
    }
    let new: Vec<&str> = found.difference(&known).map(String::as_str).collect();
    if let Some(file) = std::env::var_os("MIDWATCH_LIST_NEW") {
        fs::write(Path::new(&file).join(name), new.join("\n") + "\n").unwrap();
    }
    assert!(new.is_empty(), "{} {what}:\n{}", new.len(), new.join("\n"));
}

fn case_files() -> BTreeMap<String, Vec<Case>> {
    builtin::case_files()
        .into_iter()
        .map(|file| {
            (file.path.replace(".cases.jsonl", ".yml"), cases::parse(&file.text, &file.path).0)
        })
        .collect()
}

fn rules() -> RuleSet {
    RuleSet::builtin().unwrap()
}

fn each(rules: &RuleSet) -> Vec<Listed<'_>> {
    rules.catalogue().into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn what_every_rule_should_have_is_missing_only_where_it_is_known() {
    let rules = rules();
    let cases = case_files();
    let mut found = BTreeSet::new();
    for rule in each(&rules) {
        let mut lacks = |it: &str| {
            found.insert(format!("{}\t{it}", rule.reference.name));
        };
        let of_rule = cases.get(rule.file).map(Vec::as_slice).unwrap_or_default();
        let matching = of_rule.iter().filter(|case| case.matches).count();
        if matching < 3 {
            lacks("three matching cases");
        }
        if of_rule.len() - matching < 3 {
            lacks("three near misses");
        }
        if rule.metadata.matrix.is_empty() {
            lacks("matrix");
        }
        if rule.metadata.actions.is_empty() && rule.reference.mode != Mode::BuildingBlock {
            lacks("actions");
        }
        if rule.metadata.ask.is_none() && rule.reference.mode == Mode::Duet {
            lacks("ask");
        }
    }
    compare("debt.tsv", &found, 2, "rules lack what every rule should have");
}

#[test]
fn only_a_duet_asks() {
    for rule in each(&rules()) {
        let asks = rule.metadata.ask.is_some();
        assert!(
            !asks || rule.reference.mode == Mode::Duet,
            "{}: `ask` is for duets, the mode is {}",
            rule.reference.name,
            rule.reference.mode
        );
    }
}

/// A building block is low at most, since nobody is told; an alert is low at least, since somebody
/// is woken; a question about something critical would be asked too late.
#[test]
fn the_level_fits_the_mode() {
    let mut wrong = Vec::new();
    for rule in each(&rules()) {
        let level = rule.reference.level;
        let fits = match rule.reference.mode {
            Mode::BuildingBlock => level <= Level::Low,
            Mode::On => level >= Level::Low,
            Mode::OptIn => true,
            Mode::Duet => level < Level::Critical,
        };
        if !fits {
            wrong.push(format!("{}: {} and {level}", rule.reference.name, rule.reference.mode));
        }
    }
    assert!(wrong.is_empty(), "levels that do not fit the mode:\n{}", wrong.join("\n"));
}

#[test]
fn every_value_list_is_used_and_every_name_of_a_framework_is_known() {
    let rules = rules();
    let used: BTreeSet<String> =
        rules.rules().iter().flat_map(|rule| rule.document.placeholders()).collect();
    for list in rules.list_documents() {
        assert!(used.contains(&list.name), "no rule asks for the value list `{}`", list.name);
    }
    let mut unknown = BTreeSet::new();
    for rule in each(&rules) {
        for attack in rule.attack() {
            match attack {
                Attack::Technique(id)
                    if framework::technique(framework::current(&id)).is_none() =>
                {
                    unknown.insert(id);
                }
                Attack::Tactic(tag) if framework::tactic_of(&tag).is_none() => {
                    unknown.insert(tag);
                }
                _ => {}
            }
        }
        let matrix = rule.metadata.matrix.iter().filter(|id| framework::matrix(id).is_none());
        unknown.extend(matrix.cloned());
    }
    assert!(unknown.is_empty(), "add the names to src/model/framework.rs: {unknown:?}");
}

/// British spelling, as in the rest of the project; names of APIs and products are as they are.
const AMERICAN: &[(&str, &str)] = &[
    ("unauthorized", "unauthorised"),
    ("authorized", "authorised"),
    ("authorize ", "authorise"),
    ("behavior", "behaviour"),
    ("organization", "organisation"),
    ("recognize", "recognise"),
    ("analyze", "analyse"),
    ("catalog ", "catalogue"),
    ("color", "colour"),
    ("favor", "favour"),
    ("defense ", "defence"),
    ("honor", "honour"),
    ("center ", "centre"),
    ("canceled", "cancelled"),
    ("labeled", "labelled"),
    ("normalize", "normalise"),
    ("unusualy", "unusually"),
];

#[test]
fn the_texts_of_rules_are_spelt_one_way() {
    let mut wrong = Vec::new();
    for rule in each(&rules()) {
        let mut texts: Vec<&str> =
            vec![&rule.reference.title, rule.description.unwrap_or_default()];
        texts.extend(rule.falsepositives.iter().map(String::as_str));
        texts.extend(rule.metadata.guide.questions.iter().map(String::as_str));
        texts.extend(rule.metadata.guide.evidence.iter().map(String::as_str));
        texts.extend(rule.metadata.ask.iter().map(|ask| ask.question.as_str()));
        for text in texts {
            // Names of fields, such as midwatch.csr.organization, are spelt as they are.
            let words =
                text.split_whitespace().filter(|word| !word.trim_matches(['.', ')']).contains('.'));
            let lower = format!("{} ", words.collect::<Vec<_>>().join(" ").to_lowercase());
            for (american, british) in AMERICAN {
                if lower.contains(american) {
                    wrong.push(format!("{}: {american} is {british} here", rule.reference.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Verbs in the past tense that do not end in -ed, as titles use them.
const IRREGULAR: &[&str] = &[
    "was", "were", "had", "got", "gave", "made", "took", "read", "ran", "run", "sent", "set",
    "put", "went", "came", "saw", "did", "began", "became", "bound", "sought", "left", "lost",
    "met", "rose", "spoke", "stood", "told", "wrote", "held", "kept", "let", "cut", "hid", "stole",
    "shut", "fell", "grew", "drew", "tried", "dealt", "built", "brought", "bought", "caught",
    "chose", "drove", "found", "forgot", "felt",
];

#[test]
fn titles_tell_in_the_past_tense_what_happened() {
    let mut wrong = BTreeSet::new();
    for rule in each(&rules()) {
        let title = rule.reference.title.to_lowercase();
        let past = title.split(|c: char| !c.is_alphabetic()).any(|word| {
            IRREGULAR.contains(&word)
                || word.ends_with("ed") && !["need", "feed", "seed"].contains(&word)
        });
        if !past || title.ends_with('.') {
            wrong.insert(format!("{}\ttitle", rule.reference.name));
        }
    }
    compare("titles.tsv", &wrong, 2, "titles are not in the past tense, or end with a full stop");
}

#[test]
fn no_shipped_file_holds_what_nothing_reads() {
    let rules = rules();
    let loaded: BTreeSet<&str> = each(&rules).iter().map(|rule| rule.file).collect();
    for file in builtin::sources() {
        let documents = parse(&file.text, &file.path).unwrap();
        let rules = documents
            .iter()
            .filter(|it| matches!(it, Document::Rule(_) | Document::Correlation(_)))
            .count();
        assert!(rules <= 1, "{}: a rule to a file, or its cases and page are another's", file.path);
        assert!(rules == 0 || loaded.contains(file.path.as_str()), "{} is not loaded", file.path);
    }
}

/// Every clause of every rule, left out or turned round, and every part of a correlation, left out or
/// moved by a step, must be noticed by one of its cases. What none notices stands in
/// `survivors.tsv` with a reason. The rules are shared out to a few threads.
#[test]
fn the_cases_notice_every_clause_or_it_is_known_why_not() {
    let rules = rules();
    let cases = case_files();
    let started = Instant::now();
    let all = each(&rules);
    let check = |rule: &Listed<'_>| {
        let name = &rule.reference.name;
        let of_rule = cases.get(rule.file).map(Vec::as_slice).unwrap_or_default();
        let single =
            rules.rule(name).map(|it| mutation::check(it, rules.lists(), of_rule, rule.file));
        let several = || {
            let correlation = rules.correlation(name).unwrap();
            mutation::check_correlation(&rules, correlation, of_rule, rule.file)
        };
        single.unwrap_or_else(several)
    };
    let checked: Vec<mutation::Checked> = std::thread::scope(|scope| {
        let part = |at: usize| all.iter().skip(at).step_by(4).map(check).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|at| scope.spawn(move || part(at))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let tried: usize = checked.iter().map(|it| it.tried).sum();
    let survivors = checked.into_iter().flat_map(|it| it.survivors);
    let found: BTreeSet<String> =
        survivors.map(|it| format!("{}\t{}", it.rule, it.change)).collect();
    println!("{tried} changes tried, {} not noticed, {:?}", found.len(), started.elapsed());
    assert!(tried > 1_000, "only {tried} changes were tried");
    compare(
        "survivors.tsv",
        &found,
        2,
        "changes of a rule are noticed by none of its cases: add a case, or the line with its \
         reason to tests/data/rules/survivors.tsv",
    );
}

/// A field may be in the taxonomy below a body and still never be in any object; then the rule is
/// silent for ever, or its exclusion is. Each must be in an event of some case.
#[test]
fn every_field_that_a_rule_names_is_in_some_event() {
    let rules = rules();
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("hygiene"),
        name: "cases".to_owned(),
        control_plane: ControlPlane::default(),
    };
    let decoded: BTreeMap<String, Vec<Event>> = case_files()
        .into_iter()
        .map(|(file, cases)| {
            let texts = cases.iter().flat_map(|case| &case.events);
            let events =
                texts.flat_map(|text| decode(text.as_bytes(), 0, &origin).events).collect();
            (file, events)
        })
        .collect();
    let asks = |field: &str| {
        let source = format!(
            "title: t\nlogsource: {{product: kubernetes}}\ndetection:\n  a: {{'{field}|exists': true}}\n  \
             condition: a\n"
        );
        let documents = parse(&source, "field.yml").unwrap();
        let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
        Matcher::compile(rule).unwrap()
    };
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for rule in rules.rules() {
        for item in rule.document.detection.items() {
            let Some(field) = item.field.as_deref() else { continue };
            let found = *known.entry(field.to_owned()).or_insert_with(|| {
                let matcher = asks(field);
                let has = |events: &Vec<Event>| events.iter().any(|event| matcher.matches(event));
                decoded.get(&rule.document.file).is_some_and(has) || decoded.values().any(has)
            });
            if !found {
                missing.insert(format!("{}\t{field}", rule.reference.name));
            }
        }
    }
    compare("fields.tsv", &missing, 2, "fields of rules are in no event of any case");
}
