//! What one slot of a plan says about the worth of stored energy.

use super::TOLERANCE;
use crate::problem::Problem;
use crate::simulate::{Outcome, TOLERANCE_W, charge_allowed_w, slot_cost_eur};

/// The worth is between these, EUR/kWh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bounds {
    pub(super) const ANY: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    pub(super) const NEVER: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    pub(super) fn is_never(self) -> bool {
        self.low > self.high
    }

    /// What both allow. What they miss each other by within the tolerance is split.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high {
            return Some(Self { low, high });
        }
        let middle = f64::midpoint(low, high);
        (low - high <= TOLERANCE).then_some(Self { low: middle, high: middle })
    }

    /// The value nearest to `wanted`; without a wish the middle, or the end that there is. `None` if nothing bounds it.
    pub(super) fn nearest(self, wanted: Option<f64>) -> Option<f64> {
        match (self.low.is_finite(), self.high.is_finite(), wanted) {
            (false, false, wanted) => wanted,
            (_, _, Some(wanted)) => Some(wanted.clamp(self.low, self.high)),
            (true, true, None) => Some(f64::midpoint(self.low, self.high)),
            (true, false, None) => Some(self.low),
            (false, true, None) => Some(self.high),
        }
    }
}

/// What a further kWh brings and costs at the AC side in a slot of a plan, EUR.
#[derive(Debug, Clone, Copy)]
struct Margin {
    /// What the house or the grid pays for a kWh more.
    gives: f64,
    /// What a kWh more costs.
    takes: f64,
}

/// The step by which margins are measured, W.
const STEP_W: f64 = 1.0;

/// The margin at what the bank does in a slot.
fn margin(problem: &Problem, plan: &Outcome, slot: usize) -> Margin {
    let bank = plan.slots[slot].bank_w();
    let kwh = STEP_W * problem.slots[slot].hours() / 1000.0;
    let [less, same, more] = [-STEP_W, 0.0, STEP_W].map(|step| slot_cost_eur(problem, slot, bank + step));
    Margin { gives: (same - more) / kwh, takes: (less - same) / kwh }
}

/// What a battery's power in a slot says: it would change it if that paid.
pub(super) fn of_slot(problem: &Problem, plan: &Outcome, slot: usize, number: usize) -> Bounds {
    if problem.pinned(slot, number).is_some() {
        // What was asked by hand does not ask what it is worth.
        return Bounds::ANY;
    }
    let battery = &problem.batteries[number];
    let hours = problem.slots[slot].hours();
    let before_wh = slot.checked_sub(1).map_or(battery.now_wh, |before| plan.slots[before].soc_wh[number]);
    let power_w = plan.slots[slot].battery_w[number];
    let margin = margin(problem, plan, slot);
    let through_w = problem.inverter_max_w.unwrap_or(f64::INFINITY);
    let carried_w = plan.slots[slot].bank_w() + plan.slots[slot].pv_w;
    // That a battery is full or empty at the slot's end is what the joints of the slots are about, not the slot.
    let can_give = power_w < battery.discharge_limit_w() - TOLERANCE_W && carried_w < through_w - TOLERANCE_W;
    let takes_most_w = charge_allowed_w(battery, before_wh, hours);
    let sun_only = !battery.may_charge_from_grid && -power_w >= -problem.slots[slot].net_w() - TOLERANCE_W;
    let can_take = -power_w < takes_most_w - TOLERANCE_W && carried_w > -through_w + TOLERANCE_W && !sun_only;
    let given = |paid: f64| battery.eff_discharge * (paid - battery.wear_eur_kwh);
    let taken = |cost: f64| cost / battery.eff_charge;
    let mut bounds = Bounds::ANY;
    if power_w > TOLERANCE_W {
        bounds.high = given(margin.takes);
        bounds.low = if can_give { given(margin.gives) } else { f64::NEG_INFINITY };
    } else if power_w < -TOLERANCE_W {
        bounds.low = taken(margin.gives);
        bounds.high = if can_take { taken(margin.takes) } else { f64::INFINITY };
    } else {
        bounds.low = if can_give { given(margin.gives) } else { f64::NEG_INFINITY };
        bounds.high = if can_take { taken(margin.takes) } else { f64::INFINITY };
    }
    // At odd prices the margins may cross: then a small step tells nothing.
    if bounds.low > bounds.high && problem.is_odd(slot) { Bounds::ANY } else { bounds }
}

/// What the end says.
pub(super) fn of_end(problem: &Problem, plan: &Outcome, number: usize) -> Bounds {
    let battery = &problem.batteries[number];
    if battery.final_wh.is_some() {
        return Bounds::ANY;
    }
    if let Some(price) = battery.end_price {
        return Bounds { low: price, high: price };
    }
    let Some(last) = plan.slots.last() else { return Bounds::ANY };
    let counted = (0..problem.batteries.len()).filter(|other| problem.counts_to_bank(*other));
    let (high, low) = problem.end_worth.around_eur_kwh(counted.map(|other| last.soc_wh[other]).sum());
    Bounds { low, high }
}
