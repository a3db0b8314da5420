//! Control with a fake device, a hub and a memory under paused time.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Answer, Asker, Clock, Commands as _, ControlPhase, LedgerEntry, Outcome, Request};
use tokio_util::task::TaskTracker;

mod ahead;
mod changes;
mod clock_steps;
mod enduring;

use super::*;
use crate::device_task::{self, DeviceTask};
use crate::testing::{Fake, FakeHandle, FakeRecords, Heard, Obeys, START, clock, gate, id};

pub(super) struct Scene {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) fake: FakeHandle,
    hub: Hub,
    heard: Arc<Heard>,
    pub(super) records: Arc<FakeRecords>,
    pub(super) commander: Arc<Commander>,
    rules: watch::Sender<Rules>,
    stop: CancellationToken,
    control_stop: CancellationToken,
    tracker: TaskTracker,
}

fn rules(yaml: &str) -> Rules {
    let yaml = format!("site: {{ timezone: UTC }}\ndevices: {{ a: {{ marstek: {{ host: h }} }} }}\n{yaml}");
    Rules::of(&ohmstead_config::parse(&yaml, "test.yaml", &|_| None).expect("a valid configuration"))
}

impl Scene {
    pub(super) async fn new(yaml: &str, change: impl FnOnce(&mut Fake)) -> Self {
        Self::with(yaml, Arc::new(FakeRecords::default()), FakeHandle::new().with(change)).await
    }

    /// A house with what an earlier run left in the memory and in the device.
    async fn with(yaml: &str, records: Arc<FakeRecords>, fake: FakeHandle) -> Self {
        Self::at(clock(), yaml, records, fake).await
    }

    /// The same at any clock.
    pub(super) async fn at(
        clock: Arc<dyn Clock>,
        yaml: &str,
        records: Arc<FakeRecords>,
        fake: FakeHandle,
    ) -> Self {
        let heard = Arc::new(Heard::default());
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::clone(&heard) as _);
        let tracker = TaskTracker::new();
        tracker.spawn(hub_loop.run(CancellationToken::new()));
        let commander = Arc::new(Commander::default());
        let (rules, seen) = watch::channel(rules(yaml));
        let (stop, control_stop) = (CancellationToken::new(), CancellationToken::new());
        let mut gate = gate(&clock, &records);
        gate.stop = stop.clone();
        if yaml.contains("read_only: true") {
            gate.read_only.device = Some(true);
        }
        let task = DeviceTask::new(device_task::Parts {
            open: fake.opener("a"),
            gate,
            door: commander.open(id("a")),
            hub: hub.clone(),
            seed: 1,
            memory: None,
            seen: Vec::new(),
        });
        tracker.spawn(task.start("fake").await.run());
        hub.ping().await;
        let parts = Parts {
            clock: Arc::clone(&clock),
            hub: hub.clone(),
            commander: Arc::clone(&commander),
            records: Arc::clone(&records) as _,
            rules: seen,
            ahead: Ahead::nothing(),
        };
        tracker.spawn(Control::new(parts).expect("the first").run(control_stop.clone()));
        Self { clock, fake, hub, heard, records, commander, rules, stop, control_stop, tracker }
    }

    pub(super) fn ask(&self, mode: &str, lease_s: Option<u64>) -> Answer {
        let wish = mode.parse().expect("a wish");
        let lease = lease_s.map(Duration::from_secs);
        self.commander.ask(Request { device: id("a"), wish, lease, asked_by: Asker::Rest })
    }

    /// The same from a bus, where nobody waits for an answer.
    pub(super) async fn asked_over_mqtt(&self, mode: &str) -> LedgerEntry {
        let wish = mode.parse().expect("a wish");
        let request = Request { device: id("a"), wish, lease: None, asked_by: Asker::Mqtt };
        self.commander.ask(request).await.expect("carried out")
    }

    pub(super) async fn asked(&self, mode: &str, lease_s: Option<u64>) -> LedgerEntry {
        self.ask(mode, lease_s).await.expect("carried out")
    }

    pub(super) async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Whoever orders from then on is not control.
    pub(super) async fn stop_control(&self) {
        self.control_stop.cancel();
        self.sleep(2).await;
    }

    pub(super) async fn stop(&self) {
        self.control_stop.cancel();
        self.stop.cancel();
        // The hub's loop goes on.
        while self.tracker.len() > 1 {
            self.clock.sleep(Duration::from_millis(10)).await;
        }
    }

    /// Who asked for what, and what became of it.
    pub(super) fn ledger(&self) -> Vec<String> {
        let ledger = self.records.ledger.lock().unwrap();
        let row = |row: &LedgerEntry| format!("{}: {}: {}", row.asked_by, row.request, row.outcome.key());
        ledger.iter().map(row).collect()
    }

    /// The newest row of it.
    pub(super) fn last(&self) -> LedgerEntry {
        self.records.ledger.lock().unwrap().last().cloned().expect("a row")
    }

    pub(super) fn mode(&self) -> String {
        self.fake.lock().mode.clone()
    }

    pub(super) fn phase(&self) -> ControlPhase {
        let snapshot = self.hub.snapshot();
        snapshot
            .device("a")
            .and_then(|device| device.control.as_ref().map(|control| control.phase))
            .expect("shown")
    }

    pub(super) fn kept(&self, key: &str) -> String {
        self.records.state.lock().unwrap().get(key).cloned().unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_by_hand_ends_and_the_device_is_what_it_was() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    let entry = scene.asked("charge 800 W", Some(600)).await;
    assert_eq!((entry.outcome, entry.request.as_str()), (Outcome::Confirmed, "charge 800 W for 10 min"));
    assert_eq!(scene.phase(), ControlPhase::Confirmed);
    scene.sleep(590).await;
    assert_eq!(scene.mode(), "Passive");
    scene.sleep(60).await;
    assert_eq!(scene.mode(), "Auto");
    assert_eq!(
        scene.ledger(),
        ["rest: charge 800 W for 10 min: confirmed", "control: give back: auto: accepted_unmeasured"]
    );
    assert_eq!(
        (scene.kept("overrides"), scene.kept("original/a")),
        ("[]".to_owned(), String::new()),
        "no trace"
    );
    assert_eq!(scene.phase(), ControlPhase::Unset);
}

