//! TLS on listeners and toward upstreams: who is believed, what is shown, and that both are replaced without a connection lost.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use tempfile::TempDir;

use crate::client::send;
use crate::pki::{Authority, Issued, Session, Until, Versions, client, upstream};
use crate::sidecar::{Sidecar, binary};
use crate::upstream::Upstream;

/// A sidecar whose listeners speak TLS as `ingress` says; behind it, `upstreams`.
pub(crate) fn start(dir: TempDir, ingress: &str, upstreams: &[(&str, String)]) -> Sidecar {
    std::fs::write(dir.path().join("policy.yaml"), policy(dir.path(), ingress, upstreams)).unwrap();
    Sidecar::on(dir)
}

fn policy(dir: &Path, ingress: &str, upstreams: &[(&str, String)]) -> String {
    let mut routes = String::new();
    let mut named = String::new();
    for (name, upstream) in upstreams {
        routes.push_str(&format!(
            "  - {{ name: {name}, listener: ingress, match: {{ path_prefix: /{name} }}, upstream: {name} }}\n"
        ));
        named.push_str(&format!("  {name}: {upstream}\n"));
    }
    let named = if named.is_empty() { " {}\n".to_owned() } else { format!("\n{named}") };
    let routes = if routes.is_empty() { " []\n".to_owned() } else { format!("\n{routes}") };
    format!(
        "version: 1\nservice: test\nworkers: 2\ndata_dir: {}/data\n\
         listeners: {{ ingress: '127.0.0.1:0', egress: '127.0.0.1:0', admin: '127.0.0.1:0', health: '127.0.0.1:0'{ingress} }}\n\
         monitors: {{ certificate_interval: 100ms }}\njournal: {{ flush_interval: 5ms }}\n\
         upstreams:{named}routes:{routes}",
        dir.display()
    )
}

fn plain(upstream: &Upstream) -> [(&'static str, String); 1] {
    [("plain", format!("{{ url: 'http://{}' }}", upstream.address))]
}

fn metrics(sidecar: &Sidecar) -> String {
    String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap()
}

#[test]
fn a_listener_speaks_tls_and_shows_the_certificate_that_was_asked_for() {
    let (dir, authority, app) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Upstream::start());
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["*.desk.example", "desk.example"]));
    let shown = format!("{}, {}", first.write(dir.path(), "first"), second.write(dir.path(), "second"));
    let sidecar = start(dir, &format!(", ingress_tls: {{ certificates: [{shown}] }}"), &plain(&app));

    for (name, of) in [("localhost", &first), ("desk.example", &second), ("a.desk.example", &second)] {
        let config = Arc::new(client(&authority, Versions::Both, None, &[]));
        let mut session = Session::open(sidecar.ingress, &config, name).unwrap();
        assert_eq!(session.tls.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.tls.peer_certificates().unwrap()[0], of.der(), "{name}");
        assert_eq!(session.get("/plain").unwrap().body, b"ok\n");
    }
    let config = Arc::new(client(&authority, Versions::Both, None, &[]));
    assert!(Session::open(sidecar.ingress, &config, "a.b.desk.example").is_err(), "a star is one label");
    let old = Arc::new(client(&authority, Versions::Only12, None, &[]));
    assert!(Session::open(sidecar.ingress, &old, "localhost").is_err(), "1.2 is not spoken unless policy says so");
    for (alpn, agreed) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        let config = Arc::new(client(&authority, Versions::Both, None, alpn));
        let session = Session::open(sidecar.ingress, &config, "localhost").unwrap();
        assert_eq!(session.tls.alpn_protocol(), Some(agreed.as_bytes()));
    }
    // HTTP/2 was not agreed upon, so its preface is no request.
    let mut session = Session::open(sidecar.ingress, &config, "localhost").unwrap();
    assert!(session.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_err());
    assert!(send_plain(sidecar.ingress).is_err(), "no TLS, no answer");
    let counted = metrics(&sidecar);
    assert!(counted.contains("sekisho_tls_handshakes_total{listener=\"ingress\",outcome=\"full\"}"), "{counted}");
    assert!(counted.contains("sekisho_tls_handshakes_total{listener=\"ingress\",outcome=\"failed\"}"), "{counted}");
}

fn send_plain(to: std::net::SocketAddr) -> std::io::Result<crate::client::Answer> {
    crate::client::try_send(to, "GET /plain", &[], b"")
}

