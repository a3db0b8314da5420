//! Which faults and warnings are set: the character strings of `QPIWS`, PI18's `FWS`, PI17's `WS`.
//!
//! A set flag is not yet a fault: some firmware sets reserved ones with nothing wrong, and at the end of the string stand
//! the digits of a fault code. Each family has its own table.

use ohmstead_model::{Metric, Observation, Severity, Value};

use super::families::Family;
use super::faults::{self, Named};
use super::frame::Payload;
use super::table::{self, Query};

/// What one character means.
#[derive(Clone, Copy)]
enum Flag {
    /// Nothing, or nobody knows.
    Reserved,
    /// This.
    Is(&'static Named),
    /// The second, if the inverter reports a fault (a1), else the first.
    Either(&'static Named, &'static Named),
    /// The first digit of a fault code; the second stands behind it.
    Code,
}

use Flag::{Code, Either, Is, Reserved};

/// The first 25 are alike in every document, with few exceptions.
const fn common(zero: Flag, op_short: Flag, thirteen: Flag, fifteen: Flag) -> [Flag; 24] {
    [
        zero,
        Is(&faults::INVERTER),
        Is(&faults::BUS_HIGH),
        Is(&faults::BUS_LOW),
        Is(&faults::BUS_SOFT_START),
        Is(&faults::LINE_FAIL),
        op_short,
        Is(&faults::OUTPUT_LOW),
        Is(&faults::OUTPUT_HIGH),
        Either(&faults::OVER_TEMPERATURE, &faults::OVER_TEMPERATURE_F),
        Either(&faults::FAN_LOCKED, &faults::FAN_LOCKED_F),
        Either(&faults::BATTERY_HIGH, &faults::BATTERY_HIGH_F),
        Is(&faults::BATTERY_LOW),
        thirteen,
        Is(&faults::BATTERY_UNDER),
        fifteen,
        Either(&faults::OVERLOAD, &faults::OVERLOAD_F),
        Is(&faults::EEPROM),
        Is(&faults::OVER_CURRENT),
        Is(&faults::SOFT_START),
        Is(&faults::SELF_TEST),
        Is(&faults::DC_OFFSET),
        Is(&faults::BATTERY_OPEN),
        Is(&faults::CURRENT_SENSOR),
    ]
}

const HS: [Flag; 24] = common(Reserved, Is(&faults::OUTPUT_SHORT_W), Reserved, Reserved);
const HS_TAIL: &[Flag] = &[
    Is(&faults::BATTERY_SHORT),
    Is(&faults::POWER_LIMIT),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Reserved,
    Reserved,
];

/// GK, MK, MG, VM III, MKS III: 36 characters.
const MK: [Flag; 24] =
    common(Is(&faults::PV_LOSS), Is(&faults::OUTPUT_SHORT), Reserved, Is(&faults::BATTERY_DERATING));
const MK_TAIL: &[Flag] = &[
    Is(&faults::BATTERY_SHORT),
    Is(&faults::POWER_LIMIT),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Is(&faults::DCDC_OVER_CURRENT),
    Code,
    Reserved,
    Is(&faults::PV_LOW),
    Is(&faults::HIGH_AC_INPUT),
    Is(&faults::EQUALIZING),
];

/// MAX: 36 characters, the middle ones reserved.
const MAX_TAIL_48: &[Flag] = &[
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Is(&faults::BATTERY_WEAK),
    Code,
    Reserved,
    Reserved,
    Is(&faults::EQUALIZING),
];
const MAX_TAIL_24: &[Flag] = &[
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Code,
    Reserved,
    Reserved,
    Reserved,
    Is(&faults::EQUALIZING),
];

/// LV5048: 32 characters.
const PI41: [Flag; 24] =
    common(Reserved, Is(&faults::OUTPUT_SHORT_W), Is(&faults::OVERCHARGE), Is(&faults::BATTERY_DERATING));
const PI41_TAIL: &[Flag] = &[
    Is(&faults::BATTERY_SHORT),
    Is(&faults::POWER_LIMIT),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Is(&faults::SLAVE),
    Reserved,
];

/// Three solar chargers: 38 characters, four per charger from 26 on.
const TRIPLE: [Flag; 24] = common(Reserved, Is(&faults::OUTPUT_SHORT_W), Is(&faults::OVERCHARGE), Reserved);
const TRIPLE_TAIL: &[Flag] = &[
    Is(&faults::BATTERY_SHORT),
    Is(&faults::POWER_LIMIT),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD_FAULT),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
];

