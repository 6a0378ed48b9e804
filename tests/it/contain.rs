//! What is contained besides orders: it holds at once, over a restart, and until two people end it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, head, send, try_send};
use crate::sidecar::{ANN, BOB, DESK, ROOT, Sidecar, known};
use crate::upstream::Upstream;

const QUIET: &str = "monitors: { policy_interval: 1h }";

fn contain(sidecar: &Sidecar, measure: &str) -> Value {
    let done = sidecar.change("/v1/containments", ANN, &json!({ "measure": measure, "reason": "test" }));
    assert_eq!(done.status, 201, "{done:?}");
    done.json()
}

fn id(applied: &Value) -> String {
    applied["containment"]["id"].as_str().unwrap().to_owned()
}

/// Two people end it.
fn lift(sidecar: &Sidecar, id: &str) {
    let proposed = sidecar.change(&format!("/v1/containments/{id}/lift"), BOB, &json!({ "reason": "over" }));
    assert_eq!(proposed.status, 200, "{proposed:?}");
    let proposed = proposed.json();
    let answer = json!({ "id": proposed["request"]["id"], "code": proposed["code"] });
    assert_eq!(sidecar.change("/v1/consents/confirm", BOB, &answer).code(), "release_refused", "never alone");
    let lifted = sidecar.change("/v1/consents/confirm", ROOT, &answer);
    assert_eq!(lifted.status, 200, "{lifted:?}");
}

fn knock(sidecar: &Sidecar) -> u16 {
    send(sidecar.ingress, "GET /door", &[("x-api-key", DESK)], b"").status
}

fn log(sidecar: &Sidecar, text: &str) -> Answer {
    send(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], text.as_bytes())
}

/// A venue that begins its answer and never ends it.
fn endless() -> std::net::SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in socket.incoming().map_while(Result::ok) {
            if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").unwrap();
            }
            open.push(stream);
        }
    });
    address
}

/// Asks on a connection of its own, and reads until the first piece of the answer is there.
fn streaming(to: std::net::SocketAddr, line: &str, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(head(line, &[("x-api-key", key)], "").as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !seen.windows(5).any(|window| window == b"first") {
        let mut piece = [0; 512];
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    stream
}

/// Whether the other side ends it, without the last chunk.
fn is_cut(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    !rest.ends_with(b"0\r\n\r\n")
        && ended.map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true)
}

#[test]
fn whoever_is_revoked_is_out_also_on_connections_that_are_open() {
    let mut upstream = Upstream::start();
    upstream.address = endless();
    let sidecar = Sidecar::with(&upstream, QUIET);
    let open = streaming(sidecar.ingress, "GET /door", DESK);
    let other = streaming(sidecar.ingress, "GET /plain", DESK);
    assert_eq!(
        sidecar.change("/v1/containments", DESK, &json!({ "measure": "key:ann", "reason": "x" })).code(),
        "forbidden"
    );
    let applied = contain(&sidecar, "key:DESK");
    assert!(is_cut(open), "the stream of the key ends");
    assert_eq!(knock(&sidecar), 401);
    assert_eq!(contain(&sidecar, "key:DESK")["already"], true);
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(knock(&sidecar), 401, "a restart gives nobody back");
    drop(other);
    lift(&sidecar, &id(&applied));
    streaming(sidecar.ingress, "GET /door", DESK);
    sidecar.until("all of it is recorded", |sidecar| {
        let events = sidecar.events("security.containment.applied");
        events.iter().any(|one| one["action"] == "containment.lift" && one["user"] == "bob and cat")
    });
}

#[test]
fn a_person_is_revoked_with_every_key_and_cannot_loosen() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    let applied = sidecar.change("/v1/containments", BOB, &json!({ "measure": "person:ann", "reason": "test" }));
    assert_eq!(applied.status, 201);
    for key in [ANN, crate::sidecar::ANN_TOO] {
        assert_eq!(sidecar.change("/v1/release/propose", key, &json!({ "reason": "x" })).status, 401);
    }
    assert_eq!(sidecar.change("/v1/tighten", BOB, &json!({ "reason": "x" })).status, 200);
}

