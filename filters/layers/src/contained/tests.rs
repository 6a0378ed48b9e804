use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::task::noop_waker;
use http::Request;
use http_body::{Body as _, Frame};
use http_body_util::StreamBody;
use sekisho_policy::{Policy, Refusal};
use sekisho_scan::{KnownSecret, Ruleset};
use tower::{Layer as _, Service as _};

use super::{Contained, ContainedLayer, Holds};
use crate::exchange::{DecisionId, Input, Orders};
use crate::{Answer, Body, Exchange, Fault, Hop, Route, Stop};

fn exchange(orders: Option<Orders>) -> Arc<Exchange> {
    let route = Route { upstream: "app".into(), orders, ..Route::nowhere("exports") };
    let (decision, peer) = (DecisionId::default(), std::net::IpAddr::from([192, 0, 2, 1]));
    Arc::new(Exchange {
        decision,
        peer,
        route: Arc::new(route),
        host: "a".into(),
        input: Input::default(),
        trip: crate::Trip::default(),
    })
}

fn hop(request: Request<Body>) -> Hop {
    Hop { exchange: exchange(None), request }
}

/// An answer, or the code it was refused with.
fn asked(contained: &Arc<Contained>, request: Request<Body>, answer: Body) -> Result<Body, &'static str> {
    let mut answer = Some(answer);
    let inner =
        tower::service_fn(move |_hop: Hop| Answer::now(Ok(http::Response::new(answer.take().unwrap_or_default()))));
    let mut service = ContainedLayer::new(Arc::clone(contained)).layer(inner);
    match service.call(hop(request)).now_or_never().unwrap() {
        Ok(response) => Ok(response.into_body()),
        Err(Stop::Refused(refusal)) => Err(refusal.code()),
        Err(Stop::Broke(_)) => Err("broke"),
    }
}

fn set(contained: &Contained, holds: &Holds) {
    contained.change(|_before| holds.clone());
}

fn of(names: &[&str]) -> std::collections::HashSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_in_quarantine_is_refused_and_all_else_passes() {
    let contained = Arc::new(Contained::default());
    for (holds, code) in [
        (Holds::default(), None),
        (Holds { routes: of(&["other"]), upstreams: of(&["exports"]), ..Holds::default() }, None),
        (Holds { routes: of(&["exports"]), ..Holds::default() }, Some("quarantined")),
        (Holds { upstreams: of(&["app"]), ..Holds::default() }, Some("quarantined")),
        (Holds { service: true, ..Holds::default() }, Some("quarantined")),
    ] {
        set(&contained, &holds);
        let request = Request::new(Body::empty());
        assert_eq!(asked(&contained, request, Body::empty()).err(), code);
    }
}

#[test]
fn a_revoked_value_is_refused_wherever_it_stands_in_a_head() {
    let value = ["Vn3uE", "xq8Rk", "0Zt6y"].concat();
    let known = KnownSecret { name: "venue".into(), value: value.clone().into_bytes().into() };
    let rules = Ruleset::builder().known(known).unwrap().build().unwrap();
    let contained = Arc::new(Contained::default());
    set(&contained, &Holds { secrets: Some(Arc::new(rules)), ..Holds::default() });
    let refused = |uri: &str, header: &str| {
        let request = Request::builder().uri(uri).header("x-mbx-apikey", header).body(Body::empty()).unwrap();
        asked(&contained, request, Body::empty()).err()
    };
    assert_eq!(refused("/a?b=c", "another"), None);
    assert_eq!(refused("/a?b=c", &value), Some("secret_revoked"));
    assert_eq!(refused(&format!("/a?signature={value}"), "x"), Some("secret_revoked"));
    let spelled: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(refused(&format!("/a/{spelled}"), "x"), Some("secret_revoked"));
}

#[test]
fn whoever_waited_is_told_nothing_more_and_what_became_of_an_order_is_told() {
    let policy = "version: 1\nservice: s\nlisteners: {egress: 127.0.0.1:1}\nupstreams: {u: {url: 'http://127.0.0.1:2'}}\n\
                  routes: [{name: r, listener: egress, upstream: u, orders: {pack: alpaca}}]\n";
    let policy = Policy::parse("p", policy).unwrap();
    let rules = &policy.routes[0].orders.as_ref().unwrap().rules;
    let orders =
        || Orders { rules: Arc::clone(rules), scopes: vec![], bounds: Arc::default(), positions: None, shadow: None };
    for (orders, code) in [(None, Some("quarantined")), (Some(orders()), None)] {
        let contained = Arc::new(Contained::default());
        let during = Arc::clone(&contained);
        let inner = tower::service_fn(move |_hop: Hop| {
            set(&during, &Holds { service: true, ..Holds::default() });
            Answer::now(Ok(http::Response::new(Body::empty())))
        });
        let hop = Hop { exchange: exchange(orders), request: Request::new(Body::empty()) };
        let outcome = ContainedLayer::new(contained).layer(inner).call(hop).now_or_never().unwrap();
        let refused =
            outcome.err().map(|stop| if let Stop::Refused(refusal) = stop { refusal.code() } else { "broke" });
        assert_eq!(refused, code);
    }
}

/// A stream that says one thing and then waits for ever.
fn waiting() -> Body {
    let first = futures_util::stream::iter([Ok::<_, Fault>(Frame::data(Bytes::from_static(b"one")))]);
    Body::stream(StreamBody::new(futures_util::StreamExt::chain(first, futures_util::stream::pending())))
}

fn next(body: &mut Body) -> Poll<Option<Result<usize, &'static str>>> {
    let waker = noop_waker();
    let polled = std::pin::Pin::new(body).poll_frame(&mut Context::from_waker(&waker));
    polled.map(|frame| {
        frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.into_data().map_or(0, |data| data.len())),
            Err(Fault::Cut(refusal)) => Err(refusal.code()),
            Err(_) => Err("broke"),
        })
    })
}

#[test]
fn a_stream_that_is_open_is_cut_also_while_it_waits() {
    for holds in [
        Holds { routes: of(&["exports"]), ..Holds::default() },
        Holds { upstreams: of(&["app"]), ..Holds::default() },
        Holds { service: true, ..Holds::default() },
    ] {
        let contained = Arc::new(Contained::default());
        let mut body = asked(&contained, Request::new(Body::empty()), waiting()).unwrap();
        assert_eq!(next(&mut body), Poll::Ready(Some(Ok(3))));
        assert_eq!(next(&mut body), Poll::Pending);
        set(&contained, &Holds { routes: of(&["other"]), ..Holds::default() });
        assert_eq!(next(&mut body), Poll::Pending, "another route");
        set(&contained, &holds);
        assert_eq!(next(&mut body), Poll::Ready(Some(Err(Refusal::Quarantined.code()))));
    }
}

#[tokio::test]
async fn a_stream_that_waits_is_woken() {
    let contained = Arc::new(Contained::default());
    let mut body = asked(&contained, Request::new(Body::empty()), waiting()).unwrap();
    assert_eq!(next(&mut body), Poll::Ready(Some(Ok(3))));
    let reader =
        tokio::spawn(async move { http_body_util::BodyExt::frame(&mut body).await.map(|frame| frame.is_err()) });
    tokio::task::yield_now().await;
    set(&contained, &Holds { service: true, ..Holds::default() });
    assert_eq!(reader.await.unwrap(), Some(true));
}
