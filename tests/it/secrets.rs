//! Seed 000 §10 point 1, from the side of people: whatever they say to the admin API, and whatever callers send, no secret
//! reaches the data directory, the logs, the metrics or an answer.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{Answer, send};
use crate::sidecar::{ANN, ROOT, Sidecar, binary, known};
use crate::upstream::Upstream;

/// A secret of policy, one in the form of a well-known token, and one under a name that gives it away: said in one breath.
fn planted() -> [String; 3] {
    [known(), format!("gh{}_{}", 'p', "Q1w2E3r4T5y6U7i8O9p0A1s2D3f4G5h6J7k8"), ["hunter", "2correct", "Horse"].concat()]
}

fn said() -> String {
    let [known, token, password] = planted();
    format!("it was {known}, then {token} and password={password} in the ticket")
}

/// Every operation with text of people's own, and all of its text planted.
fn operations(incident: &str) -> Vec<(String, String, Value)> {
    let said = said();
    let said = said.as_str();
    let of = |action: &str| format!("POST /v1/incidents/{incident}/{action}");
    let planned: Vec<(String, Value)> = vec![
        ("POST /v1/tighten".into(), json!({ "switch": "CLOSE_ONLY", "reason": said })),
        ("POST /v1/tighten".into(), json!({ "switch": said, "reason": said })),
        ("POST /v1/tighten".into(), json!({ "scope": format!("account:{}", known()), "reason": "x" })),
        ("POST /v1/release/plan".into(), json!({ "scope": format!("account:{}", known()) })),
        ("POST /v1/release/propose".into(), json!({ "reason": said })),
        ("POST /v1/release/confirm".into(), json!({ "id": said, "code": said })),
        ("POST /v1/incidents".into(), json!({ "severity": "SEV3", "title": said, "refs": [said, known()] })),
        (of("note"), json!({ "text": said, "refs": [said] })),
        (of("step"), json!({ "to": "contain", "text": said })),
        (of("severity"), json!({ "to": said })),
        (of("close"), json!({ "cause": said, "impact": said, "resolution": said, "follow_up": said })),
        (format!("POST /v1/incidents/{}/note", known()), json!({ "text": said })),
        ("PUT /v1/gates/feed".into(), json!({ "status": "PASS", "evidence": said })),
        ("PUT /v1/gates/feed".into(), json!({ "status": said })),
        ("POST /v1/lockouts/lift".into(), json!({ "id": known(), "reason": said })),
        ("POST /v1/lockouts/lift".into(), json!({ "key": known(), "from": "10.0.0.1", "reason": said })),
        ("POST /v1/bundles".into(), json!({ "incident": known() })),
        ("POST /v1/tighten".into(), json!({ "reason": "x", said: said })),
        (format!("POST /v1/{}", known()), json!({ "reason": said })),
        (format!("GET /v1/lockouts?key={}&from=10.0.0.1", known()), Value::Null),
        (format!("GET /v1/events?limit={}", known()), Value::Null),
    ];
    planned.into_iter().map(|(line, body)| (line, ROOT.to_owned(), body)).collect()
}

fn ask(sidecar: &Sidecar, (line, key, body): &(String, String, Value)) -> Answer {
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json"), ("user-agent", &known())];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(sidecar.admin, line, &headers, body.as_bytes())
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| files(&path)).collect();
    }
    vec![path.to_owned()]
}

/// For `make leaks`: what was written goes to a directory that scanners of others are let loose on, and beside it what they
/// would have found.
fn keep_for_others(from: &[&Path], to: &Path) {
    for path in from.iter().flat_map(|dir| files(dir)) {
        let name = path.to_string_lossy().replace('/', "_");
        std::fs::create_dir_all(to.join("written")).unwrap();
        std::fs::copy(&path, to.join("written").join(name)).unwrap();
    }
    std::fs::create_dir_all(to.join("planted")).unwrap();
    let assigned = planted().map(|secret| format!("api_key = \"{secret}\"\n")).concat();
    std::fs::write(to.join("planted/said.txt"), format!("{}\n{assigned}", said())).unwrap();
}

fn holds_none(what: &str, bytes: &[u8]) {
    for secret in planted() {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{what}: {}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_people_and_callers_say_leaves_no_secret_anywhere() {
    let sidecar = Sidecar::with(&Upstream::start(), "gates: { feed: { ttl: 1h } }");
    let opened = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV2", "title": said() }));
    assert_eq!(opened.status, 201, "{opened:?}");
    holds_none("the answer", &opened.body);
    let id = opened.json()["id"].as_str().unwrap().to_owned();
    let mut done = 0;
    for operation in operations(&id) {
        let answer = ask(&sidecar, &operation);
        done += usize::from(answer.status < 300);
        holds_none(&operation.0, &answer.body);
        holds_none(&operation.0, answer.head.as_bytes());
    }
    assert!(done >= 6, "most of them are operations that are done: {done}");
    // Callers, on all ports: in the path, the query, headers, the key itself and the body.
    for (port, line) in
        [(sidecar.egress, "POST /logs"), (sidecar.egress, "POST /v2/orders"), (sidecar.ingress, "POST /door")]
    {
        let line = format!("{line}/{}?token={}", known(), known());
        let headers = [("x-api-key", known()), ("x-note", said()), ("user-agent", known())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        holds_none(&line, &send(port, &line, &headers, said().as_bytes()).body);
        let strange = format!("GET /nowhere/{} HTTP/9.9{}", known(), known());
        holds_none(&strange, &send(port, &strange, &[], b"").body);
    }
    holds_none("metrics", &send(sidecar.health, "GET /metrics", &[], b"").body);
    holds_none("state", &send(sidecar.admin, "GET /v1/state", &[("x-api-key", ROOT)], b"").body);
    let kept = send(sidecar.admin, &format!("GET /v1/incidents/{id}"), &[("x-api-key", ROOT)], b"");
    let kept = String::from_utf8(kept.body).unwrap();
    assert!(kept.matches("in the ticket").count() >= 3, "what was said is there, without the secrets: {kept}");
    // A bundle is made of all of it, and lies packed below the data directory.
    assert_eq!(sidecar.change("/v1/bundles", ANN, &json!({ "incident": id })).status, 201);
    let (said, dir) = sidecar.ended();
    holds_none("the log", said.as_bytes());
    let data = dir.path().join("data");
    let open = dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    let mut seen = 0;
    for path in files(&data) {
        let mut bytes = std::fs::read(&path).unwrap();
        if path.to_string_lossy().ends_with(".tar.zst") {
            bytes = sekisho::evidence::bundle::unpack(&bytes).unwrap();
            std::fs::write(open.join("bundle.tar"), &bytes).unwrap();
        }
        holds_none(&path.to_string_lossy(), &bytes);
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
    std::fs::write(open.join("log"), said).unwrap();
    if let Some(keep) = std::env::var_os("SEKISHO_TEST_KEEP").map(PathBuf::from) {
        keep_for_others(&[&data, &open], &keep);
    }
    // Our own scanner, told the known secrets and all their encodings. A verifier key is public, and is random all the same.
    let policy = dir.path().join("policy.yaml");
    let scan =
        binary().args(["scan", "--format", "json", "--policy"]).arg(&policy).arg(&data).arg(&open).output().unwrap();
    let report: Value = serde_json::from_slice(&scan.stdout).unwrap();
    assert_eq!(report["findings"], json!([]), "{report:#}");
}
