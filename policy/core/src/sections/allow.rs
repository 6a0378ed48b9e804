//! What may stay though a detector finds it: narrow, somebody's, and not for ever.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Checker;
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
        let until = days(self.until.text());
        if until.is_none() {
            checker.wrong(self.until.place(), &format!("{path}.until"), "expected a day such as `2026-12-31`");
        }
        Some(Allow { detector: detector?, field, fingerprint, owner: owner?, reason: reason?, until: until? })
    }
}

/// A date of the Gregorian calendar, as ISO 8601 has it, in days since 1970.
// After H. Hinnant's `days_from_civil`: years begin in March, so that the day that some lack is the last.
fn days(text: &str) -> Option<u32> {
    let mut parts = text.split('-').map(|part| (part.len(), part.parse::<u32>().ok()));
    let (Some((4, Some(year))), Some((2, Some(month))), Some((2, Some(day))), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || !(1..=last).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    (era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year).checked_sub(719_468)
}

const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::days;
    use crate::Policy;

    #[test]
    fn dates_become_days() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-03-01", Some(59)),
            ("2000-02-29", Some(11_016)),
            ("2026-12-31", Some(20_818)),
            ("2100-02-29", None),
            ("2026-13-01", None),
            ("2026-1-1", None),
            ("31.12.2026", None),
            ("1969-12-31", None),
        ] {
            assert_eq!(days(text), expected, "{text}");
        }
    }

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
            ("{ detector: jwt, field: a, owner: b, reason: x, until: soon }", "a day such as"),
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
