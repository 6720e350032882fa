//! Blocks about the elements of an array: their path, and what they ask of an element.

use super::{Findings, Known, Taxonomy, logic, values};
use crate::sigma::detection::Item;
use crate::sigma::element::ElementBlock;
use crate::sigma::error::quote;

pub(super) fn check(block: &ElementBlock, taxonomy: &dyn Taxonomy, findings: &mut Findings) {
    let known = taxonomy.look_up(&block.path);
    let sound = taxonomy.has_elements(&block.path);
    values::check_field(&block.path, block.path_place, taxonomy, findings);
    if !sound && known != Known::Unknown {
        let path = quote(&block.path);
        let reason = format!("{path} has no elements with fields; name an array of objects");
        findings.error(block.path_place, reason);
    }
    logic::check_added(&block.detection, findings);
    for item in block.detection.items() {
        check_names(item, taxonomy, findings);
        // Below a path that no event has, every field would be told again.
        if sound || item.field.is_none() {
            values::check(&absolute(block, item), taxonomy, findings);
        }
    }
}

/// The item as it would stand in a detection.
fn absolute(block: &ElementBlock, item: &Item) -> Item {
    let mut item = item.clone();
    item.field = item.field.map(|field| block.absolute(&field));
    if item.is_reference() {
        item.values.iter_mut().for_each(|value| value.text = block.absolute(&value.text));
    }
    item
}

/// A dotted name of a field of the event is seldom meant to be one of the element.
fn check_names(item: &Item, taxonomy: &dyn Taxonomy, findings: &mut Findings) {
    let referred = item.values.iter().filter(|_| item.is_reference()).map(|it| it.text.as_str());
    let named = item.field.as_deref().into_iter().chain(referred);
    for name in named.filter(|name| name.contains('.') && !name.starts_with("midwatch.")) {
        if matches!(taxonomy.look_up(name), Known::Field { .. }) {
            let (own, of_event) = (quote(name), quote(&format!("midwatch.event.{name}")));
            let reason =
                format!("{own} is looked up in the element; for the event's write {of_event}");
            findings.warn(item.place, reason);
        }
    }
}
