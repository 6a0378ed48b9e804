use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// An upstream on loopback that keeps what reaches it, to be shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Upstream {
    received: Arc<Mutex<Vec<Received>>>,
}

/// What reached it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Method and target.
    pub(super) line: String,
    /// The body as it arrived.
    pub(super) body: Bytes,
}

impl Upstream {
    pub(super) async fn start() -> std::io::Result<(Self, SocketAddr)> {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let upstream = Self::default();
        let serving = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let upstream = serving.clone();
                let service = service_fn(move |request| upstream.clone().answer(request));
                // A connection that breaks off has been answered as far as it could be.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok((upstream, address))
    }

    /// What has arrived since the last time this was asked.
    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let line = format!("{} {}", request.method(), request.uri());
        let body = Limited::new(request.into_body(), MOST).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        self.received.lock().unwrap_or_else(PoisonError::into_inner).push(Received { line, body });
        Ok(Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}\n"))))
    }
}

/// More than any scene sends.
const MOST: usize = 1 << 20;
