//! PI18: `^D106...`, commas between the fields, many of them in tenths. Sources: the vendor's "V protocol 20170926",
//! captures of an LV5048 Hybrid V2 by its owner.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation, Value};

use super::pi30;
use crate::voltronic::decode::{Context, Fields, number as observed};
use crate::voltronic::native;
use crate::voltronic::table::{Field, Kind, Query, Shape, number, raw, state, tenths};

pub(super) const QUERIES: &[Query] = &[GS, MOD, FWS, PIRI, ET, FLAG, MCHGCR, MUCHGCR, T, PGS0];

const GS: Query = Query {
    command: "GS",
    class: PollClass::Fast,
    shape: Shape::Fields {
        // One more than PIRI, which looks alike otherwise.
        least: 28,
        most: 32,
        // PGSn begins with a single digit.
        kinds: &[(0, Kind::Serial(3)), (1, Kind::Serial(3)), (7, Kind::Whole)],
    },
    fields: GS_FIELDS,
    computed: &[battery, pv, temperature],
    optional: false,
    metrics: &[
        Metric::GridVoltage,
        Metric::GridFrequency,
        Metric::InverterVoltage,
        Metric::InverterFrequency,
        Metric::InverterApparentPower,
        Metric::LoadPower,
        Metric::InverterLoadShare,
        Metric::BatteryVoltage,
        Metric::BatteryCurrent,
        Metric::BatteryPower,
        Metric::BatterySoc,
        Metric::InverterTemperature,
        Metric::PvPower1,
        Metric::PvPower2,
        Metric::PvPower,
        Metric::PvVoltage1,
        Metric::PvVoltage2,
        native::CHARGE_CURRENT,
        native::DISCHARGE_CURRENT,
    ],
};

const GS_FIELDS: &[Field] = &[
    tenths("grid_voltage", Metric::GridVoltage, 0.0, 400.0),
    tenths("grid_frequency", Metric::GridFrequency, 0.0, 80.0),
    tenths("output_voltage", Metric::InverterVoltage, 0.0, 400.0),
    tenths("output_frequency", Metric::InverterFrequency, 0.0, 80.0),
    number("load_va", Metric::InverterApparentPower, 0.0, 60_000.0),
    number("load_w", Metric::LoadPower, 0.0, 60_000.0),
    number("load_percent", Metric::InverterLoadShare, 0.0, 300.0),
    tenths("battery_voltage", Metric::BatteryVoltage, 0.0, 120.0),
    raw("battery_voltage_scc"),
    raw("battery_voltage_scc2"),
    raw("battery_discharge_current"),
    raw("battery_charge_current"),
    number("battery_capacity", Metric::BatterySoc, 0.0, 100.0),
    raw("heatsink_temperature"),
    raw("mppt1_temperature"),
    raw("mppt2_temperature"),
    number("pv1_power", Metric::PvPower1, 0.0, 40_000.0),
    number("pv2_power", Metric::PvPower2, 0.0, 40_000.0),
    tenths("pv1_voltage", Metric::PvVoltage1, 0.0, 1_000.0),
    tenths("pv2_voltage", Metric::PvVoltage2, 0.0, 1_000.0),
    raw("settings_changed"),
    raw("mppt1_status"),
    raw("mppt2_status"),
    raw("load_connected"),
    raw("battery_direction"),
    raw("dcac_direction"),
    raw("line_direction"),
    raw("parallel_id"),
];

fn battery(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    pi30::battery_at(fields, (7, 0.1), (11, 10), context)
}

fn pv(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let both = || Ok(fields.number_in(16, 0.0, 40_000.0)? + fields.number_in(17, 0.0, 40_000.0)?);
    let total = both();
    if let Ok(watts) = total {
        let now = context.now;
        context.energy.power(watts, now);
    }
    vec![(Metric::PvPower, observed(total))]
}

fn temperature(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    vec![(Metric::InverterTemperature, observed(fields.number_in(13, 0.0, 120.0)))]
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
    ("5", "hybrid"),
];

fn mode(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let code = fields.body.trim();
    vec![
        (Metric::InverterMode, crate::voltronic::decode::state(code, MODES)),
        (Metric::InverterModeNative, Ok(Value::text(code))),
    ]
}

const FWS: Query = Query {
    command: "FWS",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 16,
        most: 20,
        kinds: &[(0, Kind::Whole), (1, Kind::Whole), (2, Kind::Bits(1))],
    },
    fields: &[],
    computed: &[],
    optional: false,
    metrics: &[Metric::InverterFaults, Metric::InverterWarnings],
};

const OUTPUT: &[(&str, &str)] = &[("0", "solar_first"), ("1", "solar_battery_utility")];
const CHARGER: &[(&str, &str)] = &[("0", "solar_first"), ("1", "solar_and_utility"), ("2", "solar_only")];
const BATTERY: &[(&str, &str)] = &[("0", "agm"), ("1", "flooded"), ("2", "user")];

const PIRI: Query = Query {
    command: "PIRI",
    class: PollClass::Medium,
    shape: Shape::Fields {
        least: 22,
        // One less than GS, which looks alike otherwise.
        most: 27,
        kinds: &[(0, Kind::Whole), (5, Kind::Whole), (7, Kind::Whole)],
    },
    fields: PIRI_FIELDS,
    computed: &[ratings],
    optional: false,
    metrics: &[
        Metric::InverterPowerMax,
        Metric::BatteryRechargeVoltage,
        Metric::BatteryRedischargeVoltage,
        Metric::BatteryCutoffVoltage,
        Metric::BatteryBulkVoltage,
        Metric::BatteryFloatVoltage,
        Metric::BatteryType,
        Metric::GridChargeCurrentMax,
        Metric::ChargeCurrentMax,
        Metric::InverterInputRange,
        Metric::OutputPriority,
        Metric::ChargerPriority,
        Metric::BatteryMode,
        Metric::BatteryModeNative,
    ],
};

