//! The files of the repository, by their path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Text files by path; the path is relative to the root and has slashes.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    /// This repository: what git tracks and what it would, so that a rule fires before the commit.
    pub(crate) fn here() -> &'static Self {
        static HERE: LazyLock<Tree> = LazyLock::new(|| Tree::read(Path::new(env!("CARGO_MANIFEST_DIR"))));
        &HERE
    }

    /// A made-up one.
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn read(root: &Path) -> Self {
        let paths = tracked(root).unwrap_or_else(|| walked(root));
        let read = |path: String| Some((path.clone(), String::from_utf8(fs::read(root.join(&path)).ok()?).ok()?));
        Self(paths.into_iter().filter_map(read).collect())
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust files of a folder.
    pub(crate) fn rust(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| path.starts_with(folder) && has_extension(path, &["rs"]))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub(crate) fn has_folder(&self, path: &str) -> bool {
        self.files().any(|(file, _)| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

pub(crate) fn has_extension(path: &str, wanted: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|found| wanted.iter().any(|wanted| found == *wanted))
}

/// Fails with one line for each fault.
#[track_caller]
pub(crate) fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let asked = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(asked).output().ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = names.split_terminator('\0').map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

/// For a copy without git.
fn walked(root: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let built = [".git", "target", "sekisho-data"].iter().any(|name| path.ends_with(name));
            if !built && root.join(&path).is_dir() {
                folders.push(path);
            } else if !built {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn both_ways_of_listing_find_the_same_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rust = |paths: Vec<String>| -> std::collections::BTreeSet<String> {
        paths.into_iter().filter(|path| has_extension(path, &["rs"]) && root.join(path).is_file()).collect()
    };
    let walked = rust(walked(root));
    assert!(walked.contains("src/main.rs") && walked.contains("tests/tidy/tree.rs"));
    if let Some(tracked) = tracked(root) {
        assert_eq!(rust(tracked), walked);
    }
}
