//! Accepts connections and serves the chain on them.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sekisho_filters::respond::{Asked, answer};
use sekisho_filters::{Answer, Body, Fault, Hop, PeerCertificate, Witness};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chain::Chain;
use super::drain::{Drained, Fresh};
use super::exposure::Socket;
use super::hops::Hops;
use super::linger::Lingering;
use super::live::Serving;
use super::observe::Observe;
use super::peers::Peers;
use super::preface::Prefaced;
use super::secure::ServerTls;
use super::timer::Coarse;
use super::websocket::WebSockets;
use super::websocket::handshake::{Began, Opening};

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Most connections of one listener.
    pub connections: usize,
    /// Most of them from one address.
    pub connections_per_peer: usize,
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

    /// Proxies in front that say for whom they open a connection.
    fn hops(&self) -> Hops {
        Hops::default()
    }

    /// What goes on when its connection has left HTTP, to be drained with the rest.
    fn websockets(&self) -> Option<&WebSockets> {
        None
    }
}

/// A bound socket and what answers on it.
#[derive(Debug)]
pub struct Listening<H> {
    /// The socket, as long as this side is exposed.
    pub socket: Socket,
    /// Who answers.
    pub handler: H,
    /// At what cost.
    pub limits: ConnectionLimits,
    /// Places for connections; those who accept from one socket share them.
    pub room: Arc<Semaphore>,
    /// How many of them each peer has; shared in the same way.
    pub peers: Peers,
    /// How TLS is spoken on it, if it is.
    pub tls: Option<Arc<ServerTls>>,
}

/// One connection, with what it needs to be served.
struct Connection<H> {
    handler: Arc<H>,
    versions: Arc<Versions>,
    peer: IpAddr,
    end: End,
}

/// How HTTP is read: as its first bytes say, or as was agreed upon before.
struct Versions {
    any: auto::Builder<TokioExecutor>,
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
}

/// Answers with the chain: the data path.
#[derive(Debug)]
pub struct Gate<C> {
    /// Which requests go where, and through which filters. A worker has a gate of its own, so nobody ever waits for this
    /// lock; it spares each request a clone of the whole chain.
    pub serving: Mutex<Serving<C>>,
    /// Told of what is refused before the chain.
    pub witness: Arc<dyn Witness>,
    /// Counts and times every answer.
    pub traffic: Arc<dyn Observe>,
    /// What becomes of a handshake.
    pub websockets: WebSockets,
    /// How long what nobody wants of a request is read, where its connection carries others.
    pub linger: Duration,
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
    /// Serves until `drain` is cancelled; then lets what is under way finish, for as long as policy says. While the side is
    /// not exposed nothing is accepted, and what was under way finishes in the same way.
    pub async fn serve(self, drain: CancellationToken) {
        let Self { mut socket, handler, limits, room, peers, tls } = self;
        let connections = TaskTracker::new();
        let any = limits.builder();
        let (http1, http2) = (any.clone().http1_only(), any.clone().http2_only());
        let served = Served {
            hops: Arc::new(handler.hops()),
            handler: Arc::new(handler),
            versions: Arc::new(Versions { any, http1, http2 }),
            connections: connections.clone(),
            room,
            peers,
            tls,
        };
        while !drain.is_cancelled() {
            // Without a descriptor it is as good as closed, until the next change.
            let open = socket.borrow_and_update().as_deref().and_then(|socket| socket.try_clone().ok());
            let open = open.and_then(|socket| TcpListener::from_std(socket).ok());
            let end = End { began: drain.child_token(), cut: CancellationToken::new(), stops: drain.clone() };
            tokio::select! {
                biased;
                () = drain.cancelled() => {}
                () = changed(&mut socket) => {}
                () = served.accept_from(open, &end) => {}
            }
            end.began.cancel();
            if !drain.is_cancelled() {
                tokio::spawn(async move {
                    tokio::time::sleep(limits.drain_timeout).await;
                    end.cut.cancel();
                });
            }
        }
        connections.close();
        let upgraded = async {
            if let Some(websockets) = served.handler.websockets() {
                websockets.closed().await;
            }
        };
        let all = async { tokio::join!(connections.wait(), upgraded) };
        let _cut = tokio::time::timeout(limits.drain_timeout, all).await;
    }
}

/// What connections are served with.
struct Served<H> {
    handler: Arc<H>,
    versions: Arc<Versions>,
    hops: Arc<Hops>,
    connections: TaskTracker,
    room: Arc<Semaphore>,
    peers: Peers,
    tls: Option<Arc<ServerTls>>,
}

/// How connections end: they finish when it `began`, and are dropped when they are `cut`. With them the process may stop.
#[derive(Clone)]
struct End {
    began: CancellationToken,
    cut: CancellationToken,
    stops: CancellationToken,
}

