use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brotli::enc::StandardAlloc;
use brotli::{Allocator, BrotliDecompressStream, BrotliResult, BrotliState, HuffmanCode, SliceWrapper};

use super::CodingError;
use super::decoder::Reader;
use super::encoder::Encoder;

/// A brotli stream of at most a 16 MiB window: the `large window` extension is no content coding.
pub(super) struct Brotli {
    state: Box<BrotliState<Counted, Counted, Counted>>,
    window: u64,
    ended: bool,
    /// Bytes allocated for the window and small tables, and for Huffman tables.
    bytes: Arc<AtomicUsize>,
    tables: Arc<AtomicUsize>,
}

impl Brotli {
    pub(super) fn new(window: u64) -> Self {
        let (bytes, tables) = (Arc::default(), Arc::default());
        let counted = |held: &Arc<AtomicUsize>| Counted { held: Arc::clone(held) };
        let state = BrotliState::new_strict(counted(&bytes), counted(&tables), counted(&tables));
        Self { state: Box::new(state), window, ended: false, bytes, tables }
    }
}

impl Reader for Brotli {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        if self.ended {
            return if input.is_empty() { Ok(()) } else { Err(CodingError::Malformed) };
        }
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let free = out.get_mut(start..).unwrap_or_default();
        let (mut unread, mut read, mut room, mut written) = (input.len(), 0, free.len(), 0);
        let result = BrotliDecompressStream(
            &mut unread,
            &mut read,
            input,
            &mut room,
            &mut written,
            free,
            &mut 0,
            &mut self.state,
        );
        out.truncate(start.saturating_add(written));
        *input = input.get(read..).unwrap_or_default();
        if 1_u64.checked_shl(self.state.window_bits).is_none_or(|window| window > self.window) {
            return Err(CodingError::WindowTooLarge);
        }
        match result {
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(()),
            BrotliResult::ResultSuccess if input.is_empty() => {
                self.ended = true;
                Ok(())
            }
            BrotliResult::ResultSuccess | BrotliResult::ResultFailure => Err(CodingError::Malformed),
        }
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), CodingError> {
        if self.ended { Ok(()) } else { Err(CodingError::Truncated) }
    }

    fn memory(&self, given: u64) -> usize {
        // A window is touched as it fills.
        let touched = usize::try_from(given).unwrap_or(usize::MAX).saturating_add(SMALL);
        let state = size_of_val(&*self.state) + self.tables.load(Ordering::Relaxed);
        state.saturating_add(self.bytes.load(Ordering::Relaxed).min(touched))
    }

    fn encoder(&self) -> Encoder {
        Encoder::brotli()
    }
}

/// An allocator that knows how much it has given.
struct Counted {
    held: Arc<AtomicUsize>,
}

macro_rules! counted {
    ($($cell:ty),*) => {
        $(
            impl Allocator<$cell> for Counted {
                type AllocatedMemory = <StandardAlloc as Allocator<$cell>>::AllocatedMemory;

                fn alloc_cell(&mut self, len: usize) -> Self::AllocatedMemory {
                    self.held.fetch_add(len.saturating_mul(size_of::<$cell>()), Ordering::Relaxed);
                    <StandardAlloc as Allocator<$cell>>::alloc_cell(&mut StandardAlloc::default(), len)
                }

                fn free_cell(&mut self, data: Self::AllocatedMemory) {
                    self.held.fetch_sub(size_of_val(data.slice()), Ordering::Relaxed);
                }
            }
        )*
    };
}

counted!(u8, u32, HuffmanCode);

/// Context maps, and the slack behind a window.
const SMALL: usize = 64 * 1024;
