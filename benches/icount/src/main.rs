//! One kind of work, some times over: `sekisho-icount WORK TIMES DIR`. Run under callgrind, which counts within [`measured`] alone.

mod stage;

use std::error::Error;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use sekisho_codec::json;
use sekisho_filters::order_gate::SafetyView as _;
use sekisho_policy::{Listener, OrderView, decide};
use tokio::runtime::Runtime;

use stage::{Stage, get, order};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, work, rest @ ..] = words.as_slice() else { return Err("expected WORK".into()) };
    match (work.as_str(), rest) {
        ("upstream", []) => upstream(),
        (work, [times, dir]) => count(work, times.parse()?, dir),
        _ => Err("expected WORK TIMES DIR, or upstream".into()),
    }
}

fn count(work: &str, times: usize, dir: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stage = Stage::new(dir.as_ref())?;
    match work {
        "refused" => {
            requests(&runtime, &stage, times, || order("/api/v3/order", "application/x-www-form-urlencoded", FORM), 400)
        }
        "get" => requests(&runtime, &stage, times, get, 200),
        "state" => {
            let scopes = ["venue:bybit".parse()?];
            twice(times, &mut || drop(black_box(stage.safety.effective(black_box(&scopes)))));
            Ok(())
        }
        "order" => judged(&stage, times),
        other => Err(format!("no work is called {other}").into()),
    }
}

/// Requests of one kind through the whole chain, one after the other.
fn requests(
    runtime: &Runtime,
    stage: &Stage,
    times: usize,
    request: impl Fn() -> http::Request<sekisho_filters::Body>,
    expected: u16,
) -> Result<(), Box<dyn Error>> {
    let routes = stage.routes(Listener::Egress)?;
    let mut chain = stage.chain()?;
    let mut wrong = 0;
    twice(times, &mut || wrong += u32::from(runtime.block_on(stage::pass(&routes, &mut chain, request())) != expected));
    if wrong > 0 { Err(format!("{wrong} answers were not {expected}").into()) } else { Ok(()) }
}

/// A JSON order of 1 KiB: its fields read, its class told, the table asked.
fn judged(stage: &Stage, times: usize) -> Result<(), Box<dyn Error>> {
    let (rules, limits) = (stage.rules("bybit")?, stage.order_limits.fields);
    let body = json_order();
    let mut refused = 0;
    twice(times, &mut || {
        let flat = json::flatten(black_box(body.as_bytes()), &limits).unwrap_or_default();
        let path = "/v5/order/create";
        let view = OrderView {
            method: "POST",
            host: "api.bybit.com",
            path,
            query: &[],
            body: &flat.pairs,
            headers: &[],
            ambiguity: None,
        };
        refused += usize::from(decide(&rules.classify(&view), &stage.safety.effective(&[]), &rules).is_err());
    });
    if refused == 2 * times { Ok(()) } else { Err("an opening order was permitted in BLOCK".into()) }
}

/// Once to warm up, once to be counted.
fn twice(times: usize, work: &mut dyn FnMut()) {
    (0..times).for_each(|_| work());
    measured(times, work);
}

/// INVARIANT: callgrind finds it by its name.
#[inline(never)]
fn measured(times: usize, work: &mut dyn FnMut()) {
    (0..times).for_each(|_| work());
}

/// Answers whatever comes, in a process of its own that nobody counts. Says its address first, and ends with its input.
fn upstream() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n{}", "x".repeat(1024));
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) && stream.write_all(answer.as_bytes()).is_ok() {}
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Of 1 KiB, as a library sends it.
fn json_order() -> String {
    let order = r#"{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"50000","timeInForce":"GTC","orderLinkId":""#;
    format!("{order}{}\"}}", "a".repeat(1024 - order.len() - 2))
}

const FORM: &str =
    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&timestamp=1760000000000";
