use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sekisho_codec::coding::{Budget, Coding};
use sekisho_codec::framing::csv::Csv;
use sekisho_codec::framing::document::{self, Document, Way};
use sekisho_codec::framing::grpc::Grpc;
use sekisho_codec::framing::msgpack::Msgpack;
use sekisho_codec::framing::multipart::Multipart;
use sekisho_codec::framing::protobuf::{Protobuf, Schema};
use sekisho_codec::framing::records::{Kind as Records, Records as Divided};
use sekisho_codec::framing::{Bounds, Framing};
use sekisho_policy::{BadRecords, Bodies, BodyFormat, Refusal};
use sekisho_scan::Shape;

use super::framed::Reading;

/// What a body is, as its type, its path and the route say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Nobody says: its bytes are searched.
    Unknown,
    /// Bytes, because the route says so.
    Raw,
    Text,
    Form,
    Json(Way),
    Records(Records),
    Protobuf(Schema),
    /// Protobuf in a snappy block that no header speaks of.
    SnappyProtobuf(Schema),
    Grpc(Schema),
    Msgpack,
    /// With the delimiter, where the type has one.
    Csv(Option<u8>),
    /// With the boundary.
    Multipart(Vec<u8>),
}

impl Format {
    /// The format of a body sent to `path`.
    pub(super) fn of(headers: &HeaderMap, path: &str, bodies: Bodies) -> Result<Self, Refusal> {
        let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let schema = Schema::of_path(path);
        let json = essence.is_empty() || essence.contains("json");
        let format = match bodies.format {
            BodyFormat::Auto => auto(&essence, said, path),
            BodyFormat::Raw => Self::Raw,
            BodyFormat::Json => Self::Json(way(schema, path)),
            BodyFormat::Lines => Self::Records(Records::Lines),
            BodyFormat::Bulk => Self::Records(Records::Bulk),
            BodyFormat::Hec => Self::Records(Records::Values),
            BodyFormat::Events => Self::Records(Records::Events),
            BodyFormat::Loki if json => Self::Json(document::LOKI),
            BodyFormat::Loki => loki(headers),
            BodyFormat::Otlp if json => Self::Json(way(schema, path)),
            BodyFormat::Otlp | BodyFormat::Protobuf => Self::Protobuf(schema),
            BodyFormat::Grpc => Self::Grpc(Schema::of_method(path)),
            BodyFormat::Msgpack => Self::Msgpack,
            BodyFormat::Csv => Self::Csv((essence == TABS).then_some(b'\t')),
            BodyFormat::Multipart => multipart(said),
        };
        let format = if format == Self::Protobuf(Schema::LokiPush) { loki(headers) } else { format };
        if format == Self::Unknown && essence.starts_with("application/grpc") && grpc_coding(headers)?.is_some() {
            // Frames that nobody here takes apart, and compressed ones among them.
            return Err(Refusal::UnsupportedCoding);
        }
        if format == Self::Unknown && bodies.block_unknown { Err(Refusal::UnknownContent) } else { Ok(format) }
    }

    /// The coding that such a body has though no header says so.
    pub(super) const fn implied(&self) -> Option<Coding> {
        if matches!(self, Self::SnappyProtobuf(_)) { Some(Coding::Snappy) } else { None }
    }

    /// How it is read. Where records are not to be left out, text is searched as it streams.
    pub(super) fn reading(&self, headers: &HeaderMap, records: BadRecords, limits: Limits) -> Result<Reading, Refusal> {
        let Limits { bounds, budget } = limits;
        let drops = records == BadRecords::Drop;
        let divided = |kind| -> Option<Box<dyn Framing + Send>> { Some(Box::new(Divided::new(kind, bounds))) };
        let framing: Option<Box<dyn Framing + Send>> = match self {
            Self::Protobuf(schema) | Self::SnappyProtobuf(schema) => Some(Box::new(Protobuf::new(*schema, bounds))),
            Self::Grpc(schema) => Some(Box::new(Grpc::new(*schema, grpc_coding(headers)?, budget, bounds))),
            Self::Msgpack => Some(Box::new(Msgpack::new(bounds))),
            Self::Csv(delimiter) => Some(Box::new(Csv::new(*delimiter, bounds))),
            Self::Multipart(boundary) => Some(Box::new(Multipart::new(boundary, bounds))),
            Self::Json(way) if drops => Some(Box::new(Document::new(way, bounds))),
            Self::Records(kind) if drops => divided(*kind),
            Self::Text | Self::Unknown | Self::Raw if drops => divided(Records::Lines),
            Self::Text | Self::Unknown | Self::Raw | Self::Form | Self::Json(_) | Self::Records(_) => None,
        };
        let raw = (framing.is_none() || matches!(self, Self::Multipart(_))).then(|| self.shape());
        Ok(Reading { framing, raw, drops })
    }

