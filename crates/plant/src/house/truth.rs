//! The truth about the house, to compare with what a product shows, and to fill a history with.

use super::{Battery, Mode};

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
