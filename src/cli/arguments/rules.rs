//! The command line of `rules`, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ListFormat, TextFormat, level_parser, mode_parser};
use crate::model::level::Level;
use crate::model::rule::Mode;

/// Arguments of `rules`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch rules list --level high
  midwatch rules show exec-interactive-shell
  midwatch rules test ./my-rules
  midwatch rules explain --rule exec-interactive-shell event.json")]
pub struct RulesArguments {
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules
    List(RulesListArguments),
    /// Show one rule: what it means, its guide and its source
    Show(RulesShowArguments),
    /// Run the cases that stand beside the rules
    Test(RulesTestArguments),
    /// Look for rules that cannot work as written
    Lint(RulesLintArguments),
    /// Tell clause by clause why a rule matches an event, or why not
    Explain(RulesExplainArguments),
}

/// Which rules are used.
#[derive(Debug, Clone, Args)]
pub struct RulesFrom {
    /// Directory of further rules; one with a built-in rule's name replaces it
    #[arg(id = "rules", long = "rules", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Use only the rules of --rules, and none of the built-in ones
    #[arg(long, requires = "rules")]
    pub no_shipped_rules: bool,
}

/// Arguments of `rules list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch rules list
  midwatch rules list --tactic credential-access --mode on,duet
  midwatch rules list -o json")]
pub struct RulesListArguments {
    /// Only rules of this level or above
    #[arg(long, value_name = "LEVEL", value_parser = level_parser())]
    pub level: Option<Level>,
    /// Only rules in these modes
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = mode_parser())]
    pub mode: Vec<Mode>,
    /// Only rules of this ATT&CK tactic, such as credential-access
    #[arg(long)]
    pub tactic: Option<String>,
    /// How to print them
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table)]
    pub output: ListFormat,
    #[command(flatten)]
    pub rules: RulesFrom,
}

/// Arguments of `rules show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch rules show exec-interactive-shell
  midwatch rules show exec-interactive-shell -o json")]
pub struct RulesShowArguments {
    /// Name or id of the rule
    pub name: String,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table)]
    pub output: TextFormat,
    #[command(flatten)]
    pub rules: RulesFrom,
}

/// Arguments of `rules test`.
#[derive(Debug, Args)]
#[command(after_help = "\
A case is a line of <rule>.cases.jsonl beside <rule>.yml: its name, whether the rule must match, \
and an event.

Examples:
  midwatch rules test
  midwatch rules test ./my-rules")]
pub struct RulesTestArguments {
    /// Directory of rules and cases; without it, the built-in ones
    pub dir: Option<PathBuf>,
    /// How to print the outcome
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table)]
    pub output: TextFormat,
}

/// Arguments of `rules lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Finds unknown fields, impossible values, and bodies that AKS never writes to its log.

Examples:
  midwatch rules lint
  midwatch rules lint ./my-rules")]
pub struct RulesLintArguments {
    /// Directory of rules; without it, the built-in ones
    pub dir: Option<PathBuf>,
    /// How to print the outcome
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table)]
    pub output: TextFormat,
}

/// Arguments of `rules explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
EVENT_FILE holds audit events or Azure records, one a line; each is explained.

Examples:
  midwatch rules explain --rule exec-interactive-shell event.json
  grep 6f0c audit.log | midwatch rules explain --rule exec-interactive-shell -")]
pub struct RulesExplainArguments {
    /// Name or id of the rule
    #[arg(long, value_name = "NAME")]
    pub rule: String,
    /// File with the event, or - for standard input
    pub event_file: PathBuf,
    /// How to print the explanation
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table)]
    pub output: TextFormat,
    #[command(flatten)]
    pub rules: RulesFrom,
}
