//! The signing key goes over to the next, and no crash on the way leaves a journal that does not verify.

use sekisho_journal::{Handover, KEYS, KeyChain, SignerKey};

use super::disk::{Fault, faulty, set};
use super::recovery::Mortal;
use super::*;

/// The verifier's word for somebody who has had this key from the beginning.
fn report_for(dir: &Path, key: &VerifierKey) -> Report {
    verify(&FileStore::new(&journal_dir(dir)), key, None)
}

#[tokio::test]
async fn who_has_the_first_key_can_verify_what_the_third_signs() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await;
    let first = key(dir.path());
    let seed = fs::read(dir.path().join("data/keys/journal.seed")).unwrap();
    let journal = opened(dir.path());
    for n in 0..2 {
        journal.record_durable(act(format!("before {n}"))).await.unwrap();
        let done = journal.hand_over("ann", "yearly").await.unwrap();
        assert_eq!(done.key, key(dir.path()), "auditors are handed the new one");
        assert_ne!(done.key, first);
        journal.record_durable(act(format!("after {n}"))).await.unwrap();
        journal.checkpoint().await.unwrap();
    }
    journal.close().await.unwrap();
    filled(dir.path(), 3).await;
    for trusted in [first.clone(), key(dir.path())] {
        let report = report_for(dir.path(), &trusted);
        assert_eq!((report.verdict, report.rotations), (Verdict::Pass, 2), "{report}");
    }
    let entry = &with_action(dir.path(), HANDED_OVER)[0];
    assert_eq!((&entry["user"], &entry["inputs"]["reason"]), (&json!("ann"), &json!("yearly")));
    assert_ne!(fs::read(dir.path().join("data/keys/journal.seed")).unwrap(), seed);
    assert!(!dir.path().join("data/keys/journal.next.seed").exists(), "the old seed is gone, and there is one only");
    // Whoever kept the first seed can sign no more.
    let old = SignerKey::from_seed("test.example/journal", &seed.try_into().unwrap()).unwrap();
    let path = journal_dir(dir.path()).join("checkpoint");
    let chain = KeyChain::stored(&FileStore::new(&journal_dir(dir.path())), &first).unwrap();
    let checkpoint = chain.open(&fs::read_to_string(&path).unwrap()).unwrap();
    fs::write(&path, checkpoint.sign(&old)).unwrap();
    assert_eq!(report_for(dir.path(), &first).verdict, Verdict::Fail);
}

#[tokio::test]
async fn a_death_at_any_step_of_a_handover_is_made_good() {
    let (mut refused, mut done) = (0, 0);
    for steps in 1..40 {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 2).await;
        let first = key(dir.path());
        let journal =
            Journal::open_on(settings(dir.path()), plain(), |root| Box::new(Mortal::new(root, steps))).unwrap();
        let before = journal.record_durable(act("before")).await.is_ok();
        let handed = journal.hand_over("ann", "test").await.is_ok();
        let after = journal.record_durable(act("after")).await.is_ok();
        drop(journal.close().await);
        filled(dir.path(), 2).await;
        let report = report_for(dir.path(), &first);
        assert_eq!(report.verdict, Verdict::Pass, "step {steps}: {report}");
        assert!(!handed || report.rotations == 1, "step {steps}: {report}");
        for (name, acknowledged) in [("before", before), ("after", after)] {
            assert!(!acknowledged || with_action(dir.path(), name).len() == 1, "step {steps}: {name}");
        }
        assert_eq!(with_action(dir.path(), HANDED_OVER).len() as u64, report.rotations, "step {steps}: each once");
        (refused, done) = (refused + usize::from(!handed), done + usize::from(handed));
    }
    assert!(refused > 5 && done > 5, "{refused} {done}");
}

#[tokio::test]
async fn a_disk_that_refuses_or_lies_during_a_handover_does_not_break_it() {
    for fault in [Fault::Full, Fault::Torn, Fault::Doubt] {
        let dir = tempfile::tempdir().unwrap();
        let (journal, broken) = faulty(settings(dir.path()), Fault::None);
        journal.record_durable(act("before")).await.unwrap();
        let first = key(dir.path());
        set(&broken, fault);
        assert!(journal.hand_over("ann", "test").await.is_err(), "{fault:?}");
        journal.record(act("kept"));
        set(&broken, Fault::None);
        journal.record_durable(act("after")).await.unwrap();
        journal.checkpoint().await.unwrap();
        journal.close().await.unwrap();
        let report = report_for(dir.path(), &first);
        assert_eq!((report.verdict, report.rotations), (Verdict::Pass, 1), "{fault:?}: it comes to its end: {report}");
        assert_eq!(with_action(dir.path(), "kept").len(), 1);
    }
}

#[tokio::test]
async fn a_seed_that_nothing_states_is_forgotten_and_a_statement_without_its_entry_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 2).await;
    let (data, first) = (dir.path().join("data"), key(dir.path()));
    let next = keys::make_next(&data, "test.example/journal", None).unwrap();
    filled(dir.path(), 1).await;
    assert_eq!((key(dir.path()), data.join("keys/journal.next.seed").exists()), (first.clone(), false));
    // As a crash between the statement and its entry leaves it.
    let next_again = keys::make_next(&data, "test.example/journal", None).unwrap();
    assert_ne!(next.verifier(), next_again.verifier());
    let old = keys::signer_beside(&data, "test.example/journal", None).unwrap();
    let size = report(dir.path()).size;
    let stated = Handover::sign(size, &old, &next_again).unwrap();
    fs::write(journal_dir(dir.path()).join(KEYS), &stated.note).unwrap();
    assert_eq!(report_for(dir.path(), &first).verdict, Verdict::Pass, "stated, and not yet in force");
    filled(dir.path(), 1).await;
    let report = report_for(dir.path(), &first);
    assert_eq!((report.verdict, report.rotations), (Verdict::Pass, 1), "{report}");
    assert_eq!(key(dir.path()), *next_again.verifier());
    fs::remove_file(journal_dir(dir.path()).join(KEYS)).unwrap();
    assert!(reopened(dir.path()).is_err(), "without the statements nobody can follow");
}
