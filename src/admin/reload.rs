use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_filters::access::Principal;
use sekisho_policy::Operation;
use sekisho_safety::{ReleaseError, Scope};
use serde::Deserialize;
use serde_json::json;

use super::release::unloosened;
use super::serve::nowhere;
use super::{Admin, reply};
use crate::control::consents::Deed;
use crate::control::safety::LoosenError;
use crate::enforce::reload::{Reload, ReloadError, Reloaded};

/// What `POST /v1/policy/propose` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposePolicy {
    reason: String,
}

/// What `POST /v1/consents/confirm` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agree {
    id: String,
    code: String,
}

type Failed = Box<Response<Body>>;

impl Admin {
    /// What is below `/v1/policy` and `/v1/consents`.
    pub(super) async fn policy_changes(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let headers = &head.headers;
        match (head.method.as_str(), head.uri.path()) {
            ("POST", "/v1/policy/reload") => self.reload(headers, peer).await,
            ("POST", "/v1/policy/propose") => match self.read(headers, body).await {
                Ok(asked) => self.propose_policy(headers, peer, asked).await,
                Err(response) => *response,
            },
            ("GET", "/v1/consents") => self.show_consents(headers, peer),
            ("POST", "/v1/consents/confirm") => match self.read(headers, body).await {
                Ok(asked) => self.agree(headers, peer, asked).await,
                Err(response) => *response,
            },
            _ => nowhere(),
        }
    }

    async fn reload(&self, headers: &HeaderMap, peer: IpAddr) -> Response<Body> {
        let by = match self.admin_person(headers, peer) {
            Ok(by) => by,
            Err(failed) => return *failed,
        };
        let done = self.with_reload(move |reload| reload.reload(&by)).await;
        done.map_or_else(|failed| *failed, |reloaded| shown(&reloaded))
    }

    async fn propose_policy(&self, headers: &HeaderMap, peer: IpAddr, asked: ProposePolicy) -> Response<Body> {
        let by = match self.admin_person(headers, peer) {
            Ok(by) => by,
            Err(failed) => return *failed,
        };
        let person = by.clone();
        let found = match self.with_reload(move |reload| reload.propose(&person)).await {
            Ok(found) => found,
            Err(failed) => return *failed,
        };
        let deed = Deed::Policy { before: found.before, after: found.after };
        match self.consents.propose(deed, &by, &asked.reason).await {
            Ok(issue) => reply::json(
                StatusCode::OK,
                &json!({ "request": issue.view, "code": issue.code, "expires_in_s": issue.expires_in_s, "differences": found.differences }),
            ),
            Err(error) => unloosened(&error),
        }
    }

    /// A second person agrees, and what was agreed on is done.
    async fn agree(&self, headers: &HeaderMap, peer: IpAddr, asked: Agree) -> Response<Body> {
        let principal = match self.may(headers, peer, Operation::ConfirmRelease, &Scope::Fleet) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        match self.consents.confirm(&asked.id, &asked.code, &principal.key.person).await {
            Ok((agreed, Deed::Policy { before, after })) => {
                let done = self.with_reload(move |reload| reload.loosen(&agreed, &before, &after)).await;
                done.map_or_else(|failed| *failed, |reloaded| shown(&reloaded))
            }
            Ok((agreed, Deed::Lift { id })) => self.lifted(self.containments.lift(&agreed, &id).await),
            Ok((agreed, Deed::Prune { to })) => Self::pruned(self.keeper.prune_early(&agreed, to).await),
            Err(error) => self.guessed(&principal, peer, &error).unwrap_or_else(|| unloosened(&error)),
        }
    }

    /// What waits for a second person.
    fn show_consents(&self, headers: &HeaderMap, peer: IpAddr) -> Response<Body> {
        match self.may(headers, peer, Operation::ConfirmRelease, &Scope::Fleet) {
            Ok(_principal) => reply::json(StatusCode::OK, &json!({ "requests": self.consents.waiting() })),
            Err(refusal) => self.no(&refusal),
        }
    }

    /// Counts a wrong code like a wrong secret; the answer, if it was one too many.
    pub(super) fn guessed(&self, principal: &Principal, peer: IpAddr, error: &LoosenError) -> Option<Response<Body>> {
        let LoosenError::Rules(ReleaseError::WrongCode | ReleaseError::TooManyAttempts) = error else { return None };
        let attempt = self.door.wrong_answer(principal, peer);
        self.recorder.attempt(&attempt, "admin".into(), None);
        attempt.wait.map(|_too_many| self.no(&attempt.refusal()))
    }

    fn admin_person(&self, headers: &HeaderMap, peer: IpAddr) -> Result<String, Failed> {
        let principal = self.may(headers, peer, Operation::UpdateConfig, &Scope::Fleet);
        principal.map(|principal| principal.key.person.clone()).map_err(|refusal| Box::new(self.no(&refusal)))
    }

    /// Reads files and waits for the journal: not on the thread that answers.
    async fn with_reload(
        &self,
        work: impl FnOnce(&Reload) -> Result<Reloaded, ReloadError> + Send + 'static,
    ) -> Result<Reloaded, Failed> {
        let reload = Arc::clone(&self.reload);
        match tokio::task::spawn_blocking(move || work(&reload)).await {
            Ok(done) => done.map_err(|error| Box::new(refused(&error))),
            Err(died) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Err(Box::new(reply::problem(status, "reload_failed", &died.to_string())))
            }
        }
    }
}

fn shown(reloaded: &Reloaded) -> Response<Body> {
    let Reloaded { before, after, differences } = reloaded;
    reply::json(StatusCode::OK, &json!({ "before": before, "after": after, "differences": differences }))
}

fn refused(error: &ReloadError) -> Response<Body> {
    let (status, code) = match error {
        ReloadError::NoFile | ReloadError::Unreadable(_) => (StatusCode::CONFLICT, "no_policy_file"),
        ReloadError::Unsound(_) | ReloadError::Uncompiled(_) => (StatusCode::UNPROCESSABLE_ENTITY, "policy_unsound"),
        ReloadError::Restart(_) => (StatusCode::CONFLICT, "restart_needed"),
        ReloadError::Looser(_) => (StatusCode::CONFLICT, "reload_loosens"),
        ReloadError::NotLooser => (StatusCode::CONFLICT, "reload_suffices"),
        ReloadError::Moved => (StatusCode::CONFLICT, "policy_moved"),
        ReloadError::Unrecorded(_) => (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable"),
    };
    reply::problem(status, code, &error.to_string())
}
