//! The fields that rules may ask for, as data: the raw members of an audit event and the derived
//! ones. The lint and the reference page read this; nothing here looks at an event.

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Number,
    Boolean,
    /// RFC 3339 text.
    Time,
    /// An object: only its presence and what is below it can be asked for, and that is in the
    /// table field by field.
    Object,
    /// A subtree whose members are not known: any path below it is possible.
    Open,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct FieldDoc {
    pub path: &'static str,
    pub kind: FieldKind,
    /// Where the value comes from.
    pub source: &'static str,
    /// One or two sentences for people.
    pub doc: &'static str,
    /// Every possible value, where that is a closed list; else empty.
    pub values: &'static [&'static str],
}

/// What is known of a path.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// A field of the table.
    Field(&'static FieldDoc),
    /// A path below an open subtree.
    Below(&'static FieldDoc),
    /// No event can have it.
    Unknown,
}

/// Every field.
pub const FIELDS: &[FieldDoc] = &[];

/// Looks a path up.
pub fn knows(path: &str) -> Known {
    let below = |field: &FieldDoc| {
        let rest = path.strip_prefix(field.path);
        field.kind == FieldKind::Open && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let exact = FIELDS.iter().find(|field| field.path == path).map(Known::Field);
    let open = || FIELDS.iter().find(|field| below(field)).map(Known::Below);
    exact.or_else(open).unwrap_or(Known::Unknown)
}
