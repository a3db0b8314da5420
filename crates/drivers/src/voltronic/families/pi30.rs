//! PI30: `(a b c`, blanks between the fields. Sources: "HS MS MSX RS232 Protocol 20140822" (17 fields in `QPIGS`), "PI30
//! Communication Protocol 20150924" (21), "PIP-GK_MK Protocol" (more settings and modes), captures by owners.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation, Unknown, Value};

use crate::voltronic::decode::{Context, Fields, Kept, Side, number as observed, within};
use crate::voltronic::native;
use crate::voltronic::table::{Field, Kind, Query, Shape, number, raw, state, text};

pub(super) const QUERIES: &[Query] =
    &[QPIGS, QMOD, QPIWS, QPIRI, QFLAG, QMCHGCR, QMUCHGCR, QT, QPGS0, QPIGS2];

/// Shared with [`super::pi30max`].
pub(super) const QPIGS_FIELDS: &[Field] = &[
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
    number("solar_current", native::SOLAR_CURRENT, 0.0, 1_000.0),
    number("solar_voltage", Metric::PvVoltage1, 0.0, 1_000.0),
    number("battery_voltage_scc", native::BATTERY_VOLTAGE_SCC, 0.0, 120.0),
    raw("battery_discharge_current"),
    text("device_status", native::DEVICE_STATUS),
    number("battery_voltage_offset_fans", native::FAN_OFFSET, 0.0, 99.0),
    number("eeprom_version", native::EEPROM_VERSION, 0.0, 99.0),
    raw("pv_charging_power"),
    text("device_status_2", native::DEVICE_STATUS_2),
    raw("solar_feed_to_grid"),
    raw("country"),
    raw("solar_feed_power"),
];

/// What an answer to `QPIGS` looks like: the status bits make it like no other. The three of field 20 end the answer of
/// most units: see [`table::fits`](crate::voltronic::table::fits) for why the last character counts.
pub(super) const QPIGS_SHAPE: Shape = Shape::Fields {
    least: 17,
    most: 32,
    kinds: &[
        (0, Kind::Decimal),
        (1, Kind::Decimal),
        (8, Kind::Decimal),
        (16, Kind::Bits(8)),
        (20, Kind::Bits(3)),
    ],
};

pub(super) const QPIGS_METRICS: &[Metric] = &[
    Metric::GridVoltage,
    Metric::GridFrequency,
    Metric::InverterVoltage,
    Metric::InverterFrequency,
    Metric::InverterApparentPower,
    Metric::LoadPower,
    Metric::InverterLoadShare,
    Metric::InverterBusVoltage,
    Metric::BatteryVoltage,
    Metric::BatteryCurrent,
    Metric::BatteryPower,
    Metric::BatterySoc,
    Metric::InverterTemperature,
    Metric::PvVoltage1,
    Metric::PvCurrent1,
    Metric::PvPower1,
    Metric::PvPower,
    native::CHARGE_CURRENT,
    native::DISCHARGE_CURRENT,
    native::SOLAR_CURRENT,
    native::BATTERY_VOLTAGE_SCC,
    native::DEVICE_STATUS,
    native::FAN_OFFSET,
    native::EEPROM_VERSION,
    native::DEVICE_STATUS_2,
];

const QPIGS: Query = Query {
    command: "QPIGS",
    class: PollClass::Fast,
    shape: QPIGS_SHAPE,
    fields: QPIGS_FIELDS,
    computed: &[battery, temperature, pv],
    optional: false,
    metrics: QPIGS_METRICS,
};

/// Currents that no battery of these has.
const AMPERES_MAX: f64 = 600.0;
/// No inverter charges or discharges its battery with more than so many times its rated power: that would be another
/// field, or another family's meaning of it.
const OF_RATED: f64 = 2.0;

/// Two unsigned currents, charging (9) and discharging (15), become one signed power.
pub(super) fn battery(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    battery_at(fields, (8, 1.0), (9, 15), context)
}

