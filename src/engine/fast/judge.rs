//! Judges lines one after the other, and remembers what values came to.

use super::FastPath;
use super::bits::Bits;
use super::envelope::{self, Named};
use super::memory::Memory;
use super::scan::Scanner;
use super::surprise::Surprise;
use super::walk::{Room, Walk};
use crate::audit::source::ControlPlane;
use crate::model::ids::ClusterId;

/// What the bytes of a line tell.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// One whole audit event, and no rule can match it.
    Nothing,
    /// One whole audit event, which these rules may match and no other can.
    Candidates(Candidates<'a>),
    /// The reference has to look. Of a line that was cut, rules that are not among the candidates
    /// are refuted by what lies before the cut; after any other surprise nothing is known.
    Surprise(Surprise, Candidates<'a>),
}

/// Rules that may match, by their indexes in the fast path.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    fast: &'a FastPath,
    standing: &'a Bits,
}

impl<'a> Candidates<'a> {
    /// The indexes, in order and each once.
    pub fn indexes(&self) -> impl Iterator<Item = usize> + 'a {
        let rules = &self.fast.rule_of_branch;
        let mut last = None;
        self.standing.iter().filter_map(move |branch| {
            let rule = rules.get(branch).copied();
            (rule != last).then(|| last = rule).and(rule)
        })
    }

    /// The names of the rules.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + 'a {
        let rules = &self.fast.rules;
        let index = |index: usize| rules.get(index).map(|asked| asked.rule.reference.name.as_str());
        self.indexes().filter_map(index)
    }
}

/// How often what happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    pub lines: u64,
    /// Lines that no rule can match.
    pub nothing: u64,
    /// Lines that rules may match.
    pub candidates: u64,
    surprises: [u64; Surprise::ALL.len()],
}

impl Counters {
    /// The surprises that happened, and how often each did.
    pub fn surprises(&self) -> impl Iterator<Item = (Surprise, u64)> + '_ {
        Surprise::ALL.into_iter().zip(self.surprises).filter(|(_, count)| *count > 0)
    }

    /// Adds those of another judge.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.nothing += other.nothing;
        self.candidates += other.candidates;
        for (count, more) in self.surprises.iter_mut().zip(other.surprises) {
            *count += more;
        }
    }

    fn surprise(&mut self, surprise: Surprise) {
        let index = Surprise::ALL.iter().position(|one| *one == surprise);
        if let Some(count) = index.and_then(|index| self.surprises.get_mut(index)) {
            *count += 1;
        }
    }
}

/// One thread's view of a fast path: its memory of values, its room to work in, its counters.
#[derive(Debug)]
pub struct Judge<'a> {
    fast: &'a FastPath,
    scanner: Scanner,
    memory: Vec<Memory>,
    room: Room,
    named: Named,
    standing: Bits,
    control_plane: ControlPlane,
    counters: Counters,
}

impl<'a> Judge<'a> {
    pub(super) fn new(fast: &'a FastPath, scanner: Scanner) -> Self {
        let branches = fast.rule_of_branch.len();
        let memory = fast.columns.iter().map(|column| Memory::of(column, branches)).collect();
        Self {
            fast,
            scanner,
            memory,
            room: Room::default(),
            named: Named::default(),
            standing: fast.all.clone(),
            control_plane: ControlPlane::default(),
            counters: Counters::default(),
        }
    }

    /// Says where the control plane of the lines that follow calls from besides its usual networks.
    pub fn set_control_plane(&mut self, control_plane: &ControlPlane) {
        if self.control_plane != *control_plane {
            self.control_plane = control_plane.clone();
        }
    }

    /// Judges a line without its line end. `cluster` is the one that the path of the blob names.
    pub fn judge(&mut self, line: &[u8], cluster: Option<&ClusterId>) -> Verdict<'_> {
        self.standing.copy_from(&self.fast.all);
        let Self { fast, scanner, memory, room, named, standing, control_plane, counters } = self;
        let mut walk = Walk::new(fast, *scanner, memory, room, (standing, control_plane));
        let walked = envelope::line(&mut walk, line, cluster, named);
        counters.lines += 1;
        if let Err(surprise) = walked {
            counters.surprise(surprise);
            memory.iter_mut().for_each(Memory::forget_gathered);
            if surprise != Surprise::Cut {
                standing.copy_from(&fast.all);
            }
            return Verdict::Surprise(surprise, Candidates { fast, standing });
        }
        if standing.is_empty() {
            counters.nothing += 1;
            return Verdict::Nothing;
        }
        counters.candidates += 1;
        Verdict::Candidates(Candidates { fast, standing })
    }

    /// How often what happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
