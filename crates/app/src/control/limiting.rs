//! A device that is kept within a limit, where something else was at work in it or is kept beside.

use ohmstead_control::{Bounds, Desired, Reason, Said, Who};
use ohmstead_model::{BatteryMode, ControlPhase, Outcome};
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
    assert_eq!(scene.last().new.as_deref(), Some("Auto 0\nlimit 900"), "both are in the ledger");
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

/// A device that refuses what is wanted of it is in its own automatic meanwhile, and a limit holds there too.
#[tokio::test(start_paused = true)]
async fn while_a_wish_is_refused_the_limit_holds_all_the_same() {
    let scene = Scene::new("", automatic).await;
    scene.sleep(5).await;
    scene.stop_control().await;
    let refused = |limit: Option<f64>| {
        let bounds = limit.map_or(Bounds::ANY, |watts| Bounds::discharge_max(Watts(watts)));
        let said = vec![Said { who: Who::Limiter, wants: None, bounds, reason: Reason::NobodyAsks }];
        let mode = Some("native:ups".parse().unwrap());
        Desired { mode, bounds, said, ..Desired::hands_off(id("a")) }
    };
    scene.commander.order(&refused(None));
    scene.sleep(5).await;
    assert_eq!((scene.last().outcome, scene.fake.count("write")), (Outcome::Rejected, 0));
    for watts in [900.0, 850.0] {
        scene.commander.order(&refused(Some(watts)));
        scene.sleep(2).await;
    }
    // What was refused may have been taken in part.
    let written: Vec<_> =
        scene.fake.lock().log.iter().filter(|entry| entry.starts_with("write")).cloned().collect();
    assert_eq!(written, ["write Auto 0", "write limit 900", "write limit 850"]);
    assert_eq!(scene.phase(), ControlPhase::NotControllable);
    scene.commander.order(&refused(None));
    scene.sleep(10).await;
    assert_eq!((scene.fake.count("write Auto"), scene.kept("original/a").as_str()), (2, ""));
    let tries = || scene.ledger().iter().filter(|row| row.contains("native:ups: rejected")).count();
    assert_eq!(tries(), 1);
    scene.sleep(600).await;
    assert_eq!(tries(), 2, "tried again in its time");
    scene.stop().await;
}
