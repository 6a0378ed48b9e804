use std::net::IpAddr;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{AdminAddress, Credential};
use super::{Exit, Terminal};

/// Shows and ends lockouts after failed authentication.
#[derive(Debug, Subcommand)]
pub(super) enum Lockouts {
    /// Lists who is locked out, and for how long.
    List(Asking),
    /// Says whether a key is locked out from an address, and why.
    Explain {
        /// The key's id.
        key: String,
        /// The address it is used from.
        #[arg(long, value_name = "ADDRESS")]
        from: IpAddr,
        #[command(flatten)]
        asking: Asking,
    },
    /// Ends lockouts: one by its id, or all of a key from an address. Needs the role admin; goes into the journal.
    Lift {
        /// The lockout, as `list` names it.
        #[arg(required_unless_present = "key", conflicts_with = "key")]
        id: Option<String>,
        /// A key's id.
        #[arg(long, requires = "from")]
        key: Option<String>,
        /// The address it is used from.
        #[arg(long, value_name = "ADDRESS", requires = "key")]
        from: Option<IpAddr>,
        /// Why; it goes into the journal.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Whom to ask, as who, and how to answer.
#[derive(Debug, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    pub(super) credential: Credential,
    #[command(flatten)]
    pub(super) admin: AdminAddress,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Lockouts {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::List(asking) => asking.show(terminal, "/v1/lockouts", "nobody is locked out"),
            Self::Explain { key, from, asking } => {
                let path = format!("/v1/lockouts?key={key}&from={from}");
                asking.show(terminal, &path, "nothing keeps this key out from there")
            }
            Self::Lift { id, key, from, reason, asking } => {
                let body = json!({ "id": id, "key": key, "from": from, "reason": reason });
                match asking.admin.call(terminal, "/v1/lockouts/lift", Some((&asking.credential, body))) {
                    Err(exit) => exit,
                    Ok(reply) if reply.status != 200 => reply.refused(terminal),
                    Ok(reply) => {
                        terminal.say(format_args!("{} lifted", reply.text("/lifted")));
                        Exit::Fine
                    }
                }
            }
        }
    }
}

impl Asking {
    fn show(&self, terminal: &mut Terminal<'_>, path: &str, none: &str) -> Exit {
        let reply = match self.admin.look(terminal, path, &self.credential) {
            Ok(reply) => reply,
            Err(exit) => return exit,
        };
        if reply.status != 200 {
            return reply.refused(terminal);
        }
        if self.json {
            terminal.say(format_args!("{:#}", reply.body));
            return Exit::Fine;
        }
        let locks = reply.body.pointer("/lockouts").and_then(Value::as_array).cloned().unwrap_or_default();
        for lock in &locks {
            let field = |name: &str| match lock.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => "-".to_owned(),
                Some(other) => other.to_string(),
            };
            terminal.say(format_args!(
                "{} {:<10} key {:<16} from {:<18} {} s more, {} times in a row",
                field("id"),
                field("what"),
                field("key"),
                field("from"),
                field("left_s"),
                field("times")
            ));
        }
        if locks.is_empty() {
            terminal.say(none);
        }
        match reply.text("/shut_out").as_str() {
            "true" => terminal.say("shut out: the secret is not looked at, right or wrong"),
            "false" if reply.text("/familiar") == "true" => {
                terminal.say("not shut out; the key was used from there before")
            }
            "false" => terminal.say("not shut out"),
            _ => {}
        }
        Exit::Fine
    }
}
