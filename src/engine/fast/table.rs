//! A table from the bytes of a value to what they came to. It never holds more than it may: a value
//! has a few places where it can stand, and where all are taken one has to go. So values that are
//! chosen to collide cost what a table would have saved, and no more.

/// Places where one value can stand.
const WAYS: usize = 4;
/// Sets of places in a new table, and in the largest.
const SETS_MIN: usize = 4;
const SETS_MAX: usize = 512;

/// Values, and the number that each came to.
#[derive(Debug)]
pub(super) struct Table {
    sets: Vec<[Slot; WAYS]>,
    mask: usize,
    /// Which place of a full set goes next.
    victim: usize,
}

#[derive(Debug, Default)]
struct Slot {
    print: u64,
    raw: Box<[u8]>,
    number: Option<u32>,
}

impl Default for Table {
    fn default() -> Self {
        Self::of(SETS_MIN)
    }
}

impl Table {
    fn of(sets: usize) -> Self {
        let all = std::iter::repeat_with(Default::default).take(sets).collect();
        Self { sets: all, mask: sets - 1, victim: 0 }
    }

    /// The number of a value, when it is remembered.
    #[inline]
    pub(super) fn get(&self, raw: &[u8]) -> Option<u32> {
        let print = print(raw);
        let set = self.sets.get(place(print, self.mask))?;
        let slot = set.iter().find(|slot| slot.print == print && *slot.raw == *raw)?;
        slot.number
    }

    /// Remembers a value that is not remembered yet.
    pub(super) fn insert(&mut self, raw: &[u8], number: u32) {
        let slot = Slot { print: print(raw), raw: raw.into(), number: Some(number) };
        let Some(slot) = self.put(slot) else { return };
        if self.sets.len() < SETS_MAX {
            let larger = Self::of(self.sets.len() * 2);
            let old = std::mem::replace(self, larger);
            for slot in old.sets.into_iter().flatten().filter(|slot| slot.number.is_some()) {
                // A set of the larger table takes from one set of the smaller: there is room.
                self.put(slot);
            }
            if let Some(slot) = self.put(slot) {
                self.replace(slot);
            }
        } else {
            self.replace(slot);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Puts a value where there is room; gives it back where there is none.
    fn put(&mut self, slot: Slot) -> Option<Slot> {
        let Some(set) = self.sets.get_mut(place(slot.print, self.mask)) else { return Some(slot) };
        match set.iter_mut().find(|slot| slot.number.is_none()) {
            Some(free) => {
                *free = slot;
                None
            }
            None => Some(slot),
        }
    }

    fn replace(&mut self, slot: Slot) {
        self.victim = (self.victim + 1) % WAYS;
        let set = self.sets.get_mut(place(slot.print, self.mask));
        if let Some(victim) = set.and_then(|set| set.get_mut(self.victim)) {
            *victim = slot;
        }
    }
}

#[inline]
fn place(print: u64, mask: usize) -> usize {
    (print >> 40) as usize & mask
}

/// A number that few values share: of a long one the beginning, the middle, the end and the length.
#[inline]
fn print(raw: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let length = raw.len() as u64;
    let mixed = match (raw.first_chunk::<8>(), raw.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let middle = raw.get(raw.len() / 2 - 4..).and_then(|rest| rest.first_chunk::<8>());
            let middle = middle.map_or(0, word);
            word(first) ^ word(last).rotate_left(29) ^ middle.rotate_left(47)
        }
        _ => match (raw.first_chunk::<4>(), raw.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let first = u64::from(u32::from_le_bytes(*first));
                first << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => raw.iter().fold(0, |print, byte| print << 8 | u64::from(*byte)),
        },
    };
    (mixed ^ length).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_right_and_never_too_much() {
        let mut table = Table::default();
        let values: Vec<String> = (0..10_000).map(|n| format!("some value {}", n * 7)).collect();
        for (number, value) in (0..).zip(&values) {
            assert_eq!(table.get(value.as_bytes()), None, "{value}");
            table.insert(value.as_bytes(), number);
            assert_eq!(table.get(value.as_bytes()), Some(number), "{value}");
        }
        assert_eq!(table.sets.len(), SETS_MAX);
        let mut kept = 0;
        for (number, value) in (0..).zip(&values) {
            let got = table.get(value.as_bytes());
            assert!(got.is_none_or(|got| got == number), "{value}");
            kept += usize::from(got.is_some());
        }
        assert!(kept > SETS_MAX * WAYS / 2 && kept <= SETS_MAX * WAYS, "{kept}");
    }

    #[test]
    fn values_that_look_alike_are_told_apart() {
        let mut table = Table::default();
        let alike = |n: u32| format!("begin----{n:08}----middle----{:08}---end", n + 1);
        for n in 0..500 {
            table.insert(alike(n).as_bytes(), n);
            assert_eq!(table.get(alike(n).as_bytes()), Some(n));
        }
        for (number, short) in (0..).zip(["", "a", "ab", "abc", "abcd", "abcde", "abcdefgh"]) {
            assert_eq!(table.get(short.as_bytes()), None);
            table.insert(short.as_bytes(), number);
            assert_eq!(table.get(short.as_bytes()), Some(number));
        }
        table.clear();
        assert_eq!(table.get(b"abc"), None);
    }
}
