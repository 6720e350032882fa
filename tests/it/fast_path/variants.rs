//! Hostile spellings of audit events: what is legal JSON and what is hardly any, in every form in
//! which an event comes. Deterministic: a seed gives the same lines again.

use serde_json::{Map, Value, json};

/// Numbers that look random (xorshift), the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }
}

/// Values that stand where others should: other types, other letters, what rules look for.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(403),
        json!(-1),
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("create"),
        json!("SECRETS"),
        json!("kube-system"),
        json!("system:anonymous"),
        json!("\u{212a}ube-hunter"),
        json!("\u{17f}qlmap é中😀"),
        json!("a\\\"b\\"),
        json!("tab\t nul\u{1} line\n"),
        json!("}{][,:\"log\":"),
        json!("\\u0041*?%"),
        json!("true"),
        json!("1e2"),
        json!([]),
        json!({}),
        json!([[]]),
        json!(["create", ["exec"], null, {"name": "x"}]),
        json!({"name": "x", "privileged": true}),
        json!([{"image": "busybox", "securityContext": {"privileged": true}}]),
    ]
}

/// Keys that shadow paths, that say what a record is, or that nobody has.
const ODD_KEYS: [&str; 16] = [
    "verb",
    "objectRef.resource",
    "spec.hostPID",
    "spec",
    "user",
    "sourceIPs",
    "requestObject",
    "annotations",
    "authorization",
    "audit.k8s.io/truncated",
    "records",
    "items",
    "log",
    "properties",
    "k\"\\é",
    "",
];

/// Changes some of the values and keys of an event.
pub(crate) fn mutated(value: &Value, dice: &mut Dice, often: usize) -> Value {
    if dice.once_in(often * 8) {
        return dice.pick(&odd_values());
    }
    match value {
        Value::Object(members) => {
            let mut changed = Map::new();
            for (key, member) in members {
                if dice.once_in(often * 6) {
                    changed.insert(key.clone(), Value::Null);
                } else if !dice.once_in(often * 6) {
                    changed.insert(key.clone(), mutated(member, dice, often));
                }
            }
            if dice.once_in(often * 2) {
                changed.insert(dice.pick(&ODD_KEYS).into(), dice.pick(&odd_values()));
            }
            Value::Object(changed)
        }
        Value::Array(elements) => {
            let mut changed: Vec<_> =
                elements.iter().map(|element| mutated(element, dice, often)).collect();
            if dice.once_in(often * 2) {
                changed.push(dice.pick(&odd_values()));
            }
            Value::Array(changed)
        }
        Value::String(text) if dice.once_in(often * 4) => match dice.below(3) {
            0 => Value::String(text.to_uppercase()),
            1 => Value::String(format!("{text}\\\"é")),
            _ => Value::String(format!("\n{text}")),
        },
        other => other.clone(),
    }
}

/// How a text is spelled.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    pub(crate) shuffled: bool,
    pub(crate) blanks: bool,
    pub(crate) escapes: bool,
    pub(crate) twice: bool,
}

impl Spelling {
    pub(crate) fn any(dice: &mut Dice) -> Self {
        Self {
            shuffled: dice.once_in(2),
            blanks: dice.once_in(4),
            escapes: dice.once_in(4),
            twice: dice.once_in(5),
        }
    }
}

/// Writes a value; keys may come twice, the second time with another value.
pub(crate) fn spell(value: &Value, how: Spelling, dice: &mut Dice, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<(&String, Value)> =
                members.iter().map(|(key, value)| (key, value.clone())).collect();
            if how.shuffled {
                for index in (1..entries.len()).rev() {
                    entries.swap(index, dice.below(index + 1));
                }
            }
            if how.twice && !entries.is_empty() && dice.once_in(4) {
                let (key, _) = entries[dice.below(entries.len())].clone();
                entries.push((key, dice.pick(&odd_values())));
            }
            out.push('{');
            for (index, (key, member)) in entries.iter().enumerate() {
                separate(index, how, dice, out);
                text(key, how, dice, out);
                blank(how, dice, out);
                out.push(':');
                blank(how, dice, out);
                spell(member, how, dice, out);
            }
            blank(how, dice, out);
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                separate(index, how, dice, out);
                spell(element, how, dice, out);
            }
            blank(how, dice, out);
            out.push(']');
        }
        Value::String(content) => text(content, how, dice, out),
        other => out.push_str(&other.to_string()),
    }
}

fn separate(index: usize, how: Spelling, dice: &mut Dice, out: &mut String) {
    if index > 0 {
        blank(how, dice, out);
        out.push(',');
    }
    blank(how, dice, out);
}

fn blank(how: Spelling, dice: &mut Dice, out: &mut String) {
    if how.blanks && dice.once_in(3) {
        out.push_str(dice.pick(&[" ", "  ", "\t"]));
    }
}

fn text(content: &str, how: Spelling, dice: &mut Dice, out: &mut String) {
    let plain = serde_json::to_string(content).unwrap();
    if !how.escapes || plain.contains('\\') {
        return out.push_str(&plain);
    }
    for c in plain.chars() {
        if c.is_ascii_alphanumeric() && dice.once_in(40) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
}

/// A record of the platform around the text of an event.
pub(crate) fn enveloped(event: &str, dice: &mut Dice) -> String {
    let how = Spelling::any(dice);
    let tail = dice.pick(&["\n", "", "\n", " \n"]);
    let mut record = json!({
        "time": "2026-01-01T00:00:00Z",
        "category": dice.pick(&["kube-audit", "kube-audit", "KUBE-AUDIT-ADMIN", "guard"]),
        "resourceId": dice.pick(&["/SUBSCRIPTIONS/S/CLUSTERS/A", "/subscriptions/s/clusters/a/", "odd"]),
        "properties": {"log": format!("{event}{tail}"), "stream": "stdout", "pod": "p\"x\\"},
        "Cloud": "}{\"[\\",
    });
    match dice.below(24) {
        0 => drop(record.as_object_mut().unwrap().remove("category")),
        1 => record["log"] = json!("{\"verb\":\"create\"}"),
        2 => record["verb"] = json!("create"),
        3 => record["properties"] = json!(record["properties"].to_string()),
        4 => record = json!({"records": [record]}),
        _ => {}
    }
    let mut out = String::new();
    spell(&record, how, dice, &mut out);
    out
}

/// Damages a line as transport and quotas do, or leaves it.
pub(crate) fn damaged(line: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    match dice.below(12) {
        0 | 1 => bytes.truncate(dice.below(bytes.len())),
        2 => {
            let at = dice.below(bytes.len());
            bytes[at] = dice.pick(b"\"\\{}[],:\x01\xff0 x");
        }
        3 => bytes.extend_from_slice(line.as_bytes()),
        4 => bytes.extend_from_slice(dice.pick(&[" ", "}", "x", "\t"]).as_bytes()),
        5 => drop(bytes.remove(dice.below(bytes.len()))),
        _ => {}
    }
    bytes
}
