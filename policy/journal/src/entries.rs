//! The entries themselves: read back by their numbers, and as C2SP entry bundles for outsiders.

use crate::proof::ProofError;
use crate::store::{SEGMENTS, Store, segment_first, segment_path};
use crate::tile::{WIDTH, numbered};

/// The path of the bundle of entries `index * 256` and on, of which it holds `width`: `tile/entries/x001/234`, or
/// `tile/entries/x001/234.p/17` if it is not full.
#[must_use]
pub fn bundle_path(index: u64, width: usize) -> String {
    numbered("tile/entries", index, width)
}

/// The bytes of a bundle: each entry behind its length, 16 bits, big-endian. An entry is never longer than that.
#[must_use]
pub fn bundle(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
    for line in lines {
        let length = u16::try_from(line.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(line.get(..usize::from(length)).unwrap_or(line));
    }
    bytes
}

/// The entries of a bundle that should hold `width` of them.
#[must_use]
pub fn unbundle(mut bytes: &[u8], width: usize) -> Option<Vec<Vec<u8>>> {
    let mut lines = Vec::with_capacity(width.min(WIDTH));
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (line, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        lines.push(line.to_vec());
        bytes = rest;
    }
    (bytes.is_empty() && lines.len() == width).then_some(lines)
}

/// The lines of the entries from `from` to before `to`, as they lie there; nothing of it is checked.
///
/// # Errors
///
/// When one of them is not there, or cannot be read.
pub fn lines(store: &dyn Store, from: u64, to: u64) -> Result<Vec<Vec<u8>>, ProofError> {
    let names = store.list(SEGMENTS).map_err(ProofError::Unreadable)?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    let start = segments.partition_point(|first| *first <= from).saturating_sub(1);
    let mut found = Vec::new();
    for first in segments.into_iter().skip(start).take_while(|first| *first < to) {
        let bytes = store.read(&segment_path(first)).map_err(ProofError::Unreadable)?.unwrap_or_default();
        let pieces = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let wanted = (first..).zip(pieces).filter(|(seq, _)| (from..to).contains(seq));
        found.extend(wanted.map(|(_, line)| line.to_vec()));
    }
    if found.len() as u64 == to.saturating_sub(from) { Ok(found) } else { Err(ProofError::Outside) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_back_and_a_cut_one_is_not() {
        let lines = vec![b"one".to_vec(), Vec::new(), vec![b'x'; 65_535]];
        let bytes = bundle(&lines);
        assert_eq!(&bytes[..7], b"\x00\x03one\x00\x00");
        assert_eq!(unbundle(&bytes, 3), Some(lines));
        assert_eq!(unbundle(&bytes, 2), None);
        for cut in [1, 4, bytes.len() - 1] {
            assert_eq!(unbundle(&bytes[..cut], 3), None);
        }
        assert_eq!(bundle_path(1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(bundle_path(0, 3), "tile/entries/000.p/3");
    }
}
