//! The safety state on disk: two copies, written in turn, each sealed.
//!
//! A crash at any instant tears at most the copy being written; the other still holds the state before, and the caller
//! has not been told of the new one yet. Where one copy is torn, is gone, or is not the one written next to the other, the
//! other is in force with a BLOCK on top: what is not there may have been stricter than what is left.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sekisho_safety::{Cause, Level, Scope, Source, State, Switch};

/// The two copies.
#[derive(Debug)]
pub struct StateFiles {
    dir: PathBuf,
    generation: u64,
}

/// What was found on disk.
#[derive(Debug)]
pub struct Loaded {
    /// The files, to be written to from now on.
    pub files: StateFiles,
    /// What is in force.
    pub state: State,
    /// Why it is BLOCK, when it is BLOCK because nothing could be verified.
    pub unverified: Option<&'static str>,
    /// Whether nothing was ever stored there.
    pub first: bool,
}

impl Loaded {
    /// The same with a BLOCK on top: it cannot be what was stored last.
    pub(super) fn doubted(mut self, why: &'static str, now_ms: u64) -> Self {
        let actor = "sekisho".to_owned();
        let cause = Cause { source: Source::Unverified, actor, reason: why.to_owned(), at_ms: now_ms };
        self.state.tighten(Scope::Fleet, Level::switch(Switch::Block), cause);
        Self { unverified: Some(why), ..self }
    }
}

impl StateFiles {
    /// Reads the state under `data/safety`. Nothing there, or nothing that verifies, is BLOCK and no error.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read.
    pub fn open(data: &Path, now_ms: u64) -> io::Result<Loaded> {
        let dir = data.join("safety");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let copies = [read(&dir.join(NAMES.0))?, read(&dir.join(NAMES.1))?];
        let torn = copies.iter().any(|copy| matches!(copy, Copy::Torn));
        let missing = copies.iter().all(|copy| matches!(copy, Copy::Missing));
        let apart = are_apart(&copies);
        let newest = copies.into_iter().filter_map(Copy::sound).max_by_key(|(generation, _)| *generation);
        let generation = newest.as_ref().map_or(0, |(generation, _)| *generation);
        let files = Self { dir, generation };
        let unverified = |why| State::unverified(why, now_ms);
        let doubt = if torn { Some(TORN) } else { apart.then_some(APART) };
        let (state, why) = match (newest, doubt) {
            (Some((_, state)), None) => (state, None),
            (Some((_, state)), Some(why)) => {
                return Ok(Loaded { files, state, unverified: None, first: false }.doubted(why, now_ms));
            }
            (None, _) if missing => (unverified(MISSING), Some(MISSING)),
            (None, _) => (unverified(TORN), Some(TORN)),
        };
        Ok(Loaded { files, state, unverified: why, first: missing })
    }

