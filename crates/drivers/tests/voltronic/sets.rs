//! Parallel sets: a unit's own values or those of all, and settings that go to the right unit.

use ohmstead_drivers::voltronic::{ParallelSetting, WriteClass};
use ohmstead_model::{Clock as _, Metric, Unknown, Value};
use ohmstead_plant::voltronic::{InverterSetup, UnitTruth};
use rstest::rstest;

use crate::support::{Driven, Garbled, World, secs};

fn world_of(profile: &str, units: u8) -> World {
    World::of(vec![InverterSetup { units, ..InverterSetup::new("a", profile.parse().unwrap()) }])
}

fn total(world: &World) -> Driven {
    world.driven_with("a", None, |settings| settings.parallel = ParallelSetting::Total)
}

/// What the unit of the set that is asked tells as its own.
fn of_unit(driven: &Driven, id: &str) -> Option<f64> {
    let state = driven.told.state();
    let found = state.values.iter().find(|(metric, _)| metric.id() == id);
    found.and_then(|(_, observed)| observed.observation.clone().ok()?.number())
}

#[rstest]
#[case(1, ParallelSetting::Total)]
#[case(3, ParallelSetting::Own)]
#[case(3, ParallelSetting::Auto)]
#[case(3, ParallelSetting::Total)]
#[case(9, ParallelSetting::Total)]
#[tokio::test(start_paused = true)]
async fn a_set_is_counted_and_added_up(
    #[case] units: u8,
    #[case] parallel: ParallelSetting,
    #[values("pi30-21", "pi30-mk", "pi30-max", "pi41", "pi18")] profile: &str,
) {
    let world = world_of(profile, units);
    let mut driven = world.driven_with("a", None, |settings| settings.parallel = parallel);
    driven.run(secs(900)).await;
    assert_eq!(driven.number(Metric::ParallelUnits), Ok(f64::from(units)));
    let truth = world.truth("a");
    let own = truth.reading.load_w + truth.reading.leg_2.watts;
    let is_sum = parallel == ParallelSetting::Total && units > 1;
    let expected = if is_sum { truth.load_w } else { own };
    let told = driven.number(Metric::LoadPower).unwrap();
    // Units are asked one after the other while the loads change.
    assert!((told - expected).abs() < 0.25 * truth.load_w, "{told} of {expected}; {own} own, {truth:?}");
    assert!(units == 1 || own < 0.6 * truth.load_w, "or the test proves nothing");
    let unit = of_unit(&driven, "voltronic_unit_load_power");
    assert_eq!(unit.is_some(), is_sum, "its own value has a name of its own where the other is a sum");
    assert!(unit.is_none_or(|watts| (watts - own).abs() < 0.25 * truth.load_w), "{unit:?} of {own}");
}

