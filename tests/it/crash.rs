//! Killed at any instant around a tightening or a release, it never comes back looser than what was acknowledged.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, try_send};
use crate::sidecar::{ANN, BOB, Sidecar};
use crate::upstream::Upstream;

/// The loosest position that it may come back in: as acknowledged, or as a change under way would have it.
#[derive(Clone, Copy, Debug)]
struct Known {
    acknowledged: usize,
    under_way: usize,
}

const SWITCHES: [&str; 3] = ["ALLOW", "CLOSE_ONLY", "BLOCK"];

fn change(admin: std::net::SocketAddr, path: &str, key: &str, body: &Value) -> Option<Answer> {
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    try_send(admin, &format!("POST {path}"), &headers, body.to_string().as_bytes()).ok()
}

/// Tightens and releases for as long as somebody answers.
fn go_on(admin: std::net::SocketAddr, known: &Mutex<Known>, mut to: usize) {
    loop {
        let from = known.lock().unwrap().acknowledged;
        let answer = if from == 0 {
            // A tightening under way may be in force already or not: the loosest is what it comes from.
            to = 3 - to;
            let asked = json!({ "switch": SWITCHES[to], "reason": "test" });
            change(admin, "/v1/tighten", ANN, &asked).filter(|answer| answer.status == 200).map(|_| to)
        } else {
            let Some(proposed) = change(admin, "/v1/release/propose", ANN, &json!({ "reason": "test" })) else {
                return;
            };
            let proposed = proposed.json();
            let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
            known.lock().unwrap().under_way = from - 1;
            change(admin, "/v1/release/confirm", BOB, &answer).filter(|answer| answer.status == 200).map(|_| from - 1)
        };
        let Some(now) = answer else { return };
        *known.lock().unwrap() = Known { acknowledged: now, under_way: now };
    }
}

#[test]
fn kill_9_at_any_instant_never_restarts_looser() {
    // `make kills` asks for more.
    let kills: u64 = std::env::var("SEKISHO_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let seed = std::process::id().into();
    let (mut random, mut sidecar) = (seed, Sidecar::open(&Upstream::start()));
    let mut changes = 0;
    for kill in 0..kills {
        random = u64::wrapping_add(u64::wrapping_mul(random, 6_364_136_223_846_793_005), 1_442_695_040_888_963_407);
        let instant = Duration::from_micros((random >> 33) % 60_000);
        let at = SWITCHES.iter().position(|switch| *switch == sidecar.posture()).unwrap();
        let known = Mutex::new(Known { acknowledged: at, under_way: at });
        let (admin, begun) = (sidecar.admin, Instant::now());
        let dir = std::thread::scope(|scope| {
            let going = scope.spawn(|| go_on(admin, &known, 1 + usize::from(kill % 2 == 0)));
            while begun.elapsed() < instant {
                std::thread::yield_now();
            }
            let dir = sidecar.kill();
            going.join().unwrap();
            dir
        });
        sidecar = Sidecar::on(dir);
        let Known { acknowledged, under_way } = known.into_inner().unwrap();
        let found = SWITCHES.iter().position(|switch| *switch == sidecar.posture()).unwrap();
        assert!(
            found >= acknowledged.min(under_way),
            "kill {kill}, seed {seed}: {found} after {acknowledged}, {under_way}"
        );
        changes += usize::from(acknowledged != at || under_way != at);
    }
    assert!(changes > 0, "something was under way");
}
