//! From a message to its class.

use std::collections::BTreeSet;

use sekisho_safety::{Effective, Posture, Scope};

use super::condition::Fields;
use super::decide::{permitted, refused};
use super::order::Around;
use super::path::aliased;
use super::rules::{Legs, Rpc, Rule};
use super::{Order, OrderHead, OrderRules, OrderView};
use crate::{Class, Refusal};

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Its class. When it can be read in two ways: the worst class that a message with its head can have.
    pub class: Class,
    /// The classes of its parts, when it has parts.
    pub legs: Vec<Class>,
    /// The orders in it that may change a position: itself, or its parts.
    pub orders: Vec<Order>,
    /// The instruments that it names.
    pub scopes: Vec<Scope>,
    /// What makes it readable in two ways. Names fields, never values.
    pub ambiguous: Option<String>,
}

/// A class, and those of the parts.
pub(super) type Found = (Class, Vec<Class>);

const UNKNOWN: Found = (Class::Unknown, Vec::new());

/// What is known of a message before any rule is tried.
pub(super) struct Doubt<'m> {
    /// What makes it readable in two ways.
    pub(super) ambiguous: Option<String>,
    /// Whether its fields could not be read.
    pub(super) unread: bool,
    /// Its headers that rules ask for.
    pub(super) headers: &'m [(String, String)],
}

impl Classified {
    pub(super) const fn unknown(ambiguous: Option<String>) -> Self {
        Self { class: Class::Unknown, legs: Vec::new(), orders: Vec::new(), scopes: Vec::new(), ambiguous }
    }
}

impl OrderRules {
    /// What a message is. What no rule knows is [`Class::Unknown`].
    #[must_use]
    pub fn classify(&self, view: &OrderView<'_>) -> Classified {
        let all = Fields::new(view.query).with(view.body);
        let ambiguous = view.ambiguity.map(str::to_owned).or_else(|| self.ambiguity(view, &all));
        let call = self.call(view);
        let possible = || {
            if aliased(view.path).is_some() { vec![UNKNOWN] } else { self.possible(view.method, view.host, view.path) }
        };
        let unread =
            view.ambiguity.is_some() && view.body.is_empty() && (carries_body(view.method) || view.query.is_empty());
        self.conclude(&call, &all, Doubt { ambiguous, unread, headers: view.headers }, possible)
    }

    pub(super) fn conclude(
        &self,
        call: &Result<Call<'_>, &'static str>,
        all: &Fields<'_>,
        doubt: Doubt<'_>,
        possible: impl FnOnce() -> Vec<Found>,
    ) -> Classified {
        let Doubt { mut ambiguous, unread, headers } = doubt;
        let mut of_rule = match call {
            Ok(call) => self.find(call, headers, &mut ambiguous),
            Err(why) => {
                ambiguous.get_or_insert_with(|| (*why).to_owned());
                OfRule::default()
            }
        };
        of_rule.scopes.extend(all.named(&self.instruments).flat_map(instrument));
        let found = of_rule.found;
        let found = if ambiguous.is_some() { self.worse(found, self.worst(possible())) } else { found };
        // An order whose fields could not be read may be for an instrument that is held: its scope is not known.
        let (class, legs) = if unread && moves_position(found.0) { UNKNOWN } else { found };
        let scopes = of_rule.scopes.into_iter().collect();
        Classified { class, legs, orders: of_rule.orders, scopes, ambiguous }
    }

    /// Refuses a message by its head alone, when nothing its body could say would let it through.
    #[must_use]
    pub fn refusable_by_head(&self, head: OrderHead<'_>, effective: &Effective) -> Option<Refusal> {
        let why = aliased(head.path);
        let possible = if why.is_some() { vec![UNKNOWN] } else { self.possible(head.method, head.host, head.path) };
        if let Some(why) = why.filter(|_| effective.posture != Posture::Allow) {
            let (class, legs) = self.worst(possible);
            return Some(Refusal::OrderAmbiguous(refused(class, &legs, effective), why.to_owned()));
        }
        if possible.iter().any(|(class, legs)| permitted(*class, legs, effective.posture, self.flags)) {
            return None;
        }
        let (class, legs) = self.worst(possible);
        Some(Refusal::OrderRefused(refused(class, &legs, effective)))
    }

