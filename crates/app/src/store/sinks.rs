//! The store as the source of the sinks: it keeps their cursors, tells them what comes late, and reads spans for them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use ohmstead_history::{History, QueryError};
use ohmstead_model::{DeviceId, Metric, Moment, Reading, UnixMillis};
use ohmstead_sinks::{Cursors, NoValues, Pick, Point, Source, Span};
use ohmstead_web::HistoryError;

use super::{Store, chain, locked};

/// What the store knows for its sinks.
#[derive(Default)]
pub(super) struct Sinks {
    cursors: Arc<Cursors>,
    /// Every device that has values: asking the disk for each span would cost more than the span.
    devices: Mutex<BTreeSet<DeviceId>>,
}

/// Whether flash is spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sparing {
    /// A cursor that only moved on waits for its turn.
    Yes,
    /// Everything is kept: it is the last chance.
    No,
}

impl Sinks {
    /// Takes over what an earlier run kept, before the history takes anything in. A cursor that cannot be read now is no
    /// reason to begin anew and leave a gap.
    pub(super) fn load(&self, history: &History) -> Result<(), QueryError> {
        for key in history.state_keys(Cursors::prefix())? {
            if let Some(text) = history.get_state(&key)? {
                self.cursors.load(&key, &text);
            }
        }
        let series = history.series()?;
        locked(&self.devices).extend(series.into_iter().map(|series| series.device));
        Ok(())
    }

    /// A reading is about to be stored.
    pub(super) fn stored(&self, reading: &Reading) {
        self.cursors.stored(Span::moment(reading.at.unix));
        let mut devices = locked(&self.devices);
        if !devices.contains(&reading.device) {
            devices.insert(reading.device.clone());
        }
    }

    /// Keeps the cursors that are due.
    pub(super) fn save(&self, history: &History, now: Moment, sparing: Sparing) -> Result<(), String> {
        for unsaved in self.cursors.unsaved(now.mono, sparing == Sparing::No) {
            history.put_state(&unsaved.key, &unsaved.text).map_err(|error| chain(&error))?;
            self.cursors.saved(unsaved, now.mono);
        }
        Ok(())
    }

    fn picked(&self, pick: &Pick, history: &History) -> Vec<(DeviceId, Metric)> {
        let devices: Vec<_> =
            locked(&self.devices).iter().filter(|device| pick.device(device)).cloned().collect();
        let metrics = |device: DeviceId| {
            let metrics = history.metrics_of(&device).into_iter().filter(|metric| pick.metric(*metric));
            metrics.map(move |metric| (device.clone(), metric)).collect::<Vec<_>>()
        };
        devices.into_iter().flat_map(metrics).collect()
    }
}

impl Source for Store {
    fn cursors(&self) -> Option<Arc<Cursors>> {
        self.inner.history().map(|_| Arc::clone(&self.inner.sinks.cursors))
    }

    fn oldest(&self) -> BoxFuture<'_, Result<Option<UnixMillis>, NoValues>> {
        Box::pin(async move {
            let series = self.question(History::series).await.map_err(|error| unavailable(&error))?;
            Ok(series.iter().map(|series| series.first).min())
        })
    }

    fn values(
        &self,
        pick: Arc<Pick>,
        span: Span,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<Point>, NoValues>> {
        Box::pin(async move {
            let inner = Arc::clone(&self.inner);
            let read = move |history: &History| {
                let series = inner.sinks.picked(&pick, history);
                read(history, &series, span, most)
            };
            self.question(read).await.map_err(|error| unavailable(&error))?.ok_or(NoValues::TooMany)
        })
    }
}

/// The values of all series, or `None` if they are more than `most`.
fn read(
    history: &History,
    series: &[(DeviceId, Metric)],
    span: Span,
    most: usize,
) -> Result<Option<Vec<Point>>, QueryError> {
    let mut points = Vec::new();
    for (device, metric) in series {
        let mut is_too_many = false;
        history.each(device, *metric, span.from, span.to, &mut |at, value| {
            is_too_many = points.len() == most;
            if is_too_many {
                return ControlFlow::Break(());
            }
            points.push(Point { at, device: device.clone(), metric: *metric, value: value.clone() });
            ControlFlow::Continue(())
        })?;
        if is_too_many {
            return Ok(None);
        }
    }
    Ok(Some(points))
}

fn unavailable(error: &HistoryError) -> NoValues {
    NoValues::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests;
