use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

const MOST: usize = 4096;
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame with any bits: the first byte, and a payload that is masked with `key`.
fn raw(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = frame(Opcode::Binary, payload, key);
    bytes[0] = first;
    bytes
}

fn from_client(first: u8, payload: &[u8]) -> Vec<u8> {
    raw(first, payload, Some(KEY))
}

/// What a compressor with a window of its own makes of messages, as a peer would send them.
struct Peer(Compress, bool);

impl Peer {
    fn new(takeover: bool) -> Self {
        Self(Compress::new(Compression::fast(), false), takeover)
    }

    fn message(&mut self, plain: &[u8]) -> Vec<u8> {
        if plain.is_empty() {
            // RFC 7692, 7.2.3.6.
            return vec![0];
        }
        let mut out = Vec::with_capacity(plain.len() * 2 + 64);
        self.0.compress_vec(plain, &mut out, FlushCompress::Sync).unwrap();
        if !self.1 {
            self.0.reset();
        }
        out.truncate(out.len() - 4);
        out
    }
}

/// Reads `bytes` in `pieces`; every unit as a line, then the error.
fn read(messages: &mut Messages, bytes: &[u8], cuts: &[usize]) -> (Vec<String>, Vec<u8>, Option<WsError>) {
    let (mut units, mut wire, mut start) = (Vec::new(), Vec::new(), 0);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
    cuts.sort_unstable();
    for cut in cuts {
        messages.push(&bytes[start..cut]);
        start = cut;
        loop {
            match messages.unit() {
                Ok(None) => break,
                Ok(Some(Unit::Message(message))) => {
                    units.push(format!("{:?} {}", message.kind, String::from_utf8_lossy(&message.plain)));
                    wire.extend_from_slice(&message.wire);
                }
                Ok(Some(Unit::Control(control))) => {
                    units.push(format!("{:?} {}", control.opcode, String::from_utf8_lossy(&control.plain)));
                    wire.extend_from_slice(&control.wire);
                }
                Err(why) => return (units, wire, Some(why)),
            }
        }
    }
    (units, wire, None)
}

fn outcome(bytes: &[u8]) -> (Vec<String>, Option<WsError>) {
    let (units, _, why) = read(&mut Messages::new(Side::Client, None, MOST), bytes, &[]);
    (units, why)
}

#[test]
fn the_examples_of_the_rfc_read_as_it_says() {
    let hello = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
    assert_eq!(frame(Opcode::Text, b"Hello", Some(KEY)), hello);
    assert_eq!(outcome(&hello).0, ["Text Hello"]);
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F];
    assert_eq!(frame(Opcode::Ping, b"Hello", None), ping);
    // RFC 7692, 7.2.3.1 and 7.2.3.2: one message, then the same again with the window taken over.
    let mut messages = Messages::new(Side::Server, Some(true), MOST);
    let first = raw(0xC1, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], None);
    let second = raw(0xC1, &[0xF2, 0x00, 0x11, 0x00, 0x00], None);
    assert_eq!(read(&mut messages, &[first, second].concat(), &[]).0, ["Text Hello", "Text Hello"]);
    // 7.2.3.4: a block that says it is the last.
    let mut messages = Messages::new(Side::Server, Some(true), MOST);
    let last = raw(0xC1, &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00], None);
    let (units, _, why) = read(&mut messages, &last, &[]);
    assert!(units == ["Text Hello"] || why == Some(WsError::Undecodable), "{units:?} {why:?}");
    assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn fragments_are_one_message_and_control_frames_stand_between_them() {
    let bytes = [
        from_client(0x01, b"He"),
        from_client(0x89, b"ping"),
        from_client(0x00, b"ll"),
        from_client(0x80, b"o"),
        from_client(0x82, &[0xFF]),
        from_client(0x88, b"\x03\xE8bye"),
    ]
    .concat();
    let (units, why) = outcome(&bytes);
    assert_eq!(units, ["Ping ping", "Text Hello", "Binary \u{FFFD}", "Close \u{3}\u{FFFD}bye"]);
    assert_eq!(why, None);
}

