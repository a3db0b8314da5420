//! The hub under paused time.

use std::sync::atomic::{AtomicI64, Ordering};

use expect_test::expect;
use ohmstead_drivers::Reporter as _;
use ohmstead_model::{Allowed, Metric, Online, Role, Setting, Severity, UnixMillis, Unknown, Value};
use tokio_util::task::TaskTracker;

use super::*;
use crate::clock::WallClock;
use crate::testing::{Heard, clock, id};

struct Scene {
    hub: Hub,
    clock: Arc<dyn Clock>,
    heard: Arc<Heard>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Scene {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let heard = Arc::new(Heard::default());
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::clone(&heard) as _);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(hub_loop.run(stop.clone()));
        Self { hub, clock, heard, stop, tracker }
    }

    async fn battery(&self, name: &str) -> HubReporter {
        let reporter = self.hub.reporter();
        let mut info = DeviceInfo::new(id(name), "fake", "192.0.2.7:30000");
        info.roles = vec![Role::Battery, Role::GridMeter];
        self.hub.add(&reporter, info).await;
        reporter
    }

    fn reading(&self, name: &str, power: f64) -> Report {
        let values = vec![
            (Metric::BatteryPower, Ok(Value::Number(power))),
            (Metric::GridPower, Ok(Value::Number(200.0))),
            (Metric::BatterySoc, Ok(Value::Number(50.0))),
        ];
        Report::Reading(Reading { device: id(name), at: self.clock.now(), values })
    }

    async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    fn house(&self, metric: Metric) -> Result<f64, Unknown> {
        let snapshot = self.hub.snapshot();
        let site = snapshot.device("site").expect("the house is always there");
        site.number(metric, self.clock.now())
    }

    fn house_readings(&self) -> usize {
        self.heard.readings.lock().unwrap().iter().filter(|reading| reading.device.is_site()).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_metric_stays_announced_when_the_driver_forgets_it() {
    let scene = Scene::new(clock());
    let reporter = scene.hub.reporter();
    let mut info = DeviceInfo::new(id("a"), "fake", "192.0.2.7:30000");
    info.metrics = vec![Metric::BatterySoc, Metric::BatteryPower, Metric::BatterySoc];
    scene.hub.add(&reporter, info.clone()).await;
    info.metrics = vec![Metric::GridPower];
    reporter.report(Report::Info(info));
    scene.hub.ping().await;
    let metrics = scene.hub.snapshot().device("a").expect("added").info.metrics.clone();
    assert_eq!(metrics, [Metric::BatteryPower, Metric::BatterySoc, Metric::GridPower]);
    scene.stop.cancel();
}

/// A precondition that fails for a moment must not delete the entities; a driver that corrects itself is believed.
#[tokio::test(start_paused = true)]
async fn what_was_offered_stays_offered() {
    let scene = Scene::new(clock());
    let reporter = scene.hub.reporter();
    let setting = |metric| Setting { metric, allowed: Allowed::Range { min: 0.0, max: 100.0, step: 1.0 } };
    let modes = vec!["auto".to_owned(), "hold".to_owned()];
    let settings = vec![setting(Metric::ChargeCurrentMax), setting(Metric::GridChargeCurrentMax)];
    let mut info = DeviceInfo::new(id("a"), "fake", "192.0.2.7:30000");
    (info.modes, info.settings) = (modes.clone(), settings.clone());
    scene.hub.add(&reporter, info.clone()).await;
    (info.modes, info.settings) = (Vec::new(), Vec::new());
    reporter.report(Report::Info(info.clone()));
    scene.hub.ping().await;
    let shown = Arc::clone(&scene.hub.snapshot().device("a").expect("added").info);
    assert_eq!((&shown.modes, &shown.settings), (&modes, &settings));
    (info.modes, info.settings) = (modes[..1].to_vec(), settings[..1].to_vec());
    reporter.report(Report::Info(info.clone()));
    scene.hub.ping().await;
    let shown = Arc::clone(&scene.hub.snapshot().device("a").expect("added").info);
    assert_eq!((&shown.modes, &shown.settings), (&info.modes, &info.settings));
    scene.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn readings_reach_everybody_and_make_the_house() {
    let scene = Scene::new(clock());
    let (a, b) = (scene.battery("a").await, scene.battery("b").await);
    let mut updates = scene.hub.subscribe();
    a.report(scene.reading("a", 300.0));
    b.report(scene.reading("b", -100.0));
    scene.sleep(1).await;
    assert_eq!(scene.house(Metric::BatteryPower), Ok(200.0));
    assert_eq!(scene.house(Metric::LoadPower), Ok(400.0));
    assert_eq!(scene.heard.readings.lock().unwrap().iter().filter(|r| r.device == id("b")).count(), 1);
    let seen: Vec<_> = std::iter::from_fn(|| updates.try_recv().ok()).collect();
    assert!(
        seen.iter().any(|update| matches!(update, Update::Reading(reading) if reading.device == id("a")))
    );
}

#[tokio::test(start_paused = true)]
async fn the_house_becomes_unknown_when_a_member_is_too_old_without_any_report() {
    let scene = Scene::new(clock());
    let (a, b) = (scene.battery("a").await, scene.battery("b").await);
    a.report(scene.reading("a", 300.0));
    scene.sleep(10).await;
    b.report(scene.reading("b", -100.0));
    scene.sleep(19).await;
    assert_eq!(scene.house(Metric::BatteryPower), Ok(200.0));
    scene.sleep(2).await;
    let why = scene.house(Metric::BatteryPower).expect_err("a was read 31 s ago");
    assert_eq!(why.to_string(), "missing: battery_power of a (the last value is too old)");
    assert_eq!(scene.house(Metric::GridPower), Ok(200.0), "b still reads the meter");
}

#[tokio::test(start_paused = true)]
async fn the_house_is_not_computed_for_nothing() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    for _ in 0..100 {
        a.report(scene.reading("a", 300.0));
        scene.hub.ping().await;
    }
    scene.sleep(1).await;
    assert!((1..=3).contains(&scene.house_readings()), "{}", scene.house_readings());
    let before = scene.house_readings();
    scene.sleep(86_400).await;
    assert!(scene.house_readings() - before <= 2, "{}", scene.house_readings() - before);
}

#[tokio::test(start_paused = true)]
async fn changes_of_state_are_events_once() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    for (after, answers) in [(0, true), (5, true), (55, false), (300, false), (30, true)] {
        scene.sleep(after).await;
        a.report(Report::Online(id("a"), answers, scene.clock.now()));
    }
    let notice = |text: &str| Notice {
        code: "risky_firmware",
        severity: Severity::Warning,
        text: text.to_owned(),
        hint: "update it".to_owned(),
    };
    for list in [vec![notice("firmware 147")], vec![notice("firmware 148")], vec![]] {
        a.report(Report::Notices(id("a"), list));
    }
    scene.sleep(1).await;
    expect![[r#"
        device_online: a answers
        device_offline: a no longer answers at 192.0.2.7:30000
        device_online: a answers again after 5 min
        risky_firmware: a: firmware 147; update it
        risky_firmware: a: no longer: firmware 148"#]]
    .assert_eq(&scene.heard.event_texts().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn the_house_answers_while_any_device_does() {
    let scene = Scene::new(clock());
    let (a, b) = (scene.battery("a").await, scene.battery("b").await);
    let online = || scene.hub.snapshot().device("site").expect("always there").online;
    a.report(Report::Online(id("a"), false, scene.clock.now()));
    scene.sleep(1).await;
    assert_eq!(online(), Online::NotAskedYet, "b was not asked yet");
    b.report(Report::Online(id("b"), true, scene.clock.now()));
    scene.sleep(1).await;
    assert!(matches!(online(), Online::Yes(_)));
    b.report(Report::Online(id("b"), false, scene.clock.now()));
    scene.sleep(1).await;
    assert!(matches!(online(), Online::No(_)));
}

#[tokio::test(start_paused = true)]
async fn own_notices_stand_beside_the_drivers() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    let notice = |code| Notice { code, severity: Severity::Info, text: String::new(), hint: String::new() };
    scene.hub.notice(id("a"), "own", Some(notice("own"))).await;
    a.report(Report::Notices(id("a"), vec![notice("driver")]));
    scene.hub.ping().await;
    let codes = || -> Vec<_> {
        scene.hub.snapshot().device("a").expect("added").notices.iter().map(|notice| notice.code).collect()
    };
    assert_eq!(codes(), ["driver", "own"]);
    scene.hub.notice(id("a"), "own", None).await;
    scene.hub.ping().await;
    assert_eq!(codes(), ["driver"]);
}

#[tokio::test(start_paused = true)]
async fn a_removed_device_is_gone_and_its_late_reports_change_nothing() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    a.report(scene.reading("a", 300.0));
    scene.sleep(1).await;
    let mut updates = scene.hub.subscribe();
    scene.hub.remove(id("a")).await;
    a.report(scene.reading("a", 300.0));
    a.report(Report::Online(id("a"), true, scene.clock.now()));
    scene.sleep(1).await;
    assert!(scene.hub.snapshot().device("a").is_none());
    assert!(matches!(updates.try_recv(), Ok(Update::Removed(removed)) if removed == id("a")));
    assert!(scene.house(Metric::BatteryPower).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_burst_beyond_the_queue_loses_readings_but_no_state() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    scene.hub.ping().await;
    for _ in 0..QUEUE + 50 {
        a.report(scene.reading("a", 300.0));
    }
    a.report(Report::Online(id("a"), true, scene.clock.now()));
    assert_eq!(a.backlog().lost(), 50);
    scene.sleep(1).await;
    assert!(scene.hub.snapshot().device("a").expect("added").is_online());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_is_an_event() {
    let wall = Arc::new(AtomicI64::new(0));
    let source = Arc::clone(&wall);
    let scene =
        Scene::new(Arc::new(WallClock::following(move || UnixMillis(source.load(Ordering::Relaxed)))));
    scene.hub.ping().await;
    wall.store(7_500_000, Ordering::Relaxed);
    scene.hub.ping().await;
    scene.hub.ping().await;
    expect!["clock_jumped: the clock was set forward by 2 h 5 min; values before keep their old labels"]
        .assert_eq(&scene.heard.event_texts().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_stop_is_taken_in() {
    let scene = Scene::new(clock());
    let a = scene.battery("a").await;
    scene.hub.ping().await;
    a.report(scene.reading("a", 300.0));
    scene.stop.cancel();
    scene.tracker.close();
    scene.tracker.wait().await;
    assert!(scene.heard.readings.lock().unwrap().iter().any(|reading| reading.device == id("a")));
}

/// Drivers cannot tell anything of the house; who may, tells only what was announced, and until when it holds.
#[tokio::test(start_paused = true)]
async fn what_is_told_of_the_house_is_announced_holds_for_a_while_and_ends() {
    let scene = Scene::new(clock());
    let told = |price: f64| vec![(Metric::ImportPrice, Ok(Value::Number(price)))];
    let announced = || {
        let metrics =
            scene.hub.snapshot().device("site").expect("the house is always there").info.metrics.clone();
        metrics.contains(&Metric::ImportPrice)
    };
    let soon = |seconds| scene.clock.now().plus(Duration::from_secs(seconds));

    scene.hub.site(told(0.2), soon(60)).await;
    scene.hub.ping().await;
    assert!(!announced() && scene.house(Metric::ImportPrice) == Err(Unknown::NeverRead));

    scene.hub.site_metrics(vec![Metric::ImportPrice]).await;
    scene.hub.site(told(0.3), soon(60)).await;
    scene.battery("a").await.report(Report::Reading(Reading {
        device: DeviceId::site(),
        at: scene.clock.now(),
        values: told(9.0),
    }));
    scene.hub.ping().await;
    assert!(announced() && scene.house(Metric::ImportPrice) == Ok(0.3));
    // What is computed of the house and who comes and goes changes nothing of it.
    scene.sleep(59).await;
    assert!(announced() && scene.house(Metric::ImportPrice) == Ok(0.3));
    scene.hub.site(told(0.4), soon(60)).await;
    scene.sleep(30).await;
    assert_eq!(scene.house(Metric::ImportPrice), Ok(0.4));
    let before = scene.house_readings();
    scene.sleep(3_600).await;
    assert_eq!(scene.house(Metric::ImportPrice), Err(Unknown::Stale));
    assert_eq!(scene.house_readings(), before + 1, "its end is told, and that once");

    scene.hub.site_metrics(Vec::new()).await;
    scene.hub.ping().await;
    assert!(!announced() && scene.house(Metric::ImportPrice) == Err(Unknown::NeverRead));
    scene.stop.cancel();
}
