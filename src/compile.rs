//! From policy as checked to what the filters run on. Secrets are read here, once; nothing below holds a reference to one.

mod evidence;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
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
    ActionName, CallersPolicy, IpNet, Listener, Listeners, MasterSource, Policy, PositionSource, Protocol, RoutePolicy,
    SecretSource,
};
use sekisho_scan::{Action, KnownSecret, Ruleset};
use zeroize::Zeroizing;

pub use evidence::{journal, keeper, kept};

use crate::data::classify::Entry;
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

/// The detectors of `policy`, with the known secrets it refers to.
///
/// # Errors
///
/// When a secret cannot be read or is too weak to be searched for, or a detector is not known.
pub fn ruleset(policy: &Policy) -> Result<Ruleset, CompileError> {
    let detectors = &policy.detectors;
    let failed = |error: &dyn std::fmt::Display| CompileError::Detectors(error.to_string());
    let mut builder = Ruleset::builder().embedded().map_err(|error| failed(&error))?;
    for path in &detectors.packs {
        builder = builder.pack(&path.display().to_string(), &pack(path)?).map_err(|error| failed(&error))?;
    }
    builder = builder.field_names(&detectors.fields).default_action(action(detectors.default_action));
    builder = builder.hold_bytes(policy.limits.scan_hold_bytes);
    for id in &detectors.disable {
        builder = builder.disable(id);
    }
    for (id, name) in &detectors.actions {
        builder = builder.action(id, action(*name));
    }
    for secret in &policy.secrets {
        let value = resolve(&format!("secrets: `{}`", secret.name), &secret.source)?;
        let known = KnownSecret { name: secret.name.clone(), value };
        let unsearchable = |why: &dyn std::fmt::Display| CompileError::Unsearchable {
            name: secret.name.clone(),
            why: why.to_string(),
        };
        builder = builder.known(known).map_err(|why| unsearchable(&why))?;
    }
    if let Some(key) = fingerprint_key(policy)? {
        builder = builder.fingerprint_key(key);
    }
    builder.build().map_err(|error| failed(&error))
}

/// The key of fingerprints and of digests of inputs, if policy names one.
///
/// # Errors
///
/// When it cannot be read.
pub fn fingerprint_key(policy: &Policy) -> Result<Option<[u8; 32]>, CompileError> {
    let Some(source) = &policy.detectors.fingerprint_key else { return Ok(None) };
    let key = resolve("detectors.fingerprint_key", &source.source)?;
    Ok(Some(<sha2::Sha256 as sha2::Digest>::digest(&*key).into()))
}

/// The text of a pack, of a size that a pack may have.
fn pack(path: &Path) -> Result<String, CompileError> {
    let failed =
        |why: &dyn std::fmt::Display| CompileError::Detectors(format!("cannot read `{}`: {why}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(MAX_PACK + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > MAX_PACK {
        return Err(failed(&"a pack is at most 4 MiB: divide it"));
    }
    Ok(text)
}

/// The routes of one listener.
///
/// # Errors
///
/// When a header or method name is none.
pub fn entries(policy: &Policy, listener: Listener) -> Result<Vec<Entry>, CompileError> {
    let most = policy.limits.rate_callers;
    policy.routes.iter().filter(|route| route.listener == listener).map(|route| entry(route, most)).collect()
}

fn entry(policy: &RoutePolicy, most_callers: usize) -> Result<Entry, CompileError> {
    let bad = |word: &str, what| CompileError::Word {
        place: format!("routes: `{}`", policy.name),
        word: word.to_owned(),
        what,
    };
    let methods = policy.methods.as_ref().map(|methods| {
        methods.iter().map(|name| name.parse::<Method>().map_err(|_bad| bad(name, "method"))).collect::<Result<_, _>>()
    });
    let allow_headers = policy.allow_headers.iter();
    let allow_headers = allow_headers
        .map(|name| name.parse::<HeaderName>().map_err(|_bad| bad(name, "header")))
        .collect::<Result<_, _>>()?;
    let orders = policy.orders.as_ref();
    Ok(Entry {
        host: policy.host.clone(),
        path_prefix: policy.path_prefix.clone(),
        methods: methods.transpose()?,
        strip_prefix: policy.strip_prefix,
        route: Arc::new(Route {
            name: Arc::clone(&policy.name),
            upstream: Arc::clone(&policy.upstream),
            redact: Redaction { request: policy.redact_request, response: policy.redact_response },
            bodies: policy.bodies,
            allow_headers,
            allow_query: policy.allow_query.clone(),
            orders: orders.map(|orders| Orders {
                rules: Arc::clone(&orders.rules),
                scopes: orders.scopes.clone(),
                bounds: Bounded::new(orders.bounds.clone()),
                positions: orders.positions.as_ref().map(|source| Arc::new(Positions::new(source.ttl))),
                shadow: orders.shadow.clone(),
            }),
            roles: policy.roles.clone(),
            callers: callers(policy, most_callers),
        }),
    })
}

/// Who vouches for the positions of these routes, and where what they tell is kept.
pub fn position_sources(policy: &Policy, entries: &[Entry]) -> impl Iterator<Item = (PositionSource, Arc<Positions>)> {
    entries.iter().filter_map(|Entry { route, .. }| {
        let of_policy = policy.routes.iter().find(|policy| policy.name == route.name)?;
        let source = of_policy.orders.as_ref()?.positions.clone()?;
        Some((source, Arc::clone(route.orders.as_ref()?.positions.as_ref()?)))
    })
}

/// Proxies in front of a listener whose word is taken.
#[must_use]
pub fn hops(policy: &Policy, listener: Listener) -> Hops {
    if listener == Listener::Egress {
        return Hops::default();
    }
    let Listeners { trusted_hops, proxy_protocol, .. } = &policy.listeners;
    let trusted = trusted_hops.iter().map(|net| Network { address: net.addr, prefix: net.prefix }).collect();
    Hops { trusted, proxy_protocol: proxy_protocol.then_some(policy.limits.header_timeout) }
}

fn callers(policy: &RoutePolicy, most: usize) -> Callers {
    let CallersPolicy { allow, deny, rates, upstream_denies } = &policy.callers;
    let network = |net: &IpNet| Network { address: net.addr, prefix: net.prefix };
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

const fn action(name: ActionName) -> Action {
    match name {
        ActionName::Mask => Action::Mask,
        ActionName::Hash => Action::Hash,
        ActionName::DropField => Action::DropField,
        ActionName::Block => Action::Block,
        ActionName::Alert => Action::Alert,
    }
}

const MAX_PACK: u64 = 4 << 20;
