use std::path::Path;
use std::sync::Arc;

use sekisho_policy::Policy;

use super::{App, Shared};
use crate::compile;
use crate::evidence::seal;
use crate::identity::credentials::Shown;
use crate::identity::{ages, issuers};
use crate::tls::{self, TlsError};

impl App {
    /// Looks after what proves who somebody is: ages of keys, ends of revocations, the keys of issuers.
    ///
    /// # Errors
    ///
    /// When the server of an issuer's keys cannot be spoken to as policy says.
    pub(super) fn look_after_credentials(
        &self,
        (policy, data): (&Policy, &Path),
        shared: &Shared,
    ) -> Result<(), TlsError> {
        let signals = Arc::clone(&shared.signals);
        let tell = move |key: &Shown| signals.key_age(&format!("`{}`", key.id), key.age_days.unwrap_or_default());
        self.spawn(ages::watch(Arc::clone(&shared.credentials), policy.monitors.interval, tell));
        if shared.vault.is_some() {
            let signals = Arc::clone(&shared.signals);
            let wanted = compile::wanted_ages(policy);
            let tell = move |what: &str, days| signals.key_age(what, days);
            self.spawn(seal::watch_ages(data.to_path_buf(), wanted, policy.monitors.integrity_interval, tell));
        }
        let (believed, sources) = issuers::issuers(&policy.identity);
        shared.door.believe(believed);
        for (issuer, policy) in sources {
            let tls = tls::issuers::secure(&policy)?;
            self.spawn(issuers::Source { issuer, policy, tls }.keep(self.journal.clone()));
        }
        Ok(())
    }
}
