//! Failed authentication: counted, limited, locked out, and in the end a signal.

use crate::client::{Answer, send};
use crate::sidecar::{ANN, DESK, ROOT, Sidecar};
use crate::upstream::Upstream;

fn knock(sidecar: &Sidecar, key: &str) -> Answer {
    send(sidecar.ingress, "GET /door", &[("x-api-key", key)], b"")
}

#[test]
fn the_right_key_passes_and_stays_at_the_door() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    assert_eq!(knock(&sidecar, DESK).status, 200);
    let arrived = upstream.one();
    assert!(!arrived.headers.contains("sekisho_desk"), "{}", arrived.headers);
    assert!(arrived.headers.contains("sekisho-principal: desk"), "{}", arrived.headers);
    send(sidecar.ingress, "GET /plain", &[("sekisho-principal", "admin")], b"");
    assert!(!upstream.one().headers.contains("sekisho-principal"), "nobody else says who a caller is");
}

#[test]
fn no_other_spelling_of_a_door_leads_past_it() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let status = |target: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nhost: rest.example\r\nconnection: close\r\n\r\n");
        crate::client::raw(sidecar.ingress, &[head.as_bytes()]).status
    };
    for (target, expected) in [("/door", 401), ("/DOOR", 400), ("/door;x", 400), ("/Door/within", 400)] {
        assert_eq!((status(target), upstream.count()), (expected, 0), "{target}");
    }
    assert_eq!(status("/doorway"), 200);
}

#[test]
fn every_way_not_to_be_known_looks_the_same() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "auth_failures: { per_pair: 50, per_peer: 50, per_credential: 50 }");
    let mut answers = std::collections::BTreeSet::new();
    for key in ["sekisho_desk_wrong", "sekisho_nobody_wrong", "what", "sekisho_desk_"] {
        let mut answer = knock(&sidecar, key);
        assert_eq!(answer.status, 401, "{key}");
        let decision = answer.json()["decision"].as_str().unwrap().to_owned();
        answer.body = String::from_utf8(answer.body).unwrap().replace(&decision, "").into_bytes();
        answers.insert(answer.body);
    }
    assert_eq!(send(sidecar.ingress, "GET /door", &[], b"").status, 401);
    let twice = send(sidecar.ingress, "GET /door", &[("x-api-key", DESK), ("x-api-key", DESK)], b"");
    assert_eq!(twice.status, 401);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(upstream.count(), 0);
    assert_eq!(knock(&sidecar, ANN).code(), "forbidden", "a known caller in the wrong role learns that");
}

#[test]
fn too_many_failures_lock_the_pair_out_and_nobody_else() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "auth_failures: { per_pair: 3, lockout: 30s, jitter_percent: 0 }");
    let statuses: Vec<u16> = (0..5).map(|_| knock(&sidecar, "sekisho_ann_wrong").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    let locked = knock(&sidecar, ANN);
    assert_eq!((locked.status, locked.code()), (429, "locked_out".to_owned()), "the pair is shut out, right or wrong");
    let wait: u64 = locked.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(knock(&sidecar, DESK).status, 200, "another key behind the same address passes");
    sidecar.until("the lockout is recorded", |sidecar| {
        sidecar.events("authentication").iter().any(|event| event["outputs"]["locked_out"] == true)
    });
}

#[test]
fn spellings_of_an_id_are_one_and_what_only_looks_like_it_is_none() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "auth_failures: { per_pair: 3, per_peer: 1000, lockout: 30s }");
    let spelled: Vec<String> = ["ann", "ANN", "aNn", "Ann"].map(|id| format!("sekisho_{id}_wrong")).into();
    let padded = ["  sekisho_ann_wrong", "sekisho_ANN_wrong\t "].map(str::to_owned);
    let statuses: Vec<u16> = spelled.iter().chain(&padded).map(|key| knock(&sidecar, key).status).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429]);
    for id in ["d\u{435}sk", "\u{ff44}esk", "desk\u{200b}", "de%73k", "desk ", "d e s k"] {
        let key = DESK.replacen("desk", id, 1);
        let status = knock(&sidecar, &key).status;
        assert!(matches!(status, 401 | 429), "{id:?} was answered {status}");
    }
    assert_eq!(upstream.count(), 0);
    assert_eq!(knock(&sidecar, DESK).status, 200);
}

