//! Reads a whole journal back and names the first entry that was touched.

mod report;

mod walk;

mod walker;

mod classify;

mod own;

pub use own::PRUNED;
pub use report::{Damage, DamageKind, Report, Verdict};
pub use walk::{Tail, Walk, walk};

use crate::checkpoint::Checkpoint;
use crate::key::VerifierKey;
use crate::store::Store;

/// Reads the journal in `store` from its first entry to its checkpoint and beyond.
///
/// It passes only if the checkpoint is signed by `key`, every entry it covers is there, canonical, in its place and in
/// the signed tree, every tile is there and right, and nothing lies behind the checkpoint. With a `pinned` checkpoint,
/// one seen earlier and kept elsewhere, the journal must also be a continuation of that one.
///
/// One segment is in memory at a time. A file that cannot be read makes the verdict `UNKNOWN`, which is no pass.
#[must_use]
pub fn verify(store: &dyn Store, key: &VerifierKey, pinned: Option<&Checkpoint>) -> Report {
    walk(store, key, pinned).into_report()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod mutations;

#[cfg(test)]
mod judges;

#[cfg(test)]
mod history;
