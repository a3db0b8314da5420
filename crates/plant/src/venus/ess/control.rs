//! What the Multi is to do in this second. No physics here: what is seen goes in, a target comes out.

use super::orders::{Control, GridSight, Orders, Switch};

/// AC to DC and back.
pub(super) const EFFICIENCY: f64 = 0.95;
/// What three Multis take for themselves, W.
pub(crate) const IDLE_W: f64 = 54.0;
/// Most that one Multi inverts, W.
pub(super) const NOMINAL_W: f64 = 4_400.0;
/// Most that one Multi charges, W on the AC side.
const CHARGE_W: f64 = 3_700.0;
/// Discharging begins again this far above the minimum, %.
const HYSTERESIS_PCT: f64 = 3.0;
/// A battery this far below the minimum is charged a little from the grid, %.
const RECHARGE_PCT: f64 = 5.0;
/// With what, W.
const RECHARGE_W: f64 = 250.0;

/// What the Multi is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Off, AC-out is dead.
    Off,
    /// The relay is closed, the power stage rests.
    Passthru,
    /// An island.
    Inverting,
    /// Grid-parallel under the GX's loop.
    Parallel,
    /// Grid-parallel under someone else's setpoints.
    External,
    /// A plain charger.
    Charging,
}

/// What the loop remembers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold {
    pub(super) is_low: bool,
}

/// What the loop sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) inverter_w: [f64; 3],
    pub(super) behind_w: [f64; 3],
    pub(super) voltage_v: [f64; 3],
    pub(super) mppt_w: f64,
    pub(super) curtailed_w: f64,
    pub(super) charge_w: f64,
    pub(super) discharge_w: f64,
    pub(super) soc_pct: f64,
    pub(super) units: f64,
}

impl Seen {
    /// Most that the power stages may take from and give to the AC side, as the battery allows.
    pub(super) fn reach(&self) -> (f64, f64) {
        let most =
            ((self.charge_w - self.mppt_w + IDLE_W) / EFFICIENCY).clamp(0.0, 3.0 * CHARGE_W * self.units);
        let least =
            ((self.discharge_w + self.mppt_w - IDLE_W) * EFFICIENCY).clamp(0.0, 3.0 * NOMINAL_W * self.units);
        (most, least)
    }
}

/// What the power stages are to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) inverter_w: [f64; 3],
    pub(super) stage: Stage,
}

/// The power stages at rest, the relay closed.
const PASSTHRU: Target = Target { inverter_w: [0.0; 3], stage: Stage::Passthru };

pub(super) fn target(orders: &Orders, seen: &Seen, hold: &mut Hold) -> Target {
    let floor = orders.min_soc_pct + if hold.is_low { HYSTERESIS_PCT } else { 0.0 };
    hold.is_low = seen.soc_pct <= floor;
    match orders.control {
        Control::Charger => charge(orders, seen, Stage::Charging),
        Control::External(None) => PASSTHRU,
        Control::External(Some(setpoints_w)) => external(orders, seen, setpoints_w),
        Control::Total | Control::PerPhase => regulated(orders, seen, *hold),
    }
}

/// As much as battery, Multi and mains allow.
fn charge(orders: &Orders, seen: &Seen, stage: Stage) -> Target {
    let (most, _) = seen.reach();
    bounded(orders, seen, Target { inverter_w: [most / 3.0; 3], stage })
}

/// The setpoints are what goes in at AC-in: loads behind the Multi count.
fn external(orders: &Orders, seen: &Seen, setpoints_w: [f64; 3]) -> Target {
    let wanted: [f64; 3] = std::array::from_fn(|phase| setpoints_w[phase] - seen.behind_w[phase]);
    let charges = wanted.iter().sum::<f64>() > 0.0;
    let feeds_in = setpoints_w.iter().sum::<f64>() < 0.0;
    if orders.disables_charge && charges || orders.disables_feed_in && feeds_in {
        return PASSTHRU;
    }
    bounded(orders, seen, Target { inverter_w: wanted, stage: Stage::External })
}

