//! `sekisho bundle`: make support bundles, and look at them where there is nothing else.

mod offline;

mod show;

use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sekisho_journal::bundle::{BundleReport, verify_bundle};
use sekisho_journal::{KeyChain, Verdict, VerifierKey};
use sekisho_policy::SecretSource;
use sekisho_seal::{DataKey, Head, KeyFile};
use serde_json::json;

use super::client::{Asking, Question};
use super::unseal::Unseal;
use super::{Exit, Setting, Terminal};
use crate::evidence::bundle::unpack;
use crate::evidence::seal::{KEY, SEALED};
use crate::identity::resolve;

/// Makes support bundles, verifies and shows them.
#[derive(Debug, Subcommand)]
pub(super) enum Bundle {
    /// Has the running sidecar make a bundle of an incident, or of a range of the journal; or makes one where none runs.
    Create(Box<Create>),
    /// Checks that a bundle is what was signed, and whole. Needs the bundle and the public key of its journal, nothing else.
    ///
    /// Exit code 0 PASS, 1 FAIL, 3 it could not be opened (which is no pass).
    Verify(Verify),
    /// Prints the timeline of a bundle. Verify it first: what is shown is what is written there.
    Show(Show),
    /// Prints the key that opens this one sealed bundle, for whoever it is handed to. Send it another way than the bundle.
    Key(Key),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The incident it is about; from its first mention to the end of the journal.
    #[arg(long, value_name = "ID", required_unless_present = "from")]
    incident: Option<String>,
    /// The first entry.
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// The first entry behind it.
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Makes it here, from the data directory of a sidecar that does not run; without metrics and logs, which only a running one has.
    #[arg(long, requires = "by")]
    offline: bool,
    /// Who makes it, where no key says so.
    #[arg(long, value_name = "PERSON", requires = "offline")]
    by: Option<String>,
    #[command(flatten)]
    setting: Setting,
    #[command(flatten)]
    asking: Asking,
}

/// A bundle, and what opens it.
#[derive(Debug, Args)]
struct File {
    /// The bundle: `.tar.zst`, or `.tar.zst.sealed`.
    file: PathBuf,
    /// The key of this one sealed bundle, as `file:/PATH` or `env:NAME`.
    #[arg(long, value_name = "REF")]
    data_key: Option<String>,
    #[command(flatten)]
    unseal: Unseal,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    file: File,
    /// The public key of the journal (`name+hexid+base64`), or a file that holds it.
    #[arg(long, value_name = "VKEY|FILE")]
    key: String,
    /// Print the whole report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    file: File,
    /// Write it as one HTML file instead.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Key {
    #[command(flatten)]
    file: File,
}

type Stop = (Exit, String);

impl Bundle {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let done = match self {
            Self::Create(create) => return create.run(terminal),
            Self::Verify(verify) => verify.run(terminal),
            Self::Show(show) => show.run(terminal),
            Self::Key(key) => key.run(terminal),
        };
        done.unwrap_or_else(|(exit, why)| terminal.fail(exit, why))
    }
}

impl Create {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        if self.offline {
            let made = offline::make(&self, terminal);
            return made.unwrap_or_else(|(exit, why)| terminal.fail(exit, why));
        }
        let mut body = json!({});
        if let Some(fields) = body.as_object_mut() {
            let given = [
                ("incident", self.incident.map(|id| json!(id))),
                ("from", self.from.map(|seq| json!(seq))),
                ("to", self.to.map(|seq| json!(seq))),
            ];
            fields.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        self.asking.tell(terminal, Question::post("/v1/bundles", body), |terminal, reply| {
            let ending = if reply.text("/sealed") == "true" { SEALED } else { "" };
            terminal.say(format_args!("{}{ending}", reply.text("/path")));
            let (records, digest) = (reply.text("/records"), reply.text("/manifest_sha256"));
            terminal.say(format_args!("{records} entries, manifest {digest}"));
            if ending.is_empty() {
                terminal.say("not sealed: the policy names no at_rest.master_key");
            }
        })
    }
}

