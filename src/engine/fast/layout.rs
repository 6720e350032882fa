//! Which key follows which: the API server writes the keys of an object in the same order all day, so
//! the next one is guessed, and one comparison stands for finding its end, looking it up and stepping
//! over its colon. A guess that fails costs that comparison. Everything here is bounded, because who is
//! judged chooses the keys.

/// Bytes compared at once. A longer key has its rest compared behind that.
const HEAD: usize = 32;
/// Bytes of a key that is remembered, with its quotes and colon.
const KEY_MAX: usize = 128;
/// Keys remembered for one object, and for all.
const KEYS_MAX: usize = 96;
const ALL_MAX: usize = 4_096;

/// A key as it lies in the file, from its opening quote to its colon, without blanks or escapes.
#[derive(Debug)]
struct Key<T> {
    head: [u8; HEAD],
    /// All ones where the head has a byte of the key.
    mask: [u8; HEAD],
    tail: Box<[u8]>,
    length: usize,
    target: T,
    next: Guess,
}

/// The keys that are likely to come: the one that followed last time, and one that did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guess {
    likely: usize,
    other: usize,
}

impl Default for Guess {
    /// No key has these numbers.
    fn default() -> Self {
        Self { likely: usize::MAX, other: usize::MAX }
    }
}

/// A key that was met: what it leads to, the index behind its colon, and its own number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met<T> {
    pub(super) target: T,
    pub(super) after: usize,
    number: usize,
}

/// What is known of one kind of object.
#[derive(Debug, Default)]
struct Layout {
    first: Guess,
    keys: Vec<usize>,
}

/// The layouts of all kinds of objects, by their numbers.
#[derive(Debug)]
pub(super) struct Layouts<T> {
    keys: Vec<Key<T>>,
    layouts: Vec<Layout>,
}

impl<T> Default for Layouts<T> {
    fn default() -> Self {
        Self { keys: Vec::new(), layouts: Vec::new() }
    }
}

/// The place in an object: what came last in it, and what may come next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    object: usize,
    last: Option<usize>,
    guess: Guess,
}

impl<T: Copy> Layouts<T> {
    /// The beginning of an object of this kind.
    #[inline]
    pub(super) fn begin(&self, object: usize) -> Place {
        let guess = self.layouts.get(object).map(|layout| layout.first).unwrap_or_default();
        Place { object, last: None, guess }
    }

    /// The key at an index, if it is one of the two that are likely here.
    #[inline]
    pub(super) fn guess(&self, place: Place, text: &[u8], at: usize) -> Option<Met<T>> {
        let rest = text.get(at..)?;
        let Guess { likely, other } = place.guess;
        match rest.first_chunk::<HEAD>() {
            Some(window) => {
                let likely = self.is(likely, window, rest, at);
                likely.or_else(|| self.is(other, window, rest, at))
            }
            None => self.ends(likely, rest, at).or_else(|| self.ends(other, rest, at)),
        }
    }

    /// The same where the text ends too soon for a whole head.
    #[cold]
    fn ends(&self, number: usize, rest: &[u8], at: usize) -> Option<Met<T>> {
        let key = self.keys.get(number)?;
        let same = rest.get(..key.length).is_some_and(|raw| key.is(raw));
        same.then(|| Met { target: key.target, after: at + key.length, number })
    }

    #[inline]
    fn is(&self, number: usize, window: &[u8; HEAD], rest: &[u8], at: usize) -> Option<Met<T>> {
        let key = self.keys.get(number)?;
        let mut differs = 0;
        for ((byte, known), mask) in window.iter().zip(&key.head).zip(&key.mask) {
            differs |= (byte ^ known) & mask;
        }
        let same =
            differs == 0 && (key.tail.is_empty() || rest.get(HEAD..)?.starts_with(&key.tail));
        same.then(|| Met { target: key.target, after: at + key.length, number })
    }

    /// Goes on behind a key that was guessed.
    #[inline]
    pub(super) fn follow(&self, place: &mut Place, met: Met<T>) {
        place.last = Some(met.number);
        place.guess = self.keys.get(met.number).map(|key| key.next).unwrap_or_default();
    }

    /// Goes on behind a key that was not guessed, and remembers that it came here. `raw` is all of it,
    /// from its opening quote to its colon; without, it is spelt in a way that is not remembered.
    #[cold]
    pub(super) fn learn(&mut self, place: &mut Place, raw: Option<&[u8]>, target: T) {
        let number = raw.and_then(|raw| self.number(place.object, raw, target));
        if let Some(number) = number {
            let slot = match place.last {
                Some(last) => self.keys.get_mut(last).map(|key| &mut key.next),
                None => self.layouts.get_mut(place.object).map(|layout| &mut layout.first),
            };
            if let Some(guess) = slot {
                *guess = Guess { likely: number, other: guess.likely };
            }
        }
        place.last = number;
        let next = number.and_then(|number| self.keys.get(number)).map(|key| key.next);
        place.guess = next.unwrap_or_default();
    }

