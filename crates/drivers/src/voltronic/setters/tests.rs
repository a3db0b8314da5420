mod tables;

use ohmstead_model::BatteryMode;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const ALL: &[WriteClass] = &[WriteClass::Priorities, WriteClass::Limits, WriteClass::Battery];
const FAMILIES: &[Family] =
    &[Family::Pi30, Family::Pi30Max, Family::Revo, Family::Pi41, Family::Pi18, Family::Pi17];

/// A unit that has told everything: a 48 V battery of type `user`.
fn known(family: Family) -> Known {
    let mut known = Known {
        rated_v: Some(48.0),
        charge_currents: vec![10.0, 60.0, 100.0, 120.0],
        grid_charge_currents: vec![2.0, 30.0, 100.0],
        ..Known::new(family)
    };
    let numbers = [
        (Metric::BatteryRechargeVoltage, 46.0),
        (Metric::BatteryRedischargeVoltage, 54.0),
        (Metric::BatteryCutoffVoltage, 42.0),
        (Metric::BatteryBulkVoltage, 56.4),
        (Metric::BatteryFloatVoltage, 54.0),
        (Metric::ChargeCurrentMax, 120.0),
        (Metric::GridChargeCurrentMax, 30.0),
        (Metric::DischargeCurrentMax, 150.0),
    ];
    known.values.extend(numbers.map(|(metric, number)| (metric, Value::Number(number))));
    known.values.insert(Metric::BatteryType, Value::State("user"));
    let flags = NATIVE.iter().filter(|metric| metric.id().starts_with("flag_"));
    known.values.extend(flags.map(|flag| (*flag, Value::State("no"))));
    known
}

fn set(known: &Known, name: &str, value: &str) -> Result<(String, String), String> {
    plan_setting(name, value, known, ALL)
        .map(|write| (write.command, write.word))
        .map_err(|error| error.reason)
}

#[test]
fn every_name_of_the_tables_is_a_metric_and_stands_once() {
    for family in FAMILIES {
        let mut names: Vec<_> = of(*family).iter().map(|setter| setter.metric().id()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", family.name());
    }
}

/// What could damage loads or the unit cannot even be spelled.
#[rstest]
fn dangerous_commands_are_in_no_table(
    #[values(
        "PF",
        "F50",
        "F60",
        "V230",
        "POPM00",
        "POPM01",
        "POPLG00",
        "PPVOKC0",
        "PSPB0",
        "PSAVE",
        "PEd",
        "PDd",
        "PEI",
        "PDI",
        "PBEQE1",
        "PBATCD111",
        "PBATCD000",
        "PCVT000",
        "RTEY",
        "RTDL",
        "DAT200101000000",
        "BTA+01",
        "ATE1",
        "PLED0",
        "PSET",
        "S01",
        "T",
        "POPM0,1",
        "LON0",
        "GPMP0005000",
        "MCHGC",
        "POP",
        "POP03",
        "POP02x",
        "",
        "QPIGS"
    )]
    command: &str,
) {
    for family in FAMILIES {
        assert!(!is_tabled(*family, command, ALL), "{}: {command}", family.name());
    }
}

#[test]
fn what_the_owner_has_not_allowed_is_neither_offered_nor_sent() {
    let known = known(Family::Pi30);
    assert!(offered(&known, &[]).is_empty() && modes(Family::Pi30, &[]).is_empty());
    let ids: Vec<_> = offered(&known, &[WriteClass::Priorities]).iter().map(|s| s.metric.id()).collect();
    assert_eq!(ids, ["output_priority", "charger_priority"]);
    let refused =
        plan_setting("battery_bulk_voltage", "56.4", &known, &[WriteClass::Priorities, WriteClass::Limits]);
    assert_eq!(
        refused.expect_err("not allowed").reason,
        "battery_bulk_voltage is not among what the owner allows to be written: add `battery` to `write:` of the device; wrong values damage the battery"
    );
    let refused =
        plan_mode(&BatteryMode::Auto, &known, &[WriteClass::Limits]).expect_err("not allowed").reason;
    assert!(refused.contains("add `priorities` to `write:`"), "{refused}");
    assert!(!is_tabled(Family::Pi30, "POP02", &[WriteClass::Limits]));
    assert!(is_tabled(Family::Pi30, "POP02", &[WriteClass::Priorities]));
}

