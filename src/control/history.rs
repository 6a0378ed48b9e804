//! Whether the stored state is the one that the journal saw last.
//!
//! Both copies of a state may be put back from an earlier day, and each is sound in itself. The journal remembers: it is
//! verified whole before it is asked, and no state from before its last change fits what that change says.

use std::io;
use std::path::Path;

use sekisho_journal::{SEGMENTS, Store as _, segment_first, segment_path};
use sekisho_safety::{Health, Level, Scope, State};
use serde_json::Value;

use super::StateFiles;
use super::store::Loaded;
use crate::evidence::FileStore;

/// Reads the state under `data` as [`StateFiles::open`] does; one that is older than the journal is BLOCK.
///
/// # Errors
///
/// As there.
pub fn load(data: &Path, journal: &FileStore, now_ms: u64) -> io::Result<Loaded> {
    let loaded = StateFiles::open(data, now_ms)?;
    let last = last_change(journal);
    let behind = loaded.unverified.is_none() && last.is_some_and(|last| last.is_ahead_of(&loaded.state));
    Ok(if behind { loaded.doubted(BEHIND, now_ms) } else { loaded })
}

/// A change of one scope, as it was recorded.
#[derive(Debug, PartialEq, Eq)]
struct Recorded {
    scope: Scope,
    epoch: u64,
    after: Level,
}

impl Recorded {
    fn is_ahead_of(&self, state: &State) -> bool {
        let here = state.scopes().find(|view| *view.scope == self.scope);
        let epoch = here.map_or(Some(0), |view| view.epoch.to_string().parse().ok());
        let level = here.map_or(Level::OPEN, |view| view.level);
        epoch.is_none_or(|epoch| epoch < self.epoch || (epoch == self.epoch && !level.covers(self.after)))
    }

    /// `None` where nothing changed, and where it cannot be read.
    fn parse(entry: &Value) -> Option<Self> {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        let (before, after) = (text("/outputs/before")?, text("/outputs/after")?);
        if before == after {
            return None;
        }
        let (scope, epoch) = (text("/inputs/scope")?.parse().ok()?, text("/outputs/epoch")?.parse().ok()?);
        Some(Self { scope, epoch, after: level(after)? })
    }
}

/// The last change in the journal that came about.
fn last_change(store: &FileStore) -> Option<Recorded> {
    let mut segments: Vec<u64> = store.list(SEGMENTS).ok()?.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    let mut undone = None;
    for first in segments.into_iter().rev() {
        let bytes = store.read(&segment_path(first)).ok()??;
        for line in bytes.rsplit(|byte| *byte == b'\n') {
            let Some(entry) = change(line) else { continue };
            let Some(recorded) = Recorded::parse(&entry) else { continue };
            // A release is recorded before it acts; where it then could not, that is recorded too.
            if entry.get("result").and_then(Value::as_str) != Some("success") {
                undone = Some(recorded);
            } else if undone.take().is_none_or(|undone| undone != recorded) {
                return Some(recorded);
            }
        }
    }
    None
}

/// The last containment or lifting in the journal that came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastContainment {
    generation: u64,
    lifted: bool,
}

impl LastContainment {
    /// Whether what is stored under this number can be the last. A lifting is recorded before it is stored.
    pub(crate) const fn fits(self, stored: u64) -> bool {
        stored >= self.generation || (self.lifted && stored.saturating_add(1) == self.generation)
    }
}

/// The last change of what is contained that the journal saw.
pub(crate) fn containments(store: &FileStore) -> Option<LastContainment> {
    let mut segments: Vec<u64> = store.list(SEGMENTS).ok()?.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    for first in segments.into_iter().rev() {
        let bytes = store.read(&segment_path(first)).ok()??;
        if let Some(last) = bytes.rsplit(|byte| *byte == b'\n').find_map(containment) {
            return Some(last);
        }
    }
    None
}

fn containment(line: &[u8]) -> Option<LastContainment> {
    let line = str::from_utf8(line).ok()?;
    let lifted = line.contains(r#""action":"containment.lift""#);
    if !lifted && !line.contains(r#""action":"containment.apply""#) {
        return None;
    }
    let entry: Value = serde_json::from_str(line).ok()?;
    Some(LastContainment { generation: entry.pointer("/outputs/generation")?.as_u64()?, lifted })
}

fn change(line: &[u8]) -> Option<Value> {
    let line = str::from_utf8(line).ok()?;
    KINDS.iter().any(|kind| line.contains(kind)).then(|| serde_json::from_str(line).ok())?
}

/// The other way round than [`words`](super::safety::words).
fn level(words: &str) -> Option<Level> {
    let mut words = words.split(' ');
    let (switch, mode) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let health =
        [Health::Ok, Health::Unknown].into_iter().find(|health| Some(health.as_str()) == words.clone().next())?;
    Some(Level { switch, mode, health })
}

const KINDS: [&str; 2] = [r#""event_type":"state.tightened""#, r#""event_type":"state.released""#];
const BEHIND: &str = "the stored safety state is older than the journal: it was put back";

#[cfg(test)]
mod tests {
    use sekisho_safety::{Level, Mode, Switch};

    use super::super::safety::words;
    use super::level;

    #[test]
    fn words_are_read_as_they_are_written() {
        for switch in [Switch::Allow, Switch::CloseOnly, Switch::Block] {
            for mode in [Mode::Normal, Mode::Safe, Mode::EmergencyStop] {
                let known = Level { switch, mode, ..Level::OPEN };
                assert_eq!(level(&words(known)), Some(known));
            }
        }
        assert_eq!(level("BLOCK"), None);
    }
}
