//! Rules, compiled: what a message is.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::order::{OrderFields, Side};
use super::path::Pattern;
use super::shape::{Shape, Shapes};
use super::websocket::WebSocket;
use crate::{Class, Refusal};

/// How the messages of a venue are told apart, and what a policy permits beyond the table. Made by
/// [`Policy::parse`](crate::Policy::parse) from a pack or from rules in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRules {
    pub(super) name: String,
    pub(super) flags: Flags,
    /// Whether the venue reads the query of a POST, PUT or PATCH along with its body.
    pub(super) query_counts: bool,
    /// Fields whose value names an instrument.
    pub(super) instruments: Vec<String>,
    /// Known values of a field, in every message that could change a position.
    pub(super) values: Vec<(String, Vec<String>)>,
    pub(super) rpc: Option<Rpc>,
    pub(super) websocket: Option<WebSocket>,
    /// Where an order says how much, at what price, and so on.
    pub(super) order: OrderFields,
    /// How the venue refuses.
    pub(super) shapes: Shapes,
    /// The header that tells accounts of the venue apart, in lower case.
    pub(super) account_header: Option<String>,
    /// Headers that rules ask for, in lower case.
    pub(super) headers: Vec<String>,
    pub(super) rules: Rulebook,
}

/// What becomes of an unknown message in ALLOW. Everywhere else it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOrders {
    /// It is refused.
    Deny,
    /// It passes, as an opening order would.
    Opening,
}

/// What a policy permits, or seals, beyond the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) unknown: UnknownOrders,
    /// Whether EMERGENCY_STOP refuses cancels too.
    pub(crate) seal_cancels: bool,
    /// Whether ALLOW permits relaxing risk.
    pub(crate) allow_risk: bool,
    /// Whether ALLOW permits moving funds.
    pub(crate) allow_funds: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { unknown: UnknownOrders::Deny, seal_cancels: false, allow_risk: true, allow_funds: false }
    }
}

/// JSON-RPC: the method is a field of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rpc {
    /// The path of a call whose method is only in the body.
    pub(super) path: String,
    /// What stands before the method, when it is in the path.
    pub(super) prefix: String,
    /// The field with the method.
    pub(super) method: String,
    /// The field with the parameters.
    pub(super) params: String,
}

/// Rules in their order, the first that takes a message being the one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rulebook {
    rules: Vec<Rule>,
    /// Which rules a path may meet, for every path that is written out in one of them. It spares a flood of orders most
    /// comparisons; what is not in it is compared with everything.
    by_path: BTreeMap<String, Vec<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) methods: Vec<String>,
    pub(super) host: Option<String>,
    pub(super) paths: Vec<Pattern>,
    pub(super) condition: Condition,
    /// Headers, and the values one of which each must have.
    pub(super) headers: Vec<(String, Vec<String>)>,
    pub(super) class: Class,
    /// Which way the orders go that it takes.
    pub(super) side: Option<Side>,
    pub(super) legs: Option<Legs>,
}

/// The orders within a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Legs {
    /// Where the list is; empty for a body that is the list. None: the message itself is the one leg.
    pub(super) at: Option<String>,
    pub(super) rules: Vec<(Condition, Class)>,
}

impl OrderRules {
    /// The name of the pack, or of the route's own rules.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// These rules, with what the policy of others permits beyond the table.
    pub(crate) fn permitting_as(self, other: &Self) -> Self {
        Self { flags: other.flags, ..self }
    }

    /// Whether orders have ids that their senders give them.
    #[must_use]
    pub fn has_ids(&self) -> bool {
        self.order.has_ids()
    }

    /// Headers that the rules ask for, in lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }

    /// The header whose value tells accounts of the venue apart, in lower case. It is a credential.
    #[must_use]
    pub fn account_header(&self) -> Option<&str> {
        self.account_header.as_deref()
    }

    /// How the venue would say this, if the rules have a shape for it.
    #[must_use]
    pub fn shape(&self, refusal: &Refusal) -> Option<&Shape> {
        self.shapes.of(refusal)
    }

    /// What becomes of an unknown message in ALLOW.
    #[must_use]
    pub const fn unknown(&self) -> UnknownOrders {
        self.flags.unknown
    }
}

impl Rulebook {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let meets = |path: &str| {
            let takes =
                |(at, rule): (usize, &Rule)| rule.paths.iter().any(|ours| ours.matches(path).is_some()).then_some(at);
            rules.iter().enumerate().filter_map(takes).collect()
        };
        let written_out = rules.iter().flat_map(|rule| &rule.paths).filter_map(Pattern::written_out);
        let by_path = written_out.map(|path| (path.to_owned(), meets(path))).collect();
        Self { rules, by_path }
    }

    pub(super) fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that may take a message with this path, in their order: no other does.
    pub(super) fn meeting(&self, path: &str) -> impl Iterator<Item = &Rule> {
        let some = self.by_path.get(path);
        let all = if some.is_some() { &[] } else { self.rules.as_slice() };
        some.into_iter().flatten().filter_map(|at| self.rules.get(*at)).chain(all)
    }
}

impl Rule {
    pub(super) fn takes(&self, method: &str, host: &str) -> bool {
        self.methods.iter().any(|ours| ours == method) && self.host.as_deref().is_none_or(|ours| ours == host)
    }

    /// Whether the headers have the values that it asks for.
    pub(super) fn heeds(&self, headers: &[(String, String)]) -> bool {
        let has = |(name, values): &(String, Vec<String>)| {
            headers.iter().any(|(ours, value)| ours == name && values.contains(value))
        };
        self.headers.iter().all(has)
    }
}
