//! What is known of a request before any filter sees it: read once, carried with the request.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};
use sekisho_policy::{Bodies, OrderRules, Role};
use sekisho_safety::Scope;

use crate::Trip;
use crate::access::Callers;
use crate::limits::Room;
use crate::order_gate::{Bounded, Positions};

/// One request on its way, as the classifier saw it. No filter parses these things a second time.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Names this request in the answer, the log and the journal.
    pub decision: DecisionId,
    /// The address at the other end of the connection.
    pub peer: IpAddr,
    /// The route that was chosen.
    pub route: Arc<Route>,
    /// `Host` as checked: lower case, without the port.
    pub host: Arc<str>,
    /// The body, once it was read whole: what a record points to.
    pub input: Input,
    /// How long it took so far.
    pub trip: Trip,
}

/// A body as it came in, for whoever has to say which one it was. It may hold secrets, so it cannot be printed.
#[derive(Clone, Default)]
pub struct Input(OnceLock<Bytes>);

impl Input {
    /// Keeps the body for as long as the request is known of. Only the first counts.
    pub fn keep(&self, body: &Bytes) {
        self.0.get_or_init(|| body.clone());
    }

    /// The body, if it was read whole.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.0.get().map(|body| &body[..])
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

/// Names one decision: which process (`boot`) and which of its requests. Unique without a lock or a random number a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DecisionId {
    /// Drawn at random when the process started.
    pub boot: u64,
    /// Counts requests from 0.
    pub number: u64,
}

impl DecisionId {
    /// As it stands in the `sekisho-decision` header: `0123456789abcdef-1f`. Every answer has one, so it is not left to
    /// the formatting machinery.
    #[must_use]
    pub fn text(self) -> String {
        let digits = (u64::BITS - (self.number | 1).leading_zeros()).div_ceil(4);
        let bytes = hex(self.boot, 16).chain([b'-']).chain(hex(self.number, digits)).collect();
        // INVARIANT: all of it is ASCII.
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn hex(number: u64, digits: u32) -> impl Iterator<Item = u8> {
    (0..digits).rev().map(move |at| match (number >> (4 * at)).to_le_bytes()[0] & 0xF {
        digit @ 0..=9 => b'0' + digit,
        letter => b'a' + letter - 10,
    })
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A route as compiled: what the filters do with the requests it takes.
#[derive(Debug, Default)]
pub struct Route {
    /// As policy names it; also a metric label, so its values are those of the policy and no others.
    pub name: Arc<str>,
    /// The upstream's name in policy.
    pub upstream: Arc<str>,
    /// Which directions are searched for secrets.
    pub redact: Redaction,
    /// How bodies are read and what becomes of them.
    pub bodies: Bodies,
    /// Headers that may carry a credential this upstream is meant to receive.
    pub allow_headers: Vec<HeaderName>,
    /// Query parameters that may carry one.
    pub allow_query: Vec<String>,
    /// Fields of messages that may carry one, by their paths.
    pub allow_fields: Vec<String>,
    /// Whether a request may become a WebSocket.
    pub websocket: bool,
    /// Present on order routes.
    pub orders: Option<Orders>,
    /// Roles that may use the route; `None` asks nobody who they are.
    pub roles: Option<Vec<Role>>,
    /// What else it asks of its callers.
    pub callers: Callers,
    /// Room for the requests under way on it, if it has a bound of its own.
    pub room: Option<Room>,
}

impl Route {
    /// A route that leads to no upstream and does nothing.
    #[must_use]
    pub fn nowhere(name: &str) -> Self {
        Self { name: Arc::from(name), upstream: Arc::from("none"), ..Self::default() }
    }

    /// Whether a WebSocket that was opened by way of `before` would be opened by this as well, for the same callers and to the same
    /// upstream, and looked into as it has been from its first byte on. What its messages may say may be another.
    #[must_use]
    pub fn upgrades_as(&self, before: &Self) -> bool {
        let Callers { allow, deny, .. } = &before.callers;
        self.websocket
            && (&self.name, &self.upstream, &self.roles) == (&before.name, &before.upstream, &before.roles)
            && (&self.callers.allow, &self.callers.deny) == (allow, deny)
            && (self.redact, self.orders.is_some()) == (before.redact, before.orders.is_some())
    }
}

/// Which directions of a route are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// What the client sends to the upstream.
    pub request: bool,
    /// What the upstream answers.
    pub response: bool,
}

/// What makes a route an order route.
#[derive(Debug)]
pub struct Orders {
    /// How messages are told apart.
    pub rules: Arc<OrderRules>,
    /// Scopes the route belongs to besides the fleet.
    pub scopes: Vec<Scope>,
    /// What orders may ask for, whatever the state.
    pub bounds: Arc<Bounded>,
    /// Positions that somebody vouches for.
    pub positions: Option<Arc<Positions>>,
    /// Rules that are tried beside the others and decide nothing.
    pub shadow: Option<Arc<OrderRules>>,
}

/// Whether a request with these headers is a gRPC call.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().strip_prefix(GRPC.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
    })
}

/// The content type of gRPC, without what may follow it.
pub(crate) const GRPC: &str = "application/grpc";

#[cfg(test)]
mod tests {
    use sekisho_policy::Role;

    use super::{DecisionId, Redaction, Route};

    #[test]
    fn a_socket_goes_on_by_a_route_that_would_have_opened_it() {
        let route = || Route { websocket: true, ..Route::nowhere("a") };
        let limited = Route { allow_fields: vec!["args.key".to_owned()], ..route() };
        assert!(limited.upgrades_as(&route()));
        let mut elsewhere = route();
        elsewhere.callers.deny = vec![crate::access::Network { address: [10, 0, 0, 0].into(), prefix: 8 }];
        for other in [
            Route::nowhere("a"),
            Route { websocket: true, ..Route::nowhere("b") },
            Route { upstream: "b".into(), ..route() },
            Route { redact: Redaction { request: true, response: false }, ..route() },
            Route { roles: Some(vec![Role::Service]), ..route() },
            elsewhere,
        ] {
            assert!(!other.upgrades_as(&route()), "{other:?}");
        }
        assert!(!Route::nowhere("a").upgrades_as(&Route::nowhere("a")), "neither is a socket");
    }

    #[test]
    fn a_decision_is_written_in_hexadecimal() {
        for (boot, number) in [(0, 0), (1, 0xF), (0xABCD, 0x10), (u64::MAX, u64::MAX)] {
            assert_eq!(DecisionId { boot, number }.to_string(), format!("{boot:016x}-{number:x}"));
        }
    }
}
