//! A sealed file and its key beside it, on the disk.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Vault, VaultError};
use crate::evidence::disk::replace;

/// Seals `plain` as `dir/name`, and reads it back. Nothing plain is removed here.
pub(crate) fn write(vault: &Vault, dir: &Path, name: &str, plain: &[u8]) -> Result<(), VaultError> {
    let made = vault.seal(name, plain)?;
    replace(&beside(dir, name, KEY), made.key_file.text().as_bytes())?;
    replace(&beside(dir, name, SEALED), &made.sealed)?;
    let again = read(Some(vault), dir, name)?;
    if again.as_deref() == Some(plain) { Ok(()) } else { Err(VaultError::ReadBack) }
}

/// Opens `dir/name`; `None` if there is no such sealed file.
pub(crate) fn read(vault: Option<&Vault>, dir: &Path, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
    let Some(sealed) = maybe(fs::read(beside(dir, name, SEALED)))? else {
        return Ok(None);
    };
    let vault = vault.ok_or(VaultError::NoVault)?;
    let key_file = maybe(fs::read(beside(dir, name, KEY)))?.ok_or(VaultError::NoKeyFile)?;
    vault.open(name, &sealed, &key_file).map(Some)
}

fn beside(dir: &Path, name: &str, ending: &str) -> PathBuf {
    let mut path = OsString::from(dir.join(name));
    path.push(ending);
    path.into()
}

fn maybe<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the name of a sealed file ends with.
pub const SEALED: &str = ".sealed";

/// What the name of a wrapped key ends with.
pub const KEY: &str = ".key";
