//! What one peer may hold.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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
