//! TLS on a connection: the handshake, and what it settled. What is shown and whom we believe is decided elsewhere and handed in.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, CommonState, HandshakeKind, ServerConfig};
use sekisho_filters::PeerCertificate;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// TLS of one listener. Its configuration is replaced whole; connections that are open keep what they agreed upon.
pub struct ServerTls {
    current: ArcSwap<ServerConfig>,
    timeout: Duration,
    told: Box<dyn Fn(Handshake) + Send + Sync>,
}

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// From the beginning.
    Full,
    /// With a ticket of an earlier one.
    Resumed,
    /// Not at all: another protocol, no version or certificate in common, a certificate that is not believed, or too late.
    Failed,
}

impl Handshake {
    /// Every way there is.
    pub const ALL: [Self; 3] = [Self::Full, Self::Resumed, Self::Failed];

    /// The word for it in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Failed => "failed",
        }
    }
}

/// What a handshake with a client came to.
pub(super) struct Accepted {
    pub(super) stream: server::TlsStream<TcpStream>,
    pub(super) h2: bool,
    pub(super) shown: Option<PeerCertificate>,
}

impl ServerTls {
    /// Handshakes take at most `timeout`, and `told` hears how each ended.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, timeout: Duration, told: impl Fn(Handshake) + Send + Sync + 'static) -> Self {
        Self { current: ArcSwap::new(config), timeout, told: Box::new(told) }
    }

    /// From now on, connections agree upon this.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        self.current.store(config);
    }

    /// Shakes hands. A client that cannot gets an alert, and is not heard of again.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<Accepted> {
        let accepting = TlsAcceptor::from(self.current.load_full()).accept(stream);
        let accepted = match tokio::time::timeout(self.timeout, accepting).await {
            Ok(Ok(stream)) => settle(stream),
            Ok(Err(_refused)) => None,
            Err(_elapsed) => None,
        };
        let resumed =
            |accepted: &Accepted| accepted.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        (self.told)(match &accepted {
            None => Handshake::Failed,
            Some(accepted) if resumed(accepted) => Handshake::Resumed,
            Some(_) => Handshake::Full,
        });
        accepted
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn settle(stream: server::TlsStream<TcpStream>) -> Option<Accepted> {
    let session: &CommonState = stream.get_ref().1;
    let h2 = session.alpn_protocol() == Some(H2);
    let shown = match session.peer_certificates().and_then(|chain| chain.first()) {
        None => None,
        // A ticket outlives its certificate: who resumes is not verified again, so its time is looked at here.
        Some(leaf) => Some(PeerCertificate::danger_verified(leaf).ok().filter(holds)?),
    };
    Some(Accepted { stream, h2, shown })
}

fn holds(shown: &PeerCertificate) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    now.is_some_and(|now| now <= shown.certificate().not_after)
}

/// TLS toward one upstream. Its configuration is replaced whole; connections made with an older one carry no new request.
#[derive(Debug)]
pub struct ClientTls {
    current: ArcSwap<Current>,
    name: ServerName<'static>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ClientConfig>,
    generation: u64,
}

impl ClientTls {
    /// Asks for `name`, and finds it in the certificate if `config` looks for names.
    #[must_use]
    pub fn new(name: ServerName<'static>, config: Arc<ClientConfig>) -> Self {
        Self { current: ArcSwap::from_pointee(Current { config, generation: 0 }), name }
    }

    /// From now on, connections agree upon this.
    pub fn replace(&self, config: Arc<ClientConfig>) {
        let generation = self.generation() + 1;
        self.current.store(Arc::new(Current { config, generation }));
    }

    /// Counts replacements.
    pub(super) fn generation(&self) -> u64 {
        self.current.load().generation
    }

    /// Shakes hands on `stream`. With `h2`, an upstream that does not choose HTTP/2 is refused.
    pub(super) async fn connect(&self, stream: TcpStream, h2: bool) -> io::Result<client::TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::clone(&self.current.load().config));
        let stream = connector.connect(self.name.clone(), stream).await?;
        if h2 && stream.get_ref().1.alpn_protocol() != Some(H2) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the upstream does not speak HTTP/2 over TLS"));
        }
        Ok(stream)
    }
}

/// HTTP/2 as ALPN names it (RFC 9113, 3.1).
pub const H2: &[u8] = b"h2";

/// HTTP/1.1 as ALPN names it (RFC 7301, 6).
pub const HTTP_1_1: &[u8] = b"http/1.1";
