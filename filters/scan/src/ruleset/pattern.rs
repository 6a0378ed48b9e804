//! The small pattern language of the packs: literals and counted classes, matched from left to right without backtracking.
//!
//! `ghp_{alnum:36}`, `SG.{b64u:22}.{b64u:43}`, `{digit:8-10}:AA{b64u:33}`. One class may stand before the first literal; the literal
//! is what the hot pass looks for. A class at the very end takes the whole run, however long: a longer token than documented is
//! still masked whole. `!` at the end of the pattern asks for the exact length instead.

use crate::class::{self, Class};
use crate::view::View;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    lead: Option<Run>,
    anchor: Vec<u8>,
    rest: Vec<Part>,
    exact: bool,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Vec<u8>),
    Run(Run),
}

#[derive(Debug, Clone, Copy)]
struct Run {
    set: Class,
    min: usize,
    max: usize,
}

/// Where a pattern matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The class the match goes on in beyond what was visible.
    pub(crate) open: Option<Class>,
    /// The length is not the documented one.
    pub(crate) odd: bool,
}

impl Pattern {
    /// Parses what a value looks like from its first byte on.
    pub(crate) fn value(text: &str) -> Result<Self, String> {
        let (text, exact) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
        Ok(Self { lead: None, anchor: Vec::new(), rest: parts(text)?, exact })
    }

    /// Parses the pack's notation.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (text, exact) = match text.strip_suffix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut parts = parts(text)?;
        let lead = match parts.first() {
            Some(Part::Run(run)) if parts.len() > 1 => Some(*run),
            _ => None,
        };
        if lead.is_some() {
            parts.remove(0);
        }
        let anchor = match parts.first() {
            Some(Part::Literal(literal)) => literal.clone(),
            _ => Vec::new(),
        };
        if !anchor.is_empty() {
            parts.remove(0);
        }
        Ok(Self { lead, anchor, rest: parts, exact })
    }

    /// The literal the hot pass looks for; empty when there is none.
    pub(crate) fn anchor(&self) -> &[u8] {
        &self.anchor
    }

    /// Whether the hot pass can afford to look for this.
    ///
    /// # Errors
    /// Says why not, and what to do.
    pub(crate) fn anchored(&self) -> Result<(), String> {
        let anchor = String::from_utf8_lossy(&self.anchor);
        if self.anchor.len() < MIN_ANCHOR {
            return Err(format!(
                "expected a literal of at least {MIN_ANCHOR} bytes, found `{anchor}`; without one, use `names` and `values`"
            ));
        }
        let first = self.anchor.first();
        let same = self.anchor.iter().all(|byte| Some(byte) == first);
        let plain = same || self.anchor.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ');
        if plain || COMMON.contains(&anchor.to_ascii_lowercase().as_str()) {
            return Err(format!("expected a literal that is rare in text, and `{anchor}` is not; make it longer"));
        }
        if self.lead.is_some_and(|lead| lead.max > MAX_LEAD) {
            return Err(format!("expected at most {MAX_LEAD} bytes before the literal"));
        }
        Ok(())
    }

    /// Whether a class stands before the anchor.
    pub(crate) fn has_lead(&self) -> bool {
        self.lead.is_some()
    }

    /// The match whose anchor stands at `at`.
    pub(crate) fn find(&self, view: &View<'_>, at: usize) -> Option<Span> {
        if !view.starts_with(at, &self.anchor) {
            return None;
        }
        let start = match self.lead {
            None => at,
            Some(run) => {
                let mut start = view.run_back(at, run.set, run.max + 2);
                if at - start > run.min + 1 && view.before(start) == Some(b'%') {
                    // the tail of an escape before it
                    start += 2;
                }
                if at - start < run.min || at - start > run.max {
                    return None;
                }
                start
            }
        };
        let inside = self.anchor.first().is_none_or(|byte| class::is(*byte, class::ALNUM));
        if self.lead.is_none() && inside && !boundary(view, start) {
            return None;
        }
        self.tail(view, start, at + self.anchor.len())
    }

    fn tail(&self, view: &View<'_>, start: usize, from: usize) -> Option<Span> {
        let mut at = from;
        let mut odd = false;
        let mut open = None;
        for (index, part) in self.rest.iter().enumerate() {
            match part {
                Part::Literal(literal) => {
                    if !view.starts_with(at, literal) {
                        return None;
                    }
                    at += literal.len();
                }
                Part::Run(run) => {
                    let last = index + 1 == self.rest.len();
                    let max = match (last, self.exact) {
                        (false, _) => run.max,
                        (true, true) => run.max + 1,
                        (true, false) => usize::MAX,
                    };
                    let end = view.run(at, run.set, max);
                    if end - at < run.min && !view.is_cut(end) {
                        return None;
                    }
                    odd |= end - at > run.max;
                    open = view.is_cut(end).then_some(run.set);
                    at = end;
                }
            }
        }
        if self.exact && odd {
            return None;
        }
        Some(Span { start, end: at, open, odd })
    }
}

