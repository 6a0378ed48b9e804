//! Which route a request takes: read once, carried with it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri};
use sekisho_filters::exchange::Input;
use sekisho_filters::{DecisionId, Exchange, Route, Trip};
use sekisho_policy::{Listener, Refusal};

use super::held::Held;
use super::hops::Hops;
use super::strict;

/// The routes of one listener, in the order policy writes them.
#[derive(Debug)]
pub struct Routes {
    listener: Listener,
    entries: Vec<Entry>,
    held: Held,
    decisions: Arc<Decisions>,
    hops: Hops,
    /// What a request that no route takes is answered and journaled under.
    nowhere: Arc<Route>,
}

/// When a route takes a request.
#[derive(Debug)]
pub struct Entry {
    /// Lower case, without the port; `None` is any.
    pub host: Option<String>,
    /// Begins with `/`; taken at a segment boundary.
    pub path_prefix: String,
    /// `None` is any.
    pub methods: Option<Vec<Method>>,
    /// Whether the prefix is taken off before the request goes on.
    pub strip_prefix: bool,
    /// What is then done.
    pub route: Arc<Route>,
}

/// Numbers the decisions of this process.
#[derive(Debug)]
pub struct Decisions {
    boot: u64,
    next: AtomicU64,
}

impl Decisions {
    /// Counts from 0 under a number drawn for this process.
    #[must_use]
    pub const fn new(boot: u64) -> Self {
        Self { boot, next: AtomicU64::new(0) }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The next one.
    pub fn next(&self) -> DecisionId {
        DecisionId { boot: self.boot, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Routes {
    /// The routes of `listener`.
    #[must_use]
    pub fn new(listener: Listener, entries: Vec<Entry>, decisions: Arc<Decisions>) -> Self {
        let nowhere = Arc::new(Route::nowhere("none"));
        Self { listener, held: Held::new(&entries), entries, decisions, hops: Hops::default(), nowhere }
    }

    /// The same behind proxies of ours.
    #[must_use]
    pub fn behind(self, hops: Hops) -> Self {
        Self { hops, ..self }
    }

    /// Every route, in the order in which they are tried.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.entries.iter().map(|entry| &entry.route)
    }

    /// The proxies in front whose word is taken.
    #[must_use]
    pub const fn hops(&self) -> &Hops {
        &self.hops
    }

    /// The route that takes a handshake for `host` at `path`, which was a `GET`.
    pub fn upgrading(&self, host: &str, path: &str) -> Option<&Arc<Route>> {
        self.entries.iter().find(|entry| entry.meets((&Method::GET, path), host)).map(|entry| &entry.route)
    }

    /// Checks the head of a request and finds its route. The exchange is made either way, so that a refusal has an id.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or [`Refusal::NoRoute`].
    pub fn classify<B>(&self, peer: IpAddr, request: &mut Request<B>) -> (Exchange, Result<(), Refusal>) {
        let decision = self.decisions.next();
        let peer = self.hops.client(peer, request.headers());
        let trip = Trip::begin(request.headers());
        let exchange = |route, host| Exchange { decision, peer, route, host, input: Input::default(), trip };
        let host = match strict::head(request) {
            Ok(host) => host,
            Err(refusal) => return (exchange(Arc::clone(&self.nowhere), Arc::default()), Err(refusal)),
        };
        let mut entries = self.entries.iter().enumerate();
        let Some((at, entry)) = entries.find(|(_, entry)| entry.takes(request, &host)) else {
            return (exchange(Arc::clone(&self.nowhere), host), Err(Refusal::NoRoute));
        };
        let exchange = exchange(Arc::clone(&entry.route), host);
        if self.held.is_meant(at, entry, request, &exchange.host) {
            return (
                exchange,
                Err(Refusal::BadRequest { what: "the target is another spelling of a route that comes first" }),
            );
        }
        let stripped = if entry.strip_prefix { strip(request, &entry.path_prefix) } else { Ok(()) };
        if self.listener == Listener::Ingress {
            stamp(request, peer);
        }
        (exchange, stripped)
    }
}

impl Entry {
    pub(super) fn takes<B>(&self, request: &Request<B>, host: &str) -> bool {
        self.meets((request.method(), request.uri().path()), host)
    }

    fn meets(&self, (method, path): (&Method, &str), host: &str) -> bool {
        is_under(path, &self.path_prefix)
            && self.host.as_deref().is_none_or(|wanted| wanted == host)
            && self.methods.as_ref().is_none_or(|methods| methods.contains(method))
    }
}

/// Whether a path begins with a prefix, at a segment boundary.
pub(super) fn is_under(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

fn strip<B>(request: &mut Request<B>, prefix: &str) -> Result<(), Refusal> {
    let whole = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = whole.strip_prefix(prefix.trim_end_matches('/')).unwrap_or(whole);
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let mut parts = request.uri().clone().into_parts();
    let bad = |what| Refusal::BadRequest { what };
    parts.path_and_query = Some(rest.try_into().map_err(|_invalid| bad("the target is not a path"))?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_invalid| bad("the target is not a path"))?;
    Ok(())
}

/// Tells the service behind who was at the door. What the caller says about that is not passed on.
fn stamp<B>(request: &mut Request<B>, peer: IpAddr) {
    request.headers_mut().remove("forwarded");
    if let Ok(peer) = HeaderValue::from_str(&peer.to_string()) {
        request.headers_mut().insert("x-forwarded-for", peer);
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Decisions, Entry, IpAddr, Listener, Method, Request, Route, Routes};

    fn route(name: &str) -> Arc<Route> {
        Arc::new(Route::nowhere(name))
    }

    fn entry(name: &str, host: Option<&str>, prefix: &str, methods: Option<Vec<Method>>) -> Entry {
        let strip_prefix = name == "stripped";
        Entry { host: host.map(Into::into), path_prefix: prefix.into(), methods, strip_prefix, route: route(name) }
    }

    fn taken(method: &str, uri: &str) -> (String, String) {
        let entries = vec![
            entry("orders", Some("venue"), "/v2/orders", Some(vec![Method::POST])),
            entry("venue", Some("venue"), "/", None),
            entry("stripped", None, "/logs", None),
        ];
        let routes = Routes::new(Listener::Ingress, entries, Arc::new(Decisions::new(7)));
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let (exchange, outcome) = routes.classify(IpAddr::from([192, 0, 2, 1]), &mut request);
        let route = outcome.map_or_else(|refusal| refusal.code().to_owned(), |()| exchange.route.name.to_string());
        (route, request.uri().path_and_query().unwrap().to_string())
    }

    #[test]
    fn the_first_route_that_fits_takes_it() {
        for (method, uri, route, target) in [
            ("POST", "http://venue/v2/orders", "orders", "/v2/orders"),
            ("POST", "http://venue/v2/orders/1", "orders", "/v2/orders/1"),
            ("POST", "http://venue/v2/ordersx", "venue", "/v2/ordersx"),
            ("GET", "http://venue/v2/orders", "venue", "/v2/orders"),
            ("GET", "http://other/logs/a?b=c", "stripped", "/a?b=c"),
            ("GET", "http://other/logs", "stripped", "/"),
            ("GET", "http://other/logs?b", "stripped", "/?b"),
            ("GET", "http://other/", "no_route", "/"),
        ] {
            assert_eq!(taken(method, uri), (route.into(), target.into()), "{method} {uri}");
        }
    }

    #[test]
    fn the_caller_does_not_say_where_it_comes_from() {
        let routes = Routes::new(Listener::Ingress, vec![entry("a", None, "/", None)], Arc::new(Decisions::new(0)));
        let mut request = Request::builder()
            .uri("http://a/")
            .header("x-forwarded-for", "1.1.1.1")
            .header("forwarded", "x")
            .body(())
            .unwrap();
        routes.classify(IpAddr::from([192, 0, 2, 1]), &mut request).1.unwrap();
        assert_eq!(request.headers()["x-forwarded-for"], "192.0.2.1");
        assert!(!request.headers().contains_key("forwarded"));
    }
}
