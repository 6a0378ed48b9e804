//! Every coding on the way: searched, packed again in its own form, bounded whatever it claims to become.

use std::io::Write;
use std::net::TcpStream;

use sekisho_codec::coding::{Budget, Coding, Decoder, Encoder};

use crate::client::{Answer, head, raw, send, send_chunked};
use crate::sidecar::{Sidecar, known};
use crate::upstream::Upstream;

const CODINGS: [(&str, Coding); 6] = [
    ("gzip", Coding::Gzip),
    ("deflate", Coding::Deflate),
    ("br", Coding::Brotli),
    ("zstd", Coding::Zstd),
    ("snappy", Coding::Snappy),
    ("x-snappy-framed", Coding::SnappyFramed),
];

fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
    encoder.push(plain, &mut out);
    encoder.finish(&mut out);
    out
}

fn decode(coding: Coding, mut coded: &[u8]) -> Vec<u8> {
    let (mut decoder, mut out) = (Decoder::new(coding, Budget::TRUSTED), Vec::new());
    while decoder.step(&mut coded, &mut out).unwrap() {}
    decoder.finish(&mut out).unwrap();
    out
}

fn holds(all: &[u8], secret: &str) -> bool {
    all.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn log(lines: usize) -> Vec<u8> {
    let line = |n: usize| format!("ts={n} qty=0.{} order={:x}\n", n % 7, n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (0..lines).flat_map(|n| line(n).into_bytes()).collect()
}

#[test]
fn a_secret_in_any_coding_stays_wherever_it_is_cut() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let text = format!("before\nkey {} after\nlast\n", known());
    for (name, coding) in CODINGS {
        let coded = encode(coding, text.as_bytes());
        let headers = [("content-encoding", name)];
        let mut arrivals = std::collections::BTreeSet::new();
        send(sidecar.egress, "POST /logs", &headers, &coded);
        arrivals.insert(decode(coding, &upstream.one().body));
        for at in 0..=coded.len() {
            let (left, right) = coded.split_at(at);
            send_chunked(sidecar.egress, "POST /logs", &headers, &[left, right]);
            arrivals.insert(decode(coding, &upstream.one().body));
        }
        assert_eq!(arrivals.len(), 1, "{name}: where it is cut makes a difference");
        let arrived = arrivals.pop_first().unwrap();
        assert!(!holds(&arrived, &known()), "{name}");
        assert!(arrived.starts_with(b"before\nkey ") && arrived.ends_with(b" after\nlast\n"), "{name}");
    }
}

#[test]
fn what_is_clean_arrives_as_it_was_sent_or_with_the_same_content() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    for (name, coding) in CODINGS {
        let headers = [("content-encoding", name)];
        let coded = encode(coding, &log(200));
        send(sidecar.egress, "POST /logs", &headers, &coded);
        assert!(upstream.one().body == coded, "{name}: small, and so byte for byte");
        // More than is looked at whole, once it is decoded.
        let coded = encode(coding, &log(12_000));
        send_chunked(sidecar.egress, "POST /logs", &headers, &coded.chunks(10_007).collect::<Vec<_>>());
        assert!(decode(coding, &upstream.one().body) == log(12_000), "{name}");
    }
    // A signed one streams as the very bytes it came in.
    for (name, coding) in CODINGS.into_iter().filter(|(name, _)| *name != "br") {
        let signed = [("content-encoding", name), ("content-md5", "2hnS0nHZ0IDLmC0VDQpZ2Q==")];
        let coded = encode(coding, &log(12_000));
        send_chunked(sidecar.egress, "POST /logs", &signed, &coded.chunks(10_007).collect::<Vec<_>>());
        assert!(upstream.one().body == coded, "{name}");
    }
}

