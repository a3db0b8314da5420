//! A device that is kept within a limit, where something else was at work in it or is kept beside.

use ohmstead_control::{Desired, Who};
use ohmstead_model::BatteryMode;
use ohmstead_units::Watts;

use super::tests::Scene;
use crate::testing::{Fake, id};

fn limited(watts: f64) -> Desired {
    let bounded_by = vec![Who::Limiter];
    let (mode, discharge_max) = (Some(BatteryMode::Auto), Some(Watts(watts)));
    Desired { mode, discharge_max, bounded_by, ..Desired::hands_off(id("a")) }
}

fn automatic(fake: &mut Fake) {
    fake.mode = "Auto".to_owned();
}

/// Between its own automatic and the limit there would be no limit.
#[tokio::test(start_paused = true)]
async fn a_limit_ends_another_mode_in_the_same_breath() {
    let scene = Scene::new("", automatic).await;
    scene.asked("discharge 600 W", Some(3_600)).await;
    scene.stop_control().await;
    scene.fake.lock().log.clear();
    scene.commander.order(&limited(900.0));
    scene.sleep(2).await;
    let writes = scene.fake.lock().log.clone();
    assert_eq!(writes, ["write Auto 0", "write limit 900"]);
    scene.commander.order(&limited(800.0));
    scene.sleep(2).await;
    assert_eq!(scene.fake.lock().log.last().map(String::as_str), Some("write limit 800"));
    scene.commander.order(&Desired::hands_off(id("a")));
    scene.sleep(10).await;
    assert_eq!((scene.mode().as_str(), scene.kept("original/a").as_str()), ("Auto", ""));
    scene.stop().await;
}

/// What was before a limit is kept, also where something beside the modes is ours already.
#[tokio::test(start_paused = true)]
async fn a_limit_beside_what_is_no_mode_is_given_back_too() {
    let scene = Scene::new("", automatic).await;
    scene.sleep(5).await;
    scene.stop_control().await;
    let beside = r#"{"native":null,"apart":{"native:keep_charged":"optimized"},"at_unix_ms":1}"#;
    scene.records.state.lock().unwrap().insert("original/a".to_owned(), beside.to_owned());
    scene.commander.order(&limited(900.0));
    scene.sleep(2).await;
    let kept: serde_json::Value = serde_json::from_str(&scene.kept("original/a")).unwrap();
    assert_eq!((&kept["native"], kept["apart"].is_object()), (&"Auto".into(), true), "{kept}");
    scene.stop().await;
}
