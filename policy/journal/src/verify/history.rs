//! Journals whose key was handed over, and journals whose beginning was pruned.

use super::tests::{Shelf, entry, lines, signer};
use super::*;
use crate::chain::{HANDED_OVER, Handover, KEYS, KeyChain, STATEMENT};
use crate::event::Event;
use crate::manifest::{SegmentManifest, manifest_path};
use crate::names::EventType;
use crate::record::{Stamp, line};
use crate::store::{CHECKPOINT, segment_path};

fn own(seq: u64, event: &Event) -> Vec<u8> {
    let stamp = Stamp { seq, wall_ms: seq, mono_ns: seq, boot_id: "b".into(), engine: "e".into(), retention: None };
    line(event, &stamp).unwrap()
}

/// A journal of `size` entries whose key went from 1 to 2 at entry 150 and from 2 to 3 at entry 160, signed by `by`.
fn handed_over(size: u64, by: u8) -> Shelf {
    let mut chain = KeyChain::of(signer(1).verifier());
    let mut all = lines(size);
    for (seq, old) in [(150, 1), (160, 2)] {
        let one = Handover::sign(seq, &signer(old), &signer(old + 1)).unwrap();
        if let Some(place) = all.get_mut(usize::try_from(seq).unwrap()) {
            *place =
                own(seq, &Event::new(EventType::IntegrityRecord, HANDED_OVER).with_output(STATEMENT, one.digest()));
            chain.hand_over(one).unwrap();
        }
    }
    let mut shelf = Shelf::of(&all, 100);
    shelf.files.insert(KEYS.into(), chain.text().into_bytes());
    let note = shelf.checkpoint().sign(&signer(by));
    shelf.files.insert(CHECKPOINT.into(), note.into_bytes());
    shelf
}

#[test]
fn who_has_any_of_the_keys_can_verify_all_of_it() {
    let shelf = handed_over(320, 3);
    for trusted in [1, 2, 3] {
        let report = verify(&shelf, signer(trusted).verifier(), None);
        assert_eq!((report.verdict, report.rotations), (Verdict::Pass, 2), "{report}");
    }
    assert_eq!(verify(&shelf, signer(4).verifier(), None).verdict, Verdict::Fail);
    let mut early = handed_over(150, 1);
    let one = Handover::sign(150, &signer(1), &signer(2)).unwrap();
    early.files.insert(KEYS.into(), one.note.into_bytes());
    let report = verify(&early, signer(1).verifier(), None);
    assert_eq!((report.verdict, report.rotations), (Verdict::Pass, 0), "stated, and not yet an entry: {report}");
}

