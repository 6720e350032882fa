//! What a judge remembers of the values it has seen: verbs, resources, users and agents repeat
//! endlessly, so most values are answered by one look into a table. Everything here is bounded in
//! number and in size, because whoever is judged chooses the values.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::Bits;
use super::column::{Column, Scratch, Value};

/// Values remembered for one field, and bytes of one.
const VALUES_MAX: usize = 2_048;
const VALUE_BYTES_MAX: usize = 256;
/// Different sets of answers remembered for one field.
const ANSWERS_MAX: usize = 512;
/// After so many looks it is judged whether remembering pays; if not, it rests for so many.
const TRIED: u32 = 1_024;
const RESTED: u32 = 32_768;

/// The number of a remembered set of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(u32);

type Table<K> = HashMap<K, Known, RandomState>;

/// What is remembered for one field.
#[derive(Debug)]
pub(super) struct Memory {
    /// Answers, and the branches that they leave standing.
    answers: Vec<(Bits, Bits)>,
    numbers: Table<Bits>,
    texts: Table<Box<[u8]>>,
    tokens: Table<Box<[u8]>>,
    looks: u32,
    hits: u32,
    resting: u32,
    /// What the elements of an array answered so far.
    gathered: Bits,
    gathering: bool,
    present: bool,
    /// For answers that are not remembered.
    fresh: (Bits, Bits),
    branches: usize,
}

impl Memory {
    pub(super) fn of(column: &Column, branches: usize) -> Self {
        let none = Bits::none(column.questions());
        Self {
            answers: Vec::new(),
            numbers: Table::default(),
            texts: Table::default(),
            tokens: Table::default(),
            looks: 0,
            hits: 0,
            resting: 0,
            gathered: none.clone(),
            gathering: false,
            present: false,
            fresh: (none, Bits::none(branches)),
            branches,
        }
    }

    /// The answers to a text without escapes, when they are remembered.
    #[inline]
    pub(super) fn recall(&mut self, raw: &[u8], token: bool) -> Option<Known> {
        if token {
            return self.tokens.get(raw).copied();
        }
        if self.resting > 0 {
            self.resting -= 1;
            return None;
        }
        let found = self.texts.get(raw).copied();
        self.looks += 1;
        self.hits += u32::from(found.is_some());
        if self.looks == TRIED {
            if self.hits < TRIED / 4 {
                self.resting = RESTED;
                self.texts.clear();
            }
            (self.looks, self.hits) = (0, 0);
        }
        found
    }

    /// Answers the questions about a value anew. What is worth it is remembered: `raw`, the bytes
    /// in the file, when they alone make the value.
    pub(super) fn learn(
        &mut self,
        column: &Column,
        value: Value<'_>,
        raw: Option<(&[u8], bool)>,
        scratch: &mut Scratch,
    ) -> Option<Known> {
        self.fresh.0.clear();
        column.answer(value, &mut self.fresh.0, scratch);
        let known = self.number(column);
        if let (Some(known), Some((raw, token))) = (known, raw)
            && raw.len() <= VALUE_BYTES_MAX
            && (token || self.resting == 0)
        {
            let table = if token { &mut self.tokens } else { &mut self.texts };
            if table.len() < VALUES_MAX {
                table.insert(raw.into(), known);
            }
        }
        known
    }

    /// The answers for a field that is not there.
    pub(super) fn nothing(&mut self, column: &Column) -> Option<Known> {
        self.fresh.0.copy_from(column.absent());
        self.number(column)
    }

    /// The answers for a field that is there, whatever it holds.
    pub(super) fn anything(&mut self, column: &Column) -> Option<Known> {
        self.fresh.0.copy_from(column.present());
        self.number(column)
    }

    /// The number of the fresh answers; works out which branches they leave standing. `None` when
    /// there is no room to remember them.
    fn number(&mut self, column: &Column) -> Option<Known> {
        if let Some(known) = self.numbers.get(&self.fresh.0) {
            return Some(*known);
        }
        self.fresh.1 = Bits::all(self.branches);
        column.standing(&self.fresh.0, &mut self.fresh.1);
        if self.answers.len() >= ANSWERS_MAX {
            return None;
        }
        let known = Known(u32::try_from(self.answers.len()).ok()?);
        self.numbers.insert(self.fresh.0.clone(), known);
        self.answers.push(self.fresh.clone());
        Some(known)
    }

    fn pair(&self, known: Option<Known>) -> &(Bits, Bits) {
        let index = known.map(|known| known.0 as usize);
        index.and_then(|index| self.answers.get(index)).unwrap_or(&self.fresh)
    }

    /// The branches that answers leave standing. Without a number: the answers given last.
    #[inline]
    pub(super) fn standing(&self, known: Option<Known>) -> &Bits {
        &self.pair(known).1
    }

    /// Adds the answers of an element of an array.
    pub(super) fn gather(&mut self, known: Option<Known>) {
        self.gathering = true;
        self.present = true;
        let index = known.map(|known| known.0 as usize);
        let pair = index.and_then(|index| self.answers.get(index)).unwrap_or(&self.fresh);
        self.gathered.unite(&pair.0);
    }

    /// All elements have been seen: gives the branches that are left standing, and starts anew.
    pub(super) fn gathered(&mut self, column: &Column) -> &Bits {
        self.fresh.0.copy_from(&self.gathered);
        self.fresh.0.unite(if self.present { column.present() } else { column.absent() });
        self.forget_gathered();
        let known = self.number(column);
        self.standing(known)
    }

    /// Forgets what an array began to answer: the walk was given up in its middle.
    pub(super) fn forget_gathered(&mut self) {
        if self.gathering {
            self.gathered.clear();
            self.gathering = false;
            self.present = false;
        }
    }
}
