//! Who a certificate signing request asks to be: common name and organisations in the subject of
//! the PKCS#10 request. A bounded walk over the few DER structures needed, nothing is verified.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The names that Kubernetes reads from a client certificate: user and groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    pub common_names: Vec<String>,
    pub organizations: Vec<String>,
}

/// Longest `spec.request` decoded, in bytes; requests with large keys have about 2 KiB.
const REQUEST_MAX: usize = 64 * 1024;

/// Attributes of a subject looked at.
const ATTRIBUTES_MAX: usize = 64;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;

/// 2.5.4.3 and 2.5.4.10 in DER.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

impl Subject {
    /// Reads `spec.request`: base64 of PEM, as the API carries it. `None` when it is not that.
    pub fn of_request(request: &str) -> Option<Self> {
        if request.len() > REQUEST_MAX {
            return None;
        }
        let pem = STANDARD.decode(request.trim()).ok()?;
        let pem = String::from_utf8(pem).ok()?;
        let body = pem.split_once("-----BEGIN")?.1.split_once("REQUEST-----")?.1;
        let body = body.split_once("-----END")?.0;
        let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        Self::of_der(&STANDARD.decode(compact).ok()?)
    }

    fn of_der(der: &[u8]) -> Option<Self> {
        let (request, _) = tagged(der, SEQUENCE)?;
        let (info, _) = tagged(request, SEQUENCE)?;
        let (_version, info) = tagged(info, INTEGER)?;
        let (mut names, _) = tagged(info, SEQUENCE)?;
        let mut subject = Self::default();
        for _ in 0..ATTRIBUTES_MAX {
            let Some((mut set, rest)) = tagged(names, SET) else { break };
            names = rest;
            while let Some((attribute, rest)) = tagged(set, SEQUENCE) {
                set = rest;
                subject.take(attribute);
                if subject.common_names.len() + subject.organizations.len() > ATTRIBUTES_MAX {
                    return Some(subject);
                }
            }
        }
        Some(subject)
    }

    /// One attribute: object identifier, then a string of some kind.
    fn take(&mut self, attribute: &[u8]) {
        let Some((kind, rest)) = tagged(attribute, OBJECT_IDENTIFIER) else { return };
        let Some((tag, value, _)) = element(rest) else { return };
        let text = if tag == BMP_STRING {
            let units = value.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
            String::from_utf16_lossy(&units.map(u16::from_be_bytes).collect::<Vec<_>>())
        } else {
            String::from_utf8_lossy(value).into_owned()
        };
        match kind {
            COMMON_NAME => self.common_names.push(text),
            ORGANIZATION => self.organizations.push(text),
            _ => {}
        }
    }
}

/// The content of the first element, if it has this tag, and what follows it.
fn tagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag, content and rest of the first element: definite lengths of up to four bytes.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, bytes) = bytes.split_first()?;
    let (first, mut bytes) = bytes.split_first()?;
    let mut length = usize::from(first & 0x7f);
    if first & 0x80 != 0 {
        let (digits, rest) = bytes.split_at_checked(length.clamp(1, 5))?;
        if digits.len() > 4 || length == 0 {
            return None;
        }
        length = digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
        bytes = rest;
    }
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => bytes.push(short),
            _ => {
                bytes.push(0x82);
                bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            }
        }
        bytes.extend(content);
        bytes
    }

    fn attribute(kind: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
        let pair = [der(OBJECT_IDENTIFIER, kind), der(tag, text)].concat();
        der(SET, &der(SEQUENCE, &pair))
    }

    fn request(attributes: &[Vec<u8>]) -> Vec<u8> {
        let key = der(SEQUENCE, &[7; 300]);
        let info = [der(INTEGER, &[0]), der(SEQUENCE, &attributes.concat()), key].concat();
        der(SEQUENCE, &[der(SEQUENCE, &info), vec![1, 2, 3]].concat())
    }

    #[test]
    fn common_name_and_every_organisation_are_read() {
        let der = request(&[
            attribute(ORGANIZATION, 0x0c, b"system:masters"),
            attribute(&[0x55, 0x04, 0x06], 0x13, b"SE"),
            attribute(ORGANIZATION, BMP_STRING, b"\0o\0p\0s"),
            attribute(COMMON_NAME, 0x13, b"mallory"),
        ]);
        let lines = "-----BEGIN CERTIFICATE REQUEST-----\n";
        let pem = format!("{lines}{}\n-----END CERTIFICATE REQUEST-----\n", STANDARD.encode(der));
        let subject = Subject::of_request(&STANDARD.encode(pem)).unwrap();
        assert_eq!(subject.common_names, ["mallory"]);
        assert_eq!(subject.organizations, ["system:masters", "ops"]);
    }

    #[test]
    fn a_request_cut_or_changed_anywhere_does_not_panic() {
        let der = request(&[attribute(COMMON_NAME, 0x13, b"mallory")]);
        for at in 0..der.len() {
            let _ = Subject::of_der(&der[..at]);
            for byte in [0, 0x7f, 0x80, 0x84, 0x85, 0xff] {
                let mut changed = der.clone();
                changed[at] = byte;
                let _ = Subject::of_der(&changed);
            }
        }
        for text in ["", "!!", "QUJD", &"A".repeat(REQUEST_MAX + 1)] {
            assert_eq!(Subject::of_request(text), None);
        }
    }
}
