//! Is a bundle what was signed, and whole?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::slice::{SliceProof, unhex_hash};
use super::{MANIFEST, SIGNATURE, archive, hex, is_signed};
use crate::canonical;
use crate::chain::{ChainError, KeyChain};
use crate::contract::{BundleKind, SupportBundleManifest};
use crate::tree::{Hash, leaf_hash};
use crate::verify::Verdict;

/// A bundle that was taken apart.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it says is in it.
    pub manifest: SupportBundleManifest,
    /// Its files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The digest of the manifest.
    pub digest: [u8; 32],
}

/// What the verifier found in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleReport {
    /// Whether the bundle is what was signed, and whole.
    pub verdict: Verdict,
    /// The bundle's name.
    pub id: String,
    /// SHA-256 of its manifest, in hex: how it is referred to.
    pub digest: String,
    /// The size of the journal that it is fixed at.
    pub size: u64,
    /// Entries of the journal in it.
    pub records: u64,
    /// How many of them had to be masked: that they were there is proved, what they said is not.
    pub masked: u64,
    /// Kinds of evidence that are not in it; those without which it is no bundle are faults.
    pub absent: Vec<BundleKind>,
    /// Everything that is wrong.
    pub faults: Vec<BundleFault>,
}

/// One thing wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleFault {
    /// Which file; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub kind: FaultKind,
    /// What was seen.
    pub detail: String,
}

/// What can be wrong with a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Not an archive in the one form that a bundle has.
    Form,
    /// The manifest is not signed by the key.
    BadSignature,
    /// A file is not there.
    Missing,
    /// A file is there that the manifest does not know.
    Extra,
    /// A file is not the one in the manifest.
    Edited,
    /// A file does not say what the signed journal says.
    Unproved,
}

/// Takes a bundle apart without believing anything of it.
///
/// # Errors
///
/// When it is not an archive in the one form that a bundle has, with a manifest.
pub fn open(bundle: &[u8]) -> Result<Opened, BundleFault> {
    let form = |detail: &str| fault("", FaultKind::Form, detail);
    let entries = archive::unpack(bundle)
        .ok_or_else(|| form("it is no archive as bundles are: cut, lengthened, or packed by something else"))?;
    let mut files = BTreeMap::new();
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    if paths.get(..2) != Some(&[MANIFEST, SIGNATURE]) || !paths.get(2..).unwrap_or_default().is_sorted_by(|a, b| a < b)
    {
        return Err(form("its files do not stand in their order"));
    }
    for entry in entries {
        files.insert(entry.path, entry.bytes);
    }
    let text = files.get(MANIFEST).map(Vec::as_slice).unwrap_or_default();
    let digest = Sha256::digest(text).into();
    let canonical = canonical::check(text).map_err(|error| fault(MANIFEST, FaultKind::Form, &error.to_string()))?;
    let manifest =
        serde_json::from_value(canonical).map_err(|error| fault(MANIFEST, FaultKind::Form, &error.to_string()))?;
    Ok(Opened { manifest, files, digest })
}

/// Verifies a bundle against the public keys of its journal; one of them is enough, for a bundle carries the statements that lead
/// from each to the next. Nothing else is needed, and nothing in the bundle is believed before it is proved.
#[must_use]
pub fn verify_bundle(bundle: &[u8], keys: &KeyChain) -> BundleReport {
    match open(bundle) {
        Ok(opened) => Check { opened: &opened, keys: keys.clone(), faults: Vec::new() }.run(),
        Err(fault) => BundleReport {
            verdict: Verdict::Fail,
            id: String::new(),
            digest: String::new(),
            size: 0,
            records: 0,
            masked: 0,
            absent: Vec::new(),
            faults: vec![fault],
        },
    }
}

struct Check<'a> {
    opened: &'a Opened,
    keys: KeyChain,
    faults: Vec<BundleFault>,
}

