//! What the sidecar notices by itself, and what an outsider cannot make it do.

use std::io::Write as _;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sekisho_policy::Policy;
use serde_json::json;

use crate::client::{send, send_from};
use crate::sidecar::{ANN, DESK, Sidecar, known};
use crate::upstream::Upstream;

/// The signals as they are by default.
pub(crate) fn defaults() -> String {
    let rest = Policy::embedded().split("\nsignals:").nth(1).unwrap();
    format!("signals:{}", rest.split("\n\n").next().unwrap())
}

pub(crate) fn open(more: &str) -> (Upstream, Sidecar) {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, more);
    sidecar.release_all();
    (upstream, sidecar)
}

pub(crate) fn knock(sidecar: &Sidecar, from: u8, key: &str) -> u16 {
    send_from(Ipv4Addr::new(127, 0, 7, from), sidecar.ingress, "GET /door", &[("x-api-key", key)]).status
}

pub(crate) fn incidents(sidecar: &Sidecar) -> Vec<String> {
    let all = sidecar.look("/v1/incidents").json();
    all["incidents"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn cheap_garbage_halts_nothing_and_a_real_spike_does() {
    let (_upstream, sidecar) = open(&defaults());
    assert_eq!(knock(&sidecar, 251, DESK), 200);
    for n in 0..300_u16 {
        let from = u8::try_from(n % 200).unwrap() + 1;
        knock(&sidecar, from, &format!("sekisho_n{n}_guess"));
        knock(&sidecar, from, "garbage");
    }
    for _ in 0..100 {
        knock(&sidecar, 250, "sekisho_desk_wrong");
    }
    assert_eq!(sidecar.posture(), "ALLOW", "strangers without end, and one address with a key that exists");
    sidecar.until("people are told", |sidecar| !sidecar.events("security.alert.raised").is_empty());
    assert_eq!(incidents(&sidecar), [""; 0]);
    assert_eq!(knock(&sidecar, 251, DESK), 200, "and whoever has used a key from there comes in");
    for n in 0..20 {
        knock(&sidecar, 201 + n / 4, "sekisho_desk_wrong");
    }
    sidecar.until("many addresses guess at a key that exists", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    sidecar.until("and that is an incident", |sidecar| incidents(sidecar) == ["auth_failures"]);
    sidecar.until("and recorded", |sidecar| {
        let applied = sidecar.events("security.containment.applied");
        applied.iter().any(|event| event["action"] == "auth_failures")
    });
}

#[test]
fn secrets_that_go_on_leaking_tighten_and_one_does_not() {
    let (_upstream, sidecar) = open(&defaults());
    let leak = || send(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], known().as_bytes()).status;
    for _ in 0..9 {
        assert_eq!(leak(), 200, "masked");
    }
    assert_eq!(sidecar.posture(), "ALLOW");
    leak();
    sidecar.until("the tenth tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    sidecar.until("and is an incident", |sidecar| incidents(sidecar) == ["secret_leak"]);
}

#[test]
fn known_callers_who_keep_probing_are_an_incident() {
    let (_upstream, sidecar) = open(&defaults());
    let probe = || sidecar.change("/v1/release/plan", DESK, &json!({})).code();
    for _ in 0..19 {
        assert_eq!(probe(), "forbidden");
    }
    assert_eq!(incidents(&sidecar), [""; 0]);
    probe();
    sidecar.until("the twentieth is an incident", |sidecar| incidents(sidecar) == ["access"]);
    assert_eq!(sidecar.posture(), "ALLOW", "and by default no more than that");
}

#[test]
fn a_surge_of_orders_tightens() {
    let (_upstream, sidecar) = open("signals: { execution: { count: 40, window: 60s, level: BLOCK } }");
    let order = br#"{"symbol":"A","side":"buy","qty":"1","type":"market"}"#;
    let send_order = || send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], order).status;
    for _ in 0..20 {
        assert_eq!(send_order(), 200);
    }
    assert_eq!(sidecar.posture(), "ALLOW");
    for _ in 0..20 {
        send_order();
    }
    sidecar.until("a surge tightens", |sidecar| sidecar.posture() == "BLOCK");
    assert_eq!(send_order(), 403);
}

#[test]
fn a_policy_file_that_is_edited_is_noticed() {
    let (_upstream, sidecar) = open("monitors: { policy_interval: 100ms }");
    assert_eq!(sidecar.posture(), "ALLOW");
    let path = sidecar.dir.path().join("policy.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}# loosened\n")).unwrap();
    sidecar.until("drift tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    sidecar.until("and is recorded with both hashes", |sidecar| {
        let drift = sidecar.events("config.changed");
        drift.iter().any(|event| event["inputs"]["in_force"] != event["outputs"]["found"])
    });
}

