//! What a scan came to, for people and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::cli::escape::escape;
use crate::cli::table::{count, number};
use crate::engine::correlate::windows::{Counts, Learning};
use crate::engine::correlate::{Moment, SECOND};
use crate::engine::fast::Counters;
use crate::engine::tuning::tally::Filtered;
use crate::model::checkpoint::Totals;
use crate::model::level::Level;

/// Filters and exceptions named in the summary for people, at most; JSON names all.
const NAMES_MAX: usize = 10;

/// Counts of one scan.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Summary {
    /// Files read to their end, standard input included.
    pub files: u64,
    /// Files and directories that could not be read, or not to their end.
    pub unreadable: u64,
    /// Files, and links to directories, of a walked directory that were left aside.
    pub skipped: u64,
    /// Bytes of log read, decompressed.
    pub bytes: u64,
    /// Records by what became of them.
    pub totals: Totals,
    /// Findings shown, by level, in the order of [`Level::ALL`].
    pub by_level: [u64; Level::ALL.len()],
    /// Findings that `--level` or `--mode` hid.
    pub hidden: u64,
    /// Findings that an exception accepts, by its name. They are no part of the findings shown.
    pub excepted: BTreeMap<String, u64>,
    /// Events that filters took away from rules.
    pub filtered: Filtered,
    /// Repetitions of a finding: the same event in two stages or files.
    pub repeated: u64,
    /// What became of the events that went into correlations.
    pub windows: Counts,
    /// Rules that were still learning when the input ended.
    pub learning: Vec<Learning>,
    /// Conditions of correlations that wait for an absence which the input does not reach.
    pub pending: u64,
    /// What the fast path came to, line by line.
    pub fast: Counters,
    /// Alerts that the shown findings fold into, counted by the table only.
    pub alerts: Option<u64>,
    /// The scan was ended by Ctrl-C.
    pub interrupted: bool,
    pub elapsed: Duration,
}

impl Summary {
    /// Counts a shown finding.
    pub(in crate::cli) fn count(&mut self, level: Level) {
        for (at, counted) in Level::ALL.iter().zip(&mut self.by_level) {
            if *at == level {
                *counted += 1;
            }
        }
    }

    /// Findings shown.
    pub(in crate::cli) fn findings(&self) -> u64 {
        self.by_level.iter().sum()
    }

    /// Findings that an exception accepts.
    pub(in crate::cli) fn all_excepted(&self) -> u64 {
        self.excepted.values().sum()
    }

    /// Whether some input could not be used, or there was none.
    pub(in crate::cli) fn is_partial(&self) -> bool {
        self.totals.malformed > 0 || self.unreadable > 0 || self.has_checked_nothing()
    }

    /// No audit event was evaluated: that there is no finding means nothing then.
    pub(in crate::cli) fn has_checked_nothing(&self) -> bool {
        self.totals.evaluated == 0
    }

