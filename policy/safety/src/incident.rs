//! An incident: what is suspected, how far it has been worked through, and everything that was said about it.
//!
//! ```
//! use sekisho_safety::{Incident, Opening, Scope, Sev, Step};
//! let opening = Opening { severity: Sev::Sev2, scope: Scope::Fleet, title: "odd orders".into(), by: "ann".into(), rule: None, refs: vec![] };
//! let mut incident = Incident::open("inc-1".parse().unwrap(), opening, 1_000, 60_000);
//! assert!(incident.step(Step::Recover, "ann", "", 2_000).is_err(), "one step at a time");
//! assert!(incident.step(Step::Contain, "ann", "orders are held", 2_000).is_ok());
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::level::UnknownWord;
use crate::state::cut;
use crate::{Name, Scope};

/// How bad it is. Earlier is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sev {
    /// Assets lost, a secret out, or the evidence broken: contained first, asked later.
    Sev0,
    /// Integrity badly broken, or much of it stopped.
    Sev1,
    /// Partly degraded, within limits.
    Sev2,
    /// Minor, or for information.
    Sev3,
}

/// How far an incident has been worked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It was noticed.
    Detect,
    /// It is kept from spreading.
    Contain,
    /// What happened is found out.
    Investigate,
    /// Its cause is removed.
    Eradicate,
    /// What was contained is reopened, stage by stage.
    Recover,
    /// What is to be learned from it is written down.
    Review,
    /// Over.
    Closed,
}

/// What there is to say when an incident is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// How bad it is.
    pub severity: Sev,
    /// Where.
    pub scope: Scope,
    /// What, in a line. Cut at 200 bytes.
    pub title: String,
    /// The person, or the part of the sidecar, that opens it.
    pub by: String,
    /// The rule that opened it, if no person did.
    pub rule: Option<Name>,
    /// Evidence: decisions, records, digests.
    pub refs: Vec<String>,
}

/// One entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Who.
    pub by: String,
    /// What kind of entry.
    pub what: What,
    /// In their words. Cut at 2000 bytes.
    pub text: String,
    /// Evidence it refers to.
    pub refs: Vec<String>,
}

/// What kind of entry a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The first one.
    Opened,
    /// A remark.
    Note,
    /// The state was tightened, or something was revoked, quarantined or stopped for it.
    Contained,
    /// Another step was begun.
    Step,
    /// It was found to be worse, or less bad.
    Graded,
    /// Nobody answered in time.
    Overdue,
    /// The last one.
    Closed,
}

/// What has to be written down before an incident is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Why it happened.
    pub cause: String,
    /// What it did.
    pub impact: String,
    /// What ended it.
    pub resolution: String,
    /// What is done so that it does not happen again.
    pub follow_up: String,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Names it.
    pub id: Name,
    /// How bad it is.
    pub severity: Sev,
    /// Where.
    pub scope: Scope,
    /// What, in a line.
    pub title: String,
    /// The rule that opened it, if no person did.
    pub rule: Option<Name>,
    /// Since when, in milliseconds since 1970.
    pub opened_ms: u64,
    /// Until when a person has to answer.
    pub due_ms: u64,
    /// When a person did.
    pub answered_ms: Option<u64>,
    /// How far it has been worked through.
    pub step: Step,
    /// Everything that was said about it, the oldest first.
    pub timeline: Vec<Mark>,
    /// Remarks that found no room.
    pub untold: u64,
    /// What was learned.
    pub review: Option<Review>,
}

/// Why an incident was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    /// It is closed.
    #[error("the incident is closed: open another one")]
    Closed,
    /// The step is not the next one, nor an earlier one.
    #[error("one step at a time: detect, contain, investigate, eradicate, recover, review; back is always possible")]
    TooFar,
    /// Closing has a way of its own.
    #[error("an incident is closed from step review, with its cause, impact, resolution and follow-up")]
    NotReviewed,
}

impl Incident {
    /// Opens an incident at `now_ms`, to be answered by a person within `respond_ms`.
    #[must_use]
    pub fn open(id: Name, opening: Opening, now_ms: u64, respond_ms: u64) -> Self {
        let Opening { severity, scope, title, by, rule, refs } = opening;
        let title = cut(title, MAX_TITLE);
        let mut incident = Self {
            id,
            severity,
            scope,
            title: title.clone(),
            answered_ms: rule.is_none().then_some(now_ms),
            rule,
            opened_ms: now_ms,
            due_ms: now_ms.saturating_add(respond_ms),
            step: Step::Detect,
            timeline: Vec::new(),
            untold: 0,
            review: None,
        };
        incident.mark(Mark { at_ms: now_ms, by, what: What::Opened, text: title, refs });
        incident
    }

