//! Strategies side by side.

use std::fmt;

use crate::figures::Replay;

/// One strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub replay: Replay,
}

/// Replays of the same past. The first is what the others are compared with; the best that is possible, where it is among
/// them, says of how much the others are a part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// The replays, the one without a battery first.
    pub rows: Vec<Row>,
    /// The place of the best that is possible.
    pub perfect: Option<usize>,
}

impl Comparison {
    /// What a row saves against the first one, EUR.
    pub fn saving_eur(&self, row: usize) -> Option<f64> {
        Some(self.rows.get(row)?.replay.saving_eur(&self.rows.first()?.replay))
    }

    /// What part of the possible saving a row reaches.
    pub fn share_of_perfect(&self, row: usize) -> Option<f64> {
        let possible = self.saving_eur(self.perfect?)?;
        (possible > 0.0).then(|| self.saving_eur(row).map(|saving| saving / possible))?
    }

    /// The row of a name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }
}

impl fmt::Display for Comparison {
    /// A table: the bill, the saving, what was discharged, the saving for each kWh of that, cycles, the part of what is possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(8);
        writeln!(
            f,
            "{:width$} {:>9} {:>9} {:>11} {:>8} {:>7} {:>8}",
            "strategy", "bill EUR", "saves EUR", "discharged", "EUR/kWh", "cycles", "possible"
        )?;
        for (place, row) in self.rows.iter().enumerate() {
            let saving = self.saving_eur(place).unwrap_or(0.0);
            let discharged = row.replay.whole.discharged_kwh;
            let each = if discharged > 0.0 { format!("{:.3}", saving / discharged) } else { "-".to_owned() };
            let share =
                self.share_of_perfect(place).map_or("-".to_owned(), |it| format!("{:.1} %", it * 100.0));
            writeln!(
                f,
                "{:width$} {:>9.2} {:>9.2} {:>7.0} kWh {:>8} {:>7.1} {:>8}",
                row.name,
                row.replay.cost_eur(),
                saving,
                discharged,
                each,
                row.replay.whole.cycles,
                share
            )?;
        }
        Ok(())
    }
}
