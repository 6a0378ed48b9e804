//! What wraps data keys: a key of our own, or one that never leaves an OpenBao server.

use sekisho_seal::{DataKey, KeyFile, KeyFileError, MasterKey, SealError};

use super::bao::{Bao, BaoError};

/// A master key.
#[derive(Debug)]
pub enum Master {
    /// In our memory, read from a `secret_ref`.
    Local(MasterKey),
    /// In the transit engine of an OpenBao server.
    Bao(Bao),
}

impl Master {
    /// Wraps a key: the name of what wrapped it, and the wrapping.
    pub(super) fn wrap(&self, key: &DataKey) -> Result<(String, String), VaultError> {
        match self {
            Self::Local(master) => {
                let mut nonce = [0; 12];
                getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
                Ok((master.name(), master.wrap(key, nonce)?))
            }
            Self::Bao(bao) => Ok(bao.wrap(key)?),
        }
    }

    pub(super) fn unwrap(&self, file: &KeyFile) -> Result<DataKey, VaultError> {
        match self {
            Self::Local(master) => Ok(master.unwrap(file)?),
            Self::Bao(bao) => Ok(file.check(bao.unwrap(file.wrapped())?)?),
        }
    }

    /// Whether this is the master key of that name.
    pub(super) fn made(&self, name: &str) -> bool {
        match self {
            Self::Local(master) => master.name() == name,
            Self::Bao(bao) => bao.made(name),
        }
    }

    /// Its name; of one on a server, without the version that it will wrap with.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Local(master) => master.name(),
            Self::Bao(bao) => bao.name(),
        }
    }
}

/// Why something cannot be sealed or opened here.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No master key is given.
    #[error("it is sealed: give the policy with `at_rest.master_key`, or the key itself")]
    NoVault,
    /// Another master key wrapped it.
    #[error("it needs the master key `{wanted}`: name it in at_rest.master_key or at_rest.old_master_keys")]
    NoMaster {
        /// Which.
        wanted: String,
    },
    /// The key that belongs beside the file is not there.
    #[error("its key file is missing: restore it from a backup, nothing else opens it")]
    NoKeyFile,
    /// The wrapped key is no good.
    #[error("its key: {0}")]
    Key(#[from] KeyFileError),
    /// The sealed file is no good.
    #[error("{0}")]
    Sealed(#[from] SealError),
    /// The server did not do it.
    #[error("openbao: {0}")]
    Bao(#[from] BaoError),
    /// What was read back is not what was sealed.
    #[error("what was written is not what is read back: the plain file stays")]
    ReadBack,
    /// A file could not be used.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The system gives no random bytes.
    #[error("random bytes: {0}")]
    Random(getrandom::Error),
}
