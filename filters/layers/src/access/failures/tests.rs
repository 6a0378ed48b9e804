use std::net::IpAddr;
use std::time::Duration;

use super::{FailureLimits, Failures};

const LIMITS: FailureLimits = FailureLimits {
    window: Duration::from_secs(60),
    per_credential: 20,
    per_peer: 10,
    per_pair: 3,
    lockout: Duration::from_secs(10),
    lockout_max: Duration::from_secs(60),
    growth: 2,
    max_entries: 100,
    ipv6_prefix: 64,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn fail(failures: &Failures, id: &str, peer: &str, times: usize) -> Option<u64> {
    let pair = failures.pair(Some(id), ip(peer));
    (0..times).map(|_| failures.count(pair)).last().flatten().map(|wait| wait.as_secs())
}

#[tokio::test(start_paused = true)]
async fn the_pair_is_shut_out_and_nobody_else() {
    let failures = Failures::new(LIMITS);
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 3), None);
    assert_eq!(fail(&failures, "desk", "192.0.2.1", 1), Some(10));
    assert!(failures.shut_out(failures.pair(Some("desk"), ip("192.0.2.1"))).is_some());
    assert!(failures.shut_out(failures.pair(Some("desk"), ip("192.0.2.2"))).is_none(), "same key elsewhere");
    assert!(failures.shut_out(failures.pair(Some("ops"), ip("192.0.2.1"))).is_none(), "other key, same address");
}

#[tokio::test(start_paused = true)]
async fn a_lockout_ends_and_the_next_is_longer() {
    let failures = Failures::new(LIMITS);
    fail(&failures, "desk", "192.0.2.1", 4);
    let mut waits = vec![];
    for _ in 0..4 {
        let wait = failures.shut_out(failures.pair(Some("desk"), ip("192.0.2.1"))).unwrap();
        waits.push(wait.as_secs());
        tokio::time::advance(wait).await;
        assert!(failures.shut_out(failures.pair(Some("desk"), ip("192.0.2.1"))).is_none());
        fail(&failures, "desk", "192.0.2.1", 4);
    }
    assert_eq!(waits, [10, 20, 40, 60]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_tries_many_keys_is_told_to_wait() {
    let failures = Failures::new(LIMITS);
    let waits: Vec<_> = (0..12).map(|n| fail(&failures, &format!("key{n}"), "2001:db8::1", 1)).collect();
    assert_eq!(waits[9], None);
    assert_eq!(waits[10], Some(10));
    assert_eq!(fail(&failures, "other", "2001:db8::ffff", 1), Some(10), "one /64 is one caller");
    assert_eq!(fail(&failures, "other", "2001:db8:0:1::1", 1), None);
}

#[tokio::test(start_paused = true)]
async fn a_key_tried_from_many_addresses_makes_them_wait() {
    let failures = Failures::new(LIMITS);
    let waits: Vec<_> = (0..21).map(|n| fail(&failures, "desk", &format!("192.0.2.{n}"), 1)).collect();
    assert_eq!(waits[19], None);
    assert_eq!(waits[20], Some(10));
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_the_flood_still_counts() {
    let failures = Failures::new(FailureLimits { per_peer: 1000, ..LIMITS });
    for n in 0..5000 {
        fail(&failures, &format!("key{n}"), &format!("10.0.{}.{}", n / 250, n % 250), 1);
    }
    assert!(failures.remembered() <= 300);
    assert!(failures.per_pair.len() <= 101);
    assert!(fail(&failures, "one more", "10.9.9.9", 1).is_some(), "newcomers share a count that is used up");
}
