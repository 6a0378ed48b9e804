//! The one pass over a journal that both the verifier and the writer's recovery make.

use super::report::{Damage, DamageKind, Report, Verdict};
use super::walker::{Stop, Walker, hex};
use crate::checkpoint::Checkpoint;
use crate::key::VerifierKey;
use crate::store::Store;
use crate::tile::Builder;
use crate::tree::Tree;

/// Walks the journal from its first entry to its checkpoint, and looks what lies behind.
///
/// [`Walk::report`] speaks of checkpoint and entries only. Damaged tiles beside good entries, and a tail, are for the
/// caller to judge: a verifier refuses them, the writer that left them in a crash mends them.
#[must_use]
pub fn walk(store: &dyn Store, key: &VerifierKey, pinned: Option<&Checkpoint>) -> Walk {
    let mut walk = Walk::start(key, pinned);
    match Walker::start(store, key, pinned) {
        Err(stop) => walk.stopped(stop),
        Ok(mut walker) => {
            walk.report.size = walker.checkpoint.size;
            walk.report.root = hex(&walker.checkpoint.root);
            walk.note = std::mem::take(&mut walker.note);
            let end = walker.run();
            walk.report.records = walker.tree.size();
            walk.report.pruned = walker.pruned;
            walk.report.rotations = walker.handovers;
            walk.tiles = walker.tiles;
            walk.tree = walker.tree;
            walk.builder = walker.builder;
            walk.tail = walker.tail;
            match end {
                Ok(()) => walk.report.verdict = Verdict::Pass,
                Err(stop) => walk.stopped(stop),
            }
        }
    }
    walk
}

/// What a walk came to.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Checkpoint and entries.
    pub report: Report,
    /// The checkpoint's note, as it lay there.
    pub note: String,
    /// The first thing wrong with the tiles, when the entries are good.
    pub tiles: Option<Damage>,
    /// The tree of the entries.
    pub tree: Tree,
    /// The right edge of the tiles of the entries.
    pub builder: Builder,
    /// What lies behind the checkpoint.
    pub tail: Tail,
}

/// What lies behind the last sealed entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The first entry of the segment where the sealed part ends.
    pub segment: u64,
    /// Where in the file of that segment the sealed part ends, in bytes.
    pub offset: u64,
    /// The bytes from there on.
    pub bytes: Vec<u8>,
}

impl Walk {
    fn start(key: &VerifierKey, pinned: Option<&Checkpoint>) -> Self {
        Self {
            report: Report::unread(key.name(), pinned.map(|pinned| pinned.size)),
            note: String::new(),
            tiles: None,
            tree: Tree::new(),
            builder: Builder::new(),
            tail: Tail::default(),
        }
    }

    /// The verifier's word on all of it: damaged tiles and a tail are failures too.
    #[must_use]
    pub fn into_report(self) -> Report {
        let mut report = self.report;
        if report.verdict != Verdict::Pass {
            return report;
        }
        let unsealed = (!self.tail.bytes.is_empty()).then(|| Damage {
            seq: Some(report.size),
            kind: DamageKind::UnsealedTail,
            detail: format!("{} bytes lie behind the checkpoint", self.tail.bytes.len()),
        });
        if let Some(damage) = self.tiles.or(unsealed) {
            report.verdict = Verdict::Fail;
            report.first_bad = Some(damage);
        }
        report
    }

    fn stopped(&mut self, stop: Stop) {
        match stop {
            Stop::Damage(damage) => {
                self.report.verdict = Verdict::Fail;
                self.report.first_bad = Some(damage);
            }
            Stop::Unreadable(why) => {
                self.report.verdict = Verdict::Unknown;
                self.report.trouble = Some(why);
            }
        }
    }
}
