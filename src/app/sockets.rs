//! Where a sidecar listens.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};

use sekisho_filters::Witness;
use sekisho_policy::{Listener, Policy};
use tokio::sync::Semaphore;

use super::{Addresses, MayTls};
use crate::data::chain::{Chain, chain};
use crate::data::exposure::{Exposure, Exposures, Socket};
use crate::data::inherited::Inherited;
use crate::data::listener::{ConnectionLimits, Gate, Listening};
use crate::data::live::{Live, Serving};
use crate::data::peers::Peers;
use crate::data::streams::{self, Bound};
use crate::data::upstream::Upstreams;
use crate::data::websocket::WebSockets;
use crate::telemetry::Traffic;

/// One listener of the data path, as all workers serve it.
pub(super) struct Entrance {
    pub(super) socket: Socket,
    pub(super) listener: Listener,
    pub(super) limits: ConnectionLimits,
    pub(super) room: Arc<Semaphore>,
    pub(super) peers: Peers,
    pub(super) tls: MayTls,
}

impl Entrance {
    pub(super) fn gate(
        &self,
        live: &Arc<Live>,
        (witness, traffic): (&Arc<dyn Witness>, &Traffic),
        (upstreams, websockets): (&Upstreams, WebSockets),
    ) -> Listening<Gate<impl Chain + use<>>> {
        let upstreams = upstreams.clone();
        let build = Box::new(move |parts| chain(parts, upstreams.clone()));
        let serving = Mutex::new(Serving::new(Arc::clone(live), self.listener, build));
        let (witness, linger) = (Arc::clone(witness), self.limits.header_timeout);
        let traffic = Arc::new(traffic.clone().counting());
        let handler = Gate { serving, witness, traffic, websockets, linger };
        let (room, peers, tls) = (Arc::clone(&self.room), self.peers.clone(), self.tls.clone());
        Listening { socket: self.socket.clone(), handler, limits: self.limits, room, peers, tls }
    }
}

pub(super) struct Sockets {
    pub(super) streams: Bound,
    pub(super) exposures: Arc<Exposures>,
    pub(super) admin: StdListener,
    pub(super) health: StdListener,
}

impl Sockets {
    pub(super) async fn bind(policy: &Policy, inherited: &Inherited) -> std::io::Result<Self> {
        let listeners = &policy.listeners;
        let maybe = async |what, address: Option<SocketAddr>| match address {
            Some(address) => inherited.or_bind(what, address).await.and_then(Exposure::new).map(Some),
            None => Ok(None),
        };
        let exposures = Exposures {
            ingress: maybe("listeners.ingress", listeners.ingress).await?,
            egress: maybe("listeners.egress", listeners.egress).await?,
        };
        Ok(Self {
            streams: streams::bind(streams::of(policy), inherited).await?,
            exposures: Arc::new(exposures),
            admin: inherited.or_bind("listeners.admin", listeners.admin).await?.socket,
            health: inherited.or_bind("listeners.health", listeners.health).await?.socket,
        })
    }

    pub(super) fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            ingress: self.exposures.ingress.as_ref().map(Exposure::address),
            egress: self.exposures.egress.as_ref().map(Exposure::address),
            admin: self.admin.local_addr()?,
            health: self.health.local_addr()?,
        })
    }
}