#[test]
fn orders_that_are_replayed_tighten_and_one_that_is_sent_twice_does_not() {
    let (_upstream, sidecar) = open(&defaults());
    let order = br#"{"symbol":"A","side":"buy","qty":"1","type":"market","client_order_id":"one"}"#;
    let replay = || send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], order);
    for _ in 0..10 {
        assert_eq!(replay().status, 200);
    }
    assert_eq!((sidecar.posture().as_str(), incidents(&sidecar)), ("ALLOW", vec![]), "sent nine times too often");
    replay();
    sidecar.until("the tenth tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    sidecar.until("and is an incident", |sidecar| incidents(sidecar) == ["replays"]);
    assert_eq!(replay().code(), "order_forwarded_before", "an id that went on before, told as that");
}

#[test]
fn a_disk_that_is_full_tightens_and_loses_no_tightening() {
    let upstream = Upstream::start();
    let more = "monitors: { disk_free_bytes: 1MiB, interval: 100ms }";
    let Some(sidecar) = Sidecar::with_small_disk(&upstream, 8, more) else {
        writeln!(std::io::stderr(), "NOT RUN: no file system can be mounted here").unwrap();
        return;
    };
    sidecar.release_all();
    let ballast = sidecar.data_as_seen().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    sidecar.until("it tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    let tightened = sidecar.tighten("BLOCK");
    assert!(matches!(tightened.status, 200 | 202), "it acts, durable or not: {tightened:?}");
    assert_eq!(sidecar.posture(), "BLOCK");
    let order = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], b"{}");
    assert_eq!(order.status, 403);
    assert_eq!(send(sidecar.egress, "DELETE /v2/orders/17", &[], b"").status, 200, "cancels pass");
    assert_ne!(sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" })).status, 200);
    drop(file);
    std::fs::remove_file(ballast).unwrap();
    sidecar.until("what could not be written is", |sidecar| {
        let state = sidecar.state();
        state["stored"] == true && state["journal"]["ok"] == true
    });
    sidecar.until("and it is an incident", |sidecar| incidents(sidecar).contains(&"resources".to_owned()));
    assert_eq!(sidecar.posture(), "BLOCK", "room on the disk loosens nothing");
}

#[test]
fn a_policy_file_that_is_back_at_the_next_look_is_nothing() {
    let (_upstream, sidecar) = open("monitors: { policy_interval: 2s }");
    let path = sidecar.dir.path().join("policy.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}# once\n")).unwrap();
    // By default it takes two looks; this one is over with the record of the first.
    sidecar.until("it is seen once", |sidecar| {
        sidecar.events("config.changed").iter().any(|event| event["action"] == "policy.drift")
    });
    std::fs::write(&path, &text).unwrap();
    assert_eq!(incidents(&sidecar), [""; 0]);
    assert_eq!(sidecar.posture(), "ALLOW");
}

#[test]
fn a_journal_that_no_longer_verifies_is_sev0() {
    let (_upstream, sidecar) = open("monitors: { integrity_interval: 1s, interval: 100ms }");
    let segment = sidecar.data().join("journal/segments/000000000000.ndjson");
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("start", "stars", 1)).unwrap();
    sidecar.until("it tightens", |sidecar| sidecar.posture() == "BLOCK");
    sidecar.until("and is an incident", |sidecar| incidents(sidecar) == ["integrity"]);
    let asked = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
    assert_eq!(asked.status, 503, "{asked:?}");
}

