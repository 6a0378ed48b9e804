//! What the process says of itself: JSON lines on stderr, each through the scanner, and the last of them kept for support bundles.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::evidence::Scrub;

/// Begins to write what is told by `tracing` to stderr; `SEKISHO_LOG` filters it, and without it warnings and errors pass.
pub fn begin() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEKISHO_LOG")
        .unwrap_or_else(|_unset| tracing_subscriber::EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().json().with_writer(Lines).with_env_filter(filter);
    // Only a second subscriber in one process fails, and tests have one.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::fmt::SubscriberBuilder::finish(subscriber)));
}

/// From here on every line passes `scrub`. Until then nothing was read that could hold a secret of anybody's.
pub fn scrub_with(scrub: Arc<Scrub>) {
    lock().scrub = Some(scrub);
}

/// The last lines, the oldest first.
#[must_use]
pub fn recent() -> String {
    lock().lines.iter().map(String::as_str).collect()
}

/// The writer of each line.
#[derive(Clone, Copy, Debug)]
struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Lines {
    /// One line: the formatter hands over each in one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let clean = lock().clean(&text);
        io::stderr().write_all(clean.as_bytes())?;
        lock().keep(clean);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

struct Log {
    scrub: Option<Arc<Scrub>>,
    lines: VecDeque<String>,
}

impl Log {
    fn clean(&self, line: &str) -> String {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        self.scrub.as_ref().map_or_else(|| line.to_owned(), |scrub| scrub(text) + end)
    }

    fn keep(&mut self, line: String) {
        if line.len() > MOST_BYTES {
            return;
        }
        if self.lines.len() >= MOST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

static LOG: Mutex<Log> = Mutex::new(Log { scrub: None, lines: VecDeque::new() });

fn lock() -> MutexGuard<'static, Log> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lines that are kept for a bundle, and the longest of them in bytes: 4 MiB at most.
const MOST_LINES: usize = 512;
const MOST_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_scrubbed_and_only_the_last_are_kept() {
        let mut log =
            Log { scrub: Some(Arc::new(|text: &str| text.replace("secret", "****"))), lines: VecDeque::new() };
        assert_eq!(log.clean("a secret\n"), "a ****\n");
        for n in 0..MOST_LINES + 7 {
            log.keep(format!("{n}\n"));
        }
        log.keep("x".repeat(MOST_BYTES + 1));
        assert_eq!((log.lines.len(), log.lines[0].as_str()), (MOST_LINES, "7\n"));
    }
}
