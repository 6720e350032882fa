//! The table of `scan`: findings folded into alerts, gravest first, then by time.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::report::Report;
use super::summary::Summary;
use crate::cli::console::level_word;
use crate::cli::escape::fit;
use crate::cli::sentence;
use crate::cli::table::{count, number};
use crate::cli::wrap;
use crate::model::alert::Alert;
use crate::model::finding::Finding;
use crate::model::ids::AlertId;
use crate::triage::{self, story};

/// Alerts held at once; beyond it new ones are only counted, so that memory stays bounded. Nobody
/// reads so long a table: the other formats have no such limit.
const ALERTS_MAX: usize = 50_000;
/// Stories told, at most; each names its alerts.
const STORIES_MAX: usize = 200;
/// Blanks before the second line of an alert, which begins below the time.
const INDENT: &str = "                  ";
/// Characters that an alert's second line takes at most, in however many lines.
const STORY_MAX: usize = 500;
/// A terminal narrower than this is not heeded.
const WIDTH_MIN: usize = 60;

/// Collects alerts and prints them at the end.
pub(in crate::cli) struct Alerts {
    alerts: BTreeMap<AlertId, Alert>,
    beyond: u64,
    /// What exceptions accept, folded like the rest, by exception; `None` when nobody asked.
    excepted: Option<BTreeMap<(String, AlertId), Alert>>,
    colour: bool,
    columns: Option<usize>,
}

impl Alerts {
    /// An empty table for a terminal of so many columns.
    pub(in crate::cli) fn new(colour: bool, columns: Option<usize>) -> Self {
        Self { alerts: BTreeMap::new(), beyond: 0, excepted: None, colour, columns }
    }

    /// Shows what exceptions accept as well, in a table of its own.
    pub(in crate::cli) fn with_excepted(mut self) -> Self {
        self.excepted = Some(BTreeMap::new());
        self
    }

    /// Sittings in which several alerts came together: one thing to look at, not several.
    fn write_stories(&self, out: &mut dyn Write) -> io::Result<()> {
        let stories = story::stories(self.alerts.values());
        let together: Vec<_> = stories.iter().filter(|story| story.alerts.len() > 1).collect();
        if together.is_empty() {
            return Ok(());
        }
        writeln!(out, "   {:<13}  {:<19}  STORY: ALERTS OF ONE SITTING", "LEVEL", "BEGIN (UTC)")?;
        for story in together.iter().take(STORIES_MAX) {
            let level = level_word(story.level, self.colour);
            let Some(first) = story.alerts.first() else { continue };
            let who = fit(&sentence::who(&first.actor), STORY_MAX);
            let minutes = (story.last_event - story.first_event).whole_minutes();
            let count = number(story.alerts.len() as u64);
            let begin = moment(story.first_event);
            writeln!(out, "{level}  {begin}  {who}: {count} alerts in {minutes} min")?;
            let names: Vec<&str> = story.alerts.iter().map(|a| a.rule.name.as_str()).collect();
            self.write_below(out, &fit(&names.join(", "), STORY_MAX))?;
        }
        if together.len() > STORIES_MAX {
            writeln!(out, "… and {} more stories", together.len() - STORIES_MAX)?;
        }
        writeln!(out)
    }

    /// Exceptions are told by number in the summary; here they are shown to whoever asks.
    fn take_excepted(&mut self, finding: &Finding, exception: &str) {
        let Some(excepted) = &mut self.excepted else { return };
        let key = (exception.to_owned(), finding.alert.clone());
        let known = excepted.remove(&key);
        if known.is_none() && excepted.len() >= ALERTS_MAX {
            self.beyond += 1;
            return;
        }
        let found = std::slice::from_ref(finding);
        if let Some(alert) = triage::fold::fold(known, found, finding.time) {
            excepted.insert(key, alert);
        }
    }

