//! Counts and lockouts of failed authentication on disk, so that a restart is no fresh start for an attacker.
//!
//! `access/` below the data directory holds `seed` (what keys the hashes), `failures` (everything, written now and then) and
//! `lockouts` (each that began since, written as it begins; it survives `kill -9`, and a power cut as far as the system has
//! written its pages). Both are lines of JSON, each behind its digest: a torn last line of `lockouts` is one that nobody was
//! told of. Anything else that does not verify is not read as "nobody failed" (see [`restored`](sekisho_filters::access::Failures::restored)).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sekisho_filters::access::{Door, Keeper, Kept, KeptLock, Of};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// The files.
#[derive(Debug)]
pub struct KeptFiles {
    dir: PathBuf,
    /// What keys the hashes.
    pub seed: u64,
    log: Mutex<Option<File>>,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The files, to be written to from now on.
    pub files: KeptFiles,
    /// What was kept. None: something, and it cannot be read.
    pub kept: Option<Kept>,
}

impl KeptFiles {
    /// Opens `data/access`.
    ///
    /// # Errors
    ///
    /// When the directory or the seed cannot be made or read. What was kept and does not verify is no error.
    pub fn open(data: &Path) -> io::Result<Found> {
        let dir = data.join("access");
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", dir.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(named)?;
        let (seed, fresh) = seed(&dir.join(SEED))?;
        let files = Self { dir, seed, log: Mutex::new(None) };
        if fresh {
            // From now on it is there: that it is not is told from that nobody failed.
            files.write(&Kept::default())?;
        }
        let kept = files.read();
        Ok(Found { files, kept })
    }

    /// Writes everything anew; the lockouts written one by one are part of it and end there.
    ///
    /// # Errors
    ///
    /// When the disk says no. What was written before is then still whole.
    pub fn write(&self, kept: &Kept) -> io::Result<()> {
        // Held throughout: a lockout that begins meanwhile waits for this, and is then written behind it.
        let mut log = self.log();
        let new = self.path("failures.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&sealed(&Written::of(kept, now_s()))?)?;
        file.sync_data()?;
        fs::rename(&new, self.path(ALL))?;
        *log = None;
        match fs::remove_file(self.path(LOG)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(&self.dir)?.sync_all(),
        }
    }

    fn read(&self) -> Option<Kept> {
        let all = fs::read(self.path(ALL)).ok()?;
        let mut kept = opened::<Written>(all.strip_suffix(b"\n")?)?.kept(now_s());
        let log = match fs::read(self.path(LOG)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(kept),
            Err(_unreadable) => return None,
        };
        // Behind the last line end is what a crash cut short.
        let whole =
            log.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| log.get(..end).unwrap_or_default());
        for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let begun: Begun = opened(line)?;
            kept.locks.push(begun.lock.kept(since(begun.at_s)));
        }
        Some(kept)
    }

    fn append(&self, lock: &KeptLock) -> io::Result<()> {
        let line = sealed(&Begun { at_s: now_s(), lock: LockWritten::of(lock) })?;
        let mut log = self.log();
        if log.is_none() {
            *log = Some(OpenOptions::new().append(true).create(true).mode(0o600).open(self.path(LOG))?);
        }
        log.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }

    fn log(&self) -> MutexGuard<'_, Option<File>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Keeper for KeptFiles {
    fn locked(&self, lock: &KeptLock) {
        if let Err(error) = self.append(lock) {
            tracing::warn!("a lockout holds but would not survive a restart: {error}");
        }
    }
}

/// Writes what changed, every `interval`, and once more at the end.
pub async fn keep(door: Arc<Door>, files: Arc<KeptFiles>, interval: Duration, end: CancellationToken) {
    loop {
        let last = end.run_until_cancelled(tokio::time::sleep(interval)).await.is_none();
        if let Some(kept) = door.failures().to_keep() {
            let files = Arc::clone(&files);
            let written = tokio::task::spawn_blocking(move || files.write(&kept)).await;
            if let Ok(Err(error)) = written {
                door.failures().not_kept();
                tracing::warn!("the counts of failed authentication were not written: {error}");
            }
        }
        if last {
            return;
        }
    }
}

