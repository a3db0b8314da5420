//! What the store does by itself: saving events, commits, deletion of old values, and opening it again.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_history::History;
use ohmstead_model::{Clock, Moment};
use tokio_util::sync::CancellationToken;

use super::sinks::Sparing;
use super::{Inner, Store, chain, locked};

/// Committing more often than this would only wear the disk.
const COMMIT_EVERY_MIN: Duration = Duration::from_secs(1);

/// A store that could not be opened is tried again.
const OPEN_EVERY: Duration = Duration::from_secs(60);

/// Old values are deleted and ended months joined once a day, for the first time an hour after the start: not while everything else starts.
const FIRST_RETENTION: Duration = Duration::from_secs(3600);
const RETAIN_EVERY: Duration = Duration::from_secs(86_400);

impl Store {
    /// Keeps the store up until told to stop; then everything is made durable once more.
    pub(crate) async fn run(self, clock: Arc<dyn Clock>, stop: CancellationToken) {
        if self.inner.dir.is_none() {
            return stop.cancelled().await;
        }
        let mut retain_in = FIRST_RETENTION;
        loop {
            let open = self.inner.history().is_some();
            let every =
                if open { self.inner.config.settings.commit.0.max(COMMIT_EVERY_MIN) } else { OPEN_EVERY };
            let started = clock.now();
            let mut turn = clock.sleep(every);
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return self.work(clock.now(), Inner::last_commit).await,
                    () = &mut turn => break,
                    () = self.inner.wake.notified() => self.work(clock.now(), Inner::save_events).await,
                }
            }
            self.work(clock.now(), if open { Inner::commit } else { Inner::open_again }).await;
            retain_in = retain_in.saturating_sub(clock.now().since(started));
            if retain_in.is_zero() {
                retain_in = RETAIN_EVERY;
                self.work(clock.now(), Inner::retain).await;
                self.work(clock.now(), Inner::compact).await;
            }
        }
    }

    /// Saves the events that wait, for a verb that ends at once.
    pub(crate) async fn save_now(&self, now: Moment) {
        self.work(now, Inner::save_events).await;
    }

    async fn work(&self, now: Moment, work: fn(&Inner, Moment)) {
        let inner = Arc::clone(&self.inner);
        // A panic in there is logged by the hook and costs one turn.
        let _ = tokio::task::spawn_blocking(move || work(&inner, now)).await;
    }
}

impl Inner {
    fn open_again(&self, now: Moment) {
        match self.try_open() {
            Ok(()) => {
                self.set_trouble(None);
                self.commit(now);
            }
            Err(error) => self.set_trouble(Some(error.to_string())),
        }
    }

    fn commit(&self, now: Moment) {
        self.commit_and(now, Sparing::Yes);
    }

    fn last_commit(&self, now: Moment) {
        self.commit_and(now, Sparing::No);
    }

    fn commit_and(&self, now: Moment, sparing: Sparing) {
        let Some(history) = self.history() else { return };
        let commit = || history.commit(now.unix).map(drop).map_err(|error| chain(&error.trouble));
        let noted = self.sinks.save(&history, now, sparing);
        let saved = noted
            .and_then(|()| commit())
            // What came late in between was not noted yet.
            .and_then(|()| self.sinks.save(&history, now, Sparing::Yes))
            .and_then(|()| self.save_rows(&history))
            .and_then(|()| self.save_waiting_events(&history));
        self.set_trouble(saved.err());
    }

    fn save_events(&self, _now: Moment) {
        let Some(history) = self.history() else { return };
        if let Err(trouble) = self.save_waiting_events(&history) {
            self.set_trouble(Some(trouble));
        }
    }

    fn retain(&self, now: Moment) {
        let Some(history) = self.history() else { return };
        match history.retain(now.unix) {
            Ok(0) => {}
            Ok(values) => tracing::info!(values, "old values were deleted"),
            Err(error) => self.set_trouble(Some(chain(&error.trouble))),
        }
    }

    fn compact(&self, now: Moment) {
        let Some(history) = self.history() else { return };
        match history.compact(now.unix) {
            Ok(done) if done.blocks_before == 0 => {}
            Ok(done) => tracing::info!(
                bytes_before = done.bytes_before,
                bytes_after = done.bytes_after,
                "the days of an ended month were joined"
            ),
            Err(error) => self.set_trouble(Some(chain(&error.trouble))),
        }
    }

    /// Rows that could not be saved when they were made.
    fn save_rows(&self, history: &History) -> Result<(), String> {
        loop {
            let Some(row) = locked(&self.unsaved).ledger.pop_front() else { return Ok(()) };
            if let Err(error) = history.append_ledger(&row) {
                locked(&self.unsaved).ledger.push_front(row);
                return Err(chain(&error.trouble));
            }
        }
    }

    fn save_waiting_events(&self, history: &History) -> Result<(), String> {
        loop {
            let Some(event) = locked(&self.unsaved).events.pop_front() else { return Ok(()) };
            if let Err(error) = history.append_event(&event) {
                locked(&self.unsaved).events.push_front(event);
                return Err(chain(&error.trouble));
            }
        }
    }
}
