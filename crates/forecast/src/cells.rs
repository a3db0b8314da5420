//! Time in steps of equal length, each with its place in the civil day: what happens at seven in the morning does so by the
//! clock on the wall.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, Timeline, UnixMillis};

/// How long a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// 15 minutes.
    #[default]
    Quarter,
    /// 30 minutes.
    HalfHour,
    /// 60 minutes.
    Hour,
}

impl Step {
    /// Its length in milliseconds.
    pub(crate) fn millis(self) -> i64 {
        self.minutes() * 60_000
    }

    /// How many there are in an ordinary day.
    pub(crate) fn per_day(self) -> usize {
        match self {
            Self::Quarter => 96,
            Self::HalfHour => 48,
            Self::Hour => 24,
        }
    }

    /// Its length in hours.
    pub(crate) fn hours(self) -> f64 {
        self.minutes() as f64 / 60.0
    }

    /// How many make up `hours`, at least one.
    pub(crate) fn count(self, hours: usize) -> usize {
        (hours * self.per_day() / 24).max(1)
    }

    fn minutes(self) -> i64 {
        match self {
            Self::Quarter => 15,
            Self::HalfHour => 30,
            Self::Hour => 60,
        }
    }
}

/// One step and its place in the calendar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) span: TimeSpan,
    /// Civil days since that of the first cell.
    pub(crate) day: usize,
    /// Place in the civil day, below [`Step::per_day`].
    pub(crate) slot: usize,
    /// 0 is Monday.
    pub(crate) weekday: usize,
}

impl Cell {
    /// 0 on working days, 1 at weekends.
    pub(crate) fn kind(&self) -> usize {
        usize::from(self.weekday >= 5)
    }
}

/// The steps that begin in `window`, all whole multiples of their length; none beyond the calendar.
pub(crate) fn cells(window: TimeSpan, step: Step, zone: &TimeZone) -> Vec<Cell> {
    let length = step.millis();
    if Timestamp::from_millisecond(window.start.0).is_err() {
        return Vec::new();
    }
    let first = window.start.0.div_euclid(length) * length;
    let first = if first < window.start.0 { first + length } else { first };
    let mut cells = Vec::new();
    let mut clock = Clock::new(zone);
    let mut first_day = None;
    for start in (0..).map(|step| first + step * length).take_while(|start| *start < window.end.0) {
        let Some(local_s) = clock.local_s(start) else { break };
        let day = local_s.div_euclid(DAY_S);
        let minutes = local_s.rem_euclid(DAY_S) / 60;
        // The epoch was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        cells.push(Cell {
            span: TimeSpan::new(UnixMillis(start), UnixMillis(start + length)),
            day: place(day - *first_day.get_or_insert(day)),
            slot: place(minutes / step.minutes()),
            weekday: place(weekday),
        });
    }
    cells
}

const DAY_S: i64 = 86_400;

fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// The clock on the wall for instants in order: how far it is ahead is asked for only when that may have changed.
struct Clock<'z> {
    zone: &'z TimeZone,
    ahead_s: i64,
    /// How far it is ahead is known until here, exclusive, in milliseconds.
    until: i64,
}

impl<'z> Clock<'z> {
    fn new(zone: &'z TimeZone) -> Self {
        Self { zone, ahead_s: 0, until: i64::MIN }
    }

    /// Seconds since the epoch as the clock shows them; nothing beyond the calendar.
    fn local_s(&mut self, instant_ms: i64) -> Option<i64> {
        if instant_ms >= self.until {
            let instant = Timestamp::from_millisecond(instant_ms).ok()?;
            let change = self.zone.following(instant).next();
            self.ahead_s = i64::from(self.zone.to_offset(instant).seconds());
            self.until = change.map_or(CALENDAR_END_MS, |change| change.timestamp().as_millisecond());
        }
        Some(instant_ms.div_euclid(1000) + self.ahead_s)
    }
}

