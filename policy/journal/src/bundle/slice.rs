//! A stretch of the journal, and the proof that it is all there was between its ends.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::hex;
use crate::proof::{Nodes, ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
use crate::tree::{Hash, Tree, node_hash};

/// What proves a stretch of entries. All hashes are in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceProof {
    /// The first entry.
    pub from: u64,
    /// The first behind the stretch.
    pub to: u64,
    /// The size of the tree.
    pub tree_size: u64,
    /// The roots of the complete subtrees before the stretch, from the left.
    pub before: Vec<String>,
    /// The roots of the complete subtrees behind it, from the left.
    pub behind: Vec<String>,
    /// The inclusion proofs (RFC 6962) of the first and the last entry; empty if there is none.
    pub inclusion: Vec<Vec<String>>,
    /// The consistency proof (RFC 6962) between the tree before the stretch and the whole.
    pub consistency: Vec<String>,
    /// Leaf hashes of entries whose text had to be masked when the bundle was made, by number: what they said then cannot be
    /// proved from the bundle, that they were there can.
    pub masked: BTreeMap<u64, String>,
}

/// Proves the entries from `from` to before `to` in the tree of `size` entries.
///
/// # Errors
///
/// When the stretch lies outside the tree, or a hash cannot be read.
pub fn prove(nodes: &(impl Nodes + ?Sized), (from, to): (u64, u64), size: u64) -> Result<SliceProof, ProofError> {
    if from > to || to > size {
        return Err(ProofError::Outside);
    }
    let roots = |start, end| subtrees(start, end).into_iter().map(|(level, index)| Ok(hex(&nodes.node(level, index)?)));
    let all = |hashes: Vec<Hash>| hashes.iter().map(|hash| hex(hash)).collect::<Vec<_>>();
    let mut inclusion = Vec::new();
    if from < to {
        for at in [from, to - 1] {
            inclusion.push(all(inclusion_proof(nodes, at, size)?));
        }
    }
    Ok(SliceProof {
        from,
        to,
        tree_size: size,
        before: roots(0, from).collect::<Result<_, ProofError>>()?,
        behind: roots(to, size).collect::<Result<_, ProofError>>()?,
        inclusion,
        consistency: all(consistency_proof(nodes, from, size)?),
        masked: BTreeMap::new(),
    })
}

impl SliceProof {
    /// Whether `leaves` are all the entries of the stretch in the tree with this `root`.
    pub(super) fn holds(&self, leaves: &[Hash], root: &Hash) -> bool {
        let (Some(before), Some(behind)) = (unhex(&self.before), unhex(&self.behind)) else { return false };
        let (left, right) = (subtrees(0, self.from), subtrees(self.to, self.tree_size));
        let counts = (before.len(), behind.len(), leaves.len() as u64);
        if self.from > self.to || counts != (left.len(), right.len(), self.to - self.from) {
            return false;
        }
        let mut peaks = Peaks::default();
        left.iter().zip(&before).for_each(|((level, _), hash)| peaks.push(*level, *hash));
        let old = peaks.root();
        leaves.iter().for_each(|leaf| peaks.push(0, *leaf));
        right.iter().zip(&behind).for_each(|((level, _), hash)| peaks.push(*level, *hash));
        peaks.root() == *root && self.standard_proofs_hold(leaves, &old, root)
    }

    fn standard_proofs_hold(&self, leaves: &[Hash], old: &Hash, root: &Hash) -> bool {
        let tree = (self.tree_size, root);
        let Some(consistency) = unhex(&self.consistency) else { return false };
        if verify_consistency((self.from, old), tree, &consistency).is_err() {
            return false;
        }
        let ends: Vec<(u64, &Hash)> = match (leaves.first(), leaves.last()) {
            (Some(first), Some(last)) => vec![(self.from, first), (self.to - 1, last)],
            _ => Vec::new(),
        };
        let shown = |((at, leaf), proof): (&(u64, &Hash), &Vec<String>)| {
            unhex(proof).is_some_and(|proof| verify_inclusion(leaf, *at, tree, &proof).is_ok())
        };
        ends.len() == self.inclusion.len() && ends.iter().zip(&self.inclusion).all(shown)
    }
}

/// The complete subtrees, as level and index, that `start..end` falls into, from the left and each as large as can be.
fn subtrees(start: u64, end: u64) -> Vec<(u32, u64)> {
    let mut all = Vec::new();
    let mut at = start;
    while at < end {
        let level = at.trailing_zeros().min((end - at).ilog2());
        all.push((level, at >> level));
        at += 1 << level;
    }
    all
}

/// The right edge of a tree that grows by whole subtrees.
#[derive(Default)]
struct Peaks {
    size: u64,
    peaks: Vec<Hash>,
}

impl Peaks {
    fn push(&mut self, level: u32, hash: Hash) {
        let mut node = hash;
        let mut rest = self.size >> level;
        while rest & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            rest >>= 1;
        }
        self.peaks.push(node);
        self.size += 1 << level;
    }

    fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Tree::new().root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

pub(super) fn unhex_hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn unhex(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| unhex_hash(text)).collect()
}
