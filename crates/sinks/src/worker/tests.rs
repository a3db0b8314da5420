//! A sink against a house and a target of which everything can go wrong, under paused time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ohmstead_model::{DeviceId, Metric, Moment, Sleep, UnixMillis, Value};
use proptest::prelude::*;
use rstest::rstest;
use tokio_util::task::TaskTracker;

use super::*;
use crate::target::Failure;

/// 2026-11-21T08:00:00Z.
const START: i64 = 1_795_248_000_000;
const DAY: Duration = Duration::from_secs(86_400);

/// A clock on tokio's paused time.
struct Paused {
    origin: tokio::time::Instant,
}

impl Clock for Paused {
    fn now(&self) -> Moment {
        let mono = self.origin.elapsed();
        Moment { mono, unix: UnixMillis(START).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

type Key = (DeviceId, Metric, UnixMillis);

/// The history: what is stored, and what a crash would find.
#[derive(Default)]
struct House {
    stored: Mutex<BTreeMap<Key, Value>>,
    cursors: Mutex<Option<Arc<Cursors>>>,
    kept: Mutex<BTreeMap<String, String>>,
    too_many: Mutex<Option<usize>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics with it")
}

impl House {
    /// Opens the history again after a crash.
    fn open(&self) {
        let cursors = Cursors::default();
        locked(&self.kept).iter().for_each(|(key, text)| cursors.load(key, text));
        *locked(&self.cursors) = Some(Arc::new(cursors));
    }

    fn now_open(&self) -> Arc<Cursors> {
        locked(&self.cursors).clone().expect("it is open")
    }

    fn store(&self, device: &str, at: UnixMillis, number: f64) {
        self.now_open().stored(Span::moment(at));
        let device = device.parse().expect("a name");
        locked(&self.stored).insert((device, Metric::BatterySoc, at), Value::Number(number));
    }

    fn commit(&self, now: Duration) {
        let cursors = self.now_open();
        for unsaved in cursors.unsaved(now, false) {
            locked(&self.kept).insert(unsaved.key.clone(), unsaved.text.clone());
            cursors.saved(unsaved, now);
        }
    }
}

impl Source for House {
    fn cursors(&self) -> Option<Arc<Cursors>> {
        locked(&self.cursors).clone()
    }

    fn oldest(&self) -> BoxFuture<'_, Result<Option<UnixMillis>, NoValues>> {
        let oldest = locked(&self.stored).keys().map(|(.., at)| *at).min();
        async move { Ok(oldest) }.boxed()
    }

    fn values(
        &self,
        pick: Arc<Pick>,
        span: Span,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<Point>, NoValues>> {
        let most = locked(&self.too_many).unwrap_or(most);
        let stored = locked(&self.stored);
        let within = stored.iter().filter(|((device, metric, at), _)| {
            (span.from..span.to).contains(at) && pick.device(device) && pick.metric(*metric)
        });
        let points: Vec<_> = within
            .map(|((device, metric, at), value)| Point {
                at: *at,
                device: device.clone(),
                metric: *metric,
                value: value.clone(),
            })
            .collect();
        async move { if points.len() > most { Err(NoValues::TooMany) } else { Ok(points) } }.boxed()
    }
}

/// The other side, and what it does with a batch.
#[derive(Default)]
struct Far {
    has: Mutex<BTreeMap<Key, Value>>,
    requests: Mutex<Vec<usize>>,
    down: AtomicBool,
    /// Takes a batch and dies before it says so.
    silent: AtomicBool,
    refuses_all: AtomicBool,
    refused: Mutex<BTreeSet<UnixMillis>>,
    batch_max: Mutex<Option<usize>>,
}

impl Far {
    fn take(&self, points: &[Point]) -> Result<(), Failure> {
        let refused = |why: &str| Failure::Refused { why: why.to_owned(), only: None, of_age: false };
        locked(&self.requests).push(points.len());
        if self.down.load(Ordering::Relaxed) {
            return Err(Failure::later("nothing answers"));
        }
        if locked(&self.batch_max).is_some_and(|most| points.len() > most) {
            return Err(Failure::TooLarge("too large".to_owned()));
        }
        if self.refuses_all.load(Ordering::Relaxed) {
            return Err(refused("what is this?"));
        }
        if points.iter().any(|point| locked(&self.refused).contains(&point.at)) {
            return Err(refused("bad value"));
        }
        for point in points {
            let key = (point.device.clone(), point.metric, point.at);
            locked(&self.has).insert(key, point.value.clone());
        }
        if self.silent.load(Ordering::Relaxed) {
            return Err(Failure::later("the connection was lost"));
        }
        Ok(())
    }
}

struct Line(Arc<Far>);

impl Target for Line {
    fn send<'a>(&'a mut self, points: &'a [Point]) -> BoxFuture<'a, Result<(), Failure>> {
        async move { self.0.take(points) }.boxed()
    }
}

struct Scene {
    clock: Arc<Paused>,
    house: Arc<House>,
    far: Arc<Far>,
    status: watch::Receiver<Status>,
    stop: CancellationToken,
    tracker: TaskTracker,
    settings: Settings,
}

impl Scene {
    fn new(yaml: &str) -> Self {
        let house = Arc::new(House::default());
        house.open();
        let scene = Self {
            clock: Arc::new(Paused { origin: tokio::time::Instant::now() }),
            house,
            far: Arc::default(),
            status: watch::channel(Status::default()).1,
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            settings: Settings::Influxdb(serde_saphyr::from_str(yaml).expect("settings")),
        };
        scene.start()
    }

    fn start(mut self) -> Self {
        let (status, watched) = watch::channel(Status::default());
        self.status = watched;
        self.stop = CancellationToken::new();
        let links =
            Links { source: Arc::clone(&self.house) as _, clock: Arc::clone(&self.clock) as _, status };
        let target = Box::new(Line(Arc::clone(&self.far)));
        let worker = Worker::new("a".to_owned(), &self.settings, links, target);
        self.tracker.spawn(worker.run(self.stop.clone()));
        self
    }

    /// The process dies: what was not kept is gone.
    async fn crash(self) -> Self {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
        self.house.open();
        self.start()
    }

    fn now(&self) -> UnixMillis {
        self.clock.now().unix
    }

    async fn wait(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    /// Readings every `every` for `span`, and commits of the store.
    async fn live(&self, span: Duration, every: Duration) {
        let until = self.clock.now().mono + span;
        while self.clock.now().mono < until {
            self.house.store("a", self.now(), self.now().0 as f64);
            self.house.commit(self.clock.now().mono);
            self.wait(every).await;
        }
    }

    fn stored(&self) -> BTreeMap<Key, Value> {
        locked(&self.house.stored).clone()
    }

    fn arrived(&self) -> BTreeMap<Key, Value> {
        locked(&self.far.has).clone()
    }

    fn status(&self) -> Status {
        self.status.borrow().clone()
    }
}

const TEN: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn what_comes_is_sent_within_seconds() {
    let scene = Scene::new("{}");
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(600), Duration::from_secs(5)).await;
    let behind = scene.status().behind.expect("it looked");
    assert!(behind <= TEN * 2, "{behind:?}");
    scene.wait(TEN * 2).await;
    assert_eq!(scene.arrived(), scene.stored());
    assert_eq!(scene.status().sent, 120);
    assert!(locked(&scene.far.requests).len() <= 62, "one request each ten seconds");
}

#[tokio::test(start_paused = true)]
async fn ten_days_of_outage_are_caught_up_oldest_first() {
    let scene = Scene::new("{ catch_up_per_s: 100 }");
    scene.wait(TEN).await;
    scene.far.down.store(true, Ordering::Relaxed);
    scene.live(10 * DAY, Duration::from_secs(60)).await;
    assert_eq!(scene.status().trouble.as_deref(), Some("nothing answers"));
    assert!(scene.status().behind.expect("it looked") > 9 * DAY);
    let tries = locked(&scene.far.requests).len();
    assert!((2880..6000).contains(&tries), "every few minutes: {tries}");
    scene.far.down.store(false, Ordering::Relaxed);
    locked(&scene.far.requests).clear();
    // 14,400 values at 100 a second, and the last pause.
    scene.wait(Duration::from_secs(144 + 300 + 20)).await;
    assert_eq!(scene.arrived(), scene.stored());
    assert_eq!(scene.status().trouble, None);
    assert!(locked(&scene.far.requests).len() < 100, "days at once, not minutes");
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_answer_and_the_cursor_sends_again_and_leaves_no_gap() {
    let scene = Scene::new("{}");
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(900), TEN).await;
    scene.far.silent.store(true, Ordering::Relaxed);
    scene.live(Duration::from_secs(60), TEN).await;
    let scene = scene.crash().await;
    scene.live(Duration::from_secs(60), TEN).await;
    scene.far.silent.store(false, Ordering::Relaxed);
    scene.wait(Duration::from_secs(400)).await;
    assert_eq!(scene.arrived(), scene.stored());
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_late_is_sent_too_also_after_a_crash() {
    let scene = Scene::new("{}");
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(900), TEN).await;
    let year_ago = UnixMillis(START).minus(365 * DAY);
    for day in 0..30 {
        scene.house.store("imported", year_ago.plus(day * DAY), f64::from(day));
    }
    scene.house.commit(scene.clock.now().mono);
    let scene = scene.crash().await;
    scene.live(Duration::from_secs(120), TEN).await;
    scene.wait(Duration::from_secs(60)).await;
    assert_eq!(scene.arrived(), scene.stored());
    assert!(scene.status().behind.expect("it looked") < TEN * 3);
}

#[rstest]
#[case("{ from: now }", 0)]
#[case("{ from: all }", 5)]
#[tokio::test(start_paused = true)]
async fn the_first_start(#[case] yaml: &str, #[case] expected: usize) {
    let scene = Scene::new(yaml);
    for day in 1..=5 {
        scene.house.store("a", UnixMillis(START).minus(day * DAY), 1.0);
    }
    scene.wait(Duration::from_secs(60)).await;
    assert_eq!(scene.arrived().len(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_bad_value_is_skipped_and_the_others_arrive() {
    let scene = Scene::new("{}");
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(100), TEN).await;
    scene.wait(TEN * 2).await;
    let bad = scene.now().plus(Duration::from_secs(3));
    scene.wait(TEN).await;
    locked(&scene.far.refused).insert(bad);
    scene.house.store("a", bad, 7.0);
    scene.live(Duration::from_secs(100), TEN).await;
    scene.wait(TEN * 2).await;
    let mut expected = scene.stored();
    expected.retain(|(.., at), _| *at != bad);
    assert_eq!(scene.arrived(), expected);
    assert_eq!((scene.status().refused, scene.status().trouble), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_everything_from_the_start_loses_nothing() {
    let scene = Scene::new("{}");
    scene.far.refuses_all.store(true, Ordering::Relaxed);
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(3600), TEN).await;
    assert_eq!(scene.status().trouble.as_deref(), Some("it refuses everything: what is this?"));
    scene.far.refuses_all.store(false, Ordering::Relaxed);
    scene.wait(Duration::from_secs(400)).await;
    assert_eq!(scene.arrived(), scene.stored());
    assert_eq!(scene.status().refused, 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_span_of_bad_values_does_not_hold_it_up_for_ever() {
    let scene = Scene::new("{}");
    scene.wait(TEN).await;
    for second in 0..120 {
        let at = scene.now().plus(Duration::from_secs(second));
        locked(&scene.far.refused).insert(at);
        scene.house.store("a", at, 1.0);
    }
    scene.wait(Duration::from_secs(130)).await;
    scene.live(Duration::from_secs(1200), TEN).await;
    scene.wait(Duration::from_secs(400)).await;
    assert_eq!(scene.arrived().len(), 120);
    assert_eq!(scene.status().refused, 120);
}

#[tokio::test(start_paused = true)]
async fn batches_shrink_to_what_is_taken_and_spans_to_what_is_read() {
    let scene = Scene::new("{ max_batch: 1000 }");
    *locked(&scene.far.batch_max) = Some(7);
    *locked(&scene.house.too_many) = Some(50);
    scene.far.down.store(true, Ordering::Relaxed);
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(1000), Duration::from_secs(1)).await;
    scene.far.down.store(false, Ordering::Relaxed);
    locked(&scene.far.requests).clear();
    scene.wait(Duration::from_secs(500)).await;
    assert_eq!(scene.arrived(), scene.stored());
    let too_large = locked(&scene.far.requests).iter().filter(|points| **points > 7).count();
    assert!(too_large < 10, "what is too large is found out once: {too_large}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_for_while_the_store_is_not_open() {
    let scene = Scene::new("{}");
    *locked(&scene.house.cursors) = None;
    scene.wait(TEN * 3).await;
    assert_eq!(scene.status().trouble.as_deref(), Some("the history is not open"));
    scene.house.open();
    scene.wait(TEN * 3).await;
    scene.live(Duration::from_secs(60), TEN).await;
    scene.wait(TEN * 2).await;
    assert_eq!((scene.arrived(), scene.status().trouble), (scene.stored(), None));
}

#[test]
fn time_stamps_are_snapped_and_the_last_of_each_stays() {
    let point = |at, device: &str, number| Point {
        at: UnixMillis(at),
        device: device.parse().expect("a name"),
        metric: Metric::BatterySoc,
        value: Value::Number(number),
    };
    let points = vec![
        point(1999, "a", 2.0),
        point(1001, "a", 1.0),
        point(2000, "a", 3.0),
        point(1500, "b", 4.0),
        point(-1, "b", 0.0),
    ];
    let expected =
        vec![point(-1000, "b", 0.0), point(1000, "a", 2.0), point(1000, "b", 4.0), point(2000, "a", 3.0)];
    assert_eq!(snapped(points.clone(), Duration::from_secs(1)), expected);
    assert_eq!(snapped(points, Duration::ZERO).len(), 5, "nothing is lost unasked");
}

#[derive(Debug, Clone)]
enum Fault {
    Live(u64),
    Late { ago_s: u64, count: u64 },
    Down(bool),
    Silent(bool),
    BatchMax(Option<usize>),
    Refuse,
    Crash,
    Wait(u64),
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        4 => (1u64..2000).prop_map(Fault::Live),
        2 => (1u64..5_000_000, 1u64..20).prop_map(|(ago_s, count)| Fault::Late { ago_s, count }),
        2 => any::<bool>().prop_map(Fault::Down),
        1 => any::<bool>().prop_map(Fault::Silent),
        1 => prop::option::of(1usize..20).prop_map(Fault::BatchMax),
        1 => Just(Fault::Refuse),
        2 => Just(Fault::Crash),
        2 => (1u64..3000).prop_map(Fault::Wait),
    ];
    prop::collection::vec(fault, 1..14)
}

async fn suffer(mut scene: Scene, faults: Vec<Fault>) -> Scene {
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(100), TEN).await;
    for fault in faults {
        match fault {
            Fault::Live(seconds) => scene.live(Duration::from_secs(seconds), TEN).await,
            Fault::Late { ago_s, count } => {
                for step in 0..count {
                    let at =
                        scene.now().minus(Duration::from_secs(ago_s)).plus(Duration::from_millis(step * 777));
                    scene.house.store("late", at, step as f64);
                }
                scene.house.commit(scene.clock.now().mono);
            }
            Fault::Down(down) => scene.far.down.store(down, Ordering::Relaxed),
            Fault::Silent(silent) => scene.far.silent.store(silent, Ordering::Relaxed),
            Fault::BatchMax(most) => *locked(&scene.far.batch_max) = most,
            Fault::Refuse => {
                let bad = scene.now();
                locked(&scene.far.refused).insert(bad);
                scene.house.store("bad", bad, 0.0);
            }
            Fault::Crash => scene = scene.crash().await,
            Fault::Wait(seconds) => scene.wait(Duration::from_secs(seconds)).await,
        }
    }
    scene.far.down.store(false, Ordering::Relaxed);
    scene.far.silent.store(false, Ordering::Relaxed);
    // One good value more, so that a sink that has just started knows that bad ones are no fault of the settings.
    scene.wait(TEN).await;
    scene.live(Duration::from_secs(100), TEN).await;
    scene.wait(Duration::from_secs(4000)).await;
    scene
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever happens: in the end the other side has every value that it does not refuse, under its time, and no other.
    #[test]
    fn nothing_is_lost_and_nothing_is_made_up(faults in faults()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let scene = runtime.block_on(async { suffer(Scene::new("{}"), faults).await });
        let mut expected = scene.stored();
        expected.retain(|(.., at), _| !locked(&scene.far.refused).contains(at));
        prop_assert_eq!(scene.arrived(), expected);
    }
}
