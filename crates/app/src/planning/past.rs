//! What the house used, what its panels gave and what was known of that before, out of the history, in quarters of an hour:
//! what forecasts learn from.

use std::time::Duration;

use ohmstead_model::{DeviceId, Metric, Points, Resolution, SeriesQuery, TimeSpan, Timeline, UnixMillis};
use ohmstead_web::HistoryError;

use crate::store::Store;

/// How far back forecasts look.
const DAYS: u32 = 120;
const DAY: Duration = Duration::from_secs(86_400);

/// How fine they look.
pub(crate) const QUARTER: Duration = Duration::from_secs(900);

/// What is learned again with every look, for values may come late.
const LATE: Duration = Duration::from_secs(2 * 3600);

/// A battery of which a house says more is full.
const FULL_PCT: f64 = 98.5;
/// Panels that give less have no sun, W.
const SUN_W: f64 = 100.0;
/// A house that takes or gives less does neither, W.
const NO_EXPORT_W: f64 = 40.0;

/// What was measured of the whole house, in W, and what was told of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// What it used.
    pub(crate) load_w: Timeline<f64>,
    /// What its panels gave.
    pub(crate) pv_w: Timeline<f64>,
    /// What came from the grid.
    pub(crate) grid_w: Timeline<f64>,
    /// How full the batteries were together, per cent.
    pub(crate) soc_pct: Timeline<f64>,
    /// What a service had foretold of them, uncorrected.
    pub(crate) pv_foretold_w: Timeline<f64>,
    /// What the market asked for a kWh.
    pub(crate) spot_per_kwh: Timeline<f64>,
    /// What a kWh from the grid cost, all in.
    pub(crate) import_per_kwh: Timeline<f64>,
    read_to: Option<UnixMillis>,
}

impl Past {
    /// Reads on from where it has got to, up to the quarter that is running.
    pub(crate) async fn read_on(&mut self, store: &Store, now: UnixMillis) -> Result<(), HistoryError> {
        // A clock that was set in between, in whichever direction: all of it again, and never more than that.
        let first = now.minus(DAY * DAYS);
        let read_to = self.read_to.filter(|read| (first..=now).contains(read));
        let from = read_to.map_or(first, |read| read.minus(LATE));
        let window = TimeSpan::new(from, now);
        let series = [
            (Metric::LoadPower, &mut self.load_w),
            (Metric::PvPower, &mut self.pv_w),
            (Metric::GridPower, &mut self.grid_w),
            (Metric::BatterySoc, &mut self.soc_pct),
            (Metric::PvForecastPower, &mut self.pv_foretold_w),
            (Metric::SpotPrice, &mut self.spot_per_kwh),
            (Metric::ImportPrice, &mut self.import_per_kwh),
        ];
        for (metric, known) in series {
            for (span, mean) in quarters(store, metric, window).await?.slots() {
                known.set(span, *mean);
            }
            // The program runs for years.
            *known = known.within(TimeSpan::new(now.minus(DAY * DAYS), now));
        }
        self.read_to = Some(now);
        Ok(())
    }

    /// When the panels were held back, as it seems: they gave something, the batteries were full, and nothing went into the grid
    /// where that cannot be chance. What they gave then teaches nothing of what they can give.
    pub(crate) fn held_back(&self, since: UnixMillis) -> Vec<TimeSpan> {
        let full = self.soc_pct.slots().filter(|(span, soc)| span.start >= since && **soc >= FULL_PCT);
        let is_so = |span: &TimeSpan| {
            let gives = self.pv_w.at(span.start).is_some_and(|power| *power > SUN_W);
            gives && self.grid_w.at(span.start).is_some_and(|power| power.abs() < NO_EXPORT_W)
        };
        full.map(|(span, _)| span).filter(is_so).collect()
    }
}

/// The means of a metric of the whole house in quarters of an hour. Where nothing was stored, nothing is known.
pub(crate) async fn quarters(
    store: &Store,
    metric: Metric,
    window: TimeSpan,
) -> Result<Timeline<f64>, HistoryError> {
    let mut known = Timeline::default();
    let mut from = floor(window.start);
    // In pieces: an answer has a limit.
    while from < window.end {
        let to = from.plus(QUARTER * PIECE).min(window.end);
        let query =
            SeriesQuery { device: DeviceId::site(), metric, from, to, resolution: Resolution::Step(QUARTER) };
        if let Points::Buckets(buckets) = store.range(query).await?.points {
            for bucket in buckets {
                known.set(TimeSpan::lasting(bucket.at, QUARTER), bucket.mean);
            }
        }
        from = from.plus(QUARTER * PIECE);
    }
    Ok(known)
}

/// Quarters that are asked for at once: a month.
const PIECE: u32 = 31 * 96;

/// The beginning of the quarter that holds an instant.
pub(crate) fn floor(at: UnixMillis) -> UnixMillis {
    let quarter = 900_000;
    UnixMillis(at.0.div_euclid(quarter) * quarter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_held_back_where_a_full_battery_has_nobody_to_give_to() {
        let quarter = |number: u32| TimeSpan::lasting(UnixMillis(0).plus(QUARTER * number), QUARTER);
        let line = |values: &[f64]| Timeline::of((0..).map(quarter).zip(values.iter().copied()));
        let past = Past {
            //               held back | exports | not full | night | imports | unknown grid
            pv_w: line(&[900.0, 900.0, 900.0, 0.0, 900.0, 900.0]),
            soc_pct: line(&[99.0, 99.0, 80.0, 99.0, 99.0, 99.0]),
            grid_w: line(&[10.0, -600.0, 10.0, 10.0, 300.0]),
            ..Past::default()
        };
        assert_eq!(past.held_back(UnixMillis(0)), [quarter(0)]);
        assert_eq!(past.held_back(quarter(1).start), []);
    }
}
