//! What a unit's converters measure: the house seen through one unit, or pinned by a test.

use super::{
    eeprom::Eeprom,
    nameplate::Nameplate,
    profile::{Family, Field12, Model},
    switches::Switches,
};
use crate::house::{InverterTruth, Operation, TRACKERS};

/// With less than this from the panels their converter rests, W.
const SUN_W: f64 = 5.0;

/// What a unit does, in the words of all families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is what the documents call the mode")]
pub enum Mode {
    PowerOn,
    Standby,
    Line,
    Battery,
    Fault,
    PowerSaving,
    Shutdown,
    Charge,
    Bypass,
    Eco,
    /// A letter that no document has.
    Other(char),
}

impl Mode {
    /// The letter of QMOD.
    pub fn letter(self) -> char {
        match self {
            Self::PowerOn => 'P',
            Self::Standby => 'S',
            Self::Line => 'L',
            Self::Battery => 'B',
            Self::Fault => 'F',
            Self::PowerSaving => 'H',
            Self::Shutdown => 'D',
            Self::Charge => 'C',
            Self::Bypass => 'Y',
            Self::Eco => 'E',
            Self::Other(letter) => letter,
        }
    }

    /// The mode of a letter.
    pub fn of_letter(letter: char) -> Self {
        let known = [
            Self::PowerOn,
            Self::Standby,
            Self::Line,
            Self::Battery,
            Self::Fault,
            Self::PowerSaving,
            Self::Shutdown,
            Self::Charge,
            Self::Bypass,
            Self::Eco,
        ];
        known.into_iter().find(|mode| mode.letter() == letter).unwrap_or(Self::Other(letter))
    }

    /// The number of MOD: PI18, PI17.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::PowerOn => 0,
            Self::Bypass => 2,
            Self::Battery => 3,
            Self::Fault => 4,
            Self::Line | Self::Eco => 5,
            Self::Charge => 6,
            _ => 1,
        }
    }
}

/// One string of panels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tracker {
    /// Input voltage, V.
    pub volts: f64,
    /// Input current, A.
    pub amps: f64,
    /// Input power, W.
    pub watts: f64,
    /// What it gives the battery's side, A.
    pub charge_a: f64,
}

/// The second leg of a split-phase unit, or its first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Leg {
    /// Input voltage, V.
    pub grid_v: f64,
    /// Output voltage, V.
    pub out_v: f64,
    /// Apparent power, VA.
    pub va: f64,
    /// Power, W.
    pub watts: f64,
    /// Load, %.
    pub pct: f64,
}

/// The measurements of one unit, as physical values. Signs are the protocol's: currents have no sign here.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it does.
    pub mode: Mode,
    /// Fault code, 0 = none.
    pub fault: u8,
    /// Grid voltage, V.
    pub grid_v: f64,
    /// Grid frequency, Hz.
    pub grid_hz: f64,
    /// Output voltage, V.
    pub out_v: f64,
    /// Output frequency, Hz.
    pub out_hz: f64,
    /// Apparent power of the loads, VA.
    pub load_va: f64,
    /// Power of the loads, W.
    pub load_w: f64,
    /// Load, %.
    pub load_pct: f64,
    /// Bus voltage, V.
    pub bus_v: f64,
    /// Battery voltage, V.
    pub battery_v: f64,
    /// Charge current, A.
    pub charge_a: f64,
    /// Discharge current, A.
    pub discharge_a: f64,
    /// What the unit takes for the state of charge, %.
    pub capacity_pct: f64,
    /// Heat sink, C, or the raw A/D value of the small units.
    pub heat: f64,
    /// Strings.
    pub trackers: [Tracker; TRACKERS],
    /// Battery voltage seen by the solar charger, V.
    pub scc_v: f64,
    /// b7..b0 of QPIGS without b6, configuration changed.
    pub status: u8,
    /// b10 b9 b8.
    pub status_2: u8,
    /// Fan offset and EEPROM version, fields 17 and 18.
    pub fields_17_18: (u8, u8),
    /// Power fed in, W.
    pub feed_in_w: f64,
    /// The second leg of split-phase units.
    pub leg_2: Leg,
    /// Totals of the parallel set: charge A, VA, W, %.
    pub set: [f64; 4],
    /// Flags that are set, by their number in QPIWS.
    pub warnings: Vec<usize>,
    /// PI18: state of the trackers (0 abnormal, 1 idle, 2 charging).
    pub mppt: [u8; 2],
    /// PI18: 0 nothing, 1 charge, 2 discharge.
    pub battery_flow: u8,
    /// PI18: 0 nothing, 1 AC to DC, 2 DC to AC.
    pub converter_flow: u8,
    /// PI18: 0 nothing, 1 in, 2 out.
    pub line_flow: u8,
    /// Whether the loads are connected.
    pub load_on: bool,
    /// PI18: this unit's number in the set.
    pub parallel_id: u8,
    /// Battery temperature, C, where there is a BMS.
    pub cells_c: f64,
    /// Energy of the day, Wh (REVO).
    pub day_wh: f64,
}

