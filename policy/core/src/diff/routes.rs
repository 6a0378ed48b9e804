use std::time::Duration;

use super::transport::more;
use super::{Diff, Means, within};
use crate::bodies::{Bodies, Digests};
use crate::sections::{CallersPolicy, OrdersPolicy, RoutePolicy};

impl Diff {
    pub(super) fn routes(&mut self, before: &[RoutePolicy], after: &[RoutePolicy]) {
        let names = |routes: &[RoutePolicy]| routes.iter().map(|route| route.name.to_string()).collect::<Vec<_>>();
        if names(before) != names(after) {
            self.say(Means::Looser, "routes", "one is added, removed or moved");
        }
        for route in before {
            if let Some(now) = after.iter().find(|now| now.name == route.name) {
                self.route(route, now);
            }
        }
    }

    fn route(&mut self, before: &RoutePolicy, now: &RoutePolicy) {
        // Taken apart without `..`: a field that is not looked at does not compile.
        let RoutePolicy {
            name,
            listener,
            host,
            path_prefix,
            methods,
            upstream,
            strip_prefix,
            redact_request,
            redact_response,
            bodies,
            allow_headers,
            allow_query,
            allow_fields,
            websocket,
            orders,
            roles,
            callers,
            in_flight,
        } = before;
        let mut field = |field: &str, means: Option<Means>, what: &str| {
            means.into_iter().for_each(|means| self.say(means, format!("routes.{name}.{field}"), what));
        };
        let meets =
            (*listener, host, path_prefix, methods) == (now.listener, &now.host, &now.path_prefix, &now.methods);
        field("match", (!meets).then_some(Means::Looser), "it takes other requests");
        let goes = *upstream == now.upstream && *strip_prefix == now.strip_prefix;
        field("upstream", (!goes).then_some(Means::Looser), "its requests go elsewhere, or by another path");
        field("redact.request", switched(*redact_request, now.redact_request), "what is sent is searched, or not");
        let answered = switched(*redact_response, now.redact_response);
        field("redact.response", answered, "what is answered is searched, or not");
        let Bodies { format, records, block_unknown, digests } = bodies;
        let read = (*format != now.bodies.format).then_some(Means::Looser);
        field("redact.format", read, "bodies are taken apart otherwise");
        field("redact.records", more(records, &now.bodies.records), "what becomes of a bad record");
        field("redact.unknown", switched(*block_unknown, now.bodies.block_unknown), "bodies that are not known");
        let renewed = (*digests != now.bodies.digests).then(|| stricter(now.bodies.digests == Digests::Refuse));
        field("redact.digests", renewed, "what becomes of bodies that a digest vouches for");
        field("allow_headers", fewer(allow_headers, &now.allow_headers), "headers that pass unsearched");
        field("allow_query", fewer(allow_query, &now.allow_query), "query parameters that pass unsearched");
        field("allow_fields", fewer(allow_fields, &now.allow_fields), "fields of messages that pass unsearched");
        // Turned about: it protects when it is off.
        field("websocket", switched(now.websocket, *websocket), "its requests may become WebSockets, or not");
        let asked = match (roles, &now.roles) {
            (None, None) => None,
            (None, Some(_)) => Some(Means::Tighter),
            (Some(before), Some(now)) => fewer(before, now),
            (Some(_), None) => Some(Means::Looser),
        };
        field("roles", asked, "callers that may use it");
        self.route_callers(name, (callers, *in_flight), now);
        self.route_orders(name, orders.as_ref(), now.orders.as_ref());
    }

    fn route_callers(&mut self, route: &str, (callers, in_flight): (&CallersPolicy, Option<usize>), now: &RoutePolicy) {
        let called = (*callers != now.callers).then(|| stricter(callers.holds(&now.callers)));
        let room = |most: Option<usize>| most.unwrap_or(usize::MAX);
        // Turned about: it protects the more the less of it there is.
        let under_way = more(&room(now.in_flight), &room(in_flight));
        for (field, means, what) in [
            ("callers", called, "where its callers come from, how often, and what its upstream makes of them"),
            ("in_flight", under_way, "how many of its requests are under way at once"),
        ] {
            means.into_iter().for_each(|means| self.say(means, format!("routes.{route}.{field}"), what));
        }
    }

    fn route_orders(&mut self, route: &str, before: Option<&OrdersPolicy>, now: Option<&OrdersPolicy>) {
        let path = format!("routes.{route}.orders");
        let vouched = |orders: Option<&OrdersPolicy>| orders.and_then(|orders| orders.positions.clone());
        let trusted = (vouched(before) != vouched(now)).then(|| stricter(vouched(now).is_none()));
        self.anew(&format!("{path}.positions"), trusted, "who vouches for positions");
        let (before, now) = match (before, now) {
            (None, None) => return,
            (Some(before), Some(now)) => (before, now),
            (before, _) => return self.say(stricter(before.is_none()), path, "its orders are judged, or not"),
        };
        let OrdersPolicy { rules, scopes, bounds, positions: _, shadow } = before;
        let judged = if *rules == now.rules { fewer(&now.scopes, scopes) } else { Some(Means::Looser) };
        let bounded = (*bounds != now.bounds).then(|| stricter(bounds.holds(&now.bounds)));
        let tried = (*shadow != now.shadow).then_some(Means::Neutral);
        for (field, means, what) in [
            ("", judged, "its orders are judged otherwise, or belong to other scopes"),
            (".limits", bounded, "what its orders may ask for"),
            (".shadow", tried, "rules that are tried and decide nothing"),
        ] {
            means.into_iter().for_each(|means| self.say(means, format!("{path}{field}"), what));
        }
    }
}

const fn stricter(is: bool) -> Means {
    if is { Means::Tighter } else { Means::Looser }
}

impl CallersPolicy {
    /// Whether `now` lets in no more than this.
    fn holds(&self, now: &Self) -> bool {
        let Self { allow, deny, rates, upstream_denies } = self;
        let slower = |(requests, window): &(u32, Duration)| {
            now.rates.iter().any(|(now_requests, now_window)| now_requests <= requests && now_window >= window)
        };
        (allow.is_empty() || !now.allow.is_empty() && within(&now.allow, allow))
            && within(deny, &now.deny)
            && rates.iter().all(slower)
            && within(upstream_denies, &now.upstream_denies)
    }
}

/// Something that protects when it is on.
fn switched(before: bool, now: bool) -> Option<Means> {
    (before != now).then_some(if now { Means::Tighter } else { Means::Looser })
}

/// What a list that permits becomes.
fn fewer<T: PartialEq>(before: &[T], now: &[T]) -> Option<Means> {
    if within(now, before) { (!within(before, now)).then_some(Means::Tighter) } else { Some(Means::Looser) }
}
