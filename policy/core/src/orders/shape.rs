//! Refusals in a venue's own shape: what its clients read as an ordinary error of an ordinary order.
//!
//! A client library looks for its venue's fields. What it does not find it takes for trouble on the way, which many send again
//! after. So a pack says how its venue refuses, and what we have to say stands beside that, under `sekisho`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;
use crate::check::Checker;
use crate::written::{At, Count, Place, Raw, Text};

/// How a venue refuses.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ShapesWritten {
    /// A message that did not go on.
    pub(crate) refused: Option<At<ShapeWritten>>,
    /// An order of which nobody knows what became. Default: as everywhere else.
    pub(crate) unknown: Option<At<ShapeWritten>>,
    /// An order with the id of one that went on before. Default: as everywhere else.
    pub(crate) repeated: Option<At<ShapeWritten>>,
}

/// One answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ShapeWritten {
    /// The status, 200 or 400 to 499 and not 408, 418, 425 or 429.
    pub(crate) status: Option<Raw<Count>>,
    /// A JSON object. `{message}` in it becomes one line of text.
    pub(crate) body: Option<Raw<Text>>,
}

/// How a venue refuses, as compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shapes {
    refused: Option<Shape>,
    unknown: Option<Shape>,
    repeated: Option<Shape>,
}

/// An answer in the shape of a venue. Between its pieces stands one line of text, without signs that JSON escapes; behind the
/// last one, what we have to say, and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    status: u16,
    pieces: Vec<String>,
}

impl ShapesWritten {
    pub(super) fn check(&self, path: &str, checker: &mut Checker) -> Shapes {
        let mut one = |written: &Option<At<ShapeWritten>>, name: &str| {
            let written = written.as_ref()?;
            written.value.check(written.place, &format!("{path}.{name}"), checker)
        };
        Shapes {
            refused: one(&self.refused, "refused"),
            unknown: one(&self.unknown, "unknown"),
            repeated: one(&self.repeated, "repeated"),
        }
    }
}

impl ShapeWritten {
    fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<Shape> {
        let status = checker.needed(self.status.as_ref(), place, &format!("{path}.status"))?;
        let code = status.text().parse().ok().filter(|code| is_definite(*code));
        if code.is_none() {
            let message = "expected 200, or 400 to 499 and not 408, 418, 425 or 429";
            checker.wrong(status.place(), &format!("{path}.status"), message);
        }
        let path = format!("{path}.body");
        let body = checker.needed(self.body.as_ref(), place, &path)?;
        let pieces = template(body.text());
        if pieces.is_none() {
            checker.wrong(body.place(), &path, "expected a JSON object, with {message} in a string of it at most");
        }
        Some(Shape { status: code?, pieces: pieces? })
    }
}

/// The pieces of a JSON object around `{message}`, without its last bracket.
pub(super) fn template(text: &str) -> Option<Vec<String>> {
    let open = text.trim().strip_suffix('}')?;
    let pieces: Vec<String> = open.split(MESSAGE).map(str::to_owned).collect();
    let filled = format!("{}}}", pieces.join("x"));
    // With an object in it, so that one more field can follow.
    matches!(serde_json::from_str(&filled), Ok(Value::Object(fields)) if !fields.is_empty()).then_some(pieces)
}

/// Whether clients take it for an answer, and not for leave to send again or for a bar.
const fn is_definite(status: u16) -> bool {
    matches!(status, 200 | 400..=407 | 409..=417 | 419..=424 | 426..=428 | 430..=499)
}

impl Shapes {
    /// The shape for a refusal, if the venue has one.
    pub(super) fn of(&self, refusal: &Refusal) -> Option<&Shape> {
        if matches!(refusal, Refusal::OrderOutcomeUnknown) {
            self.unknown.as_ref()
        } else if matches!(refusal, Refusal::OrderForwardedBefore(_)) {
            self.repeated.as_ref()
        } else {
            self.refused.as_ref()
        }
    }
}

impl Shape {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body, with `message` in its places and `beside` (a JSON value) under `sekisho`. Neither may have in it what JSON
    /// escapes.
    #[must_use]
    pub fn body(&self, message: &str, beside: &str) -> String {
        let pieces: usize = self.pieces.iter().map(|piece| piece.len().saturating_add(message.len())).sum();
        let mut body = String::with_capacity(pieces.saturating_add(beside.len()).saturating_add(BESIDE.len() + 1));
        for (at, piece) in self.pieces.iter().enumerate() {
            body.push_str(if at == 0 { "" } else { message });
            body.push_str(piece);
        }
        [BESIDE, beside, "}"].iter().for_each(|piece| body.push_str(piece));
        body
    }
}

const MESSAGE: &str = "{message}";

/// What stands before what we have to say.
const BESIDE: &str = ",\"sekisho\":";

#[cfg(test)]
mod tests {
    use super::{Shape, is_definite, template};

    #[test]
    fn a_shape_is_an_object_to_which_something_can_be_added() {
        for text in [
            r#"{"code":-1,"msg":"{message}"}"#,
            r#"{"error":["E: {message}"]} "#,
            r#"{"a":{"b":"{message} {message}"}}"#,
        ] {
            let shape = Shape { status: 400, pieces: template(text).unwrap() };
            let body: serde_json::Value = serde_json::from_str(&shape.body("no", r#"{"code":"x"}"#)).unwrap();
            assert_eq!(body["sekisho"]["code"], "x", "{body}");
            assert!(body.to_string().contains("no"), "{body}");
        }
        for text in ["", "{}", "[1]", r#"{"code":{message}}"#, r#"{"code":"#, "plain {message}", r#""{message}""#] {
            assert_eq!(template(text), None, "{text}");
        }
    }

    #[test]
    fn no_status_invites_to_send_again() {
        for status in [200, 400, 403, 409, 422] {
            assert!(is_definite(status), "{status}");
        }
        for status in [0, 100, 201, 301, 408, 418, 425, 429, 500, 502, 503, 504, 599] {
            assert!(!is_definite(status), "{status}");
        }
    }
}
