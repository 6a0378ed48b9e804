//! What has to report that it is well, and what follows when it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::{Level, Name, Scope};
use serde::Deserialize;

use super::signals::{LEVELS, SAFE};
use super::upstreams::valid_host;
use crate::check::{Bounds, Checker};
use crate::written::{At, Count, Raw, ScopeText, Text, Time};

/// Something that has to report that it is well: a monitor, a feed, a reconciliation. Silence is UNKNOWN, never PASS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GateWritten {
    /// The longest silence. Default 30s, from 1s to 24h.
    pub(crate) ttl: Option<Raw<Time>>,
    /// How many FAILs in a row count. Default 2, from 1 to 100.
    pub(crate) confirm: Option<Raw<Count>>,
    /// What FAIL tightens to: `SAFE`, `CLOSE_ONLY`, `BLOCK` or `EMERGENCY_STOP`. Default SAFE. UNKNOWN is always SAFE.
    pub(crate) fail: Option<Raw<Text>>,
    /// Where. Default fleet.
    pub(crate) scope: Option<Raw<ScopeText>>,
    /// The silence after which it is BLOCK, beyond the SAFE that follows the TTL. Not below the TTL, up to 24h. Never unless
    /// given.
    pub(crate) block_after: Option<Raw<Time>>,
    /// `http://HOST:PORT/PATH`, asked three times within the TTL: 2xx is PASS, any other answer FAIL. Without it, the gate
    /// waits to be told.
    pub(crate) probe: Option<Raw<Text>>,
    /// What to ask of the Prometheus server at `probe`: an expression that has a result while all is well, as
    /// `up{job="feed"} == 1`. PASS where it has one and no value of it is 0 or NaN, FAIL where it has none; an answer that is
    /// no result is UNKNOWN.
    pub(crate) query: Option<Raw<Text>>,
}

/// Something that has to report that it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Names it.
    pub name: Name,
    /// The longest silence.
    pub ttl: Duration,
    /// How many FAILs in a row count.
    pub confirm: u32,
    /// What FAIL tightens to.
    pub fail: Level,
    /// Where.
    pub scope: Scope,
    /// The silence after which it is BLOCK.
    pub block_after: Option<Duration>,
    /// Where it is asked, if it does not report by itself.
    pub probe: Option<Probe>,
    /// Whether the answer is a query's result, and not a status.
    pub prometheus: bool,
}

/// Where somebody is asked or told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Name or address, and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

pub(crate) fn check_gates(written: &BTreeMap<String, At<GateWritten>>, checker: &mut Checker) -> Vec<Gate> {
    if written.len() > MOST {
        let first = written.values().next().map_or(crate::written::Place::START, |gate| gate.place);
        checker.wrong(first, "gates", format!("expected at most {MOST} gates"));
    }
    written.iter().filter_map(|(name, gate)| check(name, gate, checker)).collect()
}

fn check(name: &str, gate: &At<GateWritten>, checker: &mut Checker) -> Option<Gate> {
    let Ok(checked) = name.parse::<Name>() else {
        checker.wrong(gate.place, "gates", "expected a name of 1 to 64 of A-Z a-z 0-9 . _ : @ -");
        return None;
    };
    let path = format!("gates.{name}");
    let GateWritten { ttl, confirm, fail, scope, block_after, probe, query } = &gate.value;
    let ttl = checker.bounded(ttl.as_ref(), &format!("{path}.ttl"), Bounds { default: "30s", min: "1s", max: "24h" });
    let block_after = block_after.as_ref().map(|raw| self::block_after(raw, ttl, &path, checker));
    let bounds = Bounds { default: "2", min: "1", max: "100" };
    let confirm = checker.bounded(confirm.as_ref(), &format!("{path}.confirm"), bounds);
    let fail = fail.as_ref().and_then(|raw| checker.choice(raw, &format!("{path}.fail"), &LEVELS));
    let scope = scope.as_ref().and_then(|raw| checker.scope(raw, &format!("{path}.scope")));
    let probe = probe.as_ref().and_then(|raw| self::probe(raw, &format!("{path}.probe"), checker));
    let probe = match query {
        Some(query) => queried(probe, query, &format!("{path}.query"), checker),
        None => probe,
    };
    Some(Gate {
        name: checked,
        ttl,
        confirm: confirm.try_into().unwrap_or(u32::MAX),
        fail: fail.unwrap_or(SAFE),
        scope: scope.unwrap_or(Scope::Fleet),
        block_after,
        probe,
        prometheus: query.is_some(),
    })
}

