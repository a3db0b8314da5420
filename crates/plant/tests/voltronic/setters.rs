//! What each unit takes, and what becomes of it.

use crate::common::{Bench, bench, bench_with, framed};
use rstest::rstest;

/// Asks all of these; says which are accepted.
fn accepted<'a>(bench: &mut Bench, commands: &[&'a str]) -> Vec<&'a str> {
    let (mut taken, mut refused) = (Vec::new(), 0);
    for command in commands {
        match bench.ask(command).as_str() {
            "(ACK" => taken.push(*command),
            "(NAK" => refused += 1,
            other => panic!("{command}: {other}"),
        }
    }
    let counters = bench.counters();
    assert_eq!(counters.setters, (taken.len() + refused) as u64);
    assert_eq!(counters.setters_accepted, taken.len() as u64);
    taken
}

#[rstest]
#[case::output("pi30-21", &["POP00", "POP01", "POP02", "POP03", "POP2", "POP"], &["POP00", "POP01", "POP02"])]
#[case::charger_classic("pi30-21", &["PCP00", "PCP01", "PCP02", "PCP03", "PCP04"], &["PCP00", "PCP01", "PCP02", "PCP03"])]
#[case::charger_max("pi30-max", &["PCP00", "PCP01", "PCP02", "PCP03"], &["PCP01", "PCP02", "PCP03"])]
#[case::charger_of_a_unit("pi30-21", &["PPCP001", "PPCP101", "PPCP009"], &["PPCP001"])]
#[case::grid_current("pi30-21", &["MUCHGC002", "MUCHGC060", "MUCHGC015", "MUCHGC070", "MUCHGC130"], &["MUCHGC002", "MUCHGC060"])]
#[case::grid_current_of_four("pi30-max", &["MUCHGC0150", "MUCHGC0160", "MUCHGC030"], &["MUCHGC0150", "MUCHGC030"])]
#[case::current("pi30-21", &["MCHGC030", "MCHGC060", "MCHGC070", "MNCHGC0040", "MNCHGC050", "MNCHGC1050"], &["MCHGC030", "MCHGC060", "MNCHGC0040", "MNCHGC050"])]
#[case::recharge("pi30-21", &["PBCV44.0", "PBCV51.0", "PBCV43.0", "PBCV51.5", "PBCV46.3", "PBCV46", "PBCV052.0"], &["PBCV44.0", "PBCV51.0"])]
#[case::recharge_24("pi30-17", &["PBCV22.0", "PBCV25.5", "PBCV21.5", "PBCV23.3"], &["PBCV22.0", "PBCV25.5"])]
#[case::redischarge("pi30-21", &["PBDV48.0", "PBDV49.0", "PBDV58.0", "PBDV59.0", "PBDV00.0", "PBDV47.0"], &["PBDV49.0", "PBDV58.0", "PBDV00.0"])]
#[case::redischarge_24("pi30-17", &["PBDV24.0", "PBDV24.5", "PBDV29.0", "PBDV29.5"], &["PBDV24.5", "PBDV29.0"])]
#[case::bulk("pi30-21", &["PCVV58.4", "PCVV58.5", "PCVV53.9", "PCVV54.0"], &["PCVV58.4", "PCVV54.0"])]
#[case::bulk_mk("pi30-mk", &["PCVV63.0", "PCVV63.1"], &["PCVV63.0"])]
#[case::float("pi30-21", &["PBFT48.0", "PBFT47.9", "PBFT56.1", "PBFT55.9"], &["PBFT48.0", "PBFT55.9"])]
#[case::cutoff("pi30-21", &["PSDV40.0", "PSDV48.0", "PSDV39.9", "PSDV48.1"], &["PSDV40.0", "PSDV48.0"])]
#[case::cutoff_mk("pi30-mk", &["PSDV42.0", "PSDV41.9"], &["PSDV42.0"])]
#[case::cutoff_24("pi30-17", &["PSDV21.0", "PSDV24.0", "PSDV20.9"], &["PSDV21.0", "PSDV24.0"])]
#[case::battery_type("pi30-17", &["PBT00", "PBT02", "PBT03"], &["PBT00", "PBT02"])]
#[case::battery_type_lithium("pi30-max", &["PBT03", "PBT09", "PBT10"], &["PBT03", "PBT09"])]
#[case::range("pi30-21", &["PGR00", "PGR01", "PGR02"], &["PGR00", "PGR01"])]
#[case::flags("pi30-21", &["PEa", "PDz", "PEd", "PExyz", "PE"], &["PEa", "PDz"])]
#[case::flags_max("pi30-max", &["PEd", "PDl"], &["PEd", "PDl"])]
#[case::output_off_is_needed("pi30-21", &["POPM01"], &[])]
#[case::discharge("pi30-max", &["PBATMAXDISC000", "PBATMAXDISC030", "PBATMAXDISC150", "PBATMAXDISC160", "PBATMAXDISC010"], &["PBATMAXDISC000", "PBATMAXDISC030", "PBATMAXDISC150"])]
#[case::discharge_classic("pi30-21", &["PBATMAXDISC050"], &[])]
#[case::dark("pi30-max", &["PBATCD111", "PBATCD011"], &["PBATCD111"])]
#[case::cv_time("pi30-max", &["PCVT000", "PCVT210", "PCVT905", "PCVT003"], &["PCVT000", "PCVT210"])]
#[case::equalisation("pi30-max", &["PBEQE1", "PBEQE2", "PBEQT060", "PBEQT003", "PBEQP090", "PBEQP091", "PBEQV58.40", "PBEQV61.01", "PBEQOT120", "PBEQA1"], &["PBEQE1", "PBEQT060", "PBEQP090", "PBEQV58.40", "PBEQOT120", "PBEQA1"])]
#[case::clock("pi30-max", &["DAT260102030405", "DAT261302030405", "DAT2601020304"], &["DAT260102030405"])]
#[case::frequency("pi30-21", &["F50", "F60", "F55"], &["F50", "F60"])]
#[case::revo_obeys_nothing("revo", &["POP00", "PCP01", "MUCHGC030", "PBCV46.0", "PEa", "PF"], &[])]
#[case::charger_obeys_nothing("charger", &["POP00", "PBCV46.0", "PF"], &[])]
fn a_unit_takes_what_its_tables_allow(
    #[case] profile: &str,
    #[case] commands: &[&str],
    #[case] expected: &[&str],
) {
    let mut bench = bench(profile, "think-ms=0");
    assert_eq!(accepted(&mut bench, commands), expected);
}

