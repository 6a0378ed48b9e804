//! Secrets by reference (SPEC I6): policy holds where a secret is, and this is where it is read.

use std::fs::File;
use std::io::Read;

use sekisho_policy::SecretSource;
use zeroize::Zeroizing;

/// Why a secret could not be read. What it holds is never in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{what}: cannot read `{path}`: {error}")]
    File {
        /// Which secret.
        what: String,
        /// Where it should be.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The variable is not set.
    #[error("{what}: the environment variable `{name}` is not set")]
    Unset {
        /// Which secret.
        what: String,
        /// The variable.
        name: String,
    },
    /// The server does not give it.
    #[error("{what}: `{source_text}`: {why}")]
    Bao {
        /// Which secret.
        what: String,
        /// Where it should be.
        source_text: String,
        /// Why not.
        why: Box<super::bao::BaoFault>,
    },
    /// There is nothing in it.
    #[error("{what}: `{source_text}` is empty")]
    Empty {
        /// Which secret.
        what: String,
        /// Where it was read.
        source_text: String,
    },
    /// There is too much in it.
    #[error("{what}: `{source_text}` holds more than {MOST} bytes")]
    TooLong {
        /// Which secret.
        what: String,
        /// Where it was read.
        source_text: String,
    },
}

/// Reads a secret. Line ends after it are not part of it.
///
/// # Errors
///
/// [`SecretError`], with what to look at.
pub fn resolve(what: &str, source: &SecretSource) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let what = what.to_owned();
    let mut secret = match source {
        SecretSource::File(path) => {
            let named = |error| SecretError::File { what: what.clone(), path: path.display().to_string(), error };
            let mut bytes = Zeroizing::new(Vec::with_capacity(MOST));
            let file = File::open(path).map_err(named)?;
            let most = u64::try_from(MOST).unwrap_or(u64::MAX);
            file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(named)?;
            bytes
        }
        SecretSource::Env(name) => match std::env::var_os(name) {
            Some(value) => Zeroizing::new(std::os::unix::ffi::OsStringExt::into_vec(value)),
            None => return Err(SecretError::Unset { what, name: name.clone() }),
        },
        SecretSource::OpenBao(secret) => match super::bao::read(secret) {
            Ok(value) => value,
            Err(why) => return Err(SecretError::Bao { what, source_text: source.to_string(), why: Box::new(why) }),
        },
    };
    if secret.len() > MOST {
        return Err(SecretError::TooLong { what, source_text: source.to_string() });
    }
    while matches!(secret.last(), Some(b'\n' | b'\r')) {
        secret.pop();
    }
    if secret.is_empty() {
        return Err(SecretError::Empty { what, source_text: source.to_string() });
    }
    Ok(secret)
}

/// Room for an RSA key in PEM and to spare.
const MOST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{SecretSource, resolve};

    fn outcome(content: Option<&[u8]>) -> Result<Vec<u8>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path: PathBuf = dir.path().join("secret");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let resolved = resolve("venue key", &SecretSource::File(path));
        resolved
            .map(|secret| secret.to_vec())
            .map_err(|error| error.to_string().replace(dir.path().to_str().unwrap(), ""))
    }

    #[test]
    fn a_file_is_read_without_its_last_line_end() {
        assert_eq!(outcome(Some(b"hush\r\n")), Ok(b"hush".to_vec()));
        assert_eq!(outcome(Some(b"two\nlines\n")), Ok(b"two\nlines".to_vec()));
    }

    #[test]
    fn what_cannot_be_read_says_where_and_never_what() {
        assert!(outcome(None).unwrap_err().starts_with("venue key: cannot read `/secret`: No such file"));
        assert!(outcome(Some(b"\n")).unwrap_err().ends_with("is empty"));
        let long = outcome(Some(&[b'x'; 65 * 1024])).unwrap_err();
        assert!(long.ends_with("holds more than 65536 bytes"), "{long}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = resolve("pepper", &SecretSource::Env("SEKISHO_TEST_UNSET".into())).unwrap_err();
        assert_eq!(error.to_string(), "pepper: the environment variable `SEKISHO_TEST_UNSET` is not set");
    }
}
