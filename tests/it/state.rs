//! The safety state: how it tightens, how it loosens, and what survives.

use serde_json::json;

use crate::client::send;
use crate::sidecar::{ANN, ANN_TOO, BOB, DESK, Sidecar};
use crate::upstream::Upstream;

#[test]
fn a_first_start_is_block_and_not_ready() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    assert_eq!(sidecar.posture(), "BLOCK");
    assert_eq!(send(sidecar.health, "GET /livez", &[], b"").status, 200);
    let ready = send(sidecar.health, "GET /readyz?verbose", &[], b"");
    assert_eq!(ready.status, 503);
    assert!(String::from_utf8_lossy(&ready.body).contains("[-] state_verified"), "{ready:?}");
    sidecar.release_all();
    assert_eq!(send(sidecar.health, "GET /readyz", &[], b"").status, 200);
}

#[test]
fn kill_9_in_block_and_it_is_still_block() {
    let upstream = Upstream::start();
    let mut sidecar = Sidecar::open(&upstream);
    for round in 0..3 {
        assert_eq!(sidecar.tighten("BLOCK").status, 200);
        sidecar = Sidecar::on(sidecar.kill());
        assert_eq!(sidecar.posture(), "BLOCK", "round {round}");
        assert!(sidecar.state()["unverified_at_start"].is_null(), "it was read, not guessed");
        sidecar.release_all();
        sidecar = Sidecar::on(sidecar.kill());
        assert_eq!(sidecar.posture(), "ALLOW", "what two people released stays released");
    }
}

#[test]
fn a_torn_or_missing_state_is_block() {
    let sidecar = Sidecar::open(&Upstream::start());
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    let path = dir.path().join("data/safety/state.a");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let sidecar = Sidecar::on(dir);
    assert_eq!(sidecar.posture(), "BLOCK");
    let dir = sidecar.kill();
    std::fs::remove_dir_all(dir.path().join("data/safety")).unwrap();
    assert_eq!(Sidecar::on(dir).posture(), "BLOCK");
}

#[test]
fn a_state_put_back_from_an_earlier_day_is_block() {
    let (_, dir) = Sidecar::open(&Upstream::start()).stop();
    let copies = ["a", "b"].map(|copy| dir.path().join(format!("data/safety/state.{copy}")));
    let early = copies.clone().map(|path| std::fs::read(path).unwrap());
    let sidecar = Sidecar::on(dir);
    assert_eq!(sidecar.posture(), "ALLOW");
    assert_eq!(sidecar.tighten("CLOSE_ONLY").status, 200);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    let (_, dir) = sidecar.stop();
    for (path, bytes) in copies.iter().zip(early) {
        std::fs::write(path, bytes).unwrap();
    }
    let sidecar = Sidecar::on(dir);
    assert_eq!(sidecar.posture(), "BLOCK", "both copies are sound, and of ALLOW");
    assert!(sidecar.state()["unverified_at_start"].as_str().unwrap().contains("journal"));
    sidecar.release_all();
    assert_eq!(Sidecar::on(sidecar.stop().1).posture(), "ALLOW", "what people release anew is believed again");
}

#[test]
fn a_release_takes_two_people_one_stage_at_a_time() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let propose = |key: &str, body| sidecar.change("/v1/release/propose", key, &body);
    let two_stages = json!({ "reason": "test", "target": { "switch": "ALLOW", "mode": "NORMAL", "health": "OK" } });
    assert_eq!(propose(ANN, two_stages).code(), "release_refused");
    assert_eq!(propose(DESK, json!({ "reason": "test" })).status, 403, "a service is no operator");
    assert_eq!(propose("sekisho_ann_wrong", json!({ "reason": "test" })).status, 401);
    let proposed = propose(ANN, json!({ "reason": "test" })).json();
    let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
    for key in [ANN, ANN_TOO] {
        let alone = sidecar.change("/v1/release/confirm", key, &answer);
        assert_eq!((alone.status, alone.code()), (409, "release_refused".to_owned()), "{key}");
    }
    let wrong = json!({ "id": proposed["challenge"]["id"], "code": "00000-00000" });
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &wrong).status, 409);
    assert_eq!(sidecar.posture(), "BLOCK");
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &answer).status, 200);
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &answer).status, 409, "a challenge is spent once");
    assert_eq!(sidecar.events("state.released").len(), 1);
}

#[test]
fn a_tightening_between_the_two_steps_ends_the_release() {
    let sidecar = Sidecar::open(&Upstream::start());
    sidecar.tighten("CLOSE_ONLY");
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" })).json();
    sidecar.signal("USR1");
    sidecar.until("SIGUSR1 tightens", |sidecar| sidecar.posture() == "BLOCK");
    let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &answer).code(), "release_refused");
    assert_eq!(sidecar.posture(), "BLOCK");
}

