//! The fields that rules may ask for, as data: the raw members of an audit event and the derived
//! ones. The lint and the reference page read this; nothing here looks at an event.

mod table;

pub use table::FIELDS;

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

impl FieldKind {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Object => "object",
            Self::Open => "object, any member",
        }
    }

    /// Whether rules can compare values at the path itself.
    pub fn has_values(self) -> bool {
        !matches!(self, Self::Object | Self::Open)
    }
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

/// The `source` of members of the event itself.
pub const RAW: &str = "the event";

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

/// Whether what a path leads to can be an object, or an array of objects, that has fields of its own.
pub fn has_elements(path: &str) -> bool {
    match knows(path) {
        Known::Below(_) => true,
        Known::Field(field) => match field.kind {
            FieldKind::Open => true,
            FieldKind::Object => field.source == RAW || field.path == "midwatch.images",
            _ => false,
        },
        Known::Unknown => false,
    }
}

/// The reference page of all fields, `docs/reference/fields.md`.
pub fn markdown() -> String {
    let mut page = String::from(PREFACE);
    page.push_str("\n## Derived fields\n\n");
    rows(&mut page, |field| field.source != RAW);
    page.push_str("\n## Fields of the event\n\n");
    rows(&mut page, |field| field.source == RAW);
    page
}

const PREFACE: &str = "\
# Fields

What rules may ask for. This page is generated from the table in `src/audit/taxonomy/`; a test fails when it is stale.

- A path goes through objects with dots, and through arrays by reaching every element: it matches if any element does.
- Keys that contain dots and slashes need no quoting: `annotations.authorization.k8s.io/decision`. Where a path can be read in
  several ways, every reading counts, the longest key first.
- Below an *object, any member* any path is possible: `responseObject.spec.type`, `midwatch.pod.hostPID`.
- A field that is not there is absent, not empty. When `midwatch.truncated` is true it may have been there.
";

fn rows(page: &mut String, wanted: impl Fn(&FieldDoc) -> bool) {
    page.push_str("| field | kind | from | meaning | values |\n| --- | --- | --- | --- | --- |\n");
    for field in FIELDS.iter().filter(|field| wanted(field)) {
        let values: Vec<String> = field.values.iter().map(|value| format!("`{value}`")).collect();
        let cells = [
            format!("`{}`", field.path),
            field.kind.as_str().to_owned(),
            field.source.to_owned(),
            field.doc.replace('|', "\\|"),
            values.join(", "),
        ];
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_open_or_unknown() {
        let known = |path: &str| match knows(path) {
            Known::Field(field) => format!("field {}", field.path),
            Known::Below(field) => format!("below {}", field.path),
            Known::Unknown => "unknown".to_owned(),
        };
        for (path, expected) in [
            ("verb", "field verb"),
            ("objectRef.resource", "field objectRef.resource"),
            ("objectRef.kind", "unknown"),
            ("requestObject", "field requestObject"),
            ("requestObject.spec.hostPID", "below requestObject"),
            ("requestObjects", "unknown"),
            ("annotations.x.y/z", "below annotations"),
            (
                "annotations.authorization.k8s.io/decision",
                "field annotations.authorization.k8s.io/decision",
            ),
            ("midwatch.pod.hostPID", "below midwatch.pod"),
            ("midwatch.exec.argv", "field midwatch.exec.argv"),
            ("midwatch.exec.foo", "unknown"),
            ("midwatch", "unknown"),
            ("capabilities", "unknown"),
        ] {
            assert_eq!(known(path), expected, "{path}");
        }
    }

    #[test]
    fn every_field_is_listed_once_and_explained() {
        for (index, field) in FIELDS.iter().enumerate() {
            assert!(!field.doc.is_empty() && field.doc.ends_with('.'), "{}", field.path);
            assert!(FIELDS.iter().skip(index + 1).all(|other| other.path != field.path));
        }
    }
}
