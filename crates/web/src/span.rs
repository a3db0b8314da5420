//! Instants and steps as people write them, in REST and on the command line.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ohmstead_model::{CalendarUnit, Resolution, UnixMillis};
use ohmstead_units::Timespan;

/// The longest step: ten years.
const STEP_MAX: Duration = Duration::from_secs(10 * 31_557_600);

/// An instant: milliseconds since 1970; a span before `now` such as `-24h`; ISO 8601, where a time without an offset is
/// in `zone`.
pub fn parse_instant(text: &str, zone: &TimeZone, now: UnixMillis) -> Option<UnixMillis> {
    let text = text.trim();
    if let Ok(millis) = text.parse::<i64>() {
        return Timestamp::from_millisecond(millis).ok().map(|_| UnixMillis(millis));
    }
    if let Some(ago) = text.strip_prefix('-').and_then(|span| span.parse::<Timespan>().ok()) {
        return Timestamp::from_millisecond(now.minus(ago.0).0).ok().map(|_| now.minus(ago.0));
    }
    // A plus sign in a query that is not escaped arrives as a blank.
    let unescaped = text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
    let offset = [Some(text), unescaped.as_deref()].into_iter().flatten().find_map(|text| text.parse().ok());
    let stamp: Timestamp = offset.or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        // A time that the clocks skip or repeat is read as most people mean it.
        zone.to_ambiguous_timestamp(civil).compatible().ok()
    })?;
    Some(UnixMillis(stamp.as_millisecond()))
}

/// A step: milliseconds, a span such as `5m` or `1h`, or `day`, `week`, `month` of the site's zone.
pub fn parse_step(text: &str) -> Option<Resolution> {
    if let Some(unit) = CalendarUnit::of_key(text.trim()) {
        return Some(Resolution::Calendar(unit));
    }
    let span = match text.parse::<u64>() {
        Ok(millis) => Duration::from_millis(millis),
        Err(_) => text.parse::<Timespan>().ok()?.0,
    };
    // Whole milliseconds, so that what is answered is what was asked.
    let whole = Duration::from_millis(crate::shape::millis(span));
    (!whole.is_zero() && whole == span && whole <= STEP_MAX).then_some(Resolution::Step(whole))
}

/// The least time that a step takes: no more than so many fit into a span.
pub(crate) fn shortest(step: Resolution) -> Option<Duration> {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    match step {
        Resolution::Step(step) => Some(step),
        // The clocks change by an hour, in some zones by two or by half of one.
        Resolution::Calendar(CalendarUnit::Day) => hours(22),
        Resolution::Calendar(CalendarUnit::Week) => hours(166),
        Resolution::Calendar(CalendarUnit::Month) => hours(670),
        Resolution::Raw | Resolution::MaxPoints(_) | Resolution::Lttb(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// 2026-11-22T00:00:00Z.
    const NOW: UnixMillis = UnixMillis(1_795_305_600_000);

    #[rstest]
    #[case("1795248000000", "2026-11-21T08:00:00Z")]
    #[case("-1", "1969-12-31T23:59:59.999Z")]
    #[case("-24h", "2026-11-21T00:00:00Z")]
    #[case("-90 min", "2026-11-21T22:30:00Z")]
    #[case("2026-11-21T08:00:00.123Z", "2026-11-21T08:00:00.123Z")]
    #[case("2026-11-21T09:00:00+01:00", "2026-11-21T08:00:00Z")]
    #[case("2026-11-21T09:00:00 01:00", "2026-11-21T08:00:00Z")]
    #[case("2026-11-21T09:00", "2026-11-21T08:00:00Z")]
    #[case("2026-11-21 09:00", "2026-11-21T08:00:00Z")]
    #[case("2026-11-21", "2026-11-20T23:00:00Z")]
    // The hour that the clocks repeat is its first, the one they skip is an hour on.
    #[case("2026-10-25T02:30", "2026-10-25T00:30:00Z")]
    #[case("2026-03-29T02:30", "2026-03-29T01:30:00Z")]
    fn instants_are_read_in_the_zone_of_the_site(#[case] text: &str, #[case] stamp: &str) {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let stamp: Timestamp = stamp.parse().unwrap();
        assert_eq!(parse_instant(text, &zone, NOW), Some(UnixMillis(stamp.as_millisecond())));
    }

    #[rstest]
    #[case("")]
    #[case("yesterday")]
    #[case("24h")]
    #[case("--24h")]
    #[case("-99999999999 y")]
    #[case("99999999999999999999")]
    #[case("9223372036854775807")]
    #[case("2026-02-30")]
    #[case("25:00")]
    #[case("1e12")]
    fn other_texts_are_no_instants(#[case] text: &str) {
        assert_eq!(parse_instant(text, &TimeZone::UTC, NOW), None);
    }

    #[rstest]
    #[case("300000", Some(300_000))]
    #[case("5m", Some(300_000))]
    #[case("5 min", Some(300_000))]
    #[case("1h", Some(3_600_000))]
    #[case("0", None)]
    #[case("0.1 ms", None)]
    #[case("-5m", None)]
    #[case("999 y", None)]
    #[case("often", None)]
    #[case("days", None)]
    fn steps_are_milliseconds_or_spans(#[case] text: &str, #[case] millis: Option<u64>) {
        let step = millis.map(|millis| Resolution::Step(Duration::from_millis(millis)));
        assert_eq!(parse_step(text), step);
    }

    #[rstest]
    #[case("day", CalendarUnit::Day)]
    #[case("week", CalendarUnit::Week)]
    #[case("month", CalendarUnit::Month)]
    fn or_civil(#[case] text: &str, #[case] unit: CalendarUnit) {
        assert_eq!(parse_step(text), Some(Resolution::Calendar(unit)));
    }
}
