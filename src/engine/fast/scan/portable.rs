//! Arithmetic on words of eight bytes: the windows of strings where there is no SSE2, and for tests
//! the masks of blocks, so that the block walk is checked without any vector too.

#[cfg(test)]
use super::blocks::{Masks, Simd, container};

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
#[derive(Clone, Copy)]
struct Words;

/// The walk over blocks, without any instruction that not every processor has.
#[cfg(test)]
pub(super) fn closes<const ESC: bool>(text: &[u8], at: usize) -> Option<usize> {
    container::<Words, ESC>(Words, text, at)
}

#[cfg(test)]
impl Simd for Words {
    #[inline]
    fn masks(self, block: &[u8; 64]) -> Masks {
        let mut masks = Masks {
            backslash: 0,
            quote: 0,
            open: 0,
            close: 0,
            comma: 0,
            colon: 0,
            braces: 0,
            special: 0,
        };
        let (words, _) = block.as_chunks::<8>();
        for (word, shift) in words.iter().zip((0..64).step_by(8)) {
            let word = u64::from_le_bytes(*word);
            let folded = word | (LOW * 0x20);
            masks.backslash |= bits(equal(word, b'\\')) << shift;
            masks.quote |= bits(equal(word, b'"')) << shift;
            masks.open |= bits(equal(folded, b'{')) << shift;
            masks.close |= bits(equal(folded, b'}')) << shift;
            masks.comma |= bits(equal(word, b',')) << shift;
            masks.colon |= bits(equal(word, b':')) << shift;
            masks.braces |= bits((word << 2) & HIGH) << shift;
            masks.special |= u32::from(special(word) != 0);
        }
        masks
    }

    #[inline]
    fn running_parity(self, mask: u64) -> u64 {
        let mut mask = mask;
        for shift in [1, 2, 4, 8, 16, 32] {
            mask ^= mask << shift;
        }
        mask
    }
}

/// The top bit of every byte that equals `byte`, exactly.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (LOW * u64::from(byte));
    // The top bit of a sum tells whether the low seven bits hold anything; no sum overflows its byte.
    let low = (other & !HIGH) + !HIGH;
    !(low | other) & HIGH
}

/// The top bit of every byte that is a control character or not ASCII.
#[inline]
fn special(word: u64) -> u64 {
    // Adding 0x60 sets the top bit of the low seven bits from 0x20 on.
    let printable = (word & !HIGH) + LOW * 0x60;
    (!printable | word) & HIGH
}

/// The top bits of eight bytes as eight bits, the first byte lowest.
#[inline]
fn bits(tops: u64) -> u64 {
    (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bytes at which a string may end or must be looked at: quotes, backslashes, control characters
/// and what is not ASCII.
#[inline]
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "SSE2 does it there; tests compare"))]
pub(super) fn stops(window: &[u8; 16]) -> u32 {
    let window = u128::from_le_bytes(*window);
    let mut found = 0;
    for shift in [0, 64] {
        #[expect(clippy::cast_possible_truncation, reason = "the half is what is meant")]
        let word = (window >> shift) as u64;
        let tops = equal(word, b'"') | equal(word, b'\\') | special(word);
        found |= bits(tops) << (shift / 8);
    }
    u32::try_from(found).unwrap_or_default()
}
