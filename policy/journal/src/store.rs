//! Where the parts of a journal lie, and the eyes it is read with.

/// Reads the files of one journal. Paths are relative, with `/`, and made by this crate only.
pub trait Store {
    /// The whole file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// What kept it from being read, for a human.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;

    /// The names of the files in a directory, in any order; empty if there is no such directory.
    ///
    /// # Errors
    ///
    /// What kept it from being listed, for a human.
    fn list(&self, dir: &str) -> Result<Vec<String>, String>;
}

/// The file that holds the newest checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// The directory of the segments.
pub const SEGMENTS: &str = "segments";

/// The path of the segment whose first entry is `first`.
#[must_use]
pub fn segment_path(first: u64) -> String {
    format!("{SEGMENTS}/{first:012}{EXTENSION}")
}

/// The first entry of the segment with this file name, if it is one.
#[must_use]
pub fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    let first: u64 = digits.parse().ok()?;
    (format!("{first:012}") == digits).then_some(first)
}

const EXTENSION: &str = ".ndjson";
