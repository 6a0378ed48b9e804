//! How bodies are read, and what becomes of one that holds what must not leave.

/// How the bodies of a route are read, and what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    /// Their format.
    pub format: BodyFormat,
    /// What becomes of a record that holds a secret.
    pub records: BadRecords,
    /// Whether a body of a type that is not known is refused.
    pub block_unknown: bool,
    /// What becomes of a body that holds a secret and that a digest vouches for.
    pub digests: Digests,
}

/// How a body is taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// By its `Content-Type` and the path it is sent to.
    #[default]
    Auto,
    /// Not at all: its bytes are searched.
    Raw,
    /// JSON.
    Json,
    /// A record a line: NDJSON, logs.
    Lines,
    /// Elasticsearch's `_bulk`.
    Bulk,
    /// Splunk's HTTP event collector.
    Hec,
    /// Loki's push, JSON or protobuf.
    Loki,
    /// OTLP over HTTP, JSON or protobuf.
    Otlp,
    /// A protobuf message.
    Protobuf,
    /// gRPC.
    Grpc,
    /// MessagePack.
    Msgpack,
    /// CSV, its first row the names of its columns.
    Csv,
    /// `multipart/form-data`.
    Multipart,
    /// Server-sent events.
    Events,
}

impl BodyFormat {
    pub(crate) const WORDS: [(&str, Self); 14] = [
        ("auto", Self::Auto),
        ("raw", Self::Raw),
        ("json", Self::Json),
        ("lines", Self::Lines),
        ("bulk", Self::Bulk),
        ("hec", Self::Hec),
        ("loki", Self::Loki),
        ("otlp", Self::Otlp),
        ("protobuf", Self::Protobuf),
        ("grpc", Self::Grpc),
        ("msgpack", Self::Msgpack),
        ("csv", Self::Csv),
        ("multipart", Self::Multipart),
        ("events", Self::Events),
    ];
}

/// What becomes of a record that holds a secret; the later, the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadRecords {
    /// It goes on, masked.
    #[default]
    Mask,
    /// It is left out, and its neighbours go on.
    Drop,
    /// The whole message is refused.
    Block,
}

impl BadRecords {
    pub(crate) const WORDS: [(&str, Self); 3] =
        [("mask", Self::Mask), ("drop_record", Self::Drop), ("block", Self::Block)];
}

/// What becomes of a body that holds a secret and that a digest vouches for. One that is signed is always refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digests {
    /// It is refused.
    #[default]
    Refuse,
    /// It is masked, and the digest computed anew.
    Recompute,
}

impl Digests {
    pub(crate) const WORDS: [(&str, Self); 2] = [("refuse", Self::Refuse), ("recompute", Self::Recompute)];
}
