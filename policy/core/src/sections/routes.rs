//! Which request goes where, and what is done with it on the way.

mod callers;

mod matched;

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use sekisho_safety::Scope;
use serde::Deserialize;

use super::identity::ROLES;
use super::listeners::Listener;
use super::roles::check_order_route;
use super::upstreams::{Protocol, Upstream};
use crate::bodies::{BadRecords, Bodies, BodyFormat, Digests};
use crate::check::{Bounds, Checker};
use crate::orders::{Beside, OrderBounds, OrderRules, OrdersWritten, PositionSource};
use crate::written::{
    At, Count, DigestWord, Flag, FormatWord, ListenerWord, Place, Raw, RecordWord, RoleWord, ScopeText, Text,
};
use crate::{Listeners, Matrix, Role};
pub use callers::CallersPolicy;
use callers::{FromWritten, RateWritten, check_callers};
use matched::MatchWritten;

/// A route. The first that matches takes the request.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RouteWritten {
    /// The name that the journal and metrics use for it.
    pub(crate) name: Option<Raw<Text>>,
    /// The listener whose requests it takes.
    pub(crate) listener: Option<Raw<ListenerWord>>,
    /// Which of them. Default all.
    pub(crate) r#match: MatchWritten,
    /// The name of the upstream that they go on to.
    pub(crate) upstream: Option<Raw<Text>>,
    /// Whether `match.path_prefix` is taken off the path. Default false.
    pub(crate) strip_prefix: Option<Raw<Flag>>,
    /// What is searched.
    pub(crate) redact: RedactWritten,
    /// Headers that pass unmasked, such as the venue's own credential.
    pub(crate) allow_headers: Vec<Raw<Text>>,
    /// Query parameters that pass unmasked, such as a signature; on an order route, fields of the body too.
    pub(crate) allow_query: Vec<Raw<Text>>,
    /// Fields of JSON messages on a WebSocket that pass unmasked, by their paths (`params.apiKey`, `args.*.sign`): what a venue's
    /// login needs.
    pub(crate) allow_fields: Vec<Raw<Text>>,
    /// Whether a request may become a WebSocket. Default false.
    pub(crate) websocket: Option<Raw<Flag>>,
    /// Makes it an order route: every message is classified and held to the safety state.
    pub(crate) orders: Option<At<OrdersWritten>>,
    /// Scopes that the messages of an order route belong to, beside fleet.
    pub(crate) scopes: Vec<Raw<ScopeText>>,
    /// Roles that may use it. Absent: nobody has to authenticate.
    pub(crate) roles: Option<At<Vec<Raw<RoleWord>>>>,
    /// Which networks its callers may come from.
    pub(crate) from: FromWritten,
    /// How many requests each caller may make, all of these at once: a rate and a quota, say. Default any number.
    pub(crate) rates: Vec<At<RateWritten>>,
    /// Requests under way on it at once, beside what `limits.in_flight` allows all of them together. Default any number, from 1 to
    /// 100000.
    pub(crate) in_flight: Option<Raw<Count>>,
    /// Statuses by which the upstream says that a credential is no good: 401, 403. Such an answer counts as a failed attempt.
    pub(crate) upstream_denies: Vec<Raw<Count>>,
}

/// What is searched for secrets.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedactWritten {
    /// The request. Default true on egress, false on ingress.
    pub(crate) request: Option<Raw<Flag>>,
    /// The response. Default false.
    pub(crate) response: Option<Raw<Flag>>,
    /// How bodies are read. Default auto: by what they and their path say.
    pub(crate) format: Option<Raw<FormatWord>>,
    /// What becomes of a record that holds a secret. Default mask.
    pub(crate) records: Option<Raw<RecordWord>>,
    /// Whether a body of a type that is not known here is refused. Default false: its bytes are searched.
    pub(crate) block_unknown: Option<Raw<Flag>>,
    /// What becomes of a body that holds a secret and has a digest: it is refused, or both are written anew. Default refuse.
    pub(crate) digests: Option<Raw<DigestWord>>,
}

