//! Orders: what passes in which state, what a refusal says, and that none slips past a flip.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::client::{send, send_chunked, try_raw};
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

const OPEN: &[u8] = br#"{"symbol":"BTC/USD","side":"buy","type":"market","qty":"0.5","time_in_force":"gtc"}"#;
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn in_block_orders_are_refused_for_certain_and_cancels_pass() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let answer = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN);
    assert_eq!(answer.status, 403);
    let (venue, told) = (answer.json(), answer.problem());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(venue["code"], 40_310_000, "as the venue itself refuses: {venue}");
    assert_eq!(answer.header("sekisho-decision"), told["decision"].as_str());
    for (field, value) in [("code", "order_refused"), ("state", "BLOCK"), ("scope", "fleet")] {
        assert_eq!(told[field], value, "{told}");
    }
    assert_eq!((&told["forwarded"], &told["epoch"]), (&false.into(), &0.into()), "{told}");
    assert_eq!(upstream.count(), 0);
    for line in ["DELETE /v2/orders", "DELETE /v2/orders/61e69015", "GET /v2/positions", "GET /v2/orders?status=open"] {
        assert_eq!(send(sidecar.egress, line, &[], b"").status, 200, "{line}");
        assert_eq!(upstream.one().line, line);
    }
}

#[test]
fn a_refusal_is_journaled_under_its_decision() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let decision = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN).problem()["decision"].clone();
    sidecar.until("the refusal is recorded", |sidecar| {
        sidecar.events("security.access.denied").iter().any(|event| event["decision_id"] == decision)
    });
}

#[test]
fn an_order_arrives_byte_for_byte_when_allowed() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    for body in [OPEN, br#" { "side" : "buy","symbol":"A","qty":1.50 , "type":"limit","limit_price":"0.10"}"#] {
        assert_eq!(send(sidecar.egress, "POST /v2/orders?x=%20y", &[JSON], body).status, 200);
        let arrived = upstream.one();
        assert_eq!((arrived.line.as_str(), arrived.body.as_slice()), ("POST /v2/orders?x=%20y", body));
    }
}

#[test]
fn states_of_scopes_rule_the_routes_they_belong_to() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    let elsewhere = serde_json::json!({ "switch": "BLOCK", "scope": "venue:kraken", "reason": "test" });
    assert_eq!(sidecar.change("/v1/tighten", crate::sidecar::ANN, &elsewhere).status, 200);
    let passed = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN);
    assert_eq!(passed.status, 200, "{}", String::from_utf8_lossy(&passed.body));
    let here = serde_json::json!({ "switch": "CLOSE_ONLY", "scope": "venue:alpaca", "reason": "test" });
    assert_eq!(sidecar.change("/v1/tighten", crate::sidecar::ANN, &here).status, 200);
    let told = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN).problem();
    assert_eq!((&told["state"], &told["scope"]), (&"CLOSE_ONLY".into(), &"venue:alpaca".into()), "{told}");
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_unless_all_is_allowed() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    for (line, headers, body) in [
        ("POST /v2/orders", vec![JSON], &br#"{"side":"buy","side":"sell"}"#[..]),
        ("POST /v2/orders", vec![JSON, ("x-http-method-override", "DELETE")], OPEN),
        ("POST /v2/watchlists", vec![JSON, ("x-original-url", "/v2/orders")], OPEN),
        ("DELETE /v2/orders;x", vec![], b""),
        ("DELETE /V2/orders", vec![], b""),
        ("PATCH /v2/orders/1", vec![JSON], br#"{"qty":"1"}"#),
        ("POST /v2/unheard/of", vec![JSON], b"{}"),
    ] {
        let answer = send(sidecar.egress, line, &headers, body);
        assert!(matches!(answer.status, 400 | 403 | 404), "{line}: {answer:?}");
        assert_eq!(upstream.count(), 0, "{line}");
    }
}

#[test]
fn a_route_without_orders_to_the_same_upstream_is_no_way_past_the_gate() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let sent = |line: &str| {
        let length = OPEN.len();
        let head =
            format!("{line} HTTP/1.1\r\nhost: rest.example\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        crate::client::raw(sidecar.egress, &[head.as_bytes(), OPEN])
    };
    for line in ["POST /V2/orders", "POST /%762/orders", "POST /v2;x/orders", "POST /%56%32/Orders", "post /V2/orders"]
    {
        let answer = sent(line);
        assert_eq!((answer.status, upstream.count()), (400, 0), "{line}: {answer:?}");
    }
    assert_eq!(sent("POST /v2/orders").code(), "order_refused");
    for line in ["POST /v2x/orders", "GET /Pages/v2/orders", "GET /a%20b;c"] {
        assert_eq!(sent(line).status, 200, "{line}");
        assert_eq!(upstream.one().line, line);
    }
}

#[test]
fn an_order_whose_head_decides_is_refused_before_its_body_is_read() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    // The body never comes; the answer does.
    let head = b"POST /v2/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n";
    let answer = crate::client::raw(sidecar.egress, &[head]);
    assert_eq!(answer.code(), "order_refused");
}

