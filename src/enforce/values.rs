//! Follows the values of secrets, so that one that is rotated is searched for: in files at once, on a server when it is asked next.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sekisho_policy::{Policy, SecretSource};

use super::Reload;

/// How often it is looked.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// At files.
    pub files: Duration,
    /// At a server.
    pub server: Duration,
}

/// Looks at files and has all secrets read again when one of them changed, and now and then where one is on a server. What has
/// not changed is read and nothing comes of it. Secrets in the environment stay what they were.
pub async fn follow(reload: Arc<Reload>, every: Intervals) {
    let mut ticks = tokio::time::interval(every.files.min(every.server));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Unknown at first: they were read a while before this begins.
    let (mut last, mut asked) = (None, Instant::now());
    loop {
        ticks.tick().await;
        let reload = Arc::clone(&reload);
        let due = asked.elapsed() >= every.server && on_server(&reload.policy.load());
        if due {
            asked = Instant::now();
        }
        // A disk that hangs holds this look up, and nothing else.
        let looking = tokio::task::spawn_blocking(move || {
            let now = stamps(&reload.policy.load());
            let changed = last.as_ref() != Some(&now) && !now.is_empty();
            if changed || due {
                // Recorded either way. One that is being written is read again when that is done.
                drop(reload.refresh("secret_interval"));
            }
            now
        });
        let Ok(now) = looking.await else { return };
        last = Some(now);
    }
}

fn on_server(policy: &Policy) -> bool {
    policy.secrets.iter().any(|secret| matches!(secret.source, SecretSource::OpenBao(_)))
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
