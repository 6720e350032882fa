//! The walk over an audit event as it lies in the file. It looks at the fields that rules name, in
//! whatever order they come, takes out the branches that each value refutes, and steps over
//! everything else. Of what it does not expect it makes no guess: it gives the event up, and the
//! reference decides.

use super::FastPath;
use super::bits::Bits;
use super::column::{Scratch, Value};
use super::derived::{Computed, Noted, Piece, Pieces, compute};
use super::keys::Target;
use super::memory::{Known, Memory};
use super::projection::{Guard, Node};
use super::scan::{self, Scanner, Stop};
use super::surprise::Surprise;
use super::tokens::{Walked, blanks, byte, opened, readable, token, token_end};
use super::unescape::unescape;
use crate::audit::source::ControlPlane;

/// Arrays in arrays that are entered. Together with the longest path that is walked and the deepest
/// container that is stepped over they stay below what the decoder follows.
const DEPTH_MAX: usize = 8;
/// Values looked at in one event; the reference stops at a number of its own, much later.
const VISITS_MAX: usize = 20_000;

/// Room that is used again for each event.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The keys seen of each object that is open, a bit each.
    seen: Vec<u64>,
    inner: Vec<u8>,
    text: Vec<u8>,
    scratch: Scratch,
    pieces: Pieces,
}

/// One event under way.
pub(super) struct Walk<'a> {
    pub(super) fast: &'a FastPath,
    pub(super) scanner: Scanner,
    pub(super) memory: &'a mut [Memory],
    pub(super) room: &'a mut Room,
    /// The branches that nothing has refuted yet.
    pub(super) standing: &'a mut Bits,
    pub(super) control_plane: &'a ControlPlane,
    /// The guards met so far, a bit each.
    guards: u8,
    depth: usize,
    visits: usize,
}

const ALL_GUARDS: u8 = 0b111;

impl<'a> Walk<'a> {
    pub(super) fn new(
        fast: &'a FastPath,
        scanner: Scanner,
        memory: &'a mut [Memory],
        room: &'a mut Room,
        (standing, control_plane): (&'a mut Bits, &'a ControlPlane),
    ) -> Self {
        room.seen.clear();
        room.pieces.clear();
        let (guards, depth, visits) = (0, 0, 0);
        Self { fast, scanner, memory, room, standing, control_plane, guards, depth, visits }
    }

    /// Walks the event whose opening brace is at `at`; gives the index behind its closing one.
    pub(super) fn event<const ESC: bool>(&mut self, text: &[u8], at: usize) -> Walked {
        if byte(text, at)? != b'{' {
            return Err(Surprise::Shape);
        }
        let end = self.object::<ESC>(text, at + 1, 0, false)?;
        if self.guards != ALL_GUARDS {
            return Err(Surprise::Shape);
        }
        self.derive::<ESC>(text);
        Ok(end)
    }

    /// Answers the questions about computed fields that are still open.
    fn derive<const ESC: bool>(&mut self, text: &[u8]) {
        let fast = self.fast;
        for (derived, index) in &fast.projection.derived {
            let (Some(memory), Some(column)) =
                (self.memory.get_mut(*index), fast.columns.get(*index))
            else {
                continue;
            };
            if !self.standing.meets(&column.touched) {
                continue;
            }
            let Room { scratch, pieces, .. } = &mut *self.room;
            let known = match compute::<ESC>(*derived, text, pieces, self.control_plane) {
                Computed::Unknown => continue,
                Computed::Absent => memory.nothing(column),
                Computed::Truth(truth) => memory.learn(column, Value::Truth(truth), None, scratch),
                Computed::Text(value) => {
                    let raw = value.as_bytes();
                    memory.recall(raw, false).or_else(|| {
                        memory.learn(column, Value::Text(&value), Some((raw, false)), scratch)
                    })
                }
            };
            self.standing.keep(memory.standing(known));
        }
    }

