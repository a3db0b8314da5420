//! What each metric must be, by the simulated unit's own measurements and settings, written from the protocol's documents
//! and not from the driver.

use ohmstead_model::Metric;
use ohmstead_plant::house::{ChargerPriority, OutputPriority};
use ohmstead_plant::voltronic::{Eeprom, Nameplate, Reading, UnitTruth};

use super::cable::Heard;

/// Which unit told something, and when.
pub(crate) struct Place<'a> {
    /// The profile of the unit.
    pub(crate) profile: &'static str,
    pub(crate) plate: &'a Nameplate,
    /// The question that was answered.
    pub(crate) asked: &'a Heard,
    /// The questions of the last round.
    pub(crate) recent: &'a [&'a Heard],
}

/// What a value must be.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    /// A number between these.
    Between(f64, f64),
    /// This state or text.
    Word(String),
    /// A list of these names, sorted.
    Names(Vec<&'static str>),
    /// Nothing that the unit knows; why.
    Elsewhere(&'static str),
    /// There is no row for it: that is a mistake of this table.
    NoRow,
}

use Expected::{Between, Elsewhere, Names, NoRow, Word};

/// What lies within half a step of the wire.
fn about(truth: f64, step: f64) -> Expected {
    Between(truth - step / 2.0, truth + step / 2.0)
}

fn word(text: &str) -> Expected {
    Word(text.to_owned())
}

impl Place<'_> {
    fn is(&self, family: &str) -> bool {
        self.profile.starts_with(family)
    }

    fn truth(&self) -> &UnitTruth {
        &self.asked.truth
    }

    fn reading(&self) -> &Reading {
        &self.asked.truth.reading
    }
}

/// What the metric must be.
pub(crate) fn expected(metric: Metric, place: &Place<'_>) -> Expected {
    let id = metric.id();
    let rows = [mains, battery, solar, settings, words, flags];
    let found = rows.iter().map(|row| row(id, place)).find(|expected| *expected != NoRow);
    found.unwrap_or(NoRow)
}

/// Grid, output and loads.
fn mains(id: &str, place: &Place<'_>) -> Expected {
    let reading = place.reading();
    // Hundredths of hertz, and a third of the load on each phase.
    let three = place.is("pi17");
    let hertz = if three { 0.01 } else { 0.1 };
    match id {
        "grid_voltage" | "grid_voltage_l1" | "grid_voltage_l2" | "grid_voltage_l3" => {
            about(reading.grid_v, 0.1)
        }
        "grid_frequency" => about(reading.grid_hz, hertz),
        "inverter_voltage" => about(reading.out_v, 0.1),
        "inverter_frequency" => about(reading.out_hz, hertz),
        "inverter_apparent_power" => about(reading.load_va, 1.0),
        "inverter_load_share" => about(reading.load_pct, 1.0),
        "inverter_bus_voltage" => about(reading.bus_v, 1.0),
        "inverter_temperature" => about(reading.heat, 1.0),
        "inverter_power_max" => about(place.plate.rated_w, 1.0),
        "load_power" if place.is("pi41") => {
            sum(place, 1.0, |reading| vec![reading.load_w, reading.leg_2.watts])
        }
        "load_power_l1" | "load_power_l2" | "load_power_l3" if three => about(reading.load_w / 3.0, 1.0),
        "load_power" | "load_power_l1" => about(reading.load_w, 1.0),
        "load_power_l2" => about(reading.leg_2.watts, 1.0),
        "load_energy" => counted(place.truth().load_wh, 1.0),
        "parallel_units" => about(f64::from(place.plate.units), 0.0),
        "answer_time" | "answer_share" | "frames_dropped" => {
            Elsewhere("it is about the line, not about the unit")
        }
        _ => NoRow,
    }
}

/// A sum of parts that were told within the last round, each in steps.
fn sum(place: &Place<'_>, step: f64, parts: impl Fn(&Reading) -> Vec<f64>) -> Expected {
    let all: Vec<Vec<f64>> = place.recent.iter().map(|heard| parts(&heard.truth.reading)).collect();
    let count = all.first().map_or(0, Vec::len);
    let bound = |pick: fn(f64, f64) -> f64, from: f64| -> f64 {
        (0..count).map(|index| all.iter().map(|parts| parts[index]).fold(from, pick)).sum()
    };
    let slack = step / 2.0 * count as f64;
    Between(bound(f64::min, f64::INFINITY) - slack, bound(f64::max, f64::NEG_INFINITY) + slack)
}

