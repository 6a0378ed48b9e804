//! The steps of the walk: segment by segment, line by line, each against its tile.

use super::classify::{classify, damage, gap};
use super::own::{self, Own};
use super::report::{Damage, DamageKind};
use super::walk::Tail;
use crate::canonical;
use crate::chain::{ChainError, KeyChain};
use crate::checkpoint::Checkpoint;
use crate::key::VerifierKey;
use crate::manifest::{SegmentManifest, manifest_path};
use crate::proof::ProofError;
use crate::store::{CHECKPOINT, SEGMENTS, Store, segment_first, segment_path};
use crate::tile::{self, Builder, Reader, Tile};
use crate::tree::{Hash, Tree, leaf_hash};

/// Why a walk ends early.
pub(super) enum Stop {
    Damage(Damage),
    Unreadable(String),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

pub(super) struct Walker<'a> {
    store: &'a dyn Store,
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
    pinned: Option<&'a Checkpoint>,
    pub(super) tree: Tree,
    pub(super) builder: Builder,
    /// The stored level-0 tile of the entries being read, if it can be had.
    window: Option<Vec<Hash>>,
    /// The first thing wrong with a tile.
    pub(super) tiles: Option<Damage>,
    /// The first line that differs from a tile which itself is not what was signed.
    suspect: Option<u64>,
    pub(super) tail: Tail,
    chain: KeyChain,
    /// Handovers of the key that were met.
    pub(super) handovers: u64,
    /// Entries at the beginning of which only the hashes are left.
    pub(super) pruned: u64,
    /// Up to where the entries that are left say that there was pruned.
    prunable: u64,
}

impl<'a> Walker<'a> {
    pub(super) fn start(store: &'a dyn Store, key: &VerifierKey, pinned: Option<&'a Checkpoint>) -> Result<Self, Stop> {
        let bytes = store.read(CHECKPOINT).map_err(Stop::Unreadable)?;
        let bytes = bytes.ok_or_else(|| nowhere(DamageKind::MissingFile, "there is no checkpoint"))?;
        let note =
            String::from_utf8(bytes).map_err(|_| nowhere(DamageKind::BadSignature, "the checkpoint is not text"))?;
        let chain = KeyChain::stored(store, key).map_err(|error| match error {
            ChainError::Unreadable(why) => Stop::Unreadable(why),
            ChainError::Broken | ChainError::Stranger => nowhere(DamageKind::BadSignature, &error.to_string()).into(),
        })?;
        let checkpoint = chain
            .open(&note)
            .map_err(|error| nowhere(DamageKind::BadSignature, &format!("the checkpoint: {error}")))?;
        if let Some(pinned) = pinned {
            if pinned.origin != checkpoint.origin {
                return Err(nowhere(DamageKind::RolledBack, "the pinned checkpoint is of another journal").into());
            }
            if pinned.size > checkpoint.size {
                let detail = format!("{} entries were signed, {} are left", pinned.size, checkpoint.size);
                return Err(damage(checkpoint.size, DamageKind::RolledBack, &detail).into());
            }
        }
        if let Some(last) = chain.handovers().last().filter(|last| last.seq > checkpoint.size) {
            let detail = format!("its key was handed over at entry {}, {} are left", last.seq, checkpoint.size);
            return Err(damage(checkpoint.size, DamageKind::RolledBack, &detail).into());
        }
        Ok(Self {
            store,
            checkpoint,
            note,
            pinned,
            tree: Tree::new(),
            builder: Builder::new(),
            window: None,
            tiles: None,
            suspect: None,
            tail: Tail::default(),
            chain,
            handovers: 0,
            pruned: 0,
            prunable: 0,
        })
    }

    pub(super) fn run(&mut self) -> Result<(), Stop> {
        let walked = self.entries().and_then(|()| self.root()).and_then(|()| self.accounted());
        match (walked, self.suspect) {
            // Line and tile disagree, the tile was not what was signed, and the line is not either.
            (Err(Stop::Damage(found)), Some(seq)) if found.seq.is_none_or(|at| at > seq) => {
                Err(damage(seq, DamageKind::Edited, "neither the line nor its tile is what was signed").into())
            }
            (walked, _) => walked,
        }
    }

