//! Incidents: opened, worked through, closed, and there after a crash.

use serde_json::{Value, json};

use crate::client::send;
use crate::sidecar::{ANN, BOB, DESK, Sidecar};
use crate::upstream::Upstream;

fn open(sidecar: &Sidecar, severity: &str) -> Value {
    let asked = json!({ "severity": severity, "title": "odd orders", "refs": ["journal:3"] });
    let opened = sidecar.change("/v1/incidents", ANN, &asked);
    assert_eq!(opened.status, 201, "{opened:?}");
    opened.json()
}

fn show(sidecar: &Sidecar, id: &str) -> Value {
    sidecar.look(&format!("/v1/incidents/{id}")).json()
}

#[test]
fn an_incident_is_worked_through_by_people_and_recorded() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let id = open(&sidecar, "SEV2")["id"].as_str().unwrap().to_owned();
    let change = |action: &str, body: &Value| sidecar.change(&format!("/v1/incidents/{id}/{action}"), BOB, body);
    let review = json!({ "cause": "a", "impact": "b", "resolution": "c", "follow_up": "d" });
    assert_eq!(change("note", &json!({ "text": "seen", "refs": ["journal:4"] })).status, 200);
    assert_eq!(change("step", &json!({ "to": "review" })).code(), "incident_refused", "one step at a time");
    for step in ["contain", "investigate", "eradicate", "recover", "review"] {
        assert_eq!(change("close", &review).code(), "incident_refused", "{step}");
        assert_eq!(change("step", &json!({ "to": step, "text": "done" })).status, 200, "{step}");
    }
    let hollow = json!({ "cause": "a", "impact": "b", "resolution": "c", "follow_up": "" });
    assert_eq!(change("close", &hollow).code(), "incident_refused");
    assert_eq!(change("close", &review).status, 200);
    assert_eq!(change("note", &json!({ "text": "late" })).code(), "incident_refused");
    sidecar.until("each change is a record", |sidecar| sidecar.events("security.incident.updated").len() == 6);
    let closed = sidecar.events("security.incident.closed");
    assert_eq!((closed.len(), &closed[0]["refs"][0], &closed[0]["user"]), (1, &json!(id), &json!("bob")));
    assert_eq!(sidecar.events("security.incident.opened")[0]["refs"], json!([id, "journal:3"]));
}

#[test]
fn only_those_who_may_and_what_is_not_there_is_not_found() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let asked = json!({ "severity": "SEV3", "title": "x" });
    assert_eq!(sidecar.change("/v1/incidents", DESK, &asked).code(), "forbidden");
    assert_eq!(sidecar.change("/v1/incidents", "sekisho_ann_wrong", &asked).status, 401);
    assert_eq!(sidecar.change("/v1/incidents/inc-000009/note", ANN, &json!({ "text": "x" })).status, 404);
    assert_eq!(sidecar.look("/v1/incidents/..%2fsafety").status, 404);
    for path in ["/v1/incidents", "/v1/incidents/inc-000001"] {
        let read = |headers: &[(&str, &str)]| send(sidecar.admin, &format!("GET {path}"), headers, b"").code();
        assert_eq!((read(&[]), read(&[("x-api-key", DESK)])), ("unauthenticated".into(), "forbidden".into()), "{path}");
    }
    assert_eq!(sidecar.look("/v1/incidents").json()["incidents"], json!([]));
}

#[test]
fn sev0_contains_first() {
    let sidecar = Sidecar::open(&Upstream::start());
    let mild = open(&sidecar, "SEV1")["id"].as_str().unwrap().to_owned();
    assert_eq!(sidecar.posture(), "ALLOW", "less than that does not");
    open(&sidecar, "SEV0");
    assert_eq!(sidecar.posture(), "BLOCK");
    sidecar.release_all();
    assert_eq!(sidecar.change(&format!("/v1/incidents/{mild}/severity"), ANN, &json!({ "to": "SEV0" })).status, 200);
    assert_eq!(sidecar.posture(), "BLOCK", "nor does it matter how it became one");
    sidecar.until("and says so", |sidecar| sidecar.events("security.containment.applied").len() == 2);
}

#[test]
fn incidents_survive_kill_9_and_a_torn_one_is_an_incident() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let id = open(&sidecar, "SEV2")["id"].as_str().unwrap().to_owned();
    let noted = sidecar.change(&format!("/v1/incidents/{id}/note"), BOB, &json!({ "text": "kept" }));
    assert_eq!(noted.status, 200);
    let sidecar = Sidecar::on(sidecar.kill());
    let kept = show(&sidecar, &id);
    assert_eq!((&kept["timeline"][1]["text"], &kept["timeline"][1]["by"]), (&json!("kept"), &json!("bob")));
    let dir = sidecar.kill();
    let path = dir.path().join("data/incidents").join(&id);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let sidecar = Sidecar::on(dir);
    let torn = show(&sidecar, &id);
    assert_eq!((&torn["severity"], &torn["step"]), (&json!("SEV1"), &json!("detect")), "{torn}");
    let next = open(&sidecar, "SEV3")["id"].as_str().unwrap().to_owned();
    assert_ne!(next, id, "no name is used twice");
}

#[test]
fn the_cli_does_what_the_api_does() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let run = |key: &str, args: &[&str]| {
        let output = sidecar.cli(key, args);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(ANN, &["incident", "open", "--severity", "SEV2", "--ref", "journal:1", "slow disk"]);
    assert_eq!((code, text.as_str()), (Some(0), "inc-000001 SEV2 detect fleet: slow disk\n"));
    assert_eq!(run(ANN, &["incident", "note", "inc-000001", "replaced"]).0, Some(0));
    assert_eq!(run(ANN, &["incident", "step", "inc-000001", "recover"]).0, Some(1));
    assert_eq!(run(DESK, &["incident", "severity", "inc-000001", "SEV1"]).0, Some(1));
    for step in ["contain", "investigate", "eradicate", "recover", "review"] {
        assert_eq!(run(BOB, &["incident", "step", "inc-000001", step]).0, Some(0));
    }
    let (_, shown) = run(ANN, &["incident", "show", "inc-000001"]);
    assert!(shown.contains("opened    ann: slow disk [journal:1]") && shown.contains("ann: replaced"), "{shown}");
    let close = ["--cause", "old", "--impact", "none", "--resolution", "new one", "--follow-up", "watch"];
    let close: Vec<&str> = ["incident", "close", "inc-000001"].into_iter().chain(close).collect();
    assert_eq!(run(BOB, &close).0, Some(0));
    assert_eq!(run(ANN, &["incident", "list"]).1, "inc-000001 SEV2 closed fleet: slow disk\n");
}
