//! Parallel sets: a unit's own values or those of all, and settings that go to the right unit.

use ohmstead_drivers::voltronic::{ParallelSetting, WriteClass};
use ohmstead_model::Metric;
use ohmstead_plant::voltronic::InverterSetup;
use rstest::rstest;

use crate::support::{World, secs};

fn world(units: u8) -> World {
    World::of(vec![InverterSetup { units, ..InverterSetup::new("a", "pi30-21".parse().unwrap()) }])
}

#[rstest]
#[case(1, ParallelSetting::Total)]
#[case(3, ParallelSetting::Own)]
#[case(3, ParallelSetting::Auto)]
#[case(3, ParallelSetting::Total)]
#[case(9, ParallelSetting::Total)]
#[tokio::test(start_paused = true)]
async fn a_set_is_counted_and_added_up(#[case] units: u8, #[case] parallel: ParallelSetting) {
    let world = world(units);
    let mut driven = world.driven_with("a", None, |settings| settings.parallel = parallel);
    driven.run(secs(900)).await;
    assert_eq!(driven.number(Metric::ParallelUnits), Ok(f64::from(units)));
    let (all, own) = (world.truth("a").load_w, world.truth("a").reading.load_w);
    let told = driven.number(Metric::LoadPower).unwrap();
    let expected = if parallel == ParallelSetting::Total { all } else { own };
    // Units are asked one after the other while the loads change.
    assert!((told - expected).abs() < 0.25 * all, "{told} of {expected}; {own} own, {all} all");
    assert!(units == 1 || own < 0.6 * all, "or the test proves nothing");
    let state = driven.told.state();
    let of_unit = state.values.iter().find(|(metric, _)| metric.id() == "voltronic_unit_load_power");
    let of_unit = of_unit.and_then(|(_, observed)| observed.observation.clone().ok()?.number());
    let is_sum = parallel == ParallelSetting::Total && units > 1;
    assert_eq!(of_unit.is_some(), is_sum, "its own value has a name of its own where the other is a sum");
    assert!(of_unit.is_none_or(|watts| (watts - own).abs() < 0.25 * all), "{of_unit:?} of {own}");
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_unit_carry_its_number() {
    let world = world(3);
    let mut driven = world
        .driven_with("a", None, |settings| settings.write = vec![WriteClass::Priorities, WriteClass::Limits]);
    driven.run(secs(900)).await;
    let plan = driven.device.plan(&"charger_priority=solar_only".parse().unwrap(), None).unwrap();
    assert_eq!(plan.writes, ["PPCP003"]);
    let (reply, now) = driven.write("charger_priority=solar_only").await;
    assert!(reply.accepted && now.native == "solar_only", "{reply:?} {now:?}");
}
