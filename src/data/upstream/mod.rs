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

mod io;

mod pool;

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
use pool::Pool;

use super::websocket::handshake::Wanted;

/// All upstreams of one sidecar.
#[derive(Clone, Debug)]
pub struct Upstreams {
    by_name: Arc<HashMap<Arc<str>, Arc<Upstream>, RandomState>>,
}

/// One upstream: servers that do the same, each of which gets its turn.
#[derive(Debug)]
pub struct Upstream {
    name: Arc<str>,
    endpoints: Vec<Endpoint>,
    turn: AtomicUsize,
    timeouts: Timeouts,
}

/// One server of an upstream.
#[derive(Debug)]
struct Endpoint {
    target: Target,
    pool: Pool,
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
}

impl Upstream {
    /// An upstream of this name that keeps at most `idle_connections` connections to each of `targets` that it does not use.
    #[must_use]
    pub fn new(
        name: Arc<str>,
        targets: Vec<Target>,
        timeouts: Timeouts,
        idle_connections: usize,
        patience: Patience,
    ) -> Self {
        let endpoint = |target| Endpoint {
            target,
            pool: Pool::new(idle_connections, timeouts.idle),
            breaker: Breaker::new(patience),
        };
        Self { name, endpoints: targets.into_iter().map(endpoint).collect(), turn: AtomicUsize::new(0), timeouts }
    }

    /// Its endpoints, beginning with the one whose turn it is.
    fn in_turn(&self) -> impl Iterator<Item = &Endpoint> {
        let first = if self.endpoints.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        self.endpoints.iter().cycle().skip(first % self.endpoints.len().max(1)).take(self.endpoints.len())
    }
}

impl Upstreams {
    /// Upstreams, to be found by their names.
    #[must_use]
    pub fn new(upstreams: Vec<Upstream>) -> Self {
        let by_name = upstreams.into_iter().map(|upstream| (Arc::clone(&upstream.name), Arc::new(upstream)));
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
