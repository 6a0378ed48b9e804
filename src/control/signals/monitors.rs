//! How the sidecar looks after itself: resources, the journal, the policy file, the clocks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sekisho_filters::order_gate::SafetyView;
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{Monitors as MonitorPolicy, Policy};
use sekisho_safety::{Health, Level, Mode, Posture};

use super::{Raised, Signals};
use crate::control::Safety;
use crate::control::clock::{Jumps, since_boot};
use crate::control::safety::now_ms;
use crate::evidence::{Journal, JournalHealth};

/// Everything that is looked after.
#[derive(Debug)]
pub struct Monitors {
    /// How often, and where the bounds are.
    pub policy: MonitorPolicy,
    /// The data directory.
    pub data: PathBuf,
    /// What the policy was read from; `None` is the embedded one.
    pub file: Option<PathBuf>,
    /// What is in force.
    pub in_force: Arc<ArcSwap<Policy>>,
    /// What is in force.
    pub safety: Arc<Safety>,
    /// The journal.
    pub journal: Journal,
    /// Where it is told.
    pub signals: Arc<Signals>,
}

impl Monitors {
    /// Looks after resources, orders and clocks, once a second or as policy says.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK.min(self.policy.interval));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut jumps = Jumps::new(now_ms(), since_boot());
        let mut due = Instant::now();
        loop {
            ticks.tick().await;
            let now = Instant::now();
            if let Some(flow) = &self.signals.counted().execution {
                let all_open = self.safety.effective(&[]).posture == Posture::Allow;
                flow.look(&self.signals, all_open, now);
            }
            if let Some(moved_ms) = jumps.look(now_ms(), since_boot(), self.policy.clock_jump) {
                let jumped = Event::new(EventType::GateRecord, "clock.jump").with_severity(Severity::Medium);
                self.journal.record(jumped.with_output("moved_ms", moved_ms));
            }
            if now >= due {
                due = now + self.policy.interval;
                self.look(now).await;
            }
        }
    }

    async fn look(self: &Arc<Self>, now: Instant) {
        let this = Arc::clone(self);
        // A disk that hangs holds this look up, and nothing else.
        let looked = tokio::task::spawn_blocking(move || this.safety.store_again().is_ok()).await;
        if !looked.unwrap_or(false) {
            self.signals.tell(&self.signals.counted().resources, "resources", "the state cannot be stored", now);
        }
        for short in self.short_of() {
            self.signals.tell(&self.signals.counted().resources, "resources", short, now);
        }
        match self.journal.health() {
            JournalHealth::Ok => {}
            JournalHealth::Failing(DAMAGED) => {
                self.signals.tell(&self.signals.counted().integrity, "integrity", "the journal does not verify", now);
            }
            JournalHealth::Failing(why) => {
                self.signals.tell(&self.signals.counted().resources, "resources", why, now);
            }
        }
    }

    fn short_of(&self) -> impl Iterator<Item = &'static str> + use<> {
        let policy = &self.policy;
        let free = rustix::fs::statvfs(&self.data).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let full = free.is_ok_and(|free| free < policy.disk_free_bytes);
        let memory = policy.memory_percent < 100 && over(memory(), policy.memory_percent);
        let files = policy.descriptors_percent < 100 && over(descriptors(), policy.descriptors_percent);
        let found = [
            (full, "the disk is near full"),
            (memory, "memory is near its end"),
            (files, "descriptors are near their end"),
        ];
        found.into_iter().filter(|(short, _)| *short).map(|(_, what)| what)
    }

    /// Reads the journal back and verifies it. What cannot be read is not known to be whole, and that tightens too.
    pub async fn verify(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(self.policy.integrity_interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first comes at once, and the journal was verified when it was opened.
        ticks.tick().await;
        let mut unknown = 0_u32;
        loop {
            ticks.tick().await;
            let verified = self.journal.checkpoint().await;
            let damaged = matches!(self.journal.health(), JournalHealth::Failing(DAMAGED));
            let (word, outcome) = match &verified {
                Ok(_) => ("PASS", Outcome::Success),
                Err(_) if damaged => ("FAIL", Outcome::Failure),
                Err(_) => ("UNKNOWN", Outcome::Failure),
            };
            unknown = if word == "UNKNOWN" { unknown.saturating_add(1) } else { 0 };
            let record = Event::new(EventType::IntegrityRecord, "journal.verify").with_output("verdict", word);
            self.journal.record(record.with_result(outcome));
            let counted = self.signals.counted();
            let signal = counted.integrity.signal();
            if unknown >= signal.count {
                unknown = 0;
                let reason = "the journal cannot be read back".to_owned();
                let level = Some(Level { mode: Mode::Safe, health: Health::Unknown, ..Level::OPEN });
                let raised = Raised::by("integrity", signal, reason).map(|raised| Raised { level, ..raised });
                self.signals.raise(raised);
            }
        }
    }

    /// Compares the policy file with what is in force. Nothing is loaded from it: that takes somebody who says so.
    pub async fn compare(self: Arc<Self>) {
        let Some(path) = &self.file else { return };
        let mut ticks = tokio::time::interval(self.policy.policy_interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = self.in_force.load().hash().to_owned();
        loop {
            ticks.tick().await;
            let found = hash(path).await;
            // Only a rightful reload moves it.
            let pinned = self.in_force.load().hash().to_owned();
            if found == pinned {
                last = pinned;
                continue;
            }
            self.signals.tell(&self.signals.counted().policy_drift, "policy_drift", "the policy file", Instant::now());
            if found != last {
                let drift = Event::new(EventType::ConfigChanged, "policy.drift").with_severity(Severity::High);
                let drift = drift.with_result(Outcome::Refused).with_input("in_force", pinned);
                self.journal.record(drift.with_output("found", found.clone()));
                last = found;
            }
        }
    }
}

async fn hash(path: &Path) -> String {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Policy::hash_of(&text),
        Err(_unreadable) => "unreadable".to_owned(),
    }
}

/// Used and available of the control group that this process is alone in, if it has a limit.
fn memory() -> Option<(u64, u64)> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    Some((number("/sys/fs/cgroup/memory.current")?, number("/sys/fs/cgroup/memory.max")?))
}

fn descriptors() -> Option<(u64, u64)> {
    let used = std::fs::read_dir("/proc/self/fd").ok()?.count();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    Some((u64::try_from(used).ok()?, limit))
}

fn over(of: Option<(u64, u64)>, percent: u64) -> bool {
    of.is_some_and(|(used, all)| u128::from(used) * 100 > u128::from(all) * u128::from(percent))
}

/// How often orders and clocks are looked at.
const TICK: Duration = Duration::from_secs(1);

const DAMAGED: &str = "the journal does not verify";

#[cfg(test)]
mod tests {
    use super::{descriptors, over};

    #[test]
    fn near_the_end_is_by_percent() {
        for (of, percent, expected) in [
            (Some((95, 100)), 95, false),
            (Some((96, 100)), 95, true),
            (None, 1, false),
            (Some((u64::MAX, 1)), 99, true),
        ] {
            assert_eq!(over(of, percent), expected, "{of:?}");
        }
        assert!(descriptors().is_some_and(|(used, all)| used > 2 && used < all));
    }
}
