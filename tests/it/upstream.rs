//! An upstream that keeps every byte of what reaches it.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// What reached it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    /// The trailers too.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) whole: bool,
}

impl Received {
    /// Everything of it, to look for what should not be there.
    pub(crate) fn all(&self) -> Vec<u8> {
        [self.line.as_bytes(), self.headers.as_bytes(), &self.body].concat()
    }
}

type Reply = Arc<dyn Fn(&Received) -> Response<Full<Bytes>> + Send + Sync>;

/// An upstream in a thread of its own.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    /// What has come of the last body, whether or not it has ended.
    underway: Arc<Mutex<Vec<u8>>>,
    begun: Arc<AtomicUsize>,
    reply: Reply,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        Self::answering(|_| Response::new(Full::new(Bytes::from_static(b"ok\n"))))
    }

    pub(crate) fn answering(reply: impl Fn(&Received) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let upstream = Self {
            address: socket.local_addr().unwrap(),
            received: Arc::default(),
            underway: Arc::default(),
            begun: Arc::default(),
            reply: Arc::new(reply),
        };
        let serving = upstream.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { serving.serve(tokio::net::TcpListener::from_std(socket).unwrap()).await });
        });
        upstream
    }

    /// One that answers each connection's first request with these bytes, whatever they are, or never when there are none.
    pub(crate) fn saying(reply: Vec<u8>) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut waiting = Vec::new();
            for mut stream in socket.incoming().map_while(Result::ok) {
                let read = stream.read(&mut [0; 16 * 1024]).unwrap_or_default();
                if read > 0 && !reply.is_empty() {
                    stream.write_all(&reply).unwrap_or_default();
                } else {
                    waiting.push(stream);
                }
            }
        });
        let reply: Reply = Arc::new(|_| Response::default());
        Self { address, received: Arc::default(), underway: Arc::default(), begun: Arc::default(), reply }
    }

    async fn serve(self, socket: tokio::net::TcpListener) {
        while let Ok((stream, _)) = socket.accept().await {
            let upstream = self.clone();
            let service = service_fn(move |request| upstream.clone().answer(request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let line = format!("{} {}", request.method(), request.uri());
        let mut headers = lines(request.headers());
        // Kept frame by frame: what arrived before a break is what leaked.
        let (mut body, mut bytes, mut whole) = (request.into_body(), Vec::new(), true);
        self.underway.lock().unwrap().clear();
        self.begun.fetch_add(1, Ordering::Relaxed);
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => {
                    bytes.extend_from_slice(&data);
                    self.underway.lock().unwrap().extend_from_slice(&data);
                }
                Ok(Err(frame)) => {
                    headers.push_str(&frame.into_trailers().map(|trailers| lines(&trailers)).unwrap_or_default())
                }
                Err(_broken) => {
                    whole = false;
                    break;
                }
            }
        }
        let received = Received { line, headers, body: bytes, whole };
        let response = (self.reply)(&received);
        self.received.lock().unwrap().push(received);
        Ok(response)
    }

    /// What has arrived since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// What has come of the last body so far.
    pub(crate) fn underway(&self) -> Vec<u8> {
        self.underway.lock().unwrap().clone()
    }

    /// How many requests have begun to arrive.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// How much has arrived.
    pub(crate) fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// The one thing that has arrived.
    pub(crate) fn one(&self) -> Received {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

fn lines(headers: &HeaderMap) -> String {
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    headers.iter().map(line).collect()
}
