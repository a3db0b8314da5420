//! The store as a source of sinks, on a real disk.

use std::path::Path;
use std::time::Duration;

use ohmstead_model::Clock;
use ohmstead_model::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::data_dir::Holder;
use crate::hub::Listener as _;
use crate::store::HistoryConfig;
use crate::testing::{START, clock, id};

struct Scene {
    clock: Arc<dyn Clock>,
    store: Store,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Scene {
    fn new(dir: &Path) -> Self {
        let (clock, stop, tracker) = (clock(), CancellationToken::new(), TaskTracker::new());
        let store = Store::open(dir.to_owned(), HistoryConfig::of(None), Holder::Daemon).expect("it opens");
        tracker.spawn(store.clone().run(Arc::clone(&clock), stop.clone()));
        Self { clock, store, stop, tracker }
    }

    fn read(&self, device: &str, at: Moment, metric: Metric, value: f64) {
        let values = vec![(metric, Ok(Value::Number(value)))];
        self.store.reading(&Arc::new(Reading { device: id(device), at, values }));
    }

    async fn minute(&self) {
        self.clock.sleep(Duration::from_secs(61)).await;
    }

    fn kept(&self) -> String {
        self.store.state_now("sinks/a").unwrap_or_default()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn pick(yaml: &str) -> Arc<Pick> {
    let settings = ohmstead_config::parse(
        &format!("site: {{ timezone: UTC }}\ndevices: {{}}\nsinks: {{ a: {{ postgresql: {yaml} }} }}"),
        "test.yaml",
        &|_| None,
    );
    Arc::new(Pick::of(settings.expect("valid").sinks[0].1.common()))
}

fn span(from: i64, to: i64) -> Span {
    Span { from: UnixMillis(START.0 + from), to: UnixMillis(START.0 + to) }
}

#[tokio::test(start_paused = true)]
async fn spans_are_read_as_they_are_picked() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::new(folder.path());
    let start = scene.clock.now();
    for second in 0..100 {
        let at = start.plus(Duration::from_secs(second));
        scene.read("a", at, Metric::BatterySoc, 50.0);
        scene.read("b", at, Metric::BatteryPower, -5.0);
    }
    let values = |yaml, span, most| scene.store.values(pick(yaml), span, most);
    assert_eq!(values("{}", span(0, 100_000), 200).await.expect("all").len(), 200);
    assert!(matches!(values("{}", span(0, 100_000), 199).await, Err(NoValues::TooMany)));
    let some = values("{ devices: [a], metrics: ['battery_*'] }", span(1000, 3000), 200).await.expect("two");
    let point = |second: i64| Point {
        at: UnixMillis(START.0 + second * 1000),
        device: id("a"),
        metric: Metric::BatterySoc,
        value: Value::Number(50.0),
    };
    assert_eq!(some, [point(1), point(2)]);
    assert_eq!(scene.store.oldest().await.expect("readable"), Some(START));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_late_is_kept_before_it_is_durable_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::new(folder.path());
    let cursors = Source::cursors(&scene.store).expect("it is open");
    cursors.load("sinks/a", &format!("{{\"until\":{}}}", START.0 + 1000));
    scene.minute().await;
    scene.read("a", scene.clock.now(), Metric::BatterySoc, 1.0);
    scene.minute().await;
    assert!(!scene.kept().contains("[["), "what is new is not late: {}", scene.kept());
    let late = Moment { unix: UnixMillis(START.0 - 5), ..scene.clock.now() };
    scene.read("a", late, Metric::BatterySoc, 2.0);
    scene.minute().await;
    let expected = format!("\"late\":[[{},{}]]", START.0 - 5, START.0 - 4);
    assert!(scene.kept().contains(&expected), "{}", scene.kept());
    scene.stop().await;
    let scene = Scene::new(folder.path());
    let cursors = Source::cursors(&scene.store).expect("it is open");
    assert_eq!(cursors.unsaved(Duration::ZERO, true), [], "it is what the store has");
    assert!(scene.kept().contains(&expected));
    assert_eq!(scene.store.oldest().await.expect("readable"), Some(late.unix));
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_not_open_has_no_cursors() {
    let store = Store::nowhere("no place".to_owned());
    assert!(Source::cursors(&store).is_none());
    assert!(matches!(store.values(pick("{}"), span(0, 1), 1).await, Err(NoValues::Unavailable(_))));
}
