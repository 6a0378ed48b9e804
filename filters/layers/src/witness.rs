//! Who is told what the filters decided: the journal, the metrics and the signals of the process.

use std::fmt::Debug;

use sekisho_policy::{Beyond, Class, Forwarded, Refusal};
use sekisho_scan::Finding;

use crate::access::{Attempt, Principal};
use crate::order_gate::Shadowed;
use crate::{Exchange, Fault};

/// Told of every decision, on the request's own path: an implementation must neither block nor wait.
pub trait Witness: Debug + Send + Sync {
    /// A request was refused; its answer says so.
    fn refused(&self, exchange: &Exchange, refusal: &Refusal);

    /// Something broke; the client gets an opaque answer.
    fn broke(&self, exchange: &Exchange, fault: &Fault);

    /// Secrets were found in what was about to leave.
    fn found(&self, exchange: &Exchange, place: Place, findings: &[Finding]);

    /// A stream was cut after `sent` bytes of it had already left.
    fn cut(&self, exchange: &Exchange, sent: u64);

    /// A caller tried to prove who it is and could not.
    fn failed(&self, exchange: &Exchange, attempt: &Attempt);

    /// A caller has proven who it is, and its role may not use the route. The refusal that follows is told as well.
    fn denied(&self, exchange: &Exchange, principal: &Principal);

    /// An order message was let through to its upstream.
    fn forwarded(&self, exchange: &Exchange, class: Class);

    /// An order that the state permits has an id that went on before, of which `known` is known: it is a repetition, or
    /// somebody's replay.
    fn replayed(&self, exchange: &Exchange, known: Forwarded);

    /// A rate of orders came near its bound: `share` percent of it.
    fn nears(&self, exchange: &Exchange, bound: Beyond, share: u8);

    /// An order message was tried by the shadow's rules too: its class by the rules that count and by the shadow's.
    fn shadowed(&self, exchange: &Exchange, classes: (Class, Class), outcome: Shadowed);
}

/// Hears of everything and tells nobody, for what is no traffic: a drill, a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Deaf;

impl Witness for Deaf {
    fn refused(&self, _exchange: &Exchange, _refusal: &Refusal) {}

    fn broke(&self, _exchange: &Exchange, _fault: &Fault) {}

    fn found(&self, _exchange: &Exchange, _place: Place, _findings: &[Finding]) {}

    fn cut(&self, _exchange: &Exchange, _sent: u64) {}

    fn failed(&self, _exchange: &Exchange, _attempt: &Attempt) {}

    fn denied(&self, _exchange: &Exchange, _principal: &Principal) {}

    fn forwarded(&self, _exchange: &Exchange, _class: Class) {}

    fn replayed(&self, _exchange: &Exchange, _known: Forwarded) {}

    fn nears(&self, _exchange: &Exchange, _bound: Beyond, _share: u8) {}

    fn shadowed(&self, _exchange: &Exchange, _classes: (Class, Class), _outcome: Shadowed) {}
}

/// Where in a message a secret was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path of the request target.
    Path,
    /// The query of the request target.
    Query,
    /// A header.
    Header,
    /// The body.
    Body,
    /// A trailer.
    Trailer,
    /// A message of a connection that has left HTTP.
    Message,
}

impl Place {
    /// The word for it in metrics and the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
            Self::Trailer => "trailer",
            Self::Message => "message",
        }
    }
}
