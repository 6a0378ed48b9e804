use std::net::IpAddr;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde::Deserialize;
use serde_json::json;

use super::serve::nowhere;
use super::{Admin, reply};
use crate::evidence::bundle::{self, Ask, BundleError};
use crate::telemetry::log;

/// What `POST /v1/bundles` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(default)]
    incident: Option<String>,
    #[serde(default)]
    from: Option<u64>,
    #[serde(default)]
    to: Option<u64>,
}

impl Admin {
    pub(super) async fn bundles(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let operation = match (&head.method, head.uri.path()) {
            (&Method::GET, "/v1/bundles") => Operation::ReadAudit,
            (&Method::POST, "/v1/bundles") => Operation::CreateBundle,
            _ => return nowhere(),
        };
        let by = match self.may(&head.headers, peer, operation, &Scope::Fleet) {
            Ok(principal) => principal.key.person.clone(),
            Err(refusal) => return self.no(&refusal),
        };
        if operation == Operation::ReadAudit {
            return match bundle::list(&self.bundles.load().data) {
                Ok(names) => reply::json(StatusCode::OK, &json!({ "bundles": names })),
                Err(error) => reply::problem(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", &error.to_string()),
            };
        }
        match self.read(&head.headers, body).await {
            Ok(asked) => self.create_bundle(by, asked).await,
            Err(response) => *response,
        }
    }

    async fn create_bundle(&self, by: String, asked: Create) -> Response<Body> {
        let Create { incident, from, to } = asked;
        let found = incident.as_deref().map(|id| self.incidents.find(id));
        if let Some(None) = found {
            return reply::problem(StatusCode::NOT_FOUND, "not_found", "there is no incident of this id");
        }
        let incident_json = found.flatten().and_then(|incident| serde_json::to_string_pretty(&incident).ok());
        let metrics = self.metrics_text().ok().and_then(|text| String::from_utf8(text).ok());
        let logs = Some(log::recent());
        let ask = Ask { incident, incident_json, from, to, by, metrics, logs };
        match self.bundles.load_full().make(&self.journal, ask).await {
            Ok(made) => {
                let digest: String = made.digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let body = json!({ "id": made.id, "path": made.path, "manifest_sha256": digest, "sealed": made.sealed, "records": made.records });
                reply::json(StatusCode::CREATED, &body)
            }
            Err(error) => {
                let (status, code) = match &error {
                    BundleError::Range { .. } | BundleError::TooLarge { .. } => {
                        (StatusCode::BAD_REQUEST, "bad_request")
                    }
                    BundleError::Journal(_)
                    | BundleError::Open(_)
                    | BundleError::Unreadable(_)
                    | BundleError::Unclean(_)
                    | BundleError::Manifest(_)
                    | BundleError::Pack(_)
                    | BundleError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "evidence_unavailable"),
                };
                reply::problem(status, code, &error.to_string())
            }
        }
    }
}
