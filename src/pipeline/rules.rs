//! The rules in use: compiled once, and again when the directory they come from has changed. A set
//! that cannot be used never takes the place of one that can; it is told and the old one goes on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::engine::ruleset::{RuleSet, RuleSource};

/// A directory of rules, and how a set is made of it. The calls block.
pub trait RuleFolder: Send + Sync {
    /// Names, sizes and times of change of its files, as one text: what tells a change without
    /// reading.
    ///
    /// # Errors
    /// Why the directory cannot be looked at, in one line.
    fn look(&self) -> Result<String, String>;

    /// The files, in a fixed order.
    ///
    /// # Errors
    /// Why they cannot be read, in one line.
    fn read(&self) -> Result<Vec<RuleSource>, String>;

    /// The set that these files make.
    ///
    /// # Errors
    /// Every fault, a line each.
    fn compile(&self, files: &[RuleSource]) -> Result<RuleSet, Vec<String>>;
}

/// Rules as they were loaded at the start, and where they change.
#[derive(Clone)]
pub struct RuleFeed {
    pub rules: RuleSet,
    /// The directory, with the digest of what was read from it.
    pub folder: Option<(Arc<dyn RuleFolder>, Content)>,
}

/// What files hold: names and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content([u8; 32]);

impl Content {
    /// Of these files.
    pub fn of(files: &[RuleSource]) -> Self {
        let mut hash = Sha256::new();
        for file in files {
            for part in [&file.path, &file.text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        Self(hash.finalize().into())
    }
}

/// What is made of every set before it is used.
type Prepare = Arc<dyn Fn(RuleSet) -> RuleSet + Send + Sync>;

/// The rules in use.
pub struct Rules {
    now: RwLock<InUse>,
    /// Absent where nothing can change.
    watch: Option<Watch>,
}

/// What is in use at the moment.
#[derive(Debug, Clone)]
pub struct InUse {
    pub rules: Arc<RuleSet>,
    pub loaded_at: OffsetDateTime,
    /// Why the directory's present content is not in use, when it is not.
    pub problem: Option<String>,
}

struct Watch {
    folder: Arc<dyn RuleFolder>,
    prepare: Prepare,
    every: Duration,
    known: Mutex<Known>,
}

/// What is known of the directory.
#[derive(Debug, Clone)]
struct Known {
    looked: Option<OffsetDateTime>,
    /// What it looked like when it was last read.
    stamp: Option<String>,
    /// Of the set in use, and of what was tried last.
    good: Content,
    tried: Content,
}

/// What a look came to.
enum Seen {
    Unchanged,
    /// Other times of change, and the same content as the last try.
    Tried {
        stamp: String,
    },
    /// The content of the set in use is back.
    Back {
        stamp: String,
        content: Content,
    },
    New {
        stamp: String,
        content: Content,
        rules: Box<RuleSet>,
    },
    Bad {
        stamp: String,
        content: Content,
        faults: Vec<String>,
    },
    Unreadable(String),
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

impl fmt::Debug for RuleFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleFeed").field("watched", &self.folder.is_some()).finish_non_exhaustive()
    }
}

impl Rules {
    /// Rules that stay as they are.
    pub fn fixed(rules: RuleSet, loaded_at: OffsetDateTime) -> Self {
        let now = InUse { rules: Arc::new(rules), loaded_at, problem: None };
        Self { now: RwLock::new(now), watch: None }
    }

    /// Rules that follow their directory, looked at `every` so often at most. `prepare` is done
    /// to each set before it is used.
    pub fn following(
        feed: RuleFeed,
        prepare: impl Fn(RuleSet) -> RuleSet + Send + Sync + 'static,
        every: Duration,
        loaded_at: OffsetDateTime,
    ) -> Self {
        let mut rules = Self::fixed(prepare(feed.rules), loaded_at);
        rules.watch = feed.folder.map(|(folder, content)| {
            let known = Known { looked: None, stamp: None, good: content, tried: content };
            Watch { folder, prepare: Arc::new(prepare), every, known: Mutex::new(known) }
        });
        rules
    }

