//! What is to be changed, and what is written instead.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::class;
use crate::finding::{Action, Confidence};
use crate::ruleset::Ruleset;
use crate::swallow::Swallow;
use crate::view::View;

/// One piece of the stream that is a secret.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) detector: usize,
    pub(crate) confidence: Confidence,
    pub(crate) field: Option<String>,
    /// The member or pair with its separator, for `drop_field`.
    pub(crate) member: Option<(usize, usize)>,
    /// A bare JSON value: the mask is put in quotes, with this many backslashes.
    pub(crate) quotes: Option<usize>,
    /// UTF-16: every byte of the mask but the last is followed by a zero.
    pub(crate) wide: bool,
    /// The secret goes on beyond `end`.
    pub(crate) swallow: Option<Swallow>,
    shown: Vec<u8>,
    tag: String,
}

impl Edit {
    /// The secret at `start..end`.
    pub(crate) fn new(rules: &Ruleset, view: &View<'_>, span: (usize, usize), detector: usize) -> Self {
        let value = view.slice(span.0, span.1);
        Self {
            start: span.0,
            end: span.1,
            detector,
            confidence: Confidence::Medium,
            field: None,
            member: None,
            quotes: None,
            wide: false,
            swallow: None,
            shown: shown(rules, detector, value),
            tag: tag(rules, value),
        }
    }

    /// The secret starts in `span` and goes on as `swallow` says: nothing of it is shown.
    pub(crate) fn open(span: (usize, usize), detector: usize, swallow: Swallow) -> Self {
        Self {
            start: span.0,
            end: span.1,
            detector,
            confidence: Confidence::Medium,
            field: None,
            member: None,
            quotes: None,
            wide: false,
            swallow: Some(swallow),
            shown: MASK.to_vec(),
            tag: String::new(),
        }
    }

    /// Adds a swallow, and shows nothing then.
    pub(crate) fn going_on(mut self, swallow: Option<Swallow>) -> Self {
        if swallow.is_some() {
            self.swallow = swallow;
            self.shown = MASK.to_vec();
            self.tag.clear();
        }
        self
    }

    /// Shows nothing but the mask.
    pub(crate) fn plain(mut self) -> Self {
        self.shown = MASK.to_vec();
        self
    }

    /// Shows a mask of its own.
    pub(crate) fn showing(mut self, shown: Vec<u8>) -> Self {
        self.shown = shown;
        self
    }

    /// Shows nothing at all: the swallow writes what is to be seen.
    pub(crate) fn unshown(mut self) -> Self {
        self.shown.clear();
        self
    }

    /// Stars to the length of the value, so that counted lengths hold.
    pub(crate) fn same_length(mut self) -> Self {
        self.shown = vec![b'*'; self.end - self.start];
        self
    }

    pub(crate) fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// What is written instead.
    pub(crate) fn replacement(&self, action: Action) -> Vec<u8> {
        let text = match action {
            Action::Hash if !self.tag.is_empty() => format!("{HASH}{}", self.tag).into_bytes(),
            Action::Mask | Action::Hash | Action::DropField | Action::Block | Action::Alert => self.shown.clone(),
        };
        if self.wide {
            let mut wide: Vec<u8> = text.iter().flat_map(|byte| [*byte, 0]).collect();
            wide.pop();
            return wide;
        }
        match self.quotes {
            None => text,
            Some(slashes) => {
                let mut quote = vec![b'\\'; slashes];
                quote.push(b'"');
                [quote.as_slice(), &text, &quote].concat()
            }
        }
    }
}

/// Whether `value` is a mask of ours or of somebody else's: masking it again would change nothing for the better.
pub(crate) fn is_masked(rules: &Ruleset, value: &[u8]) -> bool {
    if let Some(tag) = value.strip_prefix(HASH.as_bytes()) {
        return tag.len() == 16 && tag.iter().all(|byte| class::is(*byte, class::HEX_LOWER));
    }
    if OTHERS.contains(&value) {
        return true;
    }
    if memchr::memmem::find(value, MASK).is_none() {
        return false;
    }
    let mut rest = value;
    let mut masks = 0;
    while let Some(byte) = rest.first() {
        if let Some(after) = one_mask(rules, rest) {
            rest = after;
            masks += 1;
        } else if class::is(*byte, class::ALNUM | class::HIGH) {
            return false;
        } else {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    masks > 0
}

/// Whether a bare value starts with a mask: what follows it is something else, as the secret's own delimiters are gone.
pub(crate) fn starts_masked(rules: &Ruleset, value: &[u8]) -> bool {
    one_mask(rules, value).is_some_and(|rest| rest.first().is_none_or(|byte| !class::is(*byte, class::ALNUM)))
}

/// What follows the mask that `value` starts with.
fn one_mask<'v>(rules: &Ruleset, value: &'v [u8]) -> Option<&'v [u8]> {
    let stars = value.strip_prefix(MASK).or_else(|| {
        let keeps = rules.detectors.iter().flat_map(|detector| &detector.keep);
        let first = value.first();
        let near = keeps.filter(|keep| keep.as_bytes().first() == first);
        near.filter_map(|keep| value.strip_prefix(keep.as_bytes())).find_map(|rest| rest.strip_prefix(MASK))
    })?;
    let more = stars.iter().take_while(|byte| **byte == b'*').count();
    let rest = stars.get(more..).unwrap_or_default();
    let tail = rest.iter().take_while(|byte| class::is(**byte, class::ALNUM)).count();
    rest.get(tail.min(TAIL)..)
}

/// The mask of seed 003 §4.3: the provider's prefix, and the last four of a value long enough that they give nothing away.
fn shown(rules: &Ruleset, detector: usize, value: &[u8]) -> Vec<u8> {
    let keep = rules
        .detector(detector)
        .and_then(|detector| detector.keep.iter().find(|keep| value.starts_with(keep.as_bytes())));
    let mut shown = keep.map(|keep| keep.as_bytes().to_vec()).unwrap_or_default();
    shown.extend_from_slice(MASK);
    if let Some(tail) = value.last_chunk::<TAIL>()
        && value.len() >= LONG
        && tail.iter().all(|byte| class::is(*byte, class::ALNUM))
    {
        shown.extend_from_slice(tail);
    }
    shown
}

fn tag(rules: &Ruleset, value: &[u8]) -> String {
    let Some(key) = &rules.key else {
        return String::new();
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_slice()) else {
        return String::new();
    };
    mac.update(value);
    let digest = mac.finalize().into_bytes();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) const MASK: &[u8] = b"****";
const HASH: &str = "hash:";
const TAIL: usize = 4;
const LONG: usize = 16;
const OTHERS: [&[u8]; 5] = [b"[REDACTED]", b"[redacted]", b"REDACTED", b"<redacted>", b"[FILTERED]"];