/// PI18's flags behind its fault code.
const FWS: &[Flag] = &[
    Is(&faults::LINE_FAIL),
    Is(&faults::OUTPUT_SHORT_W),
    Is(&faults::OVER_TEMPERATURE),
    Is(&faults::FAN_LOCKED),
    Is(&faults::BATTERY_HIGH),
    Is(&faults::BATTERY_LOW),
    Is(&faults::BATTERY_UNDER),
    Is(&faults::OVERLOAD),
    Is(&faults::EEPROM),
    Is(&faults::POWER_LIMIT),
    Is(&faults::PV_HIGH),
    Is(&faults::PV_HIGH),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::MPPT_OVERLOAD),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
    Is(&faults::BATTERY_TOO_LOW_TO_CHARGE),
];

/// PI17's warnings.
const WS: &[Flag] = &[
    Is(&faults::PV_LOSS),
    Is(&faults::PV_LOSS),
    Is(&faults::PV_HIGH),
    Is(&faults::PV_HIGH),
    Is(&faults::BATTERY_UNDER),
    Is(&faults::BATTERY_LOW),
    Is(&faults::BATTERY_OPEN_W),
    Is(&faults::BATTERY_HIGH),
    Is(&faults::BATTERY_LOW),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::LINE_FAIL),
    Is(&faults::GRID_OUT_OF_RANGE),
    Is(&faults::GRID_ISLAND),
    Is(&faults::GRID_PHASES),
    Is(&faults::OVER_TEMPERATURE),
    Is(&faults::OVERLOAD),
    Is(&faults::EMERGENCY_OFF),
    Is(&faults::GRID_OUT_OF_RANGE),
];

/// What is set in the answer to `command`; `None` if that is no such list.
pub(crate) fn states(family: Family, command: &str, payload: &Payload) -> Option<Vec<&'static Named>> {
    let body = payload.body();
    let mut set = match (family, command) {
        (_, "QPIWS") => of_string(family, body),
        (Family::Pi18, "FWS") => of_pi18(body),
        (Family::Pi17, "WS") => listed_in(WS, &table::split(body, true)),
        _ => return None,
    };
    let mut seen = std::collections::BTreeSet::new();
    set.retain(|named| seen.insert((named.key, named.severity)));
    Some(set)
}

fn of_string(family: Family, body: &str) -> Vec<&'static Named> {
    let (head, tail) = match (family, body.len()) {
        (Family::Pi41, _) => (&PI41, PI41_TAIL),
        // Where the 24 V models have the first digit of the code, the 48 V models have a flag.
        (Family::Pi30Max, _) if has_digit_at(body, 31) => (&MK, MAX_TAIL_24),
        (Family::Pi30Max, _) => (&MK, MAX_TAIL_48),
        (_, 38..) => (&TRIPLE, TRIPLE_TAIL),
        (_, 33..) => (&MK, MK_TAIL),
        _ => (&HS, HS_TAIL),
    };
    let is_fault = body.as_bytes().get(1) == Some(&b'1');
    let flags = head.iter().chain(tail).zip(body.bytes().enumerate());
    flags
        .filter_map(|(flag, (index, character))| match flag {
            Code => fault_code(body, index),
            _ if character != b'1' => None,
            Reserved => None,
            Is(named) => Some(*named),
            Either(_, fault) if is_fault => Some(*fault),
            Either(warning, _) => Some(*warning),
        })
        .collect()
}

fn has_digit_at(body: &str, index: usize) -> bool {
    body.as_bytes().get(index).is_some_and(|byte| (b'2'..=b'9').contains(byte))
}

/// A fault code of two digits. Two flags look like 00, 01, 10 or 11: those are codes only together with a fault.
fn fault_code(body: &str, index: usize) -> Option<&'static Named> {
    let code: u32 = body.get(index..index + 2)?.parse().ok()?;
    let is_fault = body.as_bytes().get(1) == Some(&b'1');
    (is_fault || code > 11).then(|| faults::by_code(code)).flatten()
}

fn of_pi18(body: &str) -> Vec<&'static Named> {
    let fields = table::split(body, true);
    let code = fields.first().and_then(|code| code.parse().ok()).and_then(faults::by_code);
    code.into_iter().chain(listed_in(FWS, fields.get(1..).unwrap_or_default())).collect()
}

