//! Any texts as a pattern and as what it is held against: a pattern matches exactly when a plain
//! model says so, in every shape and case; a text that is escaped is found as itself; a chain of
//! modifiers is either a plan or has reasons.

use midwatch::sigma::modifier;
use midwatch::sigma::pattern::{Pattern, Shape, Token, fold, literal, tokens};

/// The model takes the product of both lengths.
const CHARS_MAX: usize = 400;

pub(crate) fn check(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let (pattern, text) = data.split_once(['\0', '\n']).unwrap_or((&data, ""));
    chain(pattern);
    if pattern.chars().count() > CHARS_MAX || text.chars().count() > CHARS_MAX {
        return;
    }
    for text in [text, pattern] {
        let escaped: String = text.chars().flat_map(escaped).collect();
        assert_eq!(literal(&tokens(&escaped)).as_deref(), Some(text), "{escaped:?}");
        assert!(Pattern::new(&tokens(&escaped), Shape::Whole, true).matches(text));
    }
    let pieces = tokens(pattern);
    for shape in [Shape::Whole, Shape::Contains, Shape::StartsWith, Shape::EndsWith] {
        for cased in [false, true] {
            let compiled = Pattern::new(&pieces, shape, cased);
            assert_eq!(
                compiled.matches(text),
                model(&pieces, shape, cased, text),
                "{pattern:?} {shape:?} cased {cased} on {text:?}"
            );
        }
    }
}

fn escaped(c: char) -> Vec<char> {
    if matches!(c, '*' | '?' | '\\') { vec!['\\', c] } else { vec![c] }
}

fn chain(text: &str) {
    let names: Vec<&str> = text.split('|').collect();
    for keyword in [false, true] {
        if let Err(reasons) = modifier::plan(&names, keyword) {
            assert!(!reasons.is_empty(), "{names:?}");
            assert!(reasons.iter().all(|reason| reason.contains(' ')), "{reasons:?}");
        }
    }
}

/// Which ends of the text can be reached with so many elements of the pattern, one after the other.
fn model(pattern: &[Token], shape: Shape, cased: bool, text: &str) -> bool {
    let text = if cased { text.to_owned() } else { fold(text).into_owned() };
    let text: Vec<char> = text.chars().collect();
    let open_start = matches!(shape, Shape::Contains | Shape::EndsWith);
    let open_end = matches!(shape, Shape::Contains | Shape::StartsWith);
    let mut reached: Vec<bool> = (0..=text.len()).map(|at| at == 0 || open_start).collect();
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        match token {
            Token::Any => {
                let mut any = false;
                for (next, reached) in next.iter_mut().zip(&reached) {
                    any |= reached;
                    *next = any;
                }
            }
            Token::One => next[1..].copy_from_slice(&reached[..text.len()]),
            Token::Char(c) => {
                let wanted: String = c.to_string();
                let wanted = if cased { wanted } else { fold(&wanted).into_owned() };
                for (at, seen) in text.iter().enumerate() {
                    next[at + 1] = reached[at] && wanted.chars().eq([*seen]);
                }
            }
        }
        reached = next;
    }
    if open_end { reached.contains(&true) } else { reached[text.len()] }
}