/// The least and the most that was the case since units were asked about last.
fn lately(world: &World, of: impl Fn(&UnitTruth) -> f64) -> (f64, f64) {
    let since = world.clock.now().mono.saturating_sub(secs(30));
    let heard = world.cables.heard("a").into_iter().filter(|heard| heard.at.mono >= since);
    let all: Vec<f64> = heard.map(|heard| of(&heard.truth)).chain([of(&world.truth("a"))]).collect();
    (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The powers of a set by day, as far as whole amperes of each unit can tell them.
#[rstest]
#[case("pi30-21", 2)]
#[case("pi30-21", 3)]
#[case("pi30-mk", 2)]
#[case("pi30-max", 2)]
#[case("pi30-max21", 2)]
#[case("pi41", 2)]
#[case("pi18", 2)]
#[tokio::test(start_paused = true)]
async fn the_powers_of_a_set_are_added_up(#[case] profile: &str, #[case] units: u8) {
    let setup = InverterSetup { units, ..InverterSetup::new("a", profile.parse().unwrap()) };
    let world = World::later(vec![setup], 9);
    let mut driven = total(&world);
    let mut sun = 0.0_f64;
    driven.run(secs(120)).await;
    for round in 0..12 {
        driven.run(secs(240)).await;
        let truth = world.truth("a");
        let each = f64::from(units);
        // Half an ampere each, of each tracker: on classic units at the battery's voltage, on others at the panels'. What
        // flows into the battery is two in a hundred less.
        let step = match profile {
            "pi18" => 2.0,
            "pi30-21" => truth.battery_v,
            "pi41" => 2.0 * truth.battery_v,
            _ => truth.pv_v.iter().sum(),
        };
        let near = |metric: Metric, (low, high): (f64, f64), slack: f64| {
            let told = driven.number(metric).unwrap();
            assert!(
                (low - slack..=high + slack).contains(&told),
                "{round}: {metric} {told} of {low}..{high} W"
            );
        };
        let pv = lately(&world, |truth| truth.pv_w.iter().sum());
        near(Metric::PvPower, pv, 0.5 * step * each + 0.03 * pv.1 + 1.0);
        let battery = lately(&world, |truth| truth.battery_a * truth.battery_v);
        near(Metric::BatteryPower, battery, 0.55 * truth.battery_v * each);
        near(Metric::LoadPower, lately(&world, |truth| truth.load_w), 2.0 * each);
        sun = sun.max(pv.0);
    }
    assert!(sun > 1000.0, "at most {sun} W: or the test proves nothing");
}

/// A unit that is not heard of makes the sums unknown within a minute, and names itself.
#[rstest]
#[case(Garbled::Refused)]
#[case(Garbled::Lost)]
#[tokio::test(start_paused = true)]
async fn a_unit_that_is_not_heard_of_makes_the_sums_unknown(#[case] garbled: Garbled) {
    let world = world_of("pi30-21", 3);
    let mut driven = total(&world);
    driven.run(secs(300)).await;
    assert!(driven.number(Metric::LoadPower).is_ok());
    world.cables.garble("QPGS1", Some(garbled));
    driven.run(secs(90)).await;
    let told = driven.told.observations(Metric::LoadPower);
    let Some((_, Err(Unknown::Missing(why)))) = told.last() else { panic!("{:?}", told.last()) };
    let second = world.cables.unit("a", |unit| unit.nameplate.serial_of(1));
    assert!(why.contains(&second), "{why}: not {second}");
    world.cables.garble("QPGS1", None);
    driven.run(secs(120)).await;
    assert!(driven.number(Metric::LoadPower).is_ok(), "{:?}", driven.value(Metric::LoadPower));
    assert!(driven.is_online());
}

/// A unit that is switched off leaves the sums at once, and is back in them soon after it is back.
#[tokio::test(start_paused = true)]
async fn a_unit_that_comes_back_is_added_again() {
    let world = world_of("pi30-21", 3);
    let mut driven = total(&world);
    driven.run(secs(300)).await;
    world.cables.unit("a", |unit| unit.nameplate.units = 2);
    driven.run(secs(30)).await;
    assert_eq!(driven.value(Metric::ParallelUnits), Ok(Value::Number(2.0)));
    assert!(driven.number(Metric::LoadPower).is_ok());
    world.cables.unit("a", |unit| unit.nameplate.units = 3);
    driven.run(secs(75)).await;
    assert_eq!(driven.value(Metric::ParallelUnits), Ok(Value::Number(3.0)));
}

/// A unit that refuses to tell of its second tracker tells of it as a unit of a set, alone as it is.
#[rstest]
#[case("pi30-max", 5)]
#[case("pi30-max21", 30)]
#[tokio::test(start_paused = true)]
async fn a_second_tracker_that_only_the_set_tells_of_counts(#[case] profile: &str, #[case] interval: u64) {
    let world = World::later(vec![InverterSetup::new("a", profile.parse().unwrap())], 5);
    world.cables.garble("QPIGS2", Some(Garbled::Refused));
    let mut driven = world.driven_with("a", None, |settings| {
        settings.interval = format!("{interval} s").parse().unwrap();
    });
    for _ in 0..12 {
        driven.run(secs(600)).await;
        let truth = world.truth("a");
        let pv: f64 = truth.pv_w.iter().sum();
        let told = driven.number(Metric::PvPower).unwrap();
        assert!((told - pv).abs() <= 0.5 * truth.pv_v[1] + 0.1 * pv + 20.0, "{told} of {pv}");
        for (_, seen) in driven.told.observations(Metric::PvPower) {
            assert!(seen.is_ok(), "{seen:?}");
        }
        if truth.pv_v[1] > 0.0 {
            let volts = driven.number(Metric::PvVoltage2).unwrap();
            assert!((volts - truth.pv_v[1]).abs() < 10.0, "{volts} of {:?}", truth.pv_v);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_unit_carry_its_number() {
    let world = world_of("pi30-21", 3);
    let mut driven = world
        .driven_with("a", None, |settings| settings.write = vec![WriteClass::Priorities, WriteClass::Limits]);
    driven.run(secs(900)).await;
    let plan = driven.device.plan(&"charger_priority=solar_only".parse().unwrap(), None).unwrap();
    assert_eq!(plan.writes, ["PPCP003"]);
    let (reply, now) = driven.write("charger_priority=solar_only").await;
    assert!(reply.accepted && now.native == "solar_only", "{reply:?} {now:?}");
}

/// A set calls its units by the first fourteen digits of a number that may have twenty.
#[tokio::test(start_paused = true)]
async fn a_unit_with_a_long_number_is_found_in_its_set() {
    let serial = "96332309100118701234".to_owned();
    let setup = InverterSetup {
        units: 3,
        serial: serial.clone(),
        ..InverterSetup::new("a", "pi30-max".parse().unwrap())
    };
    let world = World::of(vec![setup]);
    let mut driven = world
        .driven_with("a", None, |settings| settings.write = vec![WriteClass::Priorities, WriteClass::Limits]);
    driven.run(secs(900)).await;
    assert_eq!(driven.told.state().info.serial.as_deref(), Some(serial.as_str()));
    for (wish, written) in
        [("charger_priority=solar_only", "PPCP003"), ("grid_charge_current_max=20", "MUCHGC020")]
    {
        let plan = driven.device.plan(&wish.parse().unwrap(), None).unwrap();
        assert_eq!(plan.writes, [written]);
    }
    // The question for the long number gets lost at the next start: the unit is known by the short one.
    let memory = driven.device.memory();
    world.cables.garble("QSID", Some(Garbled::Lost));
    drop(driven);
    let mut driven = world.driven_with("a", memory, |_| ());
    driven.run(secs(60)).await;
    assert!(driven.is_online(), "{:?}", driven.told.notices());
    assert_eq!(driven.told.state().info.serial.as_deref(), Some(serial.as_str()));
    drop(driven);
    // Where nothing is remembered it is nobody's until that question is answered, and no stranger.
    let mut driven = world.driven_with("a", None, |settings| settings.serial = Some(serial.clone()));
    driven.run(secs(60)).await;
    assert!(!driven.is_online() && !driven.has_notice("other_unit"), "{:?}", driven.told.notices());
    world.cables.garble("QSID", None);
    let back = driven.until("known", |told| told.state().is_online()).await;
    assert!(back < secs(120), "{back:?}");
}
