use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_filters::access::Principal;
use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::{IpNet, Operation, Role};
use sekisho_safety::Scope;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::serve::nowhere;
use super::{Admin, reply};
use crate::identity::credentials::{CredentialError, Credentials, Wanted};

/// What `POST /v1/keys` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    id: String,
    role: String,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    scopes: Vec<Scope>,
    #[serde(default)]
    allow: Vec<String>,
    /// Seconds that it is to be good for.
    #[serde(default)]
    life_s: Option<u64>,
}

/// What `POST /v1/keys/ID/rotate` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// Seconds that the old secret stays good.
    #[serde(default)]
    overlap_s: Option<u64>,
}

/// What `POST /v1/revocations` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    /// `credential`, `person`, `session` or `token`.
    kind: String,
    id: String,
    reason: String,
    /// Seconds that it holds; for ever without it.
    #[serde(default)]
    time_s: Option<u64>,
}

type Failed = Box<Response<Body>>;

impl Admin {
    /// What is below `/v1/keys` and `/v1/revocations`.
    pub(super) async fn at_credentials(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let path = head.uri.path();
        let rotated = path.strip_prefix("/v1/keys/").and_then(|rest| rest.strip_suffix("/rotate"));
        let done = match (&head.method, path, rotated) {
            (&Method::GET, "/v1/keys", _) => self.list_keys(peer, head),
            (&Method::GET, "/v1/revocations", _) => self.list_revocations(peer, head),
            (&Method::POST, "/v1/keys", _) => self.create_key(peer, head, body).await,
            (&Method::POST, "/v1/revocations", _) => self.revoke(peer, head, body).await,
            (&Method::POST, "/v1/sessions", _) => self.begin_session(peer, head),
            (&Method::POST, "/v1/sessions/end", _) => self.end_session(peer, head).await,
            (&Method::POST, _, Some(id)) => self.rotate_key(peer, head, body, id).await,
            _ => Ok(nowhere()),
        };
        done.unwrap_or_else(|failed| *failed)
    }

    fn list_keys(&self, peer: IpAddr, head: &Parts) -> Result<Response<Body>, Failed> {
        self.person_for(peer, head, Operation::ReadAudit)?;
        Ok(reply::json(StatusCode::OK, &json!({ "keys": self.credentials.list() })))
    }

    fn list_revocations(&self, peer: IpAddr, head: &Parts) -> Result<Response<Body>, Failed> {
        self.person_for(peer, head, Operation::ReadAudit)?;
        let all = self.credentials.revoked().into_iter().map(|(subject, revoked)| {
            let (kind, id) = subject.split_once(':').unwrap_or_default();
            json!({ "kind": kind, "id": id, "at_s": revoked.at_s, "until_s": revoked.until_s, "by": revoked.by, "reason": revoked.reason })
        });
        Ok(reply::json(StatusCode::OK, &json!({ "revocations": all.collect::<Vec<Value>>() })))
    }

    async fn create_key(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let by = self.person_for(peer, head, Operation::ManageAccess)?;
        let asked: Create = self.read(&head.headers, body).await?;
        let bad = |title: &str| Box::new(reply::problem(StatusCode::BAD_REQUEST, "bad_request", title));
        let role = Role::ALL.into_iter().find(|role| role.name() == asked.role);
        let role = role.ok_or_else(|| bad("role: expected admin, operator, viewer or service"))?;
        let allow = asked.allow.iter().map(|net| net.parse::<IpNet>()).collect::<Result<_, _>>();
        let allow = allow.map_err(|error| bad(&format!("allow: {error}")))?;
        let life = asked.life_s.map(Duration::from_secs);
        let event = change("key.create", &by)
            .with_input("key", asked.id.clone())
            .with_input("role", role.name())
            .with_input("person", asked.person.clone().unwrap_or_default())
            .with_input("scopes", asked.scopes.iter().map(ToString::to_string).collect::<Vec<_>>())
            .with_input("allow", asked.allow)
            .with_input("life_s", asked.life_s.unwrap_or_default());
        let Create { id, person, scopes, .. } = asked;
        let shown = id.clone();
        let wanted = Wanted { id, person, role, scopes, allow, life };
        let key = self.change_keys(event, move |credentials| credentials.create(wanted, &by)).await?;
        Ok(reply::json(StatusCode::CREATED, &json!({ "id": shown, "key": key.as_str() })))
    }

