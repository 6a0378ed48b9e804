//! What is in memory stays there: no core dumps, and no pages in swap where the system permits that.

use rustix::io;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What the system has granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// No core dump is written, and no other process of the same user may read our memory.
    pub undumped: bool,
    /// No page goes to swap.
    pub locked: bool,
}

/// Asks the system for both. What it does not grant is said and goes on: a sidecar that does not start holds no orders.
#[must_use]
pub fn keep_in_memory() -> Kept {
    let undumped = undump();
    if let Err(error) = &undumped {
        tracing::warn!("core dumps cannot be turned off: {error}");
    }
    let locked = lock();
    match &locked {
        Ok(true) => {}
        Ok(false) => tracing::info!("memory is not locked: RLIMIT_MEMLOCK is not unlimited, and swap may hold secrets"),
        Err(error) => tracing::warn!("memory cannot be locked, and swap may hold secrets: {error}"),
    }
    Kept { undumped: undumped.is_ok(), locked: locked == Ok(true) }
}

fn undump() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Locks what is used now and later, as it comes to be used. Only where there is no limit: below one, an allocation would fail
/// when it is reached, and the process with it.
fn lock() -> io::Result<bool> {
    if getrlimit(Resource::Memlock).current.is_some() {
        return Ok(false);
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?;
    Ok(true)
}
