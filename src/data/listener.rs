//! Accepts connections and serves the chain on them.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sekisho_filters::respond::{Asked, answer};
use sekisho_filters::{Answer, Body, Fault, Hop, Witness};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chain::Chain;
use super::classify::Routes;
use super::drain::Drained;
use super::timer::Coarse;

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Most connections of one listener.
    pub connections: usize,
    /// Time for the head of a request, and between two requests on one connection.
    pub header_timeout: Duration,
    /// Most headers of one request, as far as the parser goes along.
    pub header_count: usize,
    /// Most bytes of a head, as far as the parser goes along.
    pub header_bytes: usize,
    /// Most streams of one HTTP/2 connection.
    pub h2_streams: u32,
    /// How long connections have to finish once a drain began.
    pub drain_timeout: Duration,
}

/// Answers the requests of one listener.
pub trait Handle: Send + Sync + 'static {
    /// Answers one request of `peer`. Whatever happens, there is an answer.
    fn handle(&self, peer: IpAddr, request: Request<Incoming>) -> Answer<Infallible>;
}

/// A bound socket and what answers on it.
#[derive(Debug)]
pub struct Listening<H> {
    /// The socket.
    pub socket: TcpListener,
    /// Who answers.
    pub handler: H,
    /// At what cost.
    pub limits: ConnectionLimits,
    /// Places for connections; those who accept from one socket share them.
    pub room: Arc<Semaphore>,
}

/// Answers with the chain: the data path.
#[derive(Debug)]
pub struct Gate<C> {
    /// Which requests go where.
    pub routes: Arc<Routes>,
    /// Through which filters. A worker has a gate of its own, so nobody ever waits for this lock; it spares each request a
    /// clone of the whole chain.
    pub chain: Mutex<C>,
    /// Told of what is refused before the chain.
    pub witness: Arc<dyn Witness>,
}

/// Binds `address`.
///
/// # Errors
///
/// The system's, with the address in its text.
pub async fn bind(what: &str, address: SocketAddr) -> io::Result<TcpListener> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address} ({what}): {error}"));
    TcpListener::bind(address).await.map_err(named)
}

impl<H: Handle> Listening<H> {
    /// Serves until `drain` is cancelled; then lets what is under way finish, for as long as policy says.
    pub async fn serve(self, drain: CancellationToken) {
        let connections = TaskTracker::new();
        let builder = self.limits.builder();
        let handler = Arc::new(self.handler);
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.cancelled() => break,
                accepted = accept(&self.socket, &self.room) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let handler = Arc::clone(&handler);
            let service = service_fn(move |request| handler.handle(peer, request));
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            let drained = Drained::new(connection, drain.clone(), |connection| connection.graceful_shutdown());
            connections.spawn(async move {
                // A client that goes away is not our error; what it cut short has been recorded.
                let _gone = drained.await;
                drop(place);
            });
        }
        drop(self.socket);
        connections.close();
        let _cut = tokio::time::timeout(self.limits.drain_timeout, connections.wait()).await;
    }
}

async fn accept(socket: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    // Waits for room first: connections beyond the bound wait in the kernel's queue, not in our memory.
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, peer)) => {
            stream.set_nodelay(true).ok()?;
            Some((stream, peer.ip().to_canonical(), place))
        }
        Err(_out_of_descriptors) => {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

impl ConnectionLimits {
    /// Places for the connections of one listener.
    #[must_use]
    pub fn room(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.connections))
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(Coarse::looking(self.header_timeout / LOOKS))
            .header_read_timeout(self.header_timeout)
            // One more than the limit, so that the limit is refused by the chain, with an id and a record.
            .max_headers(self.header_count.saturating_add(1))
            .max_buf_size(self.header_bytes.saturating_mul(2).max(MIN_BUFFER))
            .writev(false)
            .half_close(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.h2_streams)
            .max_header_list_size(u32::try_from(self.header_bytes.saturating_mul(2)).unwrap_or(u32::MAX))
            .keep_alive_interval(self.header_timeout)
            .keep_alive_timeout(self.header_timeout);
        builder
    }
}

impl<C: Chain> Handle for Gate<C> {
    fn handle(&self, peer: IpAddr, mut request: Request<Incoming>) -> Answer<Infallible> {
        let (exchange, outcome) = self.routes.classify(peer, &mut request);
        if let Err(refusal) = outcome {
            self.witness.refused(&exchange, &refusal);
            let asked = Asked::on(&exchange.route, request.headers());
            return Answer::now(Ok(answer(&refusal, exchange.decision, asked)));
        }
        let request = request.map(|body| Body::stream(body.map_err(|error| Fault::Downstream(error.into()))));
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        chain.call(Hop { exchange: Arc::new(exchange), request })
    }
}

/// How often deadlines are looked at within the time for a head: it may take a sixteenth longer than policy says.
const LOOKS: u32 = 16;

/// Smallest buffer the HTTP/1 parser accepts.
const MIN_BUFFER: usize = 8 * 1024;

/// How long accepting pauses when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
