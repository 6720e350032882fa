//! The binary `midwatch`.

fn main() {}
