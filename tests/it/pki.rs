//! Authorities and certificates, made when a test runs, and what speaks TLS with them.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::client::{Answer, parse};

/// One that vouches for others.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// How long a certificate holds.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// Longer than this test is kept.
    Far,
    /// It has ended.
    Past,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a name of a host, an address, or a URI, by what it looks like.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, 1, Until::Far)
    }

    pub(crate) fn issue_with(&self, names: &[&str], serial: u8, until: Until) -> Issued {
        let (uris, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
        let mut params = CertificateParams::new(others.into_iter().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        params.subject_alt_names.extend(uris.into_iter().map(|uri| SanType::URI(uri.try_into().unwrap())));
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        if let Until::Past = until {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.0).unwrap().pem();
        Issued { chain, key: key.serialize_pem() }
    }

    /// A list of these serial numbers.
    pub(crate) fn revoke(&self, serials: &[u8]) -> String {
        let revoked = |serial: &u8| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*serial]),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key`, and gives the words for them in a policy.
    pub(crate) fn write(&self, dir: &Path, name: &str) -> String {
        std::fs::write(dir.join(format!("{name}.pem")), &self.chain).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), &self.key).unwrap();
        format!("{{ chain: {0}/{name}.pem, key: 'file:{0}/{name}.key' }}", dir.display())
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

/// A client that believes `authority` and speaks these versions; `shows` is what it shows when asked.
pub(crate) fn client(authority: &Authority, versions: Versions, shows: Option<&Issued>, alpn: &[&str]) -> ClientConfig {
    let verifier = WebPkiServerVerifier::builder(Arc::new(authority.roots())).build().unwrap();
    let builder = ClientConfig::builder_with_protocol_versions(versions.list()).with_webpki_verifier(verifier);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(shows) => builder.with_client_auth_cert(vec![shows.der()], shows.key_der()).unwrap(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Which versions somebody speaks.
#[derive(Clone, Copy)]
pub(crate) enum Versions {
    Both,
    Only12,
}

impl Versions {
    fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        static ONLY_12: [&SupportedProtocolVersion; 1] = [&TLS12];
        match self {
            Self::Both => &BOTH,
            Self::Only12 => &ONLY_12,
        }
    }
}

/// A connection over TLS that stays open.
pub(crate) struct Session {
    pub(crate) tls: ClientConnection,
    socket: TcpStream,
}

impl Session {
    /// Connects, and reads once, so that the tickets have come and a refusal is known. In TLS 1.3 a client hears of it only then.
    pub(crate) fn open(to: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = ClientConnection::new(Arc::clone(config), name).unwrap();
        let socket = TcpStream::connect(to)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut session = Self { tls, socket };
        while session.tls.is_handshaking() {
            session.tls.complete_io(&mut session.socket)?;
        }
        Ok(session)
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
    }

    /// One request; the connection stays open, and the answer must have a length.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<Answer> {
        let mut stream = rustls::Stream::new(&mut self.tls, &mut self.socket);
        stream.write_all(request.as_bytes())?;
        let mut read = Vec::new();
        loop {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece)?;
            read.extend_from_slice(&piece[..count]);
            let Some(answer) = parse(&read) else {
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            };
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            if length.is_some_and(|length: usize| answer.body.len() >= length) {
                return Ok(answer);
            }
        }
    }
}

/// An upstream over TLS, which says what it was asked and how.
pub(crate) fn upstream(shows: &Issued, versions: Versions, alpn: &[&str], asks: Option<&Authority>) -> SocketAddr {
    answering(shows, versions, (alpn, asks), Arc::new(say))
}

/// What a server over TLS says to a request, under the name it was asked by in the handshake, of this peer.
type Says = Arc<dyn Fn(&Request<Incoming>, &str, SocketAddr) -> String + Send + Sync>;

/// TLS in front of a server that speaks none.
pub(crate) fn before(plain: SocketAddr, shows: &Issued) -> SocketAddr {
    let config = ServerConfig::builder_with_protocol_versions(Versions::Both.list()).with_no_client_auth();
    let config = config.with_single_cert(vec![shows.der()], shows.key_der()).unwrap();
    let (config, socket) = (Arc::new(config), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            while let Ok((stream, _)) = socket.accept().await {
                let accepting = TlsAcceptor::from(Arc::clone(&config)).accept(stream);
                tokio::spawn(async move { bare(accepting.await?, plain).await });
            }
        });
    });
    address
}

async fn bare(mut outer: TlsStream<tokio::net::TcpStream>, plain: SocketAddr) -> io::Result<()> {
    let mut inner = tokio::net::TcpStream::connect(plain).await?;
    tokio::io::copy_bidirectional(&mut outer, &mut inner).await.map(drop)
}

/// A server over TLS that always says what `text` is now.
pub(crate) fn saying(shows: &Issued, text: Arc<Mutex<String>>) -> SocketAddr {
    answering(shows, Versions::Both, (&["http/1.1"], None), Arc::new(move |_, _, _| text.lock().unwrap().clone()))
}

fn answering(
    shows: &Issued,
    versions: Versions,
    (alpn, asks): (&[&str], Option<&Authority>),
    says: Says,
) -> SocketAddr {
    let builder = ServerConfig::builder_with_protocol_versions(versions.list());
    let builder = match asks {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let verifier = WebPkiClientVerifier::builder(Arc::new(authority.roots())).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(vec![shows.der()], shows.key_der()).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            serve(tokio::net::TcpListener::from_std(socket).unwrap(), Arc::new(config), says).await
        });
    });
    address
}

async fn serve(socket: tokio::net::TcpListener, config: Arc<ServerConfig>, says: Says) {
    while let Ok((stream, peer)) = socket.accept().await {
        let says = Arc::clone(&says);
        let accepting = TlsAcceptor::from(Arc::clone(&config)).accept(stream);
        tokio::spawn(async move {
            let Ok(stream) = accepting.await else { return };
            let name = stream.get_ref().1.server_name().unwrap_or("-").to_owned();
            let service = service_fn(move |request| {
                let said = says(&request, &name, peer);
                async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(said)))) }
            });
            let _gone = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The version, the host that was asked for, the name in the handshake, and the connection by its port.
fn say(request: &Request<Incoming>, name: &str, peer: SocketAddr) -> String {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok());
    let host = host.or(request.uri().authority().map(http::uri::Authority::as_str)).unwrap_or("-");
    format!("{:?} {host} {name} {}\n", request.version(), peer.port())
}
