use std::io::{Read, Write};

use super::super::csv::Csv;
use super::super::document::{self, Document};
use super::super::fluent::Fluent;
use super::super::grpc::Grpc;
use super::super::msgpack::{Msgpack, binary_head, text_head};
use super::super::multipart::Multipart;
use super::super::protobuf::{Protobuf, Schema};
use super::super::records::{Kind, Records};
use super::super::syslog::Syslog;
use super::super::varint;
use super::super::{Bounds, Framing};
use crate::coding::{Budget, Coding};

pub(super) const BOUNDS: Bounds = Bounds { depth: 12, bytes: 16 * 1024 };
pub(super) const BUDGET: Budget = Budget { output: 1 << 20, ratio: 500, members: 4, window: 1 << 20, block: 1 << 20 };

/// A body that holds a text, and what is to be said of it.
pub(super) struct Body {
    pub(super) name: &'static str,
    pub(super) framing: fn() -> Box<dyn Framing>,
    pub(super) of: fn(&str) -> Vec<u8>,
    /// Where the text stands.
    pub(super) places: &'static [&'static str],
    /// The body without the records that hold it.
    pub(super) record: Option<fn() -> Vec<u8>>,
    /// What is compressed, decompressed.
    pub(super) plain: fn(&[u8]) -> Vec<u8>,
    /// The beginning of a body with a unit of this many bytes, of which there is no end.
    pub(super) endless: fn(usize) -> Vec<u8>,
}

fn as_it_is(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

fn letters(length: usize) -> Vec<u8> {
    vec![b'x'; length]
}

fn quoted(length: usize) -> Vec<u8> {
    [&b"{\"a\":\""[..], &letters(length)].concat()
}

pub(super) fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    [&varint::head(number, bytes.len())[..], bytes].concat()
}

pub(super) fn fields(fields: &[(u32, &[u8])]) -> Vec<u8> {
    fields.iter().flat_map(|(number, bytes)| field(*number, bytes)).collect()
}

fn number(number: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint::write(u64::from(number) << 3, &mut out);
    varint::write(value, &mut out);
    out
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    fields(&[(1, key.as_bytes()), (2, value)])
}

fn text(text: &str) -> Vec<u8> {
    field(1, text.as_bytes())
}

fn log_record(body: &str, more: &[u8]) -> Vec<u8> {
    let fixed = [&[0x09][..], &1_u64.to_le_bytes(), &number(2, 9)].concat();
    let ids = fields(&[(9, &[0xA1; 16]), (10, &[0xB2; 8])]);
    [&fixed[..], &field(5, &text(body)), more, &ids, &field(77, b"a field of tomorrow")].concat()
}

fn logs(records: &[Vec<u8>]) -> Vec<u8> {
    let resource = field(1, &attribute("service.name", &text("nothing")));
    let records: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    field(1, &[field(1, &resource), field(2, &records)].concat())
}

fn otlp_logs(it: &str) -> Vec<u8> {
    let map = fields(&[(1, &attribute("inner", &text(it))), (1, &attribute("n", &number(3, 7)))]);
    let list = fields(&[(1, &text("a")), (1, &text(it))]);
    let more = [field(6, &attribute("list", &field(5, &list))), field(6, &attribute("map", &field(6, &map)))].concat();
    logs(&[log_record("first", b""), log_record(it, &more), log_record("last", b"")])
}

fn otlp_traces(it: &str) -> Vec<u8> {
    let event = fields(&[(2, b"thrown"), (3, &attribute("message", &text(it)))]);
    let span = fields(&[(1, &[7; 16]), (5, b"GET /nothing"), (11, &event)]);
    let other = fields(&[(1, &[7; 16]), (5, b"POST")]);
    field(1, &field(2, &fields(&[(2, &span), (2, &other)])))
}

fn otlp_metrics(it: &str) -> Vec<u8> {
    let point = |value: &str| [&field(7, &attribute("path", &text(value)))[..], &[0x21], &1_f64.to_le_bytes()].concat();
    let gauge = fields(&[(1, &point(it)), (1, &point("nothing"))]);
    field(1, &field(2, &field(2, &fields(&[(1, b"m"), (5, &gauge)]))))
}

