//! What came of a walk through the slots, and which rules it broke.

use std::fmt;

use ohmstead_model::TimeSpan;

use super::sun;
use crate::problem::Problem;

/// Less than this breaks no rule, W: above the rounding of a solver, and so little that no plan gains by it.
const BROKEN_W: f64 = 0.05;
/// The same for energies, Wh.
const BROKEN_WH: f64 = 0.05;

/// What happens in a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotOutcome {
    /// When.
    pub span: TimeSpan,
    /// Power out of the grid, W; negative into it.
    pub grid_w: f64,
    /// The sun's power that is used, W.
    pub pv_w: f64,
    /// AC power of each battery, W, discharge positive.
    pub battery_w: Vec<f64>,
    /// What is in each battery at the end, Wh.
    pub soc_wh: Vec<f64>,
    /// What the grid's energy costs, EUR; negative is earned.
    pub cost_eur: f64,
    /// Wear of the batteries, EUR.
    pub wear_eur: f64,
}

impl SlotOutcome {
    /// What all batteries give together, W.
    pub fn bank_w(&self) -> f64 {
        self.battery_w.iter().sum()
    }
}

/// A rule that is broken, or a wish that is impossible. Slots and batteries by their places from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Violation {
    /// A battery cannot do what was asked.
    Clipped {
        /// The slot.
        slot: usize,
        /// The battery.
        battery: usize,
        /// What was asked, W.
        asked_w: f64,
        /// What it does, W.
        power_w: f64,
    },
    /// More comes out of the grid than may.
    ImportLimit {
        /// The slot.
        slot: usize,
        /// By how much, W.
        excess_w: f64,
    },
    /// More goes into the grid than may.
    ExportLimit {
        /// The slot.
        slot: usize,
        /// By how much, W.
        excess_w: f64,
    },
    /// Energy of the batteries goes into the grid, which is forbidden.
    BatteryExport {
        /// The slot.
        slot: usize,
        /// How much, W.
        excess_w: f64,
    },
    /// Batteries that must not be charged from the grid take more than the sun leaves over.
    GridCharge {
        /// The slot.
        slot: usize,
        /// By how much, W.
        excess_w: f64,
    },
    /// One battery charges another where energy is to be got rid of.
    Opposed {
        /// The slot.
        slot: usize,
        /// How much, W.
        power_w: f64,
    },
    /// Less is in a battery than its band or its reserve wants.
    BelowFloor {
        /// The slot.
        slot: usize,
        /// The battery.
        battery: usize,
        /// How much is missing, Wh.
        missing_wh: f64,
    },
    /// More is in a battery than its band wants.
    AboveCeiling {
        /// The slot.
        slot: usize,
        /// The battery.
        battery: usize,
        /// By how much, Wh.
        excess_wh: f64,
    },
    /// The end misses the energy that was wanted for it.
    FinalMissed {
        /// The battery.
        battery: usize,
        /// By how much, Wh, either way.
        off_wh: f64,
    },
}

/// What came of a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Slot by slot.
    pub slots: Vec<SlotOutcome>,
    /// What is broken, in the order of time.
    pub violations: Vec<Violation>,
    /// What the grid's energy costs, EUR; negative is earned.
    pub energy_eur: f64,
    /// Wear of the batteries, EUR.
    pub wear_eur: f64,
    /// What is stored at the end is worth, EUR.
    pub end_worth_eur: f64,
    /// What broken rules count, EUR: nobody pays it, but it makes a plan that keeps them the better one.
    pub penalty_eur: f64,
}

impl Outcome {
    pub(super) fn of(problem: &Problem, slots: Vec<SlotOutcome>, mut violations: Vec<Violation>) -> Self {
        let last =
            |number: usize| slots.last().map_or(problem.batteries[number].now_wh, |slot| slot.soc_wh[number]);
        let mut bank_wh = 0.0;
        let mut end_worth_eur = 0.0;
        for (number, battery) in problem.batteries.iter().enumerate() {
            let stored_wh = last(number);
            if let Some(wanted) = battery.final_wh.filter(|_| !slots.is_empty()) {
                let off_wh = (stored_wh - wanted).abs();
                violations.extend(
                    (off_wh > BROKEN_WH).then_some(Violation::FinalMissed { battery: number, off_wh }),
                );
            } else if let Some(price) = battery.end_price {
                end_worth_eur += stored_wh / 1000.0 * price;
            } else {
                bank_wh += stored_wh;
            }
        }
        let rate = problem.penalty_eur_kwh();
        Self {
            energy_eur: slots.iter().map(|slot| slot.cost_eur).sum(),
            wear_eur: slots.iter().map(|slot| slot.wear_eur).sum(),
            end_worth_eur: end_worth_eur + problem.end_worth.of_wh(bank_wh),
            penalty_eur: violations.iter().map(|it| it.weight_kwh(problem) * rate).sum(),
            slots,
            violations,
        }
    }

