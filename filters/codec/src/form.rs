//! `application/x-www-form-urlencoded` and query strings, as the WHATWG URL standard reads them, strictly.

use std::collections::HashSet;

use crate::{Ambiguity, FieldError, Flat, Limits, json};

/// Reads pairs. A value that is a JSON object or array is read in its stead, under its name: `batchOrders.0.side`.
///
/// # Errors
///
/// [`FieldError`] when it is not text or exceeds the limits.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Flat, FieldError> {
    let mut flat = Flat::default();
    let mut seen = HashSet::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default(), &mut flat)?;
        let value = decode(halves.next().unwrap_or_default(), &mut flat)?;
        if !seen.insert(name.clone()) {
            flat.doubt(Ambiguity::Duplicate);
        }
        if name.is_empty() || name.contains('.') {
            flat.doubt(Ambiguity::Path);
        }
        // `orders[]=a&orders[]=b` and `orders[0]=a`: some servers read these as lists.
        if name.contains('[') {
            flat.doubt(Ambiguity::Path);
        }
        if value.starts_with(['{', '[']) {
            json::flatten_into(&name, value.as_bytes(), limits, &mut flat)?;
        } else {
            flat.push(name, value, limits)?;
        }
    }
    Ok(flat)
}

fn decode(text: &[u8], flat: &mut Flat) -> Result<String, FieldError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                if let [high, low, after @ ..] = rest
                    && let (Some(high), Some(low)) = (digit(*high), digit(*low))
                {
                    bytes.push(high << 4 | low);
                    rest = after;
                } else {
                    flat.doubt(Ambiguity::Percent);
                    bytes.push(b'%');
                }
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_not_text| FieldError::NotText)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::{Ambiguity, FieldError, Limits};

    const LIMITS: Limits = Limits { depth: 4, pairs: 8 };

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes(), &LIMITS).unwrap().pairs
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        assert_eq!(pairs("a=1&b=x%20y&c&d="), owned(&[("a", "1"), ("b", "x y"), ("c", ""), ("d", "")]));
        assert_eq!(pairs(""), owned(&[]));
    }

    #[test]
    fn json_in_a_field_is_read_too() {
        let read = pairs("batch=%5B%7B%22side%22%3A%22BUY%22%7D%5D");
        assert_eq!(read, owned(&[("batch.0.side", "BUY")]));
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_said() {
        for (text, ambiguity) in [
            ("a=1&a=2", Ambiguity::Duplicate),
            ("a=1&%61=2", Ambiguity::Duplicate),
            ("a.b=1", Ambiguity::Path),
            ("a[]=1", Ambiguity::Path),
            ("=1", Ambiguity::Path),
            ("a=%zz", Ambiguity::Percent),
            ("a=1+", Ambiguity::Space),
            ("a=1%00", Ambiguity::Space),
            ("o=%7B%22a%22:1,%22a%22:2%7D", Ambiguity::Duplicate),
        ] {
            assert_eq!(parse(text.as_bytes(), &LIMITS).unwrap().ambiguity, Some(ambiguity), "{text}");
        }
        assert_eq!(parse(b"a=1&b=2", &LIMITS).unwrap().ambiguity, None);
    }

    #[test]
    fn limits_hold() {
        assert_eq!(parse(b"a&b&c&d&e&f&g&h&i", &LIMITS), Err(FieldError::TooMany));
        assert_eq!(parse(b"a=%ff", &LIMITS), Err(FieldError::NotText));
    }
}