#[tokio::test(start_paused = true)]
async fn what_the_device_would_end_is_renewed_as_long_as_it_is_wanted() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W", Some(3600)).await;
    scene.sleep(3000).await;
    let writes = scene.fake.count("write Passive -800 5 min");
    assert!((19..=22).contains(&writes), "every 150 s: {writes}");
    assert_eq!(scene.ledger().len(), 1, "a renewal is no new wish");
    scene.sleep(1000).await;
    let late = scene.fake.count("write");
    scene.sleep(3000).await;
    assert_eq!(scene.fake.count("write"), late, "nothing is renewed after its end");
}

#[tokio::test(start_paused = true)]
async fn the_devices_own_timer_ends_no_later_than_the_wish() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W", Some(100)).await;
    assert!(
        scene.fake.lock().log.iter().any(|line| line.starts_with("write Passive -800 100 s")),
        "{:?}",
        scene.fake.lock().log
    );
}

#[tokio::test(start_paused = true)]
async fn a_charge_ends_where_it_was_asked_to() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W until 60 %", None).await;
    scene.sleep(600).await;
    assert_eq!(scene.mode(), "Passive", "not there yet");
    scene.fake.lock().soc = 60.0;
    scene.sleep(60).await;
    assert_eq!(scene.mode(), "Auto");
    let refused = scene.asked("charge 800 W until 60 %", None).await;
    assert_eq!(
        (refused.outcome, refused.reason.as_str()),
        (Outcome::Rejected, "the battery has 60 % already")
    );
    assert_eq!(scene.kept("overrides"), "[]");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_without_a_time_ends_too() {
    let scene = Scene::new("overrides: { power: 2 min, mode: 5 min }", |_| {}).await;
    scene.asked("charge 800 W", None).await;
    scene.sleep(180).await;
    assert_eq!(scene.mode(), "Auto");
    scene.asked("idle", None).await;
    scene.sleep(250).await;
    assert_eq!(scene.mode(), "Passive");
    scene.sleep(100).await;
    assert_eq!(scene.mode(), "Auto");
}

#[tokio::test(start_paused = true)]
async fn its_own_automatic_is_for_good() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W", None).await;
    let entry = scene.asked("auto", None).await;
    assert_eq!((entry.outcome, entry.request.as_str()), (Outcome::AcceptedUnmeasured, "auto"));
    assert_eq!((scene.kept("overrides"), scene.kept("original/a")), ("[]".to_owned(), String::new()));
    let writes = scene.fake.count("write");
    scene.sleep(100_000).await;
    scene.stop().await;
    assert_eq!(scene.fake.count("write"), writes, "nothing is given back");
}

