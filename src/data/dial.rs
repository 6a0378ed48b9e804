//! Connections to servers that speak something else than HTTP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::secure::ClientTls;

/// Where what is no HTTP goes on to, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Name or address; one of IPv6 without its brackets.
    pub host: Arc<str>,
    /// Port.
    pub port: u16,
    /// How TLS is spoken beneath the protocol, if it is.
    pub tls: Option<Arc<ClientTls>>,
}

/// A connection to it. What was written to one of TLS is in its socket once it is flushed.
pub(super) type Dialled = Either<TcpStream, TlsStream<TcpStream>>;

impl Dial {
    /// Connects, and shakes hands if TLS is spoken, within `limit` for both.
    pub(super) async fn connect(&self, limit: Duration) -> io::Result<Dialled> {
        let connecting = async {
            let stream = TcpStream::connect((&*self.host, self.port)).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Either::Left(stream)),
                Some(tls) => tls.connect(stream, false).await.map(Either::Right),
            }
        };
        tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }
}