    /// Records a second; the elapsed time is taken as at least a millisecond.
    fn rate(&self) -> u64 {
        let milliseconds = self.elapsed.as_millis().max(1);
        let rate = u128::from(self.totals.records) * 1000 / milliseconds;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// The summary as an object.
    pub(in crate::cli) fn to_json(&self) -> serde_json::Value {
        let by_level: serde_json::Map<String, serde_json::Value> = Level::ALL
            .iter()
            .zip(self.by_level)
            .map(|(level, counted)| (level.as_str().to_owned(), counted.into()))
            .collect();
        json!({
            "files": self.files,
            "unreadable": self.unreadable,
            "skipped": self.skipped,
            "bytes": self.bytes,
            "records": self.totals.records,
            "evaluated": self.totals.evaluated,
            "truncated": self.totals.truncated,
            "malformed": self.totals.malformed,
            "other": self.totals.other,
            "findings": self.findings(),
            "by_level": by_level,
            "hidden": self.hidden,
            "excepted": { "findings": self.all_excepted(), "by_exception": self.excepted },
            "filtered": { "events": self.filtered.events, "by_filter": self.filtered.by_filter },
            "repeated": self.repeated,
            "fast_path": self.fast_path(),
            "correlations": {
                "contributions": self.windows.taken,
                "late": self.windows.late,
                "ungrouped": self.windows.ungrouped,
                "evicted_groups": self.windows.evicted_groups,
                "evicted_events": self.windows.evicted_events,
                "evicted_memories": self.windows.evicted_memories,
                "learned": self.windows.learned,
                "learning": self.learning.iter().map(|it| json!({
                    "cluster": it.cluster.as_str(),
                    "rule": it.rule,
                    "until": day(it.until),
                })).collect::<Vec<_>>(),
                "given_up": self.windows.given_up,
                "pending": self.pending,
            },
            "interrupted": self.interrupted,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "records_per_second": self.rate(),
        })
    }

    /// The summary for people.
    pub(in crate::cli) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let totals = &self.totals;
        let seconds = self.elapsed.as_secs_f64();
        if self.interrupted {
            writeln!(out, "Interrupted: what follows covers only what was read.")?;
        }
        writeln!(
            out,
            "Read       {} in {}, {:.1} MB in {seconds:.1} s ({} a second)",
            count(totals.records, "record"),
            count(self.files, "file"),
            mebibytes(self.bytes),
            number(self.rate()),
        )?;
        writeln!(
            out,
            "Events     {} evaluated, {} of them truncated by Azure (what is left of them was used)",
            number(totals.evaluated),
            number(totals.truncated),
        )?;
        writeln!(
            out,
            "Not used   {} malformed, {} of other log categories, {} unreadable, {} skipped",
            number(totals.malformed),
            number(totals.other),
            count(self.unreadable, "file"),
            count(self.skipped, "file"),
        )?;
        if let Some(line) = self.surprises_line() {
            writeln!(out, "Slow lines {line}")?;
        }
        if let Some(line) = self.windows_line() {
            writeln!(out, "Windows    {line}")?;
        }
        if let Some(line) = self.learning_line() {
            writeln!(out, "Learning   {line}")?;
        }
        if self.pending > 0 {
            let held = count(self.pending, "correlation");
            writeln!(
                out,
                "Unproven   {held} would fire if nothing followed, and the input ends too early to tell"
            )?;
        }
        let tuned = [
            ("Filtered", "event", self.filtered.events, &self.filtered.by_filter),
            ("Excepted", "finding", self.all_excepted(), &self.excepted),
        ];
        for (title, what, all, by_name) in tuned.into_iter().filter(|(_, _, all, _)| *all > 0) {
            let by_name: Vec<String> = by_name
                .iter()
                .take(NAMES_MAX)
                .map(|(name, counted)| format!("{} by {}", number(*counted), escape(name)))
                .collect();
            writeln!(out, "{title:<10} {}: {}", count(all, what), by_name.join(", "))?;
        }
        writeln!(out, "Findings   {}", self.findings_line())
    }

    /// Lines by the verdict of the fast path, and its surprises by their reasons.
    fn fast_path(&self) -> serde_json::Value {
        let surprises: BTreeMap<&str, u64> =
            self.fast.surprises().map(|(surprise, count)| (surprise.as_str(), count)).collect();
        json!({
            "lines": self.fast.lines,
            "nothing": self.fast.nothing,
            "candidates": self.fast.candidates,
            "surprises": surprises,
        })
    }

    /// Lines that the fast path left to the full parse; `None` when there were none.
    fn surprises_line(&self) -> Option<String> {
        let parts: Vec<String> = self
            .fast
            .surprises()
            .map(|(surprise, count)| format!("{} {}", number(count), surprise.as_str()))
            .collect();
        (!parts.is_empty())
            .then(|| format!("{} (of {})", parts.join(", "), number(self.fast.lines)))
    }

    /// What correlations could not take into account; `None` when that is nothing.
    fn windows_line(&self) -> Option<String> {
        let Counts { late, ungrouped, evicted_groups, evicted_events, .. } = self.windows;
        let Counts { evicted_memories, given_up, .. } = self.windows;
        let lost = [
            (late, "too late to count"),
            (ungrouped, "without what they are grouped by"),
            (evicted_events, "dropped for want of room"),
        ];
        let mut parts: Vec<String> = lost
            .iter()
            .filter(|(events, _)| *events > 0)
            .map(|(events, what)| format!("{} {what}", count(*events, "event")))
            .collect();
        if evicted_groups > 0 {
            parts.push(format!("{} with them", count(evicted_groups, "group")));
        }
        if evicted_memories > 0 {
            parts.push(format!("{} forgotten for want of room", count(evicted_memories, "value")));
        }
        if given_up > 0 {
            parts.push(format!("{} too full to be searched to the end", count(given_up, "window")));
        }
        (!parts.is_empty()).then(|| format!("{} in correlations", parts.join(", ")))
    }

