//! What may stay though a detector finds it: narrow, somebody's, and not for ever.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Checker;
use crate::date::Date;
use crate::written::{Raw, Text};

/// A finding that may stay, until a day. It is told as `alert`. A known secret is never allowed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowWritten {
    /// The detector's id.
    pub(crate) detector: Raw<Text>,
    /// Only under this name, without regard to case. This, `fingerprint`, or both.
    pub(crate) field: Option<Raw<Text>>,
    /// Only the value with this fingerprint, as findings show it; it needs `detectors.fingerprint_key`.
    pub(crate) fingerprint: Option<Raw<Text>>,
    /// Who answers for it.
    pub(crate) owner: Raw<Text>,
    /// Why it may stay.
    pub(crate) reason: Raw<Text>,
    /// The last day on which it may, in UTC: `2026-12-31`.
    pub(crate) until: Raw<Text>,
}

/// A finding that may stay, until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The detector's id.
    pub detector: String,
    /// Only under this name.
    pub field: Option<String>,
    /// Only the value with this fingerprint.
    pub fingerprint: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it may stay.
    pub reason: String,
    /// The last day, in days since 1970, UTC.
    pub until: u32,
}

impl AllowWritten {
    pub(crate) fn check(&self, index: usize, keyed: bool, checker: &mut Checker) -> Option<Allow> {
        let path = format!("detectors.allow[{index}]");
        let mut filled = |raw: &Raw<Text>, field: &str| {
            let sound = !raw.text().trim().is_empty() && raw.text().len() <= LONGEST;
            if !sound {
                checker.wrong(raw.place(), &format!("{path}.{field}"), "expected 1 to 200 characters");
            }
            sound.then(|| raw.text().to_owned())
        };
        let detector = filled(&self.detector, "detector");
        let (owner, reason) = (filled(&self.owner, "owner"), filled(&self.reason, "reason"));
        let field = self.field.as_ref().and_then(|raw| filled(raw, "field"));
        if self.field.is_none() && self.fingerprint.is_none() {
            let why = "expected `field` or `fingerprint`: a whole detector is turned off by `detectors.disable`";
            checker.wrong(self.detector.place(), &path, why);
        }
        let fingerprint = self.fingerprint.as_ref().map(|raw| {
            let hex =
                raw.text().len() == 16 && raw.text().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if !hex {
                checker.wrong(raw.place(), &format!("{path}.fingerprint"), "expected 16 digits of lower-case hex");
            } else if !keyed {
                let why = "expected `detectors.fingerprint_key`: without it fingerprints last as long as the process";
                checker.wrong(raw.place(), &format!("{path}.fingerprint"), why);
            }
            raw.text().to_owned()
        });
        let day = checker.parsed::<_, Date>(&self.until, &format!("{path}.until"), "expected a day, as 2026-12-31");
        let until = day.and_then(|day| u32::try_from(day.days()).ok());
        Some(Allow { detector: detector?, field, fingerprint, owner: owner?, reason: reason?, until: until? })
    }
}

const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use crate::Policy;

    #[test]
    fn an_entry_is_narrow_and_somebodys() {
        let with = |entry: &str| {
            let text = format!("version: 1\nservice: desk\ndetectors: {{ allow: [{entry}] }}\n");
            Policy::parse("p.yaml", &text).map(|policy| policy.detectors.allow).map_err(|errors| errors.to_string())
        };
        let whole = "{ detector: jwt, field: sample, owner: desk, reason: published, until: 2026-12-31 }";
        let allow = with(whole).unwrap();
        assert_eq!(allow.len(), 1);
        assert_eq!(allow[0].until, 20_818);
        for (entry, says) in [
            ("{ detector: jwt, owner: desk, reason: x, until: 2026-12-31 }", "`field` or `fingerprint`"),
            ("{ detector: jwt, field: a, reason: x, until: 2026-12-31 }", "owner"),
            ("{ detector: jwt, field: a, owner: ' ', reason: x, until: 2026-12-31 }", "1 to 200"),
            ("{ detector: jwt, field: a, owner: b, reason: x, until: soon }", "a day, as 2026-12-31"),
            ("{ detector: jwt, fingerprint: xyz, owner: b, reason: x, until: 2026-12-31 }", "16 digits"),
            (
                "{ detector: jwt, fingerprint: 0123456789abcdef, owner: b, reason: x, until: 2026-12-31 }",
                "fingerprint_key",
            ),
        ] {
            let error = with(entry).unwrap_err();
            assert!(error.contains(says), "{entry}: {error}");
        }
    }
}
