//! From policy as checked to what the filters run on. Secrets are read here, once; nothing below holds a reference to one.

mod evidence;

mod rules;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::header::HeaderName;
use http::{Method, StatusCode};
use sekisho_codec::coding::Budget;
use sekisho_codec::framing::Bounds;
use sekisho_filters::Route;
use sekisho_filters::access::{Callers, Network, Rate, Rates};
use sekisho_filters::exchange::{Orders, Redaction};
use sekisho_filters::limits::RequestLimits;
use sekisho_filters::order_gate::{Bounded, OrderLimits, Positions};
use sekisho_filters::redact::RedactLimits;
use sekisho_policy::{
    CallersPolicy, Fix, IpNet, Listener, Listeners, MasterSource, OrdersPolicy, Policy, PositionSource, Protocol,
    RoutePolicy, SecretSource,
};
use sekisho_safety::Slope;
use sekisho_scan::Ruleset;
use zeroize::Zeroizing;

pub use evidence::{journal, keeper, kept};
pub use rules::{fingerprint_key, knowing, revoked, ruleset};

use crate::data::classify::{Entry, Routes};
use crate::data::fix::FixEntry;
use crate::data::hops::Hops;
use crate::data::listener::ConnectionLimits;
use crate::data::secure::ClientTls;
use crate::data::upstream::{self, Patience, Target, Timeouts, Upstream};
use crate::evidence::bundle::Maker;
use crate::evidence::seal::{Bao, Master, Vault};
use crate::identity::{SecretError, resolve};

/// Why a checked policy cannot be run on this machine.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret cannot be searched for.
    #[error("secrets: `{name}`: {why}")]
    Unsearchable {
        /// As policy names it.
        name: String,
        /// Why not.
        why: String,
    },
    /// A master key is none, or cannot be asked for.
    #[error("at_rest: `{name}`: {why}")]
    Master {
        /// As policy names it.
        name: String,
        /// Why not.
        why: String,
    },
    /// The detectors do not compile.
    #[error("detectors: {0}")]
    Detectors(String),
    /// A header, a method or a host is none.
    #[error("{place}: `{word}` is no {what}")]
    Word {
        /// Where in policy.
        place: String,
        /// The word.
        word: String,
        /// What it should be.
        what: &'static str,
    },
}

/// What seals files at rest, with its master keys; `None` if policy names none.
///
/// # Errors
///
/// When a master key or a token cannot be read, or is none.
pub fn vault(policy: &Policy) -> Result<Option<Arc<Vault>>, CompileError> {
    let Some(current) = &policy.at_rest.master_key else { return Ok(None) };
    let old = policy.at_rest.old_master_keys.iter().map(|source| master(policy, source));
    let old = old.collect::<Result<_, _>>()?;
    Ok(Some(Arc::new(Vault::new(master(policy, current)?, old))))
}

/// What makes support bundles.
pub fn bundles(policy: &Policy, data: &Path, rules: &Arc<Ruleset>, vault: Option<&Arc<Vault>>) -> Maker {
    Maker {
        data: data.to_path_buf(),
        rules: Arc::clone(rules),
        vault: vault.cloned(),
        most: policy.at_rest.bundle_bytes,
        service: policy.service.to_string(),
        engine: engine(),
        policy: policy.danger_source().into(),
        policy_hash: policy.hash().to_owned(),
    }
}

/// This engine's name and version, as records have it.
#[must_use]
pub fn engine() -> String {
    format!("sekisho {}", env!("CARGO_PKG_VERSION"))
}

fn master(policy: &Policy, source: &MasterSource) -> Result<Master, CompileError> {
    let wrong = |why: &str| CompileError::Master { name: source.to_string(), why: why.to_owned() };
    let text = |what: &str, source: &SecretSource| {
        let secret = resolve(what, source)?;
        let text = str::from_utf8(&secret).map_err(|_| wrong("it is not text"))?;
        Ok::<_, CompileError>(Zeroizing::new(text.to_owned()))
    };
    match (source, &policy.at_rest.openbao) {
        (MasterSource::Secret(source), _) => {
            let key = text("at_rest.master_key", source)?;
            let key = key.parse().map_err(|_| wrong("it is not a master key; `sekisho keys master` makes one"))?;
            Ok(Master::Local(key))
        }
        (MasterSource::OpenBao { mount, key }, Some(server)) => Ok(Master::Bao(Bao {
            authority: server.authority.clone(),
            mount: mount.clone(),
            key: key.clone(),
            token: text("at_rest.openbao.token", &server.token)?,
            timeout: server.timeout,
        })),
        (MasterSource::OpenBao { .. }, None) => Err(wrong("policy names no server")),
    }
}

