//! Which of many texts occur in a value: the search of Wu and Manber, over three letters. Where none
//! of the texts is near it reads about every third byte, and most values hold none.

use std::collections::HashMap;

/// Bits that are kept of a letter: enough to tell letters apart, and the same in either case.
const KEPT: u8 = 31;
const ENTRIES: usize = 1 << 15;
/// Shorter texts leave no three letters to look at.
pub(super) const SHORTEST: usize = 3;

/// Texts of ASCII in lower case, each three bytes or longer, and how to find them in any case.
#[derive(Debug)]
pub(super) struct Search {
    texts: Vec<Box<[u8]>>,
    /// How far the window may move, by the three bytes at its end; nought where a text may end it.
    shifts: Box<[u8]>,
    /// The texts whose beginning ends the window in these three bytes.
    ending: HashMap<usize, Vec<usize>, foldhash::fast::RandomState>,
    window: usize,
}

impl Search {
    /// Whether a text can be searched for.
    pub(super) fn takes(text: &str) -> bool {
        text.len() >= SHORTEST && text.is_ascii()
    }

    /// A search for these texts; `None` when there are none, or one that it does not take.
    pub(super) fn over(texts: &[String]) -> Option<Self> {
        let window = texts.iter().map(String::len).min()?.min(usize::from(u8::MAX));
        if !texts.iter().all(|text| Self::takes(text)) {
            return None;
        }
        let farthest = u8::try_from(window - 2).ok()?;
        let mut shifts = vec![farthest; ENTRIES].into_boxed_slice();
        let mut ending: HashMap<usize, Vec<usize>, _> = HashMap::default();
        for (number, text) in texts.iter().enumerate() {
            let begin = text.as_bytes().get(..window)?;
            for (at, three) in begin.windows(3).enumerate() {
                let distance = u8::try_from(window - 3 - at).ok()?;
                let shift = shifts.get_mut(entry(three))?;
                *shift = (*shift).min(distance);
                if distance == 0 {
                    ending.entry(entry(three)).or_default().push(number);
                }
            }
        }
        let texts = texts.iter().map(|text| text.as_bytes().into()).collect();
        Some(Self { texts, shifts, ending, window })
    }

    /// Calls for each text that is in this one, in whatever case: at least once.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut at = self.window - 3;
        while let Some(three) = text.get(at..at + 3) {
            let entry = entry(three);
            match self.shifts.get(entry) {
                Some(0) | None => {
                    let from = text.get(at + 3 - self.window..).unwrap_or_default();
                    for number in self.ending.get(&entry).into_iter().flatten() {
                        if self.begins(from, *number) {
                            found(*number);
                        }
                    }
                    at += 1;
                }
                Some(shift) => at += usize::from(*shift),
            }
        }
    }

    fn begins(&self, from: &[u8], number: usize) -> bool {
        let Some(wanted) = self.texts.get(number) else { return false };
        from.get(..wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted))
    }
}

fn entry(three: &[u8]) -> usize {
    three.iter().fold(0, |entry, byte| entry << 5 | usize::from(byte & KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], text: &str) -> Vec<usize> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut all = Vec::new();
        Search::over(&texts).unwrap().find(text.as_bytes(), |number| all.push(number));
        all.sort_unstable();
        all.dedup();
        all
    }

    #[test]
    fn exactly_the_texts_that_are_there_are_found_in_any_case() {
        let texts = ["exec", "/proxy/run", "bash", "execute", "ash", "..%2f"];
        for text in ["", "ab", "/api/v1/namespaces/default/pods", "exe", "proxyrun/ba/sh", "erf"] {
            assert_eq!(found(&texts, text), Vec::<usize>::new(), "{text}");
        }
        assert_eq!(found(&texts, "EXECUTE"), [0, 3]);
        assert_eq!(found(&texts, "/pods/x/exec?c=bash"), [0, 2, 4]);
        assert_eq!(found(&texts, "/api/nodes/n/Proxy/Run/x..%2F"), [1, 5]);
    }

    #[test]
    fn every_place_in_a_long_text_is_looked_at() {
        let texts = ["abcdef", "xyz-1"];
        for before in 0..40 {
            let text = format!("{}xYz-1{}", "abcde".repeat(before), "x".repeat(before));
            assert_eq!(found(&texts, &text), [1], "{text}");
        }
    }

    #[test]
    fn short_texts_and_other_letters_are_not_taken() {
        assert!(Search::over(&["ab".to_owned()]).is_none());
        assert!(Search::over(&["äbc".to_owned()]).is_none());
        assert!(Search::over(&[]).is_none());
    }
}
