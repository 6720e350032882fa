//! The fast path: decides rules on the bytes of a line, without decoding it.
//!
//! It may only ever say less than the reference does. Whatever surprises it goes to the reference,
//! so every room in here answers `Odd` or `Cut` rather than guess.

pub mod scan;