impl<'a> Check<'a> {
    fn run(mut self) -> BundleReport {
        self.follow_keys();
        let signature = self.opened.files.get(SIGNATURE).map(Vec::as_slice).unwrap_or_default();
        if !is_signed(signature, &self.opened.digest, &self.keys, self.opened.manifest.journal.tree_size) {
            self.blame(SIGNATURE, FaultKind::BadSignature, "the manifest is not signed by this key");
        }
        self.files();
        let absent = self.absent();
        let (records, masked) = self.journal();
        let manifest = &self.opened.manifest;
        BundleReport {
            verdict: if self.faults.is_empty() { Verdict::Pass } else { Verdict::Fail },
            id: manifest.id.clone(),
            digest: hex(&self.opened.digest),
            size: manifest.journal.tree_size,
            records,
            masked,
            absent,
            faults: self.faults,
        }
    }

    /// To the keys that the bundle leads to from the one that is trusted.
    fn follow_keys(&mut self) {
        let Some((path, statements)) = self.of(BundleKind::Keys) else { return };
        match str::from_utf8(statements).map(|statements| KeyChain::read(statements, self.keys.newest())) {
            Ok(Ok(carried)) => self.keys = carried,
            // Whoever verifies knows newer keys than the bundle does.
            Ok(Err(ChainError::Stranger)) => {}
            Ok(Err(_)) | Err(_) => self.blame(path, FaultKind::Unproved, "it is no chain of keys"),
        }
    }

    fn files(&mut self) {
        let (manifest, files) = (&self.opened.manifest, &self.opened.files);
        let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        for file in &manifest.files {
            match files.get(&file.path) {
                None => self.blame(&file.path, FaultKind::Missing, "the manifest names it"),
                Some(bytes) if hex(&Sha256::digest(bytes)) != file.sha256 || bytes.len() as u64 != file.bytes => {
                    self.blame(&file.path, FaultKind::Edited, "its digest is not the one in the manifest");
                }
                Some(_) => {}
            }
        }
        for path in files.keys().filter(|path| ![MANIFEST, SIGNATURE].contains(&path.as_str())) {
            if !known.contains(path.as_str()) {
                self.blame(path, FaultKind::Extra, "the manifest does not name it");
            }
        }
    }

    fn absent(&mut self) -> Vec<BundleKind> {
        let there: BTreeSet<BundleKind> = self.opened.manifest.files.iter().map(|file| file.kind).collect();
        for kind in NEEDED.into_iter().filter(|kind| !there.contains(kind)) {
            self.blame("", FaultKind::Missing, &format!("no file of the kind {kind:?}"));
        }
        let may = [BundleKind::Logs, BundleKind::Metrics, BundleKind::Incident];
        may.into_iter().filter(|kind| !there.contains(kind)).collect()
    }

    /// The entries against the signed tree; how many there are, and how many are masked.
    fn journal(&mut self) -> (u64, u64) {
        let manifest = &self.opened.manifest;
        let opened = self.keys.open(&manifest.checkpoint);
        let Ok(checkpoint) = opened else {
            self.blame(MANIFEST, FaultKind::Unproved, "its checkpoint is not signed by this key");
            return (0, 0);
        };
        let range = &manifest.journal;
        if (checkpoint.size, hex(&checkpoint.root)) != (range.tree_size, range.root.clone()) {
            self.blame(MANIFEST, FaultKind::Unproved, "its range is not of its checkpoint");
        }
        let (Some(events), Some(proof)) = (self.of(BundleKind::AuditEvents), self.of(BundleKind::Proofs)) else {
            return (0, 0);
        };
        let Ok(proof) = serde_json::from_slice::<SliceProof>(proof.1) else {
            self.blame(proof.0, FaultKind::Unproved, "it is no proof");
            return (0, 0);
        };
        let lines = lines(events.1);
        let leaves = leaves(&lines, &proof);
        let of_manifest = (proof.from, proof.to, proof.tree_size) == (range.from, range.to, range.tree_size);
        if !of_manifest || leaves.is_none_or(|leaves| !proof.holds(&leaves, &checkpoint.root)) {
            self.blame(events.0, FaultKind::Unproved, "these are not the entries of the signed journal");
        }
        let all: BTreeSet<&[u8]> = lines.iter().copied().collect();
        for kind in [BundleKind::SafetyTransitions, BundleKind::GateResults] {
            let Some((path, bytes)) = self.of(kind) else { continue };
            if !self::lines(bytes).iter().all(|line| all.contains(line)) {
                self.blame(path, FaultKind::Unproved, "it holds what is not among the entries");
            }
        }
        (lines.len() as u64, proof.masked.len() as u64)
    }

