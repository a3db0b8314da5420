//! An off-grid inverter with its own cells, panels and loads: what it does with them under the orders of its firmware.
//!
//! ```text
//!   grid --AC input--+--bypass-------------------> loads behind the output
//!                    +--charger--> [ cells ] --inverter--^      (line: bypass; battery: inverter)
//!   panels --MPPT-----------------------^
//!
//!             grid fails, or the cells may be used        cells at the cut-off
//!   [ Line ] ------------------------------> [ Battery ] -----------------------> [ Standby ]
//!      ^  <---- re-charge voltage, or priority ---- |  <--- grid, or cells recover --- |
//! ```
//!
//! Everything that comes in goes out: grid + panels + battery = loads + losses, at every step.

use super::cells::Cells;

/// Trackers that a unit can have.
pub const TRACKERS: usize = 3;
/// The inverter's own steps, s: its control is quicker than the house's.
const STEP_MAX_S: f64 = 15.0;
const MPPT_EFFICIENCY: f64 = 0.98;
const INVERTER_EFFICIENCY: f64 = 0.93;
const CHARGER_EFFICIENCY: f64 = 0.92;
/// Own consumption while it works, as part of the rated power.
const IDLE_SHARE: f64 = 0.01;
/// With less than this from the panels it is night, W.
const SUN_W: f64 = 25.0;
/// Charging ends at its voltage when the current has fallen below this part of the capacity.
const TAIL_SHARE: f64 = 0.02;
/// The heat sink: K per W of loss in balance, and its time constant.
const WARMING_K_PER_W: f64 = 0.1;
const WARMING_TAU_S: f64 = 600.0;

/// Which source feeds the loads first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputPriority {
    /// The grid; the cells only when it fails.
    UtilityFirst,
    /// The panels by day, else the grid.
    SolarFirst,
    /// Panels, then cells down to the re-charge voltage, then the grid.
    SolarBatteryUtility,
}

/// Which source charges the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChargerPriority {
    /// The grid; the panels only without it.
    UtilityFirst,
    /// The panels; the grid only without sun.
    SolarFirst,
    /// Both at once.
    SolarAndUtility,
    /// The panels alone.
    SolarOnly,
}

/// What the panels' power goes to first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SolarPriority {
    /// The cells.
    BatteryFirst,
    /// The loads.
    LoadFirst,
}

/// Whether panels and grid can feed the loads together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blending {
    /// A relay: one or the other.
    Never,
    /// The newer units: the grid gives what the panels lack.
    WithGrid,
}

/// What the firmware tells the power stage. Voltages are those of the bank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Source of the loads.
    pub output: OutputPriority,
    /// Source of the charge.
    pub charger: ChargerPriority,
    /// Use of the panels.
    pub solar: SolarPriority,
    /// At or below this the loads go back to the grid, V.
    pub recharge_v: f64,
    /// At or above this the loads go to the cells again, V; 0 = only when they are full.
    pub redischarge_v: f64,
    /// At or below this the output is switched off, V.
    pub cutoff_v: f64,
    /// Charge voltage, V.
    pub bulk_v: f64,
    /// Voltage held when full, V.
    pub float_v: f64,
    /// Charge current from the grid, A.
    pub grid_charge_max_a: f64,
    /// Charge current from all sources, A.
    pub charge_max_a: f64,
    /// Whether what the panels have left may go to the grid.
    pub feed_in: bool,
    /// Whether the output is switched on.
    pub output_on: bool,
    /// A fault that stops everything.
    pub fault: Option<u8>,
}

/// What the power stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The output is dead.
    Standby,
    /// The grid feeds the loads.
    Line,
    /// Cells and panels feed the loads.
    Battery,
    /// Stopped by a fault.
    Fault,
}

/// An inverter as it is bought and installed.
#[derive(Debug, Clone, PartialEq)]
pub struct InverterSettings {
    /// Largest power of the output, W.
    pub rated_w: f64,
    /// 24 or 48: the name of the bank's voltage.
    pub nominal_v: f64,
    /// Energy of full cells, Wh.
    pub battery_wh: f64,
    /// State of charge at the start, %.
    pub soc_pct: f64,
    /// Peak power of the panels on each tracker, W.
    pub pv_peak_w: [f64; TRACKERS],
    /// Voltage at which the strings give most, V.
    pub pv_v: f64,
    /// Mean of the loads behind the output, W.
    pub load_mean_w: f64,
    /// The phase of the house that its AC input hangs on: 0, 1, 2 = L1, L2, L3.
    pub phase: usize,
    /// How panels and grid share.
    pub blending: Blending,
    /// Orders at the start.
    pub orders: Orders,
}

