use std::path::PathBuf;

use clap::Args;
use sekisho_policy::{Classified, Policy};
use sekisho_safety::Posture;
use serde_json::json;

use super::capture::{self, Captured, Desk};
use super::orders::verdicts;
use super::{Exit, Setting, Terminal, run};

/// Judges captured messages by two policies, and says which verdicts differ. Ends with 1 when one does.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Lines of JSON (`method`, `target`, `host`, `headers`, `body`), or one HTTP/1.1 request; `-` for stdin.
    capture: PathBuf,
    /// The policy to come.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The policy that is; without it the embedded default.
    #[arg(long, value_name = "FILE", env = "SEKISHO_POLICY")]
    against: Option<PathBuf>,
    /// As JSON, one line a message that is judged otherwise.
    #[arg(long)]
    json: bool,
}

/// What a policy makes of a message: where it goes, what it is, in which states it passes.
#[derive(PartialEq, Eq)]
struct Verdict {
    route: Option<String>,
    /// `None` on a route without orders.
    class: Option<String>,
    passes: Vec<(Posture, bool)>,
}

impl Replay {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let mut desk = |policy: Option<PathBuf>| {
            let (policy, _): (Policy, _) = run::load(&Setting { policy, data: None }, terminal)?;
            Desk::new(&policy).map_err(|error| terminal.fail(Exit::Usage, error))
        };
        let desks = desk(self.against.clone()).and_then(|before| Ok((before, desk(Some(self.policy.clone()))?)));
        let (before, after) = match desks {
            Ok(desks) => desks,
            Err(exit) => return exit,
        };
        let messages = match capture::read(&self.capture) {
            Ok(messages) => messages,
            Err(why) => return terminal.fail(Exit::Environment, why),
        };
        let mut changed = 0_usize;
        for (at, message) in messages.iter().enumerate() {
            let (old, new) = (Verdict::of(&before, message), Verdict::of(&after, message));
            if old != new {
                changed += 1;
                self.say(terminal, (at + 1, message), (&old, &new));
            }
        }
        if !self.json {
            terminal.say(format_args!("{} messages, {changed} judged otherwise", messages.len()));
        }
        if changed == 0 { Exit::Fine } else { Exit::Found }
    }

    fn say(
        &self,
        terminal: &mut Terminal<'_>,
        (number, message): (usize, &Captured),
        (old, new): (&Verdict, &Verdict),
    ) {
        let Captured { method, target, .. } = message;
        let path = target.split('?').next().unwrap_or_default();
        if self.json {
            let of = |verdict: &Verdict| json!({ "route": verdict.route, "class": verdict.class, "passes_in": verdict.passing() });
            let changes = json!({ "message": number, "method": method, "path": path, "before": of(old), "after": of(new), "looser": new.is_looser_than(old) });
            terminal.say(changes);
            return;
        }
        let of = |verdict: &Verdict| {
            let (route, class) =
                (verdict.route.as_deref().unwrap_or("no route"), verdict.class.as_deref().unwrap_or("-"));
            format!(
                "{route}, {class}, passes in: {}",
                if verdict.passing().is_empty() { "nowhere".to_owned() } else { verdict.passing().join(", ") }
            )
        };
        let how = if new.is_looser_than(old) { "LOOSER" } else { "not looser" };
        terminal.say(format_args!("{number}: {} {}: {how}", method.escape_default(), path.escape_default()));
        terminal.say(format_args!("     before {}", of(old)));
        terminal.say(format_args!("     after  {}", of(new)));
    }
}

impl Verdict {
    fn of(desk: &Desk, message: &Captured) -> Self {
        let Some((route, sent)) = desk.find(message) else {
            return Self { route: None, class: None, passes: Vec::new() };
        };
        let name = Some(route.name.to_string());
        let rules = route.orders.as_ref().map(|orders| orders.rules.clone());
        let judged = rules.and_then(|rules| {
            let found = sent.class(&rules, &desk.limits)?;
            Some((label(&found), verdicts(&rules, &found)))
        });
        match judged {
            Some((class, passes)) => Self { route: name, class: Some(class), passes },
            // Nothing holds it there.
            None => Self { route: name, class: None, passes: ALWAYS.to_vec() },
        }
    }

    fn passing(&self) -> Vec<&'static str> {
        self.passes.iter().filter(|(_, passes)| *passes).map(|(posture, _)| posture.as_str()).collect()
    }

    fn is_looser_than(&self, other: &Self) -> bool {
        self.passing().iter().any(|posture| !other.passing().contains(posture))
    }
}

fn label(found: &Classified) -> String {
    let legs: Vec<_> = found.legs.iter().map(|leg| leg.name()).collect();
    let legs = if legs.is_empty() { String::new() } else { format!(" of {}", legs.join(", ")) };
    let doubt = if found.ambiguous.is_some() { ", in two ways" } else { "" };
    format!("{} {}{legs}{doubt}", found.class.letter(), found.class)
}

const ALWAYS: [(Posture, bool); 4] =
    [(Posture::Allow, true), (Posture::CloseOnly, true), (Posture::Block, true), (Posture::EmergencyStop, true)];
