//! The watch on this machine: every second it looks for growth, consumes it, and prints new
//! alerts. The verbs are those of the pipeline; the functions run the same ones in the cloud.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::demo::Replay;
use crate::adapters::local::queue::LocalQueueReceiver;
use crate::cli::console::{Console, level_word};
use crate::cli::escape::fit;
use crate::cli::sentence;
use crate::cli::table::count;
use crate::model::alert::Alert;
use crate::model::checkpoint::BlobRef;
use crate::model::ids::AlertId;
use crate::model::level::Level;
use crate::model::rule::Mode;
use crate::pipeline::discover::{SegmentMessage, follow};
use crate::pipeline::error::PipelineError;
use crate::pipeline::ingest::{SegmentState, segment};
use crate::pipeline::services::Services;
use crate::ports::error::PortError;

/// The demo's blob grows this often; every fourth time the watch looks for growth.
const TICK: Duration = Duration::from_millis(250);
const TICKS_PER_LOOK: u32 = 4;
/// Alerts remembered as told; beyond it all are forgotten and may be told again.
const TOLD_MAX: usize = 100_000;
/// Characters of one line; a terminal breaks it where it has to.
const LINE_MAX: usize = 500;

/// What the watch works with.
pub(super) struct Watch {
    pub services: Arc<Services>,
    pub queue: LocalQueueReceiver,
    pub replay: Option<Replay>,
    pub console: Console,
    /// Alerts told, with the level they had then.
    pub told: BTreeMap<AlertId, Level>,
    /// The last fault told, so that one which stays is told once.
    pub fault: String,
    /// The last fault of changed rules that was told.
    pub rules_fault: Option<String>,
}

/// Why a look around did not finish.
enum Fault {
    /// It will be tried again.
    Look(PipelineError),
    Store(PortError),
    /// Nobody reads what we print: the watch is over.
    Output(io::Error),
}

impl From<PipelineError> for Fault {
    fn from(error: PipelineError) -> Self {
        Self::Look(error)
    }
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Watch {
    /// Works until told to stop. Whatever happens, a segment under way is finished or replayed
    /// by the next run.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> io::Result<Console> {
        let started = Instant::now();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in 0_u32.. {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = ticks.tick() => {}
            }
            self.grow(started.elapsed())?;
            if tick.is_multiple_of(TICKS_PER_LOOK) {
                let looked = self.look(&stop).await;
                self.tell_rules()?;
                self.tell_fault(looked)?;
                self.end_of_replay()?;
            }
        }
        Ok(self.console)
    }

    /// Says once why changed rules are not used, and once that they are again.
    fn tell_rules(&mut self) -> io::Result<()> {
        let in_use = self.services.rules.in_use();
        if in_use.problem == self.rules_fault {
            return Ok(());
        }
        match &in_use.problem {
            Some(problem) => self.console.warn(&format!("the old rules go on: {problem}"))?,
            None => self.console.note("The rules of the directory are in use again.")?,
        }
        self.rules_fault = in_use.problem;
        Ok(())
    }

    fn grow(&mut self, elapsed: Duration) -> io::Result<()> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        let now = self.services.clock.now();
        match replay.advance(elapsed, now) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.replay = None;
                self.console.warn(&format!("the demo cannot go on: {error}"))
            }
        }
    }

    /// One look around, and all the work that it finds.
    async fn look(&mut self, stop: &watch::Receiver<bool>) -> Result<(), Fault> {
        let looked = follow(&self.services).await.map(|_| ());
        while let Some(message) = self.queue.receive_now() {
            if *stop.borrow() {
                return Ok(());
            }
            // Only `follow` sends, and what it sends it can read.
            if let Ok(message) = serde_json::from_str::<SegmentMessage>(&message.text) {
                self.consume(&BlobRef::from(message), stop).await?;
            }
        }
        Ok(looked?)
    }

    async fn consume(&mut self, blob: &BlobRef, stop: &watch::Receiver<bool>) -> Result<(), Fault> {
        loop {
            let report = segment(&self.services, blob).await?;
            let mut alerts = Vec::new();
            for id in &report.alerts {
                alerts.extend(self.services.store.alerts.get(id).await?);
            }
            alerts.sort_by_key(|alert| alert.first_event);
            for alert in &alerts {
                self.tell(alert)?;
            }
            if report.state != SegmentState::More || *stop.borrow() {
                return Ok(());
            }
        }
    }

    /// Prints an alert that is new, or graver than when it was told.
    fn tell(&mut self, alert: &Alert) -> io::Result<()> {
        if alert.rule.mode == Mode::BuildingBlock {
            return Ok(());
        }
        let before = self.told.insert(alert.id.clone(), alert.level);
        if before.is_some_and(|before| before >= alert.level) {
            return Ok(());
        }
        if self.told.len() > TOLD_MAX {
            self.told.clear();
        }
        let line = line(alert, self.console.colour);
        writeln!(self.console.out(), "{line}")?;
        self.console.flush()
    }

    fn tell_fault(&mut self, looked: Result<(), Fault>) -> io::Result<()> {
        let fault = match looked {
            Ok(()) => String::new(),
            Err(Fault::Look(error)) => error.to_string(),
            Err(Fault::Store(error)) => error.to_string(),
            Err(Fault::Output(error)) => return Err(error),
        };
        if !fault.is_empty() && fault != self.fault {
            self.console.warn(&format!("{fault}; trying again every second"))?;
        }
        self.fault = fault;
        Ok(())
    }

    fn end_of_replay(&mut self) -> io::Result<()> {
        if !self.replay.as_ref().is_some_and(Replay::is_over) || !self.fault.is_empty() {
            return Ok(());
        }
        self.replay = None;
        let alerts = count(self.told.len() as u64, "alert");
        self.console.note(&format!(
            "The attack has been replayed to its end: {alerts}. The API still answers; Ctrl-C ends."
        ))
    }
}

/// An alert in one line: how bad, when, what, who.
fn line(alert: &Alert, colour: bool) -> String {
    let clock = alert.first_event.time();
    let when = format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
    let story = format!(
        "{}: {} {}  [{}]",
        alert.rule.title,
        sentence::who(&alert.actor),
        sentence::what(&alert.target),
        alert.cluster.short_name(),
    );
    format!("{}  {when}  {}", level_word(alert.level, colour), fit(&story, LINE_MAX))
}
