use super::WsError;
use super::frame::{Head, LONGEST_HEAD};
use super::sequence::{Sequence, Side};

/// Follows the frames of one direction without looking into them, so that what passes costs a look at each head.
#[derive(Clone, Debug)]
pub struct Walk {
    sequence: Sequence,
    /// Bytes of the current frame's payload that have not come yet.
    left: u64,
    /// The beginning of a head that a piece ended within.
    begun: Vec<u8>,
}

/// Where messages end within a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Behind the last byte in the piece after which a frame of one's own may stand, messages included.
    pub boundary: Option<usize>,
    /// As above, for a control frame.
    pub frame_boundary: Option<usize>,
}

impl Walk {
    /// Follows what `side` sends. `deflate`: compression was agreed on.
    #[must_use]
    pub const fn new(side: Side, deflate: bool) -> Self {
        Self { sequence: Sequence::new(side, deflate), left: 0, begun: Vec::new() }
    }

    /// Who sends the bytes.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.sequence.side()
    }

    /// Whether the bytes so far end with a frame.
    #[must_use]
    pub const fn between_frames(&self) -> bool {
        self.left == 0 && self.begun.is_empty()
    }

    /// Whether the bytes so far end with a message.
    #[must_use]
    pub const fn between_messages(&self) -> bool {
        self.between_frames() && self.sequence.between_messages()
    }

    /// Whether the side has sent a close frame.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.sequence.is_closed()
    }

    /// Takes the next piece of the stream.
    ///
    /// # Errors
    ///
    /// [`WsError::Protocol`]. What came before the frame that broke the rule is sound, and is not told apart.
    pub fn pass(&mut self, piece: &[u8]) -> Result<Passed, WsError> {
        let mut passed = Passed { boundary: None, frame_boundary: None };
        let mut at = 0;
        loop {
            let rest = piece.get(at..).unwrap_or_default();
            let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
            self.left -= skipped as u64;
            at += skipped;
            if skipped > 0 || at > 0 {
                self.note(at, &mut passed);
            }
            if self.left > 0 || at == piece.len() {
                return Ok(passed);
            }
            at += self.head(piece.get(at..).unwrap_or_default())?;
        }
    }

    fn note(&self, at: usize, passed: &mut Passed) {
        if self.between_frames() {
            passed.frame_boundary = Some(at);
        }
        if self.between_messages() {
            passed.boundary = Some(at);
        }
    }

    /// Reads the head that `rest`, which is not empty, begins with or goes on with; says how many bytes of it that took.
    fn head(&mut self, rest: &[u8]) -> Result<usize, WsError> {
        let before = self.begun.len();
        let taken = if before == 0 {
            // Hardly ever is a head cut in two.
            let Some((head, taken)) = Head::read(rest)? else {
                self.begun.extend_from_slice(rest);
                return Ok(rest.len());
            };
            self.enter(&head)?;
            taken
        } else {
            self.begun.extend(rest.iter().take(LONGEST_HEAD - before));
            let Some((head, taken)) = Head::read(&self.begun)? else { return Ok(self.begun.len() - before) };
            self.begun.clear();
            self.enter(&head)?;
            taken - before
        };
        Ok(taken)
    }

    fn enter(&mut self, head: &Head) -> Result<(), WsError> {
        self.sequence.next(head)?;
        self.left = head.length;
        Ok(())
    }
}