#[test]
fn what_is_wrong_with_the_keys_is_found() {
    type Case = (&'static str, fn() -> Shelf, u8, DamageKind, Option<u64>);
    let cases: [Case; 7] = [
        ("signed by the first key", || handed_over(320, 1), 1, DamageKind::BadSignature, None),
        ("signed by the second", || handed_over(320, 2), 2, DamageKind::BadSignature, None),
        ("no statements, first key", || without_keys(320), 1, DamageKind::BadSignature, None),
        ("no statements, last key", || without_keys(320), 3, DamageKind::BadSignature, Some(150)),
        (
            "one statement left out",
            || {
                let mut shelf = handed_over(320, 3);
                let text = String::from_utf8(shelf.files[KEYS].clone()).unwrap();
                let second: String = text.split_inclusive('\n').skip(8).collect();
                shelf.files.insert(KEYS.into(), second.into_bytes());
                shelf
            },
            3,
            DamageKind::BadSignature,
            Some(150),
        ),
        (
            "a statement that no entry records",
            || {
                let keys = handed_over(320, 3).files[KEYS].clone();
                let mut shelf = Shelf::of(&lines(320), 100);
                shelf.files.insert(KEYS.into(), keys);
                let note = shelf.checkpoint().sign(&signer(3));
                shelf.files.insert(CHECKPOINT.into(), note.into_bytes());
                shelf
            },
            3,
            DamageKind::BadSignature,
            Some(150),
        ),
        (
            "all but the statements put back",
            || {
                let keys = handed_over(320, 3).files[KEYS].clone();
                let mut shelf = Shelf::good(120);
                shelf.files.insert(KEYS.into(), keys);
                shelf
            },
            1,
            DamageKind::RolledBack,
            Some(120),
        ),
    ];
    for (name, shelf, trusted, kind, seq) in cases {
        let report = verify(&shelf(), signer(trusted).verifier(), None);
        let found = report.first_bad.clone().unwrap_or_else(|| panic!("{name}: {report}"));
        assert_eq!((found.kind, found.seq), (kind, seq), "{name}: {report}");
    }
}

fn without_keys(size: u64) -> Shelf {
    let mut shelf = handed_over(size, 3);
    shelf.files.remove(KEYS);
    shelf
}

/// A journal of 700 entries in segments of 256 of which the first `gone` are not there, and entry 600 says `to`.
fn pruned(gone: u64, to: Option<u64>) -> Shelf {
    let mut all = lines(700);
    if let Some(to) = to {
        all[600] = own(600, &Event::new(EventType::IntegrityRecord, PRUNED).with_input("to", to));
    }
    let mut shelf = Shelf::of(&all, 256);
    for first in (0..gone).step_by(256) {
        shelf.files.remove(&segment_path(first));
    }
    shelf
}

#[test]
fn what_was_pruned_is_proved_by_its_hashes_and_the_entry_that_says_so() {
    for (gone, to, verdict) in [
        (256, Some(256), Verdict::Pass),
        (256, Some(512), Verdict::Pass),
        (0, Some(512), Verdict::Pass),
        (512, Some(512), Verdict::Pass),
        (256, None, Verdict::Fail),
        (512, Some(256), Verdict::Fail),
    ] {
        let report = pruned(gone, to).verify();
        assert_eq!(report.verdict, verdict, "{gone} {to:?}: {report}");
        if verdict == Verdict::Fail {
            let found = report.first_bad.unwrap();
            assert_eq!((found.kind, found.seq), (DamageKind::MissingFile, Some(0)));
        } else {
            assert_eq!((report.pruned, report.records), (gone, 700));
        }
    }
}

#[test]
fn the_hashes_of_what_was_pruned_are_held_to_the_signed_root() {
    for path in ["tile/0/000", "tile/1/000.p/2"] {
        let mut shelf = pruned(256, Some(256));
        shelf.flip(path, 5);
        assert_eq!(shelf.verify().verdict, Verdict::Fail, "{path}");
    }
    let mut shelf = pruned(256, Some(256));
    shelf.files.remove("tile/0/000");
    let found = shelf.verify().first_bad.unwrap();
    assert_eq!((found.kind, found.seq), (DamageKind::MissingFile, Some(0)));
    // A checkpoint from before the pruning still holds it to what it was.
    let mut all = lines(700);
    let early = Shelf::of(&all[..200], 256).checkpoint();
    assert_eq!(verify(&pruned(256, Some(256)), signer(1).verifier(), Some(&early)).verdict, Verdict::Pass);
    all[9] = entry(9, "innocent");
    let other = Shelf::of(&all[..200], 256).checkpoint();
    let found = verify(&pruned(256, Some(256)), signer(1).verifier(), Some(&other)).first_bad.unwrap();
    assert_eq!(found.kind, DamageKind::RolledBack);
}

#[test]
fn no_entry_can_say_that_what_stands_behind_it_was_pruned() {
    let mut all = lines(700);
    all[300] = own(300, &Event::new(EventType::IntegrityRecord, PRUNED).with_input("to", 512));
    let mut shelf = Shelf::of(&all, 256);
    shelf.files.remove(&segment_path(0));
    assert_eq!(shelf.verify().verdict, Verdict::Pass);
    all[600] = own(600, &Event::new(EventType::Operation, PRUNED).with_input("to", 512));
    let mut shelf = Shelf::of(&all, 256);
    shelf.files.remove(&segment_path(0));
    shelf.files.remove(&segment_path(256));
    assert_eq!(shelf.verify().verdict, Verdict::Fail, "and no entry of another type");
}

#[test]
fn a_manifest_beside_a_segment_has_to_be_that_of_the_segment() {
    let with = |path: u64, of: u64, by: u8| {
        let mut shelf = Shelf::good(320);
        let manifest = SegmentManifest::of("j", of, &shelf.files[&segment_path(of)]).unwrap();
        shelf.files.insert(manifest_path(path), manifest.sign(&signer(by)).into_bytes());
        shelf.verify()
    };
    assert_eq!(with(100, 100, 1).verdict, Verdict::Pass);
    for (path, of, by) in [(100, 100, 2), (100, 200, 1)] {
        let found = with(path, of, by).first_bad.unwrap();
        assert_eq!((found.kind, found.seq), (DamageKind::Manifest, Some(100)));
    }
}