/// What the surroundings give an inverter in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InverterAround {
    pub(crate) grid: bool,
    pub(crate) demand_w: f64,
    pub(crate) pv_offer_w: [f64; TRACKERS],
    pub(crate) ambient_c: f64,
}

/// An inverter in the house.
#[derive(Debug, Clone, PartialEq)]
pub struct Inverter {
    /// As installed.
    pub settings: InverterSettings,
    /// What its firmware wants.
    pub orders: Orders,
    pub(crate) cells: Cells,
    pub(crate) operation: Operation,
    pub(crate) grid_in_w: f64,
    pub(crate) load_w: f64,
    pub(crate) demand_w: f64,
    pub(crate) pv_w: [f64; TRACKERS],
    pub(crate) pv_v: [f64; TRACKERS],
    pub(crate) battery_a: f64,
    pub(crate) battery_v: f64,
    pub(crate) grid_charge_w: f64,
    pub(crate) heat_c: f64,
    pub(crate) floating: bool,
    pub(crate) totals: InverterTotals,
    /// Hysteresis between re-charge and re-discharge voltage.
    cells_may_feed: bool,
    /// Hysteresis above the cut-off.
    cells_empty: bool,
}

/// Energies since the start, Wh.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[expect(missing_docs, reason = "each name is what was counted, in Wh")]
pub struct InverterTotals {
    pub grid_in_wh: f64,
    pub feed_in_wh: f64,
    pub load_wh: f64,
    pub pv_wh: f64,
    pub battery_out_wh: f64,
    pub battery_in_wh: f64,
    /// Lost in conversion; what the cells lose inside is in `cells_loss_wh`.
    pub loss_wh: f64,
    pub cells_loss_wh: f64,
}

/// The powers of one step, W; battery at its terminals, discharge positive.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "the unit at the end of each name")]
struct Flows {
    grid_w: f64,
    load_w: f64,
    panels_w: f64,
    battery_w: f64,
    /// What of the grid's power goes into the cells.
    grid_charge_w: f64,
}

impl Inverter {
    pub(crate) fn new(settings: InverterSettings, ambient_c: f64) -> Self {
        let cells = Cells::new(settings.nominal_v, settings.battery_wh, settings.soc_pct);
        Self {
            orders: settings.orders,
            operation: Operation::Standby,
            grid_in_w: 0.0,
            load_w: 0.0,
            demand_w: 0.0,
            pv_w: [0.0; TRACKERS],
            pv_v: [0.0; TRACKERS],
            battery_a: 0.0,
            battery_v: cells.rest_v(),
            grid_charge_w: 0.0,
            heat_c: ambient_c + 8.0,
            floating: false,
            totals: InverterTotals::default(),
            cells_may_feed: cells.rest_v() > settings.orders.recharge_v,
            cells_empty: cells.rest_v() <= settings.orders.cutoff_v,
            cells,
            settings,
        }
    }

    /// State of charge, 0..=100 %.
    pub fn soc_pct(&self) -> f64 {
        self.cells.soc_pct()
    }

    /// Puts the cells at a state of charge, as if they had been exchanged.
    pub fn set_soc_pct(&mut self, soc_pct: f64) {
        self.cells.stored_wh = self.cells.capacity_wh * soc_pct.clamp(0.0, 100.0) / 100.0;
        self.battery_a = 0.0;
        self.battery_v = self.cells.rest_v();
        self.floating = false;
        self.cells_may_feed = self.battery_v > self.orders.recharge_v;
        self.cells_empty = self.battery_v <= self.orders.cutoff_v;
    }

    /// Shows what it will do, before any time has passed.
    pub(crate) fn look(&mut self, around: InverterAround) {
        let mut after = self.clone();
        after.one_step(1.0, around);
        let (cells, totals) = (self.cells.clone(), self.totals);
        *self = Self { cells, totals, ..after };
    }

    /// Lets `dt_s` seconds pass; the powers kept are the means of that time.
    pub(crate) fn step(&mut self, dt_s: f64, around: InverterAround) {
        let mut left_s = dt_s;
        let (mut grid_ws, mut load_ws, mut charge_ws, mut pv_ws) = (0.0, 0.0, 0.0, [0.0; TRACKERS]);
        while left_s > 1e-9 {
            let step_s = left_s.min(STEP_MAX_S);
            self.one_step(step_s, around);
            grid_ws += self.grid_in_w * step_s;
            load_ws += self.load_w * step_s;
            charge_ws += self.grid_charge_w * step_s;
            for (sum, power_w) in pv_ws.iter_mut().zip(self.pv_w) {
                *sum += power_w * step_s;
            }
            left_s -= step_s;
        }
        self.grid_in_w = grid_ws / dt_s;
        self.load_w = load_ws / dt_s;
        self.grid_charge_w = charge_ws / dt_s;
        self.pv_w = pv_ws.map(|sum| sum / dt_s);
    }