#[test]
fn a_signed_body_in_a_coding_goes_on_as_it_came_or_not_at_all() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    for (name, coding) in CODINGS.into_iter().filter(|(name, _)| *name != "br") {
        let signed = [("content-encoding", name), ("content-md5", "2hnS0nHZ0IDLmC0VDQpZ2Q==")];
        let found = encode(coding, &[&log(2_000), known().as_bytes(), b"\n"].concat());
        let answer = send_chunked(sidecar.egress, "POST /logs", &signed, &found.chunks(997).collect::<Vec<_>>());
        assert_eq!(answer.code(), "signed_body", "{name}");
    }
    assert!(upstream.take().iter().all(|arrived| !arrived.whole));
}

#[test]
fn codings_over_each_other_are_refused_unless_policy_permits_them() {
    let upstream = Upstream::start();
    let twice = encode(Coding::Zstd, &encode(Coding::Gzip, format!("key {} end\n", known()).as_bytes()));
    let headers = [("content-encoding", "gzip, zstd")];
    let refusing = Sidecar::blocked(&upstream);
    assert_eq!(send(refusing.egress, "POST /logs", &headers, &twice).code(), "unsupported_coding");
    assert_eq!(upstream.count(), 0);
    let permitting = Sidecar::with(&upstream, "limits: { codings: 2 }");
    for chunked in [false, true] {
        if chunked {
            send_chunked(permitting.egress, "POST /logs", &headers, &twice.chunks(9).collect::<Vec<_>>());
        } else {
            send(permitting.egress, "POST /logs", &headers, &twice);
        }
        let arrived = decode(Coding::Gzip, &decode(Coding::Zstd, &upstream.one().body));
        assert!(!holds(&arrived, &known()) && arrived.ends_with(b" end\n"), "chunked: {chunked}");
    }
}

#[test]
fn what_brotli_hides_beside_the_content_does_not_leave() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    // A window of 64 KiB, and an empty last block behind a metadata block (RFC 7932, 9.1 and 9.2) of the secret.
    let secret = known();
    let length = u8::try_from(secret.len() - 1).unwrap();
    // Bits, the lowest first: 0 (window), 0 (not last), 11 (metadata), 0 (reserved), 01 (one byte of length), length, fill.
    let bits = 0b1100 | 1 << 5 | u16::from(length) << 7;
    let body = [&bits.to_le_bytes()[..], secret.as_bytes(), &[3]].concat();
    assert_eq!(decode(Coding::Brotli, &body), b"");
    let headers = [("content-encoding", "br")];
    send(sidecar.egress, "POST /logs", &headers, &body);
    assert!(!holds(&upstream.one().body, &secret));
    send_chunked(sidecar.egress, "POST /logs", &headers, &[&body]);
    assert!(!holds(&upstream.one().body, &secret));
    let signed = [headers[0], ("content-md5", "2hnS0nHZ0IDLmC0VDQpZ2Q==")];
    assert_eq!(send(sidecar.egress, "POST /logs", &signed, &body).code(), "signed_body");
    assert_eq!(send_chunked(sidecar.egress, "POST /logs", &signed, &[&body]).code(), "unsupported_coding");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_pause_of_the_sender_lets_a_coded_line_go() {
    for (name, coding) in CODINGS.into_iter().filter(|(name, _)| *name != "snappy") {
        let upstream = Upstream::start();
        let sidecar = Sidecar::with(&upstream, "limits: { scan_idle_flush: 10ms }");
        let (mut encoder, mut coded) = (Encoder::new(coding), Vec::new());
        encoder.push(b"a line before the pause\n", &mut coded);
        encoder.flush(&mut coded);
        let mut stream = TcpStream::connect(sidecar.egress).unwrap();
        let head = head("POST /logs", &[("content-encoding", name)], "transfer-encoding: chunked\r\n");
        write!(stream, "{head}{:x}\r\n", coded.len()).unwrap();
        stream.write_all(&[&coded[..], b"\r\n"].concat()).unwrap();
        let (mut decoder, mut plain) = (Decoder::new(coding, Budget::TRUSTED), Vec::new());
        let mut read = 0;
        sidecar.until("the line arrives", |_| {
            let arrived = upstream.underway();
            let mut piece = &arrived[read..];
            read = arrived.len();
            while decoder.step(&mut piece, &mut plain).unwrap() {}
            plain == b"a line before the pause\n"
        });
    }
}

