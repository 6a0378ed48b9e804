use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde_json::json;

use super::serve::nowhere;
use super::{Admin, reply};
use crate::control::clock::since_boot;

impl Admin {
    pub(super) fn show_gates(&self, peer: IpAddr, headers: &HeaderMap) -> Response<Body> {
        if let Err(refusal) = self.may(headers, peer, Operation::ReadMetrics, &Scope::Fleet) {
            return self.no(&refusal);
        }
        reply::json(StatusCode::OK, &json!({ "gates": self.gates.all(since_boot()) }))
    }

    pub(super) async fn report_gate(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        let name = head.uri.path().strip_prefix("/v1/gates/").unwrap_or_default();
        let known = self.gates.all(since_boot()).into_iter().find(|gate| gate.name.as_str() == name);
        let scope = known.map_or(Scope::Fleet, |gate| gate.scope);
        let principal = match self.may(&head.headers, peer, Operation::ReportGate, &scope) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        let report = match self.read(&head.headers, body).await {
            Ok(report) => report,
            Err(response) => return *response,
        };
        let told = self.gates.report(name, report, &principal.key.person, since_boot()).await;
        told.map_or_else(nowhere, |view| reply::json(StatusCode::OK, &view))
    }
}
