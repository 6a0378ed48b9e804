//! The short form of fuzzing: every target over its corpus, and over a bounded number of changes to it.

use std::fs;
use std::path::Path;

use crate::rng::Rng;

/// The targets themselves; libFuzzer runs the same.
#[expect(unreachable_pub, reason = "the root of a crate of its own there")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use targets::{TARGETS, coded};

#[test]
fn every_target_holds_over_its_corpus_and_changes_to_it() {
    for (number, (name, target)) in TARGETS.into_iter().enumerate() {
        let corpus = corpus(name);
        assert!(corpus.len() >= 4, "{name} has a corpus");
        corpus.iter().for_each(|data| target(data));
        let rng = &mut Rng::new(number as u64 + 1);
        for _ in 0..CHANGES {
            target(&changed(&corpus, rng));
        }
    }
}

/// The committed texts; of a coding, what they are in it.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let folder = if name.starts_with("codec_") { "codec" } else { name };
    let mut paths: Vec<_> = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let texts = paths.iter().map(|path| fs::read(path).unwrap());
    texts.map(|text| coded(name, &text).unwrap_or(text)).collect()
}

/// One of the corpus with some bytes changed, left out, doubled, or put in from another one.
fn changed(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut data = corpus[rng.below(corpus.len())].clone();
    for _ in 0..rng.between(1, 6) {
        let at = rng.below(data.len() + 1);
        let end = (at + rng.below(12)).min(data.len());
        match rng.below(5) {
            0 if at < data.len() => data[at] = rng.bytes(1)[0],
            1 => drop(data.drain(at..end)),
            2 => {
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
            3 => {
                let other = &corpus[rng.below(corpus.len())];
                let from = rng.below(other.len() + 1);
                let piece = other[from..(from + rng.below(40)).min(other.len())].to_vec();
                data.splice(at..at, piece);
            }
            _ => data.truncate(at.max(1)),
        }
    }
    data
}

/// Each takes a fraction of a millisecond, or some.
const CHANGES: usize = 300;
