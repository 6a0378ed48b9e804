use std::ops::Range;
use std::sync::Arc;

use sekisho_codec::{Limits, json};
use sekisho_policy::Refusal;
use sekisho_scan::{Action, Finding, redact};

use super::RedactLayer;
use super::coding::sniff;
use super::message::{OnFind, Search};
use super::service::Searcher;
use crate::{Exchange, Place};

/// Searches the messages of a connection that has left HTTP, each by itself.
#[derive(Clone, Debug)]
pub struct MessageSearch {
    searcher: Arc<Searcher>,
}

impl RedactLayer {
    /// What searches messages as this layer searches requests.
    #[must_use]
    pub fn messages(&self) -> MessageSearch {
        MessageSearch { searcher: Arc::clone(&self.searcher) }
    }
}

impl MessageSearch {
    /// Searches a message. `None`: it goes on as it is; else what goes on in its place.
    ///
    /// What is found within one of `meant`, which are places in `bytes`, is what the upstream is meant to receive. A message
    /// that has such a value and a secret besides is refused, and not edited.
    ///
    /// # Errors
    ///
    /// [`Refusal::SecretInContent`], always on an order route, else when a detector says so.
    pub fn search(
        &self,
        exchange: &Arc<Exchange>,
        bytes: &[u8],
        meant: &[Range<usize>],
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let redacted = redact(&self.searcher.rules, sniff(bytes), bytes);
        if redacted.findings.is_empty() {
            return Ok(None);
        }
        let all = redacted.findings.len();
        let findings: Vec<Finding> = redacted.findings.into_iter().filter(|found| !within(found, meant)).collect();
        if findings.is_empty() && !redacted.blocked {
            return Ok(None);
        }
        let on_find = if exchange.route.orders.is_some() { OnFind::RefuseOrder } else { OnFind::Edit };
        let search =
            Search { exchange: Arc::clone(exchange), with: Arc::clone(&self.searcher), on_find, told: Arc::default() };
        search.judge(Place::Message, &findings)?;
        let only_told = findings.iter().all(|finding| finding.action == Action::Alert);
        match (only_told, findings.len() < all) {
            // What stands behind a find that stops the search was not looked at.
            _ if redacted.blocked => Err(Refusal::SecretInContent),
            (true, _) => Ok(None),
            (false, true) => Err(Refusal::SecretInContent),
            (false, false) => Ok(Some(redacted.bytes.into_owned())),
        }
    }
}

fn within(finding: &Finding, meant: &[Range<usize>]) -> bool {
    let place = usize::try_from(finding.offset).ok().zip(usize::try_from(finding.length).ok());
    place.is_some_and(|(start, length)| {
        meant.iter().any(|meant| meant.start <= start && start.saturating_add(length) <= meant.end)
    })
}

/// Where in a JSON message the fields stand that its upstream is meant to receive. `*` in one of `names` is any one step of
/// the path to it: `args.*.apiKey`. A message that is no JSON has none.
#[must_use]
pub fn meant_fields(text: &[u8], names: &[String], limits: &Limits) -> Vec<Range<usize>> {
    if names.is_empty() {
        return Vec::new();
    }
    let Ok((flat, places)) = json::flatten_with_places(text, limits) else { return Vec::new() };
    // Of two fields of one name nobody knows which is meant.
    if flat.ambiguity.is_some() {
        return Vec::new();
    }
    let named = |path: &str| names.iter().any(|name| is_named(path, name));
    flat.pairs.iter().zip(places).filter(|((path, _), _)| named(path)).map(|(_, place)| place).collect()
}

fn is_named(path: &str, name: &str) -> bool {
    let (mut steps, mut wanted) = (path.split('.'), name.split('.'));
    loop {
        match (steps.next(), wanted.next()) {
            (None, None) => return true,
            (Some(_), Some("*")) => {}
            (Some(step), Some(wanted)) if step == wanted => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, meant_fields};

    #[test]
    fn a_field_is_meant_by_its_whole_path() {
        let limits = Limits { depth: 8, pairs: 64 };
        let text = br#"{"op":"login","args":[{"apiKey":"k","sign":"s"}],"apiKey":"other"}"#;
        for (name, values) in [
            ("args.*.apiKey", &[r#""k""#][..]),
            ("args.0.sign", &[r#""s""#]),
            ("apiKey", &[r#""other""#]),
            ("args.*.*", &[r#""k""#, r#""s""#]),
            ("args", &[]),
            ("args.*", &[]),
            ("*", &[r#""login""#, r#""other""#]),
        ] {
            let places = meant_fields(text, &[name.to_owned()], &limits);
            let found: Vec<_> = places.into_iter().map(|place| str::from_utf8(&text[place]).unwrap()).collect();
            assert_eq!(found, values, "{name}");
        }
        assert!(meant_fields(br#"{"a":"1","a":"2"}"#, &["a".to_owned()], &limits).is_empty());
        assert!(meant_fields(b"a", &["a".to_owned()], &limits).is_empty());
    }
}
