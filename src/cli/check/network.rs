//! Ports that would be opened, and upstreams that would be asked.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

use sekisho_policy::{Policy, Upstream};

use super::report::{Finding, Group, Trouble};

pub(super) fn ports(policy: &Policy) -> Vec<Finding> {
    let listeners = &policy.listeners;
    let ours = [
        ("listeners.ingress", listeners.ingress),
        ("listeners.egress", listeners.egress),
        ("listeners.admin", Some(listeners.admin)),
        ("listeners.health", Some(listeners.health)),
    ];
    let ours = ours.into_iter().filter_map(|(name, address)| Some((name.to_owned(), address?)));
    let streams =
        policy.streams.iter().enumerate().map(|(at, stream)| (format!("streams[{at}].listen"), stream.listen));
    let fix = policy.fix.iter().enumerate().map(|(at, fix)| (format!("fix[{at}].listen"), fix.listen));
    ours.chain(streams).chain(fix).map(|(name, address)| port(&name, address)).collect()
}

fn port(name: &str, address: SocketAddr) -> Finding {
    let refused = |error: Error| Trouble { hint: other(name, address, error.kind()), why: error.to_string() };
    let free = TcpListener::bind(address).map(drop).map_err(refused);
    Finding::of(Group::Ports, format!("{name} {address}"), free)
}

fn other(name: &str, address: SocketAddr, kind: ErrorKind) -> String {
    if kind == ErrorKind::AddrNotAvailable {
        return format!("set `{name}: 127.0.0.1:{}`: this machine has no such address", address.port());
    }
    let elsewhere = if kind == ErrorKind::AddrInUse {
        "stop what listens there (a sidecar that runs, perhaps)"
    } else {
        "let the user who runs this open it (below 1024 that takes CAP_NET_BIND_SERVICE)"
    };
    let free = TcpListener::bind((address.ip(), 0)).and_then(|socket| socket.local_addr());
    match free {
        Ok(free) => format!("{elsewhere}, or set `{name}: {free}`"),
        Err(_) => elsewhere.to_owned(),
    }
}

/// Asks all at once: one that does not answer holds up nobody else.
pub(super) fn upstreams(policy: &Policy) -> Vec<Finding> {
    thread::scope(|scope| {
        let asked: Vec<_> = policy.upstreams.iter().map(|upstream| scope.spawn(|| reached(upstream))).collect();
        asked.into_iter().filter_map(|one| one.join().ok()).flatten().collect()
    })
}

fn reached(upstream: &Upstream) -> Vec<Finding> {
    let scheme = if upstream.tls.is_some() { "https" } else { "http" };
    let servers = upstream.endpoints().map(|(host, port)| {
        let what = format!("upstreams.{} {scheme}://{host}:{port}", upstream.name);
        match connects(host.trim_start_matches('[').trim_end_matches(']'), port) {
            Ok(()) => Finding::ok(Group::Upstreams, what),
            Err(error) => {
                let hint = format!("start it, or set `upstreams.{}.url` to where it is", upstream.name);
                Finding::warn(Group::Upstreams, what, Trouble::new(&error, hint))
            }
        }
    });
    servers.collect()
}

fn connects(host: &str, port: u16) -> Result<(), Error> {
    let mut last = Error::new(ErrorKind::NotFound, "its name has no address");
    for address in (host, port).to_socket_addrs()?.take(ADDRESSES) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Credentials of a venue that travel to another machine as anybody on the way can read them.
pub(super) fn in_the_clear(policy: &Policy) -> impl Iterator<Item = Finding> {
    let sessions = policy.fix.iter().enumerate().filter(|(_, fix)| fix.tls.is_none() && !is_here(&fix.host));
    let sessions = sessions.map(|(at, fix)| {
        let hint = format!("set `fix[{at}].tls: {{}}`, or let it be reached over loopback");
        let why = format!("sessions of `{}` go to another machine without TLS", fix.name);
        Finding::warn(Group::Upstreams, format!("fix[{at}]"), Trouble::new(&why, hint))
    });
    policy.upstreams.iter().filter_map(|upstream| readable(policy, upstream)).chain(sessions)
}

fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn readable(policy: &Policy, upstream: &Upstream) -> Option<Finding> {
    if upstream.tls.is_some() || upstream.endpoints().all(|(host, _)| is_here(&host)) {
        return None;
    }
    let route = policy.routes.iter().find(|route| route.upstream == upstream.name && route.orders.is_some())?;
    let why = format!("orders of route `{}` go to another machine without TLS", route.name);
    let hint =
        format!("set `upstreams.{}.url: https://{}`, or let it be reached over loopback", upstream.name, upstream.host);
    Some(Finding::warn(Group::Upstreams, format!("upstreams.{}", upstream.name), Trouble::new(&why, hint)))
}

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many addresses of one name are tried.
const ADDRESSES: usize = 4;
