//! Control as a task: looks at the house once a second, and at once when somebody asks; tells every device's actuator what
//! is wanted of it. What to want is decided in `ohmstead-control`, which is pure.
//!
//! ```text
//! hub --snapshot--> step <--overrides (durable)-- page, REST, MQTT, command line
//!                     +--Desired, one per device--> actuators --what is over--> overrides
//! ```

mod asked_now;
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
use ohmstead_control::overrides::Agenda;
use ohmstead_control::plan::Plan;
use ohmstead_control::schedule::Timetable;
use ohmstead_control::{Cycle, Inputs, Override, Settings, State, Tariff, step};
use ohmstead_control::{limiter, rotation};
use ohmstead_model::{
    AskError, Asker, Clock, DeviceId, Event, Moment, Part, Severity, Snapshot, Switches, UnixMillis,
};
use ohmstead_tariff::tempo::{Colours, PriceTable};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::actuator::{Commander, ControlAsk, ControlDoor, SwitchAsk};
use crate::hub::Hub;
use crate::records::{NotDurable, Records};
pub(crate) use asked_now::too_much;
use by_hand::Unkept;
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
    /// What of both is not kept yet.
    unkept: Unkept,
    /// What was released while the memory could not be read, and when: what is kept there counts no more then.
    released: BTreeMap<DeviceId, Moment>,
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
            unkept: Unkept::default(),
            released: BTreeMap::new(),
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
                    ControlAsk::Clear(ask) => self.clear_later(ask).await,
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
        if self.has_read_book && self.later.is_some() {
            self.released.clear();
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
