//! The chunks of a sealed file.

use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::aead::{KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key};

use crate::head::Head;
use crate::key::DataKey;

/// Seals `plain`. The key must not seal a second file; `prefix` has to be random.
///
/// # Errors
///
/// When `name` cannot stand on one line of at most 256 bytes, or there is more than 256 TiB.
pub fn seal(name: &str, key: &DataKey, prefix: [u8; PREFIX], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let head = Head { name: name.to_owned(), key: key.id().clone(), prefix };
    if !head.is_sound() {
        return Err(SealError::Name);
    }
    let digest = head.digest();
    let with_head = |msg| Payload { msg, aad: &digest };
    let mut encryptor = EncryptorBE32::from_aead(cipher(key), GenericArray::from_slice(&prefix));
    let mut out = head.text().into_bytes();
    out.reserve(plain.len() + (plain.len() / CHUNK + 1) * TAG);
    let (whole, last) = plain.split_at(last_chunk(plain.len(), CHUNK));
    for chunk in whole.chunks(CHUNK) {
        out.extend(encryptor.encrypt_next(with_head(chunk)).map_err(|_| SealError::TooLong)?);
    }
    out.extend(encryptor.encrypt_last(with_head(last)).map_err(|_| SealError::TooLong)?);
    Ok(out)
}

/// Opens what was sealed as `name`.
///
/// # Errors
///
/// When it is no sealed file, is of another name or another key, or any of it was edited, moved, cut off or added.
pub fn open(name: &str, key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (head, chunks) = Head::split(sealed)?;
    if head.name != name {
        return Err(SealError::OtherName);
    }
    if head.key != *key.id() {
        return Err(SealError::OtherKey);
    }
    let digest = head.digest();
    let with_head = |msg| Payload { msg, aad: &digest };
    let mut decryptor = DecryptorBE32::from_aead(cipher(key), GenericArray::from_slice(&head.prefix));
    let (whole, last) = chunks.split_at(last_chunk(chunks.len(), CHUNK + TAG));
    let mut plain = Vec::with_capacity(chunks.len());
    for (number, chunk) in whole.chunks(CHUNK + TAG).enumerate() {
        let opened = decryptor.decrypt_next(with_head(chunk));
        plain.extend(opened.map_err(|_| SealError::Damaged { chunk: number })?);
    }
    let number = whole.len() / (CHUNK + TAG);
    plain.extend(decryptor.decrypt_last(with_head(last)).map_err(|_| SealError::Damaged { chunk: number })?);
    Ok(plain)
}

/// Why something cannot be sealed, or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a sealed file.
    #[error("it is not a sealed file")]
    Head,
    /// A name that cannot stand in the head.
    #[error("its name cannot stand in the head of a sealed file")]
    Name,
    /// Too much for one key.
    #[error("it is too long to be sealed")]
    TooLong,
    /// Sealed as something else.
    #[error("it was sealed as another file")]
    OtherName,
    /// Sealed with another key.
    #[error("it was sealed with another key")]
    OtherKey,
    /// Not what was sealed.
    #[error("chunk {chunk} is not what was sealed, or the file was cut or lengthened")]
    Damaged {
        /// Which, from 0.
        chunk: usize,
    },
}

/// Where the last chunk begins: it is never empty unless everything is.
fn last_chunk(length: usize, chunk: usize) -> usize {
    length.saturating_sub(1) / chunk * chunk
}

fn cipher(key: &DataKey) -> Aes256Gcm {
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key.danger_bytes().as_slice()))
}

/// Bytes in a chunk before it is sealed.
pub const CHUNK: usize = 64 * 1024;

/// Random bytes at the start of each nonce.
pub const PREFIX: usize = 7;

/// Bytes that sealing adds to a chunk.
const TAG: usize = 16;
