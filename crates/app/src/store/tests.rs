//! The store on real disks, under paused time.

use std::time::Duration;

use ohmstead_model::{Clock, Metric, Outcome, Resolution, Severity, UnixMillis, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::data_dir::Holder;
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
        let store = Store::open(dir.to_owned(), HistoryConfig::of(None), Holder::Daemon).unwrap();
        tracker.spawn(store.clone().run(Arc::clone(&clock), stop.clone()));
        Self { clock, store, stop, tracker }
    }

    async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn read(&self, soc: f64) {
        let values = vec![(Metric::BatterySoc, Ok(Value::Number(soc)))];
        self.store.reading(&Arc::new(Reading { device: id("a"), at: self.clock.now(), values }));
    }

    async fn points(&self) -> usize {
        let query = SeriesQuery {
            device: id("a"),
            metric: Metric::BatterySoc,
            from: UnixMillis(0),
            to: UnixMillis(i64::MAX),
            resolution: Resolution::Raw,
        };
        match self.store.range(query).await.unwrap().points {
            ohmstead_model::Points::Raw(points) => points.len(),
            ohmstead_model::Points::Buckets(_) => panic!("raw was asked"),
        }
    }
}

fn event(text: &str) -> Event {
    Event {
        id: 0,
        at: START,
        severity: Severity::Info,
        device: None,
        code: "test".to_owned(),
        text: text.to_owned(),
    }
}

fn row() -> LedgerEntry {
    LedgerEntry {
        id: 0,
        at: START,
        device: id("a"),
        asked_by: "cli".to_owned(),
        request: "auto".to_owned(),
        old: None,
        new: None,
        reply: None,
        read_back: None,
        effect: None,
        outcome: Outcome::DryRun,
        reason: "a test".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_there_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path());
    scene.read(50.0);
    scene.store.event(event("it happened"));
    assert_eq!(scene.store.append_ledger(row()).await, Ok(1));
    scene.store.put_state("key".to_owned(), "value".to_owned()).await.unwrap();
    assert_eq!(scene.points().await, 1, "visible before it is durable");
    scene.stop().await;
    let scene = Scene::new(folder.path());
    assert_eq!(scene.points().await, 1);
    assert_eq!(scene.store.events(10).await.unwrap()[0].text, "it happened");
    assert_eq!(scene.store.ledger(10).await.unwrap()[0].reason, "a test");
    assert_eq!(scene.store.state_now("key").as_deref(), Some("value"));
}

#[tokio::test(start_paused = true)]
async fn commits_come_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path());
    scene.read(50.0);
    scene.sleep(30).await;
    assert_eq!(scene.store.stats().await.unwrap().waiting, 1);
    scene.sleep(31).await;
    assert_eq!(scene.store.stats().await.unwrap().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path());
    let refused =
        Store::open(folder.path().to_owned(), HistoryConfig::of(None), Holder::Daemon).err().expect("in use");
    assert!(matches!(refused, DataDirError::InUse { .. }), "{refused}");
    assert_eq!(scene.store.dir(), Some(folder.path()));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_comes_later_is_used_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, in_the_way) = (folder.path().join("disk/data"), folder.path().join("disk"));
    std::fs::write(&in_the_way, "").unwrap();
    let scene = Scene::new(&dir);
    let mut trouble = scene.store.trouble();
    assert!(trouble.borrow_and_update().as_deref().unwrap().starts_with("cannot create the data directory"));
    scene.read(50.0);
    scene.store.event(event("before the disk came"));
    assert!(scene.store.append_ledger(row()).await.is_err());
    assert!(matches!(scene.store.events(1).await, Err(HistoryError::Unavailable(_))));
    assert_eq!((scene.store.dir(), scene.store.place()), (None, Some(dir.as_path())), "it may be read");
    scene.sleep(61).await;
    assert!(!trouble.has_changed().unwrap(), "the same trouble is told once");
    std::fs::remove_file(&in_the_way).unwrap();
    scene.sleep(61).await;
    assert_eq!(*trouble.borrow_and_update(), None);
    assert_eq!(scene.store.events(1).await.unwrap()[0].text, "before the disk came");
    assert_eq!(scene.store.ledger(1).await.unwrap().len(), 1, "the row was kept");
    assert_eq!(scene.store.lost(), 1);
    assert_eq!(scene.store.dir(), Some(dir.as_path()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_keeps_nothing_says_why() {
    let store = Store::nowhere("no place for data".to_owned());
    let refused = store.ledger(1).await.unwrap_err();
    assert_eq!(refused, HistoryError::Unavailable("no place for data".to_owned()));
    assert_eq!(
        store.put_state(String::new(), String::new()).await,
        Err(NotDurable("no place for data".to_owned()))
    );
}

#[test]
fn what_waits_for_a_disk_is_bounded() {
    let store = Store::nowhere(String::new());
    for number in 0..UNSAVED + 5 {
        store.event(event(&number.to_string()));
    }
    let unsaved = locked(&store.inner.unsaved);
    assert_eq!((unsaved.events.len(), unsaved.events[0].text.as_str()), (UNSAVED, "5"));
}

#[tokio::test(start_paused = true)]
async fn stored_prices_keep_the_currency_of_the_site_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "site: { timezone: UTC }\ndevices: {}\ntariffs: { import: { fixed: 0.25 GBP/kWh } }";
    let config = ohmstead_config::parse(yaml, "test.yaml", &|_| None).unwrap();
    let unit_of = async |config: Option<&Config>| {
        let store = Store::open(folder.path().to_owned(), HistoryConfig::of(config), Holder::Verb).unwrap();
        let values = vec![(Metric::ImportPrice, Ok(Value::Number(0.25)))];
        let at = ohmstead_model::Moment { unix: START, ..Default::default() };
        store.backfill(vec![Reading { device: DeviceId::site(), at, values }]).await.unwrap();
        let series = store.stored_series().await.unwrap();
        let asked = store.metric("import_price").unwrap();
        [series[0].metric, asked].map(|metric| metric.def().unit.unwrap().symbol())
    };
    assert_eq!(unit_of(Some(&config)).await, ["GBP/kWh"; 2]);
    assert_eq!(unit_of(Some(&config)).await, ["GBP/kWh"; 2]);
    // Without the configuration nobody knows what money it is: none is named.
    assert_eq!(unit_of(None).await, ["/kWh"; 2]);
}