    fn entries(&mut self) -> Result<(), Stop> {
        self.pin()?;
        let segments = self.segments()?;
        self.skip_pruned(segments.first().copied().unwrap_or_default())?;
        let mut before = 0;
        for (n, first) in segments.iter().copied().enumerate() {
            let seq = self.tree.size();
            let behind = seq == self.checkpoint.size && (first > seq || !self.tail.bytes.is_empty());
            if behind {
                return Err(damage(seq, DamageKind::Inserted, "a segment lies behind the end").into());
            }
            if first != seq {
                return Err(gap(seq, first, before).into());
            }
            let end = segments.get(n + 1).copied().unwrap_or(self.checkpoint.size);
            self.segment(first, end)?;
            before = self.tree.size() - first;
        }
        let seq = self.tree.size();
        if seq == self.checkpoint.size {
            return Ok(());
        }
        let kind = if segments.is_empty() { DamageKind::MissingFile } else { DamageKind::Truncated };
        Err(damage(seq, kind, &format!("the checkpoint covers {} entries", self.checkpoint.size)).into())
    }

    fn segments(&self) -> Result<Vec<u64>, Stop> {
        let names = self.store.list(SEGMENTS).map_err(Stop::Unreadable)?;
        let mut segments = Vec::with_capacity(names.len());
        for name in &names {
            segments.push(
                segment_first(name).ok_or_else(|| {
                    nowhere(DamageKind::Inserted, "a file that is no segment lies among the segments")
                })?,
            );
        }
        segments.sort_unstable();
        Ok(segments)
    }

