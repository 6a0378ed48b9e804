//! Days, as people write them.

use std::str::FromStr;

/// A day of the Gregorian calendar from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    /// Days since 1970-01-01.
    days: u64,
}

impl Date {
    /// In days since 1970.
    pub(crate) const fn days(self) -> u64 {
        self.days
    }

    /// When it begins in UTC, in seconds since 1970.
    pub(crate) const fn begins_s(self) -> u64 {
        self.days * 24 * 60 * 60
    }
}

impl FromStr for Date {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part));
        let mut number = |width: usize| -> Result<u64, ()> {
            let part = parts.next().flatten().filter(|part| part.len() == width).ok_or(())?;
            part.parse().map_err(|_too_long| ())
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + u64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let sound = parts.next().is_none() && year >= 1970 && (1..=12).contains(&month) && (1..=length).contains(&day);
        if !sound {
            return Err(());
        }
        // Years begin in March, so that the day that comes and goes is the last one.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let before_year = 365 * year + year / 4 - year / 100 + year / 400;
        Ok(Self { days: before_year + (153 * month + 2) / 5 + day - 1 - TO_1970 })
    }
}

/// Days from the first of March of the year 0 to the first of January 1970.
const TO_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1970-03-01", Some(59)),
            ("2000-02-29", Some(11_016)),
            ("2026-01-31", Some(20_484)),
            ("2100-03-01", Some(47_541)),
            ("2100-02-29", None),
            ("2026-00-10", None),
            ("2026-13-10", None),
            ("2026-04-31", None),
            ("2026-1-31", None),
            ("2026-01-31-", None),
            ("+026-01-31", None),
            ("1969-12-31", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Date>().ok().map(|date| date.begins_s() / 86_400), days, "{text}");
        }
    }
}
