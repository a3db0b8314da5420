//! Days of the present under virtual time: what is told, when, and how often it is stored.

use std::collections::BTreeMap;

use ohmstead_model::{Band, Reading, TempoColour};
use ohmstead_outlook::Sourced;
use ohmstead_tariff::tempo::PriceTable;
use rstest::rstest;
use tokio_util::task::TaskTracker;

use super::*;
use crate::clock::WallClock;
use crate::testing::Heard;

const HOUR: Duration = Duration::from_secs(3600);

/// 2026-10-25 in Paris begins, a day of 25 hours.
const LONG_DAY: UnixMillis = UnixMillis(1_792_879_200_000);
/// 2026-03-29 in Paris begins, a day of 23 hours.
const SHORT_DAY: UnixMillis = UnixMillis(1_774_738_800_000);

const MARKET: &str = "tariffs: { import: { market: { add: 0.1 } }, export: { market: {} }, market: { energy_charts: { zone: FR } } }";
const AGILE: &str =
    "tariffs: { import: { market: {} }, market: { octopus: { product: AGILE-24-10-01, region: A } } }";

fn site(yaml: &str) -> Site {
    let yaml = format!(
        "site: {{ timezone: Europe/Paris }}\ndevices: {{ a: {{ marstek: {{ host: 192.0.2.7 }} }} }}\n{yaml}"
    );
    Site::of(&ohmstead_config::parse(&yaml, "test.yaml", &|_| None).expect("a valid configuration"))
}

/// A house that is told what is known of its present.
struct Scene {
    clock: Arc<dyn Clock>,
    hub: Hub,
    heard: Arc<Heard>,
    site: watch::Sender<Site>,
    outlook: watch::Sender<Arc<Outlook>>,
    tempo: watch::Sender<Option<Arc<Tempo>>>,
    shown: watch::Sender<Arc<Shown>>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Scene {
    async fn at(start: UnixMillis, yaml: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(WallClock::scaled(start, 1.0));
        let heard = Arc::new(Heard::default());
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::clone(&heard) as _);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(hub_loop.run(CancellationToken::new()));
        let scene = Self {
            clock,
            hub,
            heard,
            site: watch::Sender::new(site(yaml)),
            outlook: watch::Sender::default(),
            tempo: watch::Sender::default(),
            shown: watch::Sender::default(),
            stop,
            tracker,
        };
        let parts = Parts {
            clock: Arc::clone(&scene.clock),
            hub: scene.hub.clone(),
            site: scene.site.subscribe(),
            outlook: scene.outlook.subscribe(),
            tempo: scene.tempo.subscribe(),
            shown: scene.shown.subscribe(),
        };
        scene.tracker.spawn(Present::begin(parts).await.run(scene.stop.clone()));
        scene
    }

    async fn sleep(&self, span: Duration) {
        self.clock.sleep(span).await;
        self.hub.ping().await;
    }

    /// The market of the hours from `start` on, each dearer by a cent.
    fn publish(&self, start: UnixMillis, hours: u32, currency: &str) {
        let sourced = |hour: u32| Sourced {
            value: 0.01 * f64::from(hour),
            source: Arc::from("test"),
            fetched_at: start,
            is_stale: false,
        };
        let slots = (0..hours).map(|hour| (TimeSpan::lasting(start.plus(HOUR * hour), HOUR), sourced(hour)));
        let series = BTreeMap::from([(Quantity::SpotPrice, Timeline::of(slots))]);
        let currency = Some(currency.to_owned());
        self.outlook.send_replace(Arc::new(Outlook { series, currency, ..Outlook::default() }));
    }

    fn value(&self, metric: Metric) -> Observation {
        let snapshot = self.hub.snapshot();
        let site = snapshot.device("site").expect("the house is always there");
        site.value(metric, self.clock.now()).map(|known| known.value.clone())
    }

    fn number(&self, metric: Metric) -> Option<f64> {
        self.value(metric).ok()?.number().map(|number| metric.round(number))
    }

    fn why(&self, metric: Metric) -> String {
        self.value(metric).expect_err("it is not known").to_string()
    }

    /// What the store was given of a metric.
    fn stored(&self, metric: Metric) -> Vec<(UnixMillis, Value)> {
        let readings = self.heard.readings.lock().expect("whole");
        let of = |reading: &Arc<Reading>| {
            let found = reading.values.iter().find(|(other, _)| *other == metric)?.1.clone();
            Some((reading.at.unix, found.ok()?))
        };
        readings.iter().filter_map(of).collect()
    }
}