#[rstest]
#[case(
    "battery_recharge_voltage",
    "51",
    "battery_recharge_voltage must be below battery_redischarge_voltage: 51 V and 50 V"
)]
#[case(
    "battery_redischarge_voltage",
    "48",
    "battery_recharge_voltage must be below battery_redischarge_voltage: 48 V and 48 V"
)]
#[case(
    "battery_float_voltage",
    "56.5",
    "battery_float_voltage must not be above battery_bulk_voltage: 56.5 V and 56.4 V"
)]
#[case(
    "battery_bulk_voltage",
    "53",
    "battery_float_voltage must not be above battery_bulk_voltage: 54 V and 53 V"
)]
#[case(
    "battery_cutoff_voltage",
    "48",
    "battery_cutoff_voltage must be below battery_recharge_voltage: 48 V and 48 V"
)]
#[case(
    "grid_charge_current_max",
    "100",
    "charging from the grid with 100 A is more than charging altogether, 60 A: raise charge_current_max first"
)]
#[case(
    "charge_current_max",
    "10",
    "charging altogether with 10 A is less than charging from the grid, 30 A: lower grid_charge_current_max first"
)]
#[case("charge_current_max", "50", "charge_current_max cannot be \"50\": expected one of 10, 60, 100, 120 A")]
#[case(
    "output_voltage",
    "230",
    "output_voltage is nothing that can be set on this inverter; there are output_priority, charger_priority, charge_current_max, grid_charge_current_max, battery_recharge_voltage, battery_redischarge_voltage, inverter_input_range, flag_buzzer, flag_overload_bypass, flag_power_saving, flag_lcd_return, flag_overload_restart, flag_over_temperature_restart, flag_backlight, flag_source_alarm, flag_fault_record, battery_bulk_voltage, battery_float_voltage, battery_cutoff_voltage, battery_type"
)]
fn values_that_contradict_others_are_refused(#[case] name: &str, #[case] value: &str, #[case] why: &str) {
    let mut known = known(Family::Pi30);
    known.values.insert(Metric::ChargeCurrentMax, Value::Number(60.0));
    if name == "battery_recharge_voltage" {
        known.values.insert(Metric::BatteryRedischargeVoltage, Value::Number(50.0));
    } else if name != "battery_bulk_voltage" {
        known.values.insert(Metric::BatteryRechargeVoltage, Value::Number(48.0));
    }
    assert_eq!(set(&known, name, value), Err(why.to_owned()));
}

#[test]
fn back_to_battery_when_full_goes_with_any_voltage() {
    let known = known(Family::Pi30);
    let set_to = |value| set(&known, "battery_redischarge_voltage", value);
    assert_eq!(set_to("0"), Ok(("PBDV00.0".to_owned(), "0.0 V".to_owned())));
}

#[test]
fn the_batterys_voltages_need_the_type_user() {
    let mut known = known(Family::Pi30);
    known.values.insert(Metric::BatteryType, Value::State("agm"));
    assert_eq!(
        set(&known, "battery_float_voltage", "54.0"),
        Err("battery_float_voltage follows from the battery type, which is agm: only with battery_type=user can it be set".to_owned())
    );
    known.values.clear();
    assert!(set(&known, "battery_float_voltage", "54.0").is_err_and(|why| why.contains("has not told yet")));
}

#[test]
fn a_unit_that_has_not_told_is_not_guessed_at() {
    let known = Known::new(Family::Pi30Max);
    let ids: Vec<_> = offered(&known, ALL).iter().map(|setting| setting.metric.id()).collect();
    assert_eq!(ids, ["output_priority", "charger_priority", "inverter_input_range", "battery_type"]);
    assert_eq!(
        set(&known, "charge_current_max", "10"),
        Err("charge_current_max: the inverter has not told which currents it takes".to_owned())
    );
    assert_eq!(
        set(&Known { rated_v: Some(36.0), ..known }, "battery_recharge_voltage", "46"),
        Err("battery_recharge_voltage: the inverter has not told the rated voltage of its battery".to_owned())
    );
}

