//! HTTP/2, frame by frame: what no request is reaches nobody, and floods are ended.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

/// A connection by prior knowledge, which sends what it is told to.
pub(crate) struct Raw(TcpStream);

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What came back on a stream, or for all of them.
#[derive(Debug, PartialEq, Eq)]
enum Back {
    Status(u16),
    Reset,
    GoAway,
    Closed,
}

impl Raw {
    fn open(to: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut raw = Self(stream);
        assert!(raw.frame(SETTINGS, 0, 0, &[]));
        raw
    }

    /// The next connection that a client makes.
    pub(crate) fn accepted(socket: &TcpListener) -> Self {
        let (mut stream, _) = socket.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).unwrap();
        assert!(preface.starts_with(b"PRI * HTTP/2.0"));
        Self(stream)
    }

    /// The next frame; none when the connection has ended.
    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of a kind.
    pub(crate) fn until(&mut self, kind: u8) -> Frame {
        std::iter::from_fn(|| self.next()).find(|frame| frame.kind == kind).unwrap()
    }

    /// All frames until the connection ends.
    pub(crate) fn rest(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Whether the other side still took it.
    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.write_all(&[&head, payload].concat()).is_ok()
    }

    fn request(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) -> bool {
        self.frame(HEADERS, END_HEADERS | flags, stream, &block(fields))
    }

    /// The first thing that answers a stream.
    fn back(&mut self) -> Back {
        while let Some(frame) = self.next() {
            match frame.kind {
                HEADERS => return Back::Status(status(&frame.payload)),
                RST_STREAM => return Back::Reset,
                GOAWAY => return Back::GoAway,
                _ => {}
            }
        }
        Back::Closed
    }
}

/// The first field of an answer is its status: one of the static table, or a literal under the name of one.
fn status(block: &[u8]) -> u16 {
    match block[0] {
        0x88..=0x8E => [200, 204, 206, 304, 400, 404, 500][usize::from(block[0] - 0x88)],
        // Three digits, in Huffman's code or plain; which ones does not matter here.
        _ => 499,
    }
}

/// Literals that enter no table (RFC 7541, 6.2.2), as they are.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let bytes: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        [vec![u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A sound request, with `more`.
fn get<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    [&[(":method", "GET"), (":scheme", "http"), (":path", "/plain"), (":authority", "a")], more].concat()
}

/// The same, with one of its fields changed or left out.
fn but(name: &'static str, value: Option<&'static str>) -> Vec<(&'static str, &'static str)> {
    let fields = get(&[])
        .into_iter()
        .filter_map(|(field, old)| if field == name { value.map(|value| (field, value)) } else { Some((field, old)) });
    fields.collect()
}

/// Requests that lack something, or say it as no request may.
fn changed() -> Vec<Vec<(&'static str, &'static str)>> {
    vec![
        but(":method", None),
        but(":scheme", None),
        but(":path", None),
        but(":authority", None),
        but(":authority", Some("")),
        but(":authority", Some("u@a")),
        but(":authority", Some("a b")),
        but(":path", Some("")),
        but(":path", Some("plain")),
        but(":path", Some("*")),
        but(":path", Some("/plain x")),
        but(":path", Some("/plain HTTP/1.1\r\nx: y")),
        but(":path", Some("/plain/../door")),
        but(":path", Some("/plain/%2e%2e/door")),
        but(":path", Some("/pl\u{e4}in")),
        but(":method", Some("GET /plain HTTP/1.1\r\nhost: b\r\n\r\nGET")),
        but(":method", Some("G ET")),
        but(":method", Some("CONNECT")),
        but(":scheme", Some("ftp")),
        but(":scheme", Some("http://a/door?")),
        [&get(&[])[1..], &get(&[])[..1], &[("x", "y")], &get(&[])[..1]].concat(),
    ]
}

