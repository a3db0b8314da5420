//! Control as a task: looks at the house once a second, and at once when somebody asks; tells every device's actuator what
//! is wanted of it. What to want is decided in `ohmstead-control`, which is pure.
//!
//! ```text
//! hub --snapshot--> step <--overrides (durable)-- page, REST, MQTT, command line
//!                     +--Desired, one per device--> actuators --what is over--> overrides
//! ```

pub(crate) mod book;
pub(crate) mod by_hand;
mod findings;
pub(crate) mod limits;
mod pace;
mod rules;
pub(crate) mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_control::limiter::Asked;
use ohmstead_control::overrides::{Agenda, LONGEST};
use ohmstead_control::plan::Plan;
use ohmstead_control::schedule::Timetable;
use ohmstead_control::{
    Bounds, Cycle, Desired, Inputs, Override, Reason, Settings, State, Tariff, Who, step,
};
use ohmstead_control::{limiter, rotation};
use ohmstead_model::{
    AskError, Asker, BatteryMode, Clock, DeviceId, Event, Language, Part, Request, Severity, Snapshot,
    Switches, UnixMillis, Wish,
};
use ohmstead_tariff::tempo::{Colours, PriceTable};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::actuator::{Ask, Commander, ControlAsk, ControlDoor, How, ModeAsk, SwitchAsk};
use crate::hub::Hub;
use crate::records::{NotDurable, Records};
use findings::Findings;
use pace::Pace;
pub(crate) use rules::{Rules, change, refused};

/// The period of control.
const CYCLE: Duration = Duration::from_secs(1);

/// What control is made from.
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) commander: Arc<Commander>,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) rules: watch::Receiver<Rules>,
    pub(crate) ahead: Ahead,
}

/// What lies ahead, as far as it is known.
#[derive(Clone)]
pub(crate) struct Ahead {
    /// What was planned for the batteries that a plan may steer.
    pub(crate) plan: watch::Receiver<Option<Arc<Plan>>>,
    /// The Tempo tariff; `None` where the site has none.
    pub(crate) tempo: watch::Receiver<Option<Arc<Tempo>>>,
}

#[cfg(test)]
impl Ahead {
    /// Nothing, and that will not change.
    pub(crate) fn nothing() -> Self {
        Self { plan: watch::channel(None).1, tempo: watch::channel(None).1 }
    }
}

/// What is known of the Tempo tariff.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tempo {
    /// The colours that were told.
    pub(crate) colours: Colours,
    /// The prices of the contract.
    pub(crate) prices: PriceTable,
}

/// The loop.
pub(crate) struct Control {
    parts: Parts,
    door: ControlDoor,
    state: State,
    overrides: BTreeMap<DeviceId, Override>,
    /// What was asked by hand for a time to come; `None` until the memory was read.
    later: Option<Agenda>,
    has_read_book: bool,
    /// What is switched off; `None` until the memory was read, without which nothing is written to a device either.
    off: Option<BTreeSet<Part>>,
    /// The windows of run time; `None` until the memory was read.
    windows: Option<Timetable>,
    /// What was asked for of the limits; `None` until the memory was read.
    asked: Option<Asked>,
    /// All of it together, as it counts now; made anew where `None`.
    in_force: Option<Settings>,
    findings: Findings,
}

impl Control {
    /// Takes the door to the devices; `None` if somebody has it already.
    pub(crate) fn new(parts: Parts) -> Option<Self> {
        let door = parts.commander.steer()?;
        Some(Self {
            parts,
            door,
            state: State::default(),
            overrides: BTreeMap::new(),
            later: None,
            has_read_book: false,
            off: None,
            windows: None,
            asked: None,
            in_force: None,
            findings: Findings::default(),
        })
    }

