//! The fields of `opentelemetry-proto` 1.x and of Loki's push that hold texts, or messages that do. What is not listed is guessed at.

use super::Schema;
use super::walker::{Holds, Known, Message, pair};
use Holds::{Bool, Double, Id, Int, Key, Numbers, Record, Text, Value};

pub(super) fn message(schema: Schema) -> &'static Message {
    match schema {
        Schema::OtlpLogs => &LOGS,
        Schema::OtlpTraces => &TRACES,
        Schema::OtlpMetrics => &METRICS,
        Schema::LokiPush => &LOKI,
        Schema::Unknown | Schema::Text => &NOTHING,
    }
}

pub(super) static NOTHING: Message = Message(&[]);

pub(super) static PAIR: Message = Message(&[Known(1, "key", Key), Known(2, "value", Value)]);

pub(super) static ANY_VALUE: Message = Message(&[
    Known(1, "string", Text),
    Known(2, "bool", Bool),
    Known(3, "int", Int),
    Known(4, "double", Double),
    Known(5, "array", Holds::Message(&ARRAY)),
    Known(6, "map", Holds::Message(&MAP)),
    Known(7, "bytes", Text),
]);
static ARRAY: Message = Message(&[Known(1, "values", Value)]);
static MAP: Message = Message(&[Known(1, "values", pair())]);

static RESOURCE: Message = Message(&[Known(1, "attributes", pair()), Known(3, "entity_refs", Holds::Message(&ENTITY))]);
static ENTITY: Message = Message(&[Known(1, "schema_url", Text), Known(2, "type", Text), Known(3, "id_keys", Text)]);
static SCOPE: Message = Message(&[Known(1, "name", Text), Known(2, "version", Text), Known(3, "attributes", pair())]);

static LOGS: Message = Message(&[Known(1, "resource_logs", Holds::Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Message = Message(&[
    Known(1, "resource", Holds::Message(&RESOURCE)),
    Known(2, "scope_logs", Holds::Message(&SCOPE_LOGS)),
    Known(3, "schema_url", Text),
]);
static SCOPE_LOGS: Message = Message(&[
    Known(1, "scope", Holds::Message(&SCOPE)),
    Known(2, "log_records", Record(&LOG_RECORD)),
    Known(3, "schema_url", Text),
]);
static LOG_RECORD: Message = Message(&[
    Known(3, "severity_text", Text),
    Known(5, "body", Value),
    Known(6, "attributes", pair()),
    Known(9, "trace_id", Id(16)),
    Known(10, "span_id", Id(8)),
    Known(12, "event_name", Text),
]);

static TRACES: Message = Message(&[Known(1, "resource_spans", Holds::Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Message = Message(&[
    Known(1, "resource", Holds::Message(&RESOURCE)),
    Known(2, "scope_spans", Holds::Message(&SCOPE_SPANS)),
    Known(3, "schema_url", Text),
]);
static SCOPE_SPANS: Message = Message(&[
    Known(1, "scope", Holds::Message(&SCOPE)),
    Known(2, "spans", Record(&SPAN)),
    Known(3, "schema_url", Text),
]);
static SPAN: Message = Message(&[
    Known(1, "trace_id", Id(16)),
    Known(2, "span_id", Id(8)),
    Known(3, "trace_state", Text),
    Known(4, "parent_span_id", Id(8)),
    Known(5, "name", Text),
    Known(9, "attributes", pair()),
    Known(11, "events", Holds::Message(&EVENT)),
    Known(13, "links", Holds::Message(&LINK)),
    Known(15, "status", Holds::Message(&STATUS)),
]);
static EVENT: Message = Message(&[Known(2, "name", Text), Known(3, "attributes", pair())]);
static LINK: Message = Message(&[
    Known(1, "trace_id", Id(16)),
    Known(2, "span_id", Id(8)),
    Known(3, "trace_state", Text),
    Known(4, "attributes", pair()),
]);
static STATUS: Message = Message(&[Known(2, "message", Text)]);

static METRICS: Message = Message(&[Known(1, "resource_metrics", Holds::Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Message = Message(&[
    Known(1, "resource", Holds::Message(&RESOURCE)),
    Known(2, "scope_metrics", Holds::Message(&SCOPE_METRICS)),
    Known(3, "schema_url", Text),
]);
static SCOPE_METRICS: Message = Message(&[
    Known(1, "scope", Holds::Message(&SCOPE)),
    Known(2, "metrics", Holds::Message(&METRIC)),
    Known(3, "schema_url", Text),
]);
static METRIC: Message = Message(&[
    Known(1, "name", Text),
    Known(2, "description", Text),
    Known(3, "unit", Text),
    Known(5, "gauge", Holds::Message(&NUMBERS)),
    Known(7, "sum", Holds::Message(&NUMBERS)),
    Known(9, "histogram", Holds::Message(&HISTOGRAM)),
    Known(10, "exponential_histogram", Holds::Message(&EXPONENTIAL)),
    Known(11, "summary", Holds::Message(&SUMMARY)),
    Known(12, "metadata", pair()),
]);
static NUMBERS: Message = Message(&[Known(1, "data_points", Record(&NUMBER_POINT))]);
static HISTOGRAM: Message = Message(&[Known(1, "data_points", Record(&HISTOGRAM_POINT))]);
static EXPONENTIAL: Message = Message(&[Known(1, "data_points", Record(&EXPONENTIAL_POINT))]);
static SUMMARY: Message = Message(&[Known(1, "data_points", Record(&SUMMARY_POINT))]);
static NUMBER_POINT: Message =
    Message(&[Known(5, "exemplars", Holds::Message(&EXEMPLAR)), Known(7, "attributes", pair())]);
static HISTOGRAM_POINT: Message = Message(&[
    Known(6, "bucket_counts", Numbers),
    Known(7, "explicit_bounds", Numbers),
    Known(8, "exemplars", Holds::Message(&EXEMPLAR)),
    Known(9, "attributes", pair()),
]);
static EXPONENTIAL_POINT: Message = Message(&[
    Known(1, "attributes", pair()),
    Known(8, "positive", Holds::Message(&BUCKETS)),
    Known(9, "negative", Holds::Message(&BUCKETS)),
    Known(11, "exemplars", Holds::Message(&EXEMPLAR)),
]);
static BUCKETS: Message = Message(&[Known(2, "bucket_counts", Numbers)]);
static SUMMARY_POINT: Message = Message(&[Known(6, "quantile_values", Numbers), Known(7, "attributes", pair())]);
static EXEMPLAR: Message =
    Message(&[Known(4, "span_id", Id(8)), Known(5, "trace_id", Id(16)), Known(7, "filtered_attributes", pair())]);

static LOKI: Message = Message(&[Known(1, "streams", Holds::Message(&STREAM))]);
static STREAM: Message = Message(&[Known(1, "labels", Text), Known(2, "entries", Record(&ENTRY))]);
static ENTRY: Message = Message(&[
    Known(1, "timestamp", Numbers),
    Known(2, "line", Text),
    Known(3, "structured_metadata", Holds::Pair(&LABEL)),
    Known(4, "parsed", Holds::Pair(&LABEL)),
]);
static LABEL: Message = Message(&[Known(1, "name", Key), Known(2, "value", Text)]);
