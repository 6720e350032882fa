//! The grammar of JSON on masks: 64 bytes a step, one bit per byte.
//!
//! The walk only ever says "closes here, and all of it is JSON". Wherever it has a doubt it gives
//! up, and the strict walker starts again at the opening brace and says what is wrong.
//!
//! Names: a mask is `u64`, its lowest bit the first byte of the block. `behind(x, last)` are the
//! bytes whose predecessor is in `x`, `last` being the topmost bit of `x` in the block before.

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
    /// Some byte is a control character or not ASCII.
    pub(super) special: bool,
}

/// What an implementation brings: the masks of a block, and the running parity of a mask (bit i of
/// the result is the parity of bits 0 to i).
pub(super) trait Simd: Copy {
    fn masks(self, block: &[u8; 64]) -> Masks;
    fn running_parity(self, mask: u64) -> u64;
}

/// Deeper than this the strict walker takes over: one word holds the kinds of open containers.
const DEEPEST: u32 = 60;

/// What a block leaves to the next one. Of the masks it is the topmost bit.
#[derive(Clone, Copy)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// All backslashes of the block before.
    backslash: u64,
    starter: u64,
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
            starter: 0,
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

/// What the backslashes of a block come to.
struct Quotes {
    /// Quotes that open or close a string.
    structural: u64,
    /// The bytes of the text; in escaped text, those before the end of the outer string.
    valid: u64,
    /// Bytes which must be a slash.
    slashes: u64,
    /// Bytes which must be the letter of an escape.
    letters: u64,
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
    let mut special = false;
    let mut place = at;
    loop {
        let rest = text.get(place..)?;
        let (masks, valid) = match rest.first_chunk::<64>() {
            Some(block) => (simd.masks(block), u64::MAX),
            None => tail(simd, rest)?,
        };
        special |= masks.special;
        if let Some(bit) = step::<S, ESC>(simd, text, place, (&masks, valid), &mut carry)? {
            let end = place + bit as usize + 1;
            return if special { ordinary(text, at, end) } else { Some(end) };
        }
        place += 64;
    }
}

/// The last block of a text, which is shorter: blanks fill it, and the mask says what is real.
#[cold]
#[inline(never)]
fn tail<S: Simd>(simd: S, rest: &[u8]) -> Option<(Masks, u64)> {
    let mut block = [b' '; 64];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    let valid = (1u64.checked_shl(u32::try_from(rest.len()).ok()?)?).wrapping_sub(1);
    (valid != 0).then(|| (simd.masks(&block), valid))
}

/// A second look at a text with bytes that are not plain ASCII: UTF-8 without control characters.
#[cold]
#[inline(never)]
fn ordinary(text: &[u8], at: usize, end: usize) -> Option<usize> {
    let content = text.get(at..end)?;
    let controls = content.iter().fold(false, |found, byte| found | (*byte < 0x20));
    (!controls && std::str::from_utf8(content).is_ok()).then_some(end)
}

#[inline(always)]
fn behind(mask: u64, last: u64) -> u64 {
    (mask << 1) | last
}

/// One block: `None` is a doubt, `Some(None)` goes on, `Some(Some(bit))` closes the container.
#[inline(always)]
fn step<S: Simd, const ESC: bool>(
    simd: S,
    text: &[u8],
    place: usize,
    (masks, valid): (&Masks, u64),
    carry: &mut Carry,
) -> Option<Option<u32>> {
    let quotes = if ESC {
        escaped_quotes(text, place, masks, valid, carry.backslash)
    } else {
        plain_quotes(text, place, masks, valid, carry.backslash)
    };
    let mut valid = quotes.valid;
    // From an opening quote up to, and without, the closing one.
    let string = simd.running_parity(quotes.structural) ^ carry.in_string;
    let outside = !string;
    let (open, close) = (masks.open & outside & valid, masks.close & outside & valid);
    let mut end = None;
    if close.count_ones() >= carry.depth {
        end = closing(open, close, carry.depth);
    }
    match end {
        // What follows the container may be anything.
        Some(bit) => valid &= u64::MAX >> (63 - bit),
        None if valid != u64::MAX => return None,
        None => {}
    }
    let token = Tokens {
        string,
        quote: quotes.structural & valid,
        open: open & valid,
        close: close & valid,
        comma: masks.comma & outside & valid,
        colon: masks.colon & outside & valid,
        backslash: masks.backslash & outside & valid,
        braces: masks.braces,
        valid,
    };
    let scalars = grammar_of::<ESC>(&token, carry)?;
    let (slashes, letters) = (quotes.slashes & valid, quotes.letters & valid);
    if scalars | slashes | letters != 0 {
        details(text, place, scalars, slashes, letters)?;
    }
    carry.in_string = if string >> 63 == 1 { u64::MAX } else { 0 };
    carry.backslash = masks.backslash;
    Some(end)
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
    let key_quote = if ESC {
        wrong |= (behind(starter, carry.starter) & valid) ^ opening_quote;
        behind(key_starter, carry.key_starter)
    } else {
        key_starter
    };
    // Adding a key's first bit to the run of ones that is its string makes a one behind the run.
    let (sum, over) = string.overflowing_add(key_quote);
    let (sum, more) = sum.overflowing_add(carry.in_key);
    let key_close = sum & closing_quote;
    wrong |= (behind(key_close, carry.key_close) & valid) ^ colon;
    if wrong != 0 {
        return None;
    }
    carry.starter = starter >> 63;
    carry.other = other >> 63;
    carry.separator = separator >> 63;
    carry.before_value = before_value >> 63;
    carry.before_key = before_key >> 63;
    carry.key_starter = key_starter >> 63;
    carry.key_close = key_close >> 63;
    carry.in_key = u64::from(over | more);
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
    carry.depth = (carry.depth + opened).saturating_sub(closed);
    if (open | close) & !braces == 0 && carry.arrays.trailing_zeros() > closed {
        // Only braces, and no array within reach of those that close.
        carry.arrays = (carry.arrays << opened) >> closed;
        return Some(u64::MAX);
    }
    let mut objects = 0;
    let mut left = open | close;
    // All bytes from the last bracket on.
    let mut from = u64::MAX;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        let up_to = bit | (bit - 1);
        if carry.arrays & 1 == 0 {
            objects |= from & up_to;
        }
        from = !up_to;
        let array = u64::from(braces & bit == 0);
        if open & bit != 0 {
            carry.arrays = (carry.arrays << 1) | array;
        } else if carry.arrays & 1 == array {
            carry.arrays >>= 1;
        } else {
            return None;
        }
        left &= left - 1;
    }
    if carry.arrays & 1 == 0 {
        objects |= from;
    }
    Some(objects)
}

