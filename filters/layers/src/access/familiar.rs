use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

/// From where which credential was used with success: the places that an attack from elsewhere must not shut out.
///
/// Only who holds a credential can put an entry here, so it is bounded against one that roams, not against strangers: beyond the
/// bound new places are not remembered.
#[derive(Debug)]
pub(super) struct Familiar {
    started: Instant,
    /// When each was used last, in seconds since the start; before the start is negative.
    seen: RwLock<HashMap<u64, i64>>,
    most: usize,
}

impl Familiar {
    pub(super) fn new(most: usize) -> Self {
        Self { started: Instant::now(), seen: RwLock::default(), most }
    }

    /// Remembers a use. True when that is news.
    pub(super) fn remember(&self, pair: u64) -> bool {
        let now = self.now();
        let recent = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&pair).copied();
        if recent.is_some_and(|seen| now - seen < OFTEN) {
            return false;
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if recent.is_some() || seen.len() < self.most {
            seen.insert(pair, now);
        }
        true
    }

    pub(super) fn knows(&self, pair: u64, within: Duration) -> bool {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&pair).copied();
        seen.is_some_and(|seen| self.now() - seen <= seconds(within))
    }

    /// What is to be kept; what is older than `within` is forgotten.
    pub(super) fn kept(&self, within: Duration) -> Vec<(u64, Duration)> {
        let now = self.now();
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, seen| now - *seen <= seconds(within));
        seen.iter().map(|(pair, seen)| (*pair, Duration::from_secs(u64::try_from(now - seen).unwrap_or(0)))).collect()
    }

    pub(super) fn restore(&self, kept: impl IntoIterator<Item = (u64, Duration)>) {
        let now = self.now();
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.extend(kept.into_iter().take(self.most).map(|(pair, ago)| (pair, now - seconds(ago))));
    }

    fn now(&self) -> i64 {
        seconds(self.started.elapsed())
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A use within these many seconds of the last says nothing new.
const OFTEN: i64 = 60;
