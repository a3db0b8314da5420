//! Why a battery does what it does in a slot: a code with figures for programs, a sentence in five languages for people. A
//! reason is only given where the plan's own figures bear it out; else the plan says no more than that it is the plan.

mod sentence;

use ohmstead_model::UnixMillis;

use crate::problem::Problem;
use crate::simulate::Outcome;

/// A reason with its figures. Prices and worths in EUR/kWh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// It cannot be commanded, or stores nothing.
    Unavailable,
    /// It takes what the sun leaves over; what that would bring in the grid.
    SolarSurplus {
        /// The export price.
        price: f64,
    },
    /// It is charged from the grid: with its losses that is not dearer than what stored energy is worth.
    CheapImport {
        /// The import price.
        price: f64,
        /// What a stored kWh is worth.
        worth: f64,
    },
    /// It is charged because the grid pays for it.
    NegativePrice {
        /// The import price.
        price: f64,
    },
    /// It is charged because less is in it than is to be kept.
    Reserve {
        /// What is to be kept, Wh.
        floor_wh: f64,
    },
    /// It supplies the house: with its losses that saves no less than stored energy is worth.
    CoverLoad {
        /// The import price.
        price: f64,
        /// What a stored kWh is worth.
        worth: f64,
    },
    /// It supplies the house; what stored energy is worth is not known, or is more than that.
    SuppliesHouse {
        /// The import price.
        price: f64,
    },
    /// It feeds the grid: with its losses that brings no less than stored energy is worth.
    ExportPays {
        /// The export price.
        price: f64,
        /// What a stored kWh is worth.
        worth: f64,
    },
    /// It keeps what it has for a later slot in which it is worth more.
    HoldForLater {
        /// When it is discharged next.
        at: UnixMillis,
        /// The import price then.
        price: f64,
        /// The import price now.
        now: f64,
    },
    /// It keeps what it has because it is worth more at the end of the plan.
    HoldForEnd {
        /// What a stored kWh is worth.
        worth: f64,
        /// The import price now.
        now: f64,
    },
    /// It leaves the sun to the grid: the export brings no less than stored energy is worth.
    SellSun {
        /// The export price.
        price: f64,
        /// What a stored kWh is worth.
        worth: f64,
    },
    /// The sun is reduced, because nobody takes its power.
    Curtail {
        /// By how much, W.
        power_w: f64,
    },
    /// It is full.
    Full,
    /// Nothing is in it that may be used.
    Empty,
    /// Neither charging nor discharging pays.
    Rest,
    /// It is part of the plan; no single price tells why.
    Planned,
    /// Somebody has asked it for that by hand.
    ByHand,
}

/// Why each battery does what it does, for each slot and battery. `worths` is what stored energy is worth: [`worth`](crate::worth())
/// of this or of a better outcome of the same problem.
pub fn explain(problem: &Problem, outcome: &Outcome, worths: &[Vec<Option<f64>>]) -> Vec<Vec<Why>> {
    let worth_of = |slot: usize, number: usize| *worths.get(slot)?.get(number)?;
    let why =
        |slot, number| Looking { problem, plan: outcome, slot, number, worth: worth_of(slot, number) }.why();
    let batteries = 0..problem.batteries.len();
    (0..outcome.slots.len()).map(|slot| batteries.clone().map(|number| why(slot, number)).collect()).collect()
}

/// The reason of a slot as a whole: that of the battery which moves most, or that the sun is reduced.
pub fn main_reason(problem: &Problem, outcome: &Outcome, slot: usize, reasons: &[Why]) -> Why {
    let held = &outcome.slots[slot];
    let power_w = problem.slots[slot].pv_w - held.pv_w;
    let powers = held.battery_w.iter().zip(reasons);
    let most = powers.max_by(|left, right| left.0.abs().total_cmp(&right.0.abs()));
    match most {
        Some((moved_w, why)) if moved_w.abs() > MOVES_W || power_w <= MOVES_W => *why,
        _ if power_w > MOVES_W => Why::Curtail { power_w },
        _ => Why::Unavailable,
    }
}

/// Less is no movement, W.
const MOVES_W: f64 = 5.0;
/// By so much a reason may be off, EUR/kWh: less than any price is given in.
const TRUE_WITHIN: f64 = 1e-3;
/// Nearer than this to the end of its band a battery is full or empty, as a part of its capacity.
const AT_END: f64 = 0.002;

struct Looking<'a> {
    problem: &'a Problem,
    plan: &'a Outcome,
    slot: usize,
    number: usize,
    worth: Option<f64>,
}

