//! What the verifier found.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{VERSION, exact, version};

/// What the verifier found: the contract `integrity_report`, printed by `sekisho journal verify --json`. `Display` is one
/// line for a human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this contract.
    #[schemars(transform = version)]
    pub v: u64,
    /// Whether the journal is what was signed.
    pub verdict: Verdict,
    /// The journal's name.
    pub origin: String,
    /// The size the checkpoint says.
    #[schemars(transform = exact)]
    pub size: u64,
    /// The root the checkpoint says, in hex; empty if no checkpoint could be opened.
    pub root: String,
    /// How many entries were found good.
    #[schemars(transform = exact)]
    pub records: u64,
    /// How many of them are known by their hashes alone, because their segments were removed by the rules.
    #[serde(default)]
    #[schemars(transform = exact)]
    pub pruned: u64,
    /// How often the signing key was changed, each time signed by both keys.
    #[serde(default)]
    #[schemars(transform = exact)]
    pub rotations: u64,
    /// The size of the pinned checkpoint it was compared with.
    pub pinned: Option<u64>,
    /// The first thing found wrong.
    pub first_bad: Option<Damage>,
    /// What kept the verifier from reading on.
    pub trouble: Option<String>,
}

impl Report {
    /// Of the journal `origin`, before anything was read.
    pub(super) fn unread(origin: &str, pinned: Option<u64>) -> Self {
        Self {
            v: VERSION,
            verdict: Verdict::Unknown,
            origin: origin.to_owned(),
            size: 0,
            root: String::new(),
            records: 0,
            pruned: 0,
            rotations: 0,
            pinned,
            first_bad: None,
            trouble: None,
        }
    }
}

/// The verifier's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything is as it was signed.
    Pass,
    /// Something was touched.
    Fail,
    /// It could not be read to the end.
    Unknown,
}

/// One thing found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Damage {
    /// The entry, where one can be named.
    pub seq: Option<u64>,
    /// What was done to it.
    pub kind: DamageKind,
    /// What was seen, for a human; never the content of an entry.
    pub detail: String,
}

/// What can be wrong with a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The entry is not the one that was signed.
    Edited,
    /// Entries from here on are gone; later ones follow.
    Removed,
    /// Entries from here on stand in another order.
    Reordered,
    /// An entry stands here that was never signed.
    Inserted,
    /// The journal ends here, before its checkpoint does.
    Truncated,
    /// A file is not there.
    MissingFile,
    /// A hash tile is not what the entries make it.
    Tile,
    /// A segment's manifest is not what the segment is.
    Manifest,
    /// A key, the checkpoint or a statement about the keys is not what was signed.
    BadSignature,
    /// The journal is not a continuation of the pinned checkpoint.
    RolledBack,
    /// Entries lie behind the checkpoint that nothing covers.
    UnsealedTail,
    /// The entry is signed but is not canonical JSON.
    NotCanonical,
    /// The entry is signed but says it stands elsewhere.
    BadSequence,
}

impl DamageKind {
    /// The name, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
            Self::Inserted => "inserted",
            Self::Truncated => "truncated",
            Self::MissingFile => "missing file",
            Self::Tile => "damaged tile",
            Self::Manifest => "damaged manifest",
            Self::BadSignature => "bad signature",
            Self::RolledBack => "rolled back",
            Self::UnsealedTail => "unsealed tail",
            Self::NotCanonical => "not canonical",
            Self::BadSequence => "bad sequence",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "entry {seq}: {}: {}", self.kind.words(), self.detail),
            None => write!(f, "{}: {}", self.kind.words(), self.detail),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.verdict, &self.first_bad, &self.trouble) {
            (Verdict::Pass, _, _) => {
                write!(f, "PASS {}: {} entries, root {}", self.origin, self.size, self.root)?;
                if self.pruned > 0 {
                    write!(f, ", the first {} pruned", self.pruned)?;
                }
                if self.rotations > 0 {
                    write!(f, ", {} handovers of its key", self.rotations)?;
                }
                self.pinned.map_or(Ok(()), |size| write!(f, ", continues the pinned {size}"))
            }
            (Verdict::Fail, Some(damage), _) => write!(f, "FAIL {}: {damage}", self.origin),
            (Verdict::Fail, None, _) => write!(f, "FAIL {}", self.origin),
            (Verdict::Unknown, _, trouble) => {
                let trouble = trouble.as_deref().unwrap_or("it was not read to the end");
                write!(f, "UNKNOWN {}: {trouble}", self.origin)
            }
        }
    }
}
