//! What is asked by hand for a time to come: it begins, ends and survives by itself.

use ohmstead_control::overrides::{AgendaError, Later};
use ohmstead_model::TimeSpan;
use ohmstead_web::AheadChange;

use super::*;
use crate::control::by_hand::NotLater;

impl Scene {
    /// From so many seconds after now until so many seconds after now.
    async fn ahead(&self, mode: &str, from_s: u64, to_s: u64) -> Result<Later, NotLater> {
        let now = self.clock.now().unix;
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let (device, mode) = (id("a"), mode.parse().expect("a mode"));
        let change = AheadChange::Add { device, mode, span: TimeSpan::new(at(from_s), at(to_s)) };
        self.commander.change_later(change, Asker::Rest).await
    }

    fn asked_ahead(&self) -> Vec<String> {
        let shown = self.commander.watch_by_hand().borrow().clone();
        shown.later.all().iter().map(|later| format!("{} {}", later.id, later.asked.mode)).collect()
    }

    /// Its mode and the power that it is asked for.
    fn does(&self) -> (String, Option<f64>) {
        let fake = self.fake.lock();
        (fake.mode.clone(), fake.power)
    }
}

#[tokio::test(start_paused = true)]
async fn it_takes_over_at_its_begin_and_gives_back_at_its_end() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(2).await;
    let before = scene.does();
    scene.ahead("idle", 600, 1200).await.expect("accepted");
    scene.sleep(590).await;
    assert_eq!((scene.does(), scene.ledger()), (before.clone(), Vec::<String>::new()), "it is not its time");
    scene.sleep(20).await;
    let within = scene.does();
    assert_ne!(within, before, "{:?}", scene.ledger());
    scene.sleep(570).await;
    assert_eq!(scene.does(), within, "{:?}", scene.ledger());
    scene.sleep(30).await;
    assert_eq!(scene.does(), before, "{:?}", scene.ledger());
    assert!(scene.asked_ahead().is_empty());
    let by: Vec<_> = scene.ledger().iter().map(|row| row.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(by, ["rest", "control"], "who asked, and who gave it back");
    scene.stop().await;
}

/// What nobody waits for is told when it is over before its time.
#[tokio::test(start_paused = true)]
async fn what_is_tried_in_vain_is_over_and_an_event_says_so() {
    let scene = Scene::new("", |fake| {
        fake.mode = "Auto".to_owned();
        fake.obeys = Obeys::ModeOnly;
    })
    .await;
    scene.ahead("charge 800 W", 60, 36_000).await.expect("accepted");
    scene.sleep(900).await;
    assert!(scene.asked_ahead().is_empty(), "{:?}", scene.ledger());
    let events = scene.heard.event_texts();
    let over = "by_hand_over: charge 800 W of a from 2026-11-21 08:01 UTC until 2026-11-21 18:00 UTC is over before its time: it was tried in vain";
    assert!(events.iter().any(|text| text == over), "{events:#?}");
    scene.stop().await;
}

