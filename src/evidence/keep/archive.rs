//! A second copy of the journal's full segments, in a directory of another disk or host.
//!
//! What lies there is a journal of its own, up to the last segment that has arrived: segments as they lie here (sealed, if they are),
//! their keys and manifests, the tiles, the statements of the keys, and a checkpoint over exactly that. `sekisho journal verify`
//! reads it like any other. The checkpoint comes last, after every file was read back: it is the receipt.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sekisho_journal::tile::{self, Reader, WIDTH, level_width};
use sekisho_journal::{
    CHECKPOINT, Checkpoint, Event, EventType, KEYS, KeyChain, SegmentManifest, Store, manifest_path, root_of,
    segment_path,
};
use sha2::{Digest as _, Sha256};

use super::{Keeper, closed};
use crate::evidence::disk::{private_dir, replace};
use crate::evidence::seal::{KEY, SEALED};
use crate::evidence::{FileStore, HeldStore, VERIFIER_KEY, keys};

/// Why a copy does not arrive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Something of the journal cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// What should come next is not here any more.
    #[error(
        "the entries {arrived} to {first} were deleted before they arrived: an archive has to be there from the beginning"
    )]
    Beginning {
        /// How many entries have arrived.
        arrived: u64,
        /// The first that is left.
        first: u64,
    },
    /// What was written is not what is read back.
    #[error("`{0}` is not what was sent: it will be sent again")]
    ReadBack(String),
    /// What lies there is no beginning of this journal.
    #[error("there is another journal, or another history of this one: keep it, and name an empty directory")]
    Foreign,
}

impl Keeper {
    /// Copies what has become full since the last time, and records what has arrived.
    pub(super) async fn ship(&self, archive: &Path) -> Result<(), ArchiveError> {
        loop {
            let (keeper, archive) = (self.clone(), archive.to_owned());
            let sent = tokio::task::spawn_blocking(move || keeper.ship_next(&archive)).await;
            let events = sent.unwrap_or_else(|_| Ok(Vec::new()))?;
            if events.is_empty() {
                return Ok(());
            }
            events.into_iter().for_each(|event| self.journal.record(event));
        }
    }

    /// How many entries have arrived.
    pub(super) fn arrived(&self, archive: &Path) -> Result<u64, ArchiveError> {
        let there = FileStore::new(&self.place(archive).join(JOURNAL));
        Ok(self.receipt(&there)?.map_or(0, |checkpoint| checkpoint.size))
    }

    /// The next segment, or as many as it takes to where the newest key begins to sign: only there it signs a receipt.
    fn ship_next(&self, archive: &Path) -> Result<Vec<Event>, ArchiveError> {
        let here = self.journal.files();
        let place = self.place(archive);
        let root = place.join(JOURNAL);
        private_dir(&root).map_err(at(&root))?;
        let there = FileStore::new(&root);
        let arrived = self.receipt(&there)?.map_or(0, |checkpoint| checkpoint.size);
        let keys = KeyChain::stored(&here, self.journal.verifier_key());
        let keys = keys.map_err(|error| ArchiveError::Unreadable(error.to_string()))?;
        let reaches = keys.handovers().last().map_or(0, |last| last.seq + 1);
        let run = self.run(&here, arrived, reaches)?;
        let Some(end) = run.last().map(|manifest| manifest.end) else { return Ok(Vec::new()) };
        for manifest in &run {
            for name in [segment_path(manifest.first), manifest_path(manifest.first)] {
                for ending in ["", SEALED, KEY] {
                    self.send(&root, &format!("{name}{ending}"))?;
                }
            }
        }
        self.send(&root, KEYS)?;
        let vkey = fs::read(self.data.join(VERIFIER_KEY)).map_err(at(&self.data.join(VERIFIER_KEY)))?;
        put(&place.join(VERIFIER_KEY), &vkey)?;
        let checkpoint = self.seal_at(&here, &root, (arrived, end))?;
        if root_of(&Reader::new(&there, end), end).ok() != Some(checkpoint.root) {
            return Err(ArchiveError::ReadBack("tile".to_owned()));
        }
        let digest: String = Sha256::digest(checkpoint.text()).iter().map(|byte| format!("{byte:02x}")).collect();
        let told = |manifest: &SegmentManifest| {
            Event::new(EventType::IntegrityRecord, "segment.archived")
                .with_input("first", manifest.first)
                .with_input("end", manifest.end)
                .with_output("sha256", manifest.sha256.clone())
                .with_output("receipt_sha256", digest.clone())
                .with_ref(segment_path(manifest.first))
        };
        Ok(run.iter().map(told).collect())
    }

