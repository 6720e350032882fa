//! `docs/reference/cli.md`, rendered from the command line's own definition. A test compares the
//! page with this text, so that it cannot grow stale.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::arguments::Arguments;
use super::exit::Exit;

/// The whole page.
pub fn markdown() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut page = String::from(
        "# Command line\n\nThis page is made from the program's own definition; change \
         `src/cli/arguments.rs` instead.\n\nData goes to standard output, everything else to \
         standard error. Text that comes from a log is escaped before it is printed, so that it \
         cannot act on a terminal.\n",
    );
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        // Writing into a string cannot fail, here and below.
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page.push_str(
        "\nWhen several apply to one scan, the first of 130, 1 and 4 is taken.\n\n\
         ## Flags of every command\n",
    );
    arguments(&mut page, root.get_arguments().filter(|argument| argument.is_global_set()));
    for below in root.get_subcommands() {
        command(&mut page, below, "midwatch", 2);
    }
    page
}

fn command(page: &mut String, command: &Command, parent: &str, depth: usize) {
    let name = format!("{parent} {}", command.get_name());
    if command.get_name() == "help" {
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "\n{} {name}\n\n{about}.\n", "#".repeat(depth));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = writeln!(page, "```text\n{usage}\n```");
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
        .collect();
    arguments(page, shown.into_iter());
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let (text, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
        if !text.trim().is_empty() {
            let _ = writeln!(page, "\n{}", text.trim());
        }
        let lines: Vec<&str> = examples.lines().map(str::trim_start).collect();
        let _ = writeln!(page, "\n```sh\n{}\n```", lines.join("\n"));
    }
    for below in command.get_subcommands() {
        self::command(page, below, &name, depth + 1);
    }
}

fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<String> = arguments.map(row).collect();
    if !rows.is_empty() {
        page.push_str("\n| argument | meaning | default |\n|---|---|---|\n");
        rows.iter().for_each(|row| page.push_str(row));
    }
}

fn row(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let value = argument
        .get_value_names()
        .and_then(|names| names.first())
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => String::new(),
    };
    if argument.is_positional() {
        name = value;
    } else if takes_value {
        let _ = write!(name, " {value}");
    }
    let mut meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> = if takes_value {
        argument.get_possible_values().iter().map(|word| format!("`{}`", word.get_name())).collect()
    } else {
        Vec::new()
    };
    if !words.is_empty() {
        let _ = write!(meaning, ": {}", words.join(", "));
    }
    let defaults: Vec<String> = if takes_value {
        let text = |value: &clap::builder::OsStr| format!("`{}`", value.to_string_lossy());
        argument.get_default_values().iter().map(text).collect()
    } else {
        Vec::new()
    };
    format!("| `{name}` | {meaning} | {} |\n", defaults.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_section_and_examples_name_rules_that_exist() {
        let page = markdown();
        let rules = crate::engine::ruleset::RuleSet::builtin().expect("rules");
        for words in
            page.lines().filter(|line| line.starts_with("midwatch rules ") && !line.contains('['))
        {
            let named = words.split(' ').skip(2).collect::<Vec<_>>();
            if let ["show", name, ..] | ["explain", "--rule", name, ..] = named.as_slice() {
                assert!(rules.rule(name).is_some(), "{words} names no rule that there is");
            }
        }
        for heading in ["## midwatch up", "## midwatch scan", "### midwatch rules explain"] {
            assert!(page.contains(heading), "{heading}");
        }
        assert!(page.contains("| 130 |") && page.contains("`ndjson`"));
    }
}
