//! The grammar of JSON on masks: 64 bytes a step, one bit per byte.
//!
//! The walk only ever says "closes here, and all of it is JSON". Wherever it has a doubt it gives
//! up, and the strict walker starts again at the opening brace and says what is wrong.
//!
//! Names: a mask is `u64`, its lowest bit the first byte of the block. `behind(x, last)` are the
//! bytes whose predecessor is in `x`, `last` being the topmost bit of `x` in the block before.

use super::escapes::{Quotes, behind, quotes_of};
use super::grammar;

/// Where the bytes stand that have a meaning. What lies behind the end of a text is in no mask.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    pub(super) backslash: u64,
    pub(super) quote: u64,
    /// `{` and `[`.
    pub(super) open: u64,
    /// `}` and `]`.
    pub(super) close: u64,
    pub(super) comma: u64,
    pub(super) colon: u64,
    /// Of the brackets and braces, the braces; of all other bytes, anything.
    pub(super) braces: u64,
    /// Not zero if some byte is a control character or not ASCII.
    pub(super) special: u32,
}

/// What an implementation brings: the masks of a block, and the running parity of a mask (bit i of
/// the result is the parity of bits 0 to i).
pub(super) trait Simd: Copy {
    fn masks(self, block: &[u8; 64]) -> Masks;
    fn running_parity(self, mask: u64) -> u64;
}

/// What `step` says of a block in which the container does not end.
const GOES_ON: usize = 0;

/// Deeper than this the strict walker takes over: one word holds the kinds of open containers.
const DEEPEST: u32 = 60;

/// What a block leaves to the next one. Of the masks it is the topmost bit.
#[derive(Clone, Copy)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// All backslashes of the block before.
    backslash: u64,
    other: u64,
    separator: u64,
    before_value: u64,
    before_key: u64,
    key_starter: u64,
    key_close: u64,
    /// The string that goes on is a key.
    in_key: u64,
    depth: u32,
    /// The kinds of the open containers, the innermost in the lowest bit: 1 is an array.
    arrays: u64,
}

impl Carry {
    /// Just behind the opening bracket, or brace, of a container.
    #[inline(always)]
    fn behind_opening(array: bool) -> Self {
        Self {
            in_string: 0,
            backslash: 0,
            other: 0,
            separator: 0,
            before_value: 1,
            before_key: u64::from(!array),
            key_starter: 0,
            key_close: 0,
            in_key: 0,
            depth: 1,
            arrays: u64::from(array),
        }
    }
}

/// The index behind the container whose opening brace or bracket stands just before `at`, where the
/// whole of it is JSON beyond doubt.
#[inline(always)]
pub(super) fn container<S: Simd, const ESC: bool>(
    simd: S,
    text: &[u8],
    at: usize,
) -> Option<usize> {
    let opening = *text.get(at.checked_sub(1)?)?;
    let array = match opening {
        b'[' => true,
        b'{' => false,
        _ => return None,
    };
    let mut carry = Carry::behind_opening(array);
    let mut special = 0;
    let mut place = at;
    let (blocks, rest) = text.get(at..)?.as_chunks::<64>();
    for block in blocks {
        let masks = simd.masks(block);
        special |= masks.special;
        let quotes = quotes_of::<ESC>(text, place, &masks, u64::MAX, carry.backslash);
        let (string, close) = strings(simd, &masks, &quotes, &carry);
        if quotes.valid != u64::MAX || close.count_ones() >= carry.depth {
            let end = last::<ESC>(text, place, (masks, quotes, string), carry)?;
            if end != GOES_ON {
                return ordinary(text, at, place + end, special);
            }
        }
        step::<ESC, true>(text, place, (masks, quotes, string), &mut carry)?;
        place += 64;
    }
    // The last block of a text is shorter: blanks fill it, and a mask says what is real.
    let mut block = [b' '; 64];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    let masks = simd.masks(&block);
    let valid = (1 << rest.len()) - 1;
    let quotes = quotes_of::<ESC>(text, place, &masks, valid, carry.backslash);
    let (string, _) = strings(simd, &masks, &quotes, &carry);
    match last::<ESC>(text, place, (masks, quotes, string), carry)? {
        GOES_ON => None,
        end => ordinary(text, at, place + end, special | masks.special),
    }
}

/// What lies from an opening quote up to, and without, the closing one; and the closing brackets
/// outside of that.
#[inline(always)]
fn strings<S: Simd>(simd: S, masks: &Masks, quotes: &Quotes, carry: &Carry) -> (u64, u64) {
    let string = simd.running_parity(quotes.structural) ^ carry.in_string;
    (string, masks.close & !string & quotes.valid)
}

