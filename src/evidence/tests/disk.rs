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

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.write(path, bytes)
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        self.files.sync(paths)
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

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.write(path, bytes)
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        self.files.sync(paths)
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

/// Real files whose checkpoint reaches the disk although the system says that it did not.
struct Doubtful {
    files: Files,
    doubt: Arc<AtomicBool>,
}

impl Disk for Doubtful {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.files.append(path, offset, bytes)
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.replace(path, bytes)?;
        if self.doubt.load(Ordering::Relaxed) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.write(path, bytes)
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        self.files.sync(paths)
    }

    fn discard(&mut self, path: &str) {
        self.files.discard(path);
    }
}

#[tokio::test]
async fn what_a_doubtful_checkpoint_covers_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let doubt = Arc::new(AtomicBool::new(false));
    let told = doubt.clone();
    let journal = Journal::open_on(settings(dir.path()), plain(), |root| {
        Box::new(Doubtful { files: Files::new(root), doubt: told })
    });
    let journal = journal.unwrap();
    journal.record_durable(act("before")).await.unwrap();
    for n in 0..25 {
        doubt.store(true, Ordering::Relaxed);
        assert!(journal.record_durable(act(format!("in doubt {n}"))).await.is_err());
        // What lies on the disk now is what a crash at this moment would leave: it must be whole, whatever comes next.
        let crashed = tempfile::tempdir().unwrap();
        // The writer tries again while this copies. Entries only grow, so the checkpoint of before the copy is of one moment with them.
        let note = fs::read(journal_dir(dir.path()).join("checkpoint")).unwrap();
        copy(&dir.path().join("data"), &crashed.path().join("data"));
        fs::write(journal_dir(crashed.path()).join("checkpoint"), note).unwrap();
        reopened(crashed.path()).unwrap().close().await.unwrap();
        doubt.store(false, Ordering::Relaxed);
        journal.record_durable(act(format!("after {n}"))).await.unwrap();
        journal.checkpoint().await.unwrap();
    }
    journal.close().await.unwrap();
    let count = |start: &str| {
        lines(dir.path()).iter().filter(|line| line["action"].as_str().unwrap().starts_with(start)).count()
    };
    assert_eq!((count("in doubt"), count("after")), (25, 25), "each once: a checkpoint may have covered it");
}

#[tokio::test]
async fn a_full_disk_does_not_hold_up_the_start_and_what_a_crash_left_is_sealed_later() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 11).await;
    let old = fs::read(journal_dir(dir.path()).join("checkpoint")).unwrap();
    filled(dir.path(), 3).await;
    fs::write(journal_dir(dir.path()).join("checkpoint"), old).unwrap();
    append(&last_segment(dir.path()), b"{\"torn");
    let refuse = Arc::new(AtomicBool::new(true));
    let told = refuse.clone();
    let journal = Journal::open_on(settings(dir.path()), plain(), |root| {
        Box::new(Full { files: Files::new(root), refuse: told })
    });
    let journal = journal.unwrap();
    assert!(journal.record_durable(act("refused")).await.is_err());
    assert_eq!(journal.health(), JournalHealth::Failing("the disk is full"));
    journal.record(act("kept"));
    refuse.store(false, Ordering::Relaxed);
    journal.record_durable(act("after")).await.unwrap();
    assert_eq!(journal.checkpoint().await.unwrap().checkpoint.size, journal.sealed_size());
    journal.close().await.unwrap();
    assert_eq!(with_action(dir.path(), "act 2").len(), 2, "the unsealed lines were not lost");
    assert_eq!(with_action(dir.path(), "kept").len(), 1);
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

/// Real files on a disk without room for a byte.
struct Full {
    files: Files,
    refuse: Arc<AtomicBool>,
}

impl Full {
    fn room(&self) -> io::Result<()> {
        if self.refuse.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for Full {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.room()?;
        self.files.append(path, offset, bytes)
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.room()?;
        self.files.replace(path, bytes)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.room()?;
        self.files.write(path, bytes)
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        self.files.sync(paths)
    }

    fn discard(&mut self, path: &str) {
        self.files.discard(path);
    }
}