#[test]
fn what_is_not_sound_is_told() {
    use WsError::{NotText, Protocol, TooLarge};
    let protocol = Protocol("");
    let long_control = raw(0x89, &[b'x'; 126], Some(KEY));
    let wide = |length: &[u8]| [&[0x82, 0x80 | if length.len() == 2 { 126 } else { 127 }][..], length, &KEY].concat();
    for (what, bytes, expected) in [
        ("second reserved bit", from_client(0xA1, b"a"), protocol),
        ("third reserved bit", from_client(0x91, b"a"), protocol),
        ("compression that was not agreed on", from_client(0xC1, b"a"), protocol),
        ("opcode 3", from_client(0x83, b"a"), protocol),
        ("opcode 11", from_client(0x8B, b""), protocol),
        ("no mask", raw(0x81, b"a", None), protocol),
        ("a fragmented ping", from_client(0x09, b"a"), protocol),
        ("a long ping", long_control, protocol),
        ("a fragment of nothing", from_client(0x80, b"a"), protocol),
        ("a message in a message", [from_client(0x01, b"a"), from_client(0x81, b"b")].concat(), protocol),
        ("two bytes for a short length", wide(&[0, 125]), protocol),
        ("eight bytes for a medium length", wide(&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), protocol),
        ("a length of 64 bits", wide(&[0x80, 0, 0, 0, 0, 0, 0, 1]), protocol),
        ("a frame behind a close", [from_client(0x88, b""), from_client(0x81, b"a")].concat(), protocol),
        ("half a close code", from_client(0x88, b"\x03"), protocol),
        ("close code 1005", from_client(0x88, &1005_u16.to_be_bytes()), protocol),
        ("close code 999", from_client(0x88, &999_u16.to_be_bytes()), protocol),
        ("close code 2000", from_client(0x88, &2000_u16.to_be_bytes()), protocol),
        ("close code 5000", from_client(0x88, &5000_u16.to_be_bytes()), protocol),
        ("a close reason that is no text", from_client(0x88, b"\x03\xE8\xFF"), NotText),
        ("text that is no text", from_client(0x81, b"a\xFF"), NotText),
        ("half a character", [from_client(0x01, b"\xE2\x82"), from_client(0x80, b"")].concat(), NotText),
        ("a frame beyond the bound", from_client(0x82, &[0; MOST + 1]), TooLarge),
        ("a message beyond it", [from_client(0x02, &[0; MOST]), from_client(0x80, b"x")].concat(), TooLarge),
        (
            "fragments of nothing, for ever",
            [from_client(0x02, b""), from_client(0, b"").repeat(4000)].concat(),
            TooLarge,
        ),
    ] {
        let (_, why) = outcome(&bytes);
        let same = match (why, expected) {
            (Some(Protocol(_)), Protocol(_)) => true,
            (why, expected) => why == Some(expected),
        };
        assert!(same, "{what}: {why:?}");
        // Those who only walk along hold to the rules of frames too.
        let walked = Walk::new(Side::Client, false).pass(&bytes).is_err();
        let of_frames = matches!(expected, Protocol(_)) && !what.contains("close code");
        assert_eq!(walked, of_frames, "{what}");
    }
}

#[test]
fn a_character_may_be_cut_between_fragments() {
    let bytes = [from_client(0x01, b"\xE2\x82"), from_client(0x80, b"\xAC")].concat();
    assert_eq!(outcome(&bytes), (vec!["Text €".to_owned()], None));
}

#[test]
fn compressed_messages_are_decoded_with_and_without_what_came_before() {
    for takeover in [true, false] {
        let mut peer = Peer::new(takeover);
        let mut messages = Messages::new(Side::Client, Some(takeover), MOST);
        for text in ["{\"op\":\"order\",\"id\":1}", "{\"op\":\"order\",\"id\":2}", "", "plain again"] {
            let coded = peer.message(text.as_bytes());
            let (left, right) = coded.split_at(coded.len() / 2);
            let bytes = [from_client(0x41, left), from_client(0x8A, b"pong"), from_client(0x80, right)].concat();
            let (units, _, why) = read(&mut messages, &bytes, &[]);
            assert_eq!((units, why), (vec!["Pong pong".to_owned(), format!("Text {text}")], None));
        }
        let (units, ..) = read(&mut messages, &from_client(0x81, b"not compressed"), &[]);
        assert_eq!(units, ["Text not compressed"]);
    }
}

