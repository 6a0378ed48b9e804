use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sekisho_codec::fix::{Message, Session, tag};

/// What is remembered of sessions, from one connection to the next.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Most that are remembered of sessions that are not open.
    most: usize,
    /// Most that is remembered of each.
    remembered: usize,
    by_name: Mutex<BTreeMap<Name, Shared>>,
}

/// Who speaks to whom, as their logon says.
type Name = Vec<u8>;

/// A session that both directions of a connection, and a later connection, look at.
pub(super) type Shared = Arc<Mutex<Session>>;

impl Sessions {
    /// Remembers `remembered` refusals and answers of each session, and `most` sessions.
    pub(super) const fn new(most: usize, remembered: usize) -> Self {
        Self { most, remembered, by_name: Mutex::new(BTreeMap::new()) }
    }

    /// The session that a logon is for.
    pub(super) fn of(&self, logon: &Message<'_>) -> Shared {
        let parts = [tag::SENDER_COMP_ID, 50, tag::TARGET_COMP_ID, 57].map(|tag| logon.get(tag).unwrap_or_default());
        let name = parts.join(&1);
        let mut sessions = lock(&self.by_name);
        if let Some(session) = sessions.get(&name) {
            return Arc::clone(session);
        }
        if sessions.len() >= self.most {
            // What nobody uses is forgotten: then nothing is known of its duplicates, and they are withheld.
            sessions.retain(|_, session| Arc::strong_count(session) > 1);
        }
        let session: Shared = Arc::new(Mutex::new(Session::new(self.remembered)));
        if sessions.len() < self.most {
            sessions.insert(name, Arc::clone(&session));
        }
        session
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
