//! Small houses of a few days: what is counted, what is left out, and that nothing is known before its time.
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test, as it should")]

use std::time::Duration;

use expect_test::expect;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ohmstead_backtest::{
    Comparison, Foresight, Home, Planning, Published, Replay, ReplayError, Row, Strategy, Sun, replay,
};
use ohmstead_forecast::Step;
use ohmstead_model::{BatteryMode, Price, PriceSource, TimeSpan, Timeline, UnixMillis};
use ohmstead_planner::{Battery, Problem, Tuning};
use ohmstead_tariff::Tariffs;
use ohmstead_tariff::tempo::Colours;
use rstest::rstest;

const HOUR_MS: i64 = 3_600_000;

fn ms(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn span(start: &str, end: &str) -> TimeSpan {
    TimeSpan::new(ms(start), ms(end))
}

/// Values of hours, from the start of `window` on.
fn hours<T: Clone>(window: TimeSpan, value: impl Fn(i64) -> T) -> Timeline<T> {
    let starts = (window.start.0..window.end.0).step_by(3_600_000).map(UnixMillis);
    Timeline::of(
        starts
            .zip(0..)
            .map(|(start, hour)| (TimeSpan::new(start, UnixMillis(start.0 + HOUR_MS)), value(hour))),
    )
}

struct House {
    window: TimeSpan,
    load_w: Timeline<f64>,
    pv_w: Timeline<f64>,
    prices: Timeline<Price>,
}

impl House {
    /// 800 W throughout, 3 kW of sun for four hours around noon, 0.10 EUR at night and 0.30 by day.
    fn of(window: TimeSpan) -> Self {
        let price = |hour: i64| Price {
            import_per_kwh: if (5..21).contains(&(hour % 24)) { 0.30 } else { 0.10 },
            export_per_kwh: 0.05,
            estimated: false,
            source: PriceSource::Contract,
        };
        Self {
            window,
            load_w: hours(window, |_| 800.0),
            pv_w: hours(window, |hour| if (10..14).contains(&(hour % 24)) { 3000.0 } else { 0.0 }),
            prices: hours(window, price),
        }
    }

    fn home(&self) -> Home<'_> {
        let battery = Battery {
            name: "b".to_owned(),
            capacity_wh: 10_000.0,
            now_wh: 2000.0,
            min_wh: 1000.0,
            max_wh: 10_000.0,
            charge_max_w: 3000.0,
            discharge_max_w: 3000.0,
            eff_charge: 0.9,
            eff_discharge: 0.9,
            wear_eur_kwh: 0.02,
            ..Battery::default()
        };
        Home {
            load_w: &self.load_w,
            pv_w: &self.pv_w,
            prices: &self.prices,
            site: Problem { batteries: vec![battery], ..Problem::default() },
            step: Step::HalfHour,
            zone: TimeZone::get("Europe/Paris").unwrap(),
            left_eur_kwh: 0.1,
        }
    }

    fn replay(&self, strategy: Strategy<'_>) -> Replay {
        replay(&self.home(), self.window, strategy).unwrap()
    }
}

/// Knows the prices of the house, all the time.
impl Foresight for House {
    fn prices(&self, _now: UnixMillis, window: TimeSpan) -> Timeline<Price> {
        self.prices.within(window)
    }
}

fn winter_days() -> House {
    House::of(span("2026-01-11T23:00:00Z", "2026-01-22T23:00:00Z"))
}

fn planning(house: &House) -> Planning<'_> {
    Planning {
        foresight: house,
        sun: Sun::LastDays(7),
        every: Duration::from_secs(3 * 3600),
        horizon: Duration::from_secs(36 * 3600),
        futures: 3,
        tuning: Tuning::default(),
    }
}

