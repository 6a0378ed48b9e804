//! A flood of records alike becomes the first of them and a count.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sekisho_journal::{Event, EventType, Outcome, Severity};

/// Counts records alike within a window. The first of a kind passes at once; the sum of the rest when its window ends.
///
/// Only what traffic can cause is counted. A change of state or of policy, an incident, a containment are each a record
/// of their own, however many there are.
#[derive(Debug)]
pub(super) struct Aggregate {
    window: Duration,
    most: usize,
    kinds: HashMap<Kind, Count>,
}

impl Aggregate {
    /// Tells at most `most` kinds apart; what is beyond is counted by type and result alone.
    pub(super) fn new(window: Duration, most: usize) -> Self {
        Self { window, most, kinds: HashMap::new() }
    }

    /// The event itself if it is to be written now; `None` if it was counted.
    pub(super) fn admit(&mut self, event: Event, now: Instant) -> Option<Event> {
        if self.window.is_zero() || !may_flood(event.event_type) {
            return Some(event);
        }
        let mut kind = Kind::of(&event);
        if !self.kinds.contains_key(&kind) && self.kinds.len() >= self.most {
            kind = kind.coarse();
        }
        if let Some(count) = self.kinds.get_mut(&kind) {
            count.more += event.count.unwrap_or(1);
            count.severity = count.severity.max(event.severity);
            return None;
        }
        let first = Count { ends: now + self.window, more: 0, severity: event.severity };
        self.kinds.insert(kind, first);
        Some(event)
    }

    /// When the next window ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.kinds.values().map(|count| count.ends).min()
    }

    /// The sums of the windows that have ended.
    pub(super) fn ended(&mut self, now: Instant) -> Vec<Event> {
        let ended = self.kinds.extract_if(|_, count| count.ends <= now);
        ended.filter_map(|(kind, count)| kind.sum(&count)).collect()
    }

    /// The sums of all windows, which end here.
    pub(super) fn drain(&mut self) -> Vec<Event> {
        self.kinds.drain().filter_map(|(kind, count)| kind.sum(&count)).collect()
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    event_type: EventType,
    result: Outcome,
    action: String,
    user: Option<String>,
    source_ip: Option<String>,
}

#[derive(Debug)]
struct Count {
    ends: Instant,
    more: u64,
    severity: Severity,
}

impl Kind {
    fn of(event: &Event) -> Self {
        Self {
            event_type: event.event_type,
            result: event.result,
            action: event.action.clone(),
            user: event.user.clone(),
            source_ip: event.source_ip.clone(),
        }
    }

    fn coarse(&self) -> Self {
        Self { event_type: self.event_type, result: self.result, action: MANY.to_owned(), user: None, source_ip: None }
    }

    fn sum(self, count: &Count) -> Option<Event> {
        if count.more == 0 {
            return None;
        }
        let mut event = Event::new(self.event_type, self.action)
            .with_severity(count.severity)
            .with_result(self.result)
            .with_count(count.more)
            .with_input("aggregated", true);
        event.user = self.user;
        event.source_ip = self.source_ip;
        Some(event)
    }
}

const fn may_flood(event_type: EventType) -> bool {
    match event_type {
        EventType::SecurityAlertRaised
        | EventType::SecuritySecretGuardTriggered
        | EventType::SecurityAccessDenied
        | EventType::GateRecord
        | EventType::Authentication
        | EventType::Operation => true,
        EventType::SecurityContainmentApplied
        | EventType::SecurityIncidentOpened
        | EventType::SecurityIncidentClosed
        | EventType::SupportBundleCreated
        | EventType::IntegrityRecord
        | EventType::ConfigChanged
        | EventType::StateTightened
        | EventType::StateReleaseProposed
        | EventType::StateReleased
        | EventType::Heartbeat
        | EventType::Gap => false,
    }
}

/// The action of a sum over several actions.
const MANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(user: &str) -> Event {
        Event::new(EventType::SecurityAccessDenied, "order.refused").with_user(user).with_result(Outcome::Refused)
    }

    #[test]
    fn the_first_passes_and_the_rest_are_summed_at_the_end_of_the_window() {
        let start = Instant::now();
        let mut counter = Aggregate::new(Duration::from_secs(10), 4);
        assert!(counter.admit(refusal("a"), start).is_some());
        for _ in 0..99 {
            assert!(counter.admit(refusal("a"), start).is_none());
        }
        assert!(counter.admit(refusal("b"), start).is_some(), "another user is another kind");
        assert!(counter.ended(start + Duration::from_secs(9)).is_empty());
        assert_eq!(counter.next_end(), Some(start + Duration::from_secs(10)));
        let sums = counter.ended(start + Duration::from_secs(10));
        assert_eq!(sums.len(), 1, "a window with nothing to add is silent");
        assert_eq!((sums[0].count, sums[0].user.as_deref()), (Some(99), Some("a")));
        assert!(counter.admit(refusal("a"), start).is_some(), "a new window begins");
    }

    #[test]
    fn the_kinds_are_bounded_and_nothing_is_lost() {
        let now = Instant::now();
        let mut counter = Aggregate::new(Duration::from_secs(10), 4);
        let written = (0..1000).filter_map(|n| counter.admit(refusal(&n.to_string()), now)).count();
        assert_eq!(written, 5);
        assert_eq!(counter.kinds.len(), 5);
        let sums = counter.drain();
        assert_eq!(sums.len(), 1);
        assert_eq!((sums[0].count, sums[0].action.as_str()), (Some(995), "*"));
    }

    #[test]
    fn a_change_of_state_is_never_counted_away() {
        let now = Instant::now();
        let mut counter = Aggregate::new(Duration::from_secs(10), 4);
        for event_type in EventType::ALL {
            assert!(counter.admit(Event::new(event_type, "x"), now).is_some());
            let again = counter.admit(Event::new(event_type, "x"), now);
            assert_eq!(again.is_none(), may_flood(event_type), "{event_type}");
        }
    }
}
