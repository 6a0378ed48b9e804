//! The streaming secret scanner.
//!
//! A [`Ruleset`] is compiled once and shared; a [`Scanner`] redacts one stream. What comes out does not depend on how the stream was
//! cut into chunks, and a stream in which nothing was found comes out byte for byte.
//!
//! Under a forbidden name (`password`, `db_password`, `apiKey`) any value is masked; of an object or array every scalar is, `null`
//! and the structure stay. A name matches by its end, without regard to case and separators.
//!
//! What joins a name to its value may be `=`, `:`, a tag, a flag, a part of a form, a pair of `name` and `value`, the indentation of
//! a YAML block, or a sentence (`the password is …`); a value that only refers to a secret (a placeholder, code, an address of a
//! vault, another's mask) stays. In a sentence only what is quoted or looks made is a value: English words are known by their pairs
//! of letters. Numbers of persons need their check digit as well as their name. A line that names columns, one of them a forbidden
//! name, makes a table: that column is masked in every line below it that has as many fields.
//!
//! What is encoded is decoded where an encoding shows, and looked through, three deep: percent, `\\u0041`, `\\x41`, entities of HTML,
//! UTF-16, words that are base64 or hex of text. Such a word is masked as one.
//!
//! What a detector finds may be allowed to stay, under one name or of one value, until a day; known secrets never may.
//!
//! # The bound
//!
//! The work is linear in the stream. The hot pass reads every byte once; what it points at is verified against a credit of 64 bytes
//! read for each byte of the stream, with a burst of sixteen times the ruleset's hold. Where the credit is used up, where a candidate
//! is longer than the hold and cannot be told without its end, or where something is encoded more than three times over, the text is
//! not let through unread: it is the finding `unscanned`, masked to the end of its line unless an action says otherwise. The detector
//! is always there. `examples/worst` measures texts made to reach the bound; ordinary ones stay far below it.
//!
//! # Cannot see
//!
//! - What stands in an `unscanned` stretch: it is masked as one, or, with the action `alert`, goes out as it is.
//!
//! - A FIX message keeps its length (the credential becomes stars), but its checksum, tag 10, is not recomputed.
//! - Keys of venues without a shape of their own are told by the name they stand under, and by nothing else.
//! - A phrase of BIP-39 without a name before it; compressed and length-delimited formats (these are decoded elsewhere).
//! - Columns of a table whose first forbidden name stands more than 256 bytes behind the start of its line, or whose names have blanks
//!   around them.
//! - Base64 and hex that do not begin, or go on behind a mark of base64, with fifteen or ten characters of plain text; known secrets are
//!   found in any base64, in lines too unless one ends within the first fifteen characters that depend on the value.
//! - A known value with other than ASCII characters is not found as `\u` escapes of its characters.
//! - A value that starts like one of our masks (`****` and up to four letters) is taken for masked.
//!
//! # Example
//!
//! ```
//! # use std::sync::Arc;
//! use sekisho_scan::{Ruleset, Shape, redact};
//!
//! let rules = Arc::new(Ruleset::builder().embedded()?.build()?);
//! let redacted = redact(&rules, Shape::Json, br#"{"password":"hunter2","n":1.50}"#);
//! assert_eq!(&*redacted.bytes, br#"{"password":"****","n":1.50}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

mod class;

mod decode;

mod edit;

mod finding;

mod hunt;

mod judge;

mod ruleset;

mod scanner;

mod simd;

mod swallow;

mod validate;

mod view;

mod work;

use std::borrow::Cow;
use std::sync::Arc;

pub use finding::{Action, Category, Confidence, Finding, Redacted, Severity, Shape};
pub use ruleset::allow::Allow;
pub use ruleset::known::{KnownError, KnownSecret};
pub use ruleset::pack::PackError;
pub use ruleset::{BuildError, Ruleset, RulesetBuilder};
pub use scanner::Scanner;
pub use validate::base62;

/// Redacts a whole text.
#[must_use]
pub fn redact<'a>(rules: &Arc<Ruleset>, shape: Shape, bytes: &'a [u8]) -> Redacted<'a> {
    let mut scanner = Scanner::new(Arc::clone(rules), shape);
    let mut out = Vec::with_capacity(bytes.len());
    scanner.push(bytes, &mut out);
    scanner.finish(&mut out);
    let blocked = scanner.blocked();
    let bytes = if out == bytes { Cow::Borrowed(bytes) } else { Cow::Owned(out) };
    Redacted { bytes, findings: scanner.take_findings(), blocked }
}

/// Redacts a value whose name is known: a header, a cookie, a query parameter. A forbidden name masks the whole value.
#[must_use]
pub fn redact_field<'a>(rules: &Arc<Ruleset>, name: &str, value: &'a [u8], shape: Shape) -> Redacted<'a> {
    let work = work::Work::of(value, rules.hold);
    let judge = judge::Judge { rules, shape, depth: 0, work: &work };
    let view = view::View::whole(value, &work);
    match judge.field(&view, name.as_bytes()) {
        None => redact(rules, shape, value),
        Some(edit) => scanner::field(rules, value, edit),
    }
}

#[cfg(test)]
mod tests;