    /// Notes a piece that computed fields are made of, where it stands as it should.
    fn note(&mut self, node: &Node, depth: usize, piece: Piece) {
        if let Some(noted) = node.noted {
            let is_list = matches!(noted, Noted::Groups | Noted::Sources);
            if self.depth != depth + usize::from(is_list) {
                self.room.pieces.misplaced = true;
            }
            self.room.pieces.text(noted, piece);
        }
    }

    /// `at` is behind the opening brace.
    fn object<const ESC: bool>(
        &mut self,
        text: &[u8],
        mut at: usize,
        number: usize,
        in_array: bool,
    ) -> Walked {
        let fast = self.fast;
        let node = fast.node(number);
        let seen = self.room.seen.len();
        let words = node.children.len().div_ceil(64);
        self.room.seen.resize(seen + words, 0);
        at = blanks::<ESC>(text, at);
        if byte(text, at)? == b'}' {
            at += 1;
        } else {
            loop {
                let key = opened::<ESC>(text, at)?;
                let name = scan::string::<ESC>(text, key)?;
                let raw = text.get(key..name.end).unwrap_or_default();
                let target = self.target::<ESC>(node, raw, name.escaped)?;
                at = blanks::<ESC>(text, name.after);
                if byte(text, at)? != b':' {
                    return Err(Surprise::Malformed);
                }
                at = blanks::<ESC>(text, at + 1);
                at = match target {
                    None => self.skip::<ESC>(text, at)?,
                    Some(Target::Odd) => return Err(Surprise::Reading),
                    Some(Target::Child(child)) => {
                        self.mark(seen, child)?;
                        self.child::<ESC>(text, at, node, child, in_array)?
                    }
                };
                at = blanks::<ESC>(text, at);
                match byte(text, at)? {
                    b',' => at = blanks::<ESC>(text, at + 1),
                    b'}' => {
                        at += 1;
                        break;
                    }
                    _ => return Err(Surprise::Malformed),
                }
            }
        }
        if !in_array {
            self.settle_absent(node, seen);
        }
        self.room.seen.truncate(seen);
        Ok(at)
    }

    /// What a key leads to.
    #[inline]
    fn target<const ESC: bool>(
        &mut self,
        node: &Node,
        raw: &[u8],
        escaped: bool,
    ) -> Result<Option<Target>, Surprise> {
        if !escaped {
            return Ok(node.keys.find(raw));
        }
        let Room { inner, text, .. } = &mut *self.room;
        unescape::<ESC>(raw, inner, text).map_err(|_| Surprise::Escape)?;
        Ok(node.keys.find(text))
    }

    /// Notes that a key was seen; twice, and only the reference knows which one counts.
    fn mark(&mut self, seen: usize, child: usize) -> Result<(), Surprise> {
        let word = self.room.seen.get_mut(seen + child / 64).ok_or(Surprise::Shape)?;
        let bit = 1 << (child % 64);
        if *word & bit != 0 {
            return Err(Surprise::DuplicateKey);
        }
        *word |= bit;
        Ok(())
    }

    /// Whatever was not seen is absent.
    fn settle_absent(&mut self, node: &Node, seen: usize) {
        for (index, child) in node.children.iter().enumerate() {
            let word = self.room.seen.get(seen + index / 64).copied().unwrap_or(u64::MAX);
            if word >> (index % 64) & 1 == 0 {
                self.standing.keep(&self.fast.node(*child).standing_absent);
            }
        }
    }

    fn child<const ESC: bool>(
        &mut self,
        text: &[u8],
        at: usize,
        node: &Node,
        child: usize,
        in_array: bool,
    ) -> Walked {
        let number = *node.children.get(child).ok_or(Surprise::Shape)?;
        let child = self.fast.node(number);
        if child.guarded || self.standing.meets(&child.touched) {
            self.value::<ESC>(text, at, number, in_array)
        } else {
            self.skip::<ESC>(text, at)
        }
    }

