//! Log protocols that are not HTTP: accepted, searched record by record, and sent on.
//!
//! A connection of a client is one connection to the receiver, whose acknowledgements go back as they are. What the receiver does not
//! take in time is not read from the client either: nothing is queued here but the record at hand.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sekisho_filters::exchange::{Input, Redaction};
use sekisho_filters::redact::Feed;
use sekisho_filters::{Exchange, Fault, Route, Trip, Witness};
use sekisho_policy::{Bodies, Policy, Refusal, StreamFormat, StreamPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::classify::Decisions;
use super::dial::{Dial, Dialled};
use super::gated::put;
use super::inherited::Inherited;
use super::live::{Live, Served};
use super::relayed::{self, Relayed};
use super::secure::ClientTls;

/// One stream of policy, as it runs.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What its connections are journaled under.
    pub route: Arc<Route>,
    /// What is spoken on it.
    pub format: StreamFormat,
    /// The receiver.
    pub to: Dial,
    /// What a connection may cost.
    pub limits: StreamLimits,
}

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// Most connections at once.
    pub connections: usize,
    /// Time to reach the receiver.
    pub connect: Duration,
    /// Between two pieces of one record, and until the receiver has taken it.
    pub within: Duration,
    /// Between two records.
    pub idle: Duration,
    /// How long connections have to finish once a drain began.
    pub drain: Duration,
}

/// What the connections of all streams share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What is searched for, and how, and what is contained.
    pub live: Arc<Live>,
    /// Told of what goes no further.
    pub witness: Arc<dyn Witness>,
    /// Numbers connections as it does requests.
    pub decisions: Arc<Decisions>,
    /// How TLS is spoken with the receivers of those streams that do, by the stream's name.
    pub tls: BTreeMap<Arc<str>, Arc<ClientTls>>,
}

/// The streams of `policy`, with where they listen.
#[must_use]
pub fn of(policy: &Policy) -> Vec<(SocketAddr, Stream)> {
    let limits = &policy.limits;
    let limits = StreamLimits {
        connections: limits.connections,
        connect: limits.connect_timeout,
        within: limits.body_idle_timeout,
        idle: limits.stream_idle_timeout,
        drain: limits.drain_timeout,
    };
    let one = |stream: &StreamPolicy| {
        let bodies = Bodies { records: stream.records, ..Bodies::default() };
        let redact = Redaction { request: true, response: false };
        let route = Route { redact, bodies, ..Route::nowhere(&stream.name) };
        let to = Dial { host: stream.host.as_str().into(), port: stream.port, tls: None };
        (stream.listen, Stream { route: Arc::new(route), format: stream.format, to, limits })
    };
    policy.streams.iter().map(one).collect()
}

/// Streams with their sockets.
#[derive(Debug)]
pub struct Bound(Vec<(StdListener, Stream)>);

/// Binds the sockets of `streams`, but those that are inherited.
///
/// # Errors
///
/// The system's, with the address in its text.
pub async fn bind(streams: Vec<(SocketAddr, Stream)>, inherited: &Inherited) -> io::Result<Bound> {
    let mut bound = Vec::new();
    for (address, stream) in streams {
        let what = format!("streams: `{}`", stream.route.name);
        bound.push((inherited.or_bind(&what, address).await?.socket, stream));
    }
    Ok(Bound(bound))
}

impl Bound {
    /// Where each listens, by its name.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn addresses(&self) -> io::Result<Vec<(Arc<str>, SocketAddr)>> {
        let one = |(socket, stream): &(StdListener, Stream)| Ok((Arc::clone(&stream.route.name), socket.local_addr()?));
        self.0.iter().map(one).collect()
    }

    /// Serves all of them on a thread of their own until `drain` is cancelled and what was under way has ended; then drops `token`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread or no descriptor.
    pub fn spawn(self, shared: &Shared, drain: &CancellationToken, token: TaskTrackerToken) -> io::Result<()> {
        let serving = |(socket, mut stream): (StdListener, Stream)| {
            stream.to.tls = shared.tls.get(&stream.route.name).cloned();
            (socket, Serving { room: Semaphore::new(stream.limits.connections).into(), stream, shared: shared.clone() })
        };
        relayed::spawn("streams", self.0.into_iter().map(serving).collect(), drain, token)
    }
}

/// A stream, with what its connections need.
struct Serving {
    stream: Stream,
    shared: Shared,
    room: Arc<Semaphore>,
}

impl Relayed for Serving {
    fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }

    fn patience(&self) -> Duration {
        self.stream.limits.drain
    }

    async fn connection(self: Arc<Self>, client: TcpStream, peer: IpAddr, drain: CancellationToken) {
        let Self { stream, shared, .. } = &*self;
        let exchange = Arc::new(stream.exchange(peer, &shared.decisions));
        let feed = LiveFeed::new(&shared.live, Arc::clone(&exchange), stream.format);
        match stream.relay(client, feed, &drain).await {
            Ok(()) => {}
            Err(Fault::Cut(refusal)) => shared.witness.refused(&exchange, &refusal),
            Err(fault) => shared.witness.broke(&exchange, &fault),
        }
    }
}

