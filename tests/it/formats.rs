//! Bodies in the formats that log shippers and exporters send: what should not leave does not, all else arrives as it was, and whoever
//! sent it hears of it in the way of its protocol.

use std::io::Write;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use sekisho_codec::coding::{Coding, Encoder};

use crate::client::{Answer, send, send_chunked};
use crate::sidecar::{Sidecar, known, masked_known};
use crate::upstream::Upstream;

/// A sidecar whose egress goes to `upstream` with `redact` for the whole route, and `more` of a policy.
pub(crate) fn sidecar(upstream: &Upstream, redact: &str, more: &str) -> Sidecar {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("known"), known()).unwrap();
    let (path, address) = (dir.path().display(), upstream.address);
    let policy = format!(
        r#"version: 1
service: test
data_dir: {path}/data
workers: 1
listeners: {{ ingress: "127.0.0.1:0", egress: "127.0.0.1:0", admin: "127.0.0.1:0", health: "127.0.0.1:0" }}
upstreams: {{ app: {{ url: "http://{address}" }} }}
routes:
  - {{ name: export, listener: ingress, upstream: app, redact: {{ response: true }} }}
  - {{ name: all, listener: egress, upstream: app, redact: {{ {redact} }} }}
secrets: [{{ name: known, ref: "file:{path}/known" }}]
{more}
"#
    );
    std::fs::write(dir.path().join("policy.yaml"), policy).unwrap();
    Sidecar::on(dir)
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let mut out = vec![number << 3 | 2];
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap());
    } else {
        out.extend([u8::try_from(length & 0x7F).unwrap() | 0x80, u8::try_from(length >> 7).unwrap()]);
    }
    [out, bytes.to_vec()].concat()
}

fn log_record(body: &str) -> Vec<u8> {
    let attribute = [field(1, b"password"), field(2, &field(1, b"correct horse"))].concat();
    [field(5, &field(1, body.as_bytes())), field(6, &attribute), field(9, &[0xA5; 16])].concat()
}

/// What an OpenTelemetry exporter sends: two records.
fn otlp(body: &str) -> Vec<u8> {
    let clean = [field(5, &field(1, b"nothing here")), field(9, &[0x5A; 16])].concat();
    field(1, &field(2, &[field(2, &clean), field(2, &log_record(body))].concat()))
}

fn holds(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|window| window == text.as_bytes())
}

fn encoded(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
    encoder.push(plain, &mut out);
    encoder.finish(&mut out);
    out
}

#[test]
fn otlp_in_protobuf_is_masked_and_stays_a_message() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "", "");
    let said = [("content-type", "application/x-protobuf")];
    let body = otlp(&format!("session {}", known()));
    let mut arrivals = std::collections::BTreeSet::new();
    send(sidecar.egress, "POST /v1/logs", &said, &body);
    arrivals.insert(upstream.one().body);
    for at in (0..=body.len()).step_by(7) {
        let (left, right) = body.split_at(at);
        send_chunked(sidecar.egress, "POST /v1/logs", &said, &[left, right]);
        arrivals.insert(upstream.one().body);
    }
    assert_eq!(arrivals.len(), 1, "where it is cut makes no difference");
    let arrived = arrivals.pop_first().unwrap();
    let masked = [field(1, b"password"), field(2, &field(1, b"****"))].concat();
    let record = [
        field(5, &field(1, format!("session {}", masked_known()).as_bytes())),
        field(6, &masked),
        field(9, &[0xA5; 16]),
    ]
    .concat();
    let clean = [field(5, &field(1, b"nothing here")), field(9, &[0x5A; 16])].concat();
    assert_eq!(arrived, field(1, &field(2, &[field(2, &clean), field(2, &record)].concat())));
    let clean = field(1, &field(2, &field(2, &field(5, &field(1, b"nothing here")))));
    send(sidecar.egress, "POST /v1/logs", &said, &clean);
    assert_eq!(upstream.one().body, clean);
}

