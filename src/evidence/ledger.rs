//! The sealed journal on the disk, and the one way it grows.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use sekisho_journal::tile::{Builder, Tile, WIDTH};
use sekisho_journal::{CHECKPOINT, Checkpoint, KEYS, SignerKey, Store, Tree, leaf_hash, segment_path};

use super::disk::Disk;
use super::settings::JournalSettings;

/// The sealed journal. Everything it counts is on the disk under a signed checkpoint.
pub(super) struct Ledger {
    disk: Box<dyn Disk>,
    signer: SignerKey,
    bounds: Bounds,
    edge: Edge,
    pending: Option<Pending>,
    /// Full tiles that may not have reached the disk yet. They can be made again as long as their entries are there.
    unsynced: Vec<String>,
    /// When the segment being written was begun by this process.
    began: Option<Instant>,
}

/// When a segment is closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) age: Duration,
    /// Segments end at a multiple of this: whole tiles, so that the beginning of a journal can be deleted in whole bundles of entries.
    pub(super) align: u64,
}

/// Lines that lie behind the checkpoint, or may: a crash left them there, or a checkpoint of which nobody knows whether it
/// is on the disk. The next commit must put these very lines there, for a checkpoint over them may exist.
struct Pending {
    /// Where they begin.
    base: Edge,
    lines: Vec<Vec<u8>>,
}

/// Why lines are not sealed.
#[derive(Debug)]
pub(super) struct Unsealed {
    pub(super) error: io::Error,
    /// They are kept here and sealed before anything else: nobody may write them a second time.
    pub(super) kept: bool,
}

/// Where the sealed part ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Edge {
    pub(super) tree: Tree,
    pub(super) builder: Builder,
    /// The first entry of the segment being written.
    pub(super) segment: u64,
    /// How many bytes of it are sealed.
    pub(super) offset: u64,
}

/// The journal at one checkpoint, with what the writer will change later as it lies on the disk now.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) checkpoint: Checkpoint,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) held: BTreeMap<String, Vec<u8>>,
}

impl Bounds {
    pub(super) fn of(settings: &JournalSettings) -> Self {
        // Smaller ones are for tests.
        let align = if settings.segment_records < WIDTH as u64 { 1 } else { WIDTH as u64 };
        Self {
            records: settings.segment_records.max(1),
            bytes: settings.segment_bytes,
            age: settings.segment_age,
            align,
        }
    }
}

impl Ledger {
    pub(super) fn new(disk: Box<dyn Disk>, signer: SignerKey, bounds: Bounds, edge: Edge) -> Self {
        Self { disk, signer, bounds, edge, pending: None, unsynced: Vec::new(), began: None }
    }

    /// How many entries are sealed; also the number of the next one.
    pub(super) fn size(&self) -> u64 {
        self.edge.tree.size()
    }

    /// How many lines the next commit may hold: a commit never crosses from one segment into the next, so that after a
    /// crash whatever is not sealed lies in one file.
    pub(super) fn room(&self, now: Instant) -> u64 {
        let end = |from: u64| from.next_multiple_of(self.bounds.align) - self.size();
        if self.is_full(now) {
            end(self.size() + self.bounds.records)
        } else if self.is_due(now) {
            end(self.size())
        } else {
            end(self.edge.segment + self.bounds.records)
        }
    }

    /// Appends lines and seals them. If it fails, nothing counts, and the next attempt overwrites what it left.
    pub(super) fn commit(&mut self, lines: &[Vec<u8>], now: Instant) -> Result<(), Unsealed> {
        let mut edge = self.edge.clone();
        if self.is_full(now) {
            self.close().map_err(|error| Unsealed { error, kept: false })?;
            edge.segment = edge.tree.size();
            edge.offset = 0;
        }
        if edge.offset == 0 || self.began.is_none() {
            self.began = Some(now);
        }
        self.extend(edge, lines)
    }

    /// Keeps the lines that a crash left behind the checkpoint, to be sealed where they lie; without any, what lies there
    /// is cut.
    pub(super) fn keep(&mut self, lines: Vec<Vec<u8>>) {
        self.pending = Some(Pending { base: self.edge.clone(), lines });
    }

    /// The key that signs.
    pub(super) fn signer(&self) -> &SignerKey {
        &self.signer
    }

