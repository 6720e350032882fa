//! Modifiers of a field: their names, which may stand together and in which order, and the plan
//! of comparison that a chain amounts to.

use super::pattern::Shape;

/// A step that rewrites the value before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Every dash or slash before a word in each of its five spellings.
    Windash,
    Base64,
    Base64Offset,
    /// UTF-16, little endian; also spelled `wide`.
    Utf16Le,
    Utf16Be,
    /// UTF-16, little endian, with a byte-order mark before it.
    Utf16,
}

/// An order between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A part of a point in time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Minute,
    Hour,
    Day,
    /// The ISO 8601 week, 1 to 53.
    Week,
    Month,
    Year,
}

/// The flags of a regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
}

/// How a value is compared with what the event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// A Sigma string, a number, a boolean or null.
    Value(Shape),
    Regex(Flags),
    /// The address lies in a network.
    Cidr,
    Order(Order),
    /// A part of the time equals the number, or stands in an order to it.
    Part(Part, Option<Order>),
    Exists,
    /// The value names another field of the same event.
    FieldRef(Shape),
}

/// What a chain of modifiers amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub comparison: Comparison,
    /// In the order written.
    pub transforms: Vec<Transform>,
    /// Every value must match, instead of one.
    pub all: bool,
    /// `neq`: the item holds when the comparison does not; so it holds for an absent field.
    pub negated: bool,
    pub cased: bool,
    /// Values hold placeholders such as `%admins%`.
    pub expand: bool,
}

/// Every modifier we know, for messages.
const NAMES: &str = "all, base64, base64offset, cased, cidr, contains, day, endswith, exists, \
    expand, fieldref, gt, gte, hour, i, lt, lte, m, minute, month, neq, re, s, startswith, utf16, \
    utf16be, utf16le, week, wide, windash, year";

/// Reads a chain of modifiers; `keyword` when no field stands before it. Gives every reason why
/// the chain makes no sense.
pub fn plan(names: &[&str], keyword: bool) -> Result<Plan, Vec<String>> {
    let mut chain = Chain::default();
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(name) {
            chain.refuse(format!("the modifier `{name}` stands here twice; remove one"));
        } else {
            seen.push(name);
            chain.take(name);
        }
    }
    chain.finish(keyword)
}

