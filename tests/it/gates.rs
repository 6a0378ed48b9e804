//! Gates: who is silent is UNKNOWN, and UNKNOWN is at least SAFE.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::Response;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use crate::client::{Answer, send};
use crate::sidecar::{ANN, BOB, DESK, Sidecar, binary};
use crate::upstream::Upstream;

fn report(sidecar: &Sidecar, key: &str, status: &str) -> Answer {
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    let body = json!({ "status": status, "evidence": "run 7" }).to_string();
    send(sidecar.admin, "PUT /v1/gates/feed", &headers, body.as_bytes())
}

/// Started, and opened while the gate passes.
fn open(more: &str) -> Sidecar {
    let sidecar = Sidecar::with(&Upstream::start(), more);
    assert_eq!(report(&sidecar, DESK, "PASS").status, 200);
    sidecar.release_all();
    sidecar
}

/// A process that reports a passing gate again and again, and can be stopped as a process is that hangs.
struct Reporter(Child);

impl Reporter {
    fn start(sidecar: &Sidecar) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while :; do \"$0\" gate report feed PASS; sleep 0.1; done"]).arg(binary().get_program());
        shell.env("SEKISHO_ADMIN", sidecar.admin.to_string()).env("SEKISHO_API_KEY", DESK).process_group(0);
        Self(shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// To it, and to what it runs.
    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(self.0.id().cast_signed()).unwrap();
        kill_process_group(group, signal).unwrap();
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.0.wait().unwrap();
    }
}

#[test]
fn a_reporter_that_falls_silent_is_unknown_and_safe() {
    let sidecar = Sidecar::with(&Upstream::start(), "gates: { feed: { ttl: 5s } }");
    let gate = |sidecar: &Sidecar| sidecar.look("/v1/gates").json()["gates"][0]["status"].clone();
    let reporter = Reporter::start(&sidecar);
    sidecar.until("it reports", |sidecar| gate(sidecar) == "PASS");
    sidecar.release_all();
    assert_eq!(sidecar.posture(), "ALLOW");
    reporter.signal(Signal::STOP);
    sidecar.until("silence tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    let level = sidecar.state()["level"].clone();
    assert_eq!((&level["mode"], &level["health"]), (&json!("SAFE"), &json!("UNKNOWN")));
    sidecar.until("it is recorded", |sidecar| {
        sidecar.events("gate.record").iter().any(|event| event["outputs"]["status"] == "UNKNOWN")
    });
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
    assert_eq!(proposed.code(), "preconditions_failed", "a gate that does not pass keeps it so");
    assert!(proposed.json()["title"].as_str().unwrap().contains("feed is UNKNOWN"), "{proposed:?}");
    reporter.signal(Signal::CONT);
    sidecar.until("it reports again", |sidecar| gate(sidecar) == "PASS");
    assert_eq!(sidecar.posture(), "CLOSE_ONLY", "and passing again loosens nothing by itself");
    sidecar.release();
}

#[test]
fn one_fail_is_a_blip_and_two_in_a_row_are_not() {
    let sidecar = open("gates: { feed: { ttl: 1h, fail: BLOCK } }");
    for status in ["FAIL", "PASS", "FAIL"] {
        assert_eq!(report(&sidecar, DESK, status).status, 200);
        assert_eq!(sidecar.posture(), "ALLOW");
    }
    assert_eq!(report(&sidecar, DESK, "FAIL").json()["fails"], 2);
    sidecar.until("the second one tightens", |sidecar| sidecar.posture() == "BLOCK");
    sidecar.until("and is an incident", |sidecar| {
        let incident = sidecar.look("/v1/incidents").json()["incidents"][0].clone();
        (&incident["rule"], &incident["severity"]) == (&json!("gate.feed"), &json!("SEV2"))
    });
}

#[test]
fn gates_are_those_that_policy_knows_and_reports_need_a_key() {
    let sidecar = open("gates: { feed: { ttl: 1h } }");
    assert_eq!(report(&sidecar, "sekisho_desk_wrong", "PASS").status, 401);
    assert_eq!(send(sidecar.admin, "GET /v1/gates", &[], b"").status, 401, "and so does reading them");
    assert_eq!(report(&sidecar, DESK, "FINE").status, 400);
    let headers = [("x-api-key", DESK), ("content-type", "application/json")];
    assert_eq!(send(sidecar.admin, "PUT /v1/gates/other", &headers, b"{\"status\":\"PASS\"}").status, 404);
    let told = sidecar.cli(DESK, &["gate", "report", "feed", "FAIL"]);
    assert_eq!(String::from_utf8_lossy(&told.stdout), "feed: FAIL\n");
    let listed = sidecar.cli(DESK, &["gate", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).starts_with("feed FAIL fleet for 35"), "{listed:?}");
}

#[test]
fn a_gate_may_be_asked_instead() {
    let monitor = Upstream::start();
    let more = format!("gates: {{ feed: {{ ttl: 1s, probe: \"http://{}/healthy\" }} }}", monitor.address);
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    let passes = |sidecar: &Sidecar| sidecar.look("/v1/gates").json()["gates"][0]["status"] == "PASS";
    sidecar.until("it is asked", passes);
    assert!(monitor.count() > 0);
}

/// What a Prometheus server says an expression comes to.
fn vector(values: &[&str]) -> String {
    let sample = |value: &&str| format!(r#"{{"metric":{{"job":"feed"}},"value":[1435781451.781,"{value}"]}}"#);
    let samples = values.iter().map(sample).collect::<Vec<_>>().join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{samples}]}}}}"#)
}