    fn one_step(&mut self, dt_s: f64, around: InverterAround) {
        let dt_h = dt_s / 3_600.0;
        let offer_w: f64 = around.pv_offer_w.iter().sum();
        self.demand_w = around.demand_w;
        self.decide(around.grid, offer_w);
        let flows = match self.operation {
            Operation::Line => self.line(around.demand_w, offer_w, dt_h),
            Operation::Battery => self.battery(around.demand_w, offer_w, dt_h),
            Operation::Standby => self.standby(around.grid, offer_w, dt_h),
            Operation::Fault => Flows::default(),
        };
        self.settle(flows, dt_h);
        self.panels(flows.panels_w, around.pv_offer_w);
        let loss_w = flows.grid_w + flows.panels_w + flows.battery_w - flows.load_w;
        let settled_c = around.ambient_c + 8.0 + WARMING_K_PER_W * loss_w;
        self.heat_c += (settled_c - self.heat_c) * (1.0 - (-dt_s / WARMING_TAU_S).exp());
    }

    /// Which source feeds the loads, from the voltages as they were at the end of the step before.
    fn decide(&mut self, grid: bool, offer_w: f64) {
        let orders = &self.orders;
        let volts = self.battery_v;
        // Two steps of the vendor's tables above the cut-off.
        let recovered_v = orders.cutoff_v + self.settings.nominal_v / 24.0;
        self.cells_empty = volts <= orders.cutoff_v || self.cells_empty && volts < recovered_v;
        let full = if orders.redischarge_v > 0.0 { volts >= orders.redischarge_v } else { self.floating };
        self.cells_may_feed = (self.cells_may_feed || full) && volts > orders.recharge_v;
        let sun = offer_w > SUN_W;
        let by_cells = match (orders.output, self.settings.blending) {
            (OutputPriority::UtilityFirst, _) | (OutputPriority::SolarFirst, Blending::WithGrid) => false,
            (OutputPriority::SolarFirst, Blending::Never) => sun && self.cells_may_feed,
            (OutputPriority::SolarBatteryUtility, _) => self.cells_may_feed,
        };
        self.operation = match () {
            () if orders.fault.is_some() => Operation::Fault,
            () if !orders.output_on => Operation::Standby,
            () if grid && (!by_cells || self.cells_empty) => Operation::Line,
            () if !self.cells_empty => Operation::Battery,
            () => Operation::Standby,
        };
    }

    /// The power that may go into the cells, W.
    fn charge_room_w(&self, limit_a: f64, dt_h: f64) -> f64 {
        let target_v = if self.floating { self.orders.float_v } else { self.orders.bulk_v };
        self.cells.charge_room_w(limit_a, target_v, dt_h)
    }

    fn idle_w(&self) -> f64 {
        IDLE_SHARE * self.settings.rated_w
    }

    fn battery(&self, demand_w: f64, offer_w: f64, dt_h: f64) -> Flows {
        let mut load_w = demand_w.min(self.settings.rated_w);
        let from_panels_w = offer_w * MPPT_EFFICIENCY;
        let available_w = from_panels_w + self.cells.discharge_room_w(dt_h);
        load_w = load_w.min((available_w - self.idle_w()).max(0.0) * INVERTER_EFFICIENCY);
        let needed_w = load_w / INVERTER_EFFICIENCY + self.idle_w().min(available_w);
        if needed_w > from_panels_w {
            let battery_w = needed_w - from_panels_w;
            return Flows { load_w, panels_w: offer_w, battery_w, ..Flows::default() };
        }
        let charge_w = (from_panels_w - needed_w).min(self.charge_room_w(self.orders.charge_max_a, dt_h));
        let panels_w = (needed_w + charge_w) / MPPT_EFFICIENCY;
        Flows { load_w, panels_w, battery_w: -charge_w, ..Flows::default() }
    }

