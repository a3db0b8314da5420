//! A REVO calls itself PI30 and means other things by the same fields: it is never taken for a PI30 because a question got
//! lost, and nothing is written before that is clear.

use ohmstead_drivers::voltronic::FamilySetting;
use ohmstead_model::{Metric, Wish};
use rstest::rstest;

use crate::support::{Driven, Garbled, World, secs};

/// What must never come out of a REVO, whatever is lost on the way.
fn nothing_invented(driven: &Driven) {
    for reading in driven.told.readings() {
        for (metric, observation) in &reading.values {
            let battery = [Metric::BatteryPower, Metric::BatteryCurrent].contains(metric);
            assert!(!battery || observation.is_err(), "{metric} = {observation:?} of a REVO");
        }
    }
}

async fn tries_to_write(driven: &mut Driven) {
    let wish: Wish = "hold".parse().unwrap();
    if let Ok(plan) = driven.device.plan(&wish, None) {
        let _ = driven.device.write(&plan).await;
    }
}

#[rstest]
#[case("drop-crc=50")]
#[case("late=5000:50")]
#[case("double=60; drop-crc=30")]
#[case("flip=50")]
#[case("shift; drop-crc=20")]
#[tokio::test(start_paused = true)]
async fn a_revo_on_a_noisy_line_stays_one(#[case] noise: &str) {
    for seed in 0..24 {
        let world = World::seeded(&[("a", "revo", noise)], seed);
        let mut driven = world.driven("a");
        for _ in 0..20 {
            driven.run(secs(15)).await;
            tries_to_write(&mut driven).await;
        }
        nothing_invented(&driven);
        assert_eq!(world.setters("a"), 0, "seed {seed}: something was written to a REVO");
    }
}

/// The one question that only a REVO answers is refused, or never answered: the shape of its other answers tells.
#[rstest]
#[case(Garbled::Refused, FamilySetting::Auto)]
#[case(Garbled::Lost, FamilySetting::Auto)]
#[case(Garbled::Refused, FamilySetting::Pi30)]
#[case(Garbled::Lost, FamilySetting::Pi30)]
#[case(Garbled::Refused, FamilySetting::Pi30Max)]
#[tokio::test(start_paused = true)]
async fn a_revo_is_known_by_its_shape_too(#[case] garbled: Garbled, #[case] setting: FamilySetting) {
    let world = World::new(&[("a", "revo", "")]);
    world.cables.garble("QLITH0", Some(garbled));
    let mut driven = world.driven_with("a", None, |settings| settings.family = setting);
    driven.run(secs(300)).await;
    assert!(driven.is_online());
    tries_to_write(&mut driven).await;
    nothing_invented(&driven);
    assert_eq!((world.setters("a"), driven.device.info().modes.len()), (0, 0));
    let evidence: Vec<_> = driven.told.state().evidence.iter().map(|e| e.means.clone()).collect();
    assert!(evidence.iter().any(|means| means.contains("PI30REVO")), "{evidence:?}");
}

/// Neither its shape nor its answer is known: it is only read until one of them is.
#[tokio::test(start_paused = true)]
async fn what_is_not_settled_is_only_read_and_asked_again() {
    let world = World::new(&[("a", "pi30-21", "")]);
    world.cables.garble("QLITH0", Some(Garbled::Lost));
    let mut driven = world.driven("a");
    driven.run(secs(120)).await;
    assert!(driven.is_online() && driven.has_notice("variant_not_settled"));
    assert!(driven.device.info().modes.is_empty());
    let refused = driven.device.plan(&"hold".parse().unwrap(), None).unwrap_err().to_string();
    assert!(refused.contains("REVO"), "{refused}");
    assert!(driven.number(Metric::LoadPower).is_ok(), "the rest is read");
    assert!(driven.number(Metric::BatteryPower).is_err(), "what differs between the variants is unknown");
    world.cables.garble("QLITH0", None);
    driven.run(secs(3600)).await;
    assert!(!driven.has_notice("variant_not_settled") && driven.number(Metric::BatteryPower).is_ok());
    let (reply, now) = driven.write("hold").await;
    assert!(reply.accepted && now.native == "USB", "{reply:?}");
}

/// What the owner says settles it where the unit keeps silent, and nothing speaks against it.
#[tokio::test(start_paused = true)]
async fn the_owners_word_settles_what_the_unit_is_silent_about() {
    let world = World::new(&[("a", "pi30-21", "")]);
    world.cables.garble("QLITH0", Some(Garbled::Lost));
    let mut driven = world.driven_with("a", None, |settings| settings.family = FamilySetting::Pi30);
    driven.run(secs(120)).await;
    assert!(!driven.has_notice("variant_not_settled"));
    let (reply, now) = driven.write("hold").await;
    assert!(reply.accepted && now.native == "USB", "{reply:?}");
}

/// The owner's word does not make a REVO writable.
#[rstest]
#[case(FamilySetting::Pi30)]
#[case(FamilySetting::Pi30Max)]
#[tokio::test(start_paused = true)]
async fn a_revo_by_another_name_is_only_read(#[case] setting: FamilySetting) {
    let world = World::new(&[("a", "revo", "")]);
    let mut driven = world.driven_with("a", None, |settings| settings.family = setting);
    driven.run(secs(120)).await;
    tries_to_write(&mut driven).await;
    nothing_invented(&driven);
    assert!(driven.has_notice("family_not_proven") && world.setters("a") == 0);
}

/// A unit taken for a PI30 that turns out to be a REVO is one from then on, without a restart.
#[tokio::test(start_paused = true)]
async fn a_mistake_is_corrected_while_the_program_runs() {
    let world = World::new(&[("a", "revo", "")]);
    for lost in ["QLITH0", "QPIRI", "QPIGS"] {
        world.cables.garble(lost, Some(Garbled::Lost));
    }
    let mut driven = world.driven("a");
    driven.run(secs(60)).await;
    for found in ["QLITH0", "QPIRI", "QPIGS"] {
        world.cables.garble(found, None);
    }
    driven.run(secs(600)).await;
    nothing_invented(&driven);
    assert!(driven.has_notice("read_only_family") && driven.number(Metric::PvPower).is_ok());
}
