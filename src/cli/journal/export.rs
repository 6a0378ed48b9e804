//! `sekisho journal export`: the journal for other systems.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sekisho_journal::contract::AuditEvent;
use sekisho_journal::tile::{self, Reader, WIDTH, level_width};
use sekisho_journal::{CHECKPOINT, EventType, KEYS, Outcome, Severity, Store, bundle, bundle_path, lines};
use serde_json::{Value, json};

use super::filter::{Filter, sealed};
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

/// Elastic Common Schema. What it has no field for is under `sekisho`.
fn ecs(entry: &AuditEvent) -> Value {
    let (kind, category) = match entry.event_type {
        EventType::SecurityAlertRaised | EventType::SecuritySecretGuardTriggered => ("alert", "intrusion_detection"),
        EventType::Authentication => ("event", "authentication"),
        EventType::SecurityAccessDenied => ("event", "iam"),
        EventType::Heartbeat | EventType::Gap | EventType::IntegrityRecord | EventType::GateRecord => ("state", "host"),
        EventType::SecurityContainmentApplied
        | EventType::SecurityIncidentOpened
        | EventType::SecurityIncidentUpdated
        | EventType::SecurityIncidentClosed
        | EventType::SupportBundleCreated
        | EventType::ConfigChanged
        | EventType::StateTightened
        | EventType::StateReleaseProposed
        | EventType::StateReleased
        | EventType::Operation => ("event", "configuration"),
    };
    let outcome = if entry.result == Outcome::Success { "success" } else { "failure" };
    json!({
        "@timestamp": entry.timestamp,
        "ecs": { "version": "8.17" },
        "event": {
            "kind": kind,
            "category": [category],
            "action": entry.action,
            "outcome": outcome,
            "severity": severity_id(entry.severity),
            "sequence": entry.seq,
            "dataset": format!("sekisho.{}", entry.event_type),
            "duration": entry.duration_us.map(|us| us.saturating_mul(1000)),
        },
        "message": format!("{} {} {}", entry.event_type, entry.action, entry.result),
        "observer": { "product": "sekisho", "version": entry.engine },
        "source": entry.source_ip.as_ref().map(|address| json!({ "address": address })),
        "user": entry.user.as_ref().map(|name| json!({ "name": name })),
        "trace": entry.trace_id.as_ref().map(|id| json!({ "id": id })),
        "sekisho": entry,
    })
}

/// Open Cybersecurity Schema Framework 1.3. What it has no attribute for is under `unmapped`.
fn ocsf(entry: &AuditEvent) -> Value {
    // (class, category, activity) as the framework numbers them.
    let (class, category, activity) = match entry.event_type {
        EventType::Authentication => (3002, 3, 1),
        EventType::SecurityAccessDenied => (6003, 6, 99),
        EventType::SecurityAlertRaised | EventType::SecuritySecretGuardTriggered => (2004, 2, 1),
        EventType::SecurityIncidentOpened => (2005, 2, 1),
        EventType::SecurityIncidentUpdated => (2005, 2, 2),
        EventType::SecurityIncidentClosed => (2005, 2, 3),
        EventType::SecurityContainmentApplied
        | EventType::SupportBundleCreated
        | EventType::IntegrityRecord
        | EventType::GateRecord
        | EventType::ConfigChanged
        | EventType::StateTightened
        | EventType::StateReleaseProposed
        | EventType::StateReleased
        | EventType::Operation
        | EventType::Heartbeat
        | EventType::Gap => (6002, 6, 99),
    };
    json!({
        "metadata": {
            "version": "1.3.0",
            "product": { "name": "sekisho", "vendor_name": "sekisho", "version": entry.engine },
            "sequence": entry.seq,
            "uid": format!("journal:{}", entry.seq),
        },
        "class_uid": class,
        "category_uid": category,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "time_dt": entry.timestamp,
        "severity_id": severity_id(entry.severity),
        "status_id": if entry.result == Outcome::Success { 1 } else { 2 },
        "count": entry.count.unwrap_or(1),
        "message": format!("{} {}", entry.event_type, entry.action),
        "actor": entry.user.as_ref().map(|name| json!({ "user": { "name": name } })),
        "src_endpoint": entry.source_ip.as_ref().map(|address| json!({ "name": address })),
        "unmapped": entry,
    })
}

/// As both schemas have it: 1 informational to 5 critical.
const fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
