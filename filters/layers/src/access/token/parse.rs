use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json::object;
use super::keyset::Algorithm;

/// A token as presented: well formed, and not yet believed.
pub struct Token<'t> {
    /// What is signed: header and claims as they were sent.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) id: Option<String>,
    pub(super) claims: Map<String, Value>,
}

/// Why a token is no good. Said to the journal, never to whoever presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is longer than any token has to be.
    #[error("the token is too long")]
    Oversize,
    /// It is no signed token, or one that two readers could read in two ways.
    #[error("the token is not well formed")]
    Malformed,
    /// Its header asks for something that changes what the signature means.
    #[error("the token's header asks for what is not done")]
    Header,
    /// An algorithm that does not exist here, or that is not its issuer's or its key's.
    #[error("the token's algorithm is not one of its issuer")]
    Algorithm,
    /// Policy does not know its issuer.
    #[error("no such issuer")]
    Issuer,
    /// Its issuer has no such key, as far as is known here.
    #[error("no such key")]
    NoKey,
    /// The signature is not of its issuer.
    #[error("the signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token's time is over")]
    Expired,
    /// Its time has not come, or it is from the future.
    #[error("the token's time has not come")]
    NotYet,
    /// It is meant for somebody else.
    #[error("the token is meant for somebody else")]
    Audience,
    /// It carries nothing that policy makes a role of.
    #[error("the token has no role")]
    Role,
    /// It was presented from a network that its issuer's tokens may not come from.
    #[error("the token comes from elsewhere")]
    Address,
    /// It was revoked, or whoever it stands for.
    #[error("the token is revoked")]
    Revoked,
}

impl TokenFault {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Oversize,
        Self::Malformed,
        Self::Header,
        Self::Algorithm,
        Self::Issuer,
        Self::NoKey,
        Self::Signature,
        Self::Expired,
        Self::NotYet,
        Self::Audience,
        Self::Role,
        Self::Address,
        Self::Revoked,
    ];

    /// The word for it in metrics and the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oversize => "token_oversize",
            Self::Malformed => "token_malformed",
            Self::Header => "token_header",
            Self::Algorithm => "token_algorithm",
            Self::Issuer => "token_issuer",
            Self::NoKey => "token_no_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::Audience => "token_audience",
            Self::Role => "token_role",
            Self::Address => "token_address",
            Self::Revoked => "token_revoked",
        }
    }

    /// Whether the signature was found good before this was.
    #[must_use]
    pub const fn is_of_known(self) -> bool {
        matches!(self, Self::Expired | Self::NotYet | Self::Audience | Self::Role | Self::Address | Self::Revoked)
    }
}

impl<'t> Token<'t> {
    /// Reads a token of at most `most` bytes. Nothing in it is believed by that.
    ///
    /// # Errors
    ///
    /// [`TokenFault`]: too long, not well formed, a header that asks for too much, an algorithm that does not exist here.
    pub fn parse(bytes: &'t [u8], most: usize) -> Result<Self, TokenFault> {
        if bytes.len() > most {
            return Err(TokenFault::Oversize);
        }
        let mut dots = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenFault::Malformed);
        };
        let (signed, signature) = bytes.split_at_checked(second).ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_at_checked(first).ok_or(TokenFault::Malformed)?;
        let [header, claims, signature] = [Some(header), claims.get(1..), signature.get(1..)].map(|part| {
            let part = part.filter(|part| !part.is_empty()).ok_or(TokenFault::Malformed)?;
            URL_SAFE_NO_PAD.decode(part).map_err(|_not_base64url| TokenFault::Malformed)
        });
        let (algorithm, kid) = head(&object(&header?).ok_or(TokenFault::Malformed)?)?;
        let claims = object(&claims?).ok_or(TokenFault::Malformed)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| plain(text)).map(str::to_owned);
        let needed = |name| text(name).ok_or(TokenFault::Malformed);
        let id = if claims.contains_key("jti") { Some(needed("jti")?) } else { None };
        let (issuer, subject) = (needed("iss")?, needed("sub")?);
        Ok(Self { signed, signature: signature?, algorithm, kid, issuer, subject, id, claims })
    }

    /// Who it says it is for, as failures are counted by it: the spelling makes no difference.
    pub(in super::super) fn claimed(&self) -> String {
        let subject = self.subject.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase);
        subject.chain([' ']).chain(self.issuer.chars()).collect()
    }
}

/// Algorithm and key of a header that asks for nothing else.
fn head(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenFault> {
    if header.keys().any(|name| ASKING.contains(&name.as_str())) {
        return Err(TokenFault::Header);
    }
    if let Some(kind) = header.get("typ") {
        let kind = kind.as_str().ok_or(TokenFault::Header)?.to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !matches!(kind, "jwt" | "at+jwt") {
            return Err(TokenFault::Header);
        }
    }
    let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenFault::Malformed)?;
    let algorithm = algorithm.parse().map_err(|_unknown| TokenFault::Algorithm)?;
    let kid = match header.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().filter(|kid| plain(kid)).ok_or(TokenFault::Malformed)?.to_owned()),
    };
    Ok((algorithm, kid))
}

/// Text that can stand in a header, a record and a name of a file system without meaning anything there.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_TEXT && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Members of a header that change what is signed, where the key comes from, or what is inside.
const ASKING: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c"];

/// Longest `iss`, `sub`, `jti` and `kid`, in bytes.
const MOST_TEXT: usize = 256;