/// The same for other places: voltage with what it is multiplied with, charging and discharging current.
pub(super) fn battery_at(
    fields: &Fields<'_>,
    (volts, scale): (usize, f64),
    (charging, discharging): (usize, usize),
    context: &Context,
) -> Vec<(Metric, Observation)> {
    let charging = amperes(fields, charging, context);
    let discharging = amperes(fields, discharging, context);
    let current = charging.clone().and_then(|charging| Ok(discharging.clone()? - charging));
    let most = context.rated_va.map_or(f64::INFINITY, |va| va * OF_RATED);
    let power = current.clone().and_then(|amperes| {
        let volts = fields.number(volts).and_then(|volts| within(volts * scale, 0.0, 120.0))?;
        within(volts * amperes, -most, most)
    });
    vec![
        (Metric::BatteryCurrent, observed(current)),
        (Metric::BatteryPower, observed(power)),
        (native::CHARGE_CURRENT, observed(charging)),
        (native::DISCHARGE_CURRENT, observed(discharging)),
    ]
}

/// A current of the battery, if the unit can have it.
pub(super) fn amperes(fields: &Fields<'_>, index: usize, context: &Context) -> Result<f64, Unknown> {
    // Where the rated voltage of the battery is not known, that of the smallest.
    let volts = context.rated_battery_v.filter(|volts| *volts >= 12.0).unwrap_or(12.0);
    let most = context.rated_va.map_or(AMPERES_MAX, |va| (va * OF_RATED / volts).min(AMPERES_MAX));
    fields.number_in(index, 0.0, most)
}

/// From here on it is no temperature but the raw value of the converter, which models of 1 to 3 kVA send.
const TEMPERATURE_MAX: f64 = 120.0;

pub(super) fn temperature(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let value = fields.number(11).and_then(|number| {
        within(number, 0.0, TEMPERATURE_MAX).map_err(|_| {
            Unknown::implausible(format!("{number} is the raw value of the sensor, not degrees"))
        })
    });
    vec![(Metric::InverterTemperature, observed(value))]
}

/// The sun's power, W, at most.
pub(in crate::voltronic) const PV_W_MAX: f64 = 40_000.0;

/// The power of the sun: field 19 where the unit has it.
fn pv(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.side = side(fields).or(context.side);
    let power = match fields.text(19) {
        Some(_) => fields.number(19),
        None => by_current(fields),
    };
    with_tracker_1(power.and_then(|watts| within(watts, 0.0, PV_W_MAX)), context)
}

/// Without field 19 the current of field 12 counts. In whole amperes (`0014`) it flows into the battery and goes with the
/// battery voltage at the charger; with decimals (`02.1`) it flows out of the panels and goes with their voltage.
fn by_current(fields: &Fields<'_>) -> Result<f64, Unknown> {
    let amperes = fields.number_in(12, 0.0, AMPERES_MAX)?;
    let volts = if fields.text(12).is_some_and(|text| text.contains('.')) { 13 } else { 14 };
    match fields.number(volts)? {
        0.0 if amperes > 0.0 => Err(Unknown::implausible(format!("{amperes} A at 0 V"))),
        volts => Ok(volts * amperes),
    }
}

/// By how much a power may differ from the product of a voltage and a current that was rounded.
const TOLERANCE: f64 = 0.1;

/// On which side the current of field 12 flows, where that can be told. With decimals (`02.1`) it is the panels', in the
/// short answers of old units that into the battery; in between only the power shows it.
fn side(fields: &Fields<'_>) -> Option<Side> {
    if fields.text(12)?.contains('.') {
        return Some(Side::Panels);
    }
    if fields.text(19).is_none() {
        return Some(Side::Battery);
    }
    let (watts, amperes) = (fields.number(19).ok()?, fields.number(12).ok()?);
    let explains = |volts: usize| {
        let volts = fields.number(volts).ok()?;
        let (low, high) = (volts * (amperes - 0.5), volts * (amperes + 0.5));
        Some((low * (1.0 - TOLERANCE)..=high * (1.0 + TOLERANCE)).contains(&watts))
    };
    match (explains(13)?, explains(8)?) {
        (true, false) => Some(Side::Panels),
        (false, true) => Some(Side::Battery),
        _ => None,
    }
}

