//! A secret in what leaves does not arrive, however it is cut; the rest arrives byte for byte.

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::Response;

use crate::client::{send, send_chunked};
use crate::sidecar::{Sidecar, known};
use crate::upstream::Upstream;

/// A token in GitHub's format: found by its anchor alone, whatever stands around it.
fn token() -> String {
    format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

fn holds(all: &[u8], secret: &str) -> bool {
    all.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn wherever_a_body_is_cut_the_secret_stays_and_the_rest_arrives() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let (before, after) = ("ts=1 qty=0.5 msg=\"pushed with ", "\" order=7f9c24e8 \u{1F980}\n");
    for secret in [token(), known()] {
        let body = format!("{before}{secret}{after}");
        let mut arrivals = std::collections::BTreeSet::new();
        for at in 0..=body.len() {
            let (left, right) = body.as_bytes().split_at(at);
            send_chunked(sidecar.egress, "POST /logs", &[("content-type", "text/plain")], &[left, right]);
            let arrived = upstream.one();
            assert!(arrived.whole);
            assert!(!holds(&arrived.all(), &secret), "cut at {at}");
            arrivals.insert(arrived.body);
        }
        assert_eq!(arrivals.len(), 1, "where it is cut makes a difference: {arrivals:?}");
        let arrived = String::from_utf8(arrivals.pop_first().unwrap()).unwrap();
        assert!(arrived.starts_with(before) && arrived.ends_with(after), "{arrived}");
    }
}

#[test]
fn a_gzip_body_is_searched_and_stays_gzip() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let text = format!("{{\"msg\":\"a\",\"token_used\":\"{}\"}}\n", token());
    let coded = gzip(text.as_bytes());
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    for at in 0..=coded.len() {
        let (left, right) = coded.split_at(at);
        send_chunked(sidecar.egress, "POST /logs", &headers, &[left, right]);
        let arrived = gunzip(&upstream.one().body);
        assert!(!holds(&arrived, &token()), "cut at {at}");
        assert!(arrived.starts_with(b"{\"msg\":\"a\",\"token_used\":\""), "cut at {at}");
    }
    // The second member is where a careless decoder stops looking.
    let members = [gzip(b"nothing here\n"), gzip(format!("key {}\n", token()).as_bytes())].concat();
    send(sidecar.egress, "POST /logs", &headers[1..], &members);
    let arrived = gunzip(&upstream.one().body);
    assert!(!holds(&arrived, &token()));
    assert!(arrived.starts_with(b"nothing here\nkey "));
}

#[test]
fn what_is_clean_arrives_as_it_was_sent() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let text: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for body in
        [&b"{\"b\":1,\"a\":1.50,\"a\":1e3 }"[..], &text, b"qty=0.5 order=7f9c24e8-3b12-4fd1-9a55-d2b1c0ffee00\n"]
    {
        send(sidecar.egress, "POST /logs", &[], body);
        assert_eq!(upstream.one().body, body);
        send_chunked(sidecar.egress, "POST /logs", &[], &body.chunks(977).collect::<Vec<_>>());
        assert_eq!(upstream.one().body, body);
    }
    let coded = gzip(&text);
    send(sidecar.egress, "POST /logs", &[("content-encoding", "gzip")], &coded[..]);
    assert_eq!(gunzip(&upstream.one().body), text);
}

#[test]
fn headers_query_and_path_are_searched() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let secret = token();
    let bearer = format!("Bearer {secret}");
    let encoded: String = known().bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (line, headers) in [
        (format!("GET /logs/{secret}/x"), vec![]),
        (format!("GET /logs?a=1&b={secret}&c=3"), vec![]),
        (format!("GET /logs?b={encoded}"), vec![]),
        ("GET /logs?password=correct-horse-battery".to_owned(), vec![]),
        ("GET /logs".to_owned(), vec![("authorization", bearer.as_str())]),
        ("GET /logs".to_owned(), vec![("x-note", secret.as_str())]),
        ("GET /logs".to_owned(), vec![("x-api-key", "correct-horse-battery")]),
    ] {
        let answer = send(sidecar.egress, &line, &headers, b"");
        assert_eq!(answer.status, 200, "{line} {headers:?}");
        let arrived = upstream.one().all();
        for secret in [secret.as_str(), encoded.as_str(), "correct-horse-battery"] {
            assert!(!holds(&arrived, secret), "{line} {headers:?}: {}", String::from_utf8_lossy(&arrived));
        }
    }
    send(sidecar.egress, &format!("GET /logs?a=1&b={secret}&c=3"), &[("x-kept", "as it was")], b"");
    let arrived = upstream.one();
    assert!(arrived.line.starts_with("GET /logs?a=1&b=") && arrived.line.ends_with("&c=3"), "{}", arrived.line);
    assert!(arrived.headers.contains("x-kept: as it was"));
}

