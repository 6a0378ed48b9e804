//! Rules as written, and the way to rules as compiled. `policy/packs/orders/README.md` explains the language.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::bounds::{BoundsWritten, OrderBounds};
use super::condition::Condition;
use super::order::{OrderFieldsWritten, Side};
use super::packs;
use super::path::Pattern;
use super::rules::{Flags, Legs, OrderRules, Rpc, Rule, Rulebook, UnknownOrders};
use super::shape::ShapesWritten;
use super::source::{PositionSource, PositionsWritten};
use super::websocket::WebSocketWritten;
use crate::Class;
use crate::check::{Checker, one_of};
use crate::written::{At, ClassWord, Flag, Place, Raw, Text};

macro_rules! condition {
    ($written:expr) => {
        Condition {
            when: values(&$written.when),
            if_present: values(&$written.if_present),
            positive: texts(&$written.positive),
            present: texts(&$written.present),
            absent: texts(&$written.absent),
            unless: values(&$written.unless),
        }
    };
}

/// How the messages of a route are judged.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OrdersWritten {
    /// The name of a pack: generic, binance, okx, bybit, kraken, kraken_futures, coinbase, deribit, alpaca or fix.
    pub(crate) pack: Option<Raw<Text>>,
    /// Rules of one's own, in the place of a pack.
    pub(crate) rules: Option<At<RulesWritten>>,
    /// What becomes of an unknown message in ALLOW: `deny` or `opening`. Default deny.
    pub(crate) unknown: Option<Raw<Text>>,
    /// Whether EMERGENCY_STOP refuses cancels too. Default false.
    pub(crate) seal_cancels: Option<Raw<Flag>>,
    /// Whether ALLOW permits relaxing risk: leverage, margin mode, a dead-man switch disarmed. Default true.
    pub(crate) allow_risk: Option<Raw<Flag>>,
    /// Whether ALLOW permits moving funds and managing keys. Default false.
    pub(crate) allow_funds: Option<Raw<Flag>>,
    /// What orders may ask for, whatever the state.
    pub(crate) limits: BoundsWritten,
    /// Who vouches for positions. Default nobody.
    pub(crate) positions: Option<At<PositionsWritten>>,
    /// A pack that is tried beside the rules and decides nothing: where it would have decided otherwise, that is counted and
    /// journaled.
    pub(crate) shadow: Option<Raw<Text>>,
}

/// How the messages of a venue are told apart.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RulesWritten {
    /// Whose fields count in a POST, PUT or PATCH: `body`, or `query_and_body` for a venue that reads both. Default body.
    pub(crate) post_fields: Option<Raw<Text>>,
    /// Fields, or named segments of paths, whose value names an instrument.
    pub(crate) instruments: Vec<Raw<Text>>,
    /// Known values of fields. Any other value makes an order unknown.
    pub(crate) values: BTreeMap<String, Vec<Raw<Text>>>,
    /// For JSON-RPC.
    pub(crate) rpc: Option<At<RpcWritten>>,
    /// For messages of a WebSocket.
    pub(crate) websocket: Option<At<WebSocketWritten>>,
    /// Where an order says its side, quantity, price and id.
    pub(crate) order: OrderFieldsWritten,
    /// How the venue refuses. Default: as on every other route.
    pub(crate) refusal: ShapesWritten,
    /// The header that tells accounts of the venue apart. Default: the route is one account.
    pub(crate) account_header: Option<Raw<Text>>,
    /// The rules; the first that matches decides.
    pub(crate) rules: Vec<At<RuleWritten>>,
    /// What the rules are to make of given messages; a test runs them.
    pub(crate) examples: Vec<ExampleWritten>,
}

/// JSON-RPC: the method is a field of the body, and is brought into the path before the rules are tried.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RpcWritten {
    /// The path of a call whose method is only in the body.
    pub(crate) path: Option<Raw<Text>>,
    /// What stands before the method when it is in the path.
    pub(crate) prefix: Option<Raw<Text>>,
    /// The field with the method. Default method.
    pub(crate) method: Option<Raw<Text>>,
    /// The field with the parameters. Default params.
    pub(crate) params: Option<Raw<Text>>,
}

