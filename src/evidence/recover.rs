//! From what lies on the disk to a ledger that can go on: everything is verified first.
//!
//! A crash can leave three things, each of which is mended and put on record: whole lines behind the checkpoint, which
//! this writer wrote and had not sealed; a last line that is cut short; a tile that did not reach the disk. Anything
//! else was not done by a crash, and the journal is not opened.

use sekisho_journal::tile::{Builder, Reader, WIDTH};
use sekisho_journal::{
    Damage, DamageKind, Event, EventType, KeyChain, SEGMENTS, Severity, SignerKey, Store, Tail, Verdict, Walk,
    check_canonical, leaf_hash, segment_first, segment_path, walk,
};

use super::disk::Disk;
use super::handover::left_unrecorded;
use super::ledger::{Bounds, Edge, Ledger};
use super::settings::OpenError;
use super::store::FileStore;

/// A ledger and what was mended to get it.
pub(super) struct Recovered {
    pub(super) ledger: Ledger,
    pub(super) mending: Option<Mending>,
    pub(super) notes: Vec<Event>,
    /// Whether nothing whole lay behind the checkpoint.
    pub(super) is_tail_empty: bool,
}

/// What has to be mended on the disk before anything is added. A full disk may hold it up, but not the start.
pub(super) struct Mending {
    /// The entries whose tiles are to be written again.
    tiles_of: Option<u64>,
}

impl Mending {
    pub(super) fn apply(&self, files: &FileStore, ledger: &mut Ledger) -> Result<(), std::io::Error> {
        self.tiles_of.map_or(Ok(()), |size| rebuild_tiles(files, ledger, size))
    }
}

/// Verifies the journal in `files`, and finds out what a crash left to be mended.
pub(super) fn recover(
    files: &FileStore,
    signer: SignerKey,
    chain: &KeyChain,
    (disk, bounds): (Box<dyn Disk>, Bounds),
) -> Result<Recovered, OpenError> {
    let walked = whole(walk(files, signer.verifier(), None))?;
    let size = walked.tree.size();
    let mut notes = vec![opened(size)];
    let mut mending = None;
    if let Some(damage) = &walked.tiles {
        mending = Some(Mending { tiles_of: Some(size) });
        notes.push(mended("journal.tiles.rebuilt").with_input("why", damage.to_string()));
    }
    let lines = unsealed(&walked.tail, size)?;
    let is_tail_empty = lines.is_empty();
    if let (Some(stated), Some(first)) = (left_unrecorded(chain, size), lines.first())
        && !String::from_utf8_lossy(first).contains(&stated.digest())
    {
        return Err(foreign(size));
    }
    let edge =
        Edge { tree: walked.tree, builder: walked.builder, segment: walked.tail.segment, offset: walked.tail.offset };
    let mut ledger = Ledger::new(disk, signer, bounds, edge);
    if !walked.tail.bytes.is_empty() {
        let sealed: usize = lines.iter().map(|line| line.len() + 1).sum();
        let cut = walked.tail.bytes.len().saturating_sub(sealed);
        notes.push(
            mended("journal.tail.resealed")
                .with_input("first", size)
                .with_output("records", lines.len())
                .with_output("bytes_cut", cut),
        );
        ledger.keep(lines);
    }
    Ok(Recovered { ledger, mending, notes, is_tail_empty })
}

fn whole(walked: Walk) -> Result<Walk, OpenError> {
    match (walked.report.verdict, &walked.report.first_bad) {
        (Verdict::Pass, _) => Ok(walked),
        (Verdict::Fail, Some(damage)) => Err(OpenError::Damaged(damage.clone())),
        (Verdict::Fail | Verdict::Unknown, _) => Err(OpenError::Unreadable(walked.report.to_string())),
    }
}

/// The whole lines behind the checkpoint. Each must be one this writer could have written there.
fn unsealed(tail: &Tail, size: u64) -> Result<Vec<Vec<u8>>, OpenError> {
    let mut pieces: Vec<&[u8]> = tail.bytes.split(|byte| *byte == b'\n').collect();
    // What stands behind the last newline was cut short, or is nothing.
    pieces.pop();
    let mut lines = Vec::with_capacity(pieces.len());
    for (seq, piece) in (size..).zip(pieces) {
        let says = check_canonical(piece).ok().and_then(|value| value.get("seq")?.as_u64());
        if says != Some(seq) {
            return Err(foreign(seq));
        }
        lines.push(piece.to_vec());
    }
    Ok(lines)
}

fn foreign(seq: u64) -> OpenError {
    let detail = "what lies behind the checkpoint was not written by this journal".to_owned();
    OpenError::Damaged(Damage { seq: Some(seq), kind: DamageKind::UnsealedTail, detail })
}

/// Writes every tile again from the entries, which were just found to be the signed ones.
fn rebuild_tiles(files: &FileStore, ledger: &mut Ledger, size: u64) -> Result<(), std::io::Error> {
    let names = files.list(SEGMENTS).map_err(std::io::Error::other)?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    let mut builder = Builder::new();
    // Of what was pruned the hashes are all there is, and these were just found to be right.
    let mut seq = segments.first().copied().unwrap_or_default();
    for index in 0..seq / WIDTH as u64 {
        let hashes = Reader::new(files, size).tile(0, index).map_err(std::io::Error::other)?;
        for hash in hashes {
            builder.push(hash).iter().filter(|tile| tile.level > 0).try_for_each(|tile| ledger.rewrite(tile))?;
        }
    }
    for first in segments {
        let bytes = files.read(&segment_path(first)).map_err(std::io::Error::other)?.unwrap_or_default();
        for line in bytes.split(|byte| *byte == b'\n') {
            if seq == size {
                break;
            }
            // A newline ends each line, so one empty piece stands at the end of each file.
            if line.is_empty() {
                continue;
            }
            seq += 1;
            builder.push(leaf_hash(line)).iter().try_for_each(|tile| ledger.rewrite(tile))?;
        }
    }
    builder.partials().try_for_each(|tile| ledger.rewrite(tile))
}

fn opened(size: u64) -> Event {
    Event::new(EventType::IntegrityRecord, "journal.opened").with_input("verified_records", size)
}

fn mended(action: &str) -> Event {
    Event::new(EventType::IntegrityRecord, action).with_severity(Severity::High)
}
