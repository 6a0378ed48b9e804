//! What is counted and timed of every answer, and the line that the access log has of it.

use std::path::Path;

use serde_json::Value;

use crate::client::{send, try_send};
use crate::sidecar::{Sidecar, known, masked_known};
use crate::upstream::Upstream;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The value of a series that is told of.
pub(crate) fn told(sidecar: &Sidecar, series: &str) -> Option<f64> {
    let text = String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap();
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[test]
fn every_answer_is_counted_and_timed() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    for _ in 0..3 {
        assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
    }
    assert_eq!(send(sidecar.ingress, "GET /door", &[], b"").status, 401);
    assert_eq!(send(sidecar.ingress, "GET /nowhere", &[], b"").status, 404);
    for (series, value) in [
        (r#"sekisho_answers_total{class="2xx",route="plain"}"#, 3.0),
        (r#"sekisho_answers_total{class="4xx",route="door"}"#, 1.0),
        (r#"sekisho_added_seconds_count{route="plain"}"#, 3.0),
        (r#"sekisho_added_seconds_count{route="door"}"#, 1.0),
        // Nobody asked it for what was refused.
        (r#"sekisho_upstream_seconds_count{upstream="app"}"#, 3.0),
    ] {
        assert_eq!(told(&sidecar, series), Some(value), "{series}");
    }
    let text = String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap();
    assert!(!text.contains("nowhere\""), "what a stranger writes is no label: {text}");
}

#[test]
fn the_wait_for_an_upstream_is_its_own() {
    // Longer than the largest bucket of what the sidecar may take but one.
    let slow = Upstream::answering(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(300));
        hyper::Response::default()
    });
    let sidecar = Sidecar::blocked(&slow);
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
    let waited = told(&sidecar, r#"sekisho_upstream_seconds_sum{upstream="app"}"#).unwrap();
    assert!(waited >= 0.25, "{waited}");
    let (waited, both) = (told(&sidecar, r#"sekisho_upstream_seconds_bucket{upstream="app",le="0.25"}"#), waited);
    assert_eq!(waited, Some(0.0), "{both}");
}

/// A sidecar whose access log is in `dir`.
fn logging(app: &Upstream, dir: &Path) -> Sidecar {
    Sidecar::with(app, &format!("telemetry: {{ access_log: '{}/access.log' }}", dir.display()))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn an_answer_is_a_line_without_secrets() {
    let (dir, app) = (tempfile::tempdir().unwrap(), Upstream::start());
    let sidecar = logging(&app, dir.path());
    let answer = send(sidecar.ingress, "GET /plain/one?card=4111111111111111", &[("traceparent", PARENT)], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(send(sidecar.ingress, &format!("GET /plain/{}", known()), &[], b"").status, 200);
    let refused = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], b"{}");
    assert!(refused.status < 500 && refused.status >= 400, "{refused:?}");
    let decision = refused.header("sekisho-decision").unwrap().to_owned();
    let path = dir.path().join("access.log");
    sidecar.until("three lines", |_| lines(&path).len() == 3);
    let told = lines(&path);
    let first = &told[0];
    for (field, value) in [
        ("route", "plain"),
        ("upstream", "app"),
        ("method", "GET"),
        ("path", "/plain/one"),
        ("trace_id", TRACE),
        ("decision", answer.header("sekisho-decision").unwrap()),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }
    assert_eq!((&first["status"], &first["sent"], &first["whole"]), (&200.into(), &3.into(), &true.into()), "{first}");
    let micros = |field: &str| first[field].as_u64().unwrap();
    assert!(micros("took_us") >= micros("upstream_us"), "{first}");
    assert_eq!(first["peer"], "127.0.xxx.xxx", "a network, no address");
    assert_eq!(told[1]["path"], format!("/plain/{}", masked_known()));
    assert_eq!(told[1].get("trace_id"), None);
    assert_eq!((&told[2]["decision"], &told[2]["route"]), (&decision.into(), &"orders".into()));
    assert_eq!(told[2].get("upstream_us"), None, "nobody asked it");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&known()) && !text.contains("4111"), "{text}");
}

#[test]
fn an_answer_that_broke_off_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let app = Upstream::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec());
    let sidecar = logging(&app, dir.path());
    // What the client sees of it is another test's.
    let _cut = try_send(sidecar.ingress, "GET /plain", &[], b"");
    let path = dir.path().join("access.log");
    sidecar.until("a line", |_| lines(&path).len() == 1);
    let line = &lines(&path)[0];
    assert_eq!((&line["status"], &line["sent"], &line["whole"]), (&200.into(), &4.into(), &false.into()), "{line}");
}

#[test]
fn a_log_that_is_moved_away_goes_on_under_its_name_and_ends_with_the_process() {
    let (dir, app) = (tempfile::tempdir().unwrap(), Upstream::start());
    let sidecar = logging(&app, dir.path());
    let (path, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
    let get = || assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
    get();
    sidecar.until("a line", |_| lines(&path).len() == 1);
    std::fs::rename(&path, &moved).unwrap();
    let mut sent = 1;
    sidecar.until("a new file", |_| {
        get();
        sent += 1;
        path.exists()
    });
    // Those that waited are written before it ends.
    let (code, _dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    assert_eq!(lines(&path).len() + lines(&moved).len(), sent);
}

#[test]
fn a_log_may_be_the_output_and_one_that_cannot_be_is_a_clear_error() {
    let app = Upstream::start();
    let sidecar = Sidecar::with(&app, "telemetry: { access_log: /dev/stdout }");
    let answer = send(sidecar.ingress, "GET /plain", &[], b"");
    let (said, _dir) = sidecar.ended();
    let line = said.lines().find(|line| line.contains(answer.header("sekisho-decision").unwrap())).unwrap();
    assert_eq!(serde_json::from_str::<Value>(line).unwrap()["route"], "plain");

    let dir = tempfile::tempdir().unwrap();
    let (_, home) = Sidecar::blocked(&app).stop();
    let policy = home.path().join("policy.yaml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let wrong = dir.path().join("none/access.log");
    std::fs::write(&policy, format!("{text}telemetry: {{ access_log: '{}' }}\n", wrong.display())).unwrap();
    let output = crate::sidecar::binary().arg("run").arg("--policy").arg(&policy).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("telemetry.access_log: cannot write to"), "{error}");
}

#[test]
fn the_journal_knows_the_trace_of_what_it_records() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let headers = [("content-type", "application/json"), ("traceparent", PARENT)];
    let refused = send(sidecar.egress, "POST /v2/orders", &headers, b"{\"symbol\":\"A\",\"side\":\"buy\",\"qty\":1}");
    let decision = refused.header("sekisho-decision").unwrap();
    sidecar.until("it is recorded", |sidecar| {
        sidecar
            .events("security.access.denied")
            .iter()
            .any(|event| event["decision_id"] == decision && event["trace_id"] == TRACE)
    });
}
