use std::sync::Arc;

use crate::{Policy, Protocol, UpstreamTls};

/// A server of policy that is spoken to over TLS.
#[derive(Clone, Debug)]
pub struct Outward<'p> {
    /// Where policy says how.
    pub place: String,
    /// The name of the upstream, FIX listener or log stream.
    pub name: &'p Arc<str>,
    /// Its host, by which its certificate is known if policy says nothing else.
    pub host: &'p str,
    /// Whom to believe, and what to show.
    pub tls: &'p UpstreamTls,
    /// What is spoken beneath.
    pub protocol: OutwardProtocol,
}

/// What is spoken with a server over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutwardProtocol {
    /// A version of HTTP.
    Http(Protocol),
    /// FIX.
    Fix,
    /// A log protocol.
    Logs,
}

impl Policy {
    /// Every server that is spoken to over TLS.
    pub fn outward_tls(&self) -> impl Iterator<Item = Outward<'_>> {
        let upstreams = self.upstreams.iter().filter_map(|one| {
            let place = format!("upstreams.{}.tls", one.name);
            let protocol = OutwardProtocol::Http(one.protocol);
            Some(Outward { place, name: &one.name, host: &one.host, tls: one.tls.as_ref()?, protocol })
        });
        let fix = self.fix.iter().enumerate().filter_map(|(at, one)| {
            let (place, protocol) = (format!("fix[{at}].tls"), OutwardProtocol::Fix);
            Some(Outward { place, name: &one.name, host: &one.host, tls: one.tls.as_ref()?, protocol })
        });
        let streams = self.streams.iter().enumerate().filter_map(|(at, one)| {
            let (place, protocol) = (format!("streams[{at}].tls"), OutwardProtocol::Logs);
            Some(Outward { place, name: &one.name, host: &one.host, tls: one.tls.as_ref()?, protocol })
        });
        upstreams.chain(fix).chain(streams)
    }
}
