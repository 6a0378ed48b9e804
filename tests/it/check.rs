//! `sekisho check`: what it finds, and that what it says mends it. A hint is followed by the letter, as somebody would at night.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pki::Authority;
use crate::sidecar::{Sidecar, binary};
use crate::upstream::Upstream;

/// A place where a sidecar could start, and what it would start with.
struct Machine {
    dir: TempDir,
    policy: Value,
    /// Listens where the policy says that the service is.
    _service: TcpListener,
    /// Holds a port that somebody else wants.
    held: Option<TcpListener>,
}

impl Machine {
    /// One that nothing is wrong with.
    fn sound() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let key = |id: &str, digit: &str| json!({ "id": id, "role": "operator", "hash": digit.repeat(64) });
        let policy = json!({
            "version": 1,
            "service": "test",
            "data_dir": dir.path().join("data"),
            "listeners": { "ingress": "127.0.0.1:0", "egress": "127.0.0.1:0", "admin": "127.0.0.1:0", "health": "127.0.0.1:0" },
            "upstreams": { "app": { "url": format!("http://{}", service.local_addr().unwrap()) } },
            "routes": [{ "name": "a", "listener": "ingress", "upstream": "app", "roles": ["operator"] }],
            "identity": { "pepper": format!("file:{}", dir.path().join("pepper").display()), "keys": [key("ann", "a"), key("bob", "b")] },
        });
        let machine = Self { dir, policy, _service: service, held: None };
        machine.write("pepper", "a pepper of some length", 0o600);
        machine
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// A data directory as the sidecar makes it.
    fn data(&self) {
        self.write("data/keys/journal.vkey", "", 0o600);
        fs::set_permissions(self.path("data"), Permissions::from_mode(0o700)).unwrap();
    }

    /// The field at a path as hints write it: `a.b[0].c`. It is made if it is not there.
    fn at(&mut self, path: &str) -> &mut Value {
        let pointer = path.replace('[', ".").replace(']', "");
        pointer.split('.').fold(&mut self.policy, |value, key| match key.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[key],
        })
    }

    /// What is not fine, and how the command ended.
    fn checked(&self, more: &[&str]) -> (Vec<Value>, Option<i32>) {
        let path = self.dir.path().join("policy.yaml");
        // Its mode stays as it is.
        fs::write(&path, self.policy.to_string()).unwrap();
        let mut command = binary();
        command.args(["check", "--json", "--strict", "--policy"]).arg(path).args(more).env_remove("SEKISHO_CHECK_TEST");
        let output = command.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let checks = told["checks"].as_array().unwrap().iter();
        (checks.filter(|check| check["status"] != "ok").cloned().collect(), output.status.code())
    }

    /// Does what a hint says: the first thing that it names, and nothing else.
    fn follow(&mut self, hint: &str) {
        let (before, rest) = hint.split_once('`').unwrap();
        let (named, _) = rest.split_once('`').unwrap();
        match (before.rsplit(' ').nth(1), named.split_once(": ")) {
            (Some("run"), _) => {
                let ran = self.run(named);
                assert!(ran.status.success(), "{named}: {ran:?}");
            }
            (Some("set"), Some((path, "{}"))) => *self.at(path) = json!({}),
            (Some("set"), Some((path, value))) => *self.at(path) = value.into(),
            (Some("remove"), _) => {
                let (list, index) = named.strip_suffix(']').unwrap().rsplit_once('[').unwrap();
                self.at(list).as_array_mut().unwrap().remove(index.parse().unwrap());
            }
            (verb, _) => panic!("nobody knows how to {verb:?}: {hint}"),
        }
    }

    fn run(&self, command: &str) -> Output {
        let ours = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap();
        let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
        Command::new("sh").args(["-c", command]).current_dir(self.dir.path()).env("PATH", path).output().unwrap()
    }
}

#[test]
fn nothing_is_wrong_where_nothing_is() {
    assert_eq!(Machine::sound().checked(&[]), (vec![], Some(0)));
}