#[test]
fn a_request_that_is_none_in_http_2_reaches_nobody() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let mut cases = changed();
    cases.extend(TOO_MUCH.iter().map(|more| get(&[*more])));
    cases.push([&[("x", "y")], get(&[]).as_slice()].concat());
    cases.push(get(&[("content-length", "0"), ("content-length", "1")]));
    let mut wrong = Vec::new();
    for fields in cases {
        let mut raw = Raw::open(sidecar.ingress);
        raw.request(1, &fields, END_STREAM);
        let back = raw.back();
        if back == Back::Status(200) || upstream.count() > 0 {
            wrong.push(format!("{fields:?}: {back:?} {:?}", upstream.take()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut raw = Raw::open(sidecar.ingress);
    raw.request(1, &get(&[("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2")]), END_STREAM);
    assert_eq!(raw.back(), Back::Status(200));
    let arrived = upstream.one().headers;
    assert!(arrived.contains("cookie: a=1; b=2\n") && arrived.contains("host: "), "{arrived}");
}

#[test]
fn a_preface_that_is_none_ends_the_connection_without_an_answer_of_http_1() {
    let sidecar = Sidecar::open(&Upstream::start());
    let told = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(sidecar.egress).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut told = Vec::new();
        stream.read_to_end(&mut told).unwrap();
        String::from_utf8(told).unwrap()
    };
    assert_eq!(told(b"INVALID CONNECTION PREFACE\r\n\r\n"), "");
    assert!(told(b"GET /a b HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "), "one who speaks HTTP/1 is told");
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_goes_on_to_no_end() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    for (said, sent) in [("5", &b"abc"[..]), ("2", b"abc")] {
        let mut raw = Raw::open(sidecar.ingress);
        let fields = [but(":method", Some("POST")), vec![("content-length", said)]].concat();
        raw.request(1, &fields, 0);
        raw.frame(DATA, END_STREAM, 1, sent);
        assert_ne!(raw.back(), Back::Status(200), "{said}");
        assert!(upstream.take().iter().all(|one| !one.whole), "{said}");
    }
}

/// Sends until the other side ends the connection, at most `most` times.
fn ends(to: SocketAddr, most: u32, mut flood: impl FnMut(&mut Raw, u32) -> bool) -> bool {
    let mut raw = Raw::open(to);
    for at in 0..most {
        if !flood(&mut raw, at) {
            return true;
        }
    }
    matches!(raw.back(), Back::GoAway | Back::Closed)
}

#[test]
fn floods_end_the_connection_and_nobody_else_notices() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { header_timeout: 2s }");
    let to = sidecar.ingress;
    let half = |fields: &[(&str, &str)]| block(fields);
    // Rapid reset (CVE-2023-44487).
    assert!(ends(to, 100_000, |raw, at| {
        let stream = 2 * at + 1;
        raw.request(stream, &get(&[]), 0) && raw.frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
    }));
    // Streams that the server has to reset itself (CVE-2025-8671): a window of nothing added.
    assert!(ends(to, 100_000, |raw, at| {
        let stream = 2 * at + 1;
        raw.request(stream, &get(&[]), 0) && raw.frame(WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes())
    }));
    // A head without an end (CVE-2024-27316).
    assert!(ends(to, 100_000, |raw, at| {
        let kind = if at == 0 { HEADERS } else { CONTINUATION };
        raw.frame(kind, 0, 1, &half(&[("x", "0123456789012345678901234567890123456789")]))
    }));
    // More streams at once than were permitted.
    assert!(ends(to, 100_000, |raw, at| raw.request(2 * at + 1, &but(":method", Some("POST")), 0)));
    assert_eq!(send(to, "GET /plain", &[], b"").status, 200);
}

#[test]
fn a_client_that_goes_on_sending_orders_that_are_refused_keeps_its_connection() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let mut raw = Raw::open(sidecar.egress);
    // Room for all answers.
    assert!(raw.frame(WINDOW_UPDATE, 0, 0, &0x4000_0000_u32.to_be_bytes()));
    let mut order = but(":path", Some("/v2/orders"));
    order[0].1 = "POST";
    order.push(("content-type", "application/json"));
    // h2 ends a connection at the 1024th error of its other side.
    for stream in (1..2400).step_by(2) {
        assert!(raw.request(stream, &order, 0));
        // Refused by its head, before the rest is there.
        assert_eq!(raw.back(), Back::Status(499), "{stream}");
        assert!(raw.frame(DATA, END_STREAM, stream, b"{\"side\":\"buy\"}"));
    }
    raw.request(2401, &but(":path", Some("/v2/orders")), END_STREAM);
    assert_eq!(raw.back(), Back::Status(200), "what is no order passes on it");
    assert_eq!(upstream.count(), 1);
}

/// What makes no request of a sound one.
const TOO_MUCH: [(&str, &str); 28] = [
    (":method", "GET"),
    (":path", "/door"),
    (":scheme", "http"),
    (":authority", "a"),
    (":status", "200"),
    (":x", "y"),
    ("host", "b"),
    ("Upper", "x"),
    ("x y", "z"),
    ("x:y", "z"),
    ("", "x"),
    ("x\r\ny", "z"),
    ("x", "a\r\ny: z"),
    ("x", "a\nb"),
    ("x", "a\rb"),
    ("x", "a\0b"),
    ("x", "a\u{1}b"),
    ("connection", "close"),
    ("connection", "x-api-key"),
    ("keep-alive", "5"),
    ("proxy-connection", "x"),
    ("transfer-encoding", "chunked"),
    ("upgrade", "h2c"),
    ("te", "gzip"),
    ("content-length", "5"),
    ("content-length", "-1"),
    ("content_length", "0"),
    ("transfer_encoding", "chunked"),
];

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
