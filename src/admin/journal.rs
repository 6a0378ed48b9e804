use std::net::IpAddr;

use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_journal::tile::{self, Named, WIDTH, level_width};
use sekisho_journal::{CHECKPOINT, KEYS, Store as _, bundle};
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde::Deserialize;
use serde_json::json;

use super::release::unloosened;
use super::{Admin, reply};
use crate::control::consents::{Deed, Issue};
use crate::evidence::keep::PruneError;
use crate::evidence::{HeldStore, Journal};

/// What `POST /v1/journal/hand-over` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    reason: String,
}

/// What `POST /v1/journal/prune/propose` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Propose {
    /// The entries before this one are to go.
    before: u64,
    reason: String,
}

type Failed = Box<Response<Body>>;

impl Admin {
    /// What changes the journal: its key, or where it begins.
    pub(super) async fn change_journal(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let done = match head.uri.path() {
            "/v1/journal/hand-over" => self.hand_over(peer, head, body).await,
            "/v1/journal/prune/propose" => self.propose_prune(peer, head, body).await,
            _ => Ok(super::serve::nowhere()),
        };
        done.unwrap_or_else(|failed| *failed)
    }

    /// A new signing key takes over, by a statement that it and the old one sign.
    async fn hand_over(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let by = self.somebody(peer, head, Operation::ManageAccess)?;
        let HandOver { reason } = self.read(&head.headers, body).await?;
        Ok(match self.journal.hand_over(&by, &reason).await {
            Ok(done) => reply::json(StatusCode::OK, &json!({ "seq": done.seq, "key": done.key.to_string() })),
            Err(error) => unavailable(&error.to_string()),
        })
    }

    async fn propose_prune(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let by = self.somebody(peer, head, Operation::ProposeRelease)?;
        let Propose { before, reason } = self.read(&head.headers, body).await?;
        let to = match self.keeper.would_leave(before).await {
            Ok(to) => to,
            Err(error) => return Ok(unpruned(&error)),
        };
        Ok(match self.consents.propose(Deed::Prune { to }, &by, &reason).await {
            Ok(Issue { view, code, expires_in_s }) => {
                let told = json!({ "request": view, "code": code, "to": to, "expires_in_s": expires_in_s });
                reply::json(StatusCode::OK, &told)
            }
            Err(error) => unloosened(&error),
        })
    }

    /// What became of a deletion that two people agreed on.
    pub(super) fn pruned(done: Result<u64, PruneError>) -> Response<Body> {
        done.map_or_else(|error| unpruned(&error), |to| reply::json(StatusCode::OK, &json!({ "to": to })))
    }

    fn somebody(&self, peer: IpAddr, head: &Parts, operation: Operation) -> Result<String, Failed> {
        let principal = self.may(&head.headers, peer, operation, &Scope::Fleet);
        principal.map(|principal| principal.key.person.clone()).map_err(|refusal| Box::new(self.no(&refusal)))
    }

    /// The journal as C2SP tlog-tiles: `checkpoint`, `tile/LEVEL/N[.p/W]` and `tile/entries/N[.p/W]`.
    pub(super) async fn journal(&self, path: &str) -> Response<Body> {
        let (journal, path) = (self.journal.clone(), path.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&journal, &path)).await;
        match read {
            Ok(Ok(Some((kind, bytes)))) => reply::typed(StatusCode::OK, kind, bytes),
            Ok(Ok(None)) => super::serve::nowhere(),
            Ok(Err(())) | Err(_) => unavailable("the journal cannot be read"),
        }
    }
}

fn unavailable(title: &str) -> Response<Body> {
    reply::problem(StatusCode::SERVICE_UNAVAILABLE, "journal_unavailable", title)
}

fn unpruned(error: &PruneError) -> Response<Body> {
    let (status, code) = match error {
        PruneError::Nothing { .. } => (StatusCode::CONFLICT, "prune_refused"),
        PruneError::Unreadable(_) | PruneError::Record(_) | PruneError::Archive(_) | PruneError::Remove(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable")
        }
    };
    reply::problem(status, code, &error.to_string())
}

/// A file of the tree with its type; `None` if the signed tree has no such part.
fn read(journal: &Journal, path: &str) -> Result<Option<(&'static str, Vec<u8>)>, ()> {
    let files = journal.files();
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
    let store = HeldStore::new(&files, note, size);
    let bytes = match level {
        Some(level) if to <= level_width(level, size) => store.read(path).map_err(drop)?,
        None if to <= size => journal.entries(from, to).map_err(drop)?.map(|lines| bundle(&lines)),
        Some(_) | None => None,
    };
    Ok(bytes.map(|bytes| ("application/octet-stream", bytes)))
}

const TEXT: &str = "text/plain; charset=utf-8";
