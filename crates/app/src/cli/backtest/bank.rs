//! The batteries that are replayed, as one: those of the house as they are configured and as their devices tell, or the one that is
//! asked about.

use std::collections::{BTreeMap, BTreeSet};

use ohmstead_model::DeviceId;
use ohmstead_planner::settings::{BatterySettings, Settings};
use ohmstead_planner::{Battery, PerSlot, Problem};
use ohmstead_units::{Percent, WattHours, Watts};

use crate::failure::{Code, Failure};

/// What is asked about instead of what is configured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    pub(super) capacity: Option<WattHours>,
    /// Both what it takes and what it gives.
    pub(super) power: Option<Watts>,
    pub(super) efficiency: Option<Percent>,
    pub(super) min: Option<Percent>,
}

/// What a device last told of its battery.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Told {
    pub(super) capacity_wh: Option<f64>,
    pub(super) charge_max_w: Option<f64>,
    pub(super) discharge_max_w: Option<f64>,
}

/// A battery of the house.
struct Member {
    said: BatterySettings,
    told: Told,
    /// What it counts in means: its capacity.
    weight: f64,
}

/// What a battery can take or give where nobody says, as a part of its capacity per hour: as it is in plans.
const POWER_OF_CAPACITY: f64 = 0.5;

/// The batteries and the limits of the site; and which batteries are left out, in words.
pub(super) fn site(
    asked: &Asked,
    settings: &Settings,
    told: &BTreeMap<DeviceId, Told>,
) -> Result<(Problem, Vec<String>), Failure> {
    let (members, left_out) = members(settings, told, asked.capacity.is_some());
    let infinite = |power: Option<Watts>| power.map_or(f64::INFINITY, |power| power.0);
    let problem = Problem {
        batteries: vec![battery(asked, settings, &members)?],
        import_max_w: infinite(settings.import_max),
        export_max_w: infinite(settings.export_max),
        inverter_max_w: settings.inverter_max.map(|power| power.0),
        allow_battery_export: settings.battery_export,
        curtail: settings.curtail,
        ..Problem::default()
    };
    Ok((problem, left_out))
}

/// The batteries whose capacity is known; where it is asked for, all of them if it is known of none.
fn members(
    settings: &Settings,
    told: &BTreeMap<DeviceId, Told>,
    is_asked: bool,
) -> (Vec<Member>, Vec<String>) {
    let tell = told.iter().filter(|(_, told)| told.capacity_wh.is_some()).map(|(name, _)| name);
    let names: BTreeSet<_> = settings.batteries.keys().chain(tell).collect();
    let (mut known, mut unknown, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let (said, told) = (settings.battery(name), told.get(name).copied().unwrap_or_default());
        if let Some(weight) = said.capacity.map(|capacity| capacity.0).or(told.capacity_wh) {
            known.push(Member { said, told, weight });
            continue;
        }
        unknown.push(Member { said, told, weight: 1.0 });
        left_out.push(format!(
            "{name} is left out: its capacity is not known, say planner.batteries.{name}.capacity"
        ));
    }
    match (is_asked, known.is_empty()) {
        (true, true) => (unknown, Vec::new()),
        (true, false) => (known, Vec::new()),
        (false, _) => (known, left_out),
    }
}

