use std::sync::Arc;

use super::Key;
use super::token::TokenFault;

/// Why an attempt failed. The caller is never told.
#[derive(Clone, Debug)]
pub enum Why {
    /// Nothing was presented.
    Missing,
    /// What was presented is no credential, or more than one.
    Malformed,
    /// No such key.
    UnknownKey,
    /// The key exists, the secret is another.
    WrongSecret {
        /// Of this key.
        id: Arc<Key>,
    },
    /// The secret is right, the address is not one it may be used from.
    WrongAddress {
        /// Of this key.
        id: Arc<Key>,
    },
    /// The credential is good, and the answer given with it is not.
    WrongAnswer {
        /// By this key.
        id: Arc<Key>,
    },
    /// The secret is right, and its time is over.
    Expired {
        /// Of this key.
        id: Arc<Key>,
    },
    /// The secret is right, and it was revoked.
    Revoked {
        /// Of this key.
        id: Arc<Key>,
    },
    /// This credential is locked out from this address, so the secret was not looked at.
    ShutOut {
        /// Whether there is a key of that name.
        known: bool,
    },
    /// A genuine certificate, and policy does not say whose it is.
    UnknownCertificate,
    /// A token that is no good.
    Token(TokenFault),
    /// The upstream, which has the last word on this credential, said no.
    Upstream,
}

impl Why {
    /// The word for it in metrics and the journal.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::WrongSecret { .. } => "wrong_secret",
            Self::WrongAddress { .. } => "wrong_address",
            Self::WrongAnswer { .. } => "wrong_answer",
            Self::Expired { .. } => "expired",
            Self::Revoked { .. } => "revoked",
            Self::ShutOut { .. } => "shut_out",
            Self::UnknownCertificate => "unknown_certificate",
            Self::Token(fault) => fault.as_str(),
            Self::Upstream => "upstream",
        }
    }

    /// The key that was tried, if there is one of that name.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::WrongSecret { id }
            | Self::WrongAddress { id }
            | Self::WrongAnswer { id }
            | Self::Expired { id }
            | Self::Revoked { id } => Some(id),
            Self::Missing | Self::Malformed | Self::UnknownKey | Self::ShutOut { .. } => None,
            Self::UnknownCertificate | Self::Token(_) | Self::Upstream => None,
        }
    }
}