#[test]
fn voltages_can_be_set_by_hand_with_a_user_battery_only() {
    let mut bench = bench("pi30-max", "think-ms=0");
    assert_eq!(bench.ask("PBT00"), "(ACK");
    let fields = bench.fields("QPIRI");
    assert_eq!(
        (&fields[10][..], &fields[11][..], &fields[12][..]),
        ("56.4", "54.0", "0"),
        "the type brings its own"
    );
    for command in ["PCVV56.0", "PBFT53.0", "PSDV44.0"] {
        assert_eq!(bench.ask(command), "(NAK", "{command}");
    }
    assert_eq!(bench.ask("PBCV46.0"), "(ACK", "not a voltage of the charger");
    assert_eq!(bench.ask("PBT02"), "(ACK");
    assert_eq!(bench.ask("PCVV56.0"), "(ACK");
}

/// Command, field of QPIRI, and what it reads then.
#[rstest]
#[case("POP01", 16, "1")]
#[case("PCP03", 17, "3")]
#[case("MUCHGC020", 13, "20")]
#[case("MCHGC050", 14, "050")]
#[case("PBCV46.0", 8, "46.0")]
#[case("PBDV54.0", 22, "54.0")]
#[case("PCVV57.0", 10, "57.0")]
#[case("PBFT53.5", 11, "53.5")]
#[case("PSDV43.8", 9, "43.8")]
#[case("PBT01", 12, "1")]
#[case("PGR01", 15, "1")]
#[case("PPVOKC1", 23, "1")]
#[case("PSPB0", 24, "0")]
#[case("F60", 3, "60.0")]
fn a_setting_is_kept_and_says_so_until_it_was_read(
    #[case] command: &str,
    #[case] field: usize,
    #[case] expected: &str,
) {
    let mut bench = bench("pi30-21", "think-ms=0");
    let before = bench.fields("QPIRI");
    assert_eq!(&bench.fields("QPIGS")[16][1..2], "0");
    assert_eq!(bench.ask(command), "(ACK");
    assert_eq!(&bench.fields("QPIGS")[16][1..2], "1", "b6, configuration changed");
    let after = bench.fields("QPIRI");
    let changed: Vec<_> = (0..after.len()).filter(|index| before[*index] != after[*index]).collect();
    assert_eq!(after[field], expected);
    assert!(changed.contains(&field) && (command.starts_with("PBT") || changed.len() == 1), "{changed:?}");
    assert_eq!(&bench.fields("QPIGS")[16][1..2], "0");
    assert_eq!(bench.counters().eeprom_writes, 1);
}

