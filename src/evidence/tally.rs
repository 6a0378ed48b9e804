//! A flood of records alike becomes the first of them and a count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::quality::RandomState;
use sekisho_journal::{Event, EventType, Outcome, Severity};

use super::network::Network;

/// What records alike have in common. Cheap to make: a flood makes one for each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// What kind of thing happened.
    pub event_type: EventType,
    /// How much it matters.
    pub severity: Severity,
    /// The verb.
    pub action: Cow<'static, str>,
    /// How it ended.
    pub result: Outcome,
    /// Who, if known: the name of a principal or of a key.
    pub user: Option<Arc<str>>,
    /// From where.
    pub network: Option<Network>,
    /// On which route, as policy names it.
    pub route: Option<Arc<str>>,
    /// What else tells the kinds apart: a name and a word.
    pub details: [Option<(&'static str, &'static str)>; 2],
}

impl Kind {
    /// An event of this kind, with nothing said that differs from one to the next.
    #[must_use]
    pub fn event(&self) -> Event {
        let mut event =
            Event::new(self.event_type, self.action.as_ref()).with_severity(self.severity).with_result(self.result);
        if let Some(user) = &self.user {
            event = event.with_user(&**user);
        }
        if let Some(network) = self.network {
            event = event.with_source_ip(network.to_string());
        }
        if let Some(route) = &self.route {
            event = event.with_input("route", &**route);
        }
        for (name, word) in self.details.into_iter().flatten() {
            event = event.with_input(name, word);
        }
        event
    }

    /// What is left to tell apart when there are too many kinds.
    fn coarse(self) -> Self {
        let action = Cow::Borrowed(MANY);
        Self { action, user: None, network: None, route: None, details: [None; 2], ..self }
    }
}

/// Counts records alike within a window. The first of a kind is written at once; the sum of the rest when its window ends.
#[derive(Debug)]
pub(super) struct Tally {
    window: Duration,
    most: usize,
    kinds: HashMap<Kind, Count, RandomState>,
}

#[derive(Debug)]
struct Count {
    ends: Instant,
    more: u64,
}

impl Tally {
    /// Tells at most `most` kinds apart; what is beyond is counted by type, severity and result alone.
    pub(super) fn new(window: Duration, most: usize) -> Self {
        Self { window, most, kinds: HashMap::default() }
    }

    /// Whether this one is to be written itself; if not, it has been counted. The time is asked for where a window begins.
    pub(super) fn admit(&mut self, kind: &Kind, weight: u64, now: impl FnOnce() -> Instant) -> bool {
        if self.window.is_zero() {
            return true;
        }
        if let Some(count) = self.kinds.get_mut(kind) {
            count.more += weight;
            return false;
        }
        let kind = if self.kinds.len() < self.most { kind.clone() } else { kind.clone().coarse() };
        let ends = now() + self.window;
        let mut first = false;
        let count = self.kinds.entry(kind).or_insert_with(|| {
            first = true;
            Count { ends, more: 0 }
        });
        if !first {
            count.more += weight;
        }
        first
    }

    /// When the next window ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.kinds.values().map(|count| count.ends).min()
    }

    /// The sums of the windows that have ended.
    pub(super) fn ended(&mut self, now: Instant) -> Vec<Event> {
        sums(self.kinds.extract_if(|_, count| count.ends <= now))
    }

    /// The sums of all windows, which end here.
    pub(super) fn drain(&mut self) -> Vec<Event> {
        sums(self.kinds.drain())
    }
}

fn sums(ended: impl Iterator<Item = (Kind, Count)>) -> Vec<Event> {
    let more = ended.filter(|(_, count)| count.more > 0);
    more.map(|(kind, count)| kind.event().with_count(count.more).with_input("aggregated", true)).collect()
}

/// The action of a sum over several actions.
const MANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(route: &str) -> Kind {
        Kind {
            event_type: EventType::SecurityAccessDenied,
            severity: Severity::Low,
            action: "order_refused".into(),
            result: Outcome::Refused,
            user: None,
            network: None,
            route: Some(route.into()),
            details: [Some(("class", "opening")), None],
        }
    }

    #[test]
    fn the_first_is_written_and_the_rest_are_summed_at_the_end_of_the_window() {
        let start = Instant::now();
        let mut tally = Tally::new(Duration::from_secs(10), 4);
        assert!(tally.admit(&refusal("a"), 1, || start));
        for _ in 0..99 {
            assert!(!tally.admit(&refusal("a"), 1, || start));
        }
        assert!(tally.admit(&refusal("b"), 1, || start), "another route is another kind");
        assert!(tally.ended(start + Duration::from_secs(9)).is_empty());
        assert_eq!(tally.next_end(), Some(start + Duration::from_secs(10)));
        let sums = tally.ended(start + Duration::from_secs(10));
        assert_eq!(sums.len(), 1, "a window with nothing to add is silent");
        assert_eq!(sums[0].count, Some(99));
        assert_eq!((&sums[0].inputs["route"], &sums[0].inputs["class"]), (&"a".into(), &"opening".into()));
        assert!(tally.admit(&refusal("a"), 1, || start), "a new window begins");
    }

    #[test]
    fn the_kinds_are_bounded_and_nothing_is_lost() {
        let now = Instant::now();
        let mut tally = Tally::new(Duration::from_secs(10), 4);
        let written = (0..1000).filter(|n| tally.admit(&refusal(&n.to_string()), 1, || now)).count();
        assert_eq!(written, 5);
        assert_eq!(tally.kinds.len(), 5);
        let sums = tally.drain();
        assert_eq!(sums.len(), 1);
        assert_eq!((sums[0].count, sums[0].action.as_str()), (Some(995), "*"));
    }
}
