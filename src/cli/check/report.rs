use std::fmt;

use serde_json::{Value, json};

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Policy,
    Certificates,
    Clocks,
    Permissions,
    Disk,
    Ports,
    Upstreams,
    SecretRefs,
    Journal,
}

impl Group {
    const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Certificates => "certificates",
            Self::Clocks => "clocks",
            Self::Permissions => "permissions",
            Self::Disk => "disk",
            Self::Ports => "ports",
            Self::Upstreams => "upstreams",
            Self::SecretRefs => "secret_refs",
            Self::Journal => "journal",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    group: Group,
    what: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Ok,
    /// It runs, and somebody should look at it.
    Warn(Trouble),
    /// It does not run, or not as policy says.
    Fail(Trouble),
}

/// What is wrong, and what mends it. A command in a hint stands in backticks behind `run`, a setting of policy behind `set`.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) why: String,
    pub(super) hint: String,
}

impl Trouble {
    pub(super) fn new(why: &(impl ToString + ?Sized), hint: impl Into<String>) -> Self {
        Self { why: why.to_string(), hint: hint.into() }
    }
}

impl Finding {
    pub(super) fn ok(group: Group, what: impl Into<String>) -> Self {
        Self { group, what: what.into(), outcome: Outcome::Ok }
    }

    pub(super) fn warn(group: Group, what: impl Into<String>, trouble: Trouble) -> Self {
        Self { group, what: what.into(), outcome: Outcome::Warn(trouble) }
    }

    pub(super) fn fail(group: Group, what: impl Into<String>, trouble: Trouble) -> Self {
        Self { group, what: what.into(), outcome: Outcome::Fail(trouble) }
    }

    /// Fine, or failed.
    pub(super) fn of(group: Group, what: impl Into<String>, looked: Result<(), Trouble>) -> Self {
        let what = what.into();
        match looked {
            Ok(()) => Self::ok(group, what),
            Err(trouble) => Self::fail(group, what, trouble),
        }
    }

    fn json(&self) -> Value {
        let (group, what) = (self.group.name(), &self.what);
        let (status, trouble) = match &self.outcome {
            Outcome::Ok => ("ok", None),
            Outcome::Warn(trouble) => ("warn", Some(trouble)),
            Outcome::Fail(trouble) => ("fail", Some(trouble)),
        };
        let (why, hint) = (trouble.map(|trouble| &trouble.why), trouble.map(|trouble| &trouble.hint));
        json!({ "group": group, "what": what, "ok": status != "fail", "status": status, "why": why, "hint": hint })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, Trouble { why, hint }) = match &self.outcome {
            Outcome::Ok => return write!(f, "  ok    {}", self.what),
            Outcome::Warn(trouble) => ("WARN", trouble),
            Outcome::Fail(trouble) => ("FAIL", trouble),
        };
        write!(f, "  {word}  {}: {why}\n        hint: {hint}", self.what)
    }
}

/// Everything that was looked at, by groups.
#[derive(Debug)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn new(mut found: Vec<Finding>) -> Self {
        found.sort_by_key(|finding| finding.group);
        Self(found)
    }

    pub(super) fn fails(&self) -> bool {
        self.0.iter().any(|finding| matches!(finding.outcome, Outcome::Fail(_)))
    }

    pub(super) fn warns(&self) -> bool {
        self.0.iter().any(|finding| matches!(finding.outcome, Outcome::Warn(_)))
    }

    pub(super) fn json(&self) -> Value {
        let checks: Vec<Value> = self.0.iter().map(Finding::json).collect();
        json!({ "ok": !self.fails(), "warned": self.warns(), "checks": checks })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = None;
        for finding in &self.0 {
            let end = if before.is_some() { "\n" } else { "" };
            if before != Some(finding.group) {
                write!(f, "{end}{}", finding.group.name())?;
                before = Some(finding.group);
            }
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}
