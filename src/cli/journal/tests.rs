use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sekisho_journal::Event;

use sekisho_journal::{EventType, Report, Store as _, segment_path};

use super::*;
use crate::evidence::{FileStore, Journal, JournalSettings, VERIFIER_KEY};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: JournalCommand,
}

fn sekisho(args: &[&str]) -> (Exit, String, String) {
    let cli = Cli::try_parse_from([&["journal"], args].concat()).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(cli.command, &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

async fn journal(dir: &Path) {
    let settings = JournalSettings::new(dir, "cli.example/journal");
    let journal = Journal::open(settings, Arc::new(str::to_owned)).unwrap();
    for n in 0..5 {
        let event = Event::new(EventType::StateTightened, format!("tighten {n}")).with_user("ann\u{1b}[2J\u{202e}");
        journal.record_durable(event).await.unwrap();
    }
    journal.close().await.unwrap();
}

#[tokio::test]
async fn verify_says_pass_or_names_the_entry() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let data = dir.path().to_str().unwrap();
    let inner = dir.path().join("journal");
    let key = fs::read_to_string(dir.path().join(VERIFIER_KEY)).unwrap();
    let key_file = dir.path().join(VERIFIER_KEY);
    let note = inner.join(CHECKPOINT);
    for args in [
        vec!["verify", data],
        vec!["verify", "--data", data],
        vec!["verify", inner.to_str().unwrap()],
        vec!["verify", data, "--key", key.trim()],
        vec!["verify", data, "--key", key_file.to_str().unwrap(), "--pinned", note.to_str().unwrap()],
    ] {
        let (exit, out, err) = sekisho(&args);
        assert_eq!(exit.code(), 0, "{args:?}: {out}{err}");
        assert!(out.starts_with("PASS cli.example/journal: 6 entries, root "), "{out}");
        assert_eq!(out.lines().count(), 1);
        assert_eq!(err.is_empty(), args.contains(&"--key"), "{err}");
    }
    let segment = inner.join(segment_path(0));
    let text = fs::read_to_string(&segment).unwrap().replace("tighten 2", "tighten 9");
    fs::write(&segment, text).unwrap();
    let (exit, out, _) = sekisho(&["verify", data]);
    assert_eq!(exit.code(), 1);
    assert_eq!(out, "FAIL cli.example/journal: entry 3: edited: the line is not the one that was signed\n");
    let (_, out, _) = sekisho(&["verify", data, "--json"]);
    let report: Report = serde_json::from_str(&out).unwrap();
    assert_eq!(report.first_bad.unwrap().seq, Some(3));
}

#[tokio::test]
async fn what_cannot_be_read_is_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let (exit, out, err) = sekisho(&["verify", data]);
    assert_eq!((exit, out.as_str()), (Exit::Environment, ""));
    assert!(err.contains("there is no journal in"), "{err}");
    journal(dir.path()).await;
    let (exit, _, err) = sekisho(&["verify", data, "--key", "nonsense"]);
    assert_eq!(exit, Exit::Usage, "{err}");
    let (exit, _, _) = sekisho(&["verify", data, "--pinned", "no-such-file"]);
    assert_eq!(exit, Exit::Environment);
    let segment = dir.path().join("journal").join(segment_path(0));
    fs::remove_file(&segment).unwrap();
    fs::create_dir(&segment).unwrap();
    let (exit, out, _) = sekisho(&["verify", data]);
    assert_eq!(exit, Exit::Environment);
    assert!(out.starts_with("UNKNOWN "), "{out}");
}

#[tokio::test]
async fn show_prints_what_is_asked_for_and_moves_no_cursor() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let data = dir.path().to_str().unwrap();
    let (exit, out, _) = sekisho(&["show", "--data", data]);
    assert_eq!((exit, out.lines().count()), (Exit::Fine, 6));
    assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out}");
    let (_, out, _) = sekisho(&["show", "--data", data, "--from", "2", "--limit", "2", "--type", "state.tightened"]);
    let numbers: Vec<&str> = out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(numbers, ["2", "3"]);
    let (_, out, _) = sekisho(&["show", "--data", data, "--type", "integrity.record", "--json"]);
    assert!(out.contains(r#""action":"journal.opened""#), "{out}");
    assert!(Cli::try_parse_from(["journal", "show", "--data", data, "--type", "nonsense"]).is_err());
}

#[tokio::test]
async fn a_journal_that_is_being_written_verifies_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let settings = JournalSettings {
        segment_records: 50,
        batch: 3,
        flush_interval: Duration::from_millis(1),
        ..JournalSettings::new(dir.path(), "cli.example/journal")
    };
    let journal = Journal::open(settings, Arc::new(str::to_owned)).unwrap();
    journal.record_durable(Event::new(EventType::ConfigChanged, "begin")).await.unwrap();
    for _ in 0..5 {
        (0..60).for_each(|n| journal.record(Event::new(EventType::ConfigChanged, format!("act {n}"))));
        let (exit, out, err) = sekisho(&["verify", dir.path().to_str().unwrap()]);
        assert_eq!(exit, Exit::Fine, "{out}{err}");
    }
    journal.close().await.unwrap();
    let segment = FileStore::new(&dir.path().join("journal")).list(SEGMENTS).unwrap().into_iter().max().unwrap();
    let segment = dir.path().join("journal/segments").join(segment);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend_from_slice(b"more");
    fs::write(&segment, bytes).unwrap();
    let (exit, out, _) = sekisho(&["verify", dir.path().to_str().unwrap()]);
    assert_eq!(exit, Exit::Found);
    assert!(out.contains("unsealed tail"), "{out}");
}