#[test]
fn an_order_that_is_sent_again_because_it_was_not_taken_is_no_replay() {
    let refusing = |status: u16| {
        Upstream::answering(move |_| {
            let mut answer = Response::new(Full::new(Bytes::from_static(b"{}")));
            *answer.status_mut() = status.try_into().unwrap();
            answer
        })
    };
    // It said that it did not take it, that it does not know, and nothing that anybody could read.
    for venue in [refusing(422), refusing(500), Upstream::saying(b"?\r\n\r\n".to_vec())] {
        let sidecar = Sidecar::with(&venue, &defaults());
        sidecar.release_all();
        let order = br#"{"symbol":"A","side":"buy","qty":"1","type":"market","client_order_id":"one"}"#;
        for _ in 0..30 {
            send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], order);
        }
        sidecar.until("that is recorded", |sidecar| {
            let told = sidecar.events("operation");
            told.iter().any(|event| event["action"] == "order.replayed")
        });
        assert_eq!((sidecar.posture().as_str(), incidents(&sidecar)), ("ALLOW", vec![]));
        assert_eq!(sidecar.events("security.alert.raised").len(), 0);
    }
}

#[test]
fn a_wave_of_refused_orders_tightens_and_half_of_one_does_not() {
    let (_upstream, sidecar) = open("signals: { execution: { count: 40, window: 60s, factor: 1000 } }");
    let refused = || {
        let headers = [("content-type", "application/json")];
        assert_eq!(send(sidecar.egress, "POST /v2/nobody-knows", &headers, b"{}").code(), "order_refused");
    };
    (0..20).for_each(|_| refused());
    // They are looked at once a second: by the time this says so, they have been.
    let looked = std::time::Instant::now();
    sidecar.until("a second passes", |_| looked.elapsed().as_millis() > 1500);
    assert_eq!((sidecar.posture().as_str(), incidents(&sidecar)), ("ALLOW", vec![]));
    (0..20).for_each(|_| refused());
    sidecar.until("a wave tightens", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    sidecar.until("and is an incident", |sidecar| incidents(sidecar) == ["execution.rejects"]);
}

#[test]
fn a_shortage_that_is_seen_once_tightens_where_once_is_enough_and_nowhere_else() {
    // No disk has as much room, so each look finds it near full; within this test there is one look.
    let seen = |count: u32| {
        let more = format!(
            "monitors: {{ disk_free_bytes: 1024GiB, interval: 10m }}\nsignals: {{ resources: {{ count: {count} }} }}"
        );
        Sidecar::with(&Upstream::start(), &more)
    };
    let (once, twice) = (seen(1), seen(2));
    once.until("one look is enough", |sidecar| incidents(sidecar) == ["resources"]);
    assert_eq!(once.state()["level"]["mode"], "SAFE");
    twice.release_all();
    assert_eq!((twice.posture().as_str(), incidents(&twice)), ("ALLOW", vec![]));
}

#[test]
fn a_journal_that_cannot_be_read_once_is_a_blip_and_one_that_stays_so_is_unknown() {
    let (_upstream, sidecar) = open("monitors: { integrity_interval: 4s }");
    let segment = sidecar.data().join("journal/segments/000000000000.ndjson");
    let aside = sidecar.dir.path().join("aside");
    std::fs::create_dir(&aside).unwrap();
    // In one step: a segment that is missing is no blip.
    let exchange = || renameat_with(CWD, &segment, CWD, &aside, RenameFlags::EXCHANGE).unwrap();
    let verdicts = |sidecar: &Sidecar| -> Vec<String> {
        let told = sidecar.events("integrity.record");
        let verdict = |event: &serde_json::Value| event["outputs"]["verdict"].as_str().map(str::to_owned);
        told.iter().filter_map(verdict).collect()
    };
    exchange();
    sidecar.until("it is not known to be whole", |sidecar| verdicts(sidecar).contains(&"UNKNOWN".to_owned()));
    exchange();
    sidecar.until("and then it is", |sidecar| {
        let verdicts = verdicts(sidecar);
        let unknown = verdicts.iter().position(|verdict| verdict == "UNKNOWN");
        unknown.is_some_and(|at| verdicts[at..].contains(&"PASS".to_owned()))
    });
    assert_eq!((sidecar.posture().as_str(), incidents(&sidecar)), ("ALLOW", vec![]));
    exchange();
    sidecar.until("twice in a row is no blip", |sidecar| sidecar.posture() == "CLOSE_ONLY");
    let level = sidecar.state()["level"].clone();
    assert_eq!((&level["mode"], &level["health"]), (&json!("SAFE"), &json!("UNKNOWN")));
    sidecar.until("which is an incident", |sidecar| incidents(sidecar) == ["integrity"]);
}