fn loki(it: &str) -> Vec<u8> {
    let entry = |line: &str| fields(&[(1, &number(1, 5)), (2, line.as_bytes())]);
    let pair = fields(&[(1, b"pod"), (2, it.as_bytes())]);
    let marked = [entry("marked"), field(3, &pair)].concat();
    let stream = fields(&[(1, b"{app=\"nothing\"}"), (2, &entry("a")), (2, &entry(it)), (2, &marked)]);
    field(1, &stream)
}

fn unknown(it: &str) -> Vec<u8> {
    let group = [&[0x3B][..], &field(9, &field(1, b"in a group")), &[0x3C]].concat();
    let inner = [field(1, &number(4, 300)), group, field(2, format!("nothing but {it}").as_bytes())].concat();
    [number(1, u64::MAX), field(1, &inner), field(3, &[0xFF, 0xFE, 0x00])].concat()
}

pub(super) fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn grpc(it: &str) -> Vec<u8> {
    [frame(0, &otlp_logs("nothing")), frame(1, &gzip(&otlp_logs(it))), frame(0, &otlp_logs(it))].concat()
}

fn grpc_plain(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some([flag, length @ ..]) = bytes.first_chunk::<5>() {
        let end = 5 + u32::from_be_bytes(*length) as usize;
        out.extend(if *flag == 1 { gunzip(&bytes[5..end]) } else { bytes[5..end].to_vec() });
        bytes = &bytes[end..];
    }
    out
}

pub(super) fn string(text: &str) -> Vec<u8> {
    [text_head(text.len()), text.as_bytes().to_vec()].concat()
}

fn record(it: &str) -> Vec<u8> {
    let inner = [&[0x82][..], &string("x"), &string(it), &string("y"), &[0xCB], &1.5_f64.to_be_bytes()].concat();
    [&[0x83][..], &string("log"), &string("nothing"), &string("inner"), &inner, &string("n"), &[0xD1, 0xFF, 0x00]]
        .concat()
}

fn time() -> Vec<u8> {
    [&[0xD7, 0x00][..], &[1, 2, 3, 4, 5, 6, 7, 8]].concat()
}

fn entries(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| [&[0x92][..], &time(), &record(text)].concat()).collect()
}

fn options(size: u8, more: &[u8]) -> Vec<u8> {
    let count = if more.is_empty() { 2 } else { 3 };
    let chunk = [string("chunk"), string("p8n9gmxTQVC8/nh2wlKKeQ==")].concat();
    // One written as it is when it had to be changed.
    [&[0x80 | count][..], &chunk, &string("size"), &[0xCE, 0, 0, 0, size], more].concat()
}

fn fluent_single(it: &str) -> Vec<u8> {
    [&[0x94][..], &string("app.x"), &time(), &record(it), &options(1, b"")].concat()
}

fn fluent_list(it: &str) -> Vec<u8> {
    [&[0x93][..], &string("app.x"), &[0x93], &entries(&["a", it, "b"]), &options(3, b"")].concat()
}

fn fluent_packed(texts: &[&str], compressed: bool) -> Vec<u8> {
    let entries = entries(texts);
    let entries = if compressed { gzip(&entries) } else { entries };
    let more = if compressed { [string("compressed"), string("gzip")].concat() } else { Vec::new() };
    let options = options(u8::try_from(texts.len()).unwrap(), &more);
    [&[0x93][..], &string("app.x"), &binary_head(entries.len()), &entries, &options].concat()
}

/// The entries of a compressed message, and what stands around them.
fn fluent_plain(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.windows(2).position(|window| window == [0x1F, 0x8B]).unwrap();
    let end = bytes.windows(6).position(|window| window == b"\xA5chunk").unwrap() - 1;
    [gunzip(&bytes[start..end]), bytes[end..].to_vec()].concat()
}

fn counted(messages: &[&str]) -> Vec<u8> {
    messages.iter().flat_map(|message| format!("{} {message}", message.len()).into_bytes()).collect()
}

fn form(it: &str) -> Vec<u8> {
    let part =
        |head: &str, content: &str| format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let first = part("name=\"a;\\\"b\"", "nothing");
    let file = part("name=\"f\"; filename=\"x.bin\"", "--Bogus\r\n -- of a file");
    [b"preamble\r\n", first.as_bytes(), file.as_bytes(), part("NAME=key", it).as_bytes(), b"--B--\r\nover"].concat()
}

