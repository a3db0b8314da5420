//! The variables and rows of the linear program, in kW, kWh and hundredths of a EUR.

use microlp::{ComparisonOp, OptimizationDirection, Problem as Lp, Variable};

use super::pinned::{Range, given_kw, taken_kw};
use super::{BankWay, GridWay, Ways};
use crate::problem::{Battery, Problem, Slot};

/// Objective units per EUR: prices are then well above the solver's tolerances.
const SCALE: f64 = 100.0;
/// A kWh that is missing of what was asked by hand costs this part of the penalty: more than any price, less than a broken rule.
const ASKED: f64 = 0.04;
/// The weight of what decides between plans of equal cost, EUR/kWh.
const TIE: f64 = 1e-6;

pub(super) struct Program {
    pub(super) lp: Lp,
    pub(super) slots: Vec<SlotVariables>,
}

pub(super) struct SlotVariables {
    pub(super) import: Variable,
    pub(super) export: Option<Variable>,
    pub(super) batteries: Vec<Flows>,
}

/// A battery's variables of a slot, where it can do anything at all.
#[derive(Clone, Copy)]
pub(super) struct Flows {
    pub(super) charge: Option<Variable>,
    pub(super) discharge: Option<Variable>,
}

pub(super) fn program(problem: &Problem, ways: &Ways) -> Program {
    let mut builder = Builder {
        problem,
        ways,
        lp: Lp::new(OptimizationDirection::Minimize),
        stored: vec![None; problem.batteries.len()],
        penalty: problem.penalty_eur_kwh() * SCALE,
    };
    let slots = (0..problem.slots.len()).map(|slot| builder.slot(slot)).collect();
    builder.end();
    Program { lp: builder.lp, slots }
}

struct Builder<'a> {
    problem: &'a Problem,
    ways: &'a Ways,
    lp: Lp,
    /// The stored energy of each battery at the end of the last slot that was built.
    stored: Vec<Option<Variable>>,
    penalty: f64,
}

