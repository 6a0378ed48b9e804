//! Where connections are accepted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::identity::{IpNet, networks};
use super::tls::{ListenerTls, ListenerTlsWritten};
use crate::check::Checker;
use crate::written::{Address, At, Flag, Raw, Text};

/// Where connections are accepted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListenersWritten {
    /// For requests to the service. Absent: none.
    pub(crate) ingress: Option<Raw<Address>>,
    /// For requests of the service. Absent: none.
    pub(crate) egress: Option<Raw<Address>>,
    /// The admin API and console, on loopback. Default 127.0.0.1:9911.
    pub(crate) admin: Option<Raw<Address>>,
    /// Health and metrics; no route here changes anything. Default 0.0.0.0:9912.
    pub(crate) health: Option<Raw<Address>>,
    /// TLS on ingress. Absent: plain HTTP, for callers on this machine.
    pub(crate) ingress_tls: Option<At<ListenerTlsWritten>>,
    /// TLS on egress. Absent: plain HTTP, for the service on this machine.
    pub(crate) egress_tls: Option<At<ListenerTlsWritten>>,
    /// TLS on health. Absent: plain HTTP.
    pub(crate) health_tls: Option<At<ListenerTlsWritten>>,
    /// Proxies in front of ingress whose word is taken for where a request comes from, as 10.0.0.0/8: the right-most address of
    /// `X-Forwarded-For` that is none of them asks. Default none.
    pub(crate) trusted_hops: Vec<Raw<Text>>,
    /// Whether these proxies begin every connection with a header of the PROXY protocol, version 2. Default false.
    pub(crate) proxy_protocol: Option<Raw<Flag>>,
}

/// Where connections are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// For requests to the service.
    pub ingress: Option<SocketAddr>,
    /// For requests of the service.
    pub egress: Option<SocketAddr>,
    /// The admin API and console, on loopback.
    pub admin: SocketAddr,
    /// Health and metrics.
    pub health: SocketAddr,
    /// TLS on ingress. None: plain HTTP.
    pub ingress_tls: Option<ListenerTls>,
    /// TLS on egress. None: plain HTTP.
    pub egress_tls: Option<ListenerTls>,
    /// TLS on health. None: plain HTTP.
    pub health_tls: Option<ListenerTls>,
    /// Proxies in front of ingress whose word is taken.
    pub trusted_hops: Vec<IpNet>,
    /// Whether they begin every connection with a header of the PROXY protocol.
    pub proxy_protocol: bool,
}

/// The side of the service that a route is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listener {
    /// Requests to the service.
    Ingress,
    /// Requests of the service.
    Egress,
}

impl ListenersWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Listeners {
        let trusted_hops = networks(&self.trusted_hops, "listeners.trusted_hops", checker);
        let proxy_protocol = checker.flag(self.proxy_protocol.as_ref(), "listeners.proxy_protocol", false);
        if let Some(raw) = self.proxy_protocol.as_ref().filter(|_| proxy_protocol && self.trusted_hops.is_empty()) {
            checker.wrong(raw.place(), "listeners.proxy_protocol", "expected trusted_hops: nobody else is believed");
        }
        let mut address =
            |raw: &Option<Raw<Address>>, name: &str| checker.address(raw.as_ref(), &format!("listeners.{name}"));
        let listeners = Listeners {
            ingress: address(&self.ingress, "ingress"),
            egress: address(&self.egress, "egress"),
            admin: address(&self.admin, "admin").unwrap_or(ADMIN),
            health: address(&self.health, "health").unwrap_or(HEALTH),
            ingress_tls: tls(self.ingress_tls.as_ref(), "ingress", checker),
            egress_tls: tls(self.egress_tls.as_ref(), "egress", checker),
            health_tls: tls(self.health_tls.as_ref(), "health", checker),
            trusted_hops,
            proxy_protocol,
        };
        let without = [("ingress", &self.ingress, &self.ingress_tls), ("egress", &self.egress, &self.egress_tls)];
        for (name, _, tls) in without.iter().filter(|(_, address, _)| address.is_none()) {
            if let Some(tls) = tls {
                checker.wrong(
                    tls.place,
                    &format!("listeners.{name}_tls"),
                    format!("expected listeners.{name} beside it"),
                );
            }
        }
        if let Some(admin) = self.admin.as_ref().filter(|_| !listeners.admin.ip().is_loopback()) {
            checker.wrong(admin.place(), "listeners.admin", "expected a loopback address");
        }
        self.distinct(&listeners, checker);
        listeners
    }

    /// Two listeners with one port are one too many, whatever their addresses: a wildcard covers the others.
    fn distinct(&self, listeners: &Listeners, checker: &mut Checker) {
        let all = [
            ("ingress", &self.ingress, listeners.ingress),
            ("egress", &self.egress, listeners.egress),
            ("admin", &self.admin, Some(listeners.admin)),
            ("health", &self.health, Some(listeners.health)),
        ];
        for (index, (name, raw, address)) in all.iter().enumerate() {
            let others = all.iter().enumerate().filter(|(other, _)| *other != index);
            let port = address.map(|address| address.port());
            let mut others =
                others.filter(|(_, (_, _, other))| other.map(|other| other.port()) == port && port != Some(0));
            let clash = others.find(|(other, (_, raw, _))| *other < index || raw.is_none());
            if let (Some(raw), Some((_, (other, ..))), Some(_)) = (raw, clash, port) {
                let path = format!("listeners.{name}");
                checker.wrong(raw.place(), &path, format!("expected a port that {other} does not have"));
            }
        }
    }
}

fn tls(written: Option<&At<ListenerTlsWritten>>, name: &str, checker: &mut Checker) -> Option<ListenerTls> {
    written.map(|written| written.value.check(written.place, &format!("listeners.{name}_tls"), checker))
}

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9911);
const HEALTH: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9912);
