//! One battery with its inverter: energy, efficiency, taper, temperature, and the modes it can be put in.
//!
//! ```text
//!            Auto, AI  the meter is brought to zero          Manual   the active slot's power, else 0
//!            UPS       charge to full, never discharge       Passive  the given power until its time is over
//!
//!   own panels --DC--> [ cells ] <--eff-- inverter --eff--> AC: positive = discharge, feeds the house
//! ```

use super::{Slot, SlotAction, WeekMinute};

/// Number of Manual slots a Marstek battery keeps.
pub const SLOTS: usize = 10;
/// Gain of the meter loop and lag of the inverter: with twice the lag the loop settles with little overshoot.
const METER_TAU_S: f64 = 4.0;
const INVERTER_TAU_S: f64 = 2.0;
/// How slowly a battery that follows the meter lets go of its own power, s.
const DROOP_TAU_S: f64 = 300.0;
/// The inverter does not chase less than this, W.
const METER_DEAD_BAND_W: f64 = 6.0;
/// Below this an inverter is switched off rather than held at nearly nothing, W.
const SMALLEST_POWER_W: f64 = 1.0;
/// A box of 60 kg that warms by heat of conversion: K per W in balance, and its time constant.
const WARMING_K_PER_W: f64 = 0.08;
const WARMING_TAU_S: f64 = 7_200.0;

/// The operating modes of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Follows the meter.
    Auto,
    /// Follows the meter by the vendor's forecast; here: like Auto.
    Ai,
    /// Follows its slots.
    Manual,
    /// Follows a power for a time.
    Passive,
    /// Keeps itself full.
    Ups,
}

/// What a Manual slot with power 0 means: sources disagree, so both can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManualZero {
    /// Standby.
    #[default]
    Idle,
    /// No limit: follow the meter.
    FollowMeter,
}

/// What happens when Passive's time is over: sources disagree, so both can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PassiveEnd {
    /// Power 0, the mode still reads Passive.
    #[default]
    Idle,
    /// Back to Auto.
    Auto,
}

/// Readings of the firmware on which the sources disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// Power 0 in a slot.
    pub manual_zero: ManualZero,
    /// After the countdown.
    pub passive_end: PassiveEnd,
    /// Whether a slot that ends before it starts runs over midnight.
    pub spans_midnight: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { manual_zero: ManualZero::default(), passive_end: PassiveEnd::default(), spans_midnight: true }
    }
}

/// A battery as it is bought and installed.
#[derive(Debug, Clone, PartialEq)]
pub struct BatterySettings {
    /// Usable energy between 0 and 100 %, Wh.
    pub capacity_wh: f64,
    /// Largest AC power in either direction, W: 800, 1200, 1500, 2200 or 2500.
    pub power_limit_w: f64,
    /// State of charge at the start, %.
    pub soc_pct: f64,
    /// Discharge stops here, %: the family's floor is near 11-12.
    pub floor_pct: f64,
    /// Peak power of the battery's own solar input, W.
    pub pv_peak_w: Option<f64>,
    /// The phase it feeds: 0, 1, 2 = L1, L2, L3.
    pub phase: usize,
    /// DC energy stored per AC energy drawn.
    pub charge_efficiency: f64,
    /// AC energy given per DC energy taken.
    pub discharge_efficiency: f64,
}

impl Default for BatterySettings {
    fn default() -> Self {
        Self {
            capacity_wh: 5_120.0,
            power_limit_w: 2_500.0,
            soc_pct: 50.0,
            floor_pct: 11.5,
            pv_peak_w: None,
            phase: 0,
            charge_efficiency: 0.94,
            discharge_efficiency: 0.93,
        }
    }
}

/// Passive's order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passive {
    /// AC power, W, discharge positive.
    pub power_w: f64,
    /// The countdown's end, Unix ms.
    pub until_ms: i64,
}

/// What the surroundings give a battery in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    pub(crate) now_ms: i64,
    pub(crate) civil: WeekMinute,
    /// This battery's share of the meter's reading, W, import positive.
    pub(crate) meter_share_w: f64,
    /// What its own panels offer, W.
    pub(crate) pv_offer_w: f64,
    pub(crate) ambient_c: f64,
    /// Whether there is a grid: without one the inverter is off.
    pub(crate) grid: bool,
}

