//! The flip is linearizable: what orders and changes of state saw of each other is looked through for what could not be.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

/// What was done, from the moment it was asked for to the moment it was answered, on one clock.
#[derive(Clone, Copy, Debug)]
struct Done {
    asked: Duration,
    answered: Duration,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Passed,
    Refused,
    Block,
    Allow,
}

/// Orders that fit no order of events: each takes effect at one instant between its asking and its answer, and passes exactly
/// if the last change before that instant was to ALLOW. Changes follow one another.
fn impossible(history: &[Done]) -> Vec<Done> {
    let changes: Vec<&Done> = history.iter().filter(|done| matches!(done.what, What::Block | What::Allow)).collect();
    let could = |order: &Done, wanted: What| {
        // A state may be in force from the asking of its change to the answer of the next.
        changes.iter().enumerate().any(|(at, change)| {
            let until = changes.get(at + 1).map_or(Duration::MAX, |next| next.answered);
            change.what == wanted && change.asked < order.answered && until > order.asked
        })
    };
    let fits = |done: &&Done| match done.what {
        What::Passed => could(done, What::Allow),
        What::Refused => could(done, What::Block),
        What::Block | What::Allow => true,
    };
    history.iter().filter(|done| !fits(done)).copied().collect()
}

#[test]
fn what_cannot_be_is_found() {
    let done = |what, asked, answered| Done {
        asked: Duration::from_millis(asked),
        answered: Duration::from_millis(answered),
        what,
    };
    let changes = [done(What::Allow, 0, 1), done(What::Block, 10, 12), done(What::Allow, 20, 22)];
    for (order, fits) in [
        (done(What::Passed, 5, 6), true),
        (done(What::Passed, 5, 30), true),
        (done(What::Passed, 11, 14), true),
        (done(What::Passed, 12, 19), false),
        (done(What::Passed, 13, 21), true),
        (done(What::Refused, 5, 6), false),
        (done(What::Refused, 5, 11), true),
        (done(What::Refused, 21, 30), true),
        (done(What::Refused, 23, 30), false),
    ] {
        let history: Vec<Done> = changes.iter().copied().chain([order]).collect();
        assert_eq!(impossible(&history).is_empty(), fits, "{order:?}");
    }
}

#[test]
fn orders_and_flips_under_load_fit_one_order_of_events() {
    // More is for a recipe: `SEKISHO_TEST_FLIPS=1000`.
    let flips: usize = std::env::var("SEKISHO_TEST_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { in_flight_orders: 1000 }");
    let (start, stop, history) = (Instant::now(), AtomicBool::new(false), Mutex::new(Vec::new()));
    let record = |what: &dyn Fn() -> What| {
        let asked = start.elapsed();
        let what = what();
        history.lock().unwrap().push(Done { asked, answered: start.elapsed(), what });
    };
    let mut waits = Vec::new();
    record(&|| What::Block);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    record(&|| order(&sidecar));
                }
            });
        }
        for _ in 0..flips {
            record(&|| {
                sidecar.release_all();
                What::Allow
            });
            let passed = || history.lock().unwrap().iter().filter(|done| done.what == What::Passed).count();
            let before = passed();
            sidecar.until("orders pass", |_| passed() > before + 5);
            let asked = Instant::now();
            record(&|| {
                assert_eq!(sidecar.tighten("BLOCK").status, 200);
                What::Block
            });
            waits.push(asked.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
    });
    let history = history.into_inner().unwrap();
    let found = impossible(&history);
    assert!(found.is_empty(), "{} of {}: {found:?}", found.len(), history.len());
    let passed = history.iter().filter(|done| done.what == What::Passed).count();
    assert!(passed >= 5 * flips, "{passed}");
    waits.sort_unstable();
    // Noted and not judged: how long it takes says something of the machine too.
    if let Ok(path) = std::env::var("SEKISHO_TEST_NOTES") {
        let (orders, at) = (history.len(), |percent: usize| waits[waits.len() * percent / 100]);
        let notes = format!("{flips} flips, {orders} orders; a tightening: p50 {:?}, p99 {:?}\n", at(50), at(99));
        std::fs::write(path, notes).unwrap();
    }
}

fn order(sidecar: &Sidecar) -> What {
    let body = br#"{"symbol":"A","side":"buy","type":"market","qty":"1"}"#;
    match send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], body).status {
        200 => What::Passed,
        403 => What::Refused,
        other => panic!("{other}"),
    }
}
