use std::fs;

use sekisho_journal::{EventType, Report, SEGMENTS, Store as _, segment_path};
use serde_json::{Value, json};

use super::*;

mod writing;

mod recovery;

mod disk;

mod kill;

mod handover;

type Line = serde_json::Map<String, Value>;

fn settings(dir: &Path) -> JournalSettings {
    JournalSettings {
        flush_interval: Duration::from_millis(1),
        segment_records: 10,
        batch: 7,
        heartbeat: Duration::from_secs(3600),
        ..JournalSettings::new(dir.join("data"), "test.example/journal")
    }
}

fn plain() -> Arc<Scrub> {
    Arc::new(str::to_owned)
}

fn opened(dir: &Path) -> Journal {
    Journal::open(settings(dir), plain()).unwrap()
}

fn reopened(dir: &Path) -> Result<Journal, OpenError> {
    Journal::open(settings(dir), plain())
}

fn act(action: impl Into<String>) -> Event {
    Event::new(EventType::ConfigChanged, action)
}

fn journal_dir(dir: &Path) -> PathBuf {
    dir.join("data/journal")
}

fn key(dir: &Path) -> VerifierKey {
    fs::read_to_string(dir.join("data").join(VERIFIER_KEY)).unwrap().parse().unwrap()
}

fn report(dir: &Path) -> Report {
    verify(&FileStore::new(&journal_dir(dir)), &key(dir), None)
}

fn lines(dir: &Path) -> Vec<Line> {
    let store = FileStore::new(&journal_dir(dir));
    let mut names = store.list(SEGMENTS).unwrap();
    names.sort();
    let text = |name: &String| fs::read_to_string(journal_dir(dir).join(SEGMENTS).join(name)).unwrap();
    let all: String = names.iter().map(text).collect();
    all.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with_action(dir: &Path, action: &str) -> Vec<Line> {
    lines(dir).into_iter().filter(|line| line["action"] == action).collect()
}

fn last_segment(dir: &Path) -> PathBuf {
    let mut names = FileStore::new(&journal_dir(dir)).list(SEGMENTS).unwrap();
    names.sort();
    journal_dir(dir).join(SEGMENTS).join(names.last().unwrap())
}

fn append(path: &Path, bytes: &[u8]) {
    let mut all = fs::read(path).unwrap();
    all.extend_from_slice(bytes);
    fs::write(path, all).unwrap();
}

/// As `cp -r`: what a backup, or a machine that stopped dead, would hold.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            fs::write(&target, bytes).unwrap();
            fs::set_permissions(&target, entry.metadata().unwrap().permissions()).unwrap();
        }
    }
}

async fn filled(dir: &Path, count: usize) {
    let journal = opened(dir);
    for n in 0..count {
        journal.record_durable(act(format!("act {n}"))).await.unwrap();
    }
    journal.close().await.unwrap();
}
