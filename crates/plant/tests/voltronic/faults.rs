//! Each bad habit: off it is not there, on it shows.

use crate::common::{Bench, bench, bench_with, framed, text};
use ohmstead_plant::voltronic::{Port, SWITCHES};
use rstest::rstest;

/// Whether bytes are one good frame.
fn is_good(bytes: &[u8]) -> bool {
    let (body, end) = bytes.split_at(bytes.len().saturating_sub(3));
    end == [&crate::common::crc(body)[..], b"\r"].concat() && body.first() == Some(&b'(')
}

/// The answers to a hundred questions.
fn hundred(bench: &mut Bench, command: &str) -> Vec<Vec<u8>> {
    (0..100).map(|_| bench.exchange(&framed(command))).collect()
}

#[rstest]
#[case::none("", 0, 0)]
#[case::truncate("truncate=30", 15, 45)]
#[case::flip("flip=30", 15, 45)]
#[case::drop_crc("drop-crc=30", 15, 45)]
#[case::double("double=30", 15, 45)]
#[case::garbage("garbage=30", 15, 45)]
#[case::slip("slip=30", 15, 45)]
fn a_part_of_the_answers_is_spoilt(#[case] switches: &str, #[case] low: usize, #[case] high: usize) {
    let mut bench = bench("pi30-21", &format!("think-ms=0 {switches}"));
    let spoilt = hundred(&mut bench, "QPIGS").iter().filter(|bytes| !is_good(bytes)).count();
    assert!((low..=high).contains(&spoilt), "{spoilt}");
}

#[test]
fn how_answers_are_spoilt() {
    let spoilt =
        |switches: &str| bench("pi30-21", &format!("think-ms=0 {switches}")).exchange(&framed("QPI"));
    assert_eq!(spoilt("double=100"), b"(PI30\x9a\x0b\r(PI30\x9a\x0b\r");
    assert!([&b"(PI30\x9a\r"[..], b"(PI30\x0b\r"].contains(&&spoilt("drop-crc=100")[..]));
    assert!(b"(PI30\x9a\x0b\r".starts_with(&spoilt("truncate=100")));
    let garbage = spoilt("garbage=100");
    assert!(garbage.len() > 8 && garbage.ends_with(b"(PI30\x9a\x0b\r"), "{garbage:?}");
    let flipped = spoilt("flip=100");
    let bits: u32 = flipped.iter().zip(b"(PI30\x9a\x0b\r").map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(bits, 1);
    // As captured: '0' becomes 0x82, ' ' 0x02, '1' 0x8a.
    let mut bench = bench("pi30-21", "think-ms=0 slip=100");
    let slipped = bench.exchange(&framed("QPIGS"));
    assert!(
        slipped.starts_with(b"(") && slipped[60..100].contains(&0x82) && slipped[60..100].contains(&0x02)
    );
    assert!(!slipped[60..100].contains(&b'0') && slipped.ends_with(b"\r"));
}

#[test]
fn line_noise_hits_the_fixed_answers_only() {
    let mut bench = bench("pi30-21", "think-ms=0 nao=100");
    assert_eq!(bench.exchange(&framed("QXYZ")), b"(NAOss\r");
    assert_eq!(bench.exchange(&framed("POP01")), b"(ACO9 \r");
    assert_eq!(bench.ask("QPI"), "(PI30");
}

#[test]
fn nul_bursts_change_no_byte_of_the_answer() {
    let mut bench = bench("pi30-21", "think-ms=0 nul=100");
    let mut padded = false;
    for _ in 0..20 {
        bench.send(&framed("QPIRI"));
        let reports: Vec<_> = bench.arrivals().into_iter().map(|(_, report)| report).collect();
        assert!(reports.iter().all(|report| report.len() == 8));
        padded |= reports.iter().any(|report| *report == [0; 8])
            && reports.iter().any(|report| report[0] == 0 && *report != [0; 8]);
        let bytes: Vec<u8> = reports.concat().into_iter().filter(|byte| *byte != 0).collect();
        assert!(is_good(&bytes), "{}", bytes.escape_ascii());
    }
    assert!(padded);
}