    fn value<const ESC: bool>(
        &mut self,
        text: &[u8],
        at: usize,
        number: usize,
        in_array: bool,
    ) -> Walked {
        let fast = self.fast;
        let node = fast.node(number);
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(Surprise::Large);
        }
        match byte(text, at)? {
            b'{' => {
                self.refuse_guarded(node)?;
                if let Some(column) = node.column {
                    self.anything(column, in_array);
                }
                if node.children.is_empty() {
                    return self.skip::<ESC>(text, at);
                }
                self.object::<ESC>(text, at + 1, number, in_array)
            }
            b'[' => {
                self.refuse_guarded(node)?;
                self.array::<ESC>(text, at, number, in_array)
            }
            b'"' if !ESC => self.text::<ESC>(text, at + 1, node, in_array),
            b'\\' if ESC => {
                let opened = opened::<ESC>(text, at)?;
                self.text::<ESC>(text, opened, node, in_array)
            }
            _ => self.token::<ESC>(text, at, node, in_array),
        }
    }

    /// What must be a text is an object, or what should be plain has more inside.
    fn refuse_guarded(&self, node: &Node) -> Result<(), Surprise> {
        if node.guard.is_some() {
            return Err(Surprise::Shape);
        }
        if node.odd_inside { Err(Surprise::Reading) } else { Ok(()) }
    }

    fn array<const ESC: bool>(
        &mut self,
        text: &[u8],
        at: usize,
        number: usize,
        in_array: bool,
    ) -> Walked {
        let fast = self.fast;
        let node = fast.node(number);
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Surprise::Large);
        }
        // The reference looks for pieces of computed fields in objects alone.
        self.room.pieces.misplaced |= node.notes_below;
        if let Some(column) = node.column {
            self.anything(column, true);
        }
        let mut at = blanks::<ESC>(text, at + 1);
        if byte(text, at)? == b']' {
            at += 1;
        } else {
            loop {
                at = self.value::<ESC>(text, at, number, true)?;
                at = blanks::<ESC>(text, at);
                match byte(text, at)? {
                    b',' => at = blanks::<ESC>(text, at + 1),
                    b']' => {
                        at += 1;
                        break;
                    }
                    _ => return Err(Surprise::Malformed),
                }
            }
        }
        self.depth -= 1;
        if !in_array {
            for index in &node.below {
                if let (Some(memory), Some(column)) =
                    (self.memory.get_mut(*index), fast.columns.get(*index))
                {
                    self.standing.keep(memory.gathered(column));
                }
            }
        }
        Ok(at)
    }

    /// A string; `at` is behind its opening quote.
    fn text<const ESC: bool>(
        &mut self,
        text: &[u8],
        at: usize,
        node: &Node,
        in_array: bool,
    ) -> Walked {
        let found = scan::string::<ESC>(text, at)?;
        let raw = text.get(at..found.end).unwrap_or_default();
        if let Some(guard) = node.guard {
            self.guard(guard, raw, found.escaped)?;
        }
        self.note(node, 0, Piece { start: at, end: found.end, escaped: found.escaped });
        if let Some(index) = node.column {
            let known = self.answer_text::<ESC>(index, raw, found.escaped)?;
            self.settle(index, known, in_array);
        }
        if !in_array {
            self.standing.keep(&node.standing_childless);
        }
        Ok(found.after)
    }

    fn guard(&mut self, guard: Guard, raw: &[u8], escaped: bool) -> Result<(), Surprise> {
        let sound = match guard {
            Guard::Kind => raw == b"Event",
            // Where slashes are escaped, this one is.
            Guard::ApiVersion if escaped => raw.starts_with(b"audit.k8s.io\\/"),
            Guard::ApiVersion => raw.starts_with(b"audit.k8s.io/"),
            Guard::Verb => true,
            Guard::Refused => false,
        };
        if !sound {
            return Err(Surprise::Shape);
        }
        self.guards |= match guard {
            Guard::Kind => 0b1,
            Guard::ApiVersion => 0b10,
            Guard::Verb => 0b100,
            Guard::Refused => 0,
        };
        Ok(())
    }

    fn answer_text<const ESC: bool>(
        &mut self,
        index: usize,
        raw: &[u8],
        escaped: bool,
    ) -> Result<Option<Known>, Surprise> {
        let fast = self.fast;
        let (Some(memory), Some(column)) = (self.memory.get_mut(index), fast.columns.get(index))
        else {
            return Err(Surprise::Shape);
        };
        if !escaped {
            if let Some(known) = memory.recall(raw, false) {
                return Ok(Some(known));
            }
            let value = readable(raw);
            let remembered = Some((raw, false));
            return Ok(memory.learn(
                column,
                Value::Text(&value),
                remembered,
                &mut self.room.scratch,
            ));
        }
        let Room { inner, text, scratch, .. } = &mut *self.room;
        unescape::<ESC>(raw, inner, text).map_err(|_| Surprise::Escape)?;
        let value = readable(text);
        Ok(memory.learn(column, Value::Text(&value), None, scratch))
    }

    /// A number, a boolean or null.
    fn token<const ESC: bool>(
        &mut self,
        text: &[u8],
        at: usize,
        node: &Node,
        in_array: bool,
    ) -> Walked {
        let after = token_end(text, at)?;
        self.refuse_guarded_token(node)?;
        if let Some(noted) = node.noted {
            self.room.pieces.misplaced |= self.depth > 0 && noted == Noted::Code;
            self.room.pieces.token(noted, at, after);
        }
        if let Some(index) = node.column {
            let fast = self.fast;
            let (Some(memory), Some(column)) =
                (self.memory.get_mut(index), fast.columns.get(index))
            else {
                return Err(Surprise::Shape);
            };
            let raw = text.get(at..after).unwrap_or_default();
            let known = match memory.recall(raw, true) {
                Some(known) => Some(known),
                None => {
                    let value = token(raw)?;
                    memory.learn(column, value, Some((raw, true)), &mut self.room.scratch)
                }
            };
            self.settle(index, known, in_array);
        }
        if !in_array {
            self.standing.keep(&node.standing_childless);
        }
        Ok(after)
    }

    fn refuse_guarded_token(&self, node: &Node) -> Result<(), Surprise> {
        if node.guard.is_some() { Err(Surprise::Shape) } else { Ok(()) }
    }

    /// Something is there, of which no value matters.
    fn anything(&mut self, index: usize, in_array: bool) {
        let fast = self.fast;
        if let (Some(memory), Some(column)) = (self.memory.get_mut(index), fast.columns.get(index))
        {
            let known = memory.anything(column);
            self.settle(index, known, in_array);
        }
    }

    #[inline]
    fn settle(&mut self, index: usize, known: Option<Known>, in_array: bool) {
        let Some(memory) = self.memory.get_mut(index) else { return };
        if in_array {
            memory.gather(known);
        } else {
            self.standing.keep(memory.standing(known));
        }
    }

    /// Steps over a value.
    #[inline]
    pub(super) fn skip<const ESC: bool>(&self, text: &[u8], at: usize) -> Walked {
        match byte(text, at)? {
            b'{' | b'[' => Ok(self.scanner.container::<ESC>(text, at + 1)?),
            b'"' if !ESC => Ok(scan::string::<ESC>(text, at + 1)?.after),
            b'\\' if ESC => {
                let opened = opened::<ESC>(text, at)?;
                Ok(scan::string::<ESC>(text, opened)?.after)
            }
            _ => token_end(text, at),
        }
    }
}

impl From<Stop> for Surprise {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut => Self::Cut,
            Stop::Odd => Self::Malformed,
        }
    }
}
