//! Energies since the start.

use super::Flows;

/// kWh since the start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// Through the meter inwards, L1 to L3.
    pub imported: [f64; 3],
    /// Through the meter outwards.
    pub exported: [f64; 3],
    /// From the PV inverter.
    pub pv_ac: [f64; 3],
    /// From the MPPT.
    pub mppt: f64,
    /// Through the Multi to AC-out from AC-in.
    pub in_to_out: f64,
    /// From AC-in into the battery.
    pub in_to_inverter: f64,
    /// From the battery to AC-out.
    pub inverter_to_out: f64,
    /// From the battery to AC-in.
    pub inverter_to_in: f64,
    /// From AC-out to AC-in: PV behind the Multi.
    pub out_to_in: f64,
    /// From AC-out into the battery.
    pub out_to_inverter: f64,
}

impl Totals {
    pub(super) fn add(&mut self, dt_s: f64, flows: &Flows) {
        let hours = dt_s / 3_600_000.0;
        for phase in 0..3 {
            self.imported[phase] += flows.grid_w[phase].max(0.0) * hours;
            self.exported[phase] += (-flows.grid_w[phase]).max(0.0) * hours;
            self.pv_ac[phase] += flows.pv_ac_w[phase] * hours;
            self.through(phase, hours, flows);
        }
        self.mppt += flows.mppt_w * hours;
    }

    /// What comes from one of the three sides of a Multi goes to the other two.
    fn through(&mut self, phase: usize, hours: f64, flows: &Flows) {
        let (input, inverter) = (flows.ac_in_w[phase], flows.inverter_w[phase]);
        // Into the node between relay, AC-out and power stage.
        let output = inverter - input;
        let sources = [input.max(0.0), output.max(0.0), (-inverter).max(0.0)];
        let sinks = [(-input).max(0.0), (-output).max(0.0), inverter.max(0.0)];
        let total: f64 = sources.iter().sum();
        if total <= 0.0 {
            return;
        }
        let flow = |from: usize, to: usize| sources[from] * sinks[to] / total * hours;
        self.in_to_out += flow(0, 1);
        self.in_to_inverter += flow(0, 2);
        self.out_to_in += flow(1, 0);
        self.out_to_inverter += flow(1, 2);
        self.inverter_to_in += flow(2, 0);
        self.inverter_to_out += flow(2, 1);
    }
}
