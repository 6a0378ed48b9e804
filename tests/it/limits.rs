//! What one peer may hold, and what happens when a server of an upstream is gone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::tls::start;
use crate::upstream::Upstream;

/// An address where nobody answers.
fn gone() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_server_that_is_gone_is_passed_over() {
    let (dir, app, gone) = (tempfile::tempdir().unwrap(), Upstream::start(), gone());
    let upstream = format!("{{ url: 'http://{gone}', more_urls: ['http://{}'] }}", app.address);
    let sidecar = start(dir, "", &[("up", upstream), ("down", format!("{{ url: 'http://{gone}' }}"))]);
    for _ in 0..20 {
        assert_eq!(send(sidecar.ingress, "GET /up", &[], b"").status, 200);
    }
    for _ in 0..20 {
        assert_eq!(send(sidecar.ingress, "GET /down", &[], b"").code(), "upstream_unavailable");
    }
}

#[test]
fn a_server_that_fails_again_and_again_is_left_alone() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let counted = std::thread::spawn(move || {
        // Takes connections and breaks each off, until one says that it is the last.
        let mut count = 0;
        for mut stream in socket.incoming().map_while(Result::ok) {
            let mut first = [0; 4];
            stream.read_exact(&mut first).unwrap_or_default();
            if &first == b"LAST" {
                break;
            }
            count += 1;
        }
        count
    });
    let sidecar = Sidecar::with_app(address, "limits: { breaker_failures: 3, breaker_pause: 10m }");
    for _ in 0..50 {
        assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").code(), "upstream_unavailable");
    }
    TcpStream::connect(address).unwrap().write_all(b"LAST").unwrap();
    // Each of the two workers has found out for itself.
    assert!((3..=6).contains(&counted.join().unwrap()));
}

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
