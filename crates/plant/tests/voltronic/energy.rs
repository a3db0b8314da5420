//! Nothing is lost on the way: powers and energies, the meter, the counters of the unit.

use crate::common::{Bench, MONDAY_NOON_MS, bench, bench_with};
use ohmstead_plant::InverterTruth;
use ohmstead_plant::house::{
    Blending, ChargerPriority, House, InverterSettings, Operation, Orders, OutputPriority, Settings,
    SolarPriority,
};
use ohmstead_plant::voltronic::{InverterSetup, Profile};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What the totals leave unexplained, Wh.
fn unexplained_wh(truth: &InverterTruth, stored_at_start_wh: f64) -> f64 {
    let totals = &truth.totals;
    let in_wh = totals.grid_in_wh - totals.feed_in_wh + totals.pv_wh;
    let stored_wh = truth.stored_wh - stored_at_start_wh;
    in_wh - totals.load_wh - totals.loss_wh - totals.cells_loss_wh - stored_wh
}

fn orders() -> impl Strategy<Value = Orders> {
    let output = prop_oneof![
        Just(OutputPriority::UtilityFirst),
        Just(OutputPriority::SolarFirst),
        Just(OutputPriority::SolarBatteryUtility),
    ];
    let charger = prop_oneof![
        Just(ChargerPriority::UtilityFirst),
        Just(ChargerPriority::SolarFirst),
        Just(ChargerPriority::SolarAndUtility),
        Just(ChargerPriority::SolarOnly),
    ];
    let solar = prop_oneof![Just(SolarPriority::BatteryFirst), Just(SolarPriority::LoadFirst)];
    let volts = (44.0..51.0_f64, 48.0..58.0_f64, 40.0..48.0_f64, 50.0..60.0_f64);
    let amps = (0.0..120.0_f64, 0.0..150.0_f64);
    (output, charger, solar, volts, amps, any::<(bool, bool)>()).prop_map(
        |(output, charger, solar, volts, amps, (feed_in, off))| Orders {
            output,
            charger,
            solar,
            recharge_v: volts.0,
            redischarge_v: if off { 0.0 } else { volts.1 },
            cutoff_v: volts.2,
            bulk_v: volts.3,
            float_v: volts.3 - 2.0,
            grid_charge_max_a: amps.0,
            charge_max_a: amps.1,
            feed_in,
            output_on: !(off && feed_in),
            fault: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn grid_panels_and_battery_make_load_and_losses(
        seed: u64,
        hour in 0_i64..8_760,
        soc_pct in 0.0..=100.0,
        steps in proptest::collection::vec((orders(), any::<bool>(), 200_i64..14_000), 1..10),
        blends in any::<bool>(),
    ) {
        let start_unix_ms = MONDAY_NOON_MS + hour * HOUR_MS;
        let mut house = House::new(Settings { seed, start_unix_ms, ..Settings::default() }).unwrap();
        let id = house.add_inverter(InverterSettings {
            rated_w: 5_000.0,
            nominal_v: 48.0,
            battery_wh: 5_000.0,
            soc_pct,
            pv_peak_w: [3_000.0, 2_000.0, 0.0],
            pv_v: 240.0,
            load_mean_w: 800.0,
            phase: 1,
            blending: if blends { Blending::WithGrid } else { Blending::Never },
            orders: steps[0].0,
        }).unwrap();
        let at_start = house.inverter_truth(id);
        let mut now_ms = start_unix_ms;
        for (orders, grid, step_ms) in &steps {
            house.inverter_mut(id).orders = *orders;
            house.set_grid(*grid);
            let mut before = house.inverter_truth(id);
            for _ in 0..20 {
                now_ms += step_ms;
                house.step(now_ms);
                let truth = house.inverter_truth(id);
                let loss_w = truth.grid_in_w + truth.pv_w.iter().sum::<f64>() + truth.battery_w - truth.load_w;
                prop_assert!(loss_w >= -1e-6, "{truth:?}");
                let hours = *step_ms as f64 / HOUR_MS as f64;
                let booked_wh = truth.totals.loss_wh - before.totals.loss_wh;
                prop_assert!((loss_w * hours - booked_wh).abs() < 1e-6, "{loss_w} W, {booked_wh} Wh {truth:?}");
                prop_assert!((0.0..=100.0).contains(&truth.soc_pct));
                prop_assert!(*grid || truth.grid_in_w.abs() < 1e-9, "nothing comes from a dead grid");
                prop_assert!(orders.feed_in || truth.grid_in_w >= 0.0, "nothing is fed in unasked");
                prop_assert!(truth.load_w <= 5_000.0 + 1e-6);
                prop_assert!(-truth.battery_a <= orders.charge_max_a + 1e-6, "{truth:?}");
                let all = house.truth();
                prop_assert!((all.load_w - all.grid_total_w() - all.pv_w).abs() < 1e-6);
                before = truth;
            }
        }
        let left_wh = unexplained_wh(&house.inverter_truth(id), at_start.stored_wh);
        prop_assert!(left_wh.abs() < 1e-3, "{left_wh} Wh are missing");
    }
}

/// The units that are inverters, each a day in the house, watched every five minutes.
#[test]
fn a_day_of_every_inverter_balances_and_its_counters_agree() {
    for profile in Profile::ALL.into_iter().filter(|profile| profile.is_inverter()) {
        let mut bench = bench(profile.name(), "think-ms=0");
        let stored_wh = bench.truth().stored_wh;
        let mut operations = [0; 2];
        for _ in 0..288 {
            bench.wait(300_000);
            let truth = bench.truth();
            operations[usize::from(truth.operation == Operation::Battery)] += 1;
            assert!(truth.load_w > 0.0, "{profile}: the loads stand dark: {truth:?}");
        }
        let truth = bench.truth();
        let left_wh = unexplained_wh(&truth, stored_wh);
        assert!(left_wh.abs() < 1e-3, "{profile}: {left_wh} Wh are missing");
        assert!(truth.totals.pv_wh > 2_000.0 && truth.totals.load_wh > 1_000.0, "{profile}: {truth:?}");
        let unit = bench.unit().truth();
        assert!(
            (unit.pv_wh - truth.totals.pv_wh).abs() < 1e-6
                && (unit.load_wh - truth.totals.load_wh).abs() < 1e-6
        );
        let whole = bench.site.truth();
        assert!((whole.load_wh - (whole.import_wh - whole.export_wh) - whole.pv_wh).abs() < 1e-3);
        assert!(operations[1] > 40, "{profile}: line, battery {operations:?}");
    }
}

#[test]
fn what_an_inverter_draws_is_load_of_its_phase() {
    let settings = Settings { start_unix_ms: MONDAY_NOON_MS, mean_load_w: 0.0, ..Settings::default() };
    let dark = |phase| {
        let setup = InverterSetup { phase, soc_pct: 20.0, ..InverterSetup::new("a", Profile::Pi30F21) };
        let site = ohmstead_plant::InMemory::new(settings.clone(), Vec::new()).unwrap();
        let mut site = site.with_inverters(vec![InverterSetup { pv_peak_w: 0.0, ..setup }]).unwrap();
        site.inverter_mut("a").unwrap().eeprom.orders.output = OutputPriority::UtilityFirst;
        site.advance(MONDAY_NOON_MS + 5_000);
        site.truth()
    };
    for phase in 0..3 {
        let truth = dark(phase);
        let drawn_w = truth.inverters[0].grid_in_w;
        assert!(drawn_w > 1_000.0, "it charges: {drawn_w}");
        assert!((truth.load_w - drawn_w).abs() < 1e-6, "the only load");
        assert!((truth.grid_w[phase] - drawn_w + truth.pv_w / 3.0).abs() < 1e-6);
    }
}

#[test]
fn without_a_grid_the_house_is_dark_and_the_inverter_is_not() {
    let mut bench = bench("pi30-21", "think-ms=0");
    bench.wait(60_000);
    bench.site.house_mut().set_grid(false);
    bench.wait(60_000);
    let truth = bench.site.truth();
    assert_eq!((truth.load_w, truth.grid_w, truth.pv_w), (0.0, [0.0; 3], 0.0));
    assert!(truth.inverters[0].load_w > 10.0 && !truth.inverters[0].grid_present);
    assert_eq!(&bench.fields("QPIWS")[0][5..6], "1", "line fail");
    bench.site.house_mut().set_grid(true);
    bench.wait(60_000);
    assert!(bench.site.truth().load_w > 10.0);
    assert_eq!(&bench.fields("QPIWS")[0][5..6], "0");
}

#[test]
fn a_flag_lets_the_rest_of_the_sun_go_to_the_grid() {
    let fed_in = |flag: &str| {
        let mut bench = bench_with("pi30-max", "think-ms=0", |setup| setup.soc_pct = 99.9);
        for command in ["POP01", flag] {
            assert_eq!(bench.ask(command), "(ACK");
        }
        bench.wait(2 * HOUR_MS);
        bench.truth().totals.feed_in_wh
    };
    assert!(fed_in("PEd") > 500.0);
    assert!(fed_in("PDd").abs() < 1e-9);
}

fn eight_digits(bench: &mut Bench, command: &str) -> f64 {
    let text = bench.fields(command)[0].clone();
    assert_eq!(text.len(), 8, "{command}: {text}");
    text.parse().unwrap()
}

#[test]
fn energy_is_counted_by_the_units_own_days() {
    let mut bench = bench("pi30-max", "think-ms=0");
    // From Monday noon over three midnights; the unit's civil days are the site's.
    let mut days = Vec::new();
    for (number, day) in (0..).zip(["20250602", "20250603", "20250604"]) {
        let end_ms = MONDAY_NOON_MS + 12 * HOUR_MS + number * DAY_MS;
        bench.wait(end_ms - bench.now_ms - 60_000);
        days.push((day, bench.truth().totals.pv_wh, bench.truth().totals.load_wh));
        bench.wait(120_000);
    }
    let mut before = (0.0, 0.0);
    for (day, pv_wh, load_wh) in &days {
        assert!((eight_digits(&mut bench, &format!("QED{day}")) - (pv_wh - before.0)).abs() < 10.0, "{day}");
        assert!(
            (eight_digits(&mut bench, &format!("QLD{day}")) - (load_wh - before.1)).abs() < 40.0,
            "{day}"
        );
        before = (*pv_wh, *load_wh);
    }
    let total = eight_digits(&mut bench, "QET");
    assert!(total > 20_000.0);
    for command in ["QEM202506", "QEY2025"] {
        assert!((eight_digits(&mut bench, command) - total).abs() < 2.0, "{command}");
    }
    assert!((eight_digits(&mut bench, "QLT") - bench.truth().totals.load_wh).abs() < 2.0);
    assert!(eight_digits(&mut bench, "QED20240115").abs() < 0.5);
    for nonsense in ["QED20250230", "QEM202513", "QED2025", "QEY25"] {
        assert_eq!(bench.ask(nonsense), "(NAK", "{nonsense}");
    }
    assert_eq!(bench.ask("RTEY"), "(ACK");
    assert!(eight_digits(&mut bench, "QET").abs() < 1.0);
}

#[test]
fn pi18_counts_in_kilowatt_hours_by_the_document_and_in_watt_hours_as_captured() {
    let energies = |profile: &str| {
        let mut bench = bench(profile, "think-ms=0");
        bench.wait(DAY_MS / 2 - 60_000);
        let wh = bench.truth().totals.pv_wh;
        let read = |bench: &mut Bench, command| bench.ask_18("P", command)[5..].parse::<f64>().unwrap();
        (wh, ["ET", "EY2025", "EM202506", "ED20250602"].map(|command| read(&mut bench, command)))
    };
    let (wh, [total, year, month, day]) = energies("pi18");
    assert!(wh > 5_000.0);
    assert!([total, year, month].iter().all(|kwh| (kwh - (wh / 1_000.0).floor()).abs() < 1e-9));
    assert!((day - wh).abs() <= 2.0);
    let (wh, all) = energies("pi18-lv5048");
    assert!(all.iter().all(|value| (value - wh).abs() <= 2.0), "{wh} {all:?}");
}

#[test]
fn a_clock_that_was_set_wrong_counts_on_its_own_days() {
    let mut bench = bench("pi30-max", "think-ms=0");
    assert_eq!(bench.ask("QT"), "(20250602120000");
    assert_eq!(bench.ask("DAT250101000000"), "(ACK");
    bench.wait(90_000);
    assert!(bench.ask("QT").starts_with("(2025010100013"), "{}", bench.ask("QT"));
    assert!(eight_digits(&mut bench, "QED20250101") > 20.0);
    assert_eq!(bench.counters().eeprom_writes, 0);
}

#[test]
fn a_parallel_set_shares_load_and_current_and_agrees_on_the_totals() {
    let mut bench = bench_with("pi30-21", "think-ms=0", |setup| setup.units = 3);
    bench.wait(60_000);
    let truth = bench.truth();
    let units: Vec<_> = (0..3).map(|unit| bench.fields(&format!("QPGS{unit}"))).collect();
    let sum = |field: usize| units.iter().map(|unit| unit[field].parse::<f64>().unwrap()).sum::<f64>();
    assert!((sum(9) - truth.load_w).abs() < 2.0, "{} {}", sum(9), truth.load_w);
    assert!((sum(12) - sum(26) + truth.battery_a).abs() < 3.0, "charge {} discharge {}", sum(12), sum(26));
    for unit in &units {
        assert!((unit[17].parse::<f64>().unwrap() - truth.load_w).abs() < 1.0);
        assert_eq!((unit[0].as_str(), unit[20].as_str()), ("1", "1"));
    }
    let serials: std::collections::BTreeSet<_> = units.iter().map(|unit| unit[1].clone()).collect();
    assert_eq!(serials.len(), 3);
    assert!(serials.iter().all(|serial| serial.len() == 14));
    assert_eq!(bench.fields("QPGS3")[..2], ["0", "00000000000000"]);
    let own_w: f64 = bench.fields("QPIGS")[5].parse().unwrap();
    assert!((own_w - units[0][9].parse::<f64>().unwrap()).abs() < 10.0, "{own_w}");
    assert_eq!(bench.fields("QID")[0], units[0][1]);
    assert_eq!(bench.ask("QPGS10"), "(NAK");
}

#[test]
fn what_cannot_be_set_up_says_why() {
    let site = || ohmstead_plant::InMemory::new(Settings::default(), Vec::new()).unwrap();
    let setup = || InverterSetup::new("a", Profile::Pi30Max);
    let error = |setups| site().with_inverters(setups).unwrap_err().to_string();
    assert_eq!(
        error(vec![setup(), setup()]),
        "two simulated devices are called \"a\"; give each its own name"
    );
    assert!(error(vec![InverterSetup { units: 10, ..setup() }]).contains("1 to 9 units, not 10"));
    assert!(
        error(vec![InverterSetup { serial: "x".to_owned(), ..setup() }]).contains("expected 1 to 20 digits")
    );
    assert!(
        error(vec![InverterSetup { battery_wh: 1.0, ..setup() }])
            .contains("inverter's battery capacity is 1")
    );
    let unknown = site().inverter("b").unwrap_err().to_string();
    assert!(unknown.starts_with("no simulated inverter is called \"b\""), "{unknown}");
    assert!(site().with_inverters(vec![setup()]).unwrap().set_inverter_switch("a", "x").is_err());
}

#[test]
fn batteries_stand_still_without_a_grid() {
    let mut house = House::new(Settings { start_unix_ms: MONDAY_NOON_MS, ..Settings::default() }).unwrap();
    let battery = ohmstead_plant::house::BatterySettings { pv_peak_w: Some(1_600.0), ..Default::default() };
    let id = house.add_battery(battery).unwrap();
    house.step(MONDAY_NOON_MS + 600_000);
    assert!(house.truth().batteries[0].ac_power_w.abs() > 50.0, "the loop is at work");
    house.set_grid(false);
    house.step(MONDAY_NOON_MS + 1_200_000);
    let dark = house.truth();
    assert!(dark.batteries[0].ac_power_w.abs() < 1e-9 && dark.grid_total_w().abs() < 1e-9);
    assert!(dark.batteries[0].pv_w > 50.0, "its own panels charge on: {:?}", dark.batteries[0]);
    house.set_grid(true);
    house.step(MONDAY_NOON_MS + 3 * HOUR_MS);
    assert!(house.battery(id).soc_pct() > 0.0 && house.truth().load_w > 10.0);
}

#[test]
fn batteries_and_inverters_live_in_one_house() {
    let battery = ohmstead_plant::BatterySetup::new(
        "garage",
        "127.0.0.2:30000".parse().unwrap(),
        ohmstead_plant::Profile::E3V150,
    );
    let settings = Settings { start_unix_ms: MONDAY_NOON_MS, ..Settings::default() };
    let site = ohmstead_plant::InMemory::new(settings, vec![battery.clone()]).unwrap();
    let setups = [("cabin", Profile::Pi30Max), ("shed", Profile::Pi18)];
    let setups = setups.map(|(name, profile)| InverterSetup::new(name, profile)).to_vec();
    let mut site = site.with_inverters(setups).unwrap();
    assert_eq!(site.inverter_names().collect::<Vec<_>>(), ["cabin", "shed"]);
    assert!(
        site.install_inverter(InverterSetup::new("garage", Profile::Pi30F17)).is_err(),
        "the name is taken"
    );
    site.advance(MONDAY_NOON_MS + HOUR_MS);
    let truth = site.truth();
    assert_eq!((truth.batteries.len(), truth.inverters.len()), (1, 2));
    assert!((truth.load_w - truth.grid_total_w() - truth.pv_w - truth.batteries[0].ac_power_w).abs() < 1e-6);
    let shed = site.inverter("shed").unwrap().truth();
    assert_eq!(shed.inverter, truth.inverters[1]);
    assert!((truth.inverters[0].load_w - truth.inverters[1].load_w).abs() > 1.0, "each has loads of its own");
}