impl Stream {
    fn exchange(&self, peer: IpAddr, decisions: &Decisions) -> Exchange {
        let (decision, route) = (decisions.next(), Arc::clone(&self.route));
        Exchange {
            decision,
            peer,
            route,
            host: Arc::clone(&self.to.host),
            input: Input::default(),
            trip: Trip::default(),
        }
    }

    async fn relay(&self, client: TcpStream, feed: LiveFeed, drain: &CancellationToken) -> Result<(), Fault> {
        let receiver = self.to.connect(self.limits.connect).await.map_err(upstream)?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_receiver, to_receiver) = split(receiver);
        let forth = self.forth(&mut from_client, to_receiver, feed, drain);
        // What the receiver says is acknowledgements. When it hangs up, so do we: the client sends again what was not acknowledged.
        let back = tokio::io::copy(&mut from_receiver, &mut to_client);
        tokio::pin!(forth, back);
        tokio::select! {
            forth = &mut forth => {
                forth?;
                // The client may still wait for an acknowledgement of what it sent last.
                let _no_more = tokio::time::timeout(self.limits.within, back).await;
                Ok(())
            }
            back = &mut back => back.map(drop).map_err(upstream),
        }
    }

    /// From the client to the receiver, until the client has finished.
    async fn forth(
        &self,
        from: &mut OwnedReadHalf,
        mut to: WriteHalf<Dialled>,
        mut feed: LiveFeed,
        drain: &CancellationToken,
    ) -> Result<(), Fault> {
        loop {
            let wait = if feed.is_within() { self.limits.within } else { self.limits.idle };
            let piece = match until(drain, timed(wait, read(from))).await {
                Some(Ok(piece)) => piece,
                // Between two records the connection may end; within one it was too slow.
                Some(Err(late)) if late.kind() == io::ErrorKind::TimedOut => match feed.is_within() {
                    true => return Err(Refusal::RequestTimeout.into()),
                    false => Bytes::new(),
                },
                Some(Err(broken)) => return Err(downstream(broken)),
                // A drain: what is whole has gone on.
                None => return to.shutdown().await.map_err(upstream),
            };
            let ended = piece.is_empty();
            let out = if ended { feed.finish()? } else { feed.push(piece)? };
            timed(self.limits.within, put(&mut to, &out)).await.map_err(upstream)?;
            if ended {
                return to.shutdown().await.map_err(upstream);
            }
        }
    }
}

/// A feed that goes on by what is served now: another policy holds from the next record on, and what is contained goes no further.
struct LiveFeed {
    live: Arc<Live>,
    exchange: Arc<Exchange>,
    format: StreamFormat,
    generation: u64,
    served: Arc<Served>,
    feed: Feed,
}

impl LiveFeed {
    fn new(live: &Arc<Live>, exchange: Arc<Exchange>, format: StreamFormat) -> Self {
        let (generation, served) = live.now();
        let feed = served.parts.redact.feed(Arc::clone(&exchange), format);
        Self { live: Arc::clone(live), exchange, format, generation, served, feed }
    }

    fn is_within(&self) -> bool {
        self.feed.is_within()
    }

    fn push(&mut self, piece: Bytes) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        if self.live.generation() != self.generation && !self.is_within() {
            out = self.feed.finish()?;
            *self = Self::new(&self.live, Arc::clone(&self.exchange), self.format);
        }
        out.extend(self.feed.push(piece)?);
        self.contained(out)
    }

    fn finish(&mut self) -> Result<Vec<u8>, Refusal> {
        let out = self.feed.finish()?;
        self.contained(out)
    }

    fn contained(&self, out: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let held = self.served.parts.contained.holds().quarantines(&self.exchange.route);
        if held { Err(Refusal::Quarantined) } else { Ok(out) }
    }
}

async fn read(from: &mut OwnedReadHalf) -> io::Result<Bytes> {
    let mut piece = BytesMut::with_capacity(PIECE);
    from.read_buf(&mut piece).await?;
    Ok(piece.freeze())
}

async fn timed<T>(most: Duration, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(most, future).await.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
}

/// What `future` comes to, unless a drain begins before.
async fn until<T>(drain: &CancellationToken, future: impl Future<Output = T>) -> Option<T> {
    drain.run_until_cancelled(future).await
}

fn upstream(error: io::Error) -> Fault {
    Fault::Upstream(error.into())
}

fn downstream(error: io::Error) -> Fault {
    Fault::Downstream(error.into())
}

const PIECE: usize = 16 * 1024;