#[test]
fn a_route_and_an_upstream_in_quarantine_are_refused_and_their_streams_cut() {
    let mut upstream = Upstream::start();
    upstream.address = endless();
    let sidecar = Sidecar::with(&upstream, QUIET);
    let (plain, export) = (streaming(sidecar.ingress, "GET /plain", ""), streaming(sidecar.ingress, "GET /door", DESK));
    let route = contain(&sidecar, "route:plain");
    assert!(is_cut(plain));
    let refused = send(sidecar.ingress, "GET /plain", &[], b"");
    assert_eq!((refused.status, refused.code()), (403, "quarantined".to_owned()));
    drop(streaming(sidecar.ingress, "GET /door", DESK));
    contain(&sidecar, "upstream:app");
    assert!(is_cut(export));
    assert_eq!(send(sidecar.egress, "DELETE /v2/orders", &[], b"").code(), "quarantined", "cancels too");
    lift(&sidecar, &id(&route));
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").code(), "quarantined", "its upstream still is");
    for unknown in ["route:nowhere", "upstream:none", "known:none"] {
        let asked = json!({ "measure": unknown, "reason": "x" });
        assert_eq!(sidecar.change("/v1/containments", ANN, &asked).code(), "not_found", "{unknown}");
    }
}

#[test]
fn a_listener_that_is_closed_refuses_connections_and_drains() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { drain_timeout: 1s }\nmonitors: { policy_interval: 1h }");
    let mut idle = TcpStream::connect(sidecar.ingress).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    idle.write_all(b"GET /plain HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut piece = [0; 512];
    assert!(idle.read(&mut piece).unwrap() > 0);
    let applied = contain(&sidecar, "listener:ingress");
    sidecar.until("connections are refused", |sidecar| TcpStream::connect(sidecar.ingress).is_err());
    assert_eq!(idle.read(&mut piece).unwrap_or(0), 0, "one that was open ends");
    assert_eq!(log(&sidecar, "x").status, 200, "the other side is open");
    let sidecar = {
        let address = sidecar.ingress;
        let sidecar = Sidecar::on(sidecar.kill());
        assert!(
            TcpStream::connect(address).is_err() && TcpStream::connect(sidecar.ingress).is_err(),
            "a restart opens nothing"
        );
        sidecar
    };
    lift(&sidecar, &id(&applied));
    sidecar.until("it is open again", |sidecar| TcpStream::connect(sidecar.ingress).is_ok());
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
}

#[test]
fn a_revoked_secret_is_refused_everywhere_and_its_next_value_is_not() {
    let (upstream, hook) = (Upstream::start(), Upstream::start());
    let more = "monitors: { policy_interval: 1h }\ndetectors: { actions: { \"known:known\": alert } }";
    let sidecar = Sidecar::with(&upstream, more);
    let dir = sidecar.kill();
    let path = dir.path().join("policy.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let hooked = format!("/known\", hook: \"http://{}/rotate\" }}", hook.address);
    std::fs::write(&path, text.replacen("/known\" }", &hooked, 1)).unwrap();
    let sidecar = Sidecar::on(dir);
    let meant = |secret: &str| send(sidecar.egress, "GET /meant", &[("authorization", secret)], b"");
    assert_eq!((log(&sidecar, &known()).status, meant(&known()).status), (200, 200), "told, and let pass");
    let asked = json!({ "measure": "known:known", "reason": "in a ticket", "rotate": true });
    let applied = sidecar.change("/v1/containments", ANN, &asked).json();
    assert_eq!(applied["hook"], 200, "{applied}");
    let told: Value = serde_json::from_slice(&hook.one().body).unwrap();
    assert_eq!((&told["action"], &told["secret"]), (&json!("rotate"), &json!("known")));
    assert!(!told.to_string().contains(&known()));
    upstream.take();
    assert_eq!(log(&sidecar, &format!("a {} b", known())).code(), "secret_in_content");
    assert_eq!(meant(&known()).code(), "secret_revoked", "also where credentials may pass");
    let coded = known().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    assert_eq!(send(sidecar.egress, &format!("GET /meant?token={coded}"), &[], b"").code(), "secret_revoked");
    assert_eq!(upstream.count(), 0);
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(log(&sidecar, &known()).code(), "secret_in_content", "a restart believes it no more than before");
    std::fs::write(sidecar.dir.path().join("known"), ["Qz7Lm", "pK2vT", "9xYc4", "bW8Rj"].concat()).unwrap();
    assert_eq!(sidecar.change("/v1/policy/reload", ROOT, &json!({})).status, 200);
    let next = send(sidecar.egress, "GET /meant", &[("authorization", "Qz7LmpK2vT9xYc4bW8Rj")], b"");
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(log(&sidecar, &known()).code(), "secret_in_content");
    let file = std::fs::read_to_string(sidecar.data().join("safety/containments")).unwrap();
    assert!(!file.contains(&known()), "no value is kept");
}