#[test]
fn a_mute_unit_hears_nothing() {
    let mut bench = bench("pi30-21", "mute");
    assert_eq!(bench.ask("QPI"), "silence");
    bench.send(&framed("POP00"));
    assert_eq!(bench.counters().commands.len(), 0);
    bench.switch("mute=off");
    assert_eq!(bench.fields("QPIRI")[16], "2");
}

#[test]
fn a_late_answer_comes_after_the_next_command() {
    let mut bench = bench("pi30-21", "think-ms=0 late=3000");
    bench.send(&framed("QPI"));
    bench.wait(2_000);
    assert!(bench.unit().due_ms().is_some_and(|due_ms| due_ms > 0));
    let now_ms = bench.now_ms;
    assert!(bench.unit().take(now_ms).is_empty());
    bench.switch("late=off");
    bench.send(&framed("QMOD"));
    let answers: Vec<u8> = bench.arrivals().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(answers[..8], *b"(PI30\x9a\x0b\r");
    assert_eq!(answers[8..10], *b"(B");
}

#[test]
fn some_answers_are_late() {
    let mut bench = bench("pi30-21", "think-ms=0 late=5000:30");
    let late = (0..100)
        .filter(|_| {
            let start_ms = bench.now_ms;
            bench.exchange(&framed("QPI"));
            bench.now_ms - start_ms > 5_000
        })
        .count();
    assert!((15..=45).contains(&late), "{late}");
}

#[test]
fn a_shifted_unit_answers_the_question_before() {
    let mut bench = bench("pi30-21", "think-ms=0 shift");
    assert_eq!(bench.ask("QPI"), "silence");
    assert_eq!(bench.ask("QVFW"), "(PI30");
    assert_eq!(bench.ask("QMN"), "(VERFW:00072.70");
    bench.switch("shift=off");
    assert_eq!(bench.ask("QPI"), "(PI30", "and what was kept is forgotten");
}

#[test]
fn a_second_reader_doubles_the_answers_but_writes_nothing() {
    let mut bench = bench("pi30-21", "think-ms=0 second-reader");
    assert_eq!(bench.exchange(&framed("QPI")), b"(PI30\x9a\x0b\r(PI30\x9a\x0b\r");
    assert_eq!(bench.exchange(&framed("POP01")), b"(ACK9 \r");
    assert_eq!((bench.counters().count("QPI"), bench.counters().eeprom_writes), (1, 1));
}

#[test]
fn a_cut_takes_the_node_away_for_three_seconds() {
    let mut bench = bench("pi30-21", "think-ms=0 cut=100");
    bench.send(&framed("QPIGS"));
    let part: Vec<u8> = bench.arrivals().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert!(part.starts_with(b"(") && !part.contains(&b'\r'), "{part:?}");
    bench.switch("cut=off");
    bench.wait(100);
    let now_ms = bench.now_ms;
    assert_eq!(bench.unit().node(now_ms), None);
    assert_eq!(bench.ask("QPI"), "silence", "nobody hears a unit that is not there");
    bench.wait(3_000);
    let now_ms = bench.now_ms;
    assert_eq!(bench.unit().node(now_ms), Some(0));
    assert_eq!(bench.ask("QPI"), "(PI30");
}

#[test]
fn a_unit_comes_back_under_other_numbers() {
    let mut bench = bench_with("pi30-21", "renumber-every=60", |setup| setup.node = 3);
    let mut seen = Vec::new();
    for _ in 0..3_000 {
        bench.wait(100);
        let now_ms = bench.now_ms;
        let node = bench.unit().node(now_ms);
        if seen.last() != Some(&node) {
            seen.push(node);
        }
    }
    let expected = [Some(3), None, Some(13), None, Some(23), None, Some(33), None, Some(43), None];
    assert_eq!(seen, expected);
    bench.wait(2_000);
    let now_ms = bench.now_ms;
    assert_eq!(bench.unit().node(now_ms), Some(3));
}

