//! Whether a line is canonical JSON, seen in one pass and without taking it apart.
//!
//! The verifier asks this of every entry. [`canonical::check`](crate::canonical::check) answers by writing the line again, which is
//! plainly right and five times as slow; here the same rules are read off the bytes. A test holds the two together.

use crate::canonical::{EXACT, MAX_DEPTH};

/// `None` unless `line` is canonical; else what the object at its top has as `seq`, if that is a number from 0.
pub(crate) fn sequence(line: &[u8]) -> Option<Option<u64>> {
    let text = str::from_utf8(line).ok()?;
    let mut reader = Reader { rest: text.as_bytes(), seq: None };
    reader.value(0)?;
    reader.rest.is_empty().then_some(reader.seq)
}

struct Reader<'a> {
    rest: &'a [u8],
    seq: Option<u64>,
}

/// The text between the quotes of a name.
#[derive(Clone, Copy)]
struct Name<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Reader<'a> {
    /// Any value. Of a number from 0, the number.
    fn value(&mut self, depth: usize) -> Option<Option<u64>> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.rest.first()? {
            b'"' => {
                self.take(b"\"")?;
                self.string()?;
            }
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b't' => self.take(b"true")?,
            b'f' => self.take(b"false")?,
            b'n' => self.take(b"null")?,
            _ => return self.number(),
        }
        Some(None)
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// `-` only before something, no leading zero, and exact in every reader.
    fn number(&mut self) -> Option<Option<u64>> {
        let negative = self.take(b"-").is_some();
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if digits.is_empty() || length > DIGITS || (digits.first() == Some(&b'0') && (length > 1 || negative)) {
            return None;
        }
        let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        (number < EXACT).then_some((!negative).then_some(number))
    }

    /// From behind the opening quote to behind the closing one.
    fn string(&mut self) -> Option<Name<'a>> {
        let start = self.rest;
        let mut escaped = false;
        loop {
            let at = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0x00..=0x1f))?;
            let (_, found) = self.rest.split_at_checked(at)?;
            let (byte, after) = found.split_first()?;
            match byte {
                b'"' => {
                    self.rest = after;
                    let raw = start.get(..start.len() - found.len())?;
                    return Some(Name { raw, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.rest = behind_escape(after)?;
                }
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b"[")?;
        if self.take(b"]").is_some() {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b",").is_none() {
                return self.take(b"]");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.take(b"{")?;
        if self.take(b"}").is_some() {
            return Some(());
        }
        let mut before: Option<Name<'_>> = None;
        loop {
            self.take(b"\"")?;
            let name = self.string()?;
            if !before.is_none_or(|before| before.stands_before(name)) {
                return None;
            }
            before = Some(name);
            self.take(b":")?;
            let number = self.value(depth + 1)?;
            if depth == 0 && name.raw == b"seq" {
                self.seq = number;
            }
            if self.take(b",").is_none() {
                return self.take(b"}");
            }
        }
    }
}

impl Name<'_> {
    /// In the order of UTF-16 code units, and not the same.
    fn stands_before(self, other: Name<'_>) -> bool {
        if !self.escaped && !other.escaped && self.raw.is_ascii() && other.raw.is_ascii() {
            return self.raw < other.raw;
        }
        match (self.text(), other.text()) {
            (Some(left), Some(right)) => left.encode_utf16().lt(right.encode_utf16()),
            _ => false,
        }
    }

    fn text(self) -> Option<String> {
        serde_json::from_slice(&[b"\"", self.raw, b"\""].concat()).ok()
    }
}

/// What follows an escape of which `after` stands behind the backslash: only those the standard writes, and in its way.
fn behind_escape(after: &[u8]) -> Option<&[u8]> {
    let (byte, rest) = after.split_first()?;
    match byte {
        b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r' => Some(rest),
        b'u' => {
            let ([b'0', b'0', high, low], rest) = rest.split_first_chunk::<4>()? else { return None };
            let short = *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
            let control = matches!(high, b'0' | b'1') && matches!(low, b'0'..=b'9' | b'a'..=b'f');
            (control && !short).then_some(rest)
        }
        _ => None,
    }
}

/// As many digits as the largest exact number has.
const DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::sequence;
    use crate::canonical::{check, write};

    const EDGES: &[&str] = &[
        "",
        " ",
        "1",
        "-1",
        "-0",
        "0",
        "00",
        "01",
        "1.0",
        "1e3",
        "-",
        "9007199254740991",
        "9007199254740992",
        "-9007199254740991",
        "-9007199254740992",
        "18446744073709551615",
        "99999999999999999999",
        "true",
        "tru",
        "nullnull",
        "null ",
        "[]",
        "[ ]",
        "[1,]",
        "[,1]",
        "[1 ,2]",
        "{}",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{\"a\" :1}",
        "{a:1}",
        "{\"b\":1,\"a\":2}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"b\":2}",
        "{\"seq\":7}",
        "{\"seq\":-7}",
        "{\"seq\":\"7\"}",
        "{\"a\":{\"seq\":7}}",
        "{\"s\\u0065q\":7}",
        "[{\"seq\":7}]",
        "\"\\/\"",
        "\"\\u0041\"",
        "\"\\u001f\"",
        "\"\\u001F\"",
        "\"\\u0008\"",
        "\"\\b\"",
        "\"\\u007f\"",
        "\"\\u0020\"",
        "\"\\ud83d\\ude00\"",
        "\"\u{7f}\"",
        "\"\t\"",
        "\"\\",
        "\"",
        "\"\\x\"",
        "\"\\u00\"",
        "{\"\u{e000}\":1,\"\u{1f600}\":2}",
        "{\"\u{1f600}\":1,\"\u{e000}\":2}",
        "{\"\\n\":1,\"a\":2}",
        "{\"a\":1,\"\\n\":2}",
        "{\"\\n\":1,\"\\r\":2}",
    ];

    /// What the slow way says.
    fn plainly(line: &[u8]) -> Option<Option<u64>> {
        check(line).ok().map(|value| value.get("seq").and_then(Value::as_u64))
    }

    #[test]
    fn both_ways_say_the_same_of_what_is_near_the_edge() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let mut lines: Vec<String> = EDGES.iter().map(|line| (*line).to_owned()).collect();
        lines.extend([31, 32, 33, 34, 40, 127, 200].map(deep));
        for line in &lines {
            assert_eq!(sequence(line.as_bytes()), plainly(line.as_bytes()), "{line}");
        }
        assert_eq!(sequence(b"\"\xff\""), None);
        assert_eq!(sequence(b"{\"seq\":7}"), Some(Some(7)));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let name = prop_oneof![Just("seq".to_owned()), "[a-c]{0,2}", "\\PC{0,3}", any::<String>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (0_u64..1 << 54).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn both_ways_say_the_same(value in any_value(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let mut line = Vec::new();
            if write(&value, &mut line).is_err() {
                line = value.to_string().into_bytes();
            }
            prop_assert_eq!(sequence(&line), plainly(&line));
            // And of what is nearly that.
            let at = at.index(line.len());
            let mut touched = line.clone();
            touched[at] = with;
            prop_assert_eq!(sequence(&touched), plainly(&touched));
            touched[at] = b"\"\\{}[],:01eu "[usize::from(with) % 13];
            prop_assert_eq!(sequence(&touched), plainly(&touched));
            line.remove(at);
            prop_assert_eq!(sequence(&line), plainly(&line));
        }
    }
}
