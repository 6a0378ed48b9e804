//! A clock for whatever must not be made young again: it counts suspend, and nobody can set it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine was started, sleep included.
#[must_use]
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    // INVARIANT: this clock begins at zero.
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Compares the wall clock with the machine's own.
#[derive(Debug)]
pub(super) struct Jumps {
    wall_ms: u64,
    boot: Duration,
}

impl Jumps {
    pub(super) const fn new(wall_ms: u64, boot: Duration) -> Self {
        Self { wall_ms, boot }
    }

    /// How far the wall clock has moved against the machine's since the last look, in milliseconds, if that is further than
    /// `most`.
    pub(super) fn look(&mut self, wall_ms: u64, boot: Duration, most: Duration) -> Option<i64> {
        let passed = i128::try_from(boot.saturating_sub(self.boot).as_millis()).unwrap_or(i128::MAX);
        let moved = i128::from(wall_ms) - i128::from(self.wall_ms) - passed;
        *self = Self::new(wall_ms, boot);
        (moved.unsigned_abs() > most.as_millis()).then(|| i64::try_from(moved).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Jumps, since_boot};

    #[test]
    fn a_jump_is_told_once_and_by_how_far() {
        let at = Duration::from_secs;
        let mut jumps = Jumps::new(1_000_000, at(5));
        let looks = [(1_001_000, 6), (1_001_900, 7), (9_002_900, 8), (9_003_900, 9), (4_900, 10), (3_605_900, 3611)];
        let told = looks.map(|(wall, boot)| jumps.look(wall, at(boot), at(2)));
        assert_eq!(told, [None, None, Some(8_000_000), None, Some(-9_000_000), None], "an hour asleep is no jump");
    }

    #[test]
    fn it_goes_on() {
        let first = since_boot();
        assert!(first > Duration::ZERO && since_boot() >= first);
    }
}
