//! Every filter has a page with the same headings, at the head of its `mod.rs`; every section of a policy stands in the default
//! policy, which is where people read what there is.

use crate::tree::Tree;

/// In this order. The numbered list says what lets a request pass.
const HEADINGS: [&str; 5] = ["1. ", "# Refuses", "| code | status | when |", "# Cannot see", "# Example"];

const SECTIONS: &str = "policy/core/src/sections/";
const DEFAULT_POLICY: &str = "policy/packs/default.yaml";

fn filter_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for folder in filters(tree) {
        let page = format!("{folder}mod.rs");
        let Some(text) = tree.get(&page) else {
            faults.push(format!("{folder}: a filter without a page"));
            continue;
        };
        let mut lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_start);
        let missing = HEADINGS.iter().find(|heading| !lines.by_ref().any(|line| line.starts_with(**heading)));
        faults.extend(missing.map(|heading| format!("{page}: lacks `{}`, or has it out of order", heading.trim())));
        if !lines.any(|line| line.starts_with("```")) {
            faults.push(format!("{page}: the example has no code"));
        }
    }
    faults
}

fn filters(tree: &Tree) -> impl Iterator<Item = &str> {
    tree.rust("filters/layers/src/")
        .filter_map(|(path, _)| path.strip_suffix("layer.rs"))
        .filter(|folder| folder.ends_with('/'))
}

fn section_faults(tree: &Tree) -> Vec<String> {
    let default = tree.get(DEFAULT_POLICY).unwrap_or_default();
    let mut faults = Vec::new();
    for (path, text) in tree.rust(SECTIONS) {
        let name = path.trim_start_matches(SECTIONS).trim_end_matches(".rs");
        if !text.starts_with("//! ") {
            faults.push(format!("{path}: does not begin with what it is"));
        }
        // A part of a section lies in a folder of that section's name.
        let name = name.split('/').next().unwrap_or_default();
        let written = default.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
        // The macro that sections are written with, the list of them, and what stands within two of them.
        if !["section", "mod", "tls"].contains(&name) && !written {
            faults.push(format!("{path}: {DEFAULT_POLICY} has no `{name}:`"));
        }
    }
    faults
}

#[test]
fn every_filter_has_its_page() {
    assert_eq!(filters(Tree::here()).count(), 6, "all filters were found");
    crate::tree::assert_none(&filter_faults(Tree::here()));
}

#[test]
fn every_section_stands_in_the_default_policy() {
    assert!(Tree::here().rust(SECTIONS).count() > 10, "the sections were found");
    crate::tree::assert_none(&section_faults(Tree::here()));
}

#[test]
fn a_page_that_lacks_something_is_found() {
    let whole = "//! Does.\n//!\n//! 1. it may\n//!\n//! # Refuses\n//!\n//! | code | status | when |\n//!\n//! # Cannot see\n//!\n//! # Example\n//!\n//! ```\n";
    let lacking = whole.replace("//! # Cannot see\n", "");
    let turned = whole.replace("Cannot see", "x").replace("Refuses", "Cannot see").replace("# x", "# Refuses");
    let bare = whole.replace("//! ```\n", "");
    let tree = Tree::of([
        ("filters/layers/src/a/layer.rs", ""),
        ("filters/layers/src/b/layer.rs", ""),
        ("filters/layers/src/b/mod.rs", whole),
        ("filters/layers/src/c/layer.rs", ""),
        ("filters/layers/src/c/mod.rs", &lacking),
        ("filters/layers/src/d/layer.rs", ""),
        ("filters/layers/src/d/mod.rs", &bare),
        ("filters/layers/src/e/layer.rs", ""),
        ("filters/layers/src/e/mod.rs", &turned),
    ]);
    let faults = filter_faults(&tree);
    assert!(!faults.iter().any(|fault| fault.contains("/b/")), "{faults:?}");
    for expected in [
        "filters/layers/src/a/: a filter without a page",
        "filters/layers/src/c/mod.rs: lacks `# Cannot see`, or has it out of order",
        "filters/layers/src/d/mod.rs: the example has no code",
        "filters/layers/src/e/mod.rs: lacks `| code | status | when |`, or has it out of order",
    ] {
        assert!(faults.iter().any(|fault| fault == expected), "{expected}: {faults:?}");
    }
}

#[test]
fn a_section_that_nobody_can_read_of_is_found() {
    let tree = Tree::of([
        ("policy/core/src/sections/limits.rs", "//! What a request may cost.\n"),
        ("policy/core/src/sections/hidden.rs", "use x;\n"),
        (DEFAULT_POLICY, "version: 1\nlimits:\n  hidden: 1\n"),
    ]);
    let expected = [
        "policy/core/src/sections/hidden.rs: does not begin with what it is",
        "policy/core/src/sections/hidden.rs: policy/packs/default.yaml has no `hidden:`",
    ];
    assert_eq!(section_faults(&tree), expected);
}
