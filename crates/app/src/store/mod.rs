//! The store within the program: the history on disk, kept open, committed in time, and survived by the program when the
//! disk is full, read-only or not there yet.
//!
//! Readings go straight into the history's memory, which waits for no disk. Events wait here until the next moment the
//! disk is free. A ledger row and a state are durable when their future ends, or it says why not; such a row is tried
//! again with each commit.

mod sinks;
mod stored;
mod upkeep;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use ohmstead_config::{Config, Site};
use ohmstead_history::{History, Settings};
use ohmstead_model::{
    DeviceId, Event, LedgerEntry, LedgerQuery, Metric, Reading, Series, SeriesQuery, catalogue,
};
use ohmstead_units::Currency;
use ohmstead_web::HistoryError;
use tokio::sync::{Notify, Semaphore, watch};

use crate::data_dir::{self, DataDirError, Holder, Lock};
use crate::hub::Listener;
use crate::records::{NotDurable, Records};

/// Questions answered at once; more wait. Each may hold an answer in memory.
const QUESTIONS: usize = 2;

/// Events and ledger rows that wait for a disk that does not take them; beyond it the oldest go.
const UNSAVED: usize = 1000;

/// The store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where it is; `None` for a store that keeps nothing, with the reason in `trouble`.
    dir: Option<PathBuf>,
    config: HistoryConfig,
    holder: Holder,
    lock: Mutex<Option<Lock>>,
    history: Mutex<Option<Arc<History>>>,
    unsaved: Mutex<Unsaved>,
    wake: Notify,
    questions: Semaphore,
    trouble: watch::Sender<Option<String>>,
    sinks: sinks::Sinks,
    /// Readings that came while the store was not open.
    lost: AtomicU64,
}

/// What the configuration says of the store.
#[derive(Debug, Clone)]
pub(crate) struct HistoryConfig {
    pub(crate) settings: Settings,
    /// The site's: its days are those of the history.
    pub(crate) zone: TimeZone,
    /// What a kilowatt hour costs is in it, where the configuration says what that is.
    pub(crate) currency: Option<Currency>,
}

impl HistoryConfig {
    /// Of a configuration, or where there is none.
    pub(crate) fn of(config: Option<&Config>) -> Self {
        let settings = config.map(|config| config.history.clone()).unwrap_or_default();
        let zone = config.map(|config| config.site.timezone.clone());
        let zone = zone.unwrap_or_else(|| Site::default().timezone);
        Self { settings, zone, currency: config.and_then(crate::planning::currency) }
    }

    /// The definitions that go before those of the catalogue, or are not in it: prices in the currency of the site, and what
    /// drivers have of their own.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let priced = |currency| catalogue::priced().map(move |metric| metric.in_currency(currency));
        self.currency.into_iter().flat_map(priced).chain(ohmstead_drivers::native()).collect()
    }

    /// The metric of that name.
    pub(crate) fn metric(&self, name: &str) -> Option<Metric> {
        let known = ohmstead_drivers::metric(name)?;
        Some(self.currency.map_or(known, |currency| known.in_currency(currency)))
    }
}

#[derive(Default)]
struct Unsaved {
    events: VecDeque<Event>,
    ledger: VecDeque<LedgerEntry>,
}

impl Store {
    /// Opens the store in `dir`, or notes why that is not possible and tries again later. Blocks.
    ///
    /// Only another user of the directory is an error.
    pub(crate) fn open(dir: PathBuf, config: HistoryConfig, holder: Holder) -> Result<Self, DataDirError> {
        let store = Self::closed(Some(dir), config, holder, None);
        match store.inner.try_open() {
            Ok(()) => {}
            Err(OpenFailed::Dir(in_use @ DataDirError::InUse { .. })) => return Err(in_use),
            Err(failed) => store.inner.set_trouble(Some(failed.to_string())),
        }
        Ok(store)
    }

    /// A store that keeps nothing, for `why`.
    pub(crate) fn nowhere(why: String) -> Self {
        Self::closed(None, HistoryConfig::of(None), Holder::Daemon, Some(why))
    }

    fn closed(dir: Option<PathBuf>, config: HistoryConfig, holder: Holder, trouble: Option<String>) -> Self {
        let (trouble, _) = watch::channel(trouble);
        let inner = Inner {
            dir,
            config,
            holder,
            lock: Mutex::default(),
            history: Mutex::default(),
            unsaved: Mutex::default(),
            wake: Notify::new(),
            questions: Semaphore::new(QUESTIONS),
            trouble,
            sinks: sinks::Sinks::default(),
            lost: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The data directory, if this process has it.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.inner.dir.as_deref().filter(|_| locked(&self.inner.lock).is_some())
    }

    /// The data directory, whether this process has it or not: to be read only.
    pub(crate) fn place(&self) -> Option<&Path> {
        self.inner.dir.as_deref()
    }

    /// Why the store does not work at present, if it does not.
    pub(crate) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.inner.trouble.subscribe()
    }

    /// What is kept under `key`; nothing while the store is not open. Blocks for one short read.
    pub(crate) fn state_now(&self, key: &str) -> Option<String> {
        self.inner.history()?.get_state(key).ok().flatten()
    }

    /// The keys that begin with `prefix` and have something under them; none while the store is not open. Blocks for one
    /// short read.
    pub(crate) fn state_keys_now(&self, prefix: &str) -> Vec<String> {
        self.inner.history().and_then(|history| history.state_keys(prefix).ok()).unwrap_or_default()
    }

    /// The metrics that `device` has ever reported; none while the store is not open.
    pub(crate) fn metrics_now(&self, device: &DeviceId) -> Vec<Metric> {
        self.inner.history().map(|history| history.metrics_of(device)).unwrap_or_default()
    }

