//! What a crash may leave, and what is damage.

use std::io;
use std::os::unix::fs::PermissionsExt as _;

use sekisho_journal::{CHECKPOINT, DamageKind};

use super::*;

/// Real files, of a process that dies in the middle of its n-th step.
pub(super) struct Mortal {
    files: Files,
    root: PathBuf,
    steps: usize,
}

impl Mortal {
    pub(super) fn new(root: &Path, steps: usize) -> Self {
        Self { files: Files::new(root), root: root.to_owned(), steps }
    }

    fn lives(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }
}

impl Disk for Mortal {
    fn append(&mut self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.lives() {
            return self.files.append(path, offset, bytes);
        }
        if self.steps == 0 && !self.root.join("dead").exists() {
            self.files.append(path, offset, &bytes[..bytes.len() / 2])?;
            fs::write(self.root.join("dead"), b"")?;
        }
        Err(io::ErrorKind::Other.into())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if self.lives() {
            return self.files.replace(path, bytes);
        }
        fs::write(self.root.join("dead"), b"")?;
        Err(io::ErrorKind::Other.into())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if self.lives() {
            return self.files.write(path, bytes);
        }
        fs::write(self.root.join("dead"), b"")?;
        Err(io::ErrorKind::Other.into())
    }

    fn sync(&mut self, paths: &[String]) -> io::Result<()> {
        if self.lives() { self.files.sync(paths) } else { Err(io::ErrorKind::Other.into()) }
    }

    fn discard(&mut self, path: &str) {
        if self.lives() {
            self.files.discard(path);
        }
    }
}

#[tokio::test]
async fn a_death_at_any_step_loses_nothing_that_was_acknowledged() {
    for steps in 1..60 {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open_on(settings(dir.path()), plain(), |root| Box::new(Mortal::new(root, steps)));
        let journal = journal.unwrap();
        let mut acknowledged = 0;
        for n in 0..15 {
            match journal.record_durable(act(format!("act {n}"))).await {
                Ok(_) => acknowledged += 1,
                Err(_) => break,
            }
        }
        drop(journal.close().await);
        reopened(dir.path()).unwrap().close().await.unwrap();
        let report = report(dir.path());
        assert_eq!(report.verdict, Verdict::Pass, "step {steps}: {report}");
        for n in 0..acknowledged {
            assert_eq!(with_action(dir.path(), &format!("act {n}")).len(), 1, "step {steps}");
        }
    }
}

#[tokio::test]
async fn lines_behind_the_checkpoint_are_sealed_again_and_a_torn_one_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 11).await;
    let old = fs::read(journal_dir(dir.path()).join(CHECKPOINT)).unwrap();
    filled(dir.path(), 3).await;
    // as if the last commits had reached the segment but not the checkpoint
    fs::write(journal_dir(dir.path()).join(CHECKPOINT), old).unwrap();
    append(&last_segment(dir.path()), br#"{"action":"torn","boot_id"#);
    assert_eq!(report(dir.path()).verdict, Verdict::Fail, "to the verifier it is not whole");
    opened(dir.path()).close().await.unwrap();
    let report = report(dir.path());
    assert_eq!(report.verdict, Verdict::Pass, "{report}");
    let note = &with_action(dir.path(), "journal.tail.resealed")[0];
    assert_eq!(note["outputs"], json!({"records": 4, "bytes_cut": 25}));
    assert_eq!(with_action(dir.path(), "act 2").len(), 2);
    assert!(with_action(dir.path(), "torn").is_empty());
    let tiles = &with_action(dir.path(), "journal.tiles.rebuilt");
    assert_eq!(tiles.len(), 1, "the partial tile of the old size was gone");
}

#[tokio::test]
async fn what_no_crash_leaves_is_damage_and_is_named() {
    type Break = fn(&Path);
    let cases: [(&str, Break, DamageKind, Option<u64>); 5] = [
        (
            "edited",
            |dir| {
                let path = journal_dir(dir).join(segment_path(0));
                let text = fs::read_to_string(&path).unwrap().replace("act 4", "axt 4");
                fs::write(path, text).unwrap();
            },
            DamageKind::Edited,
            Some(5),
        ),
        (
            "truncated",
            |dir| {
                let path = last_segment(dir);
                let text = fs::read_to_string(&path).unwrap();
                let keep = text.trim_end().rfind('\n').unwrap() + 1;
                fs::write(path, &text.as_bytes()[..keep]).unwrap();
            },
            DamageKind::Truncated,
            Some(15),
        ),
        ("foreign tail", |dir| append(&last_segment(dir), b"{\"seq\":99}\n"), DamageKind::UnsealedTail, Some(16)),
        (
            "no checkpoint",
            |dir| fs::remove_file(journal_dir(dir).join(CHECKPOINT)).unwrap(),
            DamageKind::MissingFile,
            None,
        ),
        (
            "a segment gone",
            |dir| fs::remove_file(journal_dir(dir).join(segment_path(0))).unwrap(),
            DamageKind::MissingFile,
            Some(0),
        ),
    ];
    for (name, damage, kind, seq) in cases {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 15).await;
        damage(dir.path());
        let Err(OpenError::Damaged(found)) = reopened(dir.path()) else { panic!("{name}") };
        assert_eq!((found.kind, found.seq), (kind, seq), "{name}: {found}");
    }
}

#[tokio::test]
async fn a_journal_without_its_seed_is_not_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1).await;
    let seed = dir.path().join("data/keys/journal.seed");
    let bytes = fs::read(&seed).unwrap();
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(reopened(dir.path()), Err(OpenError::SeedUnusable { .. })));
    fs::remove_file(&seed).unwrap();
    assert!(matches!(reopened(dir.path()), Err(OpenError::SeedMissing(_))));
    fs::write(&seed, &bytes[..31]).unwrap();
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(reopened(dir.path()), Err(OpenError::SeedUnusable { .. })));
    fs::write(&seed, [1; 32]).unwrap();
    assert!(matches!(reopened(dir.path()), Err(OpenError::VerifierKey(_))));
    fs::write(&seed, &bytes).unwrap();
    reopened(dir.path()).unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_making_that_was_interrupted_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    drop(keys::signer(&data, "test.example/journal", None).unwrap());
    fs::remove_file(data.join("keys/journal.seed")).unwrap();
    reopened(dir.path()).unwrap().close().await.unwrap();
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

#[tokio::test]
async fn two_writers_of_one_journal_are_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    assert!(matches!(reopened(dir.path()), Err(OpenError::Locked)));
    journal.close().await.unwrap();
    reopened(dir.path()).unwrap().close().await.unwrap();
}
