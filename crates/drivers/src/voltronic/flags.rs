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
}

use Flag::{Either, Is, Reserved};

/// Where the two digits of a fault code stand in the place of flags: the first one's index.
type Place = usize;

/// VM III, GK, MK, MG; MAX for 24 V.
const EARLY: Place = 31;
/// MKS III; MAX for 48 V.
const LATE: Place = 32;
/// What is a digit on one model or the other.
const DIGITS: std::ops::Range<usize> = 31..34;
/// From here on a battery is one of 48 V, not of 24 V.
const RATED_48: f64 = 36.0;

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

/// GK, MK, MG, VM III, MKS III: 36 characters. The last of those that may be digits is a flag on VM III.
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
    Reserved,
    Reserved,
    Is(&faults::PV_LOW),
    Is(&faults::HIGH_AC_INPUT),
    Is(&faults::EQUALIZING),
];

/// MAX: 36 characters, the middle ones reserved. The first of those that may be digits is a flag on models for 48 V.
const MAX_TAIL: &[Flag] = &[
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Reserved,
    Is(&faults::BATTERY_WEAK),
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
pub(crate) fn states(
    family: Family,
    command: &str,
    payload: &Payload,
    rated_battery_v: Option<f64>,
) -> Option<Vec<&'static Named>> {
    let body = payload.body();
    let mut set = match (family, command) {
        (_, "QPIWS") => of_string(family, body, rated_battery_v),
        (Family::Pi18, "FWS") => of_pi18(body),
        (Family::Pi17, "WS") => listed_in(WS, &table::split(body, true)),
        _ => return None,
    };
    let mut seen = std::collections::BTreeSet::new();
    set.retain(|named| seen.insert((named.key, named.severity)));
    Some(set)
}

fn of_string(family: Family, body: &str, rated_battery_v: Option<f64>) -> Vec<&'static Named> {
    let (head, tail, places): (_, _, &[Place]) = match (family, body.len()) {
        (Family::Pi41, _) => (&PI41, PI41_TAIL, &[]),
        (Family::Pi30Max, _) => (&MK, MAX_TAIL, max_places(rated_battery_v)),
        (_, 38..) => (&TRIPLE, TRIPLE_TAIL, &[]),
        // Nothing else in what these models tell shows which of them it is.
        (_, 33..) => (&MK, MK_TAIL, &[EARLY, LATE]),
        _ => (&HS, HS_TAIL, &[]),
    };
    let is_fault = is_fault(body);
    let (code, digits) = fault_code(places, body);
    let flags = head.iter().chain(tail).zip(body.bytes()).enumerate();
    let flags = flags.filter(|(index, (_, character))| *character == b'1' && !digits.contains(index));
    let named = flags.filter_map(|(_, (flag, _))| match flag {
        Reserved => None,
        Is(named) => Some(*named),
        Either(_, fault) if is_fault => Some(*fault),
        Either(warning, _) => Some(*warning),
    });
    named.chain(code).collect()
}

/// Where a MAX has the digits: that depends on its battery.
fn max_places(rated_battery_v: Option<f64>) -> &'static [Place] {
    match rated_battery_v {
        Some(volts) if volts >= RATED_48 => &[LATE],
        Some(_) => &[EARLY],
        None => &[EARLY, LATE],
    }
}

fn is_fault(body: &str) -> bool {
    body.as_bytes().get(1) == Some(&b'1')
}

fn has_digit_at(body: &str, index: usize) -> bool {
    body.as_bytes().get(index).is_some_and(|byte| (b'2'..=b'9').contains(byte))
}

/// The fault whose code stands in one of these places, and which characters are no flags then. Where the places give
/// different codes the digits are told as they are.
fn fault_code(places: &[Place], body: &str) -> (Option<&'static Named>, std::ops::Range<usize>) {
    let digits_of = |place: Place| place..place + 2;
    let ruled_out = match places {
        [only] => digits_of(*only),
        _ => 0..0,
    };
    let Some(digits) = body.get(DIGITS).filter(|_| !places.is_empty()) else { return (None, ruled_out) };
    // Two flags look like 00, 01, 10 or 11: those are codes only together with a fault.
    let is_code = is_fault(body) || DIGITS.clone().any(|index| has_digit_at(body, index));
    if !is_code || digits == "000" {
        return (None, ruled_out);
    }
    let readings: Vec<_> =
        places.iter().filter_map(|place| Some((*place, code_at(*place, body, places.len())?))).collect();
    match readings.as_slice() {
        [] => (Some(&faults::CODE_UNKNOWN), DIGITS),
        [(place, code)] => (faults::by_code(*code), digits_of(*place)),
        [(_, one), rest @ ..]
            if rest.iter().all(|(_, other)| faults::by_code(*other) == faults::by_code(*one)) =>
        {
            (faults::by_code(*one), DIGITS)
        }
        _ => (Some(faults::by_digits(digits)), DIGITS),
    }
}

