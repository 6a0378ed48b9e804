//! Who may read and write what, on which disk, and whether the clock can be right.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sekisho_policy::{Policy, SecretSource};

use super::keys::references;
use super::report::{Finding, Group, Trouble};

pub(super) fn look(policy: &Policy, data: &Path, file: Option<&Path>) -> Vec<Finding> {
    let mut found = vec![made(data)];
    found.extend(file.map(|file| closed(file, "policy file", OTHERS_WRITE)));
    found.extend(data.exists().then(|| closed(data, "data directory", OTHERS)));
    // The journal is not opened with a seed that others can read.
    let seeds = ["keys/journal.seed", "keys/journal.next.seed"].map(|name| data.join(name));
    found.extend(seeds.iter().filter(|seed| seed.exists()).map(|seed| seed_closed(seed)));
    let mut secrets: Vec<PathBuf> = references(policy).into_iter().filter_map(|(_, source)| in_file(&source)).collect();
    secrets.sort();
    secrets.dedup();
    let there = secrets.iter().filter(|path| path.is_file());
    found.extend(there.map(|path| closed(path, "secret", OTHERS_READ)));
    found.extend(room(policy, data));
    if let Some(archive) = &policy.retention.archive {
        // The keeper makes one that is missing, on whatever disk that is.
        found.push(named_dir("retention.archive", archive, Finding::warn));
    }
    let log =
        policy.telemetry.access_log.as_deref().and_then(Path::parent).filter(|parent| *parent != Path::new("/dev"));
    found.extend(log.map(|parent| named_dir("telemetry.access_log", parent, Finding::fail)));
    found.extend(clock(policy, data));
    found
}

fn in_file(source: &SecretSource) -> Option<PathBuf> {
    match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Env(_) | SecretSource::OpenBao(_) => None,
    }
}

/// Whether nobody but those who should may read or write it: `forbidden` are bits of its mode.
fn closed(path: &Path, what: &str, forbidden: u32) -> Finding {
    let what = format!("{what} {}", path.display());
    let Some(mode) = mode(path).filter(|mode| mode & forbidden != 0) else {
        return Finding::ok(Group::Permissions, what);
    };
    let why = format!(
        "its mode is {mode:04o}: others may {}",
        if mode & forbidden & 0o044 != 0 { "read it" } else { "change it" }
    );
    Finding::warn(
        Group::Permissions,
        what,
        Trouble::new(&why, format!("run `chmod {:04o} {}`", mode & !forbidden, path.display())),
    )
}

fn seed_closed(seed: &Path) -> Finding {
    let what = format!("signing seed {}", seed.display());
    let Some(mode) = mode(seed).filter(|mode| mode & OTHERS != 0) else {
        return Finding::ok(Group::Permissions, what);
    };
    let why = format!("its mode is {mode:04o}, and a seed that others than its owner may read or change is not used");
    Finding::fail(Group::Permissions, what, Trouble::new(&why, format!("run `chmod 0600 {}`", seed.display())))
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o7777)
}

/// Whether files can be made where the data would be, without leaving any.
fn made(data: &Path) -> Finding {
    let what = format!("data directory {}", data.display());
    let Err(error) = writable(data) else { return Finding::ok(Group::Disk, what) };
    let at = existing(data);
    let hint = if at.is_dir() {
        format!(
            "let the user who runs this write to `{}`, or set `data_dir` to a directory where they may",
            at.display()
        )
    } else {
        format!("run `mv {0} {0}.moved`, for it is no directory, or set `data_dir` to another one", at.display())
    };
    Finding::fail(Group::Disk, what, Trouble::new(&error, hint))
}

fn writable(dir: &Path) -> io::Result<()> {
    let probe = existing(dir).join(format!(".sekisho-check-{}", std::process::id()));
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe))
}

fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."))
}

/// A directory that policy names; `bad` is what one comes to that is not there or cannot be written to.
fn named_dir(what: &str, dir: &Path, bad: impl Fn(Group, String, Trouble) -> Finding) -> Finding {
    let what = format!("{what} {}", dir.display());
    if !dir.is_dir() {
        let trouble = Trouble::new("there is no such directory", format!("run `mkdir -p {}`", dir.display()));
        return bad(Group::Disk, what, trouble);
    }
    match writable(dir) {
        Ok(()) => Finding::ok(Group::Disk, what),
        Err(error) => {
            let hint = format!("let the user who runs this write to `{}`", dir.display());
            bad(Group::Disk, what, Trouble::new(&error, hint))
        }
    }
}

/// Whether a sidecar would find its disk near full.
fn room(policy: &Policy, data: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(existing(data)).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let least = policy.monitors.disk_free_bytes;
    let what = format!("room for {}", data.display());
    if free < least {
        let why =
            format!("{free} bytes are free, and below {least} (`monitors.disk_free_bytes`) the state becomes tighter");
        // Half of what is there, so that there is something left to lose.
        let hint =
            format!("free {} bytes, or set `monitors.disk_free_bytes: {}`", least.saturating_sub(free), free / 2);
        return Some(Finding::fail(Group::Disk, what, Trouble::new(&why, hint)));
    }
    if disk.f_files > 0 && disk.f_favail == 0 {
        let hint = "remove small files there: their number is used up, not their bytes";
        return Some(Finding::fail(Group::Disk, what, Trouble::new("no more files can be made", hint)));
    }
    Some(Finding::ok(Group::Disk, what))
}

/// A clock that is behind what was written by it, or behind this program.
fn clock(policy: &Policy, data: &Path) -> Vec<Finding> {
    let now = SystemTime::now();
    let hint = "set the clock of this machine, best by NTP";
    if now < UNIX_EPOCH + Duration::from_secs(BEGAN_S) {
        let trouble = Trouble::new("it stands before there was a Sekisho", hint);
        return vec![Finding::fail(Group::Clocks, "wall clock", trouble)];
    }
    let ahead = |name: &str| {
        let path = data.join(name);
        let written = fs::metadata(&path).and_then(|found| found.modified()).ok()?;
        let by = written.duration_since(now).ok().filter(|by| *by > policy.monitors.clock_jump)?;
        let why = format!("`{}` was written {} s after what it shows now", path.display(), by.as_secs());
        let hint = format!("{hint}; if it was wrong when that was written, run `touch {}`", path.display());
        Some(Finding::warn(Group::Clocks, "wall clock", Trouble::new(&why, hint)))
    };
    let found: Vec<Finding> = WRITTEN.iter().filter_map(|name| ahead(name)).collect();
    if found.is_empty() { vec![Finding::ok(Group::Clocks, "wall clock")] } else { found }
}

/// All of it, for everybody but the owner.
const OTHERS: u32 = 0o077;

/// Reading for strangers, writing for everybody but the owner: a group that may read is how Kubernetes hands out secrets.
const OTHERS_READ: u32 = 0o027;

/// Writing, for everybody but the owner.
const OTHERS_WRITE: u32 = 0o022;

/// What every sidecar writes, below the data directory.
const WRITTEN: [&str; 2] = ["journal/checkpoint", "keys/journal.vkey"];

/// The beginning of 2026, in seconds since 1970.
const BEGAN_S: u64 = 1_767_225_600;
