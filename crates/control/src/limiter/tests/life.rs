//! The phases of a limit's life, and what can be bounded.

use expect_test::expect;
use ohmstead_model::{Phase, Snapshot};
use rstest::rstest;

use super::house::{Device, Limiter, Metric, at, discharge_of, settings, snapshot};
use crate::limiter::Verdict;
use crate::{Inputs, Reason, Who};

fn gx(power: f64, now: f64) -> Device {
    Device::gx("gx").shows(Metric::InverterPower, power, at(now))
}

/// What is proposed for `gx` and how the limit is doing, one line for each step: time in s, output in W, or unknown.
fn told(text: &str, steps: &[(f64, Option<f64>)]) -> String {
    let mut limiter = Limiter::new(text);
    let line = |(now, power): &(f64, Option<f64>)| {
        let device = match power {
            Some(power) => gx(*power, *now),
            None => Device::gx("gx").lost(Metric::InverterPower, at(*now)),
        };
        let (proposals, verdicts) = limiter.step(&snapshot([device]), at(*now));
        let bound = discharge_of(&proposals, "gx").map_or("-".to_owned(), |bound| format!("{bound:.0}"));
        let reason = proposals.first().map_or("-", |proposal| proposal.reason.code());
        format!("{now:<4} {bound:>6} {reason:<11} {}", verdicts[0])
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_life() {
    let mut steps =
        vec![(0.0, Some(9_000.0)), (1.0, Some(12_000.0)), (2.0, Some(12_000.0)), (3.0, Some(11_000.0))];
    steps.extend((4..12).map(|second| (f64::from(second), Some(9_900.0))));
    steps.extend((12..44).map(|second| (f64::from(second), Some(5_000.0))));
    let text = told("multi_output: { max: 10 kW }", &steps);
    let is_same = |n: usize| (5..11).contains(&n) || (13..41).contains(&n);
    let short: Vec<_> = (0..).zip(text.lines()).filter(|(n, _)| !is_same(*n)).map(|(_, line)| line).collect();
    expect![[r#"
        0         - -           multi_output: not bounded, measured 9000 W
        1     11000 site_limit  multi_output: held at 11000 W, measured 12000 W
        2     10000 site_limit  multi_output: held at 10000 W, measured 12000 W
        3      9900 site_limit  multi_output: held at 9900 W, measured 11000 W
        4      9900 site_limit  multi_output: held at 9900 W, measured 9900 W
        11     9900 site_limit  multi_output: held at 9900 W, measured 9900 W
        12     9900 site_limit  multi_output: held at 9900 W, measured 5000 W
        41     9900 site_limit  multi_output: held at 9900 W, measured 5000 W
        42        - -           multi_output: not bounded, measured 5000 W
        43        - -           multi_output: not bounded, measured 5000 W"#]]
    .assert_eq(&short.join("\n"));
}

#[test]
fn what_is_no_longer_known_is_held_and_then_released() {
    let steps = [
        (0.0, Some(12_000.0)),
        (1.0, Some(12_000.0)),
        (2.0, None),
        (11.9, None),
        (12.0, None),
        (13.0, Some(12_000.0)),
    ];
    expect![[r#"
        0     12000 site_limit  multi_output: held at 12000 W, measured 12000 W
        1     11000 site_limit  multi_output: held at 11000 W, measured 12000 W
        2     11000 limit_blind multi_output: held at 11000 W for now, missing: inverter_power of gx (the device does not report it)
        11.9  11000 limit_blind multi_output: held at 11000 W for now, missing: inverter_power of gx (the device does not report it)
        12        - -           multi_output: not limited, missing: inverter_power of gx (the device does not report it)
        13    11000 site_limit  multi_output: held at 11000 W, measured 12000 W"#]].assert_eq(&told("multi_output: { max: 10 kW }", &steps));
}

#[test]
fn a_device_that_falls_silent_is_bounded_until_its_values_are_too_old_for_long() {
    let mut limiter = Limiter::new("multi_output: { max: 10 kW }");
    let mut bounded = |now: f64, device: Device| {
        let (proposals, _) = limiter.step(&snapshot([device]), at(now));
        discharge_of(&proposals, "gx").is_some()
    };
    assert!(bounded(0.0, gx(12_000.0, 0.0)));
    for second in 1..=40 {
        assert!(bounded(f64::from(second), gx(12_000.0, 0.0).offline()), "{second}");
    }
    assert!(
        !bounded(41.0, gx(12_000.0, 0.0).offline()),
        "30 s are the life of a value, 10 s that of a bound without"
    );
}

#[test]
fn an_old_value_is_none() {
    let mut limiter = Limiter::new("multi_output: { max: 10 kW }");
    let (proposals, verdicts) = limiter.step(&snapshot([gx(12_000.0, 0.0)]), at(31.0));
    assert_eq!(proposals, vec![]);
    let text = "multi_output: not limited, missing: inverter_power of gx (the last value is too old)";
    assert_eq!(verdicts[0].to_string(), text);
}

#[test]
fn at_the_floor_it_is_held_and_said_to_be_too_little() {
    let mut limiter = Limiter::new("multi_output: { max: 2 kW, floor: 1800 W, step: 5 kW }");
    let mut last = Vec::new();
    // It follows, but another inverter that cannot be bounded does not.
    for second in 0..30 {
        let now = f64::from(second);
        let power = if second < 2 { 6_000.0 } else { 1_800.0 };
        let other = Device::gx("other").without_control().shows(Metric::InverterPower, 500.0, at(now));
        (_, last) = limiter.step(&snapshot([gx(power, now), other]), at(now));
    }
    expect![[r#"
        multi_output: measured 2300 W where 2000 W should be, the devices are held at 1800 W and can do no more
        multi_output: other: it cannot be controlled at present"#]].assert_eq(&last.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

/// What was in vain pauses, unless less is asked for.
#[test]
fn a_lower_limit_ends_the_pause_of_one_in_vain() {
    let mut limiter = Limiter::new("multi_output: { max: 10 kW }");
    let bound = |limiter: &mut Limiter, second: f64| {
        let (proposals, _) = limiter.step(&snapshot([gx(14_000.0, second)]), at(second));
        discharge_of(&proposals, "gx")
    };
    let bounds: Vec<_> = (0..20).map(|second| bound(&mut limiter, f64::from(second))).collect();
    assert!(bounds[0].is_some() && bounds[19].is_none(), "given back: {bounds:?}");
    limiter.settings = settings("multi_output: { max: 12 kW }");
    assert_eq!(bound(&mut limiter, 20.0), None, "a higher one is no news");
    limiter.settings = settings("multi_output: { max: 8 kW }");
    assert!(bound(&mut limiter, 21.0).is_some());
}

fn seen(text: &str, devices: Vec<Device>) -> String {
    let snapshot = snapshot(devices);
    let mut limiter = Limiter::new(text);
    limiter.step(&snapshot, at(0.0));
    let (proposals, verdicts) = limiter.step(&snapshot, at(1.0));
    let bounds = proposals.iter().map(|proposal| format!("{} {}", proposal.device, proposal.bounds));
    let verdicts = verdicts.iter().map(ToString::to_string);
    bounds.chain(verdicts).collect::<Vec<_>>().join("\n")
}

fn marstek(name: &str, power: f64) -> Device {
    let device = Device::marstek(name).mode("auto", at(0.0));
    device.shows(Metric::BatteryPower, power, at(0.0)).shows(Metric::InverterPower, power, at(0.0))
}

fn house(grid: f64, phases: &[f64]) -> Device {
    let metrics = [Metric::GridPowerL1, Metric::GridPowerL2, Metric::GridPowerL3];
    let device = gx(3_000.0, 0.0).shows(Metric::GridPower, grid, at(0.0)).shows(
        Metric::BatteryPower,
        3_000.0,
        at(0.0),
    );
    metrics
        .into_iter()
        .zip(phases)
        .fold(device, |device, (metric, power)| device.shows(metric, *power, at(0.0)))
}

#[rstest]
#[case::nothing_there("battery_discharge: { max: 1 kW }", vec![], expect![[r#"
    battery_discharge: not limited, missing: no device reports battery_power
    battery_discharge: site: no battery that it is about is configured"#]])]
#[case::no_lever("battery_discharge: { max: 1 kW }", vec![marstek("a", 2500.0)], expect![[r#"
    battery_discharge: not bounded, measured 2500 W
    battery_discharge: a: it follows the meter by itself and has no limit for what it discharges: only a discharge that is asked of it can be bounded"#]])]
#[case::a_discharge_that_was_asked("battery_discharge: { max: 1 kW, step: 3 kW }", vec![marstek("a", 2500.0).mode("discharge", at(0.0))], expect![[r#"
    a discharge up to 900 W
    battery_discharge: held at 900 W, measured 2500 W"#]])]
#[case::offline("battery_discharge: { max: 1 kW }", vec![marstek("a", 2500.0).offline()], expect![[r#"
    battery_discharge: not bounded, measured 2500 W
    battery_discharge: a: it does not answer"#]])]
#[case::the_others_take_all("battery_discharge: { max: 4 kW, step: 3 kW }", vec![marstek("a", 2500.0), house(0.0, &[])], expect![[r#"
    gx discharge up to 1400 W
    battery_discharge: held at 1400 W, measured 5500 W
    battery_discharge: a: it follows the meter by itself and has no limit for what it discharges: only a discharge that is asked of it can be bounded"#]])]
#[case::by_what_they_make("battery_discharge: { max: 4 kW, step: 9 kW }", vec![
    house(0.0, &[]), Device::gx("second").shows(Metric::BatteryPower, 6000.0, at(0.0)).shows(Metric::InverterPower, 6000.0, at(0.0))
], expect![[r#"
    gx discharge up to 1359 W
    second discharge up to 2541 W
    battery_discharge: held at 3900 W, measured 9000 W"#]])]
#[case::only_these("battery_discharge: { max: 1 kW, step: 9 kW, devices: [gx] }", vec![marstek("a", 2500.0), house(0.0, &[])], expect![[r#"
    gx discharge up to 900 W
    battery_discharge: held at 900 W, measured 3000 W"#]])]
#[case::feed_in("feed_in: { max: 500 W, step: 9 kW }", vec![house(-2000.0, &[])], expect![[r#"
    gx discharge up to 1400 W
    feed_in: held at 1400 W, measured 2000 W"#]])]
#[case::feed_in_of_a_phase("feed_in: { max: 500 W, step: 9 kW, per_phase: true, phases: 3 }", vec![house(0.0, &[1000.0, 200.0, -1200.0])], expect![[r#"
    gx discharge up to 600 W
    feed_in: held at 600 W, measured 1200 W"#]])]
#[case::no_phases("feed_in: { max: 500 W, per_phase: true }", vec![house(-5000.0, &[])], expect!["feed_in: not limited, missing: no grid meter tells the power of each phase"])]
#[case::import("grid_import: { max: 3 kW, step: 9 kW }", vec![
    Device::gx("gx").mode("charge", at(0.0)).shows(Metric::GridPower, 5000.0, at(0.0)).shows(Metric::BatteryPower, -4000.0, at(0.0))
], expect![[r#"
    gx charge up to 1900 W
    grid_import: held at 1900 W, measured 5000 W"#]])]
#[case::import_for_the_house("grid_import: { max: 3 kW }", vec![house(5000.0, &[])], expect![[r#"
    grid_import: not bounded, measured 5000 W
    grid_import: gx: it follows the meter by itself and has no limit for what it charges: only a charge that is asked of it can be bounded"#]])]
#[case::fewer_phases("multi_output: { max: 1 kW, phases: 3 }", vec![house(0.0, &[10.0])], expect![[r#"
    multi_output: not bounded, measured 3000 W
    multi_output: gx: limits.multi_output says 3 phases, but gx shows values on 1 phase: correct `phases`, or leave it out"#]])]
#[case::more_phases("multi_output: { max: 1 kW, phases: 1 }", vec![house(0.0, &[1.0, 2.0, 3.0])], expect![[r#"
    multi_output: not bounded, measured 3000 W
    multi_output: gx: limits.multi_output says 1 phase, but gx shows values on 3 phases: correct `phases`, or leave it out"#]])]
#[case::as_many("multi_output: { max: 1 kW, phases: 3, step: 9 kW }", vec![house(0.0, &[1.0, 2.0, 3.0])], expect![[r#"
    gx discharge up to 1000 W
    multi_output: held at 1000 W, measured 3000 W"#]])]
#[case::each_on_its_own("multi_output: { max: 1 kW, phases: 3, per_phase: true, step: 9 kW }", vec![
    Device::gx("a").on(Phase::L1).shows(Metric::InverterPower, 1500.0, at(0.0)),
    Device::gx("b").on(Phase::L2).shows(Metric::InverterPower, 1500.0, at(0.0)),
    Device::gx("c").on(Phase::L3).shows(Metric::InverterPower, 1500.0, at(0.0)),
], expect![[r#"
    a discharge up to 1000 W
    b discharge up to 1000 W
    c discharge up to 1000 W
    multi_output: held at 3000 W, measured 1500 W"#]])]
#[case::the_sum_only("multi_output: { max: 1 kW, per_phase: true }", vec![house(0.0, &[1.0, 2.0, 3.0])], expect!["multi_output: not limited, missing: inverter_power of each phase (gx tells the sum only, and has no `phase`)"])]
fn what_can_be_bounded(
    #[case] text: &str,
    #[case] devices: Vec<Device>,
    #[case] expected: expect_test::Expect,
) {
    expected.assert_eq(&seen(text, devices));
}

#[test]
fn in_a_cycle_the_limit_bounds_what_is_asked_by_hand() {
    let confirmed = std::collections::BTreeMap::new();
    let settings = crate::Settings {
        rotation: crate::rotation::Settings::default(),
        tempo: None,
        time_zone: jiff::tz::TimeZone::UTC,
        schedule: Vec::new(),
        holidays: crate::schedule::Holidays::default(),
        limits: super::house::settings("battery_discharge: { max: 2 kW, step: 9 kW }"),
    };
    let asked = crate::Override {
        device: "gx".parse().unwrap(),
        mode: "discharge 5 kW".parse().unwrap(),
        asked_by: "cli".to_owned(),
        since: ohmstead_model::UnixMillis(0),
        ends: ohmstead_model::UnixMillis(3_600_000),
        asked_at: None,
    };
    let cycle = |state: &crate::State, snapshot: &Snapshot, now: f64| {
        crate::step(
            state,
            Inputs {
                snapshot,
                overrides: std::slice::from_ref(&asked),
                confirmed: &confirmed,
                plan: None,
                tempo: None,
            },
            at(now),
            &settings,
        )
    };
    let snapshot = snapshot([house(0.0, &[]).shows(Metric::BatterySoc, 50.0, at(0.0))]);
    let first = cycle(&crate::State::default(), &snapshot, 0.0);
    let second = cycle(&first.state, &snapshot, 1.0);
    let desired = &second.desired[0];
    assert_eq!(desired.mode, Some("discharge 1900 W".parse().unwrap()));
    assert_eq!((desired.chosen, &desired.bounded_by[..]), (Some(Who::Override), &[Who::Limiter][..]));
    assert!(matches!(&desired.reason, Reason::SiteLimit { limit, .. } if limit == "battery_discharge"));
    assert!(matches!(second.verdicts[..], [crate::Verdict::Limiter(Verdict::Holding { .. })]));
}