    /// The segments from entry `arrived` on that go together; none, if they do not reach to entry `reaches` yet.
    fn run(&self, here: &FileStore, arrived: u64, reaches: u64) -> Result<Vec<SegmentManifest>, ArchiveError> {
        let mut run: Vec<SegmentManifest> = Vec::new();
        for first in closed(here).map_err(ArchiveError::Unreadable)?.into_iter().filter(|first| *first >= arrived) {
            let expected = run.last().map_or(arrived, |last| last.end);
            let found = super::manifest(here, self.journal.verifier_key(), first).map_err(ArchiveError::Unreadable)?;
            // Without its manifest it is not closed yet.
            let Some(manifest) = found else { break };
            if first != expected {
                return Err(ArchiveError::Beginning { arrived: expected, first });
            }
            let is_enough = manifest.end >= reaches;
            run.push(manifest);
            if is_enough {
                return Ok(run);
            }
        }
        Ok(Vec::new())
    }

    /// The tiles that are new since `before`, and last the checkpoint over all that has arrived.
    fn seal_at(&self, here: &FileStore, root: &Path, (before, end): (u64, u64)) -> Result<Checkpoint, ArchiveError> {
        let held = HeldStore::new(here, Vec::new(), end);
        let reader = Reader::new(&held, end);
        let unreadable = |error: sekisho_journal::ProofError| ArchiveError::Unreadable(error.to_string());
        let mut level = 0;
        while level_width(level, end) > 0 {
            let start = level_width(level, before) / WIDTH as u64;
            for index in start..level_width(level, end).div_ceil(WIDTH as u64) {
                let hashes = reader.tile(level, index).map_err(unreadable)?;
                put(&root.join(tile::path(level, index, hashes.len())), &hashes.concat())?;
            }
            level += 1;
        }
        let origin = self.journal.verifier_key().name().to_owned();
        let signer = keys::signer_beside(&self.data, &origin, self.vault.as_deref());
        let signer = signer.map_err(|error| ArchiveError::Unreadable(error.to_string()))?;
        let checkpoint = Checkpoint { origin, size: end, root: root_of(&reader, end).map_err(unreadable)? };
        put(&root.join(CHECKPOINT), checkpoint.sign(&signer).as_bytes())?;
        Ok(checkpoint)
    }

    /// Copies one file of the journal, if it is there.
    fn send(&self, root: &Path, name: &str) -> Result<(), ArchiveError> {
        let from = self.journal.root().join(name);
        match fs::read(&from) {
            Ok(bytes) => put(&root.join(name), &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(at(&from)(source)),
        }
    }

    /// The checkpoint over what has arrived; it has to be one of this journal, and of this history of it.
    fn receipt(&self, there: &FileStore) -> Result<Option<Checkpoint>, ArchiveError> {
        let Some(note) = there.read(CHECKPOINT).map_err(ArchiveError::Unreadable)? else { return Ok(None) };
        let here = self.journal.files();
        let keys = KeyChain::stored(&here, self.journal.verifier_key()).map_err(|_| ArchiveError::Foreign)?;
        let checkpoint = keys.open(&String::from_utf8_lossy(&note)).map_err(|_| ArchiveError::Foreign)?;
        let held = HeldStore::new(&here, Vec::new(), checkpoint.size);
        let root = root_of(&Reader::new(&held, checkpoint.size), checkpoint.size);
        if root.ok() == Some(checkpoint.root) { Ok(Some(checkpoint)) } else { Err(ArchiveError::Foreign) }
    }

    /// A directory for each journal.
    fn place(&self, archive: &Path) -> PathBuf {
        archive.join(self.journal.verifier_key().name().replace('/', "_"))
    }
}

/// Writes a file, and reads it back.
fn put(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    replace(path, bytes).map_err(at(path))?;
    let again = fs::read(path).map_err(at(path))?;
    if again == bytes { Ok(()) } else { Err(ArchiveError::ReadBack(path.display().to_string())) }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.display().to_string();
    move |source| ArchiveError::Io { path, source }
}

const JOURNAL: &str = "journal";