#[test]
fn what_an_upstream_is_meant_to_receive_it_receives() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let secret = token();
    let bearer = format!("Bearer {secret}");
    send(sidecar.egress, &format!("GET /meant?token={secret}&other={secret}"), &[("authorization", &bearer)], b"");
    let arrived = upstream.one();
    assert!(arrived.headers.contains(&bearer));
    assert!(arrived.line.contains(&format!("token={secret}&other=")), "{}", arrived.line);
    assert!(!arrived.line.contains(&format!("other={secret}")), "{}", arrived.line);
}

#[test]
fn a_body_that_cannot_be_read_does_not_pass() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let secret = token();
    let cut = gzip(secret.as_bytes());
    let garbage = [gzip(b"clean"), secret.as_bytes().to_vec()].concat();
    for (coding, body, code) in [
        ("compress", secret.as_bytes(), "unsupported_coding"),
        ("aws-chunked", secret.as_bytes(), "unsupported_coding"),
        ("gzip, gzip", secret.as_bytes(), "unsupported_coding"),
        ("gzip", secret.as_bytes(), "undecodable"),
        ("gzip", &cut[..cut.len() - 4], "undecodable"),
        ("gzip", &garbage, "undecodable"),
    ] {
        let answer = send(sidecar.egress, "POST /logs", &[("content-encoding", coding)], body);
        assert_eq!(answer.code(), code, "{coding}");
        assert_eq!(upstream.count(), 0, "{coding}");
    }
}

#[test]
fn a_bomb_is_refused_and_not_unpacked() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { decoded_body_bytes: 1MiB }");
    let bomb = gzip(&vec![0; 32 << 20]);
    let answer = send(sidecar.egress, "POST /logs", &[("content-encoding", "gzip")], &bomb);
    assert_eq!(answer.code(), "undecodable");
}

#[test]
fn a_signed_body_is_forwarded_as_it_is_or_not_at_all() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let digest = [("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")];
    let answer = send(sidecar.egress, "POST /logs", &digest, token().as_bytes());
    assert_eq!((answer.status, answer.code()), (403, "signed_body".to_owned()));
    assert_eq!(upstream.count(), 0);
    assert_eq!(send(sidecar.egress, "POST /logs", &digest, b"clean").status, 200);
    assert_eq!(upstream.one().body, b"clean");
}

#[test]
fn an_export_is_searched_on_its_way_out() {
    let secret = token();
    let text = format!("{{\"rows\":[{{\"id\":1,\"note\":\"{secret}\"}}]}}");
    let upstream = Upstream::answering(move |received| {
        if received.headers.contains("accept-encoding") {
            assert!(received.headers.contains("accept-encoding: br, gzip\n"), "{}", received.headers);
            let body = Full::new(Bytes::from(gzip(text.as_bytes())));
            return Response::builder().header("content-encoding", "gzip").body(body).unwrap();
        }
        Response::builder().header("content-type", "application/json").body(Full::new(text.clone().into())).unwrap()
    });
    let sidecar = Sidecar::blocked(&upstream);
    let answer = send(sidecar.ingress, "GET /export", &[], b"");
    assert!(!holds(&answer.body, &token()));
    assert_eq!(answer.json()["rows"][0]["id"], 1);
    let answer = send(sidecar.ingress, "GET /export", &[("accept-encoding", "br, compress, gzip, *")], b"");
    let plain = gunzip(&answer.body);
    assert!(!holds(&plain, &token()) && plain.starts_with(b"{\"rows\":[{\"id\":1,"));
    let answer = send(sidecar.ingress, "GET /plain", &[], b"");
    assert!(holds(&answer.body, &token()), "only export routes are searched on the way out");
}

#[test]
fn what_was_found_is_in_the_journal_and_never_the_secret() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    send(sidecar.egress, "POST /logs", &[], format!("a {} b", token()).as_bytes());
    send(sidecar.egress, "POST /logs", &[], format!("a {} b", known()).as_bytes());
    sidecar.until("two findings", |sidecar| sidecar.events("security.secret.guard.triggered").len() == 2);
    let metrics = send(sidecar.health, "GET /metrics", &[], b"");
    assert!(String::from_utf8_lossy(&metrics.body).contains("sekisho_secrets_found_total{place=\"body\"} 2"));
    let (_, dir) = sidecar.stop();
    let mut all = Vec::new();
    let mut waiting = vec![dir.path().join("data")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    assert!(!holds(&all, &token()) && !holds(&all, &known()));
}
