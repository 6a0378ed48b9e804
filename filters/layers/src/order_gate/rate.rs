use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sekisho_policy::Rate;

/// Counts what happens in a window, in slices of it. What is in the oldest slice counts until all of it is out: a bound is kept, and
/// may be kept a little longer.
#[derive(Debug)]
pub(super) struct Counted {
    rate: Rate,
    slices: Mutex<Slices>,
}

#[derive(Debug)]
struct Slices {
    counts: [u32; SLICES],
    /// Which slice since `start` the newest one is.
    newest: u64,
    start: Instant,
    /// The share of the bound that was told last, in percent.
    told: u8,
}

/// What became of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It is within the bound.
    Within,
    /// It is within the bound, and the first that takes the count over this share of it, in percent.
    Nears(u8),
    /// There was no room; it was not counted.
    None,
}

impl Counted {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        let slices = Slices { counts: [0; SLICES], newest: 0, start: now, told: 0 };
        Self { rate, slices: Mutex::new(slices) }
    }

    /// Counts `number` more, if there is room for all of them.
    pub(super) fn count(&self, number: u32, now: Instant) -> Room {
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        slices.turn(self.rate.window, now);
        let total = slices.counts.iter().fold(number, |sum, count| sum.saturating_add(*count));
        if total > self.rate.count {
            return Room::None;
        }
        if let Some(count) = slices.counts.first_mut() {
            *count = count.saturating_add(number);
        }
        let share = u64::from(total) * 100 / u64::from(self.rate.count);
        let level = SHARES.into_iter().rev().find(|level| share >= u64::from(*level)).unwrap_or(0);
        let rises = level > slices.told;
        slices.told = level;
        if rises { Room::Nears(level) } else { Room::Within }
    }
}

impl Slices {
    /// Makes the first slice the one of `now`.
    fn turn(&mut self, window: Duration, now: Instant) {
        let slice = (window / SLICES_U32).max(Duration::from_millis(1));
        let at = now.saturating_duration_since(self.start).as_millis() / slice.as_millis();
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let by = usize::try_from(at.saturating_sub(self.newest)).unwrap_or(usize::MAX).min(SLICES);
        self.counts.rotate_right(by % SLICES);
        self.counts.iter_mut().take(by).for_each(|count| *count = 0);
        self.newest = self.newest.max(at);
    }
}

/// One more than a window has, so that a whole window is always looked at.
const SLICES: usize = 11;
const SLICES_U32: u32 = 10;

/// Shares of a bound that are told of, in percent.
const SHARES: [u8; 3] = [50, 75, 90];

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use sekisho_policy::Rate;

    use super::{Counted, Room};

    #[test]
    fn shares_are_told_once_as_they_rise_and_again_after_they_fell() {
        let start = Instant::now();
        let counted = Counted::new(Rate { count: 10, window: Duration::from_secs(10) }, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        let room: Vec<_> = (0..11).map(|_| counted.count(1, start)).collect();
        let nears = [(4, 50), (7, 75), (8, 90)];
        for (at, room) in room.iter().enumerate() {
            let expected = nears.iter().find(|(place, _)| *place == at).map(|(_, share)| Room::Nears(*share));
            let expected = expected.unwrap_or(if at == 10 { Room::None } else { Room::Within });
            assert_eq!(*room, expected, "{at}");
        }
        assert_eq!(counted.count(1, after(9)), Room::None);
        assert_eq!(counted.count(1, after(11)), Room::Within);
        assert_eq!(counted.count(4, after(11)), Room::Nears(50));
        assert_eq!(counted.count(6, after(12)), Room::None, "all or none");
        assert_eq!(counted.count(5, after(12)), Room::Nears(90));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_bound(
            steps in prop::collection::vec((0_u64..3000, 1_u32..4), 1..200), count in 1_u32..20,
        ) {
            let window = Duration::from_secs(2);
            let start = Instant::now();
            let counted = Counted::new(Rate { count, window }, start);
            let (mut now, mut passed) = (start, Vec::new());
            for (wait, number) in steps {
                now += Duration::from_millis(wait);
                if counted.count(number, now) != Room::None {
                    passed.push((now, number));
                }
                let within = passed.iter().filter(|(at, _)| now.duration_since(*at) < window);
                prop_assert!(within.map(|(_, number)| number).sum::<u32>() <= count);
            }
        }
    }
}
