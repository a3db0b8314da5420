//! A GX and its Multis at the house's connection: stepped elsewhere, once a second; the house sees them as one more load.

use super::House;
use crate::venus::ess::{Around, Flows, Mains};

/// Rated voltage and frequency.
const RATED_V: f64 = 230.0;
const RATED_HZ: f64 = 50.0;
/// No two phases are alike, V.
const OFFSET_V: [f64; 3] = [0.6, -0.9, 0.3];

impl House {
    /// What a GX sees of the house: mains, everything between meter and Multi, and what the roof could give. Batteries
    /// and inverters of other makes are among the loads.
    pub fn around_guest(&self) -> Around {
        let phases = self.phases();
        let roof_w: [f64; 3] =
            std::array::from_fn(|phase| if phase < phases { self.roof_w / phases as f64 } else { 0.0 });
        let mains = self.supply().map(|(level, pace)| Mains {
            voltage_v: OFFSET_V.map(|offset_v| RATED_V * level + offset_v),
            frequency_hz: RATED_HZ * pace,
        });
        Around {
            mains,
            load_in_w: std::array::from_fn(|phase| self.grid_w[phase] - self.guest_w[phase] + roof_w[phase]),
            load_out_w: [0.0; 3],
            pv_ac_w: roof_w,
            pv_dc_w: 0.0,
        }
    }

    /// Takes over what a GX's Multis draw now, and what its PV inverter holds back.
    pub fn set_guest(&mut self, flows: &Flows) {
        let phases = self.phases();
        let mut guest_w = [0.0; 3];
        for phase in 0..3 {
            guest_w[phase.min(phases - 1)] += flows.ac_in_w[phase];
        }
        for watts in guest_w.iter_mut().take(phases) {
            *watts += flows.curtailed_w / phases as f64;
        }
        if self.grid_on {
            for (phase, watts) in guest_w.iter().enumerate() {
                let change = watts - self.guest_w[phase];
                self.load_w[phase] += change;
                self.grid_w[phase] += change;
            }
        }
        self.guest_w = guest_w;
    }

    /// They are load of their phases.
    pub(super) fn feed_guest(&mut self) {
        if self.grid_on {
            for phase in 0..3 {
                self.load_w[phase] += self.guest_w[phase];
            }
        }
    }
}
