//! The drill, and why something was decided.

use serde_json::{Value, json};

use crate::client::send;
use crate::sidecar::{ANN, DESK, ROOT, Sidecar, binary, known};
use crate::upstream::Upstream;

fn drill(sidecar: &Sidecar) -> Value {
    sidecar.change("/v1/drill", ANN, &json!({})).json()
}

#[test]
fn a_drill_goes_through_every_route_and_reaches_nobody() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    assert_eq!(sidecar.change("/v1/drill", DESK, &json!({})).code(), "forbidden");
    let told = drill(&sidecar);
    assert_eq!(told["passed"], true, "{told:#}");
    let seen = |route: &str| -> Vec<String> {
        let checks = told["checks"].as_array().unwrap().iter().filter(|check| check["route"] == route);
        checks.map(|check| check["control"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(seen("door"), ["a caller without a key is refused"]);
    assert_eq!(seen("export"), ["a secret that is answered is masked or refused"]);
    assert_eq!(seen("logs"), ["a secret that is sent is masked or refused"]);
    assert_eq!(seen("orders"), ["an order is refused in BLOCK"]);
    assert_eq!((upstream.count(), sidecar.posture().as_str()), (0, "ALLOW"));
    sidecar.until("it is recorded", |sidecar| sidecar.events("operation").iter().any(|one| one["action"] == "drill"));
    assert!(sidecar.events("security.secret.guard.triggered").is_empty(), "a drill is no traffic");
}

#[test]
fn a_control_that_does_not_bite_is_said_loudly_and_tightens() {
    let more = "detectors: { default_action: alert }\ndrill: { level: BLOCK, incident: SEV0 }";
    let sidecar = Sidecar::with(&Upstream::start(), more);
    sidecar.release_all();
    let told = sidecar.cli(ANN, &["drill"]);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(String::from_utf8_lossy(&told.stdout).contains("FAIL logs: a secret that is sent"), "{told:?}");
    sidecar.until("it tightens", |sidecar| sidecar.posture() == "BLOCK");
    sidecar.until("and is an incident", |sidecar| {
        let incident = sidecar.look("/v1/incidents").json()["incidents"][0].clone();
        (&incident["rule"], &incident["severity"]) == (&json!("drill"), &json!("SEV0"))
    });
}

#[test]
fn a_drill_may_come_by_itself() {
    let sidecar = Sidecar::with(
        &Upstream::start(),
        "detectors: { default_action: alert }\ndrill: { every: 1h, level: EMERGENCY_STOP }",
    );
    sidecar.until("the first comes at the start", |sidecar| sidecar.posture() == "EMERGENCY_STOP");
    let sidecar = Sidecar::with(&Upstream::start(), "drill: { every: 1s, level: EMERGENCY_STOP }");
    sidecar.until("and it comes again", |sidecar| {
        sidecar.events("operation").iter().filter(|one| one["action"] == "drill" && one["result"] == "success").count()
            > 1
    });
    assert_eq!(sidecar.posture(), "BLOCK", "as it started");
}

#[test]
fn a_decision_is_explained_with_what_was_in_force() {
    let sidecar = Sidecar::open(&Upstream::start());
    sidecar.tighten("CLOSE_ONLY");
    let body = br#"{"symbol":"A","side":"buy","type":"market","qty":"1"}"#;
    let refused = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], body);
    let id = refused.header("sekisho-decision").unwrap().to_owned();
    sidecar.tighten("BLOCK");
    let explained = || sidecar.look(&format!("/v1/decisions/{id}"));
    sidecar.until("it is recorded", |_| explained().status == 200);
    let told = explained().json();
    assert_eq!(
        (&told["rule"]["code"], &told["rule"]["runbook"]),
        (&json!("order_refused"), &json!("docs/runbooks/order_refused.md"))
    );
    assert_eq!(told["policy_hash"], sidecar.state()["policy_hash"], "{told:#}");
    assert_eq!(told["state"]["outputs"]["after"], "CLOSE_ONLY NORMAL OK", "what was in force then, not now");
    let text = String::from_utf8(sidecar.cli(ROOT, &["explain", &id]).stdout).unwrap();
    assert!(text.starts_with(&format!("{id}: order_refused\n")) && text.contains("state fleet CLOSE_ONLY"), "{text}");
    let leak = send(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], known().as_bytes());
    let id = leak.header("sekisho-decision").unwrap().to_owned();
    sidecar.until("a find is explained too", |sidecar| {
        let told = sidecar.look(&format!("/v1/decisions/{id}"));
        told.status == 200
            && told.json()["rule"]["code"] == "found known:known"
            && !String::from_utf8_lossy(&told.body).contains(&known())
    });
    for unknown in ["0000000000000000-1", "..%2fsafety", ""] {
        assert_eq!(sidecar.look(&format!("/v1/decisions/{unknown}")).status, 404);
    }
    assert_eq!(send(sidecar.admin, &format!("GET /v1/decisions/{id}"), &[], b"").status, 401);
}

#[test]
fn failure_modes_are_listed() {
    let listed = binary().args(["failmodes", "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let sidecar = Sidecar::blocked(&Upstream::start());
    assert_eq!(told, send(sidecar.admin, "GET /v1/failmodes", &[], b"").json());
    assert!(told["failmodes"].as_array().unwrap().len() > 20);
}
