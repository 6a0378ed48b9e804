//! The ledger of orders that went on, on disk: `orders/` below the data directory.
//!
//! `key` is what keys the hashes, so the file names neither an account nor an id. `ledger` is one line an event, each behind the start of
//! its digest, written before the order leaves: it survives `kill -9`, and a power cut as far as the system has written its pages.
//! A line that does not verify is one that nobody relied on.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foldhash::quality::RandomState;
use sekisho_filters::order_gate::{OrderKey, OrderLedger};
use sekisho_policy::{Forwarded, OrdersLedger};
use sha2::{Digest, Sha256};

/// The orders that went on, the last so many of them, for so long.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    secret: [u8; 32],
    most: usize,
    keep: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<OrderKey, Entry, RandomState>,
    /// In the order in which they left. A key that was forgotten may still be in it.
    left: VecDeque<OrderKey>,
    file: Option<File>,
    lines: usize,
    /// Whether it was told that the file cannot be written.
    told: bool,
}

#[derive(Debug)]
struct Entry {
    known: Forwarded,
    /// Whether it left more than once. That one of them stayed after all then says nothing of the others.
    again: bool,
}

impl Ledger {
    /// Opens `data/orders`.
    ///
    /// # Errors
    ///
    /// When the directory, the key or the file cannot be made or read.
    pub fn open(data: &Path, policy: &OrdersLedger) -> io::Result<Self> {
        let dir = data.join("orders");
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", dir.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(named)?;
        let secret = secret(&dir.join("key")).map_err(named)?;
        let OrdersLedger { entries: most, keep } = *policy;
        let ledger = Self { secret, most, keep, inner: Mutex::default(), dir: dir.clone() };
        ledger.read().and_then(|()| ledger.compact(&mut ledger.inner())).map_err(named)?;
        Ok(ledger)
    }

    fn read(&self) -> io::Result<()> {
        let bytes = match fs::read(self.dir.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut inner = self.inner();
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Some((key, event)) = str::from_utf8(line).ok().and_then(parsed) {
                inner.apply(key, event, self.most);
            }
        }
        Ok(())
    }

    fn note(&self, key: &OrderKey, event: Event) {
        let mut inner = self.inner();
        inner.apply(*key, event, self.most);
        let line = line(key, event);
        let written = match inner.file.as_mut() {
            Some(file) => file.write_all(line.as_bytes()),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        inner.lines = inner.lines.saturating_add(1);
        let compacted =
            if inner.lines > self.most.saturating_mul(4).max(MIN_LINES) { self.compact(&mut inner) } else { Ok(()) };
        if let Err(error) = written.and(compacted) {
            // Trading does not wait for it; what is in memory is told all the same.
            if !inner.told {
                tracing::warn!("orders that went on are not kept over a restart: {error}");
            }
            inner.told = true;
        }
    }

    /// Writes what is remembered anew, and forgets what is old.
    fn compact(&self, inner: &mut Inner) -> io::Result<()> {
        let oldest = now_ms().saturating_sub(u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX));
        inner.entries.retain(|_, entry| entry.known.at_ms >= oldest);
        let Inner { entries, left, .. } = inner;
        left.retain(|key| entries.contains_key(key));
        let mut text = String::new();
        for key in left.iter() {
            let Some(Entry { known, again }) = entries.get(key) else { continue };
            let left = line(key, Event::Left(known.at_ms));
            text.push_str(&left.repeat(1 + usize::from(*again)));
            text.extend(known.answered.map(|status| line(key, Event::Answered(status))));
        }
        let new = self.dir.join("ledger.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, self.dir.join(FILE))?;
        inner.lines = inner.entries.len();
        inner.file = Some(file);
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OrderLedger for Ledger {
    fn key(&self, parts: &[&[u8]]) -> OrderKey {
        let mut hash = Sha256::new().chain_update(self.secret);
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let mut key = OrderKey::default();
        key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        key
    }

    fn is_empty(&self) -> bool {
        self.inner().entries.is_empty()
    }

    fn age(&self, known: Forwarded) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(known.at_ms))
    }

    fn find(&self, key: &OrderKey) -> Option<Forwarded> {
        self.inner().entries.get(key).map(|entry| entry.known).filter(|known| self.age(*known) <= self.keep)
    }

    fn leaves(&self, key: &OrderKey) {
        self.note(key, Event::Left(now_ms()));
    }

    fn answered(&self, key: &OrderKey, status: u16) {
        self.note(key, Event::Answered(status));
    }

    fn stayed(&self, key: &OrderKey) {
        self.note(key, Event::Stayed);
    }
}

impl Inner {
    fn apply(&mut self, key: OrderKey, event: Event, most: usize) {
        match event {
            Event::Left(at_ms) => {
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.known.at_ms = at_ms;
                    entry.again = true;
                } else {
                    let known = Forwarded { at_ms, answered: None };
                    self.entries.insert(key, Entry { known, again: false });
                    self.left.push_back(key);
                }
            }
            Event::Answered(status) => {
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.known.answered = Some(status);
                }
            }
            Event::Stayed => {
                if self.entries.get(&key).is_some_and(|entry| !entry.again) {
                    self.entries.remove(&key);
                }
            }
        }
        while self.entries.len() > most || self.left.len() > most.saturating_mul(2) {
            let Some(oldest) = self.left.pop_front() else { break };
            self.entries.remove(&oldest);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Left(u64),
    Answered(u16),
    Stayed,
}

/// `SEAL KEY EVENT`, with an end.
fn line(key: &OrderKey, event: Event) -> String {
    let mut text = String::with_capacity(72);
    // Writing into a string cannot fail.
    let _written = match event {
        Event::Left(at_ms) => write!(text, "{} left {at_ms}", hex(key)),
        Event::Answered(status) => write!(text, "{} answered {status}", hex(key)),
        Event::Stayed => write!(text, "{} stayed", hex(key)),
    };
    format!("{} {text}\n", seal(&text))
}

fn parsed(line: &str) -> Option<(OrderKey, Event)> {
    let (sealed, text) = line.split_once(' ')?;
    if sealed != seal(text) {
        return None;
    }
    let mut words = text.split(' ');
    let key = u128::from_str_radix(words.next()?, 16).ok()?.to_be_bytes();
    let event = match (words.next()?, words.next()) {
        ("left", Some(at)) => Event::Left(at.parse().ok()?),
        ("answered", Some(status)) => Event::Answered(status.parse().ok()?),
        ("stayed", None) => Event::Stayed,
        _ => return None,
    };
    Some((key, event))
}

fn seal(text: &str) -> String {
    hex(Sha256::digest(text).get(..4).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _written = write!(text, "{byte:02x}");
        text
    })
}

