//! What is recorded, and how it reaches the disk.

use std::os::unix::fs::PermissionsExt as _;

use sekisho_journal::{Outcome, Severity};

use super::*;

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
