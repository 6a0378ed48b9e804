//! The signing seed of the journal, the seed that is to take over from it, and the key that is handed to auditors.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sekisho_journal::{CHECKPOINT, ChainError, Checkpoint, KeyChain, SEGMENTS, SignerKey, Store, Tree, VerifierKey};
use zeroize::Zeroizing;

use super::disk::{private_dir, replace};
use super::seal::{self, KEY, SEALED, Vault};
use super::settings::OpenError;
use super::store::FileStore;

/// The key of the journal below `data`, and those before it; made together with an empty journal if there is neither.
///
/// With a vault the seed is sealed: one that lies there plain is, from now on. A handover that a crash interrupted is brought
/// to its end if it was stated, and forgotten if it was not. Only who holds the journal's lock may call this.
pub(super) fn signer(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<(SignerKey, KeyChain), OpenError> {
    if let Some(found) = next(data, origin, vault)? {
        promote(data, vault)?;
        publish(data, &found.1)?;
        return Ok(found);
    }
    discard(data, NEXT).map_err(io_error("cannot remove", &data.join(NEXT)))?;
    let seed_path = data.join(SEED);
    let signer = match seed(data, SEED, vault)? {
        Some(seed) => SignerKey::from_seed(origin, &seed)?,
        None if untouched(data)? => begin(data, origin, vault)?,
        None => return Err(OpenError::SeedMissing(seed_path)),
    };
    let chain = chain(data, signer.verifier())?;
    if chain.newest() != signer.verifier() {
        let why = "its key was handed over, and the seed of the next one is not there";
        return Err(OpenError::SeedUnusable { path: seed_path, why });
    }
    publish(data, &chain)?;
    Ok((signer, chain))
}

/// The same key for whoever else has to sign, beside the writer: nothing is changed.
pub(super) fn signer_beside(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<SignerKey, OpenError> {
    if let Some((signer, _)) = next(data, origin, vault)? {
        return Ok(signer);
    }
    let seed = plain_seed(&data.join(SEED))?.map_or_else(|| sealed_seed(data, SEED, vault), |plain| Ok(Some(plain)))?;
    let seed = seed.ok_or_else(|| OpenError::SeedMissing(data.join(SEED)))?;
    Ok(SignerKey::from_seed(origin, &seed)?)
}

/// Makes the seed of a key that is to take over, and puts it beside the present one.
pub(super) fn make_next(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<SignerKey, OpenError> {
    let (seed, signer) = fresh(data, origin)?;
    keep(data, NEXT, vault, &seed)?;
    Ok(signer)
}

/// Puts the seed that has taken over in the place of the one before it.
pub(super) fn promote(data: &Path, vault: Option<&Vault>) -> Result<(), OpenError> {
    let Some(seed) = seed(data, NEXT, vault)? else { return Ok(()) };
    // Until the last step both lie there, and the statements of the keys say which one counts.
    keep(data, SEED, vault, &seed)?;
    discard(data, NEXT).map_err(io_error("cannot remove", &data.join(NEXT)))
}

/// Makes sure that the auditors' key lies where they look for it, and is the newest of the journal.
pub(super) fn publish(data: &Path, chain: &KeyChain) -> Result<(), OpenError> {
    let path = data.join(VERIFIER);
    let newest = chain.newest();
    match fs::read_to_string(&path) {
        Ok(text) if text.trim_end() == newest.to_string() => return Ok(()),
        Ok(text) => {
            let older = text.parse::<VerifierKey>().ok().filter(|key| chain.knows(key));
            older.ok_or_else(|| OpenError::VerifierKey(path.clone()))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(io_error("cannot read", &path)(source)),
    }
    replace(&path, format!("{newest}\n").as_bytes()).map_err(io_error("cannot write", &path))
}

/// The seed that is to take over, if the statements of the keys know it.
fn next(data: &Path, origin: &str, vault: Option<&Vault>) -> Result<Option<(SignerKey, KeyChain)>, OpenError> {
    let Some(seed) = seed(data, NEXT, vault)? else { return Ok(None) };
    let signer = SignerKey::from_seed(origin, &seed)?;
    match KeyChain::stored(&FileStore::new(&data.join(JOURNAL)), signer.verifier()) {
        Ok(chain) if chain.newest() == signer.verifier() && !chain.handovers().is_empty() => Ok(Some((signer, chain))),
        Ok(_) | Err(ChainError::Stranger) => Ok(None),
        Err(error) => Err(OpenError::Keys(error)),
    }
}

fn chain(data: &Path, key: &VerifierKey) -> Result<KeyChain, OpenError> {
    KeyChain::stored(&FileStore::new(&data.join(JOURNAL)), key).map_err(OpenError::Keys)
}

/// Where the auditors' key is, below the data directory.
pub const VERIFIER: &str = "keys/journal.vkey";

/// A seed, plain or sealed. With a vault, one that lies there plain is sealed.
fn seed(data: &Path, name: &str, vault: Option<&Vault>) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    let path = data.join(name);
    let Some(plain) = plain_seed(&path)? else { return sealed_seed(data, name, vault) };
    if let Some(vault) = vault {
        seal::write(vault, data, name, &plain[..]).map_err(|why| OpenError::SeedSealed { path: path.clone(), why })?;
        fs::remove_file(&path).map_err(io_error("cannot remove", &path))?;
    }
    Ok(Some(plain))
}

fn sealed_seed(data: &Path, name: &str, vault: Option<&Vault>) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    let path = data.join(name);
    let opened = seal::read(vault, data, name).map_err(|why| OpenError::SeedSealed { path: path.clone(), why })?;
    let Some(opened) = opened.map(Zeroizing::new) else { return Ok(None) };
    let mut seed = Zeroizing::new([0; 32]);
    if opened.len() != seed.len() {
        return Err(OpenError::SeedUnusable { path, why: "it is not 32 bytes long" });
    }
    seed.copy_from_slice(&opened);
    Ok(Some(seed))
}

fn fresh(data: &Path, origin: &str) -> Result<(Zeroizing<[u8; 32]>, SignerKey), OpenError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)
        .map_err(|error| io_error("cannot make", &data.join(SEED))(io::Error::other(error.to_string())))?;
    let signer = SignerKey::from_seed(origin, &seed)?;
    Ok((seed, signer))
}

fn keep(data: &Path, name: &str, vault: Option<&Vault>, seed: &[u8; 32]) -> Result<(), OpenError> {
    let path = data.join(name);
    match vault {
        Some(vault) => seal::write(vault, data, name, seed).map_err(|why| OpenError::SeedSealed { path, why }),
        None => replace(&path, seed).map_err(io_error("cannot write", &path)),
    }
}

/// Removes a seed, in whatever form it lies there.
fn discard(data: &Path, name: &str) -> io::Result<()> {
    for ending in ["", SEALED, KEY] {
        match fs::remove_file(data.join(format!("{name}{ending}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
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
    let (seed, signer) = fresh(data, origin)?;
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
    keep(data, SEED, vault, &seed)?;
    Ok(signer)
}

pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path: PathBuf = path.to_owned();
    move |source| OpenError::Io { what: format!("{what} `{}`", path.display()), source }
}

/// Where the signing seed is, below the data directory.
const SEED: &str = "keys/journal.seed";

/// Where the seed is that is to take over.
const NEXT: &str = "keys/journal.next.seed";

/// Where the journal is, below the data directory.
pub(super) const JOURNAL: &str = "journal";
