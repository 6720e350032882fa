//! Reads YAML text into located trees. Owns the limits on size, depth and alias expansion; knows
//! nothing of Sigma.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::error::{Faults, quote};
use super::node::{Entry, Node, Place, Scalar, Value};

/// A rule file is a page; this is three hundred of them.
const BYTES_MAX: usize = 1 << 20;
/// Nodes of one file, counting what aliases repeat.
const NODES_MAX: usize = 50_000;
/// Sigma needs about six levels.
const DEPTH_MAX: usize = 32;

/// The documents of a file, empty ones left out. After a fault in the YAML itself the documents
/// before it are still returned.
pub(crate) fn read(source: &str, faults: &mut Faults) -> Vec<Node> {
    if source.len() > BYTES_MAX {
        faults.add(Place { line: 1, column: 1 }, "the file is larger than 1 MiB; split it");
        return Vec::new();
    }
    let mut reader = Reader::new(faults);
    for step in Parser::new_from_str(source) {
        let proceed = match step {
            Ok((event, span)) => reader.event(event, &span),
            Err(error) => {
                let mark = error.marker();
                let reason = format!("not valid YAML: {}", one_line(&error.info()));
                reader.faults.add(place(mark.line(), mark.col()), reason);
                false
            }
        };
        if !proceed {
            break;
        }
    }
    reader.documents
}

enum Frame {
    List {
        place: Place,
        anchor: usize,
        items: Vec<Node>,
    },
    Map {
        place: Place,
        anchor: usize,
        entries: Vec<Entry>,
        seen: HashSet<String>,
        key: Option<Key>,
    },
}

struct Key {
    text: String,
    place: Place,
    /// A key that cannot be used has been reported; its value is read and dropped.
    usable: bool,
}

struct Reader<'f> {
    faults: &'f mut Faults,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: Vec<Node>,
}

impl<'f> Reader<'f> {
    fn new(faults: &'f mut Faults) -> Self {
        let (stack, anchors, documents) = (Vec::new(), HashMap::new(), Vec::new());
        Self { faults, stack, anchors, nodes: 0, documents }
    }

    /// Takes one event; false ends the reading.
    fn event(&mut self, event: Event<'_>, span: &Span) -> bool {
        let here = place(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(text.into_owned(), style, tag.as_deref(), span);
                self.check_tag(tag.as_deref(), here) && self.finish(node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), here)
                    && self.open(Frame::List { place: here, anchor, items: Vec::new() }, here)
            }
            Event::MappingStart(_, anchor, tag) => {
                let (entries, seen) = (Vec::new(), HashSet::new());
                self.check_tag(tag.as_deref(), here)
                    && self.open(Frame::Map { place: here, anchor, entries, seen, key: None }, here)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Frame::List { place, anchor, items }) => {
                    self.finish(Node { place, value: Value::List(items) }, anchor)
                }
                Some(Frame::Map { place, anchor, entries, .. }) => {
                    self.finish(Node { place, value: Value::Map(entries) }, anchor)
                }
                None => true,
            },
            Event::Alias(id) => self.alias(id, here),
            Event::DocumentEnd => {
                self.anchors.clear();
                true
            }
            _ => true,
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, here: Place) -> bool {
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema()) {
            self.faults.add(here, "YAML tags of one's own are not part of Sigma; remove the tag");
            return false;
        }
        true
    }

    fn open(&mut self, frame: Frame, here: Place) -> bool {
        if self.stack.len() >= DEPTH_MAX {
            self.faults.add(here, format!("nested deeper than {DEPTH_MAX} levels; flatten this"));
            return false;
        }
        self.stack.push(frame);
        true
    }

    fn alias(&mut self, id: usize, here: Place) -> bool {
        let Some(node) = self.anchors.get(&id) else {
            self.faults.add(here, "this alias refers to itself; write the value out");
            return false;
        };
        let node = node.clone();
        self.nodes += count(&node);
        self.finish(node, 0)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> bool {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let reason = format!("more than {NODES_MAX} values, aliases counted; split the file");
            self.faults.add(node.place, reason);
            return false;
        }
        if anchor != 0 {
            self.nodes += count(&node);
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => {
                if !node.is_null() {
                    self.documents.push(node);
                }
            }
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, seen, key, .. }) => match key.take() {
                None => *key = Some(read_key(&node, seen, self.faults)),
                Some(Key { text, place, usable: true }) => {
                    entries.push(Entry { key: text, place, value: node });
                }
                Some(_) => {}
            },
        }
        true
    }
}

fn read_key(node: &Node, seen: &mut HashSet<String>, faults: &mut Faults) -> Key {
    let place = node.place;
    let Value::Scalar(scalar) = &node.value else {
        faults.add(place, format!("a key must be text, not {}", node.description()));
        return Key { text: String::new(), place, usable: false };
    };
    let text = scalar.text.clone();
    if text == "<<" {
        faults.add(place, "merge keys are not part of Sigma; write the values out");
        return Key { text, place, usable: false };
    }
    if !seen.insert(text.clone()) {
        let reason = format!("the key {} stands here twice; YAML keeps one of them", quote(&text));
        faults.add(place, reason + "; make one a list or a second selection");
        return Key { text, place, usable: false };
    }
    Key { text, place, usable: true }
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Node {
    let here = place(span.start.line(), span.start.col());
    let one_line = span.start.line() == span.end.line();
    let column = match style {
        ScalarStyle::Plain if one_line => Some(here.column),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if one_line => Some(here.column + 1),
        _ => None,
    };
    let text_tag = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
    let scalar = if style == ScalarStyle::Plain && !text_tag {
        Scalar::plain(text, column)
    } else {
        Scalar::quoted(text, column)
    };
    Node { place: here, value: Value::Scalar(scalar) }
}

fn count(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::Scalar(_) => 0,
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|entry| count(&entry.value)).sum(),
    };
    inner + 1
}

fn place(line: usize, column: usize) -> Place {
    Place {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
    }
}

fn one_line(text: &str) -> String {
    super::error::bounded(text.lines().next().unwrap_or_default(), 200)
}
