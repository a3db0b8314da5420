//! The battery: fifteen LFP cells in series, 296 Ah, with its management's limits.

/// Cells in series.
pub(crate) const CELLS: f64 = 15.0;
const CAPACITY_AH: f64 = 296.0;
const RESISTANCE_OHM: f64 = 0.008;
/// Half the capacity in an hour, both ways.
const CURRENT_MAX_A: f64 = 148.0;
/// Open-circuit voltage over state of charge.
const VOLTAGES: [(f64, f64); 8] = [
    (0.0, 45.0),
    (5.0, 48.0),
    (10.0, 48.9),
    (20.0, 49.4),
    (50.0, 49.9),
    (80.0, 50.3),
    (95.0, 50.7),
    (100.0, 52.1),
];

/// A battery and its management.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// State of charge, %.
    pub soc_pct: f64,
    /// At the terminals, V.
    pub voltage_v: f64,
    /// Charging +, A.
    pub current_a: f64,
    /// Of the cells, degrees C.
    pub temperature_c: f64,
    /// Batteries in parallel.
    pub units: f64,
}

impl Pack {
    /// At rest.
    pub fn new(soc_pct: f64) -> Self {
        let soc_pct = if soc_pct.is_finite() { soc_pct.clamp(0.0, 100.0) } else { 50.0 };
        Self { soc_pct, voltage_v: open_circuit_v(soc_pct), current_a: 0.0, temperature_c: 22.0, units: 1.0 }
    }

    /// Energy of full cells, Wh.
    pub fn capacity_wh(&self) -> f64 {
        self.capacity_ah() * open_circuit_v(50.0)
    }

    /// What the management lets in, A: less and less above 95 %, nothing when full.
    pub fn charge_limit_a(&self) -> f64 {
        ((100.0 - self.soc_pct) / 5.0).clamp(0.0, 1.0) * CURRENT_MAX_A * self.units
    }

    /// What the management lets out, A: less and less below 5 %.
    pub fn discharge_limit_a(&self) -> f64 {
        (self.soc_pct / 5.0).clamp(0.0, 1.0) * CURRENT_MAX_A * self.units
    }

    /// The same as power, W, under a further limit of the current.
    pub fn charge_limit_w(&self, further_a: Option<f64>) -> f64 {
        let current_a = self.charge_limit_a().min(further_a.unwrap_or(f64::INFINITY)).max(0.0);
        current_a * (open_circuit_v(self.soc_pct) + current_a * self.resistance_ohm())
    }

    /// The same as power, W, under a further limit of the current.
    pub fn discharge_limit_w(&self, further_a: Option<f64>) -> f64 {
        let current_a = self.discharge_limit_a().min(further_a.unwrap_or(f64::INFINITY)).max(0.0);
        current_a * (open_circuit_v(self.soc_pct) - current_a * self.resistance_ohm())
    }

    /// Takes a power at its terminals, charging +, W.
    pub fn step(&mut self, dt_s: f64, power_w: f64) {
        let open_v = open_circuit_v(self.soc_pct);
        // P = (open + I R) I, of which the root near zero.
        let under_root = (open_v * open_v + 4.0 * self.resistance_ohm() * power_w).max(0.0);
        self.current_a = (under_root.sqrt() - open_v) / (2.0 * self.resistance_ohm());
        self.voltage_v = open_v + self.current_a * self.resistance_ohm();
        let charge_ah = self.current_a * dt_s / 3_600.0;
        self.soc_pct = (self.soc_pct + charge_ah / self.capacity_ah() * 100.0).clamp(0.0, 100.0);
        let heat_c = self.current_a.powi(2) * self.resistance_ohm() / self.units * 0.02;
        self.temperature_c += (21.5 + heat_c - self.temperature_c) * (dt_s / 3_600.0).min(1.0);
    }

    /// Charge between empty and full, Ah.
    pub fn capacity_ah(&self) -> f64 {
        CAPACITY_AH * self.units
    }

    fn resistance_ohm(&self) -> f64 {
        RESISTANCE_OHM / self.units
    }
}

fn open_circuit_v(soc_pct: f64) -> f64 {
    let above = VOLTAGES.iter().position(|(soc, _)| soc_pct <= *soc).unwrap_or(VOLTAGES.len() - 1).max(1);
    let ((soc0, v0), (soc1, v1)) = (VOLTAGES[above - 1], VOLTAGES[above]);
    v0 + (v1 - v0) * (soc_pct - soc0) / (soc1 - soc0)
}
