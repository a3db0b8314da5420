//! The hub: the one owner of what is known right now.
//!
//! ```text
//! device tasks --Report--> queue --> Board (snapshot, house) --+--> watch: the whole snapshot
//!                                                              +--> broadcast: what changed
//!                                                              +--> listener: the store, and events for people
//! ```
//!
//! The hub never waits for a listener: the snapshot is replaced, updates fall out of the broadcast's far end, and the
//! store takes what it can.

mod board;
mod events;
mod reporter;
mod told;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ohmstead_drivers::Report;
use ohmstead_model::{
    Clock, ControlState, DeviceId, DeviceInfo, Event, Metric, Moment, Notice, Observation, Reading, Snapshot,
    Update,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use board::Board;
pub(crate) use reporter::{Backlog, HubReporter};
pub(crate) use words::span_words;

/// Reports that may wait for the hub.
const QUEUE: usize = 1024;

/// Updates that a listener may be behind before it loses some.
const UPDATES: usize = 256;

/// Messages taken before the listeners are told; a burst becomes one snapshot.
const BURST: usize = 256;

/// How far the wall clock may drift against the monotonic one between two looks.
const CLOCK_JUMP: Duration = Duration::from_secs(5);

/// What the hub is told.
pub(crate) enum Message {
    /// A driver has learned something.
    Report(Box<Report>),
    /// A device is configured, or configured anew.
    Add(Box<DeviceInfo>, Arc<Backlog>),
    /// A device is no longer configured.
    Remove(DeviceId),
    /// Something is the case with a device, or no longer, that its driver does not know.
    Notice(DeviceId, &'static str, Option<Notice>),
    /// What control wants of a device has changed, or how far it has got.
    Control(DeviceId, ControlState),
    /// What is told of the whole house besides what is computed: which metrics those are.
    SiteMetrics(Vec<Metric>),
    /// Values of them, with the moment until which they hold.
    Site(Vec<(Metric, Observation)>, Moment),
    /// Somebody has changed something.
    Event(Box<Event>),
    /// Is the hub alive?
    Ping(oneshot::Sender<()>),
}

/// Takes what is to be kept. Never blocks.
pub(crate) trait Listener: Send + Sync + 'static {
    /// New values.
    fn reading(&self, reading: &Arc<Reading>);
    /// A change of state, for the event list.
    fn event(&self, event: Event);
}

/// The way to the hub for everybody else.
#[derive(Clone)]
pub(crate) struct Hub {
    queue: mpsc::Sender<Message>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    updates: broadcast::Sender<Update>,
    lost: Arc<AtomicU64>,
}

impl Hub {
    /// Makes the hub of the house called `title`: the handle, and the loop to be spawned.
    pub(crate) fn new(title: &str, clock: Arc<dyn Clock>, listener: Arc<dyn Listener>) -> (Self, HubLoop) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (updates, _) = broadcast::channel(UPDATES);
        let board = Board::new(title, clock.now());
        let (sender, snapshot) = watch::channel(Arc::new(board.snapshot().clone()));
        let lost = Arc::default();
        let hub = Self { queue, snapshot, updates: updates.clone(), lost: Arc::clone(&lost) };
        let backlogs = BTreeMap::new();
        let hub_loop =
            HubLoop { messages, sender, updates, board, clock, listener, backlogs, lost, skew: None };
        (hub, hub_loop)
    }

    /// Puts a device in, or replaces it; its driver reports through `reporter`.
    pub(crate) async fn add(&self, reporter: &HubReporter, info: DeviceInfo) {
        self.send(Message::Add(Box::new(info), reporter.backlog())).await;
    }

    /// The way in for one device's driver. Reports count from [`Hub::add`] on.
    pub(crate) fn reporter(&self) -> HubReporter {
        HubReporter::new(self.queue.clone())
    }

    /// Takes a device out.
    pub(crate) async fn remove(&self, id: DeviceId) {
        self.send(Message::Remove(id)).await;
    }

    /// Adds, replaces or (with `None`) takes away a notice that does not come from the device's driver.
    pub(crate) async fn notice(&self, id: DeviceId, code: &'static str, notice: Option<Notice>) {
        self.send(Message::Notice(id, code, notice)).await;
    }

    /// Shows what control wants of a device.
    pub(crate) async fn control(&self, id: DeviceId, state: ControlState) {
        self.send(Message::Control(id, state)).await;
    }

    /// Says which metrics are told of the whole house besides those that are computed, so that they can be announced.
    pub(crate) async fn site_metrics(&self, metrics: Vec<Metric>) {
        self.send(Message::SiteMetrics(metrics)).await;
    }

    /// Tells values of the whole house. After `until` they are unknown, unless newer ones have come.
    pub(crate) async fn site(&self, values: Vec<(Metric, Observation)>, until: Moment) {
        self.send(Message::Site(values, until)).await;
    }

    /// Puts something that happened into the list of events.
    pub(crate) async fn event(&self, event: Event) {
        self.send(Message::Event(Box::new(event))).await;
    }

    /// Ends when the hub has worked off what was sent before; `false` if it is gone.
    pub(crate) async fn ping(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Ping(answer)).await;
        answered.await.is_ok()
    }

    /// What is known right now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// What is known, whenever that changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// Readings lost so far because the program was too slow.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Tells that something new is known, whatever it is.
    pub(crate) fn news(&self) -> watch::Receiver<Arc<Snapshot>> {
        let mut news = self.snapshot.clone();
        news.mark_unchanged();
        news
    }

    /// Every change from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    async fn send(&self, message: Message) {
        // A hub that is gone means that the program is stopping.
        let _ = self.queue.send(message).await;
    }
}

