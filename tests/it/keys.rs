//! API keys that are made while the sidecar runs, and credentials that are taken back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Answer, send};
use crate::sidecar::{ANN, BOB, DESK, ROOT, Sidecar};
use crate::upstream::Upstream;

fn knock(sidecar: &Sidecar, key: &str) -> Answer {
    send(sidecar.ingress, "GET /door", &[("x-api-key", key)], b"")
}

/// Runs a command that prints a key, and gives the key.
fn key_of(sidecar: &Sidecar, args: &[&str]) -> String {
    let output = sidecar.cli(ROOT, args);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.trim().strip_prefix("key (shown once): ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn a_key_is_made_rotated_and_revoked_without_a_restart_and_a_kill_changes_nothing() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let first = key_of(&sidecar, &["keys", "create", "bot.1", "--allow", "127.0.0.0/8", "--expires", "90"]);
    assert!(first.starts_with("sekisho_bot.1_"), "{}", first.len());
    assert_eq!(knock(&sidecar, &first).status, 200);
    assert!(upstream.one().headers.contains("sekisho-principal: bot.1"));
    let second = key_of(&sidecar, &["keys", "rotate", "bot.1", "--overlap", "1"]);
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(
        (knock(&sidecar, &first).status, knock(&sidecar, &second).status),
        (200, 200),
        "both, while they overlap"
    );
    let listed = sidecar.cli(ANN, &["keys", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let bot = listed["keys"].as_array().unwrap().iter().find(|key| key["id"] == "bot.1").unwrap().clone();
    assert_eq!((&bot["state"], &bot["from"], &bot["age_days"]), (&"good".into(), &"made".into(), &0.into()), "{bot}");
    assert_eq!(
        sidecar.cli(ANN, &["keys", "revoke", "bot.1", "--reason", "test"]).status.code(),
        Some(1),
        "not an operator"
    );
    assert!(sidecar.cli(ROOT, &["keys", "revoke", "bot.1", "--reason", "leaked"]).status.success());
    sidecar.until("it is recorded", |sidecar| {
        let revoked = |event: &serde_json::Value| event["action"] == "revoke" && event["user"] == "cat";
        sidecar.events("config.changed").iter().any(revoked)
    });
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!((knock(&sidecar, &first).status, knock(&sidecar, &second).status), (401, 401));
    assert_eq!(knock(&sidecar, DESK).status, 200);
    for (key, args) in [
        (ROOT, ["keys", "create", "bot.1"].as_slice()),
        (ROOT, &["keys", "create", "desk"]),
        (ROOT, &["keys", "create", "x", "--role", "root"]),
        (ROOT, &["keys", "rotate", "desk"]),
        (ANN, &["keys", "create", "x"]),
    ] {
        assert_eq!(sidecar.cli(key, args).status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn who_has_a_key_made_is_not_two_people_with_it() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let made = key_of(&sidecar, &["keys", "create", "bobs", "--role", "operator", "--person", "bob"]);
    assert_eq!(sidecar.change("/v1/tighten", &made, &json!({ "reason": "test" })).status, 200);
    sidecar.secure_evidence();
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" })).json();
    let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
    assert_eq!(sidecar.change("/v1/release/confirm", &made, &answer).status, 403);
    assert_eq!(sidecar.change("/v1/release/propose", &made, &json!({ "reason": "test" })).status, 403);
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &answer).status, 200);
}

#[test]
fn what_is_revoked_is_cut_on_an_open_connection() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let mut stream = TcpStream::connect(sidecar.ingress).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head =
        format!("POST /door HTTP/1.1\r\nhost: localhost\r\nx-api-key: {DESK}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"5\r\nfirst\r\n").unwrap();
    sidecar.until("the first piece arrives", |_| upstream.underway() == b"first");
    let asked = json!({ "kind": "person", "id": "desk", "reason": "test" });
    assert_eq!(sidecar.change("/v1/revocations", ROOT, &asked).status, 200);
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap_or_default();
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    sidecar.until("the upstream is told", |_| upstream.count() == 1);
    let received = upstream.one();
    assert!(!received.whole && received.body == b"first", "{received:?}");
    assert_eq!(knock(&sidecar, DESK).status, 401);
}

/// A request whose body has begun and does not end.
fn streaming(sidecar: &Sidecar, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(sidecar.ingress).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head =
        format!("POST /door HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"5\r\nfirst\r\n").unwrap();
    stream
}

/// `SEKISHO_TEST_NOTES` names a file that gets the times from the command to the end of each connection (`make revocations`).
#[test]
fn a_revocation_ends_every_connection_that_is_open() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { in_flight: 1024 }");
    let mut times = Vec::new();
    for round in 0..std::env::var("SEKISHO_TEST_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap()) {
        let (id, begun) = (format!("bot{round}"), upstream.begun());
        let key = key_of(&sidecar, &["keys", "create", &id, "--role", "service"]);
        let streams: Vec<TcpStream> = (0..100).map(|_| streaming(&sidecar, &key)).collect();
        sidecar.until("all are under way", |_| upstream.begun() >= begun + streams.len());
        let ends: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                std::thread::spawn(move || {
                    let mut said = Vec::new();
                    stream.read_to_end(&mut said).unwrap_or_default();
                    (Instant::now(), said)
                })
            })
            .collect();
        let asked = json!({ "kind": "credential", "id": id, "reason": "test" });
        let commanded = Instant::now();
        assert_eq!(sidecar.change("/v1/revocations", ROOT, &asked).status, 200);
        for end in ends {
            let (at, said) = end.join().unwrap();
            assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
            times.push(at.saturating_duration_since(commanded));
        }
        assert_eq!(knock(&sidecar, &key).status, 401);
    }
    times.sort_unstable();
    if let Some(notes) = std::env::var_os("SEKISHO_TEST_NOTES") {
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
        let text = format!(
            "{} connections, from the command to their end: p50 {:.1} ms, p99 {:.1} ms, last {:.1} ms\n",
            times.len(),
            at(50),
            at(99),
            at(100)
        );
        std::fs::write(notes, text).unwrap();
    }
}

#[test]
fn an_old_key_is_told_once() {
    let upstream = Upstream::start();
    let hash = "ab".repeat(32);
    let sidecar = Sidecar::blocked(&upstream);
    let (_, dir) = sidecar.stop();
    let path = dir.path().join("policy.yaml");
    let policy = std::fs::read_to_string(&path).unwrap();
    let old = format!("  keys:\n    - {{ id: old, role: viewer, hash: {hash}, created: 2020-01-31 }}\n");
    std::fs::write(&path, policy.replace("  keys:\n", &old)).unwrap();
    let sidecar = Sidecar::on(dir);
    sidecar.until("it is told", |sidecar| {
        let told = |event: &serde_json::Value| {
            event["action"] == "key_age" && event["inputs"]["reason"].to_string().contains("`old`")
        };
        sidecar.events("security.alert.raised").iter().filter(|event| told(event)).count() == 1
    });
    assert_eq!(sidecar.cli(ROOT, &["keys", "list"]).status.code(), Some(1), "one is over age");
}

#[test]
fn a_session_is_as_good_as_its_key_at_the_admin_api_until_it_is_ended_or_revoked() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let begin = |key: &str| sidecar.change("/v1/sessions", key, &json!({})).json();
    let tighten = |session: &str| sidecar.change("/v1/tighten", session, &json!({ "reason": "test" })).status;
    let of = |begun: &serde_json::Value| begun["session"].as_str().unwrap().to_owned();
    let first = begin(ANN);
    assert_eq!(first["life_s"], 900);
    let session = of(&first);
    assert_eq!(tighten(&session), 200);
    assert_eq!(tighten(&session.chars().take(session.len() - 1).chain(['!']).collect::<String>()), 401);
    assert_eq!(knock(&sidecar, &of(&begin(DESK))).status, 401, "at the admin API alone");
    assert_eq!(sidecar.change("/v1/sessions/end", &session, &json!({})).status, 200);
    assert_eq!(tighten(&session), 401);
    assert_eq!(sidecar.change("/v1/sessions/end", ANN, &json!({})).status, 409, "a key is no session");
    let (second, third) = (begin(ANN), begin(ANN));
    let revoke = |kind: &str, id: &serde_json::Value| {
        sidecar.change("/v1/revocations", ROOT, &json!({ "kind": kind, "id": id, "reason": "test" })).status
    };
    assert_eq!(revoke("session", &second["id"]), 200);
    assert_eq!((tighten(&of(&second)), tighten(&of(&third))), (401, 200));
    assert_eq!(revoke("credential", &"ann".into()), 200);
    assert_eq!(tighten(&of(&third)), 401, "it ends with the key that it was begun with");
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(sidecar.change("/v1/tighten", &of(&third), &json!({ "reason": "test" })).status, 401);
}

#[test]
fn no_core_dump_holds_what_is_in_memory_and_no_swap_where_that_is_permitted() {
    let sidecar = Sidecar::blocked(&Upstream::start());
    let of = |what: &str| std::fs::read_to_string(format!("/proc/{}/{what}", sidecar.id())).unwrap();
    let limit = |text: &str, name: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let limits = of("limits");
    assert_eq!(limit(&limits, "Max core file size")[..2], ["0", "0"]);
    let locked: u64 = limit(&of("status"), "VmLck:")[0].parse().unwrap();
    let unlimited = limit(&limits, "Max locked memory")[0] == "unlimited";
    assert_eq!(locked > 0, unlimited, "{locked} kB");
}