/// A battery in the house.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// As installed.
    pub settings: BatterySettings,
    /// The mode in force.
    pub mode: Mode,
    /// Manual's slots; `None` = empty or disabled.
    pub slots: [Option<Slot>; SLOTS],
    /// Passive's order, `None` once it has run out.
    pub passive: Option<Passive>,
    /// How this firmware reads what the documents leave open.
    pub quirks: Quirks,
    pub(crate) stored_wh: f64,
    pub(crate) ac_w: f64,
    pub(crate) pv_w: f64,
    pub(crate) temperature_c: f64,
    pub(crate) ac_out_wh: f64,
    pub(crate) ac_in_wh: f64,
    pub(crate) pv_wh: f64,
    pub(crate) loss_wh: f64,
    setpoint_w: f64,
}

impl Battery {
    pub(crate) fn new(settings: BatterySettings, ambient_c: f64) -> Self {
        Self {
            stored_wh: settings.capacity_wh * settings.soc_pct.clamp(0.0, 100.0) / 100.0,
            settings,
            mode: Mode::Auto,
            slots: [None; SLOTS],
            passive: None,
            quirks: Quirks::default(),
            ac_w: 0.0,
            pv_w: 0.0,
            temperature_c: ambient_c,
            ac_out_wh: 0.0,
            ac_in_wh: 0.0,
            pv_wh: 0.0,
            loss_wh: 0.0,
            setpoint_w: 0.0,
        }
    }

    /// State of charge, 0..=100 %.
    pub fn soc_pct(&self) -> f64 {
        (100.0 * self.stored_wh / self.settings.capacity_wh).clamp(0.0, 100.0)
    }

    /// Whether the battery would take a charge.
    pub fn may_charge(&self) -> bool {
        self.soc_pct() < 99.95
    }

    /// Whether the battery would give power.
    pub fn may_discharge(&self) -> bool {
        self.soc_pct() > self.settings.floor_pct
    }

    /// Whether it follows the meter at this moment, and so shares the meter with others that do.
    pub(crate) fn follows_meter(&self, civil: WeekMinute) -> bool {
        self.order(civil) == Order::FollowMeter
    }

    /// One step of `dt_s` seconds. The powers kept are the means of the step; the energies are exact for them.
    pub(crate) fn step(&mut self, dt_s: f64, around: Surroundings) {
        self.end_passive(around.now_ms);
        let dt_h = dt_s / 3_600.0;
        let room = if around.grid {
            self.room(dt_h, around.pv_offer_w)
        } else {
            Room { lowest_w: 0.0, highest_w: 0.0 }
        };
        self.setpoint_w = match self.order(around.civil) {
            Order::Power(power_w) => power_w,
            Order::FollowMeter if around.meter_share_w.abs() < METER_DEAD_BAND_W => self.setpoint_w,
            Order::FollowMeter => self.droop(dt_s) + around.meter_share_w * approach(dt_s, METER_TAU_S),
        }
        .clamp(room.lowest_w, room.highest_w);
        self.ac_w += (self.setpoint_w - self.ac_w) * approach(dt_s, INVERTER_TAU_S);
        if self.ac_w.abs() < SMALLEST_POWER_W && self.setpoint_w.abs() < SMALLEST_POWER_W {
            self.ac_w = 0.0;
        }
        self.ac_w = self.ac_w.clamp(room.lowest_w, room.highest_w);
        self.pv_w = around.pv_offer_w;
        self.overflow(dt_h, if around.grid { self.settings.power_limit_w } else { 0.0 });
        self.book(dt_h);
        self.warm(dt_s, around.ambient_c);
    }

    /// Several batteries on one meter agree on the sum only; a slow decay of each one's own power keeps them from
    /// drifting apart, one charging what the other discharges.
    fn droop(&self, dt_s: f64) -> f64 {
        // A coarse step corrects no more often than a fine one, so it may not let go of more either.
        self.setpoint_w * (1.0 - approach(dt_s.min(METER_TAU_S), DROOP_TAU_S))
    }

    fn end_passive(&mut self, now_ms: i64) {
        if self.passive.is_some_and(|passive| passive.until_ms <= now_ms) {
            self.passive = None;
            if self.mode == Mode::Passive && self.quirks.passive_end == PassiveEnd::Auto {
                self.mode = Mode::Auto;
            }
        }
    }

