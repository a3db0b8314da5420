//! The hub's state and how reports change it, without queues and without waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::Report;
use ohmstead_model::{
    ControlState, DeviceId, DeviceInfo, DeviceState, Event, Metric, Moment, Notice, Observation, Online,
    Reading, Role, Severity, Snapshot, Ttl, Update, house,
};

use super::told::Told;
use super::{events, reporter};

/// The house is computed at most this often, so that three batteries that answer together make one reading.
const HOUSE_EVERY: Duration = Duration::from_millis(250);

/// What the house is computed from, and whose of it counts.
const HOUSE_INPUTS: [(Metric, Role); 6] = [
    (Metric::GridPower, Role::GridMeter),
    (Metric::BatteryPower, Role::Battery),
    (Metric::PvPower, Role::Pv),
    (Metric::LoadPower, Role::LoadMeter),
    (Metric::BatterySoc, Role::Battery),
    (Metric::BatteryCapacity, Role::Battery),
];

/// What is known, and what the listeners have not been told of it yet.
pub(super) struct Board {
    snapshot: Snapshot,
    title: String,
    changes: Changes,
    own_notices: BTreeMap<DeviceId, Vec<Notice>>,
    driver_notices: BTreeMap<DeviceId, Vec<Notice>>,
    house_is_old: bool,
    house_at: Option<Moment>,
    /// What is told of the house.
    told: Told,
}

/// What the listeners have to be told.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) updates: Vec<Update>,
    pub(super) events: Vec<Event>,
    /// Something changed that only shows in the snapshot.
    quiet: bool,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.updates.is_empty() && self.events.is_empty() && !self.quiet
    }
}

