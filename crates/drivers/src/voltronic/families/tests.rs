//! One answer to each question of each family: what it gives, and that it is taken for nothing else.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::Family;
use crate::voltronic::decode::{self, Context, Side};
use crate::voltronic::frame::Payload;
use crate::voltronic::table::{Query, fits};

const QPIGS: &str = "(231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 0009 241.6 53.15 00000 00010110 00 00 00478 010";
const QPIGS_MAX: &str = "(231.4 49.9 229.9 50.0 01487 01402 018 441 53.10 000 084 0041 06.4 341.6 00.00 00012 00010110 00 00 02186 010 0 00 0000";
const QPIRI: &str =
    "(230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 2 1 9 01 0 0 54.0 0 1";
const QPIRI_MAX: &str = "(230.0 34.7 230.0 50.0 34.7 8000 8000 48.0 48.0 44.0 56.8 55.2 3 030 080 1 1 2 9 01 0 0 52.0 0 1 480 0 120";
const QPGS: &str = "(1 92931901100100 B 00 000.0 00.00 230.1 50.00 0487 0402 009 53.1 007 084 241.6 007 00974 00804 009 10100110 1 1 060 120 030 02 000";
const CURRENTS: &str = "(010 020 030 040 050 060";
const CLOCK: &str = "(20260412174501";

/// Made by hand after the documents.
const ANSWERS: &[(Family, &[(&str, &str)])] = &[
    (
        Family::Pi30,
        &[
            ("QPIGS", QPIGS),
            ("QMOD", "(B"),
            ("QPIWS", "(00000000000010000000000000000000"),
            ("QPIRI", QPIRI),
            ("QFLAG", "(EakxyDbjuvz"),
            ("QMCHGCR", CURRENTS),
            ("QMUCHGCR", "(02 10 20 30"),
            ("QT", CLOCK),
            ("QPGS0", QPGS),
            ("QPIGS2", "(03.1 327.3 52.3 01016 1 000 00000 02.0 310.5 52.3 00620 02114"),
        ],
    ),
    (
        Family::Pi30Max,
        &[
            ("QPIGS", QPIGS_MAX),
            ("QMOD", "(L"),
            ("QPIGS2", "(03.1 327.3 01016 "),
            ("QPIWS", "(000001000000000000000000000000010000"),
            ("QPIRI", QPIRI_MAX),
            ("QET", "(00238800"),
            ("QLT", "(00311200"),
            ("QFLAG", "(EakxyDbjuvz"),
            ("QMCHGCR", CURRENTS),
            ("QMUCHGCR", "(002 010 020 030"),
            ("QT", CLOCK),
            (
                "QPGS0",
                concat!(
                    "(0 92932101100100 B 00 000.0 00.00 230.1 50.00 0487 0402 009 53.1 007 084 241.6 007 ",
                    "00974 00804 009 10100110 0 1 060 120 030 02 000 275.3 02"
                ),
            ),
        ],
    ),
    (
        Family::Revo,
        &[
            (
                "QPIGS",
                "(231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 1260 241.6 53.15 04810 00010110 00 00 00000 010",
            ),
            ("QMOD", "(L"),
            ("QPIWS", "(00000000000000000000000000000000"),
            (
                "QPIRI",
                "(230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 44.0 42.0 56.4 54.0 2 60 060 0 0 0 9 01 0 0 00.0 0 1",
            ),
        ],
    ),
    (
        Family::Pi41,
        &[
            (
                "QPIGS",
                "(121.4 59.9 120.1 60.0 0487 0402 009 381 53.10 007 084 0041 0009 141.6 53.15 00000 00010110 00 00 00478 010",
            ),
            ("QPIGS2", "(121.2 59.9 120.0 60.0 0307 0298 012 0004 138.2 53.10 00010110"),
            ("QMOD", "(B"),
            ("QPIWS", "(00000000000000000000000000000010"),
            ("QPIRI", QPIRI),
            ("QFLAG", "(EakxyDbjuvz"),
            ("QMCHGCR", CURRENTS),
            ("QMUCHGCR", "(02 10 20 30"),
            ("QPGS0", QPGS),
        ],
    ),
    (
        Family::Pi18,
        &[
            (
                "GS",
                "2312,499,2299,500,0487,0402,009,531,000,000,012,000,084,041,038,000,0478,0120,2416,1980,0,2,2,1,2,2,1,0",
            ),
            ("MOD", "05"),
            ("FWS", "00,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0"),
            (
                "PIRI",
                "2300,243,2300,500,243,5600,5600,480,470,530,440,560,544,2,030,080,1,1,2,9,0,0,0,0,1,00",
            ),
            ("ET", "00802946"),
            ("FLAG", "1,0,1,0,0,1,1,1,0"),
            ("MCHGCR", "010,020,030,040"),
            ("MUCHGCR", "002,010,020,030"),
            ("T", "20260412174501"),
            (
                "PGS0",
                "1,5,00,2312,499,2299,500,0487,0402,00974,00804,009,009,531,012,000,000,084,0478,0120,2416,1980,2,2,1,2,2,1,041",
            ),
        ],
    ),
    (
        Family::Pi17,
        &[
            (
                "GS",
                "3416,3380,0064,0061,0531,084,+00120,2312,2320,2305,4999,0012,0011,0012,2299,2301,2300,5000,,,,038,041,000,0",
            ),
            ("MOD", "06"),
            (
                "PS",
                "02186,02061,+00637,+00100,+00120,+00090,+00310,00410,00390,00402,01202,00450,00430,00440,01320,013,1,1,1,1,2,1",
            ),
            ("WS", "0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"),
            ("ET", "00006591"),
            ("T", "20260412174501"),
        ],
    ),
];