#[test]
fn a_wedged_unit_lives_again_after_a_port_reset() {
    let mut bench = bench("pi30-21", "think-ms=0 wedge-after=10");
    assert_eq!(bench.ask("QPI"), "(PI30");
    bench.wait(10_000);
    assert_eq!(bench.ask("QPI"), "silence");
    let now_ms = bench.now_ms;
    assert_eq!(bench.unit().node(now_ms), Some(0), "it is there, and deaf");
    bench.unit().reset(now_ms);
    assert_eq!(bench.unit().node(now_ms + 1_499), None);
    assert_eq!(bench.unit().node(now_ms + 1_500), Some(0));
    bench.wait(1_500);
    assert_eq!(bench.ask("QPI"), "(PI30");
    bench.wait(10_000);
    assert_eq!(bench.ask("QPI"), "silence", "until next time");
}

#[test]
fn a_port_reset_loses_what_was_on_its_way() {
    let mut bench = bench("pi30-21", "think-ms=500");
    bench.send(&framed("QPIGS"));
    let now_ms = bench.now_ms;
    bench.unit().reset(now_ms);
    assert_eq!(bench.unit().due_ms(), None);
}

#[test]
fn a_unit_that_boots_says_nothing() {
    let mut bench = bench("pi30-21", "think-ms=0 boot_s=5");
    assert_eq!(bench.ask("QPI"), "silence");
    bench.wait(5_000);
    assert_eq!(bench.ask("QPI"), "(PI30");
}

#[rstest]
#[case("terminator=lf", b"(PI30\x9a\x0b\n")]
#[case("terminator=crlf", b"(PI30\x9a\x0b\r\n")]
#[case("terminator=cr", b"(PI30\x9a\x0b\r")]
fn frames_end_in_three_ways(#[case] switches: &str, #[case] expected: &[u8]) {
    assert_eq!(bench("pi30-21", &format!("think-ms=0 {switches}")).exchange(&framed("QPI")), expected);
}

#[test]
fn a_zero_in_the_check_is_sent_both_ways() {
    // A model number is looked for whose answer has a zero in its check.
    let sent = |switches: &str| {
        let mut bench = bench("pi30-max", &format!("think-ms=0 {switches}"));
        let number = (0..1_000)
            .map(|n| format!("{n:03}"))
            .find(|n| crate::common::crc(format!("({n}").as_bytes()).contains(&0));
        bench.unit().nameplate.model_number = number.unwrap();
        bench.send(&framed("QGMN"));
        bench.arrivals().into_iter().next().unwrap().1
    };
    let (classic, escaped) = (sent(""), sent("crc-zero=escaped"));
    let differing: Vec<_> = classic.iter().zip(&escaped).filter(|(a, b)| a != b).collect();
    assert_eq!(differing, [(&0, &1)]);
}

#[test]
fn a_refusal_may_come_without_a_check() {
    assert_eq!(bench("pi30-21", "think-ms=0 nak_no_crc").exchange(&framed("QXX")), b"(NAK\r");
}

#[test]
fn acknowledgement_and_effect_may_part() {
    let mut bench = bench("pi30-21", "think-ms=0 ack_without_effect");
    assert_eq!(bench.ask("POP00"), "(ACK");
    assert_eq!(bench.fields("QPIRI")[16], "2");
    assert_eq!((bench.counters().setters, bench.counters().setters_accepted), (1, 0));
    bench.switch("ack-without-effect=off");
    bench.switch("effect-without-ack");
    assert_eq!(bench.ask("POP00"), "silence");
    assert_eq!(bench.fields("QPIRI")[16], "0");
    bench.switch("effect-without-ack=off");
    bench.switch("nak-setters");
    assert_eq!(bench.ask("POP01"), "(NAK");
    assert_eq!(bench.fields("QPIRI")[16], "0");
    assert_eq!(bench.counters().eeprom_writes, 1);
}

