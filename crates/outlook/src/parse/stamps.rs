//! Stamps and dates as they stand in answers. Everything becomes UTC; a local time without its offset is no stamp.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::UnixMillis;

/// Years outside are no stamps of ours: seconds taken for milliseconds, clocks that were never set.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;

/// An instant in RFC 3339 or ISO 8601 with `Z` or an offset, also `2024-12-09T23:00Z` and seven digits of a second.
pub(crate) fn instant(text: &str) -> Option<UnixMillis> {
    let text = text.trim();
    let parsed: Timestamp = text.parse().ok()?;
    sane(parsed)
}

/// An instant in seconds since the epoch.
pub(crate) fn seconds(seconds: i64) -> Option<UnixMillis> {
    sane(Timestamp::from_second(seconds).ok()?)
}

fn sane(stamp: Timestamp) -> Option<UnixMillis> {
    let year = stamp.to_zoned(TimeZone::UTC).year();
    YEARS.contains(&year).then_some(UnixMillis(stamp.as_millisecond()))
}

/// A civil date at the beginning of `text`, `YYYY-MM-DD` and whatever follows.
pub(crate) fn date(text: &str) -> Option<Date> {
    let head = text.trim().get(..10)?;
    let is_plain = head.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let date: Date = if is_plain { head.parse().ok()? } else { return None };
    YEARS.contains(&date.year()).then_some(date)
}

/// The civil date of an instant.
pub(crate) fn today(now: UnixMillis, zone: &TimeZone) -> Date {
    let stamp = Timestamp::from_millisecond(now.0).unwrap_or_default();
    stamp.to_zoned(zone.clone()).date()
}

/// The Tempo season of a date, 1 September to 31 August: the year in which it begins.
pub(crate) fn season_of(date: Date) -> i16 {
    if date.month() >= 9 { date.year() } else { date.year() - 1 }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2024-12-09T23:00Z", Some(1_733_785_200_000))]
    #[case("2024-12-10T00:00:00+01:00", Some(1_733_785_200_000))]
    #[case("2024-12-09T23:00:00.0000000Z", Some(1_733_785_200_000))]
    #[case("2024-12-10T00:00:00.000+01:00", Some(1_733_785_200_000))]
    #[case("2024-12-09 23:00:00+00:00", Some(1_733_785_200_000))]
    #[case("2024-12-09T23:00:00", None)]
    #[case("0001-01-01T00:00:00Z", None)]
    #[case("", None)]
    fn stamps(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(instant(text).map(|it| it.0), expected);
    }

    #[test]
    fn dates_and_seasons() {
        assert_eq!(date("2025-12-29T00:00:00+01:00").map(|it| it.to_string()).as_deref(), Some("2025-12-29"));
        assert_eq!(
            ["2025-02-30", "2025-1-1", "29/12/2025", "1025-01-01", "é025-01-01x"].map(date),
            [None; 5]
        );
        let season = |text: &str| season_of(text.parse().unwrap());
        assert_eq!([season("2025-08-31"), season("2025-09-01"), season("2026-01-01")], [2024, 2025, 2025]);
        assert_eq!(seconds(1_733_785_200_000), None, "milliseconds taken for seconds");
    }
}
