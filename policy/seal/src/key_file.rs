//! The file beside a sealed file: its key, wrapped.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::key::{DataKey, KeyId, MasterKey};

/// A data key as it lies on the disk: wrapped, and when that was done. One line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    v: u32,
    key: String,
    created_ms: u64,
    wrapped_ms: u64,
    master: String,
    wrapped: String,
}

impl KeyFile {
    /// A key that was wrapped by `master`, however that does it, at `now_ms` (wall time, milliseconds since 1970).
    #[must_use]
    pub fn new(key: &KeyId, master: &str, wrapped: &str, now_ms: u64) -> Self {
        Self {
            v: 1,
            key: key.to_string(),
            created_ms: now_ms,
            wrapped_ms: now_ms,
            master: master.to_owned(),
            wrapped: wrapped.to_owned(),
        }
    }

    /// The same key, wrapped by another master key at `now_ms`.
    #[must_use]
    pub fn rewrapped(&self, master: &str, wrapped: &str, now_ms: u64) -> Self {
        Self { wrapped_ms: now_ms, master: master.to_owned(), wrapped: wrapped.to_owned(), ..self.clone() }
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it is none, or of a version from after this program.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let file: Self = serde_json::from_slice(bytes).map_err(|_| KeyFileError::Form)?;
        if file.v != 1 { Err(KeyFileError::Version) } else { Ok(file) }
    }

    /// The content of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The name of the key in it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Which master key wraps it: `local:ID`, or `openbao:MOUNT/NAME:vN`.
    #[must_use]
    pub fn master(&self) -> &str {
        &self.master
    }

    /// The wrapped key, as its master wrote it.
    #[must_use]
    pub fn wrapped(&self) -> &str {
        &self.wrapped
    }

    /// When the key was made, in milliseconds since 1970.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// When it was last wrapped, in milliseconds since 1970.
    #[must_use]
    pub fn wrapped_ms(&self) -> u64 {
        self.wrapped_ms
    }

    /// Whether `key` is the one that this file names.
    ///
    /// # Errors
    ///
    /// When it is not: what was unwrapped belongs to another file.
    pub fn check(&self, key: DataKey) -> Result<DataKey, KeyFileError> {
        if key.id().as_str() == self.key { Ok(key) } else { Err(KeyFileError::OtherKey) }
    }
}

impl MasterKey {
    /// What [`KeyFile::master`] says of keys wrapped by this one.
    #[must_use]
    pub fn name(&self) -> String {
        format!("local:{}", self.id())
    }

    /// Wraps a key. `nonce` has to be random: of one master key no more than 2^32 should be made.
    ///
    /// # Errors
    ///
    /// Never with a key of 32 bytes; the cipher has no other way to say so.
    pub fn wrap(&self, key: &DataKey, nonce: [u8; 12]) -> Result<String, KeyFileError> {
        let message = Payload { msg: key.danger_bytes().as_slice(), aad: &context(key.id().as_str()) };
        let sealed = self.cipher()?.encrypt(Nonce::from_slice(&nonce), message).map_err(|_| KeyFileError::Cipher)?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Unwraps the key in `file`.
    ///
    /// # Errors
    ///
    /// When another master key wrapped it, or it was changed since.
    pub fn unwrap(&self, file: &KeyFile) -> Result<DataKey, KeyFileError> {
        let blob = STANDARD.decode(&file.wrapped).map_err(|_| KeyFileError::Form)?;
        let (nonce, sealed) = blob.split_at_checked(12).ok_or(KeyFileError::Form)?;
        let message = Payload { msg: sealed, aad: &context(&file.key) };
        let opened = self.cipher()?.decrypt(Nonce::from_slice(nonce), message).map_err(|_| KeyFileError::Master)?;
        let opened = Zeroizing::new(opened);
        let mut bytes = Zeroizing::new([0; 32]);
        if opened.len() != bytes.len() {
            return Err(KeyFileError::Form);
        }
        bytes.copy_from_slice(&opened);
        file.check(DataKey::new(bytes))
    }

    fn cipher(&self) -> Result<Aes256Gcm, KeyFileError> {
        Aes256Gcm::new_from_slice(self.bytes.as_slice()).map_err(|_| KeyFileError::Cipher)
    }
}

/// Why a wrapped key does not come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not a key file.
    #[error("it is not a key file")]
    Form,
    /// Written by a later version.
    #[error("it is of a later version of this program")]
    Version,
    /// Another master key, or a changed file.
    #[error("this master key did not wrap it, or it was changed since")]
    Master,
    /// The key of another file.
    #[error("the key inside is not the one it names")]
    OtherKey,
    /// The cipher refused.
    #[error("the cipher refused")]
    Cipher,
}

/// Bound to the wrapped key, so that it cannot pass for anything else the master key seals.
fn context(key: &str) -> Vec<u8> {
    format!("sekisho wrapped data key 1\n{key}\n").into_bytes()
}
