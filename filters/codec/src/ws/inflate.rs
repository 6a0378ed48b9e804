use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::WsError;

/// Decodes the compressed messages of one direction (RFC 7692, 7.2.2).
pub(super) struct Inflate {
    stream: Decompress,
    /// Whether a message may refer to those before it.
    takeover: bool,
}

impl Inflate {
    /// A window of 32 KiB reads what any smaller one wrote.
    pub(super) fn new(takeover: bool) -> Self {
        Self { stream: Decompress::new(false), takeover }
    }

    /// Decodes one message of at most `most` bytes.
    pub(super) fn message(&mut self, coded: &[u8], most: usize) -> Result<Vec<u8>, WsError> {
        let mut out = Vec::new();
        let mut ended = self.feed(coded, most, &mut out)?;
        if !ended {
            // The sender left these off.
            ended = self.feed(&[0, 0, 0xFF, 0xFF], most, &mut out)?;
        }
        if ended || !self.takeover {
            self.stream.reset(false);
        }
        Ok(out)
    }

    /// Whether the stream has ended with `input`. It may end, and nothing may come behind that.
    fn feed(&mut self, mut input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<bool, WsError> {
        loop {
            let (start, taken, given) = (out.len(), self.stream.total_in(), self.stream.total_out());
            let room = most.saturating_sub(start).saturating_add(1).min(STEP);
            out.resize(start.saturating_add(room), 0);
            let free = out.get_mut(start..).unwrap_or_default();
            let status = self.stream.decompress(input, free, FlushDecompress::Sync);
            let taken = usize::try_from(self.stream.total_in() - taken).unwrap_or_default();
            let given = usize::try_from(self.stream.total_out() - given).unwrap_or_default();
            out.truncate(start.saturating_add(given));
            input = input.get(taken..).unwrap_or_default();
            if out.len() > most {
                return Err(WsError::TooLarge);
            }
            match status {
                Err(_damaged) => return Err(WsError::Undecodable),
                Ok(Status::StreamEnd) if input.is_empty() => return Ok(true),
                Ok(Status::StreamEnd) => return Err(WsError::Undecodable),
                // With room left over it had nothing more to give.
                Ok(Status::Ok | Status::BufError) if given < room => {
                    return if input.is_empty() { Ok(false) } else { Err(WsError::Undecodable) };
                }
                Ok(Status::Ok | Status::BufError) => {}
            }
        }
    }
}

impl fmt::Debug for Inflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its window holds content.
        f.debug_struct("Inflate").field("takeover", &self.takeover).finish_non_exhaustive()
    }
}

/// Decoded so many bytes at a time.
const STEP: usize = 16 * 1024;
