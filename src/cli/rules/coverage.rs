//! `midwatch rules coverage`: what each rule needs to see, and what goes blind when less is logged.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::sources;
use crate::api::json as twin;
use crate::cli::arguments::ListFormat;
use crate::cli::arguments::rules::{LogCategory, RulesCoverageArguments};
use crate::cli::console::Console;
use crate::cli::csv;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::{self, count};
use crate::engine::ruleset::{Listed, RuleSet};
use crate::engine::visibility::coverage::volume::{MEASURED, Volume};
use crate::engine::visibility::coverage::{ADMIN_OMITS, Category, Left, Needs, needs};

/// A rule with what it needs.
pub(super) struct Covered<'a> {
    pub rule: Listed<'a>,
    pub needs: Needs,
}

/// Tells what rules need, or what is left of them under `kube-audit-admin`.
pub(super) fn coverage(
    arguments: &RulesCoverageArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let rules = sources::rule_set(&arguments.rules)?;
    let mut all = covered(&rules);
    all.sort_by_key(|it| (Reverse(it.rule.reference.level), it.rule.reference.name.clone()));
    let admin = arguments.category == LogCategory::KubeAuditAdmin;
    let counts = Counts::of(&all);
    if admin {
        all.retain(|it| it.needs.admin != Left::Whole);
        all.sort_by_key(|it| it.needs.admin);
    }
    let header = if admin { ADMIN_HEADER } else { HEADER };
    let row: fn(&Covered<'_>) -> Vec<String> = if admin { admin_row } else { row };
    let rows = all.iter().map(row);
    match arguments.output {
        ListFormat::Table => {
            let rows: Vec<Vec<String>> = rows.collect();
            let header: Vec<String> = header.iter().map(|it| it.to_uppercase()).collect();
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            let columns = console.columns();
            table::write(console.out(), &header, &rows, columns)?;
            tell(&counts, admin, console)?;
        }
        ListFormat::Csv => {
            csv::write_row(console.out(), header.iter().copied())?;
            for row in rows {
                csv::write_row(console.out(), row.iter().map(String::as_str))?;
            }
        }
        ListFormat::Json => {
            let object = json!({
                "schema": "midwatch.rule-coverage/v1",
                "category": arguments.category.category().as_str(),
                "omitted_verbs": if admin { &ADMIN_OMITS[..] } else { &[] },
                "counts": {"whole": counts.whole, "partly": counts.partly, "blind": counts.blind},
                "measured": MEASURED.iter().map(volume).collect::<Vec<Value>>(),
                "rules": all.iter().map(object).collect::<Vec<Value>>(),
            });
            twin::write(console.out(), &object)?;
            console.out().write_all(b"\n")?;
        }
    }
    sources::tell_not_run(&rules, console)?;
    Ok(Exit::Ok)
}

/// Every rule of the set with its needs, by name.
pub(super) fn covered(rules: &RuleSet) -> Vec<Covered<'_>> {
    rules
        .catalogue()
        .into_iter()
        .filter_map(|(rule, _)| Some(Covered { rule, needs: needs(rules, &rule.reference.name)? }))
        .collect()
}

const HEADER: [&str; 6] = ["level", "mode", "name", "category", "verbs", "body"];
const ADMIN_HEADER: [&str; 6] = ["left", "level", "mode", "name", "lost_verbs", "kept_verbs"];

fn row(it: &Covered<'_>) -> Vec<String> {
    let reference = it.rule.reference;
    let mut body = it.needs.body.describe();
    if it.needs.bodiless {
        body = "none written".to_owned();
    }
    vec![
        reference.level.to_string(),
        reference.mode.to_string(),
        reference.name.clone(),
        it.needs.category().as_str().to_owned(),
        it.needs.describe_verbs(),
        body,
    ]
}

fn admin_row(it: &Covered<'_>) -> Vec<String> {
    let reference = it.rule.reference;
    let lost = it.needs.verbs_lost();
    let kept: Vec<&str> =
        it.needs.verbs.iter().copied().filter(|verb| !lost.contains(verb)).collect();
    let mut left = it.needs.admin.as_str().to_owned();
    if it.needs.false_alarms {
        left.push_str(", false alarms");
    }
    vec![
        left,
        reference.level.to_string(),
        reference.mode.to_string(),
        reference.name.clone(),
        lost.join(" "),
        kept.join(" "),
    ]
}

fn object(it: &Covered<'_>) -> Value {
    let reference = it.rule.reference;
    json!({
        "id": reference.id.as_str(),
        "name": reference.name,
        "level": reference.level.as_str(),
        "mode": reference.mode.as_str(),
        "category": it.needs.category().as_str(),
        "verbs": it.needs.verbs,
        "body": {
            "request": it.needs.body.request,
            "response": it.needs.body.response,
            "object": it.needs.body.object,
            "avoidable": it.needs.body.avoidable,
            "never_written": it.needs.bodiless,
        },
        "kube_audit_admin": it.needs.admin.as_str(),
        "lost_verbs": it.needs.verbs_lost(),
        "false_alarms": it.needs.false_alarms,
        "undetermined": it.needs.undetermined,
    })
}

fn volume(it: &Volume) -> Value {
    let share = |permille: u64| json!({"permille": permille});
    json!({
        "log": it.log,
        "records": it.records,
        "bytes": it.bytes,
        "omitted_share_of_bytes": share(it.bytes_permille(&ADMIN_OMITS)),
        "omitted_share_of_records": share(it.records_permille(&ADMIN_OMITS)),
    })
}

/// Rules by what is left of them under `kube-audit-admin`.
struct Counts {
    whole: usize,
    partly: usize,
    blind: usize,
}

impl Counts {
    fn of(all: &[Covered<'_>]) -> Self {
        let count = |left| all.iter().filter(|it| it.needs.admin == left).count();
        Self { whole: count(Left::Whole), partly: count(Left::Partly), blind: count(Left::Blind) }
    }
}

fn tell(counts: &Counts, admin: bool, console: &mut Console) -> std::io::Result<()> {
    let Counts { whole, partly, blind } = counts;
    let all = count((whole + partly + blind) as u64, "rule");
    if !admin {
        return console.note(&format!(
            "{all}; {} suffices for {whole} of them, {} is needed for {}",
            Category::KubeAuditAdmin.as_str(),
            Category::KubeAudit.as_str(),
            partly + blind
        ));
    }
    console.note(&format!(
        "of {all}, {blind} go blind without get and list, {partly} see less, {whole} see everything"
    ))?;
    let shares: Vec<String> = MEASURED
        .iter()
        .map(|it| {
            let bytes = percent(it.bytes_permille(&ADMIN_OMITS));
            let records = percent(it.records_permille(&ADMIN_OMITS));
            format!("{bytes} of the bytes and {records} of the records of {}", it.log)
        })
        .collect();
    console.note(&format!("what it saves: get and list are {}", shares.join(", ")))?;
    console
        .note("those are logs of a small cluster; docs/log-categories.md tells how to count yours")
}

/// Thousandths as `26.3 %`.
pub(super) fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}
