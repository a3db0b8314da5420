//! What stored energy is worth at the end of a plan. Without it a plan would empty every battery, and with a fixed final
//! state of charge it would throw the sun's energy away to meet it.

use std::time::Duration;

use super::{Problem, Slot};

/// So much stored energy is worth so much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// How much, Wh.
    pub wh: f64,
    /// What each kWh of it is worth, EUR.
    pub eur_per_kwh: f64,
}

/// What the bank's stored energy is worth, piece by piece, the dearest first; what exceeds all pieces is worth nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndWorth(Vec<Worth>);

/// The time before the end that tells what the time after it may need.
const DAY: Duration = Duration::from_secs(24 * 3600);

impl EndWorth {
    /// Of pieces in any order: the dearest is used first, which makes the whole concave.
    pub fn of(pieces: impl IntoIterator<Item = Worth>) -> Self {
        let mut pieces: Vec<_> = pieces.into_iter().filter(|piece| piece.wh != 0.0).collect();
        pieces.sort_by(|left, right| right.eur_per_kwh.total_cmp(&left.eur_per_kwh));
        Self(pieces)
    }

    /// The pieces, the dearest first.
    pub fn pieces(&self) -> &[Worth] {
        &self.0
    }

    /// What so much stored energy is worth, EUR.
    pub fn of_wh(&self, stored_wh: f64) -> f64 {
        let mut left_wh = stored_wh.max(0.0);
        let mut worth = 0.0;
        for piece in &self.0 {
            let taken_wh = left_wh.min(piece.wh);
            worth += taken_wh / 1000.0 * piece.eur_per_kwh;
            left_wh -= taken_wh;
        }
        worth
    }

    /// What the last kWh below and the next above so much are worth, EUR: the first is not less than the second.
    pub fn around_eur_kwh(&self, stored_wh: f64) -> (f64, f64) {
        (self.at(stored_wh - 1.0), self.at(stored_wh + 1.0))
    }

    fn at(&self, stored_wh: f64) -> f64 {
        let mut reached_wh = 0.0;
        for piece in &self.0 {
            reached_wh += piece.wh;
            if stored_wh < reached_wh {
                return piece.eur_per_kwh;
            }
        }
        0.0
    }

    /// What the last day of the time ahead suggests.
    ///
    /// Energy up to what the house took beyond the sun on that day stands for energy that would have to be charged: it is
    /// worth the cheap price (the mean of the cheapest quarter of the hours) over the charge efficiency, but not more
    /// than it saves at the mean price. What is beyond that is worth what an export brings, if batteries may export, and else
    /// next to nothing, so that a full battery is still better than wasted sun.
    pub fn suggested(problem: &Problem) -> Self {
        let Some(end) = problem.slots.last().map(|slot| slot.span.end) else {
            return Self::default();
        };
        let from = end.minus(DAY);
        let day: Vec<_> = problem.slots.iter().filter(|slot| slot.span.end > from).collect();
        let capacity_wh: f64 = problem.batteries.iter().map(|battery| battery.capacity_wh).sum();
        if capacity_wh <= 0.0 {
            return Self::default();
        }
        let mean_of = |efficiency: fn(&super::Battery) -> f64| {
            problem.batteries.iter().map(|battery| efficiency(battery) * battery.capacity_wh).sum::<f64>()
                / capacity_wh
        };
        let (charge, discharge) =
            (mean_of(|battery| battery.eff_charge), mean_of(|battery| battery.eff_discharge));
        let hours = total(&day, |_| 1.0);
        let needed_wh =
            total(&day, |slot| slot.net_w().max(0.0)) / discharge * (24.0 / hours.max(1.0)).min(4.0);
        let mean = total(&day, |slot| slot.import_price) / hours;
        let feed_in = total(&day, |slot| slot.export_price) / hours;
        let exported = if problem.allow_battery_export { (feed_in * discharge).max(0.0) } else { 0.0 };
        let replaces = (cheapest_quarter(&day) / charge).min(mean * discharge).max(exported).max(0.0);
        let beyond = exported.max(replaces / 1000.0);
        Self::of([
            Worth { wh: needed_wh, eur_per_kwh: replaces },
            Worth { wh: capacity_wh, eur_per_kwh: beyond },
        ])
    }
}

/// The sum over the hours.
fn total(slots: &[&Slot], rate: impl Fn(&Slot) -> f64) -> f64 {
    slots.iter().map(|slot| rate(slot) * slot.hours()).sum()
}

/// The mean price of the cheapest quarter of the hours.
fn cheapest_quarter(slots: &[&Slot]) -> f64 {
    let mut prices: Vec<_> = slots.iter().map(|slot| (slot.import_price, slot.hours())).collect();
    prices.sort_by(|left, right| left.0.total_cmp(&right.0));
    let wanted = total(slots, |_| 1.0) / 4.0;
    let (mut left, mut cost) = (wanted, 0.0);
    for (price, hours) in prices {
        let taken = hours.min(left);
        cost += price * taken;
        left -= taken;
    }
    cost / wanted
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{TimeSpan, UnixMillis};

    use super::*;
    use crate::Battery;

    #[test]
    fn the_dearest_energy_is_used_first() {
        let worth =
            EndWorth::of([Worth { wh: 2000.0, eur_per_kwh: 0.1 }, Worth { wh: 1000.0, eur_per_kwh: 0.3 }]);
        let at = [-5.0, 0.0, 500.0, 1000.0, 2000.0, 3000.0, 9000.0].map(|wh| worth.of_wh(wh));
        for (found, expected) in at.into_iter().zip([0.0, 0.0, 0.15, 0.3, 0.4, 0.5, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        }
        assert_eq!(worth.around_eur_kwh(1000.0), (0.3, 0.1));
        assert_eq!(worth.around_eur_kwh(3000.0), (0.1, 0.0));
    }

    #[test]
    fn the_last_day_says_what_the_next_night_needs() {
        let hour = Duration::from_secs(3600);
        let slot = |index: u32| Slot {
            span: TimeSpan::lasting(UnixMillis(0).plus(hour * index), hour),
            load_w: 500.0,
            pv_w: if index % 24 < 12 { 900.0 } else { 0.0 },
            import_price: if index % 24 < 6 { 0.1 } else { 0.3 },
            export_price: 0.05,
        };
        let battery = Battery { capacity_wh: 10_000.0, eff_charge: 0.8, ..Battery::default() };
        let mut problem =
            Problem { slots: (0..48).map(slot).collect(), batteries: vec![battery], ..Problem::default() };
        let pieces = EndWorth::suggested(&problem);
        assert!(
            (pieces.pieces()[0].wh - 6000.0).abs() < 1e-6
                && (pieces.pieces()[0].eur_per_kwh - 0.125).abs() < 1e-9
        );
        assert!(pieces.pieces()[1].eur_per_kwh < 0.001);
        problem.allow_battery_export = true;
        assert!((EndWorth::suggested(&problem).pieces()[1].eur_per_kwh - 0.05).abs() < 1e-12);
        // Where the price is the same all day, storing saves what the losses leave, not what charging costs.
        problem.slots.iter_mut().for_each(|slot| slot.import_price = 0.2);
        assert!((EndWorth::suggested(&problem).pieces()[0].eur_per_kwh - 0.2).abs() < 1e-12);
        problem.batteries.clear();
        assert_eq!(EndWorth::suggested(&problem), EndWorth::default());
    }
}
