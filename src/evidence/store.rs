//! The verifier's eyes on real files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sekisho_journal::{CHECKPOINT, KEYS, KeyChain, SEGMENTS, Store, segment_first, segment_path};

use super::ledger::Snapshot;
use super::seal::{self, KEY, SEALED, Vault};

/// The files of a journal below one directory, as they are now.
#[derive(Clone, Debug)]
pub struct FileStore {
    root: PathBuf,
    vault: Option<Arc<Vault>>,
}

impl FileStore {
    /// The journal in `root`: the directory with `checkpoint`, `segments` and `tile`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), vault: None }
    }

    /// The same, with what opens sealed segments. Without it they are there and cannot be read.
    #[must_use]
    pub fn with_vault(mut self, vault: Option<Arc<Vault>>) -> Self {
        self.vault = vault;
        self
    }

    /// The segments that are sealed and lie there in no other form, by their first entry.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn sealed_segments(&self) -> Result<Vec<u64>, String> {
        let names = self.names(SEGMENTS)?;
        let mut sealed: Vec<u64> = names.iter().filter_map(|name| segment_first(name.strip_suffix(SEALED)?)).collect();
        sealed.retain(|first| !names.iter().any(|name| segment_first(name) == Some(*first)));
        sealed.sort_unstable();
        Ok(sealed)
    }

    fn names(&self, dir: &str) -> Result<Vec<String>, String> {
        let entries = match fs::read_dir(self.root.join(dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{dir}: {error}")),
        };
        let name =
            |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        entries.map(name).collect::<io::Result<_>>().map_err(|error| format!("{dir}: {error}"))
    }

    /// A segment that lies here sealed.
    fn unsealed(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if !path.starts_with(SEGMENTS) {
            return Ok(None);
        }
        seal::read(self.vault.as_deref(), &self.root, path).map_err(|error| format!("{path}: {error}"))
    }
}

impl Store for FileStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let file = match fs::File::open(self.root.join(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.unsealed(path),
            Err(error) => return Err(format!("{path}: {error}")),
        };
        let mut bytes = Vec::new();
        let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("{path}: {error}"))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(format!("{path}: larger than any file of a journal"));
        }
        Ok(Some(bytes))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let mut names = self.names(dir)?;
        if dir == SEGMENTS {
            // A segment has one name, sealed or not; the keys beside the sealed ones have none here.
            names.retain(|name| !name.ends_with(KEY));
            for name in &mut names {
                name.truncate(name.strip_suffix(SEALED).map_or(name.len(), str::len));
            }
            names.sort_unstable();
            names.dedup();
        }
        Ok(names)
    }
}

/// The same files as they were at one checkpoint, while the writer goes on. What the writer still changes (checkpoint,
/// partial tiles, the length of the last segment) was read from the disk when the snapshot was taken.
#[derive(Debug)]
pub(super) struct SnapshotStore {
    files: FileStore,
    snapshot: Snapshot,
    held: BTreeMap<String, Vec<u8>>,
}

impl SnapshotStore {
    pub(super) fn new(files: FileStore, mut snapshot: Snapshot) -> Self {
        let held = std::mem::take(&mut snapshot.held);
        Self { files, snapshot, held }
    }
}

impl Store for SnapshotStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if let Some(bytes) = self.held.get(path) {
            return Ok(Some(bytes.clone()));
        }
        // Held, if they were there.
        if path == CHECKPOINT || path == KEYS {
            return Ok(None);
        }
        let mut bytes = self.files.read(path)?;
        if path == segment_path(self.snapshot.segment)
            && let Some(bytes) = &mut bytes
        {
            bytes.truncate(usize::try_from(self.snapshot.offset).unwrap_or(usize::MAX));
        }
        Ok(bytes)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let mut names = self.files.list(dir)?;
        if dir == SEGMENTS {
            names.retain(|name| segment_first(name).is_none_or(|first| first <= self.snapshot.segment));
        }
        Ok(names)
    }
}

/// The files of a journal that somebody else goes on writing, held fast at one checkpoint. What belongs to that checkpoint
/// does not change, but its partial tiles may have grown wider since.
#[derive(Debug)]
pub struct HeldStore<'a> {
    files: &'a FileStore,
    note: Vec<u8>,
    size: u64,
    keys: Option<Vec<u8>>,
}

impl<'a> HeldStore<'a> {
    /// The journal as it was when `note`, a checkpoint over `size` entries, was its newest.
    #[must_use]
    pub fn new(files: &'a FileStore, note: Vec<u8>, size: u64) -> Self {
        Self { files, note, size, keys: None }
    }

    /// With the statements of the keys as they were read before the note; else those are taken that were made up to there.
    #[must_use]
    pub fn with_keys(mut self, keys: Option<Vec<u8>>) -> Self {
        self.keys = keys;
        self
    }

    fn keys(&self) -> Result<Option<Vec<u8>>, String> {
        if self.keys.is_some() {
            return Ok(self.keys.clone());
        }
        let Some(bytes) = self.files.read(KEYS)? else { return Ok(None) };
        Ok(Some(KeyChain::stated_until(&String::from_utf8_lossy(&bytes), self.size).into_bytes()))
    }

    /// The beginning of a wider tile in the place of a partial one.
    fn wider(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let Some((full, width)) = path.split_once(".p/") else {
            return Ok(None);
        };
        let bytes = width.parse::<usize>().map_or(0, |width| width * 32);
        let mut widths: Vec<usize> =
            self.files.list(&format!("{full}.p"))?.iter().filter_map(|name| name.parse().ok()).collect();
        widths.sort_unstable();
        let partials = widths.iter().rev().map(|width| format!("{full}.p/{width}"));
        for candidate in partials.chain([full.to_owned()]) {
            if let Some(mut wider) = self.files.read(&candidate)?.filter(|wider| wider.len() >= bytes) {
                wider.truncate(bytes);
                return Ok(Some(wider));
            }
        }
        Ok(None)
    }
}

impl Store for HeldStore<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if path == CHECKPOINT {
            return Ok(Some(self.note.clone()));
        }
        if path == KEYS {
            return self.keys();
        }
        match self.files.read(path)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.wider(path),
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let mut names = self.files.list(dir)?;
        if dir == SEGMENTS {
            names.retain(|name| segment_first(name).is_none_or(|first| first <= self.size));
        }
        Ok(names)
    }
}

/// A segment is closed long before this; a larger file is not one of ours and is not taken into memory.
const MAX_FILE: u64 = 512 * 1024 * 1024;