#[rstest]
#[case::of_25_hours(LONG_DAY, 25)]
#[case::of_23_hours(SHORT_DAY, 23)]
#[case::of_24_hours(LONG_DAY.plus(Duration::from_secs(25 * 3600)), 24)]
#[tokio::test(start_paused = true)]
async fn a_day_is_told_quarter_by_quarter(#[case] start: UnixMillis, #[case] hours: u32) {
    let scene = Scene::at(start, MARKET).await;
    scene.publish(start, hours, "EUR");
    // Looked at in the middle of each quarter.
    scene.sleep(QUARTER / 2).await;
    for quarter in 0..hours * 4 {
        let spot = 0.01 * f64::from(quarter / 4);
        let rounded = |price: f64| Some(Metric::ImportPrice.round(price));
        assert_eq!(scene.number(Metric::ImportPrice), rounded(spot + 0.1), "quarter {quarter}");
        assert_eq!(scene.number(Metric::ExportPrice), rounded(spot), "quarter {quarter}");
        assert_eq!(scene.number(Metric::SpotPrice), rounded(spot), "quarter {quarter}");
        scene.sleep(QUARTER).await;
    }
    // After the last price that is known there is none, and never an old one or a guess.
    let why = "missing: the price is not published, only guessed";
    assert_eq!((scene.why(Metric::ImportPrice), scene.why(Metric::ExportPrice)), (why.into(), why.into()));
    assert!(scene.why(Metric::SpotPrice).contains("no market price is published"));
    scene.sleep(HOUR * 3).await;
    assert_eq!(scene.number(Metric::ImportPrice), None);
    // One value a quarter was stored, at its beginning: the first is told when the market is heard of.
    for metric in [Metric::ImportPrice, Metric::ExportPrice, Metric::SpotPrice] {
        let stored = scene.stored(metric);
        assert_eq!(stored.len(), usize::try_from(hours * 4).expect("small"), "{metric}");
        let late = |(at, _): &(UnixMillis, Value)| at.0 - floor(*at).0 > 10;
        assert!(!stored.iter().any(late), "{metric}: {stored:?}");
    }
    scene.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn what_becomes_known_is_told_at_once_and_a_forecast_stays() {
    let scene = Scene::at(LONG_DAY, MARKET).await;
    scene.sleep(Duration::from_secs(200)).await;
    assert!(scene.why(Metric::ImportPrice).contains("no price is known"));
    assert!(scene.why(Metric::LoadForecastPower).contains("no forecast"));
    let shows = |load_w: f64| {
        let span = TimeSpan::lasting(LONG_DAY, HOUR);
        let load_w = Timeline::of([(span, Band::of(load_w, [load_w; 5]))]);
        let ahead = super::super::problem::Ahead { load_w, ..Default::default() };
        scene.shown.send_replace(Arc::new(Shown { ahead, ..Shown::default() }));
    };
    scene.publish(LONG_DAY, 2, "EUR");
    shows(420.0);
    scene.sleep(Duration::from_millis(20)).await;
    assert_eq!(scene.number(Metric::ImportPrice), Some(0.1));
    assert_eq!(scene.number(Metric::LoadForecastPower), Some(420.0));
    // Looking again changes nothing, and what was expected is not what is found out later.
    shows(500.0);
    scene.sleep(Duration::from_secs(300)).await;
    assert_eq!(scene.number(Metric::LoadForecastPower), Some(420.0));
    assert_eq!(scene.stored(Metric::ImportPrice).len(), 1);
    assert_eq!(scene.stored(Metric::LoadForecastPower).len(), 1);
    scene.sleep(QUARTER).await;
    assert_eq!(scene.number(Metric::LoadForecastPower), Some(500.0));
    assert_eq!(scene.stored(Metric::LoadForecastPower).len(), 2);
    scene.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn nothing_old_is_shown_when_nobody_tells_any_more() {
    let scene = Scene::at(LONG_DAY, MARKET).await;
    scene.publish(LONG_DAY, 4, "EUR");
    scene.sleep(Duration::from_secs(600)).await;
    scene.stop.cancel();
    scene.sleep(Duration::from_secs(299)).await;
    assert_eq!(scene.number(Metric::ImportPrice), Some(0.1));
    scene.sleep(Duration::from_secs(5)).await;
    assert_eq!(scene.value(Metric::ImportPrice), Err(Unknown::Stale));
    // The listeners were told as well.
    let last = scene.heard.readings.lock().expect("whole").last().cloned().expect("something was told");
    assert!(last.values.contains(&(Metric::ImportPrice, Err(Unknown::Stale))), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn tempo_days_begin_at_six() {
    let scene = Scene::at(LONG_DAY, "tariffs: { import: { tempo: {} } }").await;
    let colours = [("2026-10-24", TempoColour::Blue), ("2026-10-25", TempoColour::White)];
    let colours = colours.into_iter().map(|(date, colour)| (date.parse().expect("a date"), colour)).collect();
    scene.tempo.send_replace(Some(Arc::new(Tempo { colours, prices: PriceTable::with(&[], &[]) })));
    let state = |key| Ok(Value::State(key));
    // From midnight on until 06:00, which is 7 hours on this day, it is still the day before.
    scene.sleep(HOUR).await;
    assert_eq!(scene.value(Metric::TempoToday), state("blue"));
    assert_eq!(scene.value(Metric::TempoTomorrow), state("white"));
    assert!(scene.number(Metric::ImportPrice).is_some());
    scene.sleep(HOUR * 6 + Duration::from_secs(1)).await;
    assert_eq!(scene.value(Metric::TempoToday), state("white"));
    let why = "missing: the colour of that day is not announced yet";
    assert_eq!(scene.why(Metric::TempoTomorrow), why);
    assert_eq!(scene.value(Metric::SpotPrice), Err(Unknown::NeverRead), "no market, no price of it");
    scene.stop.cancel();
}

/// Unit of each price as everybody sees it.
fn units(scene: &Scene) -> Vec<&'static str> {
    let snapshot = scene.hub.snapshot();
    let site = snapshot.device("site").expect("the house is always there");
    let announced = site.info.metrics.iter().chain(site.values.keys());
    let units =
        announced.filter(|metric| metric.id().ends_with("_price")).filter_map(|metric| metric.def().unit);
    units.map(ohmstead_model::catalogue::Unit::symbol).collect()
}

#[rstest]
#[case::the_market_s(AGILE, "GBP/kWh")]
#[case::the_contract_s("tariffs: { import: { fixed: 0.25 GBP/kWh } }", "GBP/kWh")]
#[case::that_of_wear(
    "tariffs: { import: { fixed: 0.25 } }\nplanner: { batteries: { a: { wear: 1 SEK/kWh } } }",
    "SEK/kWh"
)]
#[case::none_named("tariffs: { import: { fixed: 0.25 } }", "EUR/kWh")]
#[case::tempo("tariffs: { import: { tempo: {} } }", "EUR/kWh")]
#[tokio::test(start_paused = true)]
async fn a_price_is_in_the_currency_of_the_site(#[case] yaml: &str, #[case] unit: &str) {
    let scene = Scene::at(LONG_DAY, yaml).await;
    scene.publish(LONG_DAY, 24, &unit[..3]);
    scene.sleep(Duration::from_secs(60)).await;
    let units = units(&scene);
    assert!(units.len() >= 4 && units.iter().all(|other| *other == unit), "{units:?}");
    scene.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn another_currency_after_a_reload_takes_the_old_values_away() {
    let scene = Scene::at(LONG_DAY, MARKET).await;
    scene.publish(LONG_DAY, 24, "EUR");
    scene.sleep(Duration::from_secs(60)).await;
    assert_eq!(scene.number(Metric::ImportPrice), Some(0.1));
    scene.site.send_replace(site(AGILE));
    scene.sleep(Duration::from_secs(1)).await;
    let now = units(&scene);
    assert!(!now.is_empty() && now.iter().all(|unit| *unit == "GBP/kWh"), "{now:?}");
    // The outlook still has prices in euros, which are none here.
    assert!(scene.why(Metric::ImportPrice).contains("in EUR, and the prices of the configuration in GBP"));
    scene.site.send_replace(site(""));
    scene.sleep(Duration::from_secs(1)).await;
    assert!(units(&scene).is_empty());
    assert_eq!(scene.value(Metric::ImportPrice), Err(Unknown::NeverRead));
    scene.stop.cancel();
}
