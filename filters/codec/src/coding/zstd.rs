use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::CodingError;
use super::decoder::Reader;
use super::encoder::Encoder;

/// A zstd body: frames one after the other, some of them to be skipped.
pub(super) struct Zstd {
    context: Option<DCtx<'static>>,
    frames: u32,
    window: u64,
    at: At,
    /// Nothing comes out before something goes in. The library takes being asked over and over for an error.
    drained: bool,
    asides: Vec<u8>,
}

enum At {
    /// The first four bytes of a frame, as far as they have come.
    Magic(Vec<u8>),
    Frame,
    /// The length of a frame to be skipped, as far as it has come.
    SkipLength(Vec<u8>),
    Skip(u32),
}

impl Zstd {
    pub(super) const fn new(frames: u32, window: u64) -> Self {
        Self { context: None, frames, window, at: At::Magic(Vec::new()), drained: false, asides: Vec::new() }
    }

    /// Reads the four bytes that a frame begins with, and what they say.
    fn begin(&mut self, input: &mut &[u8]) -> Result<(), CodingError> {
        let At::Magic(magic) = &mut self.at else { return Ok(()) };
        let Some(magic) = four(magic, input) else { return Ok(()) };
        self.frames = self.frames.checked_sub(1).ok_or(CodingError::TooManyMembers)?;
        if magic == MAGIC {
            self.at = At::Frame;
            self.open()?;
            return self.decode(&mut &magic[..], &mut Vec::new(), 0);
        }
        if u32::from_le_bytes(magic) & !0xF != SKIPPABLE {
            return Err(CodingError::Malformed);
        }
        self.at = At::SkipLength(Vec::new());
        Ok(())
    }

    fn open(&mut self) -> Result<(), CodingError> {
        if self.context.is_none() {
            let mut context = DCtx::try_create().ok_or(CodingError::WindowTooLarge)?;
            let log = self.window.max(1).ilog2().clamp(10, 27);
            context.set_parameter(DParameter::WindowLogMax(log)).map_err(|_code| CodingError::WindowTooLarge)?;
            self.context = Some(context);
        }
        let context = self.context.as_mut().ok_or(CodingError::Malformed)?;
        context.reset(ResetDirective::SessionOnly).map(drop).map_err(|_code| CodingError::Malformed)
    }

    fn decode(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        if self.drained && input.is_empty() {
            return Ok(());
        }
        let context = self.context.as_mut().ok_or(CodingError::Malformed)?;
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let mut free = OutBuffer::around(out.get_mut(start..).unwrap_or_default());
        let mut coded = InBuffer::around(input);
        let result = context.decompress_stream(&mut free, &mut coded);
        let (taken, given) = (coded.pos(), free.pos());
        out.truncate(start.saturating_add(given));
        *input = input.get(taken..).unwrap_or_default();
        self.drained = given < room;
        match result {
            Ok(0) => {
                self.at = At::Magic(Vec::new());
                Ok(())
            }
            Ok(_more) => Ok(()),
            Err(code) if zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) => {
                Err(CodingError::WindowTooLarge)
            }
            Err(_damaged) => Err(CodingError::Malformed),
        }
    }

    fn skip(&mut self, left: u32, input: &mut &[u8]) {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(input.len()).min(ASIDE);
        let (aside, rest) = input.split_at(now);
        self.asides.extend_from_slice(aside);
        *input = rest;
        let left = left.saturating_sub(u32::try_from(now).unwrap_or(u32::MAX));
        if left == 0 {
            self.asides.push(b'\n');
            self.at = At::Magic(Vec::new());
        } else {
            self.at = At::Skip(left);
        }
    }
}

impl Reader for Zstd {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        match &mut self.at {
            At::Magic(_) => self.begin(input),
            At::Frame => self.decode(input, out, room),
            At::SkipLength(length) => {
                if let Some(length) = four(length, input) {
                    let length = u32::from_le_bytes(length);
                    if length as usize > ASIDE {
                        return Err(CodingError::Malformed);
                    }
                    self.skip(length, &mut &[][..]);
                }
                Ok(())
            }
            At::Skip(left) => {
                let left = *left;
                self.skip(left, input);
                Ok(())
            }
        }
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), CodingError> {
        let whole = matches!(&self.at, At::Magic(magic) if magic.is_empty()) && self.context.is_some();
        if whole { Ok(()) } else { Err(CodingError::Truncated) }
    }

    fn asides(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.asides)
    }

    fn is_aside(&self) -> bool {
        matches!(self.at, At::SkipLength(_) | At::Skip(_))
    }

    fn memory(&self, given: u64) -> usize {
        let touched = usize::try_from(given).unwrap_or(usize::MAX).saturating_add(CONTEXT);
        self.context.as_ref().map_or(0, DCtx::sizeof).min(touched).saturating_add(self.asides.len())
    }

    fn encoder(&self) -> Encoder {
        Encoder::zstd()
    }
}

/// Moves bytes from `input` onto `have` until there are four.
fn four(have: &mut Vec<u8>, input: &mut &[u8]) -> Option<[u8; 4]> {
    let (now, rest) = input.split_at(input.len().min(4_usize.saturating_sub(have.len())));
    have.extend_from_slice(now);
    *input = rest;
    have.as_slice().try_into().ok()
}

/// RFC 8878, 3.1.1 and 3.1.2.
pub(super) const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const SKIPPABLE: u32 = 0x184D_2A50;
/// Most bytes of a frame to be skipped.
const ASIDE: usize = 64 * 1024;
/// What a context holds beside its window: tables, a coded block, and two blocks behind the window.
const CONTEXT: usize = 640 * 1024;