#[test]
fn the_emitter_is_told_what_was_found_and_where() {
    let upstream = Upstream::answering(|_| Response::default());
    let sidecar = sidecar(&upstream, "", "");
    let said = [("content-type", "application/x-protobuf")];
    let answer = send(sidecar.egress, "POST /v1/logs", &said, &otlp(&known()));
    assert_eq!(answer.status, 200);
    let found = answer.header("sekisho-found").unwrap();
    assert!(found.contains("known;field=\"resource_logs.scope_logs.log_records.body.string\""), "{found}");
    assert!(
        found.contains("field=\"resource_logs.scope_logs.log_records.attributes.password.value.string\""),
        "{found}"
    );
    assert!(!holds(answer.head.as_bytes(), &known()));
    // And the protocol's own place for it: a warning, with nothing rejected.
    assert!(holds(&answer.body, "1 secrets were masked") || holds(&answer.body, "2 secrets were masked"), "{answer:?}");
    let clean = send(sidecar.egress, "POST /logs", &[], b"nothing\n");
    assert_eq!(clean.header("sekisho-found"), None);
    assert_eq!(clean.body, b"");
}

#[test]
fn a_record_that_is_left_out_is_answered_for() {
    let upstream = Upstream::answering(|received| {
        let items = received.body.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"index\"")).count();
        let items = vec![r#"{"index":{"status":201}}"#; items].join(",");
        Response::new(Full::new(Bytes::from(format!(r#"{{"took":1,"errors":false,"items":[{items}]}}"#))))
    });
    let sidecar = sidecar(&upstream, "records: drop_record", "");
    let (action, clean) = ("{\"index\":{}}", "{\"a\":1.50}");
    let body = format!("{action}\n{clean}\n{{\"create\":{{}}}}\n{{\"a\":\"{}\"}}\n{action}\n{clean}\n", known());
    let said = [("content-type", "application/vnd.elasticsearch+x-ndjson; compatible-with=9")];
    for chunked in [false, true] {
        let answer = match chunked {
            true => send_chunked(sidecar.egress, "PUT /_bulk", &said, &body.as_bytes().chunks(11).collect::<Vec<_>>()),
            false => send(sidecar.egress, "PUT /_bulk", &said, body.as_bytes()),
        };
        assert_eq!(String::from_utf8(upstream.one().body).unwrap(), format!("{action}\n{clean}\n").repeat(2));
        let answer = answer.json();
        assert_eq!(answer["errors"], true);
        let statuses: Vec<_> = answer["items"].as_array().unwrap().iter().collect();
        assert_eq!(statuses.len(), 3, "{answer}");
        assert_eq!((&statuses[0]["index"]["status"], &statuses[1]["create"]["status"]), (&201.into(), &400.into()));
    }
    // If nothing is left of it, the receiver is not asked.
    let body = format!("{action}\n{{\"a\":\"{}\"}}\n", known());
    let answer = send(sidecar.egress, "PUT /_bulk", &said, body.as_bytes());
    assert_eq!((answer.status, answer.code()), (403, "secret_in_content".to_owned()));
    assert_eq!(upstream.count(), 0);
}

#[test]
fn records_are_left_out_of_every_format_that_has_them() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "records: drop_record", "");
    let it = known();
    for (path, said, body, wanted) in [
        (
            "/x",
            "application/x-ndjson",
            format!("{{\"a\":1}}\n{{\"a\":\"{it}\"}}\n{{\"b\":2}}\n"),
            "{\"a\":1}\n{\"b\":2}\n",
        ),
        ("/services/collector/event", "", format!("{{\"event\":1}}{{\"event\":\"{it}\"}}"), "{\"event\":1}"),
        (
            "/loki/api/v1/push",
            "application/json",
            format!("{{\"streams\":[{{\"stream\":{{}},\"values\":[[\"1\",\"{it}\"],[\"2\",\"b\"]]}}]}}"),
            "{\"streams\":[{\"stream\":{},\"values\":[[\"2\",\"b\"]]}]}",
        ),
        ("/api/v2/logs", "application/json", format!("[{{\"message\":\"{it}\"}},{{\"n\":1e2}}]"), "[{\"n\":1e2}]"),
        ("/x", "text/csv", format!("id,key\n1,{it}\n2,x\n"), "id,key\n2,x\n"),
        ("/x", "text/plain", format!("a\n{it}\nb\n"), "a\nb\n"),
    ] {
        let answer = send(sidecar.egress, &format!("POST {path}"), &[("content-type", said)], body.as_bytes());
        assert_eq!(answer.status, 200, "{path} {said}: {answer:?}");
        assert_eq!(String::from_utf8(upstream.one().body).unwrap(), wanted, "{path} {said}");
    }
}

#[test]
fn a_route_may_refuse_the_whole_message_and_what_it_does_not_know() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "records: block, block_unknown: true", "");
    let code = |said: &str, body: &str| {
        let headers = [("content-type", said)];
        let headers = &headers[..usize::from(!said.is_empty())];
        let answer: Answer = send(sidecar.egress, "POST /x", headers, body.as_bytes());
        if answer.status == 200 { "passed".to_owned() } else { answer.code() }
    };
    for (said, body, wanted) in [
        ("application/json", "{\"a\":1}", "passed"),
        ("application/json", &*format!("{{\"a\":\"{}\"}}", known()), "secret_in_content"),
        ("application/octet-stream", "x", "unknown_content"),
        ("", "x", "unknown_content"),
        ("", "", "passed"),
        ("application/x-protobuf", "no message", "undecodable"),
        ("application/msgpack", "\u{1}\u{2}", "passed"),
    ] {
        assert_eq!(code(said, body), wanted, "{said}: {body}");
    }
}

