//! `mode: share`: what the house needs, or has too much of, is split among the batteries by their state of charge.
//!
//! Batteries that each follow the same meter work against each other, so none does: each has a set point.
//!
//! ```text
//! total = what the batteries supply now + grid power      (0 at the meter afterwards)
//! discharge: parts as (SoC - low); charge: parts as (full - SoC)
//! ```
//!
//! A set point changes only on a reading of the meter that is newer than the last change: an older one would be answered
//! twice. Where the grid power swings all the same, the group rotates for a while.

use std::collections::BTreeMap;

use ohmstead_model::{BatteryMode, DeviceId};
use ohmstead_units::Watts;

use super::settings::Group;
use super::sight::{Battery, Measured, Sight};
use super::state::{GroupState, Sharing};

/// Whether the group shares in this cycle; otherwise it rotates.
pub(super) fn advance(state: &mut GroupState, sight: &Sight<'_>, group: &Group) -> bool {
    let now = sight.now;
    let sharing = &mut state.sharing;
    if sharing.off_until.is_some_and(|until| now.mono < until.mono) {
        return false;
    }
    let swings = sight.grid.is_some_and(|grid| swings(sharing, grid, group));
    let blind = state.timers.meter_unknown.lasts(group.lasting.0, now);
    if swings || blind || !sight.candidates().any(|(battery, _)| battery.power.is_some()) {
        let pause = if swings { group.share.back_off.0 } else { group.lock.0 };
        *sharing = Sharing { off_until: Some(now.plus(pause)), swung: swings, ..Sharing::default() };
        return false;
    }
    (sharing.off_until, sharing.swung) = (None, false);
    if let Some(grid) = sight.grid {
        split(sharing, grid, sight, group);
    }
    true
}

/// Whether import and export have taken turns too often of late.
fn swings(sharing: &mut Sharing, grid: Measured, group: &Group) -> bool {
    let limits = &group.share.oscillation;
    let is_new = sharing.seen.is_none_or(|seen| seen.mono < grid.at.mono);
    if is_new && grid.power.abs() >= limits.power.0 {
        let side = grid.power.signum();
        if sharing.side.is_some_and(|before| (before - side).abs() > 1.0) {
            sharing.changes.push(grid.at);
        }
        sharing.side = Some(side);
    }
    sharing.seen = Some(grid.at);
    sharing.changes.retain(|change| grid.at.since(*change) <= limits.within.0);
    sharing.changes.len() >= usize::try_from(limits.changes.max(1)).unwrap_or(usize::MAX)
}

/// New set points, where it is time for them.
fn split(sharing: &mut Sharing, grid: Measured, sight: &Sight<'_>, group: &Group) {
    let told = sharing.told;
    let is_time = told.is_none_or(|told| sight.now.since(told) >= group.share.every.0);
    let is_answered = told.is_none_or(|told| grid.at.mono > told.mono);
    let members: Vec<_> = sight.candidates().filter_map(|(battery, soc)| Member::of(battery, soc)).collect();
    sharing.set_points.retain(|id, _| members.iter().any(|member| member.battery.id == id));
    let is_new = |member: &Member<'_, '_>| !sharing.set_points.contains_key(member.battery.id);
    if !is_time || (told.is_some() && !is_answered) {
        return;
    }
    if grid.power.abs() < group.share.dead_band.0 && !members.iter().any(is_new) {
        return;
    }
    let total: f64 = grid.power + members.iter().map(|member| member.power).sum::<f64>();
    let set_points = set_points(&members, total, &sharing.set_points, group);
    if set_points != sharing.set_points {
        sharing.told = Some(sight.now);
    }
    sharing.set_points = set_points;
}

/// A battery that takes part.
struct Member<'s, 'a> {
    battery: &'s Battery<'a>,
    soc: f64,
    power: f64,
}

impl<'s, 'a> Member<'s, 'a> {
    fn of(battery: &'s Battery<'a>, soc: f64) -> Option<Self> {
        Some(Self { battery, soc, power: battery.power?.power })
    }

    /// How much of the whole is its part: what it has above `low`, or the room below `full`.
    fn weight(&self, total: f64, group: &Group) -> f64 {
        if total > 0.0 { (self.soc - group.low.0).max(0.0) } else { (group.full.0 - self.soc).max(0.0) }
    }
}

/// The parts, each ramped from what it was and not above what one battery may do.
fn set_points(
    members: &[Member<'_, '_>],
    total: f64,
    before: &BTreeMap<DeviceId, f64>,
    group: &Group,
) -> BTreeMap<DeviceId, f64> {
    let most = group.share.power_max.0;
    let weights: f64 = members.iter().map(|member| member.weight(total, group)).sum();
    let of = |member: &Member<'_, '_>| {
        let part = if weights > 0.0 { total * member.weight(total, group) / weights } else { 0.0 };
        let was = before.get(member.battery.id).copied().unwrap_or(member.power);
        let ramp = group.share.ramp.0;
        let power = part.clamp(was - ramp, was + ramp).clamp(-most, most).round();
        (member.battery.id.clone(), power)
    };
    members.iter().map(of).collect()
}

/// What a battery is told: its part as a charge or a discharge, `idle` for one below the dead-band or without a part.
pub(super) fn mode_of(state: &GroupState, battery: &Battery<'_>, group: &Group) -> BatteryMode {
    let power = state.sharing.set_points.get(battery.id).copied().unwrap_or(0.0);
    match power {
        power if power.abs() < group.share.dead_band.0 => BatteryMode::Idle,
        power if power > 0.0 => BatteryMode::Discharge { power: Some(Watts(power)) },
        power => BatteryMode::Charge { power: Some(Watts(-power)), until: None },
    }
}
