//! TLS as policy says it: certificates, keys, authorities and revocation lists are read from files, and again when they change.
//!
//! What is read makes a whole configuration or none: a file that is wrong leaves in force what was.

mod files;

mod server;

mod client;

pub mod issuers;

mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedProtocolVersion, pki_types::ServerName};
use sekisho_policy::{Listener, ListenerTls, Outward, OutwardProtocol, Policy, Protocol, TlsVersion, UpstreamTls};

use crate::data::secure::{ClientTls, H2, HTTP_1_1, Handshake, ServerTls};
use crate::identity::SecretError;

pub use watch::Watch;
use watch::Watched;

/// TLS of all listeners and upstreams that speak it, and what keeps it as its files are.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Ingress.
    pub ingress: Option<Arc<ServerTls>>,
    /// Egress.
    pub egress: Option<Arc<ServerTls>>,
    /// Health and metrics.
    pub health: Option<Arc<ServerTls>>,
    /// By the upstream's name.
    pub upstreams: BTreeMap<Arc<str>, Arc<ClientTls>>,
    /// By the FIX listener's name.
    pub fix: BTreeMap<Arc<str>, Arc<ClientTls>>,
    /// By the log stream's name.
    pub streams: BTreeMap<Arc<str>, Arc<ClientTls>>,
    watched: Vec<Watched>,
}

/// Why TLS cannot be spoken as policy says.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{place}: cannot read `{path}`: {error}")]
    Unreadable {
        /// Where in policy.
        place: String,
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{place}: `{path}` holds no {what} in PEM")]
    Holds {
        /// Where in policy.
        place: String,
        /// The file.
        path: String,
        /// What it should hold.
        what: &'static str,
    },
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// What was read cannot be used.
    #[error("{place}: {why}")]
    Unusable {
        /// Where in policy.
        place: String,
        /// Why not.
        why: String,
    },
}

/// A certificate of ours, and when it begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Where in policy it stands.
    pub place: String,
    /// From when all of its chain holds, in seconds since 1970.
    pub not_before: i64,
    /// Until when, in seconds since 1970.
    pub not_after: i64,
}

impl Tls {
    /// Reads everything that `policy` names. `told` hears of each handshake on a listener.
    ///
    /// # Errors
    ///
    /// [`TlsError`], with the place in policy.
    pub fn load(
        policy: &Policy,
        told: impl Fn(&'static str, Handshake) + Clone + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let mut watched = Vec::new();
        let (listeners, timeout) = (&policy.listeners, policy.limits.handshake_timeout);
        let mut listener = |name: &'static str, source: &Option<ListenerTls>| {
            let Some(source) = source else { return Ok(None) };
            let place = format!("listeners.{name}_tls");
            let (told, loaded) = (told.clone(), server::load(&place, source)?);
            let listener = Arc::new(ServerTls::new(Arc::clone(&loaded.config), timeout, move |how| told(name, how)));
            watched.push(Watched::listener(place, source.clone(), Arc::clone(&listener), loaded));
            Ok::<_, TlsError>(Some(listener))
        };
        let ingress = listener("ingress", &listeners.ingress_tls)?;
        let egress = listener("egress", &listeners.egress_tls)?;
        let health = listener("health", &listeners.health_tls)?;
        let mut tls = Self { ingress, egress, health, watched, ..Self::default() };
        for Outward { place, name, host, tls: source, protocol } in policy.outward_tls() {
            let (of, alpn): (_, Alpn) = match protocol {
                OutwardProtocol::Http(Protocol::H2) => (&mut tls.upstreams, &[H2]),
                OutwardProtocol::Http(_) => (&mut tls.upstreams, &[HTTP_1_1]),
                OutwardProtocol::Fix => (&mut tls.fix, &[]),
                OutwardProtocol::Logs => (&mut tls.streams, &[]),
            };
            let loaded = client::load(&place, source, alpn)?;
            let client = Arc::new(ClientTls::new(server_name((source, host), &place)?, Arc::clone(&loaded.config)));
            of.insert(Arc::clone(name), Arc::clone(&client));
            tls.watched.push(Watched::outward(place, (source.clone(), alpn), client, loaded));
        }
        Ok(tls)
    }

    /// How TLS is spoken on a listener of the data path, if it is.
    #[must_use]
    pub fn of(&self, listener: Listener) -> Option<Arc<ServerTls>> {
        match listener {
            Listener::Ingress => self.ingress.clone(),
            Listener::Egress => self.egress.clone(),
        }
    }

    /// Our own certificates, and when each ends.
    #[must_use]
    pub fn expiries(&self) -> Vec<Expiry> {
        self.watched.iter().flat_map(|watched| watched.expiries.iter().cloned()).collect()
    }
}

/// The wall clock, in seconds since 1970: certificates end by it.
#[must_use]
pub fn unix_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn server_name((tls, host): (&UpstreamTls, &str), place: &str) -> Result<ServerName<'static>, TlsError> {
    let said = tls.name.as_deref().unwrap_or(host);
    let bare = said.trim_start_matches('[').trim_end_matches(']').to_owned();
    let wrong =
        |_invalid| TlsError::Unusable { place: place.to_owned(), why: format!("`{said}` is no name of a server") };
    ServerName::try_from(bare).map_err(wrong)
}

/// What is offered to be spoken beneath TLS, as ALPN names it.
type Alpn = &'static [&'static [u8]];

/// What does the arithmetic.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match oldest {
        TlsVersion::Tls13 => &ONLY_13,
        TlsVersion::Tls12 => &BOTH,
    }
}

static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

#[cfg(test)]
mod tests;
