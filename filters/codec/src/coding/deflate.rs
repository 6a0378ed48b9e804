use flate2::{Decompress, FlushDecompress, Status};

use super::CodingError;
use super::decoder::Reader;
use super::encoder::Encoder;

/// A zlib stream, or raw DEFLATE.
#[derive(Default)]
pub(super) struct Deflate {
    /// The first two bytes, until there are two to tell the form by.
    head: Vec<u8>,
    stream: Option<Inflate>,
    raw: bool,
}

impl Reader for Deflate {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        if let Some(stream) = &mut self.stream {
            return stream.step(input, out, room);
        }
        while let (Some((first, rest)), true) = (input.split_first(), self.head.len() < 2) {
            self.head.push(*first);
            *input = rest;
        }
        if let [cmf, flg] = *self.head {
            self.raw = !is_zlib(cmf, flg);
            let stream = self.stream.insert(Inflate::new(!self.raw));
            return stream.step(&mut self.head.as_slice(), out, room);
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), CodingError> {
        let ended = self.stream.as_ref().is_some_and(|stream| stream.ended);
        if ended { Ok(()) } else { Err(CodingError::Truncated) }
    }

    fn memory(&self, _given: u64) -> usize {
        INFLATE
    }

    fn encoder(&self) -> Encoder {
        if self.raw { Encoder::deflate() } else { Encoder::zlib() }
    }
}

/// RFC 1950, 2.2: the method is 8, the window at most 32 KiB, the two bytes are a multiple of 31, and there is no dictionary.
fn is_zlib(cmf: u8, flg: u8) -> bool {
    cmf & 0x0F == 8 && cmf >> 4 <= 7 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31) && flg & 0x20 == 0
}

/// A DEFLATE stream; takes nothing behind its end.
pub(super) struct Inflate {
    inner: Decompress,
    pub(super) ended: bool,
}

impl Inflate {
    pub(super) fn new(zlib: bool) -> Self {
        Self { inner: Decompress::new(zlib), ended: false }
    }

    /// As [`Reader::step`]; something behind the end is an error.
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        if !self.ended {
            self.inflate(input, out, room)?;
        }
        if self.ended && !input.is_empty() { Err(CodingError::Malformed) } else { Ok(()) }
    }

    /// Stops at the end of the stream, wherever in `input` that is.
    pub(super) fn inflate(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        let (taken, given) = (self.inner.total_in(), self.inner.total_out());
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let free = out.get_mut(start..).unwrap_or_default();
        let status = self.inner.decompress(input, free, FlushDecompress::None);
        let (taken, given) = (self.inner.total_in() - taken, self.inner.total_out() - given);
        out.truncate(start.saturating_add(usize::try_from(given).unwrap_or_default()));
        *input = input.get(usize::try_from(taken).unwrap_or_default()..).unwrap_or_default();
        match status {
            Ok(Status::Ok | Status::BufError) => Ok(()),
            Ok(Status::StreamEnd) => {
                self.ended = true;
                Ok(())
            }
            Err(_damaged) => Err(CodingError::Malformed),
        }
    }
}

/// What an inflate holds: a window of 32 KiB, tables and a little more.
pub(super) const INFLATE: usize = 64 * 1024;
