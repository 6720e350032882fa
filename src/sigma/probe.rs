//! One comparison of one value of an event with one value of a rule.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

use ipnet::IpNet;
use regex::Regex;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::modifier::{Order, Part};
use super::pattern::{Pattern, Shape, fold};
use crate::model::fields::Scalar;

/// A longer text is no number.
const NUMBER_BYTES_MAX: usize = 64;

/// A compiled value of a rule.
#[derive(Debug)]
pub(crate) enum Probe {
    /// The field is absent or null.
    Null,
    /// The field is there, or is not.
    Exists(bool),
    Bool(bool),
    Number(Number),
    Pattern(Pattern),
    Regex(Regex),
    Cidr(IpNet),
    Order(Order, f64),
    Part(Part, Option<Order>, i32),
    /// Another field's value, in this shape.
    FieldRef {
        field: String,
        shape: Shape,
        cased: bool,
    },
}

/// A number of a rule, with its spelling.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) whole: Option<i64>,
    pub(crate) value: f64,
    pub(crate) text: String,
}

/// A value of an event; its text and folded text are made once.
pub(crate) struct Seen<'a> {
    scalar: &'a Scalar<'a>,
    text: OnceCell<Option<Cow<'a, str>>>,
    folded: OnceCell<Option<String>>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(scalar: &'a Scalar<'a>) -> Self {
        Self { scalar, text: OnceCell::new(), folded: OnceCell::new() }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.scalar, Scalar::Null)
    }

    /// The value as text; `None` for null.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.get_or_init(|| self.scalar.to_text()).as_deref()
    }

    /// The text with its case folded.
    fn folded(&self) -> Option<&str> {
        let text = self.text()?;
        let folded = self.folded.get_or_init(|| match fold(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(folded) => Some(folded),
        });
        Some(folded.as_deref().unwrap_or(text))
    }

    fn number(&self) -> Option<f64> {
        match self.scalar {
            Scalar::Int(value) => Some(as_float(*value)),
            Scalar::Float(value) => Some(*value),
            Scalar::Text(text) => parse_number(text),
            Scalar::Null | Scalar::Bool(_) => None,
        }
    }

    /// The text as it is, or with its case folded.
    pub(crate) fn cased(&self, cased: bool) -> Option<&str> {
        if cased { self.text() } else { self.folded() }
    }
}

impl Probe {
    /// Whether a value satisfies the comparison. The comparisons that are about the field as a
    /// whole (`Exists`, `FieldRef`, absence) are decided by the caller.
    pub(crate) fn holds(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Null => seen.is_null(),
            Self::Exists(_) | Self::FieldRef { .. } => false,
            Self::Bool(wanted) => match seen.scalar {
                Scalar::Bool(value) => value == wanted,
                Scalar::Text(text) => {
                    text.eq_ignore_ascii_case(if *wanted { "true" } else { "false" })
                }
                _ => false,
            },
            Self::Number(number) => number.equals(seen),
            Self::Pattern(pattern) => pattern_holds(pattern, seen),
            Self::Regex(regex) => seen.text().is_some_and(|text| regex.is_match(text)),
            Self::Cidr(network) => {
                seen.text().and_then(address).is_some_and(|address| network.contains(&address))
            }
            Self::Order(order, wanted) => {
                seen.number().is_some_and(|value| in_order(*order, value, *wanted))
            }
            Self::Part(part, order, wanted) => {
                seen.text().and_then(|text| part_of(*part, text)).is_some_and(|value| match order {
                    None => value == *wanted,
                    Some(order) => in_order(*order, f64::from(value), f64::from(*wanted)),
                })
            }
        }
    }

    /// Whether a text anywhere in the event satisfies the comparison (keywords).
    pub(crate) fn holds_text(&self, text: &str) -> bool {
        self.holds(&Seen::new(&Scalar::Text(Cow::Borrowed(text))))
    }
}

impl Number {
    #[expect(clippy::float_cmp, reason = "a rule asks for equality, not for nearness")]
    fn equals(&self, seen: &Seen<'_>) -> bool {
        match (seen.scalar, self.whole) {
            (Scalar::Int(value), Some(wanted)) => *value == wanted,
            (Scalar::Int(value), None) => as_float(*value) == self.value,
            (Scalar::Float(value), _) => *value == self.value,
            (Scalar::Text(text), whole) => {
                self.text == *text
                    || match whole.zip(text.parse::<i64>().ok()) {
                        Some((wanted, value)) => wanted == value,
                        None => parse_number(text) == Some(self.value),
                    }
            }
            (Scalar::Null | Scalar::Bool(_), _) => false,
        }
    }
}

#[expect(clippy::float_cmp, reason = "a rule asks for equality, not for nearness")]
fn pattern_holds(pattern: &Pattern, seen: &Seen<'_>) -> bool {
    let text = if pattern.is_cased() { seen.text() } else { seen.folded() };
    if text.is_some_and(|text| pattern.matches_folded(text)) {
        return true;
    }
    // A quoted number in the rule still means the number: '1.0' and 1 are equal.
    match (seen.scalar, pattern.literal().and_then(parse_number)) {
        (Scalar::Int(value), Some(wanted)) => as_float(*value) == wanted,
        (Scalar::Float(value), Some(wanted)) => *value == wanted,
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a comparison with a fraction is moot")]
fn as_float(value: i64) -> f64 {
    value as f64
}

fn parse_number(text: &str) -> Option<f64> {
    let numeric = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    if text.len() > NUMBER_BYTES_MAX || !text.bytes().all(numeric) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// An address; one of IPv4 in the clothes of IPv6 is the one of IPv4.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn in_order(order: Order, value: f64, wanted: f64) -> bool {
    match order {
        Order::Less => value < wanted,
        Order::LessOrEqual => value <= wanted,
        Order::Greater => value > wanted,
        Order::GreaterOrEqual => value >= wanted,
    }
}

/// A part of an RFC 3339 time, in UTC whatever the offset it is written with.
fn part_of(part: Part, text: &str) -> Option<i32> {
    if text.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.to_offset(time::UtcOffset::UTC);
    Some(match part {
        Part::Minute => i32::from(time.minute()),
        Part::Hour => i32::from(time.hour()),
        Part::Day => i32::from(time.day()),
        Part::Week => i32::from(time.iso_week()),
        Part::Month => i32::from(u8::from(time.month())),
        Part::Year => time.year(),
    })
}
