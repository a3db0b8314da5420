//! The drivers' end of the hub's queue. A report never blocks a driver.
//!
//! Where the queue is full, values are lost and counted: newer ones follow. What a device *is* (its description, whether
//! it answers, its notices) must not be lost, for nothing repeats it: the newest of each waits here until the hub comes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ohmstead_drivers::{Report, Reporter};
use ohmstead_model::DeviceId;
use tokio::sync::mpsc;

use super::Message;

/// The way of one device's reports into the hub.
pub(crate) struct HubReporter {
    queue: mpsc::Sender<Message>,
    backlog: Arc<Backlog>,
}

/// What did not get through.
#[derive(Default)]
pub(crate) struct Backlog {
    lost: AtomicU64,
    waiting: Mutex<Vec<Report>>,
}

impl HubReporter {
    pub(super) fn new(queue: mpsc::Sender<Message>) -> Self {
        Self { queue, backlog: Arc::default() }
    }

    pub(super) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.backlog)
    }
}

impl Reporter for HubReporter {
    fn report(&self, report: Report) {
        let state = is_state(&report);
        let report = if state {
            match self.backlog.keep_behind_earlier(report) {
                None => return,
                Some(report) => report,
            }
        } else {
            report
        };
        let Err(refused) = self.queue.try_send(Message::Report(Box::new(report))) else { return };
        let Message::Report(report) = refused.into_inner() else { return };
        if state {
            self.backlog.keep(*report);
        } else {
            self.backlog.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Backlog {
    /// Readings lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Takes what waits. To be called only while the queue is empty: what is in the queue is older.
    pub(super) fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// While earlier reports wait, later ones must not overtake them through the queue.
    fn keep_behind_earlier(&self, report: Report) -> Option<Report> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            return Some(report);
        }
        replace(&mut waiting, report);
        None
    }

    fn keep(&self, report: Report) {
        replace(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner), report);
    }
}

/// Only the newest report of a kind counts, so that at most one of each waits.
fn replace(waiting: &mut Vec<Report>, report: Report) {
    let kind = std::mem::discriminant(&report);
    waiting.retain(|earlier| std::mem::discriminant(earlier) != kind);
    waiting.push(report);
}

fn is_state(report: &Report) -> bool {
    matches!(
        report,
        Report::Info(_)
            | Report::Online(..)
            | Report::Notices(..)
            | Report::Evidence(..)
            | Report::Native(..)
    )
}

/// Whose report it is.
pub(super) fn device_of(report: &Report) -> &DeviceId {
    match report {
        Report::Reading(reading) => &reading.device,
        Report::Info(info) => &info.id,
        Report::Online(id, ..)
        | Report::Answered(id, _)
        | Report::Notices(id, _)
        | Report::Evidence(id, _)
        | Report::Native(id, _) => id,
    }
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{Moment, Reading};

    use super::*;

    fn reading(id: &DeviceId) -> Report {
        Report::Reading(Reading { device: id.clone(), at: Moment::default(), values: vec![] })
    }

    #[test]
    fn a_full_queue_loses_readings_and_keeps_the_newest_state() {
        let id: DeviceId = "a".parse().unwrap();
        let (queue, mut hub) = mpsc::channel(1);
        let reporter = HubReporter::new(queue);
        let backlog = reporter.backlog();
        for _ in 0..4 {
            reporter.report(reading(&id));
        }
        assert_eq!(backlog.lost(), 3);
        reporter.report(Report::Online(id.clone(), true, Moment::default()));
        reporter.report(Report::Online(id.clone(), false, Moment::default()));
        let Ok(Message::Report(first)) = hub.try_recv() else { panic!("nothing came") };
        assert!(matches!(*first, Report::Reading(_)));
        // There is room again, but the newest state may not arrive before the one that waits.
        reporter.report(Report::Online(id.clone(), true, Moment::default()));
        assert!(hub.try_recv().is_err());
        assert_eq!(backlog.take(), [Report::Online(id.clone(), true, Moment::default())]);
        reporter.report(Report::Online(id.clone(), false, Moment::default()));
        let Ok(Message::Report(last)) = hub.try_recv() else { panic!("nothing came") };
        assert!(matches!(*last, Report::Online(_, false, _)));
    }
}
