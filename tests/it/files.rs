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
    assert_eq!(scan(dir.path(), &["--redact", "--output", "out", "in"]).status.code(), Some(1));
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

#[test]
fn what_cannot_be_read_does_not_stop_the_search() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad"), format!("key {}\n", token())).unwrap();
    std::fs::write(dir.path().join("clean"), "nothing\n").unwrap();
    for (args, code) in [(["gone", "bad"], 1), (["gone", "clean"], 3), (["clean", "clean"], 0)] {
        let output = scan(dir.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert_eq!(said.contains("gone: "), args.contains(&"gone"), "{said}");
        assert!(said.contains("searched 1 file"), "{said}");
    }
}

#[test]
fn columns_count_letters_as_sarif_does() {
    let dir = tempfile::tempdir().unwrap();
    let line = "\u{65e5}\u{672c} \u{1f600} key ";
    std::fs::write(dir.path().join("log"), format!("one\n{line}{}\n", token())).unwrap();
    let sarif: Value = serde_json::from_slice(&scan(dir.path(), &["--format", "sarif", "log"]).stdout).unwrap();
    let region = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 2);
    assert_eq!(region["startColumn"], line.encode_utf16().count() + 1);
    assert_eq!(region["byteOffset"], 4 + line.len());
}

#[test]
fn files_are_redacted_in_their_place() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (bad, clean) = (dir.path().join("bad"), dir.path().join("clean"));
    std::fs::write(&bad, format!("key {}\n", token())).unwrap();
    std::fs::set_permissions(&bad, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::write(&clean, "nothing\n").unwrap();
    assert_eq!(scan(dir.path(), &["--redact", "--in-place", "."]).status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&bad).unwrap(), "key ghp_****Q7r8\n");
    assert_eq!(std::fs::metadata(&bad).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    assert_eq!(scan(dir.path(), &["."]).status.code(), Some(0));
}

#[test]
fn a_coding_without_a_beginning_is_told_by_the_name() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(format!("key {}\n", token()).as_bytes()).unwrap();
    std::fs::write(dir.path().join("log.zz"), coder.finish().unwrap()).unwrap();
    let output = scan(dir.path(), &["log.zz"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("log.zz:1:5: "), "{output:?}");
}

#[test]
fn ignore_files_leave_out_what_they_say_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        (".sekishoignore", "# made\n*.tmp\n/build/\n!keep.tmp\n"),
        ("a.tmp", ""),
        ("keep.tmp", ""),
        ("build/x", ""),
        ("sub/build/x", ""),
        ("sub/.sekishoignore", "x\n"),
        ("sub/y", ""),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, if text.is_empty() { format!("key {}\n", token()) } else { text.to_owned() }).unwrap();
    }
    let found = |args: &[&str]| {
        let json: Value =
            serde_json::from_slice(&scan(dir.path(), &[&["--format", "json"], args].concat()).stdout).unwrap();
        let paths =
            json["findings"].as_array().unwrap().iter().map(|finding| finding["path"].as_str().unwrap().to_owned());
        (paths.collect::<Vec<_>>(), json["left_out"].as_u64().unwrap())
    };
    assert_eq!(found(&["."]), (vec!["./keep.tmp".to_owned(), "./sub/y".to_owned()], 3));
    assert_eq!(found(&["a.tmp"]), (vec!["a.tmp".to_owned()], 0), "what is named is searched");
    assert_eq!(found(&["--no-ignore", "."]).0.len(), 5);
}

#[test]
fn what_is_in_the_baseline_does_not_count_and_one_more_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let line = format!("key {}\n", token());
    std::fs::write(&log, &line).unwrap();
    let output = scan(dir.path(), &["--write-baseline", "known.json", "log"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let kept = std::fs::read_to_string(dir.path().join("known.json")).unwrap();
    assert!(!kept.contains(&token()) && kept.contains("github-token"), "{kept}");
    let output = scan(dir.path(), &["--baseline", "known.json", "log"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 in the baseline"), "{output:?}");
    std::fs::write(&log, line.repeat(2)).unwrap();
    assert_eq!(scan(dir.path(), &["--baseline", "known.json", "log"]).status.code(), Some(1));
    std::fs::write(dir.path().join("known.json"), "{}").unwrap();
    assert_eq!(scan(dir.path(), &["--baseline", "known.json", "log"]).status.code(), Some(2));
}

/// More than a pipe holds and than is kept of one file, from a stream: nothing of it is kept whole.
#[test]
fn a_stream_is_redacted_in_little_memory() {
    use std::io::{BufRead as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let mut child = binary()
        .current_dir(dir.path())
        .args(["scan", "--redact", "--quiet", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (block, count) = (format!("level=info msg=tick\n{}", "\n".repeat(200)).repeat(300), 150);
    let expected = block.len() * count;
    let reader = std::thread::spawn(move || {
        let (mut output, mut read) = (std::io::BufReader::new(output), 0);
        loop {
            let piece = output.fill_buf().unwrap().len();
            if piece == 0 {
                return read;
            }
            output.consume(piece);
            read += piece;
        }
    });
    for _ in 0..count {
        input.write_all(block.as_bytes()).unwrap();
    }
    // nine million lines, of which the memory must not know
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(input);
    assert_eq!(reader.join().unwrap(), expected);
    child.wait().unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: usize = most.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 120_000, "{kilobytes} kB");
}