    /// Puts the statements of the journal's keys on the disk, the last of which hands over to `next`; from here on that signs.
    pub(super) fn hand_over(&mut self, statements: &str, next: &mut Option<SignerKey>) -> io::Result<()> {
        self.disk.replace(KEYS, statements.as_bytes())?;
        if let Some(next) = next.take() {
            self.signer = next;
        }
        Ok(())
    }

    /// Seals what was kept, and hands it out.
    pub(super) fn settle(&mut self) -> Result<Vec<Vec<u8>>, Unsealed> {
        let Some(Pending { base, lines }) = self.pending.take() else {
            return Ok(Vec::new());
        };
        match self.extend(base.clone(), &lines) {
            Ok(()) => Ok(lines),
            Err(unsealed) => {
                self.pending = Some(Pending { base, lines });
                Err(unsealed)
            }
        }
    }

    /// Writes a tile that was lost.
    pub(super) fn rewrite(&mut self, tile: &Tile) -> io::Result<()> {
        self.disk.replace(&tile.path(), &tile.bytes())
    }

    /// The journal as it is now; changing files are read back from `files`.
    pub(super) fn snapshot(&self, files: &dyn Store) -> Result<Snapshot, String> {
        let mut held = BTreeMap::new();
        let partials = self.edge.builder.partials().map(Tile::path);
        for path in partials.chain([CHECKPOINT.to_owned(), KEYS.to_owned()]) {
            if let Some(bytes) = files.read(&path)? {
                held.insert(path, bytes);
            }
        }
        let (segment, offset) = (self.edge.segment, self.edge.offset);
        Ok(Snapshot { checkpoint: self.checkpoint(&self.edge), segment, offset, held })
    }

    /// Whether the segment is to end, at the next boundary.
    fn is_due(&self, now: Instant) -> bool {
        let used = self.size() - self.edge.segment;
        let old = self.began.is_some_and(|began| now.saturating_duration_since(began) >= self.bounds.age);
        used >= self.bounds.records || self.edge.offset >= self.bounds.bytes || (used > 0 && old)
    }

    fn is_full(&self, now: Instant) -> bool {
        self.size().is_multiple_of(self.bounds.align) && self.is_due(now)
    }

    /// Before a segment is left behind: from here on its tiles may be all that is kept of it.
    fn close(&mut self) -> io::Result<()> {
        self.disk.sync(&self.unsynced)?;
        self.unsynced.clear();
        Ok(())
    }

    fn extend(&mut self, base: Edge, lines: &[Vec<u8>]) -> Result<(), Unsealed> {
        let nowhere = |error| Unsealed { error, kept: false };
        let mut edge = base.clone();
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect();
        self.disk.append(&segment_path(edge.segment), edge.offset, &bytes).map_err(nowhere)?;
        edge.offset += bytes.len() as u64;
        for line in lines {
            let hash = leaf_hash(line);
            edge.tree.push(hash);
            for full in edge.builder.push(hash) {
                self.disk.write(&full.path(), &full.bytes()).map_err(nowhere)?;
                self.unsynced.push(full.path());
            }
        }
        let old: Vec<Tile> = self.edge.builder.partials().cloned().collect();
        let new: Vec<Tile> = edge.builder.partials().cloned().collect();
        for tile in new.iter().filter(|tile| !old.contains(tile)) {
            self.disk.write(&tile.path(), &tile.bytes()).map_err(nowhere)?;
        }
        // Last, and at once: from here on the lines count.
        let note = self.checkpoint(&edge).sign(&self.signer);
        if let Err(error) = self.disk.replace(CHECKPOINT, note.as_bytes()) {
            // It may have reached the disk all the same. Then the lines below it must stay what they are.
            self.pending = Some(Pending { base, lines: lines.to_vec() });
            return Err(Unsealed { error, kept: true });
        }
        self.edge = edge;
        for tile in old.iter().filter(|tile| !new.contains(tile)) {
            self.disk.discard(&tile.path());
        }
        Ok(())
    }

    fn checkpoint(&self, edge: &Edge) -> Checkpoint {
        Checkpoint { origin: self.signer.verifier().name().to_owned(), size: edge.tree.size(), root: edge.tree.root() }
    }
}
