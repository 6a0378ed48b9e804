use clap::{Args, Subcommand};
use sekisho_safety::{Scope, Sev, Step};
use serde_json::{Value, json};

use super::client::{AdminAddress, Credential, Reply};
use super::{Exit, Terminal};

/// Opens, shows and works on incidents.
#[derive(Debug, Subcommand)]
pub(super) enum Incident {
    /// Opens one. SEV0 makes the scope BLOCK before anything else.
    Open(Open),
    /// Lists them, the newest first.
    List(List),
    /// Shows one and its timeline.
    Show(Show),
    /// Adds a remark, and evidence it refers to.
    Note(Note),
    /// Goes on to the next step, or back: detect, contain, investigate, eradicate, recover, review.
    Step(Onward),
    /// Grades it anew.
    Severity(Grade),
    /// Ends it, from step review.
    Close(Close),
}

#[derive(Debug, Args)]
pub(super) struct Whom {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(super) struct Open {
    /// What, in a line.
    title: String,
    /// SEV0 (assets, secrets or evidence at stake), SEV1, SEV2 or SEV3.
    #[arg(long)]
    severity: Sev,
    /// Where: fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME.
    #[arg(long, default_value = "fleet")]
    scope: Scope,
    /// Evidence: a decision id, `journal:17`, a digest.
    #[arg(long = "ref", value_name = "REF")]
    refs: Vec<String>,
    #[command(flatten)]
    whom: Whom,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Which.
    id: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(super) struct Note {
    /// Which.
    id: String,
    /// What there is to say.
    text: String,
    /// Evidence: a decision id, `journal:17`, a digest.
    #[arg(long = "ref", value_name = "REF")]
    refs: Vec<String>,
    #[command(flatten)]
    whom: Whom,
}

#[derive(Debug, Args)]
pub(super) struct Onward {
    /// Which.
    id: String,
    /// To which step.
    to: Step,
    /// What was done.
    #[arg(long, default_value = "")]
    text: String,
    #[command(flatten)]
    whom: Whom,
}

#[derive(Debug, Args)]
pub(super) struct Grade {
    /// Which.
    id: String,
    /// SEV0, SEV1, SEV2 or SEV3.
    to: Sev,
    #[command(flatten)]
    whom: Whom,
}

#[derive(Debug, Args)]
pub(super) struct Close {
    /// Which.
    id: String,
    /// Why it happened.
    #[arg(long)]
    cause: String,
    /// What it did.
    #[arg(long)]
    impact: String,
    /// What ended it.
    #[arg(long)]
    resolution: String,
    /// What is done so that it does not happen again.
    #[arg(long)]
    follow_up: String,
    #[command(flatten)]
    whom: Whom,
}

impl Incident {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (path, body, whom) = match self {
            Self::List(list) => return list.run(terminal),
            Self::Show(show) => return show.run(terminal),
            Self::Open(Open { title, severity, scope, refs, whom }) => {
                let body = json!({ "title": title, "severity": severity, "scope": scope, "refs": refs });
                (String::new(), body, whom)
            }
            Self::Note(Note { id, text, refs, whom }) => {
                (format!("/{id}/note"), json!({ "text": text, "refs": refs }), whom)
            }
            Self::Step(Onward { id, to, text, whom }) => {
                (format!("/{id}/step"), json!({ "to": to, "text": text }), whom)
            }
            Self::Severity(Grade { id, to, whom }) => (format!("/{id}/severity"), json!({ "to": to }), whom),
            Self::Close(Close { id, cause, impact, resolution, follow_up, whom }) => {
                let body =
                    json!({ "cause": cause, "impact": impact, "resolution": resolution, "follow_up": follow_up });
                (format!("/{id}/close"), body, whom)
            }
        };
        let path = format!("/v1/incidents{path}");
        match whom.admin.call(terminal, &path, Some((&whom.credential, body))) {
            Ok(reply) if matches!(reply.status, 200 | 201) => {
                if whom.json {
                    terminal.say(format_args!("{:#}", reply.body));
                } else {
                    terminal.say(line(&reply.body));
                }
                Exit::Fine
            }
            Ok(reply) => reply.refused(terminal),
            Err(exit) => exit,
        }
    }
}

impl List {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let reply = match asked(&self.admin, terminal, "/v1/incidents", self.json) {
            Ok(reply) => reply,
            Err(exit) => return exit,
        };
        if self.json {
            return Exit::Fine;
        }
        for incident in reply.body.get("incidents").and_then(Value::as_array).into_iter().flatten() {
            terminal.say(line(incident));
        }
        Exit::Fine
    }
}

impl Show {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let reply = match asked(&self.admin, terminal, &format!("/v1/incidents/{}", self.id), self.json) {
            Ok(reply) => reply,
            Err(exit) => return exit,
        };
        if self.json {
            return Exit::Fine;
        }
        terminal.say(line(&reply.body));
        for mark in reply.body.get("timeline").and_then(Value::as_array).into_iter().flatten() {
            let refs = mark.get("refs").and_then(Value::as_array).into_iter().flatten();
            let refs: String = refs.filter_map(Value::as_str).map(|one| format!(" [{one}]")).collect();
            let (at, by, what, text) = (word(mark, "at_ms"), word(mark, "by"), word(mark, "what"), word(mark, "text"));
            terminal.say(format_args!("  {at} {what:<9} {by}: {text}{refs}"));
        }
        Exit::Fine
    }
}

/// Asks for something; says the answer as it came if JSON is wanted.
fn asked(admin: &AdminAddress, terminal: &mut Terminal<'_>, path: &str, json: bool) -> Result<Reply, Exit> {
    let reply = admin.call(terminal, path, None)?;
    if reply.status != 200 {
        return Err(reply.refused(terminal));
    }
    if json {
        terminal.say(format_args!("{:#}", reply.body));
    }
    Ok(reply)
}

fn line(incident: &Value) -> String {
    let overdue = if incident.get("overdue") == Some(&Value::Bool(true)) { " OVERDUE" } else { "" };
    let [id, severity, step, scope, title] =
        ["id", "severity", "step", "scope", "title"].map(|name| word(incident, name));
    format!("{id} {severity} {step} {scope}{overdue}: {title}")
}

fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    }
}
