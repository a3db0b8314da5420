//! Which way energy goes in a slot, where that is decided before the linear program is solved.

use crate::problem::Problem;
use crate::simulate::TOLERANCE_W;

/// What the whole bank may do in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BankWay {
    Free,
    Charge,
    Discharge,
}

/// What the grid may do in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GridWay {
    Free,
    Import,
    Export,
}

/// The ways of all slots. Beyond the end of the lists everything is free.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ways {
    pub(crate) bank: Vec<BankWay>,
    pub(crate) grid: Vec<GridWay>,
    /// Batteries that have a way of their own in a slot: slot, battery, way.
    own: Vec<(usize, usize, BankWay)>,
}

impl Ways {
    /// Everything is free.
    pub(crate) fn free(problem: &Problem) -> Self {
        let slots = problem.slots.len();
        Self { bank: vec![BankWay::Free; slots], grid: vec![GridWay::Free; slots], own: Vec::new() }
    }

    /// The way of a battery in a slot.
    pub(crate) fn of_battery(&self, slot: usize, battery: usize) -> BankWay {
        let own = self.own.iter().find(|(at, number, _)| (*at, *number) == (slot, battery));
        own.map_or(self.bank[slot], |(_, _, way)| *way)
    }

    /// Fixes the way of one battery in one slot by what it gives, W.
    pub(crate) fn fix_battery(&mut self, slot: usize, battery: usize, power_w: f64) {
        self.own.push((slot, battery, way(power_w)));
    }

    /// Those of a path of the whole bank, W, discharge positive, fixed wherever a linear program could go both ways.
    pub(crate) fn of_powers(problem: &Problem, bank_w: &[f64]) -> Self {
        let mut ways = Self::free(problem);
        for (index, power_w) in bank_w.iter().enumerate().filter(|(index, _)| problem.is_odd(*index)) {
            ways.fix(problem, index, *power_w);
        }
        ways
    }

    /// All others that differ in one slot.
    pub(crate) fn turned(&self, slot: usize) -> Vec<Self> {
        let (bank, grid) = (self.bank[slot], self.grid[slot]);
        let grids: &[GridWay] =
            if grid == GridWay::Free { &[grid] } else { &[GridWay::Import, GridWay::Export] };
        let banks = [BankWay::Charge, BankWay::Discharge];
        let pairs = banks.into_iter().flat_map(|bank| grids.iter().map(move |grid| (bank, *grid)));
        let others = pairs.filter(|pair| *pair != (bank, grid));
        others
            .map(|(bank, grid)| {
                let mut ways = self.clone();
                (ways.bank[slot], ways.grid[slot]) = (bank, grid);
                ways
            })
            .collect()
    }

    /// Fixes the ways of one slot by what the bank gives in it, W.
    pub(crate) fn fix(&mut self, problem: &Problem, slot: usize, bank_w: f64) {
        self.bank[slot] = way(bank_w);
        let held = &problem.slots[slot];
        if held.export_price > held.import_price {
            let imports = held.net_w() > bank_w;
            self.grid[slot] = if imports { GridWay::Import } else { GridWay::Export };
        }
    }
}

fn way(power_w: f64) -> BankWay {
    if power_w > TOLERANCE_W { BankWay::Discharge } else { BankWay::Charge }
}
