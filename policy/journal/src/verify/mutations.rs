//! Thousands of random changes to a journal: each is detected, and the place is named.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::tests::{Shelf, entry, lines, signer};
use super::*;
use crate::store::{CHECKPOINT, SEGMENTS, segment_path};

/// Entries in the journal, and in a segment of it.
const COUNT: u64 = 130;
const EACH: u64 = 40;

static ALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| lines(COUNT));

/// Three numbers that a mutation picks its places by.
type Dice = (u64, u64, u64);

/// Changes a journal. What it gives back is the first entry it touched, `None` if it changed nothing at all.
type Mutation = fn(&mut Shelf, Dice) -> Option<Place>;

/// Where the damage must be found.
#[derive(Debug)]
enum Place {
    /// At this entry and no other.
    Entry(u64),
    /// At an entry from here on, or in a tile or a file that stands for it.
    From(u64),
    /// In the checkpoint, which has no entry.
    Whole,
}

const MUTATIONS: &[(&str, Mutation)] = &[
    ("a bit of an entry flipped", |shelf, (seq, at, bit)| {
        let (first, n) = home(seq);
        let bytes = shelf.files.get_mut(&segment_path(first))?;
        let start = starts(bytes)[n];
        let length = bytes[start..].iter().position(|b| *b == b'\n')? as u64 + 1;
        bytes[start + usize::try_from(at % length).ok()?] ^= 1 << (bit % 8);
        Some(Place::Entry(seq % COUNT))
    }),
    ("a bit of a tile flipped", |shelf, (n, at, bit)| {
        let tiles: Vec<String> = shelf.files.keys().filter(|path| path.starts_with("tile/")).cloned().collect();
        let path = &tiles[usize::try_from(n).ok()? % tiles.len()];
        let bytes = shelf.files.get_mut(path)?;
        let at = usize::try_from(at).ok()? % bytes.len();
        bytes[at] ^= 1 << (bit % 8);
        Some(Place::From(0))
    }),
    ("a bit of the checkpoint flipped", |shelf, (at, bit, _)| {
        let bytes = shelf.files.get_mut(CHECKPOINT)?;
        let at = usize::try_from(at).ok()? % bytes.len();
        bytes[at] ^= 1 << (bit % 8);
        Some(Place::Whole)
    }),
    ("one entry deleted", |shelf, (seq, _, _)| delete(shelf, seq, 1)),
    ("neighbours deleted", |shelf, (seq, more, _)| delete(shelf, seq, 2 + more % 10)),
    ("a file truncated", |shelf, (segment, at, _)| {
        let first = segment % COUNT.div_ceil(EACH) * EACH;
        let bytes = shelf.files.get_mut(&segment_path(first))?;
        let keep = usize::try_from(at).ok()? % bytes.len();
        let whole = bytes[..keep].iter().filter(|b| **b == b'\n').count() as u64;
        bytes.truncate(keep);
        Some(Place::Entry(first + whole))
    }),
    ("two entries swapped", |shelf, (left, right, _)| swap(shelf, left % COUNT, right % COUNT, |line, _| line)),
    ("the payloads of two entries swapped", |shelf, (left, right, _)| {
        swap(shelf, left % COUNT, right % COUNT, |line, seq| {
            let mut value: serde_json::Value = serde_json::from_str(&line).unwrap();
            value["seq"] = seq.into();
            let mut out = Vec::new();
            crate::canonical::write(&value, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        })
    }),
    ("an entry doubled", |shelf, (seq, _, _)| {
        let (first, n) = home(seq);
        shelf.segment(first, |lines| lines.insert(n + 1, lines[n].clone()));
        Some(Place::Entry(seq % COUNT + 1))
    }),
    ("an entry copied to another place", |shelf, (seq, to, _)| {
        let (seq, to) = (seq % COUNT, to % COUNT);
        let line = String::from_utf8(ALL[usize::try_from(seq).ok()?].clone()).ok()?;
        let (first, n) = home(to);
        shelf.segment(first, |lines| lines.insert(n, line));
        Some(Place::Entry(if seq == to { to + 1 } else { to }))
    }),
    ("a segment file of another host", |shelf, (segment, _, _)| {
        let first = segment % COUNT.div_ceil(EACH) * EACH;
        shelf.segment(first, |lines| lines.iter_mut().for_each(|line| *line = line.replace("\"b\"", "\"other\"")));
        Some(Place::Entry(first))
    }),
    ("a segment file gone", |shelf, (segment, _, _)| {
        let first = segment % COUNT.div_ceil(EACH) * EACH;
        shelf.files.remove(&segment_path(first));
        Some(Place::Entry(first))
    }),
    ("lines behind the end that nobody signed", |shelf, (more, _, _)| {
        let first = (COUNT - 1) / EACH * EACH;
        let extra = (COUNT..=COUNT + more % 5).map(|seq| String::from_utf8(entry(seq, "more")).unwrap());
        shelf.segment(first, |lines| lines.extend(extra));
        Some(Place::Entry(COUNT))
    }),
    ("an older checkpoint put back", |shelf, (size, _, _)| {
        let older = Shelf::of(&ALL[..usize::try_from(size % COUNT).ok()?], 40);
        shelf.files.insert(CHECKPOINT.into(), older.files[CHECKPOINT].clone());
        Some(Place::From(0))
    }),
    ("an older copy of everything put back", |shelf, (size, _, _)| {
        let size = size % COUNT;
        *shelf = Shelf::of(&ALL[..usize::try_from(size).ok()?], 40);
        Some(Place::Entry(size))
    }),
    ("an entry edited, and all signed anew with the current key", |shelf, (seq, _, _)| {
        let mut all = ALL.clone();
        let seq = seq % COUNT;
        all[usize::try_from(seq).ok()?] = entry(seq, "innocent");
        *shelf = Shelf::of(&all, 40);
        Some(Place::Whole)
    }),
    ("the journal of another host under the same name", |shelf, _| {
        let other = Shelf::of(&ALL, 40);
        *shelf = other;
        let note = shelf.checkpoint().sign(&signer(7));
        shelf.files.insert(CHECKPOINT.into(), note.into_bytes());
        Some(Place::Whole)
    }),
];

#[test]
fn every_random_mutation_is_detected_and_located() {
    let good = Shelf::of(&ALL, 40);
    let pinned = good.checkpoint();
    for (name, mutate) in MUTATIONS {
        let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let dice = (0_u64..1 << 32, 0_u64..1 << 32, 0_u64..1 << 32);
        let done = runner.run(&dice, |dice| {
            let mut shelf = good.clone();
            let Some(place) = mutate(&mut shelf, dice) else { return Ok(()) };
            prop_assume!(shelf.files != good.files);
            let report = verify(&shelf, signer(1).verifier(), Some(&pinned));
            prop_assert_eq!(report.verdict, Verdict::Fail, "{}: {}", name, &report);
            let found = report.first_bad.clone().map(|damage| damage.seq);
            let right = match (&place, found) {
                (Place::Entry(seq), Some(Some(found))) => *seq == found,
                (Place::From(seq), Some(Some(found))) => *seq <= found,
                (Place::Whole, Some(None)) => true,
                (Place::Entry(_) | Place::From(_) | Place::Whole, _) => false,
            };
            prop_assert!(right, "{}: {:?} expected: {}", name, place, report);
            Ok(())
        });
        done.unwrap();
    }
}

/// The segment of an entry, and its place in there.
fn home(seq: u64) -> (u64, usize) {
    let seq = seq % COUNT;
    (seq / EACH * EACH, usize::try_from(seq % EACH).unwrap())
}

fn starts(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(n, _)| n + 1);
    std::iter::once(0).chain(ends).collect()
}

fn delete(shelf: &mut Shelf, seq: u64, count: u64) -> Option<Place> {
    let seq = seq % COUNT;
    for gone in (seq..COUNT.min(seq + count)).rev() {
        let (first, n) = home(gone);
        shelf.segment(first, |lines| drop(lines.remove(n)));
    }
    Some(Place::Entry(seq))
}

fn swap(shelf: &mut Shelf, left: u64, right: u64, write: fn(String, u64) -> String) -> Option<Place> {
    let text = |seq: u64| String::from_utf8(ALL[usize::try_from(seq).unwrap()].clone()).unwrap();
    for (to, from) in [(left, right), (right, left)] {
        let (first, n) = home(to);
        shelf.segment(first, |lines| lines[n] = write(text(from), to));
    }
    (left != right && shelf.files.keys().any(|path| path.starts_with(SEGMENTS)))
        .then_some(Place::Entry(left.min(right)))
}
