use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::Event;
use crate::key::SignerKey;
use crate::names::EventType;
use crate::record::{Stamp, line};
use crate::store::{CHECKPOINT, SEGMENTS, segment_path};
use crate::tile::Builder;
use crate::tree::{Tree, leaf_hash};

/// A journal in memory, written as the writer writes it.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What a read answers with instead, to play a broken disk.
    broken: bool,
}

impl Store for Shelf {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if self.broken && path != CHECKPOINT {
            return Err("the disk is gone".into());
        }
        Ok(self.files.get(path).cloned())
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let prefix = format!("{dir}/");
        Ok(self.files.keys().filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned)).collect())
    }
}

impl Shelf {
    pub(super) fn of(lines: &[Vec<u8>], each: usize) -> Self {
        let mut shelf = Self { files: BTreeMap::new(), broken: false };
        for (n, chunk) in lines.chunks(each).enumerate() {
            let bytes = chunk.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
            shelf.files.insert(segment_path((n * each) as u64), bytes);
        }
        let (mut tree, mut builder) = (Tree::new(), Builder::new());
        for line in lines {
            tree.push(leaf_hash(line));
            for tile in builder.push(leaf_hash(line)) {
                shelf.files.insert(tile.path(), tile.bytes());
            }
        }
        for tile in builder.partials() {
            shelf.files.insert(tile.path(), tile.bytes());
        }
        let checkpoint = Checkpoint { origin: "j".into(), size: lines.len() as u64, root: tree.root() };
        shelf.files.insert(CHECKPOINT.into(), checkpoint.sign(&signer(1)).into_bytes());
        shelf
    }

    pub(super) fn good(count: u64) -> Self {
        Self::of(&lines(count), 100)
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        let note = String::from_utf8(self.files[CHECKPOINT].clone()).unwrap();
        Checkpoint::open(&note, signer(1).verifier()).unwrap()
    }

    /// Changes the lines of the segment that begins at `first`.
    pub(super) fn segment(&mut self, first: u64, change: impl FnOnce(&mut Vec<String>)) {
        let path = segment_path(first);
        let text = String::from_utf8(self.files[&path].clone()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        self.files.insert(path, text.into_bytes());
    }

    pub(super) fn flip(&mut self, path: &str, at: usize) {
        self.files.get_mut(path).unwrap()[at] ^= 0x01;
    }

    pub(super) fn verify(&self) -> Report {
        verify(self, signer(1).verifier(), None)
    }
}

pub(super) fn signer(n: u8) -> SignerKey {
    SignerKey::from_seed("j", &[n; 32]).unwrap()
}

pub(super) fn entry(seq: u64, action: &str) -> Vec<u8> {
    let stamp = Stamp { seq, wall_ms: seq, mono_ns: seq, boot_id: "b".into(), engine: "e".into(), retention: None };
    line(&Event::new(EventType::Operation, action), &stamp).unwrap()
}

pub(super) fn lines(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|seq| entry(seq, &format!("act {seq}"))).collect()
}

#[test]
fn an_untouched_journal_passes_at_every_size() {
    for count in [0, 1, 99, 100, 101, 255, 256, 257, 300, 512, 700] {
        let shelf = Shelf::good(count);
        let report = shelf.verify();
        assert_eq!((report.verdict, report.records), (Verdict::Pass, count), "{report}");
        let pinned = shelf.checkpoint();
        assert_eq!(verify(&shelf, signer(1).verifier(), Some(&pinned)).verdict, Verdict::Pass);
    }
}

