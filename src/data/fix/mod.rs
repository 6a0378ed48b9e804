//! FIX sessions: a client's connection, a counterparty's, and what passes between them judged message by message.
//!
//! Nothing is renumbered. What is refused changes places with messages of the session itself, as
//! [`Session`](sekisho_codec::fix::Session) explains; so both engines keep whole sequences over reconnects and restarts of ours.
//!
//! What is forgotten by a restart is which numbers were refused. A possible duplicate of an order from before is therefore
//! withheld, and journaled as one whose outcome is not known.
//!
//! A drain takes no more sessions and leaves those that are open `limits.drain_timeout` to log out; then they are cut. What a
//! venue does with orders whose session is cut is the venue's affair.
//!
//! # Cannot see
//!
//! Whether the peer that logs on is who it says: that is between the two engines.

mod relay;

mod sessions;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sekisho_filters::access::Network;
use sekisho_filters::exchange::Input;
use sekisho_filters::{Exchange, Route, Trip};
use sekisho_policy::{Limits, Refusal};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::dial::Dial;
use super::inherited::Inherited;
use super::relayed::{self, Relayed};
use super::websocket::Judge;
use relay::Relay;
use sessions::Sessions;

/// What a session may cost.
#[derive(Clone, Copy, Debug)]
struct FixLimits {
    /// Most bytes of a message.
    message_bytes: usize,
    /// Longest time without a byte in either direction.
    idle_timeout: Duration,
    /// To reach the counterparty, and for the client to log on.
    connect_timeout: Duration,
    /// How long sessions have to end once a drain began.
    drain_timeout: Duration,
}

/// A place where sessions are accepted, and where they go.
#[derive(Debug)]
struct FixListener {
    /// How messages are judged, under which name.
    route: Arc<Route>,
    /// The counterparty.
    target: Dial,
    /// Who may connect. Empty: anybody.
    allow: Vec<Network>,
    /// What is remembered of sessions between connections.
    sessions: Arc<Sessions>,
    judge: Arc<Judge>,
    limits: FixLimits,
    /// Places for sessions, shared by all listeners.
    room: Arc<Semaphore>,
}

/// A place of policy where sessions are accepted.
#[derive(Debug)]
pub struct FixEntry {
    /// Where.
    pub listen: SocketAddr,
    /// How messages are judged, under which name.
    pub route: Arc<Route>,
    /// The counterparty.
    pub target: Dial,
    /// Who may connect. Empty: anybody.
    pub allow: Vec<Network>,
}

/// The addresses of FIX listeners, by their names.
pub type FixAddresses = Vec<(Arc<str>, SocketAddr)>;

/// Binds all FIX listeners and starts the one thread that their sessions run on, until `drain` is cancelled and they
/// have ended; then drops `token`. Call it on a runtime.
///
/// # Errors
///
/// When an address cannot be listened on, or the system gives no thread or no descriptor.
pub async fn open(
    (entries, limits, inherited): (Vec<FixEntry>, &Limits, &Inherited),
    judge: &Arc<Judge>,
    drain: CancellationToken,
    token: TaskTrackerToken,
) -> io::Result<FixAddresses> {
    let sessions = Arc::new(Sessions::new(limits.fix_sessions, limits.fix_remembered));
    let room = Arc::new(Semaphore::new(limits.fix_sessions));
    let (mut bound, mut addresses) = (Vec::new(), Vec::new());
    for FixEntry { listen, route, target, allow } in entries {
        let socket = inherited.or_bind("fix", listen).await?.socket;
        addresses.push((Arc::clone(&route.name), socket.local_addr()?));
        let listener = FixListener {
            route,
            target,
            allow,
            sessions: Arc::clone(&sessions),
            judge: Arc::clone(judge),
            limits: limits.into(),
            room: Arc::clone(&room),
        };
        bound.push((socket, listener));
    }
    relayed::spawn("fix", bound, &drain, token)?;
    Ok(addresses)
}

impl From<&Limits> for FixLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            message_bytes: limits.fix_message_bytes,
            idle_timeout: limits.fix_idle_timeout,
            connect_timeout: limits.connect_timeout,
            drain_timeout: limits.drain_timeout,
        }
    }
}

impl Relayed for FixListener {
    fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }

    fn patience(&self) -> Duration {
        self.limits.drain_timeout
    }

    async fn connection(self: Arc<Self>, client: TcpStream, peer: IpAddr, _drain: CancellationToken) {
        if !self.allow.is_empty() && !self.allow.iter().any(|network| network.holds(peer)) {
            return;
        }
        let exchange = Exchange {
            decision: self.judge.decisions.next(),
            peer,
            route: Arc::clone(&self.route),
            host: Arc::clone(&self.target.host),
            input: Input::default(),
            trip: Trip::default(),
        };
        let exchange = Arc::new(exchange);
        if self.judge.quarantines(&exchange) {
            return self.judge.witness.refused(&exchange, &Refusal::Quarantined);
        }
        let venue = match self.target.connect(self.limits.connect_timeout).await {
            Ok(venue) => venue,
            Err(why) => return self.unreachable(&exchange, &why),
        };
        let relay = Relay::new(Arc::clone(&self.judge), exchange, Arc::clone(&self.sessions), self.limits);
        relay.run(client, venue).await;
    }
}

impl FixListener {
    fn unreachable(&self, exchange: &Exchange, why: &io::Error) {
        self.judge.witness.broke(exchange, &sekisho_filters::Fault::Upstream(why.to_string().into()));
    }
}
