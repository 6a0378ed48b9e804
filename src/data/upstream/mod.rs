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

mod connection;

mod io;

mod pool;

mod send;

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use foldhash::quality::RandomState;
use http::{HeaderValue, Response};
use sekisho_filters::order_gate::Permitted;
use sekisho_filters::{Answer, Body, Stop};
use sekisho_policy::Refusal;
use tower::Service;

use pool::Pool;

/// All upstreams of one sidecar.
#[derive(Clone, Debug)]
pub struct Upstreams {
    by_name: Arc<HashMap<Arc<str>, Arc<Upstream>, RandomState>>,
}

/// One upstream.
#[derive(Debug)]
pub struct Upstream {
    target: Target,
    timeouts: Timeouts,
    pool: Pool,
}

/// Where an upstream is.
#[derive(Clone, Debug)]
pub struct Target {
    /// As policy names it.
    pub name: Arc<str>,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Both, as they stand in `Host`.
    pub authority: HeaderValue,
    /// Whether the client's `Host` goes on, as a signature over it needs.
    pub preserve_host: bool,
    /// Whether HTTP/2 with prior knowledge is spoken.
    pub h2c: bool,
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
    /// An upstream that keeps at most `idle_connections` connections it does not use.
    #[must_use]
    pub fn new(target: Target, timeouts: Timeouts, idle_connections: usize) -> Self {
        Self { target, timeouts, pool: Pool::new(idle_connections, timeouts.idle) }
    }
}

impl Upstreams {
    /// Upstreams, to be found by their names.
    #[must_use]
    pub fn new(upstreams: Vec<Upstream>) -> Self {
        let by_name = upstreams.into_iter().map(|upstream| (Arc::clone(&upstream.target.name), Arc::new(upstream)));
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
        Answer::later(async move { upstream.send(permitted).await })
    }
}