#[derive(Default)]
struct Chain {
    shape: Option<(&'static str, Shape)>,
    operator: Option<(&'static str, Operator)>,
    order: Option<Order>,
    transforms: Vec<Transform>,
    flags: Flags,
    any_flag: bool,
    all: bool,
    negated: bool,
    cased: bool,
    expand: bool,
    reasons: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Regex,
    Cidr,
    Order(Order),
    Part(Part),
    Exists,
    FieldRef,
}

impl Chain {
    fn refuse(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn take(&mut self, name: &str) {
        match name {
            "contains" => self.shape("contains", Shape::Contains),
            "startswith" => self.shape("startswith", Shape::StartsWith),
            "endswith" => self.shape("endswith", Shape::EndsWith),
            "re" => self.operator("re", Operator::Regex),
            "cidr" => self.operator("cidr", Operator::Cidr),
            "exists" => self.operator("exists", Operator::Exists),
            "fieldref" => self.operator("fieldref", Operator::FieldRef),
            "lt" => self.order("lt", Order::Less),
            "lte" => self.order("lte", Order::LessOrEqual),
            "gt" => self.order("gt", Order::Greater),
            "gte" => self.order("gte", Order::GreaterOrEqual),
            "minute" => self.operator("minute", Operator::Part(Part::Minute)),
            "hour" => self.operator("hour", Operator::Part(Part::Hour)),
            "day" => self.operator("day", Operator::Part(Part::Day)),
            "week" => self.operator("week", Operator::Part(Part::Week)),
            "month" => self.operator("month", Operator::Part(Part::Month)),
            "year" => self.operator("year", Operator::Part(Part::Year)),
            "windash" => self.transform(name, Transform::Windash),
            "base64" => self.transform(name, Transform::Base64),
            "base64offset" => self.transform(name, Transform::Base64Offset),
            "utf16le" | "wide" => self.transform(name, Transform::Utf16Le),
            "utf16be" => self.transform(name, Transform::Utf16Be),
            "utf16" => self.transform(name, Transform::Utf16),
            "i" | "m" | "s" => self.flag(name),
            "all" => self.all = true,
            "neq" => self.negated = true,
            "cased" => self.cased = true,
            "expand" => self.expand(),
            "" => self.refuse("a modifier is missing after `|`; name one or remove the `|`"),
            other => self.refuse(format!(
                "unknown modifier {}; Sigma has {NAMES}",
                super::error::quote(other)
            )),
        }
    }

    fn shape(&mut self, name: &'static str, shape: Shape) {
        match self.shape {
            Some((other, _)) => self.refuse(format!(
                "`{name}` and `{other}` exclude each other; use two selections, or wildcards"
            )),
            None => self.shape = Some((name, shape)),
        }
    }

    fn operator(&mut self, name: &'static str, operator: Operator) {
        match self.operator {
            Some((other, _)) => {
                self.refuse(format!("`{name}` and `{other}` exclude each other; keep one"));
            }
            None => self.operator = Some((name, operator)),
        }
    }

    fn order(&mut self, name: &'static str, order: Order) {
        match (self.operator, self.order) {
            (Some((_, Operator::Part(_))), None) => self.order = Some(order),
            _ => self.operator(name, Operator::Order(order)),
        }
    }

    fn transform(&mut self, name: &str, transform: Transform) {
        let last = self.transforms.last().copied();
        let encodes = transform != Transform::Windash;
        if let (true, Some((shape, _))) = (encodes, self.shape) {
            self.refuse(format!(
                "`{shape}` before `{name}` would encode wildcards; write `{name}|{shape}`"
            ));
        }
        match last {
            Some(Transform::Base64 | Transform::Base64Offset) => self.refuse(format!(
                "`{name}` cannot follow base64; encodings go from the inside out, as in \
                 `wide|base64offset|contains`"
            )),
            Some(Transform::Utf16Le | Transform::Utf16Be | Transform::Utf16)
                if !matches!(transform, Transform::Base64 | Transform::Base64Offset) =>
            {
                self.refuse(format!("`{name}` cannot follow a UTF-16 encoding; put it before"));
            }
            _ => self.transforms.push(transform),
        }
    }

    fn flag(&mut self, name: &str) {
        if !matches!(self.operator, Some((_, Operator::Regex))) {
            self.refuse(format!("`{name}` is a flag of `re`; write `re|{name}`"));
        }
        self.any_flag = true;
        match name {
            "i" => self.flags.ignore_case = true,
            "m" => self.flags.multi_line = true,
            _ => self.flags.dot_all = true,
        }
    }

    fn expand(&mut self) {
        if self.transforms.iter().any(|step| *step != Transform::Windash) {
            self.refuse("`expand` after an encoding finds no placeholder; put `expand` first");
        }
        self.expand = true;
    }

    fn finish(mut self, keyword: bool) -> Result<Plan, Vec<String>> {
        if let Some((name, operator)) = self.operator {
            self.check_operator(name, operator);
        }
        if keyword {
            self.check_keyword();
        }
        if !self.reasons.is_empty() {
            return Err(self.reasons);
        }
        let unbound = if keyword { Shape::Contains } else { Shape::Whole };
        let shape = self.shape.map_or(unbound, |(_, shape)| shape);
        let comparison = match self.operator.map(|(_, operator)| operator) {
            None => Comparison::Value(shape),
            Some(Operator::Regex) => Comparison::Regex(self.flags),
            Some(Operator::Cidr) => Comparison::Cidr,
            Some(Operator::Order(order)) => Comparison::Order(order),
            Some(Operator::Part(part)) => Comparison::Part(part, self.order),
            Some(Operator::Exists) => Comparison::Exists,
            Some(Operator::FieldRef) => Comparison::FieldRef(shape),
        };
        let Self { transforms, all, negated, cased, expand, .. } = self;
        Ok(Plan { comparison, transforms, all, negated, cased, expand })
    }

    fn check_operator(&mut self, name: &str, operator: Operator) {
        let field_ref = operator == Operator::FieldRef;
        if let (false, Some((shape, _))) = (field_ref, self.shape) {
            self.refuse(format!("`{name}` and `{shape}` exclude each other; keep one"));
        }
        if !self.transforms.is_empty() {
            self.refuse(format!(
                "`{name}` compares the value as it is; remove the encoding before it"
            ));
        }
        match operator {
            Operator::Regex if self.cased => {
                self.refuse("`re` minds case already; remove `cased` (or use `re|i`)");
            }
            Operator::Exists if self.all || self.negated || self.cased || self.expand => {
                self.refuse("`exists` stands alone; use `exists: false` for its opposite");
            }
            Operator::Cidr | Operator::Order(_) | Operator::Part(_) if self.cased => {
                self.refuse(format!("`{name}` knows no case; remove `cased`"));
            }
            Operator::Order(_) | Operator::Part(_) | Operator::FieldRef if self.expand => {
                self.refuse(format!("`{name}` takes no placeholder; remove `expand`"));
            }
            _ => {}
        }
    }

    fn check_keyword(&mut self) {
        if let Some((name, operator)) = self.operator
            && operator != Operator::Regex
        {
            self.refuse(format!("`{name}` needs a field before it, as in `field|{name}`"));
        }
        if let Some((name, Shape::StartsWith | Shape::EndsWith)) = self.shape {
            self.refuse(format!("`{name}` needs a field before it, as in `field|{name}`"));
        }
        if self.negated {
            self.refuse("`neq` needs a field before it; use `not` in the condition");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_becomes_a_plan_and_nonsense_is_refused() {
        let sound = plan(&["wide", "base64offset", "contains", "all"], false).unwrap();
        assert_eq!(sound.transforms, [Transform::Utf16Le, Transform::Base64Offset]);
        assert_eq!(sound.comparison, Comparison::Value(Shape::Contains));
        assert!(sound.all && !sound.negated);
        for nonsense in [
            &["contains", "base64"][..],
            &["contains", "startswith"],
            &["i"],
            &["re", "cased"],
            &["exists", "all"],
            &["base64", "wide"],
            &["contains", "contains"],
            &["glob"],
            &[""],
            &["cidr", "contains"],
        ] {
            assert!(plan(nonsense, false).is_err(), "{nonsense:?}");
        }
        assert!(plan(&["cidr"], true).is_err());
        assert_eq!(plan(&[], true).unwrap().comparison, Comparison::Value(Shape::Contains));
    }
}
