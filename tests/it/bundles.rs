//! Support bundles and what is sealed at rest, over the real process.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use crate::client::send;
use crate::sidecar::{ANN, Sidecar, binary, known};
use crate::upstream::Upstream;

/// A secret in the form of a well-known token, made here.
fn planted() -> String {
    format!("gh{}_{}", 'p', "Q1w2E3r4T5y6U7i8O9p0A1s2D3f4G5h6J7k8")
}

fn key_file(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let made = binary().args(["keys", "master", "--output"]).arg(&path).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    path
}

/// A sidecar with a master key, and a directory beside it for whatever is handed over.
fn sealed_sidecar() -> (Sidecar, tempfile::TempDir) {
    let outside = tempfile::tempdir().unwrap();
    let master = key_file(outside.path(), "master");
    let more = format!(
        "# a secret in a wrong place: {} and {}\nat_rest: {{ master_key: \"file:{}\", seal_interval: 100ms }}",
        planted(),
        known(),
        master.display()
    );
    (Sidecar::with(&Upstream::start(), &more), outside)
}

fn run(args: &[&str]) -> Output {
    binary().args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn all_bytes(path: &Path) -> Vec<u8> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| all_bytes(&path)).collect();
    }
    std::fs::read(path).unwrap()
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

/// An incident with secrets planted in all that people can write, and traffic that holds some.
fn troubled(sidecar: &Sidecar) -> String {
    let title = format!("leak of {} suspected", planted());
    let opened = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV2", "title": title }));
    assert_eq!(opened.status, 201, "{opened:?}");
    let id = opened.json()["id"].as_str().unwrap().to_owned();
    let note = json!({ "text": format!("seen: {}", known()) });
    assert_eq!(sidecar.change(&format!("/v1/incidents/{id}/note"), ANN, &note).status, 200);
    let reason = json!({ "switch": "BLOCK", "reason": format!("because of {}", planted()) });
    assert_eq!(sidecar.change("/v1/tighten", ANN, &reason).status, 200);
    send(sidecar.egress, &format!("POST /logs/{}", planted()), &[], known().as_bytes());
    id
}

/// The path of a bundle of the incident.
fn bundle(sidecar: &Sidecar, id: &str) -> PathBuf {
    let made = sidecar.cli(ANN, &["bundle", "create", "--incident", id, "--json"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(made["sealed"], true);
    PathBuf::from(format!("{}.sealed", made["path"].as_str().unwrap()))
}

#[test]
fn a_bundle_stands_on_its_own_where_there_is_nothing_but_it_and_the_public_key() {
    let (sidecar, outside) = sealed_sidecar();
    let id = troubled(&sidecar);
    let path = bundle(&sidecar, &id);
    let at = |name: &str| outside.path().join(name).to_str().unwrap().to_owned();
    let (file, vkey, data_key) = (at("b.tar.zst.sealed"), at("vkey"), at("data-key"));
    std::fs::copy(&path, &file).unwrap();
    std::fs::copy(sidecar.data().join("keys/journal.vkey"), &vkey).unwrap();
    let master = format!("file:{}", at("master"));
    let key = run(&["bundle", "key", path.to_str().unwrap(), "--master-key", &master]);
    assert_eq!(key.status.code(), Some(0), "{key:?}");
    std::fs::write(&data_key, &key.stdout).unwrap();
    // From here on, as on another machine.
    let data_key = format!("file:{data_key}");
    let verify = |file: &str| run(&["bundle", "verify", file, "--key", &vkey, "--data-key", &data_key]);
    let good = verify(&file);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert!(text(&good).starts_with("PASS"), "{good:?}");
    let locked = run(&["bundle", "verify", &file, "--key", &vkey]);
    assert_eq!(locked.status.code(), Some(3), "without its key it is no pass: {locked:?}");
    let shown = run(&["bundle", "show", &file, "--data-key", &data_key]);
    let shown = text(&shown);
    for word in ["state.tightened", "security.incident.opened", &id] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!holds(shown.as_bytes(), &planted()) && !holds(shown.as_bytes(), &known()), "{shown}");
    let good = std::fs::read(&file).unwrap();
    for place in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        assert_ne!(verify(&file).status.code(), Some(0), "byte {place}");
    }
    std::fs::write(&file, &good[..good.len() - 1]).unwrap();
    assert_eq!(verify(&file).status.code(), Some(1), "cut");
}

