//! `sekisho scan` on files as they are found in the wild.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::sidecar::binary;

fn scan(dir: &Path, args: &[&str]) -> Output {
    binary().current_dir(dir).arg("scan").args(args).output().unwrap()
}

fn token() -> String {
    format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

#[test]
fn names_of_files_are_told_so_that_they_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a b %.txt", "two\nlines", "\u{65e5}"] {
        std::fs::write(dir.path().join(name), format!("key {}\n", token())).unwrap();
    }
    let output = scan(dir.path(), &["--format", "sarif", "."]);
    assert_eq!(output.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let mut uris: Vec<&str> = results
        .iter()
        .map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap())
        .collect();
    uris.sort_unstable();
    assert_eq!(uris, ["./%E6%97%A5", "./a%20b%20%25.txt", "./two%0Alines"]);
    assert!(results.iter().all(|result| result["partialFingerprints"]["sekisho/v1"] != ""), "{results:?}");
    let text = String::from_utf8(scan(dir.path(), &["."]).stdout).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn redacted_files_are_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("in")).unwrap();
    std::fs::write(dir.path().join("in/cut.gz"), b"\x1f\x8bno gzip").unwrap();
    std::fs::write(dir.path().join("in/good"), format!("key {}\n", token())).unwrap();
    assert_eq!(scan(dir.path(), &["--redact", "--output", "out", "in"]).status.code(), Some(3));
    let written: Vec<_> =
        std::fs::read_dir(dir.path().join("out")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(written, ["good"]);
}

#[test]
fn two_files_are_not_written_to_one_place() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("app.log"), name).unwrap();
    }
    let output = scan(dir.path(), &["--redact", "--output", "out", "one/app.log", "two"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("app.log"), "{output:?}");
    assert!(!dir.path().join("out").exists());
}
