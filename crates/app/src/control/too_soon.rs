//! Modes that live in memory that wears out, wanted sooner than it may be written.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{ControlPhase, Outcome};

use super::tests::Scene;
use crate::clock::WallClock;
use crate::testing::{Fake, FakeHandle, Obeys, START};

/// A write a minute, two a day.
fn wears(fake: &mut Fake) {
    fake.modes_wear = true;
    fake.mode = "Auto".to_owned();
}

/// It is 08:00 when a clock starts.
const WINDOWS: &str = "schedules:
  first: { from: \"08:00\", to: \"08:01\", mode: idle }
  then: { from: \"08:01\", to: \"09:00\", mode: \"charge 800 W\" }";

#[tokio::test(start_paused = true)]
async fn what_control_wants_too_soon_comes_when_its_time_has_come() {
    let clock = Arc::new(WallClock::scaled(START.plus(Duration::from_secs(30)), 1.0));
    let scene = Scene::at(clock, WINDOWS, Arc::default(), FakeHandle::new().with(wears)).await;
    scene.sleep(20).await;
    assert_eq!(scene.mode(), "Passive");
    assert_eq!(scene.fake.count("write"), 1);
    scene.sleep(15).await;
    assert_eq!((scene.fake.count("write"), scene.phase()), (1, ControlPhase::Pending), "a write a minute");
    let deferred = scene.last();
    assert!(deferred.reason.starts_with("deferred until 08:01:3"), "{deferred:#?}");
    scene.sleep(40).await;
    assert_eq!((scene.fake.count("write"), scene.phase()), (2, ControlPhase::Confirmed));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_mode_asked_over_mqtt_too_soon_waits_for_its_time() {
    let scene = Scene::new("", wears).await;
    assert_eq!(scene.asked_over_mqtt("idle").await.outcome, Outcome::Confirmed);
    let soon = scene.asked_over_mqtt("charge 800 W").await;
    assert_eq!(soon.outcome, Outcome::Rejected);
    assert!(soon.reason.starts_with("deferred until"), "{}", soon.reason);
    assert_eq!(scene.phase(), ControlPhase::Pending);
    scene.sleep(90).await;
    assert_eq!((scene.fake.lock().power, scene.phase()), (Some(-800.0), ControlPhase::Confirmed));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_when_its_time_has_come_is_over() {
    let scene = Scene::new("", wears).await;
    scene.asked_over_mqtt("idle").await;
    assert!(scene.asked_over_mqtt("charge 800 W").await.reason.starts_with("deferred"));
    {
        let mut fake = scene.fake.lock();
        (fake.says, fake.obeys, fake.mode) = (Some(false), Obeys::Not, "Elsewhere".to_owned());
    }
    scene.sleep(100).await;
    let refused = scene.ledger().iter().any(|row| row == "mqtt: charge 800 W: rejected");
    assert_eq!((refused, scene.kept("overrides").as_str()), (true, "[]"), "{:?}", scene.ledger());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_answer_is_told_and_nothing_is_kept() {
    let scene = Scene::new("", wears).await;
    assert_eq!(scene.asked("idle", None).await.outcome, Outcome::Confirmed);
    let soon = scene.asked("charge 800 W", None).await;
    assert_eq!(soon.outcome, Outcome::Rejected);
    assert!(soon.ask_again_in().is_some_and(|wait| wait <= Duration::from_secs(60)), "{}", soon.reason);
    assert!(!soon.reason.contains("deferred"), "{}", soon.reason);
    scene.sleep(5).await;
    assert_eq!(scene.kept("overrides"), "[]");
    scene.stop().await;
}
