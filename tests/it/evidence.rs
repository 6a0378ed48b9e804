//! Seed 000 §10, points 4 and 6: after an incident the evidence is complete, and the way back can be read from it.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Answer, send};
use crate::sidecar::{ANN, BOB, DESK, Sidecar};
use crate::upstream::Upstream;

const JSON: (&str, &str) = ("content-type", "application/json");
const ORDER: &[u8] = br#"{"symbol":"BTCUSD","qty":"1","side":"buy","type":"market","time_in_force":"gtc"}"#;

/// Not a secret of anybody: it is made here.
fn digest_key() -> String {
    ["a digest key ", "for tests, long enough"].concat()
}

fn digest(body: &[u8]) -> String {
    let key: [u8; 32] = Sha256::digest(digest_key()).into();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn report(sidecar: &Sidecar, status: &str) -> Answer {
    let headers = [("x-api-key", DESK), JSON];
    send(sidecar.admin, "PUT /v1/gates/feed", &headers, json!({ "status": status }).to_string().as_bytes())
}

/// A sidecar with a gate and a digest key, opened while the gate passes.
fn opened() -> (Sidecar, tempfile::TempDir) {
    let outside = tempfile::tempdir().unwrap();
    let key = outside.path().join("digest");
    std::fs::write(&key, digest_key()).unwrap();
    let more =
        format!("gates: {{ feed: {{ ttl: 1h }} }}\ndetectors: {{ fingerprint_key: \"file:{}\" }}", key.display());
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    assert_eq!(report(&sidecar, "PASS").status, 200);
    sidecar.release_all();
    (sidecar, outside)
}

/// The files of the newest bundle of an incident.
fn bundle(sidecar: &Sidecar, id: &Value) -> sekisho_journal::bundle::Opened {
    let made = sidecar.change("/v1/bundles", ANN, &json!({ "incident": id }));
    assert_eq!(made.status, 201, "{made:?}");
    let packed = std::fs::read(made.json()["path"].as_str().unwrap()).unwrap();
    let archive = sekisho::evidence::bundle::unpack(&packed).unwrap();
    sekisho_journal::bundle::open(&archive).unwrap()
}

#[test]
fn after_an_incident_every_kind_of_evidence_is_there_and_refers_to_the_rest() {
    let (sidecar, _outside) = opened();
    let opened = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV2", "title": "odd orders" })).json();
    let id = &opened["id"];
    let first = send(sidecar.egress, "POST /v2/orders", &[JSON], ORDER);
    assert_eq!(first.status, 200, "{first:?}");
    let decision = first.header("sekisho-decision").map(str::to_owned);
    assert_eq!(report(&sidecar, "FAIL").status, 200);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    let refused = send(sidecar.egress, "POST /v2/orders", &[JSON], ORDER);
    assert_eq!(refused.status, 403, "{refused:?}");
    let opened = bundle(&sidecar, id);
    let text = |path: &str| String::from_utf8(opened.files[path].clone()).unwrap();
    let parsed = |path: &str| serde_json::from_str::<Value>(&text(path)).unwrap();
    assert_eq!(parsed("integrity_report.json")["verdict"], "PASS");
    assert!(text("gates/results.ndjson").contains("\"FAIL\""), "{}", text("gates/results.ndjson"));
    assert!(text("state/transitions.ndjson").contains("\"state.tightened\""));
    assert!(parsed("incident.json")["timeline"].as_array().is_some_and(|timeline| !timeline.is_empty()));
    assert!(text("metrics.prom").contains("sekisho_") && text("policy.yaml").contains("service: test"));
    assert!(opened.files.contains_key("logs/sidecar.ndjson"));
    // What did it see? The request that was let through, and the one that was not, by digest, upstream and number.
    let pointers = parsed("replay_pointers.json");
    let inputs = pointers["inputs"].as_array().unwrap();
    let passed = inputs.iter().find(|input| input["upstream"] == "app").unwrap_or_else(|| panic!("{pointers:#}"));
    assert_eq!((&passed["digest"], &passed["bytes"]), (&json!(digest(ORDER)), &json!(ORDER.len())));
    assert_eq!((&passed["upstream_offset"], &passed["route"]), (&json!(0), &json!("orders")));
    assert!(decision.is_none_or(|decision| passed["decision_id"] == decision));
    assert_eq!(pointers["upstreams"], json!([{ "upstream": "app", "first": 0, "last": 0 }]));
    let stopped = refused.header("sekisho-decision").unwrap();
    assert!(inputs.iter().any(|input| input["decision_id"] == stopped), "{pointers:#}");
    // And each refers to the others.
    assert_eq!(opened.manifest.refs, [format!("incident:{}", id.as_str().unwrap())]);
    let made = sidecar.events("support_bundle.created");
    assert!(made.iter().any(|event| event["refs"][0] == format!("bundle:{}", opened.manifest.id)));
    assert!(text("audit/events.ndjson").contains(id.as_str().unwrap()));
}

#[test]
fn the_way_back_is_on_record_with_both_people_every_stage_and_the_tries_that_failed() {
    let (sidecar, _outside) = opened();
    sidecar.tighten("BLOCK");
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "venue is back" })).json();
    let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
    assert_eq!(sidecar.change("/v1/release/confirm", ANN, &answer).status, 409, "not by the same person");
    sidecar.release_all();
    let events = |kind: &str| sidecar.events(kind);
    sidecar.until("all of it is sealed", |_| !events("security.access.denied").is_empty());
    let asked = events("state.release.proposed");
    assert!(
        asked.iter().any(|event| event["user"] == "ann" && event["inputs"]["reason"] == "venue is back"),
        "{asked:?}"
    );
    let denied = events("security.access.denied");
    assert!(denied.iter().any(|event| event["action"] == "release.confirm" && event["user"] == "ann"), "{denied:?}");
    let released = events("state.released");
    let steps: Vec<(&str, &str)> = released
        .iter()
        .rev()
        .take(2)
        .map(|event| (event["outputs"]["before"].as_str().unwrap(), event["outputs"]["after"].as_str().unwrap()))
        .collect();
    assert!(steps[1].0.starts_with("BLOCK") && steps[1].1.starts_with("CLOSE_ONLY"), "{steps:?}");
    assert!(steps[0].0.starts_with("CLOSE_ONLY") && steps[0].1.starts_with("ALLOW"), "{steps:?}");
    let by = released.last().unwrap()["user"].as_str().unwrap().to_owned();
    assert!(by.contains("ann") && by.contains("bob"), "{by}");
    // Nothing of it can be taken back: the whole is signed, and verifies.
    let incident = sidecar.change("/v1/incidents", BOB, &json!({ "severity": "SEV3", "title": "afterwards" })).json();
    let opened = bundle(&sidecar, &incident["id"]);
    let report: Value = serde_json::from_slice(&opened.files["integrity_report.json"]).unwrap();
    assert_eq!(report["verdict"], "PASS", "{report}");
}
