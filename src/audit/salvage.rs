//! JSON that was cut off: everything that stood complete before the cut.
//!
//! The platform cuts `properties.log` at 16 or 32 KiB, anywhere: inside a key, an escape or a
//! UTF-8 sequence. Members and array elements that are complete are kept, and so are the objects
//! and arrays around them. Left out is what could read differently than it was written: a string
//! without its closing quote, a number that ends where the text ends, a key without its value. An
//! unfinished string is given separately, for the one caller who knows how to go on with it.
//! The parser is lenient (it accepts what a strict one refuses inside strings) and bounded: what
//! is nested too deep is skipped, not followed.

use serde_json::{Map, Number, Value};

/// Containers in containers followed; as many as `serde_json` follows in a whole text.
const DEPTH_MAX: usize = 127;

/// What was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Salvaged {
    pub value: Value,
    /// The text was complete after all, only unusual; nothing is missing from `value`.
    pub whole: bool,
    /// Bytes read, up to the end of a whole value or up to the cut.
    pub consumed: usize,
    /// The string value that the cut went through.
    pub open: Option<OpenText>,
}

/// A string value without its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenText {
    /// Keys and array indexes that lead to it.
    pub path: Vec<String>,
    /// Its beginning, unescaped; an escape that is itself cut is left out.
    pub text: String,
}

/// Saves what stands before the cut; `None` when that is not even the beginning of an object, an
/// array or a complete value.
pub fn salvage(text: &str) -> Option<Salvaged> {
    let mut parser = Parser { text, at: 0, depth: 0, lossy: false, open: None };
    let (value, complete) = match parser.value() {
        Read::Whole(value) => (value, true),
        Read::Cut(value) => (value?, false),
        Read::Skipped => return None,
    };
    let open = parser.open.map(|mut open| {
        open.path.reverse();
        open
    });
    Some(Salvaged { value, whole: complete && !parser.lossy, consumed: parser.at, open })
}

/// What came of reading one value.
enum Read {
    Whole(Value),
    /// The text ended, or went wrong, inside the value: what there is of it.
    Cut(Option<Value>),
    /// Too deep; passed over.
    Skipped,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Something was passed over on the way.
    lossy: bool,
    open: Option<OpenText>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over white space; then over `byte`, if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self) -> Read {
        if self.eat(b'{') {
            return self.container(Self::object);
        }
        if self.eat(b'[') {
            return self.container(Self::array);
        }
        if self.eat(b'"') {
            return match self.string() {
                Ok(text) => Read::Whole(Value::String(text)),
                Err(text) => {
                    self.open = Some(OpenText { path: Vec::new(), text });
                    Read::Cut(None)
                }
            };
        }
        for (literal, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if self.rest().starts_with(literal) {
                self.at += literal.len();
                return Read::Whole(value);
            }
        }
        self.number()
    }

    fn number(&mut self) -> Read {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = self.rest().bytes().take_while(|byte| is_part(byte)).count();
        let digits = self.rest().get(..length).unwrap_or_default();
        let number = serde_json::from_str::<Number>(digits).ok();
        let ends_here = length == self.rest().len();
        match number.filter(|_| !ends_here) {
            Some(number) => {
                self.at += length;
                Read::Whole(Value::Number(number))
            }
            None => Read::Cut(None),
        }
    }

    fn container(&mut self, read: fn(&mut Self) -> Read) -> Read {
        if self.depth == DEPTH_MAX {
            return self.skip();
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read {
        let mut members = Map::new();
        if self.eat(b'}') {
            return Read::Whole(Value::Object(members));
        }
        loop {
            let key = if self.eat(b'"') { self.string().ok() } else { None };
            let Some(key) = key.filter(|_| self.eat(b':')) else { break };
            let cut = match self.value() {
                Read::Whole(value) => {
                    members.insert(key, value);
                    false
                }
                Read::Skipped => false,
                Read::Cut(value) => {
                    self.lead_to_open(&key);
                    members.extend(value.map(|value| (key, value)));
                    true
                }
            };
            if cut {
                break;
            }
            if self.eat(b'}') {
                return Read::Whole(Value::Object(members));
            }
            if !self.eat(b',') {
                break;
            }
        }
        Read::Cut(Some(Value::Object(members)))
    }

    fn array(&mut self) -> Read {
        let mut elements = Vec::new();
        if self.eat(b']') {
            return Read::Whole(Value::Array(elements));
        }
        loop {
            match self.value() {
                Read::Whole(value) => elements.push(value),
                Read::Skipped => {}
                Read::Cut(value) => {
                    self.lead_to_open(&elements.len().to_string());
                    elements.extend(value);
                    break;
                }
            }
            if self.eat(b']') {
                return Read::Whole(Value::Array(elements));
            }
            if !self.eat(b',') {
                break;
            }
        }
        Read::Cut(Some(Value::Array(elements)))
    }

    fn lead_to_open(&mut self, step: &str) {
        if let Some(open) = &mut self.open {
            open.path.push(step.to_owned());
        }
    }

    /// The string whose opening quote was just read: whole, or as far as it goes.
    fn string(&mut self) -> Result<String, String> {
        let mut escaped = false;
        let length = self.rest().bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let content = self.rest().get(..length.unwrap_or(self.rest().len())).unwrap_or_default();
        let (mut text, escape_is_cut) = unescaped(content);
        if length.is_some() && escape_is_cut {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        self.at += content.len() + usize::from(length.is_some());
        if length.is_some() { Ok(text) } else { Err(text) }
    }

    /// Steps over a container whose opening bracket was just read, without recursion.
    fn skip(&mut self) -> Read {
        self.lossy = true;
        let mut open = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' if self.string().is_err() => break,
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Read::Skipped;
            }
        }
        Read::Cut(None)
    }
}

/// The text of a string's content, and whether its end is the beginning of an escape, which is left
/// out. What JSON does not allow (an unknown escape, half a surrogate pair) becomes U+FFFD.
fn unescaped(content: &str) -> (String, bool) {
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escape.chars();
        let Some(kind) = chars.next() else { return (text, true) };
        rest = chars.as_str();
        match kind {
            '"' | '\\' | '/' => text.push(kind),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'u' => match code_point(rest) {
                Some((character, after)) => {
                    text.push(character);
                    rest = after;
                }
                None => return (text, true),
            },
            _ => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    text.push_str(rest);
    (text, false)
}

/// The character after `\u`, its second half included, and what follows; `None` when it is cut.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (first, rest) = match hexadecimal(text) {
        Hex::Unit(unit, rest) => (unit, rest),
        Hex::Wrong => return Some((char::REPLACEMENT_CHARACTER, text)),
        Hex::Short => return None,
    };
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest));
    }
    let second = match rest.strip_prefix("\\u").map(hexadecimal) {
        Some(Hex::Unit(unit, after)) if (0xdc00..0xe000).contains(&unit) => Some((unit, after)),
        Some(Hex::Short) => return None,
        None if "\\u".starts_with(rest) => return None,
        _ => None,
    };
    let Some((second, after)) = second else { return Some((char::REPLACEMENT_CHARACTER, rest)) };
    let point = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), after))
}

enum Hex<'a> {
    Unit(u32, &'a str),
    Wrong,
    Short,
}

fn hexadecimal(text: &str) -> Hex<'_> {
    let digits = text.get(..4).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Hex::Wrong;
    }
    match (text.split_at_checked(4), u32::from_str_radix(digits, 16)) {
        (Some((_, rest)), Ok(unit)) => Hex::Unit(unit, rest),
        _ => Hex::Short,
    }
}

#[cfg(test)]
mod tests;
