//! The commands: what they say, and how they end.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::sidecar::{binary, known};

fn run(args: &[&str]) -> Output {
    binary().args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One clear line on stderr, and no backtrace.
fn one_line(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = err(output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(says), "{said}");
}

fn policy(dir: &Path, admin: &str, more: &str) -> std::path::PathBuf {
    let path = dir.join("policy.yaml");
    let text = format!(
        "version: 1\nservice: test\ndata_dir: {}\nlisteners: {{ ingress: \"127.0.0.1:0\", egress: \"127.0.0.1:0\", admin: \"{admin}\", health: \"127.0.0.1:0\" }}\nupstreams:\n  app: {{ url: \"http://127.0.0.1:9\" }}\nroutes:\n  - {{ name: a, listener: ingress, match: {{ path_prefix: / }}, upstream: app }}\n{more}",
        dir.join("data").display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_demo_plays_to_its_end() {
    let output = run(&["demo", "--once"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = out(&output);
    for told in ["order_refused", "reaches the venue", "bob confirms: ALLOW", "masked alike"] {
        assert!(said.contains(told), "{told} in\n{said}");
    }
    let scenes = said.lines().filter_map(|line| line.split_once(". ")?.0.parse().ok());
    assert_eq!(scenes.collect::<Vec<u8>>(), [1, 2, 3, 4, 5, 6], "{said}");
}

#[test]
fn a_broken_policy_names_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = policy(dir.path(), "127.0.0.1:0", "limits: { body_bytes: lots }\n");
    let output = run(&["policy", "check", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(err(&output).contains("policy.yaml:9:23:"), "{}", err(&output));
    for command in [&["run"][..], &["check"], &["scan", "-"]] {
        let output = run(&[command, &["--policy", path.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(2), "{command:?}: {output:?}");
    }
}

#[test]
fn what_the_machine_lacks_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    one_line(&run(&["run", "--policy", "/nowhere/policy.yaml"]), 3, "/nowhere/policy.yaml");

    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let path = policy(dir.path(), &taken, "");
    one_line(&run(&["run", "--policy", path.to_str().unwrap()]), 3, &taken);
    drop(held);

    let missing = "secrets:\n  - { name: venue, ref: \"file:/nowhere/key\" }\n";
    let path = policy(dir.path(), "127.0.0.1:0", missing);
    one_line(&run(&["run", "--policy", path.to_str().unwrap()]), 3, "/nowhere/key");

    std::fs::write(dir.path().join("blocked"), "a file where a directory should be").unwrap();
    let data = dir.path().join("blocked/data");
    let path = policy(dir.path(), "127.0.0.1:0", "");
    one_line(&run(&["run", "--policy", path.to_str().unwrap(), "--data", data.to_str().unwrap()]), 3, "blocked");

    one_line(&run(&["status", "--admin", "127.0.0.1:9"]), 3, "127.0.0.1:9");
}

#[test]
fn a_weak_secret_is_said_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("weak"), "true\n").unwrap();
    let more = format!("secrets:\n  - {{ name: venue, ref: \"file:{}\" }}\n", dir.path().join("weak").display());
    let path = policy(dir.path(), "127.0.0.1:0", &more);
    let output = run(&["run", "--policy", path.to_str().unwrap()]);
    one_line(&output, 3, "venue");
    assert!(!err(&output).contains("true"), "{}", err(&output));
}

#[test]
fn the_embedded_policy_can_be_printed_checked_and_hashed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("default.yaml");
    std::fs::write(&path, run(&["policy", "default"]).stdout).unwrap();
    let checked = run(&["policy", "check", path.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(out(&run(&["policy", "hash"])).starts_with("sha256:"));
    let schema: Value = serde_json::from_slice(&run(&["policy", "schema"]).stdout).unwrap();
    assert!(schema["properties"]["routes"].is_object());
}

#[test]
fn keys_are_made_and_shown_once() {
    let dir = tempfile::tempdir().unwrap();
    let pepper = dir.path().join("pepper");
    let output = run(&["keys", "new", "ann", "--role", "operator", "--pepper", pepper.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(out(&output).contains("sekisho_ann_"), "{}", out(&output));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&pepper).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut relative = binary();
    relative.args(["keys", "new", "bob", "--role", "operator", "--pepper", "pepper"]).current_dir(dir.path());
    let said = out(&relative.output().unwrap());
    let (_, lines) = said.split_once("for the policy:\n").unwrap();
    let path = policy(dir.path(), "127.0.0.1:0", lines);
    let checked = run(&["check", "--policy", path.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "what was printed can be used as it is: {checked:?}");
    assert_eq!(run(&["keys", "new", "a b", "--pepper", pepper.to_str().unwrap()]).status.code(), Some(2));
}

/// Log lines as services, kernels and proxies write them, a secret in one of each file.
fn logs(dir: &Path) -> Vec<String> {
    let token = format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    let aws = format!("AK{}{}", "IA", "QX3JZ7T2M5LD6KWB");
    let files = [
        (
            "app.ndjson",
            format!(
                "{{\"level\":\"info\",\"msg\":\"up\"}}\n{{\"level\":\"warn\",\"api_key\":\"{}\"}}\n",
                "k9Zq2Lw8Xv4Tn6Rb"
            ),
        ),
        (
            "access.log",
            format!(
                "192.0.2.7 - - [23/Nov/2026:09:30:00 +0000] \"GET /v1?a=1 HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n192.0.2.7 - - [23/Nov/2026:09:30:01 +0000] \"GET /hook?t={token} HTTP/1.1\" 200 12\n"
            ),
        ),
        (
            "syslog",
            format!(
                "<34>1 2026-11-23T09:30:00Z host app 12 - - connected\n<34>1 2026-11-23T09:30:01Z host app 12 - - using {aws}\n"
            ),
        ),
        (
            "logfmt/engine.log",
            format!(
                "ts=1 level=info msg=\"order filled\" qty=0.5\nts=2 level=error dsn=postgres://app:{}@db:5432/x\n",
                "hunter2hunter2"
            ),
        ),
        ("export.csv", format!("id,note\n1,fine\n2,{token}\n")),
        ("fix.log", format!("8=FIX.4.4|9=99|35=A|49=DESK|56=VENUE|553=desk|554={}|10=123|\n", "s3cr3tPassw0rd")),
        ("known.txt", format!("session {}\n", known())),
    ];
    for (name, text) in &files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(dir.join("clean.log"), "ts=1 order=7f9c24e8-3b12-4fd1-9a55-d2b1c0ffee00 price=64120.10\n").unwrap();
    let known_file = files.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != "known.txt");
    known_file.collect()
}

#[test]
fn scan_finds_a_secret_in_every_kind_of_log() {
    let dir = tempfile::tempdir().unwrap();
    let names = logs(dir.path());
    let path = dir.path().to_str().unwrap();
    let output = run(&["scan", path]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = out(&output);
    for name in &names {
        assert!(text.lines().any(|line| line.contains(&format!("{name}:"))), "{name} in\n{text}");
    }
    assert!(!text.contains("clean.log"), "{text}");
    assert!(text.lines().any(|line| line.contains("access.log:2:")), "{text}");

    let json: Value = serde_json::from_slice(&run(&["scan", "--format", "json", path]).stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(text.lines().count(), findings.len() + 1, "{text}");
    let sarif: Value = serde_json::from_slice(&run(&["scan", "--format", "sarif", path]).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    for told in [text, json.to_string(), sarif.to_string()] {
        for secret in ["A1b2C3d4E5f6", "hunter2hunter2", "k9Zq2Lw8Xv4Tn6Rb", "s3cr3tPassw0rd"] {
            assert!(!told.contains(secret), "{secret} is told");
        }
    }
    assert_eq!(run(&["scan", dir.path().join("clean.log").to_str().unwrap()]).status.code(), Some(0));
    assert_eq!(run(&["scan", dir.path().join("gone").to_str().unwrap()]).status.code(), Some(3));
}

#[test]
fn detectors_of_ones_own_are_found_and_a_fault_in_them_has_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().join("own.yaml");
    let own = policy(dir.path(), "127.0.0.1:0", &format!("detectors: {{ packs: [{}] }}\n", pack.display()));
    let log = dir.path().join("desk.log");
    std::fs::write(&log, format!("x desk_{} y\n", "a1b2".repeat(4))).unwrap();
    let head = "pack: own\ndetectors:\n  - {id: desk-key, title: Key, category: credential, severity: high, match: ";
    let scan = || run(&["scan", "--policy", own.to_str().unwrap(), log.to_str().unwrap()]);
    std::fs::write(&pack, format!("{head}['desk_{{alnum:16}}']}}\n")).unwrap();
    let found = scan();
    assert_eq!(found.status.code(), Some(1), "{}", err(&found));
    assert!(String::from_utf8_lossy(&found.stdout).contains("desk-key"));
    std::fs::write(&pack, format!("{head}['e{{alnum:16}}']}}\n")).unwrap();
    assert!(err(&scan()).contains("own.yaml:3:78: detector `desk-key`"), "{}", err(&scan()));
}

#[test]
fn what_scan_redacts_it_finds_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let names = logs(&dir.path().join("in"));
    let (input, output_dir) = (dir.path().join("in"), dir.path().join("out"));
    let redacted = run(&["scan", "--redact", "--output", output_dir.to_str().unwrap(), input.to_str().unwrap()]);
    assert_eq!(redacted.status.code(), Some(1), "{redacted:?}");
    let again = run(&["scan", output_dir.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(0), "{}", out(&again));
    for name in names {
        let (before, after) =
            (std::fs::read(input.join(&name)).unwrap(), std::fs::read(output_dir.join(&name)).unwrap());
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines(&before), lines(&after), "{name}");
    }
    let clean = std::fs::read(input.join("clean.log")).unwrap();
    assert_eq!(std::fs::read(output_dir.join("clean.log")).unwrap(), clean);
    let to_stdout = run(&["scan", "--redact", input.join("access.log").to_str().unwrap()]);
    assert_eq!(to_stdout.stdout, std::fs::read(output_dir.join("access.log")).unwrap());
}

#[test]
fn what_may_stay_stays_until_its_day_and_check_tells_what_is_over() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pin"), "90210424242").unwrap();
    let entry = |until: &str| {
        format!(
            "secrets:\n  - {{ name: pin, ref: \"file:{}\" }}\ndetectors: {{ allow: [{{ detector: field-name, field: sample_token, owner: desk, reason: published, until: {until} }}] }}\n",
            dir.path().join("pin").display()
        )
    };
    std::fs::write(dir.path().join("log"), "sample_token=abcdefgh token=abcdefgh\n").unwrap();
    for (until, expected, warned) in [
        ("2999-12-31", "sample_token=abcdefgh token=****\n", false),
        ("2020-01-01", "sample_token=**** token=****\n", true),
    ] {
        let path = policy(dir.path(), "127.0.0.1:0", &entry(until));
        let path = path.to_str().unwrap();
        let log = dir.path().join("log");
        let output = run(&["scan", "--policy", path, "--redact", log.to_str().unwrap()]);
        assert_eq!(out(&output), expected, "{output:?}");
        let output = run(&["check", "--policy", path]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = out(&output);
        assert_eq!(said.contains("WARN  detectors.allow: the entry of `desk`"), warned, "{said}");
        assert!(said.contains("WARN  secrets: `pin`: it may mask what it should not: it is a number"), "{said}");
    }
}
