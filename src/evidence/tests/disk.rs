//! Disks that are full, or hang.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::*;

/// Real files that refuse while told to, after having written half: as a disk that is full does.
struct Fickle {
    files: Files,
    refuse: Arc<AtomicBool>,
    root: PathBuf,
}

impl Disk for Fickle {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.refuse.load(Ordering::Relaxed) {
            return self.files.append(path, offset, bytes);
        }
        let path = self.root.join(path);
        let mut torn = fs::read(&path).unwrap_or_default();
        torn.extend_from_slice(&bytes[..bytes.len() / 2]);
        fs::write(path, torn)?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.replace(path, bytes)
    }

    fn discard(&mut self, path: &str) {
        self.files.discard(path);
    }
}

fn fickle(dir: &Path, settings: JournalSettings) -> (Journal, Arc<AtomicBool>) {
    let refuse = Arc::new(AtomicBool::new(false));
    let told = refuse.clone();
    let journal = Journal::open_on(settings, plain(), |root| {
        Box::new(Fickle { files: Files::new(root), refuse: told, root: root.to_owned() })
    });
    assert!(dir.is_dir());
    (journal.unwrap(), refuse)
}

#[tokio::test]
async fn a_full_disk_is_said_survived_and_made_good() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, refuse) = fickle(dir.path(), settings(dir.path()));
    journal.record_durable(act("before")).await.unwrap();
    refuse.store(true, Ordering::Relaxed);
    let answer = journal.record_durable(act("refused")).await;
    assert!(matches!(answer, Err(JournalError::Disk("the disk is full"))), "{answer:?}");
    assert_eq!(journal.health(), JournalHealth::Failing("the disk is full"));
    (0..20).for_each(|n| journal.record(act(format!("kept {n}"))));
    assert!(journal.checkpoint().await.is_err(), "no evidence, no release");
    refuse.store(false, Ordering::Relaxed);
    journal.record_durable(act("after")).await.unwrap();
    assert_eq!(journal.health(), JournalHealth::Ok);
    assert_eq!(journal.checkpoint().await.unwrap().checkpoint.size, journal.sealed_size());
    journal.close().await.unwrap();
    let kept = lines(dir.path()).iter().filter(|line| line["action"].as_str().unwrap().starts_with("kept")).count();
    assert_eq!(kept, 20);
    assert!(with_action(dir.path(), "refused").is_empty(), "who was told no will not act");
    assert_eq!(with_action(dir.path(), "journal.write.recovered").len(), 1);
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_while_the_disk_is_full_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let small = JournalSettings { ring: 10, ..settings(dir.path()) };
    let (journal, refuse) = fickle(dir.path(), small);
    journal.record_durable(act("before")).await.unwrap();
    refuse.store(true, Ordering::Relaxed);
    (0..100).for_each(|n| journal.record(act(format!("kept {n}"))));
    assert!(journal.record_durable(act("refused")).await.is_err());
    refuse.store(false, Ordering::Relaxed);
    journal.close().await.unwrap();
    let lost: u64 =
        with_action(dir.path(), "journal.records.lost").iter().map(|line| line["count"].as_u64().unwrap()).sum();
    let kept = lines(dir.path()).iter().filter(|line| line["action"].as_str().unwrap().starts_with("kept")).count();
    assert_eq!(lost + kept as u64, 100, "kept {kept}, lost {lost}");
    assert!(lost > 0);
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

/// Real files that do not go on while somebody holds the gate.
struct Gated {
    files: Files,
    gate: Arc<Mutex<()>>,
}

impl Disk for Gated {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        drop(self.gate.lock().unwrap());
        self.files.append(path, offset, bytes)
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.replace(path, bytes)
    }

    fn discard(&mut self, path: &str) {
        self.files.discard(path);
    }
}

#[tokio::test]
async fn a_hung_disk_holds_nobody_up_and_what_was_lost_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let small = JournalSettings { queue: 5, ..settings(dir.path()) };
    let gate = Arc::new(Mutex::new(()));
    let held = gate.clone();
    let journal = Journal::open_on(small, plain(), |root| Box::new(Gated { files: Files::new(root), gate }));
    let journal = journal.unwrap();
    journal.record_durable(act("before")).await.unwrap();
    let closed = held.lock().unwrap();
    (0..200).for_each(|n| journal.record(act(format!("act {n}"))));
    drop(closed);
    journal.close().await.unwrap();
    let lost: u64 =
        with_action(dir.path(), "journal.records.lost").iter().map(|line| line["count"].as_u64().unwrap()).sum();
    let kept = lines(dir.path()).iter().filter(|line| line["action"].as_str().unwrap().starts_with("act")).count();
    assert_eq!(lost + kept as u64, 200);
    assert!(lost > 0, "the queue holds five");
    let gap = &with_action(dir.path(), "journal.records.lost")[0];
    assert_eq!(gap["event_type"], "gap");
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}
