//! `sekisho inject` and `sekisho uninject`: the sidecar in the text of Kubernetes manifests.

mod edit;

mod lines;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Terminal};
use edit::{Mark, Parts};

/// Puts the sidecar into the workloads of a manifest: `sekisho inject < deploy.yaml | kubectl apply -f -`.
///
/// Comments, order and everything that is not a workload stay as they are. A sidecar that is there is replaced, so doing it twice
/// changes nothing. A workload with the annotation `sekisho.io/inject: disabled` is left alone.
#[derive(Debug, Args)]
pub(super) struct Inject {
    #[command(flatten)]
    manifest: Manifest,
    /// The image of the sidecar.
    #[arg(long, default_value = concat!("sekisho:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// ConfigMap that holds `sekisho.yaml`.
    #[arg(long, default_value = "sekisho-policy", value_name = "NAME")]
    config_map: String,
    /// Secret whose files appear in /run/secrets/sekisho.
    #[arg(long, default_value = "sekisho-secrets", value_name = "NAME")]
    secret: String,
    /// PersistentVolumeClaim for state, journal and keys. Without it they end with the pod, and each new one starts in BLOCK.
    #[arg(long, value_name = "NAME")]
    claim: Option<String>,
}

/// Takes the sidecar out of the workloads of a manifest.
#[derive(Debug, Args)]
pub(super) struct Uninject {
    #[command(flatten)]
    manifest: Manifest,
}

#[derive(Debug, Args)]
struct Manifest {
    /// The manifest, of one or more documents; `-` for stdin.
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
    /// Prints the lines that would be added and removed, and their surroundings, instead of the manifest.
    #[arg(long)]
    dry_run: bool,
}

impl Inject {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        for (option, value) in
            [("--image", &self.image), ("--config-map", &self.config_map), ("--secret", &self.secret)]
        {
            if let Err(exit) = plain(terminal, option, value) {
                return exit;
            }
        }
        if let Some(Err(exit)) = self.claim.as_ref().map(|claim| plain(terminal, "--claim", claim)) {
            return exit;
        }
        self.manifest.edit(terminal, Some(&self.parts()))
    }

    fn parts(&self) -> Parts {
        let data = match &self.claim {
            Some(claim) => format!("persistentVolumeClaim: {{claimName: {claim}}}"),
            None => "emptyDir: {sizeLimit: 1Gi}".to_owned(),
        };
        let (config_map, secret) = (&self.config_map, &self.secret);
        let volumes = format!(
            "- name: sekisho-policy\n  configMap: {{name: {config_map}}}\n\
             - name: sekisho-secrets\n  secret: {{secretName: {secret}, defaultMode: 288, optional: true}}\n\
             - name: sekisho-data\n  {data}\n"
        );
        Parts { container: SIDECAR.replacen("{image}", &self.image, 1), volumes }
    }
}

impl Uninject {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        self.manifest.edit(terminal, None)
    }
}

impl Manifest {
    fn edit(&self, terminal: &mut Terminal<'_>, parts: Option<&Parts>) -> Exit {
        let text = match read(&self.file) {
            Ok(text) => text,
            Err(error) => {
                return terminal
                    .fail(Exit::Environment, format_args!("cannot read `{}`: {error}", self.file.display()));
            }
        };
        let mut whole = String::with_capacity(text.len().saturating_add(4096));
        let mut workloads = 0_u32;
        for (start, line, document) in documents(&text) {
            whole.push_str(start);
            match edit::edit(document, parts) {
                Ok(None) => whole.push_str(document),
                Ok(Some(marks)) => {
                    workloads = workloads.saturating_add(1);
                    if self.dry_run {
                        tell(terminal, &marks);
                    }
                    whole.push_str(&edit::joined(&marks, document));
                }
                // Half a manifest would be applied as if it were whole.
                Err(why) => {
                    return terminal.fail(Exit::Usage, format_args!("{}:{line}: {why}", self.file.display()));
                }
            }
        }
        if workloads == 0 {
            return terminal.fail(Exit::Found, format_args!("{}: holds no workload", self.file.display()));
        }
        if !self.dry_run && terminal.out.write_all(whole.as_bytes()).is_err() {
            return Exit::Environment;
        }
        Exit::Fine
    }
}

fn plain<'a>(terminal: &mut Terminal<'_>, option: &str, value: &'a str) -> Result<&'a str, Exit> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
    if !value.is_empty() && value.len() <= 512 && value.chars().all(fits) {
        return Ok(value);
    }
    Err(terminal.fail(Exit::Usage, format_args!("{option}: expected a name: letters, digits and `-._/:@`")))
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let most = LARGEST.saturating_add(1);
    if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)?.take(most).read_to_string(&mut text)?;
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) < most {
        return Ok(text);
    }
    Err(std::io::Error::other("more than 64 MiB"))
}

/// The documents of a stream: the separator before each, the number of its first line, and its text.
fn documents(text: &str) -> Vec<(&str, usize, &str)> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1_usize);
    while !rest.is_empty() {
        let first = rest.split_inclusive('\n').next().unwrap_or_default();
        let separator = if is_separator(first) { first } else { "" };
        let body = rest.get(separator.len()..).unwrap_or_default();
        let length = body.split_inclusive('\n').take_while(|line| !is_separator(line)).map(str::len).sum();
        let (document, after) = body.split_at(length);
        found.push((separator, line.saturating_add(usize::from(!separator.is_empty())), document));
        line = line.saturating_add(separator.lines().count()).saturating_add(document.lines().count());
        rest = after;
    }
    found
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty() || rest.starts_with(" #"))
}

/// What changes, with three lines around it.
fn tell(terminal: &mut Terminal<'_>, marks: &[Mark]) {
    let changes: Vec<bool> = marks.iter().map(|mark| !matches!(mark, Mark::Kept(_))).collect();
    let mut told = true;
    for (at, mark) in marks.iter().enumerate() {
        let near = at.saturating_sub(3)..at.saturating_add(4).min(changes.len());
        if !changes.get(near).is_some_and(|near| near.contains(&true)) {
            told = false;
            continue;
        }
        if !told {
            terminal.say("@@");
        }
        told = true;
        match mark {
            Mark::Kept(line) => terminal.say(format_args!(" {line}")),
            Mark::Added(line) => terminal.say(format_args!("+{line}")),
            Mark::Dropped(line) => terminal.say(format_args!("-{line}")),
        }
    }
}

const SIDECAR: &str = include_str!("sidecar.yaml");

/// More is no manifest.
const LARGEST: u64 = 64 << 20;
