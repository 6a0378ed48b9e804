//! The sealed journal on the disk, and the one way it grows.

use std::collections::BTreeMap;
use std::io;

use sekisho_journal::tile::{Builder, Tile};
use sekisho_journal::{CHECKPOINT, Checkpoint, SignerKey, Store, Tree, leaf_hash, segment_path};

use super::disk::Disk;

/// The sealed journal. Everything it counts is on the disk under a signed checkpoint.
pub(super) struct Ledger {
    disk: Box<dyn Disk>,
    signer: SignerKey,
    segment_records: u64,
    edge: Edge,
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

impl Ledger {
    pub(super) fn new(disk: Box<dyn Disk>, signer: SignerKey, segment_records: u64, edge: Edge) -> Self {
        Self { disk, signer, segment_records: segment_records.max(1), edge }
    }

    /// How many entries are sealed; also the number of the next one.
    pub(super) fn size(&self) -> u64 {
        self.edge.tree.size()
    }

    /// How many lines the next commit may hold: a commit never crosses from one segment into the next, so that after a
    /// crash whatever is not sealed lies in one file.
    pub(super) fn room(&self) -> u64 {
        let used = self.size() - self.edge.segment;
        if self.is_full() { self.segment_records } else { self.segment_records - used }
    }

    /// Appends lines and seals them. If it fails, nothing counts, and the next attempt overwrites what it left.
    pub(super) fn commit(&mut self, lines: &[Vec<u8>]) -> io::Result<()> {
        let mut edge = self.edge.clone();
        if self.is_full() {
            edge.segment = edge.tree.size();
            edge.offset = 0;
        }
        self.extend(edge, lines)
    }

    /// Seals the lines a crash left behind the checkpoint, where they lie; `lines` may be none, then what lies there is cut.
    pub(super) fn reseal(&mut self, lines: &[Vec<u8>]) -> io::Result<()> {
        self.extend(self.edge.clone(), lines)
    }

    /// The journal as it is now; changing files are read back from `files`.
    pub(super) fn snapshot(&self, files: &dyn Store) -> Result<Snapshot, String> {
        let mut held = BTreeMap::new();
        let partials = self.edge.builder.partials().map(Tile::path);
        for path in partials.chain([CHECKPOINT.to_owned()]) {
            if let Some(bytes) = files.read(&path)? {
                held.insert(path, bytes);
            }
        }
        let (segment, offset) = (self.edge.segment, self.edge.offset);
        Ok(Snapshot { checkpoint: self.checkpoint(&self.edge), segment, offset, held })
    }

    fn is_full(&self) -> bool {
        self.size() - self.edge.segment >= self.segment_records || self.edge.offset >= SEGMENT_BYTES
    }

    fn extend(&mut self, mut edge: Edge, lines: &[Vec<u8>]) -> io::Result<()> {
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect();
        self.disk.append(&segment_path(edge.segment), edge.offset, &bytes)?;
        edge.offset += bytes.len() as u64;
        for line in lines {
            let hash = leaf_hash(line);
            edge.tree.push(hash);
            for full in edge.builder.push(hash) {
                self.disk.replace(&full.path(), &full.bytes())?;
            }
        }
        let old: Vec<Tile> = self.edge.builder.partials().cloned().collect();
        let new: Vec<Tile> = edge.builder.partials().cloned().collect();
        for tile in new.iter().filter(|tile| !old.contains(tile)) {
            self.disk.replace(&tile.path(), &tile.bytes())?;
        }
        // Last, and at once: from here on the lines count.
        let note = self.checkpoint(&edge).sign(&self.signer);
        self.disk.replace(CHECKPOINT, note.as_bytes())?;
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

/// A segment is closed once it is this long, however few records it holds.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