#[rstest]
#[case("pi30-21", "", 21, 4, 32)]
#[case("pi30-21", "fields=17", 17, 4, 32)]
#[case("pi30-21", "fields=24 flags=38", 24, 4, 38)]
#[case("pi30-21", "wide-watts flags=36", 21, 5, 36)]
#[case("pi30-17", "", 17, 4, 32)]
#[case("pi30-max", "", 24, 5, 36)]
fn shapes_can_be_chosen(
    #[case] profile: &str,
    #[case] switches: &str,
    #[case] fields: usize,
    #[case] digits: usize,
    #[case] flags: usize,
) {
    let mut bench = bench(profile, &format!("think-ms=0 {switches}"));
    let general = bench.fields("QPIGS");
    assert_eq!((general.len(), general[5].len()), (fields, digits));
    assert_eq!(bench.fields("QPIWS")[0].len(), flags);
}

#[test]
fn a_unit_may_deny_its_own_existence() {
    let mut bench = bench("pi30-max", "think-ms=0 bare-exist");
    let fields = bench.fields("QPGS0");
    assert_eq!(fields[0], "0");
    assert_eq!(fields[1], bench.unit().nameplate.serial);
}

#[test]
fn a_fault_stops_the_unit_and_shows_everywhere() {
    let mut bench = bench("pi30-mk", "think-ms=0 fault=7");
    bench.wait(60_000);
    assert_eq!(bench.ask("QMOD"), "(F");
    let flags = bench.fields("QPIWS")[0].clone();
    // a1 inverter fault, a16 overload, the code in a31 a32.
    assert_eq!((&flags[1..2], &flags[16..17], &flags[31..33]), ("1", "1", "07"));
    assert_eq!(bench.fields("QPGS0")[3], "07");
    assert!(bench.truth().load_w.abs() < 1e-9);
    bench.switch("fault=off");
    bench.wait(60_000);
    assert_ne!(bench.ask("QMOD"), "(F");
}

#[test]
fn warnings_and_letters_can_be_put_in() {
    let mut bench = bench("pi30-max", "think-ms=0 warnings=10,17 mode=Z");
    let flags = bench.fields("QPIWS")[0].clone();
    assert_eq!((&flags[10..11], &flags[17..18]), ("1", "1"));
    assert_eq!(bench.ask("QMOD"), "(Z");
}

#[rstest]
#[case::echo("", b"QPI\xbe\xac\r")]
#[case::nak("stranger=nak", b"(NAK\r")]
fn a_ups_takes_what_it_does_not_know_in_two_ways(#[case] switches: &str, #[case] expected: &[u8]) {
    assert_eq!(bench("ups", &format!("think-ms=0 {switches}")).exchange(&framed("QPI")), expected);
}

#[test]
fn a_ups_counts_what_a_setter_would_have_done_to_it() {
    let mut bench = bench("ups", "think-ms=0");
    for question in ["Q1", "QS", "F", "I"] {
        let answer = bench.exchange(format!("{question}\r").as_bytes());
        assert!(matches!(answer.first(), Some(b'(' | b'#')), "{question}: {}", answer.escape_ascii());
    }
    bench.exchange(&crate::common::caret("P", "PI"));
    bench.exchange(&framed("QPI"));
    assert_eq!(bench.counters().setters, 0);
    for harm in [&b"S01\r"[..], b"T\r", b"TL\r", b"Q\r", b"C\r"] {
        assert!(bench.exchange(harm).is_empty());
    }
    bench.exchange(&framed("POP02"));
    assert_eq!((bench.counters().setters, bench.counters().setters_accepted), (6, 5));
}

#[test]
fn the_same_seed_gives_the_same_noise() {
    let noise = || {
        let mut bench = bench("pi30-21", "flip=20 truncate=20 garbage=20 nul=20 late=2000:20");
        (0..30).map(|_| (bench.exchange(&framed("QPIGS")), bench.now_ms)).collect::<Vec<_>>()
    };
    assert_eq!(noise(), noise());
}

#[test]
fn every_switch_is_tested_here() {
    let source = include_str!("faults.rs").replace('_', "-");
    let missing: Vec<_> =
        SWITCHES.iter().map(|switch| switch.name).filter(|name| source.matches(name).count() == 0).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(text(b""), "silence");
}
