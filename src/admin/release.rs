use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Response, StatusCode};
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::{Level, Scope};
use serde::Deserialize;
use serde_json::json;

use super::{Admin, reply};
use crate::control::release::Ask;
use crate::control::safety::LoosenError;

/// What `POST /v1/release/propose` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Propose {
    #[serde(default = "fleet")]
    scope: Scope,
    #[serde(default)]
    target: Option<Level>,
    reason: String,
    /// Seconds that an emergency release is to hold.
    #[serde(default)]
    emergency_s: Option<u64>,
}

/// What `POST /v1/release/plan` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    #[serde(default = "fleet")]
    scope: Scope,
    #[serde(default)]
    target: Option<Level>,
}

/// What `POST /v1/release/confirm` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    id: String,
    code: String,
}

fn fleet() -> Scope {
    Scope::Fleet
}

impl Admin {
    pub(super) async fn plan(&self, headers: &HeaderMap, peer: IpAddr, asked: Look) -> Response<Body> {
        match self.may(headers, peer, Operation::ProposeRelease, &asked.scope) {
            Ok(_principal) => reply::json(StatusCode::OK, &self.releases.plan(asked.scope, asked.target).await),
            Err(refusal) => self.no(&refusal),
        }
    }

    pub(super) async fn propose(&self, headers: &HeaderMap, peer: IpAddr, asked: Propose) -> Response<Body> {
        let principal = match self.may(headers, peer, Operation::ProposeRelease, &asked.scope) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        let by = principal.key.person.clone();
        let ask = Ask {
            scope: asked.scope,
            target: asked.target,
            by,
            reason: asked.reason,
            emergency: asked.emergency_s.map(Duration::from_secs),
        };
        match self.releases.propose(ask).await {
            Ok(issue) => reply::json(
                StatusCode::OK,
                &json!({ "challenge": issue.view, "code": issue.code, "expires_in_s": issue.ttl.as_secs() }),
            ),
            Err(error) => unloosened(&error),
        }
    }

    pub(super) async fn confirm(&self, headers: &HeaderMap, peer: IpAddr, asked: Confirm) -> Response<Body> {
        let waiting = self.releases.waiting();
        // One that is not there is answered after the door, so that strangers learn nothing of what is there.
        let scope = waiting.iter().find(|view| view.id == asked.id).map_or(Scope::Fleet, |view| view.scope.clone());
        let principal = match self.may(headers, peer, Operation::ConfirmRelease, &scope) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        match self.releases.confirm(&asked.id, &asked.code, &principal.key.person).await {
            Ok(change) => reply::json(
                StatusCode::OK,
                &json!({ "scope": change.scope, "before": change.before, "after": change.after, "epoch": change.epoch }),
            ),
            Err(error) => self.guessed(&principal, peer, &error).unwrap_or_else(|| unloosened(&error)),
        }
    }
}

pub(super) fn unloosened(error: &LoosenError) -> Response<Body> {
    let (status, code) = match error {
        LoosenError::Rules(_) => (StatusCode::CONFLICT, "release_refused"),
        LoosenError::NotYet(_) => (StatusCode::CONFLICT, "preconditions_failed"),
        LoosenError::Evidence(_) => (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable"),
        LoosenError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
    };
    reply::problem(status, code, &error.to_string())
}