/// The hub's loop.
pub(crate) struct HubLoop {
    messages: mpsc::Receiver<Message>,
    sender: watch::Sender<Arc<Snapshot>>,
    updates: broadcast::Sender<Update>,
    board: Board,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn Listener>,
    backlogs: BTreeMap<DeviceId, Lossy>,
    /// Of all devices together.
    lost: Arc<AtomicU64>,
    /// Wall clock minus monotonic clock at the last look, in ms.
    skew: Option<i64>,
}

/// A device's backlog with what was already said about it.
struct Lossy {
    backlog: Arc<Backlog>,
    lost: u64,
}

impl HubLoop {
    /// Works until told to stop, then takes in what is still waiting.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pings = Vec::new();
        loop {
            let due = self.board.due_in(self.clock.now());
            let wake = async {
                match due {
                    Some(due) => self.clock.sleep(due).await,
                    None => std::future::pending().await,
                }
            };
            let stopped = tokio::select! {
                biased;
                message = self.messages.recv() => match message {
                    Some(message) => { self.take(message, &mut pings); false }
                    None => true,
                },
                () = stop.cancelled() => true,
                () = wake => false,
            };
            self.take_burst(&mut pings);
            self.tell();
            for ping in pings.drain(..) {
                // Whoever asked may have left.
                let _ = ping.send(());
            }
            if stopped {
                return;
            }
        }
    }

    fn take_burst(&mut self, pings: &mut Vec<oneshot::Sender<()>>) {
        for _ in 0..BURST {
            let Ok(message) = self.messages.try_recv() else {
                self.take_backlogs();
                return;
            };
            self.take(message, pings);
        }
    }

    fn take(&mut self, message: Message, pings: &mut Vec<oneshot::Sender<()>>) {
        let now = self.clock.now();
        match message {
            Message::Report(report) => self.board.take(*report, now),
            Message::Add(info, backlog) => {
                let lost = backlog.lost();
                self.backlogs.insert(info.id.clone(), Lossy { backlog, lost });
                self.board.add(*info, now);
            }
            Message::Remove(id) => {
                self.backlogs.remove(&id);
                self.board.remove(&id, now);
            }
            Message::Notice(id, code, notice) => self.board.own_notice(&id, code, notice, now),
            Message::Control(id, state) => self.board.control(&id, state),
            Message::SiteMetrics(metrics) => self.board.site_metrics(metrics, now),
            Message::Site(values, until) => self.board.site(values, until, now),
            Message::Event(event) => self.listener.event(*event),
            Message::Ping(answer) => pings.push(answer),
        }
    }

    /// The queue is empty: what waits behind it is newest.
    fn take_backlogs(&mut self) {
        let now = self.clock.now();
        let waiting: Vec<Report> = self.backlogs.values().flat_map(|lossy| lossy.backlog.take()).collect();
        for report in waiting {
            self.board.take(report, now);
        }
        for (device, lossy) in &mut self.backlogs {
            let lost = lossy.backlog.lost();
            if lost > lossy.lost {
                self.lost.fetch_add(lost - lossy.lost, Ordering::Relaxed);
                tracing::warn!(%device, readings = lost - lossy.lost, "the program was too slow and lost readings");
                lossy.lost = lost;
            }
        }
    }

    /// Tells everybody what has changed.
    fn tell(&mut self) {
        let now = self.clock.now();
        self.look_at_the_clock(now);
        self.board.settle(now);
        let changes = self.board.changes();
        if changes.is_empty() {
            return;
        }
        self.sender.send_replace(Arc::new(self.board.snapshot().clone()));
        for update in changes.updates {
            if let Update::Reading(reading) = &update {
                self.listener.reading(reading);
            }
            // Nobody may be listening.
            let _ = self.updates.send(update);
        }
        changes.events.into_iter().for_each(|event| self.listener.event(event));
    }

    fn look_at_the_clock(&mut self, now: Moment) {
        let skew = now.unix.0.saturating_sub(i64::try_from(now.mono.as_millis()).unwrap_or(i64::MAX));
        let jump = self.skew.map_or(0, |before| skew.saturating_sub(before));
        self.skew = Some(skew);
        if u128::from(jump.unsigned_abs()) > CLOCK_JUMP.as_millis() {
            let event = events::clock_jumped(jump, now);
            tracing::warn!("{}", event.text);
            self.listener.event(event);
        }
    }
}

#[cfg(test)]
mod tests;