/// One rule.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuleWritten {
    /// Methods.
    pub(crate) methods: Vec<Raw<Text>>,
    /// The host. Default any.
    pub(crate) host: Option<Raw<Text>>,
    /// Paths: segments, `*` for one, `get_*` for one that begins so, `{symbol}` for a named one, `**` for all the rest.
    pub(crate) paths: Vec<Raw<Text>>,
    /// Fields and the values one of which each must have.
    pub(crate) when: BTreeMap<String, Vec<Raw<Text>>>,
    /// Fields that, when they are there, must have one of these values.
    pub(crate) if_present: BTreeMap<String, Vec<Raw<Text>>>,
    /// Fields that must be whole numbers above zero.
    pub(crate) positive: Vec<Raw<Text>>,
    /// Fields that must be there.
    pub(crate) present: Vec<Raw<Text>>,
    /// Fields that must not be there.
    pub(crate) absent: Vec<Raw<Text>>,
    /// Fields that must have none of these values.
    pub(crate) unless: BTreeMap<String, Vec<Raw<Text>>>,
    /// Headers and the values one of which each must have.
    pub(crate) headers: BTreeMap<String, Vec<Raw<Text>>>,
    /// What a message that fits is.
    pub(crate) class: Option<Raw<ClassWord>>,
    /// Which way the orders go, where the path says it: `buy` or `sell`.
    pub(crate) side: Option<Raw<Text>>,
    /// Where the list of orders of a batch is: `orders.*`, or `*` for a body that is the list.
    pub(crate) at: Option<Raw<Text>>,
    /// What each order of a batch, or the new order of an amendment, is; the first that matches decides.
    pub(crate) legs: Vec<At<LegWritten>>,
}

/// What one order of a batch is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LegWritten {
    /// Fields and the values one of which each must have.
    pub(crate) when: BTreeMap<String, Vec<Raw<Text>>>,
    /// Fields that, when they are there, must have one of these values.
    pub(crate) if_present: BTreeMap<String, Vec<Raw<Text>>>,
    /// Fields that must be whole numbers above zero.
    pub(crate) positive: Vec<Raw<Text>>,
    /// Fields that must be there.
    pub(crate) present: Vec<Raw<Text>>,
    /// Fields that must not be there.
    pub(crate) absent: Vec<Raw<Text>>,
    /// Fields that must have none of these values.
    pub(crate) unless: BTreeMap<String, Vec<Raw<Text>>>,
    /// What an order that fits is.
    pub(crate) class: Option<Raw<ClassWord>>,
}

/// What the rules are to make of a message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExampleWritten {
    /// Method and path; `WS` and any path for a message of a WebSocket.
    pub(crate) send: String,
    /// Headers.
    pub(crate) headers: BTreeMap<String, String>,
    /// Fields of the query.
    pub(crate) query: BTreeMap<String, String>,
    /// Fields of the body, flattened.
    pub(crate) body: BTreeMap<String, String>,
    /// The class.
    pub(crate) class: String,
    /// The classes of the legs.
    pub(crate) legs: Vec<String>,
    /// Whether it can be read in two ways.
    pub(crate) ambiguous: bool,
}

/// What an order route does beside what its rules say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) bounds: OrderBounds,
    pub(crate) positions: Option<PositionSource>,
    pub(crate) shadow: Option<OrderRules>,
}

impl OrdersWritten {
    pub(crate) fn check_beside(&self, path: &str, checker: &mut Checker) -> Beside {
        let positions = self.positions.as_ref();
        let positions =
            positions.and_then(|source| source.value.check(source.place, &format!("{path}.positions"), checker));
        let shadow = self.shadow.as_ref().and_then(|pack| {
            let rules = packs::compiled(pack.text());
            if rules.is_none() {
                let message = format!("expected {}", one_of(&packs::names()));
                checker.wrong(pack.place(), &format!("{path}.shadow"), message);
            }
            rules
        });
        Beside { bounds: self.limits.check(&format!("{path}.limits"), checker), positions, shadow }
    }

