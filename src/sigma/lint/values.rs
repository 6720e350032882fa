//! Fields and values of single items.

use std::collections::HashSet;

use super::{Findings, Known, Taxonomy, ValueKind};
use crate::sigma::detection::Item;
use crate::sigma::encode::has_placeholder;
use crate::sigma::error::quote;
use crate::sigma::literal::Literal;
use crate::sigma::modifier::{Comparison, Flags};
use crate::sigma::node::{Kind, Place};
use crate::sigma::pattern::{Pattern, Shape, Token, fold, tokens};
use crate::sigma::value_list::ValueList;

pub(super) fn check(item: &Item, taxonomy: &dyn Taxonomy, findings: &mut Findings) {
    check_repeats(item, findings);
    for value in &item.values {
        check_spelling(item, value, findings);
    }
    let Some(field) = &item.field else { return };
    check_field(field, item.place, taxonomy, findings);
    if matches!(item.plan.comparison, Comparison::FieldRef(_)) {
        for value in &item.values {
            check_field(&value.text, value.place, taxonomy, findings);
        }
        return;
    }
    if let Known::Field { kind, values } = taxonomy.look_up(field) {
        check_kind(item, field, kind, findings);
        if !values.is_empty() {
            for value in &item.values {
                check_possible(item, value, values, findings);
            }
        }
    }
}

/// A field must be one that events have.
pub(super) fn check_field(
    field: &str,
    place: Place,
    taxonomy: &dyn Taxonomy,
    findings: &mut Findings,
) {
    if taxonomy.look_up(field) == Known::Unknown {
        let reason = format!("no event has the field {}", quote(field));
        let cure = match taxonomy.nearest(field) {
            Some(nearest) => format!("; did you mean {}?", quote(&nearest)),
            None => "; correct its spelling".to_owned(),
        };
        findings.error(place, reason + &cure);
    }
}

fn check_kind(item: &Item, field: &str, kind: ValueKind, findings: &mut Findings) {
    let field = quote(field);
    match (kind, item.plan.comparison) {
        (ValueKind::Object, Comparison::Exists) => {}
        (ValueKind::Object, _) => {
            let asks_null = item.values.iter().all(Literal::is_null);
            if !asks_null {
                let reason =
                    format!("{field} is an object; ask for a field in it, or for `exists`");
                findings.error(item.place, reason);
            }
        }
        (ValueKind::Number, Comparison::Value(_)) => {
            let odd = |value: &&Literal| value.kind == Kind::Text && !could_be_number(&value.text);
            if let Some(value) = item.values.iter().find(odd) {
                let reason = format!("{field} is a number and never {}", value.shown());
                findings.error(value.place, reason + "; compare it with a number");
            }
        }
        (ValueKind::Boolean, Comparison::Value(Shape::Whole)) => {
            let odd = |value: &&Literal| !matches!(value.kind, Kind::Bool(_) | Kind::Null);
            if let Some(value) = item.values.iter().find(odd) {
                let reason = format!("{field} is a boolean and never {}", value.shown());
                findings.error(value.place, reason + "; write true or false without quotes");
            }
        }
        (ValueKind::Text | ValueKind::Boolean, Comparison::Part(..)) => {
            findings.error(item.place, format!("{field} is no time; ask another field"));
        }
        (ValueKind::Boolean | ValueKind::Time, Comparison::Order(_)) => {
            findings.error(item.place, format!("{field} is no number; it has no order"));
        }
        _ => {}
    }
}

fn could_be_number(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '?' | '.' | '-' | '+'))
}

fn check_possible(item: &Item, value: &Literal, possible: &[&str], findings: &mut Findings) {
    let plan = &item.plan;
    let Comparison::Value(shape) = plan.comparison else { return };
    if value.is_null() || plan.expand || !plan.transforms.is_empty() {
        return;
    }
    let pattern = Pattern::new(&tokens(&value.text), shape, plan.cased);
    if !possible.iter().any(|one| pattern.matches(one)) {
        let field = quote(item.field.as_deref().unwrap_or_default());
        let some: Vec<&str> = possible.iter().take(12).copied().collect();
        let reason = format!("{field} is never {}; it is {}", value.shown(), some.join(", "));
        findings.error(value.place, reason);
    }
}