fn battery(asked: &Asked, settings: &Settings, members: &[Member]) -> Result<Battery, Failure> {
    let configured: f64 = members.iter().map(|member| member.weight).sum();
    let capacity_wh = asked.capacity.map_or(configured, |capacity| capacity.0);
    if capacity_wh <= 0.0 {
        let text = "how large is the battery? say --capacity \"5 kWh\", or planner.batteries.NAME.capacity in the configuration";
        return Err(Failure::new(Code::Usage, text));
    }
    let usual = BatterySettings::default();
    let mean = |of: fn(&BatterySettings) -> f64| {
        let weighted = members.iter().map(|member| of(&member.said) * member.weight);
        if members.is_empty() { of(&usual) } else { weighted.sum::<f64>() / configured }
    };
    let efficiency = asked.efficiency.map_or_else(|| mean(|said| said.efficiency.0), |share| share.0);
    let max = mean(|said| said.max.map_or(100.0, |max| max.0));
    let min = asked.min.map_or_else(|| mean(|said| said.min.map_or(0.0, |min| min.0)), |min| min.0);
    // Who says how empty it may become means just that.
    let reserve = if asked.min.is_some() { 0.0 } else { settings.reserve.0 };
    if min >= max {
        let text = format!("--min {min:.0} % leaves nothing to use: the battery is filled to {max:.0} %");
        return Err(Failure::new(Code::Usage, text));
    }
    let share = |share: f64| capacity_wh * share / 100.0;
    let one_way = (efficiency / 100.0).sqrt();
    let power = |of: fn(&Member) -> Option<f64>| {
        let configured = || sum(members, of);
        asked.power.map(|power| power.0).or_else(configured).unwrap_or(capacity_wh * POWER_OF_CAPACITY)
    };
    Ok(Battery {
        name: "battery".to_owned(),
        capacity_wh,
        now_wh: share(min.max(reserve).min(max)),
        min_wh: share(min),
        max_wh: share(max),
        reserve_wh: PerSlot::Constant(share(reserve)),
        charge_max_w: power(|it| it.said.charge_max.map(|power| power.0).or(it.told.charge_max_w)),
        discharge_max_w: power(|it| it.said.discharge_max.map(|power| power.0).or(it.told.discharge_max_w)),
        eff_charge: one_way,
        eff_discharge: one_way,
        wear_eur_kwh: mean(|said| said.wear.per_kwh),
        // One of several that must not is enough: as one they cannot be told apart.
        may_charge_from_grid: members.iter().all(|member| member.said.grid_charge),
        ..Battery::default()
    })
}

/// What all of them take or give, where anybody says it; what one does not say is guessed from its capacity.
fn sum(members: &[Member], of: fn(&Member) -> Option<f64>) -> Option<f64> {
    let anybody = members.iter().any(|member| of(member).is_some());
    let power = |member: &Member| of(member).unwrap_or(member.weight * POWER_OF_CAPACITY);
    anybody.then(|| members.iter().map(power).sum())
}

/// An energy that a battery of a house can hold.
pub(super) fn capacity(text: &str) -> Result<WattHours, String> {
    let capacity: WattHours =
        text.parse().map_err(|error: ohmstead_units::ParseQuantityError| error.to_string())?;
    if capacity.0 >= 100.0 {
        return Ok(capacity);
    }
    let bare = text.trim().parse::<f64>().is_ok_and(|number| number > 0.0);
    let hint = if bare { format!("; did you mean \"{} kWh\"?", text.trim()) } else { String::new() };
    Err(format!("{capacity} is less than any battery of a house holds: expected at least 100 Wh{hint}"))
}

/// A power that a battery can have.
pub(super) fn power(text: &str) -> Result<Watts, String> {
    let power: Watts = text.parse().map_err(|error: ohmstead_units::ParseQuantityError| error.to_string())?;
    if power.0 > 0.0 {
        Ok(power)
    } else {
        Err(format!("{power} is no power of a battery: expected more than 0 W"))
    }
}

/// What comes out of what goes in: within the bounds of the configuration.
pub(super) fn efficiency(text: &str) -> Result<Percent, String> {
    let share = percent(text)?;
    if (50.0..=100.0).contains(&share.0) {
        return Ok(share);
    }
    let is_part = (0.5..=1.0).contains(&share.0);
    let hint = if is_part { format!("; did you mean \"{:.0} %\"?", share.0 * 100.0) } else { String::new() };
    Err(format!("{share} is out of range: expected 50 % to 100 %{hint}"))
}

/// A share that leaves something.
pub(super) fn min(text: &str) -> Result<Percent, String> {
    let share = percent(text)?;
    if (0.0..100.0).contains(&share.0) {
        Ok(share)
    } else {
        Err(format!("{share} is out of range: expected 0 % to less than 100 %"))
    }
}

fn percent(text: &str) -> Result<Percent, String> {
    text.parse().map_err(|error: ohmstead_units::ParseQuantityError| error.to_string())
}

#[cfg(test)]
mod tests;