    /// The rules of a pack, as they are.
    pub(crate) fn of_pack(name: &str) -> Option<OrderRules> {
        packs::compiled(name)
    }

    pub(crate) fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<OrderRules> {
        let unknown = self.unknown.as_ref().and_then(|raw| {
            let words = [("deny", UnknownOrders::Deny), ("opening", UnknownOrders::Opening)];
            checker.choice(raw, &format!("{path}.unknown"), &words)
        });
        let flags = Flags {
            unknown: unknown.unwrap_or(UnknownOrders::Deny),
            seal_cancels: checker.flag(self.seal_cancels.as_ref(), &format!("{path}.seal_cancels"), false),
            allow_risk: checker.flag(self.allow_risk.as_ref(), &format!("{path}.allow_risk"), true),
            allow_funds: checker.flag(self.allow_funds.as_ref(), &format!("{path}.allow_funds"), false),
        };
        let rules = match (&self.pack, &self.rules) {
            (Some(pack), None) => {
                let pack_path = format!("{path}.pack");
                let rules = packs::compiled(pack.text());
                if rules.is_none() {
                    checker.wrong(pack.place(), &pack_path, format!("expected {}", one_of(&packs::names())));
                }
                rules
            }
            (None, Some(rules)) => Some(rules.value.check("inline", &format!("{path}.rules"), checker)),
            (None, None) | (Some(_), Some(_)) => {
                checker.wrong(place, path, "expected either a pack or rules");
                None
            }
        };
        rules.map(|rules| OrderRules { flags, ..rules })
    }
}

impl RulesWritten {
    pub(crate) fn check(&self, name: &str, path: &str, checker: &mut Checker) -> OrderRules {
        let query_counts = self.post_fields.as_ref().and_then(|raw| {
            let words = [("body", false), ("query_and_body", true)];
            checker.choice(raw, &format!("{path}.post_fields"), &words)
        });
        let rule = |(index, rule): (usize, &At<RuleWritten>)| {
            rule.value.check(rule.place, &format!("{path}.rules[{index}]"), checker)
        };
        let rules = self.rules.iter().enumerate().filter_map(rule).collect();
        let rpc = self.rpc.as_ref().and_then(|rpc| rpc.value.check(rpc.place, &format!("{path}.rpc"), checker));
        let websocket = self.websocket.as_ref();
        let websocket =
            websocket.and_then(|socket| socket.value.check(socket.place, &format!("{path}.websocket"), checker));
        OrderRules {
            name: name.to_owned(),
            flags: Flags::default(),
            query_counts: query_counts.unwrap_or(false),
            instruments: texts(&self.instruments),
            values: values(&self.values),
            rpc,
            websocket,
            order: self.order.check(&format!("{path}.order"), checker),
            shapes: self.refusal.check(&format!("{path}.refusal"), checker),
            account_header: self.account_header.as_ref().map(|raw| raw.text().to_ascii_lowercase()),
            headers: self.headers(),
            rules: Rulebook::new(rules),
        }
    }
}

