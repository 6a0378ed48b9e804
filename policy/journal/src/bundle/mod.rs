//! Support bundles: the evidence of a time, fixed at one checkpoint, that stands on its own.
//!
//! A bundle is a tar archive with one form only: `manifest.json`, `manifest.sig`, then every file in the order of their paths.
//! The signature is a C2SP signed note over the digest of the manifest; the manifest has the digest of every file. The entries
//! of the journal come with what proves that they are all there were between two places of the signed tree.
//!
//! What it cannot show: what the journal never recorded, and that no bundle says more: its range begins where its maker wanted.

mod archive;

mod slice;

mod verify;

pub use archive::{Entry, pack};
pub use slice::{SliceProof, prove};
pub use verify::{BundleFault, BundleReport, FaultKind, Opened, open, verify_bundle};

use sha2::{Digest as _, Sha256};

use crate::canonical;
use crate::chain::KeyChain;
use crate::contract::{BundleFile, BundleKind, SupportBundleManifest};
use crate::key::SignerKey;
use crate::record::RecordError;

/// The files of a bundle that is being made: path, kind and content.
pub type Files = std::collections::BTreeMap<String, (BundleKind, Vec<u8>)>;

/// A bundle: the archive, and the digest of its manifest, by which it is referred to.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The tar archive.
    pub archive: Vec<u8>,
    /// SHA-256 of its manifest.
    pub digest: [u8; 32],
}

/// Makes a bundle of `files`. The files of `manifest` are filled in here.
///
/// # Errors
///
/// When the manifest cannot be written in canonical form.
pub fn make(mut manifest: SupportBundleManifest, files: Files, signer: &SignerKey) -> Result<Bundle, RecordError> {
    manifest.files = files.iter().map(|(path, (kind, bytes))| described(path, *kind, bytes)).collect();
    let value = serde_json::to_value(&manifest).map_err(|_| RecordError::Number)?;
    let mut text = Vec::new();
    canonical::write(&value, &mut text)?;
    let digest: [u8; 32] = Sha256::digest(&text).into();
    let signed = signed_text(&digest);
    let note = format!("{signed}\n{}", signer.signature_line(&signed));
    let mut entries = vec![
        Entry { path: MANIFEST.to_owned(), bytes: text },
        Entry { path: SIGNATURE.to_owned(), bytes: note.into_bytes() },
    ];
    entries.extend(files.into_iter().map(|(path, (_, bytes))| Entry { path, bytes }));
    Ok(Bundle { archive: pack(&entries), digest })
}

fn described(path: &str, kind: BundleKind, bytes: &[u8]) -> BundleFile {
    BundleFile { path: path.to_owned(), kind, bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
}

/// The text that is signed. Its first line can be no name of a key, so it can never pass for a checkpoint.
fn signed_text(digest: &[u8; 32]) -> String {
    format!("sekisho support bundle 1\n{}\n", hex(digest))
}

/// Whether `note` is the signature of the manifest with this digest, by a key that may sign for a journal of `size` entries.
fn is_signed(note: &[u8], digest: &[u8; 32], keys: &KeyChain, size: u64) -> bool {
    let signed = signed_text(digest);
    let line = str::from_utf8(note).ok().and_then(|note| note.strip_prefix(&format!("{signed}\n"))?.strip_suffix('\n'));
    line.is_some_and(|line| keys.signed_line(&signed, line, size))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// The path of its signature.
pub const SIGNATURE: &str = "manifest.sig";

#[cfg(test)]
mod tests;
