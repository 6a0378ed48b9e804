//! What one peer may hold.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

#[test]
fn a_peer_has_so_many_connections_and_no_more() {
    let app = Upstream::start();
    let sidecar = Sidecar::with(&app, "limits: { connections_per_peer: 3 }");
    let open = || {
        let mut stream = TcpStream::connect(sidecar.ingress).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /plain HTTP/1.1\r\nhost: a\r\n\r\n").unwrap_or_default();
        let answered = stream.read(&mut [0; 512]).is_ok_and(|count| count > 0);
        (stream, answered)
    };
    let held: Vec<_> = (0..3).map(|_| open()).collect();
    assert!(held.iter().all(|(_, answered)| *answered));
    assert!(!open().1, "one too many is closed");
    drop(held);
    sidecar.until("there is room again", |_| open().1);
}

/// The head of a request whose body is on its way, and its first piece.
fn begun(to: SocketAddr, path: &str, (length, first): (usize, &[u8])) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // One that is refused at once may not take it.
    stream.write_all(first).unwrap_or_default();
    stream
}

#[test]
fn a_route_has_so_much_room_and_leaves_the_others_theirs() {
    let app = Upstream::start();
    let route = "{ name: plain, listener: ingress, match: { path_prefix: /plain }, upstream: app }";
    let sidecar = Sidecar::edited(&app, route, &route.replace("app }", "app, in_flight: 2 }"));
    let mut held = Vec::new();
    for first in [b"one.", b"two."] {
        held.push(begun(sidecar.ingress, "/plain", (10, first)));
        sidecar.until("it is under way", |_| app.underway() == first);
    }
    let refused = send(sidecar.ingress, "GET /plain", &[], b"");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(send(sidecar.ingress, "GET /export", &[], b"").status, 200, "another route has room");
    held.iter_mut().for_each(|stream| stream.write_all(b" of it").unwrap());
    sidecar.until("there is room again", |it| send(it.ingress, "GET /plain", &[], b"").status == 200);
}

#[test]
fn when_memory_runs_out_orders_and_people_come_last() {
    let app = Upstream::start();
    let limits = "limits: { memory_bytes: 128MiB, buffered_body_bytes: 64MiB, in_flight: 4096 }\n\
                  monitors: { memory_interval: 10ms }";
    let sidecar = Sidecar::with(&app, limits);
    sidecar.release_all();
    assert_eq!(send(sidecar.egress, "POST /logs", &[], b"a line\n").status, 200);
    // Held whole until they are there whole, and they never are.
    let most = "a line that is long enough to be worth its place\n".repeat(100_000);
    let mut held = Vec::new();
    sidecar.until("new requests are refused", |it| {
        if held.len() < 100 {
            held.push(begun(it.egress, "/logs", (most.len() + 1, most.as_bytes())));
        }
        send(it.egress, "POST /logs", &[], b"a line\n").status == 503
    });
    let order = br#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    let sent = send(sidecar.egress, "POST /v2/orders", &[("content-type", "application/json")], order);
    assert_eq!(sent.status, 200, "orders pass: {sent:?}");
    assert_eq!(send(sidecar.egress, "DELETE /v2/orders/1", &[], b"").status, 200);
    assert_eq!(sidecar.tighten("BLOCK").status, 200, "people are heard");
    let metrics = String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap();
    assert!(metrics.contains("sekisho_memory_limit_bytes 134217728"), "{metrics}");
    drop(held);
    sidecar.until("it has memory again", |it| send(it.egress, "POST /logs", &[], b"a line\n").status == 200);
}
