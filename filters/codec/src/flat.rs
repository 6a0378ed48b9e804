//! A message as flat pairs.

/// The fields of a message in the order written. Names are paths: `legs.0.reduceOnly`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat {
    /// Name and value. Strings are unescaped; numbers, `true`, `false` and `null` are spelled as written, and a
    /// JSON string that is spelled like one of these words keeps its quotes.
    pub pairs: Vec<(String, String)>,
    /// The first thing in it that two readers could read in two ways.
    pub ambiguity: Option<Ambiguity>,
}

/// What two readers could read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// A name occurs twice: some readers keep the first value, some the last.
    #[error("a field occurs twice")]
    Duplicate,
    /// A name holds a dot or is empty, so two paths could be spelled alike.
    #[error("a field name can be taken for a path")]
    Path,
    /// A byte order mark stands before the message.
    #[error("a byte order mark stands before the message")]
    ByteOrderMark,
    /// A number that readers of other widths round or refuse: not a plain decimal.
    #[error("a number is not a plain decimal")]
    Number,
    /// A name or a value begins or ends with white space or holds a control character.
    #[error("a name or a value has white space around it or a control character in it")]
    Space,
    /// A percent escape is not followed by two hex digits.
    #[error("a percent escape is incomplete")]
    Percent,
}

/// A message that cannot be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not the format it should be.
    #[error("not well-formed at byte {0}")]
    Malformed(usize),
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotText,
    /// Nested deeper than [`Limits::depth`].
    #[error("nested too deeply")]
    TooDeep,
    /// More fields than [`Limits::pairs`].
    #[error("too many fields")]
    TooMany,
}

/// How much of a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of JSON, in containers. 1 and more.
    pub depth: usize,
    /// Most pairs of one message.
    pub pairs: usize,
}

impl Flat {
    pub(crate) fn push(&mut self, name: String, value: String, limits: &Limits) -> Result<(), FieldError> {
        if self.pairs.len() >= limits.pairs {
            return Err(FieldError::TooMany);
        }
        if is_padded(&name) || is_padded(&value) {
            self.doubt(Ambiguity::Space);
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// The first doubt is the one that is told.
    pub(crate) fn doubt(&mut self, ambiguity: Ambiguity) {
        self.ambiguity.get_or_insert(ambiguity);
    }
}

/// Whether some reader may trim it, or end it early, and find another text.
fn is_padded(text: &str) -> bool {
    // Almost all text is ASCII, and is looked at without being taken apart.
    if text.is_ascii() {
        let odd = text.bytes().fold(false, |odd, byte| odd | (byte < b' ') | (byte == 0x7F));
        return odd || text.starts_with(' ') || text.ends_with(' ');
    }
    text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) || text.contains(control)
}

fn control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::{control, is_padded};

    #[test]
    fn what_a_reader_may_trim_or_end_early_is_padded_wherever_it_stands() {
        for c in (0..0x3000).filter_map(char::from_u32).chain(['\u{feff}', 'ｄ', '𝒅']) {
            let edge = c.is_whitespace() || control(c);
            assert_eq!(is_padded(&format!("{c}side")), edge, "{c:?} first");
            assert_eq!(is_padded(&format!("side{c}")), edge, "{c:?} last");
            assert_eq!(is_padded(&format!("si{c}de")), control(c), "{c:?} within");
        }
        assert!(!is_padded("") && !is_padded("BUY"));
    }
}