#[test]
fn flags_are_listed_in_the_units_own_order() {
    let mut bench = bench("pi30-max", "think-ms=0");
    assert_eq!(bench.ask("QFLAG"), "(EakxyzDbdjlnuv");
    assert_eq!(bench.ask("PEd"), "(ACK");
    assert_eq!(bench.ask("PDa"), "(ACK");
    assert_eq!(bench.ask("QFLAG"), "(EdkxyzDabjlnuv");
    assert_eq!(bench.fields("QPIGS")[21], "1", "feeding the grid is allowed");
}

#[test]
fn factory_settings_are_those_of_lead_acid() {
    let mut bench = bench("pi30-21", "think-ms=0");
    assert_eq!(bench.ask("PF"), "(ACK");
    let fields = bench.fields("QPIRI");
    let voltages: Vec<_> = [8, 9, 10, 11, 22].map(|index| fields[index].clone()).to_vec();
    assert_eq!(voltages, ["46.0", "42.0", "56.4", "54.0", "54.0"]);
    assert_eq!((&fields[12][..], &fields[16][..]), ("0", "0"));
    assert_eq!(
        bench.ask("QDI"),
        "(230.0 50.0 0030 42.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 0 0 1 0 54.0 0 1 000"
    );
}

#[test]
fn what_cannot_be_understood_is_refused_and_counted() {
    let mut bench = bench("pi30-21", "think-ms=0");
    assert_eq!(bench.ask("QXYZ"), "(NAK");
    assert_eq!(bench.counters().bad_crc, 0);
    assert_eq!(bench.exchange(b"POP00\xc2\x49\r"), b"(NAKss\r");
    assert_eq!(bench.exchange(b"\r"), b"(NAKss\r");
    let counters = bench.counters();
    assert_eq!((counters.bad_crc, counters.setters, counters.setters_accepted), (2, 1, 0));
    assert_eq!(counters.count("POP00"), 0, "a command that fails its check is none");
    assert_eq!(bench.fields("QPIRI")[16], "2");
}

#[test]
fn a_zero_byte_in_a_command_is_taken_by_both_rules() {
    let mut bench = bench("pi30-21", "think-ms=0");
    let mut frame = framed("PBFT48.8");
    assert_eq!(frame[8..10], [0x15, 0x00]);
    frame[9] = 0x01;
    assert_eq!(bench.exchange(&frame), b"(ACK9 \r");
    assert_eq!(bench.fields("QPIRI")[11], "48.8");
    assert_eq!(bench.ask("PBFT48.8"), "(ACK");
}

#[test]
fn a_firmware_that_escapes_zeros_takes_a_bare_one_for_padding() {
    let mut bench = bench("pi30-21", "think-ms=0 crc-zero=escaped");
    assert_eq!(bench.ask("PBFT48.8"), "(NAK");
    assert_eq!(
        (bench.counters().bad_crc, bench.counters().count("PBFT48.")),
        (0, 1),
        "the torso has a right check"
    );
    assert_eq!(bench.exchange(b"PBFT48.8\x15\x01\r"), b"(ACK9 \r");
}

