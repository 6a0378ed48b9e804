//! The clocks of a record: the wall's, which may jump, and the machine's, which may not.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When something was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall_ms: u64,
    pub(super) mono_ns: u64,
}

/// Both clocks, and the name of the run the second belongs to.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    up: Duration,
    pub(super) boot_id: String,
}

impl Clock {
    /// Reads the kernel's boot id and uptime; without them this process is a run of its own.
    pub(super) fn new() -> Self {
        let start = Instant::now();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        match (kernel, uptime()) {
            (Ok(id), Some(up)) => Self { start, up, boot_id: id.trim().to_owned() },
            _ => Self { start, up: Duration::ZERO, boot_id: random_id() },
        }
    }

    pub(super) fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mono = self.up + self.start.elapsed();
        Moment {
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            mono_ns: u64::try_from(mono.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => "unknown".to_owned(),
    }
}
