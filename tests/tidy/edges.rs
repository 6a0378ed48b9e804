//! Who may depend on whom: crates by their manifests, and the rooms of `src/` and of `filters/layers` by their paths.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::tokens::Source;
use crate::tree::Tree;

/// A crate of ours, and those of ours that it may know.
const CRATES: [(&str, &[&str]); 9] = [
    ("sekisho-safety", &[]),
    ("sekisho-journal", &[]),
    ("sekisho-seal", &[]),
    ("sekisho-policy", &["sekisho-safety"]),
    ("sekisho-scan", &[]),
    ("sekisho-codec", &[]),
    ("sekisho-filters", &["sekisho-scan", "sekisho-codec", "sekisho-policy", "sekisho-safety"]),
    (
        "sekisho",
        &[
            "sekisho-filters",
            "sekisho-scan",
            "sekisho-codec",
            "sekisho-policy",
            "sekisho-safety",
            "sekisho-journal",
            "sekisho-seal",
        ],
    ),
    ("sekisho-evaluate", &["sekisho-scan"]),
];

/// A room of `src/`, and the rooms that it may know.
const ROOMS: [(&str, &[&str]); 11] = [
    // What carries requests knows neither who may change the state nor where it is kept: it is handed a view.
    ("data", &[]),
    // Keeps what it decides on the disk as evidence does, sealed where that is.
    ("identity", &["evidence"]),
    // The journal takes records from everywhere, and nobody's word for what they mean.
    ("evidence", &[]),
    ("control", &["evidence"]),
    // Makes what was decided hold for what carries requests: it knows both, and neither knows it.
    ("enforce", &["compile", "control", "data", "evidence", "identity"]),
    ("telemetry", &["control", "data", "evidence"]),
    ("compile", &["data", "evidence", "identity"]),
    // Reads keys, hands what it made of them to the data path, and tells the journal of what changed.
    ("tls", &["data", "evidence", "identity"]),
    ("admin", &["control", "data", "enforce", "evidence", "identity", "telemetry"]),
    ("app", &["admin", "compile", "control", "data", "enforce", "evidence", "identity", "telemetry", "tls"]),
    ("cli", &["app", "compile", "data", "control", "evidence", "identity", "telemetry", "tls"]),
];

/// The filters. None knows another: what they share stands beside them.
const FILTERS: [&str; 6] = ["respond", "limits", "access", "contained", "redact", "order_gate"];

fn crate_faults(edges: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut faults = Vec::new();
    for (from, to) in edges {
        match CRATES.iter().find(|(name, _)| name == from) {
            None => faults.push(format!("{from}: a crate without a row in the table of crates")),
            Some((_, may)) if !may.contains(&to.as_str()) => faults.push(format!("{from} may not depend on {to}")),
            Some(_) => {}
        }
    }
    faults
}

fn room_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in tree.rust("src/").filter(|(path, _)| !["src/lib.rs", "src/main.rs"].contains(path)) {
        let here = room_of(path, "src/");
        let Some((_, may)) = ROOMS.iter().find(|(room, _)| *room == here) else {
            faults.push(format!("{path}: a room without a row in the table of rooms"));
            continue;
        };
        for (line, there) in named_rooms(path, "src/", text) {
            if there != here && ROOMS.iter().any(|(room, _)| *room == there) && !may.contains(&there.as_str()) {
                faults.push(format!("{path}:{line}: {here} may not use {there}"));
            }
        }
    }
    faults
}

fn filter_faults(tree: &Tree) -> Vec<String> {
    const LAYERS: &str = "filters/layers/src/";
    let mut faults = Vec::new();
    for (path, text) in tree.rust(LAYERS).filter(|(path, _)| FILTERS.contains(&room_of(path, LAYERS))) {
        let here = room_of(path, LAYERS);
        for (line, there) in named_rooms(path, LAYERS, text) {
            if there != here && FILTERS.contains(&there.as_str()) {
                faults.push(format!("{path}:{line}: the filter {here} may not use the filter {there}"));
            }
        }
    }
    faults
}

/// `src/data/chain.rs` and `src/data.rs` are in the room `data`.
fn room_of<'p>(path: &'p str, root: &str) -> &'p str {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The first module, from the root of the crate, of each path that begins with `crate`, or with enough `super`.
fn named_rooms(path: &str, root: &str, text: &str) -> Vec<(usize, String)> {
    let inside = path.strip_prefix(root).unwrap_or(path).trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = inside.split('/').count();
    let mut found = Vec::new();
    for path in Source::parse(text).paths() {
        let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
        let from_root = path.segments.first().is_some_and(|first| first == "crate");
        let room = path.segments.get(if from_root { 1 } else { supers });
        found.extend(room.filter(|_| from_root || supers >= depth).map(|room| (path.line, room.clone())));
    }
    found
}

fn edges_of_the_workspace() -> BTreeSet<(String, String)> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours = |name: &str| name == "sekisho" || name.starts_with("sekisho-");
    let mut edges = BTreeSet::new();
    for package in &metadata.packages {
        let used = package.dependencies.iter().filter(|used| used.kind != DependencyKind::Development);
        edges.extend(used.filter(|used| ours(&used.name)).map(|used| (package.name.to_string(), used.name.clone())));
    }
    edges
}

#[test]
fn crates_depend_on_whom_they_may() {
    let edges = edges_of_the_workspace();
    assert!(edges.contains(&("sekisho".to_owned(), "sekisho-journal".to_owned())), "the edges were read: {edges:?}");
    crate::tree::assert_none(&crate_faults(&edges));
}

#[test]
fn rooms_use_whom_they_may() {
    crate::tree::assert_none(&room_faults(Tree::here()));
}

#[test]
fn filters_do_not_know_each_other() {
    crate::tree::assert_none(&filter_faults(Tree::here()));
}

#[test]
fn a_crate_that_knows_too_much_is_found() {
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let edges = [edge("sekisho-policy", "sekisho-filters"), edge("sekisho-new", "sekisho-scan")].into();
    let expected = [
        "sekisho-new: a crate without a row in the table of crates",
        "sekisho-policy may not depend on sekisho-filters",
    ];
    assert_eq!(crate_faults(&edges), expected);
}

#[test]
fn a_room_that_knows_too_much_is_found() {
    let tree = Tree::of([
        ("src/data/upstream/pool.rs", "use std::io;\nuse crate::{data::x, control::Safety};"),
        ("src/evidence.rs", "use super::cli;"),
        ("src/evidence/store.rs", "use super::cli; // of this room"),
        ("src/cellar.rs", ""),
    ]);
    let expected = [
        "src/cellar.rs: a room without a row in the table of rooms",
        "src/data/upstream/pool.rs:2: data may not use control",
        "src/evidence.rs:1: evidence may not use cli",
    ];
    assert_eq!(room_faults(&tree), expected);
}

#[test]
fn a_filter_that_knows_another_is_found() {
    let tree = Tree::of([
        ("filters/layers/src/redact/body.rs", "use crate::Body;\nuse crate::access::Keys;"),
        ("filters/layers/src/witness.rs", "use crate::access::Keys;"),
    ]);
    assert_eq!(
        filter_faults(&tree),
        ["filters/layers/src/redact/body.rs:2: the filter redact may not use the filter access"]
    );
}
