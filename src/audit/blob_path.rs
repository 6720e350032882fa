//! Names of log blobs: which cluster, which category, which hour. Azure Monitor writes
//! `resourceId=<ARM id>/y=…/m=…/d=…/h=…/m=00/PT1H.json` into `insights-logs-<category>`.
//! Strict: what is not exactly of that form is no log blob.

use time::{Date, Month, OffsetDateTime, Time};

use crate::model::ids::ClusterId;

/// What every container of resource logs is named after.
const CONTAINER_PREFIX: &str = "insights-logs-";

/// The end of every name, digits standing for digits: 37 bytes.
const TAIL: &str = "/y=0000/m=00/d=00/h=00/m=00/PT1H.json";

/// Longest name read; Azure allows 1,024 characters.
const NAME_MAX: usize = 4096;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBlob {
    pub cluster: ClusterId,
    /// In lower case, such as `kube-audit`.
    pub category: String,
    /// The hour in which the platform received the events, in UTC.
    pub hour: OffsetDateTime,
    /// Everything before `/y=`, as the platform spells it: names are case-sensitive.
    pub prefix: String,
}

/// Reads container and name; `None` when they are not those of a cluster's log blob.
pub fn parse(container: &str, name: &str) -> Option<LogBlob> {
    let category = container.to_ascii_lowercase().strip_prefix(CONTAINER_PREFIX)?.to_owned();
    if category.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    let (prefix, tail) = name.split_at_checked(name.len().checked_sub(TAIL.len())?)?;
    let cluster = cluster(prefix)?;
    Some(LogBlob { cluster, category, hour: hour(tail)?, prefix: prefix.to_owned() })
}

/// The prefix of every blob of one hour, for a listing: `prefix` as in [`LogBlob::prefix`].
pub fn hour_prefix(prefix: &str, hour: OffsetDateTime) -> String {
    let hour = hour.to_offset(time::UtcOffset::UTC);
    format!(
        "{prefix}/y={:04}/m={:02}/d={:02}/h={:02}/",
        hour.year(),
        u8::from(hour.month()),
        hour.day(),
        hour.hour(),
    )
}

/// The ARM id after `resourceId=`: subscription, group, provider and cluster, in any case.
fn cluster(prefix: &str) -> Option<ClusterId> {
    let (key, id) = prefix.split_once('=')?;
    if !key.eq_ignore_ascii_case("resourceId") || id.contains(char::is_control) {
        return None;
    }
    ClusterId::from_arm(id)
}

/// The hour in a tail of exactly the expected form.
fn hour(tail: &str) -> Option<OffsetDateTime> {
    let as_expected = tail.len() == TAIL.len()
        && tail.bytes().zip(TAIL.bytes()).all(|(byte, expected)| {
            if expected == b'0' { byte.is_ascii_digit() } else { byte == expected }
        });
    if !as_expected {
        return None;
    }
    let number = |from: usize, to: usize| tail.get(from..to)?.parse::<u16>().ok();
    let small = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    // Positions in `TAIL`.
    let month = Month::try_from(small(10)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(3, 7)?), month, small(15)?).ok()?;
    let minute = small(25)?;
    let time = Time::from_hms(small(20)?, 0, 0).ok()?;
    (minute == 0).then(|| date.with_time(time).assume_utc())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const PREFIX: &str = "resourceId=/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD1";

    fn name(tail: &str) -> String {
        format!("{PREFIX}{tail}")
    }

    #[test]
    fn a_name_tells_cluster_category_and_hour() {
        let tail = "/y=2026/m=03/d=09/h=14/m=00/PT1H.json";
        let blob = parse("insights-logs-kube-audit", &name(tail)).unwrap();
        assert_eq!(blob.category, "kube-audit");
        assert_eq!(blob.hour, datetime!(2026-03-09 14:00 UTC));
        assert_eq!(blob.cluster.short_name(), "prod1");
        assert!(blob.cluster.as_str().starts_with("/subscriptions/s-1/resourcegroups/rg/"));
        let prefix = hour_prefix(&blob.prefix, blob.hour);
        assert_eq!(prefix, name("/y=2026/m=03/d=09/h=14/"));
        let capital = name(tail).replace("resourceId", "ResourceId");
        let capital = parse("Insights-Logs-Kube-Audit", &capital).unwrap();
        assert_eq!(capital.cluster, blob.cluster);
        assert!(hour_prefix(&capital.prefix, blob.hour).starts_with("ResourceId="));
    }

    #[test]
    fn an_hour_of_another_time_zone_is_listed_in_utc() {
        let prefix = hour_prefix("p", datetime!(2026-01-01 01:30 +2));
        assert_eq!(prefix, "p/y=2025/m=12/d=31/h=23/");
    }

    #[test]
    fn other_names_are_no_log_blobs() {
        let good = "/y=2026/m=03/d=09/h=14/m=00/PT1H.json";
        assert_eq!(parse("insights-logs-", &name(good)), None);
        assert_eq!(parse("logs-kube-audit", &name(good)), None);
        for tail in [
            "/y=2026/m=13/d=09/h=14/m=00/PT1H.json",
            "/y=2026/m=02/d=30/h=14/m=00/PT1H.json",
            "/y=2026/m=02/d=03/h=24/m=00/PT1H.json",
            "/y=2026/m=02/d=03/h=14/m=05/PT1H.json",
            "/y=2026/m=02/d=03/h=14/m=00/pt1h.json",
            "/y=2026/m=02/d=0x/h=14/m=00/PT1H.json",
            "/y=2026/m=02/d=03/h=14/m=00/PT1H.json.gz",
            "",
        ] {
            assert_eq!(parse("insights-logs-kube-audit", &name(tail)), None, "{tail}");
        }
        for prefix in ["", "resourceId=", "resourceId=/SUBSCRIPTIONS/S", "é", "id=/x"] {
            assert_eq!(parse("insights-logs-kube-audit", &format!("{prefix}{good}")), None);
        }
        let nested = format!("{PREFIX}/X{good}");
        assert_eq!(parse("insights-logs-kube-audit", &nested), None);
        let wide = format!("é{}", good.get(1..).unwrap_or_default());
        assert_eq!(parse("insights-logs-kube-audit", &wide), None);
    }
}
