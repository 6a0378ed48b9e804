//! What a release rests on: the newest bundle of each open incident, verified anew each time it is asked for.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use sekisho_journal::VerifierKey;
use sekisho_safety::Name;

use super::preconditions::Bundles;
use crate::evidence::bundle::latest_verified;
use crate::evidence::seal::Vault;

/// The bundles below the data directory.
#[derive(Clone, Debug)]
pub struct StoredBundles {
    /// The data directory.
    pub data: PathBuf,
    /// What opens them, where they are sealed.
    pub vault: Option<Arc<Vault>>,
    /// What they have to be signed with.
    pub key: VerifierKey,
}

impl Bundles for StoredBundles {
    fn verified<'a>(
        &'a self,
        incident: &'a Name,
    ) -> Pin<Box<dyn Future<Output = Result<[u8; 32], String>> + Send + 'a>> {
        let (Self { data, vault, key }, incident) = (self.clone(), incident.to_string());
        Box::pin(async move {
            let looking = move || latest_verified(&data, &incident, &key, vault.as_deref());
            let looked = tokio::task::spawn_blocking(looking).await;
            looked.unwrap_or_else(|_| Err("the verifier broke off".to_owned()))
        })
    }
}
