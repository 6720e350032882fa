//! `midwatch rules`: look at the detection rules, test, lint and explain them.

mod check;
mod explain;
pub(super) mod folder;
mod list;
mod show;
pub(super) mod sources;
pub(in crate::cli) mod tuning;

use super::arguments::rules::{RulesArguments, RulesCommand};
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

/// Dispatches to the command below `rules`.
pub(super) fn rules(arguments: &RulesArguments, console: &mut Console) -> Result<Exit, Failure> {
    match &arguments.command {
        RulesCommand::List(arguments) => list::list(arguments, console),
        RulesCommand::Show(arguments) => show::show(arguments, console),
        RulesCommand::Test(arguments) => check::test(arguments, console),
        RulesCommand::Lint(arguments) => check::lint(arguments, console),
        RulesCommand::Explain(arguments) => explain::explain(arguments, console),
    }
}
