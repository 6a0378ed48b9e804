//! The readable head of a sealed file.

use sha2::{Digest as _, Sha256};

use crate::key::KeyId;
use crate::stream::{PREFIX, SealError};

/// What stands before the chunks: which file this is, and which key opens it. Authenticated with every chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the file is, relative to where it lies, such as `segments/000000000000.ndjson`.
    pub name: String,
    /// The key.
    pub key: KeyId,
    /// The random beginning of each nonce.
    pub prefix: [u8; PREFIX],
}

impl Head {
    /// Reads the head at the start of `bytes`, and gives what follows it.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not written as [`seal()`](crate::seal()) writes it.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), SealError> {
        let window = bytes.get(..MAX_HEAD.min(bytes.len())).unwrap_or_default();
        let end = window.windows(2).position(|two| two == b"\n\n").ok_or(SealError::Head)? + 2;
        let (written, rest) = bytes.split_at_checked(end).ok_or(SealError::Head)?;
        let text = str::from_utf8(written).map_err(|_| SealError::Head)?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [MAGIC, name, key, prefix, "", ""] = lines[..] else {
            return Err(SealError::Head);
        };
        let head = Self {
            name: name.strip_prefix("name: ").ok_or(SealError::Head)?.to_owned(),
            key: key.strip_prefix("key: ").and_then(|key| key.parse().ok()).ok_or(SealError::Head)?,
            prefix: prefix.strip_prefix("prefix: ").and_then(unhex).ok_or(SealError::Head)?,
        };
        // One way to write each.
        if head.text().as_bytes() == written { Ok((head, rest)) } else { Err(SealError::Head) }
    }

    pub(crate) fn text(&self) -> String {
        let prefix: String = self.prefix.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{MAGIC}\nname: {}\nkey: {}\nprefix: {prefix}\n\n", self.name, self.key)
    }

    /// Whether the name can stand on its line.
    pub(crate) fn is_sound(&self) -> bool {
        !self.name.is_empty() && self.name.len() <= MAX_NAME && !self.name.chars().any(char::is_control)
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.text()).into()
    }
}

fn unhex(text: &str) -> Option<[u8; PREFIX]> {
    let mut bytes = [0; PREFIX];
    if text.len() != 2 * PREFIX {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

const MAGIC: &str = "sekisho-sealed/1";

/// Longest name, in bytes.
const MAX_NAME: usize = 256;

/// Longest head, in bytes.
const MAX_HEAD: usize = 512;