    /// Works until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.read_book().await;
        self.read_changes().await;
        let (mut news, mut pace) = (self.parts.hub.news(), Pace::default());
        loop {
            self.cycle().await;
            let is_limited = self.parts.rules.borrow().settings.limits.limits().next().is_some();
            let clock = Arc::clone(&self.parts.clock);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(ended) = self.door.ends.recv() => self.take_end(ended).await,
                Some(ask) = self.door.asks.recv() => match ask {
                    ControlAsk::Mode(ask) => self.take(ask).await,
                    ControlAsk::Switch(ask) => self.switch(ask).await,
                    ControlAsk::Window(ask) => self.change_windows(ask).await,
                    ControlAsk::Later(ask) => self.change_later(ask).await,
                    ControlAsk::Limit(ask) => self.limit(ask).await,
                },
                () = read_again(&mut news, clock.as_ref(), &mut pace), if is_limited => {}
                () = self.parts.clock.sleep(CYCLE) => {}
            }
        }
    }

    /// One cycle: what has ended goes, and every device is told what is wanted of it now.
    async fn cycle(&mut self) {
        if !self.has_read_book {
            self.read_book().await;
            self.keep().await;
        }
        self.read_changes().await;
        self.put_in_force().await;
        self.end_overrides().await;
        self.show_by_hand();
        let Cycle { state, desired, verdicts } = self.decide();
        self.state = state;
        for desired in desired {
            self.parts.commander.order(&desired);
        }
        self.findings.tell(&self.parts.hub, &verdicts, self.parts.clock.now()).await;
    }

    /// Makes the rules anew where something in them has changed, and shows what there is to be switched.
    async fn put_in_force(&mut self) {
        // Rules that nobody changes any more stay as they are.
        if self.in_force.is_some() && !self.parts.rules.has_changed().unwrap_or(false) {
            return;
        }
        self.parts.rules.mark_unchanged();
        self.in_force = Some(self.switched());
        self.show_switches();
        self.tell_surprises().await;
    }

    fn decide(&self) -> Cycle {
        let overrides = self.overrides_now();
        let snapshot = self.parts.hub.snapshot();
        // What a device reports of its mode is enough: a battery reports it with every poll.
        let confirmed = BTreeMap::new();
        let is_off = |part| self.off.as_ref().is_none_or(|off| off.contains(&part));
        let plan = self.parts.ahead.plan.borrow().clone().filter(|_| !is_off(Part::Plan));
        let tempo = self.parts.ahead.tempo.borrow().clone().filter(|_| !is_off(Part::Tempo));
        let tempo = tempo.as_deref().map(|Tempo { colours, prices }| Tariff { colours, prices });
        let inputs = Inputs {
            snapshot: &snapshot,
            overrides: &overrides,
            confirmed: &confirmed,
            plan: plan.as_deref(),
            tempo,
        };
        let now = self.parts.clock.now();
        match &self.in_force {
            Some(settings) => step(&self.state, inputs, now, settings),
            None => step(&self.state, inputs, now, &self.switched()),
        }
    }

    /// The rules with what was changed while the program runs, and without what is switched off.
    fn switched(&self) -> Settings {
        let mut settings = self.parts.rules.borrow().settings.clone();
        if let Some(windows) = &self.windows {
            settings.schedule = windows.rules(&settings.schedule);
        }
        if let Some(asked) = &self.asked {
            settings.limits = settings.limits.lowered(asked);
        }
        let is_off = |part| self.off.as_ref().is_some_and(|off| off.contains(&part));
        if is_off(Part::Limits) {
            settings.limits = limiter::Settings::default();
        }
        if is_off(Part::Schedule) {
            settings.schedule.clear();
        }
        if is_off(Part::Rotation) {
            settings.rotation = rotation::Settings::default();
        }
        settings
    }

    /// Shows which parts there are and whether they are on, the windows of run time and the limits.
    fn show_switches(&self) -> Switches {
        let rules = self.parts.rules.borrow();
        let windows = self.windows.clone().unwrap_or_default();
        let none = BTreeSet::new();
        let switches = rules.switches(self.off.as_ref().unwrap_or(&none), &windows);
        self.door.switches.send_if_modified(|shown| shown.replace(switches) != Some(switches));
        let limits = rules.settings.limits.shown(self.asked.as_ref().unwrap_or(&Asked::new()));
        self.door.limits.send_if_modified(|shown| shown.replace(limits.clone()).as_ref() != Some(&limits));
        self.door.windows.send_if_modified(|shown| std::mem::replace(shown, windows.clone()) != windows);
        switches
    }

    fn records(&self) -> &dyn Records {
        self.parts.records.as_ref()
    }

    /// Puts what somebody has changed into the list of events.
    async fn tell(&self, code: &'static str, text: &str, asked_by: Asker) {
        let by = asked_by.key();
        tracing::info!(target: "control", code, asked_by = by, "{text}");
        self.parts.hub.event(event(code, text, asked_by, self.parts.clock.now().unix)).await;
    }

    async fn switch(&mut self, ask: SwitchAsk) {
        let SwitchAsk { part, on, answer } = ask;
        let switched = self.switched_durably(part, on).await;
        let refused = |error: NotDurable| {
            AskError::NotControllable(format!("nothing is switched: it cannot be kept: {error}"))
        };
        // Whoever asked may have left.
        let _ = answer.send(switched.map(|()| self.show_switches()).map_err(refused));
    }

    async fn switched_durably(&mut self, part: Part, on: bool) -> Result<(), NotDurable> {
        let mut off = match &self.off {
            Some(off) => off.clone(),
            None => book::read_off(self.records()).await?,
        };
        let changed = if on { off.remove(&part) } else { off.insert(part) };
        if changed {
            book::write_off(self.records(), &off).await?;
        }
        (self.off, self.in_force) = (Some(off), None);
        Ok(())
    }

    async fn take(&mut self, ask: ModeAsk) {
        let ModeAsk { device, request, asked_by, answer } = ask;
        self.put_in_force().await;
        let (before, later) = (self.overrides.remove(&device), self.later.clone());
        if request.is_none() {
            // Whatever counts by hand at present ends; what is to come stays.
            self.drop_present(&device, |_| true).await;
        }
        let how = match &request {
            Some(request) if self.is_for_good(request) || !self.remember(request) => Ok(How::Once),
            _ => self.held(&device),
        };
        let how = match how {
            Ok(how) => how,
            Err(why) => {
                self.restore(&device, before, later).await;
                let _ = answer.send(Err(AskError::NotControllable(why)));
                return;
            }
        };
        if self.overrides.get(&device) != before.as_ref() {
            self.keep().await;
        }
        let request = request.unwrap_or_else(|| Request {
            device: device.clone(),
            wish: BatteryMode::Auto.into(),
            lease: None,
            asked_by,
        });
        if !self.parts.commander.hand_to_device(Ask { request, how, answer }) {
            // Who asked has been told that nothing comes of it.
            self.restore(&device, before, later).await;
            self.keep().await;
        }
    }

    async fn restore(&mut self, device: &DeviceId, before: Option<Override>, later: Option<Agenda>) {
        match before {
            Some(before) => self.overrides.insert(device.clone(), before),
            None => self.overrides.remove(device),
        };
        if self.later != later {
            self.later = later;
            self.keep_later().await;
        }
    }

    /// Whether a request leaves the device alone from then on: its own automatic, while nobody else wants anything of it.
    fn is_for_good(&self, request: &Request) -> bool {
        let is_auto = request.wish == Wish::Mode(BatteryMode::Auto) && request.lease.is_none();
        is_auto
            && !self
                .decide()
                .desired
                .iter()
                .any(|desired| desired.device == request.device && desired.mode.is_some())
    }

    /// What follows for a device. What it cannot do at all is asked of it once, for it knows best why; what only a bound
    /// forbids is not.
    fn held(&mut self, device: &DeviceId) -> Result<How, String> {
        let desired = self.decide().desired.into_iter().find(|desired| desired.device == *device);
        let desired = desired.unwrap_or_else(|| Desired::hands_off(device.clone()));
        if desired.chosen == Some(Who::Override) && matches!(desired.reason, Reason::CannotDo(_)) {
            self.overrides.remove(device);
            if desired.bounds == Bounds::ANY {
                return Ok(How::Once);
            }
            let by: Vec<_> = desired.bounded_by.iter().map(|who| who.key()).collect();
            return Err(format!(
                "{}, within the bounds of {}",
                desired.reason.sentence(Language::En),
                by.join(", ")
            ));
        }
        Ok(How::Held(Box::new(desired)))
    }

    /// Puts a wish into the book; `false` for one that has come to its end already.
    fn remember(&mut self, request: &Request) -> bool {
        let Some(mode) = request.wish.mode() else { return false };
        let now = self.parts.clock.now();
        let lasts = self.parts.rules.borrow().overrides.lasts(mode);
        let asked = Override {
            device: request.device.clone(),
            mode: mode.clone(),
            asked_by: request.asked_by.key().to_owned(),
            since: now.unix,
            ends: now.unix.plus(request.lease.unwrap_or(lasts).min(LONGEST)),
        };
        let snapshot = self.parts.hub.snapshot();
        let device = snapshot.device(request.device.as_str()).map(AsRef::as_ref);
        let stands = asked.ended(device, now).is_none();
        if stands {
            self.overrides.insert(request.device.clone(), asked);
        }
        stands
    }

    /// What was asked before the start. A memory that cannot be read yet is read later, and what was asked since counts.
    async fn read_book(&mut self) {
        if let Ok(before) = book::read(self.parts.records.as_ref()).await {
            for (device, asked) in before {
                self.overrides.entry(device).or_insert(asked);
            }
            self.has_read_book = true;
        }
    }

    /// What was changed before the start. A memory that cannot be read yet is read later; until then the file counts.
    async fn read_changes(&mut self) {
        if self.off.is_none() {
            self.off = book::read_off(self.records()).await.ok();
            self.in_force.take_if(|_| self.off.is_some());
        }
        if self.windows.is_none() {
            self.windows = self.kept_windows().await.ok();
            self.in_force.take_if(|_| self.windows.is_some());
        }
        if self.later.is_none() {
            self.later = self.kept_later().await.ok();
        }
        if self.asked.is_none() {
            self.asked = self.kept_limits().await.ok();
            self.in_force.take_if(|_| self.asked.is_some());
        }
    }
}

/// A change that somebody asked for, as an event.
pub(crate) fn event(code: &str, text: &str, asked_by: Asker, at: UnixMillis) -> Event {
    let text = format!("{text} (asked by {})", asked_by.key());
    Event { id: 0, at, severity: Severity::Info, device: None, code: code.to_owned(), text }
}

/// Ends when something new is known, at the pace that news are looked at.
async fn read_again(news: &mut watch::Receiver<Arc<Snapshot>>, clock: &dyn Clock, pace: &mut Pace) {
    if news.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    let wait = pace.wait(clock.now());
    if !wait.is_zero() {
        clock.sleep(wait).await;
    }
    pace.looked(clock.now());
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod day;
#[cfg(test)]
mod limiting;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod too_soon;
#[cfg(test)]
mod wire;
