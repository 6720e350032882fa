//! The condition language: tokens, grammar, and the names it refers to. `not` binds tighter than
//! `and`, which binds tighter than `or`; key words are read in any case.

use super::error::{bounded, quote};

/// Parentheses and `not` may nest this deep.
const DEPTH_MAX: usize = 50;
/// Words and parentheses of one condition.
const TOKENS_MAX: usize = 2_000;

/// A condition over selections, which are numbered in the order of the detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Selection(usize),
    /// `1 of sel*`, `all of them`: at least one selection.
    Of {
        quantity: Quantity,
        /// The words as written, such as `1 of sel*`.
        text: String,
        selections: Vec<usize>,
    },
}

impl Condition {
    /// Marks the selections that the condition names, by their numbers.
    pub(crate) fn mark(&self, used: &mut [bool]) {
        let mut set = |index: usize| {
            used.get_mut(index).into_iter().for_each(|used| *used = true);
        };
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.mark(used)),
            Self::Not(inner) => inner.mark(used),
            Self::Selection(index) => set(*index),
            Self::Of { selections, .. } => selections.iter().copied().for_each(set),
        }
    }
}

/// How many of several selections must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// `1 of` and `any of`.
    Any,
    All,
}

/// Why a condition cannot be read, and at which character (counted from 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    pub offset: usize,
    pub reason: String,
}

/// Reads a condition over selections with these names.
pub fn parse(text: &str, names: &[&str]) -> Result<Condition, ConditionError> {
    let tokens = tokens(text)?;
    let end = text.chars().count();
    let mut parser = Parser { tokens: &tokens, next: 0, end, names, depth: 0 };
    if tokens.is_empty() {
        return Err(parser.fault("the condition is empty; name the selections that must hold"));
    }
    let condition = parser.or()?;
    match parser.peek() {
        None => Ok(condition),
        Some(Token { kind: Kind::Close, .. }) => {
            Err(parser.fault("this `)` closes nothing; remove it, or open a `(` before"))
        }
        Some(token) => {
            let reason = format!("{} stands where `and` or `or` is expected", quote(&token.text));
            Err(parser.fault(reason))
        }
    }
}

/// Why a condition could never name this selection.
pub(crate) fn unusable_name(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    if ["and", "or", "not", "of", "them", "all", "any", "1"].contains(&lower.as_str()) {
        return Some(format!("{} is a word of the condition language; rename it", quote(name)));
    }
    // A bar is let pass: no condition can spell it, but `1 of selection*` reaches it.
    let odd = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '*');
    if name.is_empty() || name.contains(odd) {
        return Some(format!(
            "no condition can name {}; use letters, digits, `_`, `-` or `.`",
            quote(name)
        ));
    }
    None
}

#[derive(Debug)]
struct Token {
    offset: usize,
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    Of,
    Word,
}

fn tokens(text: &str) -> Result<Vec<Token>, ConditionError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut word = String::new();
    let mut start = 0;
    let end = text.chars().count();
    for (offset, c) in text.chars().chain([' ']).enumerate() {
        if c == '|' {
            return Err(ConditionError {
                offset,
                reason: "aggregations after `|` are gone from Sigma; write a correlation document \
                         (`correlation: type: event_count`) that refers to this rule"
                    .to_owned(),
            });
        }
        let special = matches!(c, '(' | ')');
        if !special && !c.is_whitespace() {
            if word.is_empty() {
                start = offset;
            }
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let text = std::mem::take(&mut word);
            tokens.push(Token { offset: start, kind: kind(&text), text });
        }
        if special {
            let kind = if c == '(' { Kind::Open } else { Kind::Close };
            tokens.push(Token { offset, kind, text: c.to_string() });
        }
        if tokens.len() > TOKENS_MAX {
            let reason = format!("the condition has more than {TOKENS_MAX} words; simplify it");
            return Err(ConditionError { offset: offset.min(end), reason });
        }
    }
    Ok(tokens)
}

