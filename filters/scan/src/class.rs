//! Byte classes: one table, one bit a class.

/// A set of bytes, as bits into [`TABLE`].
pub(crate) type Class = u32;

pub(crate) const DIGIT: Class = 1;
pub(crate) const LOWER: Class = 1 << 1;
pub(crate) const UPPER: Class = 1 << 2;
pub(crate) const HEX_LOWER: Class = 1 << 3;
pub(crate) const HEX_UPPER: Class = 1 << 4;
pub(crate) const B32: Class = 1 << 5;
pub(crate) const B58: Class = 1 << 6;
pub(crate) const UNDERSCORE: Class = 1 << 7;
pub(crate) const DASH: Class = 1 << 8;
pub(crate) const B64_MARKS: Class = 1 << 9;
pub(crate) const EQUALS: Class = 1 << 10;
pub(crate) const DOT: Class = 1 << 11;
pub(crate) const TILDE: Class = 1 << 12;
pub(crate) const SPACE: Class = 1 << 13;
pub(crate) const QUOTE: Class = 1 << 14;
pub(crate) const VISIBLE: Class = 1 << 15;
pub(crate) const BRACKET: Class = 1 << 16;
pub(crate) const PERCENT: Class = 1 << 17;
pub(crate) const HIGH: Class = 1 << 18;
/// What a JSON-held PEM body is written with besides base64: escapes, headers.
pub(crate) const SLASH: Class = 1 << 19;

/// What hashes of passwords are written with besides base64.
pub(crate) const CRYPT: Class = 1 << 20;
/// `*`
pub(crate) const STAR: Class = 1 << 21;

pub(crate) const LETTER: Class = LOWER | UPPER;
pub(crate) const ALNUM: Class = LETTER | DIGIT;
pub(crate) const B64: Class = ALNUM | B64_MARKS;
pub(crate) const B64U: Class = ALNUM | UNDERSCORE | DASH;
pub(crate) const WORD: Class = ALNUM | UNDERSCORE;
/// RFC 6750 token68.
pub(crate) const TOKEN68: Class = ALNUM | DASH | DOT | UNDERSCORE | TILDE | B64_MARKS | EQUALS;
/// What a field name outside quotes is made of.
pub(crate) const NAME: Class = WORD | DASH | DOT;
/// What names of hosts and ids are made of.
pub(crate) const HOST: Class = ALNUM | DASH | DOT;
/// Bytes a bare word may hold: printable or high, no quote, no space.
pub(crate) const BARE: Class = VISIBLE | HIGH;

static TABLE: [Class; 256] = table();

/// Whether `byte` is in any class of `set`.
#[inline]
pub(crate) fn is(byte: u8, set: Class) -> bool {
    TABLE.get(usize::from(byte)).is_some_and(|bits| bits & set != 0)
}

/// The class a pack names.
pub(crate) fn named(name: &str) -> Option<Class> {
    let place = NAMES.iter().position(|known| *known == name)?;
    CLASSES.get(place).copied()
}

/// The names of the classes, as packs write them.
pub(crate) const NAMES: [&str; 25] = [
    "digit", "lower", "upper", "letter", "alnum", "uppernum", "lowernum", "word", "hex", "HEX", "anyhex", "uuid",
    "b32", "b58", "b64", "b64p", "b64u", "b64up", "token68", "path", "visible", "crypt", "number", "spaced", "host",
];

const CLASSES: [Class; 25] = [
    DIGIT,
    LOWER,
    UPPER,
    LETTER,
    ALNUM,
    UPPER | DIGIT,
    LOWER | DIGIT,
    WORD,
    HEX_LOWER,
    HEX_UPPER,
    HEX_LOWER | HEX_UPPER,
    HEX_LOWER | HEX_UPPER | DASH,
    B32,
    B58,
    B64,
    B64 | EQUALS,
    B64U,
    B64U | EQUALS,
    TOKEN68,
    B64U | DOT | B64_MARKS,
    VISIBLE,
    CRYPT | B64U | DOT | B64_MARKS | EQUALS,
    DIGIT | DASH | SPACE | B64_MARKS,
    UPPER | DIGIT | SPACE | B64_MARKS,
    HOST,
];

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "const evaluation: the index runs 0..256, checked by the compiler"
)]
const fn table() -> [Class; 256] {
    let mut bits = [0; 256];
    let mut at = 0;
    while at < 256 {
        bits[at] = of(at as u8);
        at += 1;
    }
    bits
}

const fn of(byte: u8) -> Class {
    let mut bits = match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'z' => LOWER,
        b'A'..=b'Z' => UPPER,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'+' | b'/' => B64_MARKS,
        b'=' => EQUALS,
        b'.' => DOT,
        b'~' => TILDE,
        b' ' | b'\t' | b'\r' | b'\n' => SPACE,
        b'"' | b'\'' | b'`' => QUOTE,
        b'[' | b']' | b'{' | b'}' | b'(' | b')' => BRACKET,
        b'%' => PERCENT,
        b'\\' => SLASH,
        b'$' | b',' | b':' => CRYPT,
        b'*' => STAR,
        0x80..=0xff => HIGH,
        _ => 0,
    };
    if matches!(byte, b'0'..=b'9' | b'a'..=b'f') {
        bits |= HEX_LOWER;
    }
    if matches!(byte, b'0'..=b'9' | b'A'..=b'F') {
        bits |= HEX_UPPER;
    }
    if matches!(byte, b'2'..=b'7' | b'A'..=b'Z') {
        bits |= B32;
    }
    if matches!(byte, b'1'..=b'9' | b'a'..=b'k' | b'm'..=b'z' | b'A'..=b'H' | b'J'..=b'N' | b'P'..=b'Z') {
        bits |= B58;
    }
    if matches!(byte, 0x21..=0x7e) && byte != b'"' && byte != b'\'' && byte != b'`' {
        bits |= VISIBLE;
    }
    bits
}