impl File {
    /// The archive, unsealed and unpacked.
    fn archive(&self) -> Result<Vec<u8>, Stop> {
        let bytes = read(&self.file)?;
        let packed = match Head::split(&bytes) {
            Ok((head, _)) => sekisho_seal::open(&head.name, &self.key()?, &bytes)
                .map_err(|error| (Exit::Found, format!("FAIL the sealed bundle: {error}")))?,
            Err(_) => bytes,
        };
        unpack(&packed).map_err(|error| (Exit::Found, format!("FAIL {error}")))
    }

    fn key(&self) -> Result<DataKey, Stop> {
        if let Some(reference) = &self.data_key {
            let source: SecretSource =
                reference.parse().map_err(|error| (Exit::Usage, format!("--data-key: {error}")))?;
            let secret = resolve("--data-key", &source).map_err(|error| (Exit::Environment, error.to_string()))?;
            let text = str::from_utf8(&secret).unwrap_or_default();
            return text.parse().map_err(|_| (Exit::Usage, "--data-key: it is not the key of a bundle".to_owned()));
        }
        let sealed = || "UNKNOWN it is sealed and was not looked into: give --data-key, --policy or --master-key";
        let vault = self.unseal.vault()?.ok_or_else(|| (Exit::Environment, sealed().to_owned()))?;
        let name = self.file.to_string_lossy();
        let beside = PathBuf::from(format!("{}{KEY}", name.strip_suffix(SEALED).unwrap_or(&name)));
        let failed = |why: &dyn std::fmt::Display| (Exit::Environment, format!("`{}`: {why}", beside.display()));
        let file = KeyFile::parse(&read(&beside)?).map_err(|error| failed(&error))?;
        vault.key(&file).map_err(|error| failed(&error))
    }
}

impl Verify {
    fn run(&self, terminal: &mut Terminal<'_>) -> Result<Exit, Stop> {
        let key = verifier_key(&self.key)?;
        let report: BundleReport = verify_bundle(&self.file.archive()?, &KeyChain::of(&key));
        if self.json {
            terminal.say(serde_json::to_string(&report).unwrap_or_default());
        } else {
            terminal.say(&report);
        }
        Ok(match report.verdict {
            Verdict::Pass => Exit::Fine,
            Verdict::Fail => Exit::Found,
            Verdict::Unknown => Exit::Environment,
        })
    }
}

impl Show {
    fn run(&self, terminal: &mut Terminal<'_>) -> Result<Exit, Stop> {
        let archive = self.file.archive()?;
        let opened = sekisho_journal::bundle::open(&archive).map_err(|fault| (Exit::Found, fault.detail))?;
        let timeline = show::Timeline::of(&opened);
        match &self.html {
            None => timeline.lines().into_iter().for_each(|line| terminal.say(line)),
            Some(path) => fs::write(path, timeline.html())
                .map_err(|error| (Exit::Environment, format!("`{}`: {error}", path.display())))?,
        }
        Ok(Exit::Fine)
    }
}

impl Key {
    fn run(&self, terminal: &mut Terminal<'_>) -> Result<Exit, Stop> {
        let key = self.file.key()?;
        terminal.say(key.danger_text().as_str());
        Ok(Exit::Fine)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|error| (Exit::Environment, format!("`{}`: {error}", path.display())))
}

fn verifier_key(text: &str) -> Result<VerifierKey, Stop> {
    let wrong = |error: &dyn std::fmt::Display| (Exit::Usage, format!("--key: {error}"));
    match text.parse() {
        Ok(key) => Ok(key),
        Err(error) => match fs::read_to_string(text) {
            Ok(content) => content.trim_end().parse().map_err(|error| wrong(&error)),
            Err(_) => Err(wrong(&error)),
        },
    }
}
