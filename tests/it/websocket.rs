//! WebSockets through the running sidecar: the handshake, orders, secrets, compression, closing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use sekisho_codec::ws::{Opcode, frame};
use serde_json::{Value, json};

use crate::client::{head, raw, send};
use crate::sidecar::{DESK, ROOT, Sidecar, known};
use crate::socket::{Client, KEY, MASK, Venue, read_head};
use crate::upstream::Upstream;

pub(crate) const BUY: &str = r#"{"id":"a1","op":"order","args":{"side":"buy","symbol":"ABC"}}"#;
const CANCEL: &str = r#"{"id":2,"op":"cancel","args":{"order":"1"}}"#;

/// A message in fragments of `length` bytes, with a ping between them.
fn fragments(text: &str, length: usize) -> Vec<u8> {
    let (mut bytes, pieces) = (Vec::new(), text.as_bytes().chunks(length).count());
    for (index, piece) in text.as_bytes().chunks(length).enumerate() {
        let mut fragment = frame(if index == 0 { Opcode::Text } else { Opcode::Continuation }, piece, Some(MASK));
        if index + 1 < pieces {
            fragment[0] &= 0x7F;
        }
        bytes.extend(fragment);
        if index == 0 {
            bytes.extend(frame(Opcode::Ping, b"between", Some(MASK)));
        }
    }
    bytes
}

fn compressed(stream: &mut Compress, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2 + 64);
    stream.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    let mut bytes = frame(Opcode::Text, &out, Some(MASK));
    bytes[0] |= 0x40;
    bytes
}

#[test]
fn messages_go_both_ways_and_a_close_ends_both_sides() {
    let venue = Venue::start("", frame(Opcode::Text, b"tick", None).repeat(1000));
    let sidecar = Sidecar::blocked(&venue.upstream);
    let mut client = Client::open(sidecar.egress, "/ws/feed");
    assert!(client.head.to_ascii_lowercase().contains("sekisho-decision: "), "{}", client.head);
    assert_eq!(client.ask("hello"), "got hello");
    client.say("feed");
    for _ in 0..1000 {
        assert_eq!(client.hear(), "tick");
    }
    client.send(&fragments("in pieces", 2));
    assert_eq!(client.hear(), "Pong between");
    assert_eq!(client.hear(), "got in pieces");
    client.send(&frame(Opcode::Close, b"\x03\xE8bye", Some(MASK)));
    assert_eq!(client.hear(), "Close 1000 bye");
    assert_eq!(client.hear(), "gone");
    assert_eq!(venue.got(), ["hello", "Ping between", "in pieces", "Close 1000 bye"]);
    // The venue saw a handshake of ours: the client's key, and what nobody here can read, stayed behind.
    let head = venue.heads.lock().unwrap()[0].clone();
    assert!(!head.contains(KEY) && head.contains("/ws/feed"), "{head}");
}

#[test]
fn what_is_no_handshake_or_is_not_wanted_is_refused() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::blocked(&venue.upstream);
    let asked = |path: &str, headers: &[(&str, &str)]| {
        let head = head(&format!("GET {path}"), headers, "");
        raw(sidecar.egress, &[head.replacen("connection: close", "connection: close, upgrade", 1).as_bytes()])
    };
    let (upgrade, version, key) =
        (("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", KEY));
    let answer = asked("/logs", &[upgrade, version, key]);
    assert_eq!((answer.status, answer.code()), (403, "upgrade_refused".to_owned()), "a route that does not say so");
    for headers in [vec![upgrade, version], vec![upgrade, key], vec![upgrade, ("sec-websocket-version", "8"), key]] {
        let answer = asked("/ws", &headers);
        assert_eq!((answer.status, answer.code()), (400, "bad_request".to_owned()), "{headers:?}");
    }
    let noted = head("GET /ws", &[upgrade, version, key, ("x-note", &known())], "");
    let mut stream = TcpStream::connect(sidecar.egress).unwrap();
    stream.write_all(noted.replacen("connection: close", "connection: upgrade", 1).as_bytes()).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 101"));
    assert!(!venue.heads.lock().unwrap()[0].contains(&known()), "a handshake is searched like any request");
    assert_eq!(venue.heads.lock().unwrap().len(), 1);
    // One that knows nothing of WebSockets answers as it would anybody.
    let plain = Upstream::start();
    let other = Sidecar::blocked(&plain);
    let client = Client::connect(other.egress, "/ws", "");
    assert!(client.head.starts_with("HTTP/1.1 200"), "{}", client.head);
}

