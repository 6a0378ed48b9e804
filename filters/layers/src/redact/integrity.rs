use http::header::{HeaderName, TRAILER};
use http::{HeaderMap, HeaderValue};
use sekisho_codec::digest::renewed;
use sekisho_policy::{Digests, Refusal};

use super::message::OnFind;

/// What is done when a secret is found in a message with this head, as far as what vouches for its bytes goes.
pub(super) fn on_find(headers: &HeaderMap, query: Option<&str>, digests: Digests) -> OnFind {
    let sums = headers.keys().any(|name| is_sum(name.as_str())) || announced(headers, is_sum);
    if is_signed(headers, query) || sums && digests == Digests::Refuse {
        OnFind::RefuseSigned
    } else if sums {
        OnFind::Renew
    } else {
        OnFind::Edit
    }
}

/// Whether somebody who knows a secret vouches for the bytes: that cannot be done anew here.
fn is_signed(headers: &HeaderMap, query: Option<&str>) -> bool {
    let sigv4 = headers.get_all(http::header::AUTHORIZATION).iter().any(|value| value.as_bytes().starts_with(b"AWS4-"));
    headers.keys().any(|name| signs(name.as_str()))
        || announced(headers, signs)
        || sigv4
        || query.is_some_and(|query| query.contains("X-Amz-Signature="))
}

fn signs(name: &str) -> bool {
    SIGNING.contains(&name) || SIGNING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether anybody can compute it.
fn is_sum(name: &str) -> bool {
    SUMS.contains(&name) || name.starts_with(CHECKSUM)
}

/// Whether a trailer will bring one.
fn announced(headers: &HeaderMap, is: fn(&str) -> bool) -> bool {
    let lists = [&TRAILER, &X_AMZ_TRAILER].into_iter().flat_map(|list| headers.get_all(list));
    let mut names = lists.filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    names.any(|name| is(&name.trim().to_ascii_lowercase()))
}

/// Has every sum say what it has to say of `body`. One that nobody here knows how to compute is not left to be wrong.
pub(super) fn renew(headers: &mut HeaderMap, trailers: Option<&mut HeaderMap>, body: &[u8]) -> Result<(), Refusal> {
    for headers in [Some(headers), trailers].into_iter().flatten() {
        for (name, value) in headers.iter_mut().filter(|(name, _)| is_sum(name.as_str())) {
            let said = value.to_str().ok().and_then(|said| renewed(name.as_str(), said, body));
            let said = said.and_then(|said| HeaderValue::try_from(said).ok());
            *value = said.ok_or(Refusal::SignedBody)?;
        }
    }
    Ok(())
}

const SUMS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];

const CHECKSUM: &str = "x-amz-checksum-";

const SIGNING: [&str; 5] =
    ["signature", "signature-input", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-slack-signature"];

const SIGNING_PREFIXES: [&str; 2] = ["x-hub-signature", "stripe-signature"];

static X_AMZ_TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_sum_can_be_renewed_and_a_signature_cannot() {
        for (pairs, query, wanted) in [
            (&[][..], None, OnFind::Edit),
            (&[("etag", "x")], None, OnFind::Edit),
            (&[("content-md5", "x")], None, OnFind::Renew),
            (&[("repr-digest", "x")], None, OnFind::Renew),
            (&[("x-amz-checksum-crc32", "x")], None, OnFind::Renew),
            (&[("trailer", "X-A, Content-Digest")], None, OnFind::Renew),
            (&[("x-amz-trailer", "x-amz-checksum-crc32")], None, OnFind::Renew),
            (&[("content-md5", "x"), ("authorization", "AWS4-HMAC-SHA256 x")], None, OnFind::RefuseSigned),
            (&[("content-md5", "x")], Some("X-Amz-Signature=x"), OnFind::RefuseSigned),
            (&[("signature", "x")], None, OnFind::RefuseSigned),
            (&[("trailer", "signature")], None, OnFind::RefuseSigned),
            (&[("x-hub-signature-256", "x")], None, OnFind::RefuseSigned),
            (&[("x-amz-content-sha256", "x")], None, OnFind::RefuseSigned),
        ] {
            assert_eq!(on_find(&headers(pairs), query, Digests::Recompute), wanted, "{pairs:?}");
            let refusing = if wanted == OnFind::Renew { OnFind::RefuseSigned } else { wanted };
            assert_eq!(on_find(&headers(pairs), query, Digests::Refuse), refusing, "{pairs:?}");
        }
    }

    #[test]
    fn all_that_vouch_say_the_same_anew() {
        let mut head = headers(&[("content-md5", "x"), ("x-a", "x"), ("digest", "MD5=x")]);
        let mut trailers = headers(&[("x-amz-checksum-crc32", "x")]);
        renew(&mut head, Some(&mut trailers), b"123456789").unwrap();
        assert_eq!(head["content-md5"], "JfnnlDI7RTiF9RgfG2JNCw==");
        assert_eq!(head["digest"], "MD5=JfnnlDI7RTiF9RgfG2JNCw==");
        assert_eq!(head["x-a"], "x");
        assert_eq!(trailers["x-amz-checksum-crc32"], "y/Q5Jg==");
        let mut odd = headers(&[("digest", "UNIXsum=1")]);
        assert!(matches!(renew(&mut odd, None, b""), Err(Refusal::SignedBody)));
    }
}
