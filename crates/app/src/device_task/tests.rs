//! Device tasks with fake devices under paused time.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Answer, Asker, BatteryMode, Clock, Commands as _, Metric, Outcome, Request};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::actuator::Commander;
use crate::testing::{Fake, FakeHandle, FakeRecords, Heard, clock, gate, id};

struct Scene {
    clock: Arc<dyn Clock>,
    fake: FakeHandle,
    heard: Arc<Heard>,
    hub: Hub,
    records: Arc<FakeRecords>,
    commander: Commander,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Scene {
    async fn new(change: impl FnOnce(&mut Fake)) -> Self {
        let clock = clock();
        let heard = Arc::new(Heard::default());
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::clone(&heard) as _);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let records = Arc::new(FakeRecords::default());
        let fake = FakeHandle::new().with(change);
        let commander = Commander::default();
        tracker.spawn(hub_loop.run(CancellationToken::new()));
        let scene = Self { clock, fake, heard, hub, records, commander, stop, tracker };
        let mut gate = gate(&scene.clock, &scene.records);
        gate.stop = scene.stop.clone();
        let task = DeviceTask::new(Parts {
            open: scene.fake.opener("a"),
            gate,
            door: scene.commander.open(id("a")),
            hub: scene.hub.clone(),
            seed: 1,
            memory: Some("what it knew".to_owned()),
            seen: vec![Metric::BatteryTemperature],
        });
        scene.tracker.spawn(task.start("fake").await.run());
        scene
    }

    fn ask(&self, mode: &str) -> Answer {
        let mode: BatteryMode = mode.parse().expect("a mode");
        self.commander.ask(Request { device: id("a"), wish: mode.into(), lease: None, asked_by: Asker::Mqtt })
    }

    async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    async fn stop(&self) {
        self.stop.cancel();
        // The hub's loop goes on; the device's task is the other one.
        while self.tracker.len() > 1 {
            self.clock.sleep(Duration::from_millis(10)).await;
        }
    }

