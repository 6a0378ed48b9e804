//! Syslog over TCP (RFC 6587, RFC 5425): messages that are counted (`LENGTH SP MESSAGE`) or end with a line feed, each told for itself
//! by its first byte.

use super::{Bounds, Framing, FramingError, Place, Rewrite, Texts};

/// What a client sends on one connection.
#[derive(Debug)]
pub struct Syslog {
    bounds: Bounds,
    /// No line feed stands before this.
    seen: usize,
}

impl Syslog {
    /// A connection that has begun.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, seen: 0 }
    }
}

/// One message: where it begins and ends, and where what belongs to it ends.
struct Frame {
    start: usize,
    end: usize,
    after: usize,
    counted: bool,
}

/// The first message of `held`; none while it is not all there.
fn frame(held: &[u8], seen: usize, most: usize, ended: bool) -> Result<Option<Frame>, FramingError> {
    if held.first().is_some_and(|byte| matches!(byte, b'1'..=b'9')) {
        return counted(held, most);
    }
    let rest = held.get(seen..).unwrap_or_default();
    let line = rest.iter().position(|byte| *byte == b'\n').map(|at| seen + at);
    match line {
        Some(end) => Ok(Some(Frame { start: 0, end, after: end + 1, counted: false })),
        None if ended && !held.is_empty() => {
            Ok(Some(Frame { start: 0, end: held.len(), after: held.len(), counted: false }))
        }
        None => Ok(None),
    }
}

fn counted(held: &[u8], most: usize) -> Result<Option<Frame>, FramingError> {
    let digits = held.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > MOST_DIGITS {
        return Err(FramingError::TooLarge);
    }
    match held.get(digits) {
        None => return Ok(None),
        Some(b' ') => {}
        Some(_) => return Err(FramingError::Malformed),
    }
    let number = str::from_utf8(held.get(..digits).unwrap_or_default()).unwrap_or_default();
    let length: usize = number.parse().map_err(|_| FramingError::Malformed)?;
    if length > most {
        return Err(FramingError::TooLarge);
    }
    let (start, end) = (digits + 1, digits + 1 + length);
    Ok((held.len() >= end).then_some(Frame { start, end, after: end, counted: true }))
}

impl Framing for Syslog {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        loop {
            let rest = held.get(whole..).unwrap_or_default();
            let seen = if whole == 0 { self.seen } else { 0 };
            let Some(frame) = frame(rest, seen, self.bounds.bytes, ended)? else { break };
            whole += frame.after;
        }
        if whole == 0 {
            self.seen = held.len();
        }
        match (ended && whole < held.len(), held.len() - whole > self.bounds.bytes) {
            (true, _) => Err(FramingError::Truncated),
            (false, true) => Err(FramingError::TooLarge),
            (false, false) => Ok(whole),
        }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let mut rewrite = Rewrite::new(units);
        let mut at = 0;
        while let Some(rest) = units.get(at..).filter(|rest| !rest.is_empty()) {
            let frame = frame(rest, 0, usize::MAX, true)?.ok_or(FramingError::Truncated)?;
            let message = rest.get(frame.start..frame.end).unwrap_or_default();
            texts.enter();
            let changed = if message.is_empty() { None } else { texts.text(&WHOLE, message) };
            let end = at + frame.after;
            if !texts.leave() {
                rewrite.replace(at, end, &[]);
            } else if let Some(changed) = changed {
                let length = if frame.counted { format!("{} ", changed.len()) } else { String::new() };
                rewrite.replace(at, at + frame.end, &[length.as_bytes(), &changed]);
            }
            at = end;
        }
        Ok(rewrite.finish())
    }

    fn pass(&mut self, _units: &[u8], _out: &[u8]) {
        self.seen = 0;
    }
}

const WHOLE: Place<'static> = Place { path: &[], fixed: false };
/// Nobody's message has a length of more.
const MOST_DIGITS: usize = 9;
