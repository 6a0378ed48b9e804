//! The signing seed of the journal and the key that is handed to auditors.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sekisho_journal::{CHECKPOINT, Checkpoint, SEGMENTS, SignerKey, Store, Tree, VerifierKey};
use zeroize::Zeroizing;

use super::disk::{private_dir, replace};
use super::seal::{self, Vault};
use super::settings::OpenError;
use super::store::FileStore;

/// The key of the journal below `data`; made together with an empty journal if there is neither.
///
/// With a vault the seed is sealed: one that lies there plain is, from now on.
pub(super) fn signer(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<SignerKey, OpenError> {
    let seed_path = data.join(SEED);
    let signer = match seed(data, vault)? {
        Some(seed) => SignerKey::from_seed(origin, &seed)?,
        None if untouched(data)? => begin(data, origin, vault)?,
        None => return Err(OpenError::SeedMissing(seed_path)),
    };
    publish(&data.join(VERIFIER), signer.verifier())?;
    Ok(signer)
}

/// Where the auditors' key is, below the data directory.
pub const VERIFIER: &str = "keys/journal.vkey";

/// The seed, plain or sealed.
fn seed(data: &Path, vault: Option<&Vault>) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    let path = data.join(SEED);
    let failed = |why| OpenError::SeedSealed { path: path.clone(), why };
    if let Some(plain) = plain_seed(&path)? {
        if let Some(vault) = vault {
            seal::write(vault, data, SEED, &plain[..]).map_err(failed)?;
            fs::remove_file(&path).map_err(io_error("cannot remove", &path))?;
        }
        return Ok(Some(plain));
    }
    let opened = seal::read(vault, data, SEED).map_err(failed)?.map(Zeroizing::new);
    let Some(opened) = opened else { return Ok(None) };
    let mut seed = Zeroizing::new([0; 32]);
    if opened.len() != seed.len() {
        return Err(OpenError::SeedUnusable { path: path.clone(), why: "it is not 32 bytes long" });
    }
    seed.copy_from_slice(&opened);
    Ok(Some(seed))
}

fn plain_seed(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("cannot open", path)(source)),
    };
    let unusable = |why| OpenError::SeedUnusable { path: path.to_owned(), why };
    let mode = file.metadata().map_err(io_error("cannot look at", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(unusable("others than its owner may read or change it; set its mode to 0600"));
    }
    let mut seed = Zeroizing::new([0; 32]);
    file.read_exact(&mut *seed).map_err(|_| unusable("it is shorter than 32 bytes"))?;
    let mut more = [0; 1];
    match file.read(&mut more) {
        Ok(0) => Ok(Some(seed)),
        Ok(_) => Err(unusable("it is longer than 32 bytes")),
        Err(source) => Err(io_error("cannot read", path)(source)),
    }
}

/// Whether there is no journal yet, or one whose making was interrupted before its first entry.
fn untouched(data: &Path) -> Result<bool, OpenError> {
    let store = FileStore::new(&data.join(JOURNAL));
    if !store.list(SEGMENTS).map_err(OpenError::Unreadable)?.is_empty() {
        return Ok(false);
    }
    let Some(note) = store.read(CHECKPOINT).map_err(OpenError::Unreadable)? else {
        return Ok(true);
    };
    let key = fs::read_to_string(data.join(VERIFIER)).ok().and_then(|key| key.parse::<VerifierKey>().ok());
    let note = String::from_utf8(note).unwrap_or_default();
    let opened = key.and_then(|key| Checkpoint::open(&note, &key).ok());
    Ok(opened.is_some_and(|checkpoint| checkpoint.size == 0))
}

/// Makes a new key and the checkpoint of the empty journal. The seed comes last: until it is there, nothing was begun.
fn begin(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<SignerKey, OpenError> {
    let seed_path = data.join(SEED);
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)
        .map_err(|error| io_error("cannot make", &seed_path)(io::Error::other(error.to_string())))?;
    let signer = SignerKey::from_seed(origin, &seed)?;
    let empty = Checkpoint { origin: origin.to_owned(), size: 0, root: Tree::new().root() };
    for dir in ["keys", JOURNAL, "journal/segments"] {
        let dir = data.join(dir);
        private_dir(&dir).map_err(io_error("cannot make", &dir))?;
    }
    let key_text = format!("{}\n", signer.verifier());
    let note = empty.sign(&signer);
    let checkpoint = data.join(JOURNAL).join(CHECKPOINT);
    for (path, bytes) in [(&data.join(VERIFIER), key_text.as_bytes()), (&checkpoint, note.as_bytes())] {
        replace(path, bytes).map_err(io_error("cannot write", path))?;
    }
    match vault {
        Some(vault) => {
            seal::write(vault, data, SEED, &seed[..]).map_err(|why| OpenError::SeedSealed { path: seed_path, why })?;
        }
        None => replace(&seed_path, &seed[..]).map_err(io_error("cannot write", &seed_path))?,
    }
    Ok(signer)
}

/// Makes sure that the auditors' key lies where they look for it, and is that of the seed.
fn publish(path: &Path, key: &VerifierKey) -> Result<(), OpenError> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim_end() == key.to_string() => Ok(()),
        Ok(_) => Err(OpenError::VerifierKey(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace(path, format!("{key}\n").as_bytes()).map_err(io_error("cannot write", path))
        }
        Err(source) => Err(io_error("cannot read", path)(source)),
    }
}

pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path: PathBuf = path.to_owned();
    move |source| OpenError::Io { what: format!("{what} `{}`", path.display()), source }
}

/// Where the signing seed is, below the data directory.
const SEED: &str = "keys/journal.seed";

/// Where the journal is, below the data directory.
pub(super) const JOURNAL: &str = "journal";
