//! `midwatch rules`: look at the detection rules, test, lint and explain them, and tell what they need to see.

mod check;
mod coverage;
mod explain;
mod export;
pub(super) mod folder;
mod list;
mod lock;
mod scaffold;
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
        RulesCommand::Coverage(arguments) => coverage::coverage(arguments, console),
        RulesCommand::Export(arguments) => export::export(arguments, console),
        RulesCommand::New(arguments) => scaffold::new(arguments, console),
        RulesCommand::Lock(arguments) => lock::lock(arguments, console),
        RulesCommand::Explain(arguments) => explain::explain(arguments, console),
    }
}