#[test]
fn a_secret_in_an_order_refuses_it() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    let body = format!(r#"{{"symbol":"A","side":"buy","note":"{}"}}"#, crate::sidecar::known());
    for (left, right) in (0..body.len()).map(|at| body.as_bytes().split_at(at)) {
        let answer = send_chunked(sidecar.egress, "POST /v2/orders", &[JSON], &[left, right]);
        assert_eq!((answer.status, answer.code()), (403, "secret_in_content".to_owned()));
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_order_too_large_to_read_is_refused() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    let body = format!(r#"{{"side":"buy","pad":"{}"}}"#, "x ".repeat(140_000));
    let answer = send(sidecar.egress, "POST /v2/orders", &[JSON], body.as_bytes());
    assert_eq!((answer.status, answer.code()), (403, "order_too_large".to_owned()));
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_order_is_sent_once_even_when_the_venue_hangs_up() {
    // Takes each order and closes without an answer: what became of it is not known.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&seen);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = socket.accept() {
            let mut piece = [0; 4096];
            if std::io::Read::read(&mut stream, &mut piece).unwrap_or(0) > 0 {
                counting.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let mut upstream = Upstream::start();
    upstream.address = address;
    let sidecar = Sidecar::open(&upstream);
    let answer = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN);
    assert_eq!((answer.status, answer.code()), (409, "order_outcome_unknown".to_owned()));
    assert!(answer.problem()["forwarded"].is_null(), "{answer:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn a_venue_that_is_not_there_is_a_definite_refusal() {
    let mut upstream = Upstream::start();
    upstream.address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sidecar = Sidecar::open(&upstream);
    let answer = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN);
    assert_eq!((answer.status, answer.code()), (403, "upstream_unavailable".to_owned()));
    assert_eq!(answer.problem()["forwarded"], false);
    assert_eq!(send(sidecar.egress, "GET /logs", &[], b"").status, 502, "elsewhere it is what it is");
}

#[test]
fn after_block_is_acknowledged_no_order_reaches_the_venue() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::open(&upstream);
    let egress = sidecar.egress;
    for _ in 0..5 {
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || {
                    let head = format!(
                        "POST /v2/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                        OPEN.len()
                    );
                    while !stop.load(Ordering::Relaxed) {
                        // The body comes in two pieces, so that orders are everywhere on their way when the flip comes.
                        let (left, right) = OPEN.split_at(40);
                        drop(try_raw(egress, &[head.as_bytes(), left, right]));
                    }
                })
            })
            .collect();
        sidecar.until("orders flow", |_| upstream.count() > 200);
        let acknowledged = sidecar.tighten("BLOCK");
        assert_eq!(acknowledged.status, 200, "{acknowledged:?}");
        // What the sidecar wrote before the acknowledgement may still be on its way through the upstream's own socket.
        let told = acknowledged.json();
        assert_eq!((&told["durable"], &told["settled"]), (&true.into(), &true.into()), "{told}");
        settle(&upstream);
        let at_flip = upstream.count();
        for _ in 0..200 {
            assert_eq!(send(egress, "POST /v2/orders", &[JSON], OPEN).status, 403);
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
        assert_eq!(upstream.count(), at_flip, "an order arrived after the acknowledgement");
        upstream.take();
        sidecar.release_all();
    }
}

/// Lets the upstream read what was in its sockets: a request of our own, sent after them, is read after them.
fn settle(upstream: &Upstream) {
    for _ in 0..20 {
        let before = upstream.count();
        send(upstream.address, "GET /settle", &[], b"");
        if upstream.count() == before + 1 {
            return;
        }
    }
}

#[test]
fn after_a_reopening_orders_come_back_by_a_rate_and_cancels_at_once() {
    let upstream = Upstream::start();
    let more = "safety: { min_stay: 0s, ramp: 24h, ramp_from: 1, ramp_to: 1 }";
    let sidecar = Sidecar::with(&upstream, more);
    sidecar.release_all();
    let codes: Vec<u16> = (0..40).map(|_| send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN).status).collect();
    let refused = send(sidecar.egress, "POST /v2/orders", &[JSON], OPEN);
    let passed = codes.iter().filter(|code| **code == 200).count();
    // By the second, and these take some of them.
    assert!((1..40).contains(&passed), "{codes:?}");
    assert!(refused.status == 200 || refused.code() == "order_paced", "{refused:?}");
    assert!((0..20).all(|_| send(sidecar.egress, "DELETE /v2/orders", &[], b"").status == 200));
}
