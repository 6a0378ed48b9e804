//! Places of a message where a secret is easily overlooked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use flate2::{Compression, GzBuilder};

use crate::client::{raw, send, send_chunked};
use crate::sidecar::{Sidecar, known, lower};
use crate::upstream::{Received, Upstream};

/// A sidecar that lets go of what is held back as soon as it may.
fn watching(upstream: &Upstream) -> Sidecar {
    Sidecar::with(upstream, "limits: { scan_idle_flush: 10ms }")
}

fn never_in(arrived: &[Received], what: &str) {
    let all: Vec<u8> = arrived.iter().flat_map(Received::all).collect();
    for secret in [known(), lower()] {
        assert!(!all.windows(secret.len()).any(|found| found == secret.as_bytes()), "{what}: {arrived:?}");
    }
}

#[test]
fn every_part_of_a_head_is_searched() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    let secret = known();
    for name in ["content-type", "accept", "accept-encoding", "content-encoding", "date", "user-agent", "trailer"] {
        let answer = send(sidecar.egress, "GET /logs", &[(name, &format!("a/b; c={secret}"))], b"");
        assert_eq!(answer.status, 200, "{name}");
        never_in(&upstream.take(), name);
    }
    let named = format!("x-{}", lower());
    let host = format!("{}.example", lower());
    for (what, line, headers) in [
        ("method", format!("{secret} /logs"), vec![]),
        ("name of a header", "GET /logs".to_owned(), vec![(named.as_str(), "1")]),
        ("host", format!("GET http://{host}/logs"), vec![]),
    ] {
        let mut head =
            format!("{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", if what == "host" { &host } else { "a" });
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let answer = raw(sidecar.egress, &[head.as_bytes(), b"\r\n"]);
        assert_eq!((answer.status, answer.code()), (403, "secret_in_content".to_owned()), "{what}");
        never_in(&upstream.take(), what);
    }
}

#[test]
fn a_body_is_searched_for_what_it_is_whatever_it_is_called() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    let password = ["hun", "ter2", "-ab"].concat();
    let json = format!("{{\"a\":1,\"password\":\"{password}\",\"b\":[\"x&y\"]}}");
    let form = format!("a=1&password={password}&b=2");
    let log = format!("level=info password={password} n=1\n");
    for said in ["application/json", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream", "x"]
    {
        for body in [&json, &form, &log, &format!("\u{feff}{json}")] {
            send(sidecar.egress, "POST /logs", &[("content-type", said)], body.as_bytes());
            let arrived = String::from_utf8(upstream.one().body).unwrap();
            assert_eq!(arrived, body.replace(&password, "****"), "{said}");
        }
    }
}

#[test]
fn trailers_are_searched_whatever_they_are_called() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    for name in ["x-note", "date", "accept"] {
        let head = format!(
            "POST /logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: {name}, x-kept\r\n\r\n"
        );
        let tail = format!("1\r\na\r\n0\r\n{name}: {}\r\nx-kept: yes\r\n\r\n", known());
        assert_eq!(raw(sidecar.egress, &[head.as_bytes(), tail.as_bytes()]).status, 200);
        let arrived = upstream.take();
        assert!(arrived[0].headers.contains("x-kept: yes"), "{arrived:?}");
        never_in(&arrived, name);
    }
}

