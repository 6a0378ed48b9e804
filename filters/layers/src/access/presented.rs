use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::token::{Issuers, Token, TokenFault};
use crate::PeerCertificate;

/// What a request carries.
pub(super) enum Presented<'h> {
    Nothing,
    /// Two credentials of one kind: which of them is meant nobody can know.
    Several(&'h [u8]),
    Key(&'h [u8]),
    Token(Result<Token<'h>, TokenFault>),
    Certificate(&'h PeerCertificate),
}

impl<'h> Presented<'h> {
    /// A key in `X-API-Key`, or else a token in `Authorization`, or else the certificate of the connection. Where no issuer's
    /// tokens are believed, `Authorization` is between the caller and the service behind.
    pub(super) fn of(headers: &'h HeaderMap, certificate: Option<&'h PeerCertificate>, issuers: &Issuers) -> Self {
        let otherwise = certificate.map_or(Self::Nothing, Self::Certificate);
        let mut keys = headers.get_all(API_KEY).iter().map(HeaderValue::as_bytes);
        match (keys.next(), keys.next()) {
            (Some(first), Some(_)) => return Self::Several(first),
            (Some(key), None) => return Self::Key(key),
            (None, _) => {}
        }
        if issuers.is_empty() {
            return otherwise;
        }
        let mut said = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        match (said.next(), said.next()) {
            (Some(_), Some(_)) => Self::Several(b""),
            (Some(said), None) => bearer(said).map_or(otherwise, |token| Self::Token(issuers.read(token))),
            (None, _) => otherwise,
        }
    }
}

/// The token in `Bearer TOKEN` (RFC 6750, 2.1; the scheme in any case).
fn bearer(said: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = said.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER).then(|| token.trim_ascii())
}

const BEARER: &[u8] = b"Bearer ";
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
