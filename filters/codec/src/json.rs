//! JSON (RFC 8259) as flat pairs: one pass, no tree, nothing guessed.

use std::collections::HashSet;
use std::ops::Range;

use crate::{Ambiguity, FieldError, Flat, Limits};

/// Reads one JSON text. A string that is spelled like a word of JSON (`"true"`) keeps its quotes.
///
/// # Errors
///
/// [`FieldError`] when it is not JSON, not text, or exceeds the limits.
pub fn flatten(bytes: &[u8], limits: &Limits) -> Result<Flat, FieldError> {
    let mut flat = Flat::default();
    flatten_into("", bytes, limits, &mut flat)?;
    Ok(flat)
}

/// As [`flatten`], with where in `bytes` the value of each pair is written, its quotes included.
///
/// # Errors
///
/// As [`flatten`].
pub fn flatten_with_places(bytes: &[u8], limits: &Limits) -> Result<(Flat, Vec<Range<usize>>), FieldError> {
    let (mut flat, mut places) = (Flat::default(), Vec::new());
    read("", bytes, limits, (&mut flat, Some(&mut places)))?;
    Ok((flat, places))
}

pub(crate) fn flatten_into(prefix: &str, bytes: &[u8], limits: &Limits, flat: &mut Flat) -> Result<(), FieldError> {
    read(prefix, bytes, limits, (flat, None))
}

type Into<'a> = (&'a mut Flat, Option<&'a mut Vec<Range<usize>>>);

fn read(prefix: &str, bytes: &[u8], limits: &Limits, (flat, places): Into<'_>) -> Result<(), FieldError> {
    let text = std::str::from_utf8(bytes).map_err(|_not_text| FieldError::NotText)?;
    let body = text.strip_prefix('\u{feff}');
    if body.is_some() {
        flat.doubt(Ambiguity::ByteOrderMark);
    }
    let mut reader = Reader {
        rest: body.unwrap_or(text),
        whole: bytes.len(),
        path: prefix.to_owned(),
        depth: 0,
        limits,
        flat,
        places,
    };
    reader.value()?;
    reader.space();
    if reader.rest.is_empty() { Ok(()) } else { Err(reader.malformed()) }
}

