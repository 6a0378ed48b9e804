//! What a request may use.

use std::time::Duration;

use super::section::section;

section! {
    /// What a request, a connection and all of them together may use.
    LimitsWritten => Limits {
        /// Connections open at once, on each listener.
        connections: usize = Count("1024", "1", "100000"),
        /// Connections open at once from one address (of IPv6, from one /64), on each listener.
        connections_per_peer: usize = Count("1024", "1", "100000"),
        /// Headers of a request.
        header_count: usize = Count("100", "8", "1000"),
        /// Bytes of all headers of a request.
        header_bytes: usize = Bytes("64KiB", "8KiB", "1MiB"),
        /// Bytes of a body.
        body_bytes: u64 = Bytes("64MiB", "1KiB", "4GiB"),
        /// Bytes of the body of an order message, which is read whole before it is judged.
        order_body_bytes: usize = Bytes("256KiB", "1KiB", "4MiB"),
        /// Bytes of a body once it is decoded.
        decoded_body_bytes: u64 = Bytes("256MiB", "1KiB", "16GiB"),
        /// Bytes that a byte of a coded body may decode to, once the first 256 KiB have come out.
        decoded_ratio: u32 = Count("500", "10", "1000000"),
        /// Content codings of a body, one over the other.
        codings: usize = Count("1", "0", "4"),
        /// Members of a gzip body, frames of a zstd body.
        coding_members: u32 = Count("64", "1", "1024"),
        /// Bytes that the decoder of a brotli or zstd body may look back.
        coding_window_bytes: u64 = Bytes("8MiB", "64KiB", "128MiB"),
        /// Bytes of memory for all the bodies under way at once that are decoded or taken apart.
        coding_memory_bytes: usize = Bytes("48MiB", "4MiB", "4GiB"),
        /// Bytes of a body that has to be held whole.
        buffered_body_bytes: usize = Bytes("1MiB", "1KiB", "64MiB"),
        /// Bytes of a record, a frame or a field of a message that has to be held whole to be searched.
        record_bytes: usize = Bytes("4MiB", "64KiB", "64MiB"),
        /// Depth of a JSON body, and of any message that is taken apart.
        json_depth: usize = Count("32", "4", "128"),
        /// Fields of a JSON or form body.
        json_pairs: usize = Count("4096", "16", "65536"),
        /// Bytes that the scanner may hold back.
        scan_hold_bytes: usize = Bytes("64KiB", "4KiB", "1MiB"),
        /// After this long without a byte, what the scanner holds of a stream goes on.
        scan_idle_flush: Duration = Time("250ms", "10ms", "10s"),
        /// Callers that are told apart on a route with rates; all beyond them share one allowance.
        rate_callers: usize = Count("65536", "1024", "1048576"),
        /// Requests under way at once.
        in_flight: usize = Count("1024", "1", "100000"),
        /// Order messages under way at once.
        in_flight_orders: usize = Count("256", "1", "100000"),
        /// Bytes of memory for the whole process. From `memory_shed_percent` of them on, new requests that carry no orders are
        /// refused; beyond all of them, bodies of such requests are cut. Orders and the admin API go on.
        memory_bytes: u64 = Bytes("384MiB", "64MiB", "64GiB"),
        /// See `memory_bytes`.
        memory_shed_percent: u32 = Count("80", "10", "100"),
        /// What `Retry-After` says when there is no room.
        overload_retry_after: Duration = Time("1s", "1s", "1m"),
        /// HTTP/2 streams of a connection.
        h2_streams: u32 = Count("128", "1", "1000"),
        /// WebSockets open at once.
        websockets: usize = Count("512", "0", "100000"),
        /// Bytes of a WebSocket message that is looked into, before and after it is decompressed.
        websocket_message_bytes: usize = Bytes("1MiB", "1KiB", "64MiB"),
        /// Without a byte in either direction, until a WebSocket is closed.
        websocket_idle_timeout: Duration = Time("10m", "1s", "24h"),
        /// Until the two sides of a WebSocket that is being closed have closed.
        websocket_close_timeout: Duration = Time("5s", "100ms", "1m"),
        /// FIX sessions open at once.
        fix_sessions: usize = Count("64", "0", "10000"),
        /// Bytes of a FIX message.
        fix_message_bytes: usize = Bytes("64KiB", "1KiB", "4MiB"),
        /// Refusals, and answers to them, that are remembered of each FIX session, to tell a message that is sent again.
        fix_remembered: usize = Count("4096", "16", "1000000"),
        /// Without a byte in either direction, until a FIX session is cut: longer than its heartbeat.
        fix_idle_timeout: Duration = Time("5m", "1s", "24h"),
        /// Idle connections kept to each upstream.
        pool_idle_per_upstream: usize = Count("32", "0", "1024"),
        /// Failures in a row after which an endpoint of an upstream is left alone, but for orders.
        breaker_failures: u32 = Count("5", "1", "10000"),
        /// How long it is left alone before one request tries it again.
        breaker_pause: Duration = Time("5s", "100ms", "10m"),
        /// Until the head of a request is complete.
        header_timeout: Duration = Time("10s", "100ms", "5m"),
        /// Until TLS is agreed upon with a client.
        handshake_timeout: Duration = Time("10s", "100ms", "1m"),
        /// Between two pieces of a body.
        body_idle_timeout: Duration = Time("30s", "100ms", "10m"),
        /// An idle connection of a log protocol that is not HTTP.
        stream_idle_timeout: Duration = Time("1h", "1s", "24h"),
        /// An idle connection of a client.
        keepalive_timeout: Duration = Time("75s", "1s", "1h"),
        /// Connecting to an upstream.
        connect_timeout: Duration = Time("5s", "10ms", "1m"),
        /// Until the head of an upstream's answer.
        response_timeout: Duration = Time("30s", "100ms", "10m"),
        /// Until a stop no longer waits for what is under way.
        drain_timeout: Duration = Time("25s", "1s", "10m"),
        /// An idle connection to an upstream.
        pool_idle_timeout: Duration = Time("60s", "1s", "1h"),
        /// The age from which a connection to an upstream carries no new request: the next is opened to where its name then leads.
        pool_connection_age: Duration = Time("10m", "1s", "24h"),
        /// Requests that may be sent again to an upstream with `retries`, for each hundred that it was sent.
        retry_percent: u32 = Count("20", "0", "100"),
    }
}
