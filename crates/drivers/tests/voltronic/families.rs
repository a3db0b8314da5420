//! Each family is recognised, read and offered what it can do.

use ohmstead_model::Metric;
use rstest::rstest;

use crate::support::{World, compare, secs};

#[rstest]
#[case("pi30-17", "PI30")]
#[case("pi30-21", "PI30")]
#[case("pi30-mk", "PI30")]
#[case("pi30-max", "PI30MAX")]
#[case("pi30-max21", "PI30MAX")]
#[case("pi41", "PI41")]
#[case("pi18", "PI18")]
#[case("pi18-lv5048", "PI18")]
#[case("pi17", "PI17")]
#[case("revo", "PI30REVO")]
#[tokio::test(start_paused = true)]
async fn every_unit_is_recognised_and_read(#[case] profile: &str, #[case] family: &str) {
    let world = World::new(&[("a", profile, "")]);
    let mut driven = world.driven("a");
    let took = driven.until("online", |told| told.state().is_online()).await;
    assert!(took < secs(30), "{took:?}");
    driven.run(secs(300)).await;
    let evidence: Vec<_> = driven.told.state().evidence.iter().map(|e| e.means.clone()).collect();
    assert!(evidence.iter().any(|means| means.contains(family)), "{evidence:?}");
    // A REVO tells no battery current.
    let missing: &[Metric] = match family {
        "PI30REVO" => &[Metric::BatteryPower],
        _ => &[],
    };
    for metric in [Metric::BatteryVoltage, Metric::BatterySoc, Metric::BatteryPower, Metric::LoadPower] {
        assert_eq!(
            driven.number(metric).is_ok(),
            !missing.contains(&metric),
            "{metric}: {:?}",
            driven.value(metric)
        );
    }
    // What is announced is told sooner or later; only a year's energy may take longer than this.
    let state = driven.told.state();
    let untold = state.info.metrics.iter().filter(|metric| !state.values.contains_key(metric));
    let untold: Vec<_> = untold.filter(|metric| **metric != Metric::PvEnergy).collect();
    assert!(untold.is_empty(), "{untold:?}");
    let compared = compare(&world, &driven, "a");
    assert!(compared.values > 300, "{compared:?}");
    assert_eq!(world.setters("a"), 0);
}
