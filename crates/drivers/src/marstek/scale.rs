//! Which unit a raw number is in, judged by the data: firmware versions disagree about factors of ten, and so do the
//! people who wrote them down. A profile's guess holds only until the data contradicts it.

use std::time::Duration;

use ohmstead_model::Moment;
use serde::{Deserialize, Serialize};

/// What has been learned about one unit's raw numbers. Kept over restarts, forgotten with a new firmware.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Scales {
    /// Raw temperature to degrees Celsius, once the data left only one possibility.
    pub(crate) temperature: Option<f64>,
    /// Raw remaining energy to watt hours.
    pub(crate) capacity: Option<f64>,
    /// Raw energy counters to watt hours.
    pub(crate) counter: Option<f64>,
}

/// A battery pack outside of this does not work, or the unit is a different one.
const TEMPERATURES: std::ops::RangeInclusive<f64> = -20.0..=70.0;

impl Scales {
    /// Degrees Celsius from a raw temperature, or `None` if no unit makes sense of it.
    pub(crate) fn temperature(&mut self, raw: f64, guess: f64) -> Option<f64> {
        let first = self.temperature.unwrap_or(guess);
        let plausible = |scale: &f64| TEMPERATURES.contains(&(raw * scale));
        let scale = [first, 1.0, 0.1, 10.0].into_iter().find(plausible)?;
        if (scale - first).abs() > f64::EPSILON {
            self.temperature = Some(scale);
        }
        // `x * 0.1` has noise in the last place that `x / 10` has not.
        Some(if scale < 1.0 { raw / (1.0 / scale).round() } else { raw * scale })
    }

    /// Watt hours from the raw remaining energy: the factor with which it agrees best with state of charge times rated
    /// capacity. `None` where no factor comes near.
    pub(crate) fn remaining(&mut self, raw: f64, soc_pct: f64, rated_wh: f64) -> Option<f64> {
        let expected = soc_pct / 100.0 * rated_wh;
        let near = |scale: f64| (raw * scale - expected).abs() <= 0.25 * rated_wh;
        if soc_pct >= 10.0 && expected > 0.0 && raw > 0.0 {
            let distance = |scale: &f64| (raw * scale / expected).ln().abs();
            let best =
                [0.01, 0.1, 1.0, 10.0].into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
            if distance(&best) < 0.5 {
                self.capacity = Some(best);
            }
        }
        let scale = self.capacity?;
        near(scale).then_some(raw * scale)
    }
}

/// Infers the unit of an energy counter by comparing it with the measured power, integrated.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterProof {
    start: Option<(f64, f64)>,
}

/// Enough energy for a verdict: three ticks of the coarsest counter seen (100 Wh).
const PROOF_WH: f64 = 300.0;

impl CounterProof {
    /// Takes the raw counter and the integral of the power so far (Wh, same direction). Returns the counter's factor to
    /// watt hours once that is beyond doubt.
    pub(crate) fn observe(&mut self, raw: f64, integral_wh: f64) -> Option<f64> {
        let (raw_start, wh_start) = *self.start.get_or_insert((raw, integral_wh));
        let (ticks, energy) = (raw - raw_start, integral_wh - wh_start);
        if energy < PROOF_WH || ticks < 3.0 {
            return None;
        }
        let ratio = energy / ticks;
        let scale = [0.1, 1.0, 10.0, 100.0].into_iter().find(|scale| (ratio / scale).log10().abs() < 0.3);
        self.start = None;
        scale
    }

    /// Forgets the start: the integral has a hole.
    pub(crate) fn restart(&mut self) {
        self.start = None;
    }
}

/// The integral of a power over time, split by direction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Throughput {
    last: Option<(f64, Moment)>,
    /// Energy given to the house, Wh.
    pub(crate) out_wh: f64,
    /// Energy taken from the house, Wh.
    pub(crate) in_wh: f64,
}

/// Longer pauses between two readings are no longer bridged.
const BRIDGE: Duration = Duration::from_secs(300);

impl Throughput {
    /// Takes one reading of the AC power (discharge positive). Returns false where the pause was too long to bridge.
    pub(crate) fn observe(&mut self, power_w: f64, at: Moment) -> bool {
        let previous = self.last.replace((power_w, at));
        let Some((before_w, before)) = previous else { return false };
        let pause = at.since(before);
        if pause > BRIDGE {
            return false;
        }
        let energy = f64::midpoint(before_w, power_w) * pause.as_secs_f64() / 3600.0;
        if energy >= 0.0 {
            self.out_wh += energy;
        } else {
            self.in_wh -= energy;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ohmstead_model::UnixMillis;

    #[test]
    fn temperatures_of_every_firmware_come_out_plausible() {
        for (raw, guess, expected) in
            [(25.0, 1.0, 25.0), (314.0, 0.1, 31.4), (314.0, 1.0, 31.4), (2.0, 10.0, 20.0), (-5.0, 1.0, -5.0)]
        {
            assert_eq!(Scales::default().temperature(raw, guess), Some(expected), "{raw} with {guess}");
        }
        assert_eq!(Scales::default().temperature(9999.0, 1.0), None);
    }

    #[test]
    fn a_proven_temperature_unit_stays() {
        let mut scales = Scales::default();
        assert_eq!(scales.temperature(314.0, 1.0), Some(31.4));
        assert_eq!(scales.temperature(65.0, 1.0), Some(6.5));
    }

    #[test]
    fn remaining_energy_is_judged_by_the_state_of_charge() {
        for (raw, soc, rated, expected) in [
            (441.0, 86.0, 5120.0, Some(4410.0)),
            (2508.0, 98.0, 2560.0, Some(2508.0)),
            (563.0, 11.0, 5120.0, Some(563.0)),
            (250_800.0, 98.0, 2560.0, Some(2508.0)),
            (441.0, 5.0, 5120.0, None),
            (3.0, 90.0, 5120.0, None),
        ] {
            assert_eq!(Scales::default().remaining(raw, soc, rated), expected, "{raw} at {soc} % of {rated}");
        }
    }

    #[test]
    fn a_counter_is_proven_by_the_energy_that_flowed() {
        for scale in [0.1, 1.0, 10.0, 100.0] {
            let mut proof = CounterProof::default();
            let mut verdict = None;
            for step in 0..200 {
                let energy = f64::from(step) * 10.0;
                verdict = verdict.or(proof.observe((7000.0 + energy / scale).floor(), energy));
            }
            assert_eq!(verdict, Some(scale));
        }
    }

    #[test]
    fn throughput_does_not_bridge_long_pauses() {
        let at = |seconds| Moment { mono: Duration::from_secs(seconds), unix: UnixMillis(0) };
        let mut throughput = Throughput::default();
        assert!(!throughput.observe(1000.0, at(0)));
        assert!(throughput.observe(1000.0, at(180)));
        assert!(!throughput.observe(1000.0, at(7200)));
        assert!((throughput.out_wh - 50.0).abs() < 1e-9);
    }
}
