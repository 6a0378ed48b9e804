//! Where connections are accepted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Checker;
use crate::written::{Address, Raw};

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
        let mut address =
            |raw: &Option<Raw<Address>>, name: &str| checker.address(raw.as_ref(), &format!("listeners.{name}"));
        let listeners = Listeners {
            ingress: address(&self.ingress, "ingress"),
            egress: address(&self.egress, "egress"),
            admin: address(&self.admin, "admin").unwrap_or(ADMIN),
            health: address(&self.health, "health").unwrap_or(HEALTH),
        };
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

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9911);
const HEALTH: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9912);
