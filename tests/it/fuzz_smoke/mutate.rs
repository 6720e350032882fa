//! Changes of a seed: bytes, pieces, words of the corpus, nesting, cuts and splices.

use crate::fast_path::variants::Dice;

use super::corpus::Corpus;

/// What a mutated input may grow to.
const BYTES_MAX: usize = 48 * 1024;

/// A seed of the corpus with one to eight changes.
pub(super) fn mutated(corpus: &Corpus, dice: &mut Dice) -> Vec<u8> {
    let mut data = dice.pick(corpus.seeds());
    for _ in 0..1 + dice.below(8) {
        change(&mut data, corpus, dice);
        data.truncate(BYTES_MAX);
    }
    data
}

fn change(data: &mut Vec<u8>, corpus: &Corpus, dice: &mut Dice) {
    let at = dice.below(data.len() + 1);
    let end = (at + 1 + dice.below(24)).min(data.len());
    match dice.below(12) {
        0 => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => {
            if let Some(byte) = data.get_mut(at) {
                *byte = dice.pick(b"\0\t\n\r \"'#%&()*,-.:>?@[\\]^`{|}~\x7f\x80\xc3\xff019aAzZ");
            }
        }
        2 => drop(data.drain(at..end.max(at))),
        3 => {
            let piece = data[at..end.max(at)].to_vec();
            insert(data, at, &piece.repeat(1 + dice.below(3)));
        }
        4..=6 => insert(data, at, dice.pick(corpus.words()).as_bytes()),
        7 => {
            // Replaces a piece by a word.
            data.drain(at..end.max(at));
            insert(data, at, dice.pick(corpus.words()).as_bytes());
        }
        8 => data.truncate(at),
        9 => {
            let other = dice.pick(corpus.seeds());
            let from = dice.below(other.len() + 1);
            let tail = other[from..].to_vec();
            data.truncate(at);
            data.extend(tail);
        }
        10 => {
            let opening =
                dice.pick(&["[", "{\"a\":", "(", "not ", "- ", "a:\n ", "(?:", "\\", "&a "]);
            insert(data, at, opening.repeat(1 + dice.below(200)).as_bytes());
        }
        _ => swap_lines(data, dice),
    }
}

fn insert(data: &mut Vec<u8>, at: usize, piece: &[u8]) {
    data.splice(at..at, piece.iter().copied());
}

fn swap_lines(data: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    lines.swap(one, other);
    *data = lines.join(&b'\n');
}
