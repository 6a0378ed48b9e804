//! Whose tokens are believed, and their keys, which are read again and again: by one task for each issuer, so that however many
//! tokens ask for a key there is one reading.

use std::io::{self, Read as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sekisho_filters::access::Network;
use sekisho_filters::access::token::{Issuer, IssuerSettings, Issuers, KeySet, NoKeySet};
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{Identity, IpNet, IssuerPolicy, JwksSource};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::evidence::Journal;

/// Speaks TLS to the server that has an issuer's keys.
pub trait Secure: Send + Sync + std::fmt::Debug {
    /// The connection, once the server has shown to be who it should be.
    fn secure(&self, stream: TcpStream) -> Securing<'_>;
}

/// A handshake under way.
pub type Securing<'s> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 's>>;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An issuer, and where its keys are.
#[derive(Debug)]
pub struct Source {
    /// Whose keys.
    pub issuer: Arc<Issuer>,
    /// How they are read.
    pub policy: IssuerPolicy,
    /// How their server is spoken to, if it is by TLS.
    pub tls: Option<Arc<dyn Secure>>,
}

/// Why keys could not be read. What was answered is not repeated.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Keys(#[from] NoKeySet),
    #[error("the server cannot be spoken to: {0}")]
    Http(#[from] hyper::Error),
    #[error("the server answered {0} where 200 was expected")]
    Status(StatusCode),
    #[error("the server's answer is too long or broke off")]
    Body,
    #[error("there was no answer in time")]
    Slow,
}

/// The issuers of policy, whose keys are not known yet.
#[must_use]
pub fn issuers(identity: &Identity) -> (Issuers, Vec<(Arc<Issuer>, IssuerPolicy)>) {
    let each = identity.issuers.iter().map(|policy| (Arc::new(Issuer::new(settings(policy))), policy.clone()));
    let each: Vec<_> = each.collect();
    (Issuers::new(each.iter().map(|(issuer, _)| Arc::clone(issuer)).collect(), identity.token_bytes), each)
}

fn settings(policy: &IssuerPolicy) -> IssuerSettings {
    let network = |net: &IpNet| Network { address: net.addr, prefix: net.prefix };
    IssuerSettings {
        name: policy.name.clone(),
        issuer: policy.issuer.clone(),
        audiences: policy.audiences.clone(),
        // INVARIANT: policy has only algorithms that there are.
        algorithms: policy.algorithms.iter().filter_map(|name| name.parse().ok()).collect(),
        skew: policy.skew,
        max_life: policy.max_life,
        role_claim: policy.role_claim.clone(),
        roles: policy.roles.clone(),
        person_claim: policy.person_claim.clone(),
        scopes: policy.scopes.clone(),
        allow: policy.allow.iter().map(network).collect(),
        forward: policy.forward,
        refetch: policy.refetch,
        patience: policy.patience,
    }
}

impl Source {
    /// Reads the keys now, every `refresh`, and when a token wants one that is not known. Keys that cannot be read again are
    /// believed for `keep`, and then nobody's are.
    pub async fn keep(self, journal: Journal) {
        let (mut good, mut failing) = (None, false);
        loop {
            let read = tokio::time::timeout(self.policy.patience, self.read()).await;
            match read.unwrap_or(Err(Unread::Slow)) {
                Ok(keys) => {
                    self.issuer.replace(keys);
                    (good, failing) = (Some(Instant::now()), false);
                }
                Err(why) => {
                    let over = good.is_none_or(|good: Instant| good.elapsed() >= self.policy.keep);
                    if over {
                        self.issuer.replace(KeySet::default());
                    }
                    if !std::mem::replace(&mut failing, true) {
                        self.tell(&journal, &why);
                    }
                }
            }
            self.issuer.fetch_is_over();
            // What fails is tried again sooner, and no sooner than a token may cause it.
            let pause = if failing { self.policy.refetch.min(self.policy.refresh) } else { self.policy.refresh };
            let _whichever_comes_first = tokio::time::timeout(pause, self.issuer.wanted()).await;
        }
    }

    fn tell(&self, journal: &Journal, why: &Unread) {
        tracing::warn!(issuer = self.policy.name, "the keys of an issuer cannot be read: {why}");
        let event = Event::new(EventType::SecurityAlertRaised, "issuer.keys_unread")
            .with_severity(Severity::Medium)
            .with_result(Outcome::Failure)
            .with_input("issuer", self.policy.name.clone())
            .with_output("why", why.to_string());
        journal.record(event);
    }

    async fn read(&self) -> Result<KeySet, Unread> {
        let bytes = match &self.policy.jwks {
            JwksSource::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                read.map_err(|_ended| Unread::Slow)??
            }
            JwksSource::Url { tls, host, port, path } => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((bare, *port)).await?;
                let stream: Box<dyn Stream> = match (tls, &self.tls) {
                    (false, _) => Box::new(stream),
                    (true, Some(secure)) => secure.secure(stream).await?,
                    (true, None) => return Err(io::Error::other("its server cannot be spoken to by TLS here").into()),
                };
                get(stream, host, path).await?
            }
        };
        Ok(KeySet::parse(&bytes)?)
    }
}

/// One GET; neither a redirect nor another status is followed.
async fn get(stream: Box<dyn Stream>, host: &str, path: &str) -> Result<Vec<u8>, Unread> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driven = tokio::spawn(connection);
    let request = Request::get(path).header(HOST, host).header(ACCEPT, "application/json").body(Empty::<Bytes>::new());
    let request = request.map_err(|_unsound| Unread::Body)?;
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(Unread::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|_long_or_cut| Unread::Body)?;
    driven.abort();
    Ok(body.to_bytes().to_vec())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Longest key set that is read, in bytes; a longer one is refused as one.
const MOST: usize = 64 * 1024;
