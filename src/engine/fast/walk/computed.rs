//! Fields that are computed from pieces of the event: notes the pieces on the way, and answers what
//! is asked of the fields at the end.

use super::{Room, Walk};
use crate::engine::fast::column::Value;
use crate::engine::fast::derived::{Computed, Noted, Piece, compute};

impl Walk<'_> {
    /// Answers the questions about computed fields that are still open.
    pub(super) fn derive<const ESC: bool>(&mut self, text: &[u8]) {
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
    pub(super) fn note(&mut self, noted: Noted, depth: usize, piece: Piece) {
        let is_list = matches!(noted, Noted::Groups | Noted::Sources);
        if self.depth != depth + usize::from(is_list) {
            self.room.pieces.misplaced = true;
        }
        self.room.pieces.text(noted, piece);
    }
}
