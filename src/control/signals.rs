//! Signals: events that, when there are too many of them, tighten by policy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::{Signal, Signals as SignalPolicy};
use sekisho_safety::{Cause, Name, Source};
use tokio::sync::mpsc;

use super::Safety;
use super::safety::{now_ms, words};
use crate::evidence::Journal;

/// The signals of this process. Telling one never blocks.
#[derive(Debug)]
pub struct Signals {
    auth_failures: Option<Counter>,
    secret_leak: Option<Counter>,
    raised: mpsc::Sender<Raised>,
}

#[derive(Debug)]
struct Counter {
    name: Name,
    signal: Signal,
    recent: Mutex<VecDeque<Instant>>,
}

/// A signal that went over its threshold.
#[derive(Debug)]
pub struct Raised {
    name: Name,
    signal: Signal,
}

impl Signals {
    /// Counts by `policy`; what is raised comes out of the receiver, for [`contain`].
    #[must_use]
    pub fn new(policy: &SignalPolicy) -> (Self, mpsc::Receiver<Raised>) {
        // More than one of a kind under way would ask for the same again.
        let (raised, receiver) = mpsc::channel(QUEUE);
        let counter = |name: &str, signal: &Option<Signal>| {
            let (name, signal) = (name.parse().ok()?, signal.clone()?);
            Some(Counter { name, signal, recent: Mutex::default() })
        };
        let auth_failures = counter("auth_failures", &policy.auth_failures);
        let secret_leak = counter("secret_leak", &policy.secret_leak);
        (Self { auth_failures, secret_leak, raised }, receiver)
    }

    /// Somebody failed to prove who they are.
    pub fn auth_failure(&self, now: Instant) {
        self.tell(self.auth_failures.as_ref(), now);
    }

    /// A secret was found in what was about to leave.
    pub fn secret(&self, now: Instant) {
        self.tell(self.secret_leak.as_ref(), now);
    }

    fn tell(&self, counter: Option<&Counter>, now: Instant) {
        let Some(counter) = counter else { return };
        if counter.is_over(now) {
            let raised = Raised { name: counter.name.clone(), signal: counter.signal.clone() };
            // Full means that the same is already on its way.
            let _same = self.raised.try_send(raised);
        }
    }
}

impl Counter {
    fn is_over(&self, now: Instant) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let window = self.signal.window;
        while recent.front().is_some_and(|first| now.saturating_duration_since(*first) > window) {
            recent.pop_front();
        }
        recent.push_back(now);
        let over = recent.len() >= usize::try_from(self.signal.count).unwrap_or(usize::MAX);
        if over {
            // Counted anew, so that a flood raises once a threshold and not once an event.
            recent.clear();
        }
        over
    }
}

/// Tightens for every signal that is raised, until nobody can raise one any more.
pub async fn contain(mut raised: mpsc::Receiver<Raised>, safety: Arc<Safety>, journal: Journal) {
    while let Some(Raised { name, signal }) = raised.recv().await {
        let reason = format!("{} within {:?}", signal.count, signal.window);
        let cause =
            Cause { source: Source::Signal(name.clone()), actor: "sekisho".to_owned(), reason, at_ms: now_ms() };
        let alert = Event::new(EventType::SecurityAlertRaised, name.to_string())
            .with_severity(Severity::High)
            .with_input("threshold", u64::from(signal.count))
            .with_output("level", words(signal.level));
        journal.record(alert);
        let acknowledged = safety.tighten(signal.scope.clone(), signal.level, cause).await;
        let applied = Event::new(EventType::SecurityContainmentApplied, name.to_string())
            .with_severity(Severity::High)
            .with_input("scope", signal.scope.to_string())
            .with_output("changed", acknowledged.change.changed())
            .with_output("durable", acknowledged.durable);
        journal.record(applied);
    }
}

const QUEUE: usize = 4;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use sekisho_policy::{Signal, Signals as SignalPolicy};
    use sekisho_safety::{Level, Scope, Switch};

    use super::Signals;

    #[test]
    fn a_spike_raises_once_and_a_trickle_never() {
        let signal = Signal {
            count: 3,
            window: Duration::from_secs(10),
            level: Level::switch(Switch::CloseOnly),
            scope: Scope::Fleet,
        };
        let (signals, mut raised) = Signals::new(&SignalPolicy { auth_failures: Some(signal), secret_leak: None });
        let start = Instant::now();
        for second in [0, 6, 12, 18, 24] {
            signals.auth_failure(start + Duration::from_secs(second));
            signals.secret(start + Duration::from_secs(second));
        }
        assert!(raised.try_recv().is_err(), "two in ten seconds are not three");
        for _ in 0..3 {
            signals.auth_failure(start + Duration::from_secs(60));
        }
        assert_eq!(raised.try_recv().unwrap().name.to_string(), "auth_failures");
        assert!(raised.try_recv().is_err(), "once");
    }
}
