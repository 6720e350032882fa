//! Sets of small numbers as blocks of 256 bits, which is what a vector instruction takes at once. All
//! sets that meet are of the same length.

type Block = [u64; 4];
const BLOCK_BITS: usize = 256;

/// A set whose members are below the number it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Bits(Box<[Block]>);

impl Bits {
    /// The empty set for members below `count`.
    pub(super) fn none(count: usize) -> Self {
        Self(vec![[0; 4]; count.div_ceil(BLOCK_BITS)].into_boxed_slice())
    }

    /// The set of all numbers below `count`.
    pub(super) fn all(count: usize) -> Self {
        let mut bits = Self::none(count);
        for member in 0..count {
            bits.insert(member);
        }
        bits
    }

    fn word(&self, member: usize) -> u64 {
        let block = self.0.get(member / BLOCK_BITS);
        block.and_then(|block| block.get(member % BLOCK_BITS / 64)).copied().unwrap_or_default()
    }

    pub(super) fn insert(&mut self, member: usize) {
        let block = self.0.get_mut(member / BLOCK_BITS);
        if let Some(word) = block.and_then(|block| block.get_mut(member % BLOCK_BITS / 64)) {
            *word |= 1 << (member % 64);
        }
    }

    pub(super) fn has(&self, member: usize) -> bool {
        self.word(member) >> (member % 64) & 1 == 1
    }

    pub(super) fn clear(&mut self) {
        self.0.fill([0; 4]);
    }

    #[inline]
    fn combine(&mut self, other: &Self, how: impl Fn(u64, u64) -> u64) {
        for (block, other) in self.0.iter_mut().zip(&other.0) {
            for (word, other) in block.iter_mut().zip(other) {
                *word = how(*word, *other);
            }
        }
    }

    #[inline]
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.combine(other, |_, other| other);
    }

    /// Takes the members of the other set in.
    #[inline]
    pub(super) fn unite(&mut self, other: &Self) {
        self.combine(other, |word, other| word | other);
    }

    /// Leaves the members that are in the other set too.
    #[inline]
    pub(super) fn keep(&mut self, other: &Self) {
        self.combine(other, |word, other| word & other);
    }

    /// Takes the members of the other set out.
    pub(super) fn remove(&mut self, other: &Self) {
        self.combine(other, |word, other| word & !other);
    }

    /// Whether the two sets have a member in common.
    #[inline]
    pub(super) fn meets(&self, other: &Self) -> bool {
        let common = |(block, other): (&Block, &Block)| {
            block.iter().zip(other).fold(0, |found, (word, other)| found | word & other)
        };
        self.0.iter().zip(&other.0).any(|blocks| common(blocks) != 0)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|block| block.iter().fold(0, |found, word| found | word) == 0)
    }

    /// The members in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().flatten().enumerate().flat_map(|(index, word)| {
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
        let mut bits = Bits::none(300);
        for member in [0, 63, 64, 255, 256, 299] {
            bits.insert(member);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 255, 256, 299]);
        assert!(bits.has(299) && !bits.has(298) && !bits.has(1000));
        let mut all = Bits::all(300);
        all.remove(&bits);
        assert!(!all.meets(&bits) && all.iter().count() == 294);
        all.unite(&bits);
        all.keep(&bits);
        assert_eq!(all, bits);
    }
}
