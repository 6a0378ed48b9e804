//! The plain spellings of a needle: what its windows are taken from.

use base64::Engine;
use zeroize::Zeroizing;

use super::known::Needle;
use super::spelling::Alphabet;

/// A spelling of a needle, and where each of its bytes begins: what the windows are taken from.
pub(super) struct Form {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) places: Vec<usize>,
}

impl Form {
    fn of(needle: &[u8], spell: impl Fn(usize, u8) -> Vec<u8>) -> Self {
        let mut form = Self { bytes: Zeroizing::default(), places: Vec::new() };
        for (index, byte) in needle.iter().enumerate() {
            let spelled = spell(index, *byte);
            form.places.push(form.bytes.len());
            form.bytes.extend(spelled);
        }
        form
    }
}

/// The spellings that serialisers give a whole value. Mixtures of them share some window with one, or hold escapes that are decoded.
pub(super) fn forms(needle: &Needle) -> Vec<Form> {
    let mut forms = vec![Form::of(&needle.bytes, |_, byte| vec![byte])];
    match needle.alphabet {
        Alphabet::Text => {
            let spellings: [fn(u8) -> Vec<u8>; 10] = [
                |byte| json(&[byte], false, false, false),
                |byte| json(&[byte], false, true, false),
                |byte| json(&[byte], false, true, true),
                |byte| json(&json(&[byte], false, false, false), false, false, false),
                |byte| json(&json(&json(&[byte], false, false, false), false, false, false), false, false, false),
                |byte| percent(&[byte], false, false),
                |byte| percent(&percent(&[byte], false, false), false, false),
                html,
                |byte| if byte == b'\'' { b"&apos;".to_vec() } else { html(byte) },
                |byte| if matches!(byte, b'"' | b'\'') { vec![byte, byte] } else { vec![byte] },
            ];
            for spell in spellings {
                forms.push(Form::of(&needle.bytes, |_, byte| spell(byte)));
            }
            forms.push(Form::of(&needle.bytes, |_, byte| percent(&[byte], false, true)));
            for quote in [b'"', b'\''] {
                forms.push(Form::of(&needle.bytes, |_, byte| vec![byte; if byte == quote { 2 } else { 1 }]));
            }
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("%{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("%25{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("&#{byte};"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("&#x{byte:x};"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("\\u00{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| if byte == b'\'' { SHELL.to_vec() } else { vec![byte] }));
        }
        Alphabet::Hex => {
            for separator in [":", " ", "-", ",", ", ", "\\x", "%", ", 0x", ",0x"] {
                forms.push(Form::of(&needle.bytes, |index, byte| {
                    let before = if index % 2 == 0 && index > 0 { separator.as_bytes() } else { b"" };
                    [before, &[byte]].concat()
                }));
            }
        }
        Alphabet::Base64 => forms.push(Form::of(&needle.bytes, |_, byte| match byte {
            b'+' => vec![b'-'],
            b'/' => vec![b'_'],
            _ => vec![byte],
        })),
    }
    forms.sort_by(|one, other| one.bytes.cmp(&other.bytes));
    forms.dedup_by(|one, other| one.bytes == other.bytes);
    forms
}

/// Marks by number, letters and digits as they are.
fn numbered(byte: u8, spell: impl Fn(u8) -> String) -> Vec<u8> {
    if byte.is_ascii_alphanumeric() { vec![byte] } else { spell(byte).into_bytes() }
}

fn html(byte: u8) -> Vec<u8> {
    match byte {
        b'"' => b"&quot;".to_vec(),
        b'\'' => b"&#39;".to_vec(),
        b'&' => b"&amp;".to_vec(),
        b'<' => b"&lt;".to_vec(),
        b'>' => b"&gt;".to_vec(),
        _ => vec![byte],
    }
}

/// The characters of the base64 text that depend on the value alone, when `skip` bytes stand before it in its group of three.
pub(super) fn base64_core(value: &[u8], skip: usize, engine: &impl Engine) -> Vec<u8> {
    let mut padded = vec![0; skip];
    padded.extend_from_slice(value);
    let text = engine.encode(&padded);
    let first = (skip * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    text.as_bytes().get(first..last).unwrap_or_default().to_vec()
}

fn percent(value: &[u8], upper: bool, all: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if plain && !all {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(digits(*byte, upper));
        }
    }
    out
}

fn json(value: &[u8], upper: bool, slash: bool, html: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'/' if slash => out.extend(b"\\/"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            b'<' | b'>' | b'&' | b'\'' if html => {
                out.extend(b"\\u00");
                out.extend(digits(*byte, upper));
            }
            0..=0x1f => {
                out.extend(b"\\u00");
                out.extend(digits(*byte, upper));
            }
            _ => out.push(*byte),
        }
    }
    out
}

pub(super) fn digits(byte: u8, upper: bool) -> [u8; 2] {
    let digit = |nibble: u8| match (nibble, upper) {
        (0..=9, _) => b'0' + nibble,
        (_, true) => b'A' + nibble - 10,
        (_, false) => b'a' + nibble - 10,
    };
    [digit(byte >> 4), digit(byte & 15)]
}

/// A quote within quotes.
const SHELL: &[u8] = b"'\\''";
