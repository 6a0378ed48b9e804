//! The hashes of the tree as C2SP tlog-tiles: files of 256 hashes that never change once they are full.
//!
//! Level 0 holds the hashes of the entries, so a single edited entry can be named. Level n+1 holds the roots of the full
//! tiles of level n. The right edge of each level is a partial tile, which carries its width in its name.

use crate::proof::{Nodes, ProofError};
use crate::store::Store;
use crate::tree::{Hash, Tree};

/// Hashes in a full tile.
pub const WIDTH: usize = 256;

/// One tile: up to 256 neighbouring hashes of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// 0 for hashes of entries; each level stands for 256 times as many.
    pub level: u8,
    /// Its place in the level, in full tiles from the left.
    pub index: u64,
    /// 1 to 256 hashes.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// Where it is stored.
    #[must_use]
    pub fn path(&self) -> String {
        path(self.level, self.index, self.hashes.len())
    }

    /// What is stored there.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// The first entry it stands for.
    #[must_use]
    pub fn first_entry(&self) -> u64 {
        (self.index * WIDTH as u64) << (8 * u32::from(self.level))
    }
}

/// The path of a tile that holds `width` hashes: `tile/0/x001/234`, or `tile/0/x001/234.p/17` if it is not full.
#[must_use]
pub fn path(level: u8, index: u64, width: usize) -> String {
    numbered(&format!("tile/{level}"), index, width)
}

/// What a path below `tile/` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The level; `None` for the entries themselves.
    pub level: Option<u8>,
    /// Its place in the level.
    pub index: u64,
    /// How much it holds.
    pub width: usize,
}

/// What `path` names, if it is spelled as [`path()`] or [`bundle_path`](crate::bundle_path) spell it.
#[must_use]
pub fn named(path_text: &str) -> Option<Named> {
    let (kind, rest) = path_text.strip_prefix("tile/")?.split_once('/')?;
    let (full, width) = match rest.split_once(".p/") {
        Some((full, width)) => (full, width.parse().ok()?),
        None => (rest, WIDTH),
    };
    let mut index = 0_u64;
    for group in full.split('/') {
        index = index.checked_mul(1000)?.checked_add(group.trim_start_matches('x').parse().ok()?)?;
    }
    let level = if kind == "entries" { None } else { Some(kind.parse().ok()?) };
    let again = match level {
        Some(level) => path(level, index, width),
        None => crate::entries::bundle_path(index, width),
    };
    (again == path_text && width > 0 && width <= WIDTH).then_some(Named { level, index, width })
}

pub(crate) fn numbered(dir: &str, index: u64, width: usize) -> String {
    let mut groups = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        groups = format!("x{:03}/{groups}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH { format!("{dir}/{groups}.p/{width}") } else { format!("{dir}/{groups}") }
}

/// The hashes in the bytes of a tile that should hold `width` of them.
#[must_use]
pub fn parse(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() == width).then(|| hashes.to_vec())
}

/// How many hashes level `level` of a tree of `size` entries has.
#[must_use]
pub fn level_width(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// Grows the tiles of a tree, entry by entry. Holds the right edge only: at most 255 hashes a level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builder {
    edges: Vec<Tile>,
}

impl Builder {
    /// The tiles of the empty tree: none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the hash of an entry and returns the tiles that became full by it, the lowest level first.
    pub fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        let mut full = Vec::new();
        let mut hash = leaf;
        for level in 0..LEVELS {
            if self.edges.len() <= usize::from(level) {
                self.edges.push(Tile { level, index: 0, hashes: Vec::new() });
            }
            let Some(edge) = self.edges.get_mut(usize::from(level)) else {
                break;
            };
            edge.hashes.push(hash);
            if edge.hashes.len() < WIDTH {
                break;
            }
            let next = Tile { level, index: edge.index + 1, hashes: Vec::new() };
            let tile = std::mem::replace(edge, next);
            hash = subtree(&tile.hashes);
            full.push(tile);
        }
        full
    }

    /// The partial tiles at the right edge, the lowest level first.
    pub fn partials(&self) -> impl Iterator<Item = &Tile> {
        self.edges.iter().filter(|tile| !tile.hashes.is_empty())
    }
}

/// Reads the hashes of a tree of a known size out of its stored tiles, to make proofs of.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    store: &'a dyn Store,
    size: u64,
}

impl<'a> Reader<'a> {
    /// The tiles in `store` of the tree of `size` entries.
    #[must_use]
    pub fn new(store: &'a dyn Store, size: u64) -> Self {
        Self { store, size }
    }

