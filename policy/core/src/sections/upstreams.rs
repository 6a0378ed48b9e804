//! Where requests go on to.

mod health;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{UpstreamTls, UpstreamTlsWritten};
use crate::check::{Bounds, Checker};
use crate::written::{At, Count, Raw, Text};
pub use health::HealthCheck;
use health::HealthCheckWritten;

/// A server that requests go on to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UpstreamWritten {
    /// `https://HOST`, `https://HOST:PORT` or `http://HOST:PORT`, without a path.
    pub(crate) url: Option<Raw<Text>>,
    /// More servers that do the same, written as `url` is and with its scheme: at most 63. Each gets its turn; one that cannot be
    /// reached is passed over.
    pub(crate) more_urls: Vec<Raw<Text>>,
    /// The `Host` it gets to see: `upstream`, its own, or `preserve`, the client's. Default upstream.
    pub(crate) host: Option<Raw<Text>>,
    /// `http1`; or HTTP/2, which is `h2` over https and `h2c` over http. Default http1.
    pub(crate) protocol: Option<Raw<Text>>,
    /// Whom to believe over https, and what to show.
    pub(crate) tls: Option<At<UpstreamTlsWritten>>,
    /// How often a request is sent again, at the next server if there is one, that a server has answered with 502, 503 or 504 or
    /// not at all. Only requests without a body whose method may be repeated (`GET`, `HEAD`, `OPTIONS`, `PUT`, `DELETE`), never
    /// on a route of orders, and within `limits.retry_percent`. Default 0, from 0 to 5.
    pub(crate) retries: Option<Raw<Count>>,
    /// Asks each server whether it is well. One that is not gets requests only while no other is.
    pub(crate) health_check: Option<At<HealthCheckWritten>>,
}

/// A server that requests go on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The name that routes use.
    pub name: Arc<str>,
    /// Its host, as in the URL and in lower case.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Hosts and ports of more servers that do the same.
    pub more: Vec<(String, u16)>,
    /// Whether it gets to see the client's `Host`.
    pub preserve_host: bool,
    /// What it speaks.
    pub protocol: Protocol,
    /// How TLS is spoken with it. None: not at all.
    pub tls: Option<UpstreamTls>,
    /// How often a request that may be repeated is, once it has failed.
    pub retries: u32,
    /// How its servers are asked whether they are well, if they are.
    pub health_check: Option<HealthCheck>,
}

impl Upstream {
    /// Hosts and ports of all its servers.
    pub fn endpoints(&self) -> impl Iterator<Item = (String, u16)> {
        std::iter::once((self.host.clone(), self.port)).chain(self.more.iter().cloned())
    }
}

/// What an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2c,
    /// HTTP/2 over TLS, by ALPN.
    H2,
}

pub(crate) fn check_upstreams(written: &BTreeMap<String, At<UpstreamWritten>>, checker: &mut Checker) -> Vec<Upstream> {
    written.iter().filter_map(|(name, upstream)| check(name, upstream, checker)).collect()
}

fn check(name: &str, upstream: &At<UpstreamWritten>, checker: &mut Checker) -> Option<Upstream> {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(sound) {
        checker.wrong(upstream.place, "upstreams", "expected a name of 1 to 64 of a-z 0-9 _ - .");
        return None;
    }
    let path = format!("upstreams.{name}");
    let UpstreamWritten { url, more_urls, host, protocol, tls, retries, health_check } = &upstream.value;
    let preserve_host = host
        .as_ref()
        .and_then(|host| checker.choice(host, &format!("{path}.host"), &[("upstream", false), ("preserve", true)]));
    let url_path = format!("{path}.url");
    let url = checker.needed(url.as_ref(), upstream.place, &url_path)?;
    let Some((over_tls, host, port)) = endpoint(url.text()) else {
        checker.wrong(url.place(), &url_path, "expected https://HOST or http://HOST:PORT and nothing after it");
        return None;
    };
    let more = more_urls.iter().enumerate().filter_map(|(index, raw)| {
        let endpoint = endpoint(raw.text()).filter(|(tls, ..)| *tls == over_tls);
        if endpoint.is_none() {
            checker.wrong(
                raw.place(),
                &format!("{path}.more_urls[{index}]"),
                "expected what `url` is, with its scheme",
            );
        }
        endpoint.map(|(_, host, port)| (host, port))
    });
    let more: Vec<_> = more.collect();
    if more.len() > MORE {
        checker.wrong(upstream.place, &format!("{path}.more_urls"), "expected at most 63");
    }
    let protocol = protocol.as_ref().map(|raw| speaks(raw, over_tls, &path, checker));
    let tls_path = format!("{path}.tls");
    let written = tls.as_ref().map(|tls| tls.value.check(&tls_path, checker));
    if let (false, Some(tls)) = (over_tls, tls) {
        checker.wrong(tls.place, &tls_path, "expected only with an https URL");
    }
    let retries = checker.bounded(retries.as_ref(), &format!("{path}.retries"), RETRIES);
    let health_check = health_check.as_ref().map(|check| check.value.check(&format!("{path}.health_check"), checker));
    Some(Upstream {
        name: name.into(),
        host,
        port,
        more,
        preserve_host: preserve_host.unwrap_or(false),
        protocol: protocol.unwrap_or(Protocol::Http1),
        tls: over_tls.then(|| written.unwrap_or_default()),
        retries: u32::try_from(retries).unwrap_or(0),
        health_check,
    })
}

fn speaks(raw: &Raw<Text>, over_tls: bool, path: &str, checker: &mut Checker) -> Protocol {
    let path = format!("{path}.protocol");
    let words = [("http1", Protocol::Http1), ("h2", Protocol::H2), ("h2c", Protocol::H2c)];
    let protocol = checker.choice(raw, &path, &words).unwrap_or(Protocol::Http1);
    match (protocol, over_tls) {
        (Protocol::H2c, true) => checker.wrong(raw.place(), &path, "expected http1 or h2 over https"),
        (Protocol::H2, false) => checker.wrong(raw.place(), &path, "expected http1 or h2c over http"),
        (Protocol::Http1 | Protocol::H2 | Protocol::H2c, _) => {}
    }
    protocol
}

/// Whether a URL asks for TLS, its host in lower case and its port.
fn endpoint(url: &str) -> Option<(bool, String, u16)> {
    let Some(rest) = url.strip_prefix("https://") else {
        return authority(url).map(|(host, port)| (false, host, port));
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if valid_host(rest) {
        return Some((true, rest.to_ascii_lowercase(), HTTPS));
    }
    host_and_port(rest).map(|(host, port)| (true, host, port))
}

/// The host, in lower case, and the port of `http://HOST:PORT`.
pub(super) fn authority(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("http://")?;
    host_and_port(rest.strip_suffix('/').unwrap_or(rest))
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    valid_host(host).then(|| (host.to_ascii_lowercase(), port))
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn valid_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(sound)
}

/// Servers of an upstream, beyond the first.
const MORE: usize = 63;

const RETRIES: Bounds = Bounds { default: "0", min: "0", max: "5" };

/// The port that an https URL need not name.
const HTTPS: u16 = 443;
