//! A document in one spelling: keys in order, no comments, no layout. Two files that mean the same
//! have the same text here, so that it can be hashed.

use super::error::{Faults, SigmaError};
use super::node::{Kind, Node, Value};
use super::yaml;

/// One YAML document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalDocument {
    /// What stands at `id`, in lower case.
    pub id: Option<String>,
    /// What stands at `name`.
    pub name: Option<String>,
    pub text: String,
}

/// Every document of a file.
///
/// # Errors
///
/// What is wrong with the YAML itself; what it says is not looked at.
pub fn documents(source: &str, file: &str) -> Result<Vec<CanonicalDocument>, Vec<SigmaError>> {
    let mut faults = Faults::new(file);
    let nodes = yaml::read(source, &mut faults);
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    let text_at = |node: &Node, key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    Ok(nodes
        .iter()
        .map(|node| {
            let mut text = String::new();
            write(node, &mut text);
            let id = text_at(node, "id").map(|id| id.to_lowercase());
            CanonicalDocument { id, name: text_at(node, "name"), text }
        })
        .collect())
}

/// The node with every part delimited, so that no two different nodes have one text.
fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Scalar(scalar) => {
            out.push_str(match scalar.kind {
                Kind::Null => "null",
                Kind::Bool(true) => "true",
                Kind::Bool(false) => "false",
                Kind::Int(_) | Kind::Float(_) => "number ",
                Kind::Text => "text ",
            });
            if matches!(scalar.kind, Kind::Int(_) | Kind::Float(_) | Kind::Text) {
                out.push_str(&format!("{:?}", scalar.text));
            }
        }
        Value::List(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for entry in entries {
                out.push_str(&format!("{:?}:", entry.key));
                write(&entry.value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        documents(source, "r.yml").expect("YAML").remove(0).text
    }

    #[test]
    fn layout_comments_and_order_of_keys_do_not_count() {
        let one = "id: X\na: [p, 'q r']\nb: {c: 1, d: null}\n";
        let other = "# why\nb:\n  d: ~\n  c: 1\na:\n  - 'p'\n  - q r\nid: X # here\n";
        assert_eq!(text(one), text(other));
        assert_eq!(documents(one, "r.yml").expect("YAML")[0].id.as_deref(), Some("x"));
    }

    #[test]
    fn everything_else_counts() {
        let variants =
            ["a: [p, q]", "a: [q, p]", "a: p", "a: 'true'", "a: true", "a: ~", "a: 1", "a: '1'"];
        for (at, one) in variants.iter().enumerate() {
            for other in variants.iter().skip(at + 1) {
                assert_ne!(text(one), text(other), "{one} and {other}");
            }
        }
    }
}
