//! A proof that none of many texts occurs in a value, reading about every third byte of it: the
//! shift table of Wu and Manber over three letters.

/// Bits that are kept of a letter: enough to tell letters apart, and the same in either case.
const KEPT: u8 = 31;
const ENTRIES: usize = 1 << 15;

/// How far the window may move, by the three bytes at its end.
#[derive(Debug)]
pub(super) struct SkipTable {
    shifts: Box<[u8]>,
    window: usize,
}

impl SkipTable {
    /// For texts of three bytes or more, all of ASCII; `None` when one is shorter or another.
    pub(super) fn over(texts: &[String]) -> Option<Self> {
        let window = texts.iter().map(String::len).min()?.min(usize::from(u8::MAX));
        if window < 3 || !texts.iter().all(|text| text.is_ascii()) {
            return None;
        }
        let farthest = u8::try_from(window - 2).ok()?;
        let mut shifts = vec![farthest; ENTRIES].into_boxed_slice();
        for text in texts {
            let begin = text.as_bytes().get(..window)?;
            for (at, three) in begin.windows(3).enumerate() {
                let distance = u8::try_from(window - 3 - at).ok()?;
                let shift = shifts.get_mut(entry(three))?;
                *shift = (*shift).min(distance);
            }
        }
        Some(Self { shifts, window })
    }

    /// Whether none of the texts can be in this one, in whatever case. For ASCII only.
    pub(super) fn excludes(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = self.window - 3;
        while let Some(three) = bytes.get(at..at + 3) {
            match self.shifts.get(entry(three)) {
                Some(0) | None => return false,
                Some(shift) => at += usize::from(*shift),
            }
        }
        true
    }
}

fn entry(three: &[u8]) -> usize {
    three.iter().fold(0, |entry, byte| entry << 5 | usize::from(byte & KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_is_not_there() {
        let texts = ["exec".to_owned(), "/proxy/run".to_owned(), "bash".to_owned()];
        let table = SkipTable::over(&texts).unwrap();
        for text in ["", "ab", "/api/v1/namespaces/default/pods", "exe", "proxyrun/ba/sh"] {
            assert!(table.excludes(text), "{text}");
        }
        for text in ["exec", "/pods/x/EXEC?c", "/api/nodes/n/Proxy/Run/x", "x bash"] {
            assert!(!table.excludes(text), "{text}");
        }
        assert!(SkipTable::over(&["ab".to_owned()]).is_none());
        assert!(SkipTable::over(&[]).is_none());
    }
}