#[test]
fn a_prometheus_server_may_be_asked_and_its_silence_is_no_health() {
    let said = Arc::new(Mutex::new(vector(&["1"])));
    let saying = Arc::clone(&said);
    let monitor = Upstream::answering(move |_| Response::new(Full::new(saying.lock().unwrap().clone().into())));
    let more = format!(
        "gates: {{ feed: {{ ttl: 3s, block_after: 9s, probe: \"http://{}\", query: 'up{{job=\"feed\"}} == 1' }} }}",
        monitor.address
    );
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    let status = |sidecar: &Sidecar| sidecar.look("/v1/gates").json()["gates"][0]["status"].clone();
    sidecar.until("it is asked", |sidecar| status(sidecar) == "PASS");
    assert_eq!(monitor.take()[0].line, "GET /api/v1/query?query=up%7Bjob%3D%22feed%22%7D%20%3D%3D%201");
    sidecar.release_all();
    *said.lock().unwrap() = vector(&[]);
    sidecar.until("an expression without a result fails", |sidecar| status(sidecar) == "FAIL");
    sidecar.until("and goes on failing", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    assert_eq!(sidecar.state()["level"]["health"], "OK", "it was asked, and it answered");
    *said.lock().unwrap() = r#"{"status":"error","errorType":"timeout"}"#.to_owned();
    sidecar.until("no result is silence", |sidecar| sidecar.state()["level"]["health"] == "UNKNOWN");
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
    sidecar.until("and a long one is BLOCK", |sidecar| sidecar.posture() == "BLOCK");
}

#[test]
fn a_stage_is_stayed_in_and_the_plan_says_what_is_missing() {
    let sidecar = Sidecar::with(&Upstream::start(), "safety: { min_stay: 1h }");
    let plan = sidecar.change("/v1/release/plan", ANN, &json!({})).json();
    assert_eq!((&plan["from"]["switch"], &plan["target"]["switch"]), (&json!("BLOCK"), &json!("CLOSE_ONLY")));
    assert_eq!(plan["sources"][0]["source"], "unverified");
    let missing: Vec<_> = plan["preconditions"].as_array().unwrap().iter().filter(|one| one["met"] == false).collect();
    assert_eq!((missing.len(), &missing[0]["name"]), (1, &json!("min_stay")), "{plan}");
    let told = sidecar.cli(ANN, &["release", "plan"]);
    let text = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.starts_with("fleet: BLOCK NORMAL OK to CLOSE_ONLY NORMAL OK\n"), "{text}");
    assert!(
        text.contains("  FAIL this stage is stayed in for 3") && text.contains("  ok   every gate passes"),
        "{text}"
    );
    let ask = |body| sidecar.change("/v1/release/propose", ANN, &body);
    assert_eq!(ask(json!({ "reason": "test" })).code(), "preconditions_failed");
    assert_eq!(sidecar.posture(), "BLOCK");
}

#[test]
fn an_emergency_release_takes_two_people_is_loud_and_ends() {
    let sidecar = Sidecar::with(&Upstream::start(), "safety: { min_stay: 1h }");
    let glass = |seconds: u64| {
        let asked = json!({ "reason": "flatten by hand", "emergency_s": seconds });
        let proposed = sidecar.change("/v1/release/propose", ANN, &asked).json();
        let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
        assert_eq!(sidecar.change("/v1/release/confirm", ANN, &answer).status, 409, "never alone");
        sidecar.change("/v1/release/confirm", BOB, &answer).status
    };
    assert_eq!(glass(2), 200);
    sidecar.until("it ends by itself", |sidecar| sidecar.posture() == "BLOCK" && sidecar.state()["stored"] == true);
    sidecar.until("it was loud", |sidecar| {
        let alerts = sidecar.events("security.alert.raised");
        alerts.iter().any(|event| event["action"] == "break_glass" && event["severity"] == "critical")
    });
    assert_eq!(glass(3600), 200);
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
    assert_eq!(Sidecar::on(sidecar.kill()).posture(), "BLOCK", "a restart ends it too");
}

#[test]
fn wrong_answers_are_counted_like_wrong_keys() {
    let sidecar = Sidecar::with(&Upstream::start(), "auth_failures: { per_pair: 3, lockout: 30s }");
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" })).json();
    let wrong = json!({ "id": proposed["challenge"]["id"], "code": "00000-00000" });
    let statuses: Vec<u16> = (0..5).map(|_| sidecar.change("/v1/release/confirm", BOB, &wrong).status).collect();
    assert_eq!(statuses, [409, 409, 409, 429, 429], "the one who guesses has to wait");
}