fn check_repeats(item: &Item, findings: &mut Findings) {
    let exact = item.plan.cased || !matches!(item.plan.comparison, Comparison::Value(_));
    let mut seen = HashSet::new();
    for value in &item.values {
        let text = if exact { value.text.clone() } else { fold(&value.text).into_owned() };
        if !seen.insert(text) {
            findings.warn(value.place, format!("{} stands here twice; remove one", value.shown()));
        }
    }
}

/// Values of a list that do nothing, or not what they look like.
pub(super) fn check_list(list: &ValueList, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for value in &list.values {
        if !seen.insert(fold(&value.text).into_owned()) {
            findings.warn(value.place, format!("{} stands here twice; remove one", value.shown()));
        }
        if has_placeholder(&value.text) {
            let reason = format!("{} is taken as it is: a list holds no lists", value.shown());
            findings.warn(value.place, reason + "; write the values out");
        }
        let found = tokens(&value.text);
        if !found.is_empty() && found.iter().all(|token| *token == Token::Any) {
            findings.warn(value.place, "`*` alone matches every value; remove it from the list");
        }
    }
}

fn check_spelling(item: &Item, value: &Literal, findings: &mut Findings) {
    if item.plan.expand && !has_placeholder(&value.text) {
        let reason = format!("{} has no placeholder; remove `expand`", value.shown());
        findings.warn(value.place, reason);
    }
    match item.plan.comparison {
        Comparison::Value(shape) if value.kind == Kind::Text => {
            check_text(item, value, shape, findings);
        }
        Comparison::Regex(flags) => {
            if let Some(plainer) = plainer(&value.text, flags) {
                let reason = format!("this needs no regular expression; write {plainer}");
                findings.warn(value.place, reason);
            }
        }
        _ => {}
    }
}

fn check_text(item: &Item, value: &Literal, shape: Shape, findings: &mut Findings) {
    let found = tokens(&value.text);
    if !found.is_empty() && found.iter().all(|token| *token == Token::Any) {
        let reason = "`*` alone matches every value, the empty text too; write `|exists: true`";
        findings.warn(value.place, reason);
        return;
    }
    let blank = |token: &Token| match token {
        Token::Char(c) => c.is_whitespace(),
        Token::Any | Token::One => true,
    };
    if found.contains(&Token::Any) && found.iter().all(blank) {
        let shown = value.shown();
        let reason = format!("{shown} is nothing but wildcards and blanks, and matches much");
        findings.warn(value.place, reason + "; write a plain `*` as `\\*`");
        return;
    }
    let leading = found.first() == Some(&Token::Any);
    let trailing = found.last() == Some(&Token::Any);
    let moot = match shape {
        Shape::Whole => false,
        Shape::Contains => leading || trailing,
        Shape::StartsWith => trailing,
        Shape::EndsWith => leading,
    };
    if moot && item.field.is_some() {
        let reason = format!("the outer `*` of {} does nothing here; remove it", value.shown());
        findings.warn(value.place, reason);
    }
    if shape == Shape::Whole && item.field.is_some() {
        let word = value.text.to_ascii_lowercase();
        if ["null", "none", "nil"].contains(&word.as_str()) {
            let reason = format!("{} is a text; for an absent field write null", value.shown());
            findings.warn(value.place, reason + " without quotes");
        }
    }
}

/// How to write a regular expression that is a plain text, without one.
fn plainer(text: &str, flags: Flags) -> Option<String> {
    if flags.multi_line {
        return None;
    }
    let (start, rest) = match (text.strip_prefix('^'), text.strip_prefix(".*")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (false, text),
    };
    let (end, rest) = match (rest.strip_suffix('$'), rest.strip_suffix(".*")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (false, rest),
    };
    let mut plain = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next().filter(|next| next.is_ascii_punctuation())?),
            '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
                return None;
            }
            other => plain.push(other),
        }
    }
    if plain.is_empty() {
        return None;
    }
    let shape = match (start, end) {
        (true, true) => "",
        (true, false) => "startswith",
        (false, true) => "endswith",
        (false, false) => "contains",
    };
    let cased = if flags.ignore_case { "" } else { "cased" };
    let modifiers: Vec<&str> = [shape, cased].into_iter().filter(|part| !part.is_empty()).collect();
    Some(match modifiers.as_slice() {
        [] => format!("the text {} without a modifier", quote(&plain)),
        some => format!("`{}` with {}", some.join("|"), quote(&plain)),
    })
}
