//! Blocks as they are asked: over the elements of an event, and explained by them.

use super::{ElementBlock, Occurrence, of_event};
use crate::model::fields::{Fields, Found};
use crate::sigma::compile::Matcher;
use crate::sigma::condition::Condition;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::{SigmaError, bounded};
use crate::sigma::explain::{ElementsSeen, Step, StepKind};

/// Elements that one explanation shows.
const ELEMENTS_MAX: usize = 10;
/// Characters shown of a path.
const PATH_MAX: usize = 200;

/// A block, compiled.
#[derive(Debug)]
pub(crate) struct Block {
    occurrence: Occurrence,
    path: String,
    /// Over the selections of the rule.
    pub(crate) when: Option<Condition>,
    element: Matcher,
    /// The condition as written.
    text: String,
    line: u32,
}

impl Block {
    /// Compiles a block of the rule in this file.
    ///
    /// # Errors
    ///
    /// As [`Matcher::compile_with`].
    pub(crate) fn compile(
        block: &ElementBlock,
        file: &str,
        lists: &ValueLists,
    ) -> Result<Self, Vec<SigmaError>> {
        Ok(Self {
            occurrence: block.occurrence,
            path: block.path.clone(),
            when: block.when.clone(),
            element: Matcher::compile_detection(&block.detection, file, lists)?,
            text: block.text.clone(),
            line: block.place.line,
        })
    }

    /// Whether the elements of the event are as the block wants them.
    pub(crate) fn holds(&self, event: &dyn Fields) -> bool {
        let found = event.any_element(&self.path, &mut |element| {
            self.element.matches(&Within { element, event })
        });
        found == (self.occurrence == Occurrence::Some)
    }

    /// The block with the element that decided it, or with what was seen in each when none did.
    pub(crate) fn explain(&self, event: &dyn Fields) -> Step {
        let mut shown: Vec<Step> = Vec::new();
        let mut looked_at = 0;
        let found = event.any_element(&self.path, &mut |element| {
            let within = Within { element, event };
            let satisfied = self.element.matches(&within);
            if satisfied {
                shown.clear();
            }
            if satisfied || shown.len() < ELEMENTS_MAX {
                let root = self.element.explain(&within).root;
                let kind = StepKind::Element(looked_at);
                shown.push(Step { held: root.held, kind, children: vec![root] });
            }
            looked_at += 1;
            satisfied
        });
        let kind = StepKind::Elements(ElementsSeen {
            occurrence: self.occurrence,
            path: bounded(&self.path, PATH_MAX),
            text: self.text.clone(),
            line: self.line,
            looked_at,
            more: if found { 0 } else { looked_at - shown.len() },
        });
        let held = found == (self.occurrence == Occurrence::Some);
        Step { held, kind, children: shown }
    }
}

/// An element as a block asks it: with the event at hand.
struct Within<'e> {
    element: &'e dyn Fields,
    event: &'e dyn Fields,
}

impl Fields for Within<'_> {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        match of_event(path) {
            Some(path) => self.event.find(path),
            None => self.element.find(path),
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.element.any_text(test)
    }

    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        match of_event(path) {
            Some(path) => self.event.any_element(path, test),
            None => self.element.any_element(path, test),
        }
    }
}