fn payload(family: Family, text: &str) -> Payload {
    if text.starts_with('(') {
        return Payload::of(text);
    }
    assert!(matches!(family, Family::Pi18 | Family::Pi17), "{text}");
    Payload::of(&format!("^D{:03}{text}", text.len() + 3))
}

fn answers(family: Family) -> impl Iterator<Item = (&'static Query, &'static str)> {
    let found = ANSWERS.iter().find(|(known, _)| *known == family).expect("every family has answers");
    found.1.iter().map(move |(command, text)| {
        let query = family.queries().iter().find(|query| query.command == *command);
        (query.unwrap_or_else(|| panic!("{family} does not ask {command}")), *text)
    })
}

/// What the answers of a family give one after the other.
fn told(family: Family) -> String {
    let (mut context, mut shown) = (Context::default(), String::new());
    for (query, text) in answers(family) {
        let decoded = decode::read_of(family, query, &payload(family, text), &mut context);
        writeln!(shown, "{}", query.command).unwrap();
        for (metric, observation) in &decoded.values {
            assert!(query.metrics.contains(metric), "{family} {}: {metric} is not announced", query.command);
            let unit = metric.def().unit.map_or("", |unit| unit.symbol());
            let value = match observation {
                Ok(value) => value.number().map_or_else(
                    || format!("= {}", value.as_str().unwrap_or_default()),
                    |number| format!("= {} {unit}", metric.round(number)),
                ),
                Err(why) => format!("unknown: {why}"),
            };
            writeln!(shown, "  {metric} {}", value.trim_end()).unwrap();
        }
        if decoded.extra > 0 {
            writeln!(shown, "  and {} fields more", decoded.extra).unwrap();
        }
    }
    shown
}

fn check(family: Family, expected: &Expect) {
    expected.assert_eq(&told(family));
}

#[test]
fn tables_are_sound() {
    for family in Family::ALL {
        let mut commands = std::collections::BTreeSet::new();
        for query in family.queries().iter().chain(family.members()) {
            assert!(commands.insert(query.command), "{family} {} twice", query.command);
            for field in query.fields {
                let known = field.metric.is_none_or(|metric| query.metrics.contains(&metric));
                assert!(known, "{family} {}: {} is not among its metrics", query.command, field.name);
            }
        }
        assert_eq!(Family::by_name(&family.name().to_lowercase()), Some(family));
    }
}

