//! Faults and warnings by name, with what their owner can do. The numbers are the vendor's fault codes (`QPGSn` field 3,
//! PI18 `FWS` field 0, and the last characters of `QPIWS`).

use ohmstead_model::Severity;

/// Something that an inverter complains about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Stable key.
    pub(crate) key: &'static str,
    /// How serious it is.
    pub(crate) severity: Severity,
    /// What is the case.
    pub(crate) text: &'static str,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

const fn fault(key: &'static str, text: &'static str, hint: &'static str) -> Named {
    Named { key, severity: Severity::Alarm, text, hint }
}

const fn warning(key: &'static str, text: &'static str, hint: &'static str) -> Named {
    Named { key, severity: Severity::Warning, text, hint }
}

const SERVICE: &str = "switch the inverter off and on; if it comes back, have it serviced";
const LOADS: &str = "reduce the loads on the output";
const CABLES: &str = "check the battery's cables, fuse and charge";
const AIR: &str = "check fans, dust filter and the air around the inverter";
const PANELS: &str =
    "check the string's open-circuit voltage against the inverter's limit, coldest day included";

macro_rules! named {
    ($($name:ident = $def:expr;)*) => {
        $(pub(crate) static $name: Named = $def;)*

        /// All of them.
        #[cfg(test)]
        pub(crate) static ALL: &[&Named] = &[$(&$name),*];
    };
}

named! {
    INVERTER = fault("inverter_fault", "the inverter reports a fault", SERVICE);
    BUS_HIGH = fault("bus_voltage_high", "the DC bus voltage is too high", SERVICE);
    BUS_LOW = fault("bus_voltage_low", "the DC bus voltage is too low", SERVICE);
    BUS_SOFT_START = fault("bus_soft_start_failed", "the DC bus did not start", SERVICE);
    LINE_FAIL = warning("grid_failed", "there is no grid at the input", "nothing, if the grid is switched off; else check the breaker");
    OUTPUT_SHORT = fault("output_short", "the output is short-circuited", "disconnect the loads and find the short");
    OUTPUT_SHORT_W = warning("output_short", "the output is short-circuited", "disconnect the loads and find the short");
    OUTPUT_LOW = fault("output_voltage_low", "the output voltage is too low", LOADS);
    OUTPUT_HIGH = fault("output_voltage_high", "the output voltage is too high", SERVICE);
    OVER_TEMPERATURE = warning("over_temperature", "it is too hot", AIR);
    OVER_TEMPERATURE_F = fault("over_temperature", "it is too hot and has stopped", AIR);
    FAN_LOCKED = warning("fan_locked", "a fan does not turn", AIR);
    FAN_LOCKED_F = fault("fan_locked", "a fan does not turn and it has stopped", AIR);
    BATTERY_HIGH = warning("battery_voltage_high", "the battery voltage is too high", "check the charging voltages and the other chargers");
    BATTERY_HIGH_F = fault("battery_voltage_high", "the battery voltage is too high and it has stopped", "check the charging voltages and the other chargers");
    BATTERY_LOW = warning("battery_voltage_low", "the battery voltage is low", CABLES);
    BATTERY_LOW_F = fault("battery_voltage_low", "the battery voltage is too low and it has stopped", CABLES);
    OVERCHARGE = fault("battery_overcharged", "the battery is overcharged", "check the charging voltages and the other chargers");
    BATTERY_UNDER = warning("battery_shut_down", "the battery is below its cut-off voltage", CABLES);
    BATTERY_DERATING = warning("battery_derating", "the battery limits the power", CABLES);
    OVERLOAD = warning("overload", "the output is overloaded", LOADS);
    OVERLOAD_F = fault("overload", "the output was overloaded for too long and it has stopped", LOADS);
    EEPROM = warning("eeprom_fault", "its settings memory fails", SERVICE);
    OVER_CURRENT = fault("inverter_over_current", "the inverter current is too high", LOADS);
    SOFT_START = fault("inverter_soft_start_failed", "the inverter did not start", SERVICE);
    SELF_TEST = fault("self_test_failed", "its self test failed", SERVICE);
    DC_OFFSET = fault("output_dc_offset", "there is DC voltage on the output", SERVICE);
    BATTERY_OPEN = fault("battery_disconnected", "the battery is not connected", CABLES);
    CURRENT_SENSOR = fault("current_sensor_failed", "a current sensor fails", SERVICE);
    BATTERY_OPEN_W = warning("battery_disconnected", "the battery is not connected", CABLES);
    GRID_OUT_OF_RANGE = warning("grid_out_of_range", "the grid's voltage or frequency is outside the limits", "ask the grid operator, or check the input range that is set");
    GRID_ISLAND = warning("grid_island", "the inverter takes the grid for an island", "nothing, if the grid is switched off; else check the breaker");
    GRID_PHASES = warning("grid_phase_order", "the phases of the input are in the wrong order", "swap two phases of the input");
    EMERGENCY_OFF = warning("emergency_power_off", "the emergency switch is on", "release the emergency switch");
    BATTERY_SHORT = fault("battery_short", "the battery is short-circuited", CABLES);
    POWER_LIMIT = warning("power_limited", "the power is limited", AIR);
    PV_HIGH = warning("pv_voltage_high", "the solar voltage is too high", PANELS);
    PV_HIGH_F = fault("pv_voltage_high", "the solar voltage is too high and it has stopped", PANELS);
    MPPT_OVERLOAD = warning("mppt_overload", "a solar charger is overloaded", PANELS);
    MPPT_OVERLOAD_FAULT = warning("mppt_overload_fault", "a solar charger has stopped because of overload", PANELS);
    BATTERY_TOO_LOW_TO_CHARGE = warning("battery_too_low_to_charge", "the battery voltage is too low to charge from the sun", CABLES);
    PV_LOSS = warning("pv_lost", "no sun reaches the charger", "nothing at night; by day check the string's fuse and switch");
    PV_LOW = warning("pv_energy_low", "there is little solar energy", "nothing, in the dark");
    DCDC_OVER_CURRENT = fault("dcdc_over_current", "the current between battery and bus is too high", LOADS);
    HIGH_AC_INPUT = warning("grid_voltage_high_at_start", "the grid voltage is high while the bus starts", SERVICE);
    EQUALIZING = warning("battery_equalizing", "the battery is being equalised", "switch equalisation off for lithium batteries");
    BATTERY_WEAK = warning("battery_weak", "the battery is weak", CABLES);
    SLAVE = warning("slave_warning", "another unit of the set has a warning", "look at that unit");
    PV_OVER_CURRENT = fault("pv_over_current", "the solar current is too high", PANELS);
    DISCHARGE_OVER_CURRENT = fault("battery_over_current", "the discharging current is too high", LOADS);
    POWER_FEEDBACK = fault("power_feedback", "power flows back from another unit", "check the wiring of the parallel set");
    FIRMWARE_DIFFERS = fault("parallel_firmware_differs", "the units of the set have different firmware", "bring all units to one version");
    CURRENT_SHARING = fault("parallel_current_sharing", "the units do not share the current", "check the wiring of the parallel set");
    CAN_FAULT = fault("parallel_can_fault", "the units of the set do not hear each other", "check the communication cables");
    HOST_LOSS = fault("parallel_host_lost", "the master of the set is gone", "check the communication cables");
    SYNC_LOSS = fault("parallel_sync_lost", "the units of the set are out of step", "check the communication cables");
    BATTERY_DIFFERS = fault("parallel_battery_differs", "the units see different battery voltages", "connect all units to one battery with cables of equal length");
    INPUT_DIFFERS = fault("parallel_grid_differs", "the units see different grids", "connect all inputs to one supply");
    INPUT_UNBALANCED = fault("parallel_grid_unbalanced", "the units draw unequal currents from the grid", "use input cables of equal length");
    MODE_DIFFERS = fault("parallel_mode_differs", "the units are set to different output modes", "set the output mode of each unit");
    CODE_UNKNOWN = fault("fault_code_unknown", "it reports a fault with a code that is not known", "see the display and the manual");
}

