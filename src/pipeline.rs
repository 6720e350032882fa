//! Floor 4: the verbs. Control flow lives here, over ports and repositories; what to decide lies
//! below, who the vendor is lies beside and is not known.

pub mod discover;
pub mod error;
pub mod ingest;
pub mod record;
pub mod rules;
pub mod services;
