//! Which source feeds the loads: grid, cells and sun against the priority, with the hysteresis between.

use crate::common::{Bench, bench_with};
use ohmstead_plant::house::{Operation, OutputPriority};
use ohmstead_plant::voltronic::InverterSetup;
use rstest::rstest;

/// A unit at a state of charge; `sun` = panels on a summer noon, or none.
fn unit(profile: &str, soc_pct: f64, sun: bool) -> Bench {
    bench_with(profile, "think-ms=0", |setup: &mut InverterSetup| {
        setup.soc_pct = soc_pct;
        setup.pv_peak_w = if sun { setup.pv_peak_w } else { 0.0 };
    })
}

const USB: &str = "POP00";
const SUB: &str = "POP01";
const SBU: &str = "POP02";

#[rstest]
#[case::utility_first("pi30-21", USB, true, 80.0, true, 'L')]
#[case::utility_first_without_grid("pi30-21", USB, false, 80.0, true, 'B')]
#[case::utility_first_dark_and_empty("pi30-21", USB, false, 1.0, false, 'S')]
#[case::cells_first("pi30-21", SBU, true, 80.0, false, 'B')]
#[case::cells_first_empty("pi30-21", SBU, true, 3.0, false, 'L')]
#[case::cells_first_without_grid("pi30-21", SBU, false, 80.0, false, 'B')]
#[case::cells_first_dark_and_empty("pi30-21", SBU, false, 1.0, false, 'S')]
#[case::shutdown_has_a_letter_on_some("pi30-mk", SBU, false, 1.0, false, 'D')]
#[case::shutdown_has_a_letter_on_the_max("pi30-max", SBU, false, 1.0, false, 'D')]
#[case::solar_first_by_day("pi30-21", SUB, true, 80.0, true, 'B')]
#[case::solar_first_at_night("pi30-21", SUB, true, 80.0, false, 'L')]
#[case::solar_first_blends("pi30-max", SUB, true, 80.0, true, 'L')]
#[case::solar_first_without_grid("pi30-max", SUB, false, 80.0, true, 'B')]
#[case::small_unit("pi30-17", SBU, true, 80.0, false, 'B')]
#[case::split_phase("pi41", USB, true, 80.0, true, 'L')]
fn the_mode_follows_grid_cells_sun_and_priority(
    #[case] profile: &str,
    #[case] priority: &str,
    #[case] grid: bool,
    #[case] soc_pct: f64,
    #[case] sun: bool,
    #[case] letter: char,
) {
    let mut bench = unit(profile, soc_pct, sun);
    assert_eq!(bench.ask(priority), "(ACK");
    bench.site.house_mut().set_grid(grid);
    bench.wait(2_000);
    assert_eq!(bench.ask("QMOD"), format!("({letter}"));
    let general = bench.fields("QPIGS");
    assert_eq!(general[0] == "000.0", !grid);
    assert_eq!(general[2] == "000.0", matches!(letter, 'S' | 'D'), "output voltage");
    assert_eq!(&general[16][3..4] == "1" || profile == "pi41", !matches!(letter, 'S' | 'D'), "b4, load on");
}

#[test]
fn between_recharge_and_redischarge_the_mode_depends_on_the_way() {
    let mut bench = bench_with("pi30-21", "think-ms=0", |setup| {
        (setup.soc_pct, setup.load_mean_w, setup.battery_wh) = (30.0, 800.0, 3_000.0);
    });
    assert_eq!(bench.ask("PCP03"), "(ACK");
    // The cells feed the loads down to 48.0 V, the grid from there, until sun has brought them to 52.0 V.
    bench.until("the evening", |truth| truth.operation == Operation::Line);
    let line = bench.truth();
    assert!(line.soc_pct < 12.0 && line.battery_v < 52.0, "{line:?}");
    assert_eq!(bench.ask("QMOD"), "(L");
    bench.wait(600_000);
    let rested = bench.truth();
    assert!(rested.battery_v > 48.0 && rested.operation == Operation::Line, "above 48 V again, and yet line");
    bench.until("the morning", |truth| truth.operation == Operation::Battery);
    assert!(bench.truth().pv_w[0] > 100.0, "{:?}", bench.truth());
}

#[test]
fn with_zero_volts_the_cells_feed_again_only_when_full() {
    let mut bench = unit("pi30-21", 5.0, true);
    assert_eq!(bench.ask("PBDV00.0"), "(ACK");
    bench.until("line", |truth| truth.operation == Operation::Line);
    bench.until("battery", |truth| truth.operation == Operation::Battery);
    assert!(bench.truth().soc_pct > 95.0, "{:?}", bench.truth());
}

