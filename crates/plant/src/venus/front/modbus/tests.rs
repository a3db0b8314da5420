//! Frames in, frames out, without a socket.

use super::*;
use crate::venus::{ess::Around, gx::Setup};
use rstest::rstest;

fn gx() -> Gx {
    Gx::new(Setup::default(), Box::new(Around::default()), 1_789_000_000_000)
}

fn ask(gx: &mut Gx, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 7, 0, 0, 0, u8::try_from(pdu.len() + 1).unwrap(), unit];
    frame.extend(pdu);
    let answer = reply(gx, &frame);
    assert_eq!(answer[..4], [0, 7, 0, 0]);
    assert_eq!(usize::from(answer[5]) + 6, answer.len());
    assert_eq!(answer[6], unit);
    answer[7..].to_vec()
}

fn hold(first: u16, count: u16) -> Vec<u8> {
    [&[3][..], &first.to_be_bytes(), &count.to_be_bytes()].concat()
}

#[test]
fn the_battery_of_the_system_reads() {
    let mut gx = gx();
    gx.advance(gx.now_ms() + 10_000);
    let answer = ask(&mut gx, 100, &hold(840, 5));
    assert_eq!(answer[..2], [3, 10]);
    let words: Vec<u16> = answer[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    assert!((480..530).contains(&words[0]), "{words:?}");
    assert!(words[2].cast_signed() < -500, "{words:?}");
    assert_eq!((words[3], words[4]), (62, 2));
    assert_eq!(ask(&mut gx, 100, &hold(800, 6))[2..], *b"02fc00000001");
}

#[test]
fn what_is_unknown_reads_as_zero() {
    let mut gx = gx();
    gx.set_switch("pin=battery/512:/Soc:invalid").unwrap();
    gx.advance(gx.now_ms() + 2_000);
    assert_eq!(ask(&mut gx, 100, &hold(843, 1)), [3, 2, 0, 0]);
}

#[rstest]
#[case(100, &[3, 0x03, 0x48, 0, 0], &[0x83, 3])]
#[case(100, &[3, 0x03, 0x48, 0, 126], &[0x83, 3])]
#[case(100, &[3, 0xFF, 0xFF, 0, 1], &[0x83, 2])]
#[case(100, &[3, 0xFF, 0xFF, 0, 2], &[0x83, 3])]
#[case(100, &[3, 0x03, 0x48, 0, 20], &[0x83, 2])]
#[case(100, &[3, 0x03], &[0x83, 3])]
#[case(100, &[1, 0, 0, 0, 1], &[0x81, 1])]
#[case(99, &[3, 0x03, 0x48, 0, 1], &[0x83, 10])]
#[case(227, &[3, 0x03, 0x48, 0, 1], &[0x83, 10])]
#[case(100, &[6, 0x03, 0x48, 0, 1], &[0x86, 2])]
#[case(100, &[6, 0x0B, 0x56, 0, 9], &[0x86, 3])]
#[case(100, &[6, 0x0B, 0x56], &[0x86, 3])]
#[case(100, &[16, 0x0A, 0x9C, 0, 2, 2, 0, 1], &[0x90, 3])]
#[case(100, &[6, 0x0A, 0x9C, 0, 2], &[0x86, 2])]
fn bad_requests_are_exceptions(#[case] unit: u8, #[case] pdu: &[u8], #[case] answer: &[u8]) {
    assert_eq!(ask(&mut gx(), unit, pdu), answer);
}

#[test]
fn setpoints_are_written() {
    let mut gx = gx();
    let number = |gx: &Gx, service: &str, path: &str| gx.tree().service(service).unwrap().number(path);
    // 2700 = -200 W, one register.
    assert_eq!(ask(&mut gx, 100, &[6, 0x0A, 0x8C, 0xFF, 0x38]), [6, 0x0A, 0x8C, 0xFF, 0x38]);
    assert_eq!(number(&gx, "settings", "/Settings/CGwacs/AcPowerSetPoint"), Some(-200.0));
    // 2716 = 70,000 W, two registers.
    assert_eq!(ask(&mut gx, 100, &[16, 0x0A, 0x9C, 0, 2, 4, 0, 1, 0x11, 0x70]), [16, 0x0A, 0x9C, 0, 2]);
    assert_eq!(number(&gx, "hub4", "/Overrides/Setpoint"), Some(70_000.0));
    // 2704 counts tens of watts.
    ask(&mut gx, 100, &[6, 0x0A, 0x90, 0, 200]);
    assert_eq!(number(&gx, "settings", "/Settings/CGwacs/MaxDischargePower"), Some(2_000.0));
    // 37: phase 1 of the Multi.
    ask(&mut gx, 227, &[6, 0, 37, 0x03, 0xE8]);
    assert_eq!(number(&gx, "vebus", "/Hub4/L1/AcPowerSetpoint"), Some(1_000.0));
}

#[test]
fn a_crashed_driver_is_exception_10() {
    let mut gx = gx();
    assert_eq!(ask(&mut gx, 227, &hold(3, 1))[0], 3);
    gx.kill("vebus");
    assert_eq!(ask(&mut gx, 227, &hold(3, 1)), [0x83, 10]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Whatever comes in, a well-formed frame goes out.
    #[test]
    fn any_request_is_answered(
        unit in proptest::prelude::any::<u8>(),
        function in proptest::sample::select(vec![3_u8, 4, 6, 16, 43]),
        rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
    ) {
        let mut gx = gx();
        let pdu = [&[function][..], &rest].concat();
        let answer = ask(&mut gx, unit, &pdu);
        proptest::prop_assert!(answer[0] == function || answer[0] == function | 0x80);
    }
}
