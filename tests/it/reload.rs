//! The policy file, read again while the sidecar runs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, send};
use crate::fix::{self, Engine};
use crate::sidecar::{ANN, BOB, DESK, ROOT, Sidecar, known};
use crate::socket::{Client, Venue};
use crate::upstream::Upstream;

fn text(sidecar: &Sidecar) -> String {
    std::fs::read_to_string(sidecar.dir.path().join("policy.yaml")).unwrap()
}

fn write(sidecar: &Sidecar, text: &str) {
    std::fs::write(sidecar.dir.path().join("policy.yaml"), text).unwrap();
}

fn edit(sidecar: &Sidecar, from: &str, to: &str) {
    let text = text(sidecar);
    assert!(text.contains(from), "{from}");
    write(sidecar, &text.replacen(from, to, 1));
}

fn reload(sidecar: &Sidecar) -> Answer {
    sidecar.change("/v1/policy/reload", ROOT, &json!({}))
}

fn verbose(sidecar: &Sidecar) -> String {
    String::from_utf8(send(sidecar.health, "GET /readyz?verbose", &[], b"").body).unwrap()
}

/// Far from what these tests do: what is edited here is edited on purpose.
const QUIET: &str = "monitors: { policy_interval: 1h }";

fn plain(sidecar: &Sidecar, body: &[u8]) -> u16 {
    send(sidecar.ingress, "POST /plain", &[("content-type", "text/plain")], body).status
}

fn knock(sidecar: &Sidecar) -> u16 {
    send(sidecar.ingress, "GET /door", &[("x-api-key", DESK)], b"").status
}

#[test]
fn a_stricter_file_is_in_force_at_once() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    let before = sidecar.state();
    assert_eq!((plain(&sidecar, b"x"), knock(&sidecar)), (200, 200));
    assert_eq!(sidecar.change("/v1/policy/reload", ANN, &json!({})).code(), "forbidden");

    edit(&sidecar, "prefix: /plain }, upstream: app", "prefix: /plain }, upstream: app, roles: [service]");
    assert_eq!(plain(&sidecar, b"x"), 200, "nobody has said so");
    let done = reload(&sidecar);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!((plain(&sidecar, b"x"), knock(&sidecar)), (401, 200));
    let told = done.json();
    assert_eq!((&told["before"], &told["after"]), (&before["policy_hash"], &sidecar.state()["policy_hash"]));
    assert_eq!(
        (&told["differences"][0]["path"], &told["differences"][0]["means"]),
        (&json!("routes.plain.roles"), &json!("tighter"))
    );
    assert_eq!(sidecar.posture(), "BLOCK", "a reload does not touch the state");

    edit(&sidecar, "- { id: desk,", "#");
    sidecar.signal("HUP");
    sidecar.until("a key that is taken away is gone", |sidecar| knock(sidecar) == 401);
    sidecar.until("both are recorded with both hashes", |sidecar| {
        let changes = sidecar.events("config.changed");
        changes.len() == 2 && changes.iter().all(|one| one["before"]["policy_hash"] != one["after"]["policy_hash"])
    });
}

#[test]
fn limits_counts_and_signals_are_those_of_the_file() {
    let more = "limits: { body_bytes: 100KiB, order_body_bytes: 1KiB }\nmonitors: { policy_interval: 1h }\nauth_failures: { per_pair: 50, lockout: 30s }\nsignals: { access: { count: 50, window: 1m, level: SAFE } }";
    let sidecar = Sidecar::with(&Upstream::start(), more);
    sidecar.release_all();
    let big = vec![b'x'; 20_000];
    let probe = |count: usize| (0..count).for_each(|_| drop(sidecar.change("/v1/release/plan", DESK, &json!({}))));
    let guess = || send(sidecar.ingress, "GET /door", &[("x-api-key", "sekisho_ann_wrong")], b"").status;
    let guesses: Vec<u16> = (0..4).map(|_| guess()).collect();
    probe(4);
    assert_eq!((plain(&sidecar, &big), guesses.as_slice()), (200, [401; 4].as_slice()));
    edit(&sidecar, "body_bytes: 100KiB", "body_bytes: 10KiB");
    edit(&sidecar, "per_pair: 50", "per_pair: 5");
    edit(&sidecar, "access: { count: 50", "access: { count: 5");
    assert_eq!(reload(&sidecar).status, 200);
    assert_eq!(plain(&sidecar, &big), 413);
    assert_eq!([guess(), guess()], [401, 429], "what was counted before counts on");
    probe(4);
    assert_eq!(sidecar.posture(), "ALLOW", "a signal of another threshold counts anew");
    probe(1);
    sidecar.until("and is raised at that", |sidecar| sidecar.posture() == "CLOSE_ONLY");
}

