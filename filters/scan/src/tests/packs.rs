//! Every example of every pack is found and wholly masked; every counter-example survives.

use serde::Deserialize;

use super::expand::{Dice, example, expand};
use super::*;

#[derive(Deserialize)]
struct Pack {
    detectors: Vec<Detector>,
}

#[derive(Default, Deserialize)]
pub(super) struct Detector {
    pub(super) id: String,
    #[serde(default)]
    pub(super) examples: Vec<String>,
    #[serde(default)]
    counter: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    /// Words that must stand near: its examples mean nothing without them.
    #[serde(default)]
    pub(super) near: Vec<String>,
}

impl Detector {
    /// Whether a piece of the secret, its kept prefix aside, still stands in `shown`.
    pub(super) fn leaks(&self, secret: &str, shown: &[u8]) -> bool {
        self.leaks_as(secret, shown, str::to_owned)
    }

    /// As [`Self::leaks`], where `escape` was done to the secret.
    pub(super) fn leaks_as(&self, secret: &str, shown: &[u8], escape: fn(&str) -> String) -> bool {
        let kept = self.keep.iter().find_map(|keep| secret.strip_prefix(keep.as_str()));
        let secret = escape(kept.unwrap_or(secret));
        let secret = secret.as_bytes();
        secret.windows(8.min(secret.len())).any(|piece| memchr::memmem::find(shown, piece).is_some())
    }
}

pub(super) fn detectors() -> Vec<Detector> {
    ruleset::pack::EMBEDDED
        .iter()
        .flat_map(|(_, yaml)| serde_saphyr::from_str::<Pack>(yaml).unwrap().detectors)
        .collect()
}

#[test]
fn every_example_is_found_and_wholly_masked() {
    let rules = all();
    let mut dice = Dice(1);
    let mut faults = Vec::new();
    for detector in detectors() {
        assert!(!detector.examples.is_empty(), "{} has no example", detector.id);
        for template in detector.examples.iter().flat_map(|template| [template; 5]) {
            let (text, secrets) = example(template, &mut dice);
            let redacted = redact(&rules, Shape::Text, text.as_bytes());
            if !redacted.findings.iter().any(|finding| *finding.detector == *detector.id) {
                faults.push(format!("{}: not found in {text:?}: {:?}", detector.id, redacted.findings));
            }
            let leaking = secrets.iter().filter(|secret| detector.leaks(secret, &redacted.bytes));
            faults.extend(leaking.map(|_| format!("{}: {text:?} leaks in {redacted:?}", detector.id)));
        }
    }
    assert!(faults.is_empty(), "{}\n{} faults", faults.join("\n"), faults.len());
}

#[test]
fn every_counter_example_survives() {
    let rules = all();
    let mut dice = Dice(2);
    for detector in detectors() {
        for template in &detector.counter {
            let text = expand(template, &mut dice);
            let redacted = redact(&rules, Shape::Text, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&redacted.bytes), text, "{}: {:?}", detector.id, redacted.findings);
        }
    }
}

#[test]
fn there_are_enough_detectors_and_no_two_of_a_name() {
    let mut ids: Vec<String> = detectors().into_iter().map(|detector| detector.id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(count >= 40, "{count}");
}
