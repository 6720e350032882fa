//! The index of the catalogue, by tactic.

use std::fmt::Write as _;

use super::markdown::{code, text};
use super::{Entry, page};
use crate::engine::vendor::VendorDetection;
use crate::model::framework::{ATTACK_VERSION, TACTICS};
use crate::model::rule::Mode;

/// The page `README.md`. `scenarios` says whether the page with the results on the attack log lies
/// beside it.
pub fn render(entries: &[Entry<'_>], vendor: &[VendorDetection], scenarios: bool) -> String {
    let mut page = format!(
        "# Detections\n\nEvery rule that Midwatch ships, with a page for the person who gets its alert. These pages are made from \
         `rules/`; `UPDATE_DOCS=1 cargo test --test it reference_pages` writes them anew.\n\n\
         {} rules, with {} examples that they are tested with. Techniques are those of MITRE ATT&amp;CK {ATTACK_VERSION}; \
         `midwatch rules export -o navigator` prints them as a layer. A rule stands below each of its tactics.\n\n",
        entries.len(),
        entries.iter().map(|entry| entry.cases.len()).sum::<usize>(),
    );
    page.push_str("| mode | rules | what a hit becomes |\n| --- | ---: | --- |\n");
    for mode in Mode::ALL {
        let count = entries.iter().filter(|entry| entry.rule.reference.mode == mode).count();
        // Writing into a string cannot fail, here and below.
        let _ = writeln!(page, "| {} | {count} | {} |", mode.as_str(), page::mode(mode));
    }
    page.push_str("\n## How well they do\n\n");
    page.push_str(if scenarios {
        "Results on an attack log with known truth, and the command that makes them: [scenarios.md](scenarios.md).\n"
    } else {
        "The results on an attack log with known truth are not written down yet.\n"
    });
    page.push_str("What each rule needs to see, and what the cheaper log category hides: [log categories](../log-categories.md).\n");
    for tactic in TACTICS {
        let of_tactic: Vec<&Entry<'_>> = entries
            .iter()
            .filter(|entry| entry.rule.tactics().iter().any(|tag| tag == tactic.tag))
            .collect();
        if of_tactic.is_empty() {
            continue;
        }
        let _ = write!(
            page,
            "\n## {}\n\n| rule | level | mode | category | what happened |\n| --- | --- | --- | --- | --- |\n",
            tactic.name
        );
        for entry in of_tactic {
            let reference = entry.rule.reference;
            let _ = writeln!(
                page,
                "| [{}]({}) | {} | {} | {} | {} |",
                code(&reference.name),
                page::file_name(entry),
                reference.level,
                reference.mode,
                code(entry.needs.category().as_str()),
                text(&reference.title)
            );
        }
    }
    let _ = write!(
        page,
        "\n## Detections of the vendor\n\nAlerts of Microsoft Defender for Containers: {}. The level is Defender's, or ours where \
         Defender says less.\n\n| alert type | level | Defender says | where | what happened |\n| --- | --- | --- | --- | --- |\n",
        VendorDetection::STATUS
    );
    for detection in vendor {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            code(&detection.alert_type),
            detection.level,
            detection.vendor_level,
            text(&detection.plane),
            text(&detection.title)
        );
    }
    page
}