#[test]
fn what_is_counted() {
    let house = winter_days();
    let none = house.replay(Strategy::NoBattery);
    // 20 hours of 0.8 kW in the 11 days, 8 of them cheap and the others dear; 4 hours of 2.2 kW into the grid.
    assert!((none.whole.import_kwh - 11.0 * 16.0).abs() < 1e-6, "{:?}", none.whole);
    assert!((none.whole.export_kwh - 11.0 * 8.8).abs() < 1e-6);
    assert!(
        (none.cost_eur() - 11.0 * (6.4 * 0.1 + 9.6 * 0.3 - 8.8 * 0.05)).abs() < 1e-6,
        "{}",
        none.cost_eur()
    );
    assert_eq!((none.whole.discharged_kwh, none.whole.cycles, none.left_wh), (0.0, 0.0, 0.0));
    let strategies = [
        Strategy::SelfConsumption,
        Strategy::NightCharge,
        Strategy::Plan(planning(&house)),
        Strategy::Perfect,
    ];
    for strategy in strategies {
        let done = house.replay(strategy);
        let stored_kwh = done.whole.charged_kwh * 0.9 - done.whole.discharged_kwh / 0.9;
        assert!((stored_kwh - done.left_wh / 1000.0).abs() < 1e-6, "{strategy:?}: {done:?}");
        let flows = done.whole.import_kwh - done.whole.export_kwh + done.whole.discharged_kwh
            - done.whole.charged_kwh;
        assert!((flows - 11.0 * (24.0 * 0.8 - 12.0)).abs() < 1e-6, "{strategy:?}: {flows}");
        assert!((done.whole.cycles - done.whole.discharged_kwh / 9.0).abs() < 1e-9);
        assert!((done.whole.wear_eur - done.whole.discharged_kwh * 0.02).abs() < 1e-9);
        let days: f64 = done.days.iter().map(|(_, day)| day.cost_eur).sum();
        let months: f64 = done.months.iter().map(|(_, month)| month.cost_eur).sum();
        assert!((days - done.whole.cost_eur).abs() < 1e-9 && (months - days).abs() < 1e-9);
        assert!((done.left_eur - done.left_wh * 1e-4).abs() < 1e-9);
        assert_eq!((done.days.len(), done.missing.len()), (11, 0));
    }
}

#[test]
fn what_is_not_known_is_listed_and_left_out() {
    let mut house = winter_days();
    let whole = house.replay(Strategy::NoBattery);
    let hole = span("2026-01-13T23:00:00Z", "2026-01-14T23:00:00Z");
    house.load_w = Timeline::of(
        house.load_w.slots().filter(|(slot, _)| !hole.contains(slot.start)).map(|(slot, it)| (slot, *it)),
    );
    house.pv_w.set(span("2026-01-16T10:10:00Z", "2026-01-16T10:20:00Z"), f64::NAN);
    house.prices = Timeline::of(
        house
            .prices
            .slots()
            .filter(|(slot, _)| slot.start != ms("2026-01-18T05:00:00Z"))
            .map(|(slot, it)| (slot, *it)),
    );
    let holed = house.replay(Strategy::SelfConsumption);
    assert_eq!(
        holed.missing,
        [
            hole,
            span("2026-01-16T10:00:00Z", "2026-01-16T10:30:00Z"),
            span("2026-01-18T05:00:00Z", "2026-01-18T06:00:00Z")
        ]
    );
    assert_eq!(holed.days.len(), 10);
    assert!((whole.whole.known_h - holed.whole.known_h - 25.5).abs() < 1e-9);
    let none = house.replay(Strategy::NoBattery);
    assert_eq!(none.missing, holed.missing);
    let planned = house.replay(Strategy::Plan(planning(&house)));
    assert!(planned.cost_eur() < none.cost_eur());
}

#[rstest]
#[case::set_back("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25.0)]
#[case::set_forward("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23.0)]
fn days_have_as_many_hours_as_the_clock_says(
    #[case] start: &str,
    #[case] end: &str,
    #[case] expected_h: f64,
) {
    let replay = House::of(span(start, end)).replay(Strategy::NightCharge);
    assert_eq!((replay.days.len(), replay.days[0].1.known_h), (1, expected_h));
}

#[test]
fn a_past_that_cannot_be_replayed_says_why() {
    let house = winter_days();
    let why = |home: &Home<'_>, window| replay(home, window, Strategy::SelfConsumption).unwrap_err();
    let short = span("2026-01-12T00:10:00Z", "2026-01-12T00:50:00Z");
    assert_eq!(why(&house.home(), short), ReplayError::Empty(short));
    let before = span("2025-01-12T00:00:00Z", "2025-01-13T00:00:00Z");
    assert_eq!(why(&house.home(), before), ReplayError::NothingKnown);
    let mut home = house.home();
    home.site.batteries[0].eff_charge = f64::NAN;
    let error = why(&home, house.window);
    assert!(matches!(error, ReplayError::Site(_)), "{error}");
}

