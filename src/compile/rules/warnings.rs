//! What of a policy is in force and is not what its author thinks: entries whose day is over, secrets that ordinary text may hold.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sekisho_policy::Policy;
use sekisho_scan::{KnownSecret, Ruleset};

use crate::identity::resolve;

/// The day, in days since 1970, UTC.
#[must_use]
pub fn today() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // a clock that stands before 1970 lets nothing stay
    since.ok().and_then(|since| u32::try_from(since.as_secs() / 86_400).ok()).unwrap_or(u32::MAX)
}

/// Tells the `rules` in force every hour which day it is, so that what may stay until a day is masked from the next one on.
pub async fn days(rules: Arc<ArcSwap<Ruleset>>) {
    let mut hours = tokio::time::interval(Duration::from_hours(1));
    loop {
        hours.tick().await;
        rules.load().set_day(today());
    }
}

/// Something that is in force, and that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where in policy.
    pub what: String,
    /// What it is like, without a value.
    pub why: String,
    /// What mends it.
    pub hint: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.what, self.why, self.hint)
    }
}

/// All of `policy` on a `day` (days since 1970, UTC).
#[must_use]
pub fn of(policy: &Policy, day: u32) -> Vec<Warning> {
    let allowed = policy.detectors.allow.iter().enumerate();
    let expired = allowed.filter(|(_, allow)| allow.until < day).map(|(at, allow)| {
        let (detector, owner) = (&allow.detector, &allow.owner);
        let why = format!("the entry of `{owner}` for `{detector}` has expired and has no effect");
        let hint = format!("remove `detectors.allow[{at}]`, or give it a later `until`");
        Warning { what: "detectors.allow".to_owned(), why, hint }
    });
    let doubted = policy.secrets.iter().filter_map(|secret| {
        let value = resolve(&secret.name, &secret.source).ok()?;
        let doubt = KnownSecret { name: secret.name.clone(), value }.doubt()?;
        let why = format!("it may mask what it should not: {doubt}");
        let hint = "have it replaced by a value of 16 random bytes or more, or remove it from `secrets`".to_owned();
        Some(Warning { what: format!("secrets: `{}`", secret.name), why, hint })
    });
    expired.chain(doubted).collect()
}
