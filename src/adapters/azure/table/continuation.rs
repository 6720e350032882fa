//! Where a scan goes on, as a text that is fit for a web link. It comes back from a browser:
//! what it can do is bounded by the scan's own filter, which is sent along every time.

use azure_core_legacy::base64;

use crate::ports::error::{PortError, PortErrorKind, PortResult};

/// Longest continuation that is read back.
const TEXT_CHARS_MAX: usize = 8 * 1024;

/// The service's two tokens, opaque to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Continuation {
    pub(super) partition: String,
    pub(super) row: Option<String>,
}

impl Continuation {
    /// As text.
    pub(super) fn encode(&self) -> String {
        let pair = serde_json::json!([self.partition, self.row]);
        base64::encode_url_safe(pair.to_string())
    }

    /// Reads a text back; `Invalid` when it is none of ours.
    pub(super) fn decode(text: &str) -> PortResult<Self> {
        let parsed = (text.len() <= TEXT_CHARS_MAX)
            .then(|| base64::decode_url_safe(text).ok())
            .flatten()
            .and_then(|bytes| serde_json::from_slice::<(String, Option<String>)>(&bytes).ok());
        let (partition, row) = parsed.ok_or_else(|| {
            PortError::new(PortErrorKind::Invalid, "go on with a scan", "no such continuation")
        })?;
        Ok(Self { partition, row })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuation_survives_a_web_link() {
        for row in [None, Some("1!8!cl8+/=é".to_owned())] {
            let continuation = Continuation { partition: "1!4!cA--".into(), row };
            let text = continuation.encode();
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_=".contains(c)), "{text}");
            assert_eq!(Continuation::decode(&text).unwrap(), continuation);
        }
    }

    #[test]
    fn anything_else_is_invalid() {
        for text in ["", "x", "bnVsbA", &"A".repeat(TEXT_CHARS_MAX + 1)] {
            assert_eq!(Continuation::decode(text).unwrap_err().kind, PortErrorKind::Invalid);
        }
    }
}
