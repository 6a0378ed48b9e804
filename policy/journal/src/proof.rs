//! Proofs about the tree: that an entry is in it, and that a smaller tree is its beginning (RFC 6962 §2.1.1, §2.1.2).

use crate::tree::{Hash, Tree, node_hash};

/// Where proofs are read from: hashes of complete subtrees, in memory (`[Hash]`) or in tiles
/// ([`tile::Reader`](crate::tile::Reader)).
pub trait Nodes {
    /// The hash of the `index`th complete subtree of 2^`level` leaves.
    ///
    /// # Errors
    ///
    /// When it lies outside the tree or cannot be read.
    fn node(&self, level: u32, index: u64) -> Result<Hash, ProofError>;
}

impl Nodes for [Hash] {
    fn node(&self, level: u32, index: u64) -> Result<Hash, ProofError> {
        let width = 1_usize.checked_shl(level).ok_or(ProofError::Outside)?;
        let start = usize::try_from(index).ok().and_then(|index| index.checked_mul(width));
        let leaves = start.and_then(|start| self.get(start..start.checked_add(width)?));
        let mut tree = Tree::new();
        tree.extend(leaves.ok_or(ProofError::Outside)?.iter().copied());
        Ok(tree.root())
    }
}

/// The root of the first `size` leaves.
///
/// # Errors
///
/// When a hash cannot be read.
pub fn root_of(nodes: &(impl Nodes + ?Sized), size: u64) -> Result<Hash, ProofError> {
    if size == 0 {
        return Ok(Tree::new().root());
    }
    range(nodes, 0, size)
}

/// The proof that leaf `index` is in the tree of `size` leaves: the neighbours on its way to the root.
///
/// # Errors
///
/// When `index` is not below `size`, or a hash cannot be read.
pub fn inclusion_proof(nodes: &(impl Nodes + ?Sized), index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::Outside);
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves. Empty if nothing needs proof.
///
/// # Errors
///
/// When `old` is more than `new`, or a hash cannot be read.
pub fn consistency_proof(nodes: &(impl Nodes + ?Sized), old: u64, new: u64) -> Result<Vec<Hash>, ProofError> {
    if old > new {
        return Err(ProofError::Outside);
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    // Down to where the old tree ends; its own root is known to the asker and is not part of the proof.
    let mut known = true;
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        proof.push(range(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `leaf` is at `index` in the tree of `size` leaves with this `root`.
///
/// # Errors
///
/// When the proof does not show it.
pub fn verify_inclusion(leaf: &Hash, index: u64, (size, root): (u64, &Hash), proof: &[Hash]) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Outside);
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for step in proof {
        if last == 0 {
            return Err(ProofError::Wrong);
        }
        if at & 1 == 1 || at == last {
            node = node_hash(step, &node);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            node = node_hash(&node, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 && node == *root { Ok(()) } else { Err(ProofError::Wrong) }
}

/// Whether the tree `old` (size, root) is the beginning of the tree `new`.
///
/// # Errors
///
/// When the proof does not show it.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Outside);
    }
    if old == new || old == 0 {
        let start = if old == 0 { Tree::new().root() } else { *new_root };
        let same = proof.is_empty() && start == *old_root;
        return if same { Ok(()) } else { Err(ProofError::Wrong) };
    }
    // RFC 9162 §2.1.4.2
    let (mut at, mut last) = (old - 1, new - 1);
    let skip = at.trailing_ones();
    (at, last) = (at >> skip, last >> skip);
    let mut steps = proof.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else {
        return Err(ProofError::Wrong);
    };
    let (mut left, mut right) = (*first, *first);
    for step in steps {
        if last == 0 {
            return Err(ProofError::Wrong);
        }
        if at & 1 == 1 || at == last {
            left = node_hash(step, &left);
            right = node_hash(step, &right);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            right = node_hash(&right, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 && left == *old_root && right == *new_root { Ok(()) } else { Err(ProofError::Wrong) }
}

/// Why a proof cannot be made or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It asks for what lies outside the tree.
    #[error("the proof asks for what lies outside the tree")]
    Outside,
    /// A hash cannot be read.
    #[error("a hash cannot be read: {0}")]
    Unreadable(String),
    /// The proof does not show what it should.
    #[error("the proof does not hold")]
    Wrong,
}

/// The hash of the leaves from `start` to before `end`. The start is aligned to the width, rounded up to a power of two.
fn range(nodes: &(impl Nodes + ?Sized), start: u64, end: u64) -> Result<Hash, ProofError> {
    let width = end - start;
    if width.is_power_of_two() {
        let level = width.trailing_zeros();
        return nodes.node(level, start >> level);
    }
    let middle = start + split(width);
    Ok(node_hash(&range(nodes, start, middle)?, &range(nodes, middle, end)?))
}

/// The largest power of two below `width`, which is at least two.
fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    #[test]
    fn every_entry_of_every_tree_up_to_64_is_provable_and_only_there() {
        let all = leaves(64);
        for size in 1..=64_u64 {
            let root = root_of(&all[..], size).unwrap();
            for index in 0..size {
                let proof = inclusion_proof(&all[..], index, size).unwrap();
                let leaf = &all[usize::try_from(index).unwrap()];
                verify_inclusion(leaf, index, (size, &root), &proof).unwrap();
                let other = (index + 1) % size;
                if other != index {
                    assert!(verify_inclusion(leaf, other, (size, &root), &proof).is_err());
                }
                let longer = [&proof[..], &[*leaf]].concat();
                assert!(verify_inclusion(leaf, index, (size, &root), &longer).is_err());
            }
        }
    }

    #[test]
    fn every_tree_up_to_64_is_consistent_with_every_earlier_one_and_with_no_other() {
        let all = leaves(64);
        let other = leaf_hash(b"other");
        for new in 0..=64_u64 {
            let new_root = root_of(&all[..], new).unwrap();
            for old in 0..=new {
                let old_root = root_of(&all[..], old).unwrap();
                let proof = consistency_proof(&all[..], old, new).unwrap();
                verify_consistency((old, &old_root), (new, &new_root), &proof).unwrap();
                assert!(verify_consistency((old, &other), (new, &new_root), &proof).is_err());
                let longer = [&proof[..], &[other]].concat();
                assert!(verify_consistency((old, &old_root), (new, &new_root), &longer).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_consistency((old, &old_root), (new, &new_root), shorter).is_err());
                }
            }
        }
        assert!(consistency_proof(&all[..], 65, 64).is_err());
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let all = leaves(4);
        assert_eq!(inclusion_proof(&all[..], 4, 4), Err(ProofError::Outside));
        assert_eq!(root_of(&all[..], 5), Err(ProofError::Outside));
        assert_eq!(all[..].node(70, 0), Err(ProofError::Outside));
    }
}