fn block_after(raw: &Raw<Time>, ttl: Duration, path: &str, checker: &mut Checker) -> Duration {
    let path = format!("{path}.block_after");
    let after = checker.bounded(Some(raw), &path, Bounds { default: "24h", min: "1s", max: "24h" });
    if after < ttl {
        checker.wrong(raw.place(), &path, "expected no less than the gate's `ttl`");
    }
    after
}

/// The probe of a Prometheus server, asked for the result of an expression.
fn queried(server: Option<Probe>, query: &Raw<Text>, path: &str, checker: &mut Checker) -> Option<Probe> {
    let text = query.text();
    if text.trim().is_empty() || text.len() > LONGEST_QUERY {
        checker.wrong(query.place(), path, format!("expected an expression of 1 to {LONGEST_QUERY} bytes"));
    }
    let Some(Probe { authority, path: below }) = server else {
        checker.wrong(query.place(), path, "expected a `probe` beside it: http://HOST:PORT of a Prometheus server");
        return None;
    };
    let below = below.trim_end_matches('/');
    Some(Probe { authority, path: format!("{below}/api/v1/query?query={}", percent(text)) })
}

/// As RFC 3986 (2.3) leaves it: what is unreserved stays, all else is its bytes in hex.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An address that is asked or told something.
pub(super) fn probe(raw: &Raw<Text>, path: &str, checker: &mut Checker) -> Option<Probe> {
    let probe = probe_of(raw.text());
    if probe.is_none() {
        checker.wrong(raw.place(), path, "expected http://HOST:PORT/PATH");
    }
    probe
}

pub(crate) fn probe_of(url: &str) -> Option<Probe> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.rsplit_once(':')?;
    let sound = valid_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (sound && plain).then(|| Probe { authority: authority.to_owned(), path: format!("/{path}") })
}

const MOST: usize = 64;
const LONGEST_QUERY: usize = 2048;

#[cfg(test)]
mod tests {
    use crate::Policy;

    fn gates(text: &str) -> Result<Vec<super::Gate>, String> {
        let yaml = format!("version: 1\nservice: s\ngates: {text}\n");
        Policy::parse("p", &yaml).map(|policy| policy.gates).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_gate_needs_only_its_name() {
        let gate = gates("{feed: {}}").unwrap().remove(0);
        assert_eq!((gate.ttl.as_secs(), gate.confirm, gate.fail), (30, 2, super::SAFE));
        let probe = gates("{feed: {probe: 'http://[::1]:80/ok?x=1', fail: BLOCK}}").unwrap().remove(0).probe.unwrap();
        assert_eq!((probe.authority.as_str(), probe.path.as_str()), ("[::1]:80", "/ok?x=1"));
    }

    #[test]
    fn a_prometheus_server_is_asked_for_an_expression() {
        let gate = gates("{feed: {probe: 'http://p:9090/prom/', query: 'up{job=\"a b\"} == 1'}}").unwrap().remove(0);
        let expected = "/prom/api/v1/query?query=up%7Bjob%3D%22a%20b%22%7D%20%3D%3D%201";
        assert_eq!((gate.probe.unwrap().path.as_str(), gate.prometheus), (expected, true));
        assert!(!gates("{feed: {probe: 'http://p:9090/'}}").unwrap().remove(0).prometheus);
    }

    #[test]
    fn what_is_no_gate_is_said_with_its_place() {
        for (text, why) in [
            ("{'a b': {}}", "p:3:16: gates: expected a name of 1 to 64 of A-Z a-z 0-9 . _ : @ -"),
            ("{a: {ttl: 0s}}", "p:3:18: gates.a.ttl: expected a time, as 500ms, 10s, 5m or 1h, from 1s to 24h"),
            ("{a: {probe: 'https://x:1/'}}", "p:3:20: gates.a.probe: expected http://HOST:PORT/PATH"),
            ("{a: {block_after: 10s}}", "p:3:26: gates.a.block_after: expected no less than the gate's `ttl`"),
            (
                "{a: {query: up}}",
                "p:3:20: gates.a.query: expected a `probe` beside it: http://HOST:PORT of a Prometheus server",
            ),
            ("{a: {fail: ALLOW}}", "p:3:19: gates.a.fail: expected SAFE, CLOSE_ONLY, BLOCK or EMERGENCY_STOP"),
        ] {
            assert_eq!(gates(text).unwrap_err(), why);
        }
    }
}