/// A block in which the container may end: how many bytes of it belong to the container, or
/// `GOES_ON`, or `None` where there is a doubt.
#[inline(never)]
fn last<const ESC: bool>(
    text: &[u8],
    place: usize,
    (masks, quotes, string): (Masks, Quotes, u64),
    mut carry: Carry,
) -> Option<usize> {
    let outside = !string & quotes.valid;
    let end = closing(masks.open & outside, masks.close & outside, carry.depth);
    if end == GOES_ON {
        return (quotes.valid == u64::MAX).then_some(GOES_ON);
    }
    // What follows the container may be anything.
    let valid = quotes.valid & (u64::MAX >> (64 - end));
    step::<ESC, false>(text, place, (masks, Quotes { valid, ..quotes }, string), &mut carry)?;
    Some(end)
}

/// A second look at a text with bytes that are not plain ASCII: UTF-8 without control characters.
#[inline]
fn ordinary(text: &[u8], at: usize, end: usize, special: u32) -> Option<usize> {
    if special == 0 {
        return Some(end);
    }
    let content = text.get(at..end)?;
    let controls = content.iter().fold(false, |found, byte| found | (*byte < 0x20));
    (!controls && std::str::from_utf8(content).is_ok()).then_some(end)
}

/// Judges one block, all of whose bytes are valid if it is `FULL`.
#[inline(always)]
fn step<const ESC: bool, const FULL: bool>(
    text: &[u8],
    place: usize,
    (masks, quotes, string): (Masks, Quotes, u64),
    carry: &mut Carry,
) -> Option<()> {
    let valid = if FULL { u64::MAX } else { quotes.valid };
    let outside = !string & valid;
    let token = Tokens {
        string,
        quote: quotes.structural & valid,
        open: masks.open & outside,
        close: masks.close & outside,
        comma: masks.comma & outside,
        colon: masks.colon & outside,
        backslash: masks.backslash & outside,
        braces: masks.braces,
        valid,
    };
    let scalars = grammar_of::<ESC>(&token, carry)?;
    let (slashes, letters) = (quotes.slashes & valid, quotes.letters & valid);
    if scalars | slashes | letters != 0 {
        details(text, place, scalars, slashes, letters)?;
    }
    carry.in_string = 0u64.wrapping_sub(string >> 63);
    carry.backslash = masks.backslash;
    Some(())
}

/// The tokens of a block, none behind the end of the container.
struct Tokens {
    string: u64,
    /// Structural quotes.
    quote: u64,
    open: u64,
    close: u64,
    comma: u64,
    colon: u64,
    /// Backslashes outside strings.
    backslash: u64,
    braces: u64,
    valid: u64,
}

/// Judges every token by the one before it, and gives the places where scalars begin.
#[inline(always)]
fn grammar_of<const ESC: bool>(token: &Tokens, carry: &mut Carry) -> Option<u64> {
    let Tokens { string, quote, open, close, comma, colon, valid, .. } = *token;
    let opening_quote = quote & string;
    let closing_quote = quote & !string;
    // In escaped text a string begins with the backslash of its opening quote.
    let starter = if ESC { token.backslash } else { opening_quote };
    let separator = comma | colon;
    // Scalars, and whatever has no business here, blanks included.
    let other = valid & !(string | closing_quote | open | close | separator | starter);
    let scalar = other & !behind(other, carry.other);

    let before_value = separator | open;
    let after_opening = behind(before_value, carry.before_value);
    let mut wrong = (starter | open | scalar) & !after_opening;
    wrong |= separator & after_opening;
    wrong |= close & behind(separator, carry.separator);

    // Behind a brace, and behind a comma in an object, stands a key: a string before a colon. No
    // other string stands before a colon.
    let in_objects = contexts(token, carry)?;
    let before_key = (open & token.braces) | (comma & in_objects);
    let key_place = behind(before_key, carry.before_key);
    wrong |= (open | scalar) & key_place;
    let key_starter = starter & key_place;
    // A backslash that is no part of a quote has been doubted above, or leads to a scalar that is none.
    let key_quote = if ESC { behind(key_starter, carry.key_starter) } else { key_starter };
    // Adding a key's first bit to the run of ones that is its string makes a one behind the run.
    let sum = string.wrapping_add(key_quote).wrapping_add(carry.in_key);
    let key_close = sum & closing_quote;
    wrong |= (behind(key_close, carry.key_close) & valid) ^ colon;
    if wrong != 0 {
        return None;
    }
    carry.other = other >> 63;
    carry.separator = separator >> 63;
    carry.before_value = before_value >> 63;
    carry.before_key = before_key >> 63;
    carry.key_starter = key_starter >> 63;
    carry.key_close = key_close >> 63;
    // A key that goes on turned the ones of its string into zeros up to the end of the block.
    carry.in_key = (string & !sum) >> 63;
    Some(scalar)
}

