//! The clock on the wall.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ohmstead_model::UnixMillis;

/// What the clock shows; nothing beyond the years of the calendar.
pub(crate) fn on_wall(instant: UnixMillis, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_millisecond(instant.0).ok()?))
}

/// The instant at which the clock shows `civil`: the earlier one where it does so twice.
pub(crate) fn instant(civil: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    let at = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
    Some(UnixMillis(at.as_millisecond()))
}
