use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use sekisho_codec::gzip::{Budget, Decoder, Encoder};
use sekisho_policy::Refusal;
use sekisho_scan::Shape;

/// How the bytes of a body are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
}

impl Coding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut coding = Self::Plain;
        let values = headers.get_all(CONTENT_ENCODING).iter();
        for token in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
            coding = match (coding, token.trim_ascii().to_ascii_lowercase().as_slice()) {
                (coding, b"" | b"identity") => coding,
                (Self::Plain, b"gzip" | b"x-gzip") => Self::Gzip,
                // One coding over another is one more than is decoded here.
                (_, _) => return Err(Refusal::UnsupportedCoding),
            };
        }
        Ok(coding)
    }

    /// The content, and what is said beside it.
    pub(super) fn decode(self, bytes: &Bytes, budget: Budget) -> Result<(Bytes, Vec<u8>), Refusal> {
        match self {
            Self::Plain => Ok((bytes.clone(), Vec::new())),
            Self::Gzip => {
                let (mut decoder, mut out) = (Decoder::new(budget), Vec::new());
                decoder.push(bytes, &mut out).map_err(|_why| Refusal::Undecodable)?;
                let asides = decoder.take_asides();
                decoder.finish(&mut out).map_err(|_why| Refusal::Undecodable)?;
                Ok((out.into(), asides))
            }
        }
    }

    pub(super) fn encode(self, plain: Vec<u8>) -> Bytes {
        match self {
            Self::Plain => plain.into(),
            Self::Gzip => {
                let (mut encoder, mut out) = (Encoder::new(GZIP_LEVEL), Vec::new());
                encoder.push(&plain, &mut out);
                encoder.finish(&mut out);
                out.into()
            }
        }
    }
}

/// What a body says it is. A body that says nothing of use is judged by its first byte: see [`sniff`].
pub(super) fn shape_of(headers: &HeaderMap) -> Option<Shape> {
    let said = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    let essence = said.split(';').next().unwrap_or_default().trim();
    if essence == "application/x-www-form-urlencoded" {
        return Some(Shape::Form);
    }
    essence.contains("json").then_some(Shape::Json)
}

/// JSON by its first byte, else text: a wrong guess costs names, never a format's own anchors.
pub(super) fn sniff(first: &[u8]) -> Shape {
    match first.trim_ascii_start().first() {
        Some(b'{' | b'[') => Shape::Json,
        Some(_) | None => Shape::Text,
    }
}

/// Fast rather than small: the body travels one hop.
pub(super) const GZIP_LEVEL: u32 = 1;
