//! Devices as the snapshot shows them.

use std::sync::Arc;
use std::time::Duration;

pub(super) use ohmstead_model::Metric;
use ohmstead_model::{
    Allowed, DeviceId, DeviceInfo, DeviceState, MetricDef, Moment, Observed, Online, Phase, Role, Setting,
    Snapshot, UnixMillis, Unknown, Value,
};

use crate::Proposal;
use crate::limiter::{Settings, State, Verdict, step};

pub(super) fn at(seconds: f64) -> Moment {
    let mono = Duration::from_secs_f64(1000.0 + seconds);
    Moment { mono, unix: UnixMillis(0) }
}

pub(super) fn settings(text: &str) -> Settings {
    serde_saphyr::from_str(text).unwrap()
}

static MAX_DISCHARGE_DEF: MetricDef = MetricDef { id: "max_discharge_power", ..*Metric::BatteryPower.def() };
pub(in crate::limiter) const MAX_DISCHARGE: Metric = Metric::new(&MAX_DISCHARGE_DEF);

/// A device that answers.
pub(super) struct Device(DeviceState);

impl Device {
    fn new(name: &str, roles: &[Role], modes: &[&str]) -> Self {
        let mut info = DeviceInfo::new(name.parse().unwrap(), "test", "nowhere");
        info.roles = roles.to_vec();
        info.modes = modes.iter().map(|mode| (*mode).to_owned()).collect();
        let mut state = DeviceState::new(Arc::new(info));
        state.online = Online::Yes(at(0.0));
        Self(state)
    }

    /// A GX device with Multis: it has a limit for discharging.
    pub(super) fn gx(name: &str) -> Self {
        let roles = [Role::Battery, Role::Inverter, Role::GridMeter];
        let mut device = Self::new(name, &roles, &["auto", "hold", "charge", "discharge"]);
        let allowed = Allowed::Range { min: -1.0, max: 300_000.0, step: 1.0 };
        device.info(|info| info.settings.push(Setting { metric: MAX_DISCHARGE, allowed }));
        device
    }

    /// A battery that follows the meter by itself and has no limit for it.
    pub(super) fn marstek(name: &str) -> Self {
        Self::new(name, &[Role::Battery, Role::Inverter], &["auto", "idle", "charge", "discharge"])
    }

    fn info(&mut self, change: impl FnOnce(&mut DeviceInfo)) {
        change(Arc::make_mut(&mut self.0.info));
    }

    pub(super) fn on(mut self, phase: Phase) -> Self {
        self.info(|info| info.phase = Some(phase));
        self
    }

    pub(super) fn without_control(mut self) -> Self {
        self.info(|info| info.modes.clear());
        self
    }

    pub(super) fn offline(mut self) -> Self {
        self.0.online = Online::No(at(0.0));
        self
    }

    pub(super) fn mode(mut self, mode: &'static str, now: Moment) -> Self {
        self.0.values.insert(Metric::BatteryMode, Observed { observation: Ok(Value::State(mode)), at: now });
        self
    }

    pub(super) fn shows(mut self, metric: Metric, watts: f64, at: Moment) -> Self {
        self.0.values.insert(metric, Observed { observation: Ok(Value::Number(watts)), at });
        self
    }

    pub(super) fn lost(mut self, metric: Metric, at: Moment) -> Self {
        self.0.values.insert(metric, Observed { observation: Err(Unknown::NotReported), at });
        self
    }
}

pub(super) fn snapshot(devices: impl IntoIterator<Item = Device>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    devices.into_iter().for_each(|Device(state)| snapshot.insert(state));
    snapshot
}

/// A limiter with what it remembers.
pub(super) struct Limiter {
    pub(super) settings: Settings,
    pub(super) state: State,
}

impl Limiter {
    pub(super) fn new(text: &str) -> Self {
        Self { settings: settings(text), state: State::default() }
    }

    pub(super) fn step(&mut self, snapshot: &Snapshot, now: Moment) -> (Vec<Proposal>, Vec<Verdict>) {
        let (state, proposals, verdicts) = step(&self.state, snapshot, now, &self.settings);
        self.state = state;
        (proposals, verdicts)
    }
}

/// What a device may discharge with.
pub(super) fn discharge_of(proposals: &[Proposal], name: &str) -> Option<f64> {
    let id: DeviceId = name.parse().unwrap();
    let of_device = proposals.iter().filter(|proposal| proposal.device == id);
    of_device.map(|proposal| proposal.bounds.highest().0).reduce(f64::min)
}