#[test]
fn every_question_has_an_answer_here_and_it_fits() {
    for family in Family::ALL {
        let answered: Vec<_> = answers(family).map(|(query, _)| query.command).collect();
        let asked: Vec<_> = family.queries().iter().map(|query| query.command).collect();
        assert_eq!(answered, asked, "{family}");
        for (query, text) in answers(family) {
            assert!(fits(query, &payload(family, text)), "{family} {}: {text}", query.command);
        }
    }
}

/// Questions whose answers look the same; they are told apart by their order alone.
const TWINS: &[[&str; 2]] = &[["QET", "QLT"], ["QMCHGCR", "QMUCHGCR"], ["MCHGCR", "MUCHGCR"]];

#[test]
fn an_answer_is_never_taken_for_that_to_another_question() {
    for family in Family::ALL {
        for (asked, text) in answers(family) {
            for query in family.queries().iter().filter(|query| query.command != asked.command) {
                let pair = [asked.command, query.command];
                let are_twins = TWINS.iter().any(|twins| *twins == pair || [twins[1], twins[0]] == pair);
                let taken = fits(query, &payload(family, text));
                assert_eq!(taken, are_twins, "{family}: the answer to {pair:?}");
            }
        }
    }
}

/// A lost 0x00 at the end of the checksum takes the last character with it, unnoticed by the checksum.
#[test]
fn an_answer_without_its_last_character_gives_no_other_value() {
    for family in Family::ALL {
        for (query, text) in answers(family) {
            let whole = decode::read_of(family, query, &payload(family, text), &mut Context::default());
            let whole_text = payload(family, text).text().to_owned();
            let cut = Payload::of(&whole_text[..whole_text.len() - 1]);
            if fits(query, &cut) {
                let cut = decode::read_of(family, query, &cut, &mut Context::default());
                let lost = |(metric, _): &&(_, _)| !cut.values.iter().any(|(known, _)| known == metric);
                let changed: Vec<_> =
                    whole.values.iter().filter(|value| !lost(value) && !cut.values.contains(value)).collect();
                assert!(changed.is_empty(), "{family} {}: {changed:?}", query.command);
            }
        }
    }
}

