//! What no tracked file holds: paths of somebody's machine, unfinished work, other registries, and anything in the shape of a
//! credential that a scanner of repositories would report.

use regex::Regex;

use crate::tree::Tree;

/// What is looked for. Written so that no pattern finds itself.
const PATTERNS: [(&str, &str); 14] = [
    ("a path of a machine", r"/(home|Users)/[a-z]|(^|[\s`'\x22=(])/(tmp|root|mnt|work|workspace)/[a-z.]"),
    ("unfinished work", r"\b(TO[D]O|FIX[M]E)\b"),
    ("unfinished code", r"\b(todo|unimplemented|dbg)!\s*[(\[{]"),
    ("a page that is not in the repository", r"\b(DESIGN|SPEC|STYLE)(\.md)? ?\u{a7}"),
    ("another registry", r"(?i)https?://[a-z0-9.:-]*(registry|mirror|artifactory|nexus|pypi|npmjs)[a-z0-9.:-]*"),
    ("another registry", r"(?i)\b(index[-]url|replace[-]with)\b"),
    ("an AWS key id", r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a private key", r"-----BEGIN[ A-Z]* PRIVATE KEY-----"),
    ("a GitHub token", r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeprs]-[0-9A-Za-z-]{20,}"),
    ("a Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
];

/// Where one of them stands on purpose: file, what the line contains, why.
const MEANT: [(&str, &str, &str); 1] =
    [("filters/scan/src/tests/survive.rs", "COMMAND=/bin/ls", "a line as sudo logs it, which has to pass unchanged")];

fn faults(tree: &Tree) -> Vec<String> {
    let patterns = PATTERNS.map(|(name, pattern)| (name, Regex::new(pattern).unwrap()));
    let mut faults = Vec::new();
    for (path, text) in tree.files() {
        for (number, line) in text.lines().enumerate() {
            let found = patterns.iter().filter(|(_, pattern)| pattern.is_match(line) && !is_meant(path, line));
            faults.extend(found.map(|(name, _)| format!("{path}:{}: {name}", number + 1)));
        }
    }
    faults
}

fn is_meant(path: &str, line: &str) -> bool {
    MEANT.iter().any(|(file, part, _)| *file == path && line.contains(part))
}

/// Packages of the lock file that come from anywhere but the public registry.
fn lock_faults(tree: &Tree) -> Vec<String> {
    let sources = tree.get("Cargo.lock").unwrap_or_default().lines().filter(|line| line.starts_with("source = "));
    sources.filter(|line| *line != PUBLIC).map(|line| format!("Cargo.lock: {line}")).collect()
}

const PUBLIC: &str = r#"source = "registry+https://github.com/rust-lang/crates.io-index""#;

#[test]
fn nothing_is_said_that_should_not_be() {
    crate::tree::assert_none(&faults(Tree::here()));
}

#[test]
fn every_package_comes_from_the_public_registry() {
    crate::tree::assert_none(&lock_faults(Tree::here()));
}

#[test]
fn every_exception_is_needed() {
    for (file, part, why) in MEANT {
        assert!(Tree::here().get(file).is_some_and(|text| text.contains(part)), "{file}: `{part}` is gone ({why})");
    }
}

#[test]
fn each_pattern_finds_what_it_is_for() {
    let key = |head: &str, length: usize| format!("x {head}{}", "A1b2C3d4".repeat(12).get(..length).unwrap());
    let cases = [
        ("a path of a machine", format!("cd /{}/ann/src", "home")),
        ("a path of a machine", format!("see /{}/x", "work")),
        ("unfinished work", ["// TO", "DO: later"].concat()),
        ("unfinished code", format!("{}!()", "todo")),
        ("a page that is not in the repository", ["as DESIGN", " §3 says"].concat()),
        ("another registry", format!("https://{}.example.test/simple", "registry")),
        ("another registry", format!("pip --{}-url x", "index")),
        ("an AWS key id", key("AKIA", 16).to_uppercase().replacen('X', "x", 1)),
        ("a private key", format!("-----BEGIN RSA {}-----", "PRIVATE KEY")),
        ("a GitHub token", key("ghp_", 36)),
        ("a GitLab token", key("glpat-", 20)),
        ("a Slack token", key("xoxb-", 30)),
        ("a Stripe key", key("sk_live_", 24)),
        ("a Google API key", key("AIza", 35)),
        (
            "a JSON web token",
            format!("{}.{}.{}", key("eyJ", 20), key("eyJ", 20).trim_start_matches("x "), "c".repeat(20)),
        ),
    ];
    for (name, line) in &cases {
        assert_eq!(faults(&Tree::of([("a.md", line)])), [format!("a.md:1: {name}")], "{line}");
    }
    assert!(PATTERNS.iter().all(|(name, _)| cases.iter().any(|(shown, _)| shown == name)), "every pattern has a case");
}

#[test]
fn a_package_from_elsewhere_is_found() {
    let lock = format!("{PUBLIC}\nsource = \"git+https://example.test/fork\"\n");
    assert_eq!(
        lock_faults(&Tree::of([("Cargo.lock", &lock)])),
        ["Cargo.lock: source = \"git+https://example.test/fork\""]
    );
}