    /// What plans are compared by, EUR: energy, wear and broken rules, less what is left at the end.
    pub fn score_eur(&self) -> f64 {
        self.energy_eur + self.wear_eur + self.penalty_eur - self.end_worth_eur
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clipped { slot, battery, asked_w, power_w } => {
                write!(f, "slot {slot}: battery {battery} does {power_w:.0} W instead of {asked_w:.0} W")
            }
            Self::ImportLimit { slot, excess_w } => {
                write!(f, "slot {slot}: {excess_w:.0} W more come out of the grid than may")
            }
            Self::ExportLimit { slot, excess_w } => {
                write!(f, "slot {slot}: {excess_w:.0} W more go into the grid than may")
            }
            Self::BatteryExport { slot, excess_w } => {
                write!(f, "slot {slot}: {excess_w:.0} W of the batteries go into the grid")
            }
            Self::GridCharge { slot, excess_w } => {
                write!(f, "slot {slot}: {excess_w:.0} W more are charged than the sun leaves over")
            }
            Self::Opposed { slot, power_w } => {
                write!(f, "slot {slot}: {power_w:.0} W go from one battery into another")
            }
            Self::BelowFloor { slot, battery, missing_wh } => {
                write!(f, "slot {slot}: battery {battery} has {missing_wh:.0} Wh less than it should")
            }
            Self::AboveCeiling { slot, battery, excess_wh } => {
                write!(f, "slot {slot}: battery {battery} has {excess_wh:.0} Wh more than it should")
            }
            Self::FinalMissed { battery, off_wh } => {
                write!(f, "battery {battery} ends {off_wh:.0} Wh off")
            }
        }
    }
}

impl Violation {
    /// How much it counts in comparisons, kWh: energy that is moved against a rule; energy that is missing, once for each hour.
    fn weight_kwh(&self, problem: &Problem) -> f64 {
        let hours = |slot: usize| problem.slots[slot].hours() / 1000.0;
        match *self {
            Self::Clipped { .. } => 0.0,
            Self::ImportLimit { slot, excess_w }
            | Self::ExportLimit { slot, excess_w }
            | Self::BatteryExport { slot, excess_w }
            | Self::GridCharge { slot, excess_w }
            | Self::Opposed { slot, power_w: excess_w } => excess_w * hours(slot),
            Self::BelowFloor { slot, missing_wh: wh, .. }
            | Self::AboveCeiling { slot, excess_wh: wh, .. } => wh * hours(slot),
            Self::FinalMissed { off_wh, .. } => off_wh / 1000.0,
        }
    }
}

/// Writes down what a slot breaks.
pub(super) fn judge(problem: &Problem, slot: usize, outcome: &SlotOutcome, found: &mut Vec<Violation>) {
    let held = &problem.slots[slot];
    let (grid_w, bank_w) = (outcome.grid_w, outcome.bank_w());
    let excess_w = grid_w - problem.import_max_w;
    found.extend((excess_w > BROKEN_W).then_some(Violation::ImportLimit { slot, excess_w }));
    let excess_w = -grid_w - problem.export_max_w;
    found.extend((excess_w > BROKEN_W).then_some(Violation::ExportLimit { slot, excess_w }));
    let excess_w = sun::battery_export_w(problem, held, grid_w, outcome.pv_w, bank_w);
    found.extend((excess_w > BROKEN_W).then_some(Violation::BatteryExport { slot, excess_w }));
    let excess_w = sun_only_charge_w(problem, outcome) - (-held.net_w()).max(0.0);
    found.extend((excess_w > BROKEN_W).then_some(Violation::GridCharge { slot, excess_w }));
    if problem.is_odd(slot) {
        let given: f64 = outcome.battery_w.iter().map(|power| power.max(0.0)).sum();
        let power_w = given.min(given - bank_w);
        found.extend((power_w > BROKEN_W).then_some(Violation::Opposed { slot, power_w }));
    }
    for (number, battery) in problem.batteries.iter().enumerate() {
        let stored_wh = outcome.soc_wh[number];
        let missing_wh = battery.floor_wh(slot) - stored_wh;
        let excess_wh = stored_wh - battery.ceiling_wh();
        let (below, above) = (missing_wh > BROKEN_WH, excess_wh > BROKEN_WH);
        found.extend(below.then_some(Violation::BelowFloor { slot, battery: number, missing_wh }));
        found.extend(above.then_some(Violation::AboveCeiling { slot, battery: number, excess_wh }));
    }
}

/// What those batteries take that must only be charged by the sun, W.
fn sun_only_charge_w(problem: &Problem, outcome: &SlotOutcome) -> f64 {
    let batteries = problem.batteries.iter().zip(&outcome.battery_w);
    batteries.filter(|(battery, _)| !battery.may_charge_from_grid).map(|(_, power)| (-power).max(0.0)).sum()
}