    /// The number of a key in an object, a new one if there is room.
    fn number(&mut self, object: usize, raw: &[u8], target: T) -> Option<usize> {
        if object >= self.layouts.len() {
            self.layouts.resize_with(object + 1, Layout::default);
        }
        let layout = self.layouts.get_mut(object)?;
        let known = layout
            .keys
            .iter()
            .find(|number| self.keys.get(**number).is_some_and(|key| key.is(raw)));
        if let Some(number) = known {
            return Some(*number);
        }
        if layout.keys.len() >= KEYS_MAX || self.keys.len() >= ALL_MAX || raw.len() > KEY_MAX {
            return None;
        }
        let number = self.keys.len();
        self.keys.push(Key::of(raw, target));
        layout.keys.push(number);
        Some(number)
    }
}

impl<T> Key<T> {
    fn of(raw: &[u8], target: T) -> Self {
        let (mut head, mut mask) = ([0; HEAD], [0; HEAD]);
        for ((byte, head), mask) in raw.iter().zip(&mut head).zip(&mut mask) {
            (*head, *mask) = (*byte, u8::MAX);
        }
        let tail = raw.get(HEAD..).unwrap_or_default().into();
        Self { head, mask, tail, length: raw.len(), target, next: Guess::default() }
    }

    fn is(&self, raw: &[u8]) -> bool {
        let head = raw.get(..raw.len().min(HEAD)).unwrap_or_default();
        self.length == raw.len() && self.head.starts_with(head) && raw.ends_with(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks the keys of a text that follow each other; gives what each leads to, and whether it was
    /// guessed.
    fn walk(layouts: &mut Layouts<usize>, object: usize, text: &str) -> Vec<(usize, bool)> {
        let mut place = layouts.begin(object);
        let (mut at, mut met) = (0, Vec::new());
        while at < text.len() {
            if let Some(guess) = layouts.guess(place, text.as_bytes(), at) {
                layouts.follow(&mut place, guess);
                met.push((guess.target, true));
                at = guess.after;
            } else {
                let rest = text.get(at..).unwrap();
                let length = rest.find(':').unwrap() + 1;
                let raw = &rest.as_bytes()[..length];
                layouts.learn(&mut place, Some(raw), length);
                met.push((length, false));
                at += length;
            }
        }
        met
    }

    #[test]
    fn keys_are_guessed_once_they_came_and_lead_to_the_same() {
        let mut layouts = Layouts::default();
        let long = format!("\"{}\":", "a".repeat(40));
        let longer = format!("\"{}b\":", "a".repeat(40));
        let text = format!("\"kind\":\"v\":{long}\"last\":");
        let first = walk(&mut layouts, 3, &text);
        assert!(first.iter().all(|(_, guessed)| !guessed));
        let lengths: Vec<usize> = first.iter().map(|(length, _)| *length).collect();
        assert_eq!(lengths, [7, 4, 43, 7]);
        let again = walk(&mut layouts, 3, &text);
        assert!(again.iter().all(|(_, guessed)| *guessed), "the last ones end with the text");
        assert_eq!(again.iter().map(|(length, _)| *length).collect::<Vec<_>>(), lengths);
        // One that goes on like another is not taken for it, and both are known from then on.
        let other = format!("\"kind\":\"v\":{longer}\"last\":");
        assert_eq!(walk(&mut layouts, 3, &other)[2], (44, false));
        assert_eq!(walk(&mut layouts, 3, &other)[2], (44, true));
        assert_eq!(walk(&mut layouts, 3, &text)[2], (43, true));
        // Another kind of object has seen none of them.
        assert!(walk(&mut layouts, 4, &text).iter().all(|(_, guessed)| !guessed));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut layouts = Layouts::default();
        for n in 0..20_000 {
            walk(&mut layouts, n % 100, &format!("\"key-{n}\":"));
        }
        assert_eq!(layouts.keys.len(), ALL_MAX);
        let overlong = format!("\"{}\":", "x".repeat(KEY_MAX));
        walk(&mut layouts, 200, &overlong);
        assert_eq!(walk(&mut layouts, 200, &overlong), [(KEY_MAX + 3, false)]);
    }
}
