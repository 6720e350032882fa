//! Detections of a vendor: alerts that somebody else raises, listed in the catalogue beside our own
//! rules. They are data in `rules/vendor`; nothing here evaluates them.

use super::builtin;
use crate::model::level::Level;

/// An alert type of a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorDetection {
    pub vendor: String,
    /// The vendor's id, such as `K8S_PrivilegedContainer`.
    pub alert_type: String,
    /// The level that the vendor gives it.
    pub vendor_level: Level,
    /// The level that we give it: never less than the vendor's.
    pub level: Level,
    /// What the vendor watched: `control plane` or `workload runtime`.
    pub plane: String,
    /// Tactics as kebab-case words.
    pub tactics: Vec<String>,
    /// One line in the past tense.
    pub title: String,
}

impl VendorDetection {
    /// How far they are supported.
    pub const STATUS: &'static str = "mapped by the sweeper, not active yet";
}

/// A line of a vendor file that is no detection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: not a vendor detection; write {COLUMNS}, separated by tabs")]
pub struct VendorProblem {
    pub file: String,
    pub line: usize,
}

const COLUMNS: &str = "vendor, alert type, vendor's level, our level, plane, tactics, title";

/// The vendor detections that ship with the binary, by alert type.
///
/// # Errors
///
/// The lines that are none.
pub fn shipped() -> Result<Vec<VendorDetection>, Vec<VendorProblem>> {
    let mut all = Vec::new();
    let mut problems = Vec::new();
    for file in builtin::vendor_files() {
        for (at, line) in file.text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match read(line) {
                Some(detection) => all.push(detection),
                None => problems.push(VendorProblem { file: file.path.clone(), line: at + 1 }),
            }
        }
    }
    all.sort_by(|a, b| a.alert_type.cmp(&b.alert_type));
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

fn read(line: &str) -> Option<VendorDetection> {
    let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [vendor, alert_type, vendor_level, level, plane, tactics, title] = cells.as_slice() else {
        return None;
    };
    let (vendor_level, level): (Level, Level) = (vendor_level.parse().ok()?, level.parse().ok()?);
    (level >= vendor_level && !alert_type.is_empty() && !title.is_empty()).then(|| {
        VendorDetection {
            vendor: (*vendor).to_owned(),
            alert_type: (*alert_type).to_owned(),
            vendor_level,
            level,
            plane: (*plane).to_owned(),
            tactics: tactics.split_whitespace().map(str::to_owned).collect(),
            title: (*title).to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_alert_types_are_read_and_told_once() {
        let all = shipped().expect("every line is a detection");
        let control = all.iter().filter(|it| it.alert_type.starts_with("K8S_")).count();
        let runtime = all.iter().filter(|it| it.alert_type.starts_with("K8S.NODE_")).count();
        assert_eq!((control, control + runtime), (19, all.len()));
        assert!(all.windows(2).all(|pair| pair[0].alert_type != pair[1].alert_type));
        let raised = all.iter().find(|it| it.alert_type == "K8S_ClusterAdminBinding").expect("it");
        assert_eq!((raised.vendor_level, raised.level), (Level::Informational, Level::Medium));
    }

    #[test]
    fn a_line_with_a_lower_level_than_the_vendors_is_refused() {
        let line = "V\tX\thigh\tlow\tcontrol plane\timpact\tSomething happened";
        assert_eq!(read(line), None);
        assert!(read(&line.replace("high\tlow", "low\thigh")).is_some());
        assert_eq!(read("V\tX"), None);
    }
}