impl RulesWritten {
    /// Headers that any of the rules asks for.
    fn headers(&self) -> Vec<String> {
        let names = self.rules.iter().flat_map(|rule| rule.value.headers.keys()).map(|name| name.to_ascii_lowercase());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl RpcWritten {
    fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<Rpc> {
        let call = checker.needed(self.path.as_ref(), place, &format!("{path}.path"));
        let prefix = checker.needed(self.prefix.as_ref(), place, &format!("{path}.prefix"));
        let or = |raw: &Option<Raw<Text>>, default: &str| raw.as_ref().map_or(default, Raw::text).to_owned();
        Some(Rpc {
            path: call?.text().to_owned(),
            prefix: prefix?.text().to_owned(),
            method: or(&self.method, "method"),
            params: or(&self.params, "params"),
        })
    }
}

impl RuleWritten {
    fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<Rule> {
        if self.methods.is_empty() || self.paths.is_empty() {
            checker.wrong(place, path, "expected at least one method and one path");
        }
        for (index, method) in self.methods.iter().enumerate() {
            if !METHODS.contains(&method.text()) {
                let path = format!("{path}.methods[{index}]");
                checker.wrong(method.place(), &path, format!("expected {}", one_of(&METHODS)));
            }
        }
        let paths = self.paths.iter().enumerate().filter_map(|(index, raw)| {
            let pattern = Pattern::parse(raw.text());
            if pattern.is_none() {
                let message = "expected a pattern, as /api/v3/order, /v2/orders/{symbol} or /public/**";
                checker.wrong(raw.place(), &format!("{path}.paths[{index}]"), message);
            }
            pattern
        });
        let paths = paths.collect();
        let class = checker.needed(self.class.as_ref(), place, &format!("{path}.class"));
        let class = class.and_then(|raw| checker.choice(raw, &format!("{path}.class"), &classes()));
        let legs = class.and_then(|class| self.check_legs(class, place, path, checker));
        let sides = [("buy", Side::Buy), ("sell", Side::Sell)];
        let side = self.side.as_ref().and_then(|raw| checker.choice(raw, &format!("{path}.side"), &sides));
        Some(Rule {
            methods: texts(&self.methods),
            host: self.host.as_ref().map(|host| host.text().to_ascii_lowercase()),
            paths,
            condition: condition!(self),
            headers: values(&self.headers).into_iter().map(|(name, of)| (name.to_ascii_lowercase(), of)).collect(),
            class: class?,
            side,
            legs,
        })
    }

    fn check_legs(&self, class: Class, place: Place, path: &str, checker: &mut Checker) -> Option<Legs> {
        let batch = class == Class::Batch;
        if batch != self.at.is_some() || (batch && self.legs.is_empty()) {
            checker.wrong(place, path, "expected at and legs with class batch, and at with no other class");
        }
        if let Some(leg) = self.legs.first().filter(|_| !batch && class != Class::Amend) {
            checker.wrong(leg.place, &format!("{path}.legs"), "expected legs only with class batch or amend");
        }
        let at = self.at.as_ref().and_then(|raw| {
            let at = raw.text().strip_suffix('*').map(|at| at.strip_suffix('.').unwrap_or(at).to_owned());
            if at.is_none() {
                checker.wrong(raw.place(), &format!("{path}.at"), "expected * or FIELD.*");
            }
            at
        });
        let rules = self.legs.iter().enumerate();
        let rules: Vec<_> = rules
            .filter_map(|(index, leg)| leg.value.check(leg.place, &format!("{path}.legs[{index}]"), checker))
            .collect();
        (!self.legs.is_empty()).then_some(Legs { at, rules })
    }
}

impl LegWritten {
    fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<(Condition, Class)> {
        let path = format!("{path}.class");
        let raw = checker.needed(self.class.as_ref(), place, &path)?;
        let class = checker.choice(raw, &path, &classes())?;
        if matches!(class, Class::Batch | Class::Amend) {
            checker.wrong(raw.place(), &path, "expected a class that has no legs of its own");
        }
        Some((condition!(self), class))
    }
}

fn values(written: &BTreeMap<String, Vec<Raw<Text>>>) -> Vec<(String, Vec<String>)> {
    written.iter().map(|(name, values)| (name.clone(), texts(values))).collect()
}

/// The words for classes.
fn classes() -> [(&'static str, Class); 12] {
    Class::ALL.map(|class| (class.name(), class))
}

fn texts(raws: &[Raw<Text>]) -> Vec<String> {
    raws.iter().map(|raw| raw.text().to_owned()).collect()
}

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "WS", "FIX"];
