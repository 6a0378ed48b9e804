//! Support bundles: made of the journal at one checkpoint, searched once more, packed, sealed and recorded.

mod collect;

mod packing;

mod find;

pub use find::latest_verified;
pub use packing::{PackError, pack, unpack};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sekisho_journal::bundle::{self, Files};
use sekisho_journal::contract::{BundleKind, SupportBundleManifest, VERSION, Versions};
use sekisho_journal::{Event, EventType, RecordError};
use sekisho_scan::{Ruleset, Shape, redact};

use super::disk::replace;
use super::seal::{self, Vault, VaultError};
use super::{Journal, JournalError, OpenError, keys};
use collect::Collected;

/// What bundles are made with.
#[derive(Clone, Debug)]
pub struct Maker {
    /// The data directory.
    pub data: PathBuf,
    /// What everything is searched with on its way in.
    pub rules: Arc<Ruleset>,
    /// What seals bundles; without it they are written plain.
    pub vault: Option<Arc<Vault>>,
    /// The most a bundle may hold, in bytes.
    pub most: u64,
    /// The service's name.
    pub service: String,
    /// The engine's name and version.
    pub engine: String,
    /// The policy's text, as it was read.
    pub policy: Arc<str>,
    /// Its hash.
    pub policy_hash: String,
}

/// What a bundle is to be of.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The incident it is about.
    pub incident: Option<String>,
    /// The incident with its timeline, as JSON.
    pub incident_json: Option<String>,
    /// The first entry; absent, the first that names the incident, or the very first.
    pub from: Option<u64>,
    /// The first entry behind it; absent, the end of the journal.
    pub to: Option<u64>,
    /// Who asks.
    pub by: String,
    /// A snapshot of the metrics.
    pub metrics: Option<String>,
    /// The last lines of the log.
    pub logs: Option<String>,
}