    /// One tile, as wide as the tree makes it.
    ///
    /// # Errors
    ///
    /// When it is outside the tree, missing, unreadable or of another length.
    pub fn tile(&self, level: u8, index: u64) -> Result<Vec<Hash>, ProofError> {
        let before = index.checked_mul(WIDTH as u64).ok_or(ProofError::Outside)?;
        let there = level_width(level, self.size).checked_sub(before).ok_or(ProofError::Outside)?;
        let width = usize::try_from(there).map_or(WIDTH, |there| there.min(WIDTH));
        if width == 0 {
            return Err(ProofError::Outside);
        }
        let path = path(level, index, width);
        let bytes = self.store.read(&path).map_err(ProofError::Unreadable)?;
        let bytes = bytes.ok_or_else(|| ProofError::Unreadable(format!("{path} is missing")))?;
        parse(&bytes, width).ok_or_else(|| ProofError::Unreadable(format!("{path} has a wrong length")))
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Nodes for Reader<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash, ProofError> {
        let tile_level = u8::try_from(level / 8).map_err(|_| ProofError::Outside)?;
        let inner = level % 8;
        let at = index.checked_shl(inner).ok_or(ProofError::Outside)?;
        let tile = self.tile(tile_level, at / WIDTH as u64)?;
        let start = usize::try_from(at % WIDTH as u64).map_err(|_| ProofError::Outside)?;
        let hashes = tile.get(start..start + (1 << inner)).ok_or(ProofError::Outside)?;
        Ok(subtree(hashes))
    }
}

fn subtree(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    tree.extend(hashes.iter().copied());
    // The hashes are those of nodes, not of entries, but they combine in the same way.
    tree.root()
}

/// 256^8 is more entries than a u64 can count.
const LEVELS: u8 = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::proof::{consistency_proof, inclusion_proof, root_of, verify_consistency};
    use crate::tree::leaf_hash;

    struct Shelf(BTreeMap<String, Vec<u8>>);

    impl Store for Shelf {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.get(path).cloned())
        }

        fn list(&self, _dir: &str) -> Result<Vec<String>, String> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn paths_are_those_of_the_standard() {
        assert_eq!(path(0, 0, 256), "tile/0/000");
        assert_eq!(path(0, 0, 1), "tile/0/000.p/1");
        assert_eq!(path(3, 1_234_067, 256), "tile/3/x001/x234/067");
        assert_eq!(path(0, 1000, 255), "tile/0/x001/000.p/255");
    }

    #[test]
    fn a_path_is_read_only_as_it_is_written() {
        for (level, index, width) in [(0, 0, 256), (0, 0, 1), (3, 1_234_067, 256), (7, 1000, 255)] {
            let named = named(&path(level, index, width));
            assert_eq!(named, Some(Named { level: Some(level), index, width }));
        }
        assert_eq!(named("tile/entries/x001/002"), Some(Named { level: None, index: 1002, width: 256 }));
        for text in [
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/1000",
            "tile/00/000",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/0/000.p/+1",
            "tile/0/../../keys",
            "tile/0/x/000",
            "tile/0/xx01/000",
            "tile/0/",
            "checkpoint",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn proofs_from_tiles_are_those_from_leaves() {
        let size = 70_000_usize;
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut builder = Builder::new();
        let mut shelf = Shelf(BTreeMap::new());
        for leaf in &leaves {
            for tile in builder.push(*leaf) {
                shelf.0.insert(tile.path(), tile.bytes());
            }
        }
        for tile in builder.partials() {
            shelf.0.insert(tile.path(), tile.bytes());
        }
        assert!(shelf.0.contains_key("tile/1/001.p/17") && shelf.0.contains_key("tile/2/000.p/1"));
        let tiles = Reader::new(&shelf, size as u64);
        let root = root_of(&tiles, size as u64).unwrap();
        let mut tree = Tree::new();
        tree.extend(leaves.iter().copied());
        assert_eq!(root, tree.root());
        for index in [0, 255, 256, 65_535, 65_536, 69_999] {
            let from_tiles = inclusion_proof(&tiles, index, size as u64).unwrap();
            assert_eq!(from_tiles, inclusion_proof(&leaves[..], index, size as u64).unwrap());
        }
        let proof = consistency_proof(&tiles, 300, size as u64).unwrap();
        let old = root_of(&leaves[..], 300).unwrap();
        verify_consistency((300, &old), (size as u64, &root), &proof).unwrap();
    }
}
