use http::{Response, StatusCode};
use sekisho_filters::Body;
use sekisho_journal::tile::{self, Named, WIDTH, level_width};
use sekisho_journal::{CHECKPOINT, Store as _, bundle, lines};

use super::{Admin, reply};
use crate::evidence::{FileStore, HeldStore};

impl Admin {
    /// The journal as C2SP tlog-tiles: `checkpoint`, `tile/LEVEL/N[.p/W]` and `tile/entries/N[.p/W]`.
    pub(super) async fn journal(&self, path: &str) -> Response<Body> {
        let (files, path) = (self.journal.files(), path.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&files, &path)).await;
        match read {
            Ok(Ok(Some((kind, bytes)))) => reply::typed(StatusCode::OK, kind, bytes),
            Ok(Ok(None)) => super::serve::nowhere(),
            Ok(Err(())) | Err(_) => {
                let title = "the journal cannot be read";
                reply::problem(StatusCode::SERVICE_UNAVAILABLE, "journal_unavailable", title)
            }
        }
    }
}

/// A file of the tree with its type; `None` if the signed tree has no such part.
fn read(files: &FileStore, path: &str) -> Result<Option<(&'static str, Vec<u8>)>, ()> {
    let note = files.read(CHECKPOINT).map_err(drop)?.unwrap_or_default();
    if path == CHECKPOINT {
        return Ok(Some(("text/plain; charset=utf-8", note)));
    }
    let size = String::from_utf8_lossy(&note).lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
    let Some(Named { level, index, width }) = tile::named(path) else { return Ok(None) };
    let Some(from) = index.checked_mul(WIDTH as u64) else { return Ok(None) };
    let to = from.saturating_add(width as u64);
    let store = HeldStore::new(files, note, size);
    let bytes = match level {
        Some(level) if to <= level_width(level, size) => store.read(path).map_err(drop)?,
        None if to <= size => Some(bundle(&lines(&store, from, to).map_err(drop)?)),
        Some(_) | None => None,
    };
    Ok(bytes.map(|bytes| ("application/octet-stream", bytes)))
}
