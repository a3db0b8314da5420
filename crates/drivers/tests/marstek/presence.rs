//! Units that are absent, vanish, move, or are not the unit they seem to be.

use std::time::Duration;

use ohmstead_drivers::marstek::{Method, Settings};
use ohmstead_model::{Metric, Severity, Unknown};
use rstest::rstest;

use crate::answers::pin_soc;
use crate::support::{Unit, World, secs};

fn online(unit: &Unit) -> Vec<bool> {
    unit.told.online().iter().map(|(online, _)| *online).collect()
}

/// The alternation of source ports finds the unit whichever method it answers, and the port is remembered.
#[rstest]
#[case::any_method("same-port")]
#[case::mode_only("same-port silent=Marstek.GetDevice")]
#[tokio::test(start_paused = true)]
async fn row_09_reply_only_to_the_same_source_port(#[case] switches: &str) {
    let world = World::new(&[("a", "e3-150", switches)]);
    let mut unit = world.unit("a");
    let took = unit.until("it is found", |told| told.state().is_online()).await;
    assert!(took < secs(60), "{took:?}");
    unit.run(secs(120)).await;
    assert!(unit.number(Metric::BatterySoc).is_ok());
    let memory = unit.device.memory();
    drop(unit);
    world.air.forget_requests();
    let mut again = world.unit_with("a", memory, |_| ());
    again.run(secs(60)).await;
    assert!(world.air.requests().iter().all(|request| request.from.port() == 30_000));
    assert_eq!(online(&again), [true]);
}

#[tokio::test(start_paused = true)]
async fn row_10_another_program_has_the_port() {
    let world = World::new(&[("a", "e3-150", "same-port")]);
    world.air.occupy(30_000);
    let mut unit = world.unit("a");
    unit.run(secs(600)).await;
    let notice = unit.told.notices().into_iter().find(|notice| notice.code == "port_in_use").unwrap();
    assert!(notice.hint.contains("ss -ulpn 'sport = :30000'"), "{notice:?}");
    world.switch("a", "same-port=off");
    unit.until("it answers any port", |told| told.state().is_online()).await;
    unit.run(secs(60)).await;
    assert!(!unit.has_notice("port_in_use"));
}

/// Healthy units never see the fixed port used.
#[tokio::test(start_paused = true)]
async fn row_10_the_ephemeral_port_is_the_normal_one() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    assert!(world.air.requests().iter().all(|request| request.from.port() >= 40_000));
}

