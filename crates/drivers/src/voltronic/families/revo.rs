//! PI30REVO (Sorotec): the frames of PI30 with other meanings, only read. Source: "PI30REVO Protocol V03 20201112".
//!
//! `QPIGS` field 12 is the solar power in watts and field 15 the energy of the day; the discharging current is not told,
//! so battery current and power are unknown. `QPIRI` field 8 is an alarm voltage, 9 the cut-off, 13 the charging current.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation};

use super::pi30;
use crate::voltronic::decode::{Context, Fields, number as observed};
use crate::voltronic::native;
use crate::voltronic::table::{Field, Query, number, raw, text};

pub(super) const QUERIES: &[Query] = &[QPIGS, pi30::QMOD, pi30::QPIWS, QPIRI];

const QPIGS: Query = Query {
    command: "QPIGS",
    class: PollClass::Fast,
    shape: pi30::QPIGS_SHAPE,
    fields: QPIGS_FIELDS,
    computed: &[charging, pi30::temperature, pv],
    optional: false,
    metrics: &[
        Metric::GridVoltage,
        Metric::GridFrequency,
        Metric::InverterVoltage,
        Metric::InverterFrequency,
        Metric::InverterApparentPower,
        Metric::LoadPower,
        Metric::InverterLoadShare,
        Metric::InverterBusVoltage,
        Metric::BatteryVoltage,
        Metric::BatterySoc,
        Metric::InverterTemperature,
        Metric::PvVoltage1,
        Metric::PvPower1,
        Metric::PvPower,
        native::CHARGE_CURRENT,
        native::DEVICE_STATUS,
    ],
};

const QPIGS_FIELDS: &[Field] = &[
    number("utility_voltage", Metric::GridVoltage, 0.0, 400.0),
    number("utility_frequency", Metric::GridFrequency, 0.0, 80.0),
    number("output_voltage", Metric::InverterVoltage, 0.0, 400.0),
    number("output_frequency", Metric::InverterFrequency, 0.0, 80.0),
    number("load_va", Metric::InverterApparentPower, 0.0, 60_000.0),
    number("load_w", Metric::LoadPower, 0.0, 60_000.0),
    number("load_percent", Metric::InverterLoadShare, 0.0, 300.0),
    number("bus_voltage", Metric::InverterBusVoltage, 0.0, 1_000.0),
    number("battery_voltage", Metric::BatteryVoltage, 0.0, 120.0),
    raw("battery_charge_current"),
    number("battery_capacity", Metric::BatterySoc, 0.0, 100.0),
    raw("heatsink_temperature"),
    raw("solar_power"),
    number("solar_voltage", Metric::PvVoltage1, 0.0, 1_000.0),
    raw("battery_voltage_scc"),
    raw("solar_energy_of_day"),
    text("device_status", native::DEVICE_STATUS),
    raw("reserved_17"),
    raw("reserved_18"),
    raw("reserved_19"),
    raw("reserved_20"),
];

/// The one current that it tells.
fn charging(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    vec![(native::CHARGE_CURRENT, observed(pi30::amperes(fields, 9, context)))]
}

fn pv(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    pi30::with_tracker_1(fields.number_in(12, 0.0, 40_000.0), context)
}

const QPIRI: Query = Query {
    command: "QPIRI",
    class: PollClass::Medium,
    shape: pi30::QPIRI_SHAPE,
    fields: QPIRI_FIELDS,
    computed: &[battery],
    optional: false,
    metrics: &[
        Metric::InverterPowerMax,
        Metric::BatteryCutoffVoltage,
        Metric::BatteryBulkVoltage,
        Metric::BatteryFloatVoltage,
        Metric::ChargeCurrentMax,
    ],
};

const QPIRI_FIELDS: &[Field] = &[
    raw("grid_rating_voltage"),
    raw("grid_rating_current"),
    raw("output_rating_voltage"),
    raw("output_rating_frequency"),
    raw("output_rating_current"),
    raw("output_rating_va"),
    number("output_rating_w", Metric::InverterPowerMax, 0.0, 60_000.0),
    raw("battery_rating_voltage"),
    raw("battery_low_alarm_voltage"),
    number("battery_under_voltage", Metric::BatteryCutoffVoltage, 0.0, 120.0),
    number("battery_bulk_voltage", Metric::BatteryBulkVoltage, 0.0, 120.0),
    number("battery_float_voltage", Metric::BatteryFloatVoltage, 0.0, 120.0),
    raw("battery_type"),
    number("max_charging_current", Metric::ChargeCurrentMax, 0.0, 600.0),
    raw("reserved_14"),
    raw("reserved_15"),
    // Reserved as all that follows: the priorities are told elsewhere.
    raw("reserved_16"),
];

fn battery(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.rated_va = fields.number(5).ok().or(context.rated_va);
    Vec::new()
}
