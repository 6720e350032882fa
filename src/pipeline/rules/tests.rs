//! When a directory is read again, what takes the place of what, and what is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);
const EVERY: Duration = Duration::seconds(10);

/// A directory of one file; its stamp is set by the test.
struct Fake {
    files: Mutex<Result<(String, String), String>>,
    reads: AtomicUsize,
    compiled: AtomicUsize,
}

impl Fake {
    fn write(&self, stamp: &str, text: &str) {
        *self.files.lock().unwrap() = Ok((stamp.into(), text.into()));
    }
}

impl RuleFolder for Fake {
    fn look(&self) -> Result<String, String> {
        self.files.lock().unwrap().clone().map(|(stamp, _)| stamp)
    }

    fn read(&self) -> Result<Vec<RuleSource>, String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let (_, text) = self.files.lock().unwrap().clone()?;
        Ok(vec![RuleSource { path: "r.yml".into(), text }])
    }

    fn compile(&self, files: &[RuleSource]) -> Result<RuleSet, Vec<String>> {
        self.compiled.fetch_add(1, Ordering::SeqCst);
        RuleSet::of_directory(files)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }
}

fn rule(name: &str) -> String {
    format!(
        "title: t\nname: {name}\nlogsource: {{product: kubernetes, service: audit}}\n\
         detection:\n  s: {{verb: get}}\n  condition: s\n"
    )
}

struct Bench {
    fake: Arc<Fake>,
    rules: Rules,
    now: OffsetDateTime,
}

impl Bench {
    fn new() -> Self {
        let files = Mutex::new(Ok(("1".to_owned(), rule("first"))));
        let (reads, compiled) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let fake = Arc::new(Fake { files, reads, compiled });
        let files = fake.read().unwrap();
        let feed = RuleFeed {
            rules: fake.compile(&files).unwrap(),
            folder: Some((fake.clone(), Content::of(&files))),
        };
        Self { fake, rules: Rules::following(feed, |it| it, EVERY, START), now: START }
    }

    /// Some time later, at the start of work.
    async fn work(&mut self) -> InUse {
        self.now += EVERY;
        self.rules.refresh(self.now).await;
        self.rules.in_use()
    }

    fn counts(&self) -> (usize, usize) {
        (self.fake.reads.load(Ordering::SeqCst), self.fake.compiled.load(Ordering::SeqCst))
    }
}

#[track_caller]
fn check(in_use: &InUse, rule: &str, problem: Option<&str>) {
    assert!(in_use.rules.rule(rule).is_some(), "{rule} is in use");
    match problem {
        None => assert_eq!(in_use.problem, None),
        Some(part) => assert!(in_use.problem.as_ref().unwrap().contains(part), "{in_use:?}"),
    }
}

#[tokio::test]
async fn what_has_not_changed_is_neither_read_nor_compiled_again() {
    let mut bench = Bench::new();
    bench.work().await;
    assert_eq!(bench.counts(), (2, 1), "read once to know its stamp");
    bench.work().await;
    assert_eq!(bench.counts(), (2, 1));
    bench.fake.write("touched", &rule("first"));
    check(&bench.work().await, "first", None);
    assert_eq!(bench.counts(), (3, 1), "the content is the same");
    assert_eq!(bench.rules.in_use().loaded_at, START);
}

#[tokio::test]
async fn a_change_is_loaded_and_work_under_way_keeps_its_set() {
    let mut bench = Bench::new();
    let under_way = bench.rules.current();
    bench.fake.write("2", &rule("second"));
    let in_use = bench.work().await;
    check(&in_use, "second", None);
    assert_eq!(in_use.loaded_at, bench.now);
    assert!(under_way.rule("first").is_some() && under_way.rule("second").is_none());
}

#[tokio::test]
async fn nothing_is_looked_at_more_often_than_asked() {
    let mut bench = Bench::new();
    bench.work().await;
    bench.fake.write("2", &rule("second"));
    bench.rules.refresh(bench.now + EVERY / 2).await;
    check(&bench.rules.in_use(), "first", None);
    // A clock that was set back must not stop it for ever.
    bench.rules.refresh(bench.now - Duration::days(1)).await;
    check(&bench.rules.in_use(), "second", None);
}

#[tokio::test]
async fn a_bad_set_leaves_the_old_one_until_it_is_mended() {
    let mut bench = Bench::new();
    bench.fake.write("2", "title: half a rule");
    check(&bench.work().await, "first", Some("r.yml:1:"));
    let tried = bench.counts();
    check(&bench.work().await, "first", Some("r.yml:1:"));
    assert_eq!(bench.counts(), tried, "the same content is not tried twice");
    bench.fake.write("3", &rule("mended"));
    check(&bench.work().await, "mended", None);
}

#[tokio::test]
async fn a_fault_that_is_taken_back_is_forgotten() {
    let mut bench = Bench::new();
    bench.fake.write("2", "title: half a rule");
    bench.work().await;
    bench.fake.write("3", &rule("first"));
    check(&bench.work().await, "first", None);
    assert_eq!(bench.rules.in_use().loaded_at, START, "it was never out of use");
}

#[tokio::test]
async fn a_directory_that_is_gone_leaves_the_rules_and_is_read_when_it_is_back() {
    let mut bench = Bench::new();
    *bench.fake.files.lock().unwrap() = Err("it is not there".into());
    check(&bench.work().await, "first", Some("it is not there"));
    bench.fake.write("1", &rule("second"));
    check(&bench.work().await, "second", None);
}

#[tokio::test]
async fn many_faults_are_told_by_the_first_and_their_number() {
    let mut bench = Bench::new();
    let sources = "detection: {}\n---\ndetection: {}\n";
    bench.fake.write("2", sources);
    check(&bench.work().await, "first", Some("more faults)"));
}
