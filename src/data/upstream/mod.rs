//! Where requests go: named upstreams, each with a pool of connections of its own.
//!
//! An upstream takes only what the gate has [`Permitted`]; nothing else can be sent:
//!
//! ```compile_fail
//! use tower::Service;
//! async fn past_the_gate(mut upstreams: sekisho::data::upstream::Upstreams, request: sekisho_filters::Hop) {
//!     let _ = upstreams.call(request).await;
//! }
//! ```
//!
//! ```
//! use tower::Service;
//! async fn through_the_gate(mut upstreams: sekisho::data::upstream::Upstreams, request: sekisho_filters::Wire) {
//!     let _ = upstreams.call(request).await;
//! }
//! ```

mod breaker;

mod connection;

mod frames;

pub mod health;

mod io;

mod pool;

mod retry;

mod send;

mod upgrade;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use foldhash::quality::RandomState;
use http::{HeaderValue, Response};
use sekisho_filters::order_gate::Permitted;
use sekisho_filters::{Answer, Body, Stop};
use sekisho_policy::Refusal;
use tower::Service;

use super::secure::ClientTls;
use breaker::Breaker;
pub use breaker::Patience;
use health::Wellness;
use pool::Pool;
use retry::Retries;
pub use retry::Retrying;

use super::websocket::handshake::Wanted;

/// All upstreams of one sidecar.
#[derive(Clone, Debug)]
pub struct Upstreams {
    by_name: Arc<HashMap<Arc<str>, Arc<Upstream>, RandomState>>,
}

/// An upstream as policy has it. It is made once; each worker has an `Upstream` of it, with connections of its own.
#[derive(Clone, Debug)]
pub struct Site {
    /// The name that routes use.
    pub name: Arc<str>,
    /// Servers that do the same, at most 64.
    pub servers: Vec<Target>,
    /// How long they may take.
    pub timeouts: Timeouts,
    /// Connections kept to each that no request uses.
    pub idle_connections: usize,
    /// When one of them is left alone.
    pub patience: Patience,
    /// What is sent again.
    pub retrying: Retrying,
}

/// One upstream: servers that do the same, each of which gets its turn.
#[derive(Debug)]
struct Upstream {
    endpoints: Vec<Endpoint>,
    turn: AtomicUsize,
    timeouts: Timeouts,
    retries: Retries,
}

/// One server of an upstream.
#[derive(Debug)]
struct Endpoint {
    target: Target,
    pool: Pool,
    /// Connections of HTTP/2 that carry orders, one at a time.
    alone: Pool,
    breaker: Breaker,
}

/// Where an upstream is.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address; one of IPv6 without its brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Both, as they stand in `Host`: a port that the scheme implies is left out.
    pub authority: HeaderValue,
    /// Whether the client's `Host` goes on, as a signature over it needs.
    pub preserve_host: bool,
    /// What is spoken.
    pub protocol: Protocol,
    /// How TLS is spoken beneath it, if it is.
    pub tls: Option<Arc<ClientTls>>,
    /// What is known of it by asking, which all workers share.
    pub wellness: Wellness,
}

impl Target {
    /// Its host and port, as people write them.
    #[must_use]
    pub fn shown(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// What is spoken with an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without.
    Http2,
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To accept a connection.
    pub connect: Duration,
    /// To begin its answer.
    pub response: Duration,
    /// To be kept connected without a request.
    pub idle: Duration,
    /// To be sent requests on one connection.
    pub age: Duration,
}

impl Upstream {
    fn of(site: &Site) -> Self {
        let endpoint = |target: &Target| Endpoint {
            target: target.clone(),
            pool: Pool::new(site.idle_connections, &site.timeouts),
            alone: Pool::new(site.idle_connections, &site.timeouts),
            breaker: Breaker::new(site.patience),
        };
        Self {
            endpoints: site.servers.iter().map(endpoint).collect(),
            turn: AtomicUsize::new(0),
            timeouts: site.timeouts,
            retries: Retries::new(site.retrying),
        }
    }

    /// Whose turn it is: the place of an endpoint.
    fn next(&self) -> usize {
        if self.endpoints.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) % self.endpoints.len() } else { 0 }
    }

    /// Its endpoints and their places, beginning with the one at `first`. Those that are known to be unwell come last.
    fn in_turn(&self, first: usize) -> impl Iterator<Item = (usize, &Endpoint)> {
        // INVARIANT: read once, so that each of them comes once, whatever is found out meanwhile.
        let bit = |at: usize| 1_u64 << (at % 64);
        let unwell = self.endpoints.iter().enumerate().filter(|(_, endpoint)| !endpoint.target.wellness.is_well());
        let unwell = unwell.fold(0, |unwell, (at, _)| unwell | bit(at));
        let around = move || self.endpoints.iter().enumerate().cycle().skip(first).take(self.endpoints.len());
        around()
            .filter(move |(at, _)| unwell & bit(*at) == 0)
            .chain(around().filter(move |(at, _)| unwell & bit(*at) != 0))
    }
}

impl Upstreams {
    /// Upstreams, to be found by their names.
    #[must_use]
    pub fn new(sites: &[Site]) -> Self {
        let by_name = sites.iter().map(|site| (Arc::clone(&site.name), Arc::new(Upstream::of(site))));
        Self { by_name: Arc::new(by_name.collect()) }
    }
}

impl Service<Permitted> for Upstreams {
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    /// Always: each request finds or opens its own connection, within the limits on requests in flight.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted) -> Answer {
        let Some(upstream) = self.by_name.get(&permitted.exchange().route.upstream).cloned() else {
            return Refusal::NoRoute.into();
        };
        if let Some(wanted) = permitted.beside().get::<Wanted>().cloned() {
            return Answer::later(async move { upstream.upgrade(permitted, wanted).await });
        }
        Answer::later(async move { upstream.send(permitted).await })
    }
}
