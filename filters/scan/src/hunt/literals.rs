//! The literals of all detectors: which stands here?
//!
//! The filters of the hot pass let some places by that are none. A bit for the hash of four bytes turns almost all of them away,
//! whatever the number of literals; the rest is compared.

use std::collections::BTreeMap;

use super::Asker;

/// Literals, grouped by their first bytes so that at most one group stands at any place.
#[derive(Debug)]
pub(super) struct Literals {
    buckets: Vec<Bucket>,
    /// The first four bytes of triggers, or all of a shorter one: which buckets begin so.
    keys: BTreeMap<Key, Vec<usize>>,
    bits: Box<[u64]>,
    /// Lengths below four that triggers have.
    short: Vec<usize>,
}

#[derive(Debug)]
struct Bucket {
    trigger: Vec<u8>,
    /// Somebody looks for it within words too.
    inner: bool,
    askers: Vec<(Vec<u8>, Asker)>,
}

type Key = (usize, u32);

impl Literals {
    /// Each literal, who asked for it, and whether it counts within words too.
    pub(super) fn new(asked: &[(Vec<u8>, Asker, bool)]) -> Result<Self, String> {
        if asked.iter().any(|(literal, ..)| literal.len() < 2) {
            return Err("a literal is shorter than two bytes".to_owned());
        }
        let buckets = buckets(asked);
        let mut keys: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        let mut bits = vec![0; 1 << (HASH_BITS - 6)].into_boxed_slice();
        for (index, bucket) in buckets.iter().enumerate() {
            let length = bucket.trigger.len().min(KEY);
            if let Some(key) = key(&bucket.trigger, length) {
                keys.entry(key).or_default().push(index);
                let slot = slot(key);
                if let Some(word) = bits.get_mut(slot / 64) {
                    *word |= 1 << (slot % 64);
                }
            }
        }
        let mut short: Vec<usize> = keys.keys().map(|(length, _)| *length).filter(|length| *length < KEY).collect();
        short.dedup();
        Ok(Self { buckets, keys, bits, short })
    }

    /// The first bytes of the literals that count within words, or of those that do not.
    pub(super) fn triggers(&self, inner: bool) -> Vec<Vec<u8>> {
        self.buckets.iter().filter(|bucket| bucket.inner == inner).map(|bucket| bucket.trigger.clone()).collect()
    }

    pub(super) fn askers(&self, bucket: usize) -> impl Iterator<Item = Asker> {
        self.buckets.get(bucket).into_iter().flat_map(|bucket| bucket.askers.iter().map(|(_, asker)| *asker))
    }

    pub(super) fn begins(&self, tail: &[u8]) -> bool {
        self.buckets.iter().any(|bucket| bucket.trigger.len() > tail.len() && bucket.trigger.starts_with(tail))
    }

    /// The bucket of which a literal stands at `at`, and whether it counts within words.
    #[inline]
    pub(super) fn at(&self, bytes: &[u8], at: usize) -> Option<(usize, bool)> {
        let rest = bytes.get(at..)?;
        let found = self.probe(rest, KEY);
        if found.is_some() || self.short.is_empty() {
            return found;
        }
        self.short.iter().find_map(|length| self.probe(rest, *length))
    }

    #[inline]
    fn probe(&self, rest: &[u8], length: usize) -> Option<(usize, bool)> {
        let key = key(rest, length)?;
        let slot = slot(key);
        if self.bits.get(slot / 64)? >> (slot % 64) & 1 == 0 {
            return None;
        }
        let near = self.keys.get(&key)?;
        let stands = |literal: &[u8]| rest.starts_with(literal.get(..LONGEST).unwrap_or(literal));
        near.iter().find_map(|index| {
            let bucket = self.buckets.get(*index)?;
            let found = bucket.askers.iter().any(|(literal, _)| stands(literal));
            found.then_some((*index, bucket.inner))
        })
    }
}

fn key(bytes: &[u8], length: usize) -> Option<Key> {
    let number = match length {
        KEY => u32::from_le_bytes(*bytes.first_chunk::<KEY>()?),
        _ => bytes.get(..length)?.iter().fold(0, |key, byte| key << 8 | u32::from(*byte)),
    };
    Some((length, number))
}

#[inline]
fn slot((length, number): Key) -> usize {
    let mixed = number
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(u32::try_from(length).unwrap_or_default().wrapping_mul(0x85eb_ca6b));
    (mixed >> (u32::BITS - HASH_BITS)) as usize
}

fn buckets(asked: &[(Vec<u8>, Asker, bool)]) -> Vec<Bucket> {
    let mut triggers: Vec<Vec<u8>> =
        asked.iter().map(|(literal, ..)| literal.iter().copied().take(TRIGGER).collect()).collect();
    triggers.sort();
    triggers.dedup_by(|later, earlier| later.starts_with(earlier));
    let bucket = |trigger: Vec<u8>| {
        let mine = || asked.iter().filter(|(literal, ..)| literal.starts_with(&trigger));
        let askers = mine().map(|(literal, asker, _)| (literal.clone(), *asker)).collect();
        Bucket { inner: mine().any(|(.., inner)| *inner), askers, trigger: trigger.clone() }
    };
    triggers.into_iter().map(bucket).collect()
}

const KEY: usize = 4;
const TRIGGER: usize = 5;
const HASH_BITS: u32 = 16;
/// So much of a literal is compared here: the hot pass is sure of no more bytes than that.
const LONGEST: usize = 60;