#[tokio::test]
async fn an_entry_is_proven_and_another_is_not() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let (data, key) = (dir.path().to_str().unwrap(), dir.path().join(VERIFIER_KEY));
    let (exit, proof, _) = sekisho(&["prove", "3", "--data", data]);
    assert_eq!(exit, Exit::Fine);
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{proof}");
    let file = dir.path().join("entry3.tlog-proof");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        sekisho(&["check-proof", file.to_str().unwrap(), "--key", key.to_str().unwrap()])
    };
    let (exit, out, _) = check(&proof);
    assert_eq!(exit, Exit::Fine);
    assert!(out.contains("tighten 2") && out.contains("PASS cli.example/journal: entry 3 of 6"), "{out}");
    for touched in [proof.replace("index 3", "index 2"), proof.replace("\nextra ", "\nextra QUJD"), String::new()] {
        let (exit, _, err) = check(&touched);
        assert_eq!(exit, Exit::Found, "{err}");
    }
    assert_eq!(sekisho(&["prove", "6", "--data", data]).0, Exit::Usage, "there are six");
}

#[tokio::test]
async fn a_filter_lets_through_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let settings = JournalSettings::new(dir.path(), "cli.example/journal");
    let journal = Journal::open(settings, Arc::new(str::to_owned)).unwrap();
    let event = |kind, action: &str| Event::new(kind, action);
    for event in [
        event(EventType::StateTightened, "one").with_user("ann").with_severity(sekisho_journal::Severity::High),
        event(EventType::StateTightened, "two").with_input("actor", "ann").with_ref("incident:INC-7"),
        event(EventType::Authentication, "three").with_user("bob"),
        event(EventType::SecurityIncidentOpened, "four").with_input("incident", "INC-7"),
    ] {
        journal.record_durable(event).await.unwrap();
    }
    journal.close().await.unwrap();
    let data = dir.path().to_str().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--type", "state.tightened"], &["one", "two"]),
        (&["--type", "state.tightened", "--type", "authentication"], &["one", "two", "three"]),
        (&["--actor", "ann"], &["one", "two"]),
        (&["--incident", "INC-7"], &["two", "four"]),
        (&["--severity", "high"], &["one"]),
        (&["--from", "2", "--to", "4"], &["two", "three"]),
        (&["--since", "2999"], &[]),
        (&["--until", "2000-01-01"], &[]),
        (&["--since", "2000", "--limit", "2", "--from", "1"], &["one", "two"]),
    ];
    for (args, expected) in cases {
        let (exit, out, err) = sekisho(&[&["query", "--data", data, "--json"], *args].concat());
        assert_eq!(exit, Exit::Fine, "{err}");
        let action = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["action"].as_str().unwrap().to_owned()
        };
        assert_eq!(out.lines().map(action).collect::<Vec<_>>(), *expected, "{args:?}");
    }
    let (_, out, _) = sekisho(&["tail", "--data", data, "-n", "2"]);
    assert!(out.lines().count() == 2 && out.contains("three") && out.contains("four"), "{out}");
}

#[tokio::test]
async fn exports_are_what_others_read() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let data = dir.path().to_str().unwrap();
    let export = |format: &str| {
        let (exit, out, err) = sekisho(&["export", "--data", data, "--format", format, "--type", "state.tightened"]);
        assert_eq!(exit, Exit::Fine, "{err}");
        out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let (plain, ecs, ocsf) = (export("ndjson"), export("ecs"), export("ocsf"));
    assert_eq!((plain.len(), ecs.len(), ocsf.len()), (5, 5, 5));
    assert_eq!((&ecs[0]["@timestamp"], &ecs[0]["event"]["sequence"]), (&plain[0]["timestamp"], &1.into()));
    assert_eq!((&ecs[0]["event"]["dataset"], &ecs[0]["sekisho"]), (&"sekisho.state.tightened".into(), &plain[0]));
    assert_eq!((&ocsf[0]["class_uid"], &ocsf[0]["type_uid"]), (&6002.into(), &600_299.into()));
    let out = dir.path().join("static");
    let (exit, _, err) = sekisho(&["export", "--data", data, "--format", "tlog", "--out", out.to_str().unwrap()]);
    assert_eq!(exit, Exit::Fine, "{err}");
    let bundle = fs::read(out.join("tile/entries/000.p/6")).unwrap();
    assert_eq!(sekisho_journal::unbundle(&bundle, 6).unwrap().len(), 6);
    assert_eq!(fs::read(out.join("tile/0/000.p/6")).unwrap().len(), 6 * 32);
    assert_eq!(fs::read(out.join("checkpoint")).unwrap(), fs::read(dir.path().join("journal/checkpoint")).unwrap());
}
