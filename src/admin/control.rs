use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use sekisho_filters::Body;
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde_json::json;

use super::serve::nowhere;
use super::{Admin, reply};
use crate::control::explain::explain;
use crate::control::failmodes;

impl Admin {
    /// Tries whether the controls bite. 409 where one did not.
    pub(super) async fn drill(&self, headers: &HeaderMap, peer: IpAddr) -> Response<Body> {
        let by = match self.may(headers, peer, Operation::Contain, &Scope::Fleet) {
            Ok(principal) => principal.key.person.clone(),
            Err(refusal) => return self.no(&refusal),
        };
        let checks = self.drill.run(&by).await;
        let passed = checks.iter().all(|check| check.bit);
        let status = if passed { StatusCode::OK } else { StatusCode::CONFLICT };
        let title = if passed { "every control bit" } else { "a control did not bite" };
        let code = if passed { "drill_passed" } else { "drill_failed" };
        reply::json(status, &json!({ "passed": passed, "code": code, "title": title, "checks": checks }))
    }

    /// Why something was decided.
    pub(super) async fn explain(&self, head: &Parts, peer: IpAddr) -> Response<Body> {
        if let Err(refusal) = self.may(&head.headers, peer, Operation::ReadAudit, &Scope::Fleet) {
            return self.no(&refusal);
        }
        let id = head.uri.path().strip_prefix("/v1/decisions/").unwrap_or_default().to_owned();
        let plain = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if id.is_empty() || id.len() > LONGEST || !plain {
            return nowhere();
        }
        let files = self.journal.files();
        match tokio::task::spawn_blocking(move || explain(&files, &id)).await {
            Ok(Some(explanation)) => reply::json(StatusCode::OK, &explanation),
            Ok(None) | Err(_) => {
                let title =
                    "no record names this decision: it passed, or it was one of a flood that is recorded as a number";
                reply::problem(StatusCode::NOT_FOUND, "not_found", title)
            }
        }
    }

    /// What happens when a part fails.
    pub(super) fn failmodes() -> Response<Body> {
        reply::json(StatusCode::OK, &json!({ "failmodes": failmodes::ALL }))
    }
}

/// Two numbers of 64 bits, and what is between them.
const LONGEST: usize = 33;
