use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use sekisho_codec::framing::protobuf::Schema;
use sekisho_codec::framing::{document, records, replies};

use super::format::Format;
use super::service::Searcher;
use super::told::{FOUND, Inner, Told};
use crate::{Body, Fault, Stop};

/// What a request will be answered with besides the upstream's answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) told: Arc<Told>,
    pub(super) protocol: Protocol,
}

/// Whose answers say what became of single records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// OTLP in protobuf over plain HTTP.
    Otlp,
    /// OTLP in JSON, with the name that the signal has for rejected records.
    OtlpJson(&'static str),
    /// OTLP over gRPC.
    OtlpGrpc,
    /// Elasticsearch's `_bulk`.
    Bulk,
    /// None that is known.
    Other,
}

impl Protocol {
    pub(super) fn of(format: &Format) -> Self {
        use Schema::{LokiPush, OtlpLogs, OtlpMetrics, OtlpTraces, Text, Unknown};
        match format {
            Format::Protobuf(OtlpLogs | OtlpTraces | OtlpMetrics) => Self::Otlp,
            Format::Grpc(OtlpLogs | OtlpTraces | OtlpMetrics) => Self::OtlpGrpc,
            Format::Json(way) if *way == document::OTLP_LOGS => Self::OtlpJson("rejectedLogRecords"),
            Format::Json(way) if *way == document::OTLP_TRACES => Self::OtlpJson("rejectedSpans"),
            Format::Json(way) if *way == document::OTLP_METRICS => Self::OtlpJson("rejectedDataPoints"),
            Format::Records(records::Kind::Bulk) => Self::Bulk,
            Format::Protobuf(LokiPush | Unknown | Text)
            | Format::SnappyProtobuf(_)
            | Format::Grpc(LokiPush | Unknown | Text) => Self::Other,
            Format::Unknown | Format::Raw | Format::Text | Format::Form | Format::Json(_) => Self::Other,
            Format::Records(_) | Format::Msgpack | Format::Csv(_) | Format::Multipart(_) => Self::Other,
        }
    }
}

impl Asked {
    /// Tells the emitter what was found, in a header and, where its protocol has a place for that, in the answer.
    pub(super) async fn reply(self, with: &Searcher, response: Response<Body>) -> Result<Response<Body>, Stop> {
        let Some(told) = self.told.take() else { return Ok(response) };
        let mut response = response;
        if let Some(said) = told.header(&with.rules) {
            response.headers_mut().insert(FOUND, said);
        }
        let plain = !response.headers().contains_key(CONTENT_ENCODING) && response.status().is_success();
        if !plain || self.protocol == Protocol::Other || told.masked == 0 {
            return Ok(response);
        }
        let (mut head, body) = response.into_parts();
        let (bytes, trailers) = match whole(body, with.limits.buffered_body_bytes).await? {
            Whole::All(bytes, trailers) => (bytes, trailers),
            Whole::More(body) => return Ok(Response::from_parts(head, body)),
        };
        let said = head.headers.get(CONTENT_TYPE).cloned();
        let mended = self.protocol.mended(&bytes, &told);
        if mended.is_some() {
            for stale in [CONTENT_LENGTH, ETAG] {
                head.headers.remove(stale);
            }
            if let Some(said) = said {
                head.headers.insert(CONTENT_TYPE, said);
            }
        }
        let bytes = mended.map_or(bytes, Bytes::from);
        Ok(Response::from_parts(head, super::message::with_trailers(bytes, trailers)))
    }
}

impl Protocol {
    /// The answer with what the receiver cannot say of it.
    fn mended(self, answer: &[u8], told: &Inner) -> Option<Vec<u8>> {
        let Inner { masked, rejected, .. } = told;
        let why = match rejected {
            0 => format!("sekisho: {masked} secrets were masked before they left"),
            _ => format!("sekisho: {rejected} records held secrets and were left out"),
        };
        match self {
            Self::Otlp => replies::partial_success(answer, *rejected, &why),
            Self::OtlpJson(count) => replies::partial_success_json(answer, *rejected, count, &why),
            Self::OtlpGrpc => in_frame(answer, |answer| replies::partial_success(answer, *rejected, &why)),
            Self::Bulk if *rejected > 0 && told.dropped.len() as u64 == *rejected => {
                let item = |action: &[u8]| {
                    let action = action_of(action);
                    format!(
                        r#"{{"{action}":{{"status":400,"error":{{"type":"secret_in_content","reason":"{ITEM_REASON}"}}}}}}"#
                    )
                };
                let items: Vec<_> = told.dropped.iter().map(|one| (one.number, item(&one.begins))).collect();
                replies::bulk_items(answer, &items)
            }
            Self::Bulk | Self::Other => None,
        }
    }
}

