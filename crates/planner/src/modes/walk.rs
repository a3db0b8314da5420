//! What modes come to: the slots walked with the inverters' own following, against the forecast.

use ohmstead_model::BatteryMode;
use ohmstead_units::Watts;

use crate::problem::Problem;
use crate::simulate::{Outcome, Walk, charge_possible_w, discharge_possible_w, fit_inverter};

/// Walks the slots with one mode for each slot and battery; a missing mode is `auto`, and what was asked by hand goes before.
/// Following batteries share what the commanded ones leave of the house's need or of the sun, in proportion to what each can do;
/// they neither export nor go below their floor, and are not charged beyond their band.
pub fn simulate_modes(problem: &Problem, modes: &[Vec<BatteryMode>]) -> Outcome {
    let mut walk = Walk::new(problem);
    for slot in 0..problem.slots.len() {
        let of_slot: &[BatteryMode] = modes.get(slot).map_or(&[], |modes| modes);
        let asked = powers_w(problem, slot, walk.stored_wh(), of_slot);
        walk.step(&asked);
    }
    walk.arrive()
}

/// What all batteries in `auto` would give in a slot, W.
pub(super) fn auto_w(problem: &Problem, slot: usize, stored_wh: &[f64]) -> Vec<f64> {
    powers_w(problem, slot, stored_wh, &[])
}

/// What the batteries give in their modes, W.
fn powers_w(problem: &Problem, slot: usize, stored_wh: &[f64], modes: &[BatteryMode]) -> Vec<f64> {
    let reaches: Vec<_> = (0..problem.batteries.len())
        .map(|number| Reach::of(problem, slot, number, stored_wh[number]))
        .collect();
    let mut powers = vec![0.0; reaches.len()];
    let mut following = Vec::with_capacity(reaches.len());
    for (number, reach) in reaches.iter().enumerate() {
        let (mut gives, mut takes) = (false, false);
        let asked = problem.pinned(slot, number).or(modes.get(number));
        match asked.unwrap_or(&BatteryMode::Auto) {
            BatteryMode::Auto | BatteryMode::Native(_) => (gives, takes) = (true, true),
            BatteryMode::Hold => takes = true,
            BatteryMode::HoldCharge => gives = true,
            BatteryMode::Idle => {}
            BatteryMode::Charge { power, until } => {
                let until_wh =
                    until.map_or(f64::INFINITY, |it| it.0 / 100.0 * problem.batteries[number].capacity_wh);
                powers[number] =
                    -reach.charge_w(until_wh).min(power.map_or(f64::INFINITY, |Watts(power)| power));
            }
            BatteryMode::Discharge { power } => {
                powers[number] = reach.gives_w.min(power.map_or(f64::INFINITY, |Watts(power)| power));
            }
        }
        following.push((if gives { reach.gives_w } else { 0.0 }, if takes { reach.takes_w } else { 0.0 }));
    }
    follow(problem.slots[slot].net_w() - powers.iter().sum::<f64>(), &following, &mut powers);
    fit_inverter(problem, slot, &mut powers);
    powers
}

/// Shares out what is needed (negative: left over) among those that follow.
fn follow(needed_w: f64, following: &[(f64, f64)], powers: &mut [f64]) {
    let part = |able: &(f64, f64)| if needed_w > 0.0 { able.0 } else { able.1 };
    let whole: f64 = following.iter().map(part).sum();
    if whole <= 0.0 {
        return;
    }
    let used = (needed_w.abs() / whole).min(1.0) * needed_w.signum();
    for (power, able) in powers.iter_mut().zip(following) {
        *power += part(able) * used;
    }
}

/// What a battery can do in a slot within its band.
struct Reach {
    gives_w: f64,
    takes_w: f64,
    stored_wh: f64,
    /// W of charging for each Wh that is stored in the slot.
    w_per_wh: f64,
}

impl Reach {
    fn of(problem: &Problem, slot: usize, number: usize, stored_wh: f64) -> Self {
        let (battery, hours) = (&problem.batteries[number], problem.slots[slot].hours());
        let w_per_wh = 1.0 / (battery.eff_charge * hours);
        let stored_after_rest = stored_wh * battery.kept(hours);
        let room_w = (battery.ceiling_wh() - stored_after_rest).max(0.0) * w_per_wh;
        Self {
            gives_w: discharge_possible_w(battery, stored_wh, hours, battery.floor_wh(slot)),
            takes_w: charge_possible_w(battery, stored_wh, hours).min(room_w),
            stored_wh: stored_after_rest,
            w_per_wh,
        }
    }

    fn charge_w(&self, until_wh: f64) -> f64 {
        self.takes_w.min(((until_wh - self.stored_wh) * self.w_per_wh).max(0.0))
    }
}
