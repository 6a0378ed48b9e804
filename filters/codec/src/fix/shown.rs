use std::fmt::Write as _;

use super::{Message, is_credential};

/// A message as a log may have it: bars for what ends fields, stars for what a logon proves itself with.
#[must_use]
pub fn shown(message: &Message<'_>) -> String {
    let mut text = format!("8={}|", message.version());
    for (tag, value) in message.fields() {
        let value = String::from_utf8_lossy(value);
        let value = if is_credential(tag) { "****" } else { &value };
        // Writing into a string cannot fail.
        let _written = write!(text, "{tag}={}|", value.replace(|letter: char| letter.is_control(), "?"));
    }
    text
}
