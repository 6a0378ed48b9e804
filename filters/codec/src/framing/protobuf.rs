//! Protobuf by its wire form: no message is decoded into something else and encoded again, so nothing of it can be lost.

mod otlp;

mod walker;

use self::walker::Walker;
use super::varint::{Fields, Value};
use super::{Bounds, Framing, FramingError, Place, Texts};

/// Which message a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// OTLP's `ExportLogsServiceRequest`.
    OtlpLogs,
    /// OTLP's `ExportTraceServiceRequest`.
    OtlpTraces,
    /// OTLP's `ExportMetricsServiceRequest`.
    OtlpMetrics,
    /// Loki's `PushRequest`.
    LokiPush,
    /// Nobody knows.
    Unknown,
    /// No message: a text.
    Text,
}

impl Schema {
    /// The message that a gRPC method takes.
    #[must_use]
    pub fn of_method(path: &str) -> Self {
        match path {
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Self::OtlpLogs,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Self::OtlpTraces,
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Self::OtlpMetrics,
            "/logproto.Pusher/Push" => Self::LokiPush,
            _ => Self::Unknown,
        }
    }

    /// The message that is sent to a path over plain HTTP. A prefix before OTLP's own path is common.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let ends = |tail: &str| path.ends_with(tail);
        if ends("/v1/logs") {
            Self::OtlpLogs
        } else if ends("/v1/traces") {
            Self::OtlpTraces
        } else if ends("/v1/metrics") {
            Self::OtlpMetrics
        } else if ends("/loki/api/v1/push") || ends("/api/prom/push") {
            Self::LokiPush
        } else {
            Self::Unknown
        }
    }

    /// Goes through one whole message. None when nothing was changed.
    ///
    /// # Errors
    ///
    /// When it is no message, or is nested too deeply.
    pub fn walk(self, message: &[u8], depth: usize, texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        if self == Self::Text {
            let text = Some(message).filter(|text| !text.is_empty());
            return Ok(text.and_then(|text| texts.text(&Place { path: &[], fixed: false }, text)));
        }
        Walker::new(texts, depth).message(message, otlp::message(self))
    }
}

/// A body that is one message, in which nothing but a field of its outermost level is held.
#[derive(Debug)]
pub struct Protobuf {
    schema: Schema,
    bounds: Bounds,
    /// How far fields were looked at, so that none is looked at twice, and how many groups are open there.
    seen: usize,
    groups: usize,
}

impl Protobuf {
    /// A body that is a message of `schema`.
    #[must_use]
    pub const fn new(schema: Schema, bounds: Bounds) -> Self {
        Self { schema, bounds, seen: 0, groups: 0 }
    }
}

impl Framing for Protobuf {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut fields = Fields { message: held, at: self.seen };
        let mut whole = 0;
        while let Some(field) = fields.next() {
            match field.map(|field| field.value) {
                Ok(Value::GroupStart) => self.groups += 1,
                Ok(Value::GroupEnd) => self.groups = self.groups.checked_sub(1).ok_or(FramingError::Malformed)?,
                Ok(Value::Varint(_) | Value::Fixed64(_) | Value::Fixed32 | Value::Bytes(_)) => {}
                Err(FramingError::Truncated) if !ended => break,
                Err(why) => return Err(why),
            }
            self.seen = fields.at;
            whole = if self.groups == 0 { fields.at } else { whole };
        }
        if ended && whole < held.len() {
            return Err(FramingError::Truncated);
        }
        if held.len() - whole > self.bounds.bytes { Err(FramingError::TooLarge) } else { Ok(whole) }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        self.schema.walk(units, self.bounds.depth, texts)
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.seen = self.seen.saturating_sub(units.len());
    }
}