/// What is planted; the group that finds it; how bad it is; what is said of it.
type Planted = (fn(&mut Machine), &'static str, &'static str, &'static str);

#[test]
fn each_planted_misconfiguration_is_found_and_its_hint_mends_it() {
    let planted: [Planted; 18] = [
        (|m| open(m, "data", 0o755), "permissions", "warn", "others may read it"),
        (|m| m.write("policy.yaml", "", 0o666), "permissions", "warn", "others may change it"),
        (|m| m.write("pepper", "a pepper of some length", 0o644), "permissions", "warn", "others may read it"),
        (|m| open(m, "data/keys/journal.seed", 0o640), "permissions", "fail", "a seed that others"),
        (taken_port, "ports", "fail", "Address already in use"),
        (|m| *m.at("listeners.health") = "192.0.2.1:9912".into(), "ports", "fail", "Cannot assign"),
        (|m| *m.at("listeners.ingress") = "0.0.0.0:0".into(), "policy", "warn", "without TLS"),
        (far_sessions, "upstreams", "warn", "without TLS"),
        (no_master, "secret_refs", "fail", "No such file"),
        (no_fingerprint_key, "secret_refs", "fail", "No such file"),
        (plain_secret, "secret_refs", "fail", "too plain"),
        (old_tls, "certificates", "warn", "TLS 1.2"),
        (old_key, "certificates", "warn", "its time is over"),
        (old_allowance, "policy", "warn", "has expired"),
        (|m| *m.at("retention") = json!({ "archive": m.path("archive") }), "disk", "warn", "no such directory"),
        (no_log_directory, "disk", "fail", "no such directory"),
        (|m| m.write("data", "a file where a directory should be", 0o600), "disk", "fail", "Not a directory"),
        (from_the_future, "clocks", "warn", "after what it shows now"),
    ];
    for (plant, group, status, says) in planted {
        let mut machine = Machine::sound();
        machine.write("policy.yaml", "", 0o644);
        plant(&mut machine);
        let (found, code) = machine.checked(&[]);
        let [one] = &found[..] else { panic!("{says}: {found:?}") };
        let why = one["why"].as_str().unwrap();
        assert!(one["group"] == group && one["status"] == status && why.contains(says), "{says}: {one}");
        assert_eq!(code, Some(if status == "fail" { 3 } else { 1 }), "{one}");
        let hint = one["hint"].as_str().unwrap().to_owned();
        machine.follow(&hint);
        assert_eq!(machine.checked(&[]), (vec![], Some(0)), "`{hint}` does not mend it");
    }
}

fn open(machine: &mut Machine, name: &str, mode: u32) {
    machine.data();
    let path = machine.dir.path().join(name);
    if !path.exists() {
        machine.write(name, &"s".repeat(32), mode);
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn far_sessions(machine: &mut Machine) {
    let fix = json!([{ "name": "venue", "listen": "127.0.0.1:0", "connect": "192.0.2.1:9876" }]);
    *machine.at("fix") = fix;
}

fn no_master(machine: &mut Machine) {
    *machine.at("at_rest.master_key") = format!("file:{}", machine.path("master")).into();
}

fn no_fingerprint_key(machine: &mut Machine) {
    *machine.at("detectors.fingerprint_key") = format!("file:{}", machine.path("fingerprint")).into();
}

fn no_log_directory(machine: &mut Machine) {
    *machine.at("telemetry.access_log") = machine.path("logs/access.log").into();
}

fn old_key(machine: &mut Machine) {
    let key = json!({ "id": "old", "role": "service", "hash": "c".repeat(64), "expires": "2026-01-01" });
    machine.at("identity.keys").as_array_mut().unwrap().push(key);
}

fn old_allowance(machine: &mut Machine) {
    let (reason, until) = ("published", "2026-01-01");
    *machine.at("detectors.allow") =
        json!([{ "detector": "jwt", "field": "sample", "owner": "desk", "reason": reason, "until": until }]);
}

fn taken_port(machine: &mut Machine) {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    *machine.at("listeners.egress") = held.local_addr().unwrap().to_string().into();
    machine.held = Some(held);
}

fn plain_secret(machine: &mut Machine) {
    machine.write("plain", &"ab".repeat(8), 0o600);
    *machine.at("secrets") = json!([{ "name": "venue", "ref": format!("file:{}", machine.path("plain")) }]);
}

fn old_tls(machine: &mut Machine) {
    Authority::new("ours").issue(&["localhost"]).write(machine.dir.path(), "shown");
    fs::set_permissions(machine.path("shown.key"), Permissions::from_mode(0o600)).unwrap();
    let shown = json!({ "chain": machine.path("shown.pem"), "key": format!("file:{}", machine.path("shown.key")) });
    *machine.at("listeners.ingress_tls") = json!({ "certificates": [shown], "min_version": "1.2" });
}

fn from_the_future(machine: &mut Machine) {
    machine.data();
    let written = fs::File::options().write(true).open(machine.path("data/keys/journal.vkey")).unwrap();
    written.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
}

/// What a person has to do with their own hands is done as it is said.
#[test]
fn what_takes_more_than_a_command_is_said_as_well() {
    // A second person.
    let mut machine = Machine::sound();
    machine.at("identity.keys").as_array_mut().unwrap().pop();
    let (found, _) = machine.checked(&[]);
    let hint = found[0]["hint"].as_str().unwrap();
    assert!(found.len() == 1 && hint.contains("add what it prints to `identity.keys`"), "{found:?}");
    let command = hint.split('`').nth(1).unwrap().replace("NAME", "carol");
    let printed = String::from_utf8(machine.run(&command).stdout).unwrap();
    let of = |name: &str| printed.lines().find_map(|line| line.split_once(&format!(" {name}: "))).unwrap().1.to_owned();
    let made = json!({ "id": of("- id"), "role": of("role"), "person": of("person"), "hash": of("hash") });
    machine.at("identity.keys").as_array_mut().unwrap().push(made);
    assert_eq!(machine.checked(&[]), (vec![], Some(0)), "{printed}");

    // A service that does not run: nobody who asks for silence is told.
    let mut machine = Machine::sound();
    let (service, nowhere) = (machine.at("upstreams.app.url").clone(), json!("http://127.0.0.1:1"));
    *machine.at("upstreams.app.url") = nowhere;
    assert_eq!(machine.checked(&["--offline"]), (vec![], Some(0)));
    let (found, code) = machine.checked(&[]);
    assert!(code == Some(1) && found.len() == 1 && found[0]["group"] == "upstreams", "{found:?}");
    assert_eq!(found[0]["hint"], "start it, or set `upstreams.app.url` to where it is");
    *machine.at("upstreams.app.url") = service;
    assert_eq!(machine.checked(&[]), (vec![], Some(0)));

    // Orders that anybody on the way can read.
    *machine.at("upstreams.venue") = json!({ "url": "http://192.0.2.1:80" });
    *machine.at("routes[0].upstream") = "venue".into();
    *machine.at("routes[0].orders") = json!({ "pack": "alpaca" });
    let (found, code) = machine.checked(&["--offline"]);
    assert!(code == Some(1) && found.len() == 1, "{found:?}");
    assert!(
        found[0]["hint"].as_str().unwrap().starts_with("set `upstreams.venue.url: https://192.0.2.1`"),
        "{found:?}"
    );
}

#[test]
fn a_disk_that_is_near_full_is_found() {
    let mut machine = Machine::sound();
    *machine.at("monitors.disk_free_bytes") = "1024GiB".into();
    let (found, _) = machine.checked(&[]);
    // Nothing is found where that much is free.
    if let [one] = &found[..] {
        assert!(one["group"] == "disk" && one["status"] == "fail", "{one}");
        machine.follow(one["hint"].as_str().unwrap());
        assert_eq!(machine.checked(&[]), (vec![], Some(0)), "{one}");
    }
}

#[test]
fn a_reference_that_cannot_be_read_and_a_policy_that_is_none_are_named() {
    let mut machine = Machine::sound();
    *machine.at("secrets") = json!([{ "name": "venue", "ref": "env:SEKISHO_CHECK_TEST" }]);
    let (found, code) = machine.checked(&[]);
    assert!(code == Some(3) && found.len() == 1, "{found:?}");
    assert_eq!(found[0]["hint"], "set the variable SEKISHO_CHECK_TEST in the environment that this starts in");
    *machine.at("secrets") = json!([]);
    *machine.at("limits") = json!({ "body_bytes": "lots" });
    let (found, code) = machine.checked(&[]);
    assert!(code == Some(2) && found.len() == 1 && found[0]["group"] == "policy", "{found:?}");
    let why = found[0]["why"].as_str().unwrap();
    assert!(why.starts_with("expected bytes, as 65536 or 64KiB, from"), "{why}");
    *machine.at("limits.body_bytes") = "64KiB".into();
    *machine.at("limits.order_body_bytes") = "64KiB".into();
    assert_eq!(machine.checked(&[]), (vec![], Some(0)));
}

#[test]
fn it_is_read_by_groups() {
    let mut machine = Machine::sound();
    *machine.at("identity.pepper") = "file:/nowhere/pepper".into();
    let (_, code) = machine.checked(&[]);
    assert_eq!(code, Some(3));
    let output = binary().args(["check", "--policy"]).arg(machine.path("policy.yaml")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let groups: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(groups, ["policy", "clocks", "permissions", "disk", "ports", "upstreams", "secret_refs", "journal"]);
    assert!(said.contains("  FAIL  identity.pepper file:/nowhere/pepper: identity.pepper: cannot read"), "{said}");
    assert!(said.contains("\n        hint: bring it back"), "{said}");
}

#[test]
fn a_journal_that_runs_or_is_damaged_is_told_of() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let look = |dir: &Path| {
        let mut command = binary();
        command.args(["check", "--json", "--policy"]).arg(dir.join("policy.yaml")).arg("--data").arg(dir.join("data"));
        let told: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let of_journal = |check: &&Value| check["group"] == "journal";
        told["checks"].as_array().unwrap().iter().filter(of_journal).cloned().collect::<Vec<_>>()
    };
    let found = look(sidecar.dir.path());
    assert_eq!(
        found[0]["hint"],
        "stop the sidecar that runs on this data directory, or give another one with `--data`"
    );
    let (_, dir) = sidecar.stop();
    let found = look(dir.path());
    assert!(found.len() == 1 && found[0]["status"] == "ok", "{found:?}");
    let segments = dir.path().join("data/journal/segments");
    let segment = fs::read_dir(segments).unwrap().next().unwrap().unwrap().path();
    let damaged = fs::read_to_string(&segment).unwrap().replacen("\"start\"", "\"stort\"", 1);
    fs::write(&segment, damaged).unwrap();
    let found = look(dir.path());
    assert!(found.len() == 1 && found[0]["status"] == "fail", "{found:?}");
    let copy = found[0]["hint"].as_str().unwrap().split('`').nth(1).unwrap();
    assert!(Command::new("sh").args(["-c", copy]).status().unwrap().success());
    assert!(dir.path().join("data.found/journal/checkpoint").is_file(), "{copy}");
}