    /// The first rule that takes the message, and what it says.
    fn find(&self, call: &Call<'_>, headers: &[(String, String)], ambiguous: &mut Option<String>) -> OfRule {
        for rule in self.rules.meeting(&call.path).filter(|rule| rule.takes(call.method, call.host)) {
            let Some(named) = rule.paths.iter().find_map(|path| path.matches(&call.path)) else { continue };
            if !rule.condition.holds(&call.fields) || !rule.heeds(headers) {
                continue;
            }
            let mut instruments =
                named.iter().filter(|(name, _)| self.instruments.iter().any(|ours| ours == name)).peekable();
            let in_path = instruments.peek().map(|(_, value)| *value);
            let scopes = instruments.flat_map(|(_, value)| instrument(value)).collect();
            let around = Around { shared: &call.fields, instruments: &self.instruments, in_path, side: rule.side };
            let (found, orders) = match &rule.legs {
                None => {
                    let class = self.known(rule.class, &call.fields, ambiguous);
                    ((class, Vec::new()), self.order(class, &call.fields, around).into_iter().collect())
                }
                Some(legs) => {
                    let (classes, orders) = self.legs(legs, around, ambiguous);
                    ((rule.class, classes), orders)
                }
            };
            return OfRule { found, orders, scopes };
        }
        if self.is_nearly_known(call) {
            ambiguous.get_or_insert_with(|| "the path is a known one spelled otherwise".to_owned());
        }
        OfRule::default()
    }

    fn legs(&self, legs: &Legs, around: Around<'_, '_>, ambiguous: &mut Option<String>) -> (Vec<Class>, Vec<Order>) {
        let elements = match &legs.at {
            None => Some(vec![around.shared.clone()]),
            Some(at) => around.shared.elements(at),
        };
        let Some(elements) = elements else {
            ambiguous.get_or_insert_with(|| "no list of orders where one belongs".to_owned());
            return (vec![Class::Unknown], Vec::new());
        };
        let class = |leg: &Fields<'_>| {
            legs.rules.iter().find(|(condition, _)| condition.holds(leg)).map_or(Class::Unknown, |(_, class)| *class)
        };
        let classes: Vec<_> = elements.iter().map(|leg| self.known(class(leg), leg, ambiguous)).collect();
        let orders = elements.iter().zip(&classes).filter_map(|(leg, class)| self.order(*class, leg, around));
        let orders = orders.collect();
        (classes, orders)
    }

    fn order<'m>(&self, class: Class, leg: &Fields<'m>, around: Around<'m, '_>) -> Option<Order> {
        moves_position(class).then(|| self.order.read(class, leg, around))
    }

    /// The class, if the fields have values that are known; a value that is not may change what the order does.
    fn known(&self, class: Class, fields: &Fields<'_>, ambiguous: &mut Option<String>) -> Class {
        if !moves_position(class) {
            return class;
        }
        let strange = self
            .values
            .iter()
            .find(|(name, values)| fields.get(name).is_some_and(|value| !values.iter().any(|known| known == value)));
        let Some((name, _)) = strange else { return class };
        ambiguous.get_or_insert_with(|| format!("an unknown value of `{name}`"));
        Class::Unknown
    }

    /// Every class that a message with this head, whose path has one reading, may turn out to have. A batch is judged by its
    /// legs, so each leg that it may have stands for itself.
    pub(super) fn possible(&self, method: &str, host: &str, path: &str) -> Vec<Found> {
        let mut possible = Vec::new();
        let rpc = self.rpc.as_ref().is_some_and(|rpc| path == rpc.path && method == "POST");
        let takes =
            |rule: &&Rule| rule.takes(method, host) && rule.paths.iter().any(|ours| ours.matches(path).is_some());
        let any = self.rules.all().iter().filter(|_| rpc);
        let meeting = self.rules.meeting(path).filter(|_| !rpc).filter(takes);
        let mut certain = false;
        for rule in any.chain(meeting) {
            match &rule.legs {
                None => possible.push((rule.class, Vec::new())),
                Some(legs) => possible.extend(legs.rules.iter().map(|(_, leg)| (rule.class, vec![*leg]))),
            }
            certain = !rpc && rule.condition.is_empty() && rule.headers.is_empty();
            if certain {
                break;
            }
        }
        if !certain || possible.iter().any(|(class, _)| moves_position(*class)) {
            possible.push((Class::Unknown, Vec::new()));
        }
        possible
    }

    /// The worst of what a head leaves possible, when the fields are not to be believed. An order with strange fields is at
    /// worst an order; anything else, and a call whose method is in its body, may be anything.
    fn worst(&self, mut possible: Vec<Found>) -> Found {
        let worst =
            |possible: &[Found]| possible.iter().rev().max_by_key(|(class, legs)| self.badness(*class, legs)).cloned();
        let of_all = worst(&possible).unwrap_or(UNKNOWN);
        if of_all != UNKNOWN {
            return of_all;
        }
        possible.retain(|(class, _)| moves_position(*class));
        worst(&possible).unwrap_or(of_all)
    }

    fn worse(&self, one: Found, other: Found) -> Found {
        if self.badness(other.0, &other.1) > self.badness(one.0, &one.1) { other } else { one }
    }

    fn badness(&self, class: Class, legs: &[Class]) -> (bool, bool, bool, Class) {
        let refused = |posture| !permitted(class, legs, posture, self.flags);
        (refused(Posture::Allow), refused(Posture::CloseOnly), refused(Posture::Block), class)
    }

    /// What makes a message readable in two ways before any rule is tried.
    fn ambiguity(&self, view: &OrderView<'_>, all: &Fields<'_>) -> Option<String> {
        let twice = Self::given_twice(all);
        if twice.is_some() {
            return twice;
        }
        let headers: BTreeSet<_> = view.headers.iter().map(|(name, _)| name).collect();
        if headers.len() < view.headers.len() {
            return Some("a header that counts is given twice".to_owned());
        }
        match view.method {
            "GET" | "HEAD" if !view.body.is_empty() => Some("a body where none belongs".to_owned()),
            // A flag that must not be there could hide in it.
            "POST" | "PUT" | "PATCH" if !self.query_counts && !view.query.is_empty() => {
                Some("a query where none belongs".to_owned())
            }
            _ => None,
        }
    }

    /// A field that is there twice.
    pub(super) fn given_twice(all: &Fields<'_>) -> Option<String> {
        let name = all.twice()?;
        // The name is the client's: what is no plain name is not repeated.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]".contains(&byte);
        let sound = name.len() <= 64 && name.bytes().all(plain);
        Some(if sound { format!("`{name}` is given twice") } else { "a field is given twice".to_owned() })
    }

    fn is_nearly_known(&self, call: &Call<'_>) -> bool {
        let lower = call.path.to_ascii_lowercase();
        let lower = lower.trim_end_matches('/');
        let mut paths = self.rules.all().iter().flat_map(|rule| &rule.paths);
        paths.any(|path| path.matches(&call.path).is_none() && path.lower().matches(lower).is_some())
    }

    /// The head and the fields that count, with a call's method brought into its path.
    fn call<'m>(&self, view: &OrderView<'m>) -> Result<Call<'m>, &'static str> {
        if let Some(why) = aliased(view.path) {
            return Err(why);
        }
        let in_body = carries_body(view.method);
        let fields = match view.method {
            "GET" | "HEAD" => Fields::new(view.query),
            _ if in_body && !self.query_counts => Fields::new(view.body),
            _ => Fields::new(view.query).with(view.body),
        };
        let call = Call { method: view.method, host: view.host, path: view.path.to_owned(), fields };
        match &self.rpc {
            Some(rpc) if in_body => rpc.unwrap_call(&call),
            Some(_) | None => Ok(call),
        }
    }
}

