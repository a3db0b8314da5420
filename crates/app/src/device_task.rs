//! One task per device: polls it when it is due, carries out requests between two polls, keeps it at what is wanted of it,
//! gives it back when nobody wants anything any more or the program stops, and outlives its driver.
//!
//! ```text
//! opening --ok--> running --stop--> remembering, end
//!    ^  |            |
//!    |  error        panic (a bug of the driver)
//!    +--back-off-----+
//! ```

mod giving_back;
mod keeping;
mod standing;
mod telling;
mod watching;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use ohmstead_control::Desired;
use ohmstead_drivers::{Context, Device, OpenError, Report, Reporter as _};
use ohmstead_model::{
    AskError, Clock, ControlState, DeviceId, DeviceInfo, LedgerEntry, Metric, Moment, Notice, Request,
    Severity,
};
use ohmstead_units::Timespan;
use tokio::sync::watch;

use crate::actuator::{Ask, Door, Errand, Gate, How, Tried};
use crate::hub::{Hub, HubReporter, span_words};
use crate::records::driver_key;
use standing::Standing;

/// The first wait before a driver that failed is started again.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);
/// The longest wait; the next one is twice the last up to here.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);
/// A driver that ran so long has recovered: the next failure starts from the beginning.
const RECOVERED: Duration = Duration::from_secs(600);

/// What the driver has learned is stored at most this often.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);

/// A driver that is due at once all the time still leaves room for others.
const POLL_EVERY_MIN: Duration = Duration::from_millis(10);

/// The notice of a driver that does not run.
const DRIVER_FAILED: &str = "driver_failed";

/// Makes the device; a seam for tests.
pub(crate) type Open = Box<dyn Fn(Context) -> Result<Box<dyn Device>, OpenError> + Send + Sync>;

/// One device's task.
pub(crate) struct DeviceTask {
    id: DeviceId,
    open: Open,
    gate: Gate,
    door: Door,
    hub: Hub,
    reporter: Arc<HubReporter>,
    seed: u64,
    memory: Option<String>,
    seen: Vec<Metric>,
    /// How far it has got with what is wanted.
    standing: Standing,
    /// What of that is shown.
    shown: Option<ControlState>,
    /// The newest wish for each memory of the device that came too soon, and when its time is. Gone at the next stop.
    waiting: BTreeMap<String, (Request, Moment)>,
}

/// What a device's task is made from.
pub(crate) struct Parts {
    /// Makes the device.
    pub(crate) open: Open,
    /// The gate for requests; carries the name, the clock, the records and the stop signal.
    pub(crate) gate: Gate,
    /// Requests and orders from everywhere.
    pub(crate) door: Door,
    /// The hub.
    pub(crate) hub: Hub,
    /// Seed for the driver's jitter.
    pub(crate) seed: u64,
    /// What the driver knew at the last stop.
    pub(crate) memory: Option<String>,
    /// What the device has reported in earlier runs: it is announced again before the first answer, for a listener that
    /// misses an entity takes it away, with all its owner made of it.
    pub(crate) seen: Vec<Metric>,
}

/// The driver has a bug and is in an unknown state.
struct Broken;

/// A device that has been made with its description, or why not.
type Opened = Result<(Box<dyn Device>, DeviceInfo), String>;

