//! Orders as calls of gRPC: told apart by their method, refused by trailers alone, and sent to a venue over HTTP/2.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Runtime;

use crate::h2::{DATA, END_HEADERS, END_STREAM, HEADERS, Raw, SETTINGS, WINDOW_UPDATE};
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

/// A message of five bytes behind its prefix: none of it is read on its way.
const MESSAGE: &[u8] = b"\0\0\0\0\x05\x0a\x03ABC";

/// A venue that takes calls over HTTP/2 and keeps what they were.
pub(crate) struct Venue {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl Venue {
    pub(crate) fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let venue = Self { address: socket.local_addr().unwrap(), calls: Arc::default() };
        let calls = Arc::clone(&venue.calls);
        std::thread::spawn(move || runtime().block_on(Self::serve(socket, calls)));
        venue
    }

    async fn serve(socket: TcpListener, calls: Arc<Mutex<Vec<(String, Bytes)>>>) {
        let socket = tokio::net::TcpListener::from_std(socket).unwrap();
        while let Ok((stream, _)) = socket.accept().await {
            let calls = Arc::clone(&calls);
            let service = service_fn(move |request: Request<Incoming>| {
                let calls = Arc::clone(&calls);
                async move {
                    let path = request.uri().path().to_owned();
                    let message = request.into_body().collect().await.unwrap().to_bytes();
                    calls.lock().unwrap().push((path, message.clone()));
                    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from(0))]);
                    let frames = [Frame::data(message), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
                    let response = Response::builder().header("content-type", "application/grpc");
                    Ok::<_, Infallible>(response.body(StreamBody::new(futures_util::stream::iter(frames))).unwrap())
                }
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    }

    fn take(&self) -> Vec<(String, Bytes)> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A sidecar before a venue of gRPC at `address`, with rules that know three of its methods.
pub(crate) fn in_front_of(address: SocketAddr) -> Sidecar {
    let routes = format!(
        "  venue: {{ url: 'http://{address}', protocol: h2c }}
routes:
  - name: calls
    listener: egress
    match: {{ path_prefix: /desk.Orders }}
    upstream: venue
    orders:
      rules:
        rules:
          - {{ methods: [POST], paths: [/desk.Orders/Watch], class: read_only }}
          - {{ methods: [POST], paths: [/desk.Orders/Place], class: opening }}
          - {{ methods: [POST], paths: [/desk.Orders/Cancel], class: cancel }}
"
    );
    Sidecar::edited(&Upstream::start(), "routes:\n", &routes)
}

/// A call whose message is longer than what may leave before the venue says that more may come.
fn large_call(sidecar: &Sidecar) -> JoinHandle<Called> {
    let egress = sidecar.egress;
    std::thread::spawn(move || Channel::open(egress).call_with("Place", large()))
}

/// A message behind its prefix. A stream of HTTP/2 begins with a window of 65,535 bytes.
fn large() -> Bytes {
    [&b"\0\0\x01\x86\xa0"[..], &[0x0A; 100_000]].concat().into()
}

/// A connection that calls are made on.
pub(crate) struct Channel {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

/// What a call came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) status: String,
    /// Whether the answer was one block of headers and nothing else.
    pub(crate) alone: bool,
    message: Bytes,
}

impl Channel {
    pub(crate) fn open(to: SocketAddr) -> Self {
        let runtime = runtime();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(to).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender }
    }

    pub(crate) fn call(&mut self, method: &str) -> Called {
        self.call_with(method, Bytes::from_static(MESSAGE))
    }

    fn call_with(&mut self, method: &str, message: Bytes) -> Called {
        let request = Request::post(format!("http://localhost/desk.Orders/{method}"));
        let request = request.header("content-type", "application/grpc").header("te", "trailers");
        let request = request.body(Full::new(message)).unwrap();
        self.runtime.block_on(async {
            let response = self.sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let (head, body) = response.into_parts();
            let alone = body.is_end_stream();
            let body = body.collect().await.unwrap();
            let trailers = body.trailers().cloned().unwrap_or_default();
            let status = trailers.get("grpc-status").or(head.headers.get("grpc-status"));
            let status = status.map_or("", |status| status.to_str().unwrap()).to_owned();
            Called { status, alone, message: body.to_bytes() }
        })
    }
}

#[test]
fn calls_are_permitted_by_their_method_in_every_state() {
    let venue = Venue::start();
    let sidecar = in_front_of(venue.address);
    let mut channel = Channel::open(sidecar.egress);
    let passed = Called { status: "0".into(), alone: false, message: Bytes::from_static(MESSAGE) };
    let refused = Called { status: "7".into(), alone: true, message: Bytes::new() };
    let mut expect = |methods: &[&str]| {
        let calls = ["Watch", "Place", "Cancel", "Strange"];
        for method in calls {
            let expected = if methods.contains(&method) { &passed } else { &refused };
            assert_eq!(&channel.call(method), expected, "{method}");
        }
        let expected = methods.iter().map(|method| (format!("/desk.Orders/{method}"), Bytes::from_static(MESSAGE)));
        assert_eq!(venue.take(), Vec::from_iter(expected));
    };
    expect(&["Watch", "Cancel"]);
    sidecar.release();
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
    expect(&["Watch", "Cancel"]);
    sidecar.release();
    assert_eq!(sidecar.posture(), "ALLOW");
    expect(&["Watch", "Place", "Cancel"]);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    expect(&["Watch", "Cancel"]);
}

#[test]
fn a_call_that_waits_for_its_window_has_not_left() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let sidecar = in_front_of(socket.local_addr().unwrap());
    sidecar.release_all();
    let called = large_call(&sidecar);
    let mut venue = Raw::accepted(&socket);
    venue.frame(SETTINGS, 0, 0, &[]);
    let stream = venue.until(HEADERS).stream;
    let mut message = Vec::new();
    while message.len() < 65_535 {
        message.extend(venue.until(DATA).payload);
    }
    let told = sidecar.tighten("BLOCK");
    assert_eq!((told.status, &told.json()["settled"]), (202, &false.into()), "{told:?}");
    for stream in [0, stream] {
        venue.frame(WINDOW_UPDATE, 0, stream, &100_000_u32.to_be_bytes());
    }
    loop {
        let data = venue.until(DATA);
        message.extend(data.payload);
        if data.flags & END_STREAM != 0 {
            break;
        }
    }
    assert_eq!(message, large());
    sidecar.until("it has left", |sidecar| sidecar.tighten("BLOCK").json()["settled"] == true);
    // Status 200 of the static table, and a status of gRPC as a literal under a new name.
    let answer = [&[0x88, 0, 11], &b"grpc-status"[..], &[1, b'0']].concat();
    venue.frame(HEADERS, END_HEADERS | END_STREAM, stream, &answer);
    assert_eq!(called.join().unwrap().status, "0");
}

#[test]
fn a_call_that_is_answered_before_it_has_left_ends_with_its_connection() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let sidecar = in_front_of(socket.local_addr().unwrap());
    sidecar.release_all();
    let called = large_call(&sidecar);
    let mut venue = Raw::accepted(&socket);
    venue.frame(SETTINGS, 0, 0, &[]);
    let stream = venue.until(HEADERS).stream;
    let answer = [&[0x88, 0, 11], &b"grpc-status"[..], &[1, b'9']].concat();
    venue.frame(HEADERS, END_HEADERS | END_STREAM, stream, &answer);
    assert_eq!(called.join().unwrap().status, "9");
    sidecar.until("nothing of it can leave", |sidecar| sidecar.tighten("BLOCK").json()["settled"] == true);
    for stream in [0, stream] {
        venue.frame(WINDOW_UPDATE, 0, stream, &100_000_u32.to_be_bytes());
    }
    assert!(venue.rest().iter().all(|frame| frame.kind != DATA || frame.flags & END_STREAM == 0));
}
