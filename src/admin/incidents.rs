use std::net::IpAddr;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::{Incident, Opening, Review, Scope, Sev, Step};
use serde::Deserialize;
use serde_json::{Value, json};

use super::serve::nowhere;
use super::{Admin, reply};
use crate::control::incidents::IncidentFailure;
use crate::control::safety::now_ms;

/// What `POST /v1/incidents` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    severity: Sev,
    title: String,
    #[serde(default = "fleet")]
    scope: Scope,
    #[serde(default)]
    refs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
    #[serde(default)]
    refs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Onward {
    to: Step,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grade {
    to: Sev,
}

fn fleet() -> Scope {
    Scope::Fleet
}

type Failed = Box<Response<Body>>;

impl Admin {
    pub(super) async fn incidents(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let rest = head.uri.path().strip_prefix("/v1/incidents").unwrap_or_default();
        let mut words = rest.trim_start_matches('/').split('/').filter(|word| !word.is_empty());
        let (id, action, end) = (words.next(), words.next(), words.next());
        let done = match (&head.method, id, action, end) {
            (&Method::GET, ..) => self.read_incidents(peer, head, (id, action)),
            (&Method::POST, None, ..) => self.open_incident(peer, head, body).await,
            (&Method::POST, Some(id), Some(action), None) => self.work_on(peer, head, body, (id, action)).await,
            _ => Ok(nowhere()),
        };
        done.unwrap_or_else(|failed| *failed)
    }

    /// Timelines tell who did what: they are audit logs as much as the journal is.
    fn read_incidents(
        &self,
        peer: IpAddr,
        head: &Parts,
        path: (Option<&str>, Option<&str>),
    ) -> Result<Response<Body>, Failed> {
        let may = self.may(&head.headers, peer, Operation::ReadAudit, &Scope::Fleet);
        may.map_err(|refusal| Box::new(self.no(&refusal)))?;
        Ok(match path {
            (None, _) => self.list_incidents(),
            (Some(id), None) => self.show_incident(id),
            (Some(_), Some(_)) => nowhere(),
        })
    }

    fn list_incidents(&self) -> Response<Body> {
        let all = self.incidents.all();
        let all: Vec<Value> = all.iter().rev().map(|(incident, stored)| shown(incident, Some(*stored))).collect();
        reply::json(StatusCode::OK, &json!({ "incidents": all }))
    }

    fn show_incident(&self, id: &str) -> Response<Body> {
        match self.incidents.find(id) {
            Some(incident) => reply::json(StatusCode::OK, &shown(&incident, None)),
            None => failed(&IncidentFailure::Unknown),
        }
    }

    async fn open_incident(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Result<Response<Body>, Failed> {
        let asked: Open = self.read(&head.headers, body).await?;
        let by = self.person(peer, head, &asked.scope)?;
        let Open { severity, title, scope, refs } = asked;
        let opening = Opening { severity, scope, title, by, rule: None, refs };
        Ok(told(self.incidents.open_by_person(opening).await, StatusCode::CREATED))
    }

    async fn work_on(
        &self,
        peer: IpAddr,
        head: &Parts,
        body: Incoming,
        (id, action): (&str, &str),
    ) -> Result<Response<Body>, Failed> {
        let scope = self.incidents.find(id).map_or(Scope::Fleet, |incident| incident.scope);
        let by = self.person(peer, head, &scope)?;
        let incidents = &self.incidents;
        let done = match action {
            "note" => {
                let Note { text, refs } = self.read(&head.headers, body).await?;
                incidents.note(id, &by, text, refs).await
            }
            "step" => {
                let Onward { to, text } = self.read(&head.headers, body).await?;
                incidents.step(id, &by, to, &text).await
            }
            "severity" => {
                let Grade { to } = self.read(&head.headers, body).await?;
                incidents.grade(id, &by, to).await
            }
            "close" => {
                let review: Review = self.read(&head.headers, body).await?;
                incidents.close(id, &by, review).await
            }
            _ => return Ok(nowhere()),
        };
        Ok(told(done, StatusCode::OK))
    }

    fn person(&self, peer: IpAddr, head: &Parts, scope: &Scope) -> Result<String, Failed> {
        let principal = self.may(&head.headers, peer, Operation::ManageIncidents, scope);
        principal.map(|principal| principal.key.person.clone()).map_err(|refusal| Box::new(self.no(&refusal)))
    }
}

fn told(done: Result<Incident, IncidentFailure>, status: StatusCode) -> Response<Body> {
    match done {
        Ok(incident) => reply::json(status, &shown(&incident, None)),
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &IncidentFailure) -> Response<Body> {
    let (status, code) = match failure {
        IncidentFailure::Unknown => (StatusCode::NOT_FOUND, "not_found"),
        IncidentFailure::Full => (StatusCode::CONFLICT, "too_many_incidents"),
        IncidentFailure::Rules(_) => (StatusCode::CONFLICT, "incident_refused"),
        IncidentFailure::Record(_) => (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable"),
    };
    reply::problem(status, code, &failure.to_string())
}

fn shown(incident: &Incident, stored: Option<bool>) -> Value {
    let mut value = serde_json::to_value(incident).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("overdue".to_owned(), incident.is_overdue(now_ms()).into());
        if let Some(stored) = stored {
            fields.remove("timeline");
            fields.insert("stored".to_owned(), stored.into());
        }
    }
    value
}
