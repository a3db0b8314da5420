//! Ports: permissions, other programs, units that move, and what is kept over a restart.

use std::sync::Arc;

use ohmstead_drivers::transports::{Opener, Ports as _};
use ohmstead_drivers::voltronic::{PortPath, diagnose, discover, paths};
use ohmstead_model::Metric;
use ohmstead_plant::voltronic::InverterSetup;

use crate::support::{Hub, World, compare, secs};

/// Two units change their ports; each driver goes on with its own.
#[tokio::test(start_paused = true)]
async fn two_units_that_are_swapped_are_told_apart_by_their_serial_numbers() {
    let world = World::new(&[("a", "pi30-21", ""), ("b", "pi30-21", "")]);
    let mut a = world.driven_with("a", None, |settings| settings.serial = Some(serial(&world, "a")));
    let mut b = world.driven_with("b", None, |settings| settings.serial = Some(serial(&world, "b")));
    tokio::join!(a.run(secs(120)), b.run(secs(120)));
    assert!(a.is_online() && b.is_online());
    let mut compared = compare(&world, &a, "a");
    compared += compare(&world, &b, "b");
    world.cables.pull("a");
    world.cables.pull("b");
    tokio::join!(a.run(secs(20)), b.run(secs(20)));
    assert!(!a.is_online() && !b.is_online());
    compared += compare(&world, &a, "a");
    compared += compare(&world, &b, "b");
    // They come back with their node numbers exchanged too.
    world.cables.exchange_nodes("a", "b");
    world.cables.plug("a", "1-2");
    world.cables.plug("b", "1-1");
    for _ in 0..3 {
        tokio::join!(a.run(secs(60)), b.run(secs(60)));
        compared += compare(&world, &a, "a");
        compared += compare(&world, &b, "b");
    }
    assert!(a.is_online() && b.is_online(), "{:?}\n{:?}", a.told.notices(), b.told.notices());
    assert_eq!(
        (a.device.info().address.as_str(), b.device.info().address.as_str()),
        ("/dev/hidraw1", "/dev/hidraw0")
    );
    assert!(compared.values > 500, "{compared:?}");
}

fn serial(world: &World, name: &str) -> String {
    world.cables.unit(name, |unit| unit.nameplate.serial.clone())
}