fn regulated(orders: &Orders, seen: &Seen, hold: Hold) -> Target {
    let grid_w = match orders.sight {
        GridSight::Missing => return PASSTHRU,
        GridSight::Meter(watts) => watts,
        GridSight::Without => std::array::from_fn(|phase| seen.inverter_w[phase] + seen.behind_w[phase]),
    };
    if orders.forces_charge || orders.keeps_charged {
        return charge(orders, seen, Stage::Parallel);
    }
    let setpoint_w = orders.max_feed_in_w.map_or(orders.setpoint_w, |cap| orders.setpoint_w.max(-cap));
    // What the power stages must take so that no more is fed in than may be.
    let rest_w = grid_w.iter().sum::<f64>() - seen.inverter_w.iter().sum::<f64>();
    let floor_w = orders.max_feed_in_w.map_or(f64::NEG_INFINITY, |cap_w| -cap_w - rest_w);
    // Power that is held back counts as fed in, or the battery would never learn of it.
    let grid_w = grid_w.map(|watts| watts - seen.curtailed_w / 3.0);
    let mut inverter_w = if orders.control == Control::PerPhase {
        std::array::from_fn(|phase| seen.inverter_w[phase] + setpoint_w / 3.0 - grid_w[phase])
    } else {
        let error = setpoint_w - grid_w.iter().sum::<f64>();
        [(seen.inverter_w.iter().sum::<f64>() + error) / 3.0; 3]
    };
    let limits = limits(orders, seen, hold, floor_w);
    fit(&mut inverter_w, limits);
    if inverter_w.iter().all(|watts| watts.abs() < orders.deadband_w) {
        inverter_w = [0.0; 3];
    }
    bounded(orders, seen, Target { inverter_w, stage: Stage::Parallel })
}

/// The lowest and highest sum of all phases, W.
fn limits(orders: &Orders, seen: &Seen, hold: Hold, floor_w: f64) -> (f64, f64) {
    let (most, mut least) = seen.reach();
    if hold.is_low {
        // The sun may still be inverted, the battery not.
        least = least.min((seen.mppt_w - IDLE_W).max(0.0) * EFFICIENCY);
    }
    if let Some(cap_w) = orders.max_discharge_w {
        least = least.min(cap_w.max(0.0));
    }
    let mut highest = most;
    if orders.feeds_in_dc {
        let excess = (seen.mppt_w - seen.charge_w - IDLE_W).max(0.0) * EFFICIENCY;
        highest = if excess > 0.0 { (-excess).max(floor_w).min(most) } else { most };
    }
    let mut lowest = -least;
    if hold.is_low && seen.soc_pct < orders.min_soc_pct - RECHARGE_PCT {
        lowest = RECHARGE_W.min(most);
    }
    (lowest.min(highest), highest)
}

/// Shifts all phases alike until their sum is within limits.
fn fit(inverter_w: &mut [f64; 3], (lowest, highest): (f64, f64)) {
    let total: f64 = inverter_w.iter().sum();
    shift(inverter_w, total.clamp(lowest, highest) - total);
}

/// Adds a power, a third on each phase.
pub(super) fn shift(inverter_w: &mut [f64; 3], by_w: f64) {
    if by_w != 0.0 {
        *inverter_w = inverter_w.map(|watts| watts + by_w / 3.0);
    }
}

/// What a Multi and the fuse of its input bear, phase by phase.
fn bounded(orders: &Orders, seen: &Seen, mut target: Target) -> Target {
    for phase in 0..3 {
        let fuse = orders.input_limit_a * seen.voltage_v[phase] - seen.behind_w[phase];
        let lowest = if orders.switch == Switch::ChargerOnly { 0.0 } else { -NOMINAL_W * orders.units };
        target.inverter_w[phase] =
            target.inverter_w[phase].clamp(lowest, CHARGE_W * orders.units).min(fuse.max(lowest));
    }
    target
}

/// The way to a target, no further than `step_w` on each phase; a closed relay waits for nothing.
pub(super) fn ramped(from_w: [f64; 3], target: &Target, step_w: f64) -> [f64; 3] {
    if target.stage == Stage::Passthru {
        return target.inverter_w;
    }
    std::array::from_fn(|phase| {
        from_w[phase] + (target.inverter_w[phase] - from_w[phase]).clamp(-step_w, step_w)
    })
}
