use std::net::IpAddr;

use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_journal::tile::{self, Named, WIDTH, level_width};
use sekisho_journal::{CHECKPOINT, KEYS, SEGMENTS, Store as _, bundle, lines, segment_first};
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde::Deserialize;
use serde_json::json;

use super::{Admin, reply};
use crate::evidence::{FileStore, HeldStore};

/// What `POST /v1/journal/hand-over` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    reason: String,
}

impl Admin {
    /// A new signing key takes over, by a statement that it and the old one sign.
    pub(super) async fn hand_over(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let by = match self.may(&head.headers, peer, Operation::ManageAccess, &Scope::Fleet) {
            Ok(principal) => principal.key.person.clone(),
            Err(refusal) => return self.no(&refusal),
        };
        let HandOver { reason } = match self.read(&head.headers, body).await {
            Ok(asked) => asked,
            Err(response) => return *response,
        };
        match self.journal.hand_over(&by, &reason).await {
            Ok(done) => reply::json(StatusCode::OK, &json!({ "seq": done.seq, "key": done.key.to_string() })),
            Err(error) => reply::problem(StatusCode::SERVICE_UNAVAILABLE, "journal_unavailable", &error.to_string()),
        }
    }

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
        return Ok(Some((TEXT, note)));
    }
    if path == KEYS {
        return Ok(files.read(KEYS).map_err(drop)?.map(|keys| (TEXT, keys)));
    }
    let size = String::from_utf8_lossy(&note).lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
    let Some(Named { level, index, width }) = tile::named(path) else { return Ok(None) };
    let Some(from) = index.checked_mul(WIDTH as u64) else { return Ok(None) };
    let to = from.saturating_add(width as u64);
    let store = HeldStore::new(files, note, size);
    let bytes = match level {
        Some(level) if to <= level_width(level, size) => store.read(path).map_err(drop)?,
        None if to <= size && from >= first_left(&store)? => Some(bundle(&lines(&store, from, to).map_err(drop)?)),
        Some(_) | None => None,
    };
    Ok(bytes.map(|bytes| ("application/octet-stream", bytes)))
}

/// The first entry that was not pruned.
fn first_left(store: &HeldStore<'_>) -> Result<u64, ()> {
    let names = store.list(SEGMENTS).map_err(drop)?;
    Ok(names.iter().filter_map(|name| segment_first(name)).min().unwrap_or(0))
}

const TEXT: &str = "text/plain; charset=utf-8";
