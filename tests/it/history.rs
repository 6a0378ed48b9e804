//! The flip is linearizable, on every connection that orders travel on: what orders and changes of state saw of each other is
//! looked through for what could not be.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::client::send;
use crate::fix::{self, Engine};
use crate::grpc::{self, Channel};
use crate::sidecar::Sidecar;
use crate::socket::{Client, Venue};
use crate::upstream::Upstream;

/// What was done, from the moment it was asked for to the moment it was answered, on one clock.
#[derive(Clone, Copy, Debug)]
struct Done {
    asked: Duration,
    answered: Duration,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Passed,
    Refused,
    Block,
    Allow,
}

/// Orders that fit no order of events: each takes effect at one instant between its asking and its answer, and passes exactly
/// if the last change before that instant was to ALLOW. Changes follow one another.
fn impossible(history: &[Done]) -> Vec<Done> {
    let changes: Vec<&Done> = history.iter().filter(|done| matches!(done.what, What::Block | What::Allow)).collect();
    let could = |order: &Done, wanted: What| {
        // A state may be in force from the asking of its change to the answer of the next.
        let over = changes.partition_point(|change| change.answered <= order.asked);
        let may = changes[over.saturating_sub(1)..].iter().take_while(|change| change.asked < order.answered);
        may.into_iter().any(|change| change.what == wanted)
    };
    let fits = |done: &&Done| match done.what {
        What::Passed => could(done, What::Allow),
        What::Refused => could(done, What::Block),
        What::Block | What::Allow => true,
    };
    history.iter().filter(|done| !fits(done)).copied().collect()
}

#[test]
fn what_cannot_be_is_found() {
    let done = |what, asked, answered| Done {
        asked: Duration::from_millis(asked),
        answered: Duration::from_millis(answered),
        what,
    };
    let changes = [done(What::Allow, 0, 1), done(What::Block, 10, 12), done(What::Allow, 20, 22)];
    for (order, fits) in [
        (done(What::Passed, 5, 6), true),
        (done(What::Passed, 5, 30), true),
        (done(What::Passed, 11, 14), true),
        (done(What::Passed, 12, 19), false),
        (done(What::Passed, 13, 21), true),
        (done(What::Refused, 5, 6), false),
        (done(What::Refused, 5, 11), true),
        (done(What::Refused, 21, 30), true),
        (done(What::Refused, 23, 30), false),
    ] {
        let history: Vec<Done> = changes.iter().copied().chain([order]).collect();
        assert_eq!(impossible(&history).is_empty(), fits, "{order:?}");
    }
}

/// Sends orders until it is told to stop.
type Sender<'s> = Box<dyn FnMut() -> What + Send + 's>;

