//! What is known about a group in one cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Metric, Moment, Online, Snapshot};

use super::settings::Group;
use crate::schedule::Holidays;

/// What the rotation looks at besides its own state.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is known.
    pub snapshot: &'a Snapshot,
    /// The modes that batteries are known to be in because they were read back after a write. Where a battery is not in
    /// it, the mode that it reports counts.
    pub confirmed: &'a BTreeMap<DeviceId, BatteryMode>,
    /// Devices of which somebody with a higher priority wants something: the rotation does without them meanwhile.
    pub taken: &'a BTreeSet<DeviceId>,
    /// The zone of civil times.
    pub time_zone: &'a TimeZone,
    /// The site's holidays.
    pub holidays: &'a Holidays,
}

/// A power with the moment of its reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// In W, in the project's signs.
    pub(super) power: f64,
    pub(super) at: Moment,
}

/// What is known about a group.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) now: Moment,
    /// Import positive; `None` where it is not known.
    pub(super) grid: Option<Measured>,
    pub(super) batteries: Vec<Battery<'a>>,
}

/// What is known about one battery.
#[derive(Debug)]
pub(super) struct Battery<'a> {
    pub(super) id: &'a DeviceId,
    /// In percent; `None` where it is not known.
    pub(super) soc: Option<f64>,
    /// Discharge positive.
    pub(super) power: Option<Measured>,
    /// In Wh, where it tells.
    pub(super) capacity: Option<f64>,
    /// It answers, can follow the meter, and nobody else wants something of it.
    pub(super) available: bool,
    /// It has been asked, so that what is not known about it now may be missed.
    pub(super) asked: bool,
    mode: Mode,
    /// How long a reading of its mode may be used, so how long the next one may take.
    mode_ttl: Duration,
}

/// What is known about a battery's mode.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// Read back after a write.
    Confirmed { auto: bool },
    /// As it reported, and when.
    Reported { auto: bool, at: Moment },
    /// It reports modes, but not now.
    NotNow,
    /// It reports none.
    Never,
}

/// How far a battery is on its way to `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    There,
    /// It is not there in time.
    Failed,
    /// It does not answer any more, or somebody else wants something of it.
    Lost,
    OnItsWay,
}

impl<'a> Sight<'a> {
    pub(super) fn of(view: View<'a>, group: &'a Group, now: Moment) -> Self {
        let site = DeviceId::site();
        let meter = group.meter.as_ref().unwrap_or(&site);
        let grid =
            view.snapshot.device(meter.as_str()).and_then(|meter| measured(meter, Metric::GridPower, now));
        let batteries = group.batteries.iter().map(|id| Battery::of(id, view, now)).collect();
        Self { now, grid, batteries }
    }

    pub(super) fn battery(&self, id: &DeviceId) -> Option<&Battery<'a>> {
        self.batteries.iter().find(|battery| battery.id == id)
    }

    /// What the grid gives, in W; negative is export.
    pub(super) fn grid_power(&self) -> Option<f64> {
        self.grid.map(|grid| grid.power)
    }

    pub(super) fn exports(&self, at_least: f64) -> bool {
        self.grid_power().is_some_and(|power| power < -at_least)
    }

    pub(super) fn imports(&self, at_least: f64) -> bool {
        self.grid_power().is_some_and(|power| power > at_least)
    }

    /// Batteries that may be chosen, with their state of charge.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (&Battery<'a>, f64)> {
        self.batteries.iter().filter(|battery| battery.available).filter_map(|battery| {
            let soc = battery.soc?;
            Some((battery, soc))
        })
    }
}

/// The emptiest of them, the first of the group among equals.
pub(super) fn emptiest<'s, 'a>(
    candidates: impl Iterator<Item = (&'s Battery<'a>, f64)>,
) -> Option<(&'s Battery<'a>, f64)>
where
    'a: 's,
{
    candidates.min_by(|one, other| one.1.total_cmp(&other.1))
}

/// The fullest of them, the first of the group among equals.
pub(super) fn fullest<'s, 'a>(
    candidates: impl Iterator<Item = (&'s Battery<'a>, f64)>,
) -> Option<(&'s Battery<'a>, f64)>
where
    'a: 's,
{
    candidates.min_by(|one, other| other.1.total_cmp(&one.1))
}

fn measured(device: &DeviceState, metric: Metric, now: Moment) -> Option<Measured> {
    let known = device.value(metric, now).ok()?;
    Some(Measured { power: known.value.number()?, at: known.at })
}

impl<'a> Battery<'a> {
    fn of(id: &'a DeviceId, view: View<'a>, now: Moment) -> Self {
        let device = view.snapshot.device(id.as_str());
        let number = |metric| device.and_then(|device| device.number(metric, now).ok());
        let can_follow = |device: &DeviceState| {
            let modes = &device.info.modes;
            modes.is_empty() || modes.contains(&BatteryMode::Auto.key())
        };
        let answers = device.is_some_and(|device| device.is_online() && can_follow(device));
        Self {
            id,
            soc: number(Metric::BatterySoc),
            power: device.and_then(|device| measured(device, Metric::BatteryPower, now)),
            capacity: number(Metric::BatteryCapacity).filter(|capacity| *capacity > 0.0),
            available: answers && !view.taken.contains(id),
            asked: device.is_some_and(|device| device.online != Online::NotAskedYet),
            mode: Mode::of(id, view, now),
            mode_ttl: device
                .map_or(Duration::ZERO, |device| device.info.ttl.of(Metric::BatteryMode.def().poll)),
        }
    }

    /// Whether it is known to follow the meter now. What it reported before `since` does not count.
    pub(super) fn is_auto(&self, since: Moment) -> Option<bool> {
        match self.mode {
            Mode::Confirmed { auto } => Some(auto),
            Mode::Reported { auto, at } => (at.mono >= since.mono).then_some(auto),
            Mode::NotNow | Mode::Never => None,
        }
    }

    /// How far it is on its way to `auto`, of which it was told at `since` and for which it has time `within`. A battery
    /// that reports no modes is believed once the time is over; one that does must show it.
    pub(super) fn progress(&self, since: Moment, within: Duration, now: Moment) -> Progress {
        let elapsed = now.since(since);
        match self.is_auto(since) {
            _ if !self.available => Progress::Lost,
            Some(true) => Progress::There,
            _ if elapsed < within => Progress::OnItsWay,
            // A slow poll may have read the old mode just before the new one was written: the next one tells.
            _ if self.was_read_before(since.plus(within / 2)) && elapsed <= self.mode_ttl => {
                Progress::OnItsWay
            }
            None if matches!(self.mode, Mode::Never) => Progress::There,
            Some(false) | None => Progress::Failed,
        }
    }

    /// Whether what is known of its mode is from before `moment`.
    fn was_read_before(&self, moment: Moment) -> bool {
        match self.mode {
            Mode::Reported { at, .. } => at.mono < moment.mono,
            Mode::NotNow => true,
            Mode::Confirmed { .. } | Mode::Never => false,
        }
    }
}

impl Mode {
    fn of(id: &DeviceId, view: View<'_>, now: Moment) -> Self {
        if let Some(mode) = view.confirmed.get(id) {
            return Self::Confirmed { auto: *mode == BatteryMode::Auto };
        }
        let Some(device) = view.snapshot.device(id.as_str()) else { return Self::NotNow };
        if !device.values.contains_key(&Metric::BatteryMode) {
            return Self::Never;
        }
        match device.value(Metric::BatteryMode, now) {
            Ok(known) => Self::Reported { auto: known.value.as_str() == Some("auto"), at: known.at },
            Err(_) => Self::NotNow,
        }
    }
}