#[test]
fn containments_that_are_gone_or_put_back_are_block() {
    let sidecar = Sidecar::open(&Upstream::start());
    let file = sidecar.data().join("safety/containments");
    let early = std::fs::read(&file).unwrap();
    contain(&sidecar, "route:plain");
    sidecar.until("it is recorded", |sidecar| !sidecar.events("security.containment.applied").is_empty());
    let sidecar = Sidecar::on(sidecar.kill());
    assert_eq!(sidecar.posture(), "ALLOW");
    let dir = sidecar.kill();
    for spoil in [None, Some(early.as_slice()), Some(b"torn".as_slice())] {
        let file = dir.path().join("data/safety/containments");
        let right = std::fs::read(&file).unwrap();
        match spoil {
            None => std::fs::remove_file(&file).unwrap(),
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
        }
        let state = dir.path().join("data");
        let copy = tempfile::tempdir().unwrap();
        copy_all(&state, &copy.path().join("data"));
        for name in ["policy.yaml", "pepper", "known", "lower"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        std::fs::write(&file, right).unwrap();
        let sidecar = Sidecar::on(copy);
        assert_eq!(sidecar.posture(), "BLOCK", "{spoil:?}");
    }
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_rule_of_policy_contains_what_raised_it() {
    let more = "signals:\n  access: { count: 5, window: 1m, contain: [subject] }\n  secret_leak: { count: 5, window: 1m, level: NONE, contain: [subject, \"listener:ingress\"] }";
    let sidecar = Sidecar::with(&Upstream::start(), more);
    let probe = || sidecar.change("/v1/release/plan", DESK, &json!({})).status;
    assert_eq!([probe(), probe(), probe(), probe()], [403; 4]);
    assert_eq!(knock(&sidecar), 200, "four are none too many");
    probe();
    // One that is under way at that moment is cut.
    let again = |sidecar: &Sidecar| try_send(sidecar.ingress, "GET /door", &[("x-api-key", DESK)], b"");
    sidecar.until("the key is revoked", |sidecar| again(sidecar).is_ok_and(|answer| answer.status == 401));
    (0..5).for_each(|_| drop(log(&sidecar, &known())));
    sidecar.until("the route is in quarantine", |sidecar| log(sidecar, "x").status == 403);
    assert_eq!(log(&sidecar, "x").code(), "quarantined");
    sidecar.until("and the listener is closed", |sidecar| TcpStream::connect(sidecar.ingress).is_err());
    let listed = sidecar.cli(ROOT, &["contain", "list"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    for line in
        ["key:desk by signal:access", "route:logs by signal:secret_leak", "listener:ingress by signal:secret_leak"]
    {
        assert!(text.contains(line), "{text}");
    }
    sidecar.until("it is in the incident", |sidecar| {
        let incidents = sidecar.look("/v1/incidents").json();
        incidents["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["title"].as_str().unwrap().contains("contains route:logs"))
    });
}

#[test]
fn the_cli_contains_and_lifts() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    let out = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let applied = sidecar.cli(ANN, &["contain", "apply", "service", "--reason", "drill"]);
    assert_eq!(out(&applied), "con-000001 service\n", "{applied:?}");
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").code(), "quarantined");
    let asked = out(&sidecar.cli(ANN, &["contain", "lift", "con-000001", "--reason", "over"]));
    let line = asked.lines().last().unwrap().trim().to_owned();
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    assert_eq!(out(&sidecar.cli(BOB, &words)), "con-000001 service is lifted\n");
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
}