#[test]
fn a_unit_of_a_set_is_addressed_by_its_number() {
    let mut known = Known { in_set: true, unit: Some(2), ..known(Family::Pi30) };
    assert_eq!(set(&known, "charger_priority", "solar_only").expect("possible").0, "PPCP203");
    assert_eq!(set(&known, "charge_current_max", "60").expect("possible").0, "MCHGC260");
    assert_eq!(set(&known, "charge_current_max", "120").expect("possible").0, "MNCHGC2120");
    known.unit = None;
    assert!(set(&known, "charge_current_max", "60").is_err_and(|why| why.contains("which of its units")));
    assert_eq!(set(&known, "output_priority", "SBU").expect("the set's").0, "POP02");
}

#[test]
fn the_units_own_word_is_as_good_as_the_key() {
    let known = known(Family::Pi18);
    for value in ["solar_battery_utility", "SBU", "sbu"] {
        assert_eq!(set(&known, "output_priority", value), Ok(("POP1".to_owned(), "SBU".to_owned())));
    }
}

#[rstest]
#[case(24.0, &["PBCV22.0", "PBCV25.5", "PBDV00.0", "PBDV29.0", "PCVV24.0", "PCVV29.2", "PSDV21.0", "PSDV24.0"])]
#[case(12.0, &["PBCV11.0", "PBCV12.8", "PBDV00.0", "PBDV14.5", "PCVV12.0", "PCVV14.6", "PSDV10.5", "PSDV12.0"])]
fn voltages_follow_the_batterys_rating(#[case] rated_v: f64, #[case] commands: &[&str]) {
    let mut known = Known { rated_v: Some(rated_v), ..known(Family::Pi30) };
    for metric in [
        Metric::BatteryRechargeVoltage,
        Metric::BatteryRedischargeVoltage,
        Metric::BatteryCutoffVoltage,
        Metric::BatteryBulkVoltage,
        Metric::BatteryFloatVoltage,
    ] {
        known.values.insert(metric, Value::Number(0.0));
    }
    let name = |command: &str| match &command[..4] {
        "PBCV" => "battery_recharge_voltage",
        "PBDV" => "battery_redischarge_voltage",
        "PCVV" => "battery_bulk_voltage",
        _ => "battery_cutoff_voltage",
    };
    for command in commands {
        // The rules that tie them together have tests of their own.
        let setter = of(Family::Pi30).iter().find(|setter| setter.name == name(command)).expect("a row");
        let setting = Setting { metric: setter.metric(), allowed: setter.allowed(&known).expect("known") };
        let value = setting.parse(&command[4..]).expect(command);
        assert_eq!(setter.command(&value, &known).as_deref(), Ok(*command));
    }
}

proptest! {
    /// Whatever is asked, what would be sent is a command of the table and within what the unit takes.
    #[test]
    fn only_tabled_commands_are_planned(family in 0..FAMILIES.len(), row in 0usize..24, number in 0f64..200.0) {
        let family = FAMILIES[family];
        let known = known(family);
        let Some(setter) = of(family).get(row) else { return Ok(()) };
        for value in [format!("{number:.1}"), format!("{number:.0}"), "solar_first".to_owned(), "yes".to_owned()] {
            if let Ok((command, word)) = set(&known, setter.name, &value) {
                prop_assert!(is_tabled(family, &command, ALL), "{command}");
                prop_assert!(command.is_ascii() && command.len() < 20 && !word.is_empty());
            }
        }
    }

    /// No text is a command by accident.
    #[test]
    fn no_other_text_is_tabled(text in "[A-Z]{1,6}[0-9.,a-zA-Z]{0,6}") {
        let known_names = ["POP", "PCP", "PPCP", "MCHGC", "MNCHGC", "MUCHGC", "PBCV", "PBDV", "PGR", "PBT", "PCVV", "PBFT",
            "PSDV", "PBATMAXDISC", "PE", "PD", "BUCD", "MCHGV"];
        for family in FAMILIES {
            if is_tabled(*family, &text, ALL) {
                prop_assert!(known_names.iter().any(|name| text.starts_with(name)), "{text}");
            }
        }
    }
}
