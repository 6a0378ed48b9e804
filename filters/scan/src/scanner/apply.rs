//! What a verdict does to the stream.

use std::sync::Arc;

use super::{Outcome, Scanner};
use crate::edit::Edit;
use crate::finding::{Action, Finding, Shape};
use crate::ruleset::Ruleset;
use crate::swallow::Swallow;

impl Scanner {
    pub(super) fn apply(&mut self, rules: &Ruleset, mut edit: Edit, out: &mut Vec<u8>) -> Outcome {
        let Some(detector) = rules.detector(edit.detector) else {
            return Outcome::On;
        };
        let action = if rules.allowed.has(&edit) { Action::Alert } else { rules.action(edit.detector) };
        let finding = Finding {
            detector: Arc::clone(&detector.id),
            category: detector.category,
            severity: detector.severity,
            action,
            field: edit.field.take(),
            offset: self.base + edit.start as u64,
            length: (edit.end - edit.start) as u64,
            fingerprint: edit.tag().to_owned(),
            confidence: edit.confidence,
        };
        edit.start = edit.start.max(self.emitted);
        if action == Action::Alert {
            return self.alert(edit, finding, out);
        }
        if edit.swallow.is_some() {
            edit.end = edit.end.max(edit.start);
        }
        if edit.end < edit.start {
            return Outcome::On;
        }
        self.emit(edit.start.min(edit.member.map_or(usize::MAX, |(start, _)| start)), out);
        if action == Action::Block {
            self.findings.push(finding);
            self.blocked = true;
            return Outcome::Blocked;
        }
        let mut end = edit.end;
        match edit.member {
            Some((start, stop)) if start >= self.emitted && edit.swallow.is_none() => end = stop,
            _ => out.extend_from_slice(&edit.replacement(action)),
        }
        self.settle(end);
        match edit.swallow {
            None => {
                self.findings.push(finding);
                Outcome::On
            }
            Some(swallow) => {
                self.before.decoded = end;
                self.swallow = Some((swallow, finding));
                Outcome::Swallow
            }
        }
    }

    /// Reports, and changes nothing. What was not looked into is passed over as it would be masked, else every place in it would be
    /// one more finding.
    fn alert(&mut self, edit: Edit, finding: Finding, out: &mut Vec<u8>) -> Outcome {
        let Some(Swallow::Rest(rest)) = edit.swallow else {
            self.findings.push(finding);
            return Outcome::On;
        };
        self.emit(edit.start, out);
        self.settle(edit.start);
        self.swallow = Some((Swallow::Rest(rest.shown()), finding));
        Outcome::Swallow
    }

    /// Everything before `end` has gone out in one way or the other.
    fn settle(&mut self, end: usize) {
        self.emitted = end;
        self.floor = end;
    }
}

/// One edit applied to a whole value.
pub(crate) fn field<'a>(rules: &Arc<Ruleset>, value: &'a [u8], edit: Edit) -> crate::Redacted<'a> {
    let mut scanner = Scanner::new(Arc::clone(rules), Shape::HeaderValue);
    let mut out = Vec::new();
    scanner.bytes.extend_from_slice(value);
    let end = edit.end;
    let outcome = scanner.apply(rules, edit, &mut out);
    if let Outcome::On | Outcome::Swallow = outcome {
        scanner.emit(end.max(scanner.emitted), &mut out);
    }
    crate::Redacted {
        blocked: scanner.blocked,
        findings: scanner.findings,
        bytes: if out == value { value.into() } else { out.into() },
    }
}
