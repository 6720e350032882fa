//! The record around an event: finds the event in a line, whether it lies there plain or as the
//! text `properties.log` of a record of the platform, and makes sure that the line holds this one
//! event and nothing else that counts.

use super::scan;
use super::surprise::Surprise;
use super::tokens::{blanks, byte, opened};
use super::unescape::unescape;
use super::walk::Walk;
use crate::model::ids::ClusterId;

/// Longest resource id believed, as the decoder has it.
const RESOURCE_ID_MAX: usize = 1_024;

/// The cluster that records named last: all records of a blob name the same.
#[derive(Debug, Default)]
pub(super) struct Named {
    raw: Vec<u8>,
    cluster: Option<ClusterId>,
}

/// What has been met of the record.
#[derive(Default)]
struct Met {
    category: bool,
    cluster: bool,
    properties: bool,
    log: bool,
    /// The event in the log was walked to its end.
    whole: bool,
    /// The text of the log ended before the event did.
    cut: bool,
}

/// Looks at a whole line.
pub(super) fn line(
    walk: &mut Walk<'_>,
    line: &[u8],
    cluster: Option<&ClusterId>,
    named: &mut Named,
) -> Result<(), Surprise> {
    let start = blanks::<false>(line, 0);
    if byte(line, start)? != b'{' {
        return Err(Surprise::Shape);
    }
    let mut record = Record { walk, line, cluster, named, met: Met::default() };
    let end = match record.record(start + 1) {
        Ok(Found::Record(end)) => end,
        Ok(Found::Event) => record.walk.event::<false>(line, start)?,
        // The event was judged as a whole one, and the decoder will say that it was cut.
        Err(Surprise::Cut) if record.met.whole => return Err(Surprise::Malformed),
        Err(surprise) => return Err(surprise),
    };
    if blanks::<false>(line, end) != line.len() {
        return Err(Surprise::Shape);
    }
    if record.met.cut { Err(Surprise::Cut) } else { Ok(()) }
}

enum Found {
    /// A record, whole: the index behind it.
    Record(usize),
    /// The object is an event itself.
    Event,
}

struct Record<'r, 'w, 'a> {
    walk: &'r mut Walk<'w>,
    line: &'a [u8],
    cluster: Option<&'r ClusterId>,
    named: &'r mut Named,
    met: Met,
}

