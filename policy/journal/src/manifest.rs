//! What a full segment holds, and until when it has to be kept: signed when the segment is closed.
//!
//! The tree proves the entries; the manifest says of a segment what nobody should have to open it for, once it is sealed, in an archive,
//! or pruned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::canonical;
use crate::chain::KeyChain;
use crate::contract::{AuditEvent, VERSION};
use crate::key::SignerKey;
use crate::names::Retention;

/// A closed segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentManifest {
    /// The version of this form.
    pub v: u64,
    /// The journal's name.
    pub origin: String,
    /// The first entry.
    pub first: u64,
    /// The first entry behind it.
    pub end: u64,
    /// The length of the plain file.
    pub bytes: u64,
    /// SHA-256 of the plain file, in hex.
    pub sha256: String,
    /// The time of the first entry.
    pub since: String,
    /// The time of the last entry.
    pub until: String,
    /// The moment from which none of its entries has to be kept.
    pub keep_until: String,
    /// How many entries of each class of retention.
    pub classes: BTreeMap<Retention, u64>,
}

impl SegmentManifest {
    /// Of the segment of `origin` that begins at entry `first` and has this content; `None` if an entry in it is none.
    #[must_use]
    pub fn of(origin: &str, first: u64, content: &[u8]) -> Option<Self> {
        let mut manifest = Self {
            v: VERSION,
            origin: origin.to_owned(),
            first,
            end: first,
            bytes: content.len() as u64,
            sha256: crate::bundle::hex(&Sha256::digest(content)),
            since: String::new(),
            until: String::new(),
            keep_until: String::new(),
            classes: BTreeMap::new(),
        };
        for line in content.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
            let entry: AuditEvent = serde_json::from_slice(line).ok()?;
            if manifest.since.is_empty() {
                manifest.since.clone_from(&entry.timestamp);
            }
            let due = entry.retention.until(&entry.timestamp)?;
            // One way to write a moment, so they compare as texts.
            manifest.keep_until = manifest.keep_until.max(due);
            manifest.until = entry.timestamp;
            manifest.end += 1;
            *manifest.classes.entry(entry.retention).or_default() += 1;
        }
        Some(manifest)
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, signer: &SignerKey) -> String {
        let text = self.text();
        format!("{text}\n{}", signer.signature_line(&text))
    }

    /// Reads a note that one of the keys signed which may sign for the entries in it; `None` if it is none.
    #[must_use]
    pub fn open(note: &str, keys: &KeyChain) -> Option<Self> {
        let (text, line) = note.strip_suffix('\n')?.split_once("\n\n")?;
        let text = format!("{text}\n");
        let json = text.strip_prefix(HEADER)?.trim_start_matches('\n').trim_end();
        let manifest: Self = serde_json::from_str(json).ok()?;
        let signed = keys.signed_line(&text, line, manifest.end);
        (signed && manifest.text() == text && manifest.origin == keys.newest().name()).then_some(manifest)
    }

    /// Whether this is the content that it speaks of.
    #[must_use]
    pub fn fits(&self, content: &[u8]) -> bool {
        self.bytes == content.len() as u64 && self.sha256 == crate::bundle::hex(&Sha256::digest(content))
    }

    /// The text that is signed. Its first line can be no name of a journal, so it can never pass for a checkpoint.
    fn text(&self) -> String {
        let mut json = Vec::new();
        let value = serde_json::to_value(self).unwrap_or_default();
        // It holds strings and numbers that are counts of entries and bytes.
        let written = canonical::write(&value, &mut json);
        format!("{HEADER}\n{}\n", written.map(|()| String::from_utf8_lossy(&json).into_owned()).unwrap_or_default())
    }
}

impl Retention {
    /// How many years.
    #[must_use]
    pub const fn years(self) -> u32 {
        match self {
            Self::Y1 => 1,
            Self::Y2 => 2,
            Self::Y7 => 7,
        }
    }

    /// The moment until which what happened at `timestamp` is kept; `None` if that is no moment as records have it.
    ///
    /// The same day of another year: of the 29th of February that may be a day that is not, which compares rightly all the same.
    #[must_use]
    pub fn until(self, timestamp: &str) -> Option<String> {
        let (year, rest) = timestamp.split_at_checked(4)?;
        let year: u32 = year.parse().ok()?;
        rest.starts_with('-').then(|| format!("{:04}{rest}", year + self.years()))
    }
}

/// The path of the manifest of the segment whose first entry is `first`.
#[must_use]
pub fn manifest_path(first: u64) -> String {
    format!("{MANIFESTS}/{first:012}")
}

/// The directory of the manifests.
pub const MANIFESTS: &str = "manifests";

const HEADER: &str = "sekisho journal segment 1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Handover;
    use crate::event::Event;
    use crate::names::EventType;
    use crate::record::{Stamp, line};

    fn signer(n: u8) -> SignerKey {
        SignerKey::from_seed("j", &[n; 32]).unwrap()
    }

    /// Entries of a year, two and seven, in 2024, 2025 and 2023.
    fn content() -> Vec<u8> {
        let kinds = [EventType::Operation, EventType::Authentication, EventType::StateTightened];
        let walls = [1_705_314_600_123, 1_736_937_000_000, 1_673_778_600_000];
        let one = |((seq, kind), wall_ms): ((u64, EventType), u64)| {
            let stamp = Stamp { seq, wall_ms, mono_ns: 0, boot_id: "b".into(), engine: "e".into(), retention: None };
            [line(&Event::new(kind, "x"), &stamp).unwrap(), b"\n".to_vec()].concat()
        };
        (5..).zip(kinds).zip(walls).flat_map(one).collect()
    }

    #[test]
    fn it_says_what_is_in_a_segment_and_until_when_that_is_kept() {
        let manifest = SegmentManifest::of("j", 5, &content()).unwrap();
        assert_eq!((manifest.first, manifest.end, manifest.bytes), (5, 8, content().len() as u64));
        assert_eq!(manifest.since, "2024-01-15T10:30:00.123Z");
        assert_eq!(manifest.keep_until, "2030-01-15T10:30:00.000Z", "the longest of them");
        assert_eq!(manifest.classes.values().sum::<u64>(), 3);
        assert!(manifest.fits(&content()));
        let mut touched = content();
        touched[9] ^= 1;
        assert!(!manifest.fits(&touched));
        assert_eq!(SegmentManifest::of("j", 5, b"{}\n"), None);
        assert_eq!(Retention::Y1.until("2024-02-29T00:00:00.000Z").unwrap(), "2025-02-29T00:00:00.000Z");
        assert_eq!(Retention::Y1.until("tomorrow"), None);
    }

    #[test]
    fn it_is_believed_only_as_it_was_signed_by_a_key_that_may() {
        let manifest = SegmentManifest::of("j", 5, &content()).unwrap();
        let keys = KeyChain::of(signer(1).verifier());
        let note = manifest.sign(&signer(1));
        assert_eq!(SegmentManifest::open(&note, &keys), Some(manifest.clone()));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let touched = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(SegmentManifest::open(&touched, &keys), None, "byte {at}");
        }
        let mut handed_over = keys;
        handed_over.hand_over(Handover::sign(6, &signer(1), &signer(2)).unwrap()).unwrap();
        assert_eq!(SegmentManifest::open(&note, &handed_over), None, "the old key may not sign for entry 7");
        assert!(SegmentManifest::open(&manifest.sign(&signer(2)), &handed_over).is_some());
    }
}