const PIRI_FIELDS: &[Field] = &[
    raw("ac_in_rating_voltage"),
    raw("ac_in_rating_current"),
    raw("output_rating_voltage"),
    raw("output_rating_frequency"),
    raw("output_rating_current"),
    raw("output_rating_va"),
    number("output_rating_w", Metric::InverterPowerMax, 0.0, 60_000.0),
    raw("battery_rating_voltage"),
    tenths("battery_recharge_voltage", Metric::BatteryRechargeVoltage, 0.0, 120.0),
    tenths("battery_redischarge_voltage", Metric::BatteryRedischargeVoltage, 0.0, 120.0),
    tenths("battery_under_voltage", Metric::BatteryCutoffVoltage, 0.0, 120.0),
    tenths("battery_bulk_voltage", Metric::BatteryBulkVoltage, 0.0, 120.0),
    tenths("battery_float_voltage", Metric::BatteryFloatVoltage, 0.0, 120.0),
    state("battery_type", Metric::BatteryType, BATTERY),
    number("max_ac_charging_current", Metric::GridChargeCurrentMax, 0.0, 600.0),
    number("max_charging_current", Metric::ChargeCurrentMax, 0.0, 600.0),
    state("input_voltage_range", Metric::InverterInputRange, pi30::RANGE),
    state("output_source_priority", Metric::OutputPriority, OUTPUT),
    state("charger_source_priority", Metric::ChargerPriority, CHARGER),
    raw("parallel_max_num"),
    raw("machine_type"),
    raw("topology"),
    raw("output_mode"),
    raw("solar_power_priority"),
    raw("mppt_strings"),
    raw("undocumented_26"),
];

fn ratings(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.rated_va = fields.number(5).ok().or(context.rated_va);
    context.rated_battery_v = fields.number(7).ok().map(|tenths| tenths / 10.0).or(context.rated_battery_v);
    context.battery_type =
        fields.text(13).and_then(|text| BATTERY.iter().find(|(code, _)| *code == text)).map(|(_, key)| *key);
    pi30::battery_modes(fields.code(17).and_then(|code| match code {
        0 => Some(("native", "SUB")),
        1 => Some(("auto", "SBU")),
        _ => None,
    }))
}

/// All energy from the sun, in kWh or Wh.
pub(super) const ET: Query = Query {
    command: "ET",
    class: PollClass::Medium,
    shape: Shape::Digits { least: 8, most: 8 },
    fields: &[],
    computed: &[energy],
    optional: true,
    metrics: &[Metric::PvEnergy],
};

fn energy(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let rated = context.rated_va;
    let kwh = fields.number(0).and_then(|count| context.energy.of_unknown_unit("ET", count, rated));
    vec![(Metric::PvEnergy, observed(kwh))]
}

const FLAG: Query = Query {
    command: "FLAG",
    class: PollClass::Slow,
    shape: Shape::Fields {
        least: 8,
        most: 12,
        kinds: &[(0, Kind::Bits(1)), (1, Kind::Bits(1)), (7, Kind::Bits(1))],
    },
    fields: &[],
    computed: &[switches],
    optional: true,
    metrics: &native::PI18_FLAGS,
};

fn switches(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let state = |text| match text {
        "0" => Some("no"),
        "1" => Some("yes"),
        _ => None,
    };
    let each = native::PI18_FLAGS.into_iter().enumerate();
    each.filter_map(|(index, metric)| Some((metric, Ok(Value::State(state(fields.text(index)?)?))))).collect()
}

const fn list(command: &'static str) -> Query {
    Query {
        command,
        class: PollClass::Slow,
        shape: Shape::Amperes,
        fields: &[],
        computed: &[],
        optional: true,
        metrics: &[],
    }
}

const MCHGCR: Query = list("MCHGCR");
const MUCHGCR: Query = list("MUCHGCR");

/// The unit's clock.
pub(super) const T: Query = Query {
    command: "T",
    class: PollClass::Slow,
    shape: Shape::Digits { least: 14, most: 14 },
    fields: &[],
    computed: &[],
    optional: true,
    metrics: &[],
};

/// The first unit of a parallel set; the others are asked for once there are any. See [`crate::voltronic::parallel`].
pub(super) const PGS0: Query = Query {
    command: "PGS0",
    class: PollClass::Slow,
    shape: Shape::Fields {
        least: 25,
        most: 34,
        kinds: &[(0, Kind::Bits(1)), (1, Kind::Whole), (3, Kind::Whole)],
    },
    fields: PGS_FIELDS,
    computed: &[],
    optional: true,
    metrics: &[Metric::ParallelUnits],
};

const PGS_FIELDS: &[Field] = &[
    raw("exists"),
    raw("mode"),
    raw("fault_code"),
    raw("grid_voltage"),
    raw("grid_frequency"),
    raw("output_voltage"),
    raw("output_frequency"),
    raw("load_va"),
    raw("load_w"),
    raw("total_load_va"),
    raw("total_load_w"),
    raw("load_percent"),
    raw("total_load_percent"),
    raw("battery_voltage"),
    raw("battery_discharge_current"),
    raw("battery_charge_current"),
    raw("total_charge_current"),
    raw("battery_capacity"),
    raw("pv1_power"),
    raw("pv2_power"),
    raw("pv1_voltage"),
    raw("pv2_voltage"),
    raw("mppt1_status"),
    raw("mppt2_status"),
    raw("load_connected"),
    raw("battery_direction"),
    raw("dcac_direction"),
    raw("line_direction"),
    raw("temperature"),
];
