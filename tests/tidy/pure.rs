//! The pure crates know only their arguments: no clock, file, socket, thread or environment, neither in their source nor through
//! what they depend on. Their tests may read files.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::Source;
use crate::tree::Tree;

const PURE: [&str; 6] =
    ["policy/safety", "policy/journal", "policy/seal", "policy/core", "filters/scan", "filters/codec"];

/// What reaches the world. `std::net` has addresses too, which are only values.
const IMPURE_PATHS: [&str; 20] = [
    "std::env",
    "std::fs",
    "std::io::Stdin",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "tokio::*",
    "hyper::*",
    "getrandom::*",
];

/// Crates that open sockets, start threads or run tasks, also when somebody else brings them.
const IMPURE_CRATES: [&str; 14] = [
    "async-nats",
    "async-std",
    "h2",
    "hyper",
    "mio",
    "quanta",
    "rayon",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tower",
    "web-time",
];

fn source_faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for folder in PURE {
        let of_tests = |path: &str| path.contains("/tests/") || path.ends_with("/tests.rs");
        for (path, text) in tree.rust(&format!("{folder}/src/")).filter(|(path, _)| !of_tests(path)) {
            let paths = Source::parse(text).without_tests().paths();
            let impure = paths.iter().filter(|path| is_impure(&path.segments.join("::")));
            faults.extend(impure.map(|found| format!("{path}:{}: {}", found.line, found.segments.join("::"))));
        }
    }
    faults
}

fn is_impure(path: &str) -> bool {
    IMPURE_PATHS.iter().any(|impure| match impure.strip_suffix('*') {
        Some(root) => path.starts_with(root),
        None => path == *impure || path.starts_with(&format!("{impure}::")) || path.ends_with(&format!("::{impure}")),
    })
}

fn dependency_faults(tree: &Tree) -> Vec<String> {
    let lock = locked(tree.get("Cargo.lock").unwrap_or_default());
    let mut faults = Vec::new();
    for folder in PURE {
        let manifest = tree.get(&format!("{folder}/Cargo.toml")).unwrap_or_default();
        let mut waiting: Vec<(String, String)> =
            direct(manifest).into_iter().map(|name| (name.to_owned(), name.to_owned())).collect();
        let mut seen = BTreeSet::new();
        while let Some((name, way)) = waiting.pop() {
            if IMPURE_CRATES.contains(&name.as_str()) {
                faults.push(format!("{folder}: {way}"));
            }
            if seen.insert(name.clone()) {
                let next = lock.get(name.as_str()).into_iter().flatten();
                waiting.extend(next.map(|next| ((*next).to_owned(), format!("{way} → {next}"))));
            }
        }
    }
    faults
}

/// The names below `[dependencies]`, which tests do not add to.
fn direct(manifest: &str) -> Vec<&str> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let entries = section.take_while(|line| !line.starts_with('['));
    entries.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).collect()
}

/// Each package of the lock file with the names it depends on. Two versions of one package count as one.
fn locked(lock: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut packages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            current = name.trim_matches('"');
            packages.entry(current).or_default();
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            let name = dependency.split([' ', '"']).next().unwrap_or_default();
            packages.entry(current).or_default().push(name);
        }
    }
    packages
}

#[test]
fn pure_crates_reach_nothing() {
    crate::tree::assert_none(&source_faults(Tree::here()));
}

#[test]
fn pure_crates_depend_on_nothing_that_does() {
    let tree = Tree::here();
    assert!(locked(tree.get("Cargo.lock").unwrap()).get("hyper").unwrap().contains(&"tokio"), "the lock file was read");
    assert!(direct(tree.get("policy/core/Cargo.toml").unwrap()).contains(&"sekisho-safety"), "the manifests were read");
    crate::tree::assert_none(&dependency_faults(tree));
}

#[test]
fn a_clock_and_a_file_in_a_pure_crate_are_found() {
    let text = "use std::{fs, net::IpAddr};\nuse std::time;\nfn f() { time::Instant::now(); }\n#[cfg(test)]\nmod t { use std::io::stdin; }";
    let tree = Tree::of([
        ("policy/core/src/orders.rs", text),
        ("policy/core/src/orders/tests.rs", text),
        ("src/evidence/store.rs", text),
    ]);
    assert_eq!(
        source_faults(&tree),
        ["policy/core/src/orders.rs:1: std::fs", "policy/core/src/orders.rs:3: time::Instant::now"]
    );
}

#[test]
fn a_socket_by_way_of_a_friend_is_found() {
    let lock = "[[package]]\nname = \"friend\"\nversion = \"1.0.0\"\ndependencies = [\n \"mio 1.0.0\",\n]\n";
    let manifest = "[dependencies]\nfriend.workspace = true\n\n[dev-dependencies]\ntokio.workspace = true\n";
    let tree = Tree::of([("Cargo.lock", lock), ("filters/scan/Cargo.toml", manifest)]);
    assert_eq!(dependency_faults(&tree), ["filters/scan: friend → mio"]);
}