/// One line: the digest of a JSON text, a space, and the text.
pub(super) fn sealed<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let text = serde_json::to_string(value)?;
    Ok(format!("{} {text}\n", digest(&text)).into_bytes())
}

pub(super) fn opened<T: for<'de> Deserialize<'de>>(line: &[u8]) -> Option<T> {
    let (seal, text) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    (seal == digest(text)).then(|| serde_json::from_str(text).ok()).flatten()
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the seed, or makes it; true when it was made.
fn seed(path: &Path) -> io::Result<(u64, bool)> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let seed = u64::from_str_radix(text.trim(), 16);
            seed.map(|seed| (seed, false)).map_err(|_not_hex| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: expected 16 hex digits", path.display()))
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            let seed = u64::from_be_bytes(bytes);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            writeln!(file, "{seed:016x}")?;
            file.sync_all()?;
            Ok((seed, true))
        }
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

/// Everything that is kept, as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at_s: u64,
    /// Key and milliseconds, by count.
    counts: [Vec<(u64, u64)>; 3],
    locks: Vec<LockWritten>,
    familiar: Vec<(u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    at_s: u64,
    lock: LockWritten,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockWritten {
    key: u64,
    of: OfWritten,
    left_ms: u64,
    times: u32,
    forget_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OfWritten {
    Credential(Option<String>),
    Peer(std::net::IpAddr),
    Pair(Option<String>, std::net::IpAddr),
}

impl Written {
    fn of(kept: &Kept, at_s: u64) -> Self {
        let times = |list: &Vec<(u64, Duration)>| list.iter().map(|(key, time)| (*key, ms(*time))).collect();
        let [credential, peer, pair] = &kept.counts;
        Self {
            at_s,
            counts: [times(credential), times(peer), times(pair)],
            locks: kept.locks.iter().map(LockWritten::of).collect(),
            familiar: times(&kept.familiar),
        }
    }

    fn kept(self, now_s: u64) -> Kept {
        let gone = Duration::from_secs(now_s.saturating_sub(self.at_s));
        let left = |list: Vec<(u64, u64)>| -> Vec<(u64, Duration)> {
            let left = list.into_iter().map(|(key, ms)| (key, Duration::from_millis(ms).saturating_sub(gone)));
            left.filter(|(_, left)| !left.is_zero()).collect()
        };
        let familiar =
            self.familiar.into_iter().map(|(pair, ago)| (pair, Duration::from_millis(ago).saturating_add(gone)));
        Kept {
            counts: self.counts.map(left),
            locks: self.locks.into_iter().map(|lock| lock.kept(gone)).collect(),
            familiar: familiar.collect(),
        }
    }
}

impl LockWritten {
    fn of(lock: &KeptLock) -> Self {
        let of = match &lock.of {
            Of::Credential(id) => OfWritten::Credential(id.clone()),
            Of::Peer(network) => OfWritten::Peer(*network),
            Of::Pair(id, network) => OfWritten::Pair(id.clone(), *network),
        };
        Self { key: lock.key, of, left_ms: ms(lock.left), times: lock.times, forget_ms: ms(lock.forget) }
    }

    fn kept(self, gone: Duration) -> KeptLock {
        let of = match self.of {
            OfWritten::Credential(id) => Of::Credential(id),
            OfWritten::Peer(network) => Of::Peer(network),
            OfWritten::Pair(id, network) => Of::Pair(id, network),
        };
        let left = |ms| Duration::from_millis(ms).saturating_sub(gone);
        KeptLock { key: self.key, of, left: left(self.left_ms), times: self.times, forget: left(self.forget_ms) }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long ago that was by the wall's clock. One that was set back says: no time has passed.
fn since(at_s: u64) -> Duration {
    Duration::from_secs(now_s().saturating_sub(at_s))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

const SEED: &str = "seed";
const ALL: &str = "failures";
const LOG: &str = "lockouts";

#[cfg(test)]
mod tests;