type Case = (&'static str, fn(&mut Shelf), DamageKind, Option<u64>);

const CASES: &[Case] = &[
    (
        "a line put behind the last of a segment",
        |s| s.segment(100, |l| l.push("{}".into())),
        DamageKind::Inserted,
        Some(200),
    ),
    ("a letter of a line", |s| s.segment(200, |l| l[37] = l[37].replace("act", "axt")), DamageKind::Edited, Some(237)),
    (
        "two lines edited",
        |s| s.segment(0, |l| [3, 4].into_iter().for_each(|n| l[n].push(' '))),
        DamageKind::Edited,
        Some(3),
    ),
    ("one line gone", |s| s.segment(100, |l| drop(l.remove(5))), DamageKind::Removed, Some(105)),
    ("two neighbours gone", |s| s.segment(100, |l| drop(l.drain(5..7))), DamageKind::Removed, Some(105)),
    ("the first line gone", |s| s.segment(0, |l| drop(l.remove(0))), DamageKind::Removed, Some(0)),
    ("the last line of a middle segment gone", |s| s.segment(100, |l| drop(l.pop())), DamageKind::Removed, Some(199)),
    ("two lines swapped", |s| s.segment(200, |l| l.swap(10, 11)), DamageKind::Reordered, Some(210)),
    ("far lines swapped", |s| s.segment(200, |l| l.swap(10, 90)), DamageKind::Reordered, Some(210)),
    ("a line put in", |s| s.segment(200, |l| l.insert(10, "{}".into())), DamageKind::Inserted, Some(210)),
    ("a line doubled", |s| s.segment(200, |l| l.insert(11, l[10].clone())), DamageKind::Inserted, Some(211)),
    ("a later line put in again", |s| s.segment(0, |l| l.insert(2, l[50].clone())), DamageKind::Inserted, Some(2)),
    ("the last line gone", |s| s.segment(300, |l| drop(l.pop())), DamageKind::Truncated, Some(319)),
    ("the last segment gone", |s| drop(s.files.remove(&segment_path(300))), DamageKind::Truncated, Some(300)),
    ("the last line cut", |s| s.files.get_mut(&segment_path(300)).unwrap().truncate(4000), DamageKind::Truncated, None),
    (
        "the last newline gone",
        |s| assert!(s.files.get_mut(&segment_path(300)).unwrap().pop().is_some()),
        DamageKind::Truncated,
        Some(319),
    ),
    ("the first segment gone", |s| drop(s.files.remove(&segment_path(0))), DamageKind::MissingFile, Some(0)),
    ("a middle segment gone", |s| drop(s.files.remove(&segment_path(100))), DamageKind::MissingFile, Some(100)),
    ("every segment gone", |s| s.files.retain(|path, _| !path.starts_with(SEGMENTS)), DamageKind::MissingFile, Some(0)),
    ("the checkpoint gone", |s| drop(s.files.remove(CHECKPOINT)), DamageKind::MissingFile, None),
    ("a tile gone", |s| drop(s.files.remove("tile/0/000")), DamageKind::MissingFile, Some(0)),
    ("a partial tile gone", |s| drop(s.files.remove("tile/0/001.p/64")), DamageKind::MissingFile, Some(256)),
    ("an upper tile gone", |s| drop(s.files.remove("tile/1/000.p/1")), DamageKind::MissingFile, Some(0)),
    ("a tile edited", |s| s.flip("tile/0/000", 32 * 77), DamageKind::Tile, Some(77)),
    ("an upper tile edited", |s| s.flip("tile/1/000.p/1", 3), DamageKind::Tile, Some(0)),
    (
        "a tile and a line edited",
        |s| {
            s.flip("tile/0/000", 0);
            s.segment(0, |l| l[9].push(' '));
        },
        DamageKind::Edited,
        Some(0),
    ),
    ("the checkpoint edited", |s| s.flip(CHECKPOINT, 2), DamageKind::BadSignature, None),
    (
        "another key's checkpoint",
        |s| {
            let note = s.checkpoint().sign(&signer(2));
            s.files.insert(CHECKPOINT.into(), note.into_bytes());
        },
        DamageKind::BadSignature,
        None,
    ),
    (
        "entries behind the end",
        |s| s.segment(300, |l| l.push(String::from_utf8(entry(320, "more")).unwrap())),
        DamageKind::UnsealedTail,
        Some(320),
    ),
    (
        "a segment behind the end",
        |s| drop(s.files.insert(segment_path(320), b"x".to_vec())),
        DamageKind::UnsealedTail,
        Some(320),
    ),
    (
        "a segment further behind",
        |s| drop(s.files.insert(segment_path(400), b"x".to_vec())),
        DamageKind::Inserted,
        Some(320),
    ),
    ("a strange file", |s| drop(s.files.insert("segments/note.txt".into(), b"x".to_vec())), DamageKind::Inserted, None),
    (
        "a segment that overlaps",
        |s| drop(s.files.insert(segment_path(150), b"x\n".to_vec())),
        DamageKind::Inserted,
        Some(150),
    ),
    (
        "line, tiles and all rewritten",
        |s| {
            let note = s.files[CHECKPOINT].clone();
            *s = rewritten(9);
            s.files.insert(CHECKPOINT.into(), note);
        },
        DamageKind::Edited,
        None,
    ),
    (
        "a line, and the level below the top rewritten",
        |s| {
            let old = s.clone();
            *s = rewritten(9);
            for kept in [CHECKPOINT, "tile/1/000.p/1"] {
                s.files.insert(kept.into(), old.files[kept].clone());
            }
        },
        DamageKind::Edited,
        Some(0),
    ),
];

/// A journal that somebody wrote anew with entry `at` changed.
fn rewritten(at: usize) -> Shelf {
    let mut all = lines(320);
    all[at] = entry(at as u64, "innocent");
    Shelf::of(&all, 100)
}

#[test]
fn every_damage_is_found_and_named() {
    for (name, damage, kind, seq) in CASES {
        let mut shelf = Shelf::good(320);
        damage(&mut shelf);
        let report = shelf.verify();
        assert_eq!(report.verdict, Verdict::Fail, "{name}: {report}");
        let found = report.first_bad.clone().unwrap();
        assert_eq!(found.kind, *kind, "{name}: {report}");
        if *name != "the last line cut" {
            assert_eq!(found.seq, *seq, "{name}: {report}");
        }
        assert!(report.to_string().starts_with("FAIL j: "), "{report}");
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}

#[test]
fn a_rollback_is_seen_against_a_pinned_checkpoint() {
    let pinned = Shelf::good(320).checkpoint();
    let rolled = Shelf::good(300);
    assert_eq!(rolled.verify().verdict, Verdict::Pass, "on its own it looks whole");
    let report = verify(&rolled, signer(1).verifier(), Some(&pinned));
    let found = report.first_bad.unwrap();
    assert_eq!((found.kind, found.seq), (DamageKind::RolledBack, Some(300)));
    let longer = Shelf::good(700);
    assert_eq!(verify(&longer, signer(1).verifier(), Some(&pinned)).verdict, Verdict::Pass);
}

#[test]
fn a_history_signed_anew_is_seen_against_a_pinned_checkpoint() {
    let pinned = Shelf::good(100).checkpoint();
    let anew = rewritten(9);
    assert_eq!(anew.verify().verdict, Verdict::Pass, "whoever holds the key can write a whole journal");
    let found = verify(&anew, signer(1).verifier(), Some(&pinned)).first_bad.unwrap();
    assert_eq!((found.kind, found.seq), (DamageKind::RolledBack, None));
    // what was changed after the pinned checkpoint is beyond its reach
    assert_eq!(verify(&rewritten(150), signer(1).verifier(), Some(&pinned)).verdict, Verdict::Pass);
}

#[test]
fn a_signed_entry_must_still_be_canonical_and_in_its_place() {
    let mut all = lines(20);
    all[7].push(b' ');
    let found = Shelf::of(&all, 100).verify().first_bad.unwrap();
    assert_eq!((found.kind, found.seq), (DamageKind::NotCanonical, Some(7)));
    let mut all = lines(20);
    all[7] = entry(9, "act 7");
    let found = Shelf::of(&all, 100).verify().first_bad.unwrap();
    assert_eq!((found.kind, found.seq), (DamageKind::BadSequence, Some(7)));
}

#[test]
fn what_cannot_be_read_is_unknown_and_not_a_pass() {
    let mut shelf = Shelf::good(20);
    shelf.broken = true;
    let report = shelf.verify();
    assert_eq!(report.verdict, Verdict::Unknown);
    assert_eq!(report.to_string(), "UNKNOWN j: the disk is gone");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_touched_entry_is_named(seq in 0_u64..320, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut shelf = Shelf::good(320);
        let first = seq / 100 * 100;
        let path = segment_path(first);
        let bytes = shelf.files.get_mut(&path).unwrap();
        let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n).collect();
        let n = usize::try_from(seq - first).unwrap();
        let start = if n == 0 { 0 } else { ends[n - 1] + 1 };
        let at = start + at.index(ends[n] - start);
        bytes[at] ^= 1 << bit;
        let found = shelf.verify().first_bad.unwrap();
        prop_assert_eq!(found.seq, Some(seq));
    }

    #[test]
    fn removed_entries_are_named(from in 0_usize..320, count in 1_usize..20) {
        let mut all = lines(320);
        let sealed = Shelf::of(&all, 320);
        let to = (from + count).min(320);
        all.drain(from..to);
        let mut shelf = Shelf::of(&all, 320);
        shelf.files.extend(sealed.files.into_iter().filter(|(path, _)| !path.starts_with(SEGMENTS)));
        let found = shelf.verify().first_bad.unwrap();
        prop_assert_eq!(found.seq, Some(from as u64));
        prop_assert!(matches!(found.kind, DamageKind::Removed | DamageKind::Truncated));
    }
}