#[test]
fn a_full_disk_is_no_way_in() {
    let upstream = Upstream::start();
    let more = "auth_failures: { per_pair: 3, lockout: 5m, save_interval: 100ms }";
    let Some(sidecar) = Sidecar::with_small_disk(&upstream, 8, more) else { return };
    assert_eq!(knock(&sidecar, DESK).status, 200);
    let filler = sidecar.data_as_seen().join("filler");
    assert!(std::fs::write(&filler, vec![b'x'; 16 << 20]).is_err(), "it is full");
    let statuses: Vec<u16> = (0..4).map(|_| knock(&sidecar, "sekisho_ann_wrong").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert_eq!(knock(&sidecar, ANN).status, 429, "it counts all the same");
    assert_eq!(knock(&sidecar, "sekisho_desk_wrong").status, 401);
    assert_eq!(knock(&sidecar, DESK).status, 200);
}

#[test]
fn nobody_can_lock_an_operator_out_of_tightening() {
    let sidecar = Sidecar::with(&Upstream::start(), "auth_failures: { per_pair: 3, lockout: 30s }");
    let asked = serde_json::json!({ "reason": "test" });
    let change = |path: &str, key: &str| sidecar.change(path, key, &asked).status;
    let statuses: Vec<u16> = (0..5).map(|_| change("/v1/tighten", "sekisho_ann_wrong")).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429], "who guesses is told to wait there too");
    assert_eq!(change("/v1/release/propose", ANN), 429, "loosening can wait");
    assert_eq!(change("/v1/tighten", ANN), 200);
}

#[test]
fn a_lockout_survives_a_kill_and_a_valid_caller_sees_nothing_of_it() {
    let upstream = Upstream::start();
    let more = "auth_failures: { per_pair: 3, lockout: 5m, save_interval: 100ms }";
    let sidecar = Sidecar::with(&upstream, more);
    assert_eq!(knock(&sidecar, DESK).status, 200);
    let statuses: Vec<u16> = (0..4).map(|_| knock(&sidecar, "sekisho_ann_wrong").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429]);
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(knock(&sidecar, ANN).status, 429, "no fresh start");
    assert_eq!(knock(&sidecar, DESK).status, 200);
}

#[test]
fn a_lockout_is_listed_explained_and_lifted_by_an_admin_alone() {
    let sidecar = Sidecar::with(&Upstream::start(), "auth_failures: { per_pair: 3, lockout: 5m }");
    for _ in 0..4 {
        knock(&sidecar, "sekisho_desk_wrong");
    }
    let look = |path: &str, key: &str| send(sidecar.admin, &format!("GET {path}"), &[("x-api-key", key)], b"");
    assert_eq!(send(sidecar.admin, "GET /v1/lockouts", &[], b"").status, 401);
    let listed = look("/v1/lockouts", ANN).json();
    let [lock] = listed["lockouts"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((lock["what"].as_str(), lock["key"].as_str()), (Some("pair"), Some("desk")));
    assert_eq!(lock["from"], "127.0.xxx.xxx", "addresses are kept as networks");
    let explained = look("/v1/lockouts?key=Desk&from=127.0.0.1", ANN).json();
    assert_eq!((&explained["shut_out"], &explained["familiar"]), (&true.into(), &false.into()), "{explained}");
    let asked = serde_json::json!({ "key": "desk", "from": "127.0.0.1", "reason": "a test" });
    assert_eq!(sidecar.change("/v1/lockouts/lift", ANN, &asked).status, 403, "an operator may not");
    assert_eq!(knock(&sidecar, DESK).status, 429);
    assert_eq!(sidecar.change("/v1/lockouts/lift", ROOT, &asked).json()["lifted"], 1);
    assert_eq!(knock(&sidecar, DESK).status, 200);
    sidecar.until("it is recorded", |sidecar| {
        sidecar.events("operation").iter().any(|event| event["action"] == "lockout.lift" && event["user"] == "cat")
    });
}
