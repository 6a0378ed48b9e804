//! Every crate takes its version, licence, edition, lints and dependencies from the workspace, and forbids unsafe code.

use crate::tree::Tree;

/// Packages that are workspaces of their own.
const APART: [&str; 2] = ["benches/", "tests/fuzz/"];

const INHERITED: [&str; 6] = [
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
    "publish.workspace = true",
    "[lints]\nworkspace = true",
];

fn manifest_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in manifests(tree) {
        let missing = INHERITED.iter().filter(|wanted| !has_lines(text, wanted));
        faults.extend(missing.map(|wanted| format!("{path}: lacks `{}`", wanted.replace('\n', " "))));
        faults.extend(own_versions(text).map(|line| format!("{path}: not from the workspace: `{line}`")));
    }
    faults
}

fn unsafe_faults(tree: &Tree) -> Vec<String> {
    let folders = manifests(tree).map(|(path, _)| path.trim_end_matches("Cargo.toml"));
    let roots = folders.flat_map(|folder| ["src/lib.rs", "src/main.rs"].map(|root| format!("{folder}{root}")));
    let allowing = roots.filter(|root| {
        let lint = if root == VECTORS_ROOT { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        tree.get(root).is_some_and(|text| !has_lines(text, lint))
    });
    let mut faults: Vec<String> = allowing.map(|root| format!("{root}: lacks `#![forbid(unsafe_code)]`")).collect();
    let excused = tree.files().filter(|(path, text)| {
        let path: &str = path;
        path.ends_with(".rs")
            && path != VECTORS
            && !path.starts_with("tests/tidy/")
            && text.contains("expect(unsafe_code")
    });
    faults.extend(excused.map(|(path, _)| format!("{path}: only `{VECTORS}` may be excused from `unsafe_code`")));
    faults
}

/// The one reviewed module that may be unsafe, and the root that it hangs from.
const VECTORS: &str = "filters/scan/src/simd.rs";
const VECTORS_ROOT: &str = "filters/scan/src/lib.rs";

/// Clippy reads the nearest `clippy.toml` and merges nothing, so each begins as the one at the root.
fn clippy_faults(tree: &Tree) -> Vec<String> {
    let root = tree.get("clippy.toml").unwrap_or_default();
    let own = tree.files().filter(|(path, _)| path.ends_with("/clippy.toml") && !is_apart(path));
    own.filter(|(_, text)| !text.starts_with(root))
        .map(|(path, _)| format!("{path}: begins otherwise than clippy.toml"))
        .collect()
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let ours = |path: &str| path == "Cargo.toml" || path.ends_with("/Cargo.toml");
    tree.files().filter(move |(path, _)| ours(path) && !is_apart(path))
}

fn is_apart(path: &str) -> bool {
    APART.iter().any(|folder| path.starts_with(folder))
}

fn has_lines(text: &str, wanted: &str) -> bool {
    format!("\n{text}").contains(&format!("\n{wanted}\n"))
}

/// Dependencies that name a version, a path or a source where the crate uses them.
fn own_versions(manifest: &str) -> impl Iterator<Item = &str> {
    let mut within = false;
    manifest.lines().filter(move |line| {
        if line.starts_with('[') {
            within = line.ends_with("dependencies]") && *line != "[workspace.dependencies]";
        }
        within && line.contains('=') && !line.contains("workspace = true")
    })
}

#[test]
fn crates_take_what_is_common_from_the_workspace() {
    let tree = Tree::here();
    assert_eq!(manifests(tree).count(), 9, "all manifests were read");
    crate::tree::assert_none(&manifest_faults(tree));
}

#[test]
fn every_crate_forbids_unsafe_code() {
    crate::tree::assert_none(&unsafe_faults(Tree::here()));
}

#[test]
fn clippy_is_told_the_same_everywhere() {
    crate::tree::assert_none(&clippy_faults(Tree::here()));
}

#[test]
fn a_crate_that_goes_its_own_way_is_found() {
    let sound = INHERITED.map(|line| format!("{line}\n")).concat();
    let stray = sound.replace("license.workspace = true", "license = \"MIT\"");
    let loose = format!("[dependencies]\nserde.workspace = true\nhttp = \"1\"\n{sound}");
    let tree = Tree::of([("a/Cargo.toml", &stray), ("b/Cargo.toml", &loose), ("benches/Cargo.toml", "")]);
    let expected =
        ["a/Cargo.toml: lacks `license.workspace = true`", "b/Cargo.toml: not from the workspace: `http = \"1\"`"];
    assert_eq!(manifest_faults(&tree), expected);
}

#[test]
fn a_root_that_allows_unsafe_code_is_found() {
    let tree = Tree::of([
        ("a/Cargo.toml", ""),
        ("a/src/lib.rs", "//! Doc.\n// #![forbid(unsafe_code)]\n"),
        ("a/src/main.rs", "#![forbid(unsafe_code)]\n"),
        ("a/src/fast.rs", "#[expect(unsafe_code, reason = \"speed\")]\n"),
        (VECTORS, "#[expect(unsafe_code, reason = \"speed\")]\n"),
    ]);
    let expected = [
        "a/src/lib.rs: lacks `#![forbid(unsafe_code)]`",
        "a/src/fast.rs: only `filters/scan/src/simd.rs` may be excused from `unsafe_code`",
    ];
    assert_eq!(unsafe_faults(&tree), expected);
}

#[test]
fn a_clippy_file_with_other_limits_is_found() {
    let tree = Tree::of([
        ("clippy.toml", "lines = 60\n"),
        ("a/clippy.toml", "lines = 600\n"),
        ("b/clippy.toml", "lines = 60\nx = 1\n"),
    ]);
    assert_eq!(clippy_faults(&tree), ["a/clippy.toml: begins otherwise than clippy.toml"]);
}
