//! From policy as checked to what the filters run on. Secrets are read here, once; nothing below holds a reference to one.

mod evidence;

mod routes;

mod rules;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sekisho_codec::coding::Budget;
use sekisho_codec::framing::Bounds;
use sekisho_filters::limits::RequestLimits;
use sekisho_filters::order_gate::OrderLimits;
use sekisho_filters::redact::RedactLimits;
use sekisho_policy::{HealthCheck, MasterSource, Policy, Protocol, SecretSource, Upstream};
use sekisho_safety::Slope;
use sekisho_scan::Ruleset;
use zeroize::Zeroizing;

pub use evidence::{journal, keeper, kept};
pub use routes::{entries, fix, position_sources, routes};
pub use rules::{fingerprint_key, knowing, revoked, ruleset, warnings};

use crate::data::listener::ConnectionLimits;
use crate::data::secure::ClientTls;
use crate::data::upstream::health::{Check, Wellness};
use crate::data::upstream::{self, Patience, Retrying, Site, Target, Timeouts};
use crate::evidence::bundle::Maker;
use crate::evidence::seal::{Bao, Master, Vault, WantedAges};
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

/// How old the keys of sealed files may grow.
#[must_use]
pub const fn wanted_ages(policy: &Policy) -> WantedAges {
    WantedAges { master: policy.at_rest.master_key_age, data: policy.at_rest.data_key_age }
}

/// The upstreams of `policy`, with how TLS is spoken with those that `tls` names.
///
/// # Errors
///
/// When the host of one cannot stand in a header.
pub fn upstreams(policy: &Policy, tls: &BTreeMap<Arc<str>, Arc<ClientTls>>) -> Result<Vec<Site>, CompileError> {
    let limits = &policy.limits;
    let timeouts = Timeouts {
        connect: limits.connect_timeout,
        response: limits.response_timeout,
        idle: limits.pool_idle_timeout,
        age: limits.pool_connection_age,
    };
    let one = |upstream: &Upstream| {
        let servers = upstream.endpoints().map(|endpoint| server(upstream, endpoint, tls.get(&upstream.name)));
        Ok(Site {
            name: Arc::clone(&upstream.name),
            servers: servers.collect::<Result<_, CompileError>>()?,
            timeouts,
            idle_connections: limits.pool_idle_per_upstream,
            patience: Patience { failures: limits.breaker_failures, pause: limits.breaker_pause },
            retrying: Retrying { most: upstream.retries, percent: limits.retry_percent },
        })
    };
    policy.upstreams.iter().map(one).collect()
}

fn server(
    upstream: &Upstream,
    (host, port): (String, u16),
    tls: Option<&Arc<ClientTls>>,
) -> Result<Target, CompileError> {
    let implied = if upstream.tls.is_some() { 443 } else { 80 };
    let shown = if port == implied { String::new() } else { format!(":{port}") };
    let bad = |_invalid| CompileError::Word {
        place: format!("upstreams: `{}`", upstream.name),
        word: host.clone(),
        what: "host",
    };
    Ok(Target {
        authority: format!("{host}{shown}").try_into().map_err(bad)?,
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port,
        preserve_host: upstream.preserve_host,
        protocol: match upstream.protocol {
            Protocol::Http1 => upstream::Protocol::Http1,
            Protocol::H2 | Protocol::H2c => upstream::Protocol::Http2,
        },
        tls: tls.cloned(),
        wellness: Wellness::default(),
    })
}

/// How the servers of an upstream are asked whether they are well.
#[must_use]
pub fn check(policy: &HealthCheck) -> Check {
    let HealthCheck { path, interval, timeout, fail_after, pass_after } = policy;
    let (interval, timeout) = (*interval, *timeout);
    Check { path: path.as_str().into(), interval, timeout, fail_after: *fail_after, pass_after: *pass_after }
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
        memory_shed_percent: limits.memory_shed_percent,
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