/// The code in a place; `None` where there can be none, if there are other places.
fn code_at(place: Place, body: &str, places: usize) -> Option<u32> {
    let code = body.get(place..place + 2)?.parse().ok()?;
    let beside = DIGITS.filter(|index| !(place..place + 2).contains(index));
    let fits = !beside.into_iter().any(|index| has_digit_at(body, index))
        && faults::by_code(code) != Some(&faults::CODE_UNKNOWN);
    (fits || places == 1).then_some(code)
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
        of_battery(family, None, &payload)
    }

    fn of_battery(family: Family, rated_v: Option<f64>, payload: &Payload) -> Vec<&'static str> {
        let states = states(family, "QPIWS", payload, rated_v).expect("a list");
        states.iter().map(|named| named.key).collect()
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
    #[case::code_of_vm(Family::Pi30, 36, &[(1, '1'), (31, '5'), (32, '6'), (33, '1')], &["inverter_fault", "pv_energy_low", "battery_disconnected"])]
    #[case::code_of_mks(Family::Pi30, 36, &[(1, '1'), (32, '5'), (33, '6')], &["inverter_fault", "battery_disconnected"])]
    #[case::code_of_either_model(Family::Pi30, 36, &[(1, '1'), (33, '1')], &["inverter_fault", "fault_digits_001"])]
    #[case::code_of_both_models(Family::Pi30, 36, &[(1, '1'), (32, '5'), (33, '1')], &["inverter_fault", "fault_digits_051"])]
    #[case::dark(Family::Pi30, 36, &[(33, '1')], &["pv_energy_low"])]
    #[case::no_code_at_all(Family::Pi30, 36, &[(1, '1'), (31, '9'), (33, '4')], &["inverter_fault", "fault_code_unknown"])]
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

    /// Where a MAX has its code follows from its battery.
    #[rstest]
    #[case(24.0, &[(1, '1'), (31, '0'), (32, '7')], &["inverter_fault", "overload"])]
    #[case(24.0, &[(1, '1'), (31, '1'), (32, '3')], &["inverter_fault", "battery_over_current"])]
    #[case(24.0, &[(31, '1')], &[])]
    #[case(48.0, &[(1, '1'), (32, '0'), (33, '7')], &["inverter_fault", "overload"])]
    #[case(48.0, &[(1, '1'), (31, '1'), (32, '1'), (33, '3')], &["inverter_fault", "battery_weak", "battery_over_current"])]
    #[case(48.0, &[(31, '1')], &["battery_weak"])]
    fn a_max_is_read_by_its_battery(
        #[case] rated_v: f64,
        #[case] set: &[(usize, char)],
        #[case] expected: &[&str],
    ) {
        let payload = Payload::of(&format!("({}", with(36, set)));
        assert_eq!(of_battery(Family::Pi30Max, Some(rated_v), &payload), expected);
    }

    /// Each code of each model gives its name, or the digits where another model means another code by them; never another
    /// name.
    #[test]
    fn no_code_is_taken_for_another() {
        for (place, beside) in [(EARLY, 33), (LATE, 31)] {
            for code in (1..100).filter(|code| faults::by_code(*code) != Some(&faults::CODE_UNKNOWN)) {
                for flag in ['0', '1'] {
                    let text: Vec<char> = format!("{code:02}").chars().collect();
                    let body = with(36, &[(1, '1'), (place, text[0]), (place + 1, text[1]), (beside, flag)]);
                    let keys = keys(Family::Pi30, &body);
                    let name = faults::by_code(code).unwrap().key;
                    let told = keys.contains(&name) || keys.iter().any(|key| key.starts_with("fault_digits"));
                    assert!(told, "{code} at {place}: {keys:?}");
                    let others =
                        keys.iter().filter(|key| ![name, "inverter_fault", "pv_energy_low"].contains(key));
                    assert!(
                        others.into_iter().all(|key| key.starts_with("fault_digits")),
                        "{code} at {place}: {keys:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_same_flag_is_a_fault_where_the_inverter_reports_one() {
        let hot = |set: &[(usize, char)]| {
            states(Family::Pi30, "QPIWS", &Payload::of(&format!("({}", with(32, set))), None).unwrap()
        };
        assert_eq!(hot(&[(9, '1')])[0].severity, Severity::Warning);
        assert_eq!(hot(&[(9, '1'), (1, '1')])[1].severity, Severity::Alarm);
    }

    #[test]
    fn pi18_has_a_code_and_flags() {
        let payload = Payload::of("^D03956,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0");
        let keys: Vec<_> =
            states(Family::Pi18, "FWS", &payload, None).unwrap().iter().map(|named| named.key).collect();
        assert_eq!(keys, ["battery_disconnected", "eeprom_fault"]);
    }

    #[test]
    fn pi17_has_warnings_only() {
        let payload = Payload::of("^D0471,1,0,0,1,1,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,");
        let states = states(Family::Pi17, "WS", &payload, None).unwrap();
        let keys: Vec<_> = states.iter().map(|named| named.key).collect();
        assert_eq!(keys, ["pv_lost", "battery_shut_down", "battery_voltage_low"]);
        assert!(states.iter().all(|named| named.severity == Severity::Warning));
    }
}
