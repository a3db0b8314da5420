//! How much of the sun's power is used in a slot, given what the batteries do. An inverter gives the sun precedence; where
//! the sun may be reduced, it is reduced to what costs least.

use crate::problem::{Problem, Slot};

pub(super) struct Used {
    pub(super) pv_w: f64,
    pub(super) grid_w: f64,
}

/// Reduces the batteries' powers to what the shared inverter carries beside the sun.
pub(super) fn fit_inverter(problem: &Problem, slot: &Slot, powers: &mut [f64]) {
    let Some(limit) = problem.inverter_max_w else { return };
    let sum: f64 = powers.iter().sum();
    let most = (limit - slot.pv_w.min(limit)).max(0.0);
    let least = -(limit + slot.pv_w);
    if sum > most {
        scale(powers, sum - most, |power| power.max(0.0));
    } else if sum < least {
        scale(powers, sum - least, |power| power.min(0.0));
    }
}

/// Takes `excess` from those powers that `part` leaves, in proportion.
fn scale(powers: &mut [f64], excess: f64, part: fn(f64) -> f64) {
    let whole: f64 = powers.iter().map(|power| part(*power)).sum();
    if whole != 0.0 {
        for power in powers {
            *power -= part(*power) / whole * excess;
        }
    }
}

/// What an exchange with the grid costs, EUR.
pub(super) fn cost_eur(slot: &Slot, grid_w: f64) -> f64 {
    let price = if grid_w > 0.0 { slot.import_price } else { slot.export_price };
    grid_w * price * slot.hours() / 1000.0
}

/// The use of the sun that costs least, counting what is beyond a limit with its penalty; the most of it among equals.
pub(super) fn used(problem: &Problem, slot: &Slot, bank: f64) -> Used {
    let through = problem.inverter_max_w.unwrap_or(f64::INFINITY);
    let most = slot.pv_w.min(through - bank).max(0.0);
    let needed = slot.load_w - bank;
    let all = Used { pv_w: most, grid_w: needed - most };
    if !problem.curtail {
        return all;
    }
    let least = (-bank - through).clamp(0.0, most);
    let choices = [needed, needed + problem.export_max_w, needed - problem.import_max_w, least];
    let mut best = (price(problem, slot, &all, bank), all);
    for pv_w in choices.map(|choice| choice.clamp(least, most)) {
        let used = Used { pv_w, grid_w: needed - pv_w };
        let cost = price(problem, slot, &used, bank);
        if cost < best.0 - 1e-12 {
            best = (cost, used);
        }
    }
    best.1
}

/// What the best use of the sun costs, EUR, with its penalties.
pub(super) fn least_eur(problem: &Problem, slot: &Slot, bank: f64) -> f64 {
    price(problem, slot, &used(problem, slot, bank), bank)
}

fn price(problem: &Problem, slot: &Slot, used: &Used, bank: f64) -> f64 {
    let beyond = (used.grid_w - problem.import_max_w).max(-used.grid_w - problem.export_max_w).max(0.0);
    let beyond = beyond + battery_export_w(problem, slot, used.grid_w, used.pv_w, bank);
    cost_eur(slot, used.grid_w) + beyond * slot.hours() / 1000.0 * 100.0 * slot.import_price.abs().max(1.0)
}

/// The power of the batteries that goes into the grid although it must not, W.
pub(super) fn battery_export_w(problem: &Problem, slot: &Slot, grid_w: f64, pv_w: f64, bank: f64) -> f64 {
    if problem.allow_battery_export || bank <= 0.0 || grid_w >= 0.0 {
        return 0.0;
    }
    (-grid_w - (pv_w - slot.load_w).max(0.0)).clamp(0.0, bank)
}
