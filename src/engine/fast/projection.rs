//! The paths that rules name, as a tree: all of an event that the walk has to look at.
//!
//! A dotted path can be read in several ways, because keys hold dots themselves, and the reference
//! tries all of them. The tree follows one reading: keys stand between dots, and below the maps
//! whose keys people choose (labels, annotations) the whole rest is one key. Every other reading
//! is a key that the tree knows as odd: an event that has one goes to the reference.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::Bits;
use super::column::Column;
use super::derived::{Derived, Noted};
use super::keys::{KeyTable, Target};

/// Maps whose keys people choose, dots and slashes included.
const MAPS: &[&str] = &[
    "annotations",
    "binaryData",
    "data",
    "extra",
    "labels",
    "matchLabels",
    "nodeSelector",
    "stringData",
];

/// What the event must say for itself, whatever rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `kind` must be `Event`.
    Kind,
    /// `apiVersion` must be one of audit events.
    ApiVersion,
    /// `verb`: what makes an event one.
    Verb,
    /// Says that the API server cut the event, or that it is none: never here in a plain case.
    Refused,
}

/// The guarded paths.
const GUARDS: &[(&str, Guard)] = &[
    ("kind", Guard::Kind),
    ("apiVersion", Guard::ApiVersion),
    ("verb", Guard::Verb),
    ("annotations.audit.k8s.io/truncated", Guard::Refused),
    ("records", Guard::Refused),
    ("items", Guard::Refused),
];

/// A place in an event.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) keys: KeyTable,
    /// The nodes below, in the order of their numbers in the key table.
    pub(super) children: Vec<usize>,
    pub(super) column: Option<usize>,
    pub(super) guard: Option<Guard>,
    /// A piece that computed fields are made of.
    pub(super) noted: Option<Noted>,
    /// Such pieces stand below.
    pub(super) notes_below: bool,
    /// A guard stands here or below.
    pub(super) guarded: bool,
    /// Another reading goes on below this one if it is an object or an array.
    pub(super) odd_inside: bool,
    /// Branches that ask for anything here or below.
    pub(super) touched: Bits,
    /// Columns here and below.
    pub(super) below: Vec<usize>,
    /// Branches that stand when nothing of this is there.
    pub(super) standing_absent: Bits,
    /// Branches that stand when nothing below this is there.
    pub(super) standing_childless: Bits,
}

/// The tree; the event itself is the first node.
#[derive(Debug)]
pub(super) struct Projection {
    nodes: Vec<Node>,
    /// Stands in for a node that is not there, and is never needed.
    root: Node,
    /// Computed fields, and the columns that ask for them.
    pub(super) derived: Vec<(Derived, usize)>,
}

#[derive(Default)]
struct Sketch {
    children: BTreeMap<String, usize>,
    /// The rests of the paths that go on below.
    rests: BTreeSet<String>,
    column: Option<usize>,
    guard: Option<Guard>,
    noted: Option<Noted>,
    is_map: bool,
}

impl Projection {
    /// The node of a number. There always is a first one, the event's own.
    #[inline]
    pub(super) fn node(&self, number: usize) -> &Node {
        self.nodes.get(number).unwrap_or(&self.root)
    }

    /// The tree over these paths, one for each column.
    pub(super) fn over(paths: &[String], columns: &[Column], branches: usize) -> Self {
        let mut sketches = vec![Sketch::default()];
        let mut derived = Vec::new();
        for (column, path) in paths.iter().enumerate() {
            if let Some(computed) = Derived::at(path) {
                derived.push((computed, column));
            } else if let Some(end) = add(&mut sketches, path) {
                end.column = Some(column);
            }
        }
        for (noted, path) in Noted::ALL {
            let is_used = derived.iter().any(|(computed, _)| computed.made_of().contains(&noted));
            if let Some(end) = is_used.then(|| add(&mut sketches, path)).flatten() {
                end.noted = Some(noted);
            }
        }
        for (path, guard) in GUARDS {
            if let Some(end) = add(&mut sketches, path) {
                end.guard = Some(*guard);
            }
        }
        let mut nodes: Vec<Node> = sketches.iter().map(|sketch| node(sketch, branches)).collect();
        for (sketch, children) in sketches.iter().zip(odd_inside(&sketches)) {
            for child in children.iter().filter_map(|key| sketch.children.get(key)) {
                if let Some(node) = nodes.get_mut(*child) {
                    node.odd_inside = true;
                }
            }
        }
        for node in &mut nodes {
            for (computed, column) in &derived {
                if node.noted.is_some_and(|noted| computed.made_of().contains(&noted))
                    && let Some(column) = columns.get(*column)
                {
                    node.touched.unite(&column.touched);
                }
            }
        }
        // Children are numbered behind their parents, so backwards they are complete.
        for index in (0..nodes.len()).rev() {
            complete(&mut nodes, index, columns, branches);
        }
        Self { nodes, root: node(&Sketch::default(), branches), derived }
    }
}

