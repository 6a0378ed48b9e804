use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{ListenerTls, UpstreamTls};
use tokio::sync::Notify;

use super::files::Loaded;
use super::{Alpn, Expiry, Tls, TlsError, client, server, unix_s};
use crate::data::secure::{ClientTls, ServerTls};
use crate::evidence::Journal;

/// One configuration in force, and the files it was made of.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    place: String,
    of: Of,
    digest: [u8; 32],
    pub(super) expiries: Vec<Expiry>,
    /// What was last wrong with it: told once, not at every look.
    failing: Option<String>,
}

#[derive(Clone, Debug)]
enum Of {
    Listener { source: ListenerTls, tls: Arc<ServerTls> },
    Outward { source: UpstreamTls, alpn: Alpn, tls: Arc<ClientTls> },
}

/// What a look at the files came to.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Same,
    Replaced,
    Wrong(String),
}

/// How certificates are kept.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// Between two looks.
    pub interval: Duration,
    /// How long before the end of a certificate it is told of.
    pub expiry: Duration,
}

impl Tls {
    /// Reads the files again every `interval` and whenever somebody is `asked` to, and puts in force what changed. What is wrong
    /// leaves in force what was, and is recorded once; so is a certificate that ends soon.
    pub async fn watch(self, watch: Watch, journal: Journal, asked: Arc<Notify>) {
        let mut all = self.watched;
        let mut told = BTreeSet::new();
        let mut ticks = tokio::time::interval(watch.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = asked.notified() => {}
            }
            // A disk that hangs holds this look up, and nothing else.
            let looking = tokio::task::spawn_blocking(move || {
                let looks: Vec<Look> = all.iter_mut().map(Watched::look).collect();
                (all, looks)
            });
            let Ok((looked, looks)) = looking.await else { return };
            all = looked;
            all.iter().zip(looks).for_each(|(watched, look)| record(&journal, &watched.place, look));
            let soon = unix_s().saturating_add(i64::try_from(watch.expiry.as_secs()).unwrap_or(i64::MAX));
            all.iter().flat_map(|one| &one.expiries).for_each(|one| tell(&journal, one, soon, &mut told));
        }
    }
}

impl Watched {
    pub(super) fn listener(
        place: String,
        source: ListenerTls,
        tls: Arc<ServerTls>,
        loaded: Loaded<ServerConfig>,
    ) -> Self {
        let Loaded { digest, expiries, .. } = loaded;
        Self { place, of: Of::Listener { source, tls }, digest, expiries, failing: None }
    }

    pub(super) fn outward(
        place: String,
        (source, alpn): (UpstreamTls, Alpn),
        tls: Arc<ClientTls>,
        loaded: Loaded<ClientConfig>,
    ) -> Self {
        let Loaded { digest, expiries, .. } = loaded;
        Self { place, of: Of::Outward { source, alpn, tls }, digest, expiries, failing: None }
    }

    fn look(&mut self) -> Look {
        let replaced = match &self.of {
            Of::Listener { source, tls } => {
                server::load(&self.place, source).map(|loaded| take(loaded, self.digest, |config| tls.replace(config)))
            }
            Of::Outward { source, alpn, tls } => client::load(&self.place, source, alpn)
                .map(|loaded| take(loaded, self.digest, |config| tls.replace(config))),
        };
        match replaced {
            Ok(None) => {
                self.failing = None;
                Look::Same
            }
            Ok(Some((digest, expiries))) => {
                (self.digest, self.expiries, self.failing) = (digest, expiries, None);
                Look::Replaced
            }
            Err(error) => self.wrong(&error),
        }
    }

    fn wrong(&mut self, error: &TlsError) -> Look {
        let why = error.to_string();
        if self.failing.as_ref() == Some(&why) {
            return Look::Same;
        }
        self.failing = Some(why.clone());
        Look::Wrong(why)
    }
}

/// Puts it in force if it is made of something else than before.
fn take<C>(loaded: Loaded<C>, before: [u8; 32], replace: impl FnOnce(Arc<C>)) -> Option<([u8; 32], Vec<Expiry>)> {
    let Loaded { config, digest, expiries } = loaded;
    (digest != before).then(|| {
        replace(config);
        (digest, expiries)
    })
}

fn record(journal: &Journal, place: &str, look: Look) {
    match look {
        Look::Same => {}
        Look::Replaced => journal.record(Event::new(EventType::ConfigChanged, "tls.reload").with_input("place", place)),
        Look::Wrong(why) => {
            tracing::error!("certificates stay as they are: {why}");
            let event = Event::new(EventType::ConfigChanged, "tls.reload").with_input("place", place);
            let event = event.with_severity(Severity::High).with_result(Outcome::Failure);
            journal.record(event.with_output("why", why));
        }
    }
}

fn tell(journal: &Journal, expiry: &Expiry, soon: i64, told: &mut BTreeSet<(String, i64)>) {
    if expiry.not_after > soon || !told.insert((expiry.place.clone(), expiry.not_after)) {
        return;
    }
    tracing::warn!("a certificate ends soon: {}", expiry.place);
    let event = Event::new(EventType::SecurityAlertRaised, "certificate.ends").with_severity(Severity::High);
    journal.record(event.with_input("place", &*expiry.place).with_output("not_after_s", expiry.not_after));
}