#[test]
fn who_asks_is_recorded_even_when_nothing_changes() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    assert_eq!(sidecar.tighten("CLOSE_ONLY").status, 200);
    sidecar.until("a tightening to what is in force is recorded", |sidecar| {
        sidecar.events("state.tightened").iter().any(|event| event["user"] == "ann")
    });
    assert_eq!(sidecar.change("/v1/release/propose", DESK, &json!({ "reason": "test" })).code(), "forbidden");
    sidecar.until("a refusal at the admin door is recorded", |sidecar| {
        sidecar.events("security.access.denied").iter().any(|event| event["user"] == "desk")
    });
}

#[test]
fn sigusr1_tightens_and_never_toggles() {
    let sidecar = Sidecar::open(&Upstream::start());
    for _ in 0..2 {
        sidecar.signal("USR1");
        sidecar.until("SIGUSR1 tightens", |sidecar| sidecar.posture() == "BLOCK");
    }
    // It acts first; only what is told to be stored survives a crash.
    sidecar.until("it is stored", |sidecar| sidecar.state()["stored"] == true);
    let dir = sidecar.kill();
    assert_eq!(Sidecar::on(dir).posture(), "BLOCK");
}

#[test]
fn the_sentinel_file_tightens_and_its_removal_does_not_loosen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("halt");
    let more = format!("safety: {{ min_stay: 0s, sentinel: \"{}\", sentinel_interval: 100ms }}", path.display());
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    sidecar.release_all();
    std::fs::write(&path, "CLOSE_ONLY\n").unwrap();
    sidecar.until("the file tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    std::fs::write(&path, "").unwrap();
    sidecar.until("an empty file is BLOCK", |sidecar| sidecar.posture() == "BLOCK");
    std::fs::remove_file(&path).unwrap();
    sidecar.release();
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
}

#[test]
fn the_cli_tightens_and_releases() {
    let sidecar = Sidecar::open(&Upstream::start());
    let text = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let tightened = sidecar.cli(ANN, &["tighten", "BLOCK", "--reason", "drill"]);
    assert_eq!(tightened.status.code(), Some(0), "{tightened:?}");
    let status = sidecar.cli(ANN, &["status"]);
    assert!(text(&status).starts_with("BLOCK (scope fleet, epoch 2)"), "{}", text(&status));
    let proposed = sidecar.cli(ANN, &["release", "propose", "--reason", "over"]);
    let line = text(&proposed).lines().last().unwrap().trim().to_owned();
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let alone = sidecar.cli(ANN, &words);
    assert_eq!(alone.status.code(), Some(1), "{alone:?}");
    let confirmed = sidecar.cli(BOB, &words);
    assert_eq!(confirmed.status.code(), Some(0), "{confirmed:?}");
    assert_eq!(text(&confirmed).trim(), "fleet: CLOSE_ONLY NORMAL (epoch 3)");
    let json = sidecar.cli(ANN, &["status", "--json"]);
    let state: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(state["posture"], "CLOSE_ONLY");
}

#[test]
fn nothing_is_loosened_while_the_journal_cannot_verify() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let segment = sidecar.data().join("journal/segments/000000000000.ndjson");
    let sealed = |sidecar: &Sidecar| sidecar.state()["journal"]["sealed_records"] != 0;
    // What is sealed first need not be the start: on a busy machine that comes in a later group.
    let started = || std::fs::read_to_string(&segment).is_ok_and(|text| text.contains("\"start\""));
    sidecar.until("the start is sealed", |sidecar| sealed(sidecar) && started());
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("start", "stars", 1)).unwrap();
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
    assert_eq!((proposed.status, proposed.code()), (503, "evidence_unavailable".to_owned()));
    assert_eq!(sidecar.tighten("BLOCK").status, 200, "tightening never waits for evidence");
}

#[test]
fn the_admin_port_is_for_this_machine() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let rebound = b"GET /v1/state HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert_eq!(crate::client::raw(sidecar.admin, &[rebound]).status, 421);
    let form = send(sidecar.admin, "POST /v1/tighten", &[("x-api-key", ANN)], b"{\"reason\":\"x\"}");
    assert_eq!(form.status, 415);
    assert_eq!(send(sidecar.health, "POST /v1/tighten", &[("x-api-key", ANN)], b"{}").status, 404);
    let unknown = sidecar.change("/v1/tighten", ANN, &json!({ "reason": "x", "swich": "BLOCK" }));
    assert_eq!(unknown.status, 400);
}
