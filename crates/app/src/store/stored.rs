//! The history as the verbs and the web interface read it, and the few ways in which a verb writes it.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use ohmstead_history::{Compacted, History, SeriesInfo, Stats, Verified, WriteError};
use ohmstead_model::{DeviceId, Metric, Moment, Reading, UnixMillis};
use ohmstead_web::{Growth, HistoryError, Page, PageQuery, StoreFigures, StoredSeries};

use super::sinks::Sparing;
use super::{HistoryConfig, Store, chain};
use crate::records::NotDurable;

impl Store {
    /// All series that have values and a metric that is known, by device and metric.
    pub(crate) async fn stored_series(&self) -> Result<Vec<StoredSeries>, HistoryError> {
        let series = self.question(History::series).await?;
        Ok(known(series, &self.inner.config))
    }

    /// The metric of that name, in the site's currency where it is in money.
    pub(crate) fn metric(&self, name: &str) -> Option<Metric> {
        self.inner.config.metric(name)
    }

    /// Stored values of one series, a page of them.
    pub(crate) async fn page(&self, query: PageQuery) -> Result<Page, HistoryError> {
        self.question(move |history| {
            let PageQuery { device, metric, from, to, most } = query;
            let mut page = Page::new();
            history.each(&device, metric, from, to, &mut |at, value| {
                if page.len() == most {
                    return ControlFlow::Break(());
                }
                page.push((at, value.clone()));
                ControlFlow::Continue(())
            })?;
            Ok(page)
        })
        .await
    }

    /// What a counter grew by.
    pub(crate) async fn growth(
        &self,
        device: DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Growth, HistoryError> {
        let increase = self.question(move |history| history.increase(&device, metric, from, to)).await?;
        let ohmstead_history::Increase { value, resets, first, last } = increase;
        Ok(Growth { value, resets, first, last })
    }

    /// Figures of the whole history.
    pub(crate) async fn figures(&self) -> Result<StoreFigures, HistoryError> {
        let stats = self.question(History::stats).await?;
        let Stats { points, bytes, bytes_per_point, series, first, last, .. } = stats;
        Ok(StoreFigures { points, bytes, bytes_per_point, series, first, last })
    }

    /// Reads everything and says what cannot be read.
    pub(crate) async fn verify(&self) -> Result<Verified, HistoryError> {
        self.question(History::verify).await
    }

    /// Joins small blocks.
    pub(crate) async fn compact(&self, now: UnixMillis) -> Result<Compacted, NotDurable> {
        self.durably(move |history| history.compact(now).map_err(|error| not_written(&error))).await
    }

    /// Copies everything into one new file. Returns its size.
    pub(crate) async fn backup(&self, to: PathBuf) -> Result<u64, NotDurable> {
        self.durably(move |history| history.backup(&to).map_err(|error| not_written(&error))).await
    }

    /// Takes in what was read elsewhere. Returns how many values were stored.
    pub(crate) async fn backfill(&self, readings: Vec<Reading>) -> Result<u64, NotDurable> {
        let inner = Arc::clone(&self.inner);
        self.durably(move |history| {
            // The sinks must know before it is stored: what came late is sent as well, after a crash too.
            for reading in &readings {
                inner.sinks.stored(reading);
            }
            inner.sinks.save(history, Moment::default(), Sparing::Yes).map_err(NotDurable)?;
            history.backfill(readings.into_iter()).map_err(|error| not_written(&error))
        })
        .await
    }
}

fn not_written(error: &WriteError) -> NotDurable {
    NotDurable(chain(error))
}

/// Those of a metric that somebody still knows, each once: a metric that became another kind is stored twice.
fn known(series: Vec<SeriesInfo>, config: &HistoryConfig) -> Vec<StoredSeries> {
    let mut known: Vec<StoredSeries> = Vec::with_capacity(series.len());
    for SeriesInfo { device, metric, first, last, points } in series {
        let Some(metric) = config.metric(&metric) else { continue };
        match known.last_mut().filter(|before| before.device == device && before.metric == metric) {
            Some(before) => {
                before.first = before.first.min(first);
                before.last = before.last.max(last);
                before.points += points;
            }
            None => known.push(StoredSeries { device, metric, first, last, points }),
        }
    }
    known
}