    /// The shape of its bytes. A body that says nothing of use is judged by its first byte.
    fn shape(&self) -> Option<Shape> {
        match self {
            Self::Form => Some(Shape::Form),
            Self::Json(_) | Self::Records(Records::Lines | Records::Bulk | Records::Values) => Some(Shape::Json),
            Self::Records(Records::Events) | Self::Multipart(_) => Some(Shape::Text),
            Self::Unknown | Self::Raw | Self::Text | Self::Protobuf(_) | Self::SnappyProtobuf(_) => None,
            Self::Grpc(_) | Self::Msgpack | Self::Csv(_) => None,
        }
    }
}

/// How much of a body is taken apart, and decoded within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) bounds: Bounds,
    pub(super) budget: Budget,
}

fn auto(essence: &str, said: &str, path: &str) -> Format {
    let path = path.trim_end_matches('/');
    match essence {
        "application/grpc" | "application/grpc+proto" | "application/grpc-web" | "application/grpc-web+proto" => {
            Format::Grpc(Schema::of_method(path))
        }
        "application/grpc+json" | "application/grpc-web+json" => Format::Grpc(Schema::Text),
        "application/x-protobuf" | "application/protobuf" | "application/vnd.google.protobuf" => {
            Format::Protobuf(Schema::of_path(path))
        }
        "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => Format::Msgpack,
        "text/csv" => Format::Csv(None),
        TABS => Format::Csv(Some(b'\t')),
        "text/event-stream" => Format::Records(Records::Events),
        "application/x-www-form-urlencoded" => Format::Form,
        "multipart/form-data" => multipart(said),
        _ => textual(essence, path),
    }
}

/// What is text, told by where it goes: Splunk's clients send no type, and Elasticsearch's one of their own.
fn textual(essence: &str, path: &str) -> Format {
    let json = essence.contains("json");
    if path.ends_with("/_bulk") && (json || essence.is_empty()) {
        return Format::Records(Records::Bulk);
    }
    if path.ends_with("/services/collector/event") || path.ends_with("/services/collector") {
        return Format::Records(Records::Values);
    }
    match essence {
        _ if essence.contains("ndjson") || essence.contains("jsonl") || essence.contains("json-seq") => {
            Format::Records(Records::Lines)
        }
        _ if json => Format::Json(way(Schema::of_path(path), path)),
        _ if essence.starts_with("text/") || essence.contains("xml") || essence.contains("yaml") => Format::Text,
        _ => Format::Unknown,
    }
}

fn way(schema: Schema, path: &str) -> Way {
    match schema {
        Schema::OtlpLogs => document::OTLP_LOGS,
        Schema::OtlpTraces => document::OTLP_TRACES,
        Schema::OtlpMetrics => document::OTLP_METRICS,
        Schema::LokiPush => document::LOKI,
        Schema::Unknown if path == "/" || path.is_empty() => document::CLOUDWATCH,
        Schema::Unknown | Schema::Text => document::ARRAY,
    }
}

/// Loki takes a message only in a snappy block, which no header has to say.
fn loki(headers: &HeaderMap) -> Format {
    if headers.contains_key(http::header::CONTENT_ENCODING) {
        return Format::Protobuf(Schema::LokiPush);
    }
    Format::SnappyProtobuf(Schema::LokiPush)
}

fn multipart(said: &str) -> Format {
    let parameter = |part: &str| {
        let (name, value) = part.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').as_bytes().to_vec())
    };
    let boundary = said.split(';').skip(1).find_map(parameter).filter(|boundary| !boundary.is_empty());
    boundary.map_or(Format::Unknown, Format::Multipart)
}

fn grpc_coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    match headers.get("grpc-encoding").map(|named| named.as_bytes()) {
        None | Some(b"identity") => Ok(None),
        Some(named) => {
            let coding = Coding::named(named).filter(|coding| !coding.may_hide() && *coding != Coding::AwsChunked);
            coding.map(Some).ok_or(Refusal::UnsupportedCoding)
        }
    }
}

