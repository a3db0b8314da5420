//! Which methods a unit answers, how, and what the driver remembers of it.

use ohmstead_drivers::marstek::{Method, Settings};
use ohmstead_model::{Metric, Unknown};
use rstest::rstest;

use crate::support::{World, secs};

/// Requests of one method, and the seconds that its last ten polls waited for nothing.
fn asked(world: &World, method: &str) -> usize {
    world.air.requests().iter().filter(|request| request.method() == method).count()
}

#[tokio::test(start_paused = true)]
async fn row_04_one_method_dead_others_fine() {
    let world = World::new(&[("a", "e3-139", "silent=EM.GetStatus")]);
    let mut unit = world.unit("a");
    unit.run(secs(1200)).await;
    assert!(unit.is_online() && unit.told.online().len() == 1);
    assert!(unit.number(Metric::BatterySoc).is_ok() && unit.number(Metric::BatteryPower).is_ok());
    assert!(unit.told.numbers(Metric::BatterySoc).len() >= 38, "GetMode kept its pace");
    world.air.forget_requests();
    unit.run(secs(86_400)).await;
    for dead in ["ES.GetStatus", "EM.GetStatus"] {
        assert!((20..=30).contains(&asked(&world, dead)), "{dead}: {} in a day", asked(&world, dead));
    }
    assert!(asked(&world, "ES.GetMode") > 2800);
    world.switch("a", "silent=off");
    unit.until("a method that comes back is used again", |told| {
        told.state().values.contains_key(&Metric::GridMeterConnected)
    })
    .await;
}