    fn order(&self, civil: WeekMinute) -> Order {
        match self.mode {
            Mode::Auto | Mode::Ai => Order::FollowMeter,
            Mode::Ups => Order::Power(-0.5 * self.settings.power_limit_w),
            Mode::Passive => Order::Power(self.passive.map_or(0.0, |passive| passive.power_w)),
            Mode::Manual => {
                let active = self
                    .slots
                    .iter()
                    .flatten()
                    .find(|slot| slot.is_active(civil, self.quirks.spans_midnight));
                match active.map(|slot| slot.action) {
                    None => Order::Power(0.0),
                    Some(SlotAction::FollowMeter) => Order::FollowMeter,
                    Some(SlotAction::Power(0.0)) if self.quirks.manual_zero == ManualZero::FollowMeter => {
                        Order::FollowMeter
                    }
                    Some(SlotAction::Power(power_w)) => Order::Power(power_w),
                }
            }
        }
    }

    /// The AC powers possible in this step: the unit's limit, the taper near full and empty, and the energy there is.
    fn room(&self, dt_h: f64, pv_offer_w: f64) -> Room {
        let settings = &self.settings;
        let soc = self.soc_pct();
        let charge_taper = ((100.0 - soc) / 8.0).clamp(0.05, 1.0);
        let discharge_taper = ((soc - settings.floor_pct) / 3.0).clamp(0.0, 1.0).max(0.15);
        let free_wh = (settings.capacity_wh - self.stored_wh).max(0.0);
        let above_floor_wh = (self.stored_wh - settings.capacity_wh * settings.floor_pct / 100.0).max(0.0);
        let charge_w = (settings.power_limit_w * charge_taper)
            .min((free_wh / dt_h - pv_offer_w).max(0.0) / settings.charge_efficiency);
        let from_cells_w = (settings.power_limit_w * discharge_taper)
            .min(above_floor_wh / dt_h * settings.discharge_efficiency);
        let discharge_w =
            (from_cells_w + pv_offer_w * settings.discharge_efficiency).min(settings.power_limit_w);
        Room { lowest_w: -charge_w, highest_w: discharge_w }
    }

    /// Full cells: what the panels give beyond the order goes out as AC up to the limit, the rest is not harvested.
    fn overflow(&mut self, dt_h: f64, highest_w: f64) {
        let free_w = (self.settings.capacity_wh - self.stored_wh).max(0.0) / dt_h;
        let excess_w = self.cells_w() - free_w;
        if excess_w <= 0.0 || self.pv_w <= 0.0 {
            return;
        }
        let before_w = self.ac_w.max(0.0);
        self.ac_w = (before_w + excess_w * self.settings.discharge_efficiency).min(highest_w);
        let still_w = self.cells_w() - free_w;
        self.pv_w -= still_w.clamp(0.0, self.pv_w);
    }

    /// DC power into the cells, W.
    fn cells_w(&self) -> f64 {
        let from_ac_w = if self.ac_w < 0.0 {
            -self.ac_w * self.settings.charge_efficiency
        } else {
            -self.ac_w / self.settings.discharge_efficiency
        };
        self.pv_w + from_ac_w
    }

    fn book(&mut self, dt_h: f64) {
        let cells_w = self.cells_w();
        self.stored_wh = (self.stored_wh + cells_w * dt_h).clamp(0.0, self.settings.capacity_wh);
        self.ac_out_wh += self.ac_w.max(0.0) * dt_h;
        self.ac_in_wh += (-self.ac_w).max(0.0) * dt_h;
        self.pv_wh += self.pv_w * dt_h;
        self.loss_wh += (self.pv_w - self.ac_w - cells_w) * dt_h;
    }

    fn warm(&mut self, dt_s: f64, ambient_c: f64) {
        let loss_w = (self.pv_w - self.ac_w - self.cells_w()).max(0.0);
        let settled_c = ambient_c + WARMING_K_PER_W * loss_w;
        self.temperature_c += (settled_c - self.temperature_c) * approach(dt_s, WARMING_TAU_S);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Power(f64),
    FollowMeter,
}

#[derive(Debug, Clone, Copy)]
struct Room {
    lowest_w: f64,
    highest_w: f64,
}

/// The part of the way that a first-order lag covers in `dt_s`.
fn approach(dt_s: f64, tau_s: f64) -> f64 {
    1.0 - (-dt_s / tau_s).exp()
}
