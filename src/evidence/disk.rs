//! The three things the writer does to files. A trait, so that tests can break them.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Changes to the files of the journal. Each but [`write`](Self::write) is on the disk when it returns.
pub(super) trait Disk: Send {
    /// Makes `bytes` the content of the file from `offset` on, whatever was there before.
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes `bytes` the content of the file: after a crash it holds the old or the new, nothing between.
    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes `bytes` the content of the file, of which a power cut may leave anything: for what can be made again.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes sure that files which were written are on the disk.
    fn sync(&mut self, paths: &[String]) -> io::Result<()>;

    /// Removes a file that nothing needs any more; a file that stays does no harm.
    fn discard(&mut self, path: &str);
}

/// Real files below one directory.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    open: Option<(String, File)>,
}

impl Files {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), open: None }
    }

    fn opened(&mut self, path: &str) -> io::Result<File> {
        match self.open.take() {
            Some((name, file)) if name == path => Ok(file),
            _ => {
                let full = self.root.join(path);
                let file = private_options().create(true).truncate(false).open(&full)?;
                sync_parent(&full)?;
                Ok(file)
            }
        }
    }
}

impl Disk for Files {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // After an error the handle is gone: the next attempt opens the file anew and writes all of it again, because
        // a page whose write-back failed may pass for clean.
        let mut file = self.opened(path)?;
        if file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the segment is shorter than what was sealed"));
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        self.open = Some((path.to_owned(), file));
        Ok(())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        replace(&self.root.join(path), bytes)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        renamed(&self.root.join(path), bytes, |_unsynced| Ok(()))
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        let mut parents = BTreeSet::new();
        for path in paths {
            let full = self.root.join(path);
            File::open(&full)?.sync_all()?;
            parents.extend(full.parent().map(Path::to_owned));
        }
        parents.iter().try_for_each(|parent| File::open(parent)?.sync_all())
    }

    fn discard(&mut self, path: &str) {
        let full = self.root.join(path);
        // What cannot be removed stays; partial tiles are told apart by their width.
        drop(fs::remove_file(&full));
        if let Some(parent) = full.parent().filter(|parent| parent.extension().is_some_and(|e| e == "p")) {
            drop(fs::remove_dir(parent));
        }
    }
}

/// Writes a file through a temporary one beside it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    renamed(path, bytes, File::sync_all)?;
    sync_parent(path)
}

fn renamed(path: &Path, bytes: &[u8], settle: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        private_dir(parent)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let mut file = private_options().create(true).truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    settle(&file)?;
    fs::rename(&temporary, path)
}

/// Makes a directory and those above it, for the owner only.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_parent(path)
}

pub(super) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
