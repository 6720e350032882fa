//! Computed fields that the fast path answers: those that depend on a few short pieces of the
//! event. The walk notes where the pieces lie; when the event is over and a rule still needs one,
//! the field is computed by the same module of `audit` that computes it for the reference. Of all
//! other computed fields the fast path knows nothing, and leaves the rules that ask for them be.

use super::unescape::unescape;
use crate::audit::exec::Exec;
use crate::audit::request::RequestUri;
use crate::audit::source::{self, ControlPlane};
use crate::audit::{actor, client, outcome};

/// Pieces of a list that are noted; an event that has more is one for the reference.
const LIST_MAX: usize = 64;
/// The reference keeps no more of an address.
const ADDRESS_MAX: usize = 64;

/// A computed field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Derived {
    ActorKind,
    ActorNamespace,
    ActorName,
    SourceAddress,
    SourceScope,
    ClientFamily,
    RequestPath,
    ExecCommand,
    Outcome,
    Truncated,
}

/// A piece of the event that computed fields are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Username,
    Groups,
    Sources,
    UserAgent,
    Uri,
    Code,
    Decision,
}

impl Noted {
    /// Every piece, and its path.
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Username, "user.username"),
        (Self::Groups, "user.groups"),
        (Self::Sources, "sourceIPs"),
        (Self::UserAgent, "userAgent"),
        (Self::Uri, "requestURI"),
        (Self::Code, "responseStatus.code"),
        (Self::Decision, "annotations.authorization.k8s.io/decision"),
    ];
}

impl Derived {
    /// The computed field of this path, namespace included.
    pub(super) fn at(path: &str) -> Option<Self> {
        Some(match path.strip_prefix(crate::audit::event::NAMESPACE)? {
            "actor.kind" => Self::ActorKind,
            "actor.namespace" => Self::ActorNamespace,
            "actor.name" => Self::ActorName,
            "source.address" => Self::SourceAddress,
            "source.scope" => Self::SourceScope,
            "client.family" => Self::ClientFamily,
            "request.path" => Self::RequestPath,
            "exec.command" => Self::ExecCommand,
            "outcome" => Self::Outcome,
            "truncated" => Self::Truncated,
            _ => return None,
        })
    }

    /// The pieces that it is made of.
    pub(super) fn made_of(self) -> &'static [Noted] {
        match self {
            Self::ActorKind => &[Noted::Username, Noted::Groups, Noted::Sources],
            Self::ActorNamespace | Self::ActorName => &[Noted::Username],
            Self::SourceAddress | Self::SourceScope => &[Noted::Sources],
            Self::ClientFamily => &[Noted::UserAgent],
            Self::RequestPath | Self::ExecCommand => &[Noted::Uri],
            Self::Outcome => &[Noted::Code, Noted::Decision],
            Self::Truncated => &[],
        }
    }
}

/// Where a string's content lies, and whether it holds escapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// The pieces of one event.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    texts: [Option<Piece>; 5],
    code: Option<(usize, usize)>,
    groups: Vec<Piece>,
    sources: Vec<Piece>,
    /// A piece stands where none belongs: nothing computed from pieces can be believed.
    pub(super) misplaced: bool,
}

impl Pieces {
    pub(super) fn clear(&mut self) {
        self.texts = [None; 5];
        self.code = None;
        self.groups.clear();
        self.sources.clear();
        self.misplaced = false;
    }

    /// Notes a string.
    pub(super) fn text(&mut self, noted: Noted, piece: Piece) {
        match noted {
            Noted::Groups => push(&mut self.groups, piece, &mut self.misplaced),
            Noted::Sources => push(&mut self.sources, piece, &mut self.misplaced),
            // A status that is a text is none.
            Noted::Code => {}
            Noted::Username | Noted::UserAgent | Noted::Uri | Noted::Decision => {
                if let Some(slot) = self.texts.get_mut(slot(noted)) {
                    *slot = Some(piece);
                }
            }
        }
    }

    /// Notes a number.
    pub(super) fn token(&mut self, noted: Noted, start: usize, end: usize) {
        if noted == Noted::Code {
            self.code = Some((start, end));
        }
    }

