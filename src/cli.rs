//! Floor 6: the command line. It parses, dispatches, prints, and turns failures into exit codes;
//! what a command decides is decided below.

pub mod arguments;
pub mod catalogue;
pub mod console;
mod csv;
pub mod escape;
pub mod exit;
pub mod failure;
mod generate;
mod interrupt;
pub mod reference;
mod rules;
mod scan;
mod sentence;
mod serve;
mod table;
mod up;
mod version;
mod wrap;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use arguments::{Arguments, Command};
use console::{ColorChoice, Console, Terminal};
use exit::Exit;
use failure::Failure;

use crate::config::Environment;

/// Runs the command that `line` names and says how the process ends.
pub fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(line) {
        Ok(arguments) => arguments,
        Err(error) => return told(&error).into(),
    };
    let environment = Environment::from_process();
    let terminal = Terminal::detect(|name| environment.get(name).map(str::to_owned));
    let global = &arguments.global;
    let verbose = global.verbose;
    let console = Console::of_process(terminal, global.color, global.quiet, verbose);
    match dispatch(arguments.command, console, environment) {
        Ok(exit) => exit.into(),
        // Whoever read our output has seen enough: that is no failure of ours.
        Err(failure) if failure.is_broken_pipe() => Exit::Ok.into(),
        Err(failure) => {
            let exit = failure.exit;
            let mut console = Console::of_process(terminal, ColorChoice::Never, true, verbose);
            // When standard error is gone, there is nobody left to tell.
            let _ = console.fail(&failure.message(verbose));
            exit.into()
        }
    }
}

fn dispatch(
    command: Command,
    mut console: Console,
    environment: Environment,
) -> Result<Exit, Failure> {
    let exit = match command {
        Command::Scan(arguments) => return scan::scan(arguments, console),
        Command::Up(arguments) => return up::up(&arguments, console),
        Command::Serve(_) => return serve::serve(environment),
        Command::Rules(arguments) => rules::rules(&arguments, &mut console)?,
        Command::Version(arguments) => version::version(&arguments, &mut console)?,
        Command::Completions(arguments) => generate::completions(&arguments, &mut console)?,
        Command::Man(arguments) => generate::man(&arguments, &mut console)?,
    };
    console.flush()?;
    Ok(exit)
}

/// Prints what clap has to say: help to standard output, mistakes to standard error.
fn told(error: &clap::Error) -> Exit {
    // A reader that went away is no failure, and there is nobody else to tell.
    let _ = error.print();
    let _ = io::stdout().flush();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
        _ => Exit::Usage,
    }
}