/// The other way round: only `Bat.GetStatus` is reliable.
#[tokio::test(start_paused = true)]
async fn row_04_the_state_of_charge_comes_from_what_works() {
    let world = World::new(&[("a", "e3-150", "silent=ES.GetMode,ES.GetStatus,EM.GetStatus")]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    assert!(unit.is_online() && unit.told.online().len() == 1, "{:?}", unit.told.online());
    assert!(
        unit.told.numbers(Metric::BatterySoc).len() >= 80,
        "{}",
        unit.told.numbers(Metric::BatterySoc).len()
    );
    assert_eq!(unit.number(Metric::BatteryPower), Err(Unknown::NeverRead));
}

#[tokio::test(start_paused = true)]
async fn row_04_memory_survives_a_restart() {
    let world = World::new(&[("a", "e3-139", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    let memory = unit.device.memory();
    drop(unit);
    world.air.forget_requests();
    let mut again = world.unit_with("a", memory, |_| ());
    again.run(secs(60)).await;
    // One short look at the dead method, and nothing waits for it.
    assert_eq!(asked(&world, "ES.GetStatus"), 1);
    assert!(again.number(Metric::BatterySoc).is_ok());
    assert_eq!(
        again.device.info().serial,
        Some(world.site(|site| site.device("a").unwrap().identity.ble_mac.clone()))
    );
}

#[tokio::test(start_paused = true)]
async fn row_06_method_not_found_is_learned_until_the_firmware_changes() {
    let world = World::new(&[("a", "hmg50-153", "")]);
    let mut unit = world.unit_with("a", None, |settings| {
        settings.interval = "60 s".parse().unwrap();
        // EM.GetStatus is not asked of this family by itself.
        settings.pv_peak = None;
    });
    unit.run(secs(600)).await;
    assert_eq!(asked(&world, "PV.GetStatus"), 0, "the profile knows that this family has no PV");
    world.switch("a", "firmware=va-150");
    unit.until("the new firmware is noticed", |told| told.state().info.firmware.as_deref() == Some("150.9"))
        .await;
    world.switch("a", "firmware=hmg50-156");
    unit.until("and the next", |told| told.state().info.firmware.as_deref() == Some("156")).await;
    assert!(unit.is_online());
}

/// A unit of unknown kind is asked for everything, once.
#[tokio::test(start_paused = true)]
async fn row_06_unsupported_methods_are_asked_once() {
    let world = World::new(&[("a", "e3-150", "")]);
    world.site(|site| site.device_mut("a").unwrap().identity.device = "Neptune".to_owned());
    let mut unit = world.unit("a");
    unit.run(secs(1800)).await;
    assert_eq!(asked(&world, "PV.GetStatus"), 1, "-32601 is an answer");
    assert!(asked(&world, "ES.GetMode") > 50 && unit.told.online().len() == 1);
    world.air.forget_requests();
    world.switch("a", "firmware=151");
    unit.run(secs(3700)).await;
    assert_eq!(asked(&world, "PV.GetStatus"), 1, "asked again with the new firmware");
}

#[rstest]
#[case::zero("0", 0)]
#[case::one("1", 1)]
#[tokio::test(start_paused = true)]
async fn row_08_params_id_0_or_1(#[case] answers: &str, #[case] instance: u64) {
    let world = World::new(&[("a", "e3-150", &format!("param-id={answers}"))]);
    let mut unit = world.unit("a");
    unit.run(secs(300)).await;
    assert!(unit.number(Metric::BatterySoc).is_ok());
    world.air.forget_requests();
    unit.run(secs(300)).await;
    let requests = world.air.requests();
    assert!(requests.iter().all(|request| request.json()["params"]["id"] == instance), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn row_08_the_other_params_id_after_a_change_of_mind() {
    let world = World::new(&[("a", "e3-150", "param-id=0")]);
    let mut unit = world.unit("a");
    unit.run(secs(300)).await;
    world.switch("a", "param-id=1");
    unit.run(secs(1800)).await;
    assert!(unit.is_online() && unit.number(Metric::BatterySoc).is_ok(), "{:?}", unit.told.online());
}

/// The owner's list is never left: not at the start, not for identity, not when the unit vanishes or comes back.
#[tokio::test(start_paused = true)]
async fn pinned_methods_are_the_only_ones_ever() {
    let world = World::new(&[("a", "e3-150", "loss-pct=20")]);
    let mut unit = world.unit_with("a", None, pinned);
    unit.run(secs(1800)).await;
    for trouble in ["mute", "mute=off", "parse-error-pct=60", "parse-error-pct=off", "refuse", "refuse=off"] {
        world.switch("a", trouble);
        unit.run(secs(600)).await;
    }
    let memory = unit.device.memory();
    let mut again = world.unit_with("a", memory, pinned);
    again.run(secs(600)).await;
    let methods: std::collections::BTreeSet<_> = world
        .air
        .requests()
        .iter()
        .filter(|request| !is_broadcast(request))
        .map(crate::support::Request::method)
        .collect();
    assert_eq!(methods.into_iter().collect::<Vec<_>>(), ["ES.GetMode"]);
    let seen = world.counters("a").requests;
    assert_eq!(seen.keys().map(String::as_str).collect::<Vec<_>>(), ["ES.GetMode"]);
}

fn pinned(settings: &mut Settings) {
    settings.methods = Some(vec![Method::EsMode]);
    settings.rediscover = Some(Vec::new());
}

fn is_broadcast(request: &crate::support::Request) -> bool {
    request.to.ip().to_string().ends_with("255")
}

#[tokio::test(start_paused = true)]
async fn row_15_the_meter_of_an_hmg50_is_left_in_peace() {
    let world = World::new(&[("a", "hmg50-156", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    assert_eq!(asked(&world, "EM.GetStatus"), 0);
    let notices = unit.told.notices();
    let warning = notices.iter().find(|notice| notice.code == "short_interval").unwrap();
    assert!(warning.hint.contains("interval: 60 s"), "{warning:?}");
    let mut slow = world.unit_with("a", None, |settings| settings.interval = "60 s".parse().unwrap());
    slow.run(secs(60)).await;
    assert!(slow.is_online() && !slow.has_notice("short_interval"));
}

#[rstest]
#[case("e3-148", true, "150")]
#[case("va-149", true, "150")]
#[case("hmg50-155", true, "156")]
#[case("e3-150", false, "")]
#[case("hmg50-156", false, "")]
#[tokio::test(start_paused = true)]
async fn row_16_risky_firmware(#[case] profile: &str, #[case] risky: bool, #[case] safe: &str) {
    let world = World::new(&[("a", profile, "")]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    assert_eq!(asked(&world, "Bat.GetStatus") == 0, risky);
    let notice = unit.told.notices().into_iter().find(|notice| notice.code == "risky_firmware");
    assert_eq!(notice.is_some(), risky);
    assert!(
        notice.is_none_or(|notice| notice
            .hint
            .contains(&format!("update the unit to firmware {safe} or later")))
    );
}
