//! A writer that is killed at any moment loses nothing that it was told is on the disk, and opens again.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use super::*;

/// How often it is killed; `SEKISHO_TEST_KILLS=300` is in the recipe `make kills`.
fn kills() -> u64 {
    std::env::var("SEKISHO_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

/// The writer. On its own it writes a few records and checks them; told a directory it writes until it is killed, and says
/// which record is on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_tells_what_is_on_the_disk() {
    let told = std::env::var_os("SEKISHO_KILL_DIR").map(PathBuf::from);
    let dir = tempfile::tempdir().unwrap();
    let count = if told.is_some() { usize::MAX } else { 20 };
    let root = told.as_deref().unwrap_or(dir.path());
    let journal = opened(root);
    let run = journal.sealed_size();
    let writers = [0, 1, 2].map(|writer| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..count {
                let name = format!("act {run} {writer} {n}");
                journal.record_durable(act(&name)).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nACK {name}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    journal.close().await.unwrap();
    assert_eq!(lines(root).iter().filter(|line| line["action"].as_str().unwrap().starts_with("act ")).count(), 60);
}

#[tokio::test]
async fn killed_at_any_moment_it_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for kill in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "evidence::tests::kill::a_writer_tells_what_is_on_the_disk", "--nocapture"])
            .env("SEKISHO_KILL_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Between its first and its sixtieth word: the moment differs from one kill to the next.
        let words = usize::try_from(1 + kill * 37 % 60).unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while said.matches("\nACK ").count() < words {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "it ended by itself: {said}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        out.read_to_string(&mut said).unwrap();
        // A line that the kill cut short is the beginning of a name, and no promise.
        let (whole, _cut) = said.rsplit_once('\n').unwrap();
        acknowledged.extend(whole.lines().filter_map(|line| line.strip_prefix("ACK ")).map(str::to_owned));
    }
    reopened(dir.path()).unwrap().close().await.unwrap();
    let report = report(dir.path());
    assert_eq!(report.verdict, Verdict::Pass, "{report}");
    let written: Vec<String> =
        lines(dir.path()).iter().map(|line| line["action"].as_str().unwrap().to_owned()).collect();
    let kept: BTreeSet<&str> = written.iter().map(String::as_str).collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|name| !kept.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(acknowledged.len() as u64 >= kills(), "{}", acknowledged.len());
    assert_eq!(
        written.iter().filter(|name| name.starts_with("act ")).count(),
        kept.iter().filter(|name| name.starts_with("act ")).count(),
        "each once"
    );
}