#[test]
fn what_is_not_what_it_says_is_one_finding() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "", "");
    let broken = [("content-type", "application/x-protobuf")];
    let answer = send(sidecar.egress, "POST /v1/logs", &broken, b"\x0A\x7Fcut");
    assert_eq!(answer.code(), "undecodable");
    sidecar.until("a finding", |sidecar| sidecar.events("security.secret.guard.triggered").len() == 1);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn names_that_stand_apart_from_their_values_count() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "", "");
    let csv = "user,password,n\r\nann,correct horse battery,1\r\n\"b,c\",,2\r\n";
    send(sidecar.egress, "POST /x", &[("content-type", "text/csv")], csv.as_bytes());
    let arrived = String::from_utf8(upstream.one().body).unwrap();
    assert_eq!(arrived, csv.replace("correct horse battery", "****tery"));
    let form = "--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\ncorrect horse battery\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n{\"password\":\"hunter22x\"}\r\n--b--\r\n";
    let said = [("content-type", "multipart/form-data; boundary=b")];
    send(sidecar.egress, "POST /x", &said, form.as_bytes());
    let arrived = String::from_utf8(upstream.one().body).unwrap();
    assert_eq!(arrived, form.replace("correct horse battery", "****tery").replace("hunter22x", "****"));
}

#[test]
fn loki_s_snappy_block_needs_no_header() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "", "");
    let push = |line: &str| field(1, &[field(1, b"{app=\"x\"}"), field(2, &field(2, line.as_bytes()))].concat());
    let said = [("content-type", "application/x-protobuf")];
    let body = encoded(Coding::Snappy, &push(&format!("line {} end", known())));
    send(sidecar.egress, "POST /loki/api/v1/push", &said, &body);
    let arrived = upstream.one().body;
    assert_eq!(arrived, encoded(Coding::Snappy, &push(&format!("line {} end", masked_known()))));
    let clean = encoded(Coding::Snappy, &push("nothing"));
    send(sidecar.egress, "POST /loki/api/v1/push", &said, &clean);
    assert_eq!(upstream.one().body, clean);
}

