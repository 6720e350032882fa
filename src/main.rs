//! The binary `midwatch`: hands the process over to the command line and back.

use std::process::ExitCode;

fn main() -> ExitCode {
    midwatch::cli::run(std::env::args_os())
}
