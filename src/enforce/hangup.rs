//! SIGHUP.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::Reload;

/// Puts the policy file in force at every SIGHUP, and has others look at their files: `looked` is told first.
///
/// # Errors
///
/// When the system refuses to deliver the signal.
pub fn on_sighup(reload: Arc<Reload>, looked: Arc<Notify>) -> io::Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::hangup())?;
    Ok(async move {
        while signals.recv().await.is_some() {
            looked.notify_one();
            let reload = Arc::clone(&reload);
            // What comes of it has been recorded and logged.
            let _told = tokio::task::spawn_blocking(move || reload.reload("SIGHUP")).await;
        }
    })
}
