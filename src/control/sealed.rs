//! Small files that are whole or not there: one line of JSON, and a line with its SHA-256.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Makes `dir` for its owner alone.
///
/// # Errors
///
/// The system's.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Writes `value` as `dir/name`. When this returns, it survives a crash; a crash before leaves what was there.
///
/// # Errors
///
/// When the disk says no.
pub(crate) fn write<T: Serialize>(dir: &Path, name: &str, value: &T) -> io::Result<()> {
    let content = serde_json::to_string(value)?;
    let sealed = format!("{content}\n{:x}\n", Sha256::digest(&content));
    let new = dir.join(format!("{name}.new"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(sealed.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, dir.join(name))?;
    File::open(dir)?.sync_all()
}

/// Reads what [`write`] wrote. `None` where there is no such file.
///
/// # Errors
///
/// When it cannot be read, or a byte of it is missing or changed.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let torn = || io::Error::new(io::ErrorKind::InvalidData, "its seal does not match");
    let text = str::from_utf8(&bytes).map_err(|_not_text| torn())?;
    let (content, seal) = text.split_once('\n').ok_or_else(torn)?;
    if format!("{:x}\n", Sha256::digest(content)) != seal {
        return Err(torn());
    }
    Ok(Some(serde_json::from_str(content)?))
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn a_torn_byte_anywhere_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
        write(dir.path(), "one", &vec![1_u8, 2, 3]).unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![1, 2, 3]));
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read::<Vec<u8>>(&path).is_err(), "cut at {at}");
        }
    }
}