#[test]
fn a_caller_without_a_key_opens_no_websocket_and_one_who_is_revoked_has_none_left() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::blocked(&venue.upstream);
    let client = Client::connect(sidecar.ingress, "/door", "");
    assert!(client.head.starts_with("HTTP/1.1 401"), "{}", client.head);
    let head = format!(
        "GET /door HTTP/1.1\r\nHost: a\r\nX-API-Key: {DESK}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(sidecar.ingress).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 101"));
    let asked = json!({ "kind": "person", "id": "desk", "reason": "test" });
    assert_eq!(sidecar.change("/v1/revocations", ROOT, &asked).status, 200);
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    assert_eq!(said, frame(Opcode::Close, &1008_u16.to_be_bytes(), None));
    sidecar.until("the venue is told", |_| venue.got() == ["Close 1001 "]);
}

#[test]
fn a_route_in_quarantine_has_no_websocket_left_and_opens_none() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::open(&venue.upstream);
    let (orders, plain) = (Client::open(sidecar.egress, "/desk"), Client::open(sidecar.egress, "/ws"));
    let quarantine = json!({ "measure": "service", "reason": "test" });
    assert_eq!(sidecar.change("/v1/containments", ROOT, &quarantine).status, 201);
    for mut client in [orders, plain] {
        assert_eq!(client.hear(), "Close 1008 ");
    }
    let refused = Client::connect(sidecar.egress, "/desk", "");
    assert!(refused.head.starts_with("HTTP/1.1 403"), "{}", refused.head);
    sidecar.until("it is recorded", |sidecar| {
        sidecar.events("security.access.denied").iter().any(|event| event.to_string().contains("quarantined"))
    });
}