/// Few enough for an unoptimised build to decode in seconds.
const AT_ONCE: usize = 24;

/// A body of about 10 MB that would become about 10 GB, where the coding can say that; else as much as it can.
fn bomb(coding: Coding) -> Vec<u8> {
    if coding == Coding::Zstd {
        // A frame with a window of 1 MiB, and blocks that each repeat a zero 128 Ki times.
        let block: [u8; 3] = (128_u32 << 13 | 1 << 1).to_le_bytes()[..3].try_into().unwrap();
        let blocks = std::iter::repeat_n([block[0], block[1], block[2], 0], 80_000).flatten();
        return [0x28, 0xB5, 0x2F, 0xFD, 0, 10 << 3].into_iter().chain(blocks).collect();
    }
    if coding == Coding::Snappy {
        return encode(coding, &vec![b' '; 16 << 20]);
    }
    let blanks = vec![b' '; 1 << 20];
    let mut pushed: Box<dyn FnMut() -> Vec<u8>> = match coding {
        // As small as it gets, which the encoders on the way do not try.
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            Box::new(move || flushed(&mut encoder, &blanks, |encoder| std::mem::take(encoder.get_mut())))
        }
        Coding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            Box::new(move || flushed(&mut encoder, &blanks, |encoder| std::mem::take(encoder.get_mut())))
        }
        Coding::Brotli | Coding::Zstd | Coding::Snappy | Coding::SnappyFramed | Coding::AwsChunked => {
            let mut encoder = Encoder::new(coding);
            Box::new(move || {
                let mut out = Vec::new();
                encoder.push(&blanks, &mut out);
                encoder.flush(&mut out);
                out
            })
        }
    };
    let (mut first, again) = (pushed(), pushed());
    let times = (10 << 20) / again.len().max(1024);
    first.extend(std::iter::repeat_n(again, times).flatten());
    first
}

fn flushed<W: Write>(encoder: &mut W, blanks: &[u8], take: fn(&mut W) -> Vec<u8>) -> Vec<u8> {
    encoder.write_all(blanks).unwrap();
    encoder.flush().unwrap();
    take(encoder)
}

fn resident(sidecar: &Sidecar, what: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", sidecar.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn many_bombs_at_once_are_answered_and_never_exist() {
    let upstream = Upstream::start();
    let by_size = "limits: { decoded_ratio: 1000000, decoded_body_bytes: 512KiB }";
    for (name, coding) in CODINGS {
        // Some are told by how much they grow for each byte, and the others by how large they get.
        let by_ratio = ["gzip", "br", "zstd"].contains(&name);
        let sidecar = Sidecar::with(&upstream, if by_ratio { "" } else { by_size });
        // What a first request allocates for good is not the bomb's.
        send(sidecar.egress, "POST /logs", &[("content-encoding", name)], &encode(coding, &log(9000)));
        let (body, before) = (bomb(coding), resident(&sidecar, "VmRSS"));
        let all = std::thread::scope(|scope| {
            let one = || attack(&sidecar, name, &body);
            let all: Vec<_> = std::iter::repeat_with(|| scope.spawn(one)).take(AT_ONCE).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        for answer in &all {
            assert!(["undecodable", "overloaded"].contains(&answer.code().as_str()), "{name}: {answer:?}");
        }
        let grown = resident(&sidecar, "VmHWM").saturating_sub(before);
        assert!(grown <= 64 << 10, "{name}: grown by {grown} KiB");
        // The first request may have arrived, and of the others no more than a beginning.
        assert!(upstream.take().iter().filter(|arrived| arrived.whole).count() <= 1, "{name}");
    }
}

/// One bomb, and the answer to it.
fn attack(sidecar: &Sidecar, name: &str, body: &[u8]) -> Answer {
    let length = format!("content-length: {}\r\n", body.len());
    let head = head("POST /logs", &[("content-encoding", name)], &length);
    raw(sidecar.egress, &[head.as_bytes(), body])
}
