//! The night: the batteries rest, and what the next day lacks is charged from the grid, the emptiest first.
//!
//! `deficit = energy - what they hold - what the sun is expected to give`; each battery takes up to what it has room for,
//! with the power that fills the hours, and stops at its state of charge. The plan is made once per night: were it made
//! anew in every cycle, the emptiest would change all the time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use ohmstead_units::{Percent, Watts};

use super::settings::{Hours, Night};
use super::sight::{Battery, Sight, View};
use super::state::{GroupState, NightCharge, NightPlan};

/// How long a night waits for a battery of which nothing is known yet.
const PATIENCE: Duration = Duration::from_secs(300);

/// The night in which a moment lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Opened {
    /// The day on which it began.
    on: Date,
    /// What is left of it.
    left: Duration,
    /// What is over of it.
    over: Duration,
}

impl Night {
    /// The night that is open now, if one is.
    pub(super) fn opened(&self, view: View<'_>, now: ohmstead_model::Moment) -> Option<Opened> {
        let instant = Timestamp::from_millisecond(now.unix.0).ok()?;
        let today = view.time_zone.to_datetime(instant).date();
        // A night over midnight belongs to the day on which it begins.
        [Some(today), today.yesterday().ok()].into_iter().flatten().find_map(|date| {
            let hours = self.hours_of(date, view);
            let from = instant_of(view.time_zone, date, hours.from)?;
            let end = if hours.from < hours.to { date } else { date.tomorrow().ok()? };
            let to = instant_of(view.time_zone, end, hours.to)?;
            (from <= instant && instant < to).then(|| Opened {
                on: date,
                left: to.duration_since(instant).unsigned_abs(),
                over: instant.duration_since(from).unsigned_abs(),
            })
        })
    }

    fn hours_of(&self, date: Date, view: View<'_>) -> Hours {
        let always = Hours { from: self.from, to: self.to };
        let is_weekend = date.weekday().to_monday_zero_offset() >= 5 || view.holidays.has(date);
        if is_weekend { self.weekend.unwrap_or(always) } else { always }
    }
}

/// The instant of a civil time; one that the clock skips is the one after the gap.
fn instant_of(time_zone: &TimeZone, date: Date, time: Time) -> Option<Timestamp> {
    time_zone.to_zoned(date.to_datetime(time)).ok().map(|zoned| zoned.timestamp())
}

/// What the night charges, planned once.
pub(super) fn plan(state: &mut GroupState, opened: Opened, sight: &Sight<'_>, night: &Night) {
    if state.night.as_ref().is_some_and(|plan| plan.opened == opened.on) {
        return;
    }
    state.night = None;
    let all_known = sight.batteries.iter().all(|battery| battery.available && battery.soc.is_some());
    if all_known || opened.over >= PATIENCE {
        state.night = Some(NightPlan { opened: opened.on, charges: charges(opened, sight, night) });
    }
}

fn charges(opened: Opened, sight: &Sight<'_>, night: &Night) -> Vec<NightCharge> {
    let capacity = |battery: &Battery<'_>| battery.capacity.unwrap_or(night.capacity.0);
    let mut known: Vec<_> = sight.candidates().filter(|(battery, _)| capacity(battery) > 0.0).collect();
    known.sort_by(|one, other| one.1.total_cmp(&other.1));
    let held: f64 = known.iter().map(|(battery, soc)| capacity(battery) * soc / 100.0).sum();
    let sun = night.expected_pv.map_or(0.0, |energy| energy.0.max(0.0));
    let mut deficit = night.energy.0 - held - sun;
    let hours = opened.left.as_secs_f64() / 3_600.0;
    let mut charges = Vec::new();
    for (battery, soc) in known {
        let capacity = capacity(battery);
        let energy = deficit.min(capacity * (100.0 - soc) / 100.0);
        if energy <= 0.0 {
            continue;
        }
        deficit -= energy;
        let power = Watts((energy / hours).min(night.power_max.0).round());
        let until = Percent((soc + energy / capacity * 100.0).min(100.0));
        charges.push(NightCharge { battery: battery.id.clone(), power, until });
    }
    charges
}

/// What a battery charges with now: nothing once it has got there, or while that is not known.
pub(super) fn power_of(state: &GroupState, battery: &Battery<'_>) -> Option<Watts> {
    let plan = state.night.as_ref()?;
    let charge = plan.charges.iter().find(|charge| charge.battery == *battery.id)?;
    let goes_on = battery.available && battery.soc.is_some_and(|soc| soc < charge.until.0);
    (goes_on && charge.power.0 > 0.0).then_some(charge.power)
}