#[test]
fn a_message_that_refers_back_where_it_must_not_is_not_decoded() {
    let mut peer = Peer::new(true);
    let text = b"the same words again, the same words again";
    let (first, second) = (peer.message(text), peer.message(text));
    let mut messages = Messages::new(Side::Client, Some(false), MOST);
    assert_eq!(read(&mut messages, &from_client(0xC1, &first), &[]).2, None);
    assert_eq!(read(&mut messages, &from_client(0xC1, &second), &[]).2, Some(WsError::Undecodable));
}

#[test]
fn a_bomb_is_not_unpacked_beyond_the_bound() {
    let bomb = Peer::new(true).message(&vec![0; 1 << 22]);
    assert!(bomb.len() < 60 * 1024, "{}", bomb.len());
    let mut messages = Messages::new(Side::Client, Some(true), 64 * 1024);
    assert_eq!(read(&mut messages, &from_client(0xC2, &bomb), &[]).2, Some(WsError::TooLarge));
    let garbage = from_client(0xC2, &[0xFF; 64]);
    let mut messages = Messages::new(Side::Client, Some(true), 64 * 1024);
    assert_eq!(read(&mut messages, &garbage, &[]).2, Some(WsError::Undecodable));
}

#[test]
fn only_what_can_be_read_is_offered_and_agreed() {
    for (header, goes_on) in [
        ("", ""),
        ("permessage-deflate", "permessage-deflate"),
        (
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits",
        ),
        (
            "x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover, other",
            "permessage-deflate; client_no_context_takeover",
        ),
        ("permessage-deflate; server_max_window_bits=7", ""),
        ("permessage-deflate; server_max_window_bits", ""),
        ("permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=\"10\""),
        ("permessage-deflate; mystery", ""),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", ""),
        ("other; a=\"x, permessage-deflate\"", ""),
    ] {
        assert_eq!(offered(header), goes_on, "{header}");
    }
    let deflate = |client_takeover, server_takeover| Some(Deflate { client_takeover, server_takeover });
    for (answer, agreed_on) in [
        ("", Ok(None)),
        ("permessage-deflate", Ok(deflate(true, true))),
        ("permessage-deflate; client_no_context_takeover", Ok(deflate(false, true))),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits=9", Ok(deflate(true, false))),
    ] {
        assert_eq!(agreed(answer, "permessage-deflate"), agreed_on, "{answer}");
    }
    for (answer, offer) in [
        ("permessage-deflate", ""),
        ("other", "permessage-deflate"),
        ("permessage-deflate, permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; mystery", "permessage-deflate"),
    ] {
        assert!(agreed(answer, offer).is_err(), "{answer}");
    }
}

#[test]
fn a_key_is_sixteen_bytes() {
    assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
    for other in [&b""[..], b"dGhlIHNhbXBsZSBub25jZQ", b"dGhlIHNhbXBsZQ==", b"!GhlIHNhbXBsZSBub25jZQ=="] {
        assert!(!is_key(other));
    }
}

#[test]
fn a_walk_knows_where_a_frame_of_ones_own_may_stand() {
    let mut walk = Walk::new(Side::Server, false);
    let (first, second) = (raw(0x01, b"ab", None), raw(0x80, b"cd", None));
    assert_eq!(walk.pass(&first).unwrap(), Passed { boundary: None, frame_boundary: Some(4) });
    assert!(walk.between_frames() && !walk.between_messages());
    let piece = [&second[..], &first[..3]].concat();
    assert_eq!(walk.pass(&piece).unwrap(), Passed { boundary: Some(4), frame_boundary: Some(4) });
    assert!(!walk.between_frames());
    assert_eq!(walk.pass(&first[3..]).unwrap(), Passed { boundary: None, frame_boundary: Some(1) });
}

