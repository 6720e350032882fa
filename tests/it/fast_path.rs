//! The fast path and the reference come to the same, line by line.

use std::fs::File;
use std::path::Path;

use midwatch::audit::gzip;
use midwatch::audit::lines::LineReader;
use midwatch::audit::record::{Origin, decode};
use midwatch::engine::correlate::contribution::contribute;
use midwatch::engine::evaluate::evaluate;
use midwatch::engine::fast::Counters;
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::RuleSet;
use midwatch::model::ids::ClusterId;

fn origin(cluster: Option<&str>) -> Origin {
    Origin {
        cluster: cluster.map(ClusterId::new),
        fallback: ClusterId::new("offline"),
        name: "lines".to_owned(),
        control_plane: Default::default(),
    }
}

/// Reads each line both ways and holds the outcomes against each other; gives the counters of the
/// fast path and how many findings there were.
#[track_caller]
fn compare<'l>(
    rules: &RuleSet,
    lines: impl IntoIterator<Item = &'l [u8]>,
    origin: &Origin,
) -> (Counters, usize) {
    let mut reader = Reader::new(rules);
    let mut findings = 0;
    for (offset, line) in (0..).zip(lines) {
        reader.line(line, offset, origin);
        let fast = reader.take();
        let slow = decode(line, offset, origin);
        let shown = || String::from_utf8_lossy(line).into_owned();
        assert_eq!(fast.totals, slow.totals, "{}", shown());
        assert_eq!(fast.problems, slow.problems, "{}", shown());
        assert_eq!(fast.findings, evaluate(rules, &slow.events), "{}", shown());
        assert_eq!(fast.contributed, contribute(rules, &slow.events), "{}", shown());
        findings += fast.findings.len();
    }
    (reader.counters().clone(), findings)
}

fn lines_of(path: &Path) -> Vec<Vec<u8>> {
    let file = gzip::open(File::open(path).unwrap()).unwrap();
    let mut reader = LineReader::new(file, 16 << 20);
    let mut lines = Vec::new();
    while let Some((_, line)) = reader.next_line().unwrap() {
        lines.push(line.to_vec());
    }
    lines
}

/// The event of a record, as the API server wrote it.
fn plain(line: &[u8]) -> Vec<u8> {
    let record: serde_json::Value = serde_json::from_slice(line).unwrap();
    record["properties"]["log"].as_str().unwrap().trim_end().as_bytes().to_vec()
}

/// The record with every slash of its text escaped, as some exporters write it.
fn slashed(line: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(line).replace('/', "\\/").into_bytes()
}

#[test]
fn the_samples_come_to_the_same_in_every_form_and_hardly_surprise() {
    let rules = RuleSet::builtin().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().contains(".jsonl"));
    assert!(files.len() >= 2, "{files:?}");
    for path in files {
        let records = lines_of(&path);
        let plain: Vec<_> = records.iter().map(|line| plain(line)).collect();
        let slashed: Vec<_> = records.iter().map(|line| slashed(line)).collect();
        for (form, lines) in [("azure", &records), ("plain", &plain), ("slashed", &slashed)] {
            let lines = lines.iter().map(Vec::as_slice);
            let (counters, findings) = compare(&rules, lines, &origin(None));
            let surprises: Vec<_> = counters.surprises().collect();
            let surprised: u64 = surprises.iter().map(|(_, count)| count).sum();
            let name = path.display();
            println!("{name} {form}: {counters:?}, {findings} findings");
            // A few lines of the attack log escape letters beyond ASCII twice.
            assert!(surprised * 500 < counters.lines, "{name} {form}: {surprises:?}");
        }
    }
}
