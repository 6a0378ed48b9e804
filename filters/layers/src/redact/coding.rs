use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use sekisho_codec::coding::{Budget, Coding, Decoders};
use sekisho_policy::Refusal;
use sekisho_scan::Shape;

/// How the bytes of a body are coded: the codings in the order they were applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Codings(Vec<Coding>);

/// A body that was decoded whole.
pub(super) struct Decoded {
    pub(super) plain: Bytes,
    /// What is said beside the content, in the clear.
    pub(super) asides: Vec<u8>,
    /// What decoded it; none if it has no coding.
    pub(super) decoders: Option<Decoders>,
}

impl Codings {
    /// At most `most` of them, one over the other. Chunks as AWS signs them are one more, and always the outermost; they are
    /// read only of a message that is not edited (`signed`), since a client signs how many bytes are in them.
    pub(super) fn of(headers: &HeaderMap, most: usize, signed: bool) -> Result<Self, Refusal> {
        let mut codings = Vec::new();
        let mut chunks = None;
        let values = headers.get_all(CONTENT_ENCODING).iter();
        for token in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
            let token = token.trim_ascii();
            if token.is_empty() || token.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let coding = Coding::named(token).ok_or(Refusal::UnsupportedCoding)?;
            if coding != Coding::AwsChunked {
                codings.push(coding);
            } else if signed {
                chunks = Some(coding);
            } else {
                return Err(Refusal::UnsupportedCoding);
            }
        }
        if codings.len() > most {
            return Err(Refusal::UnsupportedCoding);
        }
        codings.extend(chunks);
        Ok(Self(codings))
    }

    /// These, or the one that is there though nobody says so.
    pub(super) fn or(mut self, implied: Option<Coding>) -> Self {
        self.0.extend(implied);
        self
    }

    pub(super) fn is_plain(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn decoders(&self, budget: Budget) -> Option<Decoders> {
        (!self.is_plain()).then(|| Decoders::new(&self.0, budget))
    }

    /// Whether a body may carry what neither its content nor its asides tell. Of one coding over another only the outer can be looked at.
    pub(super) fn may_hide(&self) -> bool {
        self.0.len() > 1 || self.0.iter().any(|coding| coding.may_hide())
    }

    /// Whether what it may hide stands in the clear in the coded bytes.
    pub(super) fn hides_in_the_clear(&self) -> bool {
        self.0.len() == 1
    }

    /// Decodes a body, unless it becomes longer than `most`.
    pub(super) fn decode(&self, bytes: &Bytes, budget: Budget, most: usize) -> Result<Option<Decoded>, Refusal> {
        let Some(mut decoders) = self.decoders(budget) else {
            return Ok(Some(Decoded { plain: bytes.clone(), asides: Vec::new(), decoders: None }));
        };
        let (mut input, mut plain) = (&**bytes, Vec::new());
        while decoders.step(&mut input, &mut plain).map_err(|_why| Refusal::Undecodable)? {
            if plain.len() > most {
                return Ok(None);
            }
        }
        decoders.finish(&mut plain).map_err(|_why| Refusal::Undecodable)?;
        Ok(Some(Decoded { plain: plain.into(), asides: decoders.take_asides(), decoders: Some(decoders) }))
    }
}

/// The codings of `accepted`, a value of `Accept-Encoding`, that can be read here. `identity` when there is none.
pub(super) fn readable(accepted: &[u8]) -> Vec<u8> {
    let items = accepted.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let readable = items.filter(|item| {
        let name = item.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let readable = Coding::named(name).is_some_and(|coding| coding != Coding::AwsChunked);
        readable || name.eq_ignore_ascii_case(b"identity")
    });
    let readable: Vec<&[u8]> = readable.collect();
    if readable.is_empty() { b"identity".to_vec() } else { readable.join(&b", "[..]) }
}

/// JSON by its first byte behind a byte order mark, else text: a wrong guess costs names, never a format's own anchors.
pub(super) fn sniff(first: &[u8]) -> Shape {
    let first = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first);
    match first.trim_ascii_start().first() {
        Some(b'{' | b'[') => Shape::Json,
        Some(_) | None => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Coding, Codings, Refusal, readable};

    #[test]
    fn what_is_asked_for_is_what_can_be_read() {
        for (accepted, wanted) in [
            ("gzip", "gzip"),
            ("gzip, compress, br;q=0.9, *;q=0.1", "gzip, br;q=0.9"),
            ("zstd;q=0, deflate", "zstd;q=0, deflate"),
            ("compress, dcz", "identity"),
            ("*", "identity"),
            ("identity;q=0, gzip", "identity;q=0, gzip"),
            ("", "identity"),
        ] {
            assert_eq!(String::from_utf8_lossy(&readable(accepted.as_bytes())), wanted, "{accepted}");
        }
    }

    #[test]
    fn codings_are_counted_and_known() {
        let table: [(&[&str], usize, Option<usize>); 10] = [
            (&[], 0, Some(0)),
            (&["identity, "], 0, Some(0)),
            (&["gzip"], 0, None),
            (&["GZIP"], 1, Some(1)),
            (&["gzip, identity"], 1, Some(1)),
            (&["gzip, br"], 1, None),
            (&["gzip", "br"], 1, None),
            (&["gzip", "br"], 2, Some(2)),
            (&["aws-chunked"], 4, None),
            (&["compress"], 4, None),
        ];
        for (values, most, wanted) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("content-encoding", HeaderValue::from_static(value));
            }
            let codings = Codings::of(&headers, most, false);
            assert!(codings.is_ok() || matches!(codings, Err(Refusal::UnsupportedCoding)));
            assert_eq!(codings.ok().map(|codings| codings.0.len()), wanted, "{values:?}");
        }
    }

    #[test]
    fn chunks_of_aws_are_read_of_what_is_signed_and_are_the_outermost() {
        for (said, wanted) in [
            ("aws-chunked", vec![Coding::AwsChunked]),
            ("aws-chunked, gzip", vec![Coding::Gzip, Coding::AwsChunked]),
            ("gzip, aws-chunked", vec![Coding::Gzip, Coding::AwsChunked]),
        ] {
            let headers = [("content-encoding", said)]
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            let headers = HeaderMap::from_iter(headers);
            assert_eq!(Codings::of(&headers, 1, true).ok(), Some(Codings(wanted)), "{said}");
            assert!(Codings::of(&headers, 1, false).is_err(), "{said}");
        }
    }
}