#[test]
fn a_priority_is_no_mode() {
    let mut bench = unit("pi30-21", 3.0, false);
    assert_eq!(bench.ask(SBU), "(ACK");
    bench.wait(10_000);
    assert_eq!(bench.fields("QPIRI")[16], "2");
    assert_eq!(bench.ask("QMOD"), "(L", "the cells are down");
    let truth = bench.unit().truth();
    assert_eq!((truth.mode, truth.output_priority), ('L', OutputPriority::SolarBatteryUtility));
}

#[test]
fn pi18_says_its_modes_in_numbers() {
    let mut bench = unit("pi18", 80.0, false);
    bench.wait(2_000);
    assert_eq!(bench.ask_18("P", "MOD"), "^D00503", "solar, battery, utility: battery");
    assert_eq!(bench.ask_18("S", "POP0"), "^1");
    bench.wait(2_000);
    assert_eq!(bench.ask_18("P", "MOD"), "^D00505", "solar, utility, battery: the grid");
    assert_eq!(bench.ask_18("S", "LON0"), "^1");
    bench.wait(2_000);
    assert_eq!(bench.ask_18("P", "MOD"), "^D00501");
}

#[test]
fn a_king_has_modes_of_its_own() {
    let mut bench = unit("pi30-mk", 80.0, false);
    assert_eq!(bench.ask(USB), "(ACK");
    assert_eq!(bench.ask("POPLG02"), "(ACK");
    bench.wait(2_000);
    assert_eq!(bench.ask("QMOD"), "(E");
    bench.unit().eeprom.orders.output_on = false;
    bench.wait(60_000);
    assert_eq!(bench.ask("QMOD"), "(C", "no output, and the grid charges");
}

#[test]
fn charging_obeys_priority_and_limits() {
    let charge_a = |commands: &[&str], sun: bool| {
        let mut bench = unit("pi30-21", 40.0, sun);
        bench.ask(USB);
        for command in commands {
            assert_eq!(bench.ask(command), "(ACK", "{command}");
        }
        bench.wait(5_000);
        let truth = bench.truth();
        (-truth.battery_a, truth.grid_charge_w > 1.0, truth.pv_w[0] > 1.0)
    };
    let (amps, grid, sun) = charge_a(&["PCP00", "MUCHGC020"], true);
    assert!((amps - 20.0).abs() < 0.1 && grid && !sun, "{amps} {grid} {sun}");
    let (amps, grid, sun) = charge_a(&["PCP01", "MUCHGC020"], true);
    assert!(amps > 25.0 && !grid && sun, "{amps} {grid} {sun}");
    let (amps, grid, _) = charge_a(&["PCP01", "MUCHGC020"], false);
    assert!((amps - 20.0).abs() < 0.1 && grid, "{amps} {grid}");
    let (amps, grid, sun) = charge_a(&["PCP02", "MUCHGC060"], true);
    assert!((amps - 60.0).abs() < 0.1 && grid && sun, "all sources stop at MCHGC: {amps}");
    let (amps, grid, _) = charge_a(&["PCP03"], false);
    assert!(amps.abs() < 0.1 && !grid, "{amps}");
}

#[test]
fn a_full_bank_floats() {
    let mut bench = unit("pi30-21", 97.0, true);
    assert_eq!(bench.ask(USB), "(ACK");
    bench.until("float", |truth| truth.floating);
    bench.wait(600_000);
    let truth = bench.truth();
    assert!(truth.battery_v < 56.0 && truth.battery_v > 53.5, "{truth:?}");
    assert_eq!(bench.fields("QPIGS")[20], "110");
}

#[test]
fn an_overload_warns_and_is_bypassed_by_a_king() {
    let mut bench = bench_with("pi30-mk", "think-ms=0", |setup| setup.load_mean_w = 20_000.0);
    for command in [USB, "PEb"] {
        assert_eq!(bench.ask(command), "(ACK");
    }
    bench.until("a big load", |truth| truth.demand_w > 6_000.0);
    assert_eq!(bench.ask("QMOD"), "(Y");
    assert_eq!(&bench.fields("QPIWS")[0][16..17], "1");
    assert!(bench.truth().load_w <= 5_000.0 + 1e-6);
}
