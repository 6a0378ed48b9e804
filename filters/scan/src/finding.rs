//! What the scanner says about what it saw. Never the value.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What is done with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Replace the secret's bytes: `sk-****1234`, `****5678` or `****`.
    Mask,
    /// Replace the secret's bytes by a keyed tag, the same wherever the key is the same: `hash:` and 16 hex digits.
    Hash,
    /// Remove the JSON member or form pair; where the structure is not certain, mask.
    DropField,
    /// Stop emitting at the finding; [`crate::Scanner::blocked`] turns true.
    Block,
    /// Report, change nothing.
    Alert,
}

impl Action {
    /// The word for it in packs, the journal and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::DropField => "drop_field",
            Self::Block => "block",
            Self::Alert => "alert",
        }
    }
}

impl Severity {
    /// The word for it in packs, the journal and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How names, values, boundaries and escapes of a text read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Log lines, logfmt, syslog, anything unknown; JSON inside is understood.
    Text,
    /// JSON or NDJSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// The query of a URI, without the question mark.
    Query,
    /// The value of one header.
    HeaderValue,
}

/// What kind of thing a detector finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A value this process was told is secret.
    KnownSecret,
    /// A key, token or password with a shape or a place of its own.
    Credential,
    /// A private key or wallet seed.
    PrivateKey,
    /// A value under a forbidden field name.
    FieldName,
    /// A key of a trading venue.
    Exchange,
    /// A number of a person: a card, an account, an address.
    Personal,
    /// Something the scanner could not look into to the end.
    Unscanned,
}

/// How bad it is that the value leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth counting.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a rotation.
    High,
    /// Worth waking somebody.
    Critical,
}

/// How sure the label is. The value is masked whichever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A checksum failed, or the length is not the documented one.
    Low,
    /// The place or the shape says so.
    Medium,
    /// A checksum or the value itself says so.
    High,
}

/// One secret that was found, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The detector's id, such as `github-token`.
    #[serde(serialize_with = "as_text")]
    pub detector: Arc<str>,
    /// What kind of thing it is.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// What was done.
    pub action: Action,
    /// The name the value stood under, if it stood under one.
    pub field: Option<String>,
    /// Where the secret began in the original stream, in bytes.
    pub offset: u64,
    /// How many bytes of the original stream it took.
    pub length: u64,
    /// HMAC-SHA-256 of the value, 16 hex digits; empty without a fingerprint key or when the value was not held whole.
    pub fingerprint: String,
    /// How sure the label is.
    pub confidence: Confidence,
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// A text after redaction.
#[derive(Clone)]
pub struct Redacted<'a> {
    /// The text; borrowed when nothing changed.
    pub bytes: Cow<'a, [u8]>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// A finding's action was [`Action::Block`]: `bytes` ends there and the text must not be sent.
    pub blocked: bool,
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted")
            .field("bytes", &self.bytes.len())
            .field("findings", &self.findings)
            .field("blocked", &self.blocked)
            .finish()
    }
}
