//! A YAML document as a tree in which everything knows its place. Owns the tree; reading text
//! into it is `yaml`'s business.

/// A position in a file, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file; keys are unique.
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Node,
}

/// A scalar: its spelling, and what YAML 1.2 takes it for. `on`, `yes` and dates are text.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The characters as written, quotes and escapes resolved.
    pub text: String,
    pub kind: Kind,
    /// The column of the first character, when the scalar stands on one line.
    pub column: Option<u32>,
}

/// The type of a scalar by YAML 1.2's core schema. Only plain scalars are anything but text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

impl Node {
    /// The spelling of a scalar that is not null; `None` for null, lists and maps.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind != Kind::Null => Some(&scalar.text),
            _ => None,
        }
    }

    /// The value of a plain `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { kind: Kind::Bool(value), .. }) => Some(*value),
            _ => None,
        }
    }

    /// Whether this is `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { kind: Kind::Null, .. }))
    }

    /// The items of a list; empty for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; empty for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value at a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What the node is, for messages.
    pub(crate) fn description(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.kind {
                Kind::Null => "nothing",
                Kind::Bool(_) => "a boolean",
                Kind::Int(_) | Kind::Float(_) => "a number",
                Kind::Text => "text",
            },
        }
    }

    /// The place of the character at `offset` (in characters) of a scalar; the scalar's own place
    /// when it spans lines.
    pub(crate) fn place_at(&self, offset: usize) -> Place {
        match &self.value {
            Value::Scalar(Scalar { column: Some(column), .. }) => Place {
                line: self.place.line,
                column: column.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX)),
            },
            _ => self.place,
        }
    }
}

impl Scalar {
    /// Reads a plain (unquoted) scalar by YAML 1.2's core schema. Numbers that no `i64` or finite
    /// `f64` holds stay text.
    pub(crate) fn plain(text: String, column: Option<u32>) -> Self {
        let kind = match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            other => number(other).unwrap_or(Kind::Text),
        };
        Self { text, kind, column }
    }

    /// A quoted or block scalar: text, whatever it looks like.
    pub(crate) fn quoted(text: String, column: Option<u32>) -> Self {
        Self { text, kind: Kind::Text, column }
    }
}

fn number(text: &str) -> Option<Kind> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Kind::Int);
    }
    if unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+')) {
        return text.parse().ok().filter(|value: &f64| value.is_finite()).map(Kind::Float);
    }
    None
}

fn radix(digits: &str, radix: u32) -> Option<Kind> {
    if digits.starts_with(['-', '+']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok().map(Kind::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema_of_yaml_1_2() {
        let kind = |text: &str| Scalar::plain(text.to_owned(), None).kind;
        assert_eq!(kind("on"), Kind::Text);
        assert_eq!(kind("yes"), Kind::Text);
        assert_eq!(kind("2026-01-02"), Kind::Text);
        assert_eq!(kind("1.2.3"), Kind::Text);
        assert_eq!(kind("true"), Kind::Bool(true));
        assert_eq!(kind("~"), Kind::Null);
        assert_eq!(kind("-12"), Kind::Int(-12));
        assert_eq!(kind("0x10"), Kind::Int(16));
        assert_eq!(kind("1.5"), Kind::Float(1.5));
        assert_eq!(kind("99999999999999999999"), Kind::Text);
        assert_eq!(kind("1e999"), Kind::Text);
        assert_eq!(kind("."), Kind::Text);
    }
}
