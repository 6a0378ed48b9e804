use std::path::{Path, PathBuf};
use std::sync::Arc;

use sekisho_journal::{Event, EventType, Report, SEGMENTS, Store as _, Verdict, VerifierKey, verify};
use sekisho_seal::MasterKey;
use zeroize::Zeroizing;

use super::{KeyAges, Master, Rewrapped, Vault, VaultError, seal_segments};
use crate::evidence::{FileStore, Journal, JournalSettings, OpenError, VERIFIER_KEY};

fn master(n: u8) -> Master {
    Master::Local(MasterKey::new(Zeroizing::new([n; 32])))
}

fn vault(n: u8) -> Arc<Vault> {
    Arc::new(Vault::new(master(n), Vec::new()))
}

fn opened(data: &Path, vault: Option<Arc<Vault>>) -> Result<Journal, OpenError> {
    let settings = JournalSettings { segment_records: 4, vault, ..JournalSettings::new(data, "test.example/journal") };
    Journal::open(settings, Arc::new(str::to_owned))
}

async fn write(journal: &Journal, count: usize) {
    for n in 0..count {
        let event = Event::new(EventType::Operation, "noted").with_input("n", n).with_input("word", "plainword");
        journal.record_durable(event).await.unwrap();
    }
}

fn report(data: &Path, vault: Option<Arc<Vault>>) -> Report {
    let key: VerifierKey = std::fs::read_to_string(data.join(VERIFIER_KEY)).unwrap().parse().unwrap();
    verify(&FileStore::new(&data.join("journal")).with_vault(vault), &key, None)
}

/// A journal of some segments, all full ones sealed, and closed.
async fn sealed_journal() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let journal = opened(&data, Some(vault(1))).unwrap();
    write(&journal, 10).await;
    let sealed = seal_segments(&vault(1), journal.root()).unwrap();
    assert!(sealed.starts_with(&[0, 4]), "{sealed:?}");
    assert_eq!(seal_segments(&vault(1), journal.root()).unwrap(), [0_u64; 0], "sealed once");
    journal.close().await.unwrap();
    (dir, data)
}

fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn sealed_segments_verify_with_the_key_and_never_pass_without_it() {
    let (_dir, data) = sealed_journal().await;
    assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Pass);
    let without = report(&data, None);
    assert_eq!(without.verdict, Verdict::Unknown, "{without}");
    assert!(without.to_string().contains("sealed"), "{without}");
    let other = report(&data, Some(vault(2)));
    assert_eq!(other.verdict, Verdict::Unknown);
    assert!(other.to_string().contains("local:"), "it says which master key is wanted: {other}");
}

#[tokio::test]
async fn what_is_sealed_is_nowhere_plain() {
    let (_dir, data) = sealed_journal().await;
    let names = FileStore::new(&data.join("journal")).list(SEGMENTS).unwrap();
    assert!(names.contains(&"000000000000.ndjson".to_owned()) && names.contains(&"000000000004.ndjson".to_owned()));
    for first in ["000000000000", "000000000004"] {
        let sealed = std::fs::read(data.join(format!("journal/segments/{first}.ndjson.sealed"))).unwrap();
        assert!(!holds(&sealed, b"plainword"));
        assert!(!data.join(format!("journal/segments/{first}.ndjson")).exists());
    }
    assert!(!data.join("keys/journal.seed").exists(), "the seed is sealed too");
    assert!(!holds(&all_bytes(&data), &[1; 32]), "the master key is not in the data directory");
}

#[tokio::test]
async fn a_journal_goes_on_over_its_sealed_segments_and_needs_their_key() {
    let (_dir, data) = sealed_journal().await;
    let journal = opened(&data, Some(vault(1))).unwrap();
    write(&journal, 6).await;
    journal.checkpoint().await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Pass);
    assert!(matches!(opened(&data, None), Err(OpenError::SeedSealed { why: VaultError::NoVault, .. })));
    let other = opened(&data, Some(vault(2)));
    assert!(matches!(other, Err(OpenError::SeedSealed { why: VaultError::NoMaster { .. }, .. })), "{other:?}");
}