#[test]
fn a_session_is_resumed_and_carries_nothing_early() {
    let (dir, authority, app) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Upstream::start());
    let shown = authority.issue(&["localhost"]).write(dir.path(), "shown");
    let tls = format!(", ingress_tls: {{ certificates: [{shown}], min_version: 1.2 }}");
    let sidecar = start(dir, &tls, &plain(&app));
    for versions in [Versions::Both, Versions::Only12] {
        let mut config = client(&authority, versions, None, &[]);
        config.enable_early_data = true;
        let config = Arc::new(config);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut session = Session::open(sidecar.ingress, &config, "localhost").unwrap();
            assert!(session.tls.early_data().is_none());
            assert_eq!(session.get("/plain").unwrap().body, b"ok\n");
            assert_eq!(session.tls.handshake_kind(), Some(kind));
        }
    }
    assert!(metrics(&sidecar).contains("outcome=\"resumed\"} 2"));
}

#[test]
fn a_client_certificate_is_believed_only_from_its_authority_and_until_it_is_revoked() {
    let (dir, ours, theirs) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Authority::new("theirs"));
    let app = Upstream::start();
    let shown = ours.issue(&["localhost"]).write(dir.path(), "shown");
    std::fs::write(dir.path().join("ca.pem"), ours.pem()).unwrap();
    let crl = dir.path().join("crl.pem");
    std::fs::write(&crl, ours.revoke(&[66])).unwrap();
    let tls = format!(
        ", ingress_tls: {{ certificates: [{shown}], client_ca: {0}/ca.pem, client_crls: [{0}/crl.pem] }}",
        dir.path().display()
    );
    let sidecar = start(dir, &tls, &plain(&app));
    let passes = |config: &Arc<ClientConfig>| {
        Session::open(sidecar.ingress, config, "localhost").and_then(|mut session| session.get("/plain")).is_ok()
    };
    let good = ours.issue_with(&["bot.example"], 7, Until::Far);
    for (what, shows, passed) in [
        ("none", None, false),
        ("another authority's", Some(theirs.issue(&["bot.example"])), false),
        ("one that has ended", Some(ours.issue_with(&["bot.example"], 8, Until::Past)), false),
        ("a revoked one", Some(ours.issue_with(&["bot.example"], 66, Until::Far)), false),
    ] {
        let config = Arc::new(client(&ours, Versions::Both, shows.as_ref(), &[]));
        assert_eq!(passes(&config), passed, "{what}");
    }
    let config = Arc::new(client(&ours, Versions::Both, Some(&good), &[]));
    assert!(passes(&config) && passes(&config));
    // Revoked from now on; the client holds a ticket, which is worth nothing any more.
    std::fs::write(&crl, ours.revoke(&[66, 7])).unwrap();
    sidecar.until("the list is in force", |_| !passes(&config));
    assert!(!passes(&config));
}

#[test]
fn a_client_certificate_says_who_asks_and_no_header_does() {
    let (dir, ours, app) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Upstream::start());
    let shown = ours.issue(&["localhost"]).write(dir.path(), "shown");
    std::fs::write(dir.path().join("ca.pem"), ours.pem()).unwrap();
    let crl = dir.path().join("crl.pem");
    std::fs::write(&crl, ours.revoke(&[66])).unwrap();
    let tls = format!(
        ", ingress_tls: {{ certificates: [{shown}], client_ca: {0}/ca.pem, client_crls: [{0}/crl.pem], client_certificate: optional }}",
        dir.path().display()
    );
    let known = "identity: { certificates: [\
                 { name: 'spiffe://prod.example/desk/bot', id: bot, role: service }, { name: 'dns:ops.example', id: ops, role: operator }] }";
    let policy =
        policy(dir.path(), &tls, &plain(&app)).replace("upstream: plain }", "upstream: plain, roles: [service] }");
    std::fs::write(dir.path().join("policy.yaml"), format!("{policy}{known}\n")).unwrap();
    let sidecar = Sidecar::on(dir);
    let lie = "GET /plain HTTP/1.1\r\nhost: localhost\r\nSekisho-Principal: root\r\nsekisho_principal: root\r\n\r\n";
    let asks = |config: &Arc<ClientConfig>| {
        Session::open(sidecar.ingress, config, "localhost").and_then(|mut session| session.ask(lie))
    };
    let shows = |shown: Option<&Issued>| Arc::new(client(&ours, Versions::Both, shown, &[]));
    let bot = ours.issue_with(&["spiffe://prod.example/desk/bot"], 7, Until::Far);
    let two = ours.issue(&["spiffe://prod.example/desk/bot", "spiffe://prod.example/desk/other"]);
    for (what, shown, status) in [
        ("none", None, 401),
        ("a genuine one of nobody", Some(ours.issue(&["nobody.example"])), 401),
        ("an id that begins as a known one", Some(ours.issue(&["spiffe://prod.example/desk/bot/x"])), 401),
        ("two ids", Some(two), 401),
        ("another role's", Some(ours.issue(&["ops.example"])), 403),
    ] {
        assert_eq!(asks(&shows(shown.as_ref())).unwrap().status, status, "{what}");
    }
    assert_eq!(app.count(), 0);
    let config = shows(Some(&bot));
    assert_eq!(asks(&config).unwrap().status, 200);
    let arrived = app.one().headers;
    assert!(arrived.contains("sekisho-principal: bot\n") && !arrived.contains("root"), "{arrived}");
    let revoked = ours.issue_with(&["spiffe://prod.example/desk/bot"], 66, Until::Far);
    assert!(asks(&shows(Some(&revoked))).is_err(), "that none need be shown does not make a revoked one good");
    // Revoked from now on: what the client remembers of its connection is worth nothing any more.
    std::fs::write(&crl, ours.revoke(&[66, 7])).unwrap();
    sidecar.until("the list is in force", |_| asks(&config).is_err());
}

