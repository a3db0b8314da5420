//! What a counter grew by between two instants.

use std::ops::ControlFlow;
use std::time::Duration;

use ohmstead_model::{DeviceId, Metric, Resolution, SeriesQuery, UnixMillis};

use crate::growth::Growth;
use crate::point::{Stored, factor};
use crate::query::QueryError;
use crate::scan::{Piece, ScanError};
use crate::store::History;

/// The counter's value at the beginning may be so old: what it grew by since then counts.
const BASELINE: Duration = Duration::from_secs(86_400);

/// The growth of a counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Increase {
    /// In the metric's unit; `None` if nothing is known of the span.
    pub value: Option<f64>,
    /// How often the counter was reset (it fell by more than a tenth, and what it showed then is growth).
    pub resets: u64,
    /// The time of the value that growth is counted from: the last at or before `from`, if it is at most a day old, else
    /// the first after it.
    pub first: Option<UnixMillis>,
    /// The time of the last value.
    pub last: Option<UnixMillis>,
}

impl History {
    /// What `metric` of `device` grew by from `from` to `to`. The growths of adjacent spans add up to that of both.
    pub fn increase(
        &self,
        device: &DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Increase, QueryError> {
        let baseline = self.last_before(device, metric, from)?;
        let query = SeriesQuery { device: device.clone(), metric, from, to, resolution: Resolution::Raw };
        let mut tally = Tally::default();
        if let Some((at, number)) = baseline {
            tally.growth.add(number);
            tally.see(at);
        }
        self.scan(&query, |scan| {
            // Any bucket is wide enough for an hour.
            let whole = |_: i64| i64::MIN..i64::MAX;
            let pieces = scan.pieces(&whole, |piece| {
                tally.add(&piece);
                ControlFlow::Continue(())
            });
            match pieces {
                Ok(()) | Err(ScanError::Stopped) => {}
                Err(ScanError::Database(error)) => return Err(self.unreadable(error)),
            }
            let Tally { growth, seen } = tally;
            let value = seen.map(|_| growth.total as f64 / factor(scan.decimals) as f64);
            let (first, last) =
                (seen.map(|(first, _)| UnixMillis(first)), seen.map(|(_, last)| UnixMillis(last)));
            Ok(Increase { value, resets: growth.resets, first, last })
        })
    }

    /// The last value before `at` that is recent enough, in the stored unit.
    fn last_before(
        &self,
        device: &DeviceId,
        metric: Metric,
        at: UnixMillis,
    ) -> Result<Option<(i64, i64)>, QueryError> {
        let from = at.minus(BASELINE);
        let query = SeriesQuery { device: device.clone(), metric, from, to: at, resolution: Resolution::Raw };
        self.scan(&query, |scan| {
            let mut last = None;
            let each = scan.each(|at, stored| {
                if let Stored::Number(number) = stored {
                    last = Some((at, *number));
                }
                ControlFlow::Continue(())
            });
            match each {
                Ok(()) | Err(ScanError::Stopped) => Ok(last),
                Err(ScanError::Database(error)) => Err(self.unreadable(error)),
            }
        })
    }
}

/// The growth so far, and the times of the first and the last value.
#[derive(Default)]
struct Tally {
    growth: Growth,
    seen: Option<(i64, i64)>,
}

impl Tally {
    fn see(&mut self, at: i64) {
        self.seen = Some((self.seen.map_or(at, |(first, _)| first), at));
    }

    fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Point(at, number) => {
                self.growth.add(*number);
                self.see(*at);
            }
            Piece::Hour(hour) => {
                if let Some(grown) = &hour.grown {
                    self.growth.add_part(grown);
                    self.see(hour.start);
                }
            }
        }
    }
}
