//! Quantities and prices, exactly.

use std::fmt;
use std::str::FromStr;

/// A number from zero up, as orders write quantities and prices: at most 18 digits before the point and 12 behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(u128);

/// Not a plain decimal of a size that is kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal number from 0 up, with at most 18 digits before the point and 12 behind it")]
pub struct NotDecimal;

impl Decimal {
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// Both together; the largest there is, where that is more.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left, at least nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, rounded up; the largest there is, where that is more: a limit is never kept by rounding.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let (whole, fraction) = (self.0 / ONE, self.0 % ONE);
        let (other_whole, other_fraction) = (other.0 / ONE, other.0 % ONE);
        // INVARIANT: a fraction is below 10^12, so that two of them, or one and a whole, cannot overflow.
        let mixed = whole.saturating_mul(other_fraction).saturating_add(fraction.saturating_mul(other_whole));
        let least = fraction.saturating_mul(other_fraction).div_ceil(ONE);
        let product = whole.saturating_mul(other_whole).saturating_mul(ONE);
        Self(product.saturating_add(mixed).saturating_add(least))
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, WHOLE) || !digits(fraction, FRACTION) {
            return Err(NotDecimal);
        }
        let whole: u128 = whole.parse().map_err(|_| NotDecimal)?;
        let padded: u128 = format!("{fraction:0<FRACTION$}").parse().map_err(|_| NotDecimal)?;
        // INVARIANT: below 10^30, so it fits.
        Ok(Self(whole.saturating_mul(ONE).saturating_add(padded)))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / ONE, self.0 % ONE);
        let fraction = format!("{fraction:0FRACTION$}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            fraction => write!(f, "{whole}.{fraction}"),
        }
    }
}

const WHOLE: usize = 18;
const FRACTION: usize = 12;
const ONE: u128 = 10_u128.pow(12);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decimal, NotDecimal};

    #[test]
    fn plain_decimals_are_read_and_nothing_else() {
        for (text, shown) in [("0", "0"), ("1", "1"), ("1.50", "1.5"), ("0.00000001", "0.00000001"), ("007.0", "7")] {
            assert_eq!(text.parse::<Decimal>().map(|read| read.to_string()), Ok(shown.to_owned()));
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0x1",
            "1,5",
            " 1",
            "1.0000000000001",
            "1234567890123456789",
            "NaN",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(NotDecimal), "{text}");
        }
    }

    #[test]
    fn products_are_rounded_up_and_do_not_wrap() {
        let [small, large]: [Decimal; 2] = ["0.000001", "999999999999999999"].map(|text| text.parse().unwrap());
        assert_eq!(small.times(small), "0.000000000001".parse().unwrap());
        assert_eq!(small.times("0.0000001".parse().unwrap()), "0.000000000001".parse().unwrap());
        assert!(large.times(large) > large);
        assert_eq!(small.minus(large), Decimal::ZERO);
    }

    proptest! {
        #[test]
        fn whole_numbers_reckon_as_numbers_do(one in 0_u32.., other in 0_u32..) {
            let read = |number: u64| number.to_string().parse::<Decimal>().unwrap();
            let (a, b) = (u64::from(one), u64::from(other));
            prop_assert_eq!(read(a).plus(read(b)), read(a + b));
            prop_assert_eq!(read(a).cmp(&read(b)), a.cmp(&b));
            prop_assert_eq!(read(a).minus(read(b)), read(a.saturating_sub(b)));
            if let Ok(product) = a.saturating_mul(b).to_string().parse::<Decimal>() {
                prop_assert_eq!(read(a).times(read(b)), product);
            }
        }
    }
}
