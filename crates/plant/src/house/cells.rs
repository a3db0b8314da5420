//! A bank of lithium iron phosphate cells behind an inverter: what its terminals show at a charge and a current.

/// Resting voltage of one cell by state of charge: flat between a tenth and nine tenths, steep at both ends.
const REST_V: [(f64, f64); 13] = [
    (0.0, 2.50),
    (3.0, 2.90),
    (6.0, 3.05),
    (10.0, 3.18),
    (20.0, 3.23),
    (30.0, 3.26),
    (50.0, 3.29),
    (70.0, 3.32),
    (85.0, 3.335),
    (95.0, 3.36),
    (98.0, 3.40),
    (99.5, 3.48),
    (100.0, 3.60),
];
/// Voltage of a cell by which banks are named: 8 in series are "24 V", 16 are "48 V".
const CELL_NAME_V: f64 = 3.0;
/// Cells, busbars and cables of a bank of 16 cells, ohm.
const RESISTANCE_16: f64 = 0.02;

/// The bank: a voltage that depends on its charge, behind a resistance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cells {
    pub(crate) capacity_wh: f64,
    pub(crate) stored_wh: f64,
    in_series: f64,
    resistance: f64,
}

impl Cells {
    pub(crate) fn new(nominal_v: f64, capacity_wh: f64, soc_pct: f64) -> Self {
        let in_series = (nominal_v / CELL_NAME_V).round().max(1.0);
        Self {
            capacity_wh,
            stored_wh: capacity_wh * soc_pct.clamp(0.0, 100.0) / 100.0,
            in_series,
            resistance: RESISTANCE_16 * in_series / 16.0,
        }
    }

    pub(crate) fn soc_pct(&self) -> f64 {
        (100.0 * self.stored_wh / self.capacity_wh).clamp(0.0, 100.0)
    }

    /// Capacity in ampere hours at the voltage in the middle.
    pub(crate) fn capacity_ah(&self) -> f64 {
        self.capacity_wh / (self.in_series * 3.29)
    }

    /// Voltage without a current.
    pub(crate) fn rest_v(&self) -> f64 {
        let soc = self.soc_pct();
        let above = REST_V.iter().position(|(at, _)| *at >= soc).unwrap_or(REST_V.len() - 1).max(1);
        let ((low, from), (high, to)) = (REST_V[above - 1], REST_V[above]);
        self.in_series * (from + (to - from) * (soc - low) / (high - low))
    }

    /// Voltage under a current, A, discharge positive.
    pub(crate) fn terminal_v(&self, current_a: f64) -> f64 {
        self.rest_v() - current_a * self.resistance
    }

    /// The largest power that may go in, W, so that neither a current nor a voltage nor the cells' room is exceeded.
    pub(crate) fn charge_room_w(&self, limit_a: f64, target_v: f64, dt_h: f64) -> f64 {
        let rest_v = self.rest_v();
        let by_voltage_a = (target_v - rest_v) / self.resistance;
        let by_room_a = (self.capacity_wh - self.stored_wh) / dt_h / rest_v;
        let current_a = limit_a.min(by_voltage_a).min(by_room_a).max(0.0);
        (rest_v + current_a * self.resistance) * current_a
    }

    /// The largest power that may come out, W: what is left, and half of what a short would give.
    pub(crate) fn discharge_room_w(&self, dt_h: f64) -> f64 {
        let rest_v = self.rest_v();
        let current_a = (self.stored_wh / dt_h / rest_v).min(rest_v / (2.0 * self.resistance));
        (rest_v - current_a * self.resistance) * current_a
    }

    /// The current at which the terminals carry a power, W and A, both discharge positive.
    pub(crate) fn current_a(&self, power_w: f64) -> f64 {
        let (rest_v, resistance) = (self.rest_v(), self.resistance);
        let root = (rest_v * rest_v - 4.0 * resistance * power_w).max(0.0).sqrt();
        (rest_v - root) / (2.0 * resistance)
    }

    /// Lets a current flow; gives the energy that became heat in the bank, Wh.
    pub(crate) fn flow(&mut self, current_a: f64, dt_h: f64) -> f64 {
        let taken_wh = self.rest_v() * current_a * dt_h;
        self.stored_wh = (self.stored_wh - taken_wh).clamp(0.0, self.capacity_wh);
        current_a * current_a * self.resistance * dt_h
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voltage_rises_with_the_charge() {
        let volts = |soc| Cells::new(48.0, 5_000.0, soc).rest_v();
        for soc in 0..100 {
            assert!(volts(f64::from(soc)) < volts(f64::from(soc + 1)), "{soc} %");
        }
        assert!((volts(50.0) - 52.64).abs() < 1e-9 && (volts(100.0) - 57.6).abs() < 1e-9);
        assert!((Cells::new(24.0, 5_000.0, 50.0).rest_v() - 26.32).abs() < 1e-9);
    }

    #[test]
    fn a_power_and_its_current_agree() {
        let cells = Cells::new(48.0, 5_000.0, 60.0);
        for power_w in [-3_000.0, -10.0, 0.0, 10.0, 5_000.0] {
            let current_a = cells.current_a(power_w);
            assert!((cells.terminal_v(current_a) * current_a - power_w).abs() < 1e-6, "{power_w} W");
        }
    }

    #[test]
    fn the_room_ends_at_the_voltage_the_current_and_the_brim() {
        let cells = Cells::new(48.0, 5_000.0, 60.0);
        let by_current_w = cells.charge_room_w(10.0, 56.0, 0.01);
        assert!((cells.current_a(-by_current_w) + 10.0).abs() < 1e-6, "{by_current_w}");
        assert!(cells.charge_room_w(10.0, 50.0, 0.01).abs() < 1e-9, "above its target already");
        assert!(Cells::new(48.0, 5_000.0, 100.0).charge_room_w(10.0, 60.0, 0.01).abs() < 1e-9);
        assert!(Cells::new(48.0, 5_000.0, 0.0).discharge_room_w(0.01).abs() < 1e-9);
    }
}