    /// Which rules could not tell anything yet; `None` when all could.
    fn learning_line(&self) -> Option<String> {
        let last = self.learning.iter().map(|it| it.until).max()?;
        let learned = match self.windows.learned {
            0 => String::new(),
            learned => format!("; {} only learned from", count(learned, "first sight")),
        };
        Some(format!(
            "{} until {}{learned} (--learning shortens it)",
            count(self.learning.len() as u64, "first-seen rule"),
            day(last),
        ))
    }

    fn findings_line(&self) -> String {
        let levels: Vec<String> = Level::ALL
            .iter()
            .zip(self.by_level)
            .rev()
            .filter(|(_, counted)| *counted > 0)
            .map(|(level, counted)| format!("{} {level}", number(counted)))
            .collect();
        let mut line = number(self.findings());
        if let Some(alerts) = self.alerts.filter(|alerts| *alerts > 0) {
            line.push_str(&format!(" in {}", count(alerts, "alert")));
        }
        if !levels.is_empty() {
            line.push_str(": ");
            line.push_str(&levels.join(", "));
        }
        if self.hidden > 0 {
            let hidden = number(self.hidden);
            line.push_str(&format!(" ({hidden} more hidden by --level or --mode)"));
        }
        line
    }
}

/// A moment of the windows to the minute, in UTC.
fn day(moment: Moment) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let time = OffsetDateTime::from_unix_timestamp(moment.div_euclid(SECOND));
    time.ok().and_then(|time| time.format(format).ok()).unwrap_or_default()
}

fn mebibytes(bytes: u64) -> f64 {
    // A size for people: tenths of a megabyte, exact far beyond any log.
    let tenths = u32::try_from(bytes / 100_000).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ClusterId;

    fn sample() -> Summary {
        let totals =
            Totals { records: 3000, evaluated: 2990, malformed: 2, other: 8, ..Totals::default() };
        let elapsed = Duration::from_millis(1500);
        let mut summary =
            Summary { files: 1, bytes: 2_340_000, totals, elapsed, ..Summary::default() };
        summary.count(Level::High);
        summary.count(Level::Low);
        summary.count(Level::High);
        summary
    }

    #[test]
    fn the_summary_tells_people_what_was_read_and_found() {
        let mut out = Vec::new();
        let summary = Summary { alerts: Some(2), hidden: 4, ..sample() };
        summary.write(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains("3,000 records in 1 file, 2.3 MB in 1.5 s (2,000 a second)"),
            "{text}"
        );
        assert!(text.contains("2 malformed, 8 of other log categories"), "{text}");
        assert!(text.contains("3 in 2 alerts: 2 high, 1 low (4 more hidden"), "{text}");
    }

    #[test]
    fn rules_that_still_learn_are_told_of() {
        let until = 1_765_000_000 * SECOND;
        let learning =
            |rule: &str| Learning { cluster: ClusterId::new("c"), rule: rule.to_owned(), until };
        let windows = Counts { learned: 7, ..Counts::default() };
        let summary = Summary { learning: vec![learning("a"), learning("b")], windows, ..sample() };
        let mut out = Vec::new();
        summary.write(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let line = "Learning   2 first-seen rules until 2025-12-06 05:46 UTC; 7 first sights only \
                    learned from (--learning shortens it)";
        assert!(text.contains(line), "{text}");
        let json = summary.to_json();
        assert_eq!(json["correlations"]["learning"][1]["rule"], "b");
        assert_eq!(json["correlations"]["learned"], 7);
    }

    #[test]
    fn the_summary_as_json_counts_every_level() {
        let json = sample().to_json();
        assert_eq!(json["by_level"]["high"], 2);
        assert_eq!(json["by_level"]["critical"], 0);
        assert_eq!(json["findings"], 3);
        assert_eq!(json["records_per_second"], 2000);
    }
}
