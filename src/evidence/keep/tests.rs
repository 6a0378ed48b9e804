//! Full segments get manifests, arrive in the archive, and go when they may.

use std::sync::Arc;

use sekisho_journal::{CHECKPOINT, Report, Retention, Store as _, Verdict, verify};
use sekisho_safety::{Answer, Asked, Issued, Request};

use super::*;
use crate::evidence::{JournalSettings, Scrub, VERIFIER_KEY};

/// A journal of `count` records of a year, in segments of 256, and what looks after it.
async fn kept(dir: &Path, count: usize) -> Keeper {
    let data = dir.join("data");
    let settings = JournalSettings {
        segment_records: 256,
        batch: 100,
        flush_interval: Duration::from_millis(1),
        heartbeat: Duration::from_secs(3600),
        retention: EventType::ALL.into_iter().map(|kind| (kind, Retention::Y1)).collect(),
        ..JournalSettings::new(&data, "test.example/journal")
    };
    let scrub: Arc<Scrub> = Arc::new(str::to_owned);
    let journal = Journal::open(settings, scrub).unwrap();
    for n in 0..count {
        journal.record(Event::new(EventType::Operation, format!("act {n}")));
    }
    journal.checkpoint().await.unwrap();
    Keeper { data, journal, vault: None, archive: None, prune: false, interval: Duration::from_secs(3600) }
}

fn report(root: &Path, key: &VerifierKey) -> Report {
    verify(&FileStore::new(root), key, None)
}

fn segments(root: &Path) -> Vec<u64> {
    let mut all: Vec<u64> =
        FileStore::new(root).list(SEGMENTS).unwrap().iter().filter_map(|name| segment_first(name)).collect();
    all.sort_unstable();
    all
}

/// As if all of it had happened nine years ago: what a manifest says decides, so it is made anew as the keeper would have then.
fn age(keeper: &Keeper) {
    let origin = keeper.journal.verifier_key().name().to_owned();
    let signer = keys::signer_beside(&keeper.data, &origin, None).unwrap();
    let files = keeper.journal.files();
    for first in closed(&files).unwrap() {
        let mut manifest = manifest(&files, keeper.journal.verifier_key(), first).unwrap().unwrap();
        manifest.keep_until = "2016-01-01T00:00:00.000Z".to_owned();
        fs::write(keeper.journal.root().join(manifest_path(first)), manifest.sign(&signer)).unwrap();
    }
}

#[tokio::test]
async fn every_full_segment_gets_a_signed_manifest_and_ends_at_a_tile() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = kept(dir.path(), 1000).await;
    keeper.look().await.unwrap();
    assert_eq!(segments(keeper.journal.root()), [0, 256, 512, 768]);
    for first in [0, 256, 512] {
        let manifest = manifest(&keeper.journal.files(), keeper.journal.verifier_key(), first).unwrap().unwrap();
        assert_eq!((manifest.end, manifest.classes[&Retention::Y1]), (first + 256, 256));
        assert!(manifest.keep_until > manifest.until);
    }
    let report = report(keeper.journal.root(), keeper.journal.verifier_key());
    assert_eq!(report.verdict, Verdict::Pass, "{report}");
}

#[tokio::test]
async fn the_archive_is_a_journal_of_its_own_and_has_what_has_arrived() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    let keeper = Keeper { archive: Some(archive.clone()), ..kept(dir.path(), 600).await };
    keeper.look().await.unwrap();
    let there = archive.join("test.example_journal/journal");
    let key = keeper.journal.verifier_key().clone();
    let first = report(&there, &key);
    assert_eq!((first.verdict, first.size), (Verdict::Pass, 512), "{first}");
    for n in 0..400 {
        keeper.journal.record(Event::new(EventType::Operation, format!("more {n}")));
    }
    keeper.journal.hand_over("ann", "test").await.unwrap();
    keeper.look().await.unwrap();
    assert_eq!(
        report(&there, &key).size,
        512,
        "what the new key would have to vouch for waits for its own first segment"
    );
    for n in 0..100 {
        keeper.journal.record(Event::new(EventType::Operation, format!("behind {n}")));
    }
    keeper.journal.checkpoint().await.unwrap();
    // A store that does not take it: it is tried again, and what has arrived is not lost.
    let away = archive.with_extension("away");
    fs::rename(&archive, &away).unwrap();
    fs::write(&archive, b"in the way").unwrap();
    assert!(matches!(keeper.look().await, Err(KeepError::Archive(_))));
    fs::remove_file(&archive).unwrap();
    fs::rename(&away, &archive).unwrap();
    keeper.look().await.unwrap();
    let later = report(&there, &key);
    assert_eq!((later.verdict, later.size), (Verdict::Pass, 1024), "{later}");
    let kept_key: VerifierKey =
        fs::read_to_string(archive.join("test.example_journal").join(VERIFIER_KEY)).unwrap().trim().parse().unwrap();
    assert_eq!(report(&there, &kept_key).verdict, Verdict::Pass);
    keeper.journal.checkpoint().await.unwrap();
    let told = keeper.journal.recent(1024).iter().filter(|line| line.contains("segment.archived")).count();
    assert_eq!(told, 4, "each segment once, with its receipt");
    // Another journal in its place is not written over.
    fs::write(there.join(CHECKPOINT), b"somebody else's\n\n").unwrap();
    assert!(matches!(keeper.look().await, Err(KeepError::Archive(ArchiveError::Foreign))));
}