/// The one message of a gRPC answer that is not compressed, changed.
fn in_frame(answer: &[u8], change: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let ([0, length @ ..], message) = answer.split_first_chunk::<5>()? else { return None };
    if u32::from_be_bytes(*length) as usize != message.len() {
        return None;
    }
    let changed = change(message)?;
    let length = u32::try_from(changed.len()).ok()?;
    Some([&[0][..], &length.to_be_bytes(), &changed].concat())
}

/// What an action line of `_bulk` asks for.
fn action_of(line: &[u8]) -> &'static str {
    let name = line.split(|byte| *byte == b'"').nth(1).unwrap_or_default();
    ["create", "update", "delete"].into_iter().find(|action| action.as_bytes() == name).unwrap_or("index")
}

enum Whole {
    All(Bytes, Option<HeaderMap>),
    /// It is larger than was asked for: the body from its beginning.
    More(Body),
}

/// Reads a body that has at most `most` bytes.
async fn whole(mut body: Body, most: usize) -> Result<Whole, Fault> {
    let (mut bytes, mut trailers) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if bytes.len() > most {
            let begun = futures_util::stream::iter([Ok(Frame::data(Bytes::from(bytes)))]);
            return Ok(Whole::More(Body::stream(StreamBody::new(begun.chain(BodyStream::new(body))))));
        }
    }
    Ok(Whole::All(bytes.into(), trailers))
}

const ITEM_REASON: &str = "the document holds a secret and was left out";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::leaves::Dropped;

    fn told(masked: u64, dropped: &[(usize, &str)]) -> Inner {
        let told = Told::default();
        let one = |(number, begins): &(usize, &str)| Dropped { number: *number, begins: begins.as_bytes().to_vec() };
        told.dropped(dropped.iter().map(one).collect());
        told.found(&[]);
        let mut inner = told.take().unwrap();
        inner.masked = masked;
        inner
    }

    #[test]
    fn each_protocol_has_its_way_to_say_so() {
        let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let said = text(Protocol::Otlp.mended(b"", &told(2, &[]))).unwrap();
        assert!(said.ends_with("sekisho: 2 secrets were masked before they left"), "{said}");
        let said = text(Protocol::OtlpJson("rejectedSpans").mended(b"{}", &told(1, &[(0, "")]))).unwrap();
        assert!(said.contains(r#""rejectedSpans":"1""#), "{said}");
        let said = Protocol::OtlpGrpc.mended(&[0, 0, 0, 0, 0], &told(1, &[])).unwrap();
        assert_eq!((said[0], u32::from_be_bytes([said[1], said[2], said[3], said[4]]) as usize), (0, said.len() - 5));
        let bulk = br#"{"errors":false,"items":[{"index":{"status":201}}]}"#;
        let said = text(Protocol::Bulk.mended(bulk, &told(1, &[(0, "{\"create\":{}}")]))).unwrap();
        assert!(said.starts_with(r#"{"errors":true,"items":[{"create":{"status":400,"#), "{said}");
        assert!(said.ends_with(r#",{"index":{"status":201}}]}"#), "{said}");
        assert_eq!(Protocol::Bulk.mended(bulk, &told(1, &[])), None);
        assert_eq!(Protocol::OtlpGrpc.mended(&[1, 0, 0, 0, 0], &told(1, &[])), None);
        assert_eq!(Protocol::Other.mended(b"", &told(1, &[])), None);
    }

    #[tokio::test]
    async fn a_long_answer_is_passed_on_from_its_beginning() {
        let long = || Body::full(vec![b'x'; 100]);
        let Ok(Whole::More(body)) = whole(long(), 99).await else { panic!("it is longer than that") };
        assert_eq!(body.collect().await.unwrap().to_bytes(), vec![b'x'; 100]);
        assert!(matches!(whole(long(), 100).await, Ok(Whole::All(bytes, None)) if bytes.len() == 100));
    }
}