#[test]
fn a_digest_is_computed_anew_where_policy_says_so() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "digests: recompute", "");
    let body = format!("key {}\n", known());
    let sums = [("content-md5", "x"), ("x-amz-checksum-crc32", "x"), ("content-digest", "sha-256=:eA==:")];
    let answer = send(sidecar.egress, "PUT /bucket/x", &sums, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let arrived = upstream.one();
    let line = |name: &str| {
        let start = format!("{name}: ");
        arrived.headers.lines().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
    };
    for (name, old) in sums {
        assert_eq!(Some(line(name)), sekisho_codec::digest::renewed(name, old, &arrived.body), "{name}");
    }
    assert_eq!(line("content-length"), arrived.body.len().to_string());
    let signed = [("content-md5", "x"), ("x-hub-signature-256", "sha256=00")];
    assert_eq!(send(sidecar.egress, "PUT /bucket/x", &signed, body.as_bytes()).code(), "signed_body");
    // One that streams has told its digest before all of it was seen.
    let long = [&b"x".repeat(2 << 20)[..], b"\n", body.as_bytes()].concat();
    let answer = send_chunked(sidecar.egress, "PUT /bucket/x", &sums, &long.chunks(1 << 16).collect::<Vec<_>>());
    assert_eq!(answer.code(), "signed_body");
}

#[test]
fn chunks_of_s3_s_clients_are_read_and_go_on_as_they_came() {
    let upstream = Upstream::start();
    let sidecar = sidecar(&upstream, "", "");
    let chunked = |texts: &[&str]| {
        let chunk = |text: &&str| format!("{:x};chunk-signature={}\r\n{text}\r\n", text.len(), "a0".repeat(32));
        let chunks: String = texts.iter().map(chunk).collect();
        format!("{chunks}0;chunk-signature={}\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "b1".repeat(32))
    };
    let signed = [
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=x/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=00",
        ),
        ("content-encoding", "aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-decoded-content-length", "9"),
    ];
    let clean = chunked(&["one ", "two", " 3"]);
    assert_eq!(send(sidecar.egress, "PUT /bucket/x", &signed[1..], clean.as_bytes()).status, 200);
    assert_eq!(upstream.one().body, clean.as_bytes());
    send_chunked(sidecar.egress, "PUT /bucket/x", &signed[1..], &clean.as_bytes().chunks(5).collect::<Vec<_>>());
    assert_eq!(upstream.one().body, clean.as_bytes());
    // A secret that two chunks hold together.
    let it = known();
    let (left, right) = it.split_at(10);
    let leaking = chunked(&["key ", left, right, "\n"]);
    for headers in [&signed[..], &signed[1..]] {
        let answer = send(sidecar.egress, "PUT /bucket/x", headers, leaking.as_bytes());
        assert_eq!((answer.status, answer.code()), (403, "signed_body".to_owned()));
    }
    assert_eq!(upstream.count(), 0);
    // Unsigned chunks are no content coding that could be packed anew.
    let plain = send(sidecar.egress, "PUT /bucket/x", &[("content-encoding", "aws-chunked")], clean.as_bytes());
    assert_eq!(plain.code(), "unsupported_coding");
}

#[test]
fn an_export_in_csv_is_searched_and_has_no_parts() {
    let upstream = Upstream::answering(|received| {
        assert!(!received.headers.contains("range:"), "{}", received.headers);
        let body = Full::new(Bytes::from_static(b"id,api_key\n1,correct horse battery\n"));
        let answer = Response::builder().header("content-type", "text/csv").header("accept-ranges", "bytes");
        answer.header("etag", "\"x\"").body(body).unwrap()
    });
    let sidecar = sidecar(&upstream, "", "");
    let answer = send(sidecar.ingress, "GET /export", &[("range", "bytes=0-3")], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, b"id,api_key\n1,****tery\n");
    assert_eq!((answer.header("accept-ranges"), answer.header("etag")), (None, None));
    assert_eq!(answer.header("sekisho-found"), None, "a caller is told nothing of what the service holds");
}

#[test]
fn a_client_of_http_1_0_gets_a_body_it_can_read() {
    let text = format!("before {} after\n", known());
    let body = text.repeat(100);
    let upstream = Upstream::answering(move |_| Response::new(Full::new(Bytes::from(body.clone()))));
    let sidecar = sidecar(&upstream, "", "limits: { buffered_body_bytes: 1KiB }");
    let mut stream = std::net::TcpStream::connect(sidecar.ingress).unwrap();
    stream.write_all(b"GET /export HTTP/1.0\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.") && !head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    assert!(body.ends_with(" after\n") && !body.contains(&known()), "{body}");
}
