//! What a limit can take hold of: which devices can be bounded, how much they make, and who gets how much of a bound.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ohmstead_model::{DeviceId, DeviceState, Metric, Moment, Online, Snapshot};
use ohmstead_units::Watts;

use super::measure::{devices, phases_shown};
use super::{Limit, Name};

/// The setting that limits what a device discharges while it follows the meter by itself.
const DISCHARGE_SETTING: &str = "max_discharge_power";
/// In this time a share follows what a device makes. Shares that follow every flicker would be written every second.
const SHARE_FOLLOWS: Duration = Duration::from_secs(30);

/// How a bound is shared: the weight of each device.
pub(super) type Shares = BTreeMap<DeviceId, Watts>;

/// The devices that can be bounded, and those that cannot with the reason.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Levers {
    /// What each one makes now, at least 0; `None` where that is not known.
    pub(super) able: BTreeMap<DeviceId, Option<Watts>>,
    pub(super) unable: Vec<(DeviceId, String)>,
}

impl Levers {
    /// Looks at every device that the limit is about. One that already has a share keeps its lever: a discharge that was
    /// bounded to nothing is none any more.
    pub(super) fn of(name: Name, limit: &Limit, shares: &Shares, snapshot: &Snapshot, now: Moment) -> Self {
        let mut levers = Self::default();
        let configured = single_phases(name, limit, snapshot);
        for device in devices(name, limit, snapshot) {
            let id = device.info.id.clone();
            let shown = device.info.phase.map(|_| configured).or_else(|| phases_shown(device, now));
            let lever =
                mismatch(name, limit, &id, shown).map_or_else(|| lever(name, device, shares, now), Err);
            match lever {
                Ok(()) => {
                    levers.able.insert(id, power(name, device, now));
                }
                Err(reason) => levers.unable.push((id, reason)),
            }
        }
        levers
    }

    /// What they make together; `None` where one of them is not known.
    pub(super) fn power(&self) -> Option<Watts> {
        self.able.values().copied().sum()
    }

    /// The weights of the next cycle: they go after what each device makes. One that makes nothing is left a little, so
    /// that it can begin when another cannot go on.
    pub(super) fn shares(&self, before: &Shares, passed: Duration) -> Shares {
        let count = self.able.len().max(1) as f64;
        let total = self.power().unwrap_or_default();
        let least = Watts((total.0 * 0.1 / count).max(1.0));
        let follow = (passed.as_secs_f64() / SHARE_FOLLOWS.as_secs_f64()).min(1.0);
        let next = |(id, power): (&DeviceId, &Option<Watts>)| {
            let old = before.get(id).copied();
            let weight = match (old, power) {
                (Some(old), Some(power)) => old + (*power + least - old) * follow,
                (Some(old), None) => old,
                (None, power) => power.unwrap_or_default() + least,
            };
            (id.clone(), weight)
        };
        self.able.iter().map(next).collect()
    }
}

/// What each device gets of a bound.
pub(super) fn divide(bound: Watts, shares: &Shares) -> impl Iterator<Item = (&DeviceId, Watts)> {
    let total: Watts = shares.values().copied().sum();
    shares.iter().map(move |(id, weight)| (id, Watts((bound.0 * (weight.0 / total.0)).round())))
}

/// Whether a device can be bounded, else why not.
fn lever(name: Name, device: &DeviceState, shares: &Shares, now: Moment) -> Result<(), String> {
    let info = &device.info;
    // While it is bounded, silence is a matter of what is measured: it may last a moment only.
    if shares.contains_key(&info.id) && !info.modes.is_empty() {
        return Ok(());
    }
    match device.online {
        Online::NotAskedYet => return Err("it has not answered yet".to_owned()),
        Online::No(_) => return Err("it does not answer".to_owned()),
        Online::Yes(_) if info.modes.is_empty() => {
            return Err("it cannot be controlled at present".to_owned());
        }
        Online::Yes(_) => {}
    }
    let (mode, has_setting, what) = match name {
        Name::GridImport => ("charge", false, "has no limit for what it charges"),
        _ => ("discharge", has_discharge_setting(device), "has no limit for what it discharges"),
    };
    let is_in_mode = || {
        let shown = device.value(Metric::BatteryMode, now).ok();
        shown.is_some_and(|known| known.value.as_str() == Some(mode))
            && info.modes.iter().any(|can| can == mode)
    };
    if has_setting || is_in_mode() {
        return Ok(());
    }
    Err(format!(
        "it follows the meter by itself and {what}: only a {mode} that is asked of it can be bounded"
    ))
}

/// Whether what a device makes by itself can be bounded.
pub(super) fn has_discharge_setting(device: &DeviceState) -> bool {
    device.info.settings.iter().any(|offered| offered.metric.id() == DISCHARGE_SETTING)
}

/// What a device makes of what a bound caps, at least 0. A limit for discharging caps all that is made AC, panels on the
/// battery's side included.
fn power(name: Name, device: &DeviceState, now: Moment) -> Option<Watts> {
    let number = |metric| device.number(metric, now).ok().filter(|number| number.is_finite());
    let supplied = match name {
        Name::GridImport => -number(Metric::BatteryPower)?,
        _ => number(Metric::InverterPower).or_else(|| number(Metric::BatteryPower))?,
    };
    Some(Watts(supplied.max(0.0)))
}

/// On how many phases the single-phase devices of a limit are, as they are configured.
fn single_phases(name: Name, limit: &Limit, snapshot: &Snapshot) -> usize {
    devices(name, limit, snapshot).filter_map(|device| device.info.phase).collect::<BTreeSet<_>>().len()
}

fn mismatch(name: Name, limit: &Limit, device: &DeviceId, shown: Option<usize>) -> Option<String> {
    let (configured, shown) = (usize::from(limit.phases?), shown?);
    let plural = |count: usize| if count == 1 { "1 phase".to_owned() } else { format!("{count} phases") };
    (configured != shown).then(|| {
        format!(
            "limits.{name} says {}, but {device} shows values on {}: correct `phases`, or leave it out",
            plural(configured),
            plural(shown)
        )
    })
}