#[rstest]
#[case("POP0", "POP", 17, "0")]
#[case("PCP0,1", "PCP", 18, "1")]
#[case("MCHGC0,050", "MCHGC", 15, "050")]
#[case("MUCHGC0,010", "MUCHGC", 14, "010")]
#[case("PBT0", "PBT", 13, "0")]
#[case("PSDV440", "PSDV", 10, "440")]
#[case("PSP1", "PSP", 23, "1")]
#[case("PEi", "PE", 20, "1")]
fn pi18_keeps_a_setting(
    #[case] command: &str,
    #[case] wrong: &str,
    #[case] field: usize,
    #[case] expected: &str,
) {
    let mut bench = bench("pi18", "think-ms=0");
    let read = |bench: &mut Bench| -> Vec<String> {
        bench.ask_18("P", "PIRI")[5..].split(',').map(str::to_owned).collect()
    };
    let before = read(&mut bench);
    assert_ne!(before[field], expected);
    assert_eq!(bench.ask_18("S", command), "^1");
    assert_eq!(read(&mut bench)[field], expected);
    assert_eq!(bench.ask_18("S", &format!("{wrong}9,9,9")), "^0");
    assert_eq!((bench.counters().setters, bench.counters().setters_accepted), (2, 1));
}

#[rstest]
#[case::length(b"^P004GS".to_vec())]
#[case::no_length(b"^PGS".to_vec())]
#[case::another_family(b"QPIGS".to_vec())]
#[case::unknown(b"^P005XX".to_vec())]
fn pi18_refuses_what_it_does_not_know(#[case] frame: Vec<u8>) {
    let text = String::from_utf8(frame).unwrap();
    assert_eq!(bench("pi18", "think-ms=0").exchange(&framed(&text)), b"^0\x1b\xe3\r");
}

#[test]
fn pi18_takes_pairs_of_voltages_together() {
    let mut bench = bench("pi18-lv5048", "think-ms=0");
    for (command, answer) in [
        ("BUCD480,530", "^1"),
        ("BUCD480,000", "^1"),
        ("BUCD520,530", "^0"),
        ("BUCD510,500", "^0"),
        ("MCHGV565,540", "^1"),
        ("MCHGV540,565", "^0"),
        ("MCHGV600,540", "^0"),
        ("MCHGC0,095", "^0"),
        ("MCHGC1,050", "^0"),
        ("LON1", "^1"),
    ] {
        assert_eq!(bench.ask_18("S", command), answer, "{command}");
    }
    assert!(bench.ask_18("P", "PIRI").contains(",480,000,460,565,540,"), "{}", bench.ask_18("P", "PIRI"));
}

#[test]
fn pi17_takes_a_feed_in_limit_and_says_nothing_to_strangers() {
    let mut bench = bench("pi17", "think-ms=0");
    let mut say = |command: &str| text_17(&bench.exchange(format!("{command}\r").as_bytes()));
    assert_eq!(say("^S011GPMP005000"), "^1");
    assert_eq!(say("^P005GPMP"), "^D00805000");
    assert_eq!(say("^S011GPMP020000"), "^0");
    assert_eq!(say("^S005EDB0"), "^1");
    assert_eq!(say("^S005EDH0"), "^0");
    assert_eq!(say("^P006GPMP"), "^0");
    assert_eq!(say("^P014ED20250602008"), "^0", "a wrong sum");
    assert_eq!(say("^P014ED20250602"), "^0", "no sum");
    assert!(bench.exchange(&framed("QPI")).is_empty());
    assert_eq!(bench.exchange(&crate::common::caret("P", "PI")), b"^0\x1b\xe3\r");
}

fn text_17(bytes: &[u8]) -> String {
    crate::common::text(bytes)
}

#[test]
fn a_set_of_units_takes_setters_for_each_of_them() {
    let mut bench = bench_with("pi30-21", "think-ms=0", |setup| setup.units = 3);
    assert_eq!(bench.ask("MUCHGC230"), "(ACK");
    assert_eq!(bench.ask("MUCHGC330"), "(NAK");
    assert_eq!(bench.ask("PPCP203"), "(ACK");
}
