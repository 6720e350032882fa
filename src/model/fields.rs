//! The lookup that a rule makes into an event, without either knowing the other.

use std::borrow::Cow;

/// One value of an event, as rules compare it. Objects and arrays are never scalars: an array
/// yields its elements, an object yields nothing but its presence.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The value as text, for string patterns and for people: numbers and booleans as JSON spells
    /// them, `null` as nothing.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => None,
            Self::Bool(true) => Some(Cow::Borrowed("true")),
            Self::Bool(false) => Some(Cow::Borrowed("false")),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Float(number) => Some(Cow::Owned(number.to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
        }
    }
}

/// What a path leads to. A path through an array reaches every element, so there may be many
/// values; `present` with no values means an object, or an empty array.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found<'a> {
    /// Some element of the event has this path (be it `null`, an object or a value).
    pub present: bool,
    /// The scalar values at the path, array elements flattened, in document order.
    pub values: Vec<Scalar<'a>>,
}

/// An event that rules can ask for fields.
pub trait Fields {
    /// The values at a dotted path. Keys that contain dots themselves are resolved
    /// longest-key-first, so `annotations.authorization.k8s.io/decision` needs no quoting.
    fn find<'a>(&'a self, path: &str) -> Found<'a>;

    /// Whether any string or number anywhere in the event passes the test (Sigma keywords).
    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool;

    /// Whether some object that a dotted path reaches passes the test. A path that ends at an array
    /// reaches each of its objects, arrays within arrays flattened; scalars are none. The objects
    /// come in document order, and none after the first that passes.
    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool;
}