impl Record<'_, '_, '_> {
    fn record(&mut self, at: usize) -> Result<Found, Surprise> {
        let mut at = blanks::<false>(self.line, at);
        loop {
            let (key, value) = self.key(at)?;
            if is_of_an_event(key) {
                let Met { category, cluster, properties, .. } = self.met;
                let is_record = category || cluster || properties;
                return if is_record { Err(Surprise::Shape) } else { Ok(Found::Event) };
            }
            at = match key {
                b"properties" => self.properties(value)?,
                b"category" => self.category(value)?,
                b"resourceId" => self.resource_id(value)?,
                b"log" | b"records" => return Err(Surprise::Shape),
                // By these the decoder takes a record for a row of a Log Analytics table, whose
                // columns are the event, whatever else the record holds.
                b"AuditId"
                | b"ObjectRef"
                | b"RequestReceivedTime"
                | b"StageReceivedTime"
                | b"Type" => return Err(Surprise::Shape),
                _ => self.walk.skip::<false>(self.line, value)?,
            };
            at = blanks::<false>(self.line, at);
            match byte(self.line, at)? {
                b',' => at = blanks::<false>(self.line, at + 1),
                b'}' => break,
                _ => return Err(Surprise::Malformed),
            }
        }
        match (self.met.log, self.met.category) {
            (true, true) => Ok(Found::Record(at + 1)),
            (true, false) => Err(Surprise::Category),
            (false, _) => Err(Surprise::Shape),
        }
    }

    /// The key at an index, and where its value begins.
    fn key(&self, at: usize) -> Result<(&[u8], usize), Surprise> {
        let start = opened::<false>(self.line, at)?;
        let name = scan::string::<false>(self.line, start)?;
        if name.escaped {
            return Err(Surprise::Escape);
        }
        let colon = blanks::<false>(self.line, name.after);
        if byte(self.line, colon)? != b':' {
            return Err(Surprise::Malformed);
        }
        let key = self.line.get(start..name.end).unwrap_or_default();
        Ok((key, blanks::<false>(self.line, colon + 1)))
    }

    fn properties(&mut self, at: usize) -> Result<usize, Surprise> {
        once(&mut self.met.properties)?;
        if byte(self.line, at)? != b'{' {
            return Err(Surprise::Shape);
        }
        let mut at = blanks::<false>(self.line, at + 1);
        loop {
            let (key, value) = self.key(at)?;
            at = match key {
                b"log" => self.log(value)?,
                _ => self.walk.skip::<false>(self.line, value)?,
            };
            at = blanks::<false>(self.line, at);
            match byte(self.line, at)? {
                b',' => at = blanks::<false>(self.line, at + 1),
                b'}' => return Ok(at + 1),
                _ => return Err(Surprise::Malformed),
            }
        }
    }

    /// The event as a text: one event, blanks around it, and the end of the text.
    fn log(&mut self, at: usize) -> Result<usize, Surprise> {
        once(&mut self.met.log)?;
        if byte(self.line, at)? != b'"' {
            return Err(Surprise::Shape);
        }
        let start = blanks::<true>(self.line, at + 1);
        let end = match self.walk.event::<true>(self.line, start) {
            Ok(end) => blanks::<true>(self.line, end),
            Err(Surprise::Cut) => {
                // The record goes on where the text ends, and what follows may count more: of two
                // logs the decoder takes the last.
                self.met.cut = true;
                return Ok(scan::string::<false>(self.line, at + 1)?.after);
            }
            Err(surprise) => return Err(surprise),
        };
        self.met.whole = true;
        if byte(self.line, end)? == b'"' { Ok(end + 1) } else { Err(Surprise::Shape) }
    }

    fn category(&mut self, at: usize) -> Result<usize, Surprise> {
        once(&mut self.met.category)?;
        let start = opened::<false>(self.line, at).map_err(|_| Surprise::Category)?;
        let text = scan::string::<false>(self.line, start)?;
        let raw = self.line.get(start..text.end).unwrap_or_default();
        let known = raw.eq_ignore_ascii_case(b"kube-audit")
            || raw.eq_ignore_ascii_case(b"kube-audit-admin");
        if known { Ok(text.after) } else { Err(Surprise::Category) }
    }

    fn resource_id(&mut self, at: usize) -> Result<usize, Surprise> {
        once(&mut self.met.cluster)?;
        let start = opened::<false>(self.line, at).map_err(|_| Surprise::Cluster)?;
        let text = scan::string::<false>(self.line, start)?;
        let raw = self.line.get(start..text.end).unwrap_or_default();
        if raw != self.named.raw {
            self.named.cluster = Some(named(raw)?);
            self.named.raw = raw.to_vec();
        }
        if self.cluster.is_some() && self.cluster != self.named.cluster.as_ref() {
            return Err(Surprise::Cluster);
        }
        Ok(text.after)
    }
}

/// Whether a key says that the object is an event itself, wherever it stands.
fn is_of_an_event(key: &[u8]) -> bool {
    matches!(
        key,
        b"kind"
            | b"apiVersion"
            | b"auditID"
            | b"objectRef"
            | b"requestURI"
            | b"sourceIPs"
            | b"stage"
            | b"user"
            | b"userAgent"
            | b"verb"
    )
}

/// Notes that something was met; twice is odd.
fn once(met: &mut bool) -> Result<(), Surprise> {
    if std::mem::replace(met, true) { Err(Surprise::DuplicateKey) } else { Ok(()) }
}

/// The cluster of a resource id that the decoder would believe.
fn named(raw: &[u8]) -> Result<ClusterId, Surprise> {
    let (mut inner, mut text) = (Vec::new(), Vec::new());
    unescape::<false>(raw, &mut inner, &mut text).map_err(|_| Surprise::Escape)?;
    let id = std::str::from_utf8(&text).map_err(|_| Surprise::Cluster)?.trim_end_matches('/');
    let sound =
        id.starts_with('/') && id.len() <= RESOURCE_ID_MAX && !id.contains(char::is_control);
    if sound { Ok(ClusterId::new(id)) } else { Err(Surprise::Cluster) }
}