/// The first tracker and, with a second one, both.
pub(super) fn with_tracker_1(
    power: Result<f64, Unknown>,
    context: &mut Context,
) -> Vec<(Metric, Observation)> {
    if let Ok(watts) = power {
        context.keep("pv1", watts);
    }
    let mut values = vec![(Metric::PvPower1, observed(power.clone()))];
    let total = match context.kept("pv2") {
        _ if !context.has("pv2") => power,
        Kept::Together(second) => power.map(|first| first + second),
        // The second tracker's turn comes: with it the sum is told.
        Kept::Before(_) => return values,
        Kept::Lost => power.and(Err(Unknown::missing("solar power of the second tracker"))),
    };
    if let Ok(watts) = total {
        let now = context.now;
        context.energy.power(watts, now);
    }
    values.push((Metric::PvPower, observed(total)));
    values
}

/// The second tracker, and both.
pub(in crate::voltronic) fn with_tracker_2(
    power: Result<f64, Unknown>,
    context: &mut Context,
) -> Vec<(Metric, Observation)> {
    let known = power.as_ref().ok().copied();
    let mut values = vec![(Metric::PvPower2, observed(power))];
    if let Some(second) = known {
        context.keep("pv2", second);
        if let Kept::Together(first) | Kept::Before(first) = context.kept("pv1") {
            values.push((Metric::PvPower, Ok(Value::Number(first + second))));
        }
    }
    values
}

pub(super) const QMOD: Query = Query {
    command: "QMOD",
    class: PollClass::Fast,
    shape: Shape::Letter,
    fields: &[],
    computed: &[mode],
    optional: false,
    metrics: &[Metric::InverterMode, Metric::InverterModeNative],
};

/// A letter that nobody knows is told as it is.
fn mode(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let letter = fields.body.trim();
    vec![(Metric::InverterMode, mode_of(letter)), (Metric::InverterModeNative, Ok(Value::text(letter)))]
}

pub(super) fn mode_of(letter: &str) -> Observation {
    Ok(Value::State(match letter {
        "P" => "power_on",
        "S" => "standby",
        "L" => "line",
        "B" => "battery",
        "F" => "fault",
        "H" => "power_saving",
        "D" => "shutdown",
        "C" => "charging",
        "Y" => "bypass",
        "E" => "eco",
        other => return Err(Unknown::implausible(format!("mode letter {other:?} is not known"))),
    }))
}

pub(super) const QPIWS: Query = Query {
    command: "QPIWS",
    class: PollClass::Fast,
    shape: Shape::Flags { least: 30, most: 45 },
    fields: &[],
    computed: &[],
    optional: false,
    metrics: &[Metric::InverterFaults, Metric::InverterWarnings],
};

pub(super) const OUTPUT: &[(&str, &str)] =
    &[("0", "utility_first"), ("1", "solar_first"), ("2", "solar_battery_utility")];
pub(super) const CHARGER: &[(&str, &str)] =
    &[("0", "utility_first"), ("1", "solar_first"), ("2", "solar_and_utility"), ("3", "solar_only")];
