//! Entries read back by their numbers, a bundle at a time, without opening a segment for each.

use std::sync::{Mutex, PoisonError};

use sekisho_journal::{SEGMENTS, Store as _, lines, segment_first, segment_path};

use super::FileStore;

/// Reads entries for outsiders, who read a journal from its beginning to its end: the full segment they are in stays open until they
/// leave it. One segment is in memory at most, and one reader at a time.
#[derive(Debug, Default)]
pub(super) struct Entries {
    open: Mutex<Option<Open>>,
}

/// A full segment.
#[derive(Debug)]
struct Open {
    first: u64,
    content: Vec<u8>,
    /// Where each line begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Entries {
    /// The lines of the entries from `from` to before `to`, which is not beyond the sealed end; `None` if they were pruned.
    pub(super) fn read(&self, files: &FileStore, from: u64, to: u64) -> Result<Option<Vec<Vec<u8>>>, String> {
        let mut segments: Vec<u64> = files.list(SEGMENTS)?.iter().filter_map(|name| segment_first(name)).collect();
        segments.sort_unstable();
        let behind = segments.partition_point(|first| *first <= from);
        let Some(first) = behind.checked_sub(1).and_then(|at| segments.get(at)).copied() else { return Ok(None) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match segments.get(behind).copied() {
            Some(end) if to <= end => {
                if open.as_ref().is_none_or(|open| open.first != first) {
                    *open = None;
                    *open = Some(Open::read(files, first)?);
                }
                let found = open.as_ref().map(|open| open.lines(from, to));
                if to == end {
                    *open = None;
                }
                found.transpose()
            }
            // The segment that is written to, or one that ends within the bundle.
            _ => lines(files, from, to).map(Some).map_err(|error| error.to_string()),
        }
    }
}

impl Open {
    fn read(files: &FileStore, first: u64) -> Result<Self, String> {
        let content = files.read(&segment_path(first))?.unwrap_or_default();
        let ends = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        Ok(Self { first, content, starts })
    }

    fn lines(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, String> {
        let line = |seq: u64| {
            let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
            let (start, end) = (self.starts.get(at)?, self.starts.get(at + 1)?);
            Some(self.content.get(*start..end.checked_sub(1)?)?.to_vec())
        };
        (from..to).map(|seq| line(seq).ok_or_else(|| format!("entry {seq} is not in its segment"))).collect()
    }
}
