//! Rules made at random, of every modifier and shape, about values that events have.

use midwatch::engine::ruleset::RuleSource;
use serde_json::Value;

use super::variants::Dice;

/// Fields of all kinds: plain, deep, through arrays, below maps with free keys, computed, absent.
const FIELDS: [&str; 32] = [
    "verb",
    "level",
    "stage",
    "requestURI",
    "user.username",
    "user.groups",
    "user.extra.oid",
    "sourceIPs",
    "userAgent",
    "objectRef",
    "objectRef.resource",
    "objectRef.namespace",
    "objectRef.name",
    "objectRef.subresource",
    "objectRef.apiGroup",
    "responseStatus.code",
    "responseStatus.reason",
    "annotations.authorization.k8s.io/decision",
    "annotations.authorization.k8s.io/reason",
    "requestObject.kind",
    "requestObject.metadata.name",
    "requestObject.metadata.labels.app",
    "requestObject.metadata.labels.app.kubernetes.io/name",
    "requestObject.spec.containers.image",
    "requestObject.spec.containers.securityContext.privileged",
    "requestObject.spec.template.spec.hostPID",
    "responseObject.spec.containers.command",
    "midwatch.actor.kind",
    "midwatch.outcome",
    "midwatch.client.family",
    "midwatch.containers.image",
    "no.such.field",
];

/// Values at home in the fields, and others.
const VALUES: [&str; 34] = [
    "create",
    "CREATE",
    "get",
    "patch",
    "pods",
    "secrets",
    "kube-system",
    "default",
    "system:*",
    "*admin*",
    "system:serviceaccount:*:?*",
    "kubectl*",
    "*/exec*",
    "*k8s*io*",
    "?e?",
    "*",
    "* *",
    "'200'",
    "200",
    "403",
    "101.0",
    "true",
    "false",
    "'true'",
    "allow",
    "human",
    "service-account",
    "denied",
    "allowed",
    "busybox*",
    "'\\*'",
    "\u{212a}UBECTL*",
    "'*\\\\*'",
    "é*",
];

const CONDITIONS: [&str; 10] = [
    "a",
    "not a",
    "a and b",
    "a or b",
    "a and not b",
    "not (a or b) and c",
    "1 of them",
    "all of them",
    "(a and b) or (c and not a)",
    "not all of them",
];

const PLACEHOLDERS: [&str; 7] = [
    "expand: '%words%'",
    "expand: ['%words%', 'system:*', 200]",
    "startswith|expand: '%words%'",
    "cased|expand: '%words%:%words%'",
    "cidr|expand: '%networks%'",
    "re|expand: '^%words%'",
    "contains|all|expand: ['%words%', s]",
];

/// The lists that the placeholders stand for.
pub(super) fn lists() -> RuleSource {
    let list = |name: &str, values: &str| {
        format!("title: L\nmidwatch_list:\n  name: {name}\n  values: [{values}]\n")
    };
    let words = list("words", "'system:*', secrets, PODS, '2?0', 'kube*', true, get, system");
    let text = format!("{words}---\n{}", list("networks", "10.0.0.0/8, 203.0.113.0/24, '::/0'"));
    RuleSource { path: "lists.yml".to_owned(), text }
}

/// A rule in a file of its own.
pub(crate) fn made(number: usize, events: &[Value], dice: &mut Dice) -> RuleSource {
    let mut text = format!(
        "title: Made\nid: {:08x}-0000-4000-8000-{number:012x}\nname: made-{number}\nlogsource: \
         {{product: kubernetes, service: audit}}\nlevel: low\ndetection:\n",
        dice.below(0xffff_ffff)
    );
    for name in ["a", "b", "c"] {
        let listed = dice.once_in(4);
        text += &format!("  {name}:\n");
        for part in 0..1 + dice.below(2) {
            let lead = if listed { "    - " } else { "    " };
            text += &format!("{lead}{}\n", item(part, events, dice));
        }
    }
    text += &format!("  condition: {}\n", dice.pick(&CONDITIONS));
    if dice.once_in(3) {
        text += MIDWATCH;
        text += &block(dice);
    }
    RuleSource { path: format!("made-{number}.yml"), text }
}