impl Board {
    pub(super) fn new(title: &str, now: Moment) -> Self {
        let mut board = Self {
            snapshot: Snapshot::default(),
            title: title.to_owned(),
            changes: Changes::default(),
            own_notices: BTreeMap::new(),
            driver_notices: BTreeMap::new(),
            house_is_old: true,
            house_at: None,
            told: Told::default(),
        };
        board.devices_changed(now);
        board.settle(now);
        board.changes = Changes::default();
        board
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What changed since this was last asked.
    pub(super) fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// How long until something changes without any report: values of the house become too old, or it is its turn.
    pub(super) fn due_in(&self, now: Moment) -> Option<Duration> {
        [self.house_due_in(now), self.told.due_in(now)].into_iter().flatten().min()
    }

    fn house_due_in(&self, now: Moment) -> Option<Duration> {
        let computed = self.house_at?;
        let turn = HOUSE_EVERY.saturating_sub(now.since(computed));
        if self.house_is_old {
            return Some(turn);
        }
        // A value is usable up to and including its time to live: look one tick later.
        let left =
            |(at, ttl): (Moment, Duration)| ttl.saturating_sub(now.since(at)) + Duration::from_millis(1);
        let counted = house_inputs(&self.snapshot).filter(|(at, ttl)| computed.since(*at) <= *ttl);
        counted.map(left).min().map(|expires| expires.max(turn))
    }

    /// Brings the house up to `now`: computes it, and ends what was told of it and holds no longer.
    pub(super) fn settle(&mut self, now: Moment) {
        let ended = self.told.ended(now);
        if !ended.is_empty() {
            self.tell_of_site(ended, now);
        }
        self.settle_house(now);
    }

    /// Says which metrics are told of the house.
    pub(super) fn site_metrics(&mut self, metrics: Vec<Metric>, now: Moment) {
        let Some(site) = self.snapshot.device_mut(DeviceId::site().as_str()) else { return };
        for gone in self.told.metrics_are(metrics) {
            site.values.remove(&gone);
        }
        self.devices_changed(now);
    }

    /// Takes in what is told of the house. What it is not announced with is not told.
    pub(super) fn site(&mut self, values: Vec<(Metric, Observation)>, until: Moment, now: Moment) {
        let values = self.told.take(values, until);
        if !values.is_empty() {
            self.tell_of_site(values, now);
        }
    }

    fn tell_of_site(&mut self, values: Vec<(Metric, Observation)>, now: Moment) {
        let reading = Reading { device: DeviceId::site(), at: now, values };
        self.snapshot.apply(&reading);
        self.changes.updates.push(Update::Reading(Arc::new(reading)));
    }

    /// Computes the house if an input has changed or become too old since it was last computed.
    fn settle_house(&mut self, now: Moment) {
        let since = self.house_at.map_or(HOUSE_EVERY, |at| now.since(at));
        let expired = || {
            let then = self.house_at.unwrap_or(now);
            house_inputs(&self.snapshot).any(|(at, ttl)| then.since(at) <= ttl && now.since(at) > ttl)
        };
        if since < HOUSE_EVERY || !(self.house_is_old || expired()) {
            return;
        }
        self.house_is_old = false;
        self.house_at = Some(now);
        let reading = house::compute(&self.snapshot, now);
        self.snapshot.apply(&reading);
        self.changes.updates.push(Update::Reading(Arc::new(reading)));
    }

    /// Takes in a report. One of a device that is not configured (any more) changes nothing.
    pub(super) fn take(&mut self, report: Report, now: Moment) {
        if reporter::device_of(&report).is_site() {
            return;
        }
        match report {
            Report::Reading(reading) => self.reading(reading),
            Report::Answered(id, at) => {
                if let Some(device) = self.snapshot.device_mut(id.as_str()) {
                    device.last_success = device.last_success.max_by_mono(at);
                    self.changes.quiet = true;
                }
            }
            Report::Info(info) => self.info(info, now),
            Report::Online(id, answers, at) => self.online(&id, answers, at),
            Report::Notices(id, notices) => {
                self.driver_notices.insert(id.clone(), notices);
                self.notices(&id, now);
            }
            Report::Native(id, view) => {
                if let Some(device) = self.snapshot.device_mut(id.as_str()) {
                    device.native = Some(view);
                    self.changes.quiet = true;
                }
            }
            Report::Evidence(id, evidence) => {
                if let Some(device) = self.snapshot.device_mut(id.as_str()) {
                    device.evidence = evidence.into();
                    self.changes.quiet = true;
                }
            }
        }
    }

    /// Puts a device in. A device of that name that was there before is replaced, its values included.
    pub(super) fn add(&mut self, mut info: DeviceInfo, now: Moment) {
        let id = info.id.clone();
        tidy(&mut info.metrics);
        self.driver_notices.remove(&id);
        self.snapshot.insert(DeviceState::new(Arc::new(info)));
        self.changes.updates.push(Update::Device(id.clone()));
        self.notices(&id, now);
        self.devices_changed(now);
    }

    pub(super) fn remove(&mut self, id: &DeviceId, now: Moment) {
        self.own_notices.remove(id);
        self.driver_notices.remove(id);
        self.snapshot.remove(id.as_str());
        self.changes.updates.push(Update::Removed(id.clone()));
        self.devices_changed(now);
    }

    /// Sets or takes away a notice that the driver does not know of.
    pub(super) fn own_notice(
        &mut self,
        id: &DeviceId,
        code: &'static str,
        notice: Option<Notice>,
        now: Moment,
    ) {
        let own = self.own_notices.entry(id.clone()).or_default();
        own.retain(|other| other.code != code);
        own.extend(notice);
        self.notices(id, now);
    }

    /// Shows what control wants of a device.
    pub(super) fn control(&mut self, id: &DeviceId, state: ControlState) {
        let Some(device) = self.snapshot.device_mut(id.as_str()) else { return };
        if device.control.as_deref() != Some(&state) {
            device.control = Some(Arc::new(state));
            self.changes.updates.push(Update::Device(id.clone()));
        }
    }

    fn reading(&mut self, reading: Reading) {
        let Some(device) = self.snapshot.device_mut(reading.device.as_str()) else { return };
        device.last_success = device.last_success.max_by_mono(reading.at);
        self.house_is_old |=
            reading.values.iter().any(|(metric, _)| HOUSE_INPUTS.iter().any(|(of, _)| of == metric));
        self.snapshot.apply(&reading);
        self.changes.updates.push(Update::Reading(Arc::new(reading)));
    }

    fn info(&mut self, mut info: DeviceInfo, now: Moment) {
        let Some(device) = self.snapshot.device_mut(info.id.as_str()) else { return };
        // What a device has once reported stays announced.
        info.metrics.extend(device.info.metrics.iter().copied());
        tidy(&mut info.metrics);
        keep_offered(&mut info, &device.info);
        if *device.info == info {
            return;
        }
        self.changes.updates.push(Update::Device(info.id.clone()));
        device.info = Arc::new(info);
        self.devices_changed(now);
    }

    fn online(&mut self, id: &DeviceId, answers: bool, at: Moment) {
        let Some(device) = self.snapshot.device_mut(id.as_str()) else { return };
        let before = device.online;
        if matches!((before, answers), (Online::Yes(_), true) | (Online::No(_), false)) {
            return;
        }
        device.online = if answers { Online::Yes(at) } else { Online::No(at) };
        let event = events::online_changed(&device.info, before, answers, at);
        log(id, &event);
        self.changes.events.push(event);
        self.changes.updates.push(Update::Device(id.clone()));
        self.house_is_old = true;
        self.site_online(at);
    }

    fn notices(&mut self, id: &DeviceId, now: Moment) {
        let Some(device) = self.snapshot.device_mut(id.as_str()) else { return };
        let lists = [self.driver_notices.get(id), self.own_notices.get(id)];
        let after: Vec<Notice> = lists.into_iter().flatten().flatten().cloned().collect();
        if device.notices == after {
            return;
        }
        let events = events::notices_changed(&device.info, &device.notices, &after, now);
        device.notices = after;
        for event in &events {
            log(id, event);
        }
        self.changes.events.extend(events);
        self.changes.updates.push(Update::Device(id.clone()));
    }

    /// The house changes with its devices: its values live as long as the longest of theirs.
    fn devices_changed(&mut self, now: Moment) {
        self.house_is_old = true;
        let mut info = house::info(&self.title, longest_ttl(&self.snapshot));
        info.metrics.extend(self.told.metrics());
        let site = DeviceId::site();
        let known = self.snapshot.device_mut(site.as_str());
        let changed = known.as_ref().is_none_or(|device| *device.info != info);
        match known {
            None => self.snapshot.insert(DeviceState::new(Arc::new(info))),
            Some(device) => device.info = Arc::new(info),
        }
        if changed {
            self.changes.updates.push(Update::Device(site));
        }
        self.site_online(now);
    }

    /// The house answers while any of its devices does.
    fn site_online(&mut self, at: Moment) {
        let any = self.snapshot.devices().any(|device| device.is_online());
        let none = self.snapshot.devices().next().is_none();
        let all_asked = !none && self.snapshot.devices().all(|device| device.online != Online::NotAskedYet);
        let site = DeviceId::site();
        let Some(device) = self.snapshot.device_mut(site.as_str()) else { return };
        let after = match (any, device.online) {
            (true, Online::Yes(since)) => Online::Yes(since),
            (true, _) => Online::Yes(at),
            (false, Online::No(since)) => Online::No(since),
            (false, before) => {
                if all_asked {
                    Online::No(at)
                } else {
                    before
                }
            }
        };
        if device.online != after {
            device.online = after;
            self.changes.updates.push(Update::Device(site));
        }
    }
}

/// One line per change of state.
fn log(device: &DeviceId, event: &Event) {
    match event.severity {
        Severity::Info => tracing::info!(%device, code = event.code, "{}", event.text),
        Severity::Warning | Severity::Alarm => tracing::warn!(%device, code = event.code, "{}", event.text),
    }
}

/// When each known input of the house was read, and how long it lives.
fn house_inputs(snapshot: &Snapshot) -> impl Iterator<Item = (Moment, Duration)> + '_ {
    snapshot.devices().flat_map(|device| {
        HOUSE_INPUTS.iter().filter(|(_, role)| device.info.roles.contains(role)).filter_map(|(metric, _)| {
            let observed = device.values.get(metric)?;
            observed.observation.is_ok().then(|| (observed.at, device.info.ttl.of(metric.def().poll)))
        })
    })
}

