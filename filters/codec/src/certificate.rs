//! What an X.509 certificate says of its owner (RFC 5280): its names, its serial number and when it holds.
//!
//! Reading is not believing: nothing here verifies a signature. Who calls this has verified the chain, or only wants to know
//! how old a certificate of its own is.

use std::net::IpAddr;

/// A certificate as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Its serial number, big endian, as its authority gave it.
    pub serial: Vec<u8>,
    /// From when it holds, in seconds since 1970.
    pub not_before: i64,
    /// Until when it holds, in seconds since 1970.
    pub not_after: i64,
    /// Names of hosts among its alternative names.
    pub dns: Vec<String>,
    /// URIs among its alternative names.
    pub uris: Vec<String>,
    /// Addresses among its alternative names.
    pub addresses: Vec<IpAddr>,
    /// Whether it may vouch for others.
    pub is_authority: bool,
}

/// What was read is no certificate, or a form of one that no authority makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no X.509 certificate")]
pub struct NoCertificate;

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`NoCertificate`].
    pub fn read(der: &[u8]) -> Result<Self, NoCertificate> {
        let mut signed = Der(Der(der).value(SEQUENCE)?);
        let mut fields = Der(signed.value(SEQUENCE)?);
        fields.optional(VERSION)?;
        let serial = fields.value(INTEGER)?.to_vec();
        fields.value(SEQUENCE)?; // signature
        fields.value(SEQUENCE)?; // issuer
        let mut validity = Der(fields.value(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        fields.value(SEQUENCE)?; // subject
        fields.value(SEQUENCE)?; // its key
        fields.optional(ISSUER_UNIQUE_ID)?;
        fields.optional(SUBJECT_UNIQUE_ID)?;
        let mut read = Self { serial, not_before, not_after, ..Self::default() };
        if let Some(extensions) = fields.optional(EXTENSIONS)? {
            let mut extensions = Der(Der(extensions).value(SEQUENCE)?);
            while !extensions.0.is_empty() {
                read.extend(Der(extensions.value(SEQUENCE)?))?;
            }
        }
        Ok(read)
    }

    fn extend(&mut self, mut extension: Der<'_>) -> Result<(), NoCertificate> {
        let name = extension.value(OBJECT_ID)?;
        extension.optional(BOOLEAN)?;
        let content = extension.value(OCTETS)?;
        match name {
            ALTERNATIVE_NAMES => self.name(Der(Der(content).value(SEQUENCE)?)),
            BASIC_CONSTRAINTS => {
                let authority = Der(Der(content).value(SEQUENCE)?).optional(BOOLEAN)?;
                self.is_authority = authority.is_some_and(|flag| flag != [0]);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn name(&mut self, mut names: Der<'_>) -> Result<(), NoCertificate> {
        while !names.0.is_empty() {
            let (tag, value) = names.next()?;
            let text = || str::from_utf8(value).ok().filter(|text| text.is_ascii()).map(str::to_owned);
            match tag {
                DNS_NAME => self.dns.push(text().ok_or(NoCertificate)?),
                URI => self.uris.push(text().ok_or(NoCertificate)?),
                ADDRESS => self.addresses.push(address(value).ok_or(NoCertificate)?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_longer| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Elements of DER (X.690), one after the other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The next element: its tag and what is in it.
    fn next(&mut self) -> Result<(u8, &'d [u8]), NoCertificate> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>().ok_or(NoCertificate)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F)).ok_or(NoCertificate)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(NoCertificate),
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(NoCertificate)?;
        self.0 = rest;
        Ok((tag, value))
    }

    fn value(&mut self, wanted: u8) -> Result<&'d [u8], NoCertificate> {
        let (tag, value) = self.next()?;
        if tag == wanted { Ok(value) } else { Err(NoCertificate) }
    }

    fn optional(&mut self, wanted: u8) -> Result<Option<&'d [u8]>, NoCertificate> {
        if self.0.first() == Some(&wanted) { self.value(wanted).map(Some) } else { Ok(None) }
    }

    /// RFC 5280, 4.1.2.5: two digits for the years up to 2049, four from then on, always to the second and in UTC.
    fn time(&mut self) -> Result<i64, NoCertificate> {
        let (tag, text) = self.next()?;
        let text = text.strip_suffix(b"Z").filter(|text| text.iter().all(u8::is_ascii_digit)).ok_or(NoCertificate)?;
        let pair =
            |at: usize| text.get(at..at + 2).map(|two| two.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')));
        let at = |at: usize| pair(at).ok_or(NoCertificate);
        let (year, rest) = match (tag, text.len()) {
            (UTC_TIME, 12) => (at(0)? + if at(0)? < 50 { 2000 } else { 1900 }, 2),
            (GENERALIZED_TIME, 14) => (at(0)? * 100 + at(2)?, 4),
            _ => return Err(NoCertificate),
        };
        let (month, day) = (at(rest)?, at(rest + 2)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(NoCertificate);
        }
        Ok(days(year, month, day) * 86_400 + at(rest + 4)? * 3_600 + at(rest + 6)? * 60 + at(rest + 8)?)
    }
}

/// Days since 1970 of a day of the Gregorian calendar. Years begin in March here, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xA3;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

/// 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 0x11];
/// 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
        let head = match (high, low) {
            (0, 0..=0x7F) => vec![tag, low],
            (0, _) => vec![tag, 0x81, low],
            _ => vec![tag, 0x82, high, low],
        };
        [head, value].concat()
    }

    fn certificate(from: (u8, &str), until: (u8, &str), extensions: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
        let time = |(tag, text): (u8, &str)| element(tag, &[text.as_bytes()]);
        let extensions: Vec<Vec<u8>> = extensions
            .iter()
            .map(|(id, content)| {
                element(
                    SEQUENCE,
                    &[&element(OBJECT_ID, &[id]), &element(BOOLEAN, &[&[0xFF]]), &element(OCTETS, &[content])],
                )
            })
            .collect();
        let extensions: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
        let empty = element(SEQUENCE, &[]);
        let fields = element(
            SEQUENCE,
            &[
                &element(VERSION, &[&element(INTEGER, &[&[2]])]),
                &element(INTEGER, &[&[7, 9]]),
                &empty,
                &empty,
                &element(SEQUENCE, &[&time(from), &time(until)]),
                &empty,
                &element(SEQUENCE, &[&[0; 300]]),
                &element(EXTENSIONS, &[&element(SEQUENCE, &extensions)]),
            ],
        );
        element(SEQUENCE, &[&fields, &empty, &element(0x03, &[&[0]])])
    }

    fn names() -> Vec<u8> {
        element(
            SEQUENCE,
            &[
                &element(DNS_NAME, &[b"a.example"]),
                &element(0xA4, &[b"a directory name"]),
                &element(URI, &[b"spiffe://d/x"]),
                &element(ADDRESS, &[&[192, 0, 2, 1]]),
            ],
        )
    }

    #[test]
    fn names_and_times_are_read() {
        let authority = element(SEQUENCE, &[&element(BOOLEAN, &[&[0xFF]]), &element(INTEGER, &[&[0]])]);
        let der = certificate(
            (UTC_TIME, "700101000000Z"),
            (GENERALIZED_TIME, "20500301123456Z"),
            &[(&[0x55, 0x1D, 0x0F], vec![3]), (ALTERNATIVE_NAMES, names()), (BASIC_CONSTRAINTS, authority)],
        );
        let read = Certificate::read(&der).unwrap();
        assert_eq!((read.not_before, read.not_after), (0, 2_529_750_896));
        assert_eq!((read.serial.as_slice(), read.dns.as_slice()), (&[7, 9][..], &["a.example".to_owned()][..]));
        assert_eq!((read.uris.as_slice(), read.is_authority), (&["spiffe://d/x".to_owned()][..], true));
        assert_eq!(read.addresses, [IpAddr::from([192, 0, 2, 1])]);
    }

    #[test]
    fn a_day_of_the_calendar_has_its_number() {
        for (year, month, day, number) in [
            (1970, 1, 1, 0),
            (1999, 12, 31, 10_956),
            (2000, 2, 29, 11_016),
            (2000, 3, 1, 11_017),
            (2026, 11, 25, 20_782),
        ] {
            assert_eq!(days(year, month, day), number, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_told_so() {
        let utc = |text| (UTC_TIME, text);
        for (from, until) in [
            (utc("7001010000Z"), utc("700101000000Z")),
            (utc("700101000000"), utc("700101000000Z")),
            (utc("701301000000Z"), utc("700101000000Z")),
            (utc("70010100000aZ"), utc("700101000000Z")),
            (utc("700101000000Z"), (INTEGER, "700101000000Z")),
        ] {
            assert_eq!(Certificate::read(&certificate(from, until, &[])), Err(NoCertificate), "{from:?} {until:?}");
        }
        let odd = element(SEQUENCE, &[&element(ADDRESS, &[&[1, 2, 3]])]);
        let day = utc("700101000000Z");
        assert_eq!(Certificate::read(&certificate(day, day, &[(ALTERNATIVE_NAMES, odd)])), Err(NoCertificate));
    }

    proptest! {
        #[test]
        fn nothing_that_is_cut_or_changed_makes_the_reader_fall(at in 0usize..500, byte: u8, cut: bool) {
            let day = (UTC_TIME, "700101000000Z");
            let mut der = certificate(day, day, &[(ALTERNATIVE_NAMES, names())]);
            let at = at % der.len();
            if cut { der.truncate(at) } else { der[at] = byte }
            let read = Certificate::read(&der);
            prop_assert!(!cut || read.is_err());
        }
    }
}