impl DeviceTask {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { open, gate, door, hub, seed, memory, seen } = parts;
        let reporter = Arc::new(hub.reporter());
        Self {
            id: gate.id.clone(),
            open,
            gate,
            door,
            hub,
            reporter,
            seed,
            memory,
            seen,
            standing: Standing::default(),
            shown: None,
            waiting: BTreeMap::new(),
        }
    }

    /// Makes the device for the first time, which sends nothing. What is known of it is announced at once, so that the
    /// listeners have the whole house before the first answer; without a device it is at least there, with its notice.
    pub(crate) async fn start(mut self, driver: &'static str) -> StartedTask {
        let opened = self.make();
        let mut info = match &opened {
            Ok((_, info)) => info.clone(),
            Err(_) => DeviceInfo::new(self.id.clone(), driver, ""),
        };
        info.metrics.append(&mut self.seen);
        self.hub.add(&self.reporter, info).await;
        StartedTask { task: self, opened }
    }

    fn make(&mut self) -> Opened {
        let context = Context {
            clock: Arc::clone(&self.gate.clock),
            reporter: Arc::clone(&self.reporter) as _,
            seed: self.seed,
            memory: self.memory.clone(),
        };
        let make = || {
            let device = (self.open)(context)?;
            let info = device.info();
            Ok::<_, OpenError>((device, info))
        };
        match std::panic::catch_unwind(AssertUnwindSafe(make)) {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(error)) => Err(format!("{:#}", anyhow::Error::from(error))),
            Err(_) => Err("the driver failed while starting (a bug of the program)".to_owned()),
        }
    }

    /// Returns when told to stop.
    async fn run(&mut self, device: &mut dyn Device) -> Result<(), Broken> {
        let stop = self.gate.stop.clone();
        let mut saved_at = None;
        loop {
            saved_at = saved_at.filter(|_| !device.must_remember());
            self.remember(device.memory(), &mut saved_at).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(ask) = self.door.requests.recv() => self.serve(device, ask).await?,
                part = next_waiting(&self.waiting, self.gate.clock.as_ref()) => {
                    self.carry_out_waiting(device, &part).await?;
                }
                () = until_wanted(&mut self.door.orders, &self.standing, self.gate.clock.as_ref()) => {
                    self.keep(device).await?;
                }
                () = until_due(device, self.gate.clock.as_ref()) => {
                    if stop.run_until_cancelled(device.poll()).await.is_none() {
                        return Ok(());
                    }
                    self.watch().await;
                    // A request carries its order with it: carried out on its own, it would be done twice.
                    if self.door.requests.is_empty() {
                        self.keep(device).await?;
                    } else {
                        // What is due is not forgotten meanwhile.
                        self.standing.look_again(self.gate.clock.now());
                    }
                }
            }
        }
    }

    /// Stores what the driver has learned if that has changed and was not stored just now.
    async fn remember(&mut self, memory: Option<String>, saved_at: &mut Option<Moment>) {
        let now = self.gate.clock.now();
        if saved_at.is_some_and(|at| now.since(at) < REMEMBER_EVERY) {
            return;
        }
        if self.store_if_changed(memory).await {
            *saved_at = Some(now);
        }
    }

    /// Whether there was something to store.
    async fn store_if_changed(&mut self, memory: Option<String>) -> bool {
        let Some(memory) = memory.filter(|memory| self.memory.as_ref() != Some(memory)) else { return false };
        match self.gate.records.put_state(driver_key(&self.id), memory.clone()).await {
            Ok(()) => self.memory = Some(memory),
            Err(error) => {
                tracing::debug!(device = %self.id, %error, "what the driver learned could not be stored");
            }
        }
        true
    }

    /// Waits before the next start of the driver; requests are answered meanwhile. `true` if stopped.
    async fn back_off(&mut self, span: Duration) -> bool {
        let mut wait = self.gate.clock.sleep(span);
        loop {
            tokio::select! {
                biased;
                () = self.gate.stop.cancelled() => return true,
                Some(ask) = self.door.requests.recv() => {
                    let why = "its driver failed and is started again shortly".to_owned();
                    self.tell_refused(&ask.how);
                    let _ = ask.answer.send(Err(AskError::NotControllable(why)));
                }
                () = &mut wait => return false,
            }
        }
    }

    async fn tell_failure(&self, text: String, wait: Duration) {
        tracing::error!(device = %self.id, again_in = %span_words(wait), "{text}");
        let notice = Notice {
            code: DRIVER_FAILED,
            severity: Severity::Alarm,
            text,
            hint: "it is tried again by itself; if this stays, please report it with the log".to_owned(),
        };
        self.hub.notice(self.id.clone(), DRIVER_FAILED, Some(notice)).await;
    }
}

/// Ends when the device has something to do: its time has come, or it spoke.
async fn until_due(device: &mut dyn Device, clock: &dyn Clock) {
    let due = clock.sleep(device.due_in().max(POLL_EVERY_MIN));
    match device.wait() {
        None => due.await,
        Some(spoke) => {
            tokio::select! {
                () = due => {}
                () = spoke => {}
            }
        }
    }
}

