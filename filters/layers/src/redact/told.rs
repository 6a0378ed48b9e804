use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderName, HeaderValue};
use sekisho_scan::{Action, Finding, Ruleset, Shape, redact};

use super::leaves::Dropped;

/// What was found in one request, kept until it is answered: the emitter is told, so that a leak can be mended where it is.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whether there is anything: most requests have nothing, and should not pay for a lock.
    any: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Detector and field.
    found: BTreeSet<(Arc<str>, String)>,
    /// How many secrets were masked.
    pub(super) masked: u64,
    /// How many records were left out.
    pub(super) rejected: u64,
    /// The first of them, with how they began.
    pub(super) dropped: Vec<Dropped>,
}

impl Told {
    pub(super) fn found(&self, findings: &[Finding]) {
        let mut inner = self.lock();
        for finding in findings {
            inner.masked += u64::from(finding.action != Action::Alert);
            if inner.found.len() < MOST {
                inner.found.insert((Arc::clone(&finding.detector), finding.field.clone().unwrap_or_default()));
            }
        }
    }

    pub(super) fn dropped(&self, dropped: Vec<Dropped>) {
        if dropped.is_empty() {
            return;
        }
        let mut inner = self.lock();
        inner.rejected += dropped.len() as u64;
        let room = MOST_DROPPED.saturating_sub(inner.dropped.len());
        inner.dropped.extend(dropped.into_iter().take(room));
    }

    /// What there is; none if there is nothing.
    pub(super) fn take(&self) -> Option<Inner> {
        self.any.load(Ordering::Acquire).then(|| std::mem::take(&mut *self.lock()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.any.store(true, Ordering::Release);
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Each detector with the field it found something in, never the value: `github-token;field="attributes.note"`. A field may be
    /// called by what it should not be, so what is said passes the scanner as well.
    pub(super) fn header(&self, rules: &Arc<Ruleset>) -> Option<HeaderValue> {
        let one = |(detector, field): &(Arc<str>, String)| {
            let field: String = field.chars().map(plain).take(LONGEST_FIELD).collect();
            if field.is_empty() { detector.to_string() } else { format!("{detector};field=\"{field}\"") }
        };
        let all: Vec<String> = self.found.iter().map(one).collect();
        let said = all.join(", ");
        let clean = redact(rules, Shape::Text, said.as_bytes());
        (!said.is_empty()).then(|| HeaderValue::from_bytes(&clean.bytes).ok()).flatten()
    }
}

const fn plain(letter: char) -> char {
    match letter {
        '"' | '\\' => '?',
        ' '..='~' => letter,
        _ => '?',
    }
}

pub(super) const FOUND: HeaderName = HeaderName::from_static("sekisho-found");

/// Kinds that one answer names.
const MOST: usize = 8;
const LONGEST_FIELD: usize = 120;
/// More records than a receiver's answer is mended for.
const MOST_DROPPED: usize = 10_000;

#[cfg(test)]
mod tests {
    use sekisho_scan::{Category, Confidence, Severity};

    use super::*;

    fn finding(detector: &str, field: Option<&str>) -> Finding {
        Finding {
            detector: detector.into(),
            category: Category::Credential,
            severity: Severity::High,
            action: Action::Mask,
            field: field.map(str::to_owned),
            offset: 0,
            length: 1,
            fingerprint: String::new(),
            confidence: Confidence::High,
        }
    }

    #[test]
    fn detectors_and_fields_are_named_and_nothing_else() {
        let rules = Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap());
        let told = Told::default();
        assert!(told.take().is_none());
        let token = format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
        told.found(&[
            finding("a-token", Some("x.\"y\"\n\u{e9}")),
            finding("a-token", None),
            finding("b", Some(&token)),
        ]);
        told.found(&(0..20).map(|n| finding("c", Some(&n.to_string()))).collect::<Vec<_>>());
        let said = told.take().unwrap().header(&rules).unwrap();
        let said = said.to_str().unwrap();
        assert!(said.starts_with("a-token, a-token;field=\"x.?y???\", b;field=\"gh"), "{said}");
        assert!(!said.contains(&token), "{said}");
        assert_eq!(said.split(", ").count(), MOST);
    }
}