    fn get(&self, noted: Noted) -> Option<Piece> {
        self.texts.get(slot(noted)).copied().flatten()
    }
}

fn slot(noted: Noted) -> usize {
    match noted {
        Noted::Username => 0,
        Noted::UserAgent => 1,
        Noted::Uri => 2,
        Noted::Decision => 3,
        Noted::Groups | Noted::Sources | Noted::Code => 4,
    }
}

fn push(list: &mut Vec<Piece>, piece: Piece, misplaced: &mut bool) {
    if list.len() < LIST_MAX { list.push(piece) } else { *misplaced = true }
}

/// What a computed field comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Computed {
    Absent,
    Text(String),
    Truth(bool),
    /// The reference has to say.
    Unknown,
}

impl Computed {
    fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text.to_owned()))
    }
}

/// Computes a field from the pieces of an event in a line.
pub(super) fn compute<const ESC: bool>(
    derived: Derived,
    line: &[u8],
    pieces: &Pieces,
    control_plane: &ControlPlane,
) -> Computed {
    if pieces.misplaced {
        return Computed::Unknown;
    }
    let read = |noted| match pieces.get(noted) {
        Some(piece) => text::<ESC>(line, piece),
        None => Some(String::new()),
    };
    let list = |list: &[Piece]| -> Option<Vec<String>> {
        list.iter().map(|piece| text::<ESC>(line, *piece)).collect()
    };
    let computed = || -> Option<Computed> {
        Some(match derived {
            Derived::Truncated => Computed::Truth(false),
            Derived::ActorKind => {
                let (username, groups) = (read(Noted::Username)?, list(&pieces.groups)?);
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                let sources = list(&pieces.sources)?;
                let from_outside = caller(&sources, control_plane).is_some();
                Computed::text(Some(actor::kind(&username, &groups, from_outside).as_str()))
            }
            Derived::ActorNamespace => {
                let username = read(Noted::Username)?;
                Computed::text(actor::service_account(&username).map(|(namespace, _)| namespace))
            }
            Derived::ActorName => {
                let username = read(Noted::Username)?;
                let account = actor::service_account(&username).map(|(_, name)| name);
                Computed::text(account.or_else(|| actor::node(&username)))
            }
            Derived::SourceAddress => {
                let sources = list(&pieces.sources)?;
                let caller = caller(&sources, control_plane);
                if caller.is_some_and(|address| address.len() > ADDRESS_MAX) {
                    return None;
                }
                Computed::text(caller)
            }
            Derived::SourceScope => {
                let sources = list(&pieces.sources)?;
                Computed::text(Some(source::scope(caller(&sources, control_plane))))
            }
            Derived::ClientFamily => {
                Computed::text(client::family(&read(Noted::UserAgent)?).as_deref())
            }
            Derived::RequestPath => {
                let path = RequestUri::parse(&read(Noted::Uri)?).path;
                Computed::text(Some(path.as_str()).filter(|path| !path.is_empty()))
            }
            Derived::ExecCommand => {
                let exec = Exec::of(&RequestUri::parse(&read(Noted::Uri)?));
                Computed::text(exec.as_ref().and_then(Exec::command).as_deref())
            }
            Derived::Outcome => {
                let decision = read(Noted::Decision)?;
                Computed::text(Some(outcome::judge(code(line, pieces), Some(&decision)).as_str()))
            }
        })
    };
    computed().unwrap_or(Computed::Unknown)
}

fn caller<'s>(sources: &'s [String], control_plane: &ControlPlane) -> Option<&'s str> {
    source::caller(sources.iter().map(String::as_str), control_plane)
}

fn code(line: &[u8], pieces: &Pieces) -> Option<u16> {
    let (start, end) = pieces.code?;
    std::str::from_utf8(line.get(start..end)?).ok()?.parse().ok()
}

/// The text of a piece; `None` when only the reference can tell.
fn text<const ESC: bool>(line: &[u8], piece: Piece) -> Option<String> {
    let raw = line.get(piece.start..piece.end)?;
    if !piece.escaped {
        return Some(String::from_utf8_lossy(raw).into_owned());
    }
    let (mut inner, mut text) = (Vec::new(), Vec::new());
    unescape::<ESC>(raw, &mut inner, &mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