    /// One series.
    pub(crate) async fn range(&self, query: SeriesQuery) -> Result<Series, HistoryError> {
        self.question(move |history| history.range(&query)).await
    }

    /// The last attempts to change a device, newest first.
    pub(crate) async fn ledger(
        &self,
        query: impl Into<LedgerQuery>,
    ) -> Result<Vec<LedgerEntry>, HistoryError> {
        let query = query.into();
        self.question(move |history| history.ledger(query)).await
    }

    /// The last events, newest first.
    pub(crate) async fn events(&self, limit: usize) -> Result<Vec<Event>, HistoryError> {
        self.question(move |history| history.events(limit)).await
    }

    /// The history's figures.
    #[cfg(test)]
    pub(crate) async fn stats(&self) -> Result<ohmstead_history::Stats, HistoryError> {
        self.question(History::stats).await
    }

    /// Readings that came while the store was not open.
    pub(crate) fn lost(&self) -> u64 {
        self.inner.lost.load(Ordering::Relaxed)
    }

    async fn question<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&History) -> Result<T, ohmstead_history::QueryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let unavailable = |why: String| HistoryError::Unavailable(why);
        let history = self.inner.history().ok_or_else(|| unavailable(self.inner.why_closed()))?;
        let _turn = self.inner.questions.acquire().await.expect("the semaphore is never closed");
        let answer = tokio::task::spawn_blocking(move || ask(&history)).await;
        answer.map_err(|_| unavailable("the question failed (a bug of the program)".to_owned()))?.map_err(
            |error| match error {
                ohmstead_history::QueryError::TooManyPoints { most, step } => {
                    HistoryError::TooManyPoints { limit: most, step: Some(step.0) }
                }
                error => unavailable(chain(&error)),
            },
        )
    }

    /// Runs `work` where it may wait for the disk.
    async fn durably<T: Send + 'static>(
        &self,
        work: impl FnOnce(&History) -> Result<T, NotDurable> + Send + 'static,
    ) -> Result<T, NotDurable> {
        let history = self.inner.history().ok_or_else(|| NotDurable(self.inner.why_closed()))?;
        let done = tokio::task::spawn_blocking(move || work(&history)).await;
        done.unwrap_or_else(|_| Err(NotDurable("the store failed (a bug of the program)".to_owned())))
    }
}

impl Records for Store {
    fn append_ledger(&self, entry: LedgerEntry) -> BoxFuture<'_, Result<i64, NotDurable>> {
        Box::pin(async move {
            let row = entry.clone();
            let result = self.durably(move |history| history.append_ledger(&row).map_err(not_durable)).await;
            if result.is_err() {
                keep(&mut locked(&self.inner.unsaved).ledger, entry);
            }
            result
        })
    }

    fn get_state(&self, key: String) -> BoxFuture<'_, Result<Option<String>, NotDurable>> {
        Box::pin(self.durably(move |history| history.get_state(&key).map_err(not_durable)))
    }

    fn put_state(&self, key: String, value: String) -> BoxFuture<'_, Result<(), NotDurable>> {
        Box::pin(self.durably(move |history| history.put_state(&key, &value).map_err(not_durable)))
    }
}

impl Listener for Store {
    fn reading(&self, reading: &Arc<Reading>) {
        match self.inner.history() {
            None => {
                self.inner.lost.fetch_add(1, Ordering::Relaxed);
            }
            Some(history) => {
                // First: what comes late is noted before it can become durable.
                self.inner.sinks.stored(reading);
                if let Err(error) = history.append(reading) {
                    tracing::debug!(%error, "values were not stored");
                }
            }
        }
    }

    fn event(&self, event: Event) {
        keep(&mut locked(&self.inner.unsaved).events, event);
        self.inner.wake.notify_one();
    }
}

/// Why the store is not open.
#[derive(Debug, thiserror::Error)]
enum OpenFailed {
    #[error("{}", chain(.0))]
    Dir(DataDirError),
    #[error("{}", chain(.0))]
    History(ohmstead_history::OpenError),
    #[error("{}", chain(.0))]
    Sinks(ohmstead_history::QueryError),
}

impl Inner {
    fn history(&self) -> Option<Arc<History>> {
        locked(&self.history).clone()
    }

    fn try_open(&self) -> Result<(), OpenFailed> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let mut lock = locked(&self.lock);
        if lock.is_none() {
            *lock = Some(data_dir::take(dir, self.holder).map_err(OpenFailed::Dir)?);
        }
        let HistoryConfig { settings, zone, .. } = &self.config;
        let metrics = self.config.metrics();
        let history = History::open(dir, settings, zone, &metrics).map_err(OpenFailed::History)?;
        self.sinks.load(&history).map_err(OpenFailed::Sinks)?;
        *locked(&self.history) = Some(Arc::new(history));
        Ok(())
    }

    fn why_closed(&self) -> String {
        self.trouble.borrow().clone().unwrap_or_else(|| "it is not open".to_owned())
    }

    /// One line in the log per change.
    fn set_trouble(&self, trouble: Option<String>) {
        let changed = self.trouble.send_if_modified(|known| {
            let changed = *known != trouble;
            known.clone_from(&trouble);
            changed
        });
        match trouble {
            Some(trouble) if changed => {
                tracing::error!("the store does not work and is tried again: {trouble}");
            }
            None if changed => tracing::info!("the store works again"),
            _ => {}
        }
    }
}

fn keep<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() >= UNSAVED {
        queue.pop_front();
    }
    queue.push_back(item);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_durable(error: impl std::error::Error) -> NotDurable {
    NotDurable(chain(&error))
}

/// The error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
