//! What was asked by hand with a memory that cannot be read or written at times, and what no battery can do.

use std::sync::atomic::Ordering;

use ohmstead_control::overrides::{AgendaError, Later};
use ohmstead_model::TimeSpan;
use ohmstead_web::AheadChange;

use super::*;
use crate::control::by_hand::NotLater;

impl Scene {
    async fn asked_for_later(&self, mode: &str, from_s: u64, to_s: u64) -> Result<Later, NotLater> {
        let now = self.clock.now().unix;
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let span = TimeSpan::new(at(from_s), at(to_s));
        let change = AheadChange::Add { device: id("a"), mode: mode.parse().expect("a mode"), span };
        self.commander.change_later(change, Asker::Rest).await
    }

    fn modes_ahead(&self) -> Vec<String> {
        let shown = self.commander.watch_by_hand().borrow().clone();
        shown.later.all().iter().map(|later| later.asked.mode.to_string()).collect()
    }

    fn full_disk(&self, is_full: bool) {
        self.records.full.store(is_full, Ordering::Relaxed);
    }
}

/// What an earlier run was asked for: now, in a stretch that has begun, and in one that is to come.
fn of_an_earlier_run() -> Arc<FakeRecords> {
    let line = |mode: &str, from_s: i64, to_s: i64| {
        let (since, ends) = (START.0 + from_s * 1000, START.0 + to_s * 1000);
        format!(
            r#""device":"a","mode":"{mode}","asked_by":"rest","since_unix_ms":{since},"ends_unix_ms":{ends}"#
        )
    };
    let now = format!("[{{{}}}]", line("charge 700 W", -60, 7200));
    let (begun, to_come) = (line("idle", -30, 7200), line("hold", 9000, 9900));
    let later = format!(r#"{{"next_id":3,"asked":[{{"id":1,{begun}}},{{"id":2,{to_come}}}]}}"#);
    let records = FakeRecords::default();
    records
        .state
        .lock()
        .unwrap()
        .extend([("overrides".to_owned(), now), ("overrides/later".to_owned(), later)]);
    Arc::new(records)
}

#[tokio::test(start_paused = true)]
async fn a_power_that_no_battery_has_is_refused_at_every_door() {
    let scene = Scene::new("", |_| {}).await;
    let refused = scene.ask("charge 2000000 kW", None).await.expect_err("too much");
    assert!(refused.to_string().contains("from 0 to 100000 W"), "{refused}");
    let later = scene.asked_for_later("charge 2000000 kW", 60, 600).await;
    assert!(matches!(later, Err(NotLater::Refused(AgendaError::Power(_)))), "{later:?}");
    assert_eq!((scene.ledger().len(), scene.fake.count("write")), (0, 0));
    scene.stop().await;
}

/// A full disk at its end, and a restart after the disk has room again.
#[tokio::test(start_paused = true)]
async fn an_end_that_could_not_be_kept_is_kept_later() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked_for_later("idle", 60, 36_000).await.expect("accepted");
    scene.sleep(120).await;
    scene.full_disk(true);
    // The ledger is full too, and yet it ends.
    let _ = scene.commander.release(id("a"), Asker::Cli).await;
    scene.sleep(60).await;
    assert!(scene.modes_ahead().is_empty());
    assert!(scene.kept("overrides/later").contains("idle"), "it could not be kept");
    scene.full_disk(false);
    scene.sleep(3).await;
    assert!(!scene.kept("overrides/later").contains("idle"), "{}", scene.kept("overrides/later"));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_of_what_was_asked_for_now_is_kept_later_too() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W", Some(600)).await;
    scene.full_disk(true);
    scene.sleep(700).await;
    assert!(scene.kept("overrides").contains("charge"));
    scene.full_disk(false);
    scene.sleep(3).await;
    assert_eq!(scene.kept("overrides"), "[]");
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_before_the_memory_can_be_read_is_not_forgotten() {
    let records = of_an_earlier_run();
    records.unreadable.store(true, Ordering::Relaxed);
    let fake = FakeHandle::new().with(|fake| fake.mode = "Auto".to_owned());
    let scene = Scene::with("", Arc::clone(&records), fake).await;
    scene.sleep(5).await;
    scene.commander.release(id("a"), Asker::Cli).await.expect("an answer");
    records.unreadable.store(false, Ordering::Relaxed);
    scene.sleep(60).await;
    assert_eq!((scene.mode().as_str(), scene.modes_ahead()), ("Auto", vec!["hold".to_owned()]));
    assert_eq!(scene.kept("overrides"), "[]");
    assert!(!scene.kept("overrides/later").contains("idle"));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn all_of_it_is_taken_back_durably_or_none_of_it() {
    let records = of_an_earlier_run();
    records.unreadable.store(true, Ordering::Relaxed);
    let scene = Scene::with("", Arc::clone(&records), FakeHandle::new()).await;
    scene.sleep(5).await;
    let clear = || scene.commander.clear_later(Asker::Cli);
    assert!(matches!(clear().await, Err(NotLater::NotKept(_))), "nobody knows what there is");
    records.unreadable.store(false, Ordering::Relaxed);
    scene.sleep(5).await;
    scene.full_disk(true);
    assert!(matches!(clear().await, Err(NotLater::NotKept(_))));
    assert_eq!(scene.modes_ahead().len(), 2);
    scene.full_disk(false);
    assert_eq!(clear().await.map(|gone| gone.len()), Ok(2));
    assert_eq!(clear().await.map(|gone| gone.len()), Ok(0));
    assert!(scene.modes_ahead().is_empty());
    let again = Scene::with("", Arc::clone(&records), FakeHandle::new()).await;
    again.sleep(5).await;
    assert!(again.modes_ahead().is_empty(), "for good");
    scene.stop().await;
}
