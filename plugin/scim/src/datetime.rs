//! Dates with time: `dateTime` of RFC 7643 §2.3.5, which is `xsd:dateTime`.
//! Text keeps its spelling; compared are instants.

use time::{Date, Month, OffsetDateTime};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// The instant that a text names, in nanoseconds since 1970-01-01T00:00:00Z, or
/// nothing when it is no `xsd:dateTime`.
///
/// ```text
/// dateTime = year "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT
///            [ "." 1*DIGIT ] [ "Z" / (("+" / "-") 2DIGIT ":" 2DIGIT) ]
/// ```
///
/// Years have four digits. `T` and `Z` may be small, as in RFC 3339. Digits
/// beyond the nanosecond do not count. A time without zone is taken as UTC.
///
/// ```
/// let second = 1_000_000_000;
/// assert_eq!(scim::datetime::parse("1970-01-01T01:00:01+01:00"), Some(second));
/// assert_eq!(scim::datetime::parse("1970-01-01"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<i128> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.number(4)?;
    rest.one_of(b"-")?;
    let month = rest.number(2)?;
    rest.one_of(b"-")?;
    let day = rest.number(2)?;
    rest.one_of(b"Tt")?;
    let hour = rest.number(2)?;
    rest.one_of(b":")?;
    let minute = rest.number(2)?;
    rest.one_of(b":")?;
    let second = rest.number(2)?;
    let nanosecond = rest.fraction()?;
    let offset = rest.zone()?;

    // Midnight may be written as the end of the day before (XSD part 2, §3.2.7).
    let end_of_day = hour == 24 && minute == 0 && second == 0 && nanosecond == 0;
    if (hour > 23 && !end_of_day) || minute > 59 || second > 59 {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let days = i128::from(date.to_julian_day() - OffsetDateTime::UNIX_EPOCH.to_julian_day());
    let seconds =
        days * 86_400 + i128::from(hour * 3_600 + minute * 60 + second) - i128::from(offset);
    Some(seconds * NANOS_PER_SECOND + i128::from(nanosecond))
}

/// An instant in milliseconds since 1970-01-01T00:00:00Z as the service writes
/// it: in UTC, with milliseconds, such as `2026-11-24T05:00:00.000Z`. Times
/// outside the years 0 to 9999 become the nearest end.
#[must_use]
pub fn format(milliseconds: i64) -> String {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    let end = if milliseconds < 0 {
        Date::from_ordinal_date(0, 1)
    } else {
        Date::from_ordinal_date(9999, 365)
    };
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .or_else(|| Some(end.ok()?.midnight().assume_utc()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond(),
    )
}

/// What is left to read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digit(&mut self) -> Option<i32> {
        Some(i32::from(self.one_of(b"0123456789")? - b'0'))
    }

    fn number(&mut self, digits: usize) -> Option<i32> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    fn fraction(&mut self) -> Option<i32> {
        if self.one_of(b".").is_none() {
            return Some(0);
        }
        let mut nanoseconds = self.digit()? * 100_000_000;
        let mut unit = 10_000_000;
        while let Some(digit) = self.digit() {
            nanoseconds += digit * unit;
            unit /= 10;
        }
        Some(nanoseconds)
    }

    /// The offset from UTC in seconds; nothing may follow it.
    fn zone(&mut self) -> Option<i32> {
        let offset = match self.one_of(b"Zz+-") {
            None | Some(b'Z' | b'z') => 0,
            Some(sign) => {
                let hours = self.number(2)?;
                self.one_of(b":")?;
                let minutes = self.number(2)?;
                let offset = hours * 3_600 + minutes * 60;
                if minutes > 59 || offset > 14 * 3_600 {
                    return None;
                }
                if sign == b'-' { -offset } else { offset }
            }
        };
        self.0.is_empty().then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_rfc() {
        let instant = parse("2008-01-23T04:56:22Z").unwrap();
        assert_eq!(instant, 1_201_064_182 * NANOS_PER_SECOND);
    }

    #[test]
    fn spellings_of_one_instant_are_equal() {
        let spellings = [
            "2026-11-24T05:00:00.5Z",
            "2026-11-24T05:00:00.5000000Z",
            "2026-11-24t05:00:00.50000000000001z",
            "2026-11-24T06:30:00.500+01:30",
            "2026-11-23T15:00:00.5-14:00",
            "2026-11-24T05:00:00.5",
        ];
        for spelling in spellings {
            assert_eq!(parse(spelling), parse(spellings[0]), "{spelling}");
        }
        assert_eq!(parse("2026-11-24T24:00:00Z"), parse("2026-11-25T00:00:00Z"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24 05:00:00Z",
            "2026-13-24T05:00:00Z",
            "2026-02-29T05:00:00Z",
            "2026-11-24T25:00:00Z",
            "2026-11-24T24:00:01Z",
            "2026-11-24T05:60:00Z",
            "2026-11-24T05:00:60Z",
            "2026-11-24T05:00:00.Z",
            "2026-11-24T05:00:00+1:00",
            "2026-11-24T05:00:00+14:01",
            "2026-11-24T05:00:00ZZ",
            "2026-11-24T05:00Z",
            "１２３４-11-24T05:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_stop_at_its_end() {
        assert_eq!(format(i64::MAX), "9999-12-31T00:00:00.000Z");
        assert_eq!(format(i64::MIN), "0000-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(milliseconds in -62_167_219_200_000_i64..253_402_300_800_000) {
            let instant = parse(&format(milliseconds));
            prop_assert_eq!(instant, Some(i128::from(milliseconds) * 1_000_000));
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
