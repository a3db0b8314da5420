//! What all sources said, in one place; the outlook is made from it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_model::UnixMillis;

use super::Links;
use crate::held::Held;
use crate::{Kind, Outlook, SourceStatus, merge};

/// One source: what it said and how it is doing.
#[derive(Debug)]
pub(super) struct Entry {
    name: Arc<str>,
    kind: Kind,
    pub(super) held: Held,
    fresh_for: Duration,
    pub(super) trouble: Option<String>,
    pub(super) next_try: Option<UnixMillis>,
}

impl Entry {
    pub(super) fn new(name: Arc<str>, kind: Kind, held: Held, fresh_for: Duration) -> Self {
        // What was wrong before a restart is wrong until it is tried again.
        let trouble = held.trouble.clone();
        Self { name, kind, held, fresh_for, trouble, next_try: None }
    }

    fn source(&self) -> merge::Source<'_> {
        merge::Source { name: Arc::clone(&self.name), held: &self.held, fresh_for: self.fresh_for }
    }

    fn status(&self) -> SourceStatus {
        SourceStatus {
            kind: self.kind,
            fetched_at: self.held.fetched_at,
            tried_at: self.held.memory.asks.last().map(|(at, _)| *at),
            trouble: self.trouble.clone(),
            failures: self.held.memory.failures,
            next_try: self.next_try,
            refused: self.held.refused,
            licence: self.held.licence.clone(),
        }
    }
}

/// All sources in their order. Locked for moments only, never while anybody waits.
#[derive(Debug)]
pub(super) struct Board {
    offline: bool,
    entries: Mutex<Vec<Entry>>,
    has_told_of_disk: AtomicBool,
}

impl Board {
    pub(super) fn new(offline: bool) -> Self {
        Self { offline, entries: Mutex::new(Vec::new()), has_told_of_disk: AtomicBool::new(false) }
    }

    /// Whether nobody has been told yet that nothing can be written: one disk is one trouble, however many sources there are.
    pub(super) fn is_news_that_disk_fails(&self) -> bool {
        !self.has_told_of_disk.swap(true, Ordering::Relaxed)
    }

    /// Something was written.
    pub(super) fn disk_works(&self) {
        self.has_told_of_disk.store(false, Ordering::Relaxed);
    }

    pub(super) fn add(&self, entry: Entry) {
        self.locked().push(entry);
    }

    /// Looks at, or changes, one source.
    pub(super) fn with<T>(&self, index: usize, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.locked().get_mut(index).map(change)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the outlook of what is known now.
    pub(super) fn publish(&self, links: &Links) {
        let now = links.clock.now().unix;
        let manual = links.manual.borrow().clone();
        let entries = self.locked();
        let sources: Vec<merge::Source<'_>> = entries.iter().map(Entry::source).collect();
        let (series, currency) = merge::series(&sources, &manual, now);
        let outlook = Outlook {
            at: now,
            offline: self.offline,
            series,
            currency,
            colours: merge::colours(&sources, &manual),
            grids: merge::grids(&sources),
            sources: entries.iter().map(|entry| (Arc::clone(&entry.name), entry.status())).collect(),
        };
        links.outlook.send_replace(Arc::new(outlook));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_told_of_once_until_it_works() {
        let board = Board::new(false);
        let told = [(); 3].map(|()| board.is_news_that_disk_fails());
        assert_eq!(told, [true, false, false]);
        board.disk_works();
        assert!(board.is_news_that_disk_fails());
    }
}
