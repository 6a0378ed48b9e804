//! How much memory the process uses, told to those who shed work when it runs out.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sekisho_filters::limits::Pressure;
use sekisho_policy::Policy;

/// Measures against what policy in force allows, without end.
pub async fn watch(in_force: Arc<ArcSwap<Policy>>, pressure: Pressure, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Where the system does not tell, nothing is shed: what runs out then is told by its kernel.
        let used = resident().unwrap_or(0);
        pressure.tell(percent(used, in_force.load().limits.memory_bytes));
    }
}

/// Bytes of the process that are in memory.
#[must_use]
pub fn resident() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/self/status").ok()?;
    // `VmRSS:      9720 kB` (proc(5)).
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn percent(used: u64, all: u64) -> u32 {
    let percent = u128::from(used).saturating_mul(100) / u128::from(all.max(1));
    u32::try_from(percent).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{percent, resident};

    #[test]
    fn this_process_is_in_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 100_000), "{:?}", resident());
    }

    #[test]
    fn a_part_is_told_in_per_cent() {
        assert_eq!([percent(0, 5), percent(4, 5), percent(5, 5), percent(11, 5)], [0, 80, 100, 220]);
        assert_eq!(percent(u64::MAX, 0), u32::MAX);
    }
}
