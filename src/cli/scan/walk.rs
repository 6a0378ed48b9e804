use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

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
}

/// The files below `paths`. What cannot be read does not stop the walk.
pub(super) fn files(paths: &[PathBuf]) -> Files {
    let mut files = Files::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let entry = Entry { path: None, shown: "<stdin>".to_owned(), below: PathBuf::from("stdin") };
            files.entries.insert(entry);
            continue;
        }
        match std::fs::metadata(path) {
            Ok(kind) if kind.is_dir() => files.walk(path),
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
    fn walk(&mut self, root: &Path) {
        let mut waiting = vec![root.to_path_buf()];
        while let Some(dir) = waiting.pop() {
            match std::fs::read_dir(&dir) {
                Ok(entries) => entries.for_each(|entry| self.met(entry, (root, &dir), &mut waiting)),
                Err(error) => self.fail(&dir, &error),
            }
        }
    }

    fn met(&mut self, entry: io::Result<DirEntry>, (root, dir): (&Path, &Path), waiting: &mut Vec<PathBuf>) {
        let known = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)));
        let (path, kind) = match known {
            Ok(known) => known,
            Err(error) => return self.fail(dir, &error),
        };
        if kind.is_dir() {
            waiting.push(path);
        } else if kind.is_file() {
            let below = path.strip_prefix(root).map_or_else(|_| path.clone(), Path::to_path_buf);
            self.entries.insert(Entry { shown: path.display().to_string(), path: Some(path), below });
        }
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        self.failed.push((path.display().to_string(), error.to_string()));
    }
}