/// The flags that stand as "1" in fields of their own.
fn listed_in(flags: &[Flag], fields: &[&str]) -> Vec<&'static Named> {
    let set = flags.iter().zip(fields).filter(|(_, text)| **text == "1");
    set.filter_map(|(flag, _)| match flag {
        Is(named) => Some(*named),
        _ => None,
    })
    .collect()
}

/// The names that are set, as values.
pub(crate) fn listed(states: &[&'static Named], query: &Query) -> Vec<(Metric, Observation)> {
    let of = |severity: Severity| {
        let keys: Vec<_> =
            states.iter().filter(|named| named.severity == severity).map(|named| named.key).collect();
        if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
    };
    let metrics = [(Metric::InverterFaults, Severity::Alarm), (Metric::InverterWarnings, Severity::Warning)];
    let given = metrics.into_iter().filter(|(metric, _)| query.metrics.contains(metric));
    given.map(|(metric, severity)| (metric, Ok(Value::text(of(severity))))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn keys(family: Family, body: &str) -> Vec<&'static str> {
        let payload = Payload::of(&format!("({body}"));
        states(family, "QPIWS", &payload).expect("a list").iter().map(|named| named.key).collect()
    }

    fn with(length: usize, set: &[(usize, char)]) -> String {
        let mut characters = vec!['0'; length];
        for (index, character) in set {
            characters[*index] = *character;
        }
        characters.into_iter().collect()
    }

    #[rstest]
    #[case::nothing(Family::Pi30, 32, &[], &[])]
    #[case::grid_and_overload(Family::Pi30, 32, &[(5, '1'), (16, '1')], &["grid_failed", "overload"])]
    #[case::reserved_first_one(Family::Pi30, 32, &[(0, '1')], &[])]
    #[case::pv_loss(Family::Pi30, 36, &[(0, '1')], &["pv_lost"])]
    #[case::code_of_mk(Family::Pi30, 36, &[(1, '1'), (31, '5'), (32, '6')], &["inverter_fault", "battery_disconnected"])]
    #[case::code_of_max_48(Family::Pi30Max, 36, &[(1, '1'), (32, '0'), (33, '7')], &["inverter_fault", "overload"])]
    #[case::weak_battery_is_no_code(Family::Pi30Max, 36, &[(31, '1')], &["battery_weak"])]
    #[case::code_of_max_24(Family::Pi30Max, 36, &[(1, '1'), (31, '5'), (32, '1')], &["inverter_fault", "inverter_over_current"])]
    #[case::max_reserves_the_middle(Family::Pi30Max, 36, &[(26, '1'), (27, '1')], &[])]
    #[case::third_charger(Family::Pi30, 38, &[(34, '1')], &["pv_voltage_high"])]
    #[case::slave(Family::Pi41, 32, &[(30, '1')], &["slave_warning"])]
    fn flags_have_names(
        #[case] family: Family,
        #[case] length: usize,
        #[case] set: &[(usize, char)],
        #[case] expected: &[&str],
    ) {
        assert_eq!(keys(family, &with(length, set)), expected);
    }

    #[test]
    fn the_same_flag_is_a_fault_where_the_inverter_reports_one() {
        let hot = |set: &[(usize, char)]| {
            states(Family::Pi30, "QPIWS", &Payload::of(&format!("({}", with(32, set)))).unwrap()
        };
        assert_eq!(hot(&[(9, '1')])[0].severity, Severity::Warning);
        assert_eq!(hot(&[(9, '1'), (1, '1')])[1].severity, Severity::Alarm);
    }

    #[test]
    fn pi18_has_a_code_and_flags() {
        let payload = Payload::of("^D03956,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0");
        let keys: Vec<_> =
            states(Family::Pi18, "FWS", &payload).unwrap().iter().map(|named| named.key).collect();
        assert_eq!(keys, ["battery_disconnected", "eeprom_fault"]);
    }

    #[test]
    fn pi17_has_warnings_only() {
        let payload = Payload::of("^D0471,1,0,0,1,1,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,");
        let states = states(Family::Pi17, "WS", &payload).unwrap();
        let keys: Vec<_> = states.iter().map(|named| named.key).collect();
        assert_eq!(keys, ["pv_lost", "battery_shut_down", "battery_voltage_low"]);
        assert!(states.iter().all(|named| named.severity == Severity::Warning));
    }
}
