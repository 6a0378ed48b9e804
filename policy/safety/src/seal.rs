//! The state as it is stored: one line of JSON, and a line with its SHA-256.

use sha2::{Digest, Sha256};

use crate::State;

/// Stored bytes that are no sealed state. Whoever reads them takes the state to be [`State::unverified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// The seal is missing or does not match: a write was cut short, or a byte was changed.
    #[error("the seal does not match")]
    Seal,
    /// The seal matches, but the content is not a state this version understands.
    #[error("the content is not a safety state")]
    Content,
}

impl State {
    /// The stored form.
    #[must_use]
    pub fn encode(&self, generation: u64) -> Vec<u8> {
        let content = serde_json::to_string(&(VERSION, generation, self)).unwrap_or_default();
        format!("{content}\n{:x}\n", Sha256::digest(&content)).into_bytes()
    }

    /// Reads the stored form, and the generation it was stored with.
    ///
    /// # Errors
    ///
    /// [`Torn`] when a byte is missing, added or changed.
    pub fn decode(bytes: &[u8]) -> Result<(u64, Self), Torn> {
        let text = std::str::from_utf8(bytes).map_err(|_not_text| Torn::Seal)?;
        let (content, seal) = text.split_once('\n').ok_or(Torn::Seal)?;
        if format!("{:x}\n", Sha256::digest(content)) != seal {
            return Err(Torn::Seal);
        }
        let (version, generation, state): (u32, u64, Self) =
            serde_json::from_str(content).map_err(|_other| Torn::Content)?;
        if version == VERSION && state.is_sound() { Ok((generation, state)) } else { Err(Torn::Content) }
    }
}

const VERSION: u32 = 1;