fn kind(word: &str) -> Kind {
    match word.to_ascii_lowercase().as_str() {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        "of" => Kind::Of,
        _ => Kind::Word,
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    end: usize,
    names: &'a [&'a str],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, kind: Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == kind);
        self.next += usize::from(found);
        found
    }

    /// A fault at the next token.
    fn fault(&self, reason: impl Into<String>) -> ConditionError {
        let offset = self.peek().map_or(self.end, |token| token.offset);
        ConditionError { offset, reason: reason.into() }
    }

    fn or(&mut self) -> Result<Condition, ConditionError> {
        let mut branches = vec![self.and()?];
        while self.take(Kind::Or) {
            branches.push(self.and()?);
        }
        Ok(only(&mut branches).unwrap_or(Condition::Or(branches)))
    }

    fn and(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.not()?];
        while self.take(Kind::And) {
            parts.push(self.not()?);
        }
        Ok(only(&mut parts).unwrap_or(Condition::And(parts)))
    }

    fn not(&mut self) -> Result<Condition, ConditionError> {
        if self.depth >= DEPTH_MAX {
            let reason = format!("nested deeper than {DEPTH_MAX} levels; simplify the condition");
            return Err(self.fault(reason));
        }
        self.depth += 1;
        let result = if self.take(Kind::Not) {
            self.not().map(|inner| Condition::Not(Box::new(inner)))
        } else {
            self.operand()
        };
        self.depth -= 1;
        result
    }

    fn operand(&mut self) -> Result<Condition, ConditionError> {
        let Some(token) = self.peek() else {
            return Err(self.fault("the condition ends where a selection is expected"));
        };
        match token.kind {
            Kind::Open => {
                self.next += 1;
                let inner = self.or()?;
                if self.take(Kind::Close) {
                    Ok(inner)
                } else {
                    Err(self.fault("a `)` is missing here"))
                }
            }
            Kind::Word => self.word(token),
            _ => {
                Err(self
                    .fault(format!("{} stands where a selection is expected", quote(&token.text))))
            }
        }
    }

    fn word(&mut self, token: &Token) -> Result<Condition, ConditionError> {
        let of = self.tokens.get(self.next + 1).is_some_and(|next| next.kind == Kind::Of);
        if of {
            let quantity = match token.text.to_ascii_lowercase().as_str() {
                "1" | "any" => Quantity::Any,
                "all" => Quantity::All,
                _ => {
                    let reason = format!(
                        "Sigma counts no further than `1 of`, `any of` and `all of`; {} is none",
                        quote(&token.text)
                    );
                    return Err(self.fault(reason));
                }
            };
            self.next += 2;
            return self.of(quantity, token);
        }
        let Some(index) = self.names.iter().position(|name| *name == token.text) else {
            return Err(self.fault(unknown(&token.text, self.names)));
        };
        self.next += 1;
        Ok(Condition::Selection(index))
    }

    fn of(&mut self, quantity: Quantity, first: &Token) -> Result<Condition, ConditionError> {
        let Some(target) = self.peek().filter(|token| token.kind == Kind::Word) else {
            return Err(self.fault("after `of`, name `them` or a pattern such as `selection_*`"));
        };
        let them = target.text.eq_ignore_ascii_case("them");
        let pattern = if them { "*" } else { target.text.as_str() };
        let hidden = pattern.starts_with('_');
        let selections: Vec<usize> = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| (hidden || !name.starts_with('_')) && glob(pattern, name))
            .map(|(index, _)| index)
            .collect();
        if selections.is_empty() {
            let reason = format!("no selection is called like {}", quote(&target.text));
            return Err(self.fault(reason + " (those that begin with `_` do not count)"));
        }
        self.next += 1;
        let text = format!("{} of {}", first.text.to_lowercase(), target.text);
        Ok(Condition::Of { quantity, text, selections })
    }
}

fn only(parts: &mut Vec<Condition>) -> Option<Condition> {
    if parts.len() == 1 { parts.pop() } else { None }
}

fn unknown(word: &str, names: &[&str]) -> String {
    if word.contains('*') {
        let word = bounded(word, 60);
        return format!("a pattern needs a number: write `1 of {word}` or `all of {word}`");
    }
    let known: Vec<String> = names.iter().take(8).map(|name| quote(name)).collect();
    if known.is_empty() {
        return format!("there is no selection {}; the rule has none at all", quote(word));
    }
    format!("there is no selection {}; the rule has {}", quote(word), known.join(", "))
}

/// `*` anywhere in the pattern stands for any characters; case counts.
fn glob(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
