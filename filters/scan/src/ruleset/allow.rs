//! Findings that may stay: under one name or of one value, and until a day.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{BuildError, Detector};
use crate::edit::Edit;
use crate::finding::Category;

/// A finding that may stay.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The detector's id.
    pub detector: String,
    /// Only under this name, without regard to case.
    pub field: Option<String>,
    /// Only the value with this fingerprint.
    pub fingerprint: Option<String>,
    /// The last day, in days since 1970.
    pub until: u32,
}

/// All of them, and which day it is.
#[derive(Debug)]
pub(crate) struct Allowed {
    entries: Vec<(usize, Allow)>,
    /// At first the end of time, when nothing may stay.
    day: AtomicU32,
}

impl Allowed {
    pub(super) fn new(allow: &[Allow], detectors: &[Detector], has: impl Fn(&str) -> bool) -> Result<Self, BuildError> {
        let mut entries = Vec::new();
        for one in allow {
            let found = detectors.iter().position(|detector| *detector.id == *one.detector);
            let Some(index) = found else {
                // one that is off finds nothing that could stay
                if has(&one.detector) {
                    continue;
                }
                return Err(BuildError::NoSuchDetector(one.detector.clone()));
            };
            let category = detectors.get(index).map(|detector| detector.category);
            if !matches!(category, Some(Category::KnownSecret | Category::Unscanned)) {
                entries.push((index, one.clone()));
            }
        }
        Ok(Self { entries, day: AtomicU32::new(u32::MAX) })
    }

    pub(super) fn set_day(&self, day: u32) {
        self.day.store(day, Ordering::Relaxed);
    }

    /// Whether what `edit` would change may stay.
    pub(crate) fn has(&self, edit: &Edit) -> bool {
        let day = self.day.load(Ordering::Relaxed);
        self.entries.iter().any(|(detector, allow)| {
            let field = allow.field.as_deref();
            let named = |name: &str| edit.field.as_deref().is_some_and(|field| field.eq_ignore_ascii_case(name));
            *detector == edit.detector
                && day <= allow.until
                && field.is_none_or(named)
                && allow.fingerprint.as_deref().is_none_or(|print| !print.is_empty() && print == edit.tag())
        })
    }
}
