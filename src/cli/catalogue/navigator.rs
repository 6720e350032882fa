//! The catalogue as a layer of the ATT&CK Navigator, format 4.5.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Entry;
use crate::model::framework::ATTACK_VERSION;

/// Versions that the layer states. A Navigator of 5.1 reads format 4.5.
const LAYER_VERSION: &str = "4.5";
const NAVIGATOR_VERSION: &str = "5.1.0";
/// Rules named in one comment, at most.
const NAMED_MAX: usize = 40;

/// The layer: each technique with the number of its rules as score and their names as comment. The
/// score of a technique does not count the rules of its sub-techniques.
pub fn layer(entries: &[Entry<'_>]) -> Value {
    let mut by_technique: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for entry in entries {
        for technique in entry.techniques() {
            by_technique.entry(technique).or_default().push(&entry.rule.reference.name);
        }
    }
    let most = by_technique.values().map(Vec::len).max().unwrap_or(1);
    let techniques: Vec<Value> = by_technique
        .iter()
        .map(|(id, names)| {
            let mut comment = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
            if names.len() > NAMED_MAX {
                comment.push_str(&format!(" and {} more", names.len() - NAMED_MAX));
            }
            json!({
                "techniqueID": id,
                "score": names.len(),
                "comment": comment,
                "enabled": true,
                "showSubtechniques": true,
                "metadata": [],
                "links": [],
            })
        })
        .collect();
    json!({
        "name": "Midwatch",
        "versions": {
            "attack": ATTACK_VERSION,
            "navigator": NAVIGATOR_VERSION,
            "layer": LAYER_VERSION,
        },
        "domain": "enterprise-attack",
        "description": format!(
            "Detections of Midwatch by technique; the score is the number of rules. Ids of ATT&CK \
             {ATTACK_VERSION}."
        ),
        "sorting": 3,
        "layout": {"layout": "side", "showID": true, "showName": true},
        "hideDisabled": false,
        "techniques": techniques,
        "gradient": {"colors": ["#e8f1fa", "#1c5f9e"], "minValue": 0, "maxValue": most},
        "legendItems": [],
        "metadata": [],
        "links": [],
        "showTacticRowBackground": false,
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
    })
}
