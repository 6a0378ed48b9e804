//! Syslog and Fluentd's forward over TCP: searched record by record, framed anew, acknowledged by the receiver.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::formats::sidecar;
use crate::sidecar::{Sidecar, known, masked_known};
use crate::upstream::Upstream;

/// A receiver that is one end of one connection at a time.
struct Receiver {
    socket: TcpListener,
}

impl Receiver {
    fn start() -> Self {
        Self { socket: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn accept(&self) -> TcpStream {
        let (stream, _) = self.socket.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// All that comes on the next connection.
    fn all(&self) -> Vec<u8> {
        let mut all = Vec::new();
        self.accept().read_to_end(&mut all).unwrap();
        all
    }
}

fn start(receiver: &Receiver, upstream: &Upstream, format: &str, more: &str) -> Sidecar {
    let to = receiver.socket.local_addr().unwrap();
    let stream = format!("streams: [{{ name: logs, listen: \"127.0.0.1:0\", format: {format}, to: \"{to}\"{more} }}]");
    sidecar(upstream, "", &stream)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn syslog_is_masked_and_counted_anew_wherever_it_is_cut() {
    let (receiver, upstream) = (Receiver::start(), Upstream::start());
    let sidecar = start(&receiver, &upstream, "syslog", "");
    let message = |it: &str| format!("<34>1 2026-01-01T00:00:00Z h app - - - session {it}");
    let counted = |texts: &[String]| -> String { texts.iter().map(|text| format!("{} {text}", text.len())).collect() };
    let masked = masked_known();
    let sent = counted(&[message("clean"), message(&known()), message("last")]);
    let wanted = counted(&[message("clean"), message(&masked), message("last")]);
    let lines = format!("<34>Jan  1 00:00:00 h app: a {} b\n<34>clean\n", known());
    for (sent, wanted) in [(sent, wanted), (lines.clone(), lines.replace(&known(), &masked))] {
        for at in (0..sent.len()).step_by(5) {
            let mut client = connect(sidecar.stream("logs"));
            let (left, right) = sent.as_bytes().split_at(at);
            client.write_all(left).unwrap();
            client.flush().unwrap();
            client.write_all(right).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(String::from_utf8(receiver.all()).unwrap(), wanted, "cut at {at}");
        }
    }
    sidecar.until("it is in the journal", |sidecar| !sidecar.events("security.secret.guard.triggered").is_empty());
}

#[test]
fn a_record_goes_on_as_soon_as_it_is_whole() {
    let (receiver, upstream) = (Receiver::start(), Upstream::start());
    let sidecar = start(&receiver, &upstream, "syslog", "");
    let mut client = connect(sidecar.stream("logs"));
    let mut server = receiver.accept();
    for line in ["<1>first\n", "<1>second\n"] {
        client.write_all(line.as_bytes()).unwrap();
        let mut arrived = vec![0; line.len()];
        server.read_exact(&mut arrived).unwrap();
        assert_eq!(arrived, line.as_bytes());
    }
}

fn string(text: &str) -> Vec<u8> {
    [&[0xD9, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

fn forward(texts: &[&str]) -> Vec<u8> {
    let entry = |text: &&str| [&[0x92, 0x01, 0x81][..], &string("log"), &string(text)].concat();
    let entries: Vec<u8> = texts.iter().flat_map(entry).collect();
    let count = u8::try_from(texts.len()).unwrap();
    let option = [&[0x81][..], &string("chunk"), &string("p8n9gmxTQVC8/nh2wlKKeQ==")].concat();
    [&[0x93][..], &string("app"), &[0x90 | count], &entries, &option].concat()
}

#[test]
fn fluentd_s_entries_are_masked_or_left_out_and_acknowledged() {
    let (receiver, upstream) = (Receiver::start(), Upstream::start());
    let masked = format!("session {}", masked_known());
    let text = format!("session {}", known());
    for (more, wanted) in [("", vec!["a", &*masked, "b"]), (", records: drop_record", vec!["a", "b"])] {
        let sidecar = start(&receiver, &upstream, "forward", more);
        let mut client = connect(sidecar.stream("logs"));
        client.write_all(&forward(&["a", &text, "b"])).unwrap();
        let mut server = receiver.accept();
        let mut head = [0; 6];
        server.read_exact(&mut head).unwrap();
        assert_eq!(head[..6], [0x93, 0xD9, 3, b'a', b'p', b'p']);
        let ack = [&[0x81][..], &string("ack"), &string("p8n9gmxTQVC8/nh2wlKKeQ==")].concat();
        server.write_all(&ack).unwrap();
        let mut said = vec![0; ack.len()];
        client.read_exact(&mut said).unwrap();
        assert_eq!(said, ack);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).unwrap();
        let arrived = [&head[..], &rest].concat();
        let normal = |bytes: &[u8]| normal(bytes);
        assert_eq!(normal(&arrived), normal(&forward(&wanted)), "{more}");
    }
}

/// With each short text in its short form: what was changed is written so.
fn normal(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (0xD9, Some(length @ ..32)) => {
                out.push(0xA0 | length);
                at += 2;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[test]
fn what_is_not_the_protocol_ends_the_connection_and_reaches_nobody() {
    let (receiver, upstream) = (Receiver::start(), Upstream::start());
    let sidecar = start(&receiver, &upstream, "forward", "");
    let mut client = connect(sidecar.stream("logs"));
    client.write_all(format!("GET /?{} HTTP/1.1\r\n\r\n", known()).as_bytes()).unwrap();
    assert_eq!(receiver.all(), b"");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap_or_default();
    assert_eq!(rest, b"");
}

#[test]
fn where_nobody_receives_the_client_is_let_go() {
    let upstream = Upstream::start();
    let gone = Receiver::start();
    let sidecar = start(&gone, &upstream, "syslog", "");
    drop(gone);
    let mut client = connect(sidecar.stream("logs"));
    assert_eq!(client.read(&mut [0; 8]).unwrap_or_default(), 0);
}
