//! Disks that are full, or hang.

use std::io;
use std::sync::Mutex;

use super::*;

/// What a disk does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Writes half of what it is given, and has no room for the rest.
    Torn,
    /// Has no room for a byte.
    Full,
    /// Says of what it replaced that it did not.
    Doubt,
}

/// Real files with a fault. Whoever holds the lock makes it hang.
struct Faulty {
    files: Files,
    root: PathBuf,
    fault: Arc<Mutex<Fault>>,
}

impl Faulty {
    fn with_room(&self) -> io::Result<()> {
        if *self.fault.lock().unwrap() == Fault::Full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for Faulty {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with_room()?;
        if *self.fault.lock().unwrap() != Fault::Torn {
            return self.files.append(path, offset, bytes);
        }
        let path = self.root.join(path);
        let mut torn = fs::read(&path).unwrap_or_default();
        torn.extend_from_slice(&bytes[..bytes.len() / 2]);
        fs::write(path, torn)?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.with_room()?;
        self.files.replace(path, bytes)?;
        if *self.fault.lock().unwrap() == Fault::Doubt { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.with_room()?;
        self.files.write(path, bytes)
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        self.with_room()?;
        self.files.sync(paths)
    }

    fn discard(&mut self, path: &str) {
        self.files.discard(path);
    }
}

/// A journal on a faulty disk, and what is wrong with it.
pub(super) fn faulty(settings: JournalSettings, fault: Fault) -> (Journal, Arc<Mutex<Fault>>) {
    let fault = Arc::new(Mutex::new(fault));
    let told = fault.clone();
    let journal = Journal::open_on(settings, plain(), |root| {
        Box::new(Faulty { files: Files::new(root), root: root.to_owned(), fault: told })
    });
    (journal.unwrap(), fault)
}

pub(super) fn set(fault: &Mutex<Fault>, to: Fault) {
    *fault.lock().unwrap() = to;
}

#[tokio::test]
async fn a_full_disk_is_said_survived_and_made_good() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, fault) = faulty(settings(dir.path()), Fault::None);
    journal.record_durable(act("before")).await.unwrap();
    set(&fault, Fault::Torn);
    let answer = journal.record_durable(act("refused")).await;
    assert!(matches!(answer, Err(JournalError::Disk("the disk is full"))), "{answer:?}");
    assert_eq!(journal.health(), JournalHealth::Failing("the disk is full"));
    (0..20).for_each(|n| journal.record(act(format!("kept {n}"))));
    assert!(journal.checkpoint().await.is_err(), "no evidence, no release");
    set(&fault, Fault::None);
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
    let (journal, fault) = faulty(small, Fault::None);
    journal.record_durable(act("before")).await.unwrap();
    set(&fault, Fault::Torn);
    (0..100).for_each(|n| journal.record(act(format!("kept {n}"))));
    assert!(journal.record_durable(act("refused")).await.is_err());
    set(&fault, Fault::None);
    journal.close().await.unwrap();
    let lost: u64 =
        with_action(dir.path(), "journal.records.lost").iter().map(|line| line["count"].as_u64().unwrap()).sum();
    let kept = lines(dir.path()).iter().filter(|line| line["action"].as_str().unwrap().starts_with("kept")).count();
    assert_eq!(lost + kept as u64, 100, "kept {kept}, lost {lost}");
    assert!(lost > 0);
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_hung_disk_holds_nobody_up_and_what_was_lost_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let small = JournalSettings { queue: 5, ..settings(dir.path()) };
    let (journal, fault) = faulty(small, Fault::None);
    journal.record_durable(act("before")).await.unwrap();
    let closed = fault.lock().unwrap();
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

#[tokio::test]
async fn what_a_doubtful_checkpoint_covers_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, fault) = faulty(settings(dir.path()), Fault::None);
    journal.record_durable(act("before")).await.unwrap();
    for n in 0..25 {
        set(&fault, Fault::Doubt);
        assert!(journal.record_durable(act(format!("in doubt {n}"))).await.is_err());
        // What lies on the disk now is what a crash at this moment would leave: it must be whole, whatever comes next.
        let crashed = tempfile::tempdir().unwrap();
        // The writer tries again while this copies. Entries only grow, so the checkpoint of before the copy is of one moment with them.
        let note = fs::read(journal_dir(dir.path()).join("checkpoint")).unwrap();
        copy(&dir.path().join("data"), &crashed.path().join("data"));
        fs::write(journal_dir(crashed.path()).join("checkpoint"), note).unwrap();
        reopened(crashed.path()).unwrap().close().await.unwrap();
        set(&fault, Fault::None);
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
    let (journal, fault) = faulty(settings(dir.path()), Fault::Full);
    assert!(journal.record_durable(act("refused")).await.is_err());
    assert_eq!(journal.health(), JournalHealth::Failing("the disk is full"));
    journal.record(act("kept"));
    set(&fault, Fault::None);
    journal.record_durable(act("after")).await.unwrap();
    assert_eq!(journal.checkpoint().await.unwrap().checkpoint.size, journal.sealed_size());
    journal.close().await.unwrap();
    assert_eq!(with_action(dir.path(), "act 2").len(), 2, "the unsealed lines were not lost");
    assert_eq!(with_action(dir.path(), "kept").len(), 1);
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}
