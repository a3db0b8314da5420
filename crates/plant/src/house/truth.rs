//! The truth about the house, to compare with what a product shows, and to fill a history with.

use super::{Battery, Inverter, InverterTotals, Mode, Operation, Orders, TRACKERS};

/// What is really going on. Powers are means over the last step; energies count from the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The moment, Unix ms.
    pub unix_ms: i64,
    /// What the house uses, W; `load_w = grid + batteries + pv_w`.
    pub load_w: f64,
    /// The grid meter per phase, W, import positive.
    pub grid_w: [f64; 3],
    /// The roof's output, W (batteries may have panels of their own).
    pub pv_w: f64,
    /// Energy bought, Wh.
    pub import_wh: f64,
    /// Energy fed in, Wh.
    pub export_wh: f64,
    /// Energy used, Wh.
    pub load_wh: f64,
    /// Energy from the roof, Wh.
    pub pv_wh: f64,
    /// The batteries in the order in which they were added.
    pub batteries: Vec<BatteryTruth>,
    /// The inverters in the order in which they were added; what they draw is in `load_w`.
    pub inverters: Vec<InverterTruth>,
}

impl Truth {
    /// The meter's sum, W, import positive.
    pub fn grid_total_w(&self) -> f64 {
        self.grid_w.iter().sum()
    }
}

/// One battery.
#[derive(Debug, Clone, PartialEq)]
pub struct BatteryTruth {
    /// State of charge, 0..=100 %.
    pub soc_pct: f64,
    /// Energy in the cells, Wh.
    pub stored_wh: f64,
    /// Energy of full cells, Wh.
    pub capacity_wh: f64,
    /// AC power, W, discharge positive.
    pub ac_power_w: f64,
    /// Power of its own panels, W.
    pub pv_w: f64,
    /// Cell temperature, C.
    pub temperature_c: f64,
    /// AC energy given, Wh.
    pub ac_out_wh: f64,
    /// AC energy drawn, Wh.
    pub ac_in_wh: f64,
    /// Energy of its own panels, Wh.
    pub pv_wh: f64,
    /// Energy lost in conversion, Wh.
    pub loss_wh: f64,
    /// The mode in force.
    pub mode: Mode,
    /// How long Passive's order still holds, ms; `None` when there is none.
    pub passive_left_ms: Option<i64>,
    /// The unit's power limit, W.
    pub power_limit_w: f64,
    /// Where discharging stops, %.
    pub floor_pct: f64,
}

impl BatteryTruth {
    pub(crate) fn of(battery: &Battery, now_ms: i64) -> Self {
        Self {
            soc_pct: battery.soc_pct(),
            stored_wh: battery.stored_wh,
            capacity_wh: battery.settings.capacity_wh,
            ac_power_w: battery.ac_w,
            pv_w: battery.pv_w,
            temperature_c: battery.temperature_c,
            ac_out_wh: battery.ac_out_wh,
            ac_in_wh: battery.ac_in_wh,
            pv_wh: battery.pv_wh,
            loss_wh: battery.loss_wh,
            mode: battery.mode,
            passive_left_ms: battery.passive.map(|passive| passive.until_ms.saturating_sub(now_ms).max(0)),
            power_limit_w: battery.settings.power_limit_w,
            floor_pct: battery.settings.floor_pct,
        }
    }
}

/// One off-grid inverter with its cells, panels and loads; `grid_in + pv + battery = load + losses`.
#[derive(Debug, Clone, PartialEq)]
pub struct InverterTruth {
    /// What the power stage does.
    pub operation: Operation,
    /// Whether the grid is there.
    pub grid_present: bool,
    /// The grid's voltage as part of its rated voltage, 0 without a grid.
    pub grid_level: f64,
    /// The grid's frequency as part of its rated frequency, 0 without a grid.
    pub grid_pace: f64,
    /// AC input, W, positive = drawn, negative = fed in.
    pub grid_in_w: f64,
    /// The part of the AC input that charges the cells, W at their terminals.
    pub grid_charge_w: f64,
    /// The loads behind the output, W.
    pub load_w: f64,
    /// What the loads would like, W.
    pub demand_w: f64,
    /// The panels on each tracker, W.
    pub pv_w: [f64; TRACKERS],
    /// Voltage of each tracker's string, V.
    pub pv_v: [f64; TRACKERS],
    /// At the cells' terminals, V.
    pub battery_v: f64,
    /// At the cells' terminals, A, discharge positive.
    pub battery_a: f64,
    /// At the cells' terminals, W, discharge positive.
    pub battery_w: f64,
    /// State of charge, 0..=100 %.
    pub soc_pct: f64,
    /// Energy in the cells, Wh.
    pub stored_wh: f64,
    /// Energy of full cells, Wh.
    pub capacity_wh: f64,
    /// Whether charging has come to its end and the voltage is held.
    pub floating: bool,
    /// Heat sink, C.
    pub heat_c: f64,
    /// Largest power of the output, W.
    pub rated_w: f64,
    /// What the firmware wants.
    pub orders: Orders,
    /// Energies since the start.
    pub totals: InverterTotals,
}

impl InverterTruth {
    pub(crate) fn of(inverter: &Inverter, grid: Option<(f64, f64)>) -> Self {
        let (grid_level, grid_pace) = grid.unwrap_or_default();
        Self {
            operation: inverter.operation,
            grid_present: grid.is_some(),
            grid_level,
            grid_pace,
            grid_in_w: inverter.grid_in_w,
            grid_charge_w: inverter.grid_charge_w,
            load_w: inverter.load_w,
            demand_w: inverter.demand_w,
            pv_w: inverter.pv_w,
            pv_v: inverter.pv_v,
            battery_v: inverter.battery_v,
            battery_a: inverter.battery_a,
            battery_w: inverter.battery_v * inverter.battery_a,
            soc_pct: inverter.soc_pct(),
            stored_wh: inverter.cells.stored_wh,
            capacity_wh: inverter.cells.capacity_wh,
            floating: inverter.floating,
            heat_c: inverter.heat_c,
            rated_w: inverter.settings.rated_w,
            orders: inverter.orders,
            totals: inverter.totals,
        }
    }
}
