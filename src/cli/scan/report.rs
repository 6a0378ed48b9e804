use std::collections::BTreeSet;
use std::io::{self, Write};

use sekisho_scan::{Ruleset, Severity};
use serde_json::{Value, json};

use super::file::{All, Found};

/// Everything that was found, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) found: Vec<(String, Found)>,
    pub(super) failed: Vec<(String, String)>,
    pub(super) files: usize,
    /// Found beyond what is kept to be told one by one.
    pub(super) untold: u64,
    /// Found, and in the baseline.
    pub(super) known: usize,
    /// Left out by an ignore file.
    pub(super) left_out: usize,
}

impl Report {
    pub(super) fn add(&mut self, path: &str, all: All) {
        self.files = self.files.saturating_add(1);
        self.untold = self.untold.saturating_add(all.untold);
        self.found.extend(all.found.into_iter().map(|found| (path.to_owned(), found)));
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty() && self.untold == 0
    }

    pub(super) fn fail(&mut self, path: &str, error: &io::Error) {
        self.failed.push((path.to_owned(), error.to_string()));
    }

    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (path, Found { finding, line, column }) in &self.found {
            let field = finding.field.as_deref().map(|field| format!(" in `{field}`")).unwrap_or_default();
            let severity = finding.severity.as_str();
            let (detector, print) = (&finding.detector, &finding.fingerprint);
            let print = if print.is_empty() { String::new() } else { format!(" [{print}]") };
            writeln!(out, "{}:{line}:{column}: {severity}: {detector}{field}{print}", one_line(path))?;
        }
        if self.untold > 0 {
            writeln!(out, "and {} more", self.untold)?;
        }
        writeln!(out, "{} in {}", plural(self.count(), "finding"), plural(self.files, "file"))
    }

    fn count(&self) -> usize {
        self.found.len().saturating_add(usize::try_from(self.untold).unwrap_or(usize::MAX))
    }

    /// What was searched, in one line.
    pub(super) fn sum(&self) -> String {
        let some = |count: usize, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
        let (unread, left_out) = (some(self.failed.len(), "not read"), some(self.left_out, "left out"));
        let known = some(self.known, "in the baseline");
        let (files, findings) = (plural(self.files, "file"), plural(self.count(), "finding"));
        format!("searched {files}{unread}{left_out}: {findings}{known}")
    }

    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let findings: Vec<Value> = self
            .found
            .iter()
            .map(|(path, found)| {
                let mut value = serde_json::to_value(&found.finding).unwrap_or_default();
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("path".to_owned(), json!(path));
                    fields.insert("line".to_owned(), json!(found.line));
                    fields.insert("column".to_owned(), json!(found.column));
                }
                value
            })
            .collect();
        let failed: Vec<Value> = self.failed.iter().map(|(path, why)| json!({ "path": path, "error": why })).collect();
        let document = json!({
            "version": 1,
            "files": self.files,
            "left_out": self.left_out,
            "findings": findings,
            "untold": self.untold,
            "in_baseline": self.known,
            "unreadable": failed,
        });
        writeln!(out, "{document:#}")
    }

    /// SARIF 2.1.0 (OASIS), as code hosts take it.
    pub(super) fn sarif(&self, rules: &Ruleset, out: &mut dyn Write) -> io::Result<()> {
        let met: BTreeSet<&str> = self.found.iter().map(|(_, found)| &*found.finding.detector).collect();
        let known = |id: &str| rules.detectors().find(|(known, ..)| *known == id).map(|(.., title)| title.to_owned());
        let described: Vec<Value> = met
            .iter()
            .map(
                |id| json!({ "id": id, "shortDescription": { "text": known(id).unwrap_or_else(|| (*id).to_owned()) } }),
            )
            .collect();
        let results: Vec<Value> = self.found.iter().map(|(path, found)| result(path, found)).collect();
        let driver = json!({
            "name": "sekisho",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": described,
        });
        let document = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{ "tool": { "driver": driver }, "columnKind": "utf16CodeUnits", "results": results }],
        });
        writeln!(out, "{document:#}")
    }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn result(path: &str, Found { finding, line, column }: &Found) -> Value {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    };
    let mut result = json!({
        "ruleId": &*finding.detector,
        "level": level,
        "message": { "text": format!("{} found", finding.detector) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(path) },
                "region": { "startLine": line, "startColumn": column, "byteOffset": finding.offset, "byteLength": finding.length },
            }
        }],
    });
    // Without a key there is none, and an empty one would make one finding of them all.
    if let Some(result) = result.as_object_mut().filter(|_| !finding.fingerprint.is_empty()) {
        result.insert("partialFingerprints".to_owned(), json!({ "sekisho/v1": finding.fingerprint }));
    }
    result
}

/// A path as a URI reference (RFC 3986): what a URI cannot hold is escaped.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(escaped).collect()
}

/// A path that cannot pass for two lines.
fn one_line(path: &str) -> String {
    let escaped =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    path.chars().map(escaped).collect()
}
