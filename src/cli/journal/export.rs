//! `sekisho journal export`: the journal for other systems.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sekisho_journal::contract::AuditEvent;
use sekisho_journal::tile::{self, Reader, WIDTH, level_width};
use sekisho_journal::{CHECKPOINT, KEYS, Store, bundle, bundle_path, lines};
use serde_json::Value;

use super::filter::{Filter, sealed};
use super::siem::{ecs, ocsf};
use super::{Stop, Unseal, environment, file_store, usage};
use crate::cli::Exit;
use crate::evidence::{FileStore, HeldStore};

/// What to export, and how.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The data directory, or the journal directory itself.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA")]
    data: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    #[command(flatten)]
    filter: Filter,
    /// In which form.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// Where to; only for `tlog`, which is a directory.
    #[arg(long, value_name = "DIR", required_if_eq("format", "tlog"))]
    out: Option<PathBuf>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The lines as they were signed.
    Ndjson,
    /// Elastic Common Schema, one document a line.
    Ecs,
    /// Open Cybersecurity Schema Framework 1.3, one event a line.
    Ocsf,
    /// C2SP tlog-tiles with checkpoint, tiles and entry bundles: a directory that any web server can serve.
    Tlog,
}

impl Export {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, Stop> {
        let files = file_store(&self.data, &self.unseal)?;
        let make = match self.format {
            Format::Tlog => {
                let dir = self.out.as_deref().ok_or_else(|| usage("tlog needs --out".to_owned()))?;
                return export_tiles(&files, dir);
            }
            Format::Ndjson => None,
            Format::Ecs => Some(ecs as fn(&AuditEvent) -> Value),
            Format::Ocsf => Some(ocsf as fn(&AuditEvent) -> Value),
        };
        self.filter.each(&files, |line, entry| {
            match make {
                None => out.write_all(line)?,
                Some(make) => out.write_all(make(entry).to_string().as_bytes())?,
            }
            out.write_all(b"\n")?;
            Ok(true)
        })?;
        Ok(Exit::Fine)
    }
}

fn export_tiles(files: &FileStore, dir: &Path) -> Result<Exit, Stop> {
    let size = sealed(files)?;
    let note = files.read(CHECKPOINT).map_err(environment)?.unwrap_or_default();
    let store = HeldStore::new(files, note.clone(), size);
    let unreadable = |error: sekisho_journal::ProofError| environment(error.to_string());
    let reader = Reader::new(&store, size);
    let mut level = 0;
    while level_width(level, size) > 0 {
        for index in 0..level_width(level, size).div_ceil(WIDTH as u64) {
            let hashes = reader.tile(level, index).map_err(unreadable)?;
            put(dir, &tile::path(level, index, hashes.len()), &hashes.concat())?;
        }
        level += 1;
    }
    for index in 0..size.div_ceil(WIDTH as u64) {
        let from = index * WIDTH as u64;
        let entries = lines(&store, from, size.min(from + WIDTH as u64)).map_err(unreadable)?;
        put(dir, &bundle_path(index, entries.len()), &bundle(&entries))?;
    }
    if let Some(keys) = store.read(KEYS).map_err(environment)? {
        put(dir, KEYS, &keys)?;
    }
    // Last: who finds it finds everything it covers.
    put(dir, CHECKPOINT, &note)?;
    Ok(Exit::Fine)
}

fn put(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), Stop> {
    let full = dir.join(path);
    let made = full.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made.and_then(|()| fs::write(&full, bytes));
    written.map_err(|error| environment(format!("cannot write `{}`: {error}", full.display())))
}
