//! What stands where a secret could and only speaks of one: code that fetches it, types, addresses of vaults, other people's masks.

use super::plain::is_word;
use crate::class;

/// Whether a bare `value` is not a secret but how to get one, or what kind of thing one is.
pub(super) fn refers(value: &[u8]) -> bool {
    let bare_mark =
        value.len() <= 3 && !value.iter().any(|byte| class::is(*byte, class::DIGIT | class::UPPER | class::HIGH));
    let verb = bare_mark && matches!(value.first(), Some(b'%' | b'~' | b'-' | b'[' | b'{' | b')'));
    verb || ADDRESSES.iter().any(|prefix| value.starts_with(prefix))
        || TYPES.contains(&trimmed(value))
        || is_fill(value)
        || is_code(value)
        || is_short_number(value)
}

/// Whether a quoted `value` is only there to be replaced: `xxxxxxxx`, `your_api_key_here`.
pub(super) fn is_fill(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default().to_ascii_lowercase();
    let same = value.len() >= 3 && value.iter().all(|byte| byte.to_ascii_lowercase() == first);
    let lower = value.to_ascii_lowercase();
    let words =
        || value.iter().all(|byte| class::is(*byte, class::LETTER | class::UNDERSCORE | class::DASH | class::SPACE));
    let begged = lower.starts_with(b"your") && value.get(4).is_some_and(|byte| !byte.is_ascii_alphanumeric());
    same && b"x.-_#?*".contains(&first) || begged && words()
}

/// A call, an index or a path of names: `getpass(…)`, `os.environ[…]`, `config.db.password`, and their opening brackets alone.
fn is_code(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"&").unwrap_or(value);
    let end = value
        .iter()
        .position(|byte| !class::is(*byte, class::WORD | class::DOT) && *byte != b':')
        .unwrap_or(value.len());
    let (head, rest) = value.split_at_checked(end).unwrap_or((value, b""));
    let letters = head.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let parts = || head.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let words = letters && parts().all(|part| part.iter().all(u8::is_ascii_alphabetic) && is_word(part));
    let called = matches!(rest.first(), Some(b'(' | b'[' | b'<'));
    let path = head.contains(&b'.') && matches!(rest, b"" | b")" | b"," | b";" | b");" | b"()");
    let root = parts().next().is_some_and(|part| ROOTS.iter().any(|root| part.eq_ignore_ascii_case(root)));
    words && called || letters && path && root
}

/// Counters and generations are called tokens too.
fn is_short_number(value: &[u8]) -> bool {
    value.len() <= 5 && value.iter().all(u8::is_ascii_digit)
}

fn trimmed(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| !matches!(byte, b',' | b';' | b')' | b'}' | b'?'));
    end.and_then(|last| value.get(..=last)).unwrap_or_default()
}

const ADDRESSES: [&[u8]; 13] = [
    b"file:/",
    b"env:",
    b"vault:",
    b"openbao:",
    b"arn:",
    b"op://",
    b"sops:",
    b"awssm:",
    b"gcpsm:",
    b"!vault",
    b"!secret",
    b"(sensitive",
    b"(known",
];
/// What a path of names begins with.
const ROOTS: [&[u8]; 18] = [
    b"self",
    b"this",
    b"config",
    b"cfg",
    b"conf",
    b"settings",
    b"process",
    b"os",
    b"env",
    b"args",
    b"opts",
    b"options",
    b"params",
    b"req",
    b"request",
    b"ctx",
    b"secrets",
    b"credentials",
];
const TYPES: [&[u8]; 26] = [
    b"await",
    b"new",
    b"str",
    b"&str",
    b"string",
    b"String",
    b"bytes",
    b"int",
    b"bool",
    b"float",
    b"object",
    b"any",
    b"Any",
    b"SecretStr",
    b"SecretString",
    b"[]byte",
    b"Vec<u8>",
    b"Option<String>",
    b"Option<&str>",
    b"Optional[str]",
    b"required",
    b"optional",
    b"None",
    b"nullptr",
    b"undefined",
    b"password",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_values() {
        for value in [
            "getpass.getpass('x",
            "os.environ[",
            "config.get(",
            "process.env.TOKEN",
            "self.token",
            "String",
            "env:X",
            "xxxxxxxx",
            "1234",
            "your_api_key",
            "&str,",
            "(sensitive",
        ] {
            assert!(refers(value.as_bytes()), "{value}");
        }
        for value in ["hunter2", "correct.horse7", "a8Kq(x", "123456", "hunter", "ogdlxapmzan(1"] {
            assert!(!refers(value.as_bytes()), "{value}");
        }
    }
}