#[test]
fn a_certificate_is_replaced_without_a_connection_lost_and_a_wrong_one_is_not() {
    let (dir, authority, app) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Upstream::start());
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let shown = first.write(dir.path(), "shown");
    let sidecar = start(dir, &format!(", ingress_tls: {{ certificates: [{shown}] }}"), &plain(&app));
    let config = Arc::new(client(&authority, Versions::Both, None, &[]));
    let mut kept = Session::open(sidecar.ingress, &config, "localhost").unwrap();
    assert_eq!(kept.get("/plain").unwrap().body, b"ok\n");
    let shows = |issued: &Issued| {
        let fresh = Arc::new(client(&authority, Versions::Both, None, &[]));
        let session = Session::open(sidecar.ingress, &fresh, "localhost").unwrap();
        session.tls.peer_certificates().unwrap()[0] == issued.der()
    };
    let reloads = |result: &str| {
        let changed = sidecar.events("config.changed");
        changed.iter().filter(|event| event["action"] == "tls.reload" && event["result"] == result).count()
    };
    second.write(sidecar.dir.path(), "shown");
    sidecar.until("the second is shown", |_| shows(&second));
    assert_eq!(kept.get("/plain").unwrap().body, b"ok\n");
    // The key of another certificate: nothing changes, and it is told. (A look may have fallen between the two files before.)
    let before = reloads("failure");
    std::fs::write(sidecar.dir.path().join("shown.key"), &first.key).unwrap();
    sidecar.signal("HUP");
    sidecar.until("it is told", |_| reloads("failure") > before);
    assert!(shows(&second));
    assert!(reloads("success") >= 1);
    assert_eq!(kept.get("/plain").unwrap().body, b"ok\n");
}

#[test]
fn an_upstream_is_believed_by_its_authority_and_its_name_or_id() {
    let (dir, ours, theirs) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Authority::new("theirs"));
    std::fs::write(dir.path().join("ca.pem"), ours.pem()).unwrap();
    std::fs::write(dir.path().join("theirs.pem"), theirs.pem()).unwrap();
    // The system trusts somebody, who vouches for none of these.
    std::fs::write(dir.path().join("system.pem"), theirs.pem()).unwrap();
    let (ca, other) =
        (format!("ca: {}/ca.pem", dir.path().display()), format!("ca: {}/theirs.pem", dir.path().display()));
    let id = "spiffe://prod.example/ledger";
    let certificate = format!("certificate: {}", ours.issue(&["us.example"]).write(dir.path(), "us"));
    let (both, http1, h2) = (Versions::Both, &["http/1.1"][..], &["h2"][..]);
    let named = upstream(&ours.issue(&["localhost"]), both, http1, None);
    let workload = upstream(&ours.issue(&[id]), both, http1, None);
    let asking = upstream(&ours.issue(&["localhost"]), both, http1, Some(&ours));
    let old = upstream(&ours.issue(&["localhost"]), Versions::Only12, http1, None);
    let modern = upstream(&ours.issue(&["localhost"]), both, h2, None);
    let ended = upstream(&ours.issue_with(&["localhost"], 1, Until::Past), both, http1, None);
    let cases = [
        ("named", named, ca.clone(), "", Some("HTTP/1.1")),
        ("other-authority", named, other.clone(), "", None),
        ("system-only", named, String::new(), "", None),
        ("other-name", named, format!("{ca}, name: venue.example"), "", None),
        ("by-id", workload, format!("{ca}, spiffe_id: '{id}'"), "", Some("HTTP/1.1")),
        ("id-by-name", workload, ca.clone(), "", None),
        ("other-id", workload, format!("{ca}, spiffe_id: '{id}/x'"), "", None),
        ("id-of-others", workload, format!("{other}, spiffe_id: '{id}'"), "", None),
        ("name-by-id", named, format!("{ca}, spiffe_id: '{id}'"), "", None),
        ("shows", asking, format!("{ca}, {certificate}"), "", Some("HTTP/1.1")),
        ("shows-nothing", asking, ca.clone(), "", None),
        ("old", old, ca.clone(), "", None),
        ("old-by-policy", old, format!("{ca}, min_version: 1.2"), "", Some("HTTP/1.1")),
        ("modern", modern, ca.clone(), ", protocol: h2", Some("HTTP/2.0")),
        ("not-modern", named, ca.clone(), ", protocol: h2", None),
        ("ended", ended, ca, "", None),
    ];
    let upstreams = cases.each_ref().map(|(name, to, tls, protocol, _)| {
        (*name, format!("{{ url: 'https://localhost:{}'{protocol}, tls: {{ {tls} }} }}", to.port()))
    });
    let sidecar = start(dir, "", &upstreams);
    for (name, to, _, _, spoken) in &cases {
        let answer = send(sidecar.ingress, &format!("GET /{name}"), &[], b"");
        let Some(spoken) = spoken else {
            assert_eq!((answer.status, answer.code()), (502, "upstream_unavailable".to_owned()), "{name}");
            continue;
        };
        let said = String::from_utf8(answer.body).unwrap();
        let expected = format!("{spoken} localhost:{} localhost ", to.port());
        assert!(said.starts_with(&expected), "{name}: {said}");
    }
}

