//! Where JSON values end, without reading what they say.

use super::FramingError;

/// Goes over a text of JSON values one after the other, and tells where each ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) at: usize,
    depth: usize,
    inside: Inside,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    Text,
    /// Behind a backslash.
    Escape,
    /// A number or a word.
    Word,
}

impl Ends {
    /// The end of the next value at the outermost level, or none when it is not all there. White space belongs to what follows it.
    pub(super) fn next(&mut self, held: &[u8], ended: bool, most: usize) -> Result<Option<usize>, FramingError> {
        while let Some(byte) = held.get(self.at) {
            let word_ends = self.inside == Inside::Word && is_outside(*byte);
            if word_ends {
                self.inside = Inside::Nothing;
                if self.depth == 0 {
                    return Ok(Some(self.at));
                }
            }
            self.at += 1;
            if self.step(*byte, most)? {
                return Ok(Some(self.at));
            }
        }
        let word = ended && self.inside == Inside::Word && self.depth == 0;
        if word {
            self.inside = Inside::Nothing;
        }
        Ok(word.then_some(self.at))
    }

    /// Whether a value ends behind `byte`.
    fn step(&mut self, byte: u8, most: usize) -> Result<bool, FramingError> {
        match (self.inside, byte) {
            (Inside::Text, b'"') => {
                self.inside = Inside::Nothing;
                return Ok(self.depth == 0);
            }
            (Inside::Text, b'\\') => self.inside = Inside::Escape,
            (Inside::Escape, _) => self.inside = Inside::Text,
            (Inside::Text | Inside::Word, _) => {}
            (Inside::Nothing, b'"') => self.inside = Inside::Text,
            (Inside::Nothing, b'{' | b'[') => {
                self.depth += 1;
                if self.depth > most {
                    return Err(FramingError::TooDeep);
                }
            }
            (Inside::Nothing, b'}' | b']') => {
                self.depth = self.depth.checked_sub(1).ok_or(FramingError::Malformed)?;
                return Ok(self.depth == 0);
            }
            (Inside::Nothing, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') => {}
            (Inside::Nothing, _) => self.inside = Inside::Word,
        }
        Ok(false)
    }

    /// Whether it stands between two values.
    pub(super) fn is_between(&self) -> bool {
        self.depth == 0 && self.inside == Inside::Nothing
    }

    pub(super) fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }
}

fn is_outside(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']')
}