/// A route. The first that matches takes the request.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutePolicy {
    /// The name that the journal and metrics use for it.
    pub name: Arc<str>,
    /// The listener whose requests it takes.
    pub listener: Listener,
    /// The `Host` in lower case and without a port. None: any.
    pub host: Option<String>,
    /// Whole segments that the path begins with.
    pub path_prefix: String,
    /// Methods in upper case. None: any.
    pub methods: Option<Vec<String>>,
    /// The name of the upstream. INVARIANT: there is one of that name.
    pub upstream: Arc<str>,
    /// Whether the prefix is taken off the path.
    pub strip_prefix: bool,
    /// Whether the request is searched.
    pub redact_request: bool,
    /// Whether the response is searched.
    pub redact_response: bool,
    /// How bodies are read and what becomes of them.
    pub bodies: Bodies,
    /// Headers that pass unmasked, in lower case.
    pub allow_headers: Vec<String>,
    /// Query parameters that pass unmasked.
    pub allow_query: Vec<String>,
    /// Fields of JSON messages on a WebSocket that pass unmasked, by their paths; `*` is any one step.
    pub allow_fields: Vec<String>,
    /// Whether a request may become a WebSocket.
    pub websocket: bool,
    /// On an order route: how its messages are judged.
    pub orders: Option<OrdersPolicy>,
    /// Roles that may use it. None: nobody has to authenticate.
    pub roles: Option<Vec<Role>>,
    /// What else it asks of its callers.
    pub callers: CallersPolicy,
    /// Requests under way on it at once. None: as many as there are under way at all.
    pub in_flight: Option<usize>,
}

/// How the messages of an order route are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct OrdersPolicy {
    /// What they are, and what becomes of them.
    pub rules: Arc<OrderRules>,
    /// Scopes that they belong to, beside fleet.
    pub scopes: Vec<Scope>,
    /// What they may ask for, whatever the state.
    pub bounds: OrderBounds,
    /// Who vouches for positions.
    pub positions: Option<PositionSource>,
    /// Rules that are tried beside the others and decide nothing.
    pub shadow: Option<Arc<OrderRules>>,
}

impl OrdersPolicy {
    pub(crate) fn new(rules: OrderRules, scopes: Vec<Scope>, beside: Beside) -> Self {
        let Beside { bounds, positions, shadow } = beside;
        // What the shadow's own policy would permit beyond the table is what the route's does.
        let rules = Arc::new(rules);
        let shadow = shadow.map(|shadow| Arc::new(shadow.permitting_as(&rules)));
        Self { rules, scopes, bounds, positions, shadow }
    }
}

/// What routes refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'p> {
    pub(crate) listeners: &'p Listeners,
    pub(crate) upstreams: &'p [Upstream],
    /// Names of upstreams, sound or not: one mistake is to be reported once.
    pub(crate) upstream_names: &'p BTreeSet<&'p str>,
    pub(crate) has_keys: bool,
    pub(crate) matrix: &'p Matrix,
}

pub(crate) fn check_routes(
    written: &[At<RouteWritten>],
    around: Around<'_>,
    checker: &mut Checker,
) -> Vec<RoutePolicy> {
    let mut names = BTreeSet::new();
    let mut routes: Vec<RoutePolicy> = Vec::new();
    for (index, item) in written.iter().enumerate() {
        let path = format!("routes[{index}]");
        let Some(route) = check(item, &path, around, checker) else { continue };
        let place = item.value.name.as_ref().map_or(item.place, Raw::place);
        if !names.insert(Arc::clone(&route.name)) {
            checker.wrong(place, &format!("{path}.name"), "expected a name that no other route has");
        }
        if let Some(earlier) = routes.iter().find(|earlier| earlier.covers(&route)) {
            let message = format!("expected a route that `{}` above does not shadow", earlier.name);
            checker.wrong(place, &path, message);
        }
        routes.push(route);
    }
    routes
}

