//! Headers that vouch for the bytes of a body, and what they have to say when the bytes are others.
//!
//! `Content-MD5` (RFC 1864), `Digest` (RFC 3230), `Content-Digest` and `Repr-Digest` (RFC 9530), `x-amz-checksum-*`. All of them are
//! plain sums that anybody can make: a signature is no business of this module.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::Digest as _;

/// What the header `name` (in lower case), which has `value` now, has to say of `body`. None when it is not such a header, or says it in
/// a way that is not known here: what cannot be renewed must not be left to be wrong.
#[must_use]
pub fn renewed(name: &str, value: &str, body: &[u8]) -> Option<String> {
    match name {
        "content-md5" => Some(sum("md5", body).map(base64)?),
        "digest" => list(value, |algorithm, _| {
            let known = INSTANCE.iter().find(|(theirs, _)| algorithm.eq_ignore_ascii_case(theirs));
            known.and_then(|(_, ours)| sum(ours, body)).map(base64)
        }),
        "content-digest" | "repr-digest" => list(value, |algorithm, sum_now| {
            let quoted = sum_now.starts_with(':') && sum_now.ends_with(':');
            quoted.then(|| sum(algorithm, body)).flatten().map(|sum| format!(":{}:", base64(sum)))
        }),
        other => sum(other.strip_prefix("x-amz-checksum-")?, body).map(base64),
    }
}

/// Each `algorithm=value` of a list, with its value renewed; none if one of them cannot be.
fn list(value: &str, renew: impl Fn(&str, &str) -> Option<String>) -> Option<String> {
    let one = |item: &str| {
        let (algorithm, value) = item.trim().split_once('=')?;
        Some(format!("{algorithm}={}", renew(algorithm, value)?))
    };
    let items: Option<Vec<String>> = value.split(',').map(one).collect();
    items.map(|items| items.join(", "))
}

fn base64(sum: Vec<u8>) -> String {
    BASE64_STANDARD.encode(sum)
}

fn sum(algorithm: &str, body: &[u8]) -> Option<Vec<u8>> {
    Some(match algorithm {
        "md5" => md5::Md5::digest(body).to_vec(),
        "sha" | "sha1" => sha1::Sha1::digest(body).to_vec(),
        "sha-256" | "sha256" => sha2::Sha256::digest(body).to_vec(),
        "sha-512" | "sha512" => sha2::Sha512::digest(body).to_vec(),
        "crc32" => crc32fast::hash(body).to_be_bytes().to_vec(),
        "crc32c" => crate::crc::crc32c(body).to_be_bytes().to_vec(),
        "crc64nvme" => crate::crc::crc64nvme(body).to_be_bytes().to_vec(),
        _ => return None,
    })
}

/// The names of RFC 3230, which are not told apart by their case.
const INSTANCE: [(&str, &str); 4] = [("md5", "md5"), ("sha", "sha"), ("sha-256", "sha-256"), ("sha-512", "sha-512")];

#[cfg(test)]
mod tests {
    use super::renewed;

    /// Values that other tools computed (`openssl`, `botocore`) over the nine digits.
    #[test]
    fn each_is_what_other_tools_say_it_is() {
        for (name, old, new) in [
            ("content-md5", "x", "JfnnlDI7RTiF9RgfG2JNCw=="),
            ("digest", "SHA-256=x", "SHA-256=FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
            ("digest", "md5=x,SHA=y", "md5=JfnnlDI7RTiF9RgfG2JNCw==, SHA=98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("content-digest", "sha-256=:eA==:", "sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:"),
            ("repr-digest", "sha=:eA==:", "sha=:98O8HYCOBHMq32eZZczDTKeuNEE=:"),
            ("x-amz-checksum-crc32", "x", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "x", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "x", "rosUhgp5mIg="),
            ("x-amz-checksum-sha1", "x", "98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("x-amz-checksum-sha256", "x", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            assert_eq!(renewed(name, old, b"123456789").as_deref(), Some(new), "{name}: {old}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_renewed() {
        for (name, value) in [
            ("digest", "UNIXsum=30637"),
            ("digest", "SHA-256=x, UNIXsum=30637"),
            ("digest", ""),
            ("content-digest", "sha-256=x"),
            ("content-digest", "sha-256=:eA==:, odd=:eA==:"),
            ("x-amz-checksum-odd", "x"),
            ("x-amz-content-sha256", "x"),
            ("signature", "sig1=:eA==:"),
            ("etag", "x"),
        ] {
            assert_eq!(renewed(name, value, b"123456789"), None, "{name}: {value}");
        }
    }
}
