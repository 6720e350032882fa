//! Asking a matcher about an event. What each kind of clause means for absent fields, null,
//! arrays and negation is decided here, and nowhere else.

use std::collections::HashSet;

use super::compile::{Branch, Clause, Matcher};
use super::condition::{Condition, Quantity};
use super::element::Block;
use super::pattern::Shape;
use super::probe::{Probe, Seen};
use crate::model::fields::{Fields, Found};

/// Elements of two arrays whose parts are compared with each other: a hostile event could hold a
/// hundred thousand in each.
const REFERENCES_MAX: usize = 1_000;

impl Matcher {
    /// Whether the event satisfies the rule.
    pub fn matches(&self, fields: &dyn Fields) -> bool {
        self.condition_holds(&self.condition, fields)
            && self.blocks.iter().all(|block| self.block_holds(block, fields))
    }

    fn block_holds(&self, block: &Block, fields: &dyn Fields) -> bool {
        let asked = block.when.as_ref().is_none_or(|when| self.condition_holds(when, fields));
        !asked || block.holds(fields)
    }

    fn condition_holds(&self, condition: &Condition, fields: &dyn Fields) -> bool {
        match condition {
            Condition::And(parts) => parts.iter().all(|part| self.condition_holds(part, fields)),
            Condition::Or(parts) => parts.iter().any(|part| self.condition_holds(part, fields)),
            Condition::Not(inner) => !self.condition_holds(inner, fields),
            Condition::Selection(index) => self.selection_holds(*index, fields),
            Condition::Of { quantity, selections, .. } => match quantity {
                Quantity::Any => {
                    selections.iter().any(|index| self.selection_holds(*index, fields))
                }
                Quantity::All => {
                    selections.iter().all(|index| self.selection_holds(*index, fields))
                }
            },
        }
    }

    fn selection_holds(&self, index: usize, fields: &dyn Fields) -> bool {
        self.selections.get(index).is_some_and(|selection| selection.body.holds(fields))
    }
}

impl Branch {
    fn holds(&self, fields: &dyn Fields) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(fields)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(fields)),
            Self::Clause(clause) => clause.holds(fields),
        }
    }
}

/// What made a value of a rule hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hit {
    /// The field as a whole: present, absent, or null.
    Field,
    /// The value at this index of what was found.
    Value(usize),
}

impl Clause {
    fn holds(&self, fields: &dyn Fields) -> bool {
        let found = match &self.field {
            Some(field) => {
                let seen = fields.find(field);
                self.hits(|probes| field_hit(probes, &seen, fields))
            }
            None => self.hits(|probes| keyword_hit(probes, fields)),
        };
        found != self.negated
    }

    /// Whether the values hold, all or any of them, before `neq`.
    fn hits<T>(&self, hit: impl Fn(&[Probe]) -> Option<T>) -> bool {
        if self.all {
            self.values.iter().all(|probes| hit(probes).is_some())
        } else {
            self.values.iter().any(|probes| hit(probes).is_some())
        }
    }
}

/// The first value that satisfies one of the probes. An array satisfies when an element does.
pub(crate) fn field_hit(probes: &[Probe], found: &Found<'_>, fields: &dyn Fields) -> Option<Hit> {
    let whole = probes.iter().any(|probe| match probe {
        Probe::Null => !found.present,
        Probe::Exists(wanted) => found.present == *wanted,
        _ => false,
    });
    if whole {
        return Some(Hit::Field);
    }
    let own = found.values.iter().position(|scalar| {
        let seen = Seen::new(scalar);
        probes.iter().any(|probe| probe.holds(&seen))
    });
    let index = own.or_else(|| {
        probes.iter().find_map(|probe| match probe {
            Probe::FieldRef { field, shape, cased } => {
                reference_hit(found, &fields.find(field), *shape, *cased)
            }
            _ => None,
        })
    });
    index.map(Hit::Value)
}

/// The first value that stands in the shape to any value of the other field.
fn reference_hit(found: &Found<'_>, other: &Found<'_>, shape: Shape, cased: bool) -> Option<usize> {
    let others: Vec<Seen<'_>> = other.values.iter().map(Seen::new).collect();
    let mut values = found.values.iter().map(Seen::new);
    if shape == Shape::Whole {
        let texts: HashSet<&str> = others.iter().filter_map(|other| other.cased(cased)).collect();
        return values.position(|seen| seen.cased(cased).is_some_and(|text| texts.contains(text)));
    }
    let wanted: Vec<&str> =
        others.iter().filter_map(|other| other.cased(cased)).take(REFERENCES_MAX).collect();
    values.take(REFERENCES_MAX).position(|seen| {
        seen.cased(cased).is_some_and(|text| {
            wanted.iter().any(|wanted| match shape {
                Shape::Whole => text == *wanted,
                Shape::Contains => text.contains(wanted),
                Shape::StartsWith => text.starts_with(wanted),
                Shape::EndsWith => text.ends_with(wanted),
            })
        })
    })
}

/// The text of the event that satisfies one of the probes.
pub(crate) fn keyword_hit(probes: &[Probe], fields: &dyn Fields) -> Option<String> {
    let mut hit = None;
    fields.any_text(&mut |text| {
        let found = probes.iter().any(|probe| probe.holds_text(text));
        if found {
            hit = Some(super::error::bounded(text, super::explain::VALUE_MAX));
        }
        found
    });
    hit
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::model::fields::Scalar;
    use crate::sigma::document::{Document, parse};

    /// An event that counts how often it is asked.
    #[derive(Default)]
    struct Counting(Cell<usize>);

    impl Fields for Counting {
        fn find(&self, _path: &str) -> Found<'_> {
            self.0.set(self.0.get() + 1);
            Found { present: true, values: vec![Scalar::Text("nobody".into())] }
        }

        fn any_text(&self, _test: &mut dyn FnMut(&str) -> bool) -> bool {
            false
        }

        fn any_element(&self, _path: &str, _test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
            false
        }
    }

    #[test]
    fn a_field_is_looked_up_once_however_long_the_list_of_values() {
        let values: Vec<String> = (0..1_000).map(|n| format!("user-{n}")).collect();
        let text = format!(
            "title: t\nlogsource: {{product: kubernetes}}\ndetection:\n  s: {{user.username: [{}]}}\n  \
             condition: s\n",
            values.join(", ")
        );
        let documents = parse(&text, "r.yml").unwrap();
        let [Document::Rule(rule)] = documents.as_slice() else { panic!("{documents:?}") };
        let event = Counting::default();
        assert!(!Matcher::compile(rule).unwrap().matches(&event));
        assert_eq!(event.0.get(), 1);
    }
}