#[tokio::test(start_paused = true)]
async fn a_new_wish_does_not_wait_for_the_measurement_of_the_old_one() {
    let scene = Scene::new("", |fake| fake.obeys = Obeys::ModeOnly).await;
    let first = scene.ask("charge 800 W", None);
    scene.sleep(10).await;
    let asked = scene.clock.now();
    let second = scene.ask("discharge 300 W", None);
    let wrote = async {
        while scene.fake.count("write Passive 300") == 0 {
            scene.clock.sleep(Duration::from_millis(50)).await;
        }
        scene.clock.now().since(asked)
    };
    let (first, _, took) = tokio::join!(first, second, wrote);
    let first = first.expect("in the ledger");
    assert_eq!(first.outcome, Outcome::AcceptedUnmeasured);
    assert_eq!(first.reason, "something else was wanted before the effect could be measured");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_ends_what_was_asked() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.asked("charge 800 W", None).await;
    let entry = scene.commander.release(id("a"), Asker::Cli).await.expect("an answer");
    assert_eq!((entry.asked_by.as_str(), entry.request.as_str()), ("cli", "give back: auto"));
    assert_eq!(scene.mode(), "Auto");
    let entry = scene.commander.release(id("a"), Asker::Cli).await.expect("an answer");
    assert_eq!((entry.outcome, entry.id), (Outcome::Unchanged, 0), "{entry:?}");
}

const NIGHT: &str = r#"schedules: { night: { from: "08:05", to: "08:20", mode: hold } }"#;

