//! The masks by AVX2 and carry-less multiplication, and the windows of strings by SSE2.
//!
//! This is the only file of the crate with `unsafe` in it. All of it is of two kinds: a load from an
//! array whose size is in its type, and a call of an instruction set that was found at run time. No
//! pointer is kept, no index is computed and nothing is written.
#![expect(unsafe_code, reason = "vector loads, and instruction sets found at run time")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_clmulepi64_si128, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_cvtsi64_si128,
    _mm_cvtsi128_si64, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_min_epi8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_slli_epi16,
};

use super::blocks::{Masks, Simd, container};

/// Proof that this processor has AVX2, PCLMULQDQ, BMI1, BMI2, LZCNT and POPCNT: only `detect` makes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Self(()))
    }

    /// The walk over blocks.
    #[inline]
    pub(super) fn closes<const ESC: bool>(self, text: &[u8], at: usize) -> Option<usize> {
        // SAFETY: `self` exists, so the processor has every feature that `closes` is compiled for.
        unsafe { closes::<ESC>(self, text, at) }
    }
}

/// The whole walk is compiled for these features, so that everything inlined into it is too.
#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn closes<const ESC: bool>(simd: Avx2, text: &[u8], at: usize) -> Option<usize> {
    container::<Avx2, ESC>(simd, text, at)
}

impl Simd for Avx2 {
    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe { masks(block) }
    }

    #[inline(always)]
    fn running_parity(self, mask: u64) -> u64 {
        // SAFETY: `self` exists, so the processor has PCLMULQDQ.
        unsafe { running_parity(mask) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn masks(block: &[u8; 64]) -> Masks {
    let start = block.as_ptr().cast::<__m256i>();
    // SAFETY: the block is 64 bytes long, so both halves lie in it; these loads need no alignment.
    let (low, high) = unsafe { (_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))) };
    let blank = _mm256_set1_epi8(0x20);
    let (low_folded, high_folded) = (_mm256_or_si256(low, blank), _mm256_or_si256(high, blank));
    let special = _mm256_cmpgt_epi8(blank, _mm256_min_epi8(low, high));
    Masks {
        backslash: equal(low, high, b'\\'),
        quote: equal(low, high, b'"'),
        open: equal(low_folded, high_folded, b'{'),
        close: equal(low_folded, high_folded, b'}'),
        comma: equal(low, high, b','),
        colon: equal(low, high, b':'),
        // Bit 5 of each byte, moved to its top.
        braces: tops(_mm256_slli_epi16::<2>(low), _mm256_slli_epi16::<2>(high)),
        // As signed numbers, bytes that are not ASCII are below a blank too.
        special: _mm256_movemask_epi8(special).cast_unsigned(),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    tops(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted))
}

#[inline]
#[target_feature(enable = "avx2")]
fn tops(low: __m256i, high: __m256i) -> u64 {
    let low = _mm256_movemask_epi8(low).cast_unsigned();
    let high = _mm256_movemask_epi8(high).cast_unsigned();
    u64::from(low) | (u64::from(high) << 32)
}

#[inline]
#[target_feature(enable = "pclmulqdq")]
fn running_parity(mask: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(mask.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

/// Bytes at which a string may end or must be looked at: quotes, backslashes, control characters
/// and what is not ASCII.
#[inline(always)]
pub(super) fn stops(window: &[u8; 16]) -> u32 {
    // SAFETY: SSE2 is part of every x86-64 processor.
    unsafe { stops_sse2(window) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn stops_sse2(window: &[u8; 16]) -> u32 {
    let start = window.as_ptr().cast::<__m128i>();
    // SAFETY: the window is 16 bytes long, and this load needs no alignment.
    let bytes = unsafe { _mm_loadu_si128(start) };
    let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
    let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
    // As signed numbers, bytes that are not ASCII are below a blank too.
    let special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    let found = _mm_or_si128(_mm_or_si128(quotes, backslashes), special);
    _mm_movemask_epi8(found).cast_unsigned()
}