    /// Writes the state; when this returns, it survives a crash.
    ///
    /// # Errors
    ///
    /// When the disk says no. The copy written before is then still whole.
    pub fn write(&mut self, state: &State) -> io::Result<()> {
        let generation = self.generation.saturating_add(1);
        let name = if generation.is_multiple_of(2) { NAMES.0 } else { NAMES.1 };
        let new = self.dir.join("state.new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&state.encode(generation))?;
        file.sync_all()?;
        fs::rename(&new, self.dir.join(name))?;
        File::open(&self.dir)?.sync_all()?;
        self.generation = generation;
        Ok(())
    }
}

enum Copy {
    Missing,
    Torn,
    Sound(u64, State),
}

impl Copy {
    fn sound(self) -> Option<(u64, State)> {
        match self {
            Self::Sound(generation, state) => Some((generation, state)),
            Self::Missing | Self::Torn => None,
        }
    }
}

/// Whether one of two copies was taken away, or put back from an earlier day: they are written in turn, so their
/// generations follow each other, and only the very first one stands alone.
fn are_apart(copies: &[Copy; 2]) -> bool {
    match copies {
        [Copy::Sound(a, _), Copy::Sound(b, _)] => a.abs_diff(*b) != 1,
        [Copy::Sound(alone, _), Copy::Missing] | [Copy::Missing, Copy::Sound(alone, _)] => *alone != 1,
        _ => false,
    }
}

fn read(path: &Path) -> io::Result<Copy> {
    match fs::read(path) {
        Ok(bytes) => Ok(State::decode(&bytes).map_or(Copy::Torn, |(generation, state)| Copy::Sound(generation, state))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Copy::Missing),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

const NAMES: (&str, &str) = ("state.a", "state.b");
const MISSING: &str = "no safety state is stored: a first start, or it was removed";
const TORN: &str = "a stored copy of the safety state does not verify";
const APART: &str = "the stored copies of the safety state do not follow each other: one was removed or put back";

#[cfg(test)]
mod tests {
    use std::fs;

    use sekisho_safety::{Cause, Level, Posture, Scope, Source, State, Switch};

    use super::StateFiles;

    fn tightened(switch: Switch) -> State {
        let mut state = State::danger_open();
        let cause = Cause { source: Source::Operator, actor: "ann".into(), reason: "drill".into(), at_ms: 1 };
        state.tighten(Scope::Fleet, Level::switch(switch), cause);
        state
    }

    fn posture(data: &std::path::Path) -> (Posture, bool) {
        let loaded = StateFiles::open(data, 2).unwrap();
        (loaded.state.effective(&[]).posture, loaded.unverified.is_some())
    }

    #[test]
    fn nothing_stored_is_block() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(posture(data.path()), (Posture::Block, true));
    }

    #[test]
    fn what_was_written_last_is_read() {
        let data = tempfile::tempdir().unwrap();
        let mut files = StateFiles::open(data.path(), 1).unwrap().files;
        for switch in [Switch::Allow, Switch::Block, Switch::CloseOnly] {
            files.write(&tightened(switch)).unwrap();
        }
        assert_eq!(posture(data.path()), (Posture::CloseOnly, false));
        let mut files = StateFiles::open(data.path(), 1).unwrap().files;
        files.write(&State::danger_open()).unwrap();
        assert_eq!(posture(data.path()), (Posture::Allow, false));
    }

    #[test]
    fn a_torn_copy_is_block_wherever_it_is_torn() {
        let data = tempfile::tempdir().unwrap();
        let mut files = StateFiles::open(data.path(), 1).unwrap().files;
        files.write(&State::danger_open()).unwrap();
        files.write(&State::danger_open()).unwrap();
        let path = data.path().join("safety/state.a");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(posture(data.path()), (Posture::Block, true), "cut at {at}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(posture(data.path()), (Posture::Allow, false));
    }

    #[test]
    fn a_copy_taken_away_or_put_back_is_block() {
        let data = tempfile::tempdir().unwrap();
        let mut files = StateFiles::open(data.path(), 1).unwrap().files;
        files.write(&State::danger_open()).unwrap();
        assert_eq!(posture(data.path()), (Posture::Allow, false), "the first one stands alone");
        let [a, b] = ["a", "b"].map(|copy| data.path().join(format!("safety/state.{copy}")));
        let early = fs::read(&b).unwrap();
        for switch in [Switch::Allow, Switch::Allow, Switch::Block] {
            files.write(&tightened(switch)).unwrap();
        }
        let (last, before) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
        fs::remove_file(&a).unwrap();
        assert_eq!(posture(data.path()), (Posture::Block, true), "the last one is gone, the one before was looser");
        fs::write(&a, &last).unwrap();
        fs::write(&b, &early).unwrap();
        assert_eq!(posture(data.path()), (Posture::Block, true), "one copy is from an earlier day");
        fs::write(&b, &before).unwrap();
        assert_eq!(posture(data.path()), (Posture::Block, false));
        files.write(&State::danger_open()).unwrap();
        assert_eq!(posture(data.path()), (Posture::Allow, false));
    }

    #[test]
    fn a_write_cut_short_leaves_what_was_there() {
        let data = tempfile::tempdir().unwrap();
        let mut files = StateFiles::open(data.path(), 1).unwrap().files;
        files.write(&tightened(Switch::Block)).unwrap();
        fs::write(data.path().join("safety/state.new"), "half a sta").unwrap();
        assert_eq!(posture(data.path()), (Posture::Block, false));
    }
}