    fn notices(&self) -> Vec<&'static str> {
        self.hub.snapshot().device("a").expect("announced").notices.iter().map(|notice| notice.code).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_in_earlier_runs_is_announced_before_the_first_answer() {
    let scene = Scene::new(|_| {}).await;
    scene.hub.ping().await;
    let snapshot = scene.hub.snapshot();
    let metrics = &snapshot.device("a").expect("announced").info.metrics;
    assert!(metrics.contains(&Metric::BatteryTemperature), "{metrics:?}");
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_of_polls() {
    let scene = Scene::new(|_| {}).await;
    scene.sleep(86_400).await;
    let polls = scene.fake.count("poll");
    assert!((2870..=2880).contains(&polls), "{polls}");
    let snapshot = scene.hub.snapshot();
    let soc = snapshot.device("a").expect("announced").number(Metric::BatterySoc, scene.clock.now());
    assert_eq!(soc, Ok(50.0));
}

#[tokio::test(start_paused = true)]
async fn a_device_is_known_before_it_answers() {
    let scene = Scene::new(|fake| fake.answers = false).await;
    scene.hub.ping().await;
    let snapshot = scene.hub.snapshot();
    assert_eq!(snapshot.device("a").expect("announced").info.title, "Title of a");
    assert_eq!(scene.fake.lock().memory_at_open.as_deref(), Some("what it knew"));
    scene.sleep(60).await;
    assert_eq!(scene.heard.event_texts(), ["device_offline: Title of a does not answer at 192.0.2.7:30000"]);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_is_started_again_and_the_rest_goes_on() {
    let scene = Scene::new(|fake| fake.panics_in_poll = true).await;
    scene.sleep(5).await;
    assert_eq!(scene.notices(), ["driver_failed"]);
    let opens = scene.fake.lock().opens;
    assert!((2..=4).contains(&opens), "{opens}");
    scene.sleep(3600).await;
    let opens = scene.fake.lock().opens - opens;
    assert!((55..=65).contains(&opens), "about once a minute: {opens}");
    scene.fake.lock().panics_in_poll = false;
    scene.sleep(120).await;
    assert_eq!(scene.notices(), Vec::<&str>::new());
    assert!(scene.hub.snapshot().device("a").expect("announced").is_online());
}

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_be_opened_is_there_with_the_reason() {
    let scene = Scene::new(|fake| fake.refuses_to_open = true).await;
    scene.sleep(2).await;
    assert_eq!(scene.notices(), ["driver_failed"]);
    let snapshot = scene.hub.snapshot();
    let text = &snapshot.device("a").expect("announced").notices[0].text;
    assert_eq!(text, "cannot open a socket for fake: no more sockets");
    let refused = scene.ask("auto").await.expect_err("no driver");
    assert!(matches!(refused, AskError::NotControllable(_)), "{refused}");
    scene.fake.lock().refuses_to_open = false;
    scene.sleep(120).await;
    assert_eq!(scene.notices(), Vec::<&str>::new());
    let snapshot = scene.hub.snapshot();
    assert_eq!(snapshot.device("a").expect("announced").info.title, "Title of a");
}

#[tokio::test(start_paused = true)]
async fn a_request_is_carried_out_between_polls() {
    let scene = Scene::new(|_| {}).await;
    scene.sleep(1).await;
    let entry = scene.ask("charge 800 W").await.expect("carried out");
    assert_eq!((entry.outcome, entry.id, entry.asked_by.as_str()), (Outcome::Confirmed, 1, "mqtt"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waiting_for_the_answer_does_not_cancel_the_attempt() {
    let scene = Scene::new(|_| {}).await;
    drop(scene.ask("charge 800 W"));
    scene.sleep(60).await;
    assert_eq!(scene.records.ledger.lock().unwrap()[0].outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_can_wait_are_refused() {
    let scene = Scene::new(|_| {}).await;
    let asked: Vec<_> = (0..20).map(|_| tokio::task::unconstrained(scene.ask("auto"))).collect();
    let answers = futures_util::future::join_all(asked).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(AskError::Busy))).count();
    assert_eq!(busy, 12, "eight fit");
    assert_eq!(scene.records.ledger.lock().unwrap().len(), 8);
    assert!(scene.ask("idle").await.is_ok(), "there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_attempt_is_an_attempt_that_failed() {
    let scene = Scene::new(|fake| fake.panics_in_write = true).await;
    let entry = scene.ask("auto").await.expect("an answer");
    assert_eq!((entry.outcome, entry.id), (Outcome::Failed, 1));
    scene.fake.lock().panics_in_write = false;
    scene.sleep(10).await;
    let entry = scene.ask("auto").await.expect("an answer");
    assert_eq!(entry.outcome, Outcome::AcceptedUnmeasured);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_controlled_is_refused_without_a_row() {
    let scene = Scene::new(|fake| fake.controllable = false).await;
    let refused = scene.ask("auto").await.expect_err("no modes");
    assert_eq!(refused, AskError::NotControllable("it only reports values".to_owned()));
    let stranger =
        Request { device: id("b"), wish: "auto".parse().unwrap(), lease: None, asked_by: Asker::Cli };
    assert_eq!(scene.commander.ask(stranger).await, Err(AskError::UnknownDevice));
    assert!(scene.records.ledger.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_driver_learned_is_kept_sparingly_and_at_the_stop() {
    let scene = Scene::new(|_| {}).await;
    let remembered = || scene.records.state.lock().unwrap().get("driver/a").cloned();
    scene.sleep(100).await;
    assert_eq!(remembered(), None, "nothing new");
    for step in 0..60 {
        scene.fake.lock().memory = Some(format!("step {step}"));
        scene.sleep(10).await;
    }
    let puts = *scene.records.puts.lock().unwrap();
    assert!((5..=11).contains(&puts), "{puts} in ten minutes");
    scene.fake.lock().memory = Some("the last".to_owned());
    scene.stop().await;
    assert_eq!(remembered().as_deref(), Some("the last"));
    assert_eq!(scene.ask("auto").await, Err(AskError::Stopping));
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_must_not_make_it_forget_is_kept_before_the_next_poll() {
    let scene = Scene::new(|fake| fake.memory = Some("just kept".to_owned())).await;
    let remembered = || scene.records.state.lock().unwrap().get("driver/a").cloned();
    scene.sleep(1).await;
    {
        let mut fake = scene.fake.lock();
        (fake.memory, fake.must_remember) = (Some("about to".to_owned()), true);
    }
    // The next poll of this device is after 30 s; without haste it would be kept after a minute.
    scene.sleep(35).await;
    assert_eq!(remembered().as_deref(), Some("about to"), "although something was kept just before");
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_at_the_stop_are_answered() {
    let scene = Scene::new(|fake| fake.obeys = crate::testing::Obeys::ModeOnly).await;
    let (first, second) = (scene.ask("charge 800 W"), scene.ask("auto"));
    let stop = async {
        scene.sleep(10).await;
        scene.stop().await;
    };
    let (first, second, ()) = tokio::join!(first, second, stop);
    assert_eq!(first.expect("in the ledger").outcome, Outcome::AcceptedUnmeasured);
    assert_eq!(second, Err(AskError::Stopping));
}

fn priority(value: &str, asked_by: Asker) -> Request {
    let wish = format!("output_priority={value}").parse().expect("a wish");
    Request { device: id("a"), wish, lease: None, asked_by }
}

/// A switch that is turned twice within a minute ends up where it was turned to last, as soon as the memory may be written.
#[tokio::test(start_paused = true)]
async fn the_newest_of_wishes_that_come_too_soon_is_carried_out_later() {
    let scene = Scene::new(|_| {}).await;
    let ask = |value: &str| scene.commander.ask(priority(value, Asker::Mqtt));
    assert_eq!(ask("solar_first").await.expect("an answer").outcome, Outcome::AcceptedUnmeasured);
    scene.sleep(10).await;
    for value in ["utility_first", "solar_battery_utility"] {
        let soon = ask(value).await.expect("an answer");
        assert_eq!(soon.outcome, Outcome::Rejected, "{soon:#?}");
        assert!(soon.reason.starts_with("deferred until 08:01:"), "{}", soon.reason);
    }
    assert_eq!(scene.fake.lock().setting, "solar_first");
    scene.sleep(60).await;
    assert_eq!(scene.fake.lock().setting, "solar_battery_utility", "the newest");
    assert_eq!(scene.fake.count("write output_priority"), 2);
    let last = scene.records.ledger.lock().unwrap().last().cloned().expect("a row");
    assert_eq!((last.outcome, last.asked_by.as_str()), (Outcome::AcceptedUnmeasured, "mqtt"));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_waits_goes_when_it_is_taken_back() {
    let scene = Scene::new(|_| {}).await;
    let ask = |value: &str| scene.commander.ask(priority(value, Asker::Mqtt));
    ask("solar_first").await.expect("an answer");
    ask("utility_first").await.expect("an answer");
    assert_eq!(ask("solar_first").await.expect("an answer").outcome, Outcome::Unchanged);
    scene.sleep(300).await;
    assert_eq!(scene.fake.count("write"), 1);
    assert_eq!(scene.fake.lock().setting, "solar_first");
    // Whoever waits for an answer has it, and asks again.
    let soon = scene.commander.ask(priority("utility_first", Asker::Rest)).await.expect("an answer");
    assert_eq!(soon.outcome, Outcome::AcceptedUnmeasured);
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_wishes_that_nobody_waits_for_are_kept() {
    let scene = Scene::new(|_| {}).await;
    scene.commander.ask(priority("solar_first", Asker::Rest)).await.expect("an answer");
    let soon = scene.commander.ask(priority("utility_first", Asker::Rest)).await.expect("an answer");
    assert!(soon.reason.contains("ask again in") && !soon.reason.contains("deferred"), "{}", soon.reason);
    scene.sleep(300).await;
    assert_eq!(scene.fake.lock().setting, "solar_first");
    scene.stop().await;
}
