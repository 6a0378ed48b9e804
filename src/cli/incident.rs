use clap::{Args, Subcommand};
use sekisho_safety::{Scope, Sev, Step};
use serde_json::{Value, json};

use super::client::{Asking, Question, word};
use super::{Exit, Terminal};

/// Opens, shows and works on incidents.
#[derive(Debug, Subcommand)]
pub(super) enum Incident {
    /// Opens one. SEV0 makes the scope BLOCK before anything else.
    Open(Open),
    /// Lists them, the newest first.
    List(Asking),
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
    asking: Asking,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Which.
    id: String,
    #[command(flatten)]
    asking: Asking,
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
    asking: Asking,
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
    asking: Asking,
}

#[derive(Debug, Args)]
pub(super) struct Grade {
    /// Which.
    id: String,
    /// SEV0, SEV1, SEV2 or SEV3.
    to: Sev,
    #[command(flatten)]
    asking: Asking,
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
    asking: Asking,
}

impl Incident {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (path, body, asking) = match self {
            Self::List(asking) => {
                return asking.tell(terminal, Question::get("/v1/incidents"), |terminal, reply| {
                    reply.list("/incidents").iter().for_each(|incident| terminal.say(line(incident)));
                });
            }
            Self::Show(show) => return show.run(terminal),
            Self::Open(Open { title, severity, scope, refs, asking }) => {
                let body = json!({ "title": title, "severity": severity, "scope": scope, "refs": refs });
                (String::new(), body, asking)
            }
            Self::Note(Note { id, text, refs, asking }) => {
                (format!("/{id}/note"), json!({ "text": text, "refs": refs }), asking)
            }
            Self::Step(Onward { id, to, text, asking }) => {
                (format!("/{id}/step"), json!({ "to": to, "text": text }), asking)
            }
            Self::Severity(Grade { id, to, asking }) => (format!("/{id}/severity"), json!({ "to": to }), asking),
            Self::Close(Close { id, cause, impact, resolution, follow_up, asking }) => {
                let body =
                    json!({ "cause": cause, "impact": impact, "resolution": resolution, "follow_up": follow_up });
                (format!("/{id}/close"), body, asking)
            }
        };
        let path = format!("/v1/incidents{path}");
        asking.tell(terminal, Question::post(&path, body), |terminal, reply| terminal.say(line(&reply.body)))
    }
}

impl Show {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let path = format!("/v1/incidents/{}", self.id);
        self.asking.tell(terminal, Question::get(&path), |terminal, reply| {
            terminal.say(line(&reply.body));
            for mark in reply.list("/timeline") {
                let refs = mark.get("refs").and_then(Value::as_array).into_iter().flatten();
                let refs: String = refs.filter_map(Value::as_str).map(|one| format!(" [{one}]")).collect();
                let [at, by, what, text] = ["at_ms", "by", "what", "text"].map(|name| word(mark, name));
                terminal.say(format_args!("  {at} {what:<9} {by}: {text}{refs}"));
            }
        })
    }
}

fn line(incident: &Value) -> String {
    let overdue = if incident.get("overdue") == Some(&Value::Bool(true)) { " OVERDUE" } else { "" };
    let [id, severity, step, scope, title] =
        ["id", "severity", "step", "scope", "title"].map(|name| word(incident, name));
    format!("{id} {severity} {step} {scope}{overdue}: {title}")
}