    /// The set in use. Whoever works takes it once and keeps it until the work is done.
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).rules)
    }

    /// The set in use, and how it came there.
    pub fn in_use(&self) -> InUse {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether the directory has changed, unless that was done a moment ago or is being
    /// done, and loads it if so. Called at the start of work.
    pub async fn refresh(&self, now: OffsetDateTime) {
        let Some(watch) = &self.watch else { return };
        let Ok(mut known) = watch.known.try_lock() else { return };
        let waits = |at| (Duration::ZERO..watch.every).contains(&(now - at));
        if known.looked.is_some_and(waits) {
            return;
        }
        known.looked = Some(now);
        let (folder, before) = (Arc::clone(&watch.folder), known.clone());
        let seen = tokio::task::spawn_blocking(move || look(folder.as_ref(), &before)).await;
        let seen = seen.unwrap_or_else(|_| Seen::Unreadable("a defect in Midwatch".to_owned()));
        self.take(seen, now, &mut known, &watch.prepare);
    }

    fn take(&self, seen: Seen, now: OffsetDateTime, known: &mut Known, prepare: &Prepare) {
        match seen {
            Seen::Unchanged => {}
            Seen::Tried { stamp } => known.stamp = Some(stamp),
            Seen::Back { stamp, content } => {
                known.stamp = Some(stamp);
                known.tried = content;
                tracing::info!("the directory of rules holds again what is in use");
                self.set(|in_use| in_use.problem = None);
            }
            Seen::New { stamp, content, rules } => {
                let rules = prepare(*rules);
                let (count, not_run) = (rules.rules().len(), rules.not_run().len());
                tracing::info!(count, not_run, "the rules were loaded anew");
                known.stamp = Some(stamp);
                (known.good, known.tried) = (content, content);
                let fresh = InUse { rules: Arc::new(rules), loaded_at: now, problem: None };
                self.set(|in_use| *in_use = fresh);
            }
            Seen::Bad { stamp, content, faults } => {
                known.stamp = Some(stamp);
                known.tried = content;
                self.tell(told(&faults));
            }
            Seen::Unreadable(why) => {
                // What comes back after this must be read, whatever it looks like.
                known.stamp = None;
                self.tell(why);
            }
        }
    }

    /// Says once why the old rules go on.
    fn tell(&self, problem: String) {
        let is_new = self.in_use().problem.as_deref() != Some(&problem);
        if is_new {
            tracing::warn!("the old rules go on: {problem}");
            self.set(|in_use| in_use.problem = Some(problem));
        }
    }

    fn set(&self, change: impl FnOnce(&mut InUse)) {
        change(&mut self.now.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The stamp is taken before the files are read: what changes while they are read is seen by the
/// next look.
fn look(folder: &dyn RuleFolder, known: &Known) -> Seen {
    let stamp = match folder.look() {
        Ok(stamp) if known.stamp.as_ref() == Some(&stamp) => return Seen::Unchanged,
        Ok(stamp) => stamp,
        Err(why) => return Seen::Unreadable(why),
    };
    let files = match folder.read() {
        Ok(files) => files,
        Err(why) => return Seen::Unreadable(why),
    };
    let content = Content::of(&files);
    if content == known.good {
        return Seen::Back { stamp, content };
    }
    if content == known.tried {
        return Seen::Tried { stamp };
    }
    match folder.compile(&files) {
        Ok(rules) => Seen::New { stamp, content, rules: Box::new(rules) },
        Err(faults) => Seen::Bad { stamp, content, faults },
    }
}

fn told(faults: &[String]) -> String {
    match faults {
        [] => "the rules cannot be used".to_owned(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (and {} more faults)", rest.len()),
    }
}

#[cfg(test)]
mod tests;
