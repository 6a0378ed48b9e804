//! Ways to tighten that need no network: a file and a signal of the operating system.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sekisho_safety::{Cause, Level, Mode, Scope, Source, Switch};
use tokio::signal::unix::{SignalKind, signal};

use super::Safety;
use super::safety::now_ms;

/// Looks for the sentinel file every `interval` and tightens to what it says. Its absence says nothing.
pub async fn sentinel(path: PathBuf, interval: Duration, safety: Arc<Safety>) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        ticks.tick().await;
        let asked = read(&path).await;
        // Asked once a content and not once a look: after a release the file has to be written anew to count again.
        if asked.is_some() && asked != last {
            let level = asked.unwrap_or(Level::switch(Switch::Block));
            let reason = format!("sentinel file {}", path.display());
            let cause = Cause { source: Source::File, actor: "file".to_owned(), reason, at_ms: now_ms() };
            safety.tighten(Scope::Fleet, level, cause).await;
        }
        last = asked;
    }
}

/// Tightens to BLOCK at every SIGUSR1. It never toggles.
///
/// # Errors
///
/// When the system refuses to deliver the signal.
pub fn on_sigusr1(safety: Arc<Safety>) -> io::Result<impl Future<Output = ()>> {
    let mut signals = signal(SignalKind::user_defined1())?;
    Ok(async move {
        while signals.recv().await.is_some() {
            let cause = Cause {
                source: Source::ProcessSignal,
                actor: "SIGUSR1".to_owned(),
                reason: "a process signal".to_owned(),
                at_ms: now_ms(),
            };
            safety.tighten(Scope::Fleet, Level::switch(Switch::Block), cause).await;
        }
    })
}

/// What the file asks for. Any content that is no known word, and a file that cannot be read, is BLOCK.
async fn read(path: &Path) -> Option<Level> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Some(level(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_unreadable) => Some(Level::switch(Switch::Block)),
    }
}

fn level(bytes: &[u8]) -> Level {
    match bytes.trim_ascii() {
        b"CLOSE_ONLY" => Level::switch(Switch::CloseOnly),
        b"SAFE" => Level { mode: Mode::Safe, ..Level::OPEN },
        b"EMERGENCY_STOP" => Level { mode: Mode::EmergencyStop, ..Level::OPEN },
        _ => Level::switch(Switch::Block),
    }
}

#[cfg(test)]
mod tests {
    use sekisho_safety::Posture;

    use super::level;

    #[test]
    fn whatever_the_file_says_it_tightens() {
        for (content, posture) in [
            ("CLOSE_ONLY\n", Posture::CloseOnly),
            ("SAFE", Posture::CloseOnly),
            ("EMERGENCY_STOP", Posture::EmergencyStop),
            ("BLOCK", Posture::Block),
            ("", Posture::Block),
            ("ALLOW", Posture::Block),
            ("close_only", Posture::Block),
        ] {
            assert_eq!(level(content.as_bytes()).posture(), posture, "{content}");
        }
    }
}
