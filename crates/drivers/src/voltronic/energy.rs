//! Energy counters, and the unit that they count in where the documents and the captures disagree.
//!
//! PI18's total is in kWh by the document, but a capture of 802946 on a unit of 5.6 kW can only be Wh. So: a counter that
//! no kWh can explain counts Wh; otherwise the integral of the solar power decides, once enough has flowed. Until then the
//! energy is unknown.

use std::time::Duration;

use ohmstead_model::Unknown;

/// What one count is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EnergyUnit {
    /// A watt-hour.
    WattHour,
    /// A kilowatt-hour.
    KilowattHour,
}

/// No unit of these has given so many kWh: 10 kW without a pause for twenty years.
const IMPOSSIBLE_KWH: f64 = 1_700_000.0;
/// A home's sun gives at most so many kWh in twenty years per kVA of the inverter.
const LIFE_KWH_PER_KVA: f64 = 40_000.0;
/// The integral decides after so much energy.
const ENOUGH_WH: f64 = 3_000.0;
/// Between two powers that are integrated, at least; more where the unit is asked more rarely.
const STEP_MAX: Duration = Duration::from_secs(60);
/// A total that falls by so many readings in a row was reset.
const RESET_AFTER: u32 = 3;

/// What is known about the counters of one unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Energy {
    /// What PI18's total counts, once that is known.
    pub(crate) unit: Option<EnergyUnit>,
    power: Option<(f64, Duration)>,
    integral_wh: f64,
    base: Option<(f64, f64)>,
    totals: std::collections::BTreeMap<&'static str, (f64, u32)>,
    /// What is more than this apart does not belong together.
    step_max: Duration,
}

impl Energy {
    /// Of a unit whose powers are told at most so far apart.
    pub(crate) fn new(step_max: Duration) -> Self {
        Self { step_max, ..Self::default() }
    }

    /// Takes in the solar power at a moment.
    pub(crate) fn power(&mut self, watts: f64, now: Duration) {
        if let Some((before, at)) = self.power.replace((watts, now)) {
            let span = now.saturating_sub(at);
            if span <= STEP_MAX.max(self.step_max) {
                self.integral_wh += f64::midpoint(before, watts) * span.as_secs_f64() / 3600.0;
            } else {
                // What flowed meanwhile is not known: the comparison starts anew.
                self.base = None;
            }
        }
    }

    /// kWh from a counter of Wh.
    pub(crate) fn watt_hours(&mut self, name: &'static str, count: f64) -> Result<f64, Unknown> {
        self.growing(name, count).map(|count| count / 1000.0)
    }

    /// kWh from a counter whose unit has to be found out.
    pub(crate) fn of_unknown_unit(
        &mut self,
        name: &'static str,
        count: f64,
        rated_va: Option<f64>,
    ) -> Result<f64, Unknown> {
        let count = self.growing(name, count)?;
        let most = rated_va.map_or(IMPOSSIBLE_KWH, |va| va / 1000.0 * LIFE_KWH_PER_KVA);
        if self.unit.is_none() && count > most {
            self.unit = Some(EnergyUnit::WattHour);
        }
        self.compare(count);
        match self.unit {
            Some(EnergyUnit::WattHour) => Ok(count / 1000.0),
            Some(EnergyUnit::KilowattHour) => Ok(count),
            None => Err(Unknown::implausible(format!(
                "{count} counts Wh or kWh; the energy that flows will tell"
            ))),
        }
    }

    fn compare(&mut self, count: f64) {
        let (base, integral) = *self.base.get_or_insert((count, self.integral_wh));
        let flowed_wh = self.integral_wh - integral;
        if self.unit.is_some() || flowed_wh < ENOUGH_WH {
            return;
        }
        let counted = count - base;
        if (0.5..=2.0).contains(&(counted / flowed_wh)) {
            self.unit = Some(EnergyUnit::WattHour);
        } else if (0.3..=3.0).contains(&(counted * 1000.0 / flowed_wh)) {
            self.unit = Some(EnergyUnit::KilowattHour);
        } else {
            self.base = None;
        }
    }

    /// A total only grows. A smaller one is a mistake, unless it stays.
    fn growing(&mut self, name: &'static str, count: f64) -> Result<f64, Unknown> {
        let (last, smaller) = self.totals.entry(name).or_insert((count, 0));
        if count >= *last {
            (*last, *smaller) = (count, 0);
            return Ok(count);
        }
        *smaller += 1;
        if *smaller >= RESET_AFTER {
            (*last, *smaller) = (count, 0);
            return Ok(count);
        }
        Err(Unknown::implausible(format!("{count} after {last}: a total does not fall")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve hours of 1 kW, the counter read every minute.
    fn day(counts_per_kwh: f64, start: f64) -> (Energy, Vec<Result<f64, Unknown>>) {
        let mut energy = Energy::default();
        let read = (0..720).map(|minute| {
            let now = Duration::from_secs(minute * 60);
            energy.power(1000.0, now);
            let kwh = minute as f64 / 60.0;
            energy.of_unknown_unit("total", (start + kwh * counts_per_kwh).floor(), Some(5600.0))
        });
        let read = read.collect();
        (energy, read)
    }

    #[test]
    fn the_energy_that_flows_tells_the_unit() {
        let (energy, read) = day(1000.0, 20_000.0);
        assert_eq!(energy.unit, Some(EnergyUnit::WattHour));
        assert!(read[10].is_err(), "unknown until proven");
        assert_eq!(read.last(), Some(&Ok(31.983)));
        let (energy, read) = day(1.0, 20_000.0);
        assert_eq!(energy.unit, Some(EnergyUnit::KilowattHour));
        assert_eq!(read.last(), Some(&Ok(20_011.0)));
    }

    #[test]
    fn what_no_kilowatt_hours_can_be_are_watt_hours() {
        let mut energy = Energy::default();
        assert_eq!(energy.of_unknown_unit("total", 802_946.0, Some(5600.0)), Ok(802.946));
        assert_eq!(energy.of_unknown_unit("total", 802_950.0, Some(5600.0)), Ok(802.95));
    }

    #[test]
    fn a_counter_that_disagrees_with_both_stays_unknown() {
        let (energy, read) = day(40.0, 0.0);
        assert_eq!(energy.unit, None);
        assert!(read.iter().all(Result::is_err));
    }

    #[test]
    fn a_total_does_not_fall_unless_it_was_reset() {
        let mut energy = Energy::default();
        assert_eq!(energy.watt_hours("x", 5000.0), Ok(5.0));
        assert!(energy.watt_hours("x", 40.0).is_err(), "perhaps noise");
        assert_eq!(energy.watt_hours("x", 5001.0), Ok(5.001));
        for _ in 0..2 {
            assert!(energy.watt_hours("x", 10.0).is_err());
        }
        assert_eq!(energy.watt_hours("x", 12.0), Ok(0.012), "it was reset");
    }
}