#[test]
fn orders_are_held_message_by_message_and_answered_with_their_id() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::open(&venue.upstream);
    let mut client = Client::open(sidecar.egress, "/desk");
    assert_eq!(client.ask(BUY), format!("got {BUY}"));
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    let refused: Value = serde_json::from_str(&client.ask(BUY)).unwrap();
    assert_eq!((&refused["id"], &refused["op"]), (&"a1".into(), &"order".into()), "{refused}");
    assert_eq!(refused["sekisho"]["code"], "order_refused", "{refused}");
    assert_eq!(refused["sekisho"]["forwarded"], false, "{refused}");
    assert_eq!(client.ask(CANCEL), format!("got {CANCEL}"), "a cancel passes");
    for (text, code) in [
        (r#"{"id":3,"op":"order","op":"cancel"}"#, "order_ambiguous"),
        (r#"{"id":4,"op":"invent"}"#, "order_refused"),
        (r#"[{"id":5,"op":"order"}]"#, "order_ambiguous"),
        ("order me something", "order_ambiguous"),
        (r#"{"id":6,"op":"order""#, "order_ambiguous"),
    ] {
        let refused: Value = serde_json::from_str(&client.ask(text)).unwrap();
        assert_eq!(refused["sekisho"]["code"], code, "{text}: {refused}");
    }
    client.send(&frame(Opcode::Binary, BUY.as_bytes(), Some(MASK)));
    assert!(client.hear().contains("order_ambiguous"));
    client.send(&fragments(BUY, 3));
    // The refusal is ours, the pong the venue's: either may be first.
    let heard = [client.hear(), client.hear()];
    assert!(heard.contains(&"Pong between".to_owned()), "{heard:?}");
    assert!(heard.iter().any(|heard| heard.contains("order_refused")), "{heard:?}");
    assert_eq!(client.ask("ping"), "got ping");
    assert_eq!(venue.got(), [BUY, CANCEL, "Ping between", "ping"]);
    sidecar.until("refusals are journaled", |sidecar| {
        sidecar.events("security.access.denied").iter().any(|event| event["action"] == "order_refused")
    });
    sidecar.release_all();
    assert_eq!(client.ask(BUY), format!("got {BUY}"), "the same connection goes on");
}

#[test]
fn a_secret_is_masked_or_refused_however_it_is_sent() {
    let deflate = "permessage-deflate";
    let venue = Venue::start(deflate, vec![]);
    let sidecar = Sidecar::open(&venue.upstream);
    let text = format!(r#"{{"note":"{}","n":1.50}}"#, known());
    let mut client = Client::connect(sidecar.egress, "/ws", deflate);
    assert!(client.head.contains(deflate), "{}", client.head);
    let mut stream = Compress::new(Compression::fast(), false);
    let clean = r#"{"note":"nothing","n":1.50}"#;
    client.send(&compressed(&mut stream, clean));
    assert_eq!(client.hear(), format!("got {clean}"));
    client.say(&text);
    client.hear();
    client.send(&fragments(&text, 5));
    client.hear();
    client.hear();
    client.send(&compressed(&mut stream, &text));
    client.hear();
    // It refers to the message before, which the venue never saw as it was.
    client.send(&compressed(&mut stream, &text.replace("1.50", "2.50")));
    client.hear();
    client.send(&compressed(&mut stream, clean));
    assert_eq!(client.hear(), format!("got {clean}"));
    let got = venue.got();
    assert_eq!(got.len(), 7, "{got:?}");
    for got in got.iter().filter(|got| !got.starts_with("Ping")) {
        let read: Value = serde_json::from_str(got).unwrap();
        assert!(!got.contains(&known()) && read["note"].is_string() && got.ends_with(".50}"), "{got}");
    }
    // On an order route nothing is edited.
    let mut desk = Client::open(sidecar.egress, "/desk");
    let order = BUY.replace("ABC", &known());
    let refused: Value = serde_json::from_str(&desk.ask(&order)).unwrap();
    assert_eq!((&refused["sekisho"]["code"], &refused["id"]), (&"secret_in_content".into(), &"a1".into()), "{refused}");
    // What a login needs is meant to go on, in its field and in no other.
    let login = format!(r#"{{"id":7,"op":"login","args":{{"key":"{}"}}}}"#, known());
    assert_eq!(desk.ask(&login), format!("got {login}"));
    let elsewhere = login.replace("\"key\"", "\"note\"");
    assert!(desk.ask(&elsewhere).contains("secret_in_content"));
    client.send(&frame(Opcode::Ping, known().as_bytes(), Some(MASK)));
    assert_eq!(client.hear(), "Close 1008 ");
    assert!(venue.got().iter().all(|got| got.contains("login") || !got.contains(&known())));
}

#[test]
fn who_breaks_the_protocol_is_closed() {
    let venue = Venue::start("", [&frame(Opcode::Text, b"fine", None)[..], b"\xC1\x01a"].concat());
    let sidecar = Sidecar::blocked(&venue.upstream);
    let unmasked = frame(Opcode::Text, b"a", None);
    let mut reserved = frame(Opcode::Text, b"a", Some(MASK));
    reserved[0] |= 0x20;
    for (what, bytes, close) in [
        ("no mask", unmasked, "Close 1002 "),
        ("a reserved bit", reserved, "Close 1002 "),
        ("no text", frame(Opcode::Text, b"\xFF", Some(MASK)), "Close 1007 "),
        ("too long", frame(Opcode::Binary, &vec![0; (1 << 20) + 1], Some(MASK)), "Close 1009 "),
    ] {
        let mut client = Client::open(sidecar.egress, "/ws");
        client.stream.write_all(&bytes).unwrap_or_default();
        assert_eq!(client.hear(), close, "{what}");
        assert_eq!(client.hear(), "gone", "{what}");
    }
    assert!(venue.got().iter().all(|got| got == "Close 1001 "), "{:?}", venue.got());
    let mut client = Client::open(sidecar.egress, "/ws");
    client.say("feed");
    let heard = [client.hear(), client.hear()];
    assert!(heard.contains(&"Close 1001 ".to_owned()), "{heard:?}");
}

/// In two writes each, so that messages are everywhere on their way when the flip comes.
fn orders_until_refused(client: &mut Client) {
    let order = frame(Opcode::Text, BUY.as_bytes(), Some(MASK));
    let (left, right) = order.split_at(20);
    loop {
        client.send(left);
        client.send(right);
        if client.hear().contains("order_refused") {
            return;
        }
    }
}

#[test]
fn after_block_is_acknowledged_no_order_message_reaches_the_venue() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::open(&venue.upstream);
    for _ in 0..3 {
        let before = venue.got().len();
        let talkers: Vec<_> = (0..4)
            .map(|_| {
                let mut client = Client::open(sidecar.egress, "/desk");
                std::thread::spawn(move || {
                    orders_until_refused(&mut client);
                    client
                })
            })
            .collect();
        sidecar.until("orders flow", |_| venue.got().len() > before + 100);
        let told = sidecar.tighten("BLOCK").json();
        assert_eq!((&told["durable"], &told["settled"]), (&true.into(), &true.into()), "{told}");
        // A message written before is read before one that is written now, on each connection.
        let mut clients: Vec<_> = talkers.into_iter().map(|talker| talker.join().unwrap()).collect();
        for client in &mut clients {
            assert_eq!(client.ask("ping"), "got ping");
        }
        let at_flip = venue.got().len();
        for client in &mut clients {
            for _ in 0..50 {
                assert!(client.ask(BUY).contains("order_refused"));
            }
            assert_eq!(client.ask("ping"), "got ping");
        }
        assert_eq!(venue.got().len(), at_flip + clients.len(), "only the pings arrived");
        sidecar.release_all();
    }
}

#[test]
fn open_websockets_are_bounded_idle_ones_are_closed_and_a_drain_says_goodbye() {
    let venue = Venue::start("", vec![]);
    let limits = "limits: { websockets: 2, websocket_idle_timeout: 1s, websocket_close_timeout: 500ms }";
    let sidecar = Sidecar::with(&venue.upstream, limits);
    let (mut first, _second) = (Client::open(sidecar.egress, "/ws"), Client::open(sidecar.egress, "/ws"));
    let third = Client::connect(sidecar.egress, "/ws", "");
    assert!(third.head.starts_with("HTTP/1.1 503"), "{}", third.head);
    assert_eq!(send(sidecar.egress, "GET /logs", &[], b"").status, 200, "requests have room of their own");
    assert_eq!(first.hear(), "Close 1001 ", "nothing was said for a second");
    assert_eq!(first.hear(), "gone");
    let mut last = None;
    sidecar.until("there is room again", |sidecar| {
        last = Some(Client::connect(sidecar.egress, "/ws", ""));
        last.as_ref().is_some_and(|client| client.head.starts_with("HTTP/1.1 101"))
    });
    let (code, _dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    assert_eq!(last.unwrap().hear(), "Close 1001 ");
}

#[test]
fn what_an_export_sends_is_searched_too() {
    let text = format!(r#"{{"note":"{}"}}"#, known());
    let venue =
        Venue::start("", [frame(Opcode::Text, text.as_bytes(), None), frame(Opcode::Text, b"clean", None)].concat());
    let sidecar = Sidecar::blocked(&venue.upstream);
    let mut client = Client::open(sidecar.ingress, "/export");
    client.say("feed");
    let masked = client.hear();
    assert!(masked.starts_with(r#"{"note":""#) && !masked.contains(&known()), "{masked}");
    assert_eq!(client.hear(), "clean");
}
