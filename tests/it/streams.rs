//! Messages that are streams: both ways at once, with trailers, given up halfway, or read by nobody.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::sidecar::Sidecar;
use crate::tls::start;

/// Sends back each piece as it comes, and then trailers, as a gRPC server does.
fn echo() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            while let Ok((stream, _)) = socket.accept().await {
                let service = service_fn(|request: Request<Incoming>| async { Ok::<_, Infallible>(say_back(request)) });
                let builder = auto::Builder::new(TokioExecutor::new());
                tokio::spawn(async move {
                    let _gone = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    address
}

fn say_back(request: Request<Incoming>) -> Response<impl Body<Data = Bytes, Error = hyper::Error>> {
    let version = format!("{:?}", request.version());
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut body = request.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            if send.send(Ok(frame)).await.is_err() {
                return;
            }
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        // Only a head may say this; nobody must get to see it here.
        trailers.insert("content-length", "5".parse().unwrap());
        let _gone = send.send(Ok(Frame::trailers(trailers))).await;
    });
    Response::builder().header("x-version", version).body(StreamBody::new(Received(receive))).unwrap()
}

/// A channel as a stream.
struct Received<T>(mpsc::Receiver<T>);

impl<T> futures_util::Stream for Received<T> {
    type Item = T;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}

type Pieces = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

/// Opens a stream over HTTP/2: what is sent on it, and what comes back.
async fn open(to: SocketAddr, drain: CancellationToken) -> (Pieces, Response<Incoming>) {
    let stream = tokio::net::TcpStream::connect(to).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(drain.run_until_cancelled_owned(connection));
    let (pieces, receive) = mpsc::channel(1);
    let request = Request::post("http://a/echo/desk.Orders/Watch").version(Version::HTTP_2);
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let response = sender.send_request(request.body(StreamBody::new(Received(receive))).unwrap()).await.unwrap();
    (pieces, response)
}

fn on_runtime<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn in_front_of(upstream: String) -> Sidecar {
    start(tempfile::tempdir().unwrap(), "", &[("echo", upstream)])
}

#[test]
fn both_sides_of_a_stream_speak_in_turn_and_trailers_end_it() {
    let sidecar = in_front_of(format!("{{ url: 'http://{}', protocol: h2c }}", echo()));
    on_runtime(async {
        let (pieces, response) = open(sidecar.ingress, CancellationToken::new()).await;
        assert_eq!(response.headers()["x-version"], "HTTP/2.0");
        let mut body = response.into_body();
        // The next piece is sent only when the last has come back: nothing waits for an end.
        for piece in ["one", "two", "three"] {
            pieces.send(Ok(Frame::data(Bytes::from(piece)))).await.unwrap();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
        }
        drop(pieces);
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        assert!(!trailers.contains_key("content-length"));
        assert!(body.frame().await.is_none());
    });
}

#[test]
fn a_request_given_up_is_given_up_behind_us_too() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("{{ url: 'http://{}' }}", socket.local_addr().unwrap());
    let sidecar = in_front_of(upstream);
    let mut client = TcpStream::connect(sidecar.ingress).unwrap();
    client.write_all(b"GET /echo HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let (mut behind, _) = socket.accept().unwrap();
    behind.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert!(behind.read(&mut [0; 4096]).unwrap() > 0);
    drop(client);
    assert_eq!(behind.read(&mut [0; 4096]).unwrap(), 0, "the connection ends");
}

#[test]
fn what_nobody_reads_is_not_taken_in() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("{{ url: 'http://{}' }}", socket.local_addr().unwrap());
    let sidecar = in_front_of(upstream);
    let mut client = TcpStream::connect(sidecar.ingress).unwrap();
    client.write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 60000000\r\n\r\n").unwrap();
    // Accepted, and never read from.
    let piece = [b'x'; 64 * 1024];
    client.write_all(&piece).unwrap();
    let _held = socket.accept().unwrap();
    client.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut sent = piece.len();
    while let Ok(count @ 1..) = client.write(&piece) {
        sent += count;
        assert!(sent < 40_000_000, "buffers of sockets are bounded, and so are ours");
    }
}

#[test]
fn leave_to_go_on_comes_from_us_when_the_body_is_wanted() {
    let sidecar = in_front_of(format!("{{ url: 'http://{}' }}", echo()));
    let mut client = TcpStream::connect(sidecar.ingress).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head =
        "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    let mut first = [0; 25];
    client.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"ab").unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n") && rest.contains("ab"), "{rest}");
}

#[test]
fn a_head_is_answered_without_a_body_and_the_connection_goes_on() {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".to_vec();
    let behind = crate::upstream::Upstream::saying(reply);
    let sidecar = in_front_of(format!("{{ url: 'http://{}' }}", behind.address));
    let mut client = TcpStream::connect(sidecar.ingress).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for last in [false, true] {
        let end = if last { "connection: close\r\n" } else { "" };
        client.write_all(format!("HEAD /echo HTTP/1.1\r\nhost: a\r\n{end}\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 7\r\n"), "{head}");
    }
    assert_eq!(client.read(&mut [0; 16]).unwrap(), 0, "nothing followed the heads");
}