#[test]
fn planted_secrets_are_in_nothing_that_is_written() {
    let (sidecar, outside) = sealed_sidecar();
    let id = troubled(&sidecar);
    let path = bundle(&sidecar, &id);
    let master = format!("file:{}", outside.path().join("master").display());
    // What the scanner finds in the bundle when it is open: nothing, in any of its files.
    let sealed = std::fs::read(&path).unwrap();
    let key = text(&run(&["bundle", "key", path.to_str().unwrap(), "--master-key", &master]));
    let (head, _) = sekisho_seal::Head::split(&sealed).unwrap();
    let packed = sekisho_seal::open(&head.name, &key.parse().unwrap(), &sealed).unwrap();
    let archive = sekisho::evidence::bundle::unpack(&packed).unwrap();
    let opened = sekisho_journal::bundle::open(&archive).unwrap();
    assert!(opened.files.contains_key("incident.json") && opened.files.contains_key("metrics.prom"));
    let policy = String::from_utf8_lossy(&opened.files["policy.yaml"]).into_owned();
    assert!(policy.contains("a secret in a wrong place"), "the policy is in it, and only the secret is masked");
    let open = outside.path().join("open");
    std::fs::create_dir(&open).unwrap();
    for (name, bytes) in &opened.files {
        std::fs::write(open.join(name.replace('/', "_")), bytes).unwrap();
    }
    let scan = run(&["scan", open.to_str().unwrap()]);
    assert_eq!(scan.status.code(), Some(0), "{scan:?}");
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    let data = dir.path().join("data");
    for secret in [planted(), known()] {
        assert!(!holds(&archive, &secret), "in the bundle");
        assert!(!holds(&all_bytes(&data), &secret), "in the data directory");
    }
}

#[test]
fn an_open_incident_is_released_from_with_a_verified_bundle_only() {
    let sidecar = Sidecar::open(&Upstream::start());
    let opened = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV0", "title": "odd orders" }));
    let id = opened.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(sidecar.posture(), "BLOCK");
    let propose = || sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
    assert_eq!(propose().code(), "preconditions_failed", "without a bundle");
    let made = sidecar.change("/v1/bundles", ANN, &json!({ "incident": id })).json();
    assert_eq!(made["sealed"], false, "this policy has no master key");
    let path = PathBuf::from(made["path"].as_str().unwrap());
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bad).unwrap();
    assert_eq!(propose().code(), "preconditions_failed", "with one that was touched");
    std::fs::write(&path, good).unwrap();
    assert_eq!(propose().status, 200);
    let recorded = sidecar.events("support_bundle.created");
    assert_eq!(recorded[0]["outputs"]["manifest_sha256"], made["manifest_sha256"]);
    assert_eq!(sidecar.change("/v1/bundles", ANN, &json!({ "incident": "inc-999999" })).status, 404);
    let ends = json!({ "from": 5, "to": 2 });
    assert_eq!(sidecar.change("/v1/bundles", ANN, &ends).status, 400);
    assert_eq!(sidecar.change("/v1/bundles", crate::sidecar::DESK, &ends).code(), "forbidden");
}

