//! What an order route holds beside the state: ids that went on before, bounds, positions that somebody vouches for, a shadow; and
//! what can be told of captured messages.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use crate::client::{Answer, send};
use crate::sidecar::{Sidecar, binary};
use crate::upstream::Upstream;

const JSON: (&str, &str) = ("content-type", "application/json");

fn order(sidecar: &Sidecar, side: &str, quantity: &str, id: &str) -> Answer {
    let body =
        format!(r#"{{"symbol":"AAPL","side":"{side}","type":"market","qty":"{quantity}","client_order_id":"{id}"}}"#);
    send(sidecar.egress, "POST /v2/orders", &[JSON], body.as_bytes())
}

#[test]
fn an_order_that_went_on_is_not_said_to_be_refused_when_it_comes_again() {
    let upstream = Upstream::start();
    let mut sidecar = Sidecar::open(&upstream);
    assert_eq!(order(&sidecar, "buy", "1", "first").status, 200);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    for _ in 0..2 {
        let again = order(&sidecar, "buy", "1", "first");
        let told = again.problem();
        assert_eq!((again.status, again.code().as_str()), (422, "order_forwarded_before"), "{again:?}");
        assert_eq!((&told["forwarded"], &told["answered"]), (&true.into(), &200.into()), "{told}");
        assert!(told["forwarded_at"].as_u64().unwrap() > 1_600_000_000_000, "{told}");
        assert_eq!(again.json()["code"], 40_010_001, "as the venue says it of an id that it knows");
        assert_eq!(order(&sidecar, "buy", "1", "second").code(), "order_refused");
        sidecar = Sidecar::on(sidecar.kill());
    }
    assert_eq!(upstream.count(), 1);
}

#[test]
fn an_order_that_was_refused_is_refused_when_it_comes_again() {
    let mut upstream = Upstream::start();
    let venue = std::mem::replace(
        &mut upstream.address,
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
    );
    let sidecar = Sidecar::open(&upstream);
    assert_eq!(order(&sidecar, "buy", "1", "never").code(), "upstream_unavailable", "{venue}");
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    for _ in 0..2 {
        assert_eq!(order(&sidecar, "buy", "1", "never").code(), "order_refused");
    }
}

#[test]
fn what_the_venue_is_meant_to_receive_may_stand_in_the_body_of_an_order() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::judging(&upstream, "{ pack: binance }, strip_prefix: true, allow_query: [signature]");
    sidecar.release_all();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let signature: String = (0..64).map(|at| char::from(b"0123456789abcdef"[at * 7 % 16])).collect();
    let send_order = |field: &str, value: &str| {
        let body = format!("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&{field}={value}");
        (body.clone(), send(sidecar.egress, "POST /v2/api/v3/order", &[form], body.as_bytes()))
    };
    let (body, answer) = send_order("signature", &signature);
    assert_eq!((answer.status, upstream.one().body), (200, body.into_bytes()), "byte for byte: {answer:?}");
    for (field, value) in [("api_key", signature.as_str()), ("signature", &crate::sidecar::known())] {
        let (_, answer) = send_order(field, value);
        assert_eq!((answer.code().as_str(), upstream.count()), ("secret_in_content", 0), "{field}");
    }
}

#[test]
fn bounds_hold_in_every_state() {
    let upstream = Upstream::start();
    let limits = "{ pack: alpaca, limits: { repeat: 1h, orders: { count: 4, window: 1h }, instruments: { AAPL: { quantity: \"2\" } } } }";
    let sidecar = Sidecar::judging(&upstream, limits);
    sidecar.release_all();
    let bound = |answer: &Answer| (answer.code(), answer.problem()["bound"].as_str().unwrap_or_default().to_owned());
    assert_eq!(bound(&order(&sidecar, "buy", "2.5", "a")), ("order_beyond_bounds".to_owned(), "quantity".to_owned()));
    for id in ["a", "b", "c", "d"] {
        assert_eq!(order(&sidecar, "buy", "2", id).status, 200, "{id}");
    }
    assert_eq!(order(&sidecar, "buy", "2", "a").code(), "order_forwarded_before", "within `repeat`");
    assert_eq!(bound(&order(&sidecar, "buy", "2", "e")), ("order_beyond_bounds".to_owned(), "order_rate".to_owned()));
    assert_eq!(send(sidecar.egress, "DELETE /v2/orders", &[], b"").status, 200);
    assert_eq!(upstream.count(), 5);
    sidecar.until("the shares of the rate are recorded", |sidecar| {
        let near = sidecar.events("operation");
        let shares: Vec<_> = near.iter().filter(|event| event["action"] == "orders.near_bound").collect();
        shares.len() >= 3
    });
}

