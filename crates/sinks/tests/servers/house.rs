//! A history in memory, and a sink that runs on it as fast as it can: each pause passes at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ohmstead_model::{Clock, Metric, Moment, Sleep, UnixMillis, Value};
use ohmstead_sinks::{Cursors, Links, NoValues, Pick, Point, Settings, Source, Span, Status, run};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// 2026-11-21T08:00:00Z.
pub(crate) const START: i64 = 1_795_248_000_000;

/// How long a real server may take for what a test asks.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits pass at once; limits of a request do not pass at all, for an answer over a socket takes real time.
pub(crate) struct Fast {
    mono: Arc<AtomicU64>,
    start: UnixMillis,
}

impl Clock for Fast {
    fn now(&self) -> Moment {
        let mono = Duration::from_millis(self.mono.load(Ordering::Relaxed));
        Moment { mono, unix: self.start.plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span == Duration::from_secs(60) {
            return std::future::pending().boxed();
        }
        let mono = Arc::clone(&self.mono);
        let millis = u64::try_from(span.as_millis()).expect("short");
        async move {
            tokio::task::yield_now().await;
            mono.fetch_add(millis, Ordering::Relaxed);
        }
        .boxed()
    }
}

/// The history.
#[derive(Default)]
pub(crate) struct House {
    points: Mutex<Vec<Point>>,
    cursors: Arc<Cursors>,
}

impl Source for House {
    fn cursors(&self) -> Option<Arc<Cursors>> {
        Some(Arc::clone(&self.cursors))
    }

    fn oldest(&self) -> BoxFuture<'_, Result<Option<UnixMillis>, NoValues>> {
        let oldest = self.points.lock().expect("sound").iter().map(|point| point.at).min();
        async move { Ok(oldest) }.boxed()
    }

    fn values(
        &self,
        pick: Arc<Pick>,
        span: Span,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<Point>, NoValues>> {
        let points = self.points.lock().expect("sound");
        let picked = points.iter().filter(|point| {
            (span.from..span.to).contains(&point.at)
                && pick.device(&point.device)
                && pick.metric(point.metric)
        });
        let picked: Vec<_> = picked.cloned().collect();
        async move { if picked.len() > most { Err(NoValues::TooMany) } else { Ok(picked) } }.boxed()
    }
}

pub(crate) fn point(at: i64, device: &str, metric: Metric, value: Value) -> Point {
    Point { at: UnixMillis(at), device: device.parse().expect("a name"), metric, value }
}

/// An hour of a house: two devices, a power each 10 s with jitter, a counter and a state each minute, a text once.
pub(crate) fn an_hour() -> Vec<Point> {
    let mut points = Vec::new();
    for second in (0..3600).step_by(10) {
        let at = START + second * 1000 + (second * 7919) % 300;
        for (device, factor) in [("garage", 1.0), ("cellar", -0.5)] {
            points.push(point(at, device, Metric::BatteryPower, Value::Number(second as f64 * factor)));
            if second % 60 == 0 {
                points.push(point(
                    at,
                    device,
                    Metric::GridImportEnergy,
                    Value::Number(second as f64 / 100.0),
                ));
                let mode = if second < 1800 { "auto" } else { "hold" };
                points.push(point(at, device, Metric::BatteryMode, Value::State(mode)));
            }
        }
    }
    points.push(point(
        START + 5000,
        "cellar",
        Metric::BatteryModeNative,
        Value::text("it's \"UPS\", \\o/\tok"),
    ));
    points
}

impl House {
    pub(crate) fn with(points: Vec<Point>) -> Arc<Self> {
        Arc::new(Self { points: Mutex::new(points), cursors: Arc::default() })
    }

    /// A value comes, maybe late.
    pub(crate) fn store(&self, point: Point) {
        self.cursors.stored(Span::moment(point.at));
        let mut points = self.points.lock().expect("sound");
        points.retain(|old| (old.at, &old.device, old.metric) != (point.at, &point.device, point.metric));
        points.push(point);
    }

    /// As after a crash: the cursor is where it was at the beginning.
    pub(crate) fn forget_all_answers(&self, sink: &str) {
        self.cursors.load(&format!("{}{sink}", Cursors::prefix()), &format!("{{\"until\":{START}}}"));
    }

    pub(crate) fn len(&self) -> u64 {
        self.points.lock().expect("sound").len() as u64
    }
}

/// A sink that runs.
pub(crate) struct Sink {
    pub(crate) status: watch::Receiver<Status>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Sink {
    /// Starts with the oldest value, two hours after it.
    pub(crate) fn start(name: &str, yaml: &str, house: &Arc<House>) -> Self {
        let settings: Settings = serde_saphyr::from_str(yaml).expect("settings");
        ohmstead_sinks::check(name, &settings).expect("they can work");
        let (sender, status) = watch::channel(Status::default());
        let clock = Arc::new(Fast { mono: Arc::default(), start: UnixMillis(START + 7_200_000) });
        let links = Links { source: Arc::clone(house) as _, clock, status: sender };
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(run(name.to_owned(), settings, links, stop.clone()));
        Self { status, stop, tracker }
    }

    pub(crate) async fn until(&mut self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let waited = tokio::time::timeout(PATIENCE, self.status.wait_for(wanted)).await;
        waited.expect("in time").expect("the sink runs").clone()
    }

    /// Until everything was acknowledged.
    pub(crate) async fn caught_up(&mut self) -> Status {
        self.until(|status| status.behind.is_some_and(|behind| behind < Duration::from_secs(30))).await
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
