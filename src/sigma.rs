//! The Sigma rule language: documents, conditions, modifiers, matching, explaining and lint.
//!
//! Owns what a rule says and whether an event satisfies it. Knows nothing of audit records: an
//! event is anything that implements [`crate::model::fields::Fields`].

pub mod canonical;
pub mod compile;
pub mod condition;
pub mod conjunct;
pub mod correlation;
pub mod detection;
pub mod document;
pub mod element;
pub mod encode;
pub mod error;
pub mod exception;
pub mod explain;
pub mod filter;
pub mod lint;
pub mod literal;
pub mod mapping;
pub mod metadata;
pub mod modifier;
pub mod node;
pub mod pattern;
pub mod value_list;

mod matcher;
mod probe;
mod yaml;