#[tokio::test(start_paused = true)]
async fn two_units_without_configuration_share_the_ports() {
    let world = World::new(&[("a", "pi30-21", ""), ("b", "pi30-max", "")]);
    let (mut first, mut second) = (world.driven("x"), world.driven("y"));
    tokio::join!(first.run(secs(120)), second.run(secs(120)));
    assert!(first.is_online() && second.is_online());
    assert_ne!(first.device.info().serial, second.device.info().serial);
    // What was learned is kept: the same units after a restart, whoever is first.
    let (of_first, of_second) = (first.device.memory(), second.device.memory());
    let (serial_1, serial_2) = (first.device.info().serial, second.device.info().serial);
    drop((first, second));
    let mut second = world.driven_with("y", of_second, |_| ());
    second.run(secs(30)).await;
    let mut first = world.driven_with("x", of_first, |_| ());
    tokio::join!(first.run(secs(60)), second.run(secs(60)));
    assert_eq!((first.device.info().serial, second.device.info().serial), (serial_1, serial_2));
    assert!(first.is_online() && second.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_comes_back_under_another_number_is_followed() {
    for path in ["auto", "/dev/hidraw0"] {
        let world = World::new(&[("a", "pi30-21", "")]);
        let mut driven =
            world.driven_with("a", None, |settings| settings.path = PortPath::parse(path).unwrap());
        driven.run(secs(60)).await;
        world.switch("a", "renumber-every=120");
        driven.run(secs(130)).await;
        world.switch("a", "renumber-every=off");
        driven.run(secs(30)).await;
        assert_eq!(driven.device.info().address, "/dev/hidraw10", "{path}");
        assert!(
            driven.is_online() && driven.told.online().len() == 1,
            "not even offline: {:?}",
            driven.told.online()
        );
    }
}

/// Another inverter at the port is not taken for ours.
#[tokio::test(start_paused = true)]
async fn another_unit_is_not_taken_in() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven =
        world.driven_with("a", None, |settings| settings.serial = Some("92930000000001".to_owned()));
    driven.run(secs(300)).await;
    assert!(!driven.is_online() && driven.has_notice("other_unit"), "{:?}", driven.told.notices());
    assert_eq!(driven.told.readings().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_may_not_be_opened_is_explained() {
    let world = World::new(&[("a", "pi30-21", "")]);
    world.cables.deny("/dev/hidraw0");
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    let notice = driven.told.notices().into_iter().find(|notice| notice.code == "port_permission").unwrap();
    assert!(notice.hint.contains("SYMLINK+=") && notice.hint.contains("MODE=\"0660\""), "{notice:?}");
    world.cables.allow("/dev/hidraw0");
    driven.until("online", |told| told.state().is_online()).await;
    driven.run(secs(10)).await;
    assert!(!driven.has_notice("port_permission"));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_another_program_has_is_explained() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let other = Opener { pid: 4711, name: "mpp-solar".to_owned() };
    world.cables.open_elsewhere("/dev/hidraw0", &other, true);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    let text = |driven: &crate::support::Driven, code: &str| {
        driven.told.notices().into_iter().find(|notice| notice.code == code).map(|notice| notice.text)
    };
    assert_eq!(
        text(&driven, "port_in_use").as_deref(),
        Some("/dev/hidraw0 is held by mpp-solar (process 4711)")
    );
    world.cables.allow("/dev/hidraw0");
    world.cables.open_elsewhere("/dev/hidraw0", &other, false);
    driven.until("online", |told| told.state().is_online()).await;
    driven.run(secs(10)).await;
    assert_eq!(
        text(&driven, "port_shared").as_deref(),
        Some("mpp-solar (process 4711) has /dev/hidraw0 open too")
    );
    // It stops, and another one comes while the port is open.
    world.cables.allow("/dev/hidraw0");
    driven.run(secs(700)).await;
    assert!(!driven.has_notice("port_shared"));
    world.cables.open_elsewhere("/dev/hidraw0", &other, false);
    driven.run(secs(700)).await;
    assert!(driven.has_notice("port_shared"));
}

/// What a unit does not know is asked once, and not again after a restart.
#[tokio::test(start_paused = true)]
async fn what_was_learned_outlives_a_restart() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven("a");
    driven.run(secs(1800)).await;
    let memory = driven.device.memory();
    drop(driven);
    let asked = world.heard_texts("a");
    let refused = ["QT", "QPIGS2"];
    let count = |texts: &[String], command: &str| texts.iter().filter(|text| *text == command).count();
    assert!(
        refused.iter().all(|command| count(&asked, command) <= 4),
        "{:?}",
        refused.map(|c| count(&asked, c))
    );
    let mut driven = world.driven_with("a", memory, |_| ());
    let info = driven.device.info();
    assert!(info.serial.is_some() && info.firmware.is_some(), "known before the first word: {info:?}");
    driven.run(secs(300)).await;
    let later = &world.heard_texts("a")[asked.len()..];
    // QPIGS2 also tells who the unit is, which is asked at every start.
    assert_eq!(refused.map(|command| count(later, command)), [0, 1]);
    assert!(driven.number(Metric::BatterySoc).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_everything_and_harms_nobody() {
    let world = World::of(
        [("a", "pi30-21"), ("u", "ups"), ("m", "pi30-max"), ("c", "charger"), ("v", "pi18"), ("t", "pi17")]
            .into_iter()
            .zip(0..)
            .map(|((name, profile), node)| InverterSetup {
                node,
                ..InverterSetup::new(name, profile.parse().unwrap())
            })
            .collect(),
    );
    let hub = Arc::new(Hub(Arc::clone(&world.cables)));
    let found = discover(hub, Arc::clone(&world.clock) as _, secs(20)).await;
    let models: Vec<_> = found.iter().map(|found| found.model.as_str()).collect();
    assert_eq!(models.len(), 6);
    assert_eq!(models[1], "UPS, not an inverter");
    assert_eq!(models[3], "solar charge controller, not an inverter");
    for (index, family) in [(0, "PI30"), (2, "PI30MAX"), (4, "PI18"), (5, "PI17")] {
        assert!(models[index].contains(family) && found[index].serial.is_some(), "{models:?}");
        assert_eq!(found[index].settings[0].0, "serial");
    }
    assert_eq!(found[0].address, "/dev/hidraw0");
    for name in ["a", "u", "m", "c", "v", "t"] {
        assert_eq!(world.setters(name), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn ports_are_listed_and_diagnosed_without_a_word() {
    let world = World::new(&[("a", "pi30-21", ""), ("b", "ups", "")]);
    let hub = Hub(Arc::clone(&world.cables));
    assert_eq!(paths(&hub).len(), hub.candidates().unwrap().len());
    world.cables.deny("/dev/hidraw1");
    let findings = diagnose(&hub).await;
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["port_ready", "port_permission"]);
    assert!(world.heard_texts("a").is_empty() && world.heard_texts("b").is_empty());
}
