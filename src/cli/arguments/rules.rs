//! The command line of `rules`, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ListFormat, TextFormat, level_parser, mode_parser};
use crate::engine::visibility::coverage::Category;
use crate::model::level::Level;
use crate::model::rule::Mode;

/// Arguments of `rules`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  midwatch rules list --level high
  midwatch rules show exec-interactive-shell
  midwatch rules test ./my-rules
  midwatch rules coverage --category kube-audit-admin
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
    /// Tell which log category, verbs and bodies each rule needs, and what goes blind without them
    Coverage(RulesCoverageArguments),
    /// Print the whole catalogue for a spreadsheet, another tool or the ATT&CK Navigator
    Export(RulesExportArguments),
    /// Begin a rule: write its file and its cases, which say what is missing
    New(RulesNewArguments),
    /// Write rules.lock: the version of each rule, and a hash of what it says
    Lock(RulesLockArguments),
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
  midwatch rules list -o json
  midwatch rules list --vendor")]
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
    /// List the detections of vendors in place of the rules
    #[arg(long, conflicts_with_all = ["rules", "mode"])]
    pub vendor: bool,
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
and an event. With --mutate every clause of every rule is left out once and turned round once, and \
every part of a correlation is left out or moved by a step; a change that no case notices is a warning, and a case is missing.

Examples:
  midwatch rules test
  midwatch rules test ./my-rules
  midwatch rules test ./my-rules --mutate")]
pub struct RulesTestArguments {
    /// Directory of rules and cases; without it, the built-in ones
    pub dir: Option<PathBuf>,
    /// Also tell which clauses could be left out or turned round without any case noticing
    #[arg(long)]
    pub mutate: bool,
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

/// A log category of AKS' diagnostic settings that carries audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogCategory {
    /// Everything that the audit policy writes
    KubeAudit,
    /// The same without get and list
    KubeAuditAdmin,
}

impl LogCategory {
    /// The category as the engine knows it.
    pub fn category(self) -> Category {
        match self {
            Self::KubeAudit => Category::KubeAudit,
            Self::KubeAuditAdmin => Category::KubeAuditAdmin,
        }
    }
}

/// Arguments of `rules coverage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Derived from each rule's detection and from the audit policy that AKS fixes for every cluster. \
CATEGORY is the least with which nothing of the rule is lost; BODY is `none written` where AKS \
never writes one for what the rule names, and `partly` where some ways to match need none. With \
--category kube-audit-admin only the rules that lose something are listed: `blind` can never \
match, `partly` misses the verbs that are named.

Examples:
  midwatch rules coverage
  midwatch rules coverage --category kube-audit-admin
  midwatch rules coverage --format csv > coverage.csv")]
pub struct RulesCoverageArguments {
    /// What the diagnostic setting exports
    #[arg(long, value_enum, default_value_t = LogCategory::KubeAudit)]
    pub category: LogCategory,
    /// How to print it
    #[arg(short, long, visible_alias = "format", value_enum, default_value_t = ListFormat::Table)]
    pub output: ListFormat,
    #[command(flatten)]
    pub rules: RulesFrom,
}

/// Forms of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One detection a row, with every column
    Csv,
    /// One array, with every column
    Json,
    /// A layer of the ATT&CK Navigator, in format 4.5
    Navigator,
    /// The index of the catalogue as a page
    Markdown,
}

/// Arguments of `rules export`.
#[derive(Debug, Args)]
#[command(after_help = "\
The columns tell what a detection is, what it needs to see, how it is tested and which version it is; \
detections of vendors stand at the end, as far as the form has a place for them. Cells that a \
spreadsheet would take for a formula are made text.

Examples:
  midwatch rules export -o csv > catalogue.csv
  midwatch rules export -o navigator > midwatch.layer.json
  midwatch rules export -o json --mode on,duet")]
pub struct RulesExportArguments {
    /// How to print it
    #[arg(short, long, visible_alias = "format", value_enum)]
    pub output: ExportFormat,
    /// Only rules in these modes
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = mode_parser())]
    pub mode: Vec<Mode>,
    #[command(flatten)]
    pub rules: RulesFrom,
}

/// Arguments of `rules new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes DIR/kubernetes/TACTIC/NAME.yml and NAME.cases.jsonl beside it. The rule loads; its cases fail \
until both are filled in, and say what belongs there. docs/writing-rules.md goes through it.

Examples:
  midwatch rules new quota-deleted --tactic impact
  midwatch rules new quota-deleted --tactic impact --dir ./my-rules")]
pub struct RulesNewArguments {
    /// Name of the rule, in lower case with dashes; it becomes the file's name
    pub name: String,
    /// ATT&CK tactic, such as credential-access
    #[arg(long, default_value = "execution")]
    pub tactic: String,
    /// Directory of rules
    #[arg(long, value_name = "DIR", default_value = "rules")]
    pub dir: PathBuf,
}

/// Arguments of `rules lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
The lock lies in the directory as rules.lock. A rule that is new begins at version 1, one that says \
something else than before gets the next version, and the id of one that is gone stays in the list, \
so that nobody gives it again. Comments and layout do not count. With --check nothing is written: \
exit code 1 says that the lock is not current.

Examples:
  midwatch rules lock
  midwatch rules lock --check
  midwatch rules lock ./my-rules")]
pub struct RulesLockArguments {
    /// Directory of rules
    #[arg(default_value = "rules")]
    pub dir: PathBuf,
    /// Only say what is wrong
    #[arg(long)]
    pub check: bool,
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
