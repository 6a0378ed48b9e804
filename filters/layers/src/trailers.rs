//! What a trailer may not say (RFC 9110, 6.5.1): where a message ends, where it goes, who sent it, and what its content is.
//! A server that merges trailers into the head would read it as said there, where it was not judged.

use bytes::Bytes;
use http_body::Frame;

/// Takes such trailers off. A frame of data is what it was.
pub(crate) fn strip(frame: &mut Frame<Bytes>) {
    if let Some(trailers) = frame.trailers_mut() {
        for name in OF_THE_HEAD {
            trailers.remove(name);
        }
    }
}

const OF_THE_HEAD: [&str; 40] = [
    // Where it ends, and what concerns the connection.
    "content-length",
    "transfer-encoding",
    "trailer",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "upgrade",
    "http2-settings",
    // Where it goes, and how it is to be taken.
    "host",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "cache-control",
    "expect",
    "max-forwards",
    "pragma",
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    // Who sent it.
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "cookie",
    "set-cookie",
    "x-api-key",
    // What its content is, and what becomes of an answer.
    "content-encoding",
    "content-type",
    "content-range",
    "location",
    "retry-after",
    "vary",
];

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn what_only_a_head_may_say_is_taken_off() {
        let mut trailers = HeaderMap::new();
        for name in ["grpc-status", "digest", "content-length", "host", "x-api-key", "authorization"] {
            trailers.insert(name, "1".parse().unwrap());
        }
        let mut frame = Frame::trailers(trailers);
        strip(&mut frame);
        let mut left: Vec<_> = frame.trailers_ref().unwrap().keys().map(|name| name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["digest", "grpc-status"]);
    }
}
