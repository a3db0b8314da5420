//! Which of our values each documented one is: by family and command, key by key.

/// Where a documented value is found.
#[derive(Clone, Copy)]
pub(crate) enum To {
    /// A number that is this metric, in the same unit.
    Metric(&'static str),
    /// A code that is this state of the metric.
    State(&'static str, &'static [(&'static str, &'static str)]),
    /// Text that is this metric as it stands.
    Text(&'static str),
    /// Only a field of this name, as it was received.
    Raw(&'static str),
    /// The same, received in tenths.
    RawTenths(&'static str),
}

impl To {
    /// For the listing.
    pub(crate) fn place(self) -> String {
        match self {
            Self::Metric(id) | Self::State(id, _) | Self::Text(id) => id.to_owned(),
            Self::Raw(name) => format!("field {name}"),
            Self::RawTenths(name) => format!("field {name} in tenths"),
        }
    }
}

use To::{Metric, Raw, RawTenths, State, Text};

pub(crate) type Rows = &'static [(&'static str, To)];

/// The rows for the answers that are documented field by field.
pub(crate) fn rows(family: &str, command: &str) -> Option<Rows> {
    Some(match (family, command) {
        ("PI30" | "PI30MAX", "QPIGS") => QPIGS,
        ("PI30REVO", "QPIGS") => QPIGS_REVO,
        ("PI30MAX", "QPIGS2") => QPIGS2,
        ("PI30" | "PI30MAX" | "PI41", "QPIRI") => QPIRI,
        ("PI18", "GS") => GS,
        ("PI18", "PIRI") => PIRI,
        _ => return None,
    })
}

const QPIGS: Rows = &[
    ("utility_voltage", Metric("grid_voltage")),
    ("utility_frequency", Metric("grid_frequency")),
    ("output_voltage", Metric("inverter_voltage")),
    ("output_frequency", Metric("inverter_frequency")),
    ("load_va", Metric("inverter_apparent_power")),
    ("load_w", Metric("load_power")),
    ("load_percent", Metric("inverter_load_share")),
    ("bus_voltage", Metric("inverter_bus_voltage")),
    ("battery_voltage", Metric("battery_voltage")),
    ("battery_charge_current", Raw("battery_charge_current")),
    ("battery_capacity", Metric("battery_soc")),
    ("heatsink_temperature", Metric("inverter_temperature")),
    ("solar_current", Metric("voltronic_solar_current")),
    ("solar_voltage", Metric("pv_voltage_1")),
    ("battery_voltage_scc", Metric("voltronic_battery_voltage_scc")),
    ("battery_discharge_current", Raw("battery_discharge_current")),
    ("device_status", Text("voltronic_device_status")),
    ("battery_voltage_offset_fans", Metric("voltronic_battery_voltage_offset_fans")),
    ("eeprom_version", Metric("voltronic_eeprom_version")),
    ("pv_charging_power", Metric("pv_power_1")),
    ("device_status_2", Text("voltronic_device_status_2")),
    ("solar_feed_to_grid", Raw("solar_feed_to_grid")),
    ("country_code", Raw("country")),
    ("solar_feed_power", Raw("solar_feed_power")),
];

/// The captures name the fields after those of PI30; here some mean something else.
const QPIGS_REVO: Rows = &[
    ("utility_voltage", Metric("grid_voltage")),
    ("utility_frequency", Metric("grid_frequency")),
    ("output_voltage", Metric("inverter_voltage")),
    ("output_frequency", Metric("inverter_frequency")),
    ("load_va", Metric("inverter_apparent_power")),
    ("load_w", Metric("load_power")),
    ("load_percent", Metric("inverter_load_share")),
    ("bus_voltage", Metric("inverter_bus_voltage")),
    ("battery_voltage", Metric("battery_voltage")),
    ("battery_charge_current", Raw("battery_charge_current")),
    ("battery_capacity", Metric("battery_soc")),
    ("heatsink_temperature", Metric("inverter_temperature")),
    ("solar_current", Metric("pv_power_1")),
    ("solar_voltage", Metric("pv_voltage_1")),
    ("battery_voltage_scc", Raw("battery_voltage_scc")),
    ("battery_discharge_current", Raw("solar_energy_of_day")),
    ("device_status", Text("voltronic_device_status")),
    ("battery_voltage_offset_fans", Raw("reserved_17")),
    ("eeprom_version", Raw("reserved_18")),
    ("pv_charging_power", Raw("reserved_19")),
    ("device_status_2", Raw("reserved_20")),
];

const QPIGS2: Rows = &[
    ("pv2_current", Metric("pv_current_2")),
    ("pv2_voltage", Metric("pv_voltage_2")),
    ("pv2_charging_power", Metric("pv_power_2")),
];

const BATTERIES: &[(&str, &str)] = &[
    ("0", "agm"),
    ("1", "flooded"),
    ("2", "user"),
    ("3", "pylontech"),
    ("4", "shinheung"),
    ("5", "weco"),
    ("6", "soltaro"),
    ("7", "bak"),
    ("8", "lib"),
    ("9", "lic"),
];
const RANGES: &[(&str, &str)] = &[("0", "appliance"), ("1", "ups")];
const OUTPUTS: &[(&str, &str)] =
    &[("0", "utility_first"), ("1", "solar_first"), ("2", "solar_battery_utility")];
const CHARGERS: &[(&str, &str)] =
    &[("0", "utility_first"), ("1", "solar_first"), ("2", "solar_and_utility"), ("3", "solar_only")];

const QPIRI: Rows = &[
    ("grid_rating_voltage", Raw("grid_rating_voltage")),
    ("grid_rating_current", Raw("grid_rating_current")),
    ("output_rating_voltage", Raw("output_rating_voltage")),
    ("output_rating_frequency", Raw("output_rating_frequency")),
    ("output_rating_current", Raw("output_rating_current")),
    ("output_rating_va", Raw("output_rating_va")),
    ("output_rating_w", Metric("inverter_power_max")),
    ("battery_rating_voltage", Raw("battery_rating_voltage")),
    ("battery_recharge_voltage", Metric("battery_recharge_voltage")),
    ("battery_under_voltage", Metric("battery_cutoff_voltage")),
    ("battery_bulk_voltage", Metric("battery_bulk_voltage")),
    ("battery_float_voltage", Metric("battery_float_voltage")),
    ("battery_type", State("battery_type", BATTERIES)),
    ("max_ac_charging_current", Metric("grid_charge_current_max")),
    ("max_charging_current", Metric("charge_current_max")),
    ("input_voltage_range", State("inverter_input_range", RANGES)),
    ("output_source_priority", State("output_priority", OUTPUTS)),
    ("charger_source_priority", State("charger_priority", CHARGERS)),
    ("parallel_max_num", Raw("parallel_max_num")),
    ("machine_type", Raw("machine_type")),
    ("topology", Raw("topology")),
    ("output_mode", Raw("output_mode")),
    ("battery_redischarge_voltage", Metric("battery_redischarge_voltage")),
    ("pv_ok_condition", Raw("pv_ok_condition")),
    ("pv_power_balance", Raw("pv_power_balance")),
    ("cv_stage_max_time", Raw("cv_stage_max_time")),
    ("operation_logic", Raw("operation_logic")),
    ("max_discharging_current", Raw("max_discharging_current")),
];

const GS: Rows = &[
    ("grid_voltage", Metric("grid_voltage")),
    ("grid_frequency", Metric("grid_frequency")),
    ("output_voltage", Metric("inverter_voltage")),
    ("output_frequency", Metric("inverter_frequency")),
    ("load_va", Metric("inverter_apparent_power")),
    ("load_w", Metric("load_power")),
    ("load_percent", Metric("inverter_load_share")),
    ("battery_voltage", Metric("battery_voltage")),
    ("battery_voltage_scc", RawTenths("battery_voltage_scc")),
    ("battery_voltage_scc2", RawTenths("battery_voltage_scc2")),
    ("battery_discharge_current", Raw("battery_discharge_current")),
    ("battery_charge_current", Raw("battery_charge_current")),
    ("battery_capacity", Metric("battery_soc")),
    ("heatsink_temperature", Metric("inverter_temperature")),
    ("mppt1_temperature", Raw("mppt1_temperature")),
    ("mppt2_temperature", Raw("mppt2_temperature")),
    ("pv1_power", Metric("pv_power_1")),
    ("pv2_power", Metric("pv_power_2")),
    ("pv1_voltage", Metric("pv_voltage_1")),
    ("pv2_voltage", Metric("pv_voltage_2")),
    ("settings_changed", Raw("settings_changed")),
    ("mppt1_status", Raw("mppt1_status")),
    ("mppt2_status", Raw("mppt2_status")),
    ("load_connected", Raw("load_connected")),
    ("battery_direction", Raw("battery_direction")),
    ("dcac_direction", Raw("dcac_direction")),
    ("line_direction", Raw("line_direction")),
    ("parallel_id", Raw("parallel_id")),
];

const OUTPUTS_18: &[(&str, &str)] = &[("0", "solar_first"), ("1", "solar_battery_utility")];
const CHARGERS_18: &[(&str, &str)] = &[("0", "solar_first"), ("1", "solar_and_utility"), ("2", "solar_only")];

const PIRI: Rows = &[
    ("ac_in_rating_voltage", RawTenths("ac_in_rating_voltage")),
    ("ac_in_rating_current", RawTenths("ac_in_rating_current")),
    ("output_rating_voltage", RawTenths("output_rating_voltage")),
    ("output_rating_frequency", RawTenths("output_rating_frequency")),
    ("output_rating_current", RawTenths("output_rating_current")),
    ("output_rating_va", Raw("output_rating_va")),
    ("output_rating_w", Metric("inverter_power_max")),
    ("battery_rating_voltage", RawTenths("battery_rating_voltage")),
    ("battery_recharge_voltage", Metric("battery_recharge_voltage")),
    ("battery_redischarge_voltage", Metric("battery_redischarge_voltage")),
    ("battery_under_voltage", Metric("battery_cutoff_voltage")),
    ("battery_bulk_voltage", Metric("battery_bulk_voltage")),
    ("battery_float_voltage", Metric("battery_float_voltage")),
    ("battery_type", State("battery_type", BATTERIES)),
    ("max_ac_charging_current", Metric("grid_charge_current_max")),
    ("max_charging_current", Metric("charge_current_max")),
    ("input_voltage_range", State("inverter_input_range", RANGES)),
    ("output_source_priority", State("output_priority", OUTPUTS_18)),
    ("charger_source_priority", State("charger_priority", CHARGERS_18)),
    ("parallel_max_num", Raw("parallel_max_num")),
    ("machine_type", Raw("machine_type")),
    ("topology", Raw("topology")),
    ("output_mode", Raw("output_mode")),
    ("solar_power_priority", Raw("solar_power_priority")),
    ("mppt_strings", Raw("mppt_strings")),
    ("undocumented_26", Raw("undocumented_26")),
];

/// The switches behind the letters of `QFLAG`. What `l`, `m` and `n` do is documented nowhere.
pub(crate) fn switch(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "a" => "flag_buzzer",
        "b" => "flag_overload_bypass",
        "d" => "flag_feed_in_allowed",
        "j" => "flag_power_saving",
        "k" => "flag_lcd_return",
        "u" => "flag_overload_restart",
        "v" => "flag_over_temperature_restart",
        "x" => "flag_backlight",
        "y" => "flag_source_alarm",
        "z" => "flag_fault_record",
        "l" | "m" | "n" => return None,
        other => panic!("the switch {other} is new"),
    })
}

/// PI18's switches, in the order of its `FLAG`.
pub(crate) const SWITCHES_18: [&str; 9] = [
    "flag_buzzer",
    "flag_overload_bypass",
    "flag_lcd_return",
    "flag_overload_restart",
    "flag_over_temperature_restart",
    "flag_backlight",
    "flag_source_alarm",
    "flag_fault_record",
    "flag_feed_in_allowed",
];

/// What the letters of `QMOD` and the numbers of `MOD` stand for.
pub(crate) fn mode(native: &str) -> Option<&'static str> {
    Some(match native {
        "P" | "power on" => "power_on",
        "S" | "standby" => "standby",
        "L" => "line",
        "B" | "battery" => "battery",
        "F" | "fault" => "fault",
        "H" => "power_saving",
        "D" => "shutdown",
        "C" => "charging",
        "Y" | "bypass" => "bypass",
        "E" => "eco",
        "hybrid" | "hybrid (line/grid)" => "hybrid",
        _ => return None,
    })
}
