//! Routes that hold something, orders or those without a role, as a lenient upstream would read a request for them.
//!
//! A route that holds nothing may lead to the same upstream: the venue's other pages, say. A request that misses the first
//! route by its spelling alone would get there unasked, and the upstream might read it as what it is.

use std::borrow::Cow;
use std::sync::Arc;

use http::Request;
use sekisho_filters::Route;

use super::classify::{Entry, is_under};

/// The routes of a listener that hold something, in the one spelling that all others fold to.
#[derive(Debug)]
pub(super) struct Held(Vec<HeldRoute>);

#[derive(Debug)]
struct HeldRoute {
    /// Its place in policy: the first route that fits takes a request.
    at: usize,
    route: Arc<Route>,
    host: Option<String>,
    prefix: String,
    methods: Option<Vec<String>>,
}

impl Held {
    pub(super) fn new(entries: &[Entry]) -> Self {
        let holds = |route: &Route| route.orders.is_some() || route.roles.is_some();
        let held = entries.iter().enumerate().filter(|(_, entry)| holds(&entry.route));
        let held = held.map(|(at, entry)| HeldRoute {
            at,
            route: Arc::clone(&entry.route),
            host: entry.host.clone(),
            prefix: folded(&entry.path_prefix).into_owned(),
            methods: entry.methods.as_ref().map(|methods| methods.iter().map(ToString::to_string).collect()),
        });
        Self(held.collect())
    }

    /// Whether a request that `entry` takes has, by its spelling alone, passed a route that holds what `entry` does not.
    /// Routes behind `entry` do not count: policy says that it comes first.
    pub(super) fn is_meant<B>(&self, at: usize, entry: &Entry, request: &Request<B>, host: &str) -> bool {
        let passed = |held: &&HeldRoute| held.at < at && holds_more(&held.route, &entry.route);
        let mut same_upstream = self.0.iter().filter(passed).peekable();
        if same_upstream.peek().is_none() {
            return false;
        }
        let (path, host, method) = (folded(request.uri().path()), host.trim_end_matches('.'), request.method());
        same_upstream.any(|held| {
            is_under(&path, &held.prefix)
                && held.host.as_deref().is_none_or(|wanted| wanted.trim_end_matches('.') == host)
                && held
                    .methods
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|one| one.eq_ignore_ascii_case(method.as_str())))
        })
    }
}

/// Whether `one` holds what `other`, which leads to the same upstream, does not.
fn holds_more(one: &Route, other: &Route) -> bool {
    let orders = one.orders.is_some() && other.orders.is_none();
    let roles = one.roles.is_some() && one.roles != other.roles;
    one.upstream == other.upstream && (orders || roles)
}

/// Decoded, in lower case, and without what stands behind a `;` in a segment.
fn folded(path: &str) -> Cow<'_, str> {
    if !path.bytes().any(|byte| matches!(byte, b'%' | b';') || byte.is_ascii_uppercase()) {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        let digit = |at: usize| others.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let escaped = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        let byte = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()).unwrap_or(*first);
        if escaped.is_some() {
            rest = others.get(2..).unwrap_or_default();
        }
        plain.push(byte.to_ascii_lowercase());
    }
    let plain = String::from_utf8_lossy(&plain);
    let segments = plain.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn spellings_fold_to_one() {
        for path in
            ["/v2/orders", "/V2/Orders", "/%762/orders", "/v2/%6Frders", "/v2;a=b/orders;c", "/%56%32%3Bx/orders"]
        {
            assert_eq!(folded(path), "/v2/orders", "{path}");
        }
        for path in ["/", "/v2%", "/v2%4", "/%zz"] {
            assert_eq!(folded(path), path);
        }
    }
}