#[test]
fn a_file_that_is_no_policy_or_changes_what_was_made_at_the_start_is_refused_whole() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    let good = text(&sidecar).replacen("prefix: /plain }", "prefix: /plain }, roles: [service]", 1);
    for (from, to, code) in [
        ("workers: 2", "workers: 3", "restart_needed"),
        ("version: 1", "version: 9", "policy_unsound"),
        ("/known\"", "/nowhere\"", "policy_unsound"),
        (
            "match: { path_prefix: /door }, upstream: app, roles: [service]",
            "match: { path_prefix: /door }, upstream: app",
            "reload_loosens",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        write(&sidecar, &good.replacen(from, to, 1));
        assert_eq!(reload(&sidecar).code(), code);
        assert_eq!(plain(&sidecar, b"x"), 200, "{code}: nothing of it is in force");
        assert!(verbose(&sidecar).contains("[-] policy_file"), "{code}");
    }
    sidecar.until("and a file that is refused again and again is a signal", |sidecar| {
        sidecar.events("security.alert.raised").iter().any(|event| event["action"] == "policy_drift")
    });
    write(&sidecar, &good);
    assert_eq!(reload(&sidecar).status, 200);
    assert_eq!(plain(&sidecar, b"x"), 401);
    assert!(verbose(&sidecar).contains("[+] policy_file"));
    let changes = sidecar.events("config.changed");
    let refused = changes.iter().filter(|one| one["action"] == "policy.reload" && one["result"] == "refused").count();
    assert_eq!(refused, 4);
}

fn propose(sidecar: &Sidecar, key: &str) -> Answer {
    sidecar.change("/v1/policy/propose", key, &json!({ "reason": "the desk moved" }))
}

fn confirm(sidecar: &Sidecar, key: &str, proposed: &Value) -> Answer {
    let answer = json!({ "id": proposed["request"]["id"], "code": proposed["code"] });
    sidecar.change("/v1/consents/confirm", key, &answer)
}

#[test]
fn a_looser_file_takes_two_people_who_agree_on_its_hash() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    assert_eq!(propose(&sidecar, ROOT).code(), "reload_suffices");
    edit(&sidecar, "/door }, upstream: app, roles: [service]", "/door }, upstream: app");
    let open = || send(sidecar.ingress, "GET /door", &[], b"").status;
    assert_eq!(propose(&sidecar, ANN).code(), "forbidden", "an operator does not change the policy");
    let proposed = propose(&sidecar, ROOT).json();
    assert_eq!(proposed["differences"][0]["means"], "looser", "{proposed}");
    assert_eq!(confirm(&sidecar, ROOT, &proposed).code(), "release_refused", "never alone");
    assert_eq!(confirm(&sidecar, DESK, &proposed).code(), "forbidden");
    assert_eq!(open(), 401);

    edit(&sidecar, "prefix: /export }", "prefix: /exports }");
    assert_eq!(confirm(&sidecar, BOB, &proposed).code(), "policy_moved", "not the file that was proposed");
    assert_eq!(open(), 401);
    edit(&sidecar, "prefix: /exports }", "prefix: /export }");
    let proposed = propose(&sidecar, ROOT).json();
    let done = confirm(&sidecar, BOB, &proposed);
    assert_eq!((done.status, open()), (200, 200), "{done:?}");
    assert_eq!(confirm(&sidecar, BOB, &proposed).code(), "release_refused", "spent");
    sidecar.until("it is recorded with both people", |sidecar| {
        let changes = sidecar.events("config.changed");
        changes.iter().any(|one| one["user"] == "cat and bob" && one["after"]["policy_hash"] == done.json()["after"])
    });
}

#[test]
fn an_open_incident_without_a_bundle_keeps_a_looser_file_out() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    sidecar.change("/v1/incidents", ANN, &json!({ "title": "odd", "severity": "SEV2" }));
    edit(&sidecar, "/door }, upstream: app, roles: [service]", "/door }, upstream: app");
    assert_eq!(propose(&sidecar, ROOT).code(), "preconditions_failed");
    sidecar.secure_evidence();
    let proposed = propose(&sidecar, ROOT).json();
    assert_eq!(confirm(&sidecar, BOB, &proposed).status, 200);
}