/// Follows the nesting, and gives the bytes that lie directly in an object. `None` where a brace
/// closes a bracket, or where it nests too deep for one word.
#[inline(always)]
fn contexts(token: &Tokens, carry: &mut Carry) -> Option<u64> {
    let Tokens { open, close, braces, .. } = *token;
    let (opened, closed) = (open.count_ones(), close.count_ones());
    if carry.depth + opened > DEEPEST {
        return None;
    }
    carry.depth = (carry.depth + opened).wrapping_sub(closed);
    if (open | close) & !braces == 0 && carry.arrays.trailing_zeros() > closed {
        // Only braces, and no array within reach of those that close.
        carry.arrays = (carry.arrays << opened) >> closed;
        return Some(u64::MAX);
    }
    let mut objects = 0;
    let mut mismatch = 0;
    // All bytes from the last bracket on.
    let mut from = u64::MAX;
    let mut left = open | close;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        let up_to = left ^ (left - 1);
        let inner = carry.arrays & 1;
        objects |= from & up_to & inner.wrapping_sub(1);
        from = !up_to;
        let array = u64::from(braces & bit == 0);
        let entered = (carry.arrays << 1) | array;
        let left_over = carry.arrays >> 1;
        let opens = open & bit != 0;
        mismatch |= u64::from(!opens) & (inner ^ array);
        carry.arrays = if opens { entered } else { left_over };
        left &= left - 1;
    }
    objects |= from & (carry.arrays & 1).wrapping_sub(1);
    (mismatch == 0).then_some(objects)
}

/// How many bytes belong to the container, which is `depth` levels above the first byte of the block,
/// or `GOES_ON`.
#[inline]
fn closing(open: u64, mut close: u64, depth: u32) -> usize {
    let mut closed = 0;
    while close != 0 {
        let before = (close & close.wrapping_neg()) - 1;
        closed += 1;
        if depth + (open & before).count_ones() == closed {
            return before.count_ones() as usize + 1;
        }
        close &= close - 1;
    }
    GOES_ON
}

/// What must be read byte by byte: scalars, slashes escaped by the outer text, escapes.
#[inline(never)]
fn details(
    text: &[u8],
    place: usize,
    mut scalars: u64,
    mut slashes: u64,
    mut letters: u64,
) -> Option<()> {
    while scalars != 0 {
        scalar(text, place + scalars.trailing_zeros() as usize)?;
        scalars &= scalars - 1;
    }
    while slashes != 0 {
        if text.get(place + slashes.trailing_zeros() as usize) != Some(&b'/') {
            return None;
        }
        slashes &= slashes - 1;
    }
    while letters != 0 {
        grammar::letter(text, place + letters.trailing_zeros() as usize)?;
        letters &= letters - 1;
    }
    Some(())
}

/// A scalar with a separator or a closing brace or bracket right behind it. What API servers write
/// all day is looked at first: eight bytes at once.
#[inline]
fn scalar(text: &[u8], at: usize) -> Option<()> {
    let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
        return any_scalar(text, at);
    };
    let word = u64::from_le_bytes(*bytes);
    // The top bit of every byte that is no digit.
    let digits = word ^ 0x3030_3030_3030_3030;
    let others = (((digits & !TOPS) + 0x7676_7676_7676_7676) | digits) & TOPS;
    let length = match bytes {
        [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => 4,
        [b'f', b'a', b'l', b's', b'e', ..] => 5,
        [b'1'..=b'9', ..] => others.trailing_zeros() / 8,
        _ => return any_scalar(text, at),
    };
    match bytes.get(length as usize) {
        Some(b',' | b'}' | b']') => Some(()),
        _ => any_scalar(text, at),
    }
}

const TOPS: u64 = 0x8080_8080_8080_8080;

#[cold]
#[inline(never)]
fn any_scalar(text: &[u8], at: usize) -> Option<()> {
    let end = grammar::scalar(text, at).ok()?;
    matches!(text.get(end), Some(b',' | b'}' | b']')).then_some(())
}
