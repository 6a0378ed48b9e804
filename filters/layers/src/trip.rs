//! When a request came, how long its upstream took to answer, and of which trace it is a part.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use http::HeaderMap;

/// One request's way through the sidecar, as it is told of in metrics and in the access log.
#[derive(Clone, Debug)]
pub struct Trip {
    began: Instant,
    waited: OnceLock<Waited>,
    trace: Option<TraceId>,
}

/// What became of a request at its upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// From the moment a connection was there to send on until the head of the answer, or until it was plain that none comes.
    pub time: Duration,
    /// How often it was sent again within that time.
    pub retries: u32,
}

impl Trip {
    /// Begins now. The trace is that of `traceparent`, if it is one.
    #[must_use]
    pub fn begin(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all("traceparent").iter();
        // Two of them are nobody's.
        let trace = match (parents.next(), parents.next()) {
            (Some(one), None) => TraceId::of_parent(one.as_bytes()),
            _ => None,
        };
        Self { trace, ..Self::default() }
    }

    /// The upstream began its answer, or failed to.
    pub fn upstream_took(&self, waited: Waited) {
        self.waited.get_or_init(|| waited);
    }

    /// The way of one message of it, which begins now.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { trace: self.trace, ..Self::default() }
    }

    /// Since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long the upstream took, if it was asked.
    #[must_use]
    pub fn waited(&self) -> Option<Waited> {
        self.waited.get().copied()
    }

    /// The trace that it is a part of.
    #[must_use]
    pub const fn trace(&self) -> Option<TraceId> {
        self.trace
    }
}

impl Default for Trip {
    fn default() -> Self {
        Self { began: Instant::now(), waited: OnceLock::new(), trace: None }
    }
}

/// The trace id of a W3C `traceparent`: never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// Of `version "-" trace-id "-" parent-id "-" trace-flags`, all in lower-case hexadecimal (W3C Trace Context, 3.2.2). A
    /// later version may have more behind the flags; `ff` is no version.
    #[must_use]
    pub fn of_parent(parent: &[u8]) -> Option<Self> {
        let (head, rest) = parent.split_at_checked(LENGTH)?;
        let mut parts = head.split(|byte| *byte == b'-');
        let mut part = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
        };
        let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let goes_on = if version == b"00" { rest.is_empty() } else { rest.first().is_none_or(|byte| *byte == b'-') };
        let some = |id: &[u8]| id.iter().any(|byte| *byte != b'0');
        if !goes_on || version == b"ff" || !some(trace) || !some(parent) {
            return None;
        }
        let mut id = [0; 16];
        for (byte, digits) in id.iter_mut().zip(trace.chunks_exact(2)) {
            *byte = digits.iter().try_fold(0, |byte, digit| {
                let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
                Some(byte << 4 | digit)
            })?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Of a `traceparent` of version 00.
const LENGTH: usize = 55;

#[cfg(test)]
mod tests {
    use super::{HeaderMap, TraceId, Trip};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_read_as_the_standard_says() {
        let (parent, none) = ("00f067aa0ba902b7", "0".repeat(16));
        for (header, is_one) in [
            (format!("00-{TRACE}-{parent}-01"), true),
            (format!("cc-{TRACE}-{parent}-01-what-comes-later"), true),
            (format!("cc-{TRACE}-{parent}-01"), true),
            (format!("00-{TRACE}-{parent}-01-more"), false),
            (format!("cc-{TRACE}-{parent}-01.more"), false),
            (format!("ff-{TRACE}-{parent}-01"), false),
            (format!("00-{}-{parent}-01", TRACE.to_uppercase()), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-{none}-01"), false),
            (format!("00-{TRACE}-{parent}-0"), false),
            (format!("00{TRACE}-{parent}-01--"), false),
            (String::new(), false),
        ] {
            let trace = TraceId::of_parent(header.as_bytes()).map(|trace| trace.to_string());
            assert_eq!(trace.as_deref(), is_one.then_some(TRACE), "{header}");
        }
    }

    #[test]
    fn two_parents_are_none() {
        let parent: http::HeaderValue = format!("00-{TRACE}-00f067aa0ba902b7-00").parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("traceparent", parent.clone());
        assert_eq!(Trip::begin(&headers).trace().unwrap().to_string(), TRACE);
        headers.append("traceparent", parent);
        assert_eq!(Trip::begin(&headers).trace(), None);
    }
}
