//! What a unit says about itself: ratings, numbers, and the widths that differ between units of one family.

use super::{profile::Model, setup::InverterSetup};

/// QID has no more digits.
const SHORT_DIGITS: usize = 14;
/// QSID has no more digits.
const LONG_DIGITS: usize = 20;

/// The identity of a unit. Everything may be changed, to make it another unit of its family.
#[derive(Debug, Clone, PartialEq)]
pub struct Nameplate {
    /// QID, `QPGSn`: the first fourteen digits of the number, or all of a shorter one.
    pub serial: String,
    /// QSID, PI18 ID: twenty digits, of which only the first are the number.
    pub serial_long: String,
    /// How many of them.
    pub serial_digits: usize,
    /// QMN.
    pub model_name: String,
    /// QGMN.
    pub model_number: String,
    /// QVFW, after `VERFW:`.
    pub firmware: String,
    /// QVFW2 likewise.
    pub firmware_2: String,
    /// Rated apparent power of one unit, VA.
    pub rated_va: f64,
    /// Rated power of one unit, W.
    pub rated_w: f64,
    /// Rated current of the AC side, A.
    pub rated_a: f64,
    /// Rated voltage of the bank, V.
    pub battery_v: f64,
    /// Rated voltage of the AC side, V.
    pub ac_v: f64,
    /// Rated frequency, Hz.
    pub ac_hz: f64,
    /// QPIRI field 18: a digit, or `-`.
    pub parallel_max: char,
    /// QPIRI field 19: 0 grid tie, 1 off grid, 10 hybrid, 11 two trackers, 20 three.
    pub machine_type: u8,
    /// QPIRI field 20.
    pub topology: u8,
    /// Fields of QPIRI, 25..=28 (PI18: 25 or 26).
    pub rating_fields: usize,
    /// Digits of QPIRI fields 13 and 14.
    pub current_digits: (usize, usize),
    /// Digits of QPIRI field 25.
    pub cv_digits: usize,
    /// Charge currents that the setters take, A.
    pub charge_currents: Vec<u16>,
    /// Grid charge currents that the setters take, A.
    pub grid_currents: Vec<u16>,
    /// Letters of QFLAG in the order in which they are listed.
    pub flag_letters: String,
    /// Units in the parallel set, this one included.
    pub units: u8,
}

impl Nameplate {
    pub(crate) fn new(model: &Model, setup: &InverterSetup) -> Self {
        let (fields, grid_digits, charge_digits, parallel_max, cv_digits) = model.rating;
        let (ac_v, ac_hz) = model.ac;
        Self {
            serial: setup.serial.chars().take(SHORT_DIGITS).collect(),
            serial_digits: setup.serial.len().min(LONG_DIGITS),
            serial_long: format!("{:0<20.20}", setup.serial),
            model_name: model.model_name.to_owned(),
            model_number: model.model_number.to_owned(),
            firmware: model.firmware.to_owned(),
            firmware_2: "00000.31".to_owned(),
            rated_va: model.rated_va * setup.rated_w / model.rated_w,
            rated_w: setup.rated_w,
            // As the units say it: cut, not rounded.
            rated_a: (model.rated_va / ac_v * 10.0).floor() / 10.0,
            battery_v: model.battery_v,
            ac_v,
            ac_hz,
            parallel_max,
            machine_type: 1,
            topology: 0,
            rating_fields: if model.warnings == 17 { 26 } else { fields },
            current_digits: (grid_digits, charge_digits),
            cv_digits,
            charge_currents: model.currents.0.to_vec(),
            grid_currents: model.currents.1.to_vec(),
            flag_letters: model.flags.to_owned(),
            units: setup.units,
        }
    }

    /// The serial number of the n-th unit of the set, the first being this one.
    pub fn serial_of(&self, unit: u8) -> String {
        let (head, tail) = self.serial.split_at(self.serial.len().saturating_sub(3));
        match tail.parse::<u32>() {
            Ok(number) if unit > 0 => {
                format!("{head}{:0width$}", (number + u32::from(unit)) % 1_000, width = tail.len())
            }
            _ => self.serial.clone(),
        }
    }
}
