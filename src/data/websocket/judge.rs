use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use sekisho_codec::{Limits, ws};
use sekisho_filters::contained::Contained;
use sekisho_filters::exchange::Input;
use sekisho_filters::order_gate::{MessageGate, OrderGateLayer, PermittedMessage};
use sekisho_filters::redact::{MessageSearch, meant_fields};
use sekisho_filters::respond::refused_message;
use sekisho_filters::{Exchange, Fault, Witness};
use sekisho_policy::Refusal;

use super::Opened;
use crate::data::chain;
use crate::data::classify::Decisions;
use crate::data::live::Live;

/// Who judges messages, whatever connection they come on: by the same parts as requests, as they are served now.
#[derive(Debug)]
pub struct Judge {
    live: Arc<Live>,
    /// Numbers what is refused.
    pub(crate) decisions: Arc<Decisions>,
    made: ArcSwap<Parts>,
    /// What goes no further, whatever it says.
    contained: Arc<Contained>,
    /// Told of every decision.
    pub(crate) witness: Arc<dyn Witness>,
}

/// What messages are judged by.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Which generation of what is served they are made of.
    generation: u64,
    /// Holds orders.
    pub(crate) gate: MessageGate,
    /// Searches.
    pub(crate) search: MessageSearch,
    /// How much of a message is read.
    fields: Limits,
    /// Seconds after which those should come again for whom there was no room.
    retry_after_s: u64,
}

impl Parts {
    fn now(live: &Live) -> Self {
        let (generation, served) = live.now();
        let chain::Parts { witness, limits, redact, safety, ledger, order_limits, .. } = &served.parts;
        let (safety, ledger) = (Arc::clone(safety), Arc::clone(ledger));
        let gate = OrderGateLayer::new(safety, Arc::clone(witness), ledger, order_limits.clone());
        Self {
            generation,
            gate: gate.messages(),
            search: redact.messages(),
            fields: order_limits.fields,
            retry_after_s: limits.retry_after_s(),
        }
    }
}

/// What becomes of a message.
#[derive(Debug)]
pub(super) struct Verdict {
    /// That it may pass.
    pub(super) permitted: PermittedMessage,
    /// What goes on in its place, if something does.
    pub(super) edited: Option<Vec<u8>>,
}

impl Judge {
    /// Judges by what `live` serves; `decisions` numbers what is refused.
    #[must_use]
    pub fn new(live: Arc<Live>, decisions: Arc<Decisions>) -> Self {
        let made = ArcSwap::from_pointee(Parts::now(&live));
        let served = live.served();
        let (contained, witness) = (Arc::clone(&served.parts.contained), Arc::clone(&served.parts.witness));
        Self { live, decisions, made, contained, witness }
    }

    /// What is served now.
    pub(crate) fn parts(&self) -> Arc<Parts> {
        let made = self.made.load_full();
        if made.generation == self.live.generation() {
            return made;
        }
        let made = Arc::new(Parts::now(&self.live));
        self.made.store(Arc::clone(&made));
        made
    }

    /// How often what is served was replaced.
    pub(super) fn generation(&self) -> u64 {
        self.live.generation()
    }

    /// What a connection goes on as under what is served now; `None` if it does not.
    pub(super) fn goes_on(&self, Opened { exchange, asked, .. }: &Opened) -> Option<Arc<Exchange>> {
        self.live.served().goes_on(exchange, asked)
    }

    /// Waits until a connection does not go on, which may be for ever.
    pub(super) async fn outlived(&self, opened: &Opened) {
        loop {
            let generation = self.generation();
            if self.goes_on(opened).is_none() {
                return;
            }
            self.live.beyond(generation).await;
        }
    }

    pub(super) fn retry_after_s(&self) -> u64 {
        self.parts().retry_after_s
    }

    /// Whether nothing passes on the route of a connection.
    pub(crate) fn quarantines(&self, connection: &Exchange) -> bool {
        self.contained.holds().quarantines(&connection.route)
    }

    /// Waits until nothing passes on the route of a connection any more, which may be for ever.
    pub(crate) async fn quarantined(&self, connection: &Exchange) {
        Arc::clone(&self.contained).quarantined(&connection.route).await;
    }

    /// What is known of one message of a connection: on a route with orders each is a decision of its own.
    pub(crate) fn one(&self, connection: &Arc<Exchange>, bytes: &[u8]) -> Arc<Exchange> {
        let Exchange { peer, route, host, trip, .. } = &**connection;
        if route.orders.is_none() {
            return Arc::clone(connection);
        }
        let input = Input::default();
        input.keep(&Bytes::copy_from_slice(bytes));
        let (route, host) = (Arc::clone(route), Arc::clone(host));
        Arc::new(Exchange { decision: self.decisions.next(), peer: *peer, route, host, input, trip: trip.part() })
    }

    /// A message of a client, on a connection that was opened at `path`.
    ///
    /// # Errors
    ///
    /// The refusal. It has not been told of yet.
    pub(super) fn sent(&self, exchange: &Arc<Exchange>, path: &str, message: &ws::Message) -> Result<Verdict, Refusal> {
        let text = match message.kind {
            ws::Kind::Text => str::from_utf8(&message.plain).ok(),
            ws::Kind::Binary => None,
        };
        // First, as for requests: what the gate refuses leaves nothing to search.
        let parts = self.parts();
        let permitted = parts.gate.socket(exchange, path, text)?;
        let route = &exchange.route;
        if !route.redact.request {
            return Ok(Verdict { permitted, edited: None });
        }
        let meant = meant_fields(&message.plain, &route.allow_fields, &parts.fields);
        let edited = parts.search.search(exchange, &message.plain, &meant)?;
        Ok(Verdict { permitted, edited })
    }

    /// A message of an upstream, on a route whose answers are searched.
    ///
    /// # Errors
    ///
    /// The refusal. It has not been told of yet.
    pub(super) fn answered(&self, exchange: &Arc<Exchange>, message: &ws::Message) -> Result<Verdict, Refusal> {
        let parts = self.parts();
        let edited = parts.search.search(exchange, &message.plain, &[])?;
        Ok(Verdict { permitted: parts.gate.unheld(), edited })
    }

    /// Whether what a control frame says may pass. It is not edited: it is an echo, or a reason for people.
    pub(super) fn aside(&self, exchange: &Arc<Exchange>, text: &[u8]) -> Result<(), Refusal> {
        match self.parts().search.search(exchange, text, &[]) {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(Refusal::SecretInContent),
        }
    }

    /// Tells of a refusal, and says what to answer to `text`, the message that was refused.
    pub(super) fn refuse(&self, exchange: &Exchange, refusal: &Refusal, text: &[u8]) -> String {
        self.witness.refused(exchange, refusal);
        let rules = exchange.route.orders.as_ref().map(|orders| &*orders.rules);
        refused_message(refusal, exchange.decision, rules, str::from_utf8(text).unwrap_or_default())
    }

    /// Tells that an upstream has broken the protocol.
    pub(super) fn broke(&self, exchange: &Exchange, why: ws::WsError) {
        self.witness.broke(exchange, &Fault::Upstream(why.into()));
    }
}

/// What a client is told that breaks the protocol.
pub(super) const fn refusal(why: ws::WsError) -> Refusal {
    match why {
        ws::WsError::Protocol(what) => Refusal::BadRequest { what },
        ws::WsError::NotText => Refusal::BadRequest { what: "a text message is not UTF-8" },
        ws::WsError::TooLarge => Refusal::BodyTooLarge,
        ws::WsError::Undecodable => Refusal::Undecodable,
    }
}
