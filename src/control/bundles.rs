//! What a release rests on: the newest bundle of each open incident, verified anew each time it is asked for.

use std::pin::Pin;
use std::sync::Arc;

use sekisho_journal::VerifierKey;
use sekisho_safety::Name;

use super::preconditions::Bundles;
use crate::evidence::bundle::{Maker, latest_verified};

/// The bundles below the data directory.
#[derive(Clone, Debug)]
pub struct StoredBundles {
    /// Knows where they are, and what opens them.
    pub maker: Arc<Maker>,
    /// What they have to be signed with.
    pub key: VerifierKey,
}

impl Bundles for StoredBundles {
    fn verified<'a>(
        &'a self,
        incident: &'a Name,
    ) -> Pin<Box<dyn Future<Output = Result<[u8; 32], String>> + Send + 'a>> {
        let (maker, key, incident) = (Arc::clone(&self.maker), self.key.clone(), incident.to_string());
        Box::pin(async move {
            let looking = move || latest_verified(&maker.data, &incident, &key, maker.vault.as_deref());
            let looked = tokio::task::spawn_blocking(looking).await;
            looked.unwrap_or_else(|_| Err("the verifier broke off".to_owned()))
        })
    }
}