#[tokio::test]
async fn a_touched_sealed_segment_does_not_pass() {
    let (_dir, data) = sealed_journal().await;
    let path = |name: &str| data.join("journal/segments").join(name);
    let (first, second) = ("000000000000.ndjson", "000000000004.ndjson");
    let good: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(data.join("journal/segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    let read = |name: &str, ending: &str| std::fs::read(path(&format!("{name}{ending}"))).unwrap();
    let put = |name: &str, ending: &str, bytes: &[u8]| std::fs::write(path(&format!("{name}{ending}")), bytes).unwrap();
    let touches: [(&str, &dyn Fn()); 5] = [
        ("a bit", &|| {
            let mut bytes = read(first, ".sealed");
            *bytes.last_mut().unwrap() ^= 1;
            put(first, ".sealed", &bytes);
        }),
        ("cut", &|| put(first, ".sealed", &read(first, ".sealed")[..200])),
        ("another segment, with its key", &|| {
            let (sealed, key) = (read(second, ".sealed"), read(second, ".key"));
            put(first, ".sealed", &sealed);
            put(first, ".key", &key);
        }),
        ("its key gone", &|| std::fs::remove_file(path("000000000000.ndjson.key")).unwrap()),
        ("both gone", &|| {
            std::fs::remove_file(path("000000000000.ndjson.key")).unwrap();
            std::fs::remove_file(path("000000000000.ndjson.sealed")).unwrap();
        }),
    ];
    for (what, touch) in touches {
        touch();
        let report = report(&data, Some(vault(1)));
        assert_ne!(report.verdict, Verdict::Pass, "{what}");
        assert!(
            report.to_string().contains("000000000000") || report.to_string().contains("entry 0"),
            "{what}: {report}"
        );
        for (path, bytes) in &good {
            std::fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_crash_between_sealing_and_removing_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let journal = opened(&data, Some(vault(1))).unwrap();
    write(&journal, 10).await;
    let first = data.join("journal/segments/000000000000.ndjson");
    let plain = std::fs::read(&first).unwrap();
    seal_segments(&vault(1), journal.root()).unwrap();
    journal.close().await.unwrap();
    std::fs::write(&first, &plain).unwrap();
    for torn in [true, false] {
        if torn {
            std::fs::write(first.with_extension("ndjson.sealed"), b"sekisho-sea").unwrap();
        }
        assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Pass, "torn: {torn}");
        assert_eq!(seal_segments(&vault(1), &data.join("journal")).unwrap(), [0]);
        assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Pass, "torn: {torn}");
        assert!(!first.exists());
        std::fs::write(&first, &plain).unwrap();
    }
}

#[tokio::test]
async fn another_master_key_takes_over_without_touching_what_is_sealed() {
    let (_dir, data) = sealed_journal().await;
    let path = data.join("journal/segments/000000000000.ndjson.sealed");
    let before = std::fs::read(&path).unwrap();
    let both = Vault::new(master(2), vec![master(1)]);
    let count = KeyAges::of(&data).unwrap().data_keys.len();
    assert!(count >= 3, "two segments and the seed");
    assert_eq!(both.rewrap(&data).unwrap(), Rewrapped { rewrapped: count, current: 0 });
    assert_eq!(both.rewrap(&data).unwrap(), Rewrapped { rewrapped: 0, current: count });
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(report(&data, Some(vault(2))).verdict, Verdict::Pass);
    assert_eq!(report(&data, Some(vault(1))).verdict, Verdict::Unknown, "the old one opens nothing any more");
    let journal = opened(&data, Some(vault(2))).unwrap();
    journal.close().await.unwrap();
    let ages = KeyAges::of(&data).unwrap();
    let masters: Vec<&str> = ages.masters.iter().map(|age| age.what.as_str()).collect();
    assert_eq!(masters, [master(2).name()]);
}

#[tokio::test]
async fn a_plain_seed_is_sealed_once_there_is_a_master_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    opened(&data, None).unwrap().close().await.unwrap();
    let seed = std::fs::read(data.join("keys/journal.seed")).unwrap();
    opened(&data, Some(vault(1))).unwrap().close().await.unwrap();
    assert!(!data.join("keys/journal.seed").exists());
    assert!(!holds(&all_bytes(&data), &seed));
    opened(&data, Some(vault(1))).unwrap().close().await.unwrap();
    assert_eq!(report(&data, None).verdict, Verdict::Pass, "the segment being written is plain");
}
