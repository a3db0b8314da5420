//! The clock on the wall: where stretches of time must be cut so that what depends on civil time is constant in each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, UnixMillis};

/// What the clock on the wall shows; nothing beyond the years of the calendar.
pub(crate) fn on_wall(instant: UnixMillis, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_millisecond(instant.0).ok()?))
}

/// The instant at which the clock shows `civil`: the earlier one where it does so twice, and as long after the gap as
/// `civil` is after its beginning where it never does.
pub(crate) fn instant(civil: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    let at = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
    Some(UnixMillis(at.as_millisecond()))
}

/// `window`, cut at each of `times` on every day and wherever the clock is changed, each piece with what the clock shows
/// at its beginning. Within a piece the clock runs on evenly and passes none of `times`.
pub(crate) fn pieces(window: TimeSpan, zone: &TimeZone, times: &BTreeSet<Time>) -> Vec<(TimeSpan, DateTime)> {
    if window.is_empty() {
        return Vec::new();
    }
    let mut cuts = BTreeSet::from([window.start, window.end]);
    let Some(dates) = dates(window, zone) else { return Vec::new() };
    for civil in dates.flat_map(|date| times.iter().map(move |time| date.to_datetime(*time))) {
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        let passes = [ambiguous.earlier(), ambiguous.later()].into_iter().flatten();
        // A time that the clock leaves out is passed at no instant.
        let shown = passes.filter(|at| zone.to_datetime(*at) == civil);
        cuts.extend(shown.map(|at| UnixMillis(at.as_millisecond())));
    }
    if let Ok(start) = Timestamp::from_millisecond(window.start.0) {
        let changes = zone.following(start).map(|change| UnixMillis(change.timestamp().as_millisecond()));
        cuts.extend(changes.take_while(|at| *at < window.end));
    }
    let cuts: Vec<_> = cuts.range(window.start..=window.end).copied().collect();
    let spans = cuts.windows(2).map(|ends| TimeSpan::new(ends[0], ends[1]));
    spans.filter_map(|span| Some((span, on_wall(span.start, zone)?))).collect()
}

/// The dates that have a part in `window`, and one more on either side.
fn dates(window: TimeSpan, zone: &TimeZone) -> Option<impl Iterator<Item = Date>> {
    let first = on_wall(window.start, zone)?.date().yesterday().ok()?;
    let last = on_wall(window.end, zone)?.date().tomorrow().ok()?;
    Some(first.series(jiff::ToSpan::days(1)).take_while(move |date| *date <= last))
}

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    pub(crate) fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").expect("a zone")
    }

    pub(crate) fn ms(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().expect("a time").as_millisecond())
    }

    pub(crate) fn span(start: &str, end: &str) -> TimeSpan {
        TimeSpan::new(ms(start), ms(end))
    }

    #[rstest]
    // The hour from two to three comes twice: half past two is passed twice, and the change itself cuts.
    #[case(
        "2026-10-24T22:00:00Z",
        "2026-10-25T23:00:00Z",
        "00:00 2.5 h, 02:30 0.5 h, 02:00 0.5 h, 02:30 3.5 h, 06:00 18 h"
    )]
    // It does not come at all.
    #[case("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "00:00 2 h, 03:00 3 h, 06:00 18 h")]
    #[case("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z", "")]
    fn a_day_is_cut_by_the_clock(#[case] start: &str, #[case] end: &str, #[case] expected: &str) {
        let times = BTreeSet::from(["02:30".parse().unwrap(), "06:00".parse().unwrap()]);
        let pieces = pieces(span(start, end), &paris(), &times);
        let shown = |(span, civil): &(TimeSpan, DateTime)| {
            format!("{:02}:{:02} {} h", civil.hour(), civil.minute(), span.hours())
        };
        assert_eq!(pieces.iter().map(shown).collect::<Vec<_>>().join(", "), expected);
    }

    #[test]
    fn beyond_the_calendar_there_is_nothing() {
        let times = BTreeSet::from([Time::midnight()]);
        let window = TimeSpan::new(UnixMillis(i64::MAX - 10), UnixMillis(i64::MAX));
        assert_eq!(pieces(window, &paris(), &times), []);
        assert_eq!(on_wall(UnixMillis(i64::MIN), &paris()), None);
    }
}
