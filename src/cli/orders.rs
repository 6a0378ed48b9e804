use std::path::PathBuf;

use clap::{Args, Subcommand};
use sekisho_policy::{Classified, Order, OrderRules, Policy};
use sekisho_safety::Posture;
use serde_json::{Value, json};

use super::capture::{self, Captured, Desk};
use super::{Exit, Setting, Terminal, run};

/// Says what order messages are, and what would become of them.
#[derive(Debug, Subcommand)]
pub(super) enum Orders {
    /// Classifies captured messages. A message that no order route takes, or that can be read in two ways, ends it with 1.
    Explain(Explain),
}

/// Which messages, and by which rules.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Lines of JSON (`method`, `target`, `host`, `headers`, `body`), or one HTTP/1.1 request; `-` for stdin.
    file: PathBuf,
    /// The rules of a pack, instead of those of the route that the policy has for the message.
    #[arg(long)]
    pack: Option<String>,
    #[command(flatten)]
    setting: Setting,
    /// As JSON, one line a message.
    #[arg(long)]
    json: bool,
}

impl Orders {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let Self::Explain(explain) = self;
        explain.run(terminal)
    }
}

impl Explain {
    fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let policy = match &self.pack {
            Some(pack) => Policy::parse("pack", &of_pack(pack)).map_err(|_none| {
                terminal.fail(Exit::Usage, format_args!("there is no pack `{}`", pack.escape_default()))
            }),
            None => run::load(&self.setting, terminal).map(|(policy, _)| policy),
        };
        let policy = match policy {
            Ok(policy) => policy,
            Err(exit) => return exit,
        };
        let desk = match Desk::new(&policy) {
            Ok(desk) => desk,
            Err(error) => return terminal.fail(Exit::Usage, error),
        };
        let messages = match capture::read(&self.file) {
            Ok(messages) => messages,
            Err(why) => return terminal.fail(Exit::Environment, why),
        };
        let mut exit = Exit::Fine;
        for message in &messages {
            let told = Told::of(&desk, message);
            if told.found.as_ref().is_none_or(|found| found.ambiguous.is_some()) {
                exit = Exit::Found;
            }
            if self.json { terminal.say(told.json()) } else { told.say(terminal) }
        }
        exit
    }
}

/// A policy of one route with a pack.
fn of_pack(pack: &str) -> String {
    let plain: String = pack.chars().filter(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
    format!(
        "version: 1\nservice: explain\nlisteners: {{egress: 127.0.0.1:1}}\nupstreams: {{venue: {{url: 'http://127.0.0.1:2'}}}}\n\
         routes: [{{name: venue, listener: egress, upstream: venue, orders: {{pack: {plain}}}}}]\n"
    )
}

/// What is said of one message.
struct Told<'m> {
    message: &'m Captured,
    route: Option<String>,
    found: Option<Classified>,
    passes: Vec<(Posture, bool)>,
}

impl<'m> Told<'m> {
    fn of(desk: &Desk, message: &'m Captured) -> Self {
        let taken = desk.find(message);
        let route = taken.as_ref().map(|(route, _)| route.name.to_string());
        let judged = taken.and_then(|(route, sent)| {
            let rules = route.orders.as_ref().map(|orders| orders.rules.clone())?;
            let found = sent.class(&rules, &desk.limits)?;
            let passes = verdicts(&rules, &found);
            Some((found, passes))
        });
        let (found, passes) = judged.map_or_else(Default::default, |(found, passes)| (Some(found), passes));
        Self { message, route, found, passes }
    }

    fn say(&self, terminal: &mut Terminal<'_>) {
        let Captured { method, target, .. } = self.message;
        let path = target.split('?').next().unwrap_or_default().escape_default();
        let method = method.escape_default();
        let Some(found) = &self.found else {
            let why = if self.route.is_some() { "no order route" } else { "no route takes it" };
            terminal.say(format_args!("-  {method} {path}: {why}"));
            return;
        };
        let passes: Vec<_> =
            self.passes.iter().filter(|(_, passes)| *passes).map(|(posture, _)| posture.as_str()).collect();
        let passes = if passes.is_empty() { "nowhere".to_owned() } else { passes.join(", ") };
        let legs: Vec<_> = found.legs.iter().map(|leg| leg.name()).collect();
        let legs = if legs.is_empty() { String::new() } else { format!(" of {}", legs.join(", ")) };
        terminal.say(format_args!(
            "{}  {method} {path}: {}{legs}; passes in: {passes}",
            found.class.letter(),
            found.class
        ));
        for order in &found.orders {
            terminal.say(format_args!("     {}", described(order)));
        }
        if let Some(why) = &found.ambiguous {
            terminal.say(format_args!("     can be read in two ways: {why}"));
        }
    }

    fn json(&self) -> Value {
        let Captured { method, target, .. } = self.message;
        let path = target.split('?').next().unwrap_or_default();
        let Some(found) = &self.found else {
            return json!({ "method": method, "path": path, "route": self.route, "class": null });
        };
        let passes: Vec<_> =
            self.passes.iter().filter(|(_, passes)| *passes).map(|(posture, _)| posture.as_str()).collect();
        json!({
            "method": method,
            "path": path,
            "route": self.route,
            "class": found.class.letter().to_string(),
            "name": found.class.name(),
            "legs": found.legs.iter().map(|leg| leg.name()).collect::<Vec<_>>(),
            "orders": found.orders.iter().map(described).collect::<Vec<_>>(),
            "scopes": found.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "ambiguous": found.ambiguous,
            "passes_in": passes,
        })
    }
}

/// In which states a message passes.
pub(super) fn verdicts(rules: &OrderRules, found: &Classified) -> Vec<(Posture, bool)> {
    POSTURES.iter().map(|posture| (*posture, rules.permits(found, *posture))).collect()
}

fn described(order: &Order) -> String {
    let or = |text: Option<String>, else_: &str| text.unwrap_or_else(|| else_.to_owned());
    let side = order.side.map(|side| format!("{side:?}").to_lowercase());
    format!(
        "{} {} of {} at {}",
        or(side, "side not told"),
        or(order.quantity.map(|quantity| quantity.to_string()), "quantity not told"),
        or(order.instrument.as_ref().map(|name| name.escape_default().to_string()), "instrument not told"),
        or(order.price.map(|price| price.to_string()), "no price")
    )
}

const POSTURES: [Posture; 4] = [Posture::Allow, Posture::CloseOnly, Posture::Block, Posture::EmergencyStop];
