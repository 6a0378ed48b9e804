//! WebSocket: the handshake through the chain as any request, then two pumps, one for each direction.
//!
//! A handshake is a `GET` that the routes, filters and order rules judge like every other. Upstream a handshake of our own is
//! made, with a key of our own; only what both sides can be read in is agreed on. From then on, what the client sends is read
//! message by message on routes with orders or a search (`inspect`), and passed on as it came unless it is refused or
//! masked. What nobody looks into is passed frame by frame without being copied (`pump`).
//!
//! When another policy comes in force the route that takes the handshake now judges the next message. Where that is another route,
//! or one that lets in others or looks into other directions, the connection is closed: its client opens it anew under what holds.
//!
//! | what ends a connection | the client's close code | the upstream's |
//! |---|---|---|
//! | one side closes | as it said | as it said |
//! | one side breaks the protocol, or a bound | 1002, 1007, 1009 or 1001 | the same or 1001 |
//! | a secret, on a route without orders; who opened it is revoked; policy would not let it be opened now | 1008 | 1001 |
//! | nothing came for `limits.websocket_idle_timeout`; a drain | 1001 | 1001 |
//!
//! # Cannot see
//!
//! A secret that is said over several messages; what is in frames that pass on routes where nothing is searched.

pub(super) mod handshake;

mod inspect;

mod judge;

mod pump;

mod tunnel;

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use sekisho_filters::{Body, Exchange};
use sekisho_policy::{Limits, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

pub use judge::Judge;

use super::peers::{Counted, Peers};
use handshake::{Joined, Opening};
use tunnel::Tunnel;

/// What a WebSocket may cost.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// Most bytes of a message that is looked into.
    pub message_bytes: usize,
    /// Longest time without a byte in either direction.
    pub idle_timeout: Duration,
    /// How long a side has to answer a close.
    pub close_timeout: Duration,
}

impl From<&Limits> for SocketLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            message_bytes: limits.websocket_message_bytes,
            idle_timeout: limits.websocket_idle_timeout,
            close_timeout: limits.websocket_close_timeout,
        }
    }
}

/// The open WebSockets of one worker.
#[derive(Clone, Debug)]
pub struct WebSockets {
    judge: Arc<Judge>,
    limits: SocketLimits,
    /// Places, which all workers share.
    room: Arc<Semaphore>,
    /// How many of them each peer has.
    peers: Peers,
    tunnels: TaskTracker,
}

/// What a connection was opened as.
#[derive(Clone, Debug)]
struct Opened {
    exchange: Arc<Exchange>,
    /// What the client asked for.
    asked: Arc<str>,
    /// The same as the upstream sees it.
    path: Arc<str>,
}

/// A handshake that may go on.
#[derive(Debug)]
pub(super) struct Admitted {
    opening: Opening,
    path: Arc<str>,
    /// A place among the open ones.
    place: (OwnedSemaphorePermit, Counted),
}

impl WebSockets {
    /// Those that `judge` judges the messages of; `room` has as many places as may be open, and
    /// `peers` counts how many each peer has of them.
    #[must_use]
    pub fn new(judge: Arc<Judge>, limits: SocketLimits, (room, peers): (Arc<Semaphore>, Peers)) -> Self {
        Self { judge, limits, room, peers, tunnels: TaskTracker::new() }
    }

    /// Whether a handshake, if there is one, may go on; with a place for it.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn admit(
        &self,
        opening: Result<Option<Opening>, Refusal>,
        (exchange, path): (&Exchange, &str),
    ) -> Result<Option<Admitted>, Refusal> {
        let opening = match opening {
            Ok(None) => return Ok(None),
            // Sound or not, it is not wanted here.
            _ if !exchange.route.websocket => return Err(Refusal::UpgradeRefused),
            Ok(Some(opening)) => opening,
            Err(refusal) => return Err(refusal),
        };
        let place = Arc::clone(&self.room).try_acquire_owned().ok().zip(self.peers.enter(exchange.peer));
        let full = Refusal::Overloaded { retry_after_s: self.judge.retry_after_s() };
        let path = Arc::from(path);
        place.map(|place| Some(Admitted { opening, path, place })).ok_or(full)
    }

    /// Finishes a handshake: if the upstream has changed protocol, the answer becomes ours to the client and the tunnel opens.
    pub(super) fn join(
        &self,
        Admitted { opening, path, place }: Admitted,
        exchange: Arc<Exchange>,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let Some(Joined { upgrade: upstream, deflate, standing }) = response.extensions_mut().remove::<Joined>() else {
            return response;
        };
        let (drain, asked) = (opening.began.clone(), Arc::clone(&opening.path));
        let opened = Opened { exchange, asked, path };
        let client = opening.switch(response.headers_mut());
        let tunnel = Tunnel { judge: Arc::clone(&self.judge), opened, deflate, standing, limits: self.limits, drain };
        self.tunnels.spawn(async move {
            tunnel.open(client, upstream).await;
            drop(place);
        });
        response
    }

    /// Waits until all are closed, as they are once a drain began.
    pub async fn closed(&self) {
        self.tunnels.close();
        self.tunnels.wait().await;
    }
}