fn longest_ttl(snapshot: &Snapshot) -> Ttl {
    let longest = |of: fn(&Ttl) -> Duration| snapshot.devices().map(|device| of(&device.info.ttl)).max();
    let default = Ttl::default();
    Ttl {
        fast: longest(|ttl| ttl.fast).unwrap_or(default.fast),
        medium: longest(|ttl| ttl.medium).unwrap_or(default.medium),
        slow: longest(|ttl| ttl.slow).unwrap_or(default.slow),
    }
}

/// The later of two moments, by the clock that never jumps.
trait LaterMoment {
    fn max_by_mono(self, other: Moment) -> Option<Moment>;
}

impl LaterMoment for Option<Moment> {
    fn max_by_mono(self, other: Moment) -> Option<Moment> {
        Some(self.filter(|earlier| earlier.mono > other.mono).unwrap_or(other))
    }
}

/// A device that cannot be controlled for a moment (a service of it restarts, another way to it only reads) goes on being
/// offered as it was: Home Assistant deletes what is not announced. Whoever asks meanwhile is told the reason.
fn keep_offered(info: &mut DeviceInfo, before: &DeviceInfo) {
    if info.modes.is_empty() {
        info.modes.clone_from(&before.modes);
    }
    if info.settings.is_empty() {
        info.settings.clone_from(&before.settings);
    }
}

/// Each metric once, in the order of names, so that two lists of the same metrics are equal.
fn tidy(metrics: &mut Vec<Metric>) {
    metrics.sort_unstable();
    metrics.dedup();
}