/// The fake's clock starts at 08:00 UTC. It has no `hold`, so it idles.
#[tokio::test(start_paused = true)]
async fn a_window_of_the_schedule_opens_and_closes() {
    let scene = Scene::new(NIGHT, |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(299).await;
    assert_eq!((scene.mode().as_str(), scene.phase()), ("Auto", ControlPhase::Unset));
    scene.sleep(60).await;
    assert_eq!((scene.mode().as_str(), scene.phase()), ("Passive", ControlPhase::Confirmed));
    scene.sleep(900).await;
    assert_eq!(scene.mode(), "Auto");
    assert_eq!(
        scene.ledger(),
        ["schedule: idle: confirmed", "control: give back: auto: accepted_unmeasured"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_hand_goes_before_the_schedule_and_the_schedule_comes_back() {
    let scene = Scene::new(NIGHT, |_| {}).await;
    scene.sleep(360).await;
    let entry = scene.asked("auto", Some(120)).await;
    assert_eq!(entry.outcome, Outcome::AcceptedUnmeasured);
    scene.sleep(100).await;
    assert_eq!(scene.mode(), "Auto");
    scene.sleep(60).await;
    assert_eq!(scene.mode(), "Passive");
    assert_eq!(scene.ledger().last().map(String::as_str), Some("schedule: idle: confirmed"));
}

#[tokio::test(start_paused = true)]
async fn a_missed_edge_does_not_matter() {
    let scene =
        Scene::new(r#"schedules: { night: { from: "22:00", to: "09:00", mode: idle } }"#, |_| {}).await;
    scene.sleep(20).await;
    assert_eq!(scene.mode(), "Passive");
}

#[tokio::test(start_paused = true)]
async fn rules_that_change_count_at_once() {
    let scene = Scene::new("", |_| {}).await;
    scene.sleep(10).await;
    scene.rules.send_replace(rules(r#"schedules: { all: { from: "00:00", to: "00:00", mode: idle } }"#));
    scene.sleep(20).await;
    assert_eq!(scene.mode(), "Passive");
}

#[tokio::test(start_paused = true)]
async fn the_device_is_given_back_at_the_stop_and_taken_again_at_the_start() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.asked("charge 800 W", Some(7200)).await;
    scene.stop().await;
    assert_eq!((scene.mode().as_str(), scene.kept("original/a").as_str()), ("Auto", ""));
    assert_eq!(scene.ledger().last().map(String::as_str), Some("stop: give back: auto: accepted_unmeasured"));
    let again = Scene::with("", Arc::clone(&scene.records), scene.fake.clone()).await;
    again.sleep(60).await;
    assert_eq!(again.mode(), "Passive");
    assert_eq!(again.ledger().last().map(String::as_str), Some("rest: charge 800 W: confirmed"));
}

/// The program is killed while it is in control: the next start finds what was ours.
#[tokio::test(start_paused = true)]
async fn after_a_crash_the_device_is_given_back() {
    let records = Arc::new(FakeRecords::default());
    let original = r#"{"native":"Auto","at_unix_ms":1}"#.to_owned();
    records.state.lock().unwrap().insert("original/a".to_owned(), original);
    let fake = FakeHandle::new().with(|fake| fake.mode = "Passive".to_owned());
    let scene = Scene::with("", records, fake).await;
    scene.sleep(20).await;
    assert_eq!((scene.mode().as_str(), scene.kept("original/a").as_str()), ("Auto", ""));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_effect_is_told_and_given_up() {
    let scene = Scene::new("", |fake| {
        fake.mode = "Auto".to_owned();
        fake.obeys = Obeys::ModeOnly;
    })
    .await;
    let entry = scene.asked("charge 800 W", Some(36_000)).await;
    assert_eq!((entry.outcome, scene.phase()), (Outcome::Ineffective, ControlPhase::Ineffective));
    let codes = || -> Vec<_> {
        let snapshot = scene.hub.snapshot();
        snapshot.device("a").expect("announced").notices.iter().map(|notice| notice.code).collect()
    };
    scene.hub.ping().await;
    assert_eq!(codes(), ["control_ineffective"]);
    scene.sleep(400).await;
    assert_eq!(scene.mode(), "Auto", "given back");
    assert_eq!(codes(), Vec::<&str>::new());
    let ineffective = scene.ledger().iter().filter(|row| row.ends_with("ineffective")).count();
    assert_eq!((ineffective, scene.kept("overrides").as_str()), (3, "[]"));
}

#[tokio::test(start_paused = true)]
async fn what_the_device_refuses_is_over() {
    let scene = Scene::new("", |_| {}).await;
    let entry = scene.asked("native:ups", None).await;
    assert_eq!(entry.outcome, Outcome::Rejected);
    scene.sleep(5).await;
    assert!(["", "[]"].contains(&scene.kept("overrides").as_str()), "nothing is left in the book");
    assert_eq!(scene.phase(), ControlPhase::Unset);
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_leaves_the_mode_by_itself_is_told_again_once() {
    let scene = Scene::new("", |_| {}).await;
    scene.asked("charge 800 W", Some(36_000)).await;
    scene.fake.lock().power = Some(0.0);
    scene.sleep(200).await;
    assert_eq!(scene.fake.lock().power, Some(-800.0), "told again");
    scene.fake.lock().power = Some(0.0);
    scene.sleep(240).await;
    assert_eq!(scene.kept("overrides"), "[]", "somebody else's");
}

/// What is asked while the device is being polled is tried once, by the one who asked.
#[tokio::test(start_paused = true)]
async fn a_request_during_a_poll_is_carried_out_once() {
    let scene = Scene::new("", |_| {}).await;
    scene.sleep(5).await;
    let polls = scene.fake.count("poll");
    while scene.fake.count("poll") == polls {
        scene.clock.sleep(Duration::from_millis(10)).await;
    }
    scene.asked("charge 800 W", Some(600)).await;
    assert_eq!(scene.ledger(), ["rest: charge 800 W for 10 min: confirmed"]);
}

/// Without a state of charge nothing may be discharged, and none is known in the first seconds after a start: what a unit
/// does meanwhile is what it was told before.
#[tokio::test(start_paused = true)]
async fn a_discharge_goes_on_while_the_first_values_are_read_after_a_start() {
    let records = Arc::new(FakeRecords::default());
    let asked = format!(
        r#"[{{"device":"a","mode":"discharge 600 W","asked_by":"cli","since_unix_ms":0,"ends_unix_ms":{}}}]"#,
        START.plus(Duration::from_secs(36_000)).0
    );
    records.state.lock().unwrap().insert("overrides".to_owned(), asked);
    records
        .state
        .lock()
        .unwrap()
        .insert("original/a".to_owned(), r#"{"native":"Auto","at_unix_ms":1}"#.to_owned());
    let fake = FakeHandle::new().with(|fake| {
        (fake.mode, fake.power) = ("Passive".to_owned(), Some(600.0));
        fake.tells = false;
    });
    let scene = Scene::with("", records, fake).await;
    scene.sleep(10).await;
    assert_eq!((scene.fake.count("write"), scene.fake.count("read")), (0, 0), "{:?}", scene.fake.lock().log);
    scene.fake.lock().tells = true;
    scene.sleep(40).await;
    assert_eq!((scene.fake.lock().power, scene.phase()), (Some(600.0), ControlPhase::Confirmed));
    let writes: Vec<_> =
        scene.fake.lock().log.iter().filter(|entry| entry.starts_with("write")).cloned().collect();
    assert!(writes.iter().all(|write| write.contains("Passive 600")), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_book_is_empty() {
    let records = Arc::new(FakeRecords::default());
    records.state.lock().unwrap().insert("overrides".to_owned(), "{half".to_owned());
    let scene = Scene::with("", records, FakeHandle::new()).await;
    scene.sleep(5).await;
    assert_eq!(scene.phase(), ControlPhase::Unset);
}