impl Looking<'_> {
    fn why(&self) -> Why {
        let battery = &self.problem.batteries[self.number];
        let power_w = self.plan.slots[self.slot].battery_w[self.number];
        if self.problem.pinned(self.slot, self.number).is_some() {
            Why::ByHand
        } else if battery.charge_limit_w() + battery.discharge_limit_w() <= 0.0 {
            Why::Unavailable
        } else if power_w > MOVES_W {
            self.why_discharged()
        } else if power_w < -MOVES_W {
            self.why_charged()
        } else {
            self.why_at_rest()
        }
    }

    fn why_discharged(&self) -> Why {
        let (battery, slot) = (&self.problem.batteries[self.number], &self.problem.slots[self.slot]);
        let brings = |price: f64| (price - battery.wear_eur_kwh) * battery.eff_discharge + TRUE_WITHIN;
        let exports = self.plan.slots[self.slot].grid_w < -MOVES_W;
        match self.worth {
            Some(worth)
                if exports && self.problem.allow_battery_export && brings(slot.export_price) >= worth =>
            {
                Why::ExportPays { price: slot.export_price, worth }
            }
            Some(worth) if !exports && brings(slot.import_price) >= worth => {
                Why::CoverLoad { price: slot.import_price, worth }
            }
            _ if !exports => Why::SuppliesHouse { price: slot.import_price },
            _ => Why::Planned,
        }
    }

    fn why_charged(&self) -> Why {
        let (battery, slot) = (&self.problem.batteries[self.number], &self.problem.slots[self.slot]);
        let outcome = &self.plan.slots[self.slot];
        let from_grid = outcome.grid_w > MOVES_W;
        let floor_wh = battery.floor_wh(self.slot);
        if self.before_wh() < floor_wh - 1.0 {
            return Why::Reserve { floor_wh };
        }
        if !from_grid {
            return Why::SolarSurplus { price: slot.export_price };
        }
        if slot.import_price < 0.0 {
            return Why::NegativePrice { price: slot.import_price };
        }
        match self.worth {
            Some(worth) if slot.import_price / battery.eff_charge <= worth + TRUE_WITHIN => {
                Why::CheapImport { price: slot.import_price, worth }
            }
            _ => Why::Planned,
        }
    }

    fn why_at_rest(&self) -> Why {
        let (battery, slot) = (&self.problem.batteries[self.number], &self.problem.slots[self.slot]);
        let stored_wh = self.before_wh();
        let near_wh = AT_END * battery.capacity_wh;
        if stored_wh <= battery.floor_wh(self.slot) + near_wh {
            return if slot.net_w() < 0.0 { self.why_not_charged() } else { Why::Empty };
        }
        if slot.net_w() < -MOVES_W {
            return if stored_wh >= battery.ceiling_wh() - near_wh {
                Why::Full
            } else {
                self.why_not_charged()
            };
        }
        self.why_not_discharged()
    }

    /// Why the sun is left to the grid.
    fn why_not_charged(&self) -> Why {
        let battery = &self.problem.batteries[self.number];
        let price = self.problem.slots[self.slot].export_price;
        let exports = self.plan.slots[self.slot].grid_w < -MOVES_W;
        match self.worth {
            Some(worth) if exports && price / battery.eff_charge + TRUE_WITHIN >= worth => {
                Why::SellSun { price, worth }
            }
            _ => Why::Rest,
        }
    }

    fn why_not_discharged(&self) -> Why {
        let (battery, slot) = (&self.problem.batteries[self.number], &self.problem.slots[self.slot]);
        let now = slot.import_price;
        if slot.net_w() <= MOVES_W || battery.discharge_limit_w() <= 0.0 {
            return Why::Rest;
        }
        match (self.discharged_next(), self.worth) {
            (Some((at, price)), Some(_)) if price > now => Why::HoldForLater { at, price, now },
            (None, Some(worth))
                if (now - battery.wear_eur_kwh) * battery.eff_discharge <= worth + TRUE_WITHIN =>
            {
                Why::HoldForEnd { worth, now }
            }
            _ => Why::Rest,
        }
    }

    /// When it is discharged next, at the dearest moment before it is charged again, and the import price then.
    fn discharged_next(&self) -> Option<(UnixMillis, f64)> {
        let power_w = |slot: usize| self.plan.slots[slot].battery_w[self.number];
        let first = (self.slot + 1..self.plan.slots.len()).find(|slot| power_w(*slot) > MOVES_W)?;
        let run = (first..self.plan.slots.len()).take_while(|slot| power_w(*slot) > -MOVES_W);
        let dearest = run
            .filter(|slot| power_w(*slot) > MOVES_W)
            .max_by(|left, right| self.price(*left).total_cmp(&self.price(*right)).then(right.cmp(left)))?;
        Some((self.plan.slots[dearest].span.start, self.price(dearest)))
    }

    fn price(&self, slot: usize) -> f64 {
        self.problem.slots[slot].import_price
    }

    fn before_wh(&self) -> f64 {
        let before = self.slot.checked_sub(1).map(|before| self.plan.slots[before].soc_wh[self.number]);
        before.unwrap_or(self.problem.batteries[self.number].now_wh)
    }
}
