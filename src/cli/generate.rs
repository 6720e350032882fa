//! What is made from the command line's own definition: completions and manual pages.

use std::fs;

use clap::CommandFactory as _;

use super::arguments::{Arguments, CompletionsArguments, ManArguments};
use super::console::Console;
use super::escape::escape;
use super::exit::Exit;
use super::failure::Failure;

/// `midwatch completions SHELL`.
pub(super) fn completions(
    arguments: &CompletionsArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "midwatch", &mut script);
    console.out().write_all(&script)?;
    Ok(Exit::Ok)
}

/// `midwatch man [--dir DIR]`.
pub(super) fn man(arguments: &ManArguments, console: &mut Console) -> Result<Exit, Failure> {
    let command = Arguments::command();
    let Some(dir) = &arguments.dir else {
        let page = page(command)?;
        console.out().write_all(&page)?;
        return Ok(Exit::Ok);
    };
    fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir)).map_err(
        |error| {
            let what = format!("cannot write manual pages into {}", dir.display());
            Failure::new(Exit::PartialInput, what).because(error)
        },
    )?;
    console.note(&format!("manual pages are in {}", escape(&dir.to_string_lossy())))?;
    Ok(Exit::Ok)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}