/// Whether a token may start at `at`: no letter or digit before it, unless that is the tail of an escape (`\n`, `\u003d`, `%3D`).
pub(crate) fn boundary(view: &View<'_>, at: usize) -> bool {
    let Some(byte) = view.before(at) else {
        return true;
    };
    if !class::is(byte, class::ALNUM) {
        return true;
    }
    let slashed = |at: usize| view.slashes_before(at) % 2 == 1;
    if matches!(byte, b'n' | b'r' | b't' | b'b' | b'f') && slashed(at - 1) {
        return true;
    }
    let hex = class::HEX_LOWER | class::HEX_UPPER;
    let digits = at - view.run_back(at, hex, 4);
    let percent = digits >= 2 && view.before(at - 2) == Some(b'%');
    let unicode = digits == 4 && view.before(at - 4) == Some(b'u') && slashed(at - 5);
    percent || unicode
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    if text.len() > MAX_TEXT {
        return Err(format!("expected a pattern of at most {MAX_TEXT} bytes"));
    }
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.as_bytes().to_vec()));
        }
        if literal.len() == rest.len() {
            break;
        }
        let (inner, after) =
            after.split_once('}').ok_or_else(|| format!("`{text}`: expected `}}` behind the class"))?;
        parts.push(Part::Run(run(inner)?));
        rest = after;
    }
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(format!("expected a pattern of 1 to {MAX_PARTS} literals and classes"));
    }
    Ok(parts)
}

fn run(inner: &str) -> Result<Run, String> {
    let expected = || format!("`{{{inner}}}`: expected `class:length`, `class:least-most` or `class:least+`");
    let (name, count) = inner.split_once(':').ok_or_else(expected)?;
    let set =
        class::named(name).ok_or_else(|| format!("`{name}`: expected a class, one of {}", class::NAMES.join(", ")))?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| expected());
    let (min, max) = if let Some(least) = count.strip_suffix('+') {
        (number(least)?, MAX_RUN)
    } else if let Some((least, most)) = count.split_once('-') {
        (number(least)?, number(most)?)
    } else {
        (number(count)?, number(count)?)
    };
    if min > max || max > MAX_RUN {
        return Err(format!("`{{{inner}}}`: expected lengths that rise, of at most {MAX_RUN}"));
    }
    Ok(Run { set, min, max })
}

const MAX_RUN: usize = 1 << 16;
/// As far as a verifier looks back.
const MAX_LEAD: usize = crate::decode::LOOK_BACK - 2;
/// Shorter anchors are too common to look for.
const MIN_ANCHOR: usize = 3;
/// More parts than any token has.
const MAX_PARTS: usize = 32;
const MAX_TEXT: usize = 1024;
/// So common in logs that a look at each of them would cost more than all the rest.
const COMMON: &[&str] = &[
    "the", "and", "for", "http", "https", "https://", "http://", "://", "www", "www.", ".com", "com", "info", "error",
    "warn", "debug", "name", "time", "level", "true", "false", "null", "message", "msg", "date", "user", "get", "post",
    "ing", "ion", "ent", "---", "\":\"", "\", \"", "2024-", "2025-", "2026-",
];
