//! What the shipped rules find in a log, correlations included, in the way `midwatch scan` does it:
//! all lines are read before correlations are judged, and each finding counts once.

use std::collections::BTreeSet;
use std::path::Path;

use midwatch::audit::record::Origin;
use midwatch::engine::correlate::windows::{Limits, Windows};
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::RuleSet;
use midwatch::model::checkpoint::Totals;
use midwatch::model::finding::Finding;
use midwatch::model::ids::ClusterId;
use midwatch::model::rule::Mode;

use crate::fast_path::lines_of;

/// Larger than any log of these tests needs, so that nothing is judged early or forgotten.
const LIMITS: Limits = Limits {
    lateness: None,
    waiting: 500_000,
    groups: 50_000,
    group_events: 5_000,
    rule_events: 200_000,
    group_memories: 20_000,
    memories: 500_000,
    learning: None,
};

/// What a log came to.
pub(crate) struct Found {
    pub totals: Totals,
    /// Of the modes that are told to somebody, each once.
    pub told: Vec<Finding>,
}

/// Reads lines without their line ends, of any shape that the decoder knows. Rules that learn do so
/// for as many seconds as they say, or for these at most.
pub(crate) fn detect<'l>(lines: impl Iterator<Item = &'l [u8]>, learning: Option<i64>) -> Found {
    let rules = RuleSet::builtin().expect("the shipped rules load");
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "test".to_owned(),
        control_plane: Default::default(),
    };
    let mut reader = Reader::new(&rules);
    let mut offset = 0;
    for line in lines {
        reader.line(line, offset, &origin);
        offset += line.len() as u64 + 1;
    }
    reader.observe(&origin);
    let outcome = reader.take();
    assert!(outcome.problems.is_empty(), "{:?}", outcome.problems.first());
    let limits = Limits { learning: learning.map(|seconds| seconds * 1_000_000), ..LIMITS };
    let mut windows = Windows::default();
    for (cluster, newest) in &outcome.newest {
        windows.observe(cluster, *newest);
    }
    windows.add(outcome.contributed.contributions);
    let mut told = outcome.findings;
    told.extend(windows.settle(&rules, &limits));
    told.extend(windows.finish(&rules, &limits));
    let mut seen = BTreeSet::new();
    told.retain(|finding| {
        finding.rule.mode != Mode::BuildingBlock && seen.insert(finding.id.clone())
    });
    Found { totals: outcome.totals, told }
}

/// Lines of a file in `samples/`, decompressed.
pub(crate) fn sample_lines(name: &str) -> Vec<Vec<u8>> {
    lines_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name))
}
