//! PI17: three-phase units, only read. Sources: the vendor's documents "5KW 20160309" and "WP/LV6K/TWIN 20220921"; answers
//! collected by mpp-solar. Questions carry no checksum, answers do. What a unit does not measure is an empty field.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation, Unknown, Value};

use super::pi18;
use crate::voltronic::decode::{Context, Fields, number as observed, within};
use crate::voltronic::table::{Field, Kind, Query, Read, Shape, number, raw, tenths};

pub(super) const QUERIES: &[Query] = &[GS, MOD, PS, WS, pi18::ET, pi18::T];

const GS: Query = Query {
    command: "GS",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 22,
        most: 28,
        // Four digits; PS has five.
        kinds: &[(0, Kind::Digits(4)), (1, Kind::Whole), (4, Kind::Digits(4))],
    },
    fields: GS_FIELDS,
    computed: &[battery],
    optional: false,
    metrics: &[
        Metric::PvVoltage1,
        Metric::PvVoltage2,
        Metric::BatteryVoltage,
        Metric::BatterySoc,
        Metric::BatteryCurrent,
        Metric::BatteryPower,
        Metric::GridVoltageL1,
        Metric::GridVoltageL2,
        Metric::GridVoltageL3,
        Metric::GridFrequency,
        Metric::InverterVoltage,
        Metric::InverterFrequency,
        Metric::InverterTemperature,
    ],
};

const fn hundredths(name: &'static str, metric: Metric, min: f64, max: f64) -> Field {
    Field { name, metric: Some(metric), read: Read::Number { scale: 0.01, min, max } }
}

const GS_FIELDS: &[Field] = &[
    tenths("solar_voltage_1", Metric::PvVoltage1, 0.0, 1_000.0),
    tenths("solar_voltage_2", Metric::PvVoltage2, 0.0, 1_000.0),
    raw("solar_current_1"),
    raw("solar_current_2"),
    tenths("battery_voltage", Metric::BatteryVoltage, 0.0, 120.0),
    number("battery_capacity", Metric::BatterySoc, 0.0, 100.0),
    raw("battery_current"),
    tenths("grid_voltage_r", Metric::GridVoltageL1, 0.0, 400.0),
    tenths("grid_voltage_s", Metric::GridVoltageL2, 0.0, 400.0),
    tenths("grid_voltage_t", Metric::GridVoltageL3, 0.0, 400.0),
    hundredths("grid_frequency", Metric::GridFrequency, 0.0, 80.0),
    raw("grid_current_r"),
    raw("grid_current_s"),
    raw("grid_current_t"),
    tenths("output_voltage_r", Metric::InverterVoltage, 0.0, 400.0),
    raw("output_voltage_s"),
    raw("output_voltage_t"),
    hundredths("output_frequency", Metric::InverterFrequency, 0.0, 80.0),
    raw("output_current_r"),
    raw("output_current_s"),
    raw("output_current_t"),
    raw("inner_temperature"),
    number("component_temperature", Metric::InverterTemperature, -40.0, 120.0),
    raw("battery_temperature"),
    raw("settings_changed"),
];

/// One signed current in tenths of amperes, positive while charging.
fn battery(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let current = fields.number(6).and_then(|tenths| within(-tenths / 10.0, -600.0, 600.0));
    let power = current.clone().and_then(|amperes| Ok(amperes * fields.number(4)? / 10.0));
    vec![(Metric::BatteryCurrent, observed(current)), (Metric::BatteryPower, observed(power))]
}

const MOD: Query = Query {
    command: "MOD",
    class: PollClass::Fast,
    shape: Shape::Digits { least: 2, most: 2 },
    fields: &[],
    computed: &[mode],
    optional: false,
    metrics: &[Metric::InverterMode, Metric::InverterModeNative],
};

const MODES: &[(&str, &str)] = &[
    ("0", "power_on"),
    ("1", "standby"),
    ("2", "bypass"),
    ("3", "battery"),
    ("4", "fault"),
    ("5", "line"),
    ("6", "charging"),
];

fn mode(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let code = fields.body.trim();
    vec![
        (Metric::InverterMode, crate::voltronic::decode::state(code, MODES)),
        (Metric::InverterModeNative, Ok(Value::text(code))),
    ]
}

/// Powers; by the document alone, no capture of it is known.
const PS: Query = Query {
    command: "PS",
    class: PollClass::Fast,
    shape: Shape::Fields { least: 15, most: 21 + 4, kinds: &[(0, Kind::Digits(5)), (10, Kind::Whole)] },
    fields: PS_FIELDS,
    computed: &[solar],
    optional: true,
    metrics: &[
        Metric::PvPower1,
        Metric::PvPower2,
        Metric::PvPower,
        Metric::LoadPower,
        Metric::LoadPowerL1,
        Metric::LoadPowerL2,
        Metric::LoadPowerL3,
        Metric::InverterApparentPower,
        Metric::InverterLoadShare,
    ],
};

const PS_FIELDS: &[Field] = &[
    number("solar_power_1", Metric::PvPower1, 0.0, 40_000.0),
    number("solar_power_2", Metric::PvPower2, 0.0, 40_000.0),
    raw("battery_power"),
    raw("grid_power_r"),
    raw("grid_power_s"),
    raw("grid_power_t"),
    // What passes the unit's own input is not what the house takes: other loads may sit before it.
    raw("grid_power"),
    number("load_w_r", Metric::LoadPowerL1, 0.0, 60_000.0),
    number("load_w_s", Metric::LoadPowerL2, 0.0, 60_000.0),
    number("load_w_t", Metric::LoadPowerL3, 0.0, 60_000.0),
    number("load_w", Metric::LoadPower, 0.0, 60_000.0),
    raw("load_va_r"),
    raw("load_va_s"),
    raw("load_va_t"),
    number("load_va", Metric::InverterApparentPower, 0.0, 60_000.0),
    number("load_percent", Metric::InverterLoadShare, 0.0, 300.0),
    raw("output_connected"),
    raw("solar_1_working"),
    raw("solar_2_working"),
    raw("battery_direction"),
    raw("dcac_direction"),
    raw("line_direction"),
];

fn solar(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let both = || {
        let first = fields.number_in(0, 0.0, 40_000.0)?;
        match fields.number_in(1, 0.0, 40_000.0) {
            Ok(second) => Ok(first + second),
            Err(Unknown::NotReported) => Ok(first),
            Err(why) => Err(why),
        }
    };
    let total = both();
    if let Ok(watts) = total {
        let now = context.now;
        context.energy.power(watts, now);
    }
    vec![(Metric::PvPower, observed(total))]
}

/// Warnings, one field each.
const WS: Query = Query {
    command: "WS",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 20,
        most: 32,
        kinds: &[(0, Kind::Bits(1)), (1, Kind::Bits(1)), (10, Kind::Bits(1)), (19, Kind::Bits(1))],
    },
    fields: &[],
    computed: &[],
    optional: true,
    metrics: &[Metric::InverterWarnings],
};