    async fn rotate_key(&self, peer: IpAddr, head: &Parts, body: Incoming, id: &str) -> Result<Response<Body>, Failed> {
        let by = self.person_for(peer, head, Operation::ManageAccess)?;
        let Rotate { overlap_s } = self.read(&head.headers, body).await?;
        let event =
            change("key.rotate", &by).with_input("key", id).with_input("overlap_s", overlap_s.unwrap_or_default());
        let (id, overlap) = (id.to_owned(), overlap_s.map(Duration::from_secs));
        let shown = id.clone();
        let key = self.change_keys(event, move |credentials| credentials.rotate(&id, overlap, &by)).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "id": shown, "key": key.as_str() })))
    }

    fn begin_session(&self, peer: IpAddr, head: &Parts) -> Result<Response<Body>, Failed> {
        let principal = self.principal_for(peer, head, Operation::ReadState)?;
        let (id, session, life) = self.credentials.begin_session(&principal).map_err(|error| failed(&error))?;
        self.journal.record(change("session.begin", &principal.key.person).with_output("session", id.clone()));
        let body = json!({ "id": id, "session": session.as_str(), "life_s": life.as_secs() });
        Ok(reply::json(StatusCode::CREATED, &body))
    }

    async fn end_session(&self, peer: IpAddr, head: &Parts) -> Result<Response<Body>, Failed> {
        let principal = self.principal_for(peer, head, Operation::ReadState)?;
        let credentials = Arc::clone(&self.credentials);
        let event = change("session.end", &principal.key.person);
        let done = tokio::task::spawn_blocking(move || credentials.end_session(&principal)).await;
        done.map_err(|ended| unavailable(&ended.to_string()))?.map_err(|error| failed(&error))?;
        self.journal.record(event);
        Ok(reply::json(StatusCode::OK, &json!({ "ended": true })))
    }

    async fn revoke(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let by = self.person_for(peer, head, Operation::ManageAccess)?;
        let asked: Revoke = self.read(&head.headers, body).await?;
        let event = change("revoke", &by)
            .with_input("kind", asked.kind.clone())
            .with_input("id", asked.id.clone())
            .with_input("reason", asked.reason.clone())
            .with_input("time_s", asked.time_s.unwrap_or_default());
        let credentials = Arc::clone(&self.credentials);
        let done = tokio::task::spawn_blocking(move || {
            let subject = format!("{}:{}", asked.kind, asked.id);
            credentials.revoke(&subject, asked.time_s.map(Duration::from_secs), &by, &asked.reason)
        });
        let durable = done.await.map_err(|ended| unavailable(&ended.to_string()))?.map_err(|error| failed(&error))?;
        // It holds already: it is recorded at once, and nothing waits for that.
        self.journal.record(event.with_output("durable", durable));
        let status = if durable { StatusCode::OK } else { StatusCode::ACCEPTED };
        Ok(reply::json(status, &json!({ "durable": durable })))
    }

    /// Changes what lets somebody in: recorded, then done.
    async fn change_keys(
        &self,
        event: Event,
        change: impl FnOnce(&Credentials) -> Result<Zeroizing<String>, CredentialError> + Send + 'static,
    ) -> Result<Zeroizing<String>, Failed> {
        self.journal.record_durable(event).await.map_err(|error| unavailable(&error.to_string()))?;
        let credentials = Arc::clone(&self.credentials);
        let done = tokio::task::spawn_blocking(move || change(&credentials)).await;
        done.map_err(|ended| unavailable(&ended.to_string()))?.map_err(|error| failed(&error))
    }

    fn person_for(&self, peer: IpAddr, head: &Parts, operation: Operation) -> Result<String, Failed> {
        self.principal_for(peer, head, operation).map(|principal| principal.key.person.clone())
    }

    fn principal_for(&self, peer: IpAddr, head: &Parts, operation: Operation) -> Result<Principal, Failed> {
        self.may(&head.headers, peer, operation, &Scope::Fleet).map_err(|refusal| Box::new(self.no(&refusal)))
    }
}

fn change(action: &'static str, by: &str) -> Event {
    Event::new(EventType::ConfigChanged, action).with_severity(Severity::Medium).with_user(by)
}

fn unavailable(why: &str) -> Failed {
    Box::new(reply::problem(StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable", why))
}

fn failed(error: &CredentialError) -> Failed {
    let (status, code) = match error {
        CredentialError::Id | CredentialError::Person | CredentialError::Subject(_) => {
            (StatusCode::BAD_REQUEST, "bad_request")
        }
        CredentialError::Unknown => (StatusCode::NOT_FOUND, "not_found"),
        CredentialError::NoSession
        | CredentialError::Taken
        | CredentialError::Revoked
        | CredentialError::NoPepper
        | CredentialError::Full(_) => (StatusCode::CONFLICT, "credential_refused"),
        CredentialError::Random(_) | CredentialError::Book(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
    };
    Box::new(reply::problem(status, code, &error.to_string()))
}