/// Flips the state under orders of all `senders`, and has what they saw fit one order of events.
fn hold(on: &str, sidecar: &Sidecar, flips: usize, senders: Vec<Sender<'_>>) {
    let (start, stop, history) = (Instant::now(), AtomicBool::new(false), Mutex::new(Vec::new()));
    let passed = AtomicUsize::new(0);
    let record = |what: &mut dyn FnMut() -> What| {
        let asked = start.elapsed();
        let what = what();
        passed.fetch_add(usize::from(what == What::Passed), Ordering::Relaxed);
        history.lock().unwrap().push(Done { asked, answered: start.elapsed(), what });
    };
    let mut waits = Vec::new();
    record(&mut || What::Block);
    std::thread::scope(|scope| {
        for mut sender in senders {
            scope.spawn(|| {
                let mut sender = move || sender();
                while !stop.load(Ordering::Relaxed) {
                    record(&mut sender);
                }
            });
        }
        for _ in 0..flips {
            record(&mut || {
                sidecar.release_all();
                What::Allow
            });
            let before = passed.load(Ordering::Relaxed);
            sidecar.until("orders pass", |_| passed.load(Ordering::Relaxed) > before + 5);
            let asked = Instant::now();
            record(&mut || {
                assert_eq!(sidecar.tighten("BLOCK").status, 200);
                What::Block
            });
            waits.push(asked.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
    });
    let history = history.into_inner().unwrap();
    let found = impossible(&history);
    assert!(found.is_empty(), "{} of {}: {found:?}", found.len(), history.len());
    let told = |what| history.iter().filter(|done| done.what == what).count();
    assert!(told(What::Passed) >= 5 * flips && told(What::Refused) > 0, "{} orders", history.len());
    waits.sort_unstable();
    // Noted and not judged: how long it takes says something of the machine too.
    let Some(path) = std::env::var_os("SEKISHO_TEST_NOTES") else { return };
    let (orders, mut seen) = (history.len(), seen(&history));
    seen.sort_unstable();
    let at = |times: &[Duration]| {
        let [middle, most] = [50, 99].map(|percent| times[times.len() * percent / 100]);
        format!("p50 {middle:?}, p99 {most:?}, longest {:?}", times[times.len() - 1])
    };
    let (seen, waits) = (at(&seen), at(&waits));
    let notes = format!(
        "{on}: {flips} flips, {orders} orders; until an order is refused: {seen}; until it is acknowledged: {waits}\n"
    );
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(notes.as_bytes()).unwrap();
}

/// From each tightening to the first order sent after it that was refused.
fn seen(history: &[Done]) -> Vec<Duration> {
    let of = |what| history.iter().filter(move |done| done.what == what);
    let mut refused: Vec<&Done> = of(What::Refused).collect();
    refused.sort_unstable_by_key(|done| done.asked);
    // The first began before there were orders.
    let tightened = of(What::Block).skip(1).map(|done| done.asked);
    let first = |asked: Duration| {
        let after = &refused[refused.partition_point(|done| done.asked < asked)..];
        // Each sender has one on its way at most: among so many is the first that was answered.
        after.iter().take(SENDERS).map(|done| done.answered - asked).min()
    };
    tightened.filter_map(first).collect()
}

/// No connection has more senders.
const SENDERS: usize = 4;

/// How often the state is flipped: more is for a recipe, `SEKISHO_TEST_FLIPS=1000`.
fn flips(usually: usize) -> usize {
    std::env::var("SEKISHO_TEST_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(usually)
}

const ROOM: &str = "limits: { in_flight_orders: 1000 }";
const ORDER: &[u8] = br#"{"symbol":"A","side":"buy","type":"market","qty":"1"}"#;

fn told(status: u16) -> What {
    match status {
        200 => What::Passed,
        403 => What::Refused,
        other => panic!("{other}"),
    }
}

#[test]
fn orders_and_flips_under_load_fit_one_order_of_events() {
    let sidecar = Sidecar::with(&Upstream::start(), ROOM);
    let json = [("content-type", "application/json")];
    let order = || told(send(sidecar.egress, "POST /v2/orders", &json, ORDER).status);
    hold("HTTP/1", &sidecar, flips(10), (0..4).map(|_| Box::new(order) as Sender<'_>).collect());
}

#[test]
fn so_do_streams_of_open_http2_connections() {
    let sidecar = Sidecar::with(&Upstream::start(), ROOM);
    let sender = |_| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut connection = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(sidecar.egress).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (sender, connection) = handshake.unwrap();
            tokio::spawn(connection);
            sender
        });
        Box::new(move || {
            let request = Request::post("http://localhost/v2/orders").header("content-type", "application/json");
            let request = request.body(Full::new(Bytes::from_static(ORDER))).unwrap();
            told(runtime.block_on(connection.send_request(request)).unwrap().status().as_u16())
        }) as Sender<'_>
    };
    hold("HTTP/2", &sidecar, flips(5), (0..2).map(sender).collect());
}

#[test]
fn so_do_calls_that_go_to_a_venue_over_http2() {
    let venue = grpc::Venue::start();
    let sidecar = grpc::in_front_of(venue.address);
    let sender = |_| {
        let mut channel = Channel::open(sidecar.egress);
        Box::new(move || match channel.call("Place").status.as_str() {
            "0" => What::Passed,
            "7" => What::Refused,
            other => panic!("{other}"),
        }) as Sender<'_>
    };
    hold("gRPC", &sidecar, flips(5), (0..2).map(sender).collect());
}

#[test]
fn so_do_messages_of_open_websockets() {
    let venue = Venue::start("", vec![]);
    let sidecar = Sidecar::with(&venue.upstream, ROOM);
    let sender = |_| {
        let mut client = Client::open(sidecar.egress, "/desk");
        Box::new(move || {
            let answer = client.ask(r#"{"id":"a","op":"order","args":{"side":"buy","symbol":"ABC"}}"#);
            match answer.starts_with("got ") {
                true => What::Passed,
                false if answer.contains("error") => What::Refused,
                false => panic!("{answer}"),
            }
        }) as Sender<'_>
    };
    hold("WebSocket", &sidecar, flips(5), (0..2).map(sender).collect());
}

#[test]
fn so_do_messages_of_an_open_fix_session() {
    let venue = fix::Venue::start();
    let sidecar = Sidecar::with(&Upstream::start(), &format!("{}\n{ROOM}", venue.policy()));
    let mut engine = Engine::on(TcpStream::connect(sidecar.fix("venue")).unwrap(), "DESK", "VENUE");
    engine.logon(&[]);
    let mut number = 0;
    let sender = move || {
        number += 1;
        engine.send("D", &fix::order(&number.to_string()));
        let report = engine.take().unwrap();
        assert_eq!((report.kind.as_str(), report.field(11)), ("8", number.to_string().as_str()));
        match report.field(39) {
            "0" => What::Passed,
            "8" => What::Refused,
            other => panic!("{other}"),
        }
    };
    hold("FIX", &sidecar, flips(5), vec![Box::new(sender)]);
}
