//! The device's view of itself in physical units, before its firmware puts them into its own scales.

use crate::house::{BatteryId, House, Mode};

/// One panel input.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Panel {
    /// W.
    pub power_w: f64,
    /// V.
    pub voltage_v: f64,
    /// A.
    pub current_a: f64,
}

/// What all answers are made of. Taken from the house, or pinned by a test.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "four flags of the wire, independent of each other")]
pub struct Readings {
    /// State of charge, %.
    pub soc_pct: f64,
    /// Energy in the cells, Wh.
    pub stored_wh: f64,
    /// Energy of full cells, Wh.
    pub capacity_wh: f64,
    /// Cell temperature, C.
    pub temperature_c: f64,
    /// Whether charging is allowed.
    pub may_charge: bool,
    /// Whether discharging is allowed.
    pub may_discharge: bool,
    /// AC power at the grid side, W, discharge positive.
    pub ongrid_w: f64,
    /// AC power at the socket, W.
    pub offgrid_w: f64,
    /// Power into the cells, W, charging positive.
    pub bat_w: f64,
    /// Panel inputs.
    pub panels: [Panel; 4],
    /// Whether the unit has panels.
    pub has_panels: bool,
    /// Energy of the panels, Wh.
    pub pv_wh: f64,
    /// AC energy given, Wh.
    pub ac_out_wh: f64,
    /// AC energy drawn, Wh.
    pub ac_in_wh: f64,
    /// The mode in force.
    pub mode: Mode,
    /// Whether the current sensor is connected.
    pub meter_connected: bool,
    /// The house meter per phase, W, import positive.
    pub grid_w: [f64; 3],
    /// Energy bought by the house, Wh.
    pub import_wh: f64,
    /// Energy fed in by the house, Wh.
    pub export_wh: f64,
}

impl Readings {
    /// The readings of a battery of the house.
    pub fn of(house: &House, id: BatteryId) -> Self {
        let battery = house.battery(id);
        let meter = house.meter();
        Self {
            soc_pct: battery.soc_pct(),
            stored_wh: battery.stored_wh,
            capacity_wh: battery.settings.capacity_wh,
            temperature_c: battery.temperature_c,
            may_charge: battery.may_charge(),
            may_discharge: battery.may_discharge(),
            ongrid_w: battery.ac_w,
            offgrid_w: 0.0,
            bat_w: battery.pv_w - battery.ac_w,
            panels: panels(battery.pv_w),
            has_panels: battery.settings.pv_peak_w.is_some(),
            pv_wh: battery.pv_wh,
            ac_out_wh: battery.ac_out_wh,
            ac_in_wh: battery.ac_in_wh,
            mode: battery.mode,
            meter_connected: true,
            grid_w: meter.grid_w,
            import_wh: meter.import_wh,
            export_wh: meter.export_wh,
        }
    }
}

/// Four inputs share the power nearly evenly; two strings of 33 V and two of 46 V, as in a capture of a Venus A.
fn panels(total_w: f64) -> [Panel; 4] {
    [(0.26, 33.0), (0.25, 46.0), (0.25, 33.0), (0.24, 46.0)].map(|(share, voltage_v)| {
        let power_w = total_w * share;
        if power_w < 1.0 {
            Panel::default()
        } else {
            Panel { power_w, voltage_v, current_a: power_w / voltage_v }
        }
    })
}
