//! What the fast path asks of one field: a rule's item, as far as a look at the field's own bytes
//! decides it. Compiled from the parsed document alone; the reference compiles the same document
//! with other code.

use std::borrow::Cow;

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use super::derived::Derived;
use super::text::{Glob, folded, pieces};
use crate::sigma::detection::Item;
use crate::sigma::encode::ValueLists;
use crate::sigma::literal::Literal;
use crate::sigma::modifier::{Comparison, Flags, Order};
use crate::sigma::node::Kind;
use crate::sigma::pattern::Shape;

/// A question about one field that is answered by its values.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) field: String,
    pub(super) about: About,
    /// Two questions are the same when field and this text are.
    pub(super) identity: String,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum About {
    /// There is a value, an object or an array.
    Present,
    /// The field is absent or null.
    Null,
    /// Some value satisfies one of these.
    Any(Vec<Want>),
}

/// One value of a rule.
#[derive(Debug)]
pub(super) enum Want {
    Truth(bool),
    Number(WantedNumber),
    Text { glob: Glob, cased: bool },
    Regex(Box<Regex>),
    Network(IpNet),
    Order(Order, f64),
}

/// A number of a rule.
#[derive(Debug)]
pub(super) struct WantedNumber {
    pub(super) integer: Option<i64>,
    pub(super) float: f64,
    /// As the rule spells it.
    pub(super) spelling: String,
}

/// The questions that an item amounts to: one, or with `all` one for each value. `None` when the
/// bytes of one field do not decide it; `neq` is the caller's business. `lists` stand for the
/// placeholders.
pub(super) fn asks(item: &Item, lists: &ValueLists) -> Option<Vec<Ask>> {
    let field = item.field.as_ref().filter(|field| is_walkable(field))?;
    if !item.plan.transforms.is_empty() {
        return None;
    }
    let item = &*expanded(item, lists)?;
    let ask = |about, values: &[Literal]| Ask {
        field: field.clone(),
        about,
        identity: identity(item, values),
    };
    if item.plan.comparison == Comparison::Exists {
        return Some(vec![ask(About::Present, &[])]);
    }
    if item.plan.all {
        let each = item.values.iter().map(std::slice::from_ref);
        return each.map(|values| Some(ask(about(item, values)?, values))).collect();
    }
    Some(vec![ask(about(item, &item.values)?, &item.values)])
}

/// The item with the values of a list in place of each placeholder; `None` where a value is more
/// than a placeholder alone, which all that ship are. The reference has code of its own for this.
fn expanded<'a>(item: &'a Item, lists: &ValueLists) -> Option<Cow<'a, Item>> {
    if !item.plan.expand {
        return Some(Cow::Borrowed(item));
    }
    let plain = matches!(item.plan.comparison, Comparison::Value(_) | Comparison::Cidr);
    if !plain || item.plan.all {
        return None;
    }
    let mut values = Vec::new();
    for literal in &item.values {
        if literal.kind != Kind::Text {
            return None;
        }
        if !literal.text.contains(['%', '\\']) {
            values.push(literal.clone());
            continue;
        }
        let name = literal.text.strip_prefix('%')?.strip_suffix('%')?;
        let listed = lists.get(name).filter(|listed| !listed.is_empty())?;
        let text =
            |text: &String| Literal { place: literal.place, kind: Kind::Text, text: text.clone() };
        values.extend(listed.iter().map(text));
    }
    let mut item = item.clone();
    item.plan.expand = false;
    item.values = values;
    Some(Cow::Owned(item))
}

/// Whether an `exists: false` turns the question round.
pub(super) fn asks_for_absence(item: &Item) -> bool {
    item.plan.comparison == Comparison::Exists
        && item.values.iter().any(|value| value.kind != Kind::Bool(true))
}

/// Dots in a path that is walked: real ones have less than ten, and each is a level of nesting.
const DOTS_MAX: usize = 16;

/// Whether a path is one of keys alone, or a computed field that is known here. What a path with
/// more dots than a lookup considers leads to is nothing; far shorter ones are walked.
fn is_walkable(field: &str) -> bool {
    if field.starts_with(crate::audit::event::NAMESPACE) {
        return Derived::at(field).is_some();
    }
    let dots = field.bytes().filter(|byte| *byte == b'.').count();
    dots <= DOTS_MAX && !field.contains('\u{fffd}') && field.split('.').all(|key| !key.is_empty())
}

fn identity(item: &Item, values: &[Literal]) -> String {
    let plan = &item.plan;
    let values: Vec<_> = values.iter().map(|value| (&value.kind, &value.text)).collect();
    format!("{:?} {} {values:?}", plan.comparison, plan.cased)
}

fn about(item: &Item, values: &[Literal]) -> Option<About> {
    if let [only] = values
        && only.kind == Kind::Null
    {
        let plain = item.plan.comparison == Comparison::Value(Shape::Whole);
        return plain.then_some(About::Null);
    }
    let wants: Option<Vec<Want>> = values.iter().map(|value| want(item, value)).collect();
    wants.map(About::Any)
}

fn want(item: &Item, value: &Literal) -> Option<Want> {
    let cased = item.plan.cased;
    match item.plan.comparison {
        Comparison::Value(shape) => text_or_scalar(value, shape, cased),
        Comparison::Regex(flags) => regex(&value.text, flags).map(Box::new).map(Want::Regex),
        Comparison::Cidr => value.text.parse().ok().map(Want::Network),
        Comparison::Order(order) => number(value).map(|limit| Want::Order(order, limit)),
        Comparison::Part(..) | Comparison::Exists | Comparison::FieldRef(_) => None,
    }
}

fn text_or_scalar(value: &Literal, shape: Shape, cased: bool) -> Option<Want> {
    match (value.kind, shape) {
        (Kind::Null, _) => None,
        (Kind::Bool(truth), Shape::Whole) => Some(Want::Truth(truth)),
        (Kind::Int(integer), Shape::Whole) => Some(Want::Number(WantedNumber {
            integer: Some(integer),
            float: number(value)?,
            spelling: value.text.clone(),
        })),
        (Kind::Float(float), Shape::Whole) => {
            Some(Want::Number(WantedNumber { integer: None, float, spelling: value.text.clone() }))
        }
        _ => {
            let text = if cased { Cow::Borrowed(value.text.as_str()) } else { folded(&value.text) };
            let star = super::text::Piece::Many;
            let mut all = Vec::new();
            all.extend(matches!(shape, Shape::Contains | Shape::EndsWith).then_some(star));
            all.extend(pieces(&text));
            all.extend(matches!(shape, Shape::Contains | Shape::StartsWith).then_some(star));
            Some(Want::Text { glob: Glob::of(all), cased })
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits beyond 2^53 are none that rules have")]
fn number(value: &Literal) -> Option<f64> {
    match value.kind {
        Kind::Int(integer) => Some(integer as f64),
        Kind::Float(float) => Some(float),
        _ => None,
    }
}

fn regex(text: &str, flags: Flags) -> Option<Regex> {
    let mut builder = RegexBuilder::new(text);
    builder.case_insensitive(flags.ignore_case).multi_line(flags.multi_line);
    builder.dot_matches_new_line(flags.dot_all).size_limit(8 << 20).dfa_size_limit(1 << 20);
    builder.build().ok()
}
