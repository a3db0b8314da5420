//! PI41: LV5048, split phase. Source: "LV5048 protocol 20190222". `QPIGS` is the first phase, `QPIGS2` the second; the
//! load is the sum of both, unknown while one of them is.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation, Unknown, Value};

use super::pi30;
use crate::voltronic::decode::{Context, Fields, Kept, Side, number as observed};
use crate::voltronic::native;
use crate::voltronic::table::{Field, Kind, Query, Shape, number, raw, text};

pub(super) const QUERIES: &[Query] = &[
    QPIGS,
    QPIGS2,
    pi30::QMOD,
    pi30::QPIWS,
    pi30::QPIRI,
    pi30::QFLAG,
    pi30::QMCHGCR,
    pi30::QMUCHGCR,
    pi30::QPGS0,
];

const QPIGS: Query = Query {
    command: "QPIGS",
    class: PollClass::Fast,
    shape: pi30::QPIGS_SHAPE,
    fields: QPIGS_FIELDS,
    computed: &[pi30::battery, pi30::temperature, pv, first],
    optional: false,
    metrics: &[
        Metric::GridVoltage,
        Metric::GridFrequency,
        Metric::InverterVoltage,
        Metric::InverterFrequency,
        Metric::LoadPowerL1,
        Metric::LoadPower,
        Metric::InverterLoadShare,
        Metric::InverterBusVoltage,
        Metric::BatteryVoltage,
        Metric::BatteryCurrent,
        Metric::BatteryPower,
        Metric::BatterySoc,
        Metric::InverterTemperature,
        Metric::PvVoltage1,
        Metric::PvPower1,
        Metric::PvPower,
        native::CHARGE_CURRENT,
        native::DISCHARGE_CURRENT,
        native::SOLAR_CURRENT,
        native::BATTERY_VOLTAGE_SCC,
        native::DEVICE_STATUS,
    ],
};

const QPIGS_FIELDS: &[Field] = &[
    number("utility_voltage", Metric::GridVoltage, 0.0, 400.0),
    number("utility_frequency", Metric::GridFrequency, 0.0, 80.0),
    number("output_voltage", Metric::InverterVoltage, 0.0, 400.0),
    number("output_frequency", Metric::InverterFrequency, 0.0, 80.0),
    raw("load_va"),
    number("load_w", Metric::LoadPowerL1, 0.0, 60_000.0),
    number("load_percent", Metric::InverterLoadShare, 0.0, 300.0),
    number("bus_voltage", Metric::InverterBusVoltage, 0.0, 1_000.0),
    number("battery_voltage", Metric::BatteryVoltage, 0.0, 120.0),
    raw("battery_charge_current"),
    number("battery_capacity", Metric::BatterySoc, 0.0, 100.0),
    raw("heatsink_temperature"),
    number("solar_current", native::SOLAR_CURRENT, 0.0, 1_000.0),
    number("solar_voltage", Metric::PvVoltage1, 0.0, 1_000.0),
    number("battery_voltage_scc", native::BATTERY_VOLTAGE_SCC, 0.0, 120.0),
    raw("battery_discharge_current"),
    text("device_status", native::DEVICE_STATUS),
    raw("battery_voltage_offset_fans"),
    raw("eeprom_version"),
    raw("pv_charging_power"),
    raw("device_status_2"),
];

fn pv(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.side = Some(Side::Battery);
    let by_charger = || Ok(fields.number(14)? * fields.number(12)?);
    let power = match fields.text(19) {
        Some(_) => fields.number_in(19, 0.0, 40_000.0),
        None => by_charger(),
    };
    pi30::with_tracker_1(power, context)
}

fn first(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let own = fields.number_in(5, 0.0, 60_000.0);
    if let Ok(watts) = own {
        context.keep("l1", watts);
    }
    let total = match context.kept("l2") {
        Kept::Together(second) => own.map(|own| own + second),
        // The second phase's turn comes: with it the sum is told.
        Kept::Before(_) => return Vec::new(),
        Kept::Lost => own.and(Err(Unknown::missing("the load of the second phase"))),
    };
    vec![(Metric::LoadPower, observed(total))]
}

const QPIGS2: Query = Query {
    command: "QPIGS2",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 9,
        most: 16,
        kinds: &[(0, Kind::Decimal), (2, Kind::Decimal), (5, Kind::Whole)],
    },
    fields: QPIGS2_FIELDS,
    computed: &[second],
    optional: true,
    metrics: &[Metric::LoadPowerL2, Metric::LoadPower, Metric::PvVoltage2, Metric::PvPower2, Metric::PvPower],
};

const QPIGS2_FIELDS: &[Field] = &[
    raw("utility_voltage_l2"),
    raw("utility_frequency_l2"),
    raw("output_voltage_l2"),
    raw("output_frequency_l2"),
    raw("load_va_l2"),
    number("load_w_l2", Metric::LoadPowerL2, 0.0, 60_000.0),
    raw("load_percent_l2"),
    // Into the battery: it is not the panels' current.
    raw("solar_current_2"),
    number("solar_voltage_2", Metric::PvVoltage2, 0.0, 1_000.0),
    raw("battery_voltage_l2"),
    raw("device_status_l2"),
];

/// The second half of a unit of a parallel set; the first is `QPGSn`. See [`crate::voltronic::parallel`].
pub(super) const QP2GS0: Query = Query {
    command: "QP2GS0",
    shape: Shape::Fields {
        least: 17,
        most: 20,
        kinds: &[(0, Kind::Digits(2)), (1, Kind::Serial(8)), (2, Kind::Letter), (16, Kind::Bits(8))],
    },
    fields: QP2GS_FIELDS,
    metrics: &[],
    ..pi30::QPGS0
};

const QP2GS_FIELDS: &[Field] = &[
    raw("exists"),
    raw("serial"),
    raw("mode"),
    raw("fault_code"),
    raw("utility_voltage_l2"),
    raw("utility_frequency_l2"),
    raw("output_voltage_l2"),
    raw("output_frequency_l2"),
    raw("load_va_l2"),
    raw("load_w_l2"),
    raw("load_percent_l2"),
    raw("battery_voltage"),
    raw("battery_charge_current_l2"),
    raw("battery_capacity"),
    raw("solar_voltage_2"),
    raw("solar_current_2"),
    raw("device_status_l2"),
];

/// The second tracker's power is the product of its current, which flows into the battery, and the battery voltage.
fn second(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let mut values = Vec::new();
    if let Ok(watts) = fields.number_in(5, 0.0, 60_000.0) {
        context.keep("l2", watts);
        if let Kept::Together(first) | Kept::Before(first) = context.kept("l1") {
            values.push((Metric::LoadPower, Ok(Value::Number(first + watts))));
        }
    }
    if fields.text(7).is_some() && fields.text(9).is_some() {
        let power = || Ok(fields.number(7)? * fields.number(9)?);
        values.extend(pi30::with_tracker_2(power(), context));
    }
    values
}