/// The end of the year 9998: no zone is known to change its clock then.
const CALENDAR_END_MS: i64 = 253_370_764_800_000;

/// The mean of a timeline in each cell; unknown where less than half of the cell is known. What is no number is unknown.
pub(crate) fn means(timeline: &Timeline<f64>, cells: &[Cell]) -> Vec<Option<f64>> {
    let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return Vec::new() };
    let window = TimeSpan::new(first.span.start, last.span.end);
    let known: Vec<_> = timeline.touching(window).filter(|(_, value)| value.is_finite()).collect();
    let mut at = 0;
    let mean = |cell: &Cell| {
        at += known[at..].iter().take_while(|(span, _)| span.end <= cell.span.start).count();
        let (mut hours, mut sum) = (0.0, 0.0);
        for (span, value) in known[at..].iter().take_while(|(span, _)| span.start < cell.span.end) {
            let common = span.common(cell.span).hours();
            hours += common;
            sum += common * **value;
        }
        (hours * 2.0 >= cell.span.hours()).then(|| sum / hours)
    };
    cells.iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: &str, end: &str) -> TimeSpan {
        let ms = |text: &str| UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond());
        TimeSpan::new(ms(start), ms(end))
    }

    #[test]
    fn the_hour_that_comes_twice_has_the_same_places_twice() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let day = |start, end| cells(span(start, end), Step::Hour, &paris);
        let slots = |cells: Vec<Cell>| cells.iter().map(|cell| cell.slot).collect::<Vec<_>>();
        assert_eq!(slots(day("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z")), [2, 2, 3]);
        assert_eq!(slots(day("2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z")), [1, 3, 4]);
        let sunday = day("2026-10-24T21:30:00Z", "2026-10-25T23:00:01Z");
        assert_eq!(sunday.len(), 26);
        assert_eq!((sunday[0].day, sunday[0].weekday, sunday[25].day, sunday[25].weekday), (0, 6, 1, 0));
    }

    proptest::proptest! {
        #[test]
        fn places_are_those_of_the_calendar(
            start in -60_000_000_000_000_i64..250_000_000_000_000,
            zone in proptest::sample::select(vec!["Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let window = TimeSpan::new(UnixMillis(start), UnixMillis(start + 200 * 86_400_000));
            let cells = cells(window, Step::Quarter, &zone);
            proptest::prop_assert!(cells.len() >= 200 * 96 - 1);
            let date = |cell: &Cell| zone.to_datetime(Timestamp::from_millisecond(cell.span.start.0).unwrap());
            let first = date(&cells[0]).date();
            for cell in cells.iter().step_by(37) {
                let civil = date(cell);
                let minutes = usize::try_from(i64::from(civil.hour()) * 60 + i64::from(civil.minute())).unwrap();
                proptest::prop_assert_eq!(cell.slot, minutes / 15);
                proptest::prop_assert_eq!(cell.weekday, usize::from(civil.weekday().to_monday_zero_offset().unsigned_abs()));
                let days = first.until((jiff::Unit::Day, civil.date())).unwrap().get_days();
                proptest::prop_assert_eq!(cell.day, usize::try_from(days).unwrap());
            }
        }
    }

    #[test]
    fn a_cell_is_known_when_half_of_it_is() {
        let cells =
            cells(span("2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"), Step::HalfHour, &TimeZone::UTC);
        let timeline = Timeline::of([
            (span("2025-12-31T00:00:00Z", "2026-01-01T00:10:00Z"), 1.0),
            (span("2026-01-01T00:10:00Z", "2026-01-01T00:40:00Z"), 4.0),
            (span("2026-01-01T01:00:00Z", "2026-01-01T01:30:00Z"), f64::NAN),
            (span("2026-01-01T01:45:00Z", "2026-01-01T09:30:00Z"), 5.0),
        ]);
        assert_eq!(means(&timeline, &cells), [Some(3.0), None, None, Some(5.0)]);
        assert_eq!(means(&timeline, &[]), []);
    }
}
