use super::{Diff, Difference, Means};
use crate::sections::Number;

/// Which way a number protects more.
#[derive(Clone, Copy)]
enum Toward {
    Less,
    More,
    /// It moves work about, and protects as much.
    Neither,
    /// Nobody has said.
    Unknown,
}

impl Diff {
    /// Numbers of a section. Both lists are of one type, so they are in one order.
    pub(super) fn numbers(&mut self, section: &str, before: &[(&str, Number)], after: &[(&str, Number)]) {
        for ((field, before), (_, after)) in before.iter().zip(after) {
            if before == after {
                continue;
            }
            let less = after.value < before.value;
            let means = match toward(section, field) {
                Toward::Less if less => Means::Tighter,
                Toward::More if !less => Means::Tighter,
                Toward::Neither => Means::Neutral,
                Toward::Less | Toward::More | Toward::Unknown => Means::Looser,
            };
            let what = format!("{} becomes {}", before.text, after.text);
            let (path, restart) = (format!("{section}.{field}"), restart(section, field));
            self.found.push(Difference { path, means, restart, what });
        }
    }
}

fn toward(section: &str, field: &str) -> Toward {
    match section {
        "limits" => limit(field),
        "auth_failures" => match field {
            "window" | "lockout" | "lockout_max" | "growth" | "max_entries" => Toward::More,
            "jitter_percent" => Toward::Neither,
            "per_credential" | "per_peer" | "per_pair" | "overall" | "familiar_for" | "save_interval"
            | "ipv6_prefix" => Toward::Less,
            _ => Toward::Unknown,
        },
        "identity" => match field {
            "max_revoked" => Toward::More,
            "token_bytes" | "key_age" | "overlap" | "session" | "max_sessions" | "max_keys" => Toward::Less,
            _ => Toward::Unknown,
        },
        "monitors" => match field {
            "disk_free_bytes" | "certificate_expiry" => Toward::More,
            "memory_percent" | "descriptors_percent" | "clock_jump" => Toward::Less,
            field if field.ends_with("interval") => Toward::Less,
            _ => Toward::Unknown,
        },
        "safety" => match field {
            "min_stay" | "settle_timeout" | "ramp" => Toward::More,
            "sentinel_interval" | "challenge_ttl" | "challenges" | "break_glass" | "ramp_from" | "ramp_to" => {
                Toward::Less
            }
            _ => Toward::Unknown,
        },
        "incidents" => match field {
            "respond_sev0" | "respond_sev1" | "respond_sev2" | "respond_sev3" => Toward::Less,
            "shown" => Toward::Neither,
            _ => Toward::Unknown,
        },
        "journal" => match field {
            "flush_interval" | "heartbeat" | "aggregate_window" => Toward::Less,
            "batch" | "segment_records" | "segment_bytes" | "segment_age" | "ring" => Toward::Neither,
            _ => Toward::Unknown,
        },
        "orders_ledger" => Toward::More,
        "telemetry" => Toward::Neither,
        _ => Toward::Unknown,
    }
}

fn limit(field: &str) -> Toward {
    match field {
        "buffered_body_bytes" | "scan_hold_bytes" | "scan_idle_flush" | "rate_callers" | "fix_remembered" => {
            Toward::More
        }
        "overload_retry_after"
        | "keepalive_timeout"
        | "connect_timeout"
        | "response_timeout"
        | "drain_timeout"
        | "pool_idle_timeout"
        | "pool_connection_age"
        | "pool_idle_per_upstream"
        | "retry_percent"
        | "breaker_failures"
        | "breaker_pause"
        | "stream_idle_timeout"
        | "websocket_close_timeout" => Toward::Neither,
        "connections"
        | "connections_per_peer"
        | "header_count"
        | "header_bytes"
        | "body_bytes"
        | "order_body_bytes"
        | "decoded_body_bytes"
        | "decoded_ratio"
        | "codings"
        | "coding_members"
        | "coding_window_bytes"
        | "coding_memory_bytes"
        | "json_depth"
        | "json_pairs"
        | "in_flight"
        | "in_flight_orders"
        | "memory_bytes"
        | "memory_shed_percent"
        | "h2_streams"
        | "header_timeout"
        | "handshake_timeout"
        | "body_idle_timeout"
        | "websockets"
        | "websocket_message_bytes"
        | "websocket_idle_timeout"
        | "fix_sessions"
        | "fix_message_bytes"
        | "fix_idle_timeout" => Toward::Less,
        _ => Toward::Unknown,
    }
}

/// What a running sidecar takes over: limits that a request meets, counts of failed attempts. All else was made at the start.
fn restart(section: &str, field: &str) -> bool {
    match section {
        "limits" => matches!(
            field,
            "connections"
                | "connections_per_peer"
                | "header_count"
                | "header_bytes"
                | "header_timeout"
                | "handshake_timeout"
                | "keepalive_timeout"
                | "h2_streams"
                | "drain_timeout"
                | "connect_timeout"
                | "response_timeout"
                | "pool_idle_timeout"
                | "pool_connection_age"
                | "pool_idle_per_upstream"
                | "retry_percent"
                | "coding_memory_bytes"
                | "breaker_failures"
                | "breaker_pause"
                | "stream_idle_timeout"
                | "websockets"
                | "websocket_message_bytes"
                | "websocket_idle_timeout"
                | "websocket_close_timeout"
                | "fix_sessions"
                | "fix_message_bytes"
                | "fix_remembered"
                | "fix_idle_timeout"
        ),
        "identity" => field == "token_bytes",
        "auth_failures" => field == "save_interval",
        _ => true,
    }
}
