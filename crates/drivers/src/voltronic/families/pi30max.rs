//! PI30MAX: Axpert MAX, MAX II, TWIN, PIP-8048MAX. Sources: "PI30MAX Communication Protocol 20210217", captures by owners.
//! Field 12 of `QPIGS` is the panels' current here; the energy counters count Wh.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation};

use super::pi30;
use crate::voltronic::decode::{Context, Fields, Side, number as observed, within};
use crate::voltronic::table::{Field, Kind, Query, Shape, number, raw};

pub(super) const QUERIES: &[Query] = &[
    QPIGS,
    pi30::QMOD,
    QPIGS2,
    pi30::QPIWS,
    QPIRI,
    QET,
    QLT,
    pi30::QFLAG,
    pi30::QMCHGCR,
    pi30::QMUCHGCR,
    pi30::QT,
    pi30::QPGS0,
];

const QPIGS: Query = Query {
    command: "QPIGS",
    class: PollClass::Fast,
    shape: pi30::QPIGS_SHAPE,
    fields: pi30::QPIGS_FIELDS,
    computed: &[pi30::battery, pi30::temperature, pv],
    optional: false,
    metrics: pi30::QPIGS_METRICS,
};

fn pv(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    context.side = Some(Side::Panels);
    let current = fields.number_in(12, 0.0, 200.0);
    let product = || Ok(fields.number(13)? * fields.number(12)?);
    let power = match fields.text(19) {
        Some(_) => fields.number_in(19, 0.0, 40_000.0),
        None => product().and_then(|watts| within(watts, 0.0, 40_000.0)),
    };
    let mut values = vec![(Metric::PvCurrent1, observed(current))];
    values.extend(pi30::with_tracker_1(power, context));
    values
}

/// The second tracker.
const QPIGS2: Query = Query {
    command: "QPIGS2",
    class: PollClass::Fast,
    shape: Shape::Fields {
        least: 3,
        most: 6,
        kinds: &[(0, Kind::Decimal), (1, Kind::Decimal), (2, Kind::Whole)],
    },
    fields: QPIGS2_FIELDS,
    computed: &[second],
    optional: true,
    metrics: &[Metric::PvCurrent2, Metric::PvVoltage2, Metric::PvPower2, Metric::PvPower],
};

const QPIGS2_FIELDS: &[Field] = &[
    number("pv2_current", Metric::PvCurrent2, 0.0, 200.0),
    number("pv2_voltage", Metric::PvVoltage2, 0.0, 1_000.0),
    raw("pv2_charging_power"),
];

fn second(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    pi30::with_tracker_2(fields.number_in(2, 0.0, 40_000.0), context)
}

const QPIRI: Query = Query {
    command: "QPIRI",
    class: PollClass::Medium,
    shape: pi30::QPIRI_SHAPE,
    fields: pi30::QPIRI_FIELDS,
    computed: &[pi30_ratings, discharge_limit],
    optional: false,
    metrics: pi30::QPIRI_METRICS,
};

fn pi30_ratings(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    pi30::QPIRI.computed.iter().flat_map(|computed| computed(fields, context)).collect()
}

/// Three digits, or it is something else's.
fn discharge_limit(fields: &Fields<'_>, _context: &mut Context) -> Vec<(Metric, Observation)> {
    match fields.number_in(27, 0.0, 600.0) {
        Ok(amperes) if fields.len() == 28 && fields.text(27).is_some_and(|text| text.len() == 3) => {
            vec![(Metric::DischargeCurrentMax, observed(Ok(amperes)))]
        }
        _ => Vec::new(),
    }
}

const EIGHT_DIGITS: Shape = Shape::Digits { least: 8, most: 8 };

/// All energy from the sun, Wh.
const QET: Query = Query {
    command: "QET",
    class: PollClass::Medium,
    shape: EIGHT_DIGITS,
    fields: &[],
    computed: &[from_sun],
    optional: true,
    metrics: &[Metric::PvEnergy],
};

fn from_sun(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let kwh = fields.number(0).and_then(|count| context.energy.watt_hours("QET", count));
    vec![(Metric::PvEnergy, observed(kwh))]
}

/// All energy to the loads, Wh.
const QLT: Query = Query {
    command: "QLT",
    class: PollClass::Medium,
    shape: EIGHT_DIGITS,
    fields: &[],
    computed: &[to_loads],
    optional: true,
    metrics: &[Metric::LoadEnergy],
};

fn to_loads(fields: &Fields<'_>, context: &mut Context) -> Vec<(Metric, Observation)> {
    let kwh = fields.number(0).and_then(|count| context.energy.watt_hours("QLT", count));
    vec![(Metric::LoadEnergy, observed(kwh))]
}
