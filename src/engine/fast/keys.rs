//! The keys that the walk knows at one place, found by their first and last bytes and their
//! length: nearly all keys of an event are unknown, and most of those are told apart by that.

use std::collections::BTreeMap;

/// What a key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The child of this number.
    Child(usize),
    /// A reading of a path that the walk does not follow.
    Odd,
}

/// Keys and what they lead to. Unknown is the common answer, so it comes fast.
#[derive(Debug, Default)]
pub(super) struct KeyTable {
    entries: Vec<(u64, Box<[u8]>, Target)>,
    /// Indexes into the entries plus one; zero is free. A power of two in length.
    slots: Box<[u16]>,
    mask: usize,
}

impl KeyTable {
    /// The table of these keys.
    pub(super) fn over(keys: &BTreeMap<&str, Target>) -> Self {
        if keys.is_empty() {
            return Self::default();
        }
        let length = (keys.len() * 4).next_power_of_two();
        let mut table = Self {
            entries: Vec::with_capacity(keys.len()),
            slots: vec![0; length].into_boxed_slice(),
            mask: length - 1,
        };
        for (key, target) in keys {
            let bytes = key.as_bytes();
            let print = fingerprint(bytes);
            table.entries.push((print, bytes.into(), *target));
            let Ok(number) = u16::try_from(table.entries.len()) else { break };
            let mut at = slot(print, table.mask);
            while table.slots.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & table.mask;
            }
            if let Some(free) = table.slots.get_mut(at) {
                *free = number;
            }
        }
        table
    }

    /// Where a key leads; `None` when it is unknown.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<Target> {
        if self.slots.is_empty() {
            return None;
        }
        let print = fingerprint(key);
        let mut at = slot(print, self.mask);
        loop {
            let number = usize::from(*self.slots.get(at)?);
            let (known, bytes, target) = self.entries.get(number.checked_sub(1)?)?;
            if *known == print && **bytes == *key {
                return Some(*target);
            }
            at = (at + 1) & self.mask;
        }
    }
}

fn slot(print: u64, mask: usize) -> usize {
    let mixed = (print.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    mixed & mask
}

/// A number that few keys share: the first eight bytes, the last eight, and the length.
#[inline]
fn fingerprint(key: &[u8]) -> u64 {
    let length = key.len() as u64;
    match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29) ^ length
        }
        _ => match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let first = u64::from(u32::from_le_bytes(*first));
                first << 32 | u64::from(u32::from_le_bytes(*last)) ^ length
            }
            _ => key.iter().fold(length, |print, byte| print << 8 | u64::from(*byte)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let names: Vec<String> = (0..500).map(|n| format!("some/key.with-{n}")).collect();
        let mut keys = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            keys.insert(name.as_str(), Target::Child(index));
        }
        for short in ["", "a", "ab", "abc", "verb", "verbs", "objectRef", "a.b"] {
            keys.insert(short, Target::Odd);
        }
        let table = KeyTable::over(&keys);
        for (key, target) in &keys {
            assert_eq!(table.find(key.as_bytes()), Some(*target), "{key}");
        }
        for unknown in ["b", "ba", "verc", "some/key.with-500", "some/kez.with-1", "objectReg"] {
            assert_eq!(table.find(unknown.as_bytes()), None, "{unknown}");
        }
        assert_eq!(KeyTable::default().find(b"verb"), None);
    }
}
