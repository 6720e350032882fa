//! Rebuilds the crate when a rule is added or removed: the rules are embedded in the binary, and
//! the compiler by itself notices only changes of files that it has seen.

fn main() {
    println!("cargo::rerun-if-changed=rules");
}
