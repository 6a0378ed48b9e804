//! Watches what is written to a connection of HTTP/2 for the ends of requests.
//!
//! A client of HTTP/2 flushes whenever it has nothing more that it may write: the rest of a request can still wait in it for the
//! window of its stream. So a flush alone says nothing; one after the frame that ends the request says that all of it has left.

/// What comes before the first frame (RFC 9113, 3.4).
const PREFACE: usize = 24;
/// The head of a frame: length, type, flags, stream (RFC 9113, 4.1).
const HEAD: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Follows the frames of one connection, whatever pieces they are written in.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// How much of the head is there.
    known: usize,
    /// Bytes of the preface or of a payload that are still to come.
    rest: usize,
    /// Whether the frame being written ends a request, once it is whole.
    ends: bool,
    /// Whether headers that end a request go on in frames of their own.
    goes_on: bool,
    ended: bool,
}

impl Default for Frames {
    fn default() -> Self {
        Self { head: [0; HEAD], known: 0, rest: PREFACE, ends: false, goes_on: false, ended: false }
    }
}

impl Frames {
    /// Takes what was written.
    pub(super) fn written(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if self.rest == 0 && self.ends {
                (self.ends, self.ended) = (false, true);
            }
            let Some((first, after)) = bytes.split_first() else { return };
            if let Some(at) = self.head.get_mut(self.known) {
                *at = *first;
            }
            self.known += 1;
            bytes = after;
            if self.known == HEAD {
                self.known = 0;
                self.begin();
            }
        }
    }

    /// Whether a request has ended since this was asked last.
    pub(super) const fn take_ended(&mut self) -> bool {
        std::mem::replace(&mut self.ended, false)
    }

    /// A head is there: its payload begins.
    fn begin(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.rest = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let (last, whole) = (flags & END_STREAM != 0, flags & END_HEADERS != 0);
        self.ends = match kind {
            DATA => last,
            HEADERS => last && whole,
            CONTINUATION => self.goes_on && whole,
            _ => false,
        };
        self.goes_on = match kind {
            HEADERS => last && !whole,
            CONTINUATION => self.goes_on && !whole,
            _ => false,
        };
        if self.rest == 0 && self.ends {
            (self.ends, self.ended) = (false, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PREFACE};

    const SETTINGS: u8 = 0x4;
    const PING: u8 = 0x6;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], &vec![0x55; payload]].concat()
    }

    /// After how many bytes of it a request ends, by writing one byte after the other.
    fn ends(bytes: &[u8]) -> Vec<usize> {
        let mut frames = Frames::default();
        frames.written(&[0; PREFACE]);
        let mut ends = Vec::new();
        for (at, byte) in bytes.iter().enumerate() {
            frames.written(&[*byte]);
            ends.extend(frames.take_ended().then_some(at + 1));
        }
        ends
    }

    #[test]
    fn a_request_ends_with_the_last_byte_of_its_last_frame() {
        let head = frame(HEADERS, END_HEADERS, 20);
        let only = frame(HEADERS, END_HEADERS | END_STREAM, 20);
        let data = frame(DATA, 0, 300);
        for (what, bytes, expected) in [
            ("no body", only.clone(), Some(only.len())),
            ("a body that is not over", [head.clone(), data.clone()].concat(), None),
            ("a body", [head.clone(), data.clone(), frame(DATA, END_STREAM, 7)].concat(), Some(29 + 309 + 16)),
            ("an end without a byte", [head.clone(), data, frame(DATA, END_STREAM, 0)].concat(), Some(29 + 309 + 9)),
            ("trailers", [head, only].concat(), Some(58)),
            (
                "headers in three frames",
                [frame(HEADERS, END_STREAM, 5), frame(CONTINUATION, 0, 5), frame(CONTINUATION, END_HEADERS, 5)]
                    .concat(),
                Some(42),
            ),
            (
                "headers in two frames, with a body to come",
                [frame(HEADERS, 0, 5), frame(CONTINUATION, END_HEADERS, 5)].concat(),
                None,
            ),
            ("what is no request", [frame(SETTINGS, 1, 0), frame(PING, 1, 8)].concat(), None),
        ] {
            assert_eq!(ends(&bytes), Vec::from_iter(expected), "{what}");
        }
    }

    #[test]
    fn pieces_of_any_size_are_the_same() {
        let bytes =
            [vec![0; PREFACE], frame(HEADERS, END_HEADERS, 70_000), frame(DATA, END_STREAM, 16_384), frame(PING, 1, 8)]
                .concat();
        for size in [1, 2, 7, 9, 23, 25, 1000, bytes.len()] {
            let mut frames = Frames::default();
            let ends = bytes.chunks(size).filter(|piece| {
                frames.written(piece);
                frames.take_ended()
            });
            assert_eq!(ends.count(), 1, "{size}");
        }
    }
}
