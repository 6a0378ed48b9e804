//! The journal: what is touched is named.

use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::client::send;
use crate::sidecar::{ANN, BOB, DESK, ROOT, Sidecar, binary};
use crate::upstream::Upstream;

fn verify(dir: &Path) -> Output {
    binary().args(["journal", "verify", "--data"]).arg(dir.join("data")).output().unwrap()
}

/// A journal of some length, closed in good order.
fn recorded() -> tempfile::TempDir {
    let sidecar = Sidecar::open(&Upstream::start());
    for n in 0..20 {
        send(sidecar.egress, &format!("POST /v2/unknown/{n}"), &[], b"{}");
    }
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    dir
}

#[test]
fn an_untouched_journal_verifies_and_a_touched_line_is_named() {
    let dir = recorded();
    let clean = verify(dir.path());
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    let segment = dir.path().join("data/journal/segments/000000000000.ndjson");
    let text = std::fs::read_to_string(&segment).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.len() / 2;
    let with = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let mut edited = lines.clone();
    let changed = lines[at].replacen("\"inputs\"", "\"inputz\"", 1);
    assert_ne!(changed, lines[at]);
    edited[at] = &changed;
    let mut removed = lines.clone();
    removed.remove(at);
    let mut swapped = lines.clone();
    swapped.swap(at, at + 1);
    for (what, text) in [("changed", with(&edited)), ("removed", with(&removed)), ("reordered", with(&swapped))] {
        std::fs::write(&segment, text).unwrap();
        let output = verify(dir.path());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        assert!(said.contains(&at.to_string()), "{what} at {at}: {said}");
    }
    std::fs::write(&segment, with(&lines[..lines.len() - 1])).unwrap();
    assert_eq!(verify(dir.path()).status.code(), Some(1), "a missing end is missing");
    std::fs::write(&segment, &text).unwrap();
    assert_eq!(verify(dir.path()).status.code(), Some(0));
}

