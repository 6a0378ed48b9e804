//! The bundles that lie below a data directory.

use std::path::Path;

use sekisho_journal::bundle::verify_bundle;
use sekisho_journal::{KeyChain, Verdict, VerifierKey};

use super::{BUNDLES, PACKED, unpack};
use crate::evidence::FileStore;
use crate::evidence::keys::JOURNAL;
use crate::evidence::seal::{self, SEALED, Vault};

/// The names of all bundles, sealed or not, without their endings.
pub(super) fn names(data: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(data.join(BUNDLES)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let plain = name.strip_suffix(SEALED).unwrap_or(&name);
        names.extend(plain.strip_suffix(PACKED).map(str::to_owned));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The digest of the newest bundle of `incident` that is there, opens and verifies: what a release may be bound to.
///
/// # Errors
///
/// Why there is none, for a human.
pub fn latest_verified(
    data: &Path,
    incident: &str,
    key: &VerifierKey,
    vault: Option<&Vault>,
) -> Result<[u8; 32], String> {
    let all = names(data).map_err(|error| error.to_string())?;
    let mine = format!("bundle-{incident}-");
    // Names end with the range, so of one incident the last reaches furthest.
    let newest = all.iter().filter(|name| name.starts_with(&mine)).max_by_key(|name| name.rsplit('-').next());
    let newest =
        newest.ok_or_else(|| format!("there is no bundle of {incident}: make one with `sekisho bundle create`"))?;
    let name = format!("{BUNDLES}/{newest}{PACKED}");
    let packed = match std::fs::read(data.join(&name)) {
        Ok(bytes) => bytes,
        Err(_) => seal::read(vault, data, &name)
            .map_err(|error| format!("{newest}: {error}"))?
            .ok_or_else(|| format!("{newest} is gone"))?,
    };
    let archive = unpack(&packed).map_err(|error| format!("{newest}: {error}"))?;
    let journal = FileStore::new(&data.join(JOURNAL));
    let keys = KeyChain::stored(&journal, key).map_err(|error| error.to_string())?;
    let report = verify_bundle(&archive, &keys);
    let opened = sekisho_journal::bundle::open(&archive).map_err(|fault| format!("{newest}: {}", fault.detail))?;
    match (report.verdict, opened.manifest.incident.as_deref() == Some(incident)) {
        (Verdict::Pass, true) => Ok(opened.digest),
        (Verdict::Pass, false) => Err(format!("{newest} is about something else")),
        (Verdict::Fail | Verdict::Unknown, _) => Err(format!("{newest} does not verify: {report}")),
    }
}
