//! The journal an auditor needs: record, tree, tiles, checkpoint, verify.
//!
//! An [`Event`] becomes one [`line()`] of canonical JSON (RFC 8785). Lines are the leaves of a Merkle [`Tree`] (RFC 6962),
//! its hashes are stored as C2SP tlog-tiles ([`tile`]), and its root is signed as a C2SP [`Checkpoint`]. [`verify()`]
//! reads all of that back through a [`Store`] and names the first entry that was touched.
//!
//! What is not here: no file, clock, socket, environment or random number. Time and bytes are arguments; the files are
//! written and read in `src/evidence`.
//!
//! What this cannot see: an entry that was never recorded, and a journal that somebody holding the signing key wrote
//! anew from its first entry, unless an older checkpoint was pinned elsewhere.
#![forbid(unsafe_code)]

pub mod contract;

pub mod bundle;

mod names;

mod event;

mod canonical;

mod strict;

mod record;

mod tree;

mod proof;

pub mod tile;

mod key;

mod checkpoint;

mod chain;

mod store;

mod entries;

mod manifest;

mod spicy;

mod verify;

pub use canonical::{NotCanonical, check as check_canonical};
pub use chain::{ChainError, HANDED_OVER, Handover, KEYS, KeyChain, STATEMENT};
pub use checkpoint::{Checkpoint, NoteError};
pub use entries::{bundle, bundle_path, lines, unbundle};
pub use event::Event;
pub use key::{KeyError, SignerKey, VerifierKey};
pub use manifest::{MANIFESTS, SegmentManifest, manifest_path};
pub use names::{EventType, Outcome, Retention, Severity, UnknownName};
pub use proof::{Nodes, ProofError, consistency_proof, inclusion_proof, root_of, verify_consistency, verify_inclusion};
pub use record::{MAX_LINE, RecordError, Stamp, line, timestamp, wall_ms};
pub use spicy::{TlogProof, TlogProofError};
pub use store::{CHECKPOINT, SEGMENTS, Store, segment_first, segment_path};
pub use tree::{Hash, Tree, leaf_hash, node_hash};
pub use verify::{Damage, DamageKind, PRUNED, Report, Tail, Verdict, Walk, verify, walk};

#[cfg(test)]
mod tests;
