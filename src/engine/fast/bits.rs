//! Sets of small numbers as blocks of 64 bits. All sets that meet are of the same length.

/// A set whose members are below the number it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// The empty set for members below `count`.
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into_boxed_slice())
    }

    /// The set of all numbers below `count`.
    pub(super) fn all(count: usize) -> Self {
        let mut bits = Self::none(count);
        for member in 0..count {
            bits.insert(member);
        }
        bits
    }

    pub(super) fn insert(&mut self, member: usize) {
        if let Some(word) = self.0.get_mut(member / 64) {
            *word |= 1 << (member % 64);
        }
    }

    pub(super) fn has(&self, member: usize) -> bool {
        self.0.get(member / 64).is_some_and(|word| word >> (member % 64) & 1 == 1)
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word = *other;
        }
    }

    /// Takes the members of the other set in.
    #[inline]
    pub(super) fn unite(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// Leaves the members that are in the other set too.
    #[inline]
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Takes the members of the other set out.
    pub(super) fn remove(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Whether the two sets have a member in common.
    #[inline]
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(word, other)| word & other != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The members in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_beyond_one_block_are_kept_apart() {
        let mut bits = Bits::none(200);
        for member in [0, 63, 64, 199] {
            bits.insert(member);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert!(bits.has(199) && !bits.has(198) && !bits.has(1000));
        let mut all = Bits::all(200);
        all.remove(&bits);
        assert!(!all.meets(&bits) && all.iter().count() == 196);
        all.unite(&bits);
        all.keep(&bits);
        assert_eq!(all, bits);
    }
}
