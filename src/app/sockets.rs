//! Where a sidecar listens.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};

use sekisho_policy::Policy;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{Addresses, MayTls};
use crate::data::chain::{Chain, Parts, chain};
use crate::data::classify::Routes;
use crate::data::listener::{ConnectionLimits, Gate, Listening, bind};
use crate::data::peers::Peers;
use crate::data::streams::{self, Bound};
use crate::data::upstream::Upstreams;

/// One listener of the data path, as all workers serve it.
pub(super) struct Entrance {
    pub(super) socket: StdListener,
    pub(super) routes: Arc<Routes>,
    pub(super) limits: ConnectionLimits,
    pub(super) room: Arc<Semaphore>,
    pub(super) peers: Peers,
    pub(super) tls: MayTls,
}

impl Entrance {
    pub(super) fn gate(
        &self,
        parts: &Parts,
        upstreams: &Upstreams,
    ) -> std::io::Result<Listening<Gate<impl Chain + use<>>>> {
        let (routes, witness) = (Arc::clone(&self.routes), Arc::clone(&parts.witness));
        let handler = Gate { routes, chain: Mutex::new(chain(parts.clone(), upstreams.clone())), witness };
        let socket = TcpListener::from_std(self.socket.try_clone()?)?;
        let (room, peers, tls) = (Arc::clone(&self.room), self.peers.clone(), self.tls.clone());
        Ok(Listening { socket, handler, limits: self.limits, room, peers, tls })
    }
}

pub(super) struct Sockets {
    pub(super) streams: Bound,
    pub(super) ingress: Option<StdListener>,
    pub(super) egress: Option<StdListener>,
    pub(super) admin: TcpListener,
    pub(super) health: TcpListener,
}

impl Sockets {
    pub(super) async fn bind(policy: &Policy) -> std::io::Result<Self> {
        let listeners = &policy.listeners;
        let maybe = async |what, address: Option<SocketAddr>| match address {
            // Taken off this runtime: the workers register it with theirs.
            Some(address) => bind(what, address).await?.into_std().map(Some),
            None => Ok(None),
        };
        Ok(Self {
            streams: streams::bind(streams::of(policy)).await?,
            ingress: maybe("listeners.ingress", listeners.ingress).await?,
            egress: maybe("listeners.egress", listeners.egress).await?,
            admin: bind("listeners.admin", listeners.admin).await?,
            health: bind("listeners.health", listeners.health).await?,
        })
    }

    pub(super) fn addresses(&self) -> std::io::Result<Addresses> {
        let of = |socket: &Option<StdListener>| socket.as_ref().map(StdListener::local_addr).transpose();
        Ok(Addresses {
            ingress: of(&self.ingress)?,
            egress: of(&self.egress)?,
            admin: self.admin.local_addr()?,
            health: self.health.local_addr()?,
        })
    }
}
