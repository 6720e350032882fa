//! The field mappings that a rule set is read with: those that ship, and those of a directory on
//! top. A mapping may give an event's fields more names; it may not take one away.

use once_cell::sync::OnceCell;

use super::builtin;
use super::elsewhere::Provenance;
use super::ruleset::RuleSource;
use crate::audit::taxonomy::{Known, knows};
use crate::sigma::document::{Document, parse};
use crate::sigma::error::{SigmaError, bounded};
use crate::sigma::mapping::{Mapping, Mappings, Rename, disagreements};

/// What a file that holds a mapping cannot do without.
const WORD: &str = "mapping";
/// Characters of a field's name in a message.
const NAME_MAX: usize = 60;

/// The same for ever, so it is read once.
static SHIPPED: OnceCell<Mappings> = OnceCell::new();

/// The mappings for these sources, and what is wrong with those among them. Faults of the files
/// themselves are left to whoever reads the rules in them.
pub(super) fn mappings(
    sources: &[RuleSource],
    provenance: Provenance,
) -> (Mappings, Vec<SigmaError>) {
    let mut mappings = match provenance {
        Provenance::Shipped | Provenance::Embedded => Mappings::default(),
        Provenance::Directory => shipped(),
    };
    let (found, faults) = read(sources);
    found.into_iter().for_each(|mapping| mappings.add(mapping));
    (mappings, faults)
}

fn shipped() -> Mappings {
    let read = || {
        let mut mappings = Mappings::default();
        let (found, _) = read(&builtin::mapping_files());
        found.into_iter().for_each(|mapping| mappings.add(mapping));
        mappings
    };
    SHIPPED.get_or_init(read).clone()
}

fn read(sources: &[RuleSource]) -> (Vec<Mapping>, Vec<SigmaError>) {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.text.contains(WORD)) {
        for document in parse(&source.text, &source.path).unwrap_or_default() {
            if let Document::Mapping(mapping) = document {
                found.push(*mapping);
            }
        }
    }
    let mut faults: Vec<SigmaError> = found
        .iter()
        .flat_map(|mapping| {
            mapping.fields.iter().filter_map(|it| Some(fault(mapping, it, wrong(mapping, it)?)))
        })
        .collect();
    faults.extend(disagreements(&found).into_iter().map(|(mapping, rename)| {
        let from = bounded(&rename.from, NAME_MAX);
        let reason = format!("`{from}` is already another field here; keep one of the two");
        fault(mapping, rename, reason)
    }));
    (found, faults)
}

/// Why a rename cannot be used, when it cannot.
fn wrong(mapping: &Mapping, rename: &Rename) -> Option<String> {
    let (from, to) = (bounded(&rename.from, NAME_MAX), bounded(&rename.to, NAME_MAX));
    if matches!(knows(&rename.to), Known::Unknown) {
        return Some(format!("no event has the field `{to}`; see docs/reference/fields.md"));
    }
    // In rules about another log the name may be anything.
    let is_ours = mapping.target.is_none() && !matches!(knows(&rename.from), Known::Unknown);
    is_ours.then(|| {
        format!("`{from}` is a field of the event itself; rules that ask for it would change")
    })
}

fn fault(mapping: &Mapping, rename: &Rename, reason: String) -> SigmaError {
    let (file, line, column) = (mapping.file.clone(), rename.place.line, rename.place.column);
    SigmaError { file, line, column, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ruleset::RuleSet;

    const RULE: &str = "
title: Secrets are listed
logsource: {product: kubernetes, service: audit}
detection:
  selection: {Verb: list, ObjectRef.resource: secrets, kubernetes.audit.user.username: eve}
  condition: selection
";
    const MINE: &str = "
title: mine
logsource: {product: kubernetes, service: audit}
mapping: {fields: {what: objectRef.resource}}
";

    fn source(path: &str, text: &str) -> RuleSource {
        RuleSource { path: path.to_owned(), text: text.to_owned() }
    }

    #[track_caller]
    fn check(mapping: &str, reason: &str) {
        let loaded = RuleSet::of_directory(&[source("m.yml", mapping)]).map(|_| ());
        let faults = loaded.expect_err("refused");
        assert!(faults.iter().any(|fault| fault.reason.contains(reason)), "{faults:?}");
        assert!(faults.iter().all(|fault| fault.file == "m.yml" && fault.line > 1), "{faults:?}");
    }

    #[test]
    fn rules_with_the_names_of_other_pipelines_can_match() {
        let rules = RuleSet::of_directory(&[source("r.yml", RULE)]).expect("loads");
        let rule = rules.rules().first().expect("loaded");
        assert_eq!(rule.never, None);
        let fields: Vec<_> =
            rule.document.detection.items().iter().filter_map(|it| it.field.clone()).collect();
        assert_eq!(fields, ["verb", "objectRef.resource", "user.username"]);
    }

    #[test]
    fn a_directory_may_bring_names_of_its_own() {
        let mine = RULE.replace("ObjectRef.resource", "what");
        let alone = RuleSet::of_directory(&[source("r.yml", &mine)]).expect("loads");
        assert!(alone.rules()[0].never.as_deref().is_some_and(|it| it.contains("`what`")));
        let sources = [source("r.yml", &mine), source("z/m.yml", MINE)];
        for rules in [RuleSet::of_directory(&sources), RuleSet::builtin_with(&sources)] {
            assert_eq!(rules.expect("loads").rule("r").expect("there").never, None);
        }
    }

    #[test]
    fn names_that_rules_of_sigmahq_guess_stay_unknown() {
        for field in ["apiGroup", "hostPath", "capabilities"] {
            let text = RULE.replace("Verb: list", &format!("{field}: x"));
            let rules = RuleSet::of_directory(&[source("r.yml", &text)]).expect("loads");
            assert!(rules.rules()[0].never.is_some(), "{field}");
        }
    }

    #[test]
    fn a_mapping_that_would_change_or_break_rules_is_refused() {
        check(&MINE.replace("objectRef.resource", "objectRef.kind"), "no event has the field");
        check(&MINE.replace("what", "verb"), "a field of the event itself");
        let twice = format!("{MINE}---{}", MINE.replace("objectRef.resource", "verb"));
        check(&twice, "already another field");
    }

    #[test]
    fn the_shipped_mappings_are_sound_and_hide_no_field() {
        let (found, faults) = read(&builtin::sources());
        assert_eq!(faults, []);
        assert_eq!(found.len(), 2);
    }
}