/// The routes of one listener. Of those that `before` had, what is counted for them goes on.
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
pub fn fix(policy: &Policy) -> Vec<FixEntry> {
    let one = |fix: &Fix| FixEntry {
        listen: fix.listen,
        route: Arc::new(Route {
            name: Arc::clone(&fix.name),
            upstream: Arc::clone(&fix.name),
            redact: Redaction { request: fix.search, response: false },
            orders: Some(orders(&fix.orders)),
            ..Route::default()
        }),
        target: (fix.host.clone(), fix.port),
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
#[must_use]
pub fn hops(policy: &Policy, listener: Listener) -> Hops {
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

/// The upstreams of `policy`, with how TLS is spoken with those that `tls` names.
///
/// # Errors
///
/// When the host of one cannot stand in a header.
pub fn upstreams(policy: &Policy, tls: &BTreeMap<Arc<str>, Arc<ClientTls>>) -> Result<Vec<Upstream>, CompileError> {
    let limits = &policy.limits;
    let timeouts =
        Timeouts { connect: limits.connect_timeout, response: limits.response_timeout, idle: limits.pool_idle_timeout };
    let patience = Patience { failures: limits.breaker_failures, pause: limits.breaker_pause };
    let target = |upstream: &sekisho_policy::Upstream, (host, at): &(String, u16)| {
        let implied = if upstream.tls.is_some() { 443 } else { 80 };
        let port = if *at == implied { String::new() } else { format!(":{at}") };
        let authority = format!("{host}{port}");
        let bad = |_invalid| CompileError::Word {
            place: format!("upstreams: `{}`", upstream.name),
            word: host.clone(),
            what: "host",
        };
        Ok(Target {
            authority: authority.try_into().map_err(bad)?,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: *at,
            preserve_host: upstream.preserve_host,
            protocol: match upstream.protocol {
                Protocol::Http1 => upstream::Protocol::Http1,
                Protocol::H2 | Protocol::H2c => upstream::Protocol::Http2,
            },
            tls: tls.get(&upstream.name).cloned(),
        })
    };
    let one = |upstream: &sekisho_policy::Upstream| {
        let targets = upstream.endpoints().map(|endpoint| target(upstream, &endpoint));
        let targets = targets.collect::<Result<_, CompileError>>()?;
        Ok(Upstream::new(Arc::clone(&upstream.name), targets, timeouts, limits.pool_idle_per_upstream, patience))
    };
    policy.upstreams.iter().map(one).collect()
}

/// How orders come back after a reopening, if policy holds them to a rate.
#[must_use]
pub fn slope(policy: &Policy) -> Option<Slope> {
    let safety = &policy.safety;
    let over_ms = u64::try_from(safety.ramp.as_millis()).unwrap_or(u64::MAX);
    (over_ms > 0).then_some(Slope { over_ms, from: safety.ramp_from, to: safety.ramp_to.max(safety.ramp_from) })
}

/// How many threads serve requests: as policy says, or one for each processor.
#[must_use]
pub fn workers(policy: &Policy) -> usize {
    policy.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// What a connection may cost.
#[must_use]
pub fn connection_limits(policy: &Policy) -> ConnectionLimits {
    let limits = &policy.limits;
    ConnectionLimits {
        connections: limits.connections,
        connections_per_peer: limits.connections_per_peer,
        header_timeout: limits.header_timeout,
        header_count: limits.header_count,
        header_bytes: limits.header_bytes,
        h2_streams: limits.h2_streams,
        drain_timeout: limits.drain_timeout,
    }
}

/// What a request may cost.
#[must_use]
pub fn request_limits(policy: &Policy) -> RequestLimits {
    let limits = &policy.limits;
    RequestLimits {
        header_count: limits.header_count,
        header_bytes: limits.header_bytes,
        body_bytes: limits.body_bytes,
        body_idle_timeout: limits.body_idle_timeout,
        in_flight: limits.in_flight,
        in_flight_orders: limits.in_flight_orders,
        retry_after_s: limits.overload_retry_after.as_secs().max(1),
    }
}

/// How much of a message is held while it is searched.
#[must_use]
pub fn redact_limits(policy: &Policy) -> RedactLimits {
    let limits = &policy.limits;
    RedactLimits {
        buffered_body_bytes: limits.buffered_body_bytes,
        decoded: Budget {
            output: limits.decoded_body_bytes,
            ratio: limits.decoded_ratio,
            members: limits.coding_members,
            window: limits.coding_window_bytes,
            block: limits.record_bytes,
        },
        units: Bounds { depth: limits.json_depth, bytes: limits.record_bytes },
        codings: limits.codings,
        coding_memory_bytes: limits.coding_memory_bytes,
        idle_flush: limits.scan_idle_flush,
        retry_after_s: limits.overload_retry_after.as_secs().max(1),
    }
}

/// How much of an order message is read.
#[must_use]
pub fn order_limits(policy: &Policy) -> OrderLimits {
    let limits = &policy.limits;
    let fields = sekisho_codec::Limits { depth: limits.json_depth, pairs: limits.json_pairs };
    OrderLimits { body_bytes: limits.order_body_bytes, fields }
}