const BATTERY: &[(&str, &str)] = &[
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
pub(super) const RANGE: &[(&str, &str)] = &[("0", "appliance"), ("1", "ups")];

pub(super) const QPIRI: Query = Query {
    command: "QPIRI",
    class: PollClass::Medium,
    shape: QPIRI_SHAPE,
    fields: QPIRI_FIELDS,
    computed: &[ratings, modes],
    optional: false,
    metrics: QPIRI_METRICS,
};

pub(super) const QPIRI_SHAPE: Shape = Shape::Fields {
    least: 21,
    most: 36,
    kinds: &[
        (0, Kind::Decimal),
        (3, Kind::Decimal),
        (5, Kind::Whole),
        (6, Kind::Whole),
        (7, Kind::Decimal),
        (10, Kind::Decimal),
    ],
};

const VOLTS: (f64, f64) = (0.0, 120.0);

pub(super) const QPIRI_FIELDS: &[Field] = &[
    raw("grid_rating_voltage"),
    raw("grid_rating_current"),
    raw("output_rating_voltage"),
    raw("output_rating_frequency"),
    raw("output_rating_current"),
    raw("output_rating_va"),
    number("output_rating_w", Metric::InverterPowerMax, 0.0, 60_000.0),
    raw("battery_rating_voltage"),
    number("battery_recharge_voltage", Metric::BatteryRechargeVoltage, VOLTS.0, VOLTS.1),
    number("battery_under_voltage", Metric::BatteryCutoffVoltage, VOLTS.0, VOLTS.1),
    number("battery_bulk_voltage", Metric::BatteryBulkVoltage, VOLTS.0, VOLTS.1),
    number("battery_float_voltage", Metric::BatteryFloatVoltage, VOLTS.0, VOLTS.1),
    state("battery_type", Metric::BatteryType, BATTERY),
    number("max_ac_charging_current", Metric::GridChargeCurrentMax, 0.0, 600.0),
    number("max_charging_current", Metric::ChargeCurrentMax, 0.0, 600.0),
    state("input_voltage_range", Metric::InverterInputRange, RANGE),
    state("output_source_priority", Metric::OutputPriority, OUTPUT),
    state("charger_source_priority", Metric::ChargerPriority, CHARGER),
    raw("parallel_max_num"),
    raw("machine_type"),
    raw("topology"),
    raw("output_mode"),
    number("battery_redischarge_voltage", Metric::BatteryRedischargeVoltage, VOLTS.0, VOLTS.1),
    raw("pv_ok_condition"),
    raw("pv_power_balance"),
    // From here on vendors differ: 480 minutes, or volts.
    raw("cv_stage_max_time"),
    raw("operation_logic"),
    raw("max_discharging_current"),
];

pub(super) const QPIRI_METRICS: &[Metric] = &[
    Metric::InverterPowerMax,
    Metric::BatteryRechargeVoltage,
    Metric::BatteryCutoffVoltage,
    Metric::BatteryBulkVoltage,
    Metric::BatteryFloatVoltage,
    Metric::BatteryType,
    Metric::GridChargeCurrentMax,
    Metric::ChargeCurrentMax,
    Metric::InverterInputRange,
    Metric::OutputPriority,
    Metric::ChargerPriority,
    Metric::BatteryRedischargeVoltage,
    Metric::DischargeCurrentMax,
    Metric::BatteryMode,
    Metric::BatteryModeNative,
];

/// What other answers need to know of the ratings.
fn ratings(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.rated_va = fields.number(5).ok().or(context.rated_va);
    context.rated_battery_v = fields.number(7).ok().or(context.rated_battery_v);
    let key = fields.text(12).and_then(|text| BATTERY.iter().find(|(code, _)| *code == text));
    context.battery_type = key.map(|(_, key)| *key);
    Vec::new()
}

/// The output priority in the words for batteries: what the owner wants of the battery follows from it.
fn modes(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    battery_modes(fields.code(16).and_then(|code| match code {
        0 => Some(("hold", "USB")),
        1 => Some(("native", "SUB")),
        2 => Some(("auto", "SBU")),
        _ => None,
    }))
}

/// The battery's mode and its name in the vendor's words.
pub(super) fn battery_modes(known: Option<(&'static str, &'static str)>) -> Vec<(Metric, Observation)> {
    let Some((mode, word)) = known else { return Vec::new() };
    vec![(Metric::BatteryMode, Ok(Value::State(mode))), (Metric::BatteryModeNative, Ok(Value::text(word)))]
}

pub(super) const QFLAG: Query = Query {
    command: "QFLAG",
    class: PollClass::Slow,
    shape: Shape::Switches,
    fields: &[],
    computed: &[switches],
    optional: true,
    metrics: &[
        native::FLAG_BUZZER,
        native::FLAG_OVERLOAD_BYPASS,
        native::FLAG_FEED_IN_ALLOWED,
        native::FLAG_POWER_SAVING,
        native::FLAG_LCD_RETURN,
        native::FLAG_OVERLOAD_RESTART,
        native::FLAG_OVER_TEMPERATURE_RESTART,
        native::FLAG_BACKLIGHT,
        native::FLAG_SOURCE_ALARM,
        native::FLAG_FAULT_RECORD,
    ],
};

fn switches(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    let Some((on, off)) = fields.body.strip_prefix('E').and_then(|rest| rest.split_once('D')) else {
        return Vec::new();
    };
    let each = |letters: &str, state: &'static str| {
        letters
            .chars()
            .filter_map(native::flag_of)
            .map(|metric| (metric, Ok(Value::State(state))))
            .collect::<Vec<_>>()
    };
    [each(on, "yes"), each(off, "no")].concat()
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

/// The currents that the unit takes for charging altogether.
pub(super) const QMCHGCR: Query = list("QMCHGCR");
/// Those for charging from the grid.
pub(super) const QMUCHGCR: Query = list("QMUCHGCR");

/// The unit's clock.
pub(super) const QT: Query = Query {
    command: "QT",
    class: PollClass::Slow,
    shape: Shape::Digits { least: 14, most: 14 },
    fields: &[],
    computed: &[],
    optional: true,
    metrics: &[],
};

/// What an answer to `QPGSn` looks like.
pub(super) const QPGS_SHAPE: Shape = Shape::Fields {
    least: 25,
    most: 34,
    kinds: &[(0, Kind::Whole), (1, Kind::Serial(8)), (2, Kind::Letter), (4, Kind::Decimal)],
};

/// The first unit of a parallel set; the others are asked for once there are any. See [`crate::voltronic::parallel`].
pub(super) const QPGS0: Query = Query {
    command: "QPGS0",
    class: PollClass::Slow,
    shape: QPGS_SHAPE,
    fields: QPGS_FIELDS,
    computed: &[],
    optional: true,
    metrics: &[Metric::ParallelUnits],
};

const QPGS_FIELDS: &[Field] = &[
    raw("exists"),
    raw("serial"),
    raw("mode"),
    raw("fault_code"),
    raw("utility_voltage"),
    raw("utility_frequency"),
    raw("output_voltage"),
    raw("output_frequency"),
    raw("load_va"),
    raw("load_w"),
    raw("load_percent"),
    raw("battery_voltage"),
    raw("battery_charge_current"),
    raw("battery_capacity"),
    raw("solar_voltage"),
    raw("total_charge_current"),
    raw("total_load_va"),
    raw("total_load_w"),
    raw("total_load_percent"),
    raw("device_status"),
    raw("unit_output_mode"),
    raw("unit_charger_source_priority"),
    raw("unit_max_charging_current"),
    raw("unit_max_charging_range"),
    raw("unit_max_ac_charging_current"),
    raw("solar_current"),
    raw("battery_discharge_current"),
    raw("solar_voltage_2"),
    raw("solar_current_2"),
];

/// Two or three solar chargers, by the document of 2015. The short form of newer units is in [`super::pi30max`]: it is
/// one of the signs by which these are known.
const QPIGS2: Query = Query {
    command: "QPIGS2",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 12,
        most: 16,
        kinds: &[
            (0, Kind::Decimal),
            (1, Kind::Decimal),
            (2, Kind::Decimal),
            (3, Kind::Whole),
            (11, Kind::Serial(5)),
        ],
    },
    fields: QPIGS2_FIELDS,
    computed: &[chargers],
    optional: true,
    metrics: &[
        Metric::PvCurrent2,
        Metric::PvVoltage2,
        Metric::PvPower2,
        Metric::PvCurrent3,
        Metric::PvVoltage3,
        Metric::PvPower3,
        Metric::PvPower,
    ],
};

const QPIGS2_FIELDS: &[Field] = &[
    number("pv2_current", Metric::PvCurrent2, 0.0, 200.0),
    number("pv2_voltage", Metric::PvVoltage2, 0.0, 1_000.0),
    raw("battery_voltage_scc2"),
    number("pv2_charging_power", Metric::PvPower2, 0.0, PV_W_MAX),
    raw("device_status_3"),
    raw("ac_charging_current"),
    raw("ac_charging_power"),
    number("pv3_current", Metric::PvCurrent3, 0.0, 200.0),
    number("pv3_voltage", Metric::PvVoltage3, 0.0, 1_000.0),
    raw("battery_voltage_scc3"),
    number("pv3_charging_power", Metric::PvPower3, 0.0, PV_W_MAX),
    number("pv_total_charging_power", Metric::PvPower, 0.0, PV_W_MAX),
];

/// What the first charger is to be added to.
fn chargers(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let watts = |index| fields.number_in(index, 0.0, PV_W_MAX);
    if let (Ok(second), Ok(third)) = (watts(3), watts(10)) {
        context.keep("pv2", second + third);
    }
    Vec::new()
}