/// kWh of a counter that drops what is less than a count of so many Wh.
fn counted(wh: f64, count_wh: f64) -> Expected {
    Between((wh - count_wh) / 1000.0, wh / 1000.0)
}

fn battery(id: &str, place: &Place<'_>) -> Expected {
    let reading = place.reading();
    let amperes = reading.discharge_a - reading.charge_a;
    let tenths = place.is("pi18") || place.is("pi17");
    let volts_step = if tenths { 0.1 } else { 0.01 };
    let amperes_step = if place.is("pi17") { 0.1 } else { 1.0 };
    match id {
        "battery_voltage" => about(reading.battery_v, volts_step),
        "battery_soc" => about(reading.capacity_pct, 1.0),
        "battery_current" => about(amperes, amperes_step),
        "battery_power" => {
            let most = amperes.abs() + amperes_step / 2.0;
            about(amperes * reading.battery_v, amperes_step * reading.battery_v + volts_step * most)
        }
        "voltronic_battery_charge_current" => about(reading.charge_a, 1.0),
        "voltronic_battery_discharge_current" => about(reading.discharge_a, 1.0),
        "voltronic_battery_voltage_scc" => about(reading.scc_v, 0.01),
        _ => NoRow,
    }
}

/// The half step of a tracker's power, W: where only whole amperes into the battery are told, half of one at its voltage,
/// and two in a hundred that the charger itself takes.
fn watts_step(place: &Place<'_>, tracker: usize) -> f64 {
    let reading = place.reading();
    let is_product = place.is("pi30-17") || place.is("pi41") && tracker == 1;
    if is_product { 1.1 * reading.battery_v + 0.05 * reading.trackers[tracker].watts } else { 1.0 }
}

fn solar(id: &str, place: &Place<'_>) -> Expected {
    let reading = place.reading();
    let [first, second, _] = reading.trackers;
    // Old units tell whole amperes into the battery, newer ones the panels' in tenths.
    let is_battery_side = ["pi30-17", "pi30-21", "pi41"].contains(&place.profile);
    let step = if place.is("pi30-max") { 0.1 } else { 1.0 };
    match id {
        "pv_power_1" => about(first.watts, watts_step(place, 0)),
        "pv_power_2" => about(second.watts, watts_step(place, 1)),
        "pv_power" => {
            let slack = watts_step(place, 0).max(watts_step(place, 1));
            sum(place, slack, |reading| {
                reading.trackers.iter().take(2).map(|tracker| tracker.watts).collect()
            })
        }
        "pv_voltage_1" => about(first.volts, 0.1),
        "pv_voltage_2" => about(second.volts, 0.1),
        "pv_current_1" => about(first.amps, 0.1),
        "pv_current_2" => about(second.amps, 0.1),
        "voltronic_solar_current" if is_battery_side => about(first.charge_a, 1.0),
        "voltronic_solar_current" => about(first.amps, step),
        // By the document these count kWh; those that were captured count Wh.
        "pv_energy" if place.profile == "pi18" || place.is("pi17") => counted(place.truth().pv_wh, 1000.0),
        "pv_energy" => counted(place.truth().pv_wh, 1.0),
        _ => NoRow,
    }
}

