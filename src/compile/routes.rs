//! Which requests go where, through what, and by whom they may be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::HeaderName;
use http::{Method, StatusCode};
use sekisho_filters::Route;
use sekisho_filters::access::{Callers, Network, Rate, Rates};
use sekisho_filters::exchange::{Orders, Redaction};
use sekisho_filters::limits::Room;
use sekisho_filters::order_gate::{Bounded, Positions};
use sekisho_policy::{
    CallersPolicy, Fix, IpNet, Listener, Listeners, OrdersPolicy, Policy, PositionSource, RoutePolicy,
};

use super::CompileError;
use crate::data::classify::{Decisions, Entry, Routes};
use crate::data::dial::Dial;
use crate::data::fix::FixEntry;
use crate::data::hops::Hops;
use crate::data::secure::ClientTls;

/// What is served on one listener. Of those routes that `before` had, what is counted for them goes on.
///
/// # Errors
///
/// When a header or method name is none.
pub fn routes(
    policy: &Policy,
    listener: Listener,
    before: Option<(&Policy, &Routes)>,
    decisions: &Arc<Decisions>,
) -> Result<Arc<Routes>, CompileError> {
    let entries = entries(policy, listener, before)?;
    Ok(Arc::new(Routes::new(listener, entries, Arc::clone(decisions)).behind(hops(policy, listener))))
}

/// The routes of one listener, as [`routes`] has them.
///
/// # Errors
///
/// When a header or method name is none.
pub fn entries(
    policy: &Policy,
    listener: Listener,
    before: Option<(&Policy, &Routes)>,
) -> Result<Vec<Entry>, CompileError> {
    let most = policy.limits.rate_callers;
    let of_listener = policy.routes.iter().filter(|route| route.listener == listener);
    let entry = |route: &RoutePolicy| {
        let counted = before.and_then(|(policy, routes)| {
            let same = |policy: &&RoutePolicy| policy.name == route.name;
            let policy = policy.routes.iter().find(same).filter(|_| policy.limits.rate_callers == most)?;
            Some((policy, routes.all().find(|served| served.name == route.name)?))
        });
        entry(route, most, counted)
    };
    of_listener.map(entry).collect()
}

/// A route with what was counted for the one before it, as far as it is counted by the same.
fn goes_on(mut route: Route, now: &RoutePolicy, (before, served): (&RoutePolicy, &Arc<Route>)) -> Route {
    if before.callers.rates == now.callers.rates {
        route.callers.rates.clone_from(&served.callers.rates);
    }
    // Who is under way counts, whatever the bound was when they came.
    if let (Some(most), Some(room)) = (now.in_flight, &served.room) {
        route.room = Some(room.of(most));
    }
    if let (Some(orders), Some(counted), Some(before), Some(now)) =
        (&mut route.orders, &served.orders, &before.orders, &now.orders)
    {
        // INVARIANT: another source of positions takes a restart, so these are the ones that are asked for.
        orders.positions.clone_from(&counted.positions);
        if before.bounds == now.bounds {
            orders.bounds = Arc::clone(&counted.bounds);
        }
    }
    route
}

fn entry(
    policy: &RoutePolicy,
    most_callers: usize,
    counted: Option<(&RoutePolicy, &Arc<Route>)>,
) -> Result<Entry, CompileError> {
    let methods = policy.methods.as_ref().map(|methods| {
        methods
            .iter()
            .map(|name| name.parse::<Method>().map_err(|_bad| bad(policy, name, "method")))
            .collect::<Result<_, _>>()
    });
    let mut route = route(policy, most_callers)?;
    if let Some(counted) = counted {
        route = goes_on(route, policy, counted);
    }
    Ok(Entry {
        host: policy.host.clone(),
        path_prefix: policy.path_prefix.clone(),
        methods: methods.transpose()?,
        strip_prefix: policy.strip_prefix,
        route: Arc::new(route),
    })
}

