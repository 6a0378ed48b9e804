use std::convert::Infallible;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use sekisho_filters::{Answer, Body, PeerCertificate};
use sekisho_policy::{CertificateSource, ClientCertificates, ListenerTls, SecretSource, TlsVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::server;
use crate::data::exposure::always;
use crate::data::listener::{ConnectionLimits, Handle, Listening};
use crate::data::secure::ServerTls;

/// Says whose certificate came with the request.
struct Whose;

impl Handle for Whose {
    fn handle(&self, _peer: IpAddr, request: Request<Incoming>) -> Answer<Infallible> {
        let shown = request.extensions().get::<PeerCertificate>();
        let whose = shown.map_or("nobody", |shown| shown.spiffe_id().unwrap_or("no id"));
        Answer::now(Ok(Response::new(Body::full(whose.to_owned()))))
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(authority: &Issuer, dns: &[&str], uris: &[&str]) -> (String, String) {
    let mut params = CertificateParams::new(dns.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.subject_alt_names.extend(uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())));
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn listener(dir: &Path, authority: &Issuer) -> ListenerTls {
    let (chain, key) = issue(authority, &["localhost"], &[]);
    let file = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name)
    };
    let source = CertificateSource { chain: file("c", &chain), key: SecretSource::File(file("k", &key)) };
    let clients = ClientCertificates { ca: file("ca", &authority.pem()), crls: vec![], required: false };
    ListenerTls { certificates: vec![source], min_version: TlsVersion::Tls13, clients: Some(clients) }
}

async fn ask(to: std::net::SocketAddr, authority: &Issuer, shows: Option<(String, String)>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    let stream = TcpStream::connect(to).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said.rsplit("\r\n").next().unwrap().to_owned()
}

#[tokio::test]
async fn the_certificate_that_was_verified_comes_with_each_request() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), authority());
    let loaded = server::load("here", &listener(dir.path(), &authority)).unwrap();
    let second = Duration::from_secs(10);
    let limits = ConnectionLimits {
        connections: 8,
        connections_per_peer: 8,
        header_timeout: second,
        header_count: 16,
        header_bytes: 8192,
        h2_streams: 8,
        drain_timeout: second,
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, drain) = (socket.local_addr().unwrap(), CancellationToken::new());
    let tls = Some(Arc::new(ServerTls::new(loaded.config, second, |_how| {})));
    let serving = tokio::spawn(
        Listening {
            socket: always(socket.into_std().unwrap()),
            handler: Whose,
            limits,
            room: limits.room(),
            peers: limits.peers(),
            tls,
        }
        .serve(drain.clone()),
    );
    let id = "spiffe://prod.example/bot";
    for (uris, whose) in
        [(&[id][..], id), (&[id, "spiffe://prod.example/other"], "no id"), (&["https://prod.example/bot"], "no id")]
    {
        assert_eq!(ask(address, &authority, Some(issue(&authority, &[], uris))).await, whose, "{uris:?}");
    }
    assert_eq!(ask(address, &authority, None).await, "nobody");
    drain.cancel();
    serving.await.unwrap();
}
