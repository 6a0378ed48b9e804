//! The certificate that the other end of a connection has shown.

use std::fmt;
use std::sync::Arc;

use sekisho_codec::certificate::{Certificate, NoCertificate};
use sha2::{Digest, Sha256};

/// A certificate that the peer has proved to hold, and whose chain leads to an authority that the listener believes.
///
/// It stands in the extensions of each request of the connection. A request without one came without a certificate: the listener
/// asks for none, or leaves it to the client.
#[derive(Clone)]
pub struct PeerCertificate(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    fingerprint: [u8; 32],
    certificate: Certificate,
}

impl PeerCertificate {
    /// Reads the certificate that was verified. Only who has verified it may call this: nothing here looks at a signature.
    ///
    /// # Errors
    ///
    /// [`NoCertificate`], when `der` is none.
    pub fn danger_verified(der: &[u8]) -> Result<Self, NoCertificate> {
        let certificate = Certificate::read(der)?;
        Ok(Self(Arc::new(Shown { fingerprint: Sha256::digest(der).into(), certificate })))
    }

    /// What it says: names, serial number, times.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// SHA-256 of the whole certificate.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }

    /// Its SPIFFE id, if it is an X.509-SVID: exactly one URI among its names, and that of the scheme `spiffe`, in a certificate
    /// that vouches for nobody (SPIFFE X509-SVID, 2 and 4.1).
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        let Certificate { uris, is_authority, .. } = self.certificate();
        match uris.as_slice() {
            [only] if only.starts_with("spiffe://") && !is_authority => Some(only),
            _ => None,
        }
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.certificate.fmt(f)
    }
}
