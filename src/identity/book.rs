//! What was decided about credentials while the sidecar ran: keys that were made, and who was revoked.
//!
//! One file, `access/book` below the data directory, replaced as a whole: a line of JSON behind its digest, or a sealed pair
//! where policy seals what is at rest. It holds keyed hashes of secrets and never a secret. One that does not verify stops the
//! start: without it, who was revoked would come in again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sekisho_filters::access::Subject;
use serde::{Deserialize, Serialize};

use super::kept::{opened, sealed};
use crate::evidence::seal::{self, KEY, SEALED, Vault, VaultError};

/// Keys made and subjects revoked, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// Keys, by their id in lower case.
    pub keys: BTreeMap<String, MadeKey>,
    /// Who is revoked, by subject.
    pub revoked: BTreeMap<String, Revoked>,
}

/// A key that was made while the sidecar ran. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeKey {
    /// Whose it is.
    pub person: String,
    /// The name of its role.
    pub role: String,
    /// Where it may be used, as policy writes scopes.
    pub scopes: Vec<String>,
    /// From which networks, as policy writes them; empty is from anywhere.
    pub allow: Vec<String>,
    /// The keyed hash of its secret, in hex.
    pub hash: String,
    /// The hash of the secret before, and until when that is good.
    pub before: Option<(String, u64)>,
    /// When its secret was made.
    pub created_s: u64,
    /// When its time is over.
    pub expires_s: Option<u64>,
    /// Who had it made.
    pub by: String,
}

/// A revocation. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Since when.
    pub at_s: u64,
    /// Until when; none is for ever.
    pub until_s: Option<u64>,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Where the book is kept.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    vault: Option<Arc<Vault>>,
}

/// Why the book cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The disk said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is sealed, and cannot be opened or written so.
    #[error("{0}")]
    Vault(#[from] VaultError),
    /// It is not what was written.
    #[error("it does not verify: bring it back from a backup; without it, revoked credentials would be good again")]
    Torn,
}

impl Shelf {
    /// The book of the data directory `data`; sealed by `vault`, if there is one.
    #[must_use]
    pub fn new(data: &Path, vault: Option<Arc<Vault>>) -> Self {
        Self { dir: data.join("access"), vault }
    }

    /// Reads the book; an empty one where none was ever written.
    ///
    /// # Errors
    ///
    /// [`BookError`].
    pub fn read(&self) -> Result<Book, BookError> {
        let bytes = match seal::read(self.vault.as_deref(), &self.dir, BOOK)? {
            Some(bytes) => bytes,
            None => match fs::read(self.dir.join(BOOK)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
                Err(error) => return Err(error.into()),
            },
        };
        let book: Book = bytes.strip_suffix(b"\n").and_then(opened).ok_or(BookError::Torn)?;
        if book.revoked.keys().any(|subject| subject.parse::<Subject>().is_err()) {
            return Err(BookError::Torn);
        }
        Ok(book)
    }

    /// Writes the book. When this returns it survives a crash; a crash before leaves the old one.
    ///
    /// # Errors
    ///
    /// [`BookError`].
    pub fn write(&self, book: &Book) -> Result<(), BookError> {
        let line = sealed(book)?;
        let plain = self.dir.join(BOOK);
        let Some(vault) = &self.vault else {
            crate::evidence::replace(&plain, &line)?;
            return Ok(());
        };
        seal::write(vault, &self.dir, BOOK, &line)?;
        // A sealed one is read first, so a crash right here brings nothing back.
        match fs::remove_file(&plain) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The files it may be in.
    #[must_use]
    pub fn files(&self) -> [PathBuf; 3] {
        ["", SEALED, KEY].map(|ending| self.dir.join(format!("{BOOK}{ending}")))
    }
}

const BOOK: &str = "book";

#[cfg(test)]
mod tests {
    use super::{Book, BookError, Revoked, Shelf};

    fn book() -> Book {
        let revoked = Revoked { at_s: 1, until_s: None, by: "ann".into(), reason: "lost".into() };
        Book { keys: Default::default(), revoked: [("person:bob".to_owned(), revoked)].into() }
    }

    #[test]
    fn a_book_is_read_as_it_was_written_and_not_at_all_when_it_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("access")).unwrap();
        let shelf = Shelf::new(dir.path(), None);
        assert_eq!(shelf.read().unwrap(), Book::default());
        shelf.write(&book()).unwrap();
        assert_eq!(shelf.read().unwrap(), book());
        let [file, ..] = shelf.files();
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            std::fs::write(&file, &whole[..at]).unwrap();
            assert!(matches!(shelf.read(), Err(BookError::Torn)), "cut at {at}");
        }
    }
}
