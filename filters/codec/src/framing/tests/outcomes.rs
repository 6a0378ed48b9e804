//! Single cases that the table has no room for.

use super::super::csv::Csv;
use super::super::fluent::Fluent;
use super::super::grpc::Grpc;
use super::super::msgpack::Msgpack;
use super::super::multipart::Multipart;
use super::super::protobuf::{Protobuf, Schema};
use super::super::records::{Kind, Records};
use super::super::syslog::Syslog;
use super::super::{Framing, FramingError};
use super::bodies::{BOUNDS, BUDGET, field, fields, frame, gzip, string};
use super::{Found, SECRET, run};
use crate::coding::Coding;

#[test]
fn what_is_not_the_format_is_told_from_what_is_not_all_there() {
    use FramingError::{Malformed, TooDeep, TooLarge, Truncated};
    let protobuf = || Protobuf::new(Schema::OtlpLogs, BOUNDS);
    let grpc = || Grpc::new(Schema::Unknown, Some(Coding::Gzip), BUDGET, BOUNDS);
    let deep = |levels: usize| (0..levels).fold(b"x".to_vec(), |inner, _| field(5, &field(1, &inner)));
    let body = |value: &[u8]| field(1, &field(2, &field(2, &field(5, value))));
    type Case = (&'static str, Box<dyn Framing>, Vec<u8>, FramingError);
    let budget = crate::coding::Budget { ratio: 10, ..BUDGET };
    let sparing = Grpc::new(Schema::Unknown, Some(Coding::Gzip), budget, BOUNDS);
    let bomb = frame(1, &gzip(&field(1, &[b' '; 16_000])));
    let option = |how| [string("compressed"), string(how)].concat();
    let options = [&[0x82][..], &option("text"), &option("gzip")].concat();
    let twice = [&[0x93][..], &string("app"), &[0xC4, 0], &options].concat();
    let table: [Case; 19] = [
        ("a field 0", Box::new(protobuf()), vec![0x02, 0x00], Malformed),
        ("a wire type 7", Box::new(protobuf()), vec![0x0F], Malformed),
        ("a length that is none", Box::new(protobuf()), vec![0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], Malformed),
        ("a number of eleven bytes", Box::new(protobuf()), [&[0x08][..], &[0xFF; 11]].concat(), Malformed),
        ("half a field", Box::new(protobuf()), field(1, b"abc")[..4].to_vec(), Truncated),
        ("a group that ends another", Box::new(protobuf()), vec![0x0B, 0x14], Malformed),
        ("a group without an end", Box::new(protobuf()), vec![0x0B], Truncated),
        ("a body nested in itself", Box::new(protobuf()), body(&deep(20)), TooDeep),
        ("a frame of kind 2", Box::new(grpc()), frame(2, b""), Malformed),
        ("a frame that is not gzip", Box::new(grpc()), frame(1, b"x"), Malformed),
        ("half a frame", Box::new(grpc()), frame(0, &field(1, b"abc"))[..7].to_vec(), Truncated),
        ("a frame of 4 GiB", Box::new(grpc()), vec![0, 0xFF, 0xFF, 0xFF, 0xFF], TooLarge),
        ("a bomb", Box::new(grpc()), frame(1, &gzip(&vec![0; 1 << 20])), TooLarge),
        ("bombs one after the other", Box::new(sparing), bomb.repeat(40), TooLarge),
        ("two that say how it is compressed", Box::new(Fluent::new(BOUNDS, BUDGET)), twice, Malformed),
        ("the byte that is no value", Box::new(Msgpack::new(BOUNDS)), vec![0xC1], Malformed),
        ("arrays in arrays", Box::new(Msgpack::new(BOUNDS)), [vec![0x91; 30], vec![0x01]].concat(), TooDeep),
        ("a map as a message", Box::new(Fluent::new(BOUNDS, BUDGET)), vec![0x80], Malformed),
        ("a length without a blank", Box::new(Syslog::new(BOUNDS)), b"12x".to_vec(), Malformed),
    ];
    for (name, mut framing, body, wanted) in table {
        assert_eq!(run(&mut *framing, &[&body], &mut Found::default()), Err(wanted), "{name}");
    }
}

#[test]
fn bytes_that_are_a_text_and_a_message_too_keep_their_length() {
    // `\n` and a blank are the tag and the length of a field of 32 letters, and a text.
    let inner = field(1, format!("{SECRET}{:24}", "and more").as_bytes());
    assert_eq!(inner[..2], *b"\n ");
    let body = field(7, &inner);
    let mut found = Found::default();
    let out = run(&mut Protobuf::new(Schema::Unknown, BOUNDS), &[&body], &mut found).unwrap();
    assert_eq!(out, String::from_utf8(body).unwrap().replace(SECRET, "********").into_bytes());
}

#[test]
fn a_key_is_a_text_of_its_own_and_does_not_stand_under_itself() {
    let pair = fields(&[(1, SECRET.as_bytes()), (2, &field(1, b"v"))]);
    let body = field(1, &field(1, &field(1, &pair)));
    let mut found = Found::default();
    run(&mut Protobuf::new(Schema::OtlpLogs, BOUNDS), &[&body], &mut found).unwrap();
    assert_eq!(found.places, ["resource_logs.resource.attributes.key"]);
}

#[test]
fn a_number_under_a_name_can_become_a_text() {
    let int = [0x18, 0xD2, 0x09];
    let of = |value: &[u8]| field(1, &field(1, &field(1, &fields(&[(1, b"pin"), (2, value)]))));
    let out = run(&mut Protobuf::new(Schema::OtlpLogs, BOUNDS), &[&of(&int)], &mut Found::default()).unwrap();
    assert_eq!(out, of(&field(1, super::INSTEAD.as_bytes())));
    let of = |value: &[u8]| [&[0x81][..], &string("pin"), value].concat();
    let out = run(&mut Msgpack::new(BOUNDS), &[&of(&[0xCD, 0x04, 0xD2])], &mut Found::default()).unwrap();
    assert_eq!(out, of(&string(super::INSTEAD)));
}

#[test]
fn numbers_are_told_as_json_writes_them() {
    let values: [&[u8]; 7] = [
        &[0xC3],
        &[0x7F],
        &[0xE0],
        &[0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xD0, 0x80],
        &[0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0],
        &[0xCA, 0x3F, 0xC0, 0, 0],
    ];
    let body = [&[0x81][..], &string("n"), &[0x97], &values.concat()].concat();
    let mut found = Found::default();
    assert_eq!(run(&mut Msgpack::new(BOUNDS), &[&body], &mut found), Ok(body));
    let wanted = ["n", "true", "127", "-32", "18446744073709551615", "-128", "-9223372036854775808", "1.5"];
    assert_eq!(found.told, wanted);
}

#[test]
fn only_the_first_message_may_answer_a_greeting() {
    let ping: Vec<u8> = ["PING", "host", "salt", SECRET, "user", "word"].iter().flat_map(|text| string(text)).collect();
    let ping = [&[0x96][..], &ping].concat();
    let out = run(&mut Fluent::new(BOUNDS, BUDGET), &[&ping], &mut Found::default());
    assert_eq!(out, Ok(ping.clone()));
    let twice = run(&mut Fluent::new(BOUNDS, BUDGET), &[&ping, &ping], &mut Found::default());
    assert_ne!(twice, Ok([ping.clone(), ping].concat()));
}

#[test]
fn a_cell_is_quoted_when_it_has_to_be() {
    struct Quotes;
    impl super::Texts for Quotes {
        fn text(&mut self, _: &super::Place<'_>, text: &[u8]) -> Option<Vec<u8>> {
            (text == b"x\"y" || text == b"z").then(|| b"a,\"b".to_vec())
        }
        fn number(&mut self, _: &super::Place<'_>, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn enter(&mut self) {}
        fn leave(&mut self) -> bool {
            true
        }
    }
    let mut csv = Csv::new(None, BOUNDS);
    csv.pass(b"n,m\n", b"");
    let out = csv.walk(b"\"x\"\"y\",z\n", &mut Quotes).unwrap().unwrap();
    assert_eq!(out, b"\"a,\"\"b\",\"a,\"\"b\"\n");
}

#[test]
fn a_quote_within_a_cell_is_a_letter() {
    let mut found = Found::default();
    let body = format!("size,pin,note\n5\" pipe,{SECRET},a\n6\",x,\"b\"\"\nc\"\n");
    let out = run(&mut Csv::new(None, BOUNDS), &[body.as_bytes()], &mut found);
    assert_eq!(out, Ok(body.replace(SECRET, &format!("\"{}\"", super::INSTEAD)).into_bytes()));
    assert_eq!(found.places, ["pin"]);
    assert_eq!(found.told[1..], ["5\" pipe", SECRET, "a", "6\"", "x", "b\"\nc"]);
}

#[test]
fn what_stands_beside_compressed_content_is_told_and_does_not_go_on() {
    let mut named = vec![0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 255];
    named.extend_from_slice(SECRET.as_bytes());
    named.push(0);
    let message = field(1, b"nothing");
    named.extend_from_slice(&gzip(&message)[10..]);
    let mut found = Found::default();
    let mut grpc = Grpc::new(Schema::Unknown, Some(Coding::Gzip), BUDGET, BOUNDS);
    let out = run(&mut grpc, &[&frame(1, &named)], &mut found).unwrap();
    assert_eq!(found.places, ["beside"]);
    assert!(!out.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    let mut again = Found::default();
    run(&mut Grpc::new(Schema::Unknown, Some(Coding::Gzip), BUDGET, BOUNDS), &[&out], &mut again).unwrap();
    assert_eq!(again.told, ["nothing"]);
}

#[test]
fn a_text_where_none_should_be_is_a_text() {
    let id = |text: &str| field(1, &field(2, &field(2, &field(9, text.as_bytes()))));
    let text = format!("{SECRET}12345678");
    let out = run(&mut Protobuf::new(Schema::OtlpLogs, BOUNDS), &[&id(&text)], &mut Found::default());
    assert_eq!(out, Ok(id("********12345678")));
}

#[test]
fn a_group_that_comes_in_small_pieces_is_not_looked_at_over_and_over() {
    let bounds = super::super::Bounds { depth: 8, bytes: 8 << 20 };
    let body = [&[0x0B][..], &[0x10, 0x01].repeat(500_000), &[0x0C]].concat();
    let pieces: Vec<&[u8]> = body.chunks(5).collect();
    let out = run(&mut Protobuf::new(Schema::Unknown, bounds), &pieces, &mut Found::default());
    assert_eq!(out, Ok(body));
}

#[test]
fn a_file_goes_by_in_pieces_and_the_field_behind_it_is_told() {
    let head = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n";
    let field = format!("\r\n--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n{SECRET}\r\n--B--\r\n");
    let body = [head.as_bytes(), &vec![b'\n'; 3 * BOUNDS.bytes], field.as_bytes()].concat();
    let mut found = Found::default();
    let pieces: Vec<&[u8]> = body.chunks(1000).collect();
    let out = run(&mut Multipart::new(b"B", BOUNDS), &pieces, &mut found).unwrap();
    assert_eq!(found.places, ["k"]);
    assert_eq!(out, String::from_utf8(body).unwrap().replace(SECRET, super::INSTEAD).into_bytes());
}

#[test]
fn a_form_that_does_not_end_is_cut_short() {
    for body in ["", "--B", "--B\r\n\r\nx", "--B\r\n\r\nx\r\n--B", "x\r\n--B--y"] {
        let out = run(&mut Multipart::new(b"B", BOUNDS), &[body.as_bytes()], &mut Found::default());
        assert_eq!(out.is_ok(), body.ends_with("--y"), "{body:?}: {out:?}");
    }
}

#[test]
fn a_large_record_that_comes_in_small_pieces_is_not_looked_at_over_and_over() {
    // Were it looked at from its beginning for each piece, this would take minutes.
    for kind in [Kind::Events, Kind::Bulk, Kind::Lines, Kind::Values] {
        let bounds = super::super::Bounds { depth: 8, bytes: 8 << 20 };
        let body = if kind == Kind::Values { vec![b'['; 4] } else { Vec::new() };
        let body = [body, b"data\n".repeat(200_000)].concat();
        let pieces: Vec<&[u8]> = body.chunks(5).collect();
        let out = run(&mut Records::new(kind, bounds), &pieces, &mut Found::default());
        assert_eq!(out.is_ok(), kind != Kind::Values);
    }
}