/// A refusal may pass, and nobody is there to ask again.
#[tokio::test(start_paused = true)]
async fn what_is_refused_at_its_begin_is_tried_again_until_its_end() {
    let scene = Scene::new("", |fake| {
        fake.mode = "Auto".to_owned();
        fake.obeys = Obeys::Not;
        fake.says = Some(false);
    })
    .await;
    scene.ahead("charge 800 W", 60, 36_000).await.expect("accepted");
    scene.sleep(300).await;
    assert_eq!(scene.asked_ahead(), ["1 charge 800 W"], "{:?}", scene.ledger());
    {
        let mut fake = scene.fake.lock();
        (fake.obeys, fake.says) = (Obeys::Fully, Some(true));
    }
    scene.sleep(700).await;
    assert_eq!(scene.mode(), "Passive", "{:?}", scene.ledger());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_now_goes_before_what_was_planned_ahead() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.ahead("idle", 600, 3600).await.expect("accepted");
    scene.sleep(660).await;
    let idle = scene.does();
    scene.asked("charge 500 W", Some(600)).await;
    let charging = scene.does();
    assert_ne!(idle, charging);
    scene.sleep(300).await;
    assert_eq!(scene.does(), charging);
    scene.sleep(400).await;
    assert_eq!(scene.does(), idle, "what was planned ahead counts again: {:?}", scene.ledger());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_ends_what_counts_now_and_leaves_what_is_to_come() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(2).await;
    let before = scene.does();
    scene.ahead("idle", 60, 3600).await.expect("accepted");
    scene.ahead("hold", 7200, 9000).await.expect("accepted");
    scene.sleep(90).await;
    assert_ne!(scene.does(), before);
    scene.commander.release(id("a"), Asker::Rest).await.expect("released");
    scene.sleep(5).await;
    assert_eq!(scene.does(), before, "{:?}", scene.ledger());
    assert_eq!(scene.asked_ahead(), ["2 hold"]);
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_taken_back_by_its_number() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    let asked = scene.ahead("idle", 60, 3600).await.expect("accepted");
    let back = |id| scene.commander.change_later(AheadChange::Remove { id }, Asker::Rest);
    assert_eq!(back(asked.id).await, Ok(asked.clone()));
    assert_eq!(back(asked.id).await, Err(NotLater::Refused(AgendaError::Unknown(asked.id))));
    scene.sleep(120).await;
    assert_eq!(scene.ledger(), Vec::<String>::new());
    let events = scene.heard.event_texts();
    assert!(events.iter().any(|text| text.contains("is taken back (asked by rest)")), "{events:?}");
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_survives_a_restart_before_and_within_its_time() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.ahead("idle", 600, 1800).await.expect("accepted");
    scene.stop().await;
    let again = |scene: &Scene| {
        Scene::at(Arc::clone(&scene.clock), "", Arc::clone(&scene.records), scene.fake.clone())
    };
    let second = again(&scene).await;
    second.sleep(2).await;
    let before = second.does();
    assert_eq!(second.asked_ahead(), ["1 idle"]);
    second.sleep(620).await;
    let idle = second.does();
    assert_ne!(idle, before);
    second.stop().await;
    let third = again(&second).await;
    third.sleep(5).await;
    assert_eq!(third.does(), idle, "{:?}", third.ledger());
    third.sleep(1300).await;
    assert_eq!(third.does(), before, "{:?}", third.ledger());
    third.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_read_only_house_decides_and_writes_nothing() {
    let scene = Scene::new("read_only: true", |fake| fake.mode = "Auto".to_owned()).await;
    scene.ahead("idle", 60, 600).await.expect("accepted");
    scene.sleep(50).await;
    assert_eq!(scene.ledger(), Vec::<String>::new());
    scene.sleep(40).await;
    assert_eq!((scene.fake.count("write"), scene.phase()), (0, ControlPhase::DryRun));
    assert_eq!(scene.last().outcome, Outcome::DryRun);
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_would_not_survive_a_restart_is_refused() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(2).await;
    scene.records.full.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(scene.ahead("idle", 60, 600).await, Err(NotLater::NotKept(_))));
    assert!(scene.asked_ahead().is_empty());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_book_of_an_earlier_version_is_read_beside_it() {
    let records = Arc::new(FakeRecords::default());
    let line = |since: i64, ends: i64| {
        format!(
            r#"[{{"device":"a","mode":"idle","asked_by":"rest","since_unix_ms":{since},"ends_unix_ms":{ends}}}]"#
        )
    };
    let book = line(START.0 - 1000, START.0 + 600_000);
    records.state.lock().unwrap().insert("overrides".to_owned(), book);
    let scene = Scene::with("", records, FakeHandle::new()).await;
    scene.sleep(5).await;
    let idle = scene.does();
    assert!(scene.ledger().iter().any(|row| row.contains("idle")), "{:?}", scene.ledger());
    assert!(scene.asked_ahead().is_empty());
    scene.sleep(700).await;
    assert_ne!(scene.does(), idle, "{:?}", scene.ledger());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_does_not_count_and_takes_nothing_with_it() {
    let records = Arc::new(FakeRecords::default());
    let (since, ends) = (START.0 + 60_000, START.0 + 600_000);
    let book = format!(
        r#"{{"next_id":9,"asked":[{{"id":4,"device":"a","mode":"levitate","asked_by":"rest","since_unix_ms":{since},"ends_unix_ms":{ends}}},{{"id":5,"device":"a","mode":"idle","asked_by":"rest","since_unix_ms":{since},"ends_unix_ms":{ends}}}]}}"#
    );
    records.state.lock().unwrap().insert("overrides/later".to_owned(), book.clone());
    let scene = Scene::with("", Arc::clone(&records), FakeHandle::new()).await;
    scene.sleep(5).await;
    assert_eq!(scene.asked_ahead(), ["5 idle"]);
    let later = scene.ahead("hold", 7200, 9000).await.expect("accepted");
    assert_eq!(later.id, 9);
    let aside = records.state.lock().unwrap().get("overrides/later/unreadable").cloned();
    assert_eq!(aside, Some(book));
    scene.stop().await;
}
