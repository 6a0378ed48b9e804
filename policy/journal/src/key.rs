//! The keys of a journal, in the forms of C2SP signed notes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The key that signs checkpoints. Cannot be printed, copied or written; its memory is wiped when it is dropped.
pub struct SignerKey {
    key: SigningKey,
    public: VerifierKey,
}

impl SignerKey {
    /// The Ed25519 key of this seed, under the name of the journal (its origin).
    ///
    /// # Errors
    ///
    /// When the name is empty or holds a blank or a `+`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// The key to check its signatures with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// One signature line of a signed note, with its newline.
    pub(crate) fn signature_line(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let blob = [&self.public.id()[..], &signature[..]].concat();
        format!("\u{2014} {} {}\n", self.public.name, STANDARD.encode(blob))
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("name", &self.public.name).finish_non_exhaustive()
    }
}

/// The key that checks signatures of checkpoints. Its text form is `name+hexid+base64`, as in C2SP signed notes.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, KeyError> {
        let fit = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
        if !fit || name.len() > MAX_NAME {
            return Err(KeyError::Name);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name of the journal it belongs to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id: the first four bytes of SHA-256(name, newline, 0x01, public key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }

    /// Whether `line` is the line of a signed note with this key's signature of `text`, without its newline.
    pub(crate) fn signed_line(&self, text: &str, line: &str) -> bool {
        let Some((name, encoded)) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let blob = STANDARD.decode(encoded).unwrap_or_default();
        name == self.name && self.checks(text, &blob) == Some(true)
    }

    /// Whether `blob` (key id and signature) is this key's signature of `text`; `None` if it is of another key.
    pub(crate) fn checks(&self, text: &str, blob: &[u8]) -> Option<bool> {
        let (id, signature) = blob.split_at_checked(4)?;
        if id != self.id() {
            return None;
        }
        let signature = Signature::from_slice(signature);
        Some(signature.is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok()))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.id();
        let key = [&[ED25519][..], self.key.as_bytes()].concat();
        write!(f, "{}+{a:02x}{b:02x}{c:02x}{d:02x}+{}", self.name, STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.trim_end().split_once('+').ok_or(KeyError::Form)?;
        let (_, encoded) = rest.split_once('+').ok_or(KeyError::Form)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Form)?;
        let (kind, public) = bytes.split_first().ok_or(KeyError::Form)?;
        let public: &[u8; 32] = public.try_into().map_err(|_| KeyError::Form)?;
        if *kind != ED25519 {
            return Err(KeyError::Kind);
        }
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Form)?;
        let key = Self::new(name, key)?;
        // The id in the text is a checksum over name and key: one that differs is a key of something else.
        if key.to_string() == text.trim_end() { Ok(key) } else { Err(KeyError::Id) }
    }
}

/// Why a key is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A name no note can carry.
    #[error("the name of a journal is 1 to {MAX_NAME} bytes without blanks and `+`")]
    Name,
    /// Not `name+hexid+base64`.
    #[error("a verifier key reads `name+hexid+base64`")]
    Form,
    /// Another algorithm than Ed25519.
    #[error("the verifier key is not an Ed25519 key")]
    Kind,
    /// The id does not belong to name and key.
    #[error("the id in the verifier key does not belong to its name and key")]
    Id,
}

/// The algorithm byte of Ed25519 in signed notes.
const ED25519: u8 = 0x01;

/// Longest name of a journal, in bytes.
const MAX_NAME: usize = 255;
