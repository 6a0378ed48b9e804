//! Every relative link in a Markdown file leads to a file, a folder or a heading that there is.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::tree::{Tree, has_extension};

/// The broken links, as file and target.
fn broken(tree: &Tree) -> BTreeSet<(String, String)> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = BTreeSet::new();
    for (path, text) in tree.files().filter(|(path, _)| has_extension(path, &["md"])) {
        for line in prose(text) {
            let targets = link.captures_iter(line).filter_map(|found| found.get(1)).map(|target| target.as_str());
            let dead = targets.filter(|target| !target.contains("://") && !leads_somewhere(tree, path, target));
            broken.extend(dead.map(|target| (path.to_owned(), target.to_owned())));
        }
    }
    broken
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { from.to_owned() } else { resolved(from, file) };
    match (tree.get(&path), anchor) {
        (Some(text), Some(anchor)) => anchors(text).contains(anchor),
        (None, None) => tree.has_folder(&path),
        (found, _) => found.is_some(),
    }
}

/// `../core/x.md` as seen from `policy/packs/README.md` is `policy/core/x.md`.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of the headings, as GitHub makes them: lower case, spaces to hyphens, other signs gone, doubles numbered.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let mut anchors = BTreeSet::new();
    for heading in headings {
        let sound = |letter: &char| letter.is_alphanumeric() || ['-', '_', ' '].contains(letter);
        let slug: String = heading
            .to_lowercase()
            .chars()
            .filter(sound)
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let before = times.entry(slug.clone()).or_default();
        anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

#[test]
fn every_link_leads_somewhere() {
    let faults = broken(Tree::here()).into_iter().map(|(file, target)| format!("{file}: {target} leads nowhere"));
    crate::tree::assert_none(&faults.collect::<Vec<_>>());
}

#[test]
fn a_dead_link_is_found() {
    let text = "[a](b.md) [c](../a/b.md#what-it-is) [d](#here) [e](../a) [f](https://example.test/x)\n\
                [g](none.md) [h](b.md#none) [i](#none) [j](../none)\n## Here\n```\n[k](none)\n```\n";
    let tree = Tree::of([("a/README.md", text), ("a/b.md", "# What it `is`!\n")]);
    let found: Vec<_> = broken(&tree).into_iter().map(|(_, target)| target).collect();
    assert_eq!(found, ["#none", "../none", "b.md#none", "none.md"]);
}
