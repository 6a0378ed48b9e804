//! From a message to its class.

use std::collections::BTreeSet;

use sekisho_safety::{Effective, Posture, Scope};

use super::condition::Fields;
use super::decide::{permitted, refused};
use super::path::aliased;
use super::rules::{Legs, Rpc, Rule};
use super::{OrderHead, OrderRules, OrderView};
use crate::{Class, Refusal};

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Its class. When it can be read in two ways: the worst class that a message with its head can have.
    pub class: Class,
    /// The classes of its parts, when it has parts.
    pub legs: Vec<Class>,
    /// The instruments that it names.
    pub scopes: Vec<Scope>,
    /// What makes it readable in two ways. Names fields, never values.
    pub ambiguous: Option<String>,
}

/// A class, and those of the parts.
type Found = (Class, Vec<Class>);

const UNKNOWN: Found = (Class::Unknown, Vec::new());

impl OrderRules {
    /// What a message is. What no rule knows is [`Class::Unknown`].
    #[must_use]
    pub fn classify(&self, view: &OrderView<'_>) -> Classified {
        let all = Fields::new(view.query).with(view.body);
        let mut ambiguous = view.ambiguity.map(str::to_owned).or_else(|| self.ambiguity(view, &all));
        let (found, mut scopes) = match self.call(view) {
            Ok(call) => self.find(&call, &mut ambiguous),
            Err(why) => {
                ambiguous.get_or_insert_with(|| why.to_owned());
                ((Class::Unknown, Vec::new()), BTreeSet::new())
            }
        };
        scopes.extend(all.named(&self.instruments).flat_map(instrument));
        let possible = || if aliased(view.path).is_some() { vec![UNKNOWN] } else { self.possible(view) };
        let found = if ambiguous.is_some() { self.worse(found, self.worst(possible())) } else { found };
        // An order whose fields could not be read may be for an instrument that is held: its scope is not known.
        let unread = view.ambiguity.is_some() && view.body.is_empty() && moves_position(found.0);
        let (class, legs) = if unread { (Class::Unknown, Vec::new()) } else { found };
        Classified { class, legs, scopes: scopes.into_iter().collect(), ambiguous }
    }

    /// Refuses a message by its head alone, when nothing its body could say would let it through.
    #[must_use]
    pub fn refusable_by_head(&self, head: OrderHead<'_>, effective: &Effective) -> Option<Refusal> {
        let view = head.without_body();
        let why = aliased(view.path);
        let possible = if why.is_some() { vec![UNKNOWN] } else { self.possible(&view) };
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
    fn find(&self, call: &Call<'_>, ambiguous: &mut Option<String>) -> (Found, BTreeSet<Scope>) {
        let mut scopes = BTreeSet::new();
        for rule in self.rules.meeting(&call.path).filter(|rule| rule.takes(call.method, call.host)) {
            let Some(named) = rule.paths.iter().find_map(|path| path.matches(&call.path)) else { continue };
            if !rule.condition.holds(&call.fields) {
                continue;
            }
            let instruments = named.iter().filter(|(name, _)| self.instruments.iter().any(|ours| ours == name));
            scopes.extend(instruments.flat_map(|(_, value)| instrument(value)));
            let found = match &rule.legs {
                None => (self.known(rule.class, &call.fields, ambiguous), Vec::new()),
                Some(legs) => (rule.class, self.legs(legs, &call.fields, ambiguous)),
            };
            return (found, scopes);
        }
        if self.is_nearly_known(call) {
            ambiguous.get_or_insert_with(|| "the path is a known one spelled otherwise".to_owned());
        }
        ((Class::Unknown, Vec::new()), scopes)
    }

    fn legs(&self, legs: &Legs, fields: &Fields<'_>, ambiguous: &mut Option<String>) -> Vec<Class> {
        let elements = match &legs.at {
            None => Some(vec![fields.clone()]),
            Some(at) => fields.elements(at),
        };
        let Some(elements) = elements else {
            ambiguous.get_or_insert_with(|| "no list of orders where one belongs".to_owned());
            return vec![Class::Unknown];
        };
        let class = |leg: &Fields<'_>| {
            legs.rules.iter().find(|(condition, _)| condition.holds(leg)).map_or(Class::Unknown, |(_, class)| *class)
        };
        elements.iter().map(|leg| self.known(class(leg), leg, ambiguous)).collect()
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

    /// Every class that a message with this head, whose path has one reading, may turn out to have. A batch is judged by its legs, so each leg that it may
    /// have stands for itself.
    fn possible(&self, view: &OrderView<'_>) -> Vec<Found> {
        let mut possible = Vec::new();
        let rpc = self.rpc.as_ref().is_some_and(|rpc| view.path == rpc.path && view.method == "POST");
        let takes = |rule: &&Rule| {
            rule.takes(view.method, view.host) && rule.paths.iter().any(|path| path.matches(view.path).is_some())
        };
        let any = self.rules.all().iter().filter(|_| rpc);
        let meeting = self.rules.meeting(view.path).filter(|_| !rpc).filter(takes);
        let mut certain = false;
        for rule in any.chain(meeting) {
            match &rule.legs {
                None => possible.push((rule.class, Vec::new())),
                Some(legs) => possible.extend(legs.rules.iter().map(|(_, leg)| (rule.class, vec![*leg]))),
            }
            certain = !rpc && rule.condition.is_empty();
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
        if let Some(name) = all.twice() {
            // The name is the client's: what is no plain name is not repeated.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]".contains(&byte);
            let sound = name.len() <= 64 && name.bytes().all(plain);
            return Some(if sound { format!("`{name}` is given twice") } else { "a field is given twice".to_owned() });
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
        let in_body = matches!(view.method, "POST" | "PUT" | "PATCH");
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
struct Call<'m> {
    method: &'m str,
    host: &'m str,
    path: String,
    fields: Fields<'m>,
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