impl RoutePolicy {
    /// Whether every request that the other would take is taken by this one.
    fn covers(&self, other: &Self) -> bool {
        let host = self.host.is_none() || self.host == other.host;
        let path = self.path_prefix == "/"
            || other.path_prefix == self.path_prefix
            || other.path_prefix.strip_prefix(&self.path_prefix).is_some_and(|rest| rest.starts_with('/'));
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs.iter().all(|method| ours.contains(method)),
        };
        self.listener == other.listener && host && path && methods
    }
}

fn check(item: &At<RouteWritten>, path: &str, around: Around<'_>, checker: &mut Checker) -> Option<RoutePolicy> {
    let route = &item.value;
    let field = |name: &str| format!("{path}.{name}");
    let name = checker.needed(route.name.as_ref(), item.place, &field("name"));
    let name = name.map(|name| checker.name(name, &field("name")));
    let listener = check_listener(route, item.place, &field("listener"), (around, &mut *checker));
    let upstream = checker.needed(route.upstream.as_ref(), item.place, &field("upstream"));
    let upstream = upstream.and_then(|raw| check_upstream(raw, &field("upstream"), around, checker));
    let (host, path_prefix, methods) = route.r#match.check(&field("match"), checker);
    let egress = listener == Some(Listener::Egress);
    let redact_request = checker.flag(route.redact.request.as_ref(), &field("redact.request"), egress);
    let redact_response = checker.flag(route.redact.response.as_ref(), &field("redact.response"), false);
    let bodies = check_bodies(&route.redact, &field("redact"), checker);
    let strip_prefix = checker.flag(route.strip_prefix.as_ref(), &field("strip_prefix"), false);
    let allow_headers = tokens(&route.allow_headers, &field("allow_headers"), checker);
    let allow_query = tokens(&route.allow_query, &field("allow_query"), checker);
    let allow_fields = paths(&route.allow_fields, &field("allow_fields"), checker);
    let websocket = check_websocket(route, &field("websocket"), around, checker);
    let scopes = checker.scopes(&route.scopes, &field("scopes"));
    let rules = route.orders.as_ref().map(|orders| orders.value.check(orders.place, &field("orders"), checker));
    let beside = route.orders.as_ref().map(|orders| orders.value.check_beside(&field("orders"), checker));
    if let (None, Some(scope)) = (&route.orders, route.scopes.first()) {
        checker.wrong(scope.place(), &field("scopes"), "expected only on a route with orders");
    }
    let roles = route.roles.as_ref().map(|roles| check_roles(roles, &field("roles"), around, checker));
    if let (Some(roles), Some(raw), Some(_orders)) = (&roles, &route.roles, &route.orders) {
        check_order_route(around.matrix, roles, (raw.place, &field("roles")), checker);
    }
    Some(RoutePolicy {
        name: name?.into(),
        listener: listener?,
        host,
        path_prefix,
        methods,
        upstream: upstream?,
        strip_prefix,
        redact_request,
        redact_response,
        bodies,
        allow_headers: allow_headers.iter().map(|header| header.to_ascii_lowercase()).collect(),
        allow_query,
        allow_fields,
        websocket,
        orders: match rules {
            Some(rules) => Some(OrdersPolicy::new(rules?, scopes, beside.unwrap_or_default())),
            None => None,
        },
        roles,
        callers: check_callers(route, path, checker),
        in_flight: route.in_flight.as_ref().map(|raw| {
            let most = checker.bounded(Some(raw), &field("in_flight"), IN_FLIGHT);
            usize::try_from(most).unwrap_or(usize::MAX)
        }),
    })
}

fn check_bodies(written: &RedactWritten, path: &str, checker: &mut Checker) -> Bodies {
    let field = |name: &str| format!("{path}.{name}");
    let format = written.format.as_ref().and_then(|raw| checker.choice(raw, &field("format"), &BodyFormat::WORDS));
    let records = written.records.as_ref().and_then(|raw| checker.choice(raw, &field("records"), &BadRecords::WORDS));
    let digests = written.digests.as_ref().and_then(|raw| checker.choice(raw, &field("digests"), &Digests::WORDS));
    Bodies {
        format: format.unwrap_or_default(),
        records: records.unwrap_or_default(),
        block_unknown: checker.flag(written.block_unknown.as_ref(), &field("block_unknown"), false),
        digests: digests.unwrap_or_default(),
    }
}

