//! Follows the files of secrets, so that a value that is rotated is searched for at once.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use sekisho_policy::{Policy, SecretSource};

use super::Reload;

/// Looks at the files every `interval`, and has all secrets read again when one of them changed. A file that is only touched is
/// read and nothing comes of it. Secrets that are elsewhere are read again when the policy is.
pub async fn follow(reload: Arc<Reload>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Unknown at first: they were read a while before this begins.
    let mut last = None;
    loop {
        ticks.tick().await;
        let reload = Arc::clone(&reload);
        // A disk that hangs holds this look up, and nothing else.
        let looking = tokio::task::spawn_blocking(move || {
            let now = stamps(&reload.policy.load());
            let changed = last.as_ref() != Some(&now) && !now.is_empty();
            if changed {
                // Recorded either way. One that is being written is read again when that is done.
                drop(reload.refresh("secret_interval"));
            }
            now
        });
        let Ok(now) = looking.await else { return };
        last = Some(now);
    }
}

/// What tells one state of a file from the next; `None` where there is none.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamps(policy: &Policy) -> Vec<Stamp> {
    let path = |source: &SecretSource| match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Env(_) | SecretSource::OpenBao(_) => None,
    };
    let stamp = |path| {
        let found = std::fs::metadata(path).ok()?;
        // A change of its contents or its name changes this time, which nobody can set.
        Some((found.dev(), found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
    };
    policy.secrets.iter().filter_map(|secret| path(&secret.source)).map(stamp).collect()
}
