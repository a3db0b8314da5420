//! One fault at a time: nothing wrong is published while it lasts, and the unit is back after it without a restart.

use ohmstead_model::Metric;
use rstest::rstest;

use crate::support::{World, compare, secs};

/// A unit with one fault for ten minutes, and then without.
#[rstest]
#[case::mute("mute", false)]
#[case::slow("late=3000:100", true)]
#[case::later_than_the_timeout("late=5000:30", false)]
#[case::always_late("late=6000:100", false)]
#[case::one_behind("shift", false)]
#[case::second_reader("second-reader", true)]
#[case::broken_off("truncate=30", false)]
#[case::flipped("flip=30", false)]
#[case::missing_check("drop-crc=30", false)]
#[case::all_flipped("flip=100", false)]
#[case::nao("nao=50", true)]
#[case::twice("double=100", true)]
#[case::garbage_in_front("garbage=50", true)]
#[case::zeros("nul=60", true)]
#[case::slipped("slip=30", false)]
#[case::cut_off("cut=5", false)]
#[case::renumbered("renumber-every=60", false)]
#[case::wedged("wedge-after=0", false)]
#[case::line_feed("terminator=lf", true)]
#[case::both_ends("terminator=crlf", true)]
#[case::escaped_zero("crc-zero=escaped", true)]
#[case::bare_nak("nak-no-crc", true)]
#[case::wide("wide-watts", true)]
#[tokio::test(start_paused = true)]
async fn nothing_wrong_is_published_and_the_unit_comes_back(
    #[case] fault: &str,
    #[case] stays_online: bool,
    #[values("pi30-21", "pi30-max", "pi18")] profile: &str,
) {
    let world = World::new(&[("a", profile, "")]);
    let mut driven = world.driven("a");
    driven.run(secs(120)).await;
    assert!(driven.is_online());
    let mut compared = compare(&world, &driven, "a");
    let before = driven.told.online().len();
    world.switch("a", fault);
    // In pieces, so that what was asked is still known when it is compared.
    for _ in 0..10 {
        driven.run(secs(60)).await;
        compared += compare(&world, &driven, "a");
    }
    if stays_online {
        assert!(driven.is_online() && driven.told.online().len() == before, "{:?}", driven.told.online());
        assert!(driven.number(Metric::BatteryVoltage).is_ok());
    }
    let name = fault.split('=').next().unwrap();
    world.switch("a", &format!("{name}=off"));
    let back = driven.until("back", |told| told.state().is_online()).await;
    driven.run(secs(120)).await;
    assert!(driven.is_online() && driven.number(Metric::BatterySoc).is_ok());
    compared += compare(&world, &driven, "a");
    assert!(compared.values > 200, "{compared:?}");
    assert_eq!(world.setters("a"), 0);
    eprintln!("{profile} {fault}: {} values right, back after {} s", compared.values, back.as_secs());
}

/// Dead until its port is reset: the ladder gets there by itself, and not again and again.
#[tokio::test(start_paused = true)]
async fn a_wedged_unit_lives_again_after_one_port_reset() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    world.switch("a", "wedge-after=1");
    driven.until("offline", |told| !told.state().is_online()).await;
    // The switch counts from the start of the firmware: off, or the reset would be followed by the next wedge.
    let resets = |world: &World| world.cables.resets().len();
    for _ in 0..120 {
        driven.run(secs(1)).await;
        if resets(&world) == 1 {
            break;
        }
    }
    assert_eq!(world.cables.resets()[0].1, "1-1");
    world.switch("a", "wedge-after=off");
    let back = driven.until("back", |told| told.state().is_online()).await;
    assert!(back < secs(20), "{back:?}");
    driven.run(secs(60)).await;
    assert_eq!(resets(&world), 1);
    assert!(!driven.has_notice("not_answering"));
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_stays_dead_is_told_of_and_its_port_reset_ever_more_rarely() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    world.switch("a", "mute");
    driven.run(secs(3 * 3600)).await;
    let resets = world.cables.resets();
    assert!((3..=6).contains(&resets.len()), "{resets:?}");
    assert!(resets.windows(2).all(|pair| pair[1].0 >= pair[0].0 + secs(600)), "{resets:?}");
    assert!(driven.has_notice("not_answering"), "{:?}", driven.told.notices());
    assert_eq!(driven.told.online().last().map(|(online, _)| *online), Some(false));
    assert_eq!(driven.told.online().len(), 2, "each change once: {:?}", driven.told.online());
}

#[tokio::test(start_paused = true)]
async fn without_leave_no_port_is_reset() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven_with("a", None, |settings| settings.reset_usb = false);
    driven.run(secs(60)).await;
    world.switch("a", "mute");
    driven.run(secs(3600)).await;
    assert_eq!(world.cables.resets().len(), 0);
    assert!(driven.has_notice("not_answering"));
}

/// An absent unit costs next to nothing, and none of it spins.
#[tokio::test(start_paused = true)]
async fn an_absent_unit_is_looked_for_without_haste() {
    let world = World::new(&[("a", "pi30-21", "")]);
    world.cables.pull("a");
    let mut driven = world.driven("a");
    driven.run(secs(600)).await;
    assert!(driven.has_notice("port_missing") && !driven.is_online());
    assert_eq!(driven.told.online().len(), 1);
    world.cables.plug("a", "1-3");
    let found = driven.until("found", |told| told.state().is_online()).await;
    assert!(found < secs(30), "{found:?}");
    driven.run(secs(60)).await;
    assert!(!driven.has_notice("port_missing"));
}

/// Faults and warnings of the unit itself become notices, and go.
#[tokio::test(start_paused = true)]
async fn the_units_own_complaints_are_told() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    assert_eq!(driven.text(Metric::InverterFaults), "none");
    world.switch("a", "warnings=16,10");
    driven.run(secs(60)).await;
    let codes: Vec<_> = driven.told.notices().iter().map(|notice| notice.code).collect();
    assert!(
        codes.iter().any(|code| code.contains("overload")) && codes.iter().any(|code| code.contains("fan")),
        "{codes:?}"
    );
    assert_ne!(driven.text(Metric::InverterWarnings), "none");
    world.switch("a", "warnings=off");
    driven.run(secs(60)).await;
    assert_eq!(driven.text(Metric::InverterWarnings), "none");
    let codes: Vec<_> = driven.told.notices().iter().map(|notice| notice.code).collect();
    assert!(!codes.iter().any(|code| code.contains("overload")), "{codes:?}");
}

/// Mode letters that no document has pass through.
#[tokio::test(start_paused = true)]
async fn an_unknown_mode_is_unknown_and_named() {
    let world = World::new(&[("a", "pi30-21", "mode=Z")]);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    assert!(driven.is_online() && driven.value(Metric::InverterMode).is_err());
    assert_eq!(driven.text(Metric::InverterModeNative), "Z");
}

/// Small units report the raw number of their sensor: no temperature, and no alarm.
#[tokio::test(start_paused = true)]
async fn a_raw_temperature_is_not_published() {
    let world = World::new(&[("a", "pi30-17", "")]);
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    assert!(driven.value(Metric::InverterTemperature).is_err() && driven.has_notice("raw_temperature"));
}