/// Whatever comes later changes nothing of what was decided before it.
#[rstest]
#[case("2026-01-19T12:00:00Z")]
#[case("2026-01-20T01:30:00Z")]
fn nothing_is_known_before_its_time(#[case] from: &str) {
    let mut house = winter_days();
    // The clock's prices are known; load and sun are not.
    let dark = House::of(house.window);
    let later = TimeSpan::new(ms(from), house.window.end);
    let mut modes = Vec::new();
    for _ in 0..2 {
        let home = house.home();
        let until = TimeSpan::new(house.window.start, later.start);
        let done = replay(&home, until, Strategy::Plan(planning(&dark))).unwrap();
        let whole = replay(&home, house.window, Strategy::Plan(planning(&dark))).unwrap();
        let days = until.length().as_secs() / 86_400;
        modes.push((done.whole, whole.days[..usize::try_from(days).unwrap()].to_vec()));
        house.load_w.set(later, 5000.0);
        house.pv_w.set(later, 0.0);
    }
    assert_eq!(modes[0], modes[1]);
}

#[test]
fn the_market_of_tomorrow_is_known_from_one_o_clock() {
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let window = span("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let spot = hours(window, |hour| hour as f64 / 1000.0);
    let tariffs: Tariffs = serde_saphyr::from_str("import: { market: {} }").unwrap();
    let (colours, nothing) = (Colours::default(), Timeline::default());
    let published = Published {
        tariffs: &tariffs,
        colours: &colours,
        grids: &[],
        import_spot_per_kwh: &spot,
        export_spot_per_kwh: &nothing,
        zone: &zone,
    };
    let ahead = span("2026-01-15T00:00:00Z", "2026-01-18T00:00:00Z");
    let known_until = |now: &str| {
        let prices = published.prices(ms(now), ahead);
        assert!(prices.gaps(ahead).is_empty(), "what is not known is guessed");
        prices.slots().find(|(_, price)| price.estimated).map(|(slot, _)| slot.start)
    };
    assert_eq!(known_until("2026-01-15T11:59:59Z"), Some(ms("2026-01-15T23:00:00Z")));
    assert_eq!(known_until("2026-01-15T12:00:00Z"), Some(ms("2026-01-16T23:00:00Z")));
    assert!(published.exact(ahead).slots().all(|(_, price)| !price.estimated));
}

#[test]
fn strategies_side_by_side() {
    let house = winter_days();
    let rule = |now: UnixMillis| if now.0 % 7 == 0 { BatteryMode::Hold } else { BatteryMode::Auto };
    let strategies = [
        Strategy::NoBattery,
        Strategy::SelfConsumption,
        Strategy::NightCharge,
        Strategy::Rule(&rule),
        Strategy::Plan(planning(&house)),
        Strategy::Perfect,
    ];
    let rows = strategies.map(|it| Row { name: it.name().to_owned(), replay: house.replay(it) });
    let table = Comparison { rows: rows.into(), perfect: Some(5) };
    assert_eq!((table.find("plan"), table.find("luck")), (Some(4), None));
    for row in 0..6 {
        assert!(table.saving_eur(row).unwrap() < table.saving_eur(5).unwrap() + 0.02, "{table}");
    }
    expect![[r#"
        strategy             bill EUR saves EUR  discharged  EUR/kWh  cycles possible
        no battery              33.88      0.00       0 kWh        -     0.0    0.0 %
        self-consumption        18.57     15.31      79 kWh    0.193     8.8   65.2 %
        charged every night     14.89     18.99     106 kWh    0.180    11.7   80.9 %
        a rule                  20.33     13.55      79 kWh    0.172     8.8   57.7 %
        plan                    11.17     22.71     104 kWh    0.218    11.6   96.7 %
        perfect foresight       10.40     23.48     106 kWh    0.222    11.7  100.0 %
    "#]]
    .assert_eq(&table.to_string());
}
