//! What the rotation remembers from one cycle to the next. All times are of the monotonic clock, except the end of a night.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use ohmstead_model::{DeviceId, Moment};
use ohmstead_units::{Percent, Watts};

/// What is remembered of every group. A new one knows nothing: the first battery is found anew, and one that is active
/// already stays it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    pub(super) groups: BTreeMap<String, GroupState>,
}

impl State {
    /// The battery of a group that is active, or that is being switched on.
    pub fn active(&self, group: &str) -> Option<&DeviceId> {
        let group = self.groups.get(group)?;
        group.switch.as_ref().map(|switch| &switch.to).or(group.active.as_ref().map(|active| &active.battery))
    }

    /// Whether the batteries of a group rest because all of them are full.
    pub fn is_stopped(&self, group: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.stopped)
    }
}

/// What is remembered of one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct GroupState {
    /// When it was first looked at.
    pub(super) begun: Option<Moment>,
    pub(super) active: Option<Active>,
    pub(super) switch: Option<Switch>,
    /// When the last switch began or ended, or all were sent to rest: what the lock counts from.
    pub(super) switched: Option<Moment>,
    /// Batteries that did not become active when they should have.
    pub(super) refused: BTreeMap<DeviceId, Refusal>,
    /// All are full.
    pub(super) stopped: bool,
    pub(super) timers: Timers,
    pub(super) overflow: Option<Running>,
    /// When the last overflow ended.
    pub(super) overflowed: Option<Moment>,
    pub(super) night: Option<NightPlan>,
    pub(super) sharing: Sharing,
    /// Since when a battery does something else than it should.
    pub(super) mismatches: BTreeMap<DeviceId, Moment>,
}

/// The battery whose turn it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Active {
    pub(super) battery: DeviceId,
    pub(super) since: Moment,
}

/// A battery is being switched on; the one that it takes over from stays on for the overlap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Switch {
    pub(super) to: DeviceId,
    /// `None` where there was none, or it is lost.
    pub(super) from: Option<DeviceId>,
    pub(super) since: Moment,
}

/// A battery that did not get there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Refusal {
    pub(super) times: u32,
    pub(super) until: Moment,
}

impl Refusal {
    /// Twice as long each time, but never longer than this.
    const LONGEST: Duration = Duration::from_secs(3_600);

    pub(super) fn next(before: Option<Self>, lock: Duration, now: Moment) -> Self {
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let pause = lock.saturating_mul(1 << times.min(8)).min(Self::LONGEST);
        Self { times, until: now.plus(pause) }
    }
}

/// The second battery that charges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Running {
    pub(super) battery: DeviceId,
    pub(super) since: Moment,
}

/// What one night charges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NightPlan {
    /// The day on which the night began.
    pub(super) opened: Date,
    pub(super) charges: Vec<NightCharge>,
}

/// What one battery charges in a night.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NightCharge {
    pub(super) battery: DeviceId,
    pub(super) power: Watts,
    pub(super) until: Percent,
}

/// What the splitting remembers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sharing {
    /// What each battery was last told to supply, in W, discharge positive.
    pub(super) set_points: BTreeMap<DeviceId, f64>,
    /// When it was last told.
    pub(super) told: Option<Moment>,
    /// The last import or export that counts, with its sign.
    pub(super) side: Option<f64>,
    /// When the grid power changed sides.
    pub(super) changes: Vec<Moment>,
    /// The reading that was last looked at.
    pub(super) seen: Option<Moment>,
    /// Until when the group rotates instead.
    pub(super) off_until: Option<Moment>,
    /// Whether that is because of swinging.
    pub(super) swung: bool,
}

/// Since when something has been the case without a break.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Since(Option<Moment>);

impl Since {
    /// Goes on while it holds, begins anew after it did not.
    pub(super) fn track(&mut self, holds: bool, now: Moment) {
        self.0 = holds.then(|| self.0.unwrap_or(now));
    }

    /// Whether it has been the case for `span`.
    pub(super) fn lasts(self, span: Duration, now: Moment) -> bool {
        self.0.is_some_and(|since| now.since(since) >= span)
    }
}

/// What must be the case for a time before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Timers {
    pub(super) export: Since,
    pub(super) import: Since,
    pub(super) stop_export: Since,
    pub(super) start_import: Since,
    pub(super) overflow_end: Since,
    pub(super) meter_unknown: Since,
    pub(super) no_battery: Since,
}

impl GroupState {
    /// Whether the last switch is too recent for another one.
    pub(super) fn locked(&self, lock: Duration, now: Moment) -> bool {
        self.switched.is_some_and(|switched| now.since(switched) < lock)
    }

    /// Whether a battery failed lately.
    pub(super) fn has_refused(&self, battery: &DeviceId, now: Moment) -> bool {
        self.refused.get(battery).is_some_and(|refusal| now.mono < refusal.until.mono)
    }

    /// Forgets whose turn it is; the times at which something last happened stay.
    pub(super) fn pause(&mut self) {
        self.active = None;
        self.switch = None;
        self.stopped = false;
        self.overflow = None;
    }
}
