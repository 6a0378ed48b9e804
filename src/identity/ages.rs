//! How old credentials are (SPEC I5): who is told when one is over its age, and the end of what was given a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::credentials::{Credentials, Shown};

/// Looks at every credential now and every `interval`, and tells each that is over age once, and again when it has been renewed
/// and grown old again. Revocations that were given a time end here.
pub async fn watch(credentials: Arc<Credentials>, interval: Duration, tell: impl Fn(&Shown) -> bool + Send) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        credentials.elapse();
        let over: Vec<Shown> = credentials.list().into_iter().filter(|shown| shown.over_age).collect();
        // Where it could not be told, it is the next time.
        let known = over.into_iter().filter(|shown| told.contains(&shown.id) || tell(shown));
        told = known.map(|shown| shown.id).collect();
    }
}
