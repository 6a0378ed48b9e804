use std::collections::BTreeSet;
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

/// The files below `paths`, each once, in the order of their names.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<Entry>, String> {
    let mut files = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            files.insert(Entry { path: None, shown: "<stdin>".to_owned(), below: PathBuf::from("stdin") });
            continue;
        }
        let kind = std::fs::metadata(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        if kind.is_dir() {
            walk(path, path, &mut files)?;
        } else {
            let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            files.insert(Entry { path: Some(path.clone()), shown: path.display().to_string(), below });
        }
    }
    Ok(files.into_iter().collect())
}

/// Where more than one of the files would be written to, if there is such a place.
pub(super) fn same_place(files: &[Entry]) -> Option<&Path> {
    let mut seen = BTreeSet::new();
    files.iter().map(|entry| entry.below.as_path()).find(|below| !seen.insert(*below))
}

fn walk(root: &Path, dir: &Path, files: &mut BTreeSet<Entry>) -> Result<(), String> {
    let named = |error: std::io::Error| format!("cannot read `{}`: {error}", dir.display());
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).map_err(named)? {
            let entry = entry.map_err(named)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(named)?);
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() {
                let below = path.strip_prefix(root).map_or_else(|_| path.clone(), Path::to_path_buf);
                files.insert(Entry { shown: path.display().to_string(), path: Some(path), below });
            }
        }
    }
    Ok(())
}
