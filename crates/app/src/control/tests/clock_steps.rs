//! A wall clock that is set while something counts that was asked by hand for now.

use std::sync::atomic::{AtomicI64, Ordering};

use rstest::rstest;
use tokio::time::Instant;

use super::*;
use crate::clock::WallClock;

/// A clock that is set by so many milliseconds.
fn settable() -> (Arc<dyn Clock>, Arc<AtomicI64>) {
    let (origin, step_ms) = (Instant::now(), Arc::new(AtomicI64::new(0)));
    let set = Arc::clone(&step_ms);
    let wall = move || UnixMillis(START.plus(origin.elapsed()).0 + set.load(Ordering::Relaxed));
    (Arc::new(WallClock::following(wall)), step_ms)
}

const HOUR_MS: i64 = 3_600_000;

#[rstest]
#[case::a_second_back(-1000)]
#[case::a_minute_back(-60_000)]
#[case::an_hour_back(-HOUR_MS)]
#[case::back_to_1970(-START.0)]
#[case::years_forth(5 * 8766 * HOUR_MS)]
#[tokio::test(start_paused = true)]
async fn what_was_asked_lasts_as_long_as_was_said(#[case] step_ms: i64) {
    let (clock, set) = settable();
    let fake = FakeHandle::new().with(|fake| fake.mode = "Auto".to_owned());
    let scene = Scene::at(clock, "", Arc::default(), fake).await;
    scene.asked("charge 800 W", Some(600)).await;
    set.store(step_ms, Ordering::Relaxed);
    let asked_for = scene.ledger();
    scene.sleep(500).await;
    assert_eq!((scene.mode().as_str(), scene.ledger()), ("Passive", asked_for), "no give-back");
    let left = scene.fake.count("write Passive -800 5 min");
    assert!(left >= 2, "it is renewed: {:?}", scene.fake.lock().log);
    scene.sleep(150).await;
    assert_eq!(scene.mode(), "Auto");
    scene.sleep(8000).await;
    assert_eq!((scene.mode().as_str(), scene.ledger().len()), ("Auto", 2), "it does not begin again");
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn its_end_is_shown_and_kept_by_the_clock_that_was_set() {
    let (clock, set) = settable();
    let scene = Scene::at(clock, "", Arc::default(), FakeHandle::new()).await;
    scene.asked("charge 800 W", Some(600)).await;
    let ends = |scene: &Scene| {
        let shown = scene.commander.watch_by_hand().borrow().now[&id("a")].ends;
        let kept: serde_json::Value = serde_json::from_str(&scene.kept("overrides")).unwrap();
        (shown.0, kept[0]["ends_unix_ms"].as_i64().unwrap())
    };
    let (before, _) = ends(&scene);
    set.store(HOUR_MS, Ordering::Relaxed);
    scene.sleep(2).await;
    let (shown, kept) = ends(&scene);
    assert!((shown - before - HOUR_MS).abs() <= 1000, "{before} {shown}");
    assert_eq!(shown, kept);
    scene.stop().await;
}
