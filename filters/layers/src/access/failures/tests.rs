use std::net::IpAddr;
use std::time::Duration;

use super::{FailureLimits, Failures, Of};

const LIMITS: FailureLimits = FailureLimits {
    window: Duration::from_secs(60),
    per_credential: 20,
    per_peer: 10,
    per_pair: 3,
    overall: 10_000,
    lockout: Duration::from_secs(10),
    lockout_max: Duration::from_secs(60),
    growth: 2,
    jitter_percent: 0,
    familiar_for: Duration::from_secs(3600),
    max_entries: 100,
    ipv6_prefix: 64,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn fail(failures: &Failures, id: &str, peer: &str, times: usize) -> Option<u64> {
    let pair = failures.pair(Some(id), id == "desk", ip(peer));
    (0..times).map(|_| failures.count(&pair, true)).last().flatten().map(|wait| wait.as_secs())
}

fn shut_out(failures: &Failures, id: &str, peer: &str) -> Option<Duration> {
    failures.shut_out(&failures.pair(Some(id), id == "desk", ip(peer)))
}

#[tokio::test(start_paused = true)]
async fn the_pair_is_shut_out_and_nobody_else() {
    let failures = Failures::new(LIMITS, 7);
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 3), None);
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 1), Some(10));
    assert!(shut_out(&failures, "desk", "192.0.2.1").is_some());
    assert!(shut_out(&failures, "desk", "192.0.2.2").is_none(), "same key elsewhere");
    assert!(shut_out(&failures, "ops", "192.0.2.1").is_none(), "other key, same address");
}