/// Sound streams of a client, and now and then a byte of one that is not.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let text = "[a-z{}\":,0-9é]{0,40}";
    let message = (text, proptest::collection::vec(0_usize..40, 0..3), any::<[u8; 4]>(), any::<bool>());
    let stream = proptest::collection::vec(message, 0..6).prop_map(|messages| {
        let mut bytes = Vec::new();
        for (text, cuts, key, ping) in messages {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (text.len() + 1)).chain([text.len()]).collect();
            cuts.sort_unstable();
            let mut start = 0;
            for (index, cut) in cuts.iter().enumerate() {
                let fin = if index + 1 == cuts.len() { 0x80 } else { 0 };
                let opcode = u8::from(index == 0);
                bytes.extend(raw(fin | opcode, &text.as_bytes()[start..*cut], Some(key)));
                start = *cut;
                if ping {
                    bytes.extend(raw(0x89, b"?", Some(key)));
                }
            }
        }
        bytes
    });
    let change = proptest::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (stream, change).prop_map(|(mut bytes, change)| {
        if let Some((at, byte)) = change.filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_makes_no_difference(bytes in streams(), cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        let whole = read(&mut Messages::new(Side::Client, None, MOST), &bytes, &[]);
        let cut = read(&mut Messages::new(Side::Client, None, MOST), &bytes, &cuts);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn a_walk_sees_the_boundaries_wherever_it_is_cut(bytes in streams(), cut in any::<prop::sample::Index>()) {
        let mut whole = Walk::new(Side::Client, false);
        let one = whole.pass(&bytes);
        let at = cut.index(bytes.len() + 1);
        let mut parts = Walk::new(Side::Client, false);
        let first = parts.pass(&bytes[..at]);
        let second = first.and_then(|_| parts.pass(&bytes[at..]));
        prop_assert_eq!(one.is_ok(), second.is_ok());
        if let (Ok(one), Ok(first), Ok(second)) = (one, first, second) {
            prop_assert_eq!(one.boundary, second.boundary.map(|b| b + at).or(first.boundary));
            prop_assert_eq!(whole.between_messages(), parts.between_messages());
        }
    }

    #[test]
    fn a_sound_stream_comes_out_as_it_went_in(texts in proptest::collection::vec("[a-zé]{0,300}", 0..5), key in any::<[u8; 4]>()) {
        let bytes: Vec<u8> = texts.iter().flat_map(|text| frame(Opcode::Text, text.as_bytes(), Some(key))).collect();
        let (units, wire, why) = read(&mut Messages::new(Side::Client, None, MOST), &bytes, &[]);
        prop_assert_eq!(why, None);
        prop_assert_eq!(wire, bytes);
        prop_assert_eq!(units, texts.iter().map(|text| format!("Text {text}")).collect::<Vec<_>>());
    }

    #[test]
    fn compressed_streams_read_as_they_were_written(texts in proptest::collection::vec("[a-f]{0,400}", 0..6), takeover in any::<bool>()) {
        let mut peer = Peer::new(takeover);
        let bytes: Vec<u8> = texts.iter().flat_map(|text| from_client(0xC1, &peer.message(text.as_bytes()))).collect();
        let (units, wire, why) = read(&mut Messages::new(Side::Client, Some(takeover), MOST), &bytes, &[]);
        prop_assert_eq!(why, None);
        prop_assert_eq!(wire, bytes);
        prop_assert_eq!(units, texts.iter().map(|text| format!("Text {text}")).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), deflate in proptest::option::of(any::<bool>())) {
        for side in [Side::Client, Side::Server] {
            let mut messages = Messages::new(side, deflate, MOST);
            let (units, wire, _) = read(&mut messages, &bytes, &[]);
            prop_assert!(wire.len() <= bytes.len());
            prop_assert!(units.len() <= bytes.len());
            let _either_way = Walk::new(side, deflate.is_some()).pass(&bytes);
        }
    }
}
