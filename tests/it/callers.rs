//! Where callers come from, how much they may ask for, and what the upstream says of them.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use crate::client::{send, send_from};
use crate::sidecar::{ANN, DESK, Sidecar};
use crate::upstream::Upstream;

/// A sidecar whose policy is changed by `change` before it starts.
fn with(upstream: &Upstream, change: impl Fn(&str) -> String) -> Sidecar {
    let (_, dir) = Sidecar::blocked(upstream).stop();
    let path = dir.path().join("policy.yaml");
    let policy = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&policy)).unwrap();
    Sidecar::on(dir)
}

/// Adds to the routes `door` and `plain`.
fn on_routes(policy: &str, more: &str) -> String {
    let door = "upstream: app, roles: [service]";
    let plain = "path_prefix: /plain }, upstream: app";
    policy.replace(door, &format!("{door}, {more}")).replace(plain, &format!("{plain}, {more}"))
}

#[test]
fn the_right_most_address_that_is_no_hop_of_ours_asks() {
    let upstream = Upstream::start();
    let sidecar = with(&upstream, |policy| {
        let hops = policy.replace("listeners: {", "listeners: { trusted_hops: [127.0.0.1/32, 10.0.0.0/8],");
        on_routes(&hops, "from: { deny: [198.51.100.0/24] }")
    });
    let from = |said: &str| send(sidecar.ingress, "GET /plain", &[("x-forwarded-for", said)], b"");
    for (said, status, told) in [
        ("203.0.113.9", 200, "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9, 10.0.0.2", 200, "203.0.113.9"),
        ("198.51.100.7", 403, ""),
        ("203.0.113.9, 198.51.100.7", 403, ""),
    ] {
        let answer = from(said);
        assert_eq!(answer.status, status, "{said}");
        if status == 200 {
            let arrived = upstream.one().headers;
            assert!(arrived.contains(&format!("x-forwarded-for: {told}\n")), "{said}: {arrived}");
        } else {
            assert_eq!(answer.code(), "address_refused");
        }
    }
    let stranger =
        send_from([127, 0, 0, 9].into(), sidecar.ingress, "GET /plain", &[("x-forwarded-for", "203.0.113.9")]);
    assert_eq!(stranger.status, 200);
    assert!(upstream.one().headers.contains("x-forwarded-for: 127.0.0.9\n"), "it is no hop of ours");
}

#[test]
fn a_caller_is_told_what_is_left_and_refused_when_nothing_is() {
    let upstream = Upstream::start();
    let sidecar = with(&upstream, |policy| {
        on_routes(policy, "rates: [{ requests: 3, window: 1h }, { requests: 1000, window: 24h }]")
    });
    let knock = || send(sidecar.ingress, "GET /door", &[("x-api-key", DESK)], b"");
    for left in (0..3).rev() {
        let answer = knock();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"3600s\";q=3;w=3600, \"86400s\";q=1000;w=86400"));
        assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"3600s\";r={left};")), "{answer:?}");
    }
    let refused = knock();
    assert_eq!((refused.status, refused.code()), (429, "rate_limited".to_owned()));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=1201).contains(&wait), "{wait}");
    // Who asks is counted, and not where from: strangers on the same address have their own, by route.
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 200);
    assert_eq!(
        send(sidecar.ingress, "GET /door", &[("x-api-key", ANN)], b"").status,
        403,
        "its role is looked at first"
    );
    assert_eq!(upstream.count(), 4);
}

#[test]
fn what_the_upstream_denies_is_counted_and_locked_out() {
    // Knows one user, as an upstream with passwords of its own does.
    let upstream = Upstream::answering(|received| {
        let known = received.headers.contains("authorization: Basic YW5uOnJpZ2h0");
        let status: u16 = if known { 200 } else { 401 };
        Response::builder().status(status).body(Full::new(Bytes::new())).unwrap()
    });
    let sidecar = with(&upstream, |policy| {
        format!(
            "{}\nauth_failures: {{ per_pair: 3, lockout: 5m, jitter_percent: 0 }}\n",
            on_routes(policy, "upstream_denies: [401]")
        )
    });
    let guess = |pair: &str| send(sidecar.ingress, "GET /plain", &[("authorization", pair)], b"").status;
    // ann:w1 to ann:w4, in both cases of the name.
    let statuses = ["YW5uOncx", "QW5uOncy", "YW5uOncz", "YW5uOnc0"].map(|pair| guess(&format!("Basic {pair}")));
    assert_eq!(statuses, [401, 401, 401, 401]);
    assert_eq!(guess("Basic YW5uOnJpZ2h0"), 429, "right, and not tried");
    assert_eq!(upstream.count(), 4);
    sidecar.until("it is recorded", |sidecar| {
        sidecar.events("authentication").iter().any(|event| event["inputs"]["why"] == "upstream")
    });
}

#[test]
fn a_hop_of_ours_says_for_whom_it_opens_a_connection_and_must_where_policy_wants_it() {
    let upstream = Upstream::start();
    let sidecar = with(&upstream, |policy| {
        policy.replace("listeners: {", "listeners: { trusted_hops: [127.0.0.1/32], proxy_protocol: true,")
    });
    let head = b"GET /plain HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // Version 2, PROXY, TCP over IPv4, 12 bytes: from 203.0.113.9.
    let said = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x7f\0\0\x01\x12\x34\x01\xbb";
    assert_eq!(crate::client::raw(sidecar.ingress, &[said, head]).status, 200);
    assert!(upstream.one().headers.contains("x-forwarded-for: 203.0.113.9\n"));
    assert!(crate::client::try_raw(sidecar.ingress, &[head]).is_err(), "closed without an answer");
    let stranger = send_from([127, 0, 0, 9].into(), sidecar.ingress, "GET /plain", &[]);
    assert_eq!(stranger.status, 200, "it is no hop of ours, and says nothing");
    assert_eq!(upstream.count(), 1);
}
