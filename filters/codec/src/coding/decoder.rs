use super::aws::AwsChunked;
use super::brotli::Brotli;
use super::deflate::Deflate;
use super::encoder::Encoder;
use super::gzip::Gzip;
use super::snappy::Snappy;
use super::zstd::Zstd;
use super::{Budget, Coding, CodingError, DENSE, STEP};

/// Decodes one body, step by step.
pub struct Decoder {
    reader: Box<dyn Reader>,
    budget: Budget,
    taken: u64,
    given: u64,
    failed: Option<CodingError>,
}

/// One coding, without the accounts.
pub(super) trait Reader: Send {
    /// Takes from the front of `input` and appends at most `room` bytes to `out`. When it does neither, it wants more input.
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError>;

    /// Whether the body may end here. A snappy block is decoded only now, onto `out`.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError>;

    /// Text beside the content, a line each.
    fn asides(&mut self) -> Option<&mut Vec<u8>> {
        None
    }

    /// Whether it stands within what [`asides`](Self::asides) will tell.
    fn is_aside(&self) -> bool {
        false
    }

    /// Bytes of memory it uses at most, after `given` bytes have come out.
    fn memory(&self, given: u64) -> usize;

    /// An encoder for the same form of the same coding.
    fn encoder(&self) -> Encoder;
}

impl Decoder {
    /// A decoder that gives out at most what `budget` allows.
    #[must_use]
    pub fn new(coding: Coding, budget: Budget) -> Self {
        let reader: Box<dyn Reader> = match coding {
            Coding::Gzip => Box::new(Gzip::new(budget.members)),
            Coding::Deflate => Box::new(Deflate::default()),
            Coding::Brotli => Box::new(Brotli::new(budget.window)),
            Coding::Zstd => Box::new(Zstd::new(budget.members, budget.window)),
            Coding::Snappy => Box::new(Snappy::new(budget.block, false)),
            Coding::SnappyFramed => Box::new(Snappy::new(budget.block, true)),
            Coding::AwsChunked => Box::new(AwsChunked::default()),
        };
        Self { reader, budget, taken: 0, given: 0, failed: None }
    }

    /// Takes from the front of `input` and appends at most [`STEP`] bytes to `out`. False when it did neither: it wants more input.
    ///
    /// # Errors
    ///
    /// [`CodingError`]; what is on `out` by then was decoded rightly, and every later call fails alike.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let (coded, plain) = (input.len(), out.len());
        let stepped = self.reader.step(input, out, self.room());
        self.taken = self.taken.saturating_add((coded - input.len()) as u64);
        let accounted = self.account(plain, out);
        stepped.and(accounted).inspect_err(|error| self.failed = Some(*error))?;
        Ok(input.len() < coded || out.len() > plain)
    }

    /// Up to the next multiple of a step, so that the ratio is always looked at in the same places. One byte more than the
    /// budget, to see that there is one.
    fn room(&self) -> usize {
        let aligned = STEP - usize::try_from(self.given % STEP as u64).unwrap_or_default();
        let left = self.budget.output.saturating_sub(self.given).saturating_add(1);
        aligned.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn account(&mut self, plain: usize, out: &mut Vec<u8>) -> Result<(), CodingError> {
        self.given = self.given.saturating_add((out.len() - plain) as u64);
        if let Some(over) = self.given.checked_sub(self.budget.output).filter(|over| *over > 0) {
            out.truncate(out.len().saturating_sub(usize::try_from(over).unwrap_or(usize::MAX)).max(plain));
            return Err(CodingError::TooLarge);
        }
        let allowed = self.taken.saturating_mul(self.budget.ratio.into()).max(DENSE);
        if self.given.is_multiple_of(STEP as u64) && self.given > allowed {
            return Err(CodingError::TooDense);
        }
        Ok(())
    }

    /// Ends the body, which may have given out all but a last block.
    ///
    /// # Errors
    ///
    /// [`CodingError::Truncated`] when it may not end here, or the error it failed with before.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let plain = out.len();
        let finished = self.reader.finish(out);
        let accounted = self.account(plain, out);
        finished.and(accounted).inspect_err(|error| self.failed = Some(*error))
    }

    /// What members and frames begun so far say beside the content, a line each: text that travels in the clear and is no part of
    /// what is decoded. A gzip member has an extra field, a file name and a comment; zstd and framed snappy have frames to be skipped.
    pub fn take_asides(&mut self) -> Vec<u8> {
        self.reader.asides().map(std::mem::take).unwrap_or_default()
    }

    /// Whether the body pauses within something that [`take_asides`](Self::take_asides) will tell.
    #[must_use]
    pub fn is_aside(&self) -> bool {
        self.reader.is_aside()
    }

    /// Bytes of memory that it uses at most, at this point of the body.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.reader.memory(self.given)
    }

    /// An encoder for what was decoded: of the same coding and, where there is more than one, in the same form.
    #[must_use]
    pub fn encoder(&self) -> Encoder {
        self.reader.encoder()
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("given", &self.given).field("failed", &self.failed).finish_non_exhaustive()
    }
}