#[tokio::test(start_paused = true)]
async fn a_lockout_ends_and_the_next_is_longer() {
    let failures = Failures::new(LIMITS, 7);
    fail(&failures, "desk", "192.0.2.1", 4);
    let mut waits = vec![];
    for _ in 0..4 {
        let wait = shut_out(&failures, "desk", "192.0.2.1").unwrap();
        waits.push(wait.as_secs());
        tokio::time::advance(wait).await;
        assert!(shut_out(&failures, "desk", "192.0.2.1").is_none());
        fail(&failures, "desk", "192.0.2.1", 4);
    }
    assert_eq!(waits, [10, 20, 40, 60]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_tries_many_keys_is_told_to_wait() {
    let failures = Failures::new(LIMITS, 7);
    let waits: Vec<_> = (0..12).map(|n| fail(&failures, &format!("key{n}"), "2001:db8::1", 1)).collect();
    assert_eq!(waits[9], None);
    assert_eq!(waits[10], Some(10));
    assert_eq!(fail(&failures, "other", "2001:db8::ffff", 1), Some(10), "one /64 is one caller");
    assert_eq!(fail(&failures, "other", "2001:db8:0:1::1", 1), None);
}

#[tokio::test(start_paused = true)]
async fn a_key_tried_from_many_addresses_makes_them_wait() {
    let failures = Failures::new(LIMITS, 7);
    let waits: Vec<_> = (0..21).map(|n| fail(&failures, "desk", &format!("192.0.2.{n}"), 1)).collect();
    assert_eq!(waits[19], None);
    assert_eq!(waits[20], Some(10));
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_the_flood_still_counts() {
    let failures = Failures::new(FailureLimits { per_peer: 1000, ..LIMITS }, 7);
    for n in 0..5000 {
        fail(&failures, &format!("key{n}"), &format!("10.0.{}.{}", n / 250, n % 250), 1);
    }
    assert!(failures.remembered() <= 300);
    assert!(failures.per_pair.len() <= 101);
    assert!(fail(&failures, "one more", "10.9.9.9", 1).is_some(), "newcomers share a count that is used up");
}

#[tokio::test(start_paused = true)]
async fn a_distributed_attack_shuts_a_credential_out_except_where_it_is_at_home() {
    let failures = Failures::new(LIMITS, 7);
    failures.passed(&failures.pair(Some("desk"), true, ip("198.51.100.7")));
    for n in 0..21 {
        fail(&failures, "desk", &format!("192.0.2.{n}"), 1);
    }
    assert!(shut_out(&failures, "desk", "203.0.113.9").is_some(), "a new place has to wait");
    assert!(shut_out(&failures, "desk", "198.51.100.7").is_none(), "its own place does not");
    assert!(shut_out(&failures, "ops", "192.0.2.1").is_none(), "nor does any other credential");
    fail(&failures, "desk", "198.51.100.7", 4);
    assert!(shut_out(&failures, "desk", "198.51.100.7").is_some(), "who guesses there is shut out there");
}

#[tokio::test(start_paused = true)]
async fn one_attacker_cannot_shut_a_credential_out_elsewhere() {
    let failures = Failures::new(FailureLimits { per_credential: 4, ..LIMITS }, 7);
    let pair = failures.pair(Some("desk"), true, ip("192.0.2.1"));
    for _ in 0..1000 {
        let looked = failures.shut_out(&pair).is_none();
        failures.count(&pair, looked);
    }
    assert!(failures.shut_out(&pair).is_some());
    assert!(shut_out(&failures, "desk", "203.0.113.9").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_guesses_are_as_many_tries_as_policy_bears() {
    for one_peer in [true, false] {
        let failures = Failures::new(LIMITS, 7);
        let mut tries = 0;
        for n in 0..100_000_u32 {
            let peer = IpAddr::from(if one_peer { [10, 0, 0, 1] } else { (0x0a00_0000 + n).to_be_bytes() });
            let pair = failures.pair(Some("desk"), true, peer);
            let looked = failures.shut_out(&pair).is_none();
            tries += u32::from(looked);
            failures.count(&pair, looked);
        }
        let most = if one_peer { LIMITS.per_pair } else { LIMITS.per_credential };
        assert!(tries <= most + 1, "{tries} tries, one peer {one_peer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_holds_in_the_next_process() {
    let failures = Failures::new(LIMITS, 7);
    failures.passed(&failures.pair(Some("desk"), true, ip("198.51.100.7")));
    fail(&failures, "desk", "192.0.2.1", 4);
    fail(&failures, "desk", "192.0.2.2", 3);
    let kept = failures.to_keep().unwrap();
    assert_eq!(failures.to_keep(), None, "nothing new");
    let next = Failures::new(LIMITS, 7).restored(Some(kept));
    assert_eq!(shut_out(&next, "desk", "192.0.2.1").map(|wait| wait.as_secs()), Some(10));
    assert_eq!(fail(&next, "desk", "192.0.2.2", 1), Some(10), "the count goes on");
    assert!(next.is_familiar(&next.pair(Some("desk"), true, ip("198.51.100.7"))));
    assert!(!next.is_familiar(&next.pair(Some("desk"), true, ip("192.0.2.1"))));
    tokio::time::advance(Duration::from_secs(10)).await;
    fail(&next, "desk", "192.0.2.1", 4);
    assert_eq!(shut_out(&next, "desk", "192.0.2.1").map(|wait| wait.as_secs()), Some(20), "so does its growth");
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_and_cannot_be_read_is_no_fresh_start_for_an_attacker() {
    let failures = Failures::new(LIMITS, 7).restored(None);
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 1), Some(10), "no failure is borne");
    tokio::time::advance(LIMITS.window).await;
    assert_eq!(fail(&failures, "desk", "192.0.2.9", 1), None);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_names_takes_no_room_from_the_credentials_that_are() {
    let failures = Failures::new(FailureLimits { per_peer: 1000, ..LIMITS }, 7);
    for n in 0..5000 {
        fail(&failures, &format!("key{n}"), &format!("10.0.{}.{}", n / 250, n % 250), 1);
    }
    for n in 0..21 {
        fail(&failures, "desk", &format!("192.0.2.{n}"), 1);
    }
    assert!(shut_out(&failures, "desk", "203.0.113.9").is_some(), "counted and locked out all the same");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_told_to_wait_and_nobody_is_shut_out_for_it() {
    let failures = Failures::new(FailureLimits { overall: 5, ..LIMITS }, 7);
    let waits: Vec<_> = (0..6).map(|n| fail(&failures, &format!("key{n}"), &format!("192.0.2.{n}"), 1)).collect();
    assert_eq!(waits, [None, None, None, None, None, Some(10)]);
    assert!(shut_out(&failures, "desk", "192.0.2.1").is_none());
    assert_eq!(failures.remembered(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lockout_may_be_longer_by_chance_and_never_shorter() {
    let limits = FailureLimits { jitter_percent: 50, lockout_max: Duration::from_secs(14), ..LIMITS };
    let failures = Failures::new(limits, 7);
    let mut waits = std::collections::BTreeSet::new();
    for n in 0..50 {
        fail(&failures, "desk", &format!("192.0.2.{n}"), 4);
        let wait = shut_out(&failures, "desk", &format!("192.0.2.{n}")).unwrap();
        assert!((10_000..=14_000).contains(&wait.as_millis()), "{wait:?}");
        waits.insert(wait);
    }
    assert!(waits.len() > 20, "they do not end together");
}

#[tokio::test(start_paused = true)]
async fn a_lockout_that_is_lifted_is_over_with_its_count() {
    let failures = Failures::new(LIMITS, 7);
    fail(&failures, "desk", "192.0.2.1", 4);
    let (locks, familiar) = failures.explain("desk", ip("192.0.2.1"));
    let [lock] = locks.as_slice() else { panic!("{locks:?}") };
    assert!(!familiar && matches!(&lock.of, Of::Pair(Some(id), _) if id == "desk"));
    assert!(failures.lift(lock.key) && !failures.lift(lock.key));
    assert!(shut_out(&failures, "desk", "192.0.2.1").is_none());
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 3), None);
}

#[tokio::test(start_paused = true)]
async fn what_strangers_make_up_is_not_kept_by_name() {
    let failures = Failures::new(LIMITS, 7);
    fail(&failures, "a-secret-typed-as-an-id", "192.0.2.1", 4);
    assert!(!format!("{:?}", failures.to_keep()).contains("typed"));
}
