//! What the admin API serves: one table, by which requests are let through to their handlers and of which the OpenAPI document is
//! made. What has no row here is not served.

use std::collections::BTreeMap;

use http::Method;
use sekisho_policy::{Matrix, Operation, Role};
use serde_json::{Map, Value, json};

/// One method of one path.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) method: Method,
    /// `{name}` stands for one segment, `{name*}` for all the rest.
    pub(super) path: &'static str,
    /// What a caller has to be permitted; `None` is anybody on this machine.
    pub(super) operation: Option<Operation>,
    pub(super) summary: &'static str,
    /// A body that is sound, if it takes one.
    pub(super) body: Option<&'static str>,
}

/// What stands in the table for a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Served,
    /// Only these methods are.
    Methods(String),
    Nothing,
}

const fn get(path: &'static str, operation: Option<Operation>, summary: &'static str) -> Row {
    Row { method: Method::GET, path, operation, summary, body: None }
}

const fn post(path: &'static str, operation: Operation, summary: &'static str, body: &'static str) -> Row {
    Row { method: Method::POST, path, operation: Some(operation), summary, body: Some(body) }
}

const fn put(path: &'static str, operation: Operation, summary: &'static str, body: &'static str) -> Row {
    Row { method: Method::PUT, path, operation: Some(operation), summary, body: Some(body) }
}

