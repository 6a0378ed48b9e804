//! Full segments of a journal become sealed ones, while the writer goes on with the next.

use std::fs;
use std::path::Path;

use sekisho_journal::{SEGMENTS, Store as _, segment_first, segment_path};

use super::{Vault, VaultError, pair};
use crate::evidence::FileStore;

/// Seals every segment of the journal in `root` but the last, which is being written. The first entries of those it sealed.
///
/// # Errors
///
/// The first thing that went wrong; what was sealed before stays sealed, and the rest stays plain.
pub fn seal_segments(vault: &Vault, root: &Path) -> Result<Vec<u64>, VaultError> {
    let names = FileStore::new(root).list(SEGMENTS).map_err(|why| VaultError::Io(std::io::Error::other(why)))?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    segments.pop();
    let mut sealed = Vec::new();
    for first in segments {
        let name = segment_path(first);
        let plain = root.join(&name);
        if !plain.is_file() {
            continue;
        }
        // One that was interrupted may have left a pair beside the plain file; a new pair replaces it.
        pair::write(vault, root, &name, &fs::read(&plain)?)?;
        fs::remove_file(&plain)?;
        sealed.push(first);
    }
    Ok(sealed)
}