const TABS: &str = "text/tab-separated-values";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn format(said: &str, path: &str, format: BodyFormat) -> Format {
        let mut headers = HeaderMap::new();
        if !said.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(said).unwrap());
        }
        Format::of(&headers, path, Bodies { format, ..Bodies::default() }).unwrap()
    }

    #[test]
    fn what_a_body_is_can_be_told_by_its_type_and_its_path() {
        let auto = BodyFormat::Auto;
        for (said, path, wanted) in [
            ("application/x-protobuf", "/v1/logs", Format::Protobuf(Schema::OtlpLogs)),
            ("application/x-protobuf", "/otlp/v1/traces/", Format::Protobuf(Schema::OtlpTraces)),
            ("application/json", "/v1/metrics", Format::Json(document::OTLP_METRICS)),
            ("application/x-protobuf", "/loki/api/v1/push", Format::SnappyProtobuf(Schema::LokiPush)),
            ("application/json", "/loki/api/v1/push", Format::Json(document::LOKI)),
            ("application/x-protobuf", "/api/v1/write", Format::Protobuf(Schema::Unknown)),
            (
                "application/grpc",
                "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                Format::Grpc(Schema::OtlpLogs),
            ),
            ("application/grpc+proto", "/a.B/C", Format::Grpc(Schema::Unknown)),
            ("application/grpc-web", "/a.B/C", Format::Grpc(Schema::Unknown)),
            ("application/grpc+json", "/a.B/C", Format::Grpc(Schema::Text)),
            ("", "/services/collector/event", Format::Records(Records::Values)),
            ("application/json", "/services/collector", Format::Records(Records::Values)),
            ("application/vnd.elasticsearch+x-ndjson; compatible-with=9", "/_bulk", Format::Records(Records::Bulk)),
            ("application/json", "/index/_bulk", Format::Records(Records::Bulk)),
            ("application/x-ndjson", "/logs", Format::Records(Records::Lines)),
            ("application/json; charset=utf-8", "/api/v2/logs", Format::Json(document::ARRAY)),
            ("application/x-amz-json-1.1", "/", Format::Json(document::CLOUDWATCH)),
            ("multipart/form-data; charset=x; boundary=\"a b\"", "/", Format::Multipart(b"a b".to_vec())),
            ("multipart/form-data", "/", Format::Unknown),
            ("text/csv; header=present", "/", Format::Csv(None)),
            ("text/tab-separated-values", "/", Format::Csv(Some(b'\t'))),
            ("Application/MsgPack", "/", Format::Msgpack),
            ("text/event-stream", "/", Format::Records(Records::Events)),
            ("application/x-www-form-urlencoded", "/", Format::Form),
            ("text/plain", "/", Format::Text),
            ("application/octet-stream", "/", Format::Unknown),
            ("application/grpc-web-text", "/", Format::Unknown),
            ("", "/", Format::Unknown),
        ] {
            assert_eq!(format(said, path, auto), wanted, "{said} {path}");
        }
    }

    #[test]
    fn the_route_knows_better() {
        for (route, said, path, wanted) in [
            (BodyFormat::Raw, "application/json", "/", Format::Raw),
            (BodyFormat::Otlp, "application/x-protobuf", "/collect/v1/logs", Format::Protobuf(Schema::OtlpLogs)),
            (BodyFormat::Otlp, "application/json", "/v1/logs", Format::Json(document::OTLP_LOGS)),
            (BodyFormat::Loki, "application/x-protobuf", "/push", Format::SnappyProtobuf(Schema::LokiPush)),
            (BodyFormat::Bulk, "text/plain", "/x", Format::Records(Records::Bulk)),
            (BodyFormat::Hec, "", "/x", Format::Records(Records::Values)),
        ] {
            assert_eq!(format(said, path, route), wanted, "{route:?} {said} {path}");
        }
    }

    #[test]
    fn what_is_compressed_in_frames_nobody_takes_apart_does_not_pass() {
        for (said, coding, passes) in [
            ("application/grpc-web-text", "gzip", false),
            ("application/grpc-web-text", "identity", true),
            ("application/grpc+thrift", "x-own", false),
            ("application/octet-stream", "gzip", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(said));
            headers.insert("grpc-encoding", HeaderValue::from_static(coding));
            let wanted = if passes { Ok(Format::Unknown) } else { Err(Refusal::UnsupportedCoding) };
            assert_eq!(Format::of(&headers, "/", Bodies::default()), wanted, "{said} {coding}");
        }
        let mut headers = HeaderMap::new();
        for (named, reads) in [("gzip", true), ("zstd", true), ("br", false), ("aws-chunked", false)] {
            headers.insert("grpc-encoding", HeaderValue::from_static(named));
            assert_eq!(grpc_coding(&headers).is_ok(), reads, "{named}");
        }
    }

    #[test]
    fn a_closed_door_is_closed_to_what_is_not_known() {
        let bodies = Bodies { block_unknown: true, ..Bodies::default() };
        let mut headers = HeaderMap::new();
        assert_eq!(Format::of(&headers, "/", bodies), Err(Refusal::UnknownContent));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(Format::of(&headers, "/", bodies), Ok(Format::Text));
    }
}
