use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use sekisho_journal::{CHECKPOINT, DamageKind, EventType, Outcome, Report, SEGMENTS, Severity, Store as _, segment_path};
use serde_json::{Value, json};

use super::*;

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

#[tokio::test]
async fn what_is_recorded_is_on_the_disk_sealed_and_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    for run in 0..3_u64 {
        let journal = opened(dir.path());
        for n in 0..25_u64 {
            let seq = journal.record_durable(act("act")).await.unwrap();
            assert_eq!(seq, run * 26 + 1 + n);
        }
        assert_eq!(journal.sealed_size(), (run + 1) * 26);
        assert_eq!(journal.recent(2).len(), 2);
        assert_eq!(journal.health(), JournalHealth::Ok);
        journal.close().await.unwrap();
    }
    let report = report(dir.path());
    assert_eq!((report.verdict, report.records), (Verdict::Pass, 78), "{report}");
    let seed = dir.path().join("data/keys/journal.seed");
    assert_eq!(fs::metadata(seed).unwrap().permissions().mode() & 0o777, 0o600);
    let data = dir.path().join("data/journal/segments");
    assert_eq!(fs::metadata(data).unwrap().permissions().mode() & 0o777, 0o700);
    // one partial tile a level, the older ones are gone
    let partials = fs::read_dir(journal_dir(dir.path()).join("tile/0/000.p")).unwrap().count();
    assert_eq!(partials, 1);
}

#[tokio::test]
async fn a_checkpoint_is_verified_from_the_disk_while_writing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let busy = journal.clone();
    let writer = std::thread::spawn(move || (0..2000).for_each(|n| busy.record(act(format!("busy {n}")))));
    for _ in 0..5 {
        let sealed = journal.checkpoint().await.unwrap();
        let expected: [u8; 32] = Sha256::digest(sealed.checkpoint.text()).into();
        assert_eq!(sealed.digest, expected);
    }
    writer.join().unwrap();
    let sealed = journal.checkpoint().await.unwrap();
    assert_eq!(sealed.checkpoint.size, 2001);
    // now somebody edits a line under the running process
    let first = journal_dir(dir.path()).join(segment_path(0));
    let text = fs::read_to_string(&first).unwrap().replace("busy 3\"", "busy 4\"");
    fs::write(&first, text).unwrap();
    let error = journal.checkpoint().await.unwrap_err();
    let JournalError::Damaged(report) = error else { panic!("{error}") };
    assert_eq!(report.first_bad.unwrap().seq, Some(4));
    assert_eq!(journal.health(), JournalHealth::Failing("the journal does not verify"));
    journal.record_durable(act("more")).await.unwrap();
    assert_ne!(journal.health(), JournalHealth::Ok, "a later write does not make it well");
}

#[tokio::test]
async fn an_old_journal_put_back_under_the_running_process_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    journal.record_durable(act("one")).await.unwrap();
    let old = tempfile::tempdir().unwrap();
    copy(&journal_dir(dir.path()), old.path());
    journal.record_durable(act("two")).await.unwrap();
    copy(old.path(), &journal_dir(dir.path()));
    let error = journal.checkpoint().await.unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");
}

/// Real files, of a process that dies in the middle of its n-th step.
struct Mortal {
    files: Files,
    root: PathBuf,
    steps: usize,
}

impl Mortal {
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
        let journal = Journal::open_on(settings(dir.path()), plain(), |root| {
            Box::new(Mortal { files: Files::new(root), root: root.to_owned(), steps })
        });
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
    drop(keys::signer(&data, "test.example/journal").unwrap());
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

#[tokio::test]
async fn every_string_is_scrubbed() {
    let dir = tempfile::tempdir().unwrap();
    let secret = ["hun", "ter2"].concat();
    let (needle, digits) = (secret.clone(), "4111111111".to_owned());
    let scrub: Arc<Scrub> = Arc::new(move |text: &str| text.replace(&needle, "[x]").replace(&digits, "[n]"));
    let journal = Journal::open(settings(dir.path()), scrub).unwrap();
    let nested = json!({"list": [secret, {secret.clone(): secret}], "number": 4_111_111_111_u64});
    let event = act(&secret)
        .with_user(&secret)
        .with_source_ip(&secret)
        .with_trace_id(&secret)
        .with_decision_id(&secret)
        .with_input("nested", nested)
        .with_input(&secret, 1)
        .with_output(format!("[x]{secret}"), 1)
        .with_output("[x][x]", 2)
        .with_ref(&secret);
    let mut seen = journal.subscribe();
    journal.record_durable(event.clone()).await.unwrap();
    journal.record(event);
    journal.close().await.unwrap();
    let text = fs::read_to_string(journal_dir(dir.path()).join(segment_path(0))).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(!text.contains(&secret) && !text.contains("4111111111"), "{text}");
    assert_eq!(lines(dir.path())[1]["outputs"].as_object().unwrap().len(), 2, "no member is lost");
    while let Ok(line) = seen.try_recv() {
        assert!(!line.contains(&secret));
    }
}

#[tokio::test]
async fn a_flood_is_one_record_and_a_count() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let kind = Kind {
        event_type: EventType::SecurityAccessDenied,
        severity: Severity::Low,
        action: "order.refused".into(),
        result: Outcome::Refused,
        user: None,
        network: None,
        route: Some("orders".into()),
        details: [None; 2],
    };
    (0..500).for_each(|_| journal.tally(&kind, 1, |event| event.with_decision_id("the first")));
    journal.close().await.unwrap();
    let written = with_action(dir.path(), "order.refused");
    assert_eq!(written.len(), 2);
    assert_eq!((written[0].get("count"), &written[0]["decision_id"]), (None, &json!("the first")));
    assert_eq!((&written[1]["count"], &written[1]["inputs"]["route"]), (&json!(499), &json!("orders")));
}

#[tokio::test]
async fn silence_is_broken_by_a_heartbeat() {
    let dir = tempfile::tempdir().unwrap();
    let settings = JournalSettings { heartbeat: Duration::from_millis(5), ..settings(dir.path()) };
    let journal = Journal::open(settings, plain()).unwrap();
    let mut seen = journal.subscribe();
    loop {
        let line = seen.recv().await.unwrap();
        if line.contains(r#""event_type":"heartbeat""#) {
            break;
        }
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_a_line_is_reported_and_not_dropped_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let answer = journal.record_durable(act("long").with_input("x", "y".repeat(70_000))).await;
    assert!(matches!(answer, Err(JournalError::Unwritable(_))), "{answer:?}");
    journal.close().await.unwrap();
    let note = &with_action(dir.path(), "journal.record.unwritable")[0];
    assert_eq!(note["inputs"], json!({"event_type": "config.changed"}));
    assert_eq!(report(dir.path()).verdict, Verdict::Pass);
}

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

#[tokio::test]
async fn the_last_handle_gone_writes_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let journal = opened(dir.path());
    let mut seen = journal.subscribe();
    journal.record(act("last words"));
    drop(journal);
    while let Ok(line) = seen.recv().await {
        if line.contains("last words") {
            return;
        }
    }
    panic!("the last record was not sealed");
}
