use std::net::IpAddr;

use clap::Subcommand;
use serde_json::json;

use super::client::{Asking, Question, Reply, word};
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

impl Lockouts {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::List(asking) => asking.tell(terminal, Question::get("/v1/lockouts"), |terminal, reply| {
                show(terminal, reply, "nobody is locked out")
            }),
            Self::Explain { key, from, asking } => {
                let path = format!("/v1/lockouts?key={key}&from={from}");
                asking.tell(terminal, Question::get(&path), |terminal, reply| {
                    show(terminal, reply, "nothing keeps this key out from there");
                })
            }
            Self::Lift { id, key, from, reason, asking } => {
                let body = json!({ "id": id, "key": key, "from": from, "reason": reason });
                asking.tell(terminal, Question::post("/v1/lockouts/lift", body), |terminal, reply| {
                    terminal.say(format_args!("{} lifted", reply.text("/lifted")));
                })
            }
        }
    }
}

fn show(terminal: &mut Terminal<'_>, reply: &Reply, none: &str) {
    let locks = reply.list("/lockouts");
    for lock in locks {
        let [id, what, key, from, left, times] =
            ["id", "what", "key", "from", "left_s", "times"].map(|field| word(lock, field));
        terminal
            .say(format_args!("{id} {what:<10} key {key:<16} from {from:<18} {left} s more, {times} times in a row"));
    }
    if locks.is_empty() {
        terminal.say(none);
    }
    match reply.text("/shut_out").as_str() {
        "true" => terminal.say("shut out: the secret is not looked at, right or wrong"),
        "false" if reply.text("/familiar") == "true" => {
            terminal.say("not shut out; the key was used from there before");
        }
        "false" => terminal.say("not shut out"),
        _ => {}
    }
}