/// Ends when something else is wanted, or when it is time to do something for what is.
async fn until_wanted(orders: &mut watch::Receiver<Option<Desired>>, standing: &Standing, clock: &dyn Clock) {
    let due = async {
        let now = clock.now();
        match standing.next(now) {
            Some(next) => clock.sleep(next.since(now)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        changed = orders.changed() => {
            if changed.is_err() {
                // Nobody orders any more.
                std::future::pending::<()>().await;
            }
        }
        () = due => {}
    }
}

/// Ends when the time of a wish that came too soon has come: what it is about.
async fn next_waiting(waiting: &BTreeMap<String, (Request, Moment)>, clock: &dyn Clock) -> String {
    let next = waiting.iter().min_by_key(|(_, (_, due))| due.mono);
    let Some((part, (_, due))) = next else { return std::future::pending().await };
    clock.sleep(due.since(clock.now())).await;
    part.clone()
}

/// A task whose device has been announced.
pub(crate) struct StartedTask {
    task: DeviceTask,
    opened: Opened,
}

impl StartedTask {
    /// Works until told to stop.
    pub(crate) async fn run(self) {
        let Self { mut task, mut opened } = self;
        task.gate.close_interrupted().await;
        let mut wait = BACK_OFF_MIN;
        loop {
            let started = task.gate.clock.now();
            let failure = match opened {
                Ok((mut device, info)) => {
                    task.reporter.report(Report::Info(info));
                    task.hub.notice(task.id.clone(), DRIVER_FAILED, None).await;
                    let ended = AssertUnwindSafe(task.run(device.as_mut())).catch_unwind().await;
                    if let Ok(Ok(())) = ended {
                        return task.end(device.as_mut()).await;
                    }
                    "the driver failed (a bug of the program)".to_owned()
                }
                Err(why) => why,
            };
            if task.gate.clock.now().since(started) >= RECOVERED {
                wait = BACK_OFF_MIN;
            }
            task.tell_failure(failure, wait).await;
            if task.back_off(wait).await {
                return;
            }
            wait = (wait * 2).min(BACK_OFF_MAX);
            opened = task.make();
        }
    }
}

impl DeviceTask {
    async fn end(&mut self, device: &mut dyn Device) {
        self.door.requests.close();
        let given_back = AssertUnwindSafe(self.give_back_at_the_end(device)).catch_unwind().await;
        if given_back.is_err() {
            tracing::error!(target: "control", device = %self.id, "the driver failed while the device was given back; the next start tries again");
        }
        self.store_if_changed(device.memory()).await;
    }
}

/// How long an attempt may go on once the program stops, so that its end is still in the ledger.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl DeviceTask {
    /// Carries out one request. A driver that fails in it is a failed attempt like any other, and in the ledger.
    async fn serve(&mut self, device: &mut dyn Device, ask: Ask) -> Result<(), Broken> {
        let info = device.info();
        if info.modes.is_empty() && info.settings.is_empty() {
            // A driver that knows what is in the way says it.
            let refused = device.plan(&ask.request.wish, ask.request.lease.map(Timespan)).err();
            let why = refused.map_or_else(|| "it only reports values".to_owned(), |error| error.reason);
            self.tell_refused(&ask.how);
            let _ = ask.answer.send(Err(AskError::NotControllable(why)));
            return Ok(());
        }
        match ask.how {
            How::Held(desired) => self.serve_order(device, &ask.request, *desired, ask.answer).await,
            How::Once => {
                let (entry, result) = self.carry_out_or_keep(device, &ask.request).await;
                self.left_as_asked(&ask.request, &entry).await;
                // Whoever asked may have left; the attempt counts all the same.
                let _ = ask.answer.send(Ok(entry));
                result
            }
        }
    }

    /// A request that comes too soon takes the place of an older one about the same, and any other ends the older one.
    async fn carry_out_or_keep(
        &mut self,
        device: &mut dyn Device,
        request: &Request,
    ) -> (LedgerEntry, Result<(), Broken>) {
        let errand = Errand::plain(request, &self.gate.stop);
        let (tried, result) = self.carry_out(device, &errand).await;
        if let Some(wear) = tried.plan.and_then(|plan| plan.wear) {
            self.waiting.remove(&wear.part);
            if let Some(later) = tried.later {
                self.waiting.insert(wear.part, (request.clone(), self.gate.clock.now().plus(later)));
            }
        }
        (tried.entry, result)
    }

    async fn carry_out_waiting(&mut self, device: &mut dyn Device, part: &str) -> Result<(), Broken> {
        let Some((request, _)) = self.waiting.remove(part) else { return Ok(()) };
        let (entry, result) = self.carry_out_or_keep(device, &request).await;
        self.left_as_asked(&request, &entry).await;
        result
    }

    async fn carry_out(&self, device: &mut dyn Device, errand: &Errand) -> (Tried, Result<(), Broken>) {
        let gate = &self.gate;
        let attempt = AssertUnwindSafe(gate.try_out(device, errand)).catch_unwind();
        let ended = |entry: LedgerEntry| Tried { entry, plan: None, later: None };
        let attempt = tokio::select! {
            attempt = attempt => Some(attempt),
            () = stopped_for(gate, LAST_WORDS) => None,
        };
        match attempt {
            Some(Ok(tried)) => (tried, Ok(())),
            Some(Err(_)) => {
                let reason =
                    "the driver failed in the attempt (a bug of the program); what was written is not known";
                (ended(gate.record_failure(errand, reason).await), Err(Broken))
            }
            None => {
                let reason = "the program stopped while the device was silent; what was written is not known";
                (ended(gate.record_failure(errand, reason).await), Ok(()))
            }
        }
    }
}

async fn stopped_for(gate: &Gate, span: Duration) {
    gate.stop.cancelled().await;
    gate.clock.sleep(span).await;
}

#[cfg(test)]
mod tests;
