//! The values that a rule compares with, as the rule spells them.

use super::error::bounded;
use super::node::{Kind, Node, Place, Scalar, Value};

/// One scalar of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    pub place: Place,
    pub kind: Kind,
    /// The spelling, quotes resolved.
    pub text: String,
}

impl Literal {
    /// The literal of a scalar node; `None` for lists and maps.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        match &node.value {
            Value::Scalar(Scalar { text, kind, .. }) => {
                Some(Self { place: node.place, kind: *kind, text: text.clone() })
            }
            _ => None,
        }
    }

    /// Whether this is `null`, `~` or nothing.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The value for people: text in quotes, bounded, control characters escaped.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Text => format!("'{}'", bounded(&self.text, 80)),
            _ => bounded(&self.text, 80),
        }
    }
}
