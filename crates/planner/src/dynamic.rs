//! The way of the bank where a linear program is no help: dynamic programming over the energy that is stored in all batteries
//! together.
//!
//! The value of stored energy is known at the points of a grid and linear between them, and beside a scale of powers the
//! exact actions are tried (rest, follow the house, all that is possible): without these two, the grid would cost several per
//! cent. What comes of it is a path; a linear program with the ways of that path then finds the powers of each battery.

mod bank;

use crate::linear::Ways;
use crate::problem::Problem;
use bank::Bank;

/// Points of the grid.
const POINTS: usize = 161;
/// Powers that are tried in either direction.
const POWERS: u32 = 12;

/// The ways of the best path.
pub(crate) fn ways(problem: &Problem) -> Option<Ways> {
    let bank = Bank::of(problem)?;
    let grid = Grid::of(&bank);
    let menus: Vec<_> = (0..problem.slots.len()).map(|slot| Menu::of(problem, &bank, slot)).collect();
    let mut values = vec![grid.points().map(|stored_wh| bank.end_eur(stored_wh)).collect::<Vec<_>>()];
    for (slot, menu) in menus.iter().enumerate().rev() {
        let after = values.last().expect("the end is there");
        let best =
            |stored_wh| menu.best(problem, &bank, slot, stored_wh, |wh| grid.value(after, wh)).cost_eur;
        values.push(grid.points().map(best).collect());
    }
    values.reverse();
    let mut stored_wh = bank.now_wh;
    let mut powers = Vec::with_capacity(menus.len());
    for (slot, menu) in menus.iter().enumerate() {
        let best = menu.best(problem, &bank, slot, stored_wh, |wh| grid.value(&values[slot + 1], wh));
        stored_wh = best.stored_wh;
        powers.push(best.power_w);
    }
    Some(Ways::of_powers(problem, &powers))
}

/// Evenly spaced amounts of stored energy, one of which is what is wanted at the end.
struct Grid {
    low_wh: f64,
    step_wh: f64,
}

impl Grid {
    fn of(bank: &Bank) -> Self {
        let (low_wh, high_wh) = bank.range_wh;
        let step_wh = ((high_wh - low_wh) / (POINTS - 2) as f64).max(1e-3);
        let Some(wanted_wh) = bank.final_wh.filter(|wanted| *wanted - low_wh > step_wh) else {
            return Self { low_wh, step_wh };
        };
        let whole = ((wanted_wh - low_wh) / step_wh).floor();
        Self { low_wh, step_wh: (wanted_wh - low_wh) / whole }
    }

    fn points(&self) -> impl Iterator<Item = f64> + '_ {
        (0..POINTS).map(|index| self.low_wh + self.step_wh * index as f64)
    }

    /// The value at any amount: linear between two points, and beyond the ends as beside them.
    fn value(&self, values: &[f64], stored_wh: f64) -> f64 {
        let place = ((stored_wh - self.low_wh) / self.step_wh).clamp(0.0, (POINTS - 1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
        let index = (place as usize).min(POINTS - 2);
        let part = place - index as f64;
        values[index] + (values[index + 1] - values[index]) * part
    }
}

/// What may be done in a slot, with what it costs while the battery can do it.
struct Menu {
    actions: Vec<(f64, f64)>,
}

struct Best {
    cost_eur: f64,
    power_w: f64,
    stored_wh: f64,
}

impl Menu {
    fn of(problem: &Problem, bank: &Bank, slot: usize) -> Self {
        let net = problem.slots[slot].net_w();
        let mut powers = vec![0.0, net, net - problem.import_max_w, net + problem.export_max_w];
        for part in 1..=POWERS {
            let part = f64::from(part) / f64::from(POWERS);
            powers.extend([bank.discharge_max_w * part, -bank.charge_max_w * part]);
        }
        let possible = |power: f64| power.clamp(-bank.charge_max_w, bank.discharge_max_w);
        let actions = powers.into_iter().filter(|power| power.is_finite()).map(possible);
        Self { actions: actions.map(|power| (power, bank.cost_eur(problem, slot, power))).collect() }
    }

    fn best(
        &self,
        problem: &Problem,
        bank: &Bank,
        slot: usize,
        stored_wh: f64,
        value: impl Fn(f64) -> f64,
    ) -> Best {
        let hours = problem.slots[slot].hours();
        let (least, most) = bank.possible_w(stored_wh, hours);
        let mut best = Best { cost_eur: f64::INFINITY, power_w: 0.0, stored_wh };
        let mut at_end = [false; 2];
        for (power, cost_eur) in &self.actions {
            let (mut power_w, mut cost_eur) = (*power, *cost_eur);
            if power_w < least || power_w > most {
                let end = &mut at_end[usize::from(power_w > most)];
                if std::mem::replace(end, true) {
                    continue;
                }
                power_w = power_w.clamp(least, most);
                cost_eur = bank.cost_eur(problem, slot, power_w);
            }
            let after_wh = bank.after_wh(stored_wh, power_w, hours);
            let cost_eur = cost_eur + bank.band_eur(slot, after_wh, hours) + value(after_wh);
            if cost_eur < best.cost_eur {
                best = Best { cost_eur, power_w, stored_wh: after_wh };
            }
        }
        best
    }
}
