//! A bundle's timeline, for people.

use sekisho_journal::bundle::Opened;
use sekisho_journal::contract::BundleKind;
use serde_json::Value;

/// What a bundle tells, as rows.
pub(super) struct Timeline {
    head: Vec<(&'static str, String)>,
    rows: Vec<[String; 6]>,
}

impl Timeline {
    pub(super) fn of(opened: &Opened) -> Self {
        let manifest = &opened.manifest;
        let range = &manifest.journal;
        let head = vec![
            ("bundle", manifest.id.clone()),
            ("incident", manifest.incident.clone().unwrap_or_else(|| "-".to_owned())),
            ("service", manifest.service.clone()),
            ("made by", manifest.created_by.clone()),
            ("as of", manifest.as_of.clone()),
            ("entries", format!("{} to {} of {}", range.from, range.to.saturating_sub(1), range.tree_size)),
            ("policy", manifest.policy_hash.clone()),
        ];
        let events = opened.files.get(BundleKind::AuditEvents.path()).map(Vec::as_slice).unwrap_or_default();
        let lines = events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Self { head, rows: lines.map(row).collect() }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let head = self.head.iter().map(|(name, text)| format!("{name:<10} {}", printable(text)));
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>().join("  "));
        head.chain([String::new()]).chain(rows).collect()
    }

    /// One page that loads nothing.
    pub(super) fn html(&self) -> String {
        let mut out = String::from(PAGE);
        for (name, text) in &self.head {
            out.push_str(&format!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(text)));
        }
        out.push_str("</table>\n<table><tr><th>entry</th><th>time</th><th>severity</th><th>what</th><th>who</th><th>details</th></tr>\n");
        for row in &self.rows {
            let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            out.push_str(&format!("<tr>{cells}</tr>\n"));
        }
        out.push_str("</table>\n</body></html>\n");
        out
    }
}

fn row(line: &[u8]) -> [String; 6] {
    let entry: Value = serde_json::from_slice(line).unwrap_or_default();
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let seq = entry.get("seq").map_or_else(|| "?".to_owned(), Value::to_string);
    let what = format!("{} {} {}", text("event_type"), text("action"), text("result"));
    let part = |name: &str| {
        let map = entry.get(name).and_then(Value::as_object).filter(|map| !map.is_empty());
        map.map(|_| entry.get(name).map(Value::to_string).unwrap_or_default())
    };
    let details: Vec<String> = ["inputs", "outputs"].into_iter().filter_map(part).collect();
    [seq, text("timestamp"), text("severity"), what, text("user"), details.join(" ")]
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An entry may hold what moves a terminal's cursor, or turns its text around.
fn printable(text: &str) -> String {
    super::super::journal::query::printable(text)
}

const PAGE: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<title>Support bundle</title><style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin-bottom:2em}\
td,th{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}</style></head>\n<body><h1>Support bundle</h1>\n<table>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_says_cannot_become_markup_or_move_a_cursor() {
        let line = "{\"seq\":1,\"action\":\"<script>alert('x')</script>\",\"user\":\"a\\u001b[2Jb\"}";
        let timeline = Timeline { head: vec![("bundle", "a\"&b".to_owned())], rows: vec![row(line.as_bytes())] };
        let html = timeline.html();
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;") && html.contains("a&quot;&amp;b"));
        let text = timeline.lines().join("\n");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
