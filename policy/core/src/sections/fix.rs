//! Where FIX sessions are accepted, and which counterparty they go on to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::identity::IpNet;
use super::routes::OrdersPolicy;
use super::tls::{UpstreamTls, UpstreamTlsWritten};
use super::upstreams::valid_host;
use crate::check::Checker;
use crate::orders::OrdersWritten;
use crate::written::{Address, At, Flag, Place, Raw, ScopeText, Text};

/// A place where FIX sessions are accepted. Each goes on to one counterparty, whose orders are held to the safety state.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FixWritten {
    /// The name that the journal and metrics use for it.
    pub(crate) name: Option<Raw<Text>>,
    /// Where it is accepted.
    pub(crate) listen: Option<Raw<Address>>,
    /// The counterparty: `HOST:PORT`.
    pub(crate) connect: Option<Raw<Text>>,
    /// Speaks TLS with the counterparty: whom to believe, and what to show. `{}` believes whom the system trusts. Absent: no TLS.
    pub(crate) tls: Option<At<UpstreamTlsWritten>>,
    /// Who may connect, as networks. Default anybody who can reach the address.
    pub(crate) allow: Vec<Raw<Text>>,
    /// How its messages are judged. Default the pack `fix`.
    pub(crate) orders: Option<At<OrdersWritten>>,
    /// Scopes that its messages belong to, beside fleet.
    pub(crate) scopes: Vec<Raw<ScopeText>>,
    /// Whether what the client sends is searched for secrets; credentials of a logon are meant to go on. Default true.
    pub(crate) search: Option<Raw<Flag>>,
}

/// A place where FIX sessions are accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// The name that the journal and metrics use for it.
    pub name: Arc<str>,
    /// Where it is accepted.
    pub listen: SocketAddr,
    /// The counterparty's host.
    pub host: String,
    /// The counterparty's port.
    pub port: u16,
    /// How TLS is spoken with it. None: not at all.
    pub tls: Option<UpstreamTls>,
    /// Who may connect. Empty: anybody.
    pub allow: Vec<IpNet>,
    /// How its messages are judged.
    pub orders: OrdersPolicy,
    /// Whether what the client sends is searched.
    pub search: bool,
}

pub(crate) fn check_fix(written: &[At<FixWritten>], checker: &mut Checker) -> Vec<Fix> {
    let (mut names, mut ports) = (BTreeSet::new(), BTreeSet::new());
    let mut all = Vec::new();
    for (index, item) in written.iter().enumerate() {
        let path = format!("fix[{index}]");
        let Some(one) = check(&item.value, item.place, &path, checker) else { continue };
        if !names.insert(Arc::clone(&one.name)) {
            checker.wrong(item.place, &format!("{path}.name"), "expected a name that no other has");
        }
        if one.listen.port() > 0 && !ports.insert(one.listen.port()) {
            checker.wrong(item.place, &format!("{path}.listen"), "expected a port that no other has");
        }
        all.push(one);
    }
    all
}

fn check(fix: &FixWritten, place: Place, path: &str, checker: &mut Checker) -> Option<Fix> {
    let field = |name: &str| format!("{path}.{name}");
    let name = checker.needed(fix.name.as_ref(), place, &field("name"));
    let name = name.map(|name| checker.name(name, &field("name")));
    let listen = checker.needed(fix.listen.as_ref(), place, &field("listen"));
    let listen = listen.and_then(|listen| checker.address(Some(listen), &field("listen")));
    let connect = checker.needed(fix.connect.as_ref(), place, &field("connect"));
    let connect = connect.and_then(|raw| {
        let target = target(raw.text());
        if target.is_none() {
            checker.wrong(raw.place(), &field("connect"), "expected HOST:PORT");
        }
        target
    });
    let expected = "expected an address or a network, as 10.0.0.0/8";
    let allow = fix.allow.iter().filter_map(|raw| checker.parsed(raw, &field("allow"), expected)).collect();
    let rules = match &fix.orders {
        Some(orders) => orders.value.check(orders.place, &field("orders"), checker),
        None => OrdersWritten::of_pack("fix"),
    };
    let beside = fix.orders.as_ref().map(|orders| orders.value.check_beside(&field("orders"), checker));
    let scopes = checker.scopes(&fix.scopes, &field("scopes"));
    let tls = fix.tls.as_ref().map(|tls| tls.value.check(&field("tls"), checker));
    let search = checker.flag(fix.search.as_ref(), &field("search"), true);
    let (host, port) = connect?;
    let beside = beside.unwrap_or_default();
    if beside.positions.is_some() {
        checker.wrong(
            place,
            &field("orders.positions"),
            "expected on a route: a session's positions are the venue's affair",
        );
    }
    let orders = OrdersPolicy::new(rules?, scopes, beside);
    Some(Fix { name: name?.into(), listen: listen?, host, port, tls, allow, orders, search })
}

fn target(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    valid_host(host).then(|| (host.to_ascii_lowercase(), port))
}