impl Builder<'_> {
    fn slot(&mut self, index: usize) -> SlotVariables {
        let problem = self.problem;
        let slot = &problem.slots[index];
        let batteries: Vec<_> =
            (0..problem.batteries.len()).map(|number| self.battery(index, number)).collect();
        let mut row: Vec<(Variable, f64)> = Vec::with_capacity(4 + 2 * batteries.len());
        for flows in &batteries {
            row.extend(flows.discharge.map(|variable| (variable, 1.0)));
            row.extend(flows.charge.map(|variable| (variable, -1.0)));
        }
        let bank = row.clone();
        let (import, export) = (self.import(index, &mut row), self.export(index, &mut row));
        let curtailed = self.curtailed(slot, &mut row);
        if !row.is_empty() {
            self.lp.add_constraint(row, ComparisonOp::Eq, slot.net_w() / 1000.0);
        }
        if !problem.allow_battery_export && slot.net_w() < 0.0 && !bank.is_empty() {
            // While the sun gives more than the house needs, what batteries give would go into the grid.
            self.lp.add_constraint(bank.clone(), ComparisonOp::Le, given_kw(problem, index));
        }
        self.inverter(slot, bank, curtailed);
        self.sun_only(index, &batteries);
        SlotVariables { import, export, batteries }
    }

    fn import(&mut self, index: usize, row: &mut Vec<(Variable, f64)>) -> Variable {
        let (problem, slot) = (self.problem, &self.problem.slots[index]);
        let most =
            (problem.import_max_w / 1000.0).min(self.sum_kw(Battery::charge_limit_w) + slot.load_w / 1000.0);
        let through = problem.inverter_max_w.unwrap_or(f64::INFINITY);
        let excess = slot.load_w - slot.pv_w.min(through) - problem.import_max_w;
        if excess > 0.0 {
            // Only what the house needs may break the limit, never what a battery takes.
            row.push((self.lp.add_var(self.penalty * slot.hours(), (0.0, excess / 1000.0)), 1.0));
        }
        let wrong = self.wrong_way(index, GridWay::Export);
        let import = self.lp.add_var((slot.import_price * SCALE + wrong) * slot.hours(), (0.0, most));
        row.push((import, 1.0));
        import
    }

    fn export(&mut self, index: usize, row: &mut Vec<(Variable, f64)>) -> Option<Variable> {
        let (problem, slot) = (self.problem, &self.problem.slots[index]);
        let surplus = (-slot.net_w() / 1000.0).max(0.0);
        let most =
            (problem.export_max_w / 1000.0).min(self.sum_kw(Battery::discharge_limit_w) + slot.pv_w / 1000.0);
        if surplus > most && !problem.curtail {
            row.push((self.lp.add_var(self.penalty * slot.hours(), (0.0, surplus - most)), -1.0));
        }
        let most =
            if problem.allow_battery_export { most } else { most.min(surplus + given_kw(problem, index)) };
        if most <= 0.0 {
            return None;
        }
        let wrong = self.wrong_way(index, GridWay::Import);
        let export = self.lp.add_var((wrong - slot.export_price * SCALE) * slot.hours(), (0.0, most));
        row.push((export, -1.0));
        Some(export)
    }

    /// What going the other way than the grid's fixed one counts: not forbidden, because the house may leave no choice.
    fn wrong_way(&self, index: usize, way: GridWay) -> f64 {
        if self.ways.grid[index] == way { self.penalty } else { 0.0 }
    }

    /// What the bank can take or give, kW: bounds that no plan reaches keep the program small.
    fn sum_kw(&self, limit: fn(&Battery) -> f64) -> f64 {
        self.problem.batteries.iter().map(limit).sum::<f64>() / 1000.0
    }

    fn curtailed(&mut self, slot: &Slot, row: &mut Vec<(Variable, f64)>) -> Option<Variable> {
        let beyond = self.problem.inverter_max_w.map_or(0.0, |limit| (slot.pv_w - limit).max(0.0));
        let most = if self.problem.curtail { slot.pv_w } else { beyond };
        if most <= 0.0 {
            return None;
        }
        let curtailed = self.lp.add_var(TIE / 10.0 * slot.hours() * SCALE, (0.0, most / 1000.0));
        row.push((curtailed, -1.0));
        Some(curtailed)
    }

    /// What batteries and sun together carry through the inverter, either way. The sun goes first: batteries discharge through what
    /// it leaves, and what they take lets more of it through.
    fn inverter(&mut self, slot: &Slot, bank: Vec<(Variable, f64)>, curtailed: Option<Variable>) {
        let Some(limit) = self.problem.inverter_max_w else { return };
        let left = (limit - slot.pv_w).max(0.0);
        if !bank.is_empty() {
            self.lp.add_constraint(bank.clone(), ComparisonOp::Le, left / 1000.0);
        }
        let mut both = bank;
        both.extend(curtailed.map(|variable| (variable, -1.0)));
        if both.is_empty() {
            return;
        }
        if slot.pv_w > limit {
            self.lp.add_constraint(both.clone(), ComparisonOp::Le, (limit - slot.pv_w) / 1000.0);
        }
        self.lp.add_constraint(both, ComparisonOp::Ge, (-limit - slot.pv_w) / 1000.0);
    }

    /// Batteries that must not be charged from the grid share what the sun leaves over.
    fn sun_only(&mut self, index: usize, flows: &[Flows]) {
        let left = (-self.problem.slots[index].net_w()).max(0.0) / 1000.0;
        let batteries = self.problem.batteries.iter().zip(flows);
        let charges = batteries.filter(|(battery, _)| !battery.may_charge_from_grid);
        let row: Vec<_> = charges.filter_map(|(_, flows)| Some((flows.charge?, 1.0))).collect();
        if !row.is_empty() {
            self.lp.add_constraint(row, ComparisonOp::Le, left + taken_kw(self.problem, index));
        }
    }

    fn battery(&mut self, index: usize, number: usize) -> Flows {
        let battery = &self.problem.batteries[number];
        let slot = &self.problem.slots[index];
        let hours = slot.hours();
        if battery.charge_limit_w() <= 0.0 && battery.discharge_limit_w() <= 0.0 {
            return Flows { charge: None, discharge: None };
        }
        let range = Range::of(self.problem, index, number);
        let way = if range.is_pinned { BankWay::Free } else { self.ways.of_battery(index, number) };
        let (sooner, later) = self.ties(index, number);
        let takes = takes_any(battery, resting_wh(self.problem, battery, index));
        let charge = (range.charge > 0.0 && way != BankWay::Discharge && takes)
            .then(|| self.lp.add_var(sooner * hours * SCALE, (0.0, range.charge)));
        let discharge = (range.discharge > 0.0 && way != BankWay::Charge)
            .then(|| self.lp.add_var((battery.wear_eur_kwh + later) * hours * SCALE, (0.0, range.discharge)));
        self.want(range, charge.or(discharge), hours);
        let stored = self.stored_after(index, number);
        let kept = battery.kept(hours);
        let mut row = vec![(stored, 1.0)];
        row.extend(charge.map(|variable| (variable, -battery.eff_charge * hours)));
        row.extend(discharge.map(|variable| (variable, hours / battery.eff_discharge)));
        let start = match self.stored[number] {
            Some(before) => {
                row.push((before, -kept));
                0.0
            }
            None => battery.now_wh * kept / 1000.0,
        };
        self.lp.add_constraint(row, ComparisonOp::Eq, start);
        if let Some(charge) = charge {
            for (at_zero, fall) in battery.taper_lines() {
                let row = [(charge, 1.0), (stored, fall)];
                self.lp.add_constraint(row, ComparisonOp::Le, at_zero / 1000.0);
            }
        }
        self.stored[number] = Some(stored);
        Flows { charge, discharge }
    }

    /// What is missing of a power that was asked by hand costs something.
    fn want(&mut self, range: Range, power: Option<Variable>, hours: f64) {
        let Some(power) = power.filter(|_| range.is_wanted) else { return };
        let wanted = range.charge.max(range.discharge);
        let missing = self.lp.add_var(ASKED * self.penalty * hours, (0.0, wanted));
        self.lp.add_constraint([(power, 1.0), (missing, 1.0)], ComparisonOp::Ge, wanted);
    }

    /// What a kWh charged and a kWh discharged in a slot count among equals: charge where the sun leaves something over, and that as
    /// early as it does, for a forecast may be wrong; from the grid late; discharge early; do not move energy for nothing. It counts a
    /// little more with each further battery, so that one is used after the other and not now this one, now that one.
    fn ties(&self, index: usize, number: usize) -> (f64, f64) {
        let passed = index as f64 / self.problem.slots.len() as f64;
        let rank = 1.0 + 0.3 * number as f64;
        let has_sun = self.problem.slots[index].net_w() < 0.0;
        let charge = if has_sun { 1.0 + 0.4 * passed * rank } else { 2.0 - 0.4 * passed * rank };
        (TIE * charge, TIE * (0.5 + 0.4 * passed * rank))
    }

    /// The stored energy at a slot's end, within its band: hard where a battery at rest keeps it, soft where not.
    fn stored_after(&mut self, index: usize, number: usize) -> Variable {
        let battery = &self.problem.batteries[number];
        let slot = &self.problem.slots[index];
        let resting = resting_wh(self.problem, battery, index);
        let (floor, ceiling) = (battery.floor_wh(index), battery.ceiling_wh());
        let (below, above) = (resting < floor, resting > ceiling);
        let low = if below { 0.0 } else { floor / 1000.0 };
        let high = if above { battery.capacity_wh.max(resting) / 1000.0 } else { ceiling / 1000.0 };
        let stored = self.lp.add_var(0.0, (low, high.max(low)));
        let weight = self.penalty * slot.hours();
        if below {
            let missing = self.lp.add_var(weight, (0.0, f64::INFINITY));
            self.lp.add_constraint([(stored, 1.0), (missing, 1.0)], ComparisonOp::Ge, floor / 1000.0);
        }
        if above {
            let excess = self.lp.add_var(weight, (0.0, f64::INFINITY));
            self.lp.add_constraint([(stored, 1.0), (excess, -1.0)], ComparisonOp::Le, ceiling / 1000.0);
        }
        stored
    }

    /// What is wanted at the end, or what it is worth.
    fn end(&mut self) {
        let mut bank: Vec<(Variable, f64)> = Vec::new();
        for (number, battery) in self.problem.batteries.iter().enumerate() {
            let Some(stored) = self.stored[number] else { continue };
            if let Some(wanted) = battery.final_wh {
                let [missing, excess] = [(); 2].map(|()| self.lp.add_var(self.penalty, (0.0, f64::INFINITY)));
                let row = [(stored, 1.0), (missing, 1.0), (excess, -1.0)];
                self.lp.add_constraint(row, ComparisonOp::Eq, wanted / 1000.0);
            } else if let Some(price) = battery.end_price {
                let counted = self.lp.add_var(-price * SCALE, (0.0, f64::INFINITY));
                self.lp.add_constraint([(stored, 1.0), (counted, -1.0)], ComparisonOp::Eq, 0.0);
            } else {
                bank.push((stored, 1.0));
            }
        }
        if bank.is_empty() || self.problem.end_worth.pieces().is_empty() {
            return;
        }
        for piece in self.problem.end_worth.pieces() {
            bank.push((self.lp.add_var(-piece.eur_per_kwh * SCALE, (0.0, piece.wh / 1000.0)), -1.0));
        }
        bank.push((self.lp.add_var(0.0, (0.0, f64::INFINITY)), -1.0));
        self.lp.add_constraint(bank, ComparisonOp::Eq, -self.resting_end_kwh());
    }

    /// What batteries without variables bring to the bank's end, kWh.
    fn resting_end_kwh(&self) -> f64 {
        let numbers = 0..self.problem.batteries.len();
        let resting =
            numbers.filter(|number| self.stored[*number].is_none() && self.problem.counts_to_bank(*number));
        resting
            .map(|number| resting_wh(self.problem, &self.problem.batteries[number], usize::MAX) / 1000.0)
            .sum()
    }
}

/// Whether a battery takes anything with so much in it: more than its capacity, or a taper below nothing, leaves no solution to the
/// rows of charging.
fn takes_any(battery: &Battery, stored_wh: f64) -> bool {
    stored_wh <= battery.capacity_wh
        && battery.taper_lines().all(|(at_zero, fall)| at_zero >= fall * stored_wh)
}

/// What is in a battery at the end of a slot if it does nothing from now on, Wh.
fn resting_wh(problem: &Problem, battery: &Battery, slot: usize) -> f64 {
    if battery.idle_loss_per_h <= 0.0 {
        return battery.now_wh;
    }
    let hours = problem.slots.iter().take(slot.saturating_add(1)).map(Slot::hours).sum();
    battery.now_wh * battery.kept(hours)
}
