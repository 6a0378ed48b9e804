use std::net::IpAddr;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::{Containment, Measure, Name, Scope};
use serde::Deserialize;
use serde_json::json;

use super::release::unloosened;
use super::serve::nowhere;
use super::{Admin, reply};
use crate::control::consents::Deed;
use crate::enforce::containments::{Ask, ContainError};

/// What `POST /v1/containments` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contain {
    measure: Measure,
    reason: String,
    #[serde(default)]
    incident: Option<Name>,
    /// Of a secret: whether its hook is to ask for a new value.
    #[serde(default)]
    rotate: bool,
}

/// What `POST /v1/containments/ID/lift` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    reason: String,
}

type Failed = Box<Response<Body>>;

impl Admin {
    /// What is below `/v1/containments`.
    pub(super) async fn containments(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let rest = head.uri.path().strip_prefix("/v1/containments").unwrap_or_default();
        let mut words = rest.trim_start_matches('/').split('/').filter(|word| !word.is_empty());
        let done = match (&head.method, words.next(), words.next(), words.next()) {
            (&Method::GET, None, ..) => self.contained(peer, head),
            (&Method::POST, None, ..) => self.contain(peer, head, body).await,
            (&Method::POST, Some(id), Some("lift"), None) => self.propose_lift(peer, head, body, id).await,
            _ => Ok(nowhere()),
        };
        done.unwrap_or_else(|failed| *failed)
    }

    fn contained(&self, peer: IpAddr, head: &Parts) -> Result<Response<Body>, Failed> {
        self.who(peer, head, Operation::ReadAudit)?;
        Ok(reply::json(StatusCode::OK, &json!({ "containments": self.containments.all() })))
    }

    async fn contain(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let by = self.who(peer, head, Operation::Contain)?;
        let Contain { measure, reason, incident, rotate } = self.read(&head.headers, body).await?;
        let ask = Ask { measure, by, reason, incident, rotate };
        match self.containments.apply(ask).await {
            // In force either way; 202 says that it would not survive a crash.
            Ok(applied) if !applied.durable => Ok(reply::json(StatusCode::ACCEPTED, &applied)),
            Ok(applied) => Ok(reply::json(StatusCode::CREATED, &applied)),
            Err(error) => Ok(uncontained(&error)),
        }
    }

    async fn propose_lift(
        &self,
        peer: IpAddr,
        head: &Parts,
        body: Incoming,
        id: &str,
    ) -> Result<Response<Body>, Failed> {
        let by = self.who(peer, head, Operation::ProposeRelease)?;
        let Lift { reason } = self.read(&head.headers, body).await?;
        let found = self.containments.all().into_iter().find(|one| one.id.as_str() == id);
        let Some(containment) = found else { return Ok(uncontained(&ContainError::NotThere)) };
        let deed = Deed::Lift { id: containment.id.clone() };
        Ok(match self.consents.propose(deed, &by, &reason).await {
            Ok(issue) => reply::json(
                StatusCode::OK,
                &json!({ "request": issue.view, "code": issue.code, "expires_in_s": issue.expires_in_s, "containment": containment }),
            ),
            Err(error) => unloosened(&error),
        })
    }

    /// What became of a lifting that two people agreed on.
    pub(super) fn lifted(&self, done: Result<Containment, ContainError>) -> Response<Body> {
        match done {
            Ok(containment) => reply::json(StatusCode::OK, &json!({ "lifted": containment })),
            Err(error) => uncontained(&error),
        }
    }

    fn who(&self, peer: IpAddr, head: &Parts, operation: Operation) -> Result<String, Failed> {
        let principal = self.may(&head.headers, peer, operation, &Scope::Fleet);
        principal.map(|principal| principal.key.person.clone()).map_err(|refusal| Box::new(self.no(&refusal)))
    }
}

fn uncontained(error: &ContainError) -> Response<Body> {
    let (status, code) = match error {
        ContainError::Unknown(_) | ContainError::NotThere => (StatusCode::NOT_FOUND, "not_found"),
        ContainError::Unsearchable(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_in_force"),
        ContainError::Record(_) => (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable"),
    };
    reply::problem(status, code, &error.to_string())
}
