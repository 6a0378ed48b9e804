//! A first start from nothing.

use crate::sidecar::{Sidecar, binary};

const TEMPLATE: &str = r#"version: 1
service: test
data_dir: data
listeners: { ingress: "127.0.0.1:0", egress: "127.0.0.1:0", admin: "127.0.0.1:0", health: "127.0.0.1:0" }
upstreams:
  app: { url: "http://127.0.0.1:9" }
routes:
  - { name: a, listener: ingress, match: { path_prefix: / }, upstream: app }
identity:
  keys: []
"#;

fn init(args: &[&str]) -> (Option<i32>, String) {
    let output = binary().arg("init").args(args).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_init_makes_runs_and_its_keys_open() {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let made = dir.path().to_str().unwrap();
    let args = [made, "--person", "ann", "--person", "bob", "--template", template.to_str().unwrap()];
    let (code, said) = init(&args);
    assert_eq!(code, Some(0), "{said}");
    let key = std::fs::read_to_string(dir.path().join("keys/ann.key")).unwrap();
    assert!(!said.contains(&key), "a key is in no terminal's memory");
    let policy = std::fs::read_to_string(dir.path().join("sekisho.yaml")).unwrap();

    // A second time it changes nothing, and says so or is content.
    let (code, said) = init(&args);
    assert!(code == Some(3) && said.contains("is there already"), "{said}");
    let (code, said) = init(&[&args[..], &["--if-missing"]].concat());
    assert!(code == Some(0) && said.contains("nothing was changed"), "{said}");
    assert_eq!(std::fs::read_to_string(dir.path().join("sekisho.yaml")).unwrap(), policy);

    std::fs::rename(dir.path().join("sekisho.yaml"), dir.path().join("policy.yaml")).unwrap();
    let sidecar = Sidecar::on(dir);
    let done = sidecar.cli(&key, &["tighten", "CLOSE_ONLY", "--reason", "first start"]);
    assert!(done.status.success(), "{done:?}");
    let port = sidecar.health.to_string();
    let health = |args: &[&str]| binary().arg("health").args(args).env("SEKISHO_HEALTH", &port).output().unwrap();
    let ready = health(&[]);
    // Nothing was stored, so nothing could be verified: not ready until two people have released it.
    assert_eq!(ready.status.code(), Some(1), "{ready:?}");
    assert!(ready.stdout.starts_with(b"[-] state_verified\n[+] state_stored\n"), "{ready:?}");
    let top = binary().args(["top", "--once"]).env("SEKISHO_HEALTH", &port).output().unwrap();
    assert!(top.status.success() && top.stdout.starts_with(b"state BLOCK\nstored yes  journal writes yes"), "{top:?}");
    assert_eq!(health(&["--live"]).stdout, b"ok\n");
    assert_eq!(health(&["--health", "127.0.0.1:1"]).status.code(), Some(3));
    let refused = sidecar.cli("sekisho_ann_0", &["tighten", "CLOSE_ONLY", "--reason", "first start"]);
    assert!(!refused.status.success(), "{refused:?}");
}

#[test]
fn the_embedded_default_can_be_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("with \"quotes\" and spaces");
    let (code, said) = init(&[at.to_str().unwrap(), "--person", "ann", "--person", "bob"]);
    assert_eq!(code, Some(0), "{said}");
    let checked = binary().args(["policy", "check"]).arg(at.join("sekisho.yaml")).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn names_and_templates_that_cannot_be_used_make_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.yaml");
    std::fs::write(&bad, "version: 1\n").unwrap();
    let at = dir.path().join("made");
    let at = at.to_str().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["--person", "ann"], "two people at least"),
        (&["--person", "ann", "--person", "Ann"], "named twice"),
        (&["--person", "ann", "--person", "../bob"], "expected 1 to 64 letters"),
        (&["--person", "ann", "--person", "bob", "--template", bad.to_str().unwrap()], "expected the two lines"),
        (&[], "--person"),
    ];
    for (args, says) in cases {
        let (code, said) = init(&[&[at][..], args].concat());
        assert!(code == Some(2) && said.contains(says), "{args:?}: {said}");
        assert!(!std::path::Path::new(at).exists(), "{args:?}");
    }
}
