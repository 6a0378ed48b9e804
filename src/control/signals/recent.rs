//! Repeated evidence: so many within a window, of one subject.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sekisho_policy::Signal;

/// Counts what happened of late, subject by subject: a route, a key, a disk.
#[derive(Debug)]
pub struct Recent {
    signal: Signal,
    by_subject: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl Recent {
    /// Counts by `signal`.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self { signal, by_subject: Mutex::default() }
    }

    /// What it counts by.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Counts one of `subject`, and calls `raise` when that is one too many, with the subject if it was told apart. Where it
    /// could not be raised, the next one raises it.
    pub fn tell(&self, subject: &str, now: Instant, raise: impl FnOnce(Option<&str>, String) -> bool) {
        let mut by_subject = self.by_subject.lock().unwrap_or_else(PoisonError::into_inner);
        if by_subject.len() >= SUBJECTS && !by_subject.contains_key(subject) {
            by_subject.retain(|_, times| {
                times.back().is_some_and(|last| now.saturating_duration_since(*last) <= self.signal.window)
            });
        }
        let subject = if by_subject.len() < SUBJECTS || by_subject.contains_key(subject) { subject } else { OTHERS };
        let times = by_subject.entry(subject.to_owned()).or_default();
        while times.front().is_some_and(|first| now.saturating_duration_since(*first) > self.signal.window) {
            times.pop_front();
        }
        let most = usize::try_from(self.signal.count).unwrap_or(usize::MAX);
        if times.len() < most {
            times.push_back(now);
        }
        let apart = (subject != OTHERS).then_some(subject);
        if times.len() >= most && raise(apart, format!("{subject}: {most} within {:?}", self.signal.window)) {
            times.clear();
        }
    }
}

/// Most subjects told apart; the rest are counted together.
const SUBJECTS: usize = 256;
const OTHERS: &str = "others";

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::auth::tests::signal;
    use super::{Recent, SUBJECTS};

    fn told(recent: &Recent, subject: &str, at: Instant) -> Option<String> {
        let mut told = None;
        recent.tell(subject, at, |_subject, reason| {
            told = Some(reason);
            true
        });
        told
    }

    #[test]
    fn a_burst_raises_once_a_trickle_never_and_subjects_are_apart() {
        let (recent, start) = (Recent::new(signal(3)), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        assert!(
            [0, 6, 12, 18, 24].iter().all(|second| told(&recent, "a", at(*second)).is_none()),
            "two in ten seconds"
        );
        assert!(told(&recent, "b", at(25)).is_none());
        assert!(told(&recent, "b", at(25)).is_none(), "none of them is of a");
        assert_eq!(told(&recent, "b", at(25)).unwrap(), "b: 3 within 10s");
        assert!(told(&recent, "b", at(25)).is_none(), "once");
    }

    #[test]
    fn what_could_not_be_raised_is_raised_by_the_next() {
        let (recent, now) = (Recent::new(signal(2)), Instant::now());
        recent.tell("a", now, |_, _| true);
        recent.tell("a", now, |_, _full| false);
        assert!(told(&recent, "a", now).is_some());
    }

    #[test]
    fn subjects_are_bounded_and_the_rest_count_together() {
        let (recent, now) = (Recent::new(signal(3)), Instant::now());
        let raised = (0..SUBJECTS + 3).filter(|n| told(&recent, &n.to_string(), now).is_some()).count();
        assert_eq!((raised, recent.by_subject.lock().unwrap().len()), (1, SUBJECTS + 1));
    }
}