/// Every row, in the order in which people read them.
pub(super) static ROWS: &[Row] = &[
    get("/livez", None, "whether the process lives"),
    get("/readyz", None, "whether it is ready"),
    get("/healthz", None, "whether it is ready"),
    get("/metrics", None, "what it counts, for Prometheus"),
    get("/v1/openapi.json", None, "this document"),
    get("/v1/state", None, "what is in force, by scope and source"),
    get("/v1/events", None, "the last records of the journal; a stream with Accept: text/event-stream"),
    get("/v1/journal/{path*}", None, "the journal as C2SP tlog-tiles: checkpoint, tile/LEVEL/N, tile/entries/N"),
    post(
        "/v1/journal/hand-over",
        Operation::ManageAccess,
        "a new key signs the journal from here on",
        r#"{"reason":"why"}"#,
    ),
    post(
        "/v1/journal/prune/propose",
        Operation::ProposeRelease,
        "wants the beginning of the journal deleted before its time",
        r#"{"before":256,"reason":"why"}"#,
    ),
    post(
        "/v1/tighten",
        Operation::Tighten,
        "tightens a scope; answered when it holds",
        r#"{"switch":"BLOCK","reason":"why"}"#,
    ),
    post(
        "/v1/release/plan",
        Operation::ProposeRelease,
        "what a release would change, and what stands in its way",
        "{}",
    ),
    post(
        "/v1/release/propose",
        Operation::ProposeRelease,
        "asks for a loosening: issues a challenge",
        r#"{"reason":"why"}"#,
    ),
    post(
        "/v1/release/confirm",
        Operation::ConfirmRelease,
        "a second person answers the challenge",
        r#"{"id":"ch-000000","code":"000000"}"#,
    ),
    post(
        "/v1/policy/reload",
        Operation::UpdateConfig,
        "puts the policy file in force, if it is sound and nowhere looser",
        "{}",
    ),
    post(
        "/v1/policy/propose",
        Operation::UpdateConfig,
        "asks for a second person, where the policy file is looser",
        r#"{"reason":"why"}"#,
    ),
    get("/v1/containments", Some(Operation::ReadAudit), "what is revoked, in quarantine or closed"),
    post(
        "/v1/containments",
        Operation::Contain,
        "revokes, quarantines or closes something; answered when it holds",
        r#"{"measure":"route:name","reason":"why"}"#,
    ),
    post(
        "/v1/containments/{id}/lift",
        Operation::ProposeRelease,
        "asks for a second person to end one",
        r#"{"reason":"why"}"#,
    ),
    get("/v1/consents", Some(Operation::ConfirmRelease), "what waits for a second person, besides releases"),
    post(
        "/v1/consents/confirm",
        Operation::ConfirmRelease,
        "a second person agrees, and it is done",
        r#"{"id":"ag-000000","code":"000000"}"#,
    ),
    post("/v1/drill", Operation::Contain, "tries whether the controls bite; 409 where one did not", "{}"),
    get("/v1/decisions/{id}", Some(Operation::ReadAudit), "why something was decided"),
    get("/v1/failmodes", None, "what happens when a part fails"),
    get("/v1/incidents", Some(Operation::ReadAudit), "all incidents"),
    get("/v1/incidents/{id}", Some(Operation::ReadAudit), "one incident with its timeline"),
    post("/v1/incidents", Operation::ManageIncidents, "opens one", r#"{"severity":"SEV3","title":"what"}"#),
    post("/v1/incidents/{id}/note", Operation::ManageIncidents, "adds a note", r#"{"text":"what"}"#),
    post(
        "/v1/incidents/{id}/step",
        Operation::ManageIncidents,
        "takes it a step on",
        r#"{"to":"contain","text":"how"}"#,
    ),
    post("/v1/incidents/{id}/severity", Operation::ManageIncidents, "grades it anew", r#"{"to":"SEV2"}"#),
    post(
        "/v1/incidents/{id}/close",
        Operation::ManageIncidents,
        "closes it with a review",
        r#"{"cause":"c","impact":"i","resolution":"r","follow_ups":["f"]}"#,
    ),
    get("/v1/gates", Some(Operation::ReadMetrics), "how each gate is"),
    put("/v1/gates/{name}", Operation::ReportGate, "says how one is", r#"{"result":"PASS"}"#),
    get(
        "/v1/lockouts",
        Some(Operation::ReadAudit),
        "who is locked out; with key and from, whether that one is, and why",
    ),
    post("/v1/lockouts/lift", Operation::ManageAccess, "ends lockouts", r#"{"id":"0000000000000001","reason":"why"}"#),
    get("/v1/keys", Some(Operation::ReadAudit), "the API keys, without their secrets"),
    post("/v1/keys", Operation::ManageAccess, "makes an API key, shown this once", r#"{"id":"bot","role":"viewer"}"#),
    post(
        "/v1/keys/{id}/rotate",
        Operation::ManageAccess,
        "gives one another secret, shown this once",
        r#"{"overlap_s":60}"#,
    ),
    post("/v1/sessions", Operation::ReadState, "begins a session of the caller's, shown this once", "{}"),
    post("/v1/sessions/end", Operation::ReadState, "ends the session that it is asked with", "{}"),
    get("/v1/revocations", Some(Operation::ReadAudit), "who is revoked"),
    post(
        "/v1/revocations",
        Operation::ManageAccess,
        "lets a credential, a person, a session or a token in no more",
        r#"{"kind":"token","id":"jti","reason":"why"}"#,
    ),
    get("/v1/bundles", Some(Operation::ReadAudit), "the support bundles that are there"),
    post("/v1/bundles", Operation::CreateBundle, "makes one", r#"{"from":0,"to":1}"#),
];

/// The row that serves `method` on `path`, or what else there is.
pub(super) fn find(method: &Method, path: &str) -> Found {
    let mut methods: Vec<&str> = Vec::new();
    for row in ROWS.iter().filter(|row| row.is_at(path)) {
        if row.method == method {
            return Found::Served;
        }
        methods.push(row.method.as_str());
    }
    if methods.is_empty() { Found::Nothing } else { Found::Methods(methods.join(", ")) }
}

impl Row {
    fn is_at(&self, path: &str) -> bool {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(rest), Some(first)) if rest.ends_with("*}") => return !first.is_empty(),
                (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => {}
                (Some(ours), Some(theirs)) if ours == theirs => {}
                _ => return false,
            }
        }
    }

    fn described(&self, matrix: &Matrix) -> Value {
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<Value> = names
            .map(|name| json!({ "name": name.trim_end_matches('*'), "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let problem = |what: &str| json!({ "description": what, "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        let mut answers = Map::from_iter([
            ("2XX".to_owned(), json!({ "description": "done" })),
            ("4XX".to_owned(), problem("it cannot be done")),
        ]);
        let mut described = Map::new();
        let mut add = |name: &str, value: Value| described.insert(name.to_owned(), value);
        add("summary", self.summary.into());
        add("parameters", parameters.into());
        if let Some(body) = self.body {
            let example: Value = serde_json::from_str(body).unwrap_or_default();
            let content = json!({ "application/json": { "schema": { "type": "object" }, "example": example } });
            add("requestBody", json!({ "required": true, "content": content }));
        }
        if let Some(operation) = self.operation {
            let roles = Role::ALL.into_iter().filter(|role| matrix.may(*role, operation)).map(Role::name);
            add("x-sekisho-operation", operation.name().into());
            add("x-sekisho-roles", roles.collect::<Vec<_>>().into());
            add("security", json!([{ "apiKey": [] }, { "bearer": [] }]));
            answers.insert("401".to_owned(), problem("nobody has proven who they are"));
            answers.insert("403".to_owned(), problem("the caller may not do this"));
            answers.insert("429".to_owned(), problem("too many failed attempts"));
        }
        add("responses", answers.into());
        described.into()
    }
}

/// The whole table as an OpenAPI document, version 3.1, with who may do what under `matrix`.
pub(super) fn openapi(matrix: &Matrix) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for row in ROWS {
        let path = paths.entry(row.path.replace("*}", "}")).or_default();
        path.insert(row.method.as_str().to_ascii_lowercase(), row.described(matrix));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Sekisho admin API", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
            "schemas": { "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "code"],
                "properties": {
                    "type": { "type": "string" }, "title": { "type": "string" },
                    "status": { "type": "integer" }, "code": { "type": "string" },
                },
            } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_by_its_segments() {
        for (method, path, found) in [
            (Method::GET, "/v1/state", Found::Served),
            (Method::POST, "/v1/state", Found::Methods("GET".to_owned())),
            (Method::GET, "/v1/keys", Found::Served),
            (Method::DELETE, "/v1/keys", Found::Methods("GET, POST".to_owned())),
            (Method::POST, "/v1/keys/a/rotate", Found::Served),
            (Method::POST, "/v1/keys//rotate", Found::Nothing),
            (Method::POST, "/v1/keys/a/b/rotate", Found::Nothing),
            (Method::GET, "/v1/journal/tile/0/000", Found::Served),
            (Method::GET, "/v1/journal/", Found::Nothing),
            (Method::GET, "/v1/state/", Found::Nothing),
            (Method::GET, "/v1", Found::Nothing),
        ] {
            assert_eq!(find(&method, path), found, "{method} {path}");
        }
    }

    #[test]
    fn no_row_stands_twice_and_every_body_is_json() {
        for (index, row) in ROWS.iter().enumerate() {
            let again = ROWS.iter().skip(index + 1).any(|other| other.path == row.path && other.method == row.method);
            assert!(!again, "{} {}", row.method, row.path);
            assert!(
                row.body.is_none_or(|body| serde_json::from_str::<Value>(body).unwrap().is_object()),
                "{}",
                row.path
            );
            assert_eq!(row.body.is_some(), row.method != Method::GET, "{}", row.path);
        }
    }
}
