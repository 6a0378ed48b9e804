//! What a value must show beside its shape and its name: a checksum, entropy, words near it.

use super::plain::entropy;
use crate::finding::Confidence;
use crate::judge::Judge;
use crate::validate;
use crate::view::View;

impl Judge<'_> {
    /// How sure the label of `detector` is for the value in `span`; none if the detector asks for more than it shows.
    pub(super) fn proven(&self, view: &View<'_>, span: (usize, usize), detector: usize) -> Option<Confidence> {
        let detector = self.rules.detector(detector)?;
        let proof = &detector.proof;
        let value = view.slice(span.0, span.1);
        let passes = detector.check.map(|check| validate::passes(check, value));
        if proof.checked && passes == Some(false) || entropy(value) < proof.entropy {
            return None;
        }
        if !proof.unless.is_empty() && holds(view.slice(span.0.saturating_sub(BEFORE), span.0), &proof.unless) {
            return None;
        }
        if !proof.near.is_empty() && !near(view, span, &proof.near) {
            return None;
        }
        Some(match passes {
            Some(true) => Confidence::High,
            Some(false) => Confidence::Low,
            None => Confidence::Medium,
        })
    }
}

/// Whether one of `words` stands in the bytes around `span`.
fn near(view: &View<'_>, span: (usize, usize), words: &[String]) -> bool {
    if holds(view.slice(span.0.saturating_sub(AROUND), span.0), words) {
        return true;
    }
    let end = view.until(span.1, AROUND, |_| false);
    holds(view.slice(span.1, end), words)
}

fn holds(text: &[u8], words: &[String]) -> bool {
    let lower = text.to_ascii_lowercase();
    words.iter().any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
}

/// A context word is about the value when it stands no further from it, in bytes.
const AROUND: usize = 192;
const BEFORE: usize = 48;