fn route(policy: &RoutePolicy, most_callers: usize) -> Result<Route, CompileError> {
    let allow_headers = policy.allow_headers.iter();
    let allow_headers = allow_headers
        .map(|name| name.parse::<HeaderName>().map_err(|_bad| bad(policy, name, "header")))
        .collect::<Result<_, _>>()?;
    Ok(Route {
        name: Arc::clone(&policy.name),
        upstream: Arc::clone(&policy.upstream),
        redact: Redaction { request: policy.redact_request, response: policy.redact_response },
        bodies: policy.bodies,
        allow_headers,
        allow_query: policy.allow_query.clone(),
        allow_fields: policy.allow_fields.clone(),
        websocket: policy.websocket,
        orders: policy.orders.as_ref().map(orders),
        roles: policy.roles.clone(),
        callers: callers(policy, most_callers),
        room: policy.in_flight.map(Room::new),
    })
}

fn bad(policy: &RoutePolicy, word: &str, what: &'static str) -> CompileError {
    CompileError::Word { place: format!("routes: `{}`", policy.name), word: word.to_owned(), what }
}

/// What makes a route one of orders.
fn orders(policy: &OrdersPolicy) -> Orders {
    Orders {
        rules: Arc::clone(&policy.rules),
        scopes: policy.scopes.clone(),
        bounds: Arc::new(Bounded::new(policy.bounds.clone())),
        positions: policy.positions.as_ref().map(|source| Arc::new(Positions::new(source.ttl))),
        shadow: policy.shadow.clone(),
    }
}

/// Where FIX sessions are accepted, and by what rules their messages are judged.
#[must_use]
pub fn fix(policy: &Policy, tls: &BTreeMap<Arc<str>, Arc<ClientTls>>) -> Vec<FixEntry> {
    let one = |fix: &Fix| FixEntry {
        listen: fix.listen,
        route: Arc::new(Route {
            name: Arc::clone(&fix.name),
            upstream: Arc::clone(&fix.name),
            redact: Redaction { request: fix.search, response: false },
            orders: Some(orders(&fix.orders)),
            ..Route::default()
        }),
        target: Dial { host: fix.host.as_str().into(), port: fix.port, tls: tls.get(&fix.name).cloned() },
        allow: fix.allow.iter().map(network).collect(),
    };
    policy.fix.iter().map(one).collect()
}

/// Who vouches for the positions of these routes, and where what they tell is kept.
pub fn position_sources(policy: &Policy, routes: &Routes) -> Vec<(PositionSource, Arc<Positions>)> {
    let of_route = |route: &Arc<Route>| {
        let of_policy = policy.routes.iter().find(|policy| policy.name == route.name)?;
        let source = of_policy.orders.as_ref()?.positions.clone()?;
        Some((source, Arc::clone(route.orders.as_ref()?.positions.as_ref()?)))
    };
    routes.all().filter_map(of_route).collect()
}

/// Proxies in front of a listener whose word is taken.
fn hops(policy: &Policy, listener: Listener) -> Hops {
    if listener == Listener::Egress {
        return Hops::default();
    }
    let Listeners { trusted_hops, proxy_protocol, .. } = &policy.listeners;
    let trusted = trusted_hops.iter().map(network).collect();
    Hops { trusted, proxy_protocol: proxy_protocol.then_some(policy.limits.header_timeout) }
}

const fn network(net: &IpNet) -> Network {
    Network { address: net.addr, prefix: net.prefix }
}

fn callers(policy: &RoutePolicy, most: usize) -> Callers {
    let CallersPolicy { allow, deny, rates, upstream_denies } = &policy.callers;
    let rates: Vec<Rate> =
        rates.iter().map(|(requests, window)| Rate { requests: *requests, window: *window }).collect();
    Callers {
        allow: allow.iter().map(network).collect(),
        deny: deny.iter().map(network).collect(),
        rates: (!rates.is_empty()).then(|| Arc::new(Rates::new(rates, most))),
        upstream_denies: upstream_denies.iter().filter_map(|status| StatusCode::from_u16(*status).ok()).collect(),
    }
}
