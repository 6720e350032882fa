//! What the absence of keys came to: the same keys are missing from the same objects all day.

use super::bits::Bits;

/// So much is remembered.
const PLACES: usize = 256;

/// Branches that are left standing, by the object and by the keys that were seen in it.
#[derive(Debug, Default)]
pub(super) struct Absences(Vec<Option<Absent>>);

#[derive(Debug)]
struct Absent {
    node: usize,
    /// The keys that were seen, a bit each.
    seen: u64,
    standing: Bits,
}

impl Absences {
    /// What is left standing where these keys of an object were seen and no others.
    #[inline]
    pub(super) fn recall(&self, node: usize, seen: u64) -> Option<&Bits> {
        let absent = self.0.get(place(node, seen))?.as_ref()?;
        (absent.node == node && absent.seen == seen).then_some(&absent.standing)
    }

    /// Remembers it, and forgets what stood in its place.
    pub(super) fn remember(&mut self, node: usize, seen: u64, standing: Bits) {
        self.0.resize_with(PLACES, || None);
        if let Some(absent) = self.0.get_mut(place(node, seen)) {
            *absent = Some(Absent { node, seen, standing });
        }
    }
}

#[inline]
fn place(node: usize, seen: u64) -> usize {
    let mixed = (seen ^ (node as u64).rotate_left(48)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize
}
