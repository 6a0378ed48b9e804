//! Keys: 32 random bytes that cannot be printed, and names for them that may be.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The key of one file. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct DataKey {
    bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

impl DataKey {
    /// The key of these bytes, which have to be random and used for one file only.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let id = KeyId::of(b"sekisho data key\n", &bytes);
        Self { bytes, id }
    }

    /// Its name. It is a digest of the key, so no second key opens what is sealed under it.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key itself, for whoever wraps it.
    #[must_use]
    pub fn danger_bytes(&self) -> &Zeroizing<[u8; 32]> {
        &self.bytes
    }

    /// The key as text, to be handed to somebody who shall open this one file.
    #[must_use]
    pub fn danger_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{DATA_TEXT}{}", STANDARD.encode(*self.bytes)))
    }
}

impl FromStr for DataKey {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        parse(text, DATA_TEXT).map(Self::new)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// A key that wraps other keys. Its memory is wiped when it is dropped.
pub struct MasterKey {
    pub(crate) bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

impl MasterKey {
    /// The key of these bytes, which have to be random.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let id = KeyId::of(b"sekisho master key\n", &bytes);
        Self { bytes, id }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key as text, as [`FromStr`] reads it.
    #[must_use]
    pub fn danger_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{MASTER_TEXT}{}", STANDARD.encode(*self.bytes)))
    }
}

impl FromStr for MasterKey {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        parse(text, MASTER_TEXT).map(Self::new)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// The name of a key: 32 hex digits of its digest. It says nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    fn of(kind: &[u8], key: &Zeroizing<[u8; 32]>) -> Self {
        let digest = Sha256::new().chain_update(kind).chain_update(key.as_slice()).finalize();
        Self(digest.iter().take(LENGTH / 2).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == LENGTH && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(KeyTextError) }
    }
}

/// Text that is no key. It does not say what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key of this kind")]
pub struct KeyTextError;

fn parse(text: &str, kind: &str) -> Result<Zeroizing<[u8; 32]>, KeyTextError> {
    let encoded = text.trim_end().strip_prefix(kind).ok_or(KeyTextError)?;
    let decoded = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyTextError)?);
    let mut bytes = Zeroizing::new([0; 32]);
    if decoded.len() != bytes.len() {
        return Err(KeyTextError);
    }
    bytes.copy_from_slice(&decoded);
    Ok(bytes)
}

/// Digits in the name of a key.
const LENGTH: usize = 32;

/// What the text of a master key begins with, so that nobody takes it for another.
const MASTER_TEXT: &str = "sekisho-master-1:";

/// What the text of a data key begins with.
const DATA_TEXT: &str = "sekisho-data-1:";
