use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use sekisho_scan::Category;
use serde::{Deserialize, Serialize};

use super::report::Report;

/// Findings that are known already: they are counted, and told no more. Without a key they have no fingerprint, and what tells one from
/// another is file, detector and field; so many of a kind as there were are passed over, and one more is told.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Known {
    #[serde(flatten)]
    kind: Kind,
    count: usize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Kind {
    path: String,
    detector: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    fingerprint: String,
}

impl Baseline {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let baseline: Self = serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)?;
        if baseline.version != VERSION {
            return Err(io::Error::other("expected `\"version\": 1`: write it anew with --write-baseline"));
        }
        Ok(baseline)
    }

    /// Of what was found. A known secret is never passed over, so it is not in it.
    pub(super) fn of(report: &Report) -> Self {
        let mut counts = BTreeMap::new();
        for kind in report.found.iter().filter_map(Kind::of) {
            let count: &mut usize = counts.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
        let findings = counts.into_iter().map(|(kind, count)| Known { kind, count }).collect();
        Self { version: VERSION, findings }
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        std::fs::write(path, text)
    }

    /// Takes what is known out of `report`, which counts it.
    pub(super) fn pass_over(self, report: &mut Report) {
        let mut left: BTreeMap<Kind, usize> =
            self.findings.into_iter().map(|known| (known.kind, known.count)).collect();
        let before = report.found.len();
        report.found.retain(|found| {
            let Some(kind) = Kind::of(found) else {
                return true;
            };
            match left.get_mut(&kind) {
                Some(count) if *count > 0 => {
                    *count = count.saturating_sub(1);
                    false
                }
                Some(_) | None => true,
            }
        });
        report.known = before.saturating_sub(report.found.len());
    }
}

impl Kind {
    fn of((path, found): &(String, super::file::Found)) -> Option<Self> {
        let finding = &found.finding;
        (finding.category != Category::KnownSecret).then(|| Self {
            path: path.clone(),
            detector: finding.detector.to_string(),
            field: finding.field.clone(),
            fingerprint: finding.fingerprint.clone(),
        })
    }
}

const VERSION: u32 = 1;