struct Reader<'a> {
    rest: &'a str,
    whole: usize,
    path: String,
    depth: usize,
    limits: &'a Limits,
    flat: &'a mut Flat,
    places: Option<&'a mut Vec<Range<usize>>>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<(), FieldError> {
        self.space();
        let (start, pairs) = (self.at(), self.flat.pairs.len());
        self.value_here()?;
        let end = self.at();
        // A container has pushed its own pairs, each with its place.
        if let Some(places) = self.places.as_mut().filter(|places| places.len() == pairs)
            && self.flat.pairs.len() > pairs
        {
            places.push(start..end);
        }
        Ok(())
    }

    fn value_here(&mut self) -> Result<(), FieldError> {
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                let text = self.string()?;
                // A reader may take `"true"` for a text, and so for no flag at all.
                let quoted = matches!(text.as_str(), "true" | "false" | "null");
                self.leaf(if quoted { format!("\"{text}\"") } else { text })
            }
            Some(_) => self.word(),
            None => Err(self.malformed()),
        }
    }

    fn object(&mut self) -> Result<(), FieldError> {
        self.enter()?;
        let mut seen = HashSet::new();
        let mut first = true;
        while !self.ends('}', first)? {
            first = false;
            self.space();
            let name = self.string()?;
            if name.is_empty() || name.contains('.') {
                self.flat.doubt(Ambiguity::Path);
            }
            self.space();
            self.expect(':')?;
            let parent = self.path.len();
            self.descend(&name);
            // A second spelling of a name in other case is no duplicate to JSON, but it is to readers that fold case.
            if !seen.insert(name.to_lowercase()) {
                self.flat.doubt(Ambiguity::Duplicate);
            }
            self.value()?;
            self.path.truncate(parent);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn array(&mut self) -> Result<(), FieldError> {
        self.enter()?;
        let mut index = 0_usize;
        while !self.ends(']', index == 0)? {
            let parent = self.path.len();
            self.descend(&index.to_string());
            self.value()?;
            self.path.truncate(parent);
            index = index.saturating_add(1);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn enter(&mut self) -> Result<(), FieldError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.limits.depth {
            return Err(FieldError::TooDeep);
        }
        self.skip(1);
        Ok(())
    }

    fn descend(&mut self, name: &str) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    /// Whether a container ends here; if it does not, the comma before its next member is taken.
    fn ends(&mut self, close: char, first: bool) -> Result<bool, FieldError> {
        self.space();
        if let Some(rest) = self.rest.strip_prefix(close) {
            self.rest = rest;
            return Ok(true);
        }
        if !first {
            self.expect(',')?;
        }
        Ok(false)
    }

    fn leaf(&mut self, value: String) -> Result<(), FieldError> {
        self.flat.push(self.path.clone(), value, self.limits)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), FieldError> {
        let end = self.rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
        let (word, _) = self.rest.split_at_checked(end).ok_or_else(|| self.malformed())?;
        let word = word.to_owned();
        if !matches!(word.as_str(), "true" | "false" | "null") {
            match number(&word) {
                Number::Plain => {}
                Number::Odd => self.flat.doubt(Ambiguity::Number),
                Number::Not => return Err(self.malformed()),
            }
        }
        self.skip(end);
        self.leaf(word)
    }

    fn string(&mut self) -> Result<String, FieldError> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let plain = memchr::memchr2(b'"', b'\\', self.rest.as_bytes()).ok_or_else(|| self.malformed())?;
            let (before, _) = self.rest.split_at_checked(plain).ok_or_else(|| self.malformed())?;
            if before.bytes().fold(false, |odd, byte| odd | (byte < b' ')) {
                return Err(self.malformed());
            }
            text.push_str(before);
            self.skip(plain);
            if let Some(rest) = self.rest.strip_prefix('"') {
                self.rest = rest;
                return Ok(text);
            }
            self.skip(1);
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, FieldError> {
        let kind = self.rest.as_bytes().first().copied().ok_or_else(|| self.malformed())?;
        let plain = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.skip(1);
                return self.unicode();
            }
            _ => return Err(self.malformed()),
        };
        self.skip(1);
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, FieldError> {
        let high = self.hex4()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.malformed());
        }
        self.expect('\\')?;
        self.expect('u')?;
        let low = self.hex4()?;
        let pair = low.checked_sub(0xDC00).filter(|low| *low < 0x400).map(|low| 0x10000 + ((high & 0x3FF) << 10) + low);
        pair.and_then(char::from_u32).ok_or_else(|| self.malformed())
    }

    fn hex4(&mut self) -> Result<u32, FieldError> {
        let (digits, _) = self.rest.split_at_checked(4).ok_or_else(|| self.malformed())?;
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| all_hex).ok_or_else(|| self.malformed())?;
        self.skip(4);
        Ok(value)
    }

    fn expect(&mut self, wanted: char) -> Result<(), FieldError> {
        self.rest = self.rest.strip_prefix(wanted).ok_or_else(|| self.malformed())?;
        Ok(())
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.split_at_checked(bytes).map_or("", |(_, rest)| rest);
    }

    const fn malformed(&self) -> FieldError {
        FieldError::Malformed(self.at())
    }

    /// How many bytes have been read.
    const fn at(&self) -> usize {
        self.whole.saturating_sub(self.rest.len())
    }
}

enum Number {
    Plain,
    Odd,
    Not,
}

/// RFC 8259 numbers; those that are not `-?digits(.digits)?` of at most 17 digits differ from reader to reader.
fn number(word: &str) -> Number {
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || leading_zero || !fraction.is_none_or(digits) || !exponent.is_none_or(digits) {
        return Number::Not;
    }
    let long = mantissa.len() > MAX_DIGITS;
    if exponent.is_some() || long || (word.starts_with('-') && mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.')))
    {
        return Number::Odd;
    }
    Number::Plain
}

/// Sign and point aside, what an IEEE 754 double keeps, and 64-bit order ids on top.
const MAX_DIGITS: usize = 20;

#[cfg(test)]
mod tests;