    fn write_excepted(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut shown: Vec<(&str, &Alert)> = Vec::new();
        for ((exception, _), alert) in self.excepted.iter().flatten() {
            shown.push((exception.as_str(), alert));
        }
        shown.sort_by_key(|(exception, alert)| (*exception, alert.first_event));
        let mut told = None;
        for (exception, alert) in shown {
            if told != Some(exception) {
                writeln!(out, "EXCEPTED by {}", fit(exception, STORY_MAX))?;
                told = Some(exception);
            }
            self.write_alert(out, alert)?;
        }
        if told.is_some() {
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_alert(&self, out: &mut dyn Write, alert: &Alert) -> io::Result<()> {
        let mut title = fit(&alert.rule.title, STORY_MAX);
        if self.colour {
            title = format!("\u{1b}[1m{title}\u{1b}[0m");
        }
        if alert.findings > 1 {
            title.push_str(&format!("  ({} times)", number(alert.findings)));
        }
        let level = level_word(alert.level, self.colour);
        writeln!(out, "{level}  {}  {title}", moment(alert.first_event))?;
        let story = format!("{} {}", sentence::who(&alert.actor), sentence::what(&alert.target));
        let cut = if alert.truncated { " (cut record)" } else { "" };
        let story = format!("{}  [{}]{cut}", fit(&story, STORY_MAX), alert.cluster.short_name());
        self.write_below(out, &story)
    }

    /// The second line of an alert or story, in however many lines.
    fn write_below(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        let width = self.columns.map_or(usize::MAX, |columns| columns.max(WIDTH_MIN));
        wrap::write(out, text, width, INDENT, INDENT)
    }
}

/// A time to the second, for people.
fn moment(time: time::OffsetDateTime) -> String {
    let (date, clock) = (time.date(), time.time());
    format!("{date} {:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second())
}

impl Report for Alerts {
    fn finding(&mut self, _out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        if let Some(mark) = &finding.excepted {
            self.take_excepted(finding, &mark.name);
            return Ok(());
        }
        let known = self.alerts.remove(&finding.alert);
        if known.is_none() && self.alerts.len() >= ALERTS_MAX {
            self.beyond += 1;
            return Ok(());
        }
        let found = std::slice::from_ref(finding);
        if let Some(alert) = triage::fold::fold(known, found, finding.time) {
            self.alerts.insert(alert.id.clone(), alert);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let mut alerts: Vec<&Alert> = self.alerts.values().collect();
        alerts.sort_by_key(|alert| (Reverse(alert.level), alert.first_event));
        if !alerts.is_empty() {
            writeln!(out, "   {:<13}  {:<19}  ALERT: WHO DID WHAT", "LEVEL", "TIME (UTC)")?;
        }
        for alert in &alerts {
            self.write_alert(out, alert)?;
        }
        if self.beyond > 0 {
            let beyond = count(self.beyond, "finding");
            writeln!(out, "… and {beyond} of further alerts; see them with -o ndjson")?;
        }
        if !alerts.is_empty() {
            writeln!(out)?;
        }
        self.write_stories(out)?;
        self.write_excepted(out)?;
        let alerts = u64::try_from(alerts.len()).ok();
        Summary { alerts, ..summary.clone() }.write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::finding::tests::sample;
    use crate::model::ids::FindingId;
    use crate::model::level::Level;

    #[test]
    fn findings_of_one_alert_are_one_row_and_the_gravest_comes_first() {
        let mut critical = sample();
        critical.level = Level::Critical;
        critical.alert = AlertId::new("other");
        critical.rule.title = "Something grave".into();
        critical.time += time::Duration::hours(1);
        let mut again = sample();
        again.id = FindingId::new("again");
        let mut table = Alerts::new(false, None);
        let mut out = Vec::new();
        for finding in [sample(), again, critical] {
            table.finding(&mut out, &finding).expect("memory");
        }
        assert!(out.is_empty());
        table.end(&mut out, &Summary::default()).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("!! critical") && lines[1].ends_with("Something grave"));
        assert!(lines[3].ends_with("(2 times)"), "{}", lines[3]);
        assert!(text.contains("2 alerts"), "{text}");
    }

    #[test]
    fn what_an_exception_accepts_is_shown_to_whoever_asks_and_never_among_the_alerts() {
        let mut excepted = sample();
        excepted.excepted = Some(crate::model::finding::Excepted {
            name: "the-backup\u{1b}".into(),
            owner: "o".into(),
            reason: "r".into(),
        });
        let text = |mut table: Alerts| {
            let mut out = Vec::new();
            table.finding(&mut out, &excepted).expect("memory");
            table.end(&mut out, &Summary::default()).expect("memory");
            String::from_utf8(out).expect("text")
        };
        let quiet = text(Alerts::new(false, None));
        assert!(!quiet.contains(&excepted.rule.title), "{quiet}");
        let shown = text(Alerts::new(false, None).with_excepted());
        assert!(shown.starts_with("EXCEPTED by the-backup\\u{1b}\n"), "{shown}");
        assert!(shown.contains(&excepted.rule.title), "{shown}");
        assert!(!shown.contains("1 alert"), "{shown}");
    }

    #[test]
    fn content_cannot_draw_on_the_terminal() {
        let mut finding = sample();
        finding.target.name = "x\u{1b}]0;owned\u{7}\n!! critical".into();
        finding.cluster = crate::model::ids::ClusterId::new("c\u{1b}[2J");
        let mut table = Alerts::new(false, Some(100));
        let mut out = Vec::new();
        table.finding(&mut out, &finding).expect("memory");
        table.end(&mut out, &Summary::default()).expect("memory");
        assert!(!out.contains(&0x1b) && !out.contains(&7));
    }
}