/// A bundle that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub id: String,
    /// Where it lies, without `.sealed`.
    pub path: PathBuf,
    /// SHA-256 of its manifest: how releases and records refer to it.
    pub digest: [u8; 32],
    /// Whether it is sealed.
    pub sealed: bool,
    /// How many entries of the journal are in it.
    pub records: u64,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The journal is not what was signed, or cannot be written.
    #[error("the journal: {0}")]
    Journal(#[from] JournalError),
    /// The journal cannot be read, or its key cannot be had.
    #[error("the journal: {0}")]
    Open(#[from] OpenError),
    /// An entry of the journal cannot be read or proved.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
    /// The range is none.
    #[error("the range: expected entries from 0 to {size}, the first before the last")]
    Range {
        /// The size of the journal.
        size: u64,
    },
    /// It would be too large.
    #[error("it would hold more than {most} bytes: give --from and --to, or raise at_rest.bundle_bytes")]
    TooLarge {
        /// The bound.
        most: u64,
    },
    /// A mask would fall into a proof or a signature.
    #[error("`{0}` would hold a secret where nothing can be masked")]
    Unclean(String),
    /// The manifest cannot be written.
    #[error("the manifest: {0}")]
    Manifest(#[from] RecordError),
    /// It cannot be packed.
    #[error("{0}")]
    Pack(#[from] PackError),
    /// It cannot be sealed or written.
    #[error("it cannot be stored: {0}")]
    Store(#[from] VaultError),
}

impl Maker {
    /// Makes a bundle at a checkpoint taken and verified now, and records that it was made.
    ///
    /// # Errors
    ///
    /// [`BundleError`]; then nothing is left.
    pub async fn make(&self, journal: &Journal, ask: Ask) -> Result<Made, BundleError> {
        let sealed = journal.checkpoint().await?;
        let (maker, files) = (self.clone(), journal.files());
        let origin = journal.verifier_key().name().to_owned();
        let making = tokio::task::spawn_blocking(move || {
            let signer = keys::signer_beside(&maker.data, &origin, maker.vault.as_deref())?;
            let collected = collect::collect(&files, &sealed.checkpoint, &signer, &ask, maker.most)?;
            maker.finish(collected, &signer, &ask)
        });
        let made = making.await.map_err(|_| BundleError::Unreadable("the making broke off".to_owned()))??;
        let digest: String = made.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let event = Event::new(EventType::SupportBundleCreated, "bundle.create")
            .with_input("records", made.records)
            .with_output("manifest_sha256", digest)
            .with_output("sealed", made.sealed)
            .with_ref(format!("bundle:{}", made.id));
        journal.record_durable(event).await?;
        Ok(made)
    }

    fn finish(
        &self,
        collected: Collected,
        signer: &sekisho_journal::SignerKey,
        ask: &Ask,
    ) -> Result<Made, BundleError> {
        let range = collected.range.clone();
        let about = ask.incident.as_deref().unwrap_or("range");
        let id = format!("bundle-{about}-{:012}-{:012}", range.from, range.to);
        let files = self.clean(collected.files, ask)?;
        let manifest = SupportBundleManifest {
            v: VERSION,
            id: id.clone(),
            incident: ask.incident.clone(),
            service: self.service.clone(),
            created_by: ask.by.clone(),
            as_of: collected.as_of,
            checkpoint: collected.note,
            verifier_key: signer.verifier().to_string(),
            policy_hash: self.policy_hash.trim_start_matches("sha256:").to_owned(),
            versions: Versions { engine: self.engine.clone(), contracts: VERSION },
            files: Vec::new(),
            refs: ask.incident.iter().map(|id| format!("incident:{id}")).collect(),
            journal: range.clone(),
        };
        let manifest = self.clean_manifest(manifest)?;
        let bundle = bundle::make(manifest, files, signer)?;
        let packed = pack(&bundle.archive)?;
        let name = format!("{BUNDLES}/{id}{PACKED}");
        match &self.vault {
            Some(vault) => seal::write(vault, &self.data, &name, &packed)?,
            None => replace(&self.data.join(&name), &packed).map_err(VaultError::Io)?,
        }
        let path = self.data.join(name);
        Ok(Made { id, path, digest: bundle.digest, sealed: self.vault.is_some(), records: range.to - range.from })
    }

    /// Every file searched once more. Entries of the journal were already, where they are collected.
    fn clean(&self, mut files: Files, ask: &Ask) -> Result<Files, BundleError> {
        let given = [
            (BundleKind::Policy, Some(self.policy.to_string())),
            (BundleKind::Metrics, ask.metrics.clone()),
            (BundleKind::Logs, ask.logs.clone()),
            (BundleKind::Incident, ask.incident_json.clone()),
        ];
        for (kind, text) in given {
            if let Some(text) = text {
                files.insert(kind.path().to_owned(), (kind, text.into_bytes()));
            }
        }
        collect::mask_events(&mut files, |line| redact(&self.rules, Shape::Json, line).bytes.into_owned())?;
        for (path, (kind, bytes)) in &mut files {
            let shape = if path.ends_with("json") { Shape::Json } else { Shape::Text };
            let clean = redact(&self.rules, shape, bytes).bytes.into_owned();
            match kind {
                _ if clean == *bytes => {}
                BundleKind::AuditEvents
                | BundleKind::Proofs
                | BundleKind::Keys
                | BundleKind::SafetyTransitions
                | BundleKind::GateResults
                | BundleKind::IntegrityReport => return Err(BundleError::Unclean(path.clone())),
                BundleKind::ReplayPointers
                | BundleKind::Logs
                | BundleKind::Metrics
                | BundleKind::Policy
                | BundleKind::Incident => *bytes = clean,
            }
        }
        Ok(files)
    }

    /// What people gave as names.
    fn clean_manifest(&self, manifest: SupportBundleManifest) -> Result<SupportBundleManifest, BundleError> {
        for text in [&manifest.id, &manifest.service, &manifest.created_by] {
            if redact(&self.rules, Shape::Text, text.as_bytes()).bytes != text.as_bytes() {
                return Err(BundleError::Unclean(bundle::MANIFEST.to_owned()));
            }
        }
        Ok(manifest)
    }
}

/// Where bundles are, below the data directory.
pub const BUNDLES: &str = "bundles";

/// What the name of a bundle ends with.
pub const PACKED: &str = ".tar.zst";

/// The bundles below `data`, by name; the newest of an incident is the last that names it.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn list(data: &Path) -> std::io::Result<Vec<String>> {
    find::names(data)
}