/// Part of a parallel set's load and current that its n-th unit carries: nearly even, as real sets are.
pub(crate) fn share(unit: u8, units: u8) -> f64 {
    let weight = |unit: u8| 1.0 + 0.05 * (f64::from(unit % 3) - 1.0);
    weight(unit) / (0..units.max(1)).map(weight).sum::<f64>()
}

/// What is above zero; never the zero that prints as -0.
fn over_zero(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

/// Apparent power of household loads.
fn apparent_va(watts: f64) -> f64 {
    watts.hypot(if watts > 0.0 { 0.3 * watts + 20.0 } else { 0.0 })
}

impl Reading {
    /// What the n-th unit of a set measures.
    pub(crate) fn of(
        truth: &InverterTruth,
        (model, plate): (&Model, &Nameplate),
        eeprom: &Eeprom,
        switches: &Switches,
        unit: u8,
    ) -> Self {
        let part = share(unit, plate.units);
        let load_w = truth.load_w * part;
        let load_va = apparent_va(load_w);
        let mode = mode(truth, model, eeprom, switches);
        let output = output(truth, plate, eeprom);
        let amps = truth.battery_a * part;
        let trackers = std::array::from_fn(|index| tracker(truth, index, part));
        let pct = |watts: f64, va: f64, units: f64| {
            100.0 * (watts / plate.rated_w).max(va / plate.rated_va) / units
        };
        let load_on = output.0 > 0.0;
        let solar_w: f64 = truth.pv_w.iter().sum();
        let set_va = apparent_va(truth.load_w);
        let mut reading = Self {
            mode,
            fault: truth.orders.fault.unwrap_or(0),
            grid_v: truth.grid_level * plate.ac_v,
            grid_hz: truth.grid_pace * plate.ac_hz,
            out_v: output.0,
            out_hz: output.1,
            load_va,
            load_w,
            load_pct: pct(load_w, load_va, 1.0),
            bus_v: if load_on { 380.0 + load_w * 40.0 / plate.rated_w } else { 0.0 },
            battery_v: truth.battery_v,
            charge_a: over_zero(-amps),
            discharge_a: over_zero(amps),
            capacity_pct: capacity_pct(truth, plate, eeprom),
            heat: if model.gs_fields == 17 { 430.0 - 4.0 * (truth.heat_c - 25.0) } else { truth.heat_c },
            trackers,
            scc_v: if model.field12 == Field12::BatteryAmps && solar_w > SUN_W {
                truth.battery_v
            } else {
                0.0
            },
            status: 0,
            status_2: if truth.floating { 0b110 } else { 0b010 },
            fields_17_18: (0, 0),
            feed_in_w: over_zero(-truth.grid_in_w) * part,
            leg_2: Leg::default(),
            set: [
                over_zero(-truth.battery_a),
                set_va,
                truth.load_w,
                pct(truth.load_w, set_va, f64::from(plate.units)),
            ],
            warnings: warnings(truth, model, switches, solar_w),
            mppt: [0, 1].map(|index| match truth.pv_w[index] {
                watts if watts > SUN_W => 2,
                _ if truth.pv_v[index] > 0.0 => 1,
                _ => 0,
            }),
            battery_flow: flow(-amps, 0.5),
            converter_flow: converter_flow(truth, solar_w),
            line_flow: flow(truth.grid_in_w, 5.0),
            load_on,
            parallel_id: unit,
            cells_c: 25.0,
            day_wh: 0.0,
        };
        reading.status = status(&reading, truth, model);
        if model.family == Family::Pi41 {
            reading.split(plate);
        }
        reading
    }

    /// Two legs carry the loads, the first a little more.
    fn split(&mut self, plate: &Nameplate) {
        let leg = |part: f64| Leg {
            grid_v: self.grid_v,
            out_v: self.out_v,
            va: self.load_va * part,
            watts: self.load_w * part,
            pct: self.load_va * part * 200.0 / plate.rated_va,
        };
        let (first, second) = (leg(0.55), leg(0.45));
        (self.load_va, self.load_w, self.load_pct) = (first.va, first.watts, first.pct);
        self.leg_2 = second;
    }
}

/// Volts and hertz of the output: the grid's, the unit's own, or none.
fn output(truth: &InverterTruth, plate: &Nameplate, eeprom: &Eeprom) -> (f64, f64) {
    match truth.operation {
        Operation::Line => (truth.grid_level * plate.ac_v, truth.grid_pace * plate.ac_hz),
        Operation::Battery => eeprom.output,
        _ => (0.0, 0.0),
    }
}

/// What the converter between AC and DC does.
fn converter_flow(truth: &InverterTruth, solar_w: f64) -> u8 {
    match truth.operation {
        _ if truth.grid_charge_w > 5.0 => 1,
        Operation::Battery => 2,
        Operation::Line if solar_w > SUN_W => 2,
        _ => 0,
    }
}

fn flow(value: f64, least: f64) -> u8 {
    match value {
        value if value > least => 1,
        value if value < -least => 2,
        _ => 0,
    }
}

fn tracker(truth: &InverterTruth, index: usize, part: f64) -> Tracker {
    let (watts, volts) = (truth.pv_w[index] * part, truth.pv_v[index]);
    Tracker {
        volts,
        amps: if volts > 0.0 { watts / volts } else { 0.0 },
        watts,
        charge_a: if truth.battery_v > 0.0 { watts * 0.98 / truth.battery_v } else { 0.0 },
    }
}

fn mode(truth: &InverterTruth, model: &Model, eeprom: &Eeprom, switches: &Switches) -> Mode {
    let has = |letter: char| model.modes.contains(letter);
    if let Some(letter) = switches.mode {
        return Mode::of_letter(letter);
    }
    match truth.operation {
        Operation::Fault => Mode::Fault,
        Operation::Battery => Mode::Battery,
        Operation::Line if has('Y') && truth.demand_w > truth.rated_w && eeprom.flags.contains(&'b') => {
            Mode::Bypass
        }
        Operation::Line if has('E') && eeprom.logic == 2 => Mode::Eco,
        Operation::Line => Mode::Line,
        Operation::Standby if has('C') && truth.battery_a < -0.5 => Mode::Charge,
        Operation::Standby if has('D') && !truth.grid_present => Mode::Shutdown,
        Operation::Standby => Mode::Standby,
    }
}

/// With a BMS (a lithium type is set) the cells' own figure, else a guess from the voltage: a poor one with these cells.
fn capacity_pct(truth: &InverterTruth, plate: &Nameplate, eeprom: &Eeprom) -> f64 {
    if eeprom.battery_type >= 3 {
        return truth.soc_pct;
    }
    let (empty_v, full_v) = (plate.battery_v * 46.0 / 48.0, plate.battery_v * 54.0 / 48.0);
    (100.0 * (truth.battery_v - empty_v) / (full_v - empty_v)).clamp(0.0, 100.0)
}

/// b7 SBU, b5 solar charger's firmware, b4 load on, b2 charging, b1 by the panels, b0 by the grid; the LV5048 has its own.
fn status(reading: &Reading, truth: &InverterTruth, model: &Model) -> u8 {
    let bit = |on: bool, number: u8| u8::from(on) << number;
    let charging = truth.battery_a < -0.1;
    let solar = charging && truth.pv_w.iter().sum::<f64>() > SUN_W;
    let grid = truth.grid_charge_w > 5.0;
    if model.family == Family::Pi41 {
        return bit(true, 7)
            | bit(grid, 6)
            | bit(solar, 5)
            | bit(!truth.grid_present, 2)
            | bit(reading.load_on, 1);
    }
    let classic = model.field12 == Field12::BatteryAmps && model.gs_fields > 17;
    bit(classic, 5) | bit(reading.load_on, 4) | bit(solar || grid, 2) | bit(solar, 1) | bit(grid, 0)
}

/// The flags that are due, by their number in QPIWS: these numbers are the same in every document.
fn warnings(truth: &InverterTruth, model: &Model, switches: &Switches, solar_w: f64) -> Vec<usize> {
    let orders = &truth.orders;
    let low_v = orders.cutoff_v + 0.02 * orders.bulk_v;
    let code = orders.fault.unwrap_or(0);
    // The newer units call it a warning when there is no sun.
    let dark = model.warnings == 36 && solar_w <= SUN_W;
    let due = [
        (0, dark),
        (1, code != 0),
        (2, code == 8),
        (3, code == 52),
        (5, !truth.grid_present),
        (9, code == 2),
        (10, code == 1),
        (11, code == 3),
        (12, truth.battery_v <= low_v),
        (14, truth.battery_v <= orders.cutoff_v),
        (16, code == 7 || truth.demand_w > truth.rated_w),
        (18, code == 51),
        (22, code == 56),
    ];
    let mut flags: Vec<_> = due.iter().filter(|(_, on)| *on).map(|(number, _)| *number).collect();
    flags
        .extend(switches.warnings.iter().filter(|number| !due.iter().any(|(due, on)| due == *number && *on)));
    flags.sort_unstable();
    flags.dedup();
    flags
}