fn named(name: &str, text: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().filename(name).comment(name).extra(name).write(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_gzip_says_beside_the_content_is_searched() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    let gzip = ("content-encoding", "gzip");
    let digest = ("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    let plain = named("app.log", b"clean");
    let hidden = [plain.clone(), named(&known(), b", and clean")].concat();
    for (headers, status) in [(&[gzip][..], 200), (&[gzip, digest], 403)] {
        assert_eq!(send(sidecar.egress, "POST /logs", headers, &plain).status, 200);
        assert_eq!(upstream.one().body, plain);
        assert_eq!(send(sidecar.egress, "POST /logs", headers, &hidden).status, status);
        never_in(&upstream.take(), "whole");
        for at in 0..=hidden.len() {
            let (left, right) = hidden.split_at(at);
            assert_eq!(
                send_chunked(sidecar.egress, "POST /logs", headers, &[left, right]).status,
                status,
                "cut at {at}"
            );
            never_in(&upstream.take(), "cut");
        }
    }
}

#[test]
fn a_signed_gzip_body_arrives_byte_for_byte_however_it_is_sent() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    let signed = [("content-encoding", "gzip"), ("content-md5", "2hnS0nHZ0IDLmC0VDQpZ2Q==")];
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"abcdefghij klm\n"[(state >> 24) as usize % 15]
    });
    let text: Vec<u8> = noise.take(400_000).collect();
    let body = named("app.log", &text);
    assert!(body.len() > 64 * 1024, "larger than what is looked at whole");
    assert_eq!(send(sidecar.egress, "POST /logs", &signed, &body).status, 200);
    assert!(upstream.one().body == body);
    send_chunked(sidecar.egress, "POST /logs", &signed, &body.chunks(977).collect::<Vec<_>>());
    assert!(upstream.one().body == body);
    let found = named("app.log", &[&text, known().as_bytes(), b"\n"].concat());
    let answer = send_chunked(sidecar.egress, "POST /logs", &signed, &found.chunks(977).collect::<Vec<_>>());
    assert_eq!((answer.status, answer.code()), (403, "signed_body".to_owned()));
    assert!(upstream.take().iter().all(|arrived| !arrived.whole));
}

#[test]
fn a_digest_that_comes_last_vouches_all_the_same() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    for announced in [("trailer", "X-A, Content-Digest"), ("x-amz-trailer", "x-amz-checksum-crc32")] {
        let answer = send_chunked(sidecar.egress, "POST /logs", &[announced], &[known().as_bytes()]);
        assert_eq!((answer.status, answer.code()), (403, "signed_body".to_owned()), "{announced:?}");
        send_chunked(sidecar.egress, "POST /logs", &[announced], &[b"clean"]);
        never_in(&upstream.take(), "digest");
    }
}

#[test]
fn a_clean_query_arrives_as_it_was_sent() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    for target in ["/meant?&token=x", "/meant?token=x&", "/meant?token=x&&token=y", "/meant?a=1&&token=x&b=", "/meant?"]
    {
        send(sidecar.egress, &format!("GET {target}"), &[], b"");
        assert_eq!(upstream.one().line, format!("GET {target}"));
    }
}

/// Sends the pieces with pauses between them in which everything that may go has gone.
fn with_pauses(to: SocketAddr, pieces: &[&[u8]]) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(60));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_pause_in_the_middle_of_a_secret_lets_none_of_it_go() {
    let upstream = Upstream::start();
    let sidecar = watching(&upstream);
    let secret = known();
    let bearer = ["correct", "horse", "battery", "staple"].concat();
    for (body, secret) in [
        (format!("ts=1 msg=\"session {secret}\" qty=0.5\n"), &secret),
        (format!("{{\"a\":1, \"password\" : \"{bearer}\", \"b\":2}}\n"), &bearer),
        (format!("ts=1 Authorization: Bearer {bearer} qty=0.5\n"), &bearer),
    ] {
        std::thread::scope(|scope| {
            for at in 1..body.len() {
                let (left, right) = body.as_bytes().split_at(at);
                let sidecar = &sidecar;
                scope.spawn(move || {
                    let head =
                        b"POST /logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
                    let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                    with_pauses(sidecar.egress, &[head, &chunk(left), &chunk(right), b"0\r\n\r\n"]);
                });
            }
        });
        let arrived = upstream.take();
        assert_eq!(arrived.len(), body.len() - 1);
        let (before, after) = body.split_once(secret.as_str()).unwrap();
        for arrived in arrived {
            let text = String::from_utf8(arrived.body).unwrap();
            let masked = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            let masked = masked.unwrap_or_else(|| panic!("the rest was changed: {text}"));
            let shown = masked.strip_prefix("****").unwrap_or_else(|| panic!("some of it went: {text}"));
            assert!(shown.len() <= 4, "too much of it went: {text}");
        }
    }
}
