//! Wrong, missing and strange values.

use ohmstead_drivers::marstek::{Method, Settings};
use ohmstead_model::{BatteryMode, Metric, Unknown, Wish};
use ohmstead_plant::Profile;
use ohmstead_plant::house::{Mode, Passive};
use serde_json::json;

use crate::support::{Unit, World, compare, secs};

fn all_methods(settings: &mut Settings) {
    settings.methods = Some(Method::ALL.to_vec());
}

/// Lets the battery behind a unit give (positive) or take a power for the rest of the test.
fn order(world: &World, name: &str, power_w: f64) {
    world.site(|site| {
        let battery = site.device(name).unwrap().battery();
        let until_ms = site.now_ms() + 86_400_000;
        let battery = site.house_mut().battery_mut(battery);
        battery.mode = Mode::Passive;
        battery.passive = Some(Passive { power_w, until_ms });
    });
}

/// Every model and firmware in its own units, with every method that it has.
#[tokio::test(start_paused = true)]
async fn row_21_wrong_units() {
    for profile in Profile::all() {
        let world = World::new(&[("a", profile.name(), "")]);
        let mut unit = world.unit_with("a", None, all_methods);
        unit.run(secs(60)).await;
        for power in [600.0, -600.0] {
            order(&world, "a", power);
            unit.run(secs(3600)).await;
        }
        let compared = compare(&world, &unit, profile.name());
        assert!(compared.values > 1200, "{profile}: {compared:?}");
        for metric in [Metric::BatteryTemperature, Metric::BatteryEnergyRemaining] {
            assert!(unit.number(metric).is_ok(), "{profile}: {metric} {:?}", unit.number(metric));
        }
        if profile != Profile::E3V139 {
            assert!(unit.number(Metric::InverterOutputEnergy).is_ok(), "{profile}");
        }
    }
}

/// Whatever else the answer says: a factor of ten that the data contradicts is found.
#[tokio::test(start_paused = true)]
async fn row_21_a_scale_nobody_wrote_down() {
    let world = World::new(&[(
        "a",
        "hmg50-156",
        "wrong-unit=total_grid_output_energy:0.1,total_grid_input_energy:0.1",
    )]);
    let mut unit = world.unit("a");
    unit.run(secs(60)).await;
    assert!(matches!(unit.number(Metric::InverterOutputEnergy), Err(Unknown::Missing(_))));
    order(&world, "a", 800.0);
    unit.run(secs(3600)).await;
    assert!(unit.number(Metric::InverterOutputEnergy).is_err(), "1 kWh a tick is no unit that we know");
}

/// Without the firmware nobody knows whether 2 is 2 or 20 degrees.
#[tokio::test(start_paused = true)]
async fn row_21_a_temperature_in_two_possible_units_is_unknown() {
    let world = World::new(&[("a", "hmg50-156", "")]);
    let mut unit =
        world.unit_with("a", None, |settings| settings.methods = Some(vec![Method::EsMode, Method::Bat]));
    unit.run(secs(600)).await;
    let why = unit.number(Metric::BatteryTemperature).unwrap_err().to_string();
    assert_eq!(why, "missing: the firmware, which decides the unit of bat_temp = 2");
}

/// Held when it comes out of nowhere, believed when it stays; `ES.*` and `Bat.*` share the patience.
#[tokio::test(start_paused = true)]
async fn row_22_soc_0_for_a_while() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, all_methods);
    unit.run(secs(100)).await;
    world.switch("a", "soc-zero-pct=15");
    unit.run(secs(3600)).await;
    assert!(unit.told.numbers(Metric::BatterySoc).len() > 150);
    assert!(!unit.told.numbers(Metric::BatterySoc).contains(&0.0));
    world.switch("a", "soc-zero-pct=100");
    let took = unit.until("it stays", |told| told.numbers(Metric::BatterySoc).contains(&0.0)).await;
    assert!(took > secs(30) && took < secs(120), "{took:?}");
}