#[test]
fn in_close_only_what_can_only_close_a_position_that_is_vouched_for_passes() {
    let source = Upstream::answering(|_| {
        let told = r#"{"positions":[{"instrument":"AAPL","quantity":"3","closing":"1"}]}"#;
        Response::new(Full::new(Bytes::from_static(told.as_bytes())))
    });
    let upstream = Upstream::start();
    let positions =
        format!("{{ pack: alpaca, positions: {{ url: \"http://{}/\", ttl: 1m, interval: 50ms }} }}", source.address);
    let sidecar = Sidecar::judging(&upstream, &positions);
    sidecar.release();
    assert_eq!(sidecar.posture(), "CLOSE_ONLY");
    sidecar.until("the source was asked", |_| source.count() > 1);
    for (side, quantity, passes) in [("sell", "3", false), ("sell", "2", true), ("buy", "1", false)] {
        let answer = order(&sidecar, side, quantity, &format!("{side}{quantity}"));
        assert_eq!(answer.status == 200, passes, "{side} {quantity}: {answer:?}");
    }
    let stop = br#"{"symbol":"AAPL","side":"sell","type":"stop","stop_price":"1","qty":"1"}"#;
    assert_eq!(
        send(sidecar.egress, "POST /v2/orders", &[JSON], stop).code(),
        "order_refused",
        "it may come when nothing is left"
    );
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    assert_eq!(order(&sidecar, "sell", "1", "later").code(), "order_refused");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_shadow_decides_nothing_and_is_counted() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::judging(&upstream, "{ pack: alpaca, shadow: generic }");
    sidecar.release_all();
    assert_eq!(order(&sidecar, "buy", "1", "a").status, 200, "to the shadow the path is unknown");
    assert_eq!(send(sidecar.egress, "POST /v2/watchlists", &[JSON], br#"{"name":"w"}"#).status, 200);
    let metrics = String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap();
    assert!(metrics.contains("sekisho_orders_shadow_total{outcome=\"stricter\"} 2"), "{metrics}");
    sidecar.until("the difference is recorded", |sidecar| {
        sidecar.events("operation").iter().any(|event| event["action"] == "orders.shadow_stricter")
    });
}

#[test]
fn a_call_of_grpc_is_refused_by_trailers_alone() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let answer = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/grpc+proto")], b"");
    assert_eq!(
        (answer.status, answer.header("grpc-status"), answer.body.as_slice()),
        (200, Some("7"), &b""[..]),
        "{answer:?}"
    );
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    assert!(answer.header("grpc-message").unwrap().starts_with("order_refused: "), "{answer:?}");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn captured_messages_are_explained_and_judged_by_two_policies() {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("capture.jsonl");
    let lines = concat!(
        r#"{"method":"POST","target":"/alpaca/v2/orders","headers":[["content-type","application/json"]],"body":"{\"symbol\":\"AAPL\",\"side\":\"buy\",\"qty\":\"1\"}"}"#,
        "\n",
        r#"{"method":"DELETE","target":"/alpaca/v2/orders"}"#,
        "\n"
    );
    std::fs::write(&capture, lines).unwrap();
    let run = |args: &[&str]| {
        let output = binary().args(args).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let path = capture.to_str().unwrap();
    let (code, told) = run(&["orders", "explain", path]);
    assert_eq!(code, 0, "{told}");
    for line in [
        "E  POST /alpaca/v2/orders: opening; passes in: ALLOW",
        "buy 1 of AAPL at no price",
        "B  DELETE /alpaca/v2/orders: cancel;",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let (code, told) = run(&["orders", "explain", "--pack", "alpaca", path]);
    assert_eq!((code, told.matches("unknown").count()), (0, 2), "there the paths are others: {told}");
    let default = sekisho_policy::Policy::embedded();
    let (same, sealed) = (dir.path().join("same.yaml"), dir.path().join("sealed.yaml"));
    std::fs::write(&same, default).unwrap();
    std::fs::write(&sealed, default.replace("orders: {pack: alpaca}", "orders: {pack: alpaca, seal_cancels: true}"))
        .unwrap();
    assert_eq!(run(&["replay", "--policy", same.to_str().unwrap(), path]).0, 0);
    let (code, told) = run(&["replay", "--policy", sealed.to_str().unwrap(), path]);
    assert_eq!(code, 1);
    assert!(
        told.contains("2: DELETE /alpaca/v2/orders: not looser") && told.contains("2 messages, 1 judged otherwise"),
        "{told}"
    );
    let (_, told) = run(&["replay", "--policy", same.to_str().unwrap(), "--against", sealed.to_str().unwrap(), path]);
    assert!(told.contains("2: DELETE /alpaca/v2/orders: LOOSER"), "{told}");
}