impl<H: Handle> Served<H> {
    /// Accepts without end.
    async fn accept_from(&self, socket: Option<TcpListener>, end: &End) {
        let Some(socket) = socket else { return std::future::pending().await };
        loop {
            let Some((mut stream, peer, place)) = accept(&socket, &self.room).await else { continue };
            // One too many is closed, without a word: who has so many knows why.
            let Some(counted) = self.peers.enter(peer) else { continue };
            let (handler, versions) = (Arc::clone(&self.handler), Arc::clone(&self.versions));
            let connection = Connection { handler, versions, peer, end: end.clone() };
            let (tls, hops) = (self.tls.clone(), Arc::clone(&self.hops));
            self.connections.spawn(async move {
                // One that should say so and does not is closed: nobody knows who it is.
                if let Ok(peer) = hops.opened_by(&mut stream, peer).await {
                    let connection = Connection { peer, ..connection };
                    match tls {
                        None => connection.plain(stream).await,
                        Some(tls) => connection.secured(stream, &tls).await,
                    }
                }
                drop((place, counted));
            });
        }
    }
}

/// Waits until the side is opened or closed; where nobody can, for ever.
async fn changed(socket: &mut Socket) {
    if socket.changed().await.is_err() {
        std::future::pending().await
    }
}

impl<H: Handle> Connection<H> {
    async fn plain(self, stream: TcpStream) {
        let versions = Arc::clone(&self.versions);
        self.serve(&versions.any, TokioIo::new(Prefaced::new(stream)), None).await;
    }

    async fn secured(self, stream: TcpStream, tls: &ServerTls) {
        // A drain does not wait for who has asked for nothing yet.
        let accepted = self.end.began.run_until_cancelled(Box::pin(tls.accept(stream))).await;
        let Some(accepted) = accepted.flatten() else { return };
        let versions = Arc::clone(&self.versions);
        let version = if accepted.h2 { &versions.http2 } else { &versions.http1 };
        self.serve(version, TokioIo::new(accepted.stream), accepted.shown).await;
    }

    async fn serve<I>(self, version: &auto::Builder<TokioExecutor>, stream: I, shown: Option<PeerCertificate>)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let Self { handler, peer, end, .. } = self;
        let began = end.began.clone();
        let fresh = Fresh { asked: Arc::default(), stops: end.stops };
        let asked = Arc::clone(&fresh.asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            if let Some(shown) = &shown {
                request.extensions_mut().insert(shown.clone());
            }
            // What becomes of it outlives this connection, and ends with it all the same.
            if request.headers().contains_key(UPGRADE) {
                request.extensions_mut().insert(Began(began.clone()));
            }
            handler.handle(peer, request)
        });
        let connection = version.serve_connection_with_upgrades(stream, service).into_owned();
        // A client that goes away is not our error; what it cut short has been recorded.
        let ends = (end.began, end.cut);
        let _gone = Drained::new(connection, ends, fresh, |connection| connection.graceful_shutdown()).await;
    }
}

/// A connection, with its place in `room`; `None` where there was none to be had, and the next call tries again.
pub(super) async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
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
    /// Counts the connections of each peer of one listener.
    #[must_use]
    pub fn peers(&self) -> Peers {
        Peers::new(self.connections_per_peer)
    }

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
    fn hops(&self) -> Hops {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).routes().hops().clone()
    }

    fn handle(&self, peer: IpAddr, mut request: Request<Incoming>) -> Answer<Infallible> {
        let asked = self.traffic.asked(request.method(), request.uri());
        let opening = Opening::take(&mut request);
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.keep_up();
        let (exchange, outcome) = serving.routes().classify(peer, &mut request);
        let socket = outcome.and_then(|()| self.websockets.admit(opening, (&exchange, request.uri().path())));
        let socket = match socket {
            Ok(socket) => socket,
            Err(refusal) => {
                self.witness.refused(&exchange, &refusal);
                let shape = Asked::on(&exchange.route, request.headers());
                let answer = answer(&refusal, exchange.decision, shape);
                return Answer::now(Ok(self.traffic.answered(&exchange, asked, answer)));
            }
        };
        let lingers = request.version() == Version::HTTP_2;
        let request = request.map(|body| match lingers {
            true => Body::stream(Lingering::new(body, self.linger).map_err(downstream)),
            false => Body::stream(body.map_err(downstream)),
        });
        let exchange = Arc::new(exchange);
        let answer = serving.chain.call(Hop { exchange: Arc::clone(&exchange), request });
        let (traffic, open) = (Arc::clone(&self.traffic), socket.map(|socket| (socket, self.websockets.clone())));
        answer.map(move |Ok(response)| {
            let response = traffic.answered(&exchange, asked, response);
            Ok(match open {
                Some((socket, websockets)) => websockets.join(socket, exchange, response),
                None => response,
            })
        })
    }

    fn websockets(&self) -> Option<&WebSockets> {
        Some(&self.websockets)
    }
}

fn downstream(error: hyper::Error) -> Fault {
    Fault::Downstream(error.into())
}

/// How often deadlines are looked at within the time for a head: it may take a sixteenth longer than policy says.
const LOOKS: u32 = 16;

/// Smallest buffer the HTTP/1 parser accepts.
const MIN_BUFFER: usize = 8 * 1024;

/// How long accepting pauses when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
