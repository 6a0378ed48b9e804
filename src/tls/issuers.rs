//! TLS toward the servers that have the keys of issuers.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sekisho_policy::{IssuerPolicy, JwksSource, TlsVersion, UpstreamTls};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{TlsError, client};
use crate::data::secure::HTTP_1_1;
use crate::identity::issuers::{Secure, Securing, Stream};

/// Believes one server, by its name and an authority.
struct Server {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

/// How the server of an issuer's keys is spoken to; none where that is not by TLS.
///
/// # Errors
///
/// When an authority cannot be read, or the host is no name that a certificate could have.
pub fn secure(policy: &IssuerPolicy) -> Result<Option<Arc<dyn Secure>>, TlsError> {
    let JwksSource::Url { tls: true, host, .. } = &policy.jwks else { return Ok(None) };
    let place = format!("identity.issuers: `{}`", policy.name);
    let believed = UpstreamTls {
        ca: policy.ca.clone(),
        name: None,
        spiffe_id: None,
        certificate: None,
        min_version: TlsVersion::Tls13,
    };
    let config = client::load(&place, &believed, &[HTTP_1_1])?.config;
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|error| TlsError::Unusable { place, why: error.to_string() })?;
    Ok(Some(Arc::new(Server { name, config })))
}

impl Secure for Server {
    fn secure(&self, stream: TcpStream) -> Securing<'_> {
        let connecting = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream);
        Box::pin(async move { connecting.await.map(|stream| Box::new(stream) as Box<dyn Stream>) })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}
