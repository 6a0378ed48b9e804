//! What searching a body costs beside doing nothing with it, by format: `cargo run --release -p sekisho-filters --example cost`.
//!
//! Processor time of one thread for a body of 64 KiB through the redaction filter, best of several turns in which all are run
//! one after the other. Read the ratios; machines differ.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that cannot be made has no other use")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use sekisho_codec::coding::{Budget, Coding, Decoder, Encoder};
use sekisho_codec::framing::Bounds;
use sekisho_filters::exchange::Redaction;
use sekisho_filters::redact::{RedactLayer, RedactLimits};
use sekisho_filters::{Answer, Body, Deaf, DecisionId, Exchange, Hop, Route, Stop};
use sekisho_scan::Ruleset;
use tower::{Layer as _, Service, service_fn};

const SIZE: usize = 64 * 1024;
const TURNS: usize = 15;
const TIMES: usize = 40;

const LIMITS: RedactLimits = RedactLimits {
    buffered_body_bytes: 1 << 20,
    decoded: Budget { output: 64 << 20, ratio: 500, members: 64, window: 8 << 20, block: 4 << 20 },
    units: Bounds { depth: 32, bytes: 4 << 20 },
    codings: 1,
    coding_memory_bytes: 48 << 20,
    idle_flush: Duration::from_millis(250),
    retry_after_s: 1,
};

/// The values of one log record.
fn values(n: usize) -> [(&'static str, String); 7] {
    let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [
        ("ts", format!("2026-01-{:02}T10:00:00.{:06}Z", n % 28 + 1, n % 1_000_000)),
        ("level", "info".into()),
        ("logger", "orders".into()),
        ("order_id", format!("{:09}", mixed % 1_000_000_000)),
        ("symbol", "BTCUSDT".into()),
        ("price", format!("{}.{:02}", mixed % 90_000, n % 100)),
        ("trace", format!("{mixed:032x}")),
    ]
}

fn ndjson() -> Vec<u8> {
    let line = |n: usize| {
        let members: Vec<String> = values(n).iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        format!("{{\"msg\":\"order filled\",{}}}\n", members.join(",")).into_bytes()
    };
    (0..).flat_map(line).take(SIZE).collect()
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7F).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    [&out, bytes].concat()
}

fn otlp() -> Vec<u8> {
    let record = |n: usize| {
        let attribute = |(name, value): &(&str, String)| {
            field(6, &[field(1, name.as_bytes()), field(2, &field(1, value.as_bytes()))].concat())
        };
        let attributes: Vec<u8> = values(n).iter().flat_map(attribute).collect();
        field(2, &[field(5, &field(1, b"order filled")), attributes, field(9, &[7; 16])].concat())
    };
    let mut records = Vec::new();
    for n in 0.. {
        if records.len() >= SIZE {
            break;
        }
        records.extend(record(n));
    }
    field(1, &field(2, &records))
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(Coding::Gzip), Vec::new());
    encoder.push(plain, &mut out);
    encoder.finish(&mut out);
    out
}

fn decode_and_encode(coded: &[u8]) {
    let (mut decoder, mut plain, mut rest) = (Decoder::new(Coding::Gzip, LIMITS.decoded), Vec::new(), coded);
    while decoder.step(&mut rest, &mut plain).unwrap() {}
    decoder.finish(&mut plain).unwrap();
    std::hint::black_box(gzip(&plain));
}

struct Stage {
    runtime: tokio::runtime::Runtime,
    layer: RedactLayer,
    route: Arc<Route>,
}

impl Stage {
    fn pass(&self, path: &str, headers: &[(&str, &str)], body: &Bytes) {
        let exchange = Exchange {
            decision: DecisionId::default(),
            peer: [127, 0, 0, 1].into(),
            route: Arc::clone(&self.route),
            host: Arc::from("h"),
            input: sekisho_filters::exchange::Input::default(),
            trip: sekisho_filters::Trip::default(),
        };
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let hop = Hop { exchange: Arc::new(exchange), request: request.body(Body::full(body.clone())).unwrap() };
        let inner = service_fn(|hop: Hop| {
            Answer::later(async move {
                let body = hop.request.into_body().collect().await?.to_bytes();
                std::hint::black_box(body);
                Ok::<_, Stop>(Response::new(Body::empty()))
            })
        });
        let mut filter = self.layer.layer(inner);
        self.runtime.block_on(filter.call(hop)).unwrap();
    }
}

/// A name, how many bytes of content it takes, what is done.
type Work<'w> = (&'static str, usize, Box<dyn Fn() + 'w>);

fn main() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap());
    let route = |request| Arc::new(Route { redact: Redaction { request, response: false }, ..Route::nowhere("cost") });
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let layer = RedactLayer::new(rules, Arc::new(Deaf), LIMITS);
    let searching = Stage { runtime: runtime(), layer: layer.clone(), route: route(true) };
    let passing = Stage { runtime: runtime(), layer, route: route(false) };
    let (lines, message) = (Bytes::from(ndjson()), Bytes::from(otlp()));
    let coded = Bytes::from(gzip(&lines));
    let json = ("content-type", "application/x-ndjson");
    let proto = ("content-type", "application/x-protobuf");
    let works: [Work<'_>; 5] = [
        ("passed on", lines.len(), Box::new(|| passing.pass("/logs", &[json], &lines))),
        ("NDJSON", lines.len(), Box::new(|| searching.pass("/logs", &[json], &lines))),
        ("OTLP protobuf", message.len(), Box::new(|| searching.pass("/v1/logs", &[proto], &message))),
        ("gzip decoded and encoded", lines.len(), Box::new(|| decode_and_encode(&coded))),
        (
            "NDJSON in gzip",
            lines.len(),
            Box::new(|| searching.pass("/logs", &[json, ("content-encoding", "gzip")], &coded)),
        ),
    ];
    let mut best = [Duration::MAX; 5];
    for _ in 0..TURNS {
        for ((_, _, work), best) in works.iter().zip(&mut best) {
            let start = thread_time();
            (0..TIMES).for_each(|_| work());
            *best = (*best).min(thread_time() - start);
        }
    }
    for ((name, bytes, _), best) in works.iter().zip(best) {
        let megabytes = (bytes * TIMES) as f64 / 1e6;
        println!("{name:26} {:8.1} us of processor a MB", best.as_secs_f64() * 1e6 / megabytes);
    }
}

/// Processor time of this thread, which the kernel counts up when the thread gives way, and at its ticks.
fn thread_time() -> Duration {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
