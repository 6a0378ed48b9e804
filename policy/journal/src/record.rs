//! From an event and its stamp to the bytes of its line.

use crate::canonical;
use crate::contract::{AuditEvent, VERSION};
use crate::event::Event;
use crate::names::Retention;

/// Where and when an event was put into the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its place: 0 for the first entry, without a gap.
    pub seq: u64,
    /// Wall time in milliseconds since 1970, as the host believed it to be.
    pub wall_ms: u64,
    /// Nanoseconds on a clock that never jumps, to be compared within one `boot_id` only. Written in microseconds, so
    /// that the number stays exact for longer than a machine lives.
    pub mono_ns: u64,
    /// Which run of the clock `mono_ns` belongs to.
    pub boot_id: String,
    /// Which engine wrote it.
    pub engine: String,
    /// How long it is kept, if longer than its type asks for.
    pub retention: Option<Retention>,
}

/// The line of an event: canonical JSON (RFC 8785) without a newline, at most [`MAX_LINE`] bytes.
///
/// It has exactly the fields of `docs/contracts/audit_event.schema.json`. What is not known is left out, never `null`.
///
/// # Errors
///
/// A number that is not exact, nesting that is too deep, or a line that is too long.
pub fn line(event: &Event, stamp: &Stamp) -> Result<Vec<u8>, RecordError> {
    let record = envelope(event, stamp, stamp.retention.unwrap_or_else(|| event.event_type.retention()));
    let value = serde_json::to_value(record).map_err(|_| RecordError::Number)?;
    let mut out = Vec::with_capacity(512);
    canonical::write(&value, &mut out)?;
    if out.len() > MAX_LINE {
        return Err(RecordError::TooLong { bytes: out.len() });
    }
    Ok(out)
}

/// Why an event cannot be written as a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A number that not every JSON reader keeps exact.
    #[error("a number is not an integer below 2^53")]
    Number,
    /// Values nested deeper than 32.
    #[error("values are nested deeper than 32")]
    TooDeep,
    /// Longer than [`MAX_LINE`].
    #[error("the record has {bytes} bytes, more than {MAX_LINE}")]
    TooLong {
        /// How long it would have been.
        bytes: usize,
    },
}

/// The longest line, in bytes.
///
/// The length of an entry is a 16-bit number in C2SP entry bundles.
pub const MAX_LINE: usize = 64 * 1024 - 1;

fn envelope(event: &Event, stamp: &Stamp, retention: Retention) -> AuditEvent {
    AuditEvent {
        v: VERSION,
        seq: stamp.seq,
        timestamp: timestamp(stamp.wall_ms),
        mono_us: stamp.mono_ns / 1000,
        boot_id: stamp.boot_id.clone(),
        engine: stamp.engine.clone(),
        event_type: event.event_type,
        severity: event.severity,
        retention,
        action: event.action.clone(),
        user: event.user.clone(),
        source_ip: event.source_ip.clone(),
        trace_id: event.trace_id.clone(),
        decision_id: event.decision_id.clone(),
        inputs: event.inputs.clone(),
        outputs: event.outputs.clone(),
        before: event.before.clone(),
        after: event.after.clone(),
        result: event.result,
        duration_us: event.duration_us,
        count: event.count,
        refs: event.refs.clone(),
    }
}

/// The moment as records have it: RFC 3339 in UTC with milliseconds. From milliseconds since 1970.
// Days to date after H. Hinnant's `civil_from_days`, with years that begin in March.
#[must_use]
pub fn timestamp(wall_ms: u64) -> String {
    let ms = wall_ms.min(LAST_MS);
    let (seconds, milli) = (ms / 1000, ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The milliseconds since 1970 of a moment as records have it; `None` if it is written in another way.
// Date to days after H. Hinnant's `days_from_civil`.
#[must_use]
pub fn wall_ms(moment: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| moment.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second, milli) = (number(11..13)?, number(14..16)?, number(17..19)?, number(20..23)?);
    let shifted_year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    let ms = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli;
    // One way to write each.
    (timestamp(ms) == moment).then_some(ms)
}

/// 9999-12-31T23:59:59.999Z, the last moment the format can say.
const LAST_MS: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{EventType, Outcome, Severity};

    fn stamp() -> Stamp {
        Stamp {
            seq: 7,
            wall_ms: 1_705_314_600_123,
            mono_ns: 9_876_543_210,
            boot_id: "b".into(),
            engine: "e".into(),
            retention: None,
        }
    }

    #[test]
    fn a_full_record_reads_like_this() {
        let event = Event::new(EventType::SecurityAccessDenied, "admin.release")
            .with_severity(Severity::High)
            .with_user("eve")
            .with_source_ip("192.168.xxx.xxx")
            .with_trace_id("t")
            .with_decision_id("d")
            .with_input("scope", "fleet")
            .with_output("code", "forbidden")
            .with_result(Outcome::Refused)
            .with_duration_us(5)
            .with_count(3)
            .with_ref("journal:6");
        let text = String::from_utf8(line(&event, &stamp()).unwrap()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"action":"admin.release","boot_id":"b","count":3,"decision_id":"d","duration_us":5,"engine":"e","#,
                r#""event_type":"security.access.denied","inputs":{"scope":"fleet"},"mono_us":9876543,"#,
                r#""outputs":{"code":"forbidden"},"refs":["journal:6"],"result":"refused","retention":"2y","seq":7,"#,
                r#""severity":"high","source_ip":"192.168.xxx.xxx","timestamp":"2024-01-15T10:30:00.123Z","trace_id":"t","#,
                r#""user":"eve","v":1}"#
            )
        );
    }

    #[test]
    fn dates_come_out_right() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(timestamp(ms), text);
            assert_eq!(wall_ms(text), Some(ms.min(LAST_MS)));
        }
        for text in
            ["", "2024-02-30T00:00:00.000Z", "2023-02-29T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2024-01-01"]
        {
            assert_eq!(wall_ms(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_is_bounded() {
        let event = Event::new(EventType::Operation, "x".repeat(MAX_LINE));
        assert!(matches!(line(&event, &stamp()), Err(RecordError::TooLong { .. })));
        let event = Event::new(EventType::Operation, "x").with_input("f", 1.5);
        assert_eq!(line(&event, &stamp()), Err(RecordError::Number));
    }

    #[test]
    fn an_event_does_not_print_what_it_holds() {
        let event = Event::new(EventType::Operation, "visible?").with_user("visible?");
        assert!(!format!("{event:?}").contains("visible"));
    }
}
