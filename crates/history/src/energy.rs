//! What a counter grew by between two instants.

use std::ops::ControlFlow;
use std::time::Duration;

use ohmstead_model::{DeviceId, Metric, Resolution, SeriesQuery, UnixMillis};

use crate::growth::Growth;
use crate::point::factor;
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
        let mut tally = self.last_before(device, metric, from)?;
        let query = SeriesQuery { device: device.clone(), metric, from, to, resolution: Resolution::Raw };
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

    /// What the counter had before `at`, if that is recent enough: nothing has grown yet.
    fn last_before(&self, device: &DeviceId, metric: Metric, at: UnixMillis) -> Result<Tally, QueryError> {
        let from = at.minus(BASELINE);
        let query = SeriesQuery { device: device.clone(), metric, from, to: at, resolution: Resolution::Raw };
        self.scan(&query, |scan| {
            let mut before = Tally::default();
            let whole = |_: i64| i64::MIN..i64::MAX;
            let pieces = scan.pieces(&whole, |piece| {
                before.add(&piece);
                ControlFlow::Continue(())
            });
            match pieces {
                Ok(()) | Err(ScanError::Stopped) => {}
                Err(ScanError::Database(error)) => return Err(self.unreadable(error)),
            }
            let last = before.seen.map(|(_, last)| (last, last));
            Ok(Tally { growth: before.growth.restarted(), seen: last })
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