#[test]
fn the_cli_compares_reloads_and_proposes() {
    let sidecar = Sidecar::with(&Upstream::start(), QUIET);
    let path = sidecar.dir.path().join("policy.yaml");
    let old = sidecar.dir.path().join("old.yaml");
    std::fs::copy(&path, &old).unwrap();
    let out = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let diff = || sidecar.cli(ROOT, &["policy", "diff", old.to_str().unwrap(), path.to_str().unwrap()]);
    assert_eq!((out(&diff()).as_str(), diff().status.code()), ("no difference\n", Some(0)));
    edit(&sidecar, "/export }, upstream: app", "/export }, upstream: app, roles: [service]");
    assert_eq!(out(&diff()), "tighter routes.export.roles: callers that may use it\n");
    let reloaded = sidecar.cli(ROOT, &["policy", "reload"]);
    assert_eq!(reloaded.status.code(), Some(0), "{reloaded:?}");
    std::fs::copy(&old, &path).unwrap();
    assert_eq!(diff().status.code(), Some(0));
    assert_eq!(sidecar.cli(ROOT, &["policy", "reload"]).status.code(), Some(1));
    let proposed = out(&sidecar.cli(ROOT, &["policy", "propose", "--reason", "back"]));
    let line = proposed.lines().last().unwrap().trim().to_owned();
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let confirmed = sidecar.cli(BOB, &words);
    assert!(out(&confirmed).ends_with(" is in force\n"), "{confirmed:?}");
}

#[test]
fn a_secret_that_changes_is_looked_for_at_once_and_so_is_what_it_was() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, QUIET);
    let next = ["Qz7Lm", "pK2vT", "9xYc4", "bW8Rj"].concat();
    let log = |secret: &str| {
        send(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], format!("a {secret} b").as_bytes());
        String::from_utf8(upstream.one().body).unwrap()
    };
    assert!(log(&next).contains(&next) && !log(&known()).contains(&known()));
    std::fs::write(sidecar.dir.path().join("known"), &next).unwrap();
    assert_eq!(reload(&sidecar).status, 200, "the file is the same, the secret is not");
    assert!(!log(&next).contains(&next) && !log(&known()).contains(&known()));
}

#[test]
fn open_sockets_go_on_under_the_new_policy_unless_it_would_not_open_them() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::with(&venue.upstream, QUIET);
    sidecar.release_all();
    let (mut desk, mut feed) = (Client::open(sidecar.egress, "/desk"), Client::open(sidecar.egress, "/ws"));
    let login = format!(r#"{{"id":7,"op":"login","args":{{"key":"{}"}}}}"#, known());
    assert_eq!(desk.ask(&login), format!("got {login}"));
    assert_eq!(feed.ask("tick"), "got tick");

    edit(&sidecar, "allow_fields: [args.key]", "allow_fields: []");
    assert_eq!(reload(&sidecar).status, 200);
    let refused = desk.ask(&login);
    assert!(refused.contains("error"), "the next message is judged by what holds now: {refused}");
    assert_eq!((desk.ask("ping"), feed.ask("tick")), ("got ping".to_owned(), "got tick".to_owned()));

    edit(&sidecar, "path_prefix: /ws }, upstream: app, websocket: true", "path_prefix: /ws }, upstream: app");
    assert_eq!(reload(&sidecar).status, 200);
    assert!(feed.hear().starts_with("Close 1008"), "nobody could open it now, and nothing has to be said on it");
    assert_eq!(desk.ask("ping"), "got ping");

    edit(
        &sidecar,
        "path_prefix: /desk }\n    upstream: app",
        "path_prefix: /desk }\n    roles: [service]\n    upstream: app",
    );
    assert_eq!(reload(&sidecar).status, 200);
    assert!(desk.hear().starts_with("Close 1008"), "nobody asked who opened it");
    sidecar.until("both are told of", |sidecar| {
        let refused = sidecar.events("security.access.denied");
        refused.iter().filter(|event| event.to_string().contains("upgrade_refused")).count() == 2
    });
}

#[test]
fn open_log_streams_and_fix_sessions_are_searched_by_the_new_policy() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let stream = format!("streams: [{{ name: logs, listen: \"127.0.0.1:0\", format: syslog, to: \"{to}\" }}]");
    let more = [fix::Venue::start().policy(), stream, QUIET.to_owned()].join("\n");
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    sidecar.release_all();
    let connect = |address| {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    let mut engine = Engine::on(connect(sidecar.fix("venue")), "DESK", "VENUE");
    engine.logon(&[]);
    let mut logs = connect(sidecar.stream("logs"));
    let mut received = BufReader::new(receiver.accept().unwrap().0).lines();
    let next = ["Qz7Lm", "pK2vT", "9xYc4", "bW8Rj"].concat();
    let mut status = |id: &str| {
        engine.send("D", &[&fix::order(id)[..], &[(58, &*next)]].concat());
        engine.take().unwrap().field(39).to_owned()
    };
    let mut passes = || {
        writeln!(logs, "<34>Jan  1 00:00:00 h app: a {next} b").unwrap();
        received.next().unwrap().unwrap().contains(&next)
    };
    assert_eq!((status("1").as_str(), passes()), ("0", true));
    std::fs::write(sidecar.dir.path().join("known"), &next).unwrap();
    assert_eq!(reload(&sidecar).status, 200);
    assert_eq!((status("2").as_str(), passes()), ("8", false));
}
