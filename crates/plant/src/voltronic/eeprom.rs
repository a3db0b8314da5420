//! What a unit keeps when it is switched off: every setting, as it left the factory or as it was set.

use super::profile::{Family, Model};
use crate::house::{ChargerPriority, Orders, OutputPriority, SolarPriority};
use std::collections::BTreeSet;

/// The settings of a unit. Voltages are those of the bank.
#[derive(Debug, Clone, PartialEq)]
pub struct Eeprom {
    /// What the power stage is told.
    pub orders: Orders,
    /// 0 AGM, 1 flooded, 2 user, 3 and more lithium: voltages can be set by hand only with 2.
    pub battery_type: u8,
    /// 0 = appliance (wide), 1 = UPS (narrow).
    pub input_range: u8,
    /// 0 single, 1 parallel, 2..=4 phases of three, 5..=7 of two.
    pub output_mode: u8,
    /// What several units need to take the sun as there.
    pub pv_ok: u8,
    /// Whether the panels may give the sum of charge and load.
    pub pv_balance: u8,
    /// Longest time at the charge voltage, min; 0 = by itself.
    pub cv_minutes: u16,
    /// 0 automatic, 1 online, 2 ECO.
    pub logic: u8,
    /// Largest discharge current, A; 0 = no limit.
    pub discharge_max_a: u16,
    /// Letters of the flags that are on.
    pub flags: BTreeSet<char>,
    /// Equalisation.
    pub equalisation: Equalisation,
    /// Largest power fed in, W: the three-phase units.
    pub feed_in_max_w: u32,
    /// Rated output voltage and frequency as set.
    pub output: (f64, f64),
}

/// The settings of QBEQI.
#[derive(Debug, Clone, PartialEq)]
pub struct Equalisation {
    /// Whether it is on.
    pub enabled: bool,
    /// How long it takes, min.
    pub minutes: u16,
    /// How often, days.
    pub period_days: u16,
    /// Largest current, A.
    pub current_max_a: u16,
    /// Its voltage, V.
    pub volts: f64,
    /// When it is given up, min.
    pub give_up_minutes: u16,
    /// Whether it runs at present.
    pub active: bool,
    /// Since the last one, h.
    pub elapsed_h: u16,
}

impl Eeprom {
    /// As the seller leaves it: user battery, SBU, sun and grid charge a lithium bank gently.
    pub(crate) fn installed(model: &Model) -> Self {
        let mut eeprom = Self::factory(model);
        let cells = model.battery_v / 48.0;
        eeprom.battery_type = 2;
        let orders = &mut eeprom.orders;
        orders.output = OutputPriority::SolarBatteryUtility;
        orders.charger = ChargerPriority::SolarFirst;
        orders.recharge_v = 48.0 * cells;
        orders.redischarge_v = 52.0 * cells;
        orders.cutoff_v = 46.0 * cells;
        orders.bulk_v = 56.0 * cells;
        orders.float_v = 54.0 * cells;
        orders.charge_max_a = 60.0;
        orders.grid_charge_max_a = 30.0;
        orders.output_on = !matches!(model.family, Family::Ups | Family::Charger);
        eeprom
    }

    /// As PF makes it: lead-acid values.
    pub(crate) fn factory(model: &Model) -> Self {
        let cells = model.battery_v / 48.0;
        let max = model.family == Family::Pi30 && model.blends;
        let (all, grid) = model.currents;
        let largest = |list: &[u16], wanted: u16| {
            f64::from(list.iter().copied().filter(|amps| *amps <= wanted).max().unwrap_or(wanted))
        };
        Self {
            orders: Orders {
                output: OutputPriority::UtilityFirst,
                charger: ChargerPriority::SolarAndUtility,
                solar: SolarPriority::BatteryFirst,
                recharge_v: 46.0 * cells,
                redischarge_v: 54.0 * cells,
                cutoff_v: if max { 44.0 } else { 42.0 } * cells,
                bulk_v: 56.4 * cells,
                float_v: 54.0 * cells,
                grid_charge_max_a: largest(grid, 30),
                charge_max_a: largest(all, 60),
                feed_in: false,
                output_on: true,
                fault: None,
            },
            battery_type: 0,
            input_range: 0,
            output_mode: 0,
            pv_ok: 0,
            pv_balance: 1,
            cv_minutes: if max { 224 } else { 0 },
            logic: 0,
            discharge_max_a: 0,
            flags: if max { "akxyz" } else { "akxy" }
                .chars()
                .filter(|letter| model.flags.contains(*letter))
                .collect(),
            equalisation: Equalisation {
                enabled: false,
                minutes: 60,
                period_days: 30,
                current_max_a: 80,
                volts: 58.4 * cells,
                give_up_minutes: 120,
                active: false,
                elapsed_h: 0,
            },
            feed_in_max_w: 10_000,
            output: model.ac,
        }
    }
}
