//! What has to be verifiable, with the thresholds that policy has by default: containment at once and by signals, silence that
//! is not health, a way back that takes two people and time, and the trail of all of it.

use std::time::{Duration, Instant};

use sekisho_policy::Policy;
use serde_json::json;

use crate::client::send;
use crate::sidecar::{ANN, BOB, DESK, Sidecar};
use crate::signals;
use crate::upstream::Upstream;

/// As `Sidecar::until`, for what takes as long as policy says: a minute and a half at most.
fn in_time(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn a_spike_of_failed_authentication_is_contained_and_one_failure_less_is_not() {
    let (_upstream, sidecar) = signals::open(&signals::defaults());
    let policy = Policy::parse("p", Policy::embedded()).unwrap();
    let spike = policy.signals.auth_failures.unwrap();
    assert_eq!((spike.count, spike.per_source), (20, 5), "so many, and an address counts for so many");
    let guess = |at: u32| {
        let from = u8::try_from(at / spike.per_source + 1).unwrap();
        signals::knock(&sidecar, from, "sekisho_desk_wrong")
    };
    for at in 0..spike.count - 1 {
        assert!(matches!(guess(at), 401 | 429));
    }
    assert_eq!((sidecar.posture().as_str(), signals::incidents(&sidecar)), ("ALLOW", vec![]));
    guess(spike.count - 1);
    sidecar.until("it is SAFE", |sidecar| sidecar.state()["level"]["mode"] == "SAFE");
    sidecar.until("which is an incident", |sidecar| signals::incidents(sidecar) == ["auth_failures"]);
    sidecar.until("and in the audit trail", |sidecar| {
        let named = |kind| sidecar.events(kind).iter().any(|event| event["action"] == "auth_failures");
        named("security.alert.raised") && named("security.containment.applied")
    });
    let order = br#"{"symbol":"A","side":"buy","type":"market","qty":"1"}"#;
    let ordered = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], order);
    assert_eq!(ordered.status, 403, "nothing opens any more");
}

#[test]
fn tightening_is_immediate_silence_is_not_health_and_the_way_back_takes_two_people_and_time() {
    // `safety: {}` and `feed: {}` are the defaults: a stage of a minute, a silence of thirty seconds.
    let sidecar = Sidecar::with(&Upstream::start(), "safety: {}\ngates: { feed: {} }");
    let defaults = Policy::parse("p", "version: 1\nservice: s\ngates: { feed: {} }\n").unwrap();
    assert_eq!((defaults.safety.min_stay.as_secs(), defaults.gates[0].ttl.as_secs()), (60, 30));
    let report = || {
        let headers = [("x-api-key", DESK), ("content-type", "application/json")];
        send(sidecar.admin, "PUT /v1/gates/feed", &headers, b"{\"status\":\"PASS\"}").status
    };
    let propose = || sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "first start" }));
    assert_eq!(report(), 200);
    assert_eq!(sidecar.tighten("BLOCK").json()["after"]["switch"], "BLOCK", "to tighten takes one person and no time");
    assert_eq!(propose().code(), "preconditions_failed", "to loosen takes a stay");
    in_time("the stay ends", || report() == 200 && propose().status == 200);
    let proposed = propose().json();
    let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
    assert_eq!(sidecar.change("/v1/release/confirm", ANN, &answer).code(), "release_refused", "and a second person");
    assert_eq!(sidecar.change("/v1/release/confirm", BOB, &answer).status, 200);
    assert_eq!(sidecar.posture(), "CLOSE_ONLY", "one stage");

    assert_eq!(report(), 200);
    let level = || sidecar.state()["level"].clone();
    assert_eq!((&level()["mode"], &level()["health"]), (&json!("NORMAL"), &json!("OK")));
    in_time("silence is UNKNOWN and at least SAFE", || level()["health"] == "UNKNOWN" && level()["mode"] == "SAFE");

    sidecar.until("the trail names who did what, in order", |sidecar| {
        let all =
            ["state.tightened", "state.release.proposed", "state.released", "gate.record", "security.access.denied"];
        all.iter().all(|kind| !sidecar.events(kind).is_empty())
    });
    let released = &sidecar.events("state.released")[0];
    assert_eq!(released["user"], "ann and bob", "{released}");
    assert_eq!(
        (&released["outputs"]["before"], &released["outputs"]["after"]),
        (&json!("BLOCK NORMAL OK"), &json!("CLOSE_ONLY NORMAL OK"))
    );
    let refused = sidecar.events("security.access.denied");
    assert!(refused.iter().any(|one| one["action"] == "release.confirm" && one["user"] == "ann"), "{refused:?}");
}