#[tokio::test]
async fn nothing_goes_before_its_time_and_what_goes_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = Keeper { prune: true, ..kept(dir.path(), 1000).await };
    keeper.look().await.unwrap();
    assert_eq!(segments(keeper.journal.root()), [0, 256, 512, 768], "it is of today");
    age(&keeper);
    let archive = dir.path().join("archive");
    fs::write(&archive, b"not to be had").unwrap();
    let with_archive = Keeper { archive: Some(archive.clone()), ..keeper.clone() };
    assert!(with_archive.look().await.is_err());
    assert_eq!(segments(keeper.journal.root()).len(), 4, "nothing that has not arrived in the archive goes");
    fs::remove_file(&archive).unwrap();
    with_archive.look().await.unwrap();
    assert_eq!(segments(keeper.journal.root()), [768]);
    let sealed = keeper.journal.checkpoint().await.unwrap();
    assert!(sealed.checkpoint.size > 1000, "it still verifies, for releases too");
    let key = keeper.journal.verifier_key().clone();
    let found = report(keeper.journal.root(), &key);
    assert_eq!((found.verdict, found.pruned, found.records), (Verdict::Pass, 768, sealed.checkpoint.size), "{found}");
    // It goes on after a restart, with its hashes.
    let data = keeper.data.clone();
    keeper.journal.clone().close().await.unwrap();
    drop((keeper, with_archive));
    let settings = JournalSettings { segment_records: 256, ..JournalSettings::new(&data, "test.example/journal") };
    fs::remove_dir_all(data.join("journal/tile/1")).unwrap();
    let journal = Journal::open(settings, Arc::new(str::to_owned)).unwrap();
    journal.record_durable(Event::new(EventType::Operation, "after")).await.unwrap();
    let root = journal.root().to_owned();
    journal.close().await.unwrap();
    let found = report(&root, &key);
    assert_eq!((found.verdict, found.pruned), (Verdict::Pass, 768), "its tiles were made again: {found}");
    fs::remove_file(root.join("tile/0/001")).unwrap();
    assert_eq!(report(&root, &key).verdict, Verdict::Fail, "these hashes are all that is left");
}

#[tokio::test]
async fn to_delete_earlier_takes_two_people() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = kept(dir.path(), 1000).await;
    keeper.look().await.unwrap();
    assert!(matches!(keeper.would_leave(255).await, Err(PruneError::Nothing { .. })));
    assert_eq!(keeper.would_leave(600).await.unwrap(), 512, "whole segments only");
    assert_eq!(segments(keeper.journal.root()).len(), 4);
    let (by, reason) = ("ann".to_owned(), "the disk is full".to_owned());
    let asked = Asked { subject: "delete".to_owned(), by, reason, evidence: [0; 32] };
    let request = Request::new(asked, &Issued { nonce: [1; 32], now_ms: 0, ttl_ms: 1000 }).unwrap();
    let answer = Answer { by: "bob".to_owned(), code: request.code(), evidence: [0; 32], now_ms: 1 };
    assert_eq!(keeper.prune_early(&request.confirm(&answer).unwrap(), 512).await.unwrap(), 512);
    assert_eq!(segments(keeper.journal.root()), [512, 768]);
    keeper.journal.checkpoint().await.unwrap();
    let lines = keeper.journal.recent(1024);
    let said = lines.iter().find(|line| line.contains("\"action\":\"journal.pruned\"")).unwrap();
    assert!(said.contains("ann and bob") && said.contains("the disk is full"), "{said}");
}
