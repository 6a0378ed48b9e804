//! What happens to a segment of the journal once it is full: it gets a signed manifest, is sealed, copied to the archive, and one day
//! deleted. One task does these in this order, and each step looks at the disk for what is left to do, so a crash costs nothing.
//!
//! Nothing is deleted before every record in it is older than its class of retention asks for, nor before it has arrived in the
//! archive, if there is one; and the record of the deletion is on the disk before anything goes. To delete earlier takes two people.

mod archive;

mod prune;

pub use archive::ArchiveError;
pub use prune::PruneError;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sekisho_journal::{
    Event, EventType, KeyChain, MANIFESTS, Outcome, SEGMENTS, SegmentManifest, Severity, Store as _, VerifierKey,
    manifest_path, segment_first, segment_path,
};
use tokio::time::MissedTickBehavior;

use super::disk::{private_dir, replace};
use super::seal::{Vault, seal_segments};
use super::{FileStore, Journal, keys};

/// Looks after full segments.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// The data directory.
    pub data: PathBuf,
    /// The journal.
    pub journal: Journal,
    /// What seals segments; none, and they stay plain.
    pub vault: Option<Arc<Vault>>,
    /// Where copies go.
    pub archive: Option<PathBuf>,
    /// Whether what need not be kept any more is deleted.
    pub prune: bool,
    /// How often it looks.
    pub interval: Duration,
}

/// Why full segments are not looked after.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// A segment cannot be read, or its manifest cannot be written.
    #[error("the manifest of segment {first}: {why}")]
    Manifest {
        /// Its first entry.
        first: u64,
        /// Why not.
        why: String,
    },
    /// A segment cannot be sealed.
    #[error("a full segment cannot be sealed: {0}")]
    Seal(#[from] super::seal::VaultError),
    /// A copy does not arrive.
    #[error("the archive: {0}")]
    Archive(#[from] ArchiveError),
    /// What need not be kept cannot be deleted.
    #[error("what need not be kept any more: {0}")]
    Prune(#[from] PruneError),
}

impl Keeper {
    /// Looks now and every interval, for as long as the task lives. What cannot be done is recorded once, until it can.
    pub async fn keep(self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    let event = Event::new(EventType::IntegrityRecord, "journal.segments.unkept")
                        .with_severity(Severity::High)
                        .with_result(Outcome::Failure)
                        .with_output("why", error.to_string());
                    self.journal.record(event);
                }
                // Told already.
                Err(_) => {}
            }
        }
    }

    /// Everything that is to be done now.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong; what was done before stays done.
    pub async fn look(&self) -> Result<(), KeepError> {
        let keeper = self.clone();
        let done = tokio::task::spawn_blocking(move || keeper.close()).await;
        // A task that broke off is tried again.
        let Ok(events) = done else { return Ok(()) };
        events?.into_iter().for_each(|event| self.journal.record(event));
        if let Some(archive) = &self.archive {
            self.ship(archive).await?;
        }
        if self.prune {
            self.prune_due().await?;
        }
        Ok(())
    }

    /// Manifests, and seals. What it did, to be recorded.
    fn close(&self) -> Result<Vec<Event>, KeepError> {
        let files = self.journal.files();
        let failed = |first: u64| move |why: String| KeepError::Manifest { first, why };
        let mut wanting = closed(&files).map_err(failed(0))?;
        wanting.retain(|first| !self.journal.root().join(manifest_path(*first)).is_file());
        if !wanting.is_empty() {
            let origin = self.journal.verifier_key().name().to_owned();
            let signer = keys::signer_beside(&self.data, &origin, self.vault.as_deref());
            let signer = signer.map_err(|error| failed(0)(error.to_string()))?;
            private_dir(&self.journal.root().join(MANIFESTS)).map_err(|error| failed(0)(error.to_string()))?;
            for first in wanting {
                let content = files.read(&segment_path(first)).map_err(failed(first))?.unwrap_or_default();
                let manifest = SegmentManifest::of(&origin, first, &content);
                let manifest = manifest.ok_or_else(|| failed(first)("an entry in it is none".to_owned()))?;
                let path = self.journal.root().join(manifest_path(first));
                replace(&path, manifest.sign(&signer).as_bytes()).map_err(|error| failed(first)(error.to_string()))?;
            }
        }
        let Some(vault) = &self.vault else { return Ok(Vec::new()) };
        let sealed = seal_segments(vault, self.journal.root())?;
        let told = |first: u64| Event::new(EventType::Operation, "segment.sealed").with_ref(segment_path(first));
        Ok(sealed.into_iter().map(told).collect())
    }
}

/// The first entries of the segments that are not written to any more, in their order.
fn closed(files: &FileStore) -> Result<Vec<u64>, String> {
    let mut segments: Vec<u64> = files.list(SEGMENTS)?.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    segments.pop();
    Ok(segments)
}

/// The manifest of a segment, if there is one that a key of this journal signed.
fn manifest(files: &FileStore, key: &VerifierKey, first: u64) -> Result<Option<SegmentManifest>, String> {
    let keys = KeyChain::stored(files, key).map_err(|error| error.to_string())?;
    let note = files.read(&manifest_path(first))?.unwrap_or_default();
    Ok(SegmentManifest::open(&String::from_utf8_lossy(&note), &keys))
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
