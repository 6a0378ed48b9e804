use super::super::varint::{self, Field, Fields, Value, is_message};
use super::super::{FramingError, Place, Rewrite, Step, Texts};
use super::otlp::{ANY_VALUE, NOTHING, PAIR};

/// What is known of a message: its fields that hold texts, or messages that do.
#[derive(Debug)]
pub(super) struct Message(pub(super) &'static [Known]);

/// A field that is known: its number, its name, what it holds.
#[derive(Debug)]
pub(super) struct Known(pub(super) u32, pub(super) &'static str, pub(super) Holds);

#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    Text,
    /// A binary id of this many bytes, or a text.
    Id(usize),
    /// Numbers, which say nothing.
    Numbers,
    Message(&'static Message),
    Record(&'static Message),
    /// A message of a name (1) and a value (2): the value stands under the name.
    Pair(&'static Message),
    /// The name of a pair.
    Key,
    /// An `AnyValue`.
    Value,
    /// A scalar of an `AnyValue`: where a text has to stand instead, it becomes its `string_value`.
    Bool,
    Int,
    Double,
}

pub(super) struct Walker<'m, 't> {
    texts: &'t mut dyn Texts,
    path: Vec<Step<'m>>,
    /// How many levels more there may be.
    depth: usize,
}

type Changed = Result<Option<Vec<u8>>, FramingError>;

impl<'m, 't> Walker<'m, 't> {
    pub(super) fn new(texts: &'t mut dyn Texts, depth: usize) -> Self {
        Self { texts, path: Vec::new(), depth }
    }

    pub(super) fn message(&mut self, message: &'m [u8], known: &'static Message) -> Changed {
        self.depth = self.depth.checked_sub(1).ok_or(FramingError::TooDeep)?;
        let mut rewrite = Rewrite::new(message);
        let mut fields = Fields::of(message);
        let mut groups = Vec::new();
        while let Some(field) = fields.next() {
            let field = field?;
            match field.value {
                Value::GroupStart => groups.push(field.number),
                Value::GroupEnd if groups.pop() == Some(field.number) => {}
                Value::GroupEnd => return Err(FramingError::Malformed),
                Value::Varint(_) | Value::Fixed64(_) | Value::Fixed32 | Value::Bytes(_) => {
                    // Within a group the numbers are those of another message.
                    let known = if groups.is_empty() { known } else { &NOTHING };
                    self.field(field, known, &mut rewrite)?;
                }
            }
        }
        self.depth += 1;
        if groups.is_empty() { Ok(rewrite.finish()) } else { Err(FramingError::Truncated) }
    }

    fn field(
        &mut self,
        field: Field<'m>,
        known: &'static Message,
        rewrite: &mut Rewrite<'m>,
    ) -> Result<(), FramingError> {
        let found = known.0.iter().find(|known| known.0 == field.number);
        let step = found.map_or(Step::Number(field.number), |known| Step::Field(known.1));
        let Value::Bytes(bytes) = field.value else {
            if let Some(text) = found.and_then(|known| self.scalar(known.2, field.value)) {
                rewrite.replace(field.start, field.end, &[&varint::head(STRING_VALUE, text.len()), &text]);
            }
            return Ok(());
        };
        self.path.push(step);
        let holds = found.map(|known| known.2);
        let record = matches!(holds, Some(Holds::Record(_)));
        if record {
            self.texts.enter();
        }
        let changed = self.bytes(bytes, holds)?;
        self.path.pop();
        if record && !self.texts.leave() {
            rewrite.replace(field.start, field.end, &[]);
        } else if let Some(changed) = changed {
            rewrite.replace(field.start, field.end, &[&varint::head(field.number, changed.len()), &changed]);
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &'m [u8], holds: Option<Holds>) -> Changed {
        match holds {
            None => self.guess(bytes),
            // What reads as a text is one, whatever it should be; it keeps its length.
            Some(Holds::Id(length)) if bytes.len() == length => Ok(self.odd(bytes)),
            Some(Holds::Numbers) => Ok(self.odd(bytes)),
            Some(Holds::Text | Holds::Id(_)) => Ok(self.text(bytes, false)),
            Some(Holds::Message(known) | Holds::Record(known)) => self.message(bytes, known),
            Some(Holds::Value) => self.message(bytes, &ANY_VALUE),
            Some(Holds::Pair(known)) => {
                self.path.push(Step::Name(key_of(bytes)?));
                let changed = self.message(bytes, known);
                self.path.pop();
                changed
            }
            Some(Holds::Key) => Ok(self.key(bytes)),
            // A scalar in the wire form of something else.
            Some(Holds::Bool | Holds::Int | Holds::Double) => self.guess(bytes),
        }
    }

    /// A name does not stand under itself.
    fn key(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let own = self.path.iter().rposition(|step| matches!(step, Step::Name(_)))?;
        let step = self.path.remove(own);
        let changed = self.text(bytes, false);
        self.path.insert(own, step);
        changed
    }

    fn text(&mut self, text: &[u8], fixed: bool) -> Option<Vec<u8>> {
        if text.is_empty() {
            return None;
        }
        let instead = self.texts.text(&Place { path: &self.path, fixed }, text)?;
        let fits = !fixed || instead.len() == text.len();
        debug_assert!(fits, "what must be as long as it was is not");
        fits.then_some(instead)
    }

    /// What should hold no text.
    fn odd(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if is_text(bytes) { self.text(bytes, true) } else { None }
    }

    fn scalar(&mut self, holds: Holds, value: Value<'_>) -> Option<Vec<u8>> {
        if !self.path.iter().any(|step| matches!(step, Step::Name(_))) {
            return None;
        }
        let written = match (holds, value) {
            (Holds::Bool, Value::Varint(value)) => if value == 0 { "false" } else { "true" }.to_owned(),
            (Holds::Int, Value::Varint(value)) => value.cast_signed().to_string(),
            (Holds::Double, Value::Fixed64(bytes)) => f64::from_le_bytes(bytes).to_string(),
            _ => return None,
        };
        self.texts.number(&Place { path: &self.path, fixed: false }, &written)
    }

    /// A field nobody knows: a text, a message, or neither.
    fn guess(&mut self, bytes: &'m [u8]) -> Changed {
        let message = self.depth > 1 && is_message(bytes);
        if !message {
            return Ok(self.text(bytes, !is_text(bytes)));
        }
        if is_text(bytes) {
            let changed = self.text(bytes, true);
            if changed.is_some() {
                return Ok(changed);
            }
        }
        self.message(bytes, &NOTHING)
    }
}

/// The last of the keys, which is the one that counts.
fn key_of(pair: &[u8]) -> Result<&[u8], FramingError> {
    let mut fields = Fields::of(pair);
    let mut key: &[u8] = b"";
    while let Some(field) = fields.next() {
        if let Field { number: 1, value: Value::Bytes(bytes), .. } = field? {
            key = bytes;
        }
    }
    Ok(key)
}

/// UTF-8 without controls but those of a text.
fn is_text(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| *byte >= b' ' && *byte != 0x7F || matches!(byte, b'\t' | b'\n' | b'\r' | 0x1B);
    bytes.iter().all(plain) && str::from_utf8(bytes).is_ok()
}

/// The number of an `AnyValue`'s `string_value`.
const STRING_VALUE: u32 = 1;

/// `PAIR` is what most pairs are.
pub(super) const fn pair() -> Holds {
    Holds::Pair(&PAIR)
}
