use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use super::Outcome;
use super::file::Reader;
use super::walk::Entry;

/// Writes a redacted copy below `dir`: whole, or not at all.
pub(super) fn beside(reader: &Reader, entry: &Entry, dir: &Path) -> Outcome {
    let to = dir.join(&entry.below);
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let new = to.with_added_extension(NEW);
    let written = write(reader, entry, &new, None).and_then(|found| std::fs::rename(&new, to).map(|()| found));
    whole_or_gone(&new, written)
}

/// Puts the redacted file in the place of the one that was read. One without findings is left alone.
pub(super) fn in_place(reader: &Reader, entry: &Entry) -> Outcome {
    let Some(path) = &entry.path else {
        return Err(io::Error::other("stdin has no place: leave out --in-place"));
    };
    // What a link leads to is replaced, not the link.
    let path = path.canonicalize()?;
    let before = path.metadata()?;
    if !before.is_file() {
        return Err(io::Error::other("only files can be replaced"));
    }
    let new = path.with_added_extension(NEW);
    let written = write(reader, entry, &new, Some(&before)).and_then(|found| {
        let done = if found.is_empty() { std::fs::remove_file(&new) } else { std::fs::rename(&new, &path) };
        done.map(|()| found)
    });
    whole_or_gone(&new, written)
}

fn whole_or_gone(new: &Path, written: Outcome) -> Outcome {
    if written.is_err() {
        // What could not be written whole was no use; that it cannot be removed either is not what went wrong.
        let _gone = std::fs::remove_file(new);
    }
    written
}

fn write(reader: &Reader, entry: &Entry, to: &Path, like: Option<&std::fs::Metadata>) -> Outcome {
    // What an earlier run left behind, or a link that somebody put there to have it followed.
    let _left = std::fs::remove_file(to);
    let mode = if like.is_some() { 0o600 } else { 0o666 };
    let mut out = BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?);
    let found = reader.read(entry, &mut out)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(before) = like {
        become_like(&out, before)?;
    }
    out.sync_all()?;
    Ok(found)
}

/// The owner first: changing it takes away some bits of the mode.
fn become_like(file: &File, before: &std::fs::Metadata) -> io::Result<()> {
    let owned = fchown(file, Some(before.uid()), Some(before.gid()));
    // A file that cannot be given away must not run as, or be open to, whom it belongs to now.
    let kept = if owned.is_ok() { 0o7777 } else { 0o777 };
    file.set_permissions(Permissions::from_mode(before.mode() & kept))
}

const NEW: &str = "sekisho-new";
