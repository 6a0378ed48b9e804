use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sekisho_policy::{Policy, SecretSource};

use super::Exit;
use crate::compile;
use crate::evidence::seal::{Master, Vault};
use crate::identity::resolve;

/// What opens sealed files.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Unseal {
    /// Policy whose `at_rest` names the master keys of sealed files.
    #[arg(long = "policy", value_name = "FILE", conflicts_with = "master_key")]
    policy: Option<PathBuf>,
    /// A master key, as `file:/PATH` or `env:NAME`; may be repeated.
    #[arg(long, value_name = "REF")]
    master_key: Vec<String>,
}

impl Unseal {
    /// The vault with these keys; `None` if none are given.
    pub(super) fn vault(&self) -> Result<Option<Arc<Vault>>, (Exit, String)> {
        if let Some(path) = &self.policy {
            let text = std::fs::read_to_string(path)
                .map_err(|error| (Exit::Environment, format!("`{}`: {error}", path.display())))?;
            let policy = Policy::parse(&path.display().to_string(), &text)
                .map_err(|errors| (Exit::Usage, format!("policy:\n{errors}")))?;
            return compile::vault(&policy).map_err(|error| (Exit::Environment, error.to_string()));
        }
        let mut masters = Vec::new();
        for reference in &self.master_key {
            let source: SecretSource =
                reference.parse().map_err(|error| (Exit::Usage, format!("--master-key: {error}")))?;
            let secret = resolve("--master-key", &source).map_err(|error| (Exit::Environment, error.to_string()))?;
            let text = str::from_utf8(&secret).unwrap_or_default();
            let wrong = || (Exit::Usage, "--master-key: it is not a master key".to_owned());
            masters.push(Master::Local(text.parse().map_err(|_| wrong())?));
        }
        let mut masters = masters.into_iter();
        Ok(masters.next().map(|first| Arc::new(Vault::new(first, masters.collect()))))
    }
}