impl Rpc {
    fn unwrap_call<'m>(&self, call: &Call<'m>) -> Result<Call<'m>, &'static str> {
        // Without one, a server may take the method from the path and the parameters from who knows where.
        let method = call.fields.get(&self.method).ok_or("a call without a method")?;
        if call.fields.times(std::slice::from_ref(&self.method)) > 1 {
            return Err("a call that names its method twice");
        }
        let path = format!("{}{method}", self.prefix);
        if call.path != self.path && call.path != path {
            return Err("the path and the body name two methods");
        }
        if let Some(why) = aliased(&path) {
            return Err(why);
        }
        Ok(Call { method: call.method, host: call.host, path, fields: call.fields.beneath(&self.params) })
    }
}

/// A message with what counts of its fields.
pub(super) struct Call<'m> {
    pub(super) method: &'m str,
    pub(super) host: &'m str,
    pub(super) path: String,
    pub(super) fields: Fields<'m>,
}

/// What the rule that takes a message makes of it.
struct OfRule {
    found: Found,
    orders: Vec<Order>,
    scopes: BTreeSet<Scope>,
}

impl Default for OfRule {
    fn default() -> Self {
        Self { found: UNKNOWN, orders: Vec::new(), scopes: BTreeSet::new() }
    }
}

fn carries_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

const fn moves_position(class: Class) -> bool {
    match class {
        Class::ReduceEnforced
        | Class::OppositeSide
        | Class::Opening
        | Class::AmendDown
        | Class::Amend
        | Class::Batch => true,
        Class::ReadOnly | Class::Cancel | Class::RelaxRisk | Class::MoveFunds | Class::Unknown | Class::KeepAlive => {
            false
        }
    }
}

/// The scopes of an instrument: as written, in upper case, and without what no name has in it (`BTC/USD`). A venue may read
/// all of these as one, and a scope too many only makes it stricter.
fn instrument(name: &str) -> impl Iterator<Item = Scope> + use<> {
    let upper = name.to_ascii_uppercase();
    let sound = |letter: &char| letter.is_ascii_alphanumeric() || ['.', '_', ':', '@', '-'].contains(letter);
    let plain = upper.chars().filter(sound).collect();
    [name.to_owned(), upper, plain].into_iter().filter_map(|name| name.parse().ok().map(Scope::Instrument))
}