/// Where the current of field 12 flows is seen by what it explains.
#[rstest::rstest]
#[case::into_the_battery(
    "000.0 00.0 230.0 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000 00110110 00 00 00856 010",
    Some(Side::Battery)
)]
#[case::out_of_the_panels(
    "230.0 50.0 230.0 50.0 0161 0119 003 460 53.00 012 100 0069 0008 118.0 00.00 00000 00010110 00 00 00930 010",
    Some(Side::Panels)
)]
#[case::in_tenths(
    "238.3 50.0 230.2 50.0 0322 0205 005 422 53.20 000 050 0056 02.1 224.7 00.00 00000 00010110 00 00 00473 010",
    Some(Side::Panels)
)]
#[case::old(
    "230.0 50.0 230.0 50.0 0161 0119 003 380 27.50 000 100 0569 0014 063.8 27.40 00005 00010110",
    Some(Side::Battery)
)]
#[case::night(
    "242.8 49.7 230.1 49.8 0736 0548 014 381 51.50 000 100 0032 0000 000.0 00.00 00000 00010101 00 00 00000 110",
    None
)]
#[case::too_little_to_tell(
    "230.0 50.0 230.0 50.0 0161 0119 003 460 53.00 001 100 0069 0001 080.0 53.00 00000 00010110 00 00 00060 010",
    None
)]
fn the_side_of_the_solar_current(#[case] text: &str, #[case] side: Option<Side>) {
    let query = Family::Pi30.query("QPIGS").expect("every unit has it");
    let mut context = Context::default();
    decode::read_of(Family::Pi30, query, &Payload::of(&format!("({text}")), &mut context);
    assert_eq!(context.side, side);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one answer, whole")]
fn pi30() {
    check(
        Family::Pi30,
        &expect![[r#"
            QPIGS
              grid_voltage = 231.4 V
              grid_frequency = 49.9 Hz
              inverter_voltage = 229.9 V
              inverter_frequency = 50 Hz
              inverter_apparent_power = 487 VA
              load_power = 402 W
              inverter_load_share = 9 %
              inverter_bus_voltage = 381 V
              battery_voltage = 53.1 V
              battery_soc = 84 %
              voltronic_solar_current = 9 A
              pv_voltage_1 = 241.6 V
              voltronic_battery_voltage_scc = 53.15 V
              voltronic_device_status = 00010110
              voltronic_battery_voltage_offset_fans = 0
              voltronic_eeprom_version = 0
              voltronic_device_status_2 = 010
              battery_current = -7 A
              battery_power = -372 W
              voltronic_battery_charge_current = 7 A
              voltronic_battery_discharge_current = 0 A
              inverter_temperature = 41 °C
              pv_power_1 = 478 W
              pv_power = 478 W
            QMOD
              inverter_mode = battery
              inverter_mode_native = B
            QPIWS
              inverter_faults = none
              inverter_warnings = battery_voltage_low
            QPIRI
              inverter_power_max = 4000 W
              battery_recharge_voltage = 46 V
              battery_cutoff_voltage = 42 V
              battery_bulk_voltage = 56.4 V
              battery_float_voltage = 54 V
              battery_type = user
              grid_charge_current_max = 30 A
              charge_current_max = 60 A
              inverter_input_range = appliance
              output_priority = solar_battery_utility
              charger_priority = solar_first
              battery_redischarge_voltage = 54 V
              battery_mode = auto
              battery_mode_native = SBU
            QFLAG
              flag_buzzer = yes
              flag_lcd_return = yes
              flag_backlight = yes
              flag_source_alarm = yes
              flag_overload_bypass = no
              flag_power_saving = no
              flag_overload_restart = no
              flag_over_temperature_restart = no
              flag_fault_record = no
            QMCHGCR
            QMUCHGCR
            QT
            QPGS0
            QPIGS2
              pv_current_2 = 3.1 A
              pv_voltage_2 = 327.3 V
              pv_power_2 = 1016 W
              pv_current_3 = 2 A
              pv_voltage_3 = 310.5 V
              pv_power_3 = 620 W
              pv_power = 2114 W
        "#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one answer, whole")]
fn pi30_max() {
    check(
        Family::Pi30Max,
        &expect![[r#"
            QPIGS
              grid_voltage = 231.4 V
              grid_frequency = 49.9 Hz
              inverter_voltage = 229.9 V
              inverter_frequency = 50 Hz
              inverter_apparent_power = 1487 VA
              load_power = 1402 W
              inverter_load_share = 18 %
              inverter_bus_voltage = 441 V
              battery_voltage = 53.1 V
              battery_soc = 84 %
              voltronic_solar_current = 6.4 A
              pv_voltage_1 = 341.6 V
              voltronic_battery_voltage_scc = 0 V
              voltronic_device_status = 00010110
              voltronic_battery_voltage_offset_fans = 0
              voltronic_eeprom_version = 0
              voltronic_device_status_2 = 010
              battery_current = 12 A
              battery_power = 637 W
              voltronic_battery_charge_current = 0 A
              voltronic_battery_discharge_current = 12 A
              inverter_temperature = 41 °C
              pv_current_1 = 6.4 A
              pv_power_1 = 2186 W
              pv_power = 2186 W
            QMOD
              inverter_mode = line
              inverter_mode_native = L
            QPIGS2
              pv_current_2 = 3.1 A
              pv_voltage_2 = 327.3 V
              pv_power_2 = 1016 W
              pv_power = 3202 W
            QPIWS
              inverter_faults = none
              inverter_warnings = grid_failed, battery_weak
            QPIRI
              inverter_power_max = 8000 W
              battery_recharge_voltage = 48 V
              battery_cutoff_voltage = 44 V
              battery_bulk_voltage = 56.8 V
              battery_float_voltage = 55.2 V
              battery_type = pylontech
              grid_charge_current_max = 30 A
              charge_current_max = 80 A
              inverter_input_range = ups
              output_priority = solar_first
              charger_priority = solar_and_utility
              battery_redischarge_voltage = 52 V
              battery_mode = native
              battery_mode_native = SUB
              discharge_current_max = 120 A
            QET
              pv_energy = 238.8 kWh
            QLT
              load_energy = 311.2 kWh
            QFLAG
              flag_buzzer = yes
              flag_lcd_return = yes
              flag_backlight = yes
              flag_source_alarm = yes
              flag_overload_bypass = no
              flag_power_saving = no
              flag_overload_restart = no
              flag_over_temperature_restart = no
              flag_fault_record = no
            QMCHGCR
            QMUCHGCR
            QT
            QPGS0
        "#]],
    );
}

#[test]
fn revo() {
    check(
        Family::Revo,
        &expect![[r#"
            QPIGS
              grid_voltage = 231.4 V
              grid_frequency = 49.9 Hz
              inverter_voltage = 229.9 V
              inverter_frequency = 50 Hz
              inverter_apparent_power = 487 VA
              load_power = 402 W
              inverter_load_share = 9 %
              inverter_bus_voltage = 381 V
              battery_voltage = 53.1 V
              battery_soc = 84 %
              pv_voltage_1 = 241.6 V
              voltronic_device_status = 00010110
              voltronic_battery_charge_current = 7 A
              inverter_temperature = 41 °C
              pv_power_1 = 1260 W
              pv_power = 1260 W
            QMOD
              inverter_mode = line
              inverter_mode_native = L
            QPIWS
              inverter_faults = none
              inverter_warnings = none
            QPIRI
              inverter_power_max = 5000 W
              battery_cutoff_voltage = 42 V
              battery_bulk_voltage = 56.4 V
              battery_float_voltage = 54 V
              charge_current_max = 60 A
              and 8 fields more
        "#]],
    );
}

#[test]
fn pi41() {
    check(
        Family::Pi41,
        &expect![[r#"
            QPIGS
              grid_voltage = 121.4 V
              grid_frequency = 59.9 Hz
              inverter_voltage = 120.1 V
              inverter_frequency = 60 Hz
              load_power_l1 = 402 W
              inverter_load_share = 9 %
              inverter_bus_voltage = 381 V
              battery_voltage = 53.1 V
              battery_soc = 84 %
              voltronic_solar_current = 9 A
              pv_voltage_1 = 141.6 V
              voltronic_battery_voltage_scc = 53.15 V
              voltronic_device_status = 00010110
              battery_current = -7 A
              battery_power = -372 W
              voltronic_battery_charge_current = 7 A
              voltronic_battery_discharge_current = 0 A
              inverter_temperature = 41 °C
              pv_power_1 = 478 W
              pv_power = 478 W
              load_power unknown: missing: the load of the second phase
            QPIGS2
              load_power_l2 = 298 W
              pv_voltage_2 = 138.2 V
              load_power = 700 W
              pv_power_2 = 212 W
              pv_power = 690 W
            QMOD
              inverter_mode = battery
              inverter_mode_native = B
            QPIWS
              inverter_faults = none
              inverter_warnings = slave_warning
            QPIRI
              inverter_power_max = 4000 W
              battery_recharge_voltage = 46 V
              battery_cutoff_voltage = 42 V
              battery_bulk_voltage = 56.4 V
              battery_float_voltage = 54 V
              battery_type = user
              grid_charge_current_max = 30 A
              charge_current_max = 60 A
              inverter_input_range = appliance
              output_priority = solar_battery_utility
              charger_priority = solar_first
              battery_redischarge_voltage = 54 V
              battery_mode = auto
              battery_mode_native = SBU
            QFLAG
              flag_buzzer = yes
              flag_lcd_return = yes
              flag_backlight = yes
              flag_source_alarm = yes
              flag_overload_bypass = no
              flag_power_saving = no
              flag_overload_restart = no
              flag_over_temperature_restart = no
              flag_fault_record = no
            QMCHGCR
            QMUCHGCR
            QPGS0
        "#]],
    );
}

#[test]
fn pi18() {
    check(
        Family::Pi18,
        &expect![[r#"
            GS
              grid_voltage = 231.2 V
              grid_frequency = 49.9 Hz
              inverter_voltage = 229.9 V
              inverter_frequency = 50 Hz
              inverter_apparent_power = 487 VA
              load_power = 402 W
              inverter_load_share = 9 %
              battery_voltage = 53.1 V
              battery_soc = 84 %
              pv_power_1 = 478 W
              pv_power_2 = 120 W
              pv_voltage_1 = 241.6 V
              pv_voltage_2 = 198 V
              battery_current = 12 A
              battery_power = 637 W
              voltronic_battery_charge_current = 0 A
              voltronic_battery_discharge_current = 12 A
              pv_power = 598 W
              inverter_temperature = 41 °C
            MOD
              inverter_mode = hybrid
              inverter_mode_native = 05
            FWS
              inverter_faults = none
              inverter_warnings = battery_voltage_low
            PIRI
              inverter_power_max = 5600 W
              battery_recharge_voltage = 47 V
              battery_redischarge_voltage = 53 V
              battery_cutoff_voltage = 44 V
              battery_bulk_voltage = 56 V
              battery_float_voltage = 54.4 V
              battery_type = user
              grid_charge_current_max = 30 A
              charge_current_max = 80 A
              inverter_input_range = ups
              output_priority = solar_battery_utility
              charger_priority = solar_only
              battery_mode = auto
              battery_mode_native = SBU
            ET
              pv_energy = 802.95 kWh
            FLAG
              flag_buzzer = yes
              flag_overload_bypass = no
              flag_lcd_return = yes
              flag_overload_restart = no
              flag_over_temperature_restart = no
              flag_backlight = yes
              flag_source_alarm = yes
              flag_fault_record = yes
              flag_feed_in_allowed = no
            MCHGCR
            MUCHGCR
            T
            PGS0
        "#]],
    );
}

#[test]
fn pi17() {
    check(
        Family::Pi17,
        &expect![[r#"
        GS
          pv_voltage_1 = 341.6 V
          pv_voltage_2 = 338 V
          battery_voltage = 53.1 V
          battery_soc = 84 %
          grid_voltage_l1 = 231.2 V
          grid_voltage_l2 = 232 V
          grid_voltage_l3 = 230.5 V
          grid_frequency = 49.99 Hz
          inverter_voltage = 229.9 V
          inverter_frequency = 50 Hz
          inverter_temperature = 41 °C
          battery_current = -12 A
          battery_power = -637 W
        MOD
          inverter_mode = charging
          inverter_mode_native = 06
        PS
          pv_power_1 = 2186 W
          pv_power_2 = 2061 W
          load_power_l1 = 410 W
          load_power_l2 = 390 W
          load_power_l3 = 402 W
          load_power = 1202 W
          inverter_apparent_power = 1320 VA
          inverter_load_share = 13 %
          pv_power = 4247 W
        WS
          inverter_warnings = pv_lost
        ET
          pv_energy unknown: implausible: 6591 counts Wh or kWh; the energy that flows will tell
        T
    "#]],
    );
}

/// What no inverter of its rating can charge or discharge is unknown: another meaning of the field, or nonsense.
#[rstest::rstest]
#[case("007", "00000", true)]
#[case("000", "00180", true)]
#[case("000", "00450", false)]
#[case("400", "00000", false)]
fn a_battery_beyond_the_rating_is_unknown(
    #[case] charging: &str,
    #[case] discharging: &str,
    #[case] known: bool,
) {
    let text =
        QPIGS.replace(" 007 ", &format!(" {charging} ")).replace(" 00000 ", &format!(" {discharging} "));
    let mut context = Context::default();
    for (command, text) in [("QPIRI", QPIRI.to_owned()), ("QPIGS", text)] {
        let query = Family::Pi30.query(command).unwrap();
        let decoded = decode::read_of(Family::Pi30, query, &payload(Family::Pi30, &text), &mut context);
        for (metric, observation) in decoded.values {
            if [ohmstead_model::Metric::BatteryPower, ohmstead_model::Metric::BatteryCurrent]
                .contains(&metric)
            {
                assert_eq!(observation.is_ok(), known, "{metric}: {observation:?}");
            }
        }
    }
}
