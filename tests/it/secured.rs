//! TLS beneath what is not HTTP: sessions of FIX, WebSockets and log streams. Venues are reached by it over any network.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tempfile::TempDir;

use crate::fix::{self, desk, order};
use crate::pki::{self, Authority};
use crate::sidecar::{Sidecar, known, masked_known};
use crate::socket::{Client, Venue};
use crate::upstream::Upstream;
use crate::websocket::BUY;

/// A server that speaks TLS, and how policy says to believe it.
struct Secured {
    address: SocketAddr,
    /// The words under `tls`.
    believed: String,
    _dir: TempDir,
}

/// `plain` behind TLS. Its certificate has the name `localhost`.
fn secured(plain: SocketAddr) -> Secured {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("venues"));
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let believed = format!("{{ ca: {}, name: localhost }}", ca.display());
    Secured { address: pki::before(plain, &authority.issue(&["localhost"])), believed, _dir: dir }
}

fn fix_policy(to: SocketAddr, tls: &str) -> String {
    format!("fix: [{{ name: venue, listen: '127.0.0.1:0', connect: '{to}', scopes: ['venue:fix'], tls: {tls} }}]")
}

#[test]
fn orders_of_fix_are_held_on_their_way_to_a_venue_over_tls() {
    let venue = fix::Venue::start();
    let Secured { address, believed, _dir } = secured(venue.address);
    let sidecar = Sidecar::with(&Upstream::start(), &fix_policy(address, &believed));
    sidecar.release_all();
    let mut desk = desk(&sidecar);
    desk.logon(&[]);
    for round in 0..20 {
        let (passes, refused) = (format!("a{round}"), format!("b{round}"));
        desk.send("D", &order(&passes));
        let report = desk.take().unwrap();
        assert_eq!((report.field(11), report.field(39)), (passes.as_str(), "0"));
        let told = sidecar.tighten("BLOCK");
        assert_eq!((told.status, &told.json()["settled"]), (200, &true.into()), "{told:?}");
        desk.send("D", &order(&refused));
        let report = desk.take().unwrap();
        assert_eq!((report.field(11), report.field(39)), (refused.as_str(), "8"));
        sidecar.release_all();
    }
    assert_eq!(venue.got("D").len(), 20);
}

#[test]
fn a_venue_that_is_not_believed_gets_no_session() {
    let venue = fix::Venue::start();
    let Secured { address, believed, _dir } = secured(venue.address);
    let strangers = secured(venue.address);
    for tls in [
        // Nobody that the system trusts vouches for it.
        "{ name: localhost }",
        &believed.replace("localhost", "elsewhere.example"),
        &strangers.believed,
    ] {
        let sidecar = Sidecar::with(&Upstream::start(), &fix_policy(address, tls));
        let mut desk = desk(&sidecar);
        desk.send("A", &[(98, "0"), (108, "30")]);
        assert_eq!(desk.take(), None, "{tls}");
    }
    assert!(venue.got("A").is_empty());
}

#[test]
fn messages_of_websockets_are_held_on_their_way_to_a_venue_over_tls() {
    let venue = Venue::start("", vec![]);
    let Secured { address, believed, _dir } = secured(venue.upstream.address);
    let plain = format!("{{ url: \"http://{}\" }}", venue.upstream.address);
    let sidecar = Sidecar::edited(
        &venue.upstream,
        &plain,
        &format!("{{ url: \"https://localhost:{}\", tls: {believed} }}", address.port()),
    );
    sidecar.release_all();
    let mut client = Client::open(sidecar.egress, "/desk");
    for round in 1..=20 {
        assert_eq!(client.ask(BUY), format!("got {BUY}"));
        let told = sidecar.tighten("BLOCK");
        assert_eq!((told.status, &told.json()["settled"]), (200, &true.into()), "{told:?}");
        assert!(client.ask(BUY).contains("order_refused"));
        assert_eq!(venue.got().len(), round);
        sidecar.release_all();
    }
}

#[test]
fn logs_go_to_a_receiver_over_tls() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let Secured { address, believed, _dir } = secured(receiver.local_addr().unwrap());
    let streams =
        format!("streams: [{{ name: logs, listen: '127.0.0.1:0', format: syslog, to: '{address}', tls: {believed} }}]");
    let sidecar = Sidecar::with(&Upstream::start(), &streams);
    let mut client = TcpStream::connect(sidecar.stream("logs")).unwrap();
    let record = |text: &str| format!("<34>1 2026-01-01T00:00:00Z h app - - - {text}\n");
    client.write_all(record(&known()).as_bytes()).unwrap();
    let (mut end, _) = receiver.accept().unwrap();
    end.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It is there before the client says another word.
    let mut first = vec![0; record(&masked_known()).len()];
    end.read_exact(&mut first).unwrap();
    client.write_all(record("last").as_bytes()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    end.read_to_string(&mut rest).unwrap();
    assert_eq!((String::from_utf8(first).unwrap(), rest), (record(&masked_known()), record("last")));
}
