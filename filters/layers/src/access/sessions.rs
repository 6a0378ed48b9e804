use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::{Attempt, Door, Held, Key, Keys, Principal, Proof};

/// What begins a session.
#[derive(Clone)]
pub struct NewSession<'s> {
    /// Names it: what a session is revoked by.
    pub id: &'s str,
    /// What its holder will show, without anything before it.
    pub secret: &'s [u8],
    /// How long it lasts.
    pub life: Duration,
    /// Most sessions at once.
    pub most: usize,
}

impl fmt::Debug for NewSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Door {
    /// Begins a session of `principal`: from now on `sekisho_ID_SECRET` proves who it is, at the admin API alone. Sessions end with
    /// their time, with the credential they were begun with, when they are revoked, and with the process. False: there are too
    /// many.
    #[must_use]
    pub fn begin_session(&self, principal: &Principal, new: &NewSession<'_>) -> bool {
        let now_s = self.now_s();
        let digest = self.keys().digest_of(new.secret);
        let held = Held { digest, before: None, expires_s: Some(now_s.saturating_add(new.life.as_secs())) };
        let mut begun = false;
        self.sessions().rcu(|sessions| {
            let others = sessions.without_expired(now_s);
            begun = others.len() < new.most;
            if begun { others.holding_as(new.id, Arc::clone(&principal.key), held.clone()) } else { others }
        });
        begun
    }

    /// Asks as [`ask`](Self::ask) does, where a session is as good as the key it was begun with.
    ///
    /// # Errors
    ///
    /// The failed attempt; it has been counted.
    pub fn ask_admin(&self, headers: &HeaderMap, peer: IpAddr, in_need: bool) -> Result<Principal, Attempt> {
        self.ask_at_once(headers, peer, (!in_need, true))
    }

    /// Whose session it is, if the credential that it was begun with is still known.
    pub(super) fn session(&self, id: &str, key: Arc<Key>) -> Option<Principal> {
        // Ids with a colon are those of issuers' subjects, who have no key here.
        let parent = key.id.to_ascii_lowercase();
        let known = parent.contains(':') || self.is_known(&parent);
        known.then(|| Principal { key, proof: Proof::Session(Arc::from(id)) })
    }
}

impl Keys {
    /// Adds what stands for a key under another id.
    #[must_use]
    fn holding_as(self, id: &str, key: Arc<Key>, held: Held) -> Self {
        self.put(id.to_ascii_lowercase(), key, held)
    }
}