/// Follows a path into the sketches; gives its end.
fn add<'s>(sketches: &'s mut Vec<Sketch>, path: &str) -> Option<&'s mut Sketch> {
    let mut at = 0;
    let mut rest = path;
    loop {
        let next = sketches.len();
        let here = sketches.get_mut(at)?;
        here.rests.insert(rest.to_owned());
        let (key, more) = match rest.split_once('.') {
            Some((key, more)) if !here.is_map => (key, more),
            _ => (rest, ""),
        };
        let child = *here.children.entry(key.to_owned()).or_insert(next);
        if child == next {
            let is_map = MAPS.contains(&key);
            sketches.push(Sketch { is_map, ..Sketch::default() });
        }
        if more.is_empty() {
            return sketches.get_mut(child);
        }
        (at, rest) = (child, more);
    }
}

/// Every beginning of the rest of a path that is a key in some reading.
fn readings(rest: &str) -> impl Iterator<Item = &str> {
    rest.match_indices('.').map(|(dot, _)| rest.get(..dot).unwrap_or_default()).chain([rest])
}

fn node(sketch: &Sketch, branches: usize) -> Node {
    let mut entries: BTreeMap<&str, Target> = BTreeMap::new();
    for key in sketch.rests.iter().flat_map(|rest| readings(rest)) {
        entries.insert(key, Target::Odd);
    }
    let mut children = Vec::new();
    for (key, child) in &sketch.children {
        entries.insert(key, Target::Child(children.len()));
        children.push(*child);
    }
    Node {
        keys: KeyTable::over(&entries),
        children,
        column: sketch.column,
        guard: sketch.guard,
        noted: sketch.noted,
        notes_below: false,
        guarded: sketch.guard.is_some(),
        odd_inside: false,
        touched: Bits::none(branches),
        below: sketch.column.into_iter().collect(),
        standing_absent: Bits::all(branches),
        standing_childless: Bits::all(branches),
    }
}

/// For each sketch, the keys of children below which another reading of a longer path goes on.
fn odd_inside(sketches: &[Sketch]) -> Vec<Vec<String>> {
    let one = |sketch: &Sketch| {
        let longer = |key: &String| {
            sketch.is_map
                && sketch.rests.iter().any(|rest| {
                    rest.strip_prefix(key.as_str()).is_some_and(|more| more.starts_with('.'))
                })
        };
        sketch.children.keys().filter(|key| longer(key)).cloned().collect()
    };
    sketches.iter().map(one).collect()
}

/// Fills in what a node knows of what lies below it.
fn complete(nodes: &mut [Node], index: usize, columns: &[Column], branches: usize) {
    let mut touched = Bits::none(branches);
    let mut absent = Bits::all(branches);
    let mut below: Vec<usize> = Vec::new();
    let (mut guarded, mut notes) = (false, false);
    let children = nodes.get(index).map(|node| node.children.clone()).unwrap_or_default();
    for child in children.iter().filter_map(|child| nodes.get(*child)) {
        touched.unite(&child.touched);
        absent.keep(&child.standing_absent);
        below.extend(child.below.iter().copied());
        guarded |= child.guarded;
        notes |= child.notes_below || child.noted.is_some();
    }
    let Some(node) = nodes.get_mut(index) else { return };
    node.standing_childless = absent.clone();
    if let Some(column) = node.column.and_then(|column| columns.get(column)) {
        touched.unite(&column.touched);
        let mut standing = Bits::all(branches);
        column.standing(column.absent(), &mut standing);
        absent.keep(&standing);
    }
    node.touched.unite(&touched);
    node.standing_absent = absent;
    node.below.extend(below);
    node.guarded |= guarded;
    node.notes_below = notes;
}