/// What a rule must say of itself to have blocks about elements.
const MIDWATCH: &str = "midwatch:\n  mode: on\n  dedup: [user.username]\n  guide: {questions: [q], \
                        evidence: [e]}\n  where:\n";

/// Arrays of all kinds, with fields that their elements have.
const ARRAYS: [(&str, [&str; 2]); 7] = [
    ("midwatch.containers", ["name|exists: true", "securityContext.privileged: true"]),
    ("midwatch.object.rules", ["verbs: [get, list, create, '\\*']", "resources|contains: s"]),
    ("midwatch.object.subjects", ["kind: [User, Group]", "name|contains: e"]),
    ("midwatch.pod.volumes", ["name|exists: true", "hostPath.path|startswith: /"]),
    ("requestObject.spec.containers", ["image|contains: ':'", "command|exists: false"]),
    ("requestObject", ["kind|exists: true", "op: [add, replace, remove]"]),
    ("responseObject.metadata", ["name|exists: true", "labels.app|exists: true"]),
];

/// A block about the elements of an array.
fn block(dice: &mut Dice) -> String {
    let (path, [one, other]) = dice.pick(&ARRAYS);
    let quantity = dice.pick(&["some", "some", "none"]);
    let when = if dice.once_in(4) { "      when: a\n" } else { "" };
    let condition = dice.pick(&["x", "x and y", "x or y", "y and not x", "not (x and y)"]);
    let y = if condition.contains('y') { format!("      y: {{{other}}}\n") } else { String::new() };
    format!("    - {quantity}: {path}\n{when}      x: {{{one}}}\n{y}      condition: {condition}\n")
}

fn item(part: usize, events: &[Value], dice: &mut Dice) -> String {
    // Keys of one map differ; half of the fields each keep them apart.
    let half = FIELDS.len() / 2;
    let field = FIELDS[part * half + dice.below(half)];
    match dice.below(18) {
        0 => format!("{field}|exists: {}", dice.once_in(2)),
        1 | 17 => format!("{field}: null"),
        2 => format!("{field}|cidr: [10.0.0.0/8, 172.16.0.0/12, 203.0.113.0/24]"),
        3 => format!("{field}|{}: {}", dice.pick(&["gt", "gte", "lt", "lte"]), dice.below(500)),
        4 => format!("{field}|re: '{}'", dice.pick(&["^s.*", "(?i)PODS?$", "[0-9]+", "k8s"])),
        5 => format!("{field}|re|i: '{}'", dice.pick(&["^SYSTEM", "create|get"])),
        6 => format!("{field}|fieldref: {}", dice.pick(&FIELDS)),
        7 => format!("{field}|contains|all: [{}, {}]", real(events, dice), dice.pick(&["s", "e"])),
        8 => format!("{field}|cased: {}", dice.pick(&VALUES)),
        9 => format!("{field}|neq: {}", dice.pick(&VALUES)),
        10 | 11 => {
            let shape = dice.pick(&["contains", "startswith", "endswith"]);
            format!("{field}|{shape}: [{}, {}]", real(events, dice), dice.pick(&VALUES))
        }
        12 => format!("{field}: [{}, {}]", dice.pick(&VALUES), dice.pick(&VALUES)),
        13 | 14 => format!("{field}|{}", dice.pick(&PLACEHOLDERS)),
        _ => format!("{field}: {}", dice.pick(&VALUES)),
    }
}

/// A piece of a text that some event has.
fn real(events: &[Value], dice: &mut Dice) -> String {
    let event = &events[dice.below(events.len())];
    let paths = ["/user/username", "/objectRef/resource", "/requestURI", "/userAgent", "/verb"];
    let text = event.pointer(dice.pick::<&str>(&paths)).and_then(Value::as_str).unwrap_or("pods");
    let piece: String = text.chars().skip(dice.below(4)).take(3 + dice.below(12)).collect();
    Value::String(if piece.is_empty() { "s".to_owned() } else { piece }).to_string()
}