    fn of(&self, kind: BundleKind) -> Option<(&'static str, &'a [u8])> {
        let file = self.opened.manifest.files.iter().find(|file| file.kind == kind)?;
        Some((name_of(kind), self.opened.files.get(&file.path)?.as_slice()))
    }

    fn blame(&mut self, path: &str, kind: FaultKind, detail: &str) {
        self.faults.push(fault(path, kind, detail));
    }
}

/// The hash of each line; `None` if one is not the entry of its place. A masked one has the hash it had before.
fn leaves(lines: &[&[u8]], proof: &SliceProof) -> Option<Vec<Hash>> {
    let mut leaves = Vec::with_capacity(lines.len());
    for (seq, line) in (proof.from..).zip(lines) {
        match proof.masked.get(&seq) {
            Some(hash) => leaves.push(unhex_hash(hash)?),
            None => {
                let says = canonical::check(line).ok()?.get("seq").and_then(Value::as_u64);
                if says != Some(seq) {
                    return None;
                }
                leaves.push(leaf_hash(line));
            }
        }
    }
    Some(leaves)
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if whole.is_empty() { Vec::new() } else { whole.split(|byte| *byte == b'\n').collect() }
}

fn fault(path: &str, kind: FaultKind, detail: &str) -> BundleFault {
    BundleFault { path: path.to_owned(), kind, detail: detail.to_owned() }
}

const fn name_of(kind: BundleKind) -> &'static str {
    match kind {
        BundleKind::AuditEvents => "audit/events.ndjson",
        BundleKind::Proofs => "audit/proofs.json",
        BundleKind::Keys => "audit/keys",
        BundleKind::SafetyTransitions => "state/transitions.ndjson",
        BundleKind::GateResults => "gates/results.ndjson",
        BundleKind::IntegrityReport => "integrity_report.json",
        BundleKind::ReplayPointers => "replay_pointers.json",
        BundleKind::Logs => "logs/sidecar.ndjson",
        BundleKind::Metrics => "metrics.prom",
        BundleKind::Policy => "policy.yaml",
        BundleKind::Incident => "incident.json",
    }
}

impl BundleKind {
    /// The path of the file of this kind.
    #[must_use]
    pub const fn path(self) -> &'static str {
        name_of(self)
    }
}

impl fmt::Display for BundleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Pass => {
                write!(f, "PASS {}: {} entries of {}, manifest {}", self.id, self.records, self.size, self.digest)?
            }
            Verdict::Fail | Verdict::Unknown => write!(f, "FAIL {}", self.id)?,
        }
        if self.masked > 0 {
            write!(f, "\n  {} entries are masked: that they were there is proved, what they said is not", self.masked)?;
        }
        for kind in &self.absent {
            write!(f, "\n  absent: {}", kind.path())?;
        }
        for BundleFault { path, kind, detail } in &self.faults {
            write!(f, "\n  {kind:?}: {path}: {detail}")?;
        }
        Ok(())
    }
}

/// Without these it is no bundle.
const NEEDED: [BundleKind; 7] = [
    BundleKind::AuditEvents,
    BundleKind::Proofs,
    BundleKind::SafetyTransitions,
    BundleKind::GateResults,
    BundleKind::IntegrityReport,
    BundleKind::ReplayPointers,
    BundleKind::Policy,
];
