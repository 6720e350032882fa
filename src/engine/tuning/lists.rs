//! Value lists from several documents: those that ship, and those of a site, which add to them,
//! take their place or take values away. The order of files makes no difference.

use std::sync::Arc;

use crate::engine::loaded::fault_at;
use crate::engine::visibility::RuleLint;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::{SigmaError, quote};
use crate::sigma::lint::{Severity, lint_list};
use crate::sigma::value_list::{ListMode, ValueList};

/// The lists of a rule set, and the documents that made them.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Lists {
    pub values: Arc<ValueLists>,
    pub documents: Vec<Arc<ValueList>>,
}

impl Lists {
    /// These lists but for some of them.
    pub(in crate::engine) fn without<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let mut rest = self.clone();
        for name in names {
            Arc::make_mut(&mut rest.values).remove(name);
            rest.documents.retain(|document| document.name != name);
        }
        rest
    }

    /// These lists with further documents on top: first those that make lists, then those that
    /// add, then those that take away.
    pub(in crate::engine) fn with(
        &self,
        mut documents: Vec<ValueList>,
        faults: &mut Vec<SigmaError>,
    ) -> Self {
        if documents.is_empty() {
            return self.clone();
        }
        documents.sort_by(|a, b| (a.mode, &a.file, a.line).cmp(&(b.mode, &b.file, b.line)));
        let mut values = ValueLists::clone(&self.values);
        let mut made: Vec<&ValueList> = Vec::new();
        for document in &documents {
            let maker = made.iter().find(|maker| maker.name == document.name);
            match apply(document, maker.copied(), &mut values) {
                Ok(()) => {}
                Err(reason) => faults.push(fault_at(&document.file, document.line, &reason)),
            }
            if matches!(document.mode, ListMode::Define | ListMode::Replace) {
                made.push(document);
            }
        }
        let mut all = self.documents.clone();
        all.extend(documents.into_iter().map(Arc::new));
        Self { values: Arc::new(values), documents: all }
    }

    /// Everything to mend in the documents, but for lists that nobody asks for.
    pub(in crate::engine) fn lint(&self) -> Vec<RuleLint> {
        let mut found: Vec<RuleLint> = Vec::new();
        for document in &self.documents {
            let lints = lint_list(document).into_iter();
            found.extend(lints.map(|lint| at(document, lint.line, lint.severity, lint.reason)));
        }
        found
    }
}

/// A remark on a document.
pub(in crate::engine) fn at(
    document: &ValueList,
    line: u32,
    severity: Severity,
    reason: String,
) -> RuleLint {
    RuleLint { file: document.file.clone(), line, severity, reason }
}

/// `maker` has made the list anew in the same batch of documents.
fn apply(
    document: &ValueList,
    maker: Option<&ValueList>,
    lists: &mut ValueLists,
) -> Result<(), String> {
    let name = quote(&document.name);
    let texts = || document.values.iter().map(|value| value.text.clone());
    let there = lists.contains_key(&document.name);
    match (document.mode, maker) {
        (ListMode::Define, Some(maker)) => Err(format!(
            "the list {name} stands in {} too; put the values together, or write `mode: append`",
            maker.file
        )),
        (ListMode::Define, None) if there => Err(format!(
            "the list {name} is there already; write `mode: append` to add to it, or `mode: \
             replace`"
        )),
        (ListMode::Replace, Some(maker)) => {
            Err(format!("the list {name} is made anew in {} too; keep one", maker.file))
        }
        (ListMode::Replace | ListMode::Append | ListMode::Remove, _) if !there => Err(format!(
            "there is no list {name}; correct its name, or leave `mode` out to make it"
        )),
        (ListMode::Define | ListMode::Replace, _) => {
            lists.insert(document.name.clone(), texts().collect());
            Ok(())
        }
        (ListMode::Append, _) => {
            let list = lists.entry(document.name.clone()).or_default();
            for text in texts() {
                if !list.contains(&text) {
                    list.push(text);
                }
            }
            Ok(())
        }
        (ListMode::Remove, _) => {
            let taken: Vec<String> = texts().collect();
            let list = lists.entry(document.name.clone()).or_default();
            list.retain(|text| !taken.contains(text));
            if list.is_empty() {
                return Err(format!("this leaves nothing of the list {name}; keep one value"));
            }
            Ok(())
        }
    }
}