    /// Adds to the timeline, whoever says it.
    ///
    /// # Errors
    ///
    /// When it is closed.
    pub fn note(&mut self, mark: Mark) -> Result<(), IncidentError> {
        self.still_open()?;
        self.mark(mark);
        Ok(())
    }

    /// A person answers: the clock that was running for that stops.
    pub fn answered(&mut self, now_ms: u64) {
        self.answered_ms.get_or_insert(now_ms);
    }

    /// Goes on to the next step, or back to an earlier one.
    ///
    /// # Errors
    ///
    /// When it is closed, or the step is further ahead.
    pub fn step(&mut self, to: Step, by: &str, text: &str, now_ms: u64) -> Result<(), IncidentError> {
        self.still_open()?;
        if to == Step::Closed {
            return Err(IncidentError::NotReviewed);
        }
        if to > self.step.next() {
            return Err(IncidentError::TooFar);
        }
        self.step = to;
        let text = format!("{to}: {text}");
        self.mark(Mark { at_ms: now_ms, by: by.to_owned(), what: What::Step, text, refs: Vec::new() });
        Ok(())
    }

    /// Grades it anew. A worse grade brings its end of the answering time nearer, never further away.
    ///
    /// # Errors
    ///
    /// When it is closed.
    pub fn grade(&mut self, to: Sev, by: &str, now_ms: u64, respond_ms: u64) -> Result<(), IncidentError> {
        self.still_open()?;
        let text = format!("{} to {to}", self.severity);
        self.severity = to;
        self.due_ms = self.due_ms.min(now_ms.saturating_add(respond_ms));
        self.mark(Mark { at_ms: now_ms, by: by.to_owned(), what: What::Graded, text, refs: Vec::new() });
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When it is closed already, is not at its review, or a part of the review is empty.
    pub fn close(&mut self, review: Review, by: &str, now_ms: u64) -> Result<(), IncidentError> {
        self.still_open()?;
        let parts = [&review.cause, &review.impact, &review.resolution, &review.follow_up];
        if self.step != Step::Review || parts.iter().any(|part| part.trim().is_empty()) {
            return Err(IncidentError::NotReviewed);
        }
        self.step = Step::Closed;
        let text = review.resolution.clone();
        self.review = Some(review);
        self.mark(Mark { at_ms: now_ms, by: by.to_owned(), what: What::Closed, text, refs: Vec::new() });
        Ok(())
    }

    /// Whether it is not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.step != Step::Closed
    }

    /// Whether somebody should have answered by now.
    #[must_use]
    pub fn is_overdue(&self, now_ms: u64) -> bool {
        self.is_open() && self.answered_ms.is_none() && now_ms >= self.due_ms
    }

    /// Whether it was said that it is overdue.
    #[must_use]
    pub fn told_overdue(&self) -> bool {
        self.timeline.iter().any(|mark| mark.what == What::Overdue)
    }

    fn still_open(&self) -> Result<(), IncidentError> {
        if self.is_open() { Ok(()) } else { Err(IncidentError::Closed) }
    }

    fn mark(&mut self, mut mark: Mark) {
        // Steps and grades always find room; remarks, which a flood can cause, do not.
        let remark = matches!(mark.what, What::Note | What::Contained);
        if remark && self.timeline.len() >= MAX_MARKS {
            self.untold = self.untold.saturating_add(1);
            return;
        }
        mark.text = cut(mark.text, MAX_TEXT);
        mark.refs.truncate(MAX_REFS);
        mark.refs = mark.refs.into_iter().map(|one| cut(one, MAX_REF)).collect();
        self.timeline.push(mark);
    }
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 7] =
        [Self::Detect, Self::Contain, Self::Investigate, Self::Eradicate, Self::Recover, Self::Review, Self::Closed];

    /// The one after it; the last stays.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL.into_iter().find(|step| *step > self).unwrap_or(Self::Closed)
    }

    /// As the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Contain => "contain",
            Self::Investigate => "investigate",
            Self::Eradicate => "eradicate",
            Self::Recover => "recover",
            Self::Review => "review",
            Self::Closed => "closed",
        }
    }
}

impl Sev {
    /// Every grade, the worst first.
    pub const ALL: [Self; 4] = [Self::Sev0, Self::Sev1, Self::Sev2, Self::Sev3];

    /// As policy, the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sev0 => "SEV0",
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
        }
    }
}

impl FromStr for Sev {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|sev| sev.as_str() == word);
        found.ok_or(UnknownWord { expected: "SEV0, SEV1, SEV2 or SEV3" })
    }
}

impl FromStr for Step {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|step| step.as_str() == word);
        found.ok_or(UnknownWord { expected: "detect, contain, investigate, eradicate, recover or review" })
    }
}

impl fmt::Display for Sev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 2000;
const MAX_MARKS: usize = 512;
const MAX_REFS: usize = 32;
const MAX_REF: usize = 200;

#[cfg(test)]
mod tests;