/// The fault behind a code; `None` for 0, which is none.
pub(crate) fn by_code(code: u32) -> Option<&'static Named> {
    Some(match code {
        0 => return None,
        1 => &FAN_LOCKED_F,
        2 => &OVER_TEMPERATURE_F,
        3 => &BATTERY_HIGH_F,
        4 => &BATTERY_LOW_F,
        5 => &OUTPUT_SHORT,
        6 => &OUTPUT_HIGH,
        7 => &OVERLOAD_F,
        8 => &BUS_HIGH,
        9 => &BUS_SOFT_START,
        10 => &PV_OVER_CURRENT,
        11 | 59 => &PV_HIGH_F,
        12 => &DCDC_OVER_CURRENT,
        13 => &DISCHARGE_OVER_CURRENT,
        51 => &OVER_CURRENT,
        52 => &BUS_LOW,
        53 => &SOFT_START,
        54 => &SELF_TEST,
        55 => &DC_OFFSET,
        56 => &BATTERY_OPEN,
        57 => &CURRENT_SENSOR,
        58 => &OUTPUT_LOW,
        60 => &POWER_FEEDBACK,
        71 => &FIRMWARE_DIFFERS,
        72 => &CURRENT_SHARING,
        80 => &CAN_FAULT,
        81 => &HOST_LOSS,
        82 => &SYNC_LOSS,
        83 => &BATTERY_DIFFERS,
        84 => &INPUT_DIFFERS,
        85 => &INPUT_UNBALANCED,
        86 => &MODE_DIFFERS,
        _ => &CODE_UNKNOWN,
    })
}

macro_rules! digits {
    ($($digits:literal: $early:literal, $late:literal;)*) => {
        /// Digits that are one code on some models and another one on others, or none.
        static DIGITS: &[(&str, Named)] = &[$((
            $digits,
            fault(
                concat!("fault_digits_", $digits),
                concat!("it reports a fault with the digits ", $digits, ": code ", $early, " on some models, ", $late, " on others"),
                "see the display and the manual",
            ),
        )),*];
    };
}

digits! {
    "001": "00", "01";
    "010": "01", "10";
    "011": "01", "11";
    "051": "05", "51";
    "060": "06", "60";
    "071": "07", "71";
    "080": "08", "80";
    "081": "08", "81";
    "100": "10", "00";
    "101": "10", "01";
    "110": "11", "10";
}

/// The fault behind digits whose place is not known.
pub(crate) fn by_digits(digits: &str) -> &'static Named {
    let known = DIGITS.iter().find(|(known, _)| *known == digits);
    known.map_or(&CODE_UNKNOWN, |(_, named)| named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_stable_words_and_every_code_has_a_name() {
        for named in ALL {
            assert!(named.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", named.key);
            assert!(!named.text.is_empty() && !named.hint.is_empty(), "{}", named.key);
        }
        assert_eq!(by_code(0), None);
        for code in (1..=13).chain(51..=60).chain([71, 72]).chain(80..=86) {
            assert_ne!(by_code(code), Some(&CODE_UNKNOWN), "{code}");
        }
        assert_eq!(by_code(99), Some(&CODE_UNKNOWN));
        assert!(by_digits("051").text.contains("code 05") && *by_digits("999") == CODE_UNKNOWN);
    }
}