    /// One segment file; `end` is where it should end.
    fn segment(&mut self, first: u64, end: u64) -> Result<(), Stop> {
        let path = segment_path(first);
        let bytes = self.store.read(&path).map_err(Stop::Unreadable)?;
        let bytes = bytes.ok_or_else(|| damage(first, DamageKind::MissingFile, &path))?;
        let mut rest = bytes.as_slice();
        while self.tree.size() < self.checkpoint.size && !rest.is_empty() {
            let seq = self.tree.size();
            if seq == end {
                let detail = "the segment goes on where the next begins";
                return Err(damage(seq, DamageKind::Inserted, detail).into());
            }
            let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
                return Err(damage(seq, DamageKind::Truncated, "the line is cut short").into());
            };
            let (line, after) = rest.split_at(length);
            let hash = leaf_hash(line);
            if !self.matches(seq, &hash)? {
                self.mismatch(rest, end)?;
            }
            self.entry(seq, line, hash)?;
            rest = after.get(1..).unwrap_or_default();
        }
        if self.tree.size() == end {
            self.manifest(first, &bytes)?;
        }
        if self.tree.size() == self.checkpoint.size {
            self.tail = Tail { segment: first, offset: (bytes.len() - rest.len()) as u64, bytes: rest.to_vec() };
        }
        Ok(())
    }

    /// A segment whose entries are good may have a manifest, which then has to be that of these entries.
    fn manifest(&self, first: u64, content: &[u8]) -> Result<(), Stop> {
        let Some(note) = self.store.read(&manifest_path(first)).map_err(Stop::Unreadable)? else { return Ok(()) };
        let manifest = SegmentManifest::open(&String::from_utf8_lossy(&note), &self.chain);
        if manifest.is_some_and(|manifest| manifest.first == first && manifest.fits(content)) {
            return Ok(());
        }
        let detail = "the signed manifest of the segment is not what the segment is";
        Err(damage(first, DamageKind::Manifest, detail).into())
    }

    /// Whether the stored tile has this hash for entry `seq`; also when there is no tile to ask.
    fn matches(&mut self, seq: u64, hash: &Hash) -> Result<bool, Stop> {
        let width = tile::WIDTH as u64;
        if seq.is_multiple_of(width) {
            self.window = match Reader::new(self.store, self.checkpoint.size).tile(0, seq / width) {
                Ok(hashes) => Some(hashes),
                Err(ProofError::Unreadable(why)) => {
                    self.blame_tile(damage(seq, DamageKind::MissingFile, &why));
                    None
                }
                Err(error @ (ProofError::Outside | ProofError::Wrong)) => {
                    return Err(Stop::Unreadable(error.to_string()));
                }
            };
        }
        let at = usize::try_from(seq % width).unwrap_or_default();
        let stored = self.window.as_ref().and_then(|window| window.get(at));
        Ok(self.suspect.is_some() || stored.is_none_or(|stored| stored == hash))
    }

    /// The line at the start of `rest` is not what its tile says. Which of the two is wrong?
    fn mismatch(&mut self, rest: &[u8], end: u64) -> Result<(), Stop> {
        let seq = self.tree.size();
        let tiles = Reader::new(self.store, self.checkpoint.size);
        if level_zero_root(&tiles, self.checkpoint.size) != Some(self.checkpoint.root) {
            self.suspect = Some(seq);
            self.blame_tile(damage(seq, DamageKind::Tile, "the stored hash is not that of the line"));
            return Ok(());
        }
        let end = end.clamp(seq + 1, seq + LOOK_AHEAD);
        let signed = hashes(&tiles, seq, end);
        let complete = rest.strip_suffix(b"\n").unwrap_or(rest);
        let lines: Vec<Hash> = complete.split(|byte| *byte == b'\n').map(leaf_hash).collect();
        Err(classify(seq, &lines, &signed).into())
    }

    fn entry(&mut self, seq: u64, line: &[u8], hash: Hash) -> Result<(), Stop> {
        let says =
            canonical::sequence(line).map_err(|error| damage(seq, DamageKind::NotCanonical, &error.to_string()))?;
        if says != Some(seq) {
            let says = says.map_or_else(|| "nothing".to_owned(), |says| says.to_string());
            let detail = format!("the entry says it is number {says}");
            return Err(damage(seq, DamageKind::BadSequence, &detail).into());
        }
        self.own(seq, own::read(line))?;
        self.push(hash)
    }

    /// What an entry says of the journal itself has to be so.
    fn own(&mut self, seq: u64, own: Option<Own>) -> Result<(), Stop> {
        let stated = usize::try_from(self.handovers).ok().and_then(|at| self.chain.handovers().get(at));
        let stated = stated.filter(|one| one.seq == seq).map(|one| one.digest());
        match (own, stated) {
            (Some(Own::HandedOver(digest)), Some(stated)) if digest == stated => self.handovers += 1,
            (None, None) => {}
            (Some(Own::Pruned(to)), None) => self.prunable = self.prunable.max(to.min(seq)),
            (Some(Own::HandedOver(_) | Own::Pruned(_)) | None, _) => {
                let detail = "the entry and the signed statements about the keys do not say the same";
                return Err(damage(seq, DamageKind::BadSignature, detail).into());
            }
        }
        Ok(())
    }

    fn push(&mut self, hash: Hash) -> Result<(), Stop> {
        self.tree.push(hash);
        for full in self.builder.push(hash) {
            self.upper_tile(&full);
        }
        self.pin()
    }

    /// Entries at the beginning may be gone, whole tiles of them, if an entry that is left says so: [`accounted`](Self::accounted)
    /// asks for that in the end. Their hashes are still what the root is made of.
    fn skip_pruned(&mut self, first: u64) -> Result<(), Stop> {
        let width = tile::WIDTH as u64;
        if first > self.checkpoint.size || !first.is_multiple_of(width) {
            return Ok(());
        }
        let tiles = Reader::new(self.store, self.checkpoint.size);
        for index in 0..first / width {
            let hashes = tiles.tile(0, index).map_err(|error| {
                let detail = format!("entries 0 to {} are gone, and hashes of them: {error}", first - 1);
                damage(0, DamageKind::MissingFile, &detail)
            })?;
            hashes.into_iter().try_for_each(|hash| self.push(hash))?;
        }
        self.pruned = first;
        Ok(())
    }

    fn accounted(&self) -> Result<(), Stop> {
        if self.pruned <= self.prunable {
            return Ok(());
        }
        let detail =
            format!("entries 0 to {} are gone, and none that is left says that it was pruned", self.pruned - 1);
        Err(damage(0, DamageKind::MissingFile, &detail).into())
    }

    /// At the size of the pinned checkpoint the root must be the pinned one.
    fn pin(&self) -> Result<(), Stop> {
        let Some(pinned) = self.pinned.filter(|pinned| pinned.size == self.tree.size()) else {
            return Ok(());
        };
        if self.tree.root() == pinned.root {
            return Ok(());
        }
        let detail = format!("the first {} entries are not those that were pinned", pinned.size);
        Err(nowhere(DamageKind::RolledBack, &detail).into())
    }

    fn root(&mut self) -> Result<(), Stop> {
        let partials: Vec<Tile> = self.builder.partials().cloned().collect();
        partials.iter().for_each(|tile| self.upper_tile(tile));
        if self.tree.root() == self.checkpoint.root {
            return Ok(());
        }
        // Every line agrees with its level-0 tile, so both were changed; a higher tile may still tell where.
        let detail = "entries and tiles agree with each other but not with the signed root";
        let found = self.tiles.clone().map(|tile| {
            let missing = tile.kind == DamageKind::MissingFile;
            let kind = if missing { tile.kind } else { DamageKind::Edited };
            Damage { kind, ..tile }
        });
        Err(found.unwrap_or_else(|| nowhere(DamageKind::Edited, detail)).into())
    }

    /// Compares a tile above level 0 with the stored one.
    fn upper_tile(&mut self, made: &Tile) {
        if made.level == 0 {
            return;
        }
        let seq = made.first_entry();
        let stored = Reader::new(self.store, self.checkpoint.size).tile(made.level, made.index);
        match stored {
            Err(error) => self.blame_tile(damage(seq, DamageKind::MissingFile, &error.to_string())),
            Ok(stored) => {
                let differs = stored.iter().zip(&made.hashes).position(|(left, right)| left != right);
                if let Some(at) = differs {
                    let each = 1_u64 << (8 * u32::from(made.level));
                    let from = seq + at as u64 * each;
                    let detail = format!("{} differs: entries {from} to {}", made.path(), from + each - 1);
                    self.blame_tile(damage(from, DamageKind::Tile, &detail));
                }
            }
        }
    }

    fn blame_tile(&mut self, damage: Damage) {
        self.tiles.get_or_insert(damage);
    }
}

/// The root that the stored level-0 tiles make.
fn level_zero_root(tiles: &Reader<'_>, size: u64) -> Option<Hash> {
    let mut tree = Tree::new();
    for index in 0..size.div_ceil(tile::WIDTH as u64) {
        tree.extend(tiles.tile(0, index).ok()?);
    }
    Some(tree.root())
}

/// The stored hashes of the entries from `from` to before `end`.
fn hashes(tiles: &Reader<'_>, from: u64, end: u64) -> Vec<Hash> {
    let width = tile::WIDTH as u64;
    let mut all = Vec::new();
    for index in from / width..end.div_ceil(width) {
        all.extend(tiles.tile(0, index).unwrap_or_default());
    }
    let skip = usize::try_from(from % width).unwrap_or_default();
    let take = usize::try_from(end - from).unwrap_or_default();
    all.into_iter().skip(skip).take(take).collect()
}

fn nowhere(kind: DamageKind, detail: &str) -> Damage {
    Damage { seq: None, kind, detail: detail.to_owned() }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many entries ahead a displaced line is looked for.
const LOOK_AHEAD: u64 = 65_536;