#[test]
fn kill_9_leaves_a_journal_that_opens_and_verifies() {
    let upstream = Upstream::start();
    let mut sidecar = Sidecar::blocked(&upstream);
    for _ in 0..3 {
        for n in 0..50 {
            send(sidecar.egress, &format!("POST /v2/unknown/{n}"), &[], b"{}");
        }
        sidecar = Sidecar::on(sidecar.kill());
    }
    let (_, dir) = sidecar.stop();
    let output = verify(dir.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_sidecar_does_not_start_on_a_journal_that_was_touched() {
    let dir = recorded();
    let segment = dir.path().join("data/journal/segments/000000000000.ndjson");
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("start", "stars", 1)).unwrap();
    let output = binary()
        .args(["run", "--policy"])
        .arg(dir.path().join("policy.yaml"))
        .arg("--data")
        .arg(dir.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("journal"), "{said}");
}

#[test]
fn an_outsider_verifies_a_running_journal_over_http() {
    let sidecar = Sidecar::open(&Upstream::start());
    for n in 0..20 {
        send(sidecar.egress, &format!("POST /v2/unknown/{n}"), &[], b"{}");
    }
    let key = sidecar.data().join("keys/journal.vkey");
    let url = format!("http://{}", sidecar.admin);
    let pinned = sidecar.dir.path().join("pinned.note");
    std::fs::write(&pinned, send(sidecar.admin, "GET /v1/journal/checkpoint", &[], b"").body).unwrap();
    sidecar.tighten("CLOSE_ONLY");
    let run = |pin: &str| {
        let output = binary().args(["journal", "verify", &url, "--json", "--pinned", pin, "--key"]).arg(&key).output();
        let output = output.unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    for pin in [pinned.to_str().unwrap(), &format!("{url}/v1/journal/checkpoint")] {
        let (code, report) = run(pin);
        assert_eq!((code, &report["verdict"]), (Some(0), &"PASS".into()), "{report}");
    }
    for path in ["tile/0/000.p/999", "tile/9/000", "tile/0/../checkpoint", "tile/entries/001", "keys", "checkpoint/"] {
        assert_eq!(send(sidecar.admin, &format!("GET /v1/journal/{path}"), &[], b"").status, 404, "{path}");
    }
    let segment = sidecar.data().join("journal/segments/000000000000.ndjson");
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("start", "stars", 1)).unwrap();
    let (code, report) = run(pinned.to_str().unwrap());
    assert_eq!((code, &report["first_bad"]["kind"]), (Some(1), &"edited".into()), "{report}");
}

#[test]
fn a_new_key_takes_over_and_who_has_the_first_can_follow() {
    let sidecar = Sidecar::open(&Upstream::start());
    let first = sidecar.dir.path().join("first.vkey");
    std::fs::copy(sidecar.data().join("keys/journal.vkey"), &first).unwrap();
    let incident = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV2", "title": "odd" })).json();
    let bundle = |sidecar: &Sidecar| {
        let made = sidecar.change("/v1/bundles", ANN, &json!({ "incident": incident["id"] }));
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["path"].as_str().unwrap().to_owned()
    };
    let before = bundle(&sidecar);
    let asked = json!({ "reason": "yearly" });
    assert_eq!(sidecar.change("/v1/journal/hand-over", ANN, &asked).code(), "forbidden", "an operator may not");
    let done = sidecar.cli(ROOT, &["journal", "hand-over", "--reason", "yearly"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    sidecar.tighten("CLOSE_ONLY");
    let after = bundle(&sidecar);
    let newest = sidecar.data().join("keys/journal.vkey");
    assert_ne!(std::fs::read(&first).unwrap(), std::fs::read(&newest).unwrap());
    let run = |args: &[&str], key: &Path| {
        let output = binary().args(args).arg("--key").arg(key).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let url = format!("http://{}", sidecar.admin);
    for key in [&first, &newest] {
        let (code, said) = run(&["journal", "verify", &url], key);
        assert!(code == Some(0) && said.contains("1 handovers"), "{said}");
        assert_eq!(run(&["bundle", "verify", &after], key).0, Some(0), "a bundle carries the statements");
    }
    assert_eq!(run(&["bundle", "verify", &before], &first).0, Some(0));
    sidecar.release_all();
    // After a restart too: the incident's newest bundle is one that the new key signed, the others are the old key's.
    let sidecar = Sidecar::on(sidecar.stop().1);
    sidecar.tighten("CLOSE_ONLY");
    sidecar.release();
    let (_, dir) = sidecar.stop();
    let data = dir.path().join("data");
    let (code, said) = run(&["journal", "verify", data.to_str().unwrap()], &first);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_has_to_be_kept_is_not_deleted_by_one_person() {
    let sidecar = Sidecar::open(&Upstream::start());
    let asked = json!({ "before": 4096, "reason": "room" });
    assert_eq!(sidecar.change("/v1/journal/prune/propose", ANN, &asked).code(), "prune_refused", "nothing is full yet");
    let answer = json!({ "id": "x", "code": "y" });
    assert_eq!(sidecar.change("/v1/consents/confirm", BOB, &answer).code(), "release_refused");
    assert_eq!(sidecar.change("/v1/journal/prune/propose", DESK, &asked).code(), "forbidden");
    sidecar.until("a refused try is recorded", |sidecar| {
        sidecar.events("security.access.denied").iter().any(|event| event["action"] == "consent.confirm")
    });
}

#[test]
fn two_people_delete_the_beginning_of_the_journal_before_its_time() {
    let (_, dir) = Sidecar::with(&Upstream::start(), "at_rest: { seal_interval: 1s }").stop();
    let path = dir.path().join("policy.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("journal: {", "journal: { segment_records: 256,", 1)).unwrap();
    let sidecar = Sidecar::on(dir);
    for at in 0..300 {
        let asked = json!({ "switch": "BLOCK", "reason": at.to_string() });
        assert_eq!(sidecar.change("/v1/tighten", ANN, &asked).status, 200);
    }
    let asked = json!({ "before": 300, "reason": "room" });
    let propose = || sidecar.change("/v1/journal/prune/propose", ANN, &asked);
    sidecar.until("the first segment is closed", |_| propose().status == 200);
    let proposed = propose().json();
    let confirm = |key: &str, code: &serde_json::Value| {
        sidecar.change("/v1/consents/confirm", key, &json!({ "id": proposed["request"]["id"], "code": code }))
    };
    assert_eq!(confirm(BOB, &json!("00000-00000")).status, 409);
    assert_eq!(confirm(ANN, &proposed["code"]).status, 409, "not the same person");
    assert_eq!(confirm(BOB, &proposed["code"]).json()["to"], 256);
    sidecar.until("and it is recorded", |sidecar| {
        let all = sidecar.events("integrity.record");
        all.iter().any(|event| event["action"] == "journal.pruned" && event["user"] == "ann and bob")
    });
    assert_eq!(confirm(BOB, &proposed["code"]).status, 409, "once");
}