macro_rules! bodies {
    ($($name:literal: $framing:expr, $of:expr, $places:expr, $record:expr, $endless:expr $(, $plain:expr)?;)*) => {
        pub(super) const BODIES: &[Body] = &[$(Body {
            name: $name,
            framing: || Box::new($framing),
            of: $of,
            places: &$places,
            record: $record,
            endless: $endless,
            plain: bodies!(@plain $($plain)?),
        }),*];
    };
    (@plain) => { as_it_is };
    (@plain $plain:expr) => { $plain };
}

const LOG: &str = "resource_logs.scope_logs.log_records";

bodies! {
    "OTLP logs": Protobuf::new(Schema::OtlpLogs, BOUNDS), otlp_logs, [
        "resource_logs.scope_logs.log_records.body.string",
        "resource_logs.scope_logs.log_records.attributes.list.value.array.values.string",
        "resource_logs.scope_logs.log_records.attributes.map.value.map.values.inner.value.string",
    ], Some(|| logs(&[log_record("first", b""), log_record("last", b"")])),
    |length| [&varint::head(1, length)[..], &letters(length / 2)].concat();
    "OTLP traces": Protobuf::new(Schema::OtlpTraces, BOUNDS), otlp_traces,
    ["resource_spans.scope_spans.spans.events.attributes.message.value.string"],
    Some(|| field(1, &field(2, &field(2, &fields(&[(1, &[7; 16]), (5, b"POST")]))))),
    |length| [&varint::head(1, length)[..], &letters(length / 2)].concat();
    "OTLP metrics": Protobuf::new(Schema::OtlpMetrics, BOUNDS), otlp_metrics,
    ["resource_metrics.scope_metrics.metrics.gauge.data_points.attributes.path.value.string"], None,
    |length| [&varint::head(1, length)[..], &letters(length / 2)].concat();
    "Loki": Protobuf::new(Schema::LokiPush, BOUNDS), loki,
    ["streams.entries.line", "streams.entries.structured_metadata.pod.value"], None,
    |length| [&varint::head(1, length)[..], &letters(length / 2)].concat();
    "a message nobody knows": Protobuf::new(Schema::Unknown, BOUNDS), unknown, ["1.2"], None,
    |length| [&varint::head(1, length)[..], &letters(length / 2)].concat();
    "gRPC": Grpc::new(Schema::OtlpLogs, Some(Coding::Gzip), BUDGET, BOUNDS), grpc, [
        "resource_logs.scope_logs.log_records.body.string",
        "resource_logs.scope_logs.log_records.attributes.list.value.array.values.string",
        "resource_logs.scope_logs.log_records.attributes.map.value.map.values.inner.value.string",
        "resource_logs.scope_logs.log_records.body.string",
        "resource_logs.scope_logs.log_records.attributes.list.value.array.values.string",
        "resource_logs.scope_logs.log_records.attributes.map.value.map.values.inner.value.string",
    ], None, |length| frame(0, &letters(length))[..length / 2].to_vec(), grpc_plain;
    "MessagePack": Msgpack::new(BOUNDS), |it| [record("a"), record(it), record("b")].concat(), ["inner.x"],
    Some(|| [record("a"), record("b")].concat()),
    |length| [&[0xDB][..], &u32::try_from(length).unwrap().to_be_bytes(), &letters(length / 2)].concat();
    "Fluent, one": Fluent::new(BOUNDS, BUDGET), fluent_single, ["inner.x"],
    Some(|| [&[0x93][..], &string("app.x"), &[0x90], &options(1, b"")].concat()),
    |length| [&[0x92, 0xDB][..], &u32::try_from(length).unwrap().to_be_bytes(), &letters(length / 2)].concat();
    "Fluent, a list": Fluent::new(BOUNDS, BUDGET), fluent_list, ["inner.x"],
    Some(|| [&[0x93][..], &string("app.x"), &[0x92], &entries(&["a", "b"]), &options(2, b"")].concat()),
    |length| [&[0x92, 0xDB][..], &u32::try_from(length).unwrap().to_be_bytes(), &letters(length / 2)].concat();
    "Fluent, packed": Fluent::new(BOUNDS, BUDGET), |it| fluent_packed(&["a", it, "b"], false), ["inner.x"],
    Some(|| fluent_packed(&["a", "b"], false)),
    |length| [&[0x92, 0xDB][..], &u32::try_from(length).unwrap().to_be_bytes(), &letters(length / 2)].concat();
    "Fluent, compressed": Fluent::new(BOUNDS, BUDGET), |it| fluent_packed(&["a", it, "b"], true), ["inner.x"],
    Some(|| fluent_packed(&["a", "b"], true)),
    |length| [&[0x92, 0xDB][..], &u32::try_from(length).unwrap().to_be_bytes(), &letters(length / 2)].concat(), fluent_plain;
    "syslog, counted": Syslog::new(BOUNDS), |it| counted(&["<1>1 nothing", it, "<2>a\nb\n"]), [""],
    Some(|| counted(&["<1>1 nothing", "<2>a\nb\n"])), |length| format!("{length} x").into_bytes();
    "syslog, lines": Syslog::new(BOUNDS), |it| format!("<1>nothing\n<2>{it}\n\n<3>b").into_bytes(), [""],
    Some(|| b"<1>nothing\n\n<3>b".to_vec()), letters;
    "lines": Records::new(Kind::Lines, BOUNDS), |it| format!("{{\"nothing\":1}}\r\n{{\"a\":\"{it}\"}}\n\nx").into_bytes(), [""],
    Some(|| b"{\"nothing\":1}\r\n\nx".to_vec()), letters;
    "bulk": Records::new(Kind::Bulk, BOUNDS),
    |it| format!("{{\"index\":{{}}}}\n{{\"nothing\":1}}\n{{ \"delete\":{{}}}}\n{{\"create\":{{}}}}\n{{\"a\":\"{it}\"}}\n").into_bytes(),
    [""], Some(|| b"{\"index\":{}}\n{\"nothing\":1}\n{ \"delete\":{}}\n".to_vec()), letters;
    "values": Records::new(Kind::Values, BOUNDS), |it| format!("{{\"nothing\":\"}}\\\"\"}} {{\"a\":[\"{it}\"]}}1 \n").into_bytes(),
    [""], Some(|| b"{\"nothing\":\"}\\\"\"}1 \n".to_vec()), quoted;
    "events": Records::new(Kind::Events, BOUNDS), |it| format!("data: nothing\nid: 1\n\n: {it}\r\n\r\ndata: x\n\n").into_bytes(),
    [""], Some(|| b"data: nothing\nid: 1\n\ndata: x\n\n".to_vec()), letters;
    "an array": Document::new(document::ARRAY, BOUNDS), |it| format!("[ {{\"nothing\":1}},{{\"a\":\"{it}\"}},2] ").into_bytes(),
    [""], Some(|| b"[ {\"nothing\":1},2] ".to_vec()), quoted;
    "OTLP in JSON": Document::new(document::OTLP_LOGS, BOUNDS),
    |it| format!("{{\"resourceLogs\":[{{\"resource\":\"nothing\",\"scopeLogs\":[{{\"logRecords\":[{{\"body\":\"{it}\"}},[3]]}}]}}]}}").into_bytes(),
    [""], Some(|| b"{\"resourceLogs\":[{\"resource\":\"nothing\",\"scopeLogs\":[{\"logRecords\":[[3]]}]}]}".to_vec()), quoted;
    "Loki in JSON": Document::new(document::LOKI, BOUNDS),
    |it| format!("{{\"streams\":[{{\"stream\":{{\"app\":\"nothing\"}},\"values\":[[\"1\",\"{it}\"],[\"2\",\"b\"]]}}]}}").into_bytes(),
    [""], Some(|| b"{\"streams\":[{\"stream\":{\"app\":\"nothing\"},\"values\":[[\"2\",\"b\"]]}]}".to_vec()), quoted;
    "CSV": Csv::new(None, BOUNDS), |it| format!("id;key;\"n;n\"\r\nnothing;{it};1\r\n2;x;\"a\n\"\"b\"").into_bytes(), ["key"],
    Some(|| b"id;key;\"n;n\"\r\n2;x;\"a\n\"\"b\"".to_vec()), letters;
    "a form": Multipart::new(b"B", BOUNDS), form, ["key"], None, letters;
}

/// All that stands under one name.
#[test]
fn the_paths_of_the_table_begin_alike() {
    assert!(BODIES[0].places.iter().all(|place| place.starts_with(LOG)));
}
