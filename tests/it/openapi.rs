//! The admin API as its own document describes it: every row of the table of roles is tried on every route.

use serde_json::Value;

use crate::client::{Answer, send};
use crate::sidecar::{ANN, DESK, ROOT, Sidecar};
use crate::upstream::Upstream;

struct Call<'d> {
    method: String,
    path: String,
    described: &'d Value,
}

impl Call<'_> {
    fn send(&self, sidecar: &Sidecar, key: Option<&str>) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("x-api-key", key)));
        let example = &self.described["requestBody"]["content"]["application/json"]["example"];
        let body = if example.is_null() { String::new() } else { example.to_string() };
        send(sidecar.admin, &format!("{} {}", self.method, self.path), &headers, body.as_bytes())
    }
}

/// All that the document describes; names in paths are filled in with something that is not there.
fn calls(document: &Value) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "none-1" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        for (method, described) in methods.as_object().unwrap() {
            calls.push(Call { method: method.to_uppercase(), path: path.clone(), described });
        }
    }
    calls
}

#[test]
fn every_route_lets_through_the_roles_that_the_document_names_and_no_other() {
    let upstream = Upstream::start();
    let sidecar =
        Sidecar::with(&upstream, "auth_failures: { per_pair: 10000, per_peer: 10000, per_credential: 10000 }");
    let made = sidecar.cli(ROOT, &["keys", "create", "watch", "--role", "viewer", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let viewer = made["key"].as_str().unwrap().to_owned();
    let document = send(sidecar.admin, "GET /v1/openapi.json", &[], b"").json();
    let keys = [("admin", ROOT), ("operator", ANN), ("viewer", &*viewer), ("service", DESK)];
    let (mut faults, mut tried) = (Vec::new(), 0);
    for call in calls(&document) {
        let Call { method, path, described } = &call;
        let Some(roles) = described["x-sekisho-roles"].as_array() else {
            let status = call.send(&sidecar, None).status;
            if matches!(status, 401 | 403) {
                faults.push(format!("{method} {path} is said to be for anybody: {status}"));
            }
            continue;
        };
        tried += 1;
        let nobody = call.send(&sidecar, None);
        if nobody.code() != "unauthenticated" {
            faults.push(format!("{method} {path} without a key: {nobody:?}"));
        }
        for (role, key) in keys {
            let answer = call.send(&sidecar, Some(key));
            let (permitted, refused) = (roles.iter().any(|named| named == role), answer.code() == "forbidden");
            if permitted == refused || answer.status == 401 {
                faults.push(format!(
                    "{method} {path} as {role}, permitted {permitted}: {} {}",
                    answer.status,
                    answer.code()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tried >= 15, "{tried}");
}

#[test]
fn the_document_is_one_and_what_it_does_not_describe_is_not_served() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let document = send(sidecar.admin, "GET /v1/openapi.json", &[], b"").json();
    assert_eq!(document["openapi"], "3.1.0");
    for call in calls(&document) {
        let described = call.described;
        assert!(described["summary"].as_str().is_some_and(|text| !text.is_empty()), "{}", call.path);
        assert!(described["responses"]["2XX"]["description"].is_string(), "{}", call.path);
        let answer = send(sidecar.admin, &format!("DELETE {}", call.path), &[], b"");
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(answer.status == 405 && allowed.contains(&call.method), "{}: {answer:?}", call.path);
    }
    for path in ["/", "/v1", "/v1/keys/a", "/v1/keys/a/rotate/b", "/v1/state/x", "/v2/state"] {
        assert_eq!(send(sidecar.admin, &format!("GET {path}"), &[("x-api-key", ROOT)], b"").status, 404, "{path}");
    }
    let matrix = crate::sidecar::binary().args(["policy", "roles"]).output().unwrap();
    let matrix = String::from_utf8(matrix.stdout).unwrap();
    assert!(matrix.lines().any(|line| line.split_whitespace().eq(["manage_access", "yes", "-", "-", "-"])), "{matrix}");
}
