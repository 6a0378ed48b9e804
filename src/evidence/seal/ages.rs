//! Which keys there are, how old they are, and how they come under another master key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sekisho_seal::KeyFile;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use super::{KEY, Master, Vault, VaultError, now_ms};
use crate::evidence::disk::replace;

/// The keys below a data directory. No key is in it, only names and times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KeyAges {
    /// Master keys that something is wrapped by, by name.
    pub masters: Vec<Age>,
    /// Data keys, by the file they open.
    pub data_keys: Vec<Age>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Age {
    /// Its name, or that of the file it opens.
    pub what: String,
    /// Its id.
    pub key: String,
    /// Days since it was made; of a master key, since it was first used here.
    pub age_days: u64,
    /// Days since it was last wrapped; of a master key, since it last wrapped anything.
    pub wrapped_days: u64,
    /// The master key that wraps it; empty for a master key.
    pub master: String,
}

impl KeyAges {
    /// Looks at every key file below `data`.
    ///
    /// # Errors
    ///
    /// When a directory or a key file cannot be read.
    pub fn of(data: &Path) -> Result<Self, VaultError> {
        let now = now_ms();
        let days = |then: u64| now.saturating_sub(then) / DAY_MS;
        let since = masters_file(data);
        let mut ages = Self::default();
        let mut masters: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (path, file) in key_files(data)? {
            ages.data_keys.push(Age {
                what: path.with_extension("").strip_prefix(data).unwrap_or(&path).display().to_string(),
                key: file.key().to_owned(),
                age_days: days(file.created_ms()),
                wrapped_days: days(file.wrapped_ms()),
                master: file.master().to_owned(),
            });
            let seen = masters.entry(file.master().to_owned()).or_insert((u64::MAX, 0));
            *seen = (seen.0.min(file.wrapped_ms()), seen.1.max(file.wrapped_ms()));
        }
        for (name, (first, last)) in masters {
            let first = since.get(&name).copied().unwrap_or(first).min(first);
            let key = name.rsplit_once(':').map_or(name.as_str(), |(_, key)| key).to_owned();
            let (age_days, wrapped_days) = (days(first), days(last));
            ages.masters.push(Age { what: name, key, age_days, wrapped_days, master: String::new() });
        }
        Ok(ages)
    }

    /// The keys that are older than `wanted`.
    #[must_use]
    pub fn over(&self, wanted: WantedAges) -> Vec<&Age> {
        let days = |time: Duration| time.as_secs() / (24 * 60 * 60);
        let (master, data) = (days(wanted.master), days(wanted.data));
        let masters = self.masters.iter().filter(|age| age.age_days > master);
        masters.chain(self.data_keys.iter().filter(|age| age.wrapped_days > data)).collect()
    }
}

/// How old keys may grow.
#[derive(Clone, Copy, Debug)]
pub struct WantedAges {
    /// A master key, since it was first used here.
    pub master: Duration,
    /// A data key, since it was last wrapped.
    pub data: Duration,
}

/// Looks at the keys below `data` now and every `interval`, and tells of each master key that is over age, and of data keys
/// together: once, and again when there are others.
pub async fn watch(data: PathBuf, wanted: WantedAges, interval: Duration, tell: impl Fn(&str, u64) -> bool + Send) {
    let mut told = BTreeSet::new();
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let data = data.clone();
        // Key files are many where segments are.
        let read = tokio::task::spawn_blocking(move || KeyAges::of(&data)).await;
        let Ok(Ok(ages)) = read else { continue };
        let over = notices(&ages.over(wanted));
        // What could not be told is told the next time.
        let known = over.into_iter().filter(|(what, days)| told.contains(what) || tell(what, *days));
        told = known.map(|(what, _)| what).collect();
    }
}

/// What is told of keys that are over age, with the days of the oldest.
fn notices(over: &[&Age]) -> Vec<(String, u64)> {
    let (masters, data): (Vec<&Age>, Vec<&Age>) = over.iter().partition(|age| age.master.is_empty());
    let mut notices: Vec<_> =
        masters.iter().map(|age| (format!("the master key {}", age.what), age.age_days)).collect();
    if let Some(oldest) = data.iter().map(|age| age.wrapped_days).max() {
        notices.push((format!("the data keys of {} files", data.len()), oldest));
    }
    notices
}

/// What wrapping anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rewrapped {
    /// Keys that are under the current master key now and were not before.
    pub rewrapped: usize,
    /// Keys that already were.
    pub current: usize,
}

impl Vault {
    /// Brings every data key below `data` under the current master key. The sealed files are not touched.
    ///
    /// # Errors
    ///
    /// When a key cannot be unwrapped or written; those before it are done, and it can be called again.
    pub fn rewrap(&self, data: &Path) -> Result<Rewrapped, VaultError> {
        let mut done = Rewrapped::default();
        for (path, file) in key_files(data)? {
            let (master, wrapped) = match (&self.current, self.master_of(&file)?) {
                (Master::Local(current), _) if current.name() == file.master() => {
                    done.current += 1;
                    continue;
                }
                (Master::Bao(bao), holder) if std::ptr::eq(&raw const self.current, holder) => bao.rewrap(&file)?,
                (Master::Local(_) | Master::Bao(_), holder) => self.current.wrap(&holder.unwrap(&file)?)?,
            };
            if master == file.master() {
                done.current += 1;
                continue;
            }
            replace(&path, file.rewrapped(&master, &wrapped, now_ms()).text().as_bytes())?;
            done.rewrapped += 1;
        }
        self.note_use(data)?;
        Ok(done)
    }

    /// Notes since when each master key is in use here, for its age.
    ///
    /// # Errors
    ///
    /// When the note cannot be written.
    pub fn note_use(&self, data: &Path) -> Result<(), VaultError> {
        let mut since = masters_file(data);
        let before = since.len();
        let names = key_files(data)?.into_iter().map(|(_, file)| (file.master().to_owned(), file.wrapped_ms()));
        for (name, then) in names {
            let first = since.entry(name).or_insert(then);
            *first = then.min(*first);
        }
        if let Master::Local(master) = &self.current {
            since.entry(master.name()).or_insert_with(now_ms);
        }
        if since.len() > before {
            replace(&data.join(MASTERS), serde_json::to_string(&since).unwrap_or_default().as_bytes())?;
        }
        Ok(())
    }
}

/// Every key file below `data`, in the order of their paths.
fn key_files(data: &Path) -> Result<Vec<(PathBuf, KeyFile)>, VaultError> {
    let mut found = Vec::new();
    for dir in HOLDERS {
        let entries = match fs::read_dir(data.join(dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(KEY) {
                let file = KeyFile::parse(&fs::read(&path)?)?;
                found.push((path, file));
            }
        }
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(found)
}

/// When each master key was first used. What cannot be read is made again from the key files, which makes none younger than
/// its oldest wrapping.
fn masters_file(data: &Path) -> BTreeMap<String, u64> {
    let bytes = fs::read(data.join(MASTERS)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Where sealed files and their keys lie, below the data directory.
const HOLDERS: [&str; 3] = ["bundles", "journal/segments", "keys"];

/// Since when master keys are in use, below the data directory.
const MASTERS: &str = "keys/masters.json";

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
