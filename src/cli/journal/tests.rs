use std::sync::Arc;

use clap::Parser;
use sekisho_journal::Event;

use super::*;
use crate::evidence::{Journal, JournalSettings};

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