#[test]
fn a_connection_made_with_certificates_that_were_replaced_carries_no_new_request() {
    let (dir, ours, theirs) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Authority::new("theirs"));
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, ours.pem()).unwrap();
    let to = upstream(&ours.issue(&["localhost"]), Versions::Both, &["http/1.1"], None);
    let up = format!("{{ url: 'https://localhost:{}', tls: {{ ca: {} }} }}", to.port(), ca.display());
    let sidecar = start(dir, "", &[("up", up)]);
    let ask = || send(sidecar.ingress, "GET /up", &[], b"");
    assert_eq!(ask().status, 200);
    std::fs::write(&ca, theirs.pem()).unwrap();
    // What was believed is believed no longer, though the connections are still open.
    sidecar.until("the other authority is in force", |_| ask().status == 502);
    std::fs::write(&ca, ours.pem()).unwrap();
    sidecar.until("the first is in force again", |_| ask().status == 200);
}

#[test]
fn check_tells_of_what_ends_soon_and_of_what_cannot_be_used() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("ours"));
    let shown = authority.issue_with(&["localhost"], 1, Until::Past).write(dir.path(), "shown");
    let check = |tls: &str| {
        let policy = policy(dir.path(), &format!(", ingress_tls: {{ {tls} }}"), &[]);
        std::fs::write(dir.path().join("policy.yaml"), policy).unwrap();
        said_of(dir.path(), &[])
    };
    let (code, said) = check(&format!("certificates: [{shown}]"));
    assert!(code == Some(3) && said.contains("shown.pem`: it has ended"), "{said}");
    let fresh = authority.issue(&["localhost"]).write(dir.path(), "shown");
    let (code, said) = check(&format!("certificates: [{fresh}], min_version: 1.2"));
    assert!(code == Some(0) && said.contains("WARN  listeners.ingress_tls: TLS 1.2 is spoken"), "{said}");
    // What is warned of fails a strict check, and what the hint says mends it.
    assert_eq!(said_of(dir.path(), &["--strict"]).0, Some(1));
    let (_, told) = said_of(dir.path(), &["--strict", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let of_tls = |check: &&serde_json::Value| check["what"] == "listeners.ingress_tls" && check["status"] == "warn";
    let hint = told["checks"].as_array().unwrap().iter().find(of_tls).unwrap()["hint"].as_str().unwrap();
    let set = hint.strip_prefix("set `listeners.ingress_tls.").unwrap().strip_suffix('`').unwrap();
    assert!(said.contains(&format!("        hint: {hint}\n")), "{said}");
    check(&format!("certificates: [{fresh}], {set}"));
    let (code, said) = said_of(dir.path(), &[]);
    assert!(code == Some(0) && !said.contains("TLS 1.2"), "{said}");
    authority.issue(&["localhost"]).write(dir.path(), "other");
    let apart = format!("certificates: [{{ chain: {0}/shown.pem, key: 'file:{0}/other.key' }}]", dir.path().display());
    let (code, said) = check(&apart);
    assert!(code == Some(3) && said.contains("is not the key of"), "{said}");
}

/// What `check` says of the policy in a directory, and how it ends.
fn said_of(dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = binary().arg("check").args(more).arg("--policy").arg(dir.join("policy.yaml")).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}