    fn line(&self, demand_w: f64, offer_w: f64, dt_h: f64) -> Flows {
        let load_w = demand_w.min(self.settings.rated_w);
        let blends = self.settings.blending == Blending::WithGrid;
        let shares = blends && self.orders.output != OutputPriority::UtilityFirst;
        let mut panels_w = offer_w * MPPT_EFFICIENCY;
        let mut to_load_w = 0.0;
        let give_load = |panels_w: &mut f64, wanted_w: f64| {
            let given_w = wanted_w.min(*panels_w * INVERTER_EFFICIENCY);
            *panels_w -= given_w / INVERTER_EFFICIENCY;
            given_w
        };
        if shares && self.orders.solar == SolarPriority::LoadFirst {
            to_load_w += give_load(&mut panels_w, load_w);
        }
        let room_w = self.charge_room_w(self.orders.charge_max_a, dt_h);
        let sun = offer_w > SUN_W;
        let (by_panels, by_grid) = match self.orders.charger {
            ChargerPriority::UtilityFirst => (blends, true),
            ChargerPriority::SolarFirst => (true, !sun),
            ChargerPriority::SolarAndUtility => (true, true),
            ChargerPriority::SolarOnly => (true, false),
        };
        let solar_charge_w = if by_panels { panels_w.min(room_w) } else { 0.0 };
        panels_w -= solar_charge_w;
        if shares {
            to_load_w += give_load(&mut panels_w, load_w - to_load_w);
        }
        let feed_in_w = if self.orders.feed_in {
            give_load(&mut panels_w, (self.settings.rated_w - to_load_w).max(0.0))
        } else {
            0.0
        };
        let grid_room_w = self.charge_room_w(self.orders.grid_charge_max_a, dt_h);
        let grid_charge_w = if by_grid { grid_room_w.min(room_w - solar_charge_w) } else { 0.0 };
        Flows {
            grid_w: load_w - to_load_w + grid_charge_w / CHARGER_EFFICIENCY + self.idle_w() - feed_in_w,
            load_w,
            panels_w: offer_w - panels_w / MPPT_EFFICIENCY,
            battery_w: -(solar_charge_w + grid_charge_w),
            grid_charge_w,
        }
    }

    /// No output: the cells are charged by whatever there is.
    fn standby(&self, grid: bool, offer_w: f64, dt_h: f64) -> Flows {
        let room_w = self.charge_room_w(self.orders.charge_max_a, dt_h);
        let solar_charge_w = (offer_w * MPPT_EFFICIENCY).min(room_w);
        let by_grid = grid && self.orders.charger != ChargerPriority::SolarOnly;
        let grid_room_w = self.charge_room_w(self.orders.grid_charge_max_a, dt_h);
        let grid_charge_w = if by_grid { grid_room_w.min(room_w - solar_charge_w) } else { 0.0 };
        Flows {
            grid_w: grid_charge_w / CHARGER_EFFICIENCY + if grid { self.idle_w() } else { 0.0 },
            load_w: 0.0,
            panels_w: solar_charge_w / MPPT_EFFICIENCY,
            battery_w: -(solar_charge_w + grid_charge_w),
            grid_charge_w,
        }
    }

    /// Lets the current flow and counts.
    fn settle(&mut self, flows: Flows, dt_h: f64) {
        let current_a = self.cells.current_a(flows.battery_w);
        self.battery_a = current_a;
        self.battery_v = self.cells.terminal_v(current_a);
        self.totals.cells_loss_wh += self.cells.flow(current_a, dt_h);
        self.grid_in_w = flows.grid_w;
        self.load_w = flows.load_w;
        self.grid_charge_w = flows.grid_charge_w;
        let tail_a = TAIL_SHARE * self.cells.capacity_ah();
        let at_target = self.battery_v >= self.orders.bulk_v - 0.05;
        self.floating = if self.floating {
            self.battery_v > self.orders.float_v - self.settings.nominal_v / 40.0
        } else {
            at_target && current_a.abs() < tail_a
        };
        let totals = &mut self.totals;
        totals.grid_in_wh += flows.grid_w.max(0.0) * dt_h;
        totals.feed_in_wh += (-flows.grid_w).max(0.0) * dt_h;
        totals.load_wh += flows.load_w * dt_h;
        totals.pv_wh += flows.panels_w * dt_h;
        totals.battery_out_wh += flows.battery_w.max(0.0) * dt_h;
        totals.battery_in_wh += (-flows.battery_w).max(0.0) * dt_h;
        totals.loss_wh += (flows.grid_w + flows.panels_w + flows.battery_w - flows.load_w) * dt_h;
    }

    /// Each tracker gives its part; a string that is not used to the full rises towards its open voltage.
    fn panels(&mut self, used_w: f64, offer_w: [f64; TRACKERS]) {
        let total_w: f64 = offer_w.iter().sum();
        let share = if total_w > 0.0 { used_w / total_w } else { 0.0 };
        for index in 0..TRACKERS {
            let (offer_w, peak_w) = (offer_w[index], self.settings.pv_peak_w[index]);
            self.pv_w[index] = offer_w * share;
            let light = if peak_w > 0.0 { offer_w / peak_w } else { 0.0 };
            let open = 1.0 + 0.18 * (1.0 - share);
            // Below a hundredth of full light the converter does not start and reads nothing.
            self.pv_v[index] =
                if light > 0.01 { self.settings.pv_v * (0.88 + 0.10 * light) * open } else { 0.0 };
        }
    }
}
