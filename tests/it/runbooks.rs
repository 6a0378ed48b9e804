//! Every command of the runbooks is run as it is written, against a sidecar.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::client::send;
use crate::sidecar::{ANN, BOB, ROOT, Sidecar};
use crate::upstream::Upstream;

fn pages() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/runbooks");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

/// The commands of a page: what is indented and begins with our name.
fn commands(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let indented = text.lines().filter(|line| line.starts_with("    "));
    indented.map(str::trim).filter(|line| line.starts_with("sekisho ")).map(str::to_owned).collect()
}

/// A sidecar whose night it is: opened, a gate that passes, an incident, and in BLOCK.
fn at_night(upstream: &Upstream) -> Sidecar {
    let sidecar = Sidecar::with(upstream, "gates: { pricefeed: { ttl: 10m } }\n");
    let passes = sidecar.cli(ANN, &["gate", "report", "pricefeed", "PASS"]);
    assert!(passes.status.success(), "{passes:?}");
    sidecar.release_all();
    let incident = json!({ "severity": "SEV1", "title": "a test", "scope": "fleet" });
    assert_eq!(sidecar.change("/v1/incidents", ANN, &incident).status, 201);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    let dir = sidecar.dir.path();
    for (name, key) in [("ann", ANN), ("bob", BOB), ("root", ROOT)] {
        std::fs::write(dir.join(name), key).unwrap();
    }
    std::fs::copy(dir.join("policy.yaml"), dir.join("sekisho.yaml")).unwrap();
    std::fs::copy(sidecar.data().join("journal/checkpoint"), dir.join("pinned")).unwrap();
    sidecar
}

/// What stands for something else on a page, by what it stands for here.
fn filled_in(command: &str, proposed: &Value) -> String {
    let key = match command.split(' ').nth(1) {
        Some("lockouts") => "root",
        Some("release") if command.contains("confirm") => "bob",
        _ => "ann",
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    command
        .replace("--key-file FILE", &format!("--key-file {key}"))
        .replace("--pinned FILE", "--pinned pinned")
        .replace("CHALLENGE", &word(&proposed["challenge"]["id"]))
        .replace("CODE", &word(&proposed["code"]))
}

fn run(sidecar: &Sidecar, command: &str) -> Result<Value, String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let json = if command.starts_with("sekisho release propose") { " --json" } else { "" };
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{command}{json}")]).current_dir(sidecar.dir.path()).env("PATH", path);
    shell.env("SEKISHO_ADMIN", sidecar.admin.to_string()).env("SEKISHO_HEALTH", sidecar.health.to_string());
    for name in ["SEKISHO_POLICY", "SEKISHO_DATA", "SEKISHO_API_KEY"] {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap_or_default());
    }
    Err(format!("`{command}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// What is about another machine or another moment: only whether the words are right is tried.
const ONLY_READ: [&str; 4] = ["--master-key", "bundle verify FILE", "keys rewrap", "lockouts lift"];

#[test]
fn every_command_of_the_runbooks_does_what_it_says() {
    let upstream = Upstream::start();
    let mut tried = 0;
    for page in pages() {
        let sidecar = at_night(&upstream);
        let mut proposed = Value::Null;
        for command in commands(&page) {
            let read = ONLY_READ.iter().any(|words| command.contains(words));
            let filled_in = filled_in(&command, &proposed);
            let said = run(&sidecar, &if read { format!("{filled_in} --help") } else { filled_in });
            // Its answer is no as long as something stands in the way, which is what it is asked for.
            let said = if command.contains("release plan") { said.or(Ok(Value::Null)) } else { said };
            let said = said.unwrap_or_else(|why| panic!("{}: {why}", page.display()));
            if command.contains("release propose") {
                proposed = said;
            }
            tried += 1;
        }
        if page.ends_with("recovery.md") {
            assert_eq!(sidecar.posture(), "CLOSE_ONLY", "the way back leads nowhere");
        }
        if page.ends_with("incident.md") {
            let incident =
                send(sidecar.admin, "GET /v1/incidents", &[("x-api-key", ANN)], b"").json()["incidents"].to_string();
            assert!(incident.contains("\"closed\""), "{incident}");
        }
    }
    assert!(tried > 40, "only {tried} commands were found");
}

#[test]
fn every_alert_has_a_page_that_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = std::fs::read_to_string(root.join("deploy/prometheus/sekisho.rules.yaml")).unwrap();
    let list = std::fs::read_to_string(root.join("deploy/runbooks/README.md")).unwrap();
    let after = |line: &str, word: &str| line.trim().trim_start_matches("- ").strip_prefix(word).map(str::to_owned);
    let alerts: Vec<String> = rules.lines().filter_map(|line| after(line, "alert: ")).collect();
    let pages: Vec<String> = rules.lines().filter_map(|line| after(line, "runbook: ")).collect();
    assert!(alerts.len() > 20 && alerts.len() == pages.len(), "{alerts:?} {pages:?}");
    for (alert, page) in alerts.iter().zip(&pages) {
        let text = std::fs::read_to_string(root.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(alert), "{page} does not speak of {alert}");
        assert!(list.contains(alert), "the list does not speak of {alert}");
    }
}