/// The byte that closes the container, `depth` levels above the first byte of the block.
#[inline]
fn closing(open: u64, mut close: u64, depth: u32) -> Option<u32> {
    let mut closed = 0;
    while close != 0 {
        let bit = close.trailing_zeros();
        closed += 1;
        let opened = (open & ((1 << bit) - 1)).count_ones();
        if depth + opened == closed {
            return Some(bit);
        }
        close &= close - 1;
    }
    None
}

/// In plain text a backslash escapes what follows, unless it is itself escaped: what stands behind
/// a run of them is escaped where the run is odd.
#[inline(always)]
fn plain_quotes(text: &[u8], place: usize, masks: &Masks, valid: u64, last: u64) -> Quotes {
    let one = behind(masks.backslash, last >> 63);
    if one == 0 {
        return Quotes { structural: masks.quote & valid, valid, slashes: 0, letters: 0 };
    }
    let two = one & ((masks.backslash << 2) | (last >> 62));
    let three = two & ((masks.backslash << 3) | (last >> 61));
    let ends = one & !masks.backslash;
    let mut escaped = ends & !two;
    let mut long = ends & three & valid;
    while long != 0 {
        let bit = long & long.wrapping_neg();
        if run(text, place + long.trailing_zeros() as usize) % 2 == 1 {
            escaped |= bit;
        }
        long &= long - 1;
    }
    Quotes {
        structural: masks.quote & !escaped & valid,
        valid,
        slashes: 0,
        letters: escaped & !masks.quote,
    }
}

/// In escaped text two backslashes are one of the inner text, and a last single one escapes the
/// byte behind the run for the outer text. So of a run it matters what is left when divided by four:
/// 0, nothing; 1, an outer escape: a structural quote; 2, an inner escape; 3, both: a quote that is
/// part of a string.
#[inline(always)]
fn escaped_quotes(text: &[u8], place: usize, masks: &Masks, valid: u64, last: u64) -> Quotes {
    let (backslash, quote) = (masks.backslash, masks.quote);
    let one = behind(backslash, last >> 63);
    let two = one & ((backslash << 2) | (last >> 62));
    let mut rests = [0, one, 0, 0];
    if two | (one & backslash) != 0 {
        rests = runs(text, place, backslash, last);
    }
    let [_, structural, letters, inner] = rests;
    let escaped = structural | inner;
    // A quote that the outer text does not escape ends it.
    let cut = quote & !escaped & valid;
    let valid = if cut == 0 { valid } else { (cut & cut.wrapping_neg()) - 1 };
    Quotes { structural: quote & structural & valid, valid, slashes: escaped & !quote, letters }
}

/// The bytes behind runs of backslashes, by the length of the run divided by four.
#[inline(always)]
fn runs(text: &[u8], place: usize, backslash: u64, last: u64) -> [u64; 4] {
    let one = behind(backslash, last >> 63);
    let two = one & ((backslash << 2) | (last >> 62));
    let three = two & ((backslash << 3) | (last >> 61));
    let four = three & ((backslash << 4) | (last >> 60));
    let ends = one & !backslash;
    let mut rests = [0, ends & !two, ends & two & !three, ends & three & !four];
    let mut long = ends & four;
    while long != 0 {
        let length = run(text, place + long.trailing_zeros() as usize);
        if let Some(rest) = rests.get_mut(length % 4) {
            *rest |= long & long.wrapping_neg();
        }
        long &= long - 1;
    }
    rests
}

/// How many backslashes stand before `end`. Each run has one end, so no run is counted twice; and an
/// opening brace stands before all of them.
#[cold]
#[inline(never)]
fn run(text: &[u8], end: usize) -> usize {
    let before = text.get(..end).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// What must be read byte by byte: scalars, slashes escaped by the outer text, escapes.
#[inline]
fn details(
    text: &[u8],
    place: usize,
    mut scalars: u64,
    mut slashes: u64,
    mut letters: u64,
) -> Option<()> {
    while scalars != 0 {
        let end = grammar::scalar(text, place + scalars.trailing_zeros() as usize).ok()?;
        if !matches!(text.get(end), Some(b',' | b'}' | b']')) {
            return None;
        }
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