#[tokio::test(start_paused = true)]
async fn row_11_the_address_changed() {
    let world = World::new(&[("a", "e3-150", ""), ("b", "e3-150", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(300)).await;
    world.switch("a", "move-to=192.168.1.77:30000");
    unit.until("it is gone", |told| !told.state().is_online()).await;
    let took = unit.until("it is found again", |told| told.state().is_online()).await;
    assert!(took < secs(200), "{took:?}");
    unit.run(secs(60)).await;
    assert_eq!(unit.device.info().address, "192.168.1.77:30000");
    let notice = unit.told.notices().into_iter().find(|notice| notice.code == "moved").unwrap();
    assert_eq!(notice.severity, Severity::Info);
    let memory = unit.device.memory();
    drop(unit);
    let mut again = world.unit_with("a", memory.clone(), |settings| settings.host = "192.168.1.2".to_owned());
    again.run(secs(30)).await;
    assert_eq!((online(&again), again.device.info().address), (vec![true], "192.168.1.77:30000".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn row_11_back_at_the_configured_address() {
    let world = World::new(&[("a", "e3-150", "")]);
    // Single addresses are asked too where broadcasts do not get through; the configured one is always among them.
    let there = "192.168.1.77".parse().unwrap();
    let mut unit = world.unit_with("a", None, |settings| settings.rediscover = Some(vec![there]));
    unit.run(secs(60)).await;
    for there in ["192.168.1.77:30000", "off"] {
        world.switch("a", &format!("move-to={there}"));
        unit.until("it is gone", |told| !told.state().is_online()).await;
        unit.until("it is found again", |told| told.state().is_online()).await;
    }
    unit.run(secs(60)).await;
    assert_eq!(unit.device.info().address, "192.168.1.2:30000");
    assert!(!unit.has_notice("moved"));
}

/// Broadcasts hurt some units: an absent one is not searched for all the time, and never if the owner says so.
#[rstest]
#[case::by_default(None, 2..60)]
#[case::switched_off(Some(Vec::new()), 0..1)]
#[tokio::test(start_paused = true)]
async fn row_11_searches_are_rare(
    #[case] rediscover: Option<Vec<std::net::IpAddr>>,
    #[case] searches: std::ops::Range<usize>,
) {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, |settings| settings.rediscover = rediscover);
    unit.run(secs(60)).await;
    world.switch("a", "mute");
    world.air.forget_requests();
    unit.run(secs(86_400)).await;
    let broadcasts =
        world.air.requests().iter().filter(|request| request.to.ip().to_string() == "192.168.1.255").count();
    // Two datagrams for each search.
    assert!(searches.contains(&(broadcasts / 2)), "{} searches in a day", broadcasts / 2);
}

#[tokio::test(start_paused = true)]
async fn row_11_another_unit_at_the_address_is_refused() {
    let world = World::new(&[("a", "e3-150", "")]);
    world.site(|site| pin_soc(site, &[("a", 40.0)]));
    let mut unit = world.unit("a");
    unit.run(secs(120)).await;
    world.switch("a", "ble-mac=020000000099");
    world.site(|site| pin_soc(site, &[("a", 90.0)]));
    unit.until("it counts as absent", |told| !told.state().is_online()).await;
    unit.run(secs(600)).await;
    assert!(unit.told.numbers(Metric::BatterySoc).iter().all(|soc| *soc < 50.0), "that is the other's");
    let notice = unit.told.notices().into_iter().find(|notice| notice.code == "other_unit").unwrap();
    assert!(notice.hint.contains("ble_mac: 020000000099"), "{notice:?}");
    assert!(!unit.has_notice("api_silent"));
    world.switch("a", "ble-mac=off");
    unit.until("it is back", |told| told.state().is_online()).await;
    unit.run(secs(10)).await;
    assert!(!unit.has_notice("other_unit"));
}

#[tokio::test(start_paused = true)]
async fn row_11_the_owner_names_the_unit() {
    let world = World::new(&[("a", "e3-150", "ble-mac=020000000099")]);
    let mut wrong =
        world.unit_with("a", None, |settings| settings.ble_mac = Some("02:00:00:00:00:01".to_owned()));
    wrong.run(secs(300)).await;
    assert!(!wrong.is_online() && wrong.has_notice("other_unit"));
    let mut right =
        world.unit_with("a", None, |settings| settings.ble_mac = Some("02:00:00:00:00:99".to_owned()));
    right.run(secs(300)).await;
    assert!(right.is_online() && right.told.notices().is_empty(), "{:?}", right.told.notices());
}

#[rstest]
#[case::zero_in_ip("e3-150", "padded-ip", "VenusE 3.0", "150")]
#[case::with_a_space("va-148", "", "Venus A", "148")]
#[case::sku_and_four_digits("va-150", "", "VNSA-0", "150.9")]
#[case::no_macs("hmg50-156", "no-macs", "VenusE", "156")]
#[case::mode_as_number("vd-147", "integer-mode", "VenusD", "147.6")]
#[tokio::test(start_paused = true)]
async fn row_12_identity_in_every_costume(
    #[case] profile: &str,
    #[case] switches: &str,
    #[case] model: &str,
    #[case] firmware: &str,
) {
    let world = World::new(&[("a", profile, switches)]);
    let mut unit = world.unit("a");
    unit.run(secs(60)).await;
    let info = unit.device.info();
    assert_eq!((info.model.as_deref(), info.firmware.as_deref()), (Some(model), Some(firmware)));
    let mac = world.site(|site| site.device("a").unwrap().identity.ble_mac.clone());
    assert_eq!(info.serial, Some(mac));
    assert_eq!(info.address, "192.168.1.2:30000");
    assert_eq!(unit.text(Metric::BatteryMode), "auto");
}

#[tokio::test(start_paused = true)]
async fn row_12_an_address_with_leading_zeros() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, |settings| settings.host = "192.168.01.02".to_owned());
    unit.run(secs(30)).await;
    assert!(unit.is_online());
}

#[tokio::test(start_paused = true)]
async fn row_13_a_port_of_its_own() {
    let world = World::new(&[("a", "e3-150", "move-to=192.168.1.2:49200")]);
    let mut unit = world.unit("a");
    unit.run(secs(30)).await;
    assert!(unit.is_online());
    assert_eq!(unit.device.info().address, "192.168.1.2:49200");
}

#[tokio::test(start_paused = true)]
async fn row_14_the_api_switched_itself_off() {
    let world = World::new(&[("a", "e3-148", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(300)).await;
    assert_eq!(unit.text(Metric::BatteryModeNative), "Auto");
    world.switch("a", "api-off-after-s=310");
    unit.until("it falls silent", |told| !told.state().is_online()).await;
    unit.run(secs(700)).await;
    let alarm = unit.told.notices().into_iter().find(|notice| notice.code == "api_silent").unwrap();
    assert_eq!(alarm.severity, Severity::Alarm);
    assert!(alarm.hint.contains("Switch the local API off and on in the app"), "{alarm:?}");
    assert_eq!(unit.number(Metric::BatterySoc), Err(Unknown::Offline));
    world.switch("a", "api-off-after-s=off");
    world.site(|site| site.reset("a")).unwrap();
    let took = unit.until("it is back", |told| told.state().is_online()).await;
    assert!(took < secs(150), "{took:?}");
    unit.run(secs(60)).await;
    assert!(!unit.has_notice("api_silent") && unit.has_notice("settings_lost"), "{:?}", unit.told.notices());
    world.site(|site| {
        let battery = site.device("a").unwrap().battery();
        site.house_mut().battery_mut(battery).mode = ohmstead_plant::house::Mode::Auto;
    });
    unit.run(secs(60)).await;
    assert!(!unit.has_notice("settings_lost"));
}

#[tokio::test(start_paused = true)]
async fn a_closed_port_is_told_from_silence() {
    let world = World::new(&[("a", "e3-150", "refuse")]);
    let mut unit = world.unit("a");
    unit.until("it counts as absent", |told| !told.state().is_online()).await;
    unit.run(secs(1)).await;
    assert!(unit.has_notice("api_closed") && !unit.has_notice("api_silent"));
    world.switch("a", "refuse=off");
    unit.until("it answers", |told| told.state().is_online()).await;
    unit.run(secs(10)).await;
    assert!(unit.told.notices().is_empty(), "{:?}", unit.told.notices());
}

/// A lost exchange among good ones leaves nothing behind: no notice, and no silence that began long ago.
#[tokio::test(start_paused = true)]
async fn one_lost_exchange_leaves_nothing_behind() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, |settings| settings.methods = Some(vec![Method::EsMode]));
    unit.run(secs(35)).await;
    world.switch("a", "refuse");
    unit.poll().await;
    world.switch("a", "refuse=off");
    unit.run(secs(1200)).await;
    assert!(unit.told.notices().is_empty(), "{:?}", unit.told.notices());
    world.switch("a", "mute");
    unit.until("it counts as absent", |told| !told.state().is_online()).await;
    unit.run(secs(60)).await;
    assert!(!unit.has_notice("api_silent"), "silent for a minute only");
}

/// About twenty seconds for a verdict, then a few probes at once, then a gentle one every two minutes.
#[tokio::test(start_paused = true)]
async fn a_unit_that_never_answered_is_probed_gently() {
    let world = World::new(&[("a", "e3-150", "mute")]);
    let mut unit = world.unit("a");
    let verdict = unit
        .until("it counts as absent", |told| !told.state().is_online() && !told.online().is_empty())
        .await;
    assert!(verdict <= secs(23), "{verdict:?}");
    unit.run(secs(1)).await;
    let notice = unit.told.notices().into_iter().find(|notice| notice.code == "api_silent").unwrap();
    assert!(notice.hint.contains("off on delivery"), "{notice:?}");
    unit.run(secs(300)).await;
    world.air.forget_requests();
    unit.run(secs(3600)).await;
    let requests = world.air.requests().len();
    assert!((40..=100).contains(&requests), "{requests} requests in an hour");
    world.switch("a", "mute=off");
    let took = unit.until("it answers", |told| told.state().is_online()).await;
    assert!(took <= secs(270), "{took:?}");
}

#[rstest]
#[case::all_methods(|_: &mut Settings| ())]
#[case::one_method(|settings: &mut Settings| settings.methods = Some(vec![Method::EsMode]))]
#[case::slow(|settings: &mut Settings| settings.interval = "120 s".parse().unwrap())]
#[case::fast(|settings: &mut Settings| settings.interval = "5 s".parse().unwrap())]
#[tokio::test(start_paused = true)]
async fn row_23_a_vanished_unit_is_offline_before_its_values_are_too_old(#[case] change: fn(&mut Settings)) {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, change);
    unit.run(secs(600)).await;
    world.switch("a", "mute");
    let ttl = unit.device.info().ttl.fast;
    let took = unit.until("it counts as absent", |told| !told.state().is_online()).await;
    assert!(took <= ttl + Duration::from_secs(10), "{took:?} with values that live {ttl:?}");
    unit.run(ttl).await;
    for metric in [Metric::BatterySoc, Metric::BatteryPower, Metric::BatteryMode, Metric::InverterPower] {
        assert_eq!(unit.value(metric), Err(Unknown::Offline), "{metric}");
    }
    world.switch("a", "mute=off");
    unit.until("it is back", |told| told.state().is_online()).await;
    unit.run(secs(30)).await;
    assert!(unit.number(Metric::BatterySoc).is_ok());
    assert_eq!(online(&unit), [true, false, true]);
}