#[test]
fn full_segments_are_sealed_beside_the_traffic_and_a_new_master_key_takes_over() {
    let outside = tempfile::tempdir().unwrap();
    let (old, new) = (key_file(outside.path(), "old"), key_file(outside.path(), "new"));
    let more = format!("at_rest: {{ master_key: \"file:{}\", seal_interval: 100ms }}", old.display());
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    let policy = sidecar.dir.path().join("policy.yaml");
    let text_of = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text_of.replace("flush_interval: 5ms", "flush_interval: 5ms, segment_records: 256"))
        .unwrap();
    let (_, dir) = sidecar.stop();
    let sidecar = Sidecar::on(dir);
    let segments = sidecar.data().join("journal/segments");
    let sealed = |segments: &Path| {
        let names = std::fs::read_dir(segments).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".sealed")).count()
    };
    // Every refused change of its own is a record of its own.
    sidecar.until("a full segment is sealed", |sidecar| {
        sidecar.tighten("BLOCK");
        sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
        sealed(&segments) > 0
    });
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    let data = dir.path().join("data");
    let verify = |master: &Path| {
        let master = format!("file:{}", master.display());
        run(&["journal", "verify", data.to_str().unwrap(), "--master-key", &master]).status.code()
    };
    assert_eq!((verify(&old), verify(&new)), (Some(0), Some(3)));
    let without = run(&["journal", "verify", data.to_str().unwrap()]);
    assert_eq!(without.status.code(), Some(3), "{without:?}");
    assert!(text(&without).contains("not looked into"), "{without:?}");
    let policy = dir.path().join("policy.yaml");
    let both = format!("master_key: \"file:{}\", old_master_keys: [\"file:{}\"]", new.display(), old.display());
    let written = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, written.replace(&format!("master_key: \"file:{}\"", old.display()), &both)).unwrap();
    let setting = ["--policy", policy.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let rewrap = run(&[&["keys", "rewrap"][..], &setting].concat());
    assert_eq!(rewrap.status.code(), Some(0), "{rewrap:?}");
    let ages = run(&[&["keys", "ages"][..], &setting].concat());
    assert!(ages.status.success() && text(&ages).contains("journal/segments/"), "{ages:?}");
    assert_eq!((verify(&old), verify(&new)), (Some(3), Some(0)));
    let (code, _dir) = Sidecar::on(dir).stop();
    assert_eq!(code, Some(0), "it goes on with the new master key");
}

#[test]
fn a_master_key_that_has_grown_old_is_told_of_once() {
    let outside = tempfile::tempdir().unwrap();
    let master = key_file(outside.path(), "master");
    let more =
        format!("at_rest: {{ master_key: \"file:{}\" }}\nmonitors: {{ integrity_interval: 1s }}", master.display());
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV3", "title": "something to seal" }));
    sidecar.secure_evidence();
    let told = |sidecar: &Sidecar| {
        let events = sidecar.events("security.alert.raised").into_iter();
        let of_age = events.filter(|event| event["action"] == "key_age");
        of_age.filter(|event| event["inputs"]["reason"].to_string().contains("master key")).count()
    };
    assert_eq!(told(&sidecar), 0, "it is young");
    let (_, dir) = sidecar.stop();
    let since = dir.path().join("data/keys/masters.json");
    let noted: std::collections::BTreeMap<String, u64> =
        serde_json::from_slice(&std::fs::read(&since).unwrap()).unwrap();
    let long_ago: std::collections::BTreeMap<_, u64> = noted.into_keys().map(|name| (name, 0)).collect();
    std::fs::write(&since, serde_json::to_vec(&long_ago).unwrap()).unwrap();
    let sidecar = Sidecar::on(dir);
    sidecar.until("it is told of", |sidecar| told(sidecar) > 0);
    // Two more looks have come and gone once the journal has been verified twice more.
    sidecar.until("it has looked again", |sidecar| sidecar.events("integrity.record").len() >= 2);
    assert_eq!(told(&sidecar), 1);
    assert_eq!(sidecar.posture(), "BLOCK", "as it was");
}

#[test]
fn a_bundle_is_made_where_no_sidecar_runs() {
    let sidecar = Sidecar::open(&Upstream::start());
    let opened = sidecar.change("/v1/incidents", ANN, &json!({ "severity": "SEV2", "title": "odd orders" }));
    let id = opened.json()["id"].as_str().unwrap().to_owned();
    let (policy, data) = (sidecar.dir.path().join("policy.yaml"), sidecar.data());
    let create = |incident: &str| {
        let setting = ["--policy", policy.to_str().unwrap(), "--data", data.to_str().unwrap()];
        run(&[&["bundle", "create", "--offline", "--by", "ann", "--json", "--incident", incident][..], &setting]
            .concat())
    };
    let beside = create(&id);
    assert_eq!(beside.status.code(), Some(3), "not beside a running one: {beside:?}");
    let (_, _dir) = sidecar.stop();
    assert_eq!(create("inc-999999").status.code(), Some(2));
    let made = create(&id);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let vkey = data.join("keys/journal.vkey");
    let verified = run(&["bundle", "verify", made["path"].as_str().unwrap(), "--key", vkey.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    assert!(text(&verified).contains("absent: logs") && text(&verified).contains("absent: metrics"), "{verified:?}");
    let shown = text(&run(&["bundle", "show", made["path"].as_str().unwrap()]));
    assert!(shown.contains(&id) && shown.contains("odd orders"), "{shown}");
}
