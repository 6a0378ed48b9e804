//! The values of secrets that policy refers to, newest first: what a secret was before it changed is still one, and is looked
//! for until the process ends.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use sekisho_filters::access::Keys;
use sekisho_policy::Policy;
use zeroize::Zeroizing;

use super::credentials::hex;
use super::{SecretError, resolve};

/// Values by the names of their secrets. They cannot be printed.
#[derive(Clone, Default)]
pub struct KnownValues {
    by_name: BTreeMap<String, Vec<Zeroizing<Vec<u8>>>>,
}

impl KnownValues {
    /// Reads every secret of `policy`; values that were known before stay, also of secrets that policy no longer names.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read. Nothing is known anew then.
    pub fn read(&self, policy: &Policy) -> Result<Self, SecretError> {
        let mut known = self.clone();
        for secret in &policy.secrets {
            let value = resolve(&format!("secrets: `{}`", secret.name), &secret.source)?;
            known.add(&secret.name, value);
        }
        Ok(known)
    }

    fn add(&mut self, name: &str, value: Zeroizing<Vec<u8>>) {
        let values = self.by_name.entry(name.to_owned()).or_default();
        values.retain(|known| *known != value);
        values.insert(0, value);
        values.truncate(MOST);
    }

    /// Every value with its name, the newest of a name first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Zeroizing<Vec<u8>>)> {
        self.by_name.iter().flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value)))
    }

    /// Whether the newest value of `name` is another here than there.
    #[must_use]
    pub fn differs(&self, other: &Self, name: &str) -> bool {
        let newest = |known: &Self| known.by_name.get(name).and_then(|values| values.first().cloned());
        newest(self) != newest(other)
    }

    /// Marks under `key` of all the values that `name` has and had.
    #[must_use]
    pub fn marks(&self, name: &str, key: &[u8; 32]) -> Vec<String> {
        self.by_name.get(name).into_iter().flatten().map(|value| mark(key, value)).collect()
    }

    /// The names that there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// Which values were revoked, by their marks: the values themselves are kept nowhere.
#[derive(Clone, Default)]
pub struct Revoked {
    key: Zeroizing<[u8; 32]>,
    marks: HashSet<String>,
}

impl Revoked {
    /// Values whose marks under `key` are these.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; 32]>, marks: HashSet<String>) -> Self {
        Self { key, marks }
    }

    /// Whether this value was revoked.
    #[must_use]
    pub fn holds(&self, value: &[u8]) -> bool {
        !self.marks.is_empty() && self.marks.contains(&mark(&self.key, value))
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revoked").field("marks", &self.marks.len()).finish_non_exhaustive()
    }
}

/// HMAC-SHA-256 of a value, in hex.
fn mark(key: &[u8; 32], value: &[u8]) -> String {
    hex(&Keys::digest(key, value))
}

impl fmt::Debug for KnownValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownValues").field("names", &self.by_name.len()).finish_non_exhaustive()
    }
}

/// Values remembered of one name: a secret that changes more often than that is no secret of this kind.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use sekisho_policy::Policy;

    use super::{KnownValues, MOST, Revoked};

    #[test]
    fn what_a_secret_was_stays_known_and_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("venue");
        let yaml = format!("version: 1\nservice: s\nsecrets: [{{name: venue, ref: 'file:{}'}}]\n", path.display());
        let policy = Policy::parse("p", &yaml).unwrap();
        assert!(KnownValues::default().read(&policy).is_err(), "there is no file yet");
        let mut known = KnownValues::default();
        for turn in 0..20 {
            std::fs::write(&path, format!("value {turn}")).unwrap();
            let before = known.clone();
            known = known.read(&policy).unwrap();
            assert!(known.differs(&before, "venue") && !known.differs(&known.read(&policy).unwrap(), "venue"));
        }
        let values: Vec<_> = known.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
        assert_eq!((values.len(), values[0].as_str(), values[1].as_str()), (MOST, "value 19", "value 18"));
        assert_eq!(format!("{known:?}"), "KnownValues { names: 1, .. }");
        let key = [7; 32];
        let revoked = Revoked::new(key.into(), known.marks("venue", &key).into_iter().collect());
        assert!(revoked.holds(b"value 19") && revoked.holds(b"value 12") && !revoked.holds(b"value 20"));
        let none = Policy::parse("p", "version: 1\nservice: s\n").unwrap();
        assert_eq!(known.read(&none).unwrap().iter().count(), MOST, "taken out of policy, and still a secret");
    }
}