/// A glitch must not reach the read-back of a write either.
#[tokio::test(start_paused = true)]
async fn row_22_the_read_back_holds_a_glitch_too() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(100)).await;
    world.switch("a", "soc-zero-pct=100");
    let now = unit.device.read_back(&Wish::Mode(BatteryMode::Auto)).await.unwrap();
    assert!(now.soc.unwrap() > 40.0, "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn row_22_counters_that_dip() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit("a");
    order(&world, "a", 500.0);
    unit.run(secs(1800)).await;
    world.switch("a", "counter-dip-pct=10");
    unit.run(secs(3600)).await;
    for metric in [Metric::InverterOutputEnergy, Metric::BatteryDischargeEnergy, Metric::GridImportEnergy] {
        let seen = unit.told.numbers(metric);
        assert!(seen.len() > 100 && seen.is_sorted(), "{metric}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_22_counters_that_are_frozen() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit("a");
    order(&world, "a", -2000.0);
    unit.run(secs(300)).await;
    world.switch("a", "counter-freeze");
    unit.run(secs(2700)).await;
    assert!(unit.has_notice("counters_frozen"));
    assert!(matches!(unit.number(Metric::InverterInputEnergy), Err(Unknown::Implausible(_))));
    // What did not have to move is not frozen.
    assert!(unit.number(Metric::InverterOutputEnergy).is_ok());
    world.switch("a", "counter-freeze=off");
    unit.run(secs(60)).await;
    assert!(!unit.has_notice("counters_frozen") && unit.number(Metric::InverterInputEnergy).is_ok());
}

#[tokio::test(start_paused = true)]
async fn row_22_numbers_in_every_costume() {
    for (garbage, known) in [("strings", true), ("nulls", false), ("nan", false), ("huge", false)] {
        let world = World::new(&[("a", "e3-150", &format!("garbage={garbage}"))]);
        let mut unit = world.unit("a");
        unit.run(secs(300)).await;
        assert_eq!(unit.number(Metric::BatterySoc).is_ok(), known, "{garbage}");
        assert_eq!(unit.number(Metric::BatteryPower).is_ok(), known, "{garbage}");
        let readings = unit.told.readings();
        let numbers = readings
            .iter()
            .flat_map(|reading| &reading.values)
            .filter_map(|(_, value)| value.as_ref().ok()?.number());
        assert!(numbers.into_iter().all(f64::is_finite), "{garbage}");
        if known {
            compare(&world, &unit, "e3-150");
        }
    }
}

/// A sum lacks its missing member, and says so.
#[tokio::test(start_paused = true)]
async fn row_24_a_sum_without_one_of_its_members() {
    let world = World::new(&[("a", "va-150", "omit=pv2_power")]);
    let mut unit = world.unit("a");
    unit.run(secs(100)).await;
    assert!(unit.number(Metric::PvPower).is_ok(), "a channel that is not there is no member");
    world.switch("a", "omit=off");
    world.switch("a", "silent=PV.GetStatus");
    world.air.answer(|request| {
        let result = json!({"pv1_power": 1000, "pv2_power": null, "pv3_power": 90, "pv4_power": 80});
        let answer = json!({"id": request.json()["id"], "result": result}).to_string().into_bytes();
        let sun = request.method() == "PV.GetStatus";
        sun.then(|| (secs(0), request.to, Some(answer))).into_iter().collect()
    });
    unit.run(secs(60)).await;
    assert_eq!(unit.number(Metric::PvPower), Err(Unknown::NotReported), "one of four is null");
    assert!(unit.number(Metric::PvPower3).is_ok());
    world.air.answer(|_| Vec::new());
    unit.run(secs(300)).await;
    assert_eq!(unit.number(Metric::BatteryPower), Err(Unknown::missing("pv_power")));
    assert!(unit.number(Metric::InverterPower).is_ok());
}

/// A Venus A without panels stays silent about them: then there is nothing to subtract.
#[tokio::test(start_paused = true)]
async fn row_24_no_panels_is_not_unknown_for_ever() {
    let setup = ohmstead_plant::BatterySetup {
        pv_peak_w: None,
        ..ohmstead_plant::BatterySetup::new("a", "192.168.1.2:30000".parse().unwrap(), Profile::VaV150)
    };
    let world = World::of([setup]);
    let mut unit = world.unit("a");
    unit.run(secs(1200)).await;
    assert!(unit.number(Metric::BatteryPower).is_ok(), "{:?}", unit.number(Metric::BatteryPower));
    assert!(!unit.device.info().roles.contains(&ohmstead_model::Role::Pv));
}

#[tokio::test(start_paused = true)]
async fn row_26_signs() {
    for profile in ["e3-150", "hmg50-153", "vd-150"] {
        let world = World::new(&[("a", profile, "")]);
        let mut unit = world.unit_with("a", None, all_methods);
        for (power, state) in [(700.0, "discharge"), (-700.0, "charge"), (0.0, "idle")] {
            order(&world, "a", power);
            unit.run(secs(120)).await;
            let inverter = unit.number(Metric::InverterPower).unwrap();
            assert!((inverter - power).abs() < 2.0, "{profile}: {inverter} for {power}");
            let truth = world.truth("a");
            let battery = unit.number(Metric::BatteryPower).unwrap();
            assert!((battery - (truth.ac_power_w - truth.pv_w)).abs() < 60.0, "{profile}: {battery}");
            assert_eq!(unit.text(Metric::BatteryMode), state, "{profile} at {power}");
            grid_follows(&world, &unit);
        }
    }
}

fn grid_follows(world: &World, unit: &Unit) {
    if let Ok(grid) = unit.number(Metric::GridPower) {
        let truth = world.site(|site| site.truth().grid_total_w());
        assert!((grid - truth).abs() < 200.0, "{grid} and {truth}");
    }
}
