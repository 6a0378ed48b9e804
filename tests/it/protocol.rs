//! Strict HTTP: what two readers could read in two ways reaches nobody.

use crate::client::{raw, send, try_raw};
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

#[test]
fn ambiguous_requests_are_refused() {
    let upstream = Upstream::start();
    // Connections that are kept are closed soon, which is what this client waits for.
    let sidecar = Sidecar::with(&upstream, "limits: { header_timeout: 100ms }");
    for request in [
        "GET /plain HTTP/1.1\r\n\r\n",
        "GET /plain HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /plain/../door HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /plain/%2e%2e/door HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /plain/%64oor HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /plain/..;/door HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /plain HTTP/1.1\r\nhost: a\r\ncontent-length: 010\r\n\r\n0123456789",
        "GET //plain HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET http://b/plain HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /plain HTTP/1.1\r\nhost: a\r\ntransfer_encoding: chunked\r\n\r\n",
        "POST /plain HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /plain HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "GET /plain HTTP/1.1\r\nhost: a\r\nconnection: close, x-api-key\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
        "GET /plain HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "GET /plain HTTP/1.1\r\nhost: a\r\n folded: x\r\n\r\n",
    ] {
        let answer = try_raw(sidecar.ingress, &[request.as_bytes()]);
        if let Ok(answer) = answer {
            assert!((400..500).contains(&answer.status), "{request:?}: {answer:?}");
        }
        assert_eq!(upstream.count(), 0, "{request:?}");
    }
}

#[test]
fn an_answer_that_two_readers_could_read_in_two_ways_goes_no_further() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x",
        "not HTTP",
    ] {
        let upstream = Upstream::saying(format!("{head}\r\n\r\n5\r\nhello\r\n0\r\n\r\n").into_bytes());
        let sidecar = Sidecar::blocked(&upstream);
        assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").code(), "upstream_unavailable", "{head}");
    }
    let upstream = Upstream::saying(b"HTTP/1.1 200 Free Text\r\ncontent-length: 2\r\n\r\nok".to_vec());
    let sidecar = Sidecar::blocked(&upstream);
    assert!(send(sidecar.ingress, "GET /plain", &[], b"").head.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn an_upstream_that_never_answers_is_late_and_no_order() {
    let upstream = Upstream::saying(vec![]);
    let sidecar = Sidecar::with(&upstream, "limits: { response_timeout: 1s }");
    let answer = send(sidecar.ingress, "GET /plain", &[], b"");
    assert_eq!((answer.status, answer.code()), (504, "upstream_timeout".to_owned()));
}

#[test]
fn what_concerns_one_hop_does_not_go_on() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let headers = [("keep-alive", "5"), ("proxy-connection", "x"), ("te", "trailers"), ("x-forwarded-for", "1.2.3.4")];
    assert_eq!(send(sidecar.ingress, "GET /plain", &headers, b"").status, 200);
    let arrived = upstream.one().headers;
    for gone in ["keep-alive", "proxy-connection", "1.2.3.4"] {
        assert!(!arrived.contains(gone), "{arrived}");
    }
    assert!(arrived.contains("x-forwarded-for: 127.0.0.1"), "{arrived}");
}

#[test]
fn limits_hold() {
    let upstream = Upstream::start();
    let more = "limits: { header_count: 20, header_bytes: 8KiB, body_bytes: 100KiB, order_body_bytes: 64KiB, header_timeout: 1s, body_idle_timeout: 1s }";
    let sidecar = Sidecar::with(&upstream, more);
    let many: Vec<(String, String)> = (0..19).map(|n| (format!("x-{n}"), "v".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(send(sidecar.ingress, "GET /plain", &many, b"").code(), "headers_too_large");
    let long = "v".repeat(9000);
    assert_eq!(send(sidecar.ingress, "GET /plain", &[("x", &long)], b"").code(), "headers_too_large");
    assert_eq!(send(sidecar.ingress, "POST /plain", &[], &vec![b'x'; 120_000]).code(), "body_too_large");
    let slow = b"POST /plain HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\nabc";
    assert_eq!(raw(sidecar.ingress, &[slow]).code(), "request_timeout");
    assert!(upstream.take().iter().all(|arrived| !arrived.whole));
}

#[test]
fn a_request_under_way_finishes_when_the_sidecar_is_drained() {
    let upstream = Upstream::answering(|_| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        http::Response::new(http_body_util::Full::new(bytes::Bytes::from_static(b"done\n")))
    });
    let sidecar = Sidecar::blocked(&upstream);
    let ingress = sidecar.ingress;
    let client = std::thread::spawn(move || send(ingress, "GET /plain", &[], b""));
    sidecar.until("it is under way", |sidecar| {
        let metrics = send(sidecar.health, "GET /metrics", &[], b"");
        String::from_utf8_lossy(&metrics.body).contains("sekisho_requests_total 1")
    });
    let (code, _dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    assert_eq!(client.join().unwrap().body, b"done\n");
}
