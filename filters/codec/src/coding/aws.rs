use super::CodingError;
use super::decoder::Reader;
use super::encoder::Encoder;

/// `aws-chunked`: chunks, each with its length and, where they are signed, a signature; behind the last one, of length 0, stand trailers.
#[derive(Default)]
pub(super) struct AwsChunked {
    stage: Stage,
    /// The line at hand.
    line: Vec<u8>,
    asides: Vec<u8>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Size,
    /// So many bytes more of the chunk.
    Data(u64),
    /// The line end behind a chunk.
    DataEnd,
    Trailers,
    Over,
}

impl AwsChunked {
    /// The next line without its end, once it is all there.
    fn line(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, CodingError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let (now, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
        self.line.extend_from_slice(now);
        *input = rest;
        if self.line.len() > LONGEST_LINE {
            return Err(CodingError::Malformed);
        }
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        if line.pop() == Some(b'\r') { Ok(Some(line)) } else { Err(CodingError::Malformed) }
    }

    fn size(&mut self, line: &[u8]) -> Result<Stage, CodingError> {
        let mut parts = line.split(|byte| *byte == b';');
        let digits = parts.next().unwrap_or_default();
        parts.for_each(|extension| self.tell(extension, b'='));
        let hex = !digits.is_empty() && digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit);
        let size = str::from_utf8(digits).ok().filter(|_| hex).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match size {
            None => Err(CodingError::Malformed),
            Some(0) => Ok(Stage::Trailers),
            Some(size) => Ok(Stage::Data(size)),
        }
    }

    /// A signature is what it says it is when it looks like one; anything else is text that somebody should see.
    fn tell(&mut self, text: &[u8], separator: u8) {
        let mut halves = text.splitn(2, |byte| *byte == separator);
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        let hex = value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit);
        if !(SIGNATURES.contains(&name) && hex) {
            self.asides.extend_from_slice(text);
            self.asides.push(b'\n');
        }
    }
}

impl Reader for AwsChunked {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        match self.stage {
            Stage::Data(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(room).min(input.len());
                let (now, rest) = input.split_at(most);
                out.extend_from_slice(now);
                *input = rest;
                let left = left - now.len() as u64;
                self.stage = if left == 0 { Stage::DataEnd } else { Stage::Data(left) };
            }
            Stage::Over if input.is_empty() => {}
            Stage::Over => return Err(CodingError::Malformed),
            Stage::Size | Stage::DataEnd | Stage::Trailers => {
                let Some(line) = self.line(input)? else { return Ok(()) };
                self.stage = match self.stage {
                    Stage::Size => self.size(&line)?,
                    Stage::DataEnd if line.is_empty() => Stage::Size,
                    Stage::Trailers if line.is_empty() => Stage::Over,
                    Stage::Trailers => {
                        self.tell(&line, b':');
                        Stage::Trailers
                    }
                    Stage::DataEnd | Stage::Data(_) | Stage::Over => return Err(CodingError::Malformed),
                };
            }
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), CodingError> {
        if self.stage == Stage::Over { Ok(()) } else { Err(CodingError::Truncated) }
    }

    fn asides(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.asides)
    }

    fn is_aside(&self) -> bool {
        self.stage == Stage::Trailers || self.stage == Stage::Size && !self.line.is_empty()
    }

    fn memory(&self, _given: u64) -> usize {
        self.line.capacity() + self.asides.capacity()
    }

    fn encoder(&self) -> Encoder {
        Encoder::aws_chunked()
    }
}

const SIGNATURES: [&[u8]; 2] = [b"chunk-signature", b"x-amz-trailer-signature"];
const LONGEST_LINE: usize = 4096;
