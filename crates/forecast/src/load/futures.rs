//! Ways in which the load may come. Bands say how far off each step may be by itself; whether a whole evening comes out high is
//! said by evenings that did. So a way is what is expected, with what was off in a stretch of the past of the same length at the
//! same time of day; in the next hours less of it, as far as the last hours tell what comes.

use ohmstead_model::{Band, Timeline};

use super::Learned;
use crate::Step;

/// `count` ways, from the latest stretches of the past, each a day before the one before it. In the place of a stretch of which
/// less than half is known stands one of the bands' quantiles.
pub(super) fn of(learned: &Learned, bands: &Timeline<Band>, step: Step, count: usize) -> Vec<Timeline<f64>> {
    let length = bands.slots().len();
    let days = length.div_ceil(step.per_day()).max(1);
    let of_stretch = |number: usize| {
        let begin = learned.off.len().checked_sub((days + number) * step.per_day());
        let known = begin.filter(|begin| {
            let stretch = &learned.off[*begin..*begin + length];
            stretch.iter().flatten().count() * 2 >= length
        });
        match known {
            Some(begin) => way(learned, bands, begin),
            None => bands.map(|_, band| band.quantiles()[number % Band::LEVELS.len()].max(0.0)),
        }
    };
    (0..count).map(of_stretch).collect()
}

/// What was off from a cell of the past on, added to what is expected. An unknown cell was not off.
fn way(learned: &Learned, bands: &Timeline<Band>, begin: usize) -> Timeline<f64> {
    let mut off = learned.off[begin..].iter();
    let mut ahead = 0;
    bands.map(|_, band| {
        let off = off.next().copied().flatten().unwrap_or(0.0);
        let (_, narrowing) = learned.recent.ahead(ahead);
        ahead += 1;
        (band.mean + off * narrowing * learned.scale_w).max(0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use ohmstead_model::{TimeSpan, UnixMillis};

    use super::super::{House, forecast, foretell};
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    const DAY: Duration = Duration::from_secs(86_400);

    /// 500 W; every third day 2 kW from 18 to 20 o'clock.
    fn load(days: i64) -> Timeline<f64> {
        let is_high = |hour: i64| (hour / 24) % 3 == 0 && (18..20).contains(&(hour % 24));
        Timeline::of((0..days * 24).map(|hour| {
            let span = TimeSpan::new(UnixMillis(hour * HOUR_MS), UnixMillis((hour + 1) * HOUR_MS));
            (span, if is_high(hour) { 2000.0 } else { 500.0 })
        }))
    }

    #[test]
    fn an_evening_is_high_or_low_as_a_whole() {
        let load_w = load(60);
        let nothing = Timeline::default();
        let house = House { load_w: &load_w, temperature_c: &nothing, zone: &TimeZone::UTC };
        let now = UnixMillis(60 * 24 * HOUR_MS);
        let foretold = foretell(house, now, DAY, Step::Hour, 9);
        assert_eq!(foretold.bands, forecast(house, now, DAY, Step::Hour));
        assert_eq!(foretold.futures.len(), 9);
        let evening =
            |way: &Timeline<f64>| [18, 19].map(|hour| way.at(UnixMillis(now.0 + hour * HOUR_MS)).copied());
        let high = foretold.futures.iter().filter(|way| {
            let [Some(first), Some(second)] = evening(way) else { panic!("{way:?}") };
            assert!((first > 1500.0) == (second > 1500.0), "{first} {second}");
            first > 1500.0
        });
        assert_eq!(high.count(), 3);
    }

    #[test]
    fn a_short_history_is_filled_up_with_quantiles() {
        let load_w = load(2);
        let nothing = Timeline::default();
        let house = House { load_w: &load_w, temperature_c: &nothing, zone: &TimeZone::UTC };
        let now = UnixMillis(2 * 24 * HOUR_MS);
        let foretold = foretell(house, now, DAY, Step::Hour, 7);
        let whole = TimeSpan::lasting(now, DAY);
        assert_eq!(foretold.futures.len(), 7);
        assert!(foretold.futures.iter().all(|way| way.gaps(whole).is_empty()));
        let noon = now.plus(DAY / 2);
        let p50 = foretold.bands.at(noon).map(|band| band.p50);
        assert_eq!(foretold.futures[2].at(noon).copied(), p50);
        assert!(foretell(house, now, DAY, Step::Hour, 0).futures.is_empty());
    }
}
