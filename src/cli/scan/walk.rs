use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

use super::ignore::Ignore;

/// A file to be searched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Where it is; `None` is stdin.
    pub(super) path: Option<PathBuf>,
    /// As findings name it.
    pub(super) shown: String,
    /// Where a redacted copy goes, below the output directory.
    pub(super) below: PathBuf,
}

/// What is to be searched, and what cannot be.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Each once, in the order of their names.
    pub(super) entries: BTreeSet<Entry>,
    /// Path and reason.
    pub(super) failed: Vec<(String, String)>,
    /// Files and directories that an ignore file left out.
    pub(super) left_out: usize,
}

/// A directory of a walk, and what is left out in it.
struct Dir {
    path: PathBuf,
    ignore: Ignore,
}

/// The files below `paths`, without those that ignore files leave out if `ignoring`. What cannot be read does not stop the walk; what
/// was named itself is searched.
pub(super) fn files(paths: &[PathBuf], ignoring: bool) -> Files {
    let mut files = Files::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let entry = Entry { path: None, shown: "<stdin>".to_owned(), below: PathBuf::from("stdin") };
            files.entries.insert(entry);
            continue;
        }
        match std::fs::metadata(path) {
            Ok(kind) if kind.is_dir() => files.walk(path, ignoring),
            Ok(_) => {
                let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
                files.entries.insert(Entry { path: Some(path.clone()), shown: path.display().to_string(), below });
            }
            Err(error) => files.fail(path, &error),
        }
    }
    files
}

/// Where more than one of the files would be written to, if there is such a place.
pub(super) fn same_place(files: &BTreeSet<Entry>) -> Option<&Path> {
    let mut seen = BTreeSet::new();
    files.iter().map(|entry| entry.below.as_path()).find(|below| !seen.insert(*below))
}

impl Files {
    fn walk(&mut self, root: &Path, ignoring: bool) {
        let mut waiting = vec![Dir { path: root.to_path_buf(), ignore: Ignore::default() }];
        while let Some(mut dir) = waiting.pop() {
            if ignoring {
                self.patterns(root, &mut dir);
            }
            match std::fs::read_dir(&dir.path) {
                Ok(entries) => entries.for_each(|entry| self.met(entry, (root, &dir), &mut waiting)),
                Err(error) => self.fail(&dir.path, &error),
            }
        }
    }

    /// Adds the patterns of the directory's own ignore file.
    fn patterns(&mut self, root: &Path, dir: &mut Dir) {
        let path = dir.path.join(IGNORE);
        match std::fs::read(&path) {
            Ok(text) => {
                let depth = dir.path.strip_prefix(root).map_or(0, |below| below.iter().count());
                dir.ignore = dir.ignore.with(depth, &text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.fail(&path, &error),
        }
    }

    fn met(&mut self, entry: io::Result<DirEntry>, (root, dir): (&Path, &Dir), waiting: &mut Vec<Dir>) {
        let known = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)));
        let (path, kind) = match known {
            Ok(known) => known,
            Err(error) => return self.fail(&dir.path, &error),
        };
        let below = path.strip_prefix(root).map_or_else(|_| path.clone(), Path::to_path_buf);
        if dir.ignore.leaves_out(&below, kind.is_dir()) {
            self.left_out = self.left_out.saturating_add(1);
        } else if kind.is_dir() {
            waiting.push(Dir { path, ignore: dir.ignore.clone() });
        } else if kind.is_file() {
            self.entries.insert(Entry { shown: path.display().to_string(), path: Some(path), below });
        }
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        self.failed.push((path.display().to_string(), error.to_string()));
    }
}

/// The name of the files that say what is left out.
const IGNORE: &str = ".sekishoignore";
