//! The slow line: 2400 baud behind reports of eight bytes.

use crate::common::{bench, bench_with, framed};
use ohmstead_plant::voltronic::Port;

#[test]
fn qpigs_takes_fourteen_reports_and_458_ms_after_the_thinking() {
    let mut bench = bench("pi30-21", "think-ms=120");
    let start_ms = bench.now_ms;
    bench.send(&framed("QPIGS"));
    let arrivals = bench.arrivals();
    let at: Vec<_> = arrivals.iter().map(|(at_ms, _)| at_ms - start_ms).collect();
    assert_eq!(at, [153, 186, 220, 253, 286, 320, 353, 386, 420, 453, 486, 520, 553, 578]);
    assert!(arrivals.iter().all(|(_, report)| report.len() == 8));
    assert_eq!(arrivals[13].1[6..], [0, 0], "110 bytes: the last report has six of them");
    assert_eq!(arrivals[13].1[5], b'\r');
}

#[test]
fn a_healthy_unit_thinks_for_50_to_400_ms() {
    let mut bench = bench("pi30-21", "");
    let mut thought = Vec::new();
    for _ in 0..100 {
        let start_ms = bench.now_ms;
        bench.send(&framed("QMOD"));
        let arrivals = bench.arrivals();
        assert_eq!(arrivals.len(), 1);
        thought.push(arrivals[0].0 - start_ms - 20);
    }
    thought.sort_unstable();
    assert!(thought[0] >= 50 && thought[0] < 90, "{thought:?}");
    assert!(thought[99] <= 400 && thought[99] > 360, "{thought:?}");
}

#[test]
fn a_serial_line_gives_runs_without_padding_and_takes_runs_of_any_length() {
    let mut bench = bench_with("pi30-21", "think-ms=0", |setup| setup.serial_line = true);
    let now_ms = bench.now_ms;
    bench.unit().receive(now_ms, &framed("PBDV54.0"));
    let arrivals = bench.arrivals();
    assert_eq!(arrivals.iter().map(|(_, run)| run.clone()).collect::<Vec<_>>(), [b"(ACK9 \r".to_vec()]);
    assert_eq!(bench.counters().long_reports, 0);
}

#[test]
fn a_report_of_more_than_eight_bytes_loses_its_end() {
    let mut bench = bench("pi30-21", "think-ms=0");
    let now_ms = bench.now_ms;
    // One SET_REPORT of eleven bytes: the bridge keeps eight, the command never ends.
    bench.unit().receive(now_ms, &framed("PBDV54.0"));
    assert_eq!(bench.unit().due_ms(), None);
    assert_eq!(bench.counters().long_reports, 1);
    // What follows stands behind the torso and fails its check.
    assert_eq!(bench.ask("QMOD"), "(NAK");
    assert_eq!(bench.ask("QPI"), "(PI30");
}

#[test]
fn padding_is_ignored_wherever_it_stands_and_only_cr_ends_a_command() {
    let mut bench = bench("pi30-21", "think-ms=0");
    let now_ms = bench.now_ms;
    for report in [&[0; 8][..], b"QP\0\0\0\0\0\0", b"\0\0I\xbe\xac\0\0\0"] {
        bench.unit().receive(now_ms, report);
        assert_eq!(bench.unit().due_ms(), None);
    }
    bench.unit().receive(now_ms, b"\r\0\0\0\0\0\0\0");
    let answer: Vec<u8> = bench.arrivals().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(answer, b"(PI30\x9a\x0b\r");
}

#[test]
fn two_commands_at_once_are_answered_one_after_the_other() {
    let mut bench = bench("pi30-21", "think-ms=100");
    bench.send(&framed("QPI"));
    bench.send(&framed("QMOD"));
    let start_ms = bench.now_ms;
    let at: Vec<_> = bench.arrivals().iter().map(|(at_ms, _)| at_ms - start_ms).collect();
    assert_eq!(at, [133, 253]);
}

#[test]
fn hostile_bytes_neither_panic_nor_pile_up() {
    let mut bench = bench("pi30-max", "");
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        let report: Vec<u8> = (0..rng.usize(..12)).map(|_| rng.u8(..)).collect();
        let now_ms = bench.now_ms;
        bench.unit().receive(now_ms, &report);
    }
    let now_ms = bench.now_ms + 600_000;
    let waiting = bench.unit().take(now_ms).len();
    assert!((1..=512).contains(&waiting), "{waiting}");
    assert!(bench.counters().commands.len() <= 129);
    bench.now_ms = now_ms;
    bench.switch("think-ms=0");
    bench.exchange(b"\r");
    assert_eq!(bench.ask("QPI"), "(PI30");
}
