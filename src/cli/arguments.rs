//! The command line as data: every command, flag and example. Help, man pages, completions and
//! `docs/reference/cli.md` come from these definitions and from nothing else.

pub mod rules;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use self::rules::{RulesArguments, RulesFrom};
use super::console::ColorChoice;
use super::exit;
use crate::model::level::Level;
use crate::model::rule::Mode;
use crate::sigma::correlation::seconds;

/// Detection and response for Azure Kubernetes Service
///
/// Midwatch reads the Kubernetes audit log of AKS clusters, decides with Sigma rules what
/// deserves attention, and tells who did what, where and why it matters.
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, propagate_version = false, subcommand_required = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = top_help())]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// When to use colour; NO_COLOR, CLICOLOR_FORCE and TERM=dumb are honoured
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, global = true)]
    pub color: ColorChoice,
    /// Print only data and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about errors
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub verbose: bool,
}

fn top_help() -> String {
    format!(
        "Examples:\n  midwatch up                     watch a bundled attack as it happens\n  \
         midwatch scan PT1H.json         what happened in a downloaded audit log\n  \
         midwatch rules list             what Midwatch looks for\n\n{}",
        exit::help_table()
    )
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch a log account on this machine, without a cloud account
    Up(UpArguments),
    /// Find attacks in audit logs that lie in files
    Scan(ScanArguments),
    /// Look at the detection rules, test and explain them
    Rules(RulesArguments),
    /// Run under the Azure Functions host
    Serve(ServeArguments),
    /// Print the version
    Version(VersionArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write all pages into a directory
    Man(ManArguments),
}

/// Arguments of `up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without DIR, a bundled attack on a real cluster is replayed as a live log account: its audit \
blob grows while you watch. Each start begins the demo anew unless --keep is given. With DIR, \
that directory is followed as a log account (container/path/PT1H.json), and its state is kept.

Examples:
  midwatch up
  midwatch up --speed 1 --keep
  midwatch up ./downloaded-account --state ./state --port 0")]
pub struct UpArguments {
    /// Directory laid out like a storage account; without it, the bundled demo
    pub dir: Option<PathBuf>,
    /// Folder for the state file and the demo's log account
    #[arg(long, value_name = "DIR", default_value = "midwatch-state")]
    pub state: PathBuf,
    /// Loopback port for the API; 0 takes a free one
    #[arg(long, default_value_t = 8477)]
    pub port: u16,
    /// How many times faster than it happened the demo is replayed; by default it takes two minutes
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// Go on with the demo's state instead of beginning anew
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub rules: RulesFrom,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.1..=100_000.0).contains(&factor) => Ok(factor),
        _ => Err("give a number from 0.1 to 100000".into()),
    }
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads Azure Monitor resource logs (PT1H.json blobs, Event Hubs batches) and plain API server \
audit logs, one JSON object a line, gzip or not. A directory is walked for names that end in \
.json, .jsonl, .log or .gz; inside it, files named manifest* and files that show no sign of an \
audit log are skipped and counted. A file that is named itself is read whatever it holds.

The same event may lie in two stages or files; its finding is told once (the last million \
findings are remembered). A path that ends like a blob of a log account names the cluster.

Correlations look at all inputs together, in the order of event time, and are told at the end; the \
order of the files does not matter until 50,000 contributing events wait at once. Rules about what \
was never seen before first learn, for days as a rule; the summary says until when.

Examples:
  midwatch scan PT1H.json
  midwatch scan logs/ --level medium
  midwatch scan 'logs/2026-11-*.jsonl.gz' -o ndjson > findings.ndjson
  zcat audit.log.gz | midwatch scan - --cluster prod-1 --fail-on high
  midwatch scan logs/ -o sarif > midwatch.sarif")]
pub struct ScanArguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the findings
    #[arg(short, long, value_enum, default_value_t = ScanFormat::Table)]
    pub output: ScanFormat,
    #[command(flatten)]
    pub rules: RulesFrom,
    /// Show only findings of this level or above
    #[arg(long, value_name = "LEVEL", value_parser = level_parser())]
    pub level: Option<Level>,
    /// Show only findings of rules in these modes
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = mode_parser(), default_values = ["on", "duet", "opt-in"])]
    pub mode: Vec<Mode>,
    /// Exit with 1 when a shown finding is of this level or above
    #[arg(long, value_name = "LEVEL", value_parser = level_parser())]
    pub fail_on: Option<Level>,
    /// Name of the cluster, for files whose path does not tell
    #[arg(long, value_name = "NAME", default_value = "offline")]
    pub cluster: String,
    /// Networks the control plane calls from besides 172.31.0.0/16, such as the API server's subnet
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub control_plane: Vec<IpNet>,
    /// Judge single events only, and run no correlations
    #[arg(long)]
    pub no_correlations: bool,
    /// Let first-seen rules learn for so long at most (0s, 12h, 3d), to try them on a short log
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub learning: Option<u64>,
    /// Show what exceptions accept in the table as well; the other formats always hold it, marked
    #[arg(long)]
    pub excepted: bool,
    /// Draw no progress bar
    #[arg(long)]
    pub no_progress: bool,
}

fn duration(text: &str) -> Result<u64, String> {
    seconds(text).ok_or_else(|| "give a number with a unit s, m, h, d or w, such as 12h".into())
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
The Functions host starts this command and names the port in its environment; see host.json. \
All settings come from MIDWATCH_* variables.

Examples:
  midwatch serve
  FUNCTIONS_CUSTOMHANDLER_PORT=7071 midwatch serve")]
pub struct ServeArguments {}

/// Arguments of `version`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch version
  midwatch version -o json")]
pub struct VersionArguments {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table)]
    pub output: TextFormat,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch completions bash > ~/.local/share/bash-completion/completions/midwatch
  midwatch completions zsh > ~/.zfunc/_midwatch
  midwatch completions fish > ~/.config/fish/completions/midwatch.fish")]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch man | man -l -
  midwatch man --dir ~/.local/share/man/man1")]
pub struct ManArguments {
    /// Directory for one page a command, made if missing
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// Alerts for people, then a summary
    Table,
    /// One object: summary and findings
    Json,
    /// One finding a line
    Ndjson,
    /// One finding a row, for spreadsheets
    Csv,
    /// SARIF 2.1.0, for code scanning tools
    Sarif,
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Table,
    /// One array
    Json,
    /// One rule a row, for spreadsheets
    Csv,
}

/// How single things are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people
    Table,
    /// One object
    Json,
}

fn level_parser() -> ValueParser {
    PossibleValuesParser::new(Level::ALL.map(Level::as_str))
        .try_map(|word| word.parse::<Level>())
        .into()
}

fn mode_parser() -> ValueParser {
    PossibleValuesParser::new(Mode::ALL.map(Mode::as_str))
        .try_map(|word| word.parse::<Mode>())
        .into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  "), "{} has no examples", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }

    #[test]
    fn an_unknown_flag_suggests_the_nearest() {
        let error = Arguments::try_parse_from(["midwatch", "scan", "--fail-onn", "high", "x"])
            .expect_err("unknown");
        assert!(error.to_string().contains("--fail-on"), "{error}");
    }

    #[test]
    fn levels_and_modes_become_values() {
        let line = ["midwatch", "scan", "--level", "high", "--mode", "on,building-block", "x"];
        let Command::Scan(scan) = Arguments::try_parse_from(line).expect("valid").command else {
            panic!("not scan");
        };
        assert_eq!(scan.level, Some(Level::High));
        assert_eq!(scan.mode, [Mode::On, Mode::BuildingBlock]);
    }
}