/// Reads the key, or makes it.
fn secret(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => {
            bytes.try_into().map_err(|_other| io::Error::new(io::ErrorKind::InvalidData, "the key is not 32 bytes"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(io::Error::other)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&secret)?;
            file.sync_all()?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

const FILE: &str = "ledger";

/// The file is not written anew for less.
const MIN_LINES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path, most: usize) -> Ledger {
        Ledger::open(dir, &OrdersLedger { entries: most, keep: Duration::from_secs(3600) }).unwrap()
    }

    fn known(ledger: &Ledger, id: &str) -> Option<Option<u16>> {
        ledger.find(&ledger.key(&[b"a", id.as_bytes()])).map(|known| known.answered)
    }

    #[test]
    fn what_left_is_known_after_a_restart_and_what_stayed_is_not() {
        let dir = tempfile::tempdir().unwrap();
        {
            let ledger = open(dir.path(), 8);
            assert!(ledger.is_empty());
            for id in ["sent", "answered", "stayed"] {
                ledger.leaves(&ledger.key(&[b"a", id.as_bytes()]));
            }
            ledger.answered(&ledger.key(&[b"a", b"answered"]), 200);
            ledger.stayed(&ledger.key(&[b"a", b"stayed"]));
        }
        let ledger = open(dir.path(), 8);
        assert_eq!(known(&ledger, "sent"), Some(None));
        assert_eq!(known(&ledger, "answered"), Some(Some(200)));
        assert_eq!((known(&ledger, "stayed"), known(&ledger, "other")), (None, None));
        assert_eq!(ledger.find(&ledger.key(&[b"b", b"sent"])), None, "another account");
        assert_ne!(ledger.key(&[b"ab", b"c"]), ledger.key(&[b"a", b"bc"]));
        let text = fs::read_to_string(dir.path().join("orders/ledger")).unwrap();
        assert!(!text.contains("sent"), "{text}");
    }

    #[test]
    fn a_repeat_that_stayed_does_not_make_what_left_before_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        {
            let ledger = open(dir.path(), 8);
            let (filled, unknown) = (ledger.key(&[b"a", b"filled"]), ledger.key(&[b"a", b"unknown"]));
            [filled, unknown].iter().for_each(|key| ledger.leaves(key));
            ledger.answered(&filled, 200);
            for key in [filled, unknown] {
                ledger.leaves(&key);
                ledger.stayed(&key);
            }
            assert_eq!((known(&ledger, "filled"), known(&ledger, "unknown")), (Some(Some(200)), Some(None)));
        }
        // Read from its lines, and from what these became when they were written anew.
        for _ in 0..2 {
            let ledger = open(dir.path(), 8);
            ledger.stayed(&ledger.key(&[b"a", b"filled"]));
            assert_eq!((known(&ledger, "filled"), known(&ledger, "unknown")), (Some(Some(200)), Some(None)));
        }
    }

    #[test]
    fn a_torn_line_is_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path(), 8);
        ledger.leaves(&ledger.key(&[b"a", b"one"]));
        ledger.leaves(&ledger.key(&[b"a", b"two"]));
        drop(ledger);
        let path = dir.path().join("orders/ledger");
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let ledger = open(dir.path(), 8);
            let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
            assert_eq!(known(&ledger, "one").is_some(), cut >= first, "cut at {cut}");
            assert_eq!(known(&ledger, "two").is_some(), cut + 1 == whole.len(), "cut at {cut}");
        }
    }

    #[test]
    fn it_keeps_so_many_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path(), 3);
        for id in 0..5000_u32 {
            ledger.leaves(&ledger.key(&[b"a", id.to_string().as_bytes()]));
        }
        for (id, kept) in [("4996", false), ("4997", true), ("4999", true)] {
            assert_eq!(known(&ledger, id).is_some(), kept, "{id}");
        }
        let lines = fs::read_to_string(dir.path().join("orders/ledger")).unwrap().lines().count();
        assert!(lines <= MIN_LINES + 3, "{lines}");
    }
}
