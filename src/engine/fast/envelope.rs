//! The record around an event: finds the event in a line, whether it lies there plain or as the
//! text `properties.log` of a record of the platform, and makes sure that the line holds this one
//! event and nothing else that counts.

use super::layout::{Layouts, Place};
use super::scan;
use super::surprise::Surprise;
use super::tokens::{beginning, blanks, byte, opened};
use super::unescape::unescape;
use super::walk::Walk;
use crate::model::ids::ClusterId;

/// Longest resource id believed, as the decoder has it.
const RESOURCE_ID_MAX: usize = 1_024;

/// What the records of a blob have in common.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// The id that was named last, as it lies in the file, and the cluster that it names.
    id: Vec<u8>,
    cluster: Option<ClusterId>,
    layouts: Layouts<Member>,
}

/// The objects of a record, by the numbers of their layouts.
const RECORD: usize = 0;
const PROPERTIES: usize = 1;

/// What a key of a record, or of its properties, is to the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// The object is an event itself, wherever this key stands.
    OfEvent,
    Properties,
    Log,
    Category,
    ResourceId,
    /// Speaks for another shape, which is the decoder's.
    Refused,
    Ignored,
}

impl Member {
    fn of(key: &[u8], object: usize) -> Self {
        match key {
            b"log" if object == PROPERTIES => Self::Log,
            _ if object == PROPERTIES => Self::Ignored,
            b"kind" | b"apiVersion" | b"auditID" | b"objectRef" | b"requestURI" | b"sourceIPs"
            | b"stage" | b"user" | b"userAgent" | b"verb" => Self::OfEvent,
            b"properties" => Self::Properties,
            b"category" => Self::Category,
            b"resourceId" => Self::ResourceId,
            b"log" | b"records" => Self::Refused,
            // By these the decoder takes a record for a row of a Log Analytics table, whose columns
            // are the event, whatever else the record holds.
            b"AuditId" | b"ObjectRef" | b"RequestReceivedTime" | b"StageReceivedTime" | b"Type" => {
                Self::Refused
            }
            _ => Self::Ignored,
        }
    }
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
    habits: &mut Habits,
) -> Result<(), Surprise> {
    let start = blanks::<false>(line, 0);
    if byte(line, start)? != b'{' {
        return Err(Surprise::Shape);
    }
    let mut record = Record { walk, line, cluster, habits, met: Met::default() };
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
    habits: &'r mut Habits,
    met: Met,
}

impl Record<'_, '_, '_> {
    fn record(&mut self, at: usize) -> Result<Found, Surprise> {
        let mut at = at;
        let mut place = self.habits.layouts.begin(RECORD);
        loop {
            let (member, value) = self.key(at, &mut place, RECORD)?;
            at = match member {
                Member::OfEvent => {
                    let Met { category, cluster, properties, .. } = self.met;
                    let is_record = category || cluster || properties;
                    return if is_record { Err(Surprise::Shape) } else { Ok(Found::Event) };
                }
                Member::Properties => self.properties(value)?,
                Member::Category => self.category(value)?,
                Member::ResourceId => self.resource_id(value)?,
                Member::Refused | Member::Log => return Err(Surprise::Shape),
                Member::Ignored => self.walk.skip::<false>(self.line, value)?,
            };
            at = beginning::<false>(self.line, at);
            match byte(self.line, at)? {
                b',' => at += 1,
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

    /// What the key at an index means, and where its value begins.
    fn key(
        &mut self,
        at: usize,
        place: &mut Place,
        object: usize,
    ) -> Result<(Member, usize), Surprise> {
        let layouts = &mut self.habits.layouts;
        if let Some(met) = layouts.guess(*place, self.line, at) {
            layouts.follow(place, met);
            return Ok((met.target, beginning::<false>(self.line, met.after)));
        }
        let start = blanks::<false>(self.line, at);
        let opened = opened::<false>(self.line, start)?;
        let name = scan::string::<false>(self.line, opened)?;
        if name.escaped {
            return Err(Surprise::Escape);
        }
        let colon = blanks::<false>(self.line, name.after);
        if byte(self.line, colon)? != b':' {
            return Err(Surprise::Malformed);
        }
        let member = Member::of(self.line.get(opened..name.end).unwrap_or_default(), object);
        let plain = colon == name.after;
        let whole = if plain { self.line.get(start..=colon) } else { None };
        layouts.learn(place, whole, member);
        Ok((member, blanks::<false>(self.line, colon + 1)))
    }

    fn properties(&mut self, at: usize) -> Result<usize, Surprise> {
        once(&mut self.met.properties)?;
        if byte(self.line, at)? != b'{' {
            return Err(Surprise::Shape);
        }
        let mut at = at + 1;
        let mut place = self.habits.layouts.begin(PROPERTIES);
        loop {
            let (member, value) = self.key(at, &mut place, PROPERTIES)?;
            at = match member {
                Member::Log => self.log(value)?,
                _ => self.walk.skip::<false>(self.line, value)?,
            };
            at = beginning::<false>(self.line, at);
            match byte(self.line, at)? {
                b',' => at += 1,
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
        if raw != self.habits.id {
            self.habits.cluster = Some(named(raw)?);
            self.habits.id = raw.to_vec();
        }
        if self.cluster.is_some() && self.cluster != self.habits.cluster.as_ref() {
            return Err(Surprise::Cluster);
        }
        Ok(text.after)
    }
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
