//! Files at rest: sealed with a key of their own, which the master key wraps.
//!
//! A sealed file `NAME.sealed` has its wrapped key beside it, in `NAME.key`. The key comes first and both are synced before
//! anything plain is removed, so a crash leaves the plain file, the sealed one, or both.
//!
//! What is sealed: segments of the journal that are full (the one being written is plain until then), the signing seed, and
//! bundles. What is not: tiles and checkpoints, which are hashes and signatures and are published anyway, and the safety state.
//!
//! What it cannot do: wipe the plain file from the disk. It is unlinked; file systems and disks keep old blocks for a while.

mod bao;

mod master;

mod pair;

mod segments;

mod ages;

pub use ages::{Age, KeyAges, Rewrapped, WantedAges, watch as watch_ages};
pub use bao::{Bao, BaoError};
pub use master::{Master, VaultError};
pub use pair::{KEY, SEALED};
pub(crate) use pair::{read, write};
pub use segments::seal_segments;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sekisho_seal::{DataKey, KeyFile, PREFIX};
use zeroize::Zeroizing;

/// Makes data keys, and gets them back out of their wrapping.
#[derive(Debug)]
pub struct Vault {
    current: Master,
    old: Vec<Master>,
    /// Keys that were unwrapped, by name: a master key elsewhere is asked once for each.
    known: Mutex<BTreeMap<String, DataKey>>,
}

/// A file as it is to be written.
#[derive(Debug)]
pub struct SealedFile {
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// The wrapped key.
    pub key_file: KeyFile,
}

impl Vault {
    /// A vault that wraps with `current`, and also unwraps what the `old` ones wrapped.
    #[must_use]
    pub fn new(current: Master, old: Vec<Master>) -> Self {
        Self { current, old, known: Mutex::default() }
    }

    /// Seals bytes as `name`, with a new key.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes, or the master key cannot be used.
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<SealedFile, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let mut prefix = [0; PREFIX];
        getrandom::fill(&mut *bytes).map_err(VaultError::Random)?;
        getrandom::fill(&mut prefix).map_err(VaultError::Random)?;
        let key = DataKey::new(bytes);
        let sealed = sekisho_seal::seal(name, &key, prefix, plain)?;
        let (master, wrapped) = self.current.wrap(&key)?;
        let key_file = KeyFile::new(key.id(), &master, &wrapped, now_ms());
        self.remember(&key);
        Ok(SealedFile { sealed, key_file })
    }

    /// Opens what was sealed as `name`; `key_file` is the content of the file beside it.
    ///
    /// # Errors
    ///
    /// When no master key at hand wrapped the key, or the bytes are not what was sealed.
    pub fn open(&self, name: &str, sealed: &[u8], key_file: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.key(&KeyFile::parse(key_file)?)?;
        Ok(sekisho_seal::open(name, &key, sealed)?)
    }

    /// The key in a key file.
    ///
    /// # Errors
    ///
    /// When no master key at hand wrapped it, or it was changed since.
    pub fn key(&self, file: &KeyFile) -> Result<DataKey, VaultError> {
        if let Some(key) = self.lock().get(file.key()) {
            return Ok(key.clone());
        }
        let key = self.master_of(file)?.unwrap(file)?;
        self.remember(&key);
        Ok(key)
    }

    fn master_of(&self, file: &KeyFile) -> Result<&Master, VaultError> {
        let mut all = std::iter::once(&self.current).chain(&self.old);
        all.find(|master| master.made(file.master()))
            .ok_or_else(|| VaultError::NoMaster { wanted: file.master().to_owned() })
    }

    fn remember(&self, key: &DataKey) {
        let mut known = self.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(key.id().to_string(), key.clone());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, DataKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wall time in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Unwrapped keys held in memory at most; a journal has one for each full segment.
const MOST_KNOWN: usize = 4096;

#[cfg(test)]
mod tests;
