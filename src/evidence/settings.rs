//! What the journal is told at its start, and what it can answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sekisho_journal::{ChainError, Checkpoint, Damage, EventType, KeyError, Report, Retention, VerifierKey};

use super::seal::{Vault, VaultError};

/// How a journal is kept. Every bound is here; none is without one.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The data directory; the journal is in `journal/`, its keys are in `keys/`.
    pub dir: PathBuf,
    /// The journal's name, in every checkpoint: no blanks, no `+`.
    pub origin: String,
    /// The engine's name, in every record.
    pub engine: String,
    /// How long a record may wait for others before they are written together.
    pub flush_interval: Duration,
    /// How many records are written together at most.
    pub batch: usize,
    /// How many records may wait for the writer; one more is counted as lost.
    pub queue: usize,
    /// How many records a segment file holds.
    pub segment_records: u64,
    /// How many bytes a segment file holds, give or take one group of records.
    pub segment_bytes: u64,
    /// How long a segment file is added to.
    pub segment_age: Duration,
    /// After how much silence the writer says that it is alive.
    pub heartbeat: Duration,
    /// Within which time records alike are counted rather than written.
    pub aggregate_window: Duration,
    /// How many kinds of record are told apart while counting.
    pub aggregate_keys: usize,
    /// How many records are kept in memory while the disk is in trouble.
    pub ring: usize,
    /// For how long records are kept, by the type of event, where that is not what the contract says.
    pub retention: BTreeMap<EventType, Retention>,
    /// What seals the signing seed and opens sealed segments; none, and nothing is sealed.
    pub vault: Option<Arc<Vault>>,
}

impl JournalSettings {
    /// The defaults, for the journal `origin` in the data directory `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, origin: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            origin: origin.into(),
            engine: "sekisho".to_owned(),
            flush_interval: Duration::from_millis(50),
            batch: 256,
            queue: 8192,
            segment_records: 65_536,
            segment_bytes: 64 * 1024 * 1024,
            segment_age: Duration::from_secs(24 * 3600),
            heartbeat: Duration::from_secs(60),
            aggregate_window: Duration::from_secs(10),
            aggregate_keys: 1024,
            ring: 8192,
            retention: BTreeMap::new(),
            vault: None,
        }
    }
}

/// Why a journal was not opened. None of these is passed over.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory could not be used.
    #[error("{what}: {source}")]
    Io {
        /// Which, and what was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process writes this journal.
    #[error("another process has the journal open")]
    Locked,
    /// There is a journal but no seed to go on signing it with.
    #[error("there is a journal but no signing seed in `{0}`: restore it, or move the journal away to begin a new one")]
    SeedMissing(PathBuf),
    /// The seed cannot be used as it is.
    #[error("the signing seed `{path}` cannot be used: {why}")]
    SeedUnusable {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The signing seed is sealed and does not come out, or cannot be sealed.
    #[error("the signing seed `{path}`: {why}")]
    SeedSealed {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        why: VaultError,
    },
    /// The keys of the journal cannot be followed.
    #[error("the journal's file `keys`: {0}")]
    Keys(ChainError),
    /// The published key is not that of the seed.
    #[error("`{0}` is none of the journal's keys")]
    VerifierKey(PathBuf),
    /// The name of the journal cannot be used.
    #[error("the journal's origin cannot be used: {0}")]
    Origin(#[from] KeyError),
    /// The journal is not what was signed.
    #[error("the journal is damaged: {0}")]
    Damaged(Damage),
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
}

/// Why something is not durably in the journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The queue is full.
    #[error("the journal's queue is full")]
    Full,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The disk refused.
    #[error("the journal cannot be written: {0}")]
    Disk(&'static str),
    /// The disk did not answer in time. The record may or may not turn up later.
    #[error("the journal did not answer in time")]
    Stalled,
    /// The event cannot be a record.
    #[error("the event cannot be written: {0}")]
    Unwritable(sekisho_journal::RecordError),
    /// What is on the disk is not what was signed.
    #[error("the journal does not verify: {0}")]
    Damaged(Box<Report>),
}

/// Whether records reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalHealth {
    /// They do.
    Ok,
    /// They do not, and why.
    Failing(&'static str),
}

impl JournalHealth {
    /// Whether they do.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }
}

/// The journal is signed by another key from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// The entry that records it.
    pub seq: u64,
    /// The key from then on. Whoever has an earlier one can follow the statements to it.
    pub key: VerifierKey,
}

/// A checkpoint that was read back from the disk and verified, as evidence for a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What the journal was.
    pub checkpoint: Checkpoint,
    /// SHA-256 of the checkpoint's text (origin, size, root), without its signature.
    pub digest: [u8; 32],
}
