//! Everything the sidecar emits is what `docs/contracts` says.

use serde_json::{Value, json};

use crate::client::send;
use crate::sidecar::{ANN, Sidecar, binary, known};
use crate::upstream::Upstream;

fn fits(contract: &str, value: &Value) {
    let path = format!("{}/docs/contracts/{contract}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::options().build(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{contract}: {value}: {faults:?}");
}

#[test]
fn everything_that_is_emitted_fits_its_contract() {
    let sidecar = Sidecar::open(&Upstream::start());
    send(sidecar.egress, "POST /v2/unknown", &[], b"{}");
    send(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], known().as_bytes());
    send(sidecar.ingress, "GET /door", &[("x-api-key", "wrong")], b"");
    sidecar.change("/v1/tighten", "wrong", &json!({ "reason": "test" }));
    sidecar.change("/v1/incidents", ANN, &json!({ "title": "test", "severity": "SEV3" }));
    sidecar.tighten("BLOCK");
    fits("safety_state", &sidecar.state());
    fits("gate_results", &sidecar.look("/v1/gates").json());
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    let verified =
        binary().args(["journal", "verify", "--json", "--data"]).arg(dir.path().join("data")).output().unwrap();
    fits("integrity_report", &serde_json::from_slice(&verified.stdout).unwrap());
    let text = std::fs::read_to_string(dir.path().join("data/journal/segments/000000000000.ndjson")).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        fits("audit_event", &record);
        kinds.insert(record["event_type"].as_str().unwrap().to_owned());
    }
    for kind in [
        "security.access.denied",
        "security.secret.guard.triggered",
        "authentication",
        "state.tightened",
        "state.released",
        "integrity.record",
        "operation",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    assert!(!text.contains(&known()));
}