fn settings(id: &str, place: &Place<'_>) -> Expected {
    let eeprom = &place.truth().eeprom;
    let orders = &eeprom.orders;
    match id {
        "battery_recharge_voltage" => about(orders.recharge_v, 0.1),
        "battery_redischarge_voltage" => about(orders.redischarge_v, 0.1),
        "battery_cutoff_voltage" => about(orders.cutoff_v, 0.1),
        "battery_bulk_voltage" => about(orders.bulk_v, 0.1),
        "battery_float_voltage" => about(orders.float_v, 0.1),
        "charge_current_max" => about(orders.charge_max_a, 1.0),
        "grid_charge_current_max" => about(orders.grid_charge_max_a, 1.0),
        "discharge_current_max" => about(f64::from(eeprom.discharge_max_a), 0.0),
        "voltronic_battery_voltage_offset_fans" => about(f64::from(place.reading().fields_17_18.0), 0.0),
        "voltronic_eeprom_version" => about(f64::from(place.reading().fields_17_18.1), 0.0),
        "inverter_input_range" => word(if eeprom.input_range == 0 { "appliance" } else { "ups" }),
        "battery_type" => word(["agm", "flooded", "user", "pylontech"][usize::from(eeprom.battery_type)]),
        "output_priority" => word(output(place, eeprom).0),
        "battery_mode" => word(output(place, eeprom).1),
        "battery_mode_native" => word(output(place, eeprom).2),
        "charger_priority" => word(match orders.charger {
            ChargerPriority::UtilityFirst if place.is("pi18") => "solar_first",
            ChargerPriority::UtilityFirst => "utility_first",
            ChargerPriority::SolarFirst => "solar_first",
            ChargerPriority::SolarAndUtility => "solar_and_utility",
            ChargerPriority::SolarOnly => "solar_only",
        }),
        _ => NoRow,
    }
}

/// The output priority, the battery mode that it is, and the vendor's word. PI18 has no "grid first".
fn output(place: &Place<'_>, eeprom: &Eeprom) -> (&'static str, &'static str, &'static str) {
    match eeprom.orders.output {
        OutputPriority::SolarBatteryUtility => ("solar_battery_utility", "auto", "SBU"),
        OutputPriority::UtilityFirst if !place.is("pi18") => ("utility_first", "hold", "USB"),
        _ => ("solar_first", "native", "SUB"),
    }
}

fn words(id: &str, place: &Place<'_>) -> Expected {
    let truth = place.truth();
    let caret = place.is("pi18") || place.is("pi17");
    match id {
        "inverter_mode" => word(match truth.mode {
            'P' => "power_on",
            'S' => "standby",
            'L' if place.is("pi18") => "hybrid",
            'L' => "line",
            'B' => "battery",
            'F' => "fault",
            'H' => "power_saving",
            'D' => "shutdown",
            'C' => "charging",
            'Y' => "bypass",
            'E' => "eco",
            _ => return NoRow,
        }),
        "inverter_mode_native" if caret => word(match truth.mode {
            'P' => "00",
            'Y' => "02",
            'B' => "03",
            'F' => "04",
            'L' | 'E' => "05",
            'C' => "06",
            _ => "01",
        }),
        "inverter_mode_native" => word(&truth.mode.to_string()),
        "voltronic_device_status" => word(&format!("{:08b}", place.reading().status)),
        "voltronic_device_status_2" => word(&format!("{:03b}", place.reading().status_2)),
        "inverter_faults" if place.reading().fault == 0 => Names(Vec::new()),
        "inverter_warnings" if place.reading().fault == 0 => Names(warnings(place)),
        _ => NoRow,
    }
}

/// The names of the flags that are set, by their number in `QPIWS`.
fn warnings(place: &Place<'_>) -> Vec<&'static str> {
    let with_codes = ["pi30-mk", "pi30-max", "pi30-max21", "pi17"].contains(&place.profile);
    let name = |flag: &usize| -> Vec<&'static str> {
        match flag {
            0 if with_codes => vec!["pv_lost"],
            5 if place.is("pi17") => vec!["grid_failed", "grid_out_of_range"],
            5 => vec!["grid_failed"],
            12 => vec!["battery_voltage_low"],
            14 => vec!["battery_shut_down"],
            16 => vec!["overload"],
            0 => Vec::new(),
            other => panic!("flag {other} has no name here"),
        }
    };
    let mut names: Vec<_> = place.reading().warnings.iter().flat_map(name).collect();
    names.sort_unstable();
    names
}

fn flags(id: &str, place: &Place<'_>) -> Expected {
    let letter = match id {
        "flag_buzzer" => 'a',
        "flag_overload_bypass" => 'b',
        "flag_feed_in_allowed" => 'd',
        "flag_power_saving" => 'j',
        "flag_lcd_return" => 'k',
        "flag_overload_restart" => 'u',
        "flag_over_temperature_restart" => 'v',
        "flag_backlight" => 'x',
        "flag_source_alarm" => 'y',
        "flag_fault_record" => 'z',
        _ => return NoRow,
    };
    word(if place.truth().eeprom.flags.contains(&letter) { "yes" } else { "no" })
}