fn check_listener(
    route: &RouteWritten,
    place: Place,
    path: &str,
    (around, checker): (Around<'_>, &mut Checker),
) -> Option<Listener> {
    let raw = checker.needed(route.listener.as_ref(), place, path)?;
    let listener = checker.choice(raw, path, &[("ingress", Listener::Ingress), ("egress", Listener::Egress)])?;
    let address = match listener {
        Listener::Ingress => around.listeners.ingress,
        Listener::Egress => around.listeners.egress,
    };
    if address.is_none() {
        checker.wrong(raw.place(), path, "expected a listener that has an address under listeners");
    }
    Some(listener)
}

fn check_upstream(raw: &Raw<Text>, path: &str, around: Around<'_>, checker: &mut Checker) -> Option<Arc<str>> {
    if !around.upstream_names.contains(raw.text()) {
        checker.wrong(raw.place(), path, "expected the name of an upstream");
    }
    let upstream = around.upstreams.iter().find(|upstream| &*upstream.name == raw.text())?;
    Some(Arc::clone(&upstream.name))
}

fn check_roles(roles: &At<Vec<Raw<RoleWord>>>, path: &str, around: Around<'_>, checker: &mut Checker) -> Vec<Role> {
    if roles.value.is_empty() {
        checker.wrong(roles.place, path, "expected at least one role");
    }
    if !around.has_keys {
        checker.wrong(roles.place, path, "expected keys under identity: nobody could use this route");
    }
    roles.value.iter().filter_map(|role| checker.choice(role, path, &ROLES)).collect()
}

/// One connection of HTTP/2 carries many requests, and none of them can become something else.
fn check_websocket(route: &RouteWritten, path: &str, around: Around<'_>, checker: &mut Checker) -> bool {
    let websocket = checker.flag(route.websocket.as_ref(), path, false);
    let named = |upstream: &&Upstream| route.upstream.as_ref().is_some_and(|raw| raw.text() == &*upstream.name);
    let upstream = around.upstreams.iter().find(named);
    if let Some(raw) = route.websocket.as_ref().filter(|_| websocket)
        && upstream.is_some_and(|upstream| upstream.protocol != Protocol::Http1)
    {
        checker.wrong(raw.place(), path, "expected an upstream of protocol http1");
    }
    if let Some(field) = route.allow_fields.first().filter(|_| !websocket) {
        checker.wrong(field.place(), path, "expected with allow_fields, which are of WebSocket messages");
    }
    websocket
}

fn paths(raws: &[Raw<Text>], path: &str, checker: &mut Checker) -> Vec<String> {
    let sound = |step: &str| {
        step == "*"
            || (!step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte)))
    };
    for (index, raw) in raws.iter().enumerate() {
        if raw.text().len() > 128 || !raw.text().split('.').all(sound) {
            let message = "expected the path of a field, as params.apiKey or args.*.sign";
            checker.wrong(raw.place(), &format!("{path}[{index}]"), message);
        }
    }
    raws.iter().map(|raw| raw.text().to_owned()).collect()
}

fn tokens(raws: &[Raw<Text>], path: &str, checker: &mut Checker) -> Vec<String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte);
    for (index, raw) in raws.iter().enumerate() {
        let text = raw.text();
        if text.is_empty() || text.len() > 64 || !text.bytes().all(sound) {
            checker.wrong(
                raw.place(),
                &format!("{path}[{index}]"),
                "expected a name of 1 to 64 of A-Z a-z 0-9 - _ . [ ]",
            );
        }
    }
    raws.iter().map(|raw| raw.text().to_owned()).collect()
}

const IN_FLIGHT: Bounds = Bounds { default: "1024", min: "1", max: "100000" };
