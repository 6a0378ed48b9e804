//! Where requests go on to.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Checker;
use crate::written::{At, Raw, Text};

/// A server that requests go on to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UpstreamWritten {
    /// `http://HOST:PORT`, without a path. TLS to a venue is spoken by the proxy behind this address.
    pub(crate) url: Option<Raw<Text>>,
    /// The `Host` it gets to see: `upstream`, its own, or `preserve`, the client's. Default upstream.
    pub(crate) host: Option<Raw<Text>>,
    /// `http1` or `h2c`. Default http1.
    pub(crate) protocol: Option<Raw<Text>>,
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
    /// Whether it gets to see the client's `Host`.
    pub preserve_host: bool,
    /// What it speaks.
    pub protocol: Protocol,
}

/// What an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2c,
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
    let UpstreamWritten { url, host, protocol } = &upstream.value;
    let preserve_host = host
        .as_ref()
        .and_then(|host| checker.choice(host, &format!("{path}.host"), &[("upstream", false), ("preserve", true)]));
    let protocol = protocol.as_ref().and_then(|protocol| {
        let words = [("http1", Protocol::Http1), ("h2c", Protocol::H2c)];
        checker.choice(protocol, &format!("{path}.protocol"), &words)
    });
    let path = format!("{path}.url");
    let url = checker.needed(url.as_ref(), upstream.place, &path)?;
    let Some((host, port)) = authority(url.text()) else {
        checker.wrong(url.place(), &path, "expected http://HOST:PORT and nothing after it");
        return None;
    };
    Some(Upstream {
        name: name.into(),
        host,
        port,
        preserve_host: preserve_host.unwrap_or(false),
        protocol: protocol.unwrap_or(Protocol::Http1),
    })
}

pub(super) fn authority(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("http://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = rest.rsplit_once(':')?;
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
