//! Files at rest: each is sealed with a key of its own, and that key is wrapped by a master key.
//!
//! [`seal()`] turns bytes into a sealed file: a short readable head, then AES-256-GCM in the STREAM construction (Hoang,
//! Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015), in chunks of
//! 64 KiB. The nonce of a chunk is a random prefix of 7 bytes, its number as a big-endian `u32`, and a byte that is 1 for the
//! last; the SHA-256 of the head is authenticated with each. So a chunk cannot be edited, moved, left out or taken from another
//! file, a file cannot be cut or lengthened, and a head cannot be put before other chunks.
//!
//! The [`DataKey`] of a file lies beside it as a [`KeyFile`], wrapped. Changing the master key writes the small file anew and
//! leaves the large one alone.
//!
//! What is not here: no file, clock, socket or random number. Keys, nonces and times are arguments; files are read and written
//! in `src/evidence`.
//!
//! What this cannot see: that a sealed file was replaced whole by an older one sealed with the same key under the same name. For
//! segments and bundles the signatures inside show it.
#![forbid(unsafe_code)]

mod key;

mod key_file;

mod head;

mod stream;

pub use head::Head;
pub use key::{DataKey, KeyId, KeyTextError, MasterKey};
pub use key_file::{KeyFile, KeyFileError};
pub use stream::{CHUNK, PREFIX, SealError, open, seal};

#[cfg(test)]
mod tests;
