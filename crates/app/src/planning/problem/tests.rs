//! What is known of the time ahead, as the slots of a problem and as what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_outlook::Sourced;
use rstest::rstest;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
/// A Thursday, midnight UTC.
const DAY: UnixMillis = UnixMillis(1_795_046_400_000);

fn hours(from: i64, to: i64, price: f64) -> Timeline<f64> {
    Timeline::of(
        (from..to).map(|hour| (TimeSpan::lasting(UnixMillis(DAY.0 + hour * 3_600_000), HOUR), price)),
    )
}

fn outlook(series: &[(Quantity, Timeline<f64>)]) -> Outlook {
    let sourced = |figures: &Timeline<f64>| {
        figures.map(|_, value| Sourced {
            value: *value,
            source: Arc::from("test"),
            fetched_at: DAY,
            is_stale: false,
        })
    };
    let series: BTreeMap<_, _> =
        series.iter().map(|(quantity, figures)| (*quantity, sourced(figures))).collect();
    Outlook { series, ..Outlook::default() }
}

fn priced(outlook: &Outlook, stored: &Timeline<f64>, of_supplier: bool) -> Option<Price> {
    let tariffs: Tariffs = serde_json::from_value(serde_json::json!({
        "import": { "market": {} }, "export": { "market": {} }
    }))
    .expect("tariffs");
    let window = TimeSpan::lasting(DAY, HOUR);
    let market = Market { outlook, stored_spot_per_kwh: stored, stored_import_per_kwh: stored, of_supplier };
    let prices = prices_of(&tariffs, &market, Told::of(None), window, &TimeZone::UTC);
    prices.at(DAY).copied()
}

/// What was stored of eleven days fills what is not published: import, export, and whether they are guessed.
#[rstest]
#[case::published(false, vec![(Quantity::SpotPrice, hours(0, 1, 0.2))], Some((0.2, 0.2, false)))]
#[case::guessed_from_what_was_stored(false, vec![], Some((0.1, 0.1, true)))]
#[case::a_supplier_tells_nothing_of_export(true, vec![(Quantity::FullPrice, hours(0, 1, 0.3))], Some((0.3, 0.1, true)))]
#[case::a_supplier_and_the_market(
    true,
    vec![(Quantity::FullPrice, hours(0, 1, 0.3)), (Quantity::SpotPrice, hours(-24, 1, 0.05))],
    Some((0.3, 0.05, false))
)]
#[case::a_supplier_that_is_silent(true, vec![(Quantity::SpotPrice, hours(0, 1, 0.05))], Some((0.1, 0.05, true)))]
#[case::a_price_that_nobody_was_asked_for(false, vec![(Quantity::FullPrice, hours(0, 1, 0.3))], Some((0.1, 0.1, true)))]
fn stored_market_prices(
    #[case] of_supplier: bool,
    #[case] known: Vec<(Quantity, Timeline<f64>)>,
    #[case] expected: Option<(f64, f64, bool)>,
) {
    let found = priced(&outlook(&known), &hours(-11 * 24, 0, 0.1), of_supplier);
    let found = found.map(|price| {
        let rounded = |price: f64| (price * 1e6).round() / 1e6;
        (rounded(price.import_per_kwh), rounded(price.export_per_kwh), price.estimated)
    });
    assert_eq!(found, expected);
}

const MINUTE_MS: i64 = 60_000;

/// An instant so many minutes after the midnight of [`DAY`].
fn at(minute: i64) -> UnixMillis {
    UnixMillis(DAY.0 + minute * MINUTE_MS)
}

fn stretch(from: i64, to: i64) -> TimeSpan {
    TimeSpan::new(at(from), at(to))
}

fn price(import_per_kwh: f64, export_per_kwh: f64) -> Price {
    Price { import_per_kwh, export_per_kwh, estimated: false, source: PriceSource::Contract }
}

/// Two hours of which everything is known: 20 ct, 5 ct, 500 W, 100 W of sun.
fn two_hours() -> Ahead {
    Ahead {
        window: Some(stretch(0, 120)),
        prices: Timeline::of([(stretch(0, 120), price(0.2, 0.05))]),
        load_w: Timeline::of([(stretch(0, 120), Band::certain(500.0))]),
        loads_w: Vec::new(),
        pv_w: Timeline::of([(stretch(0, 120), Band::certain(100.0))]),
        missing: Vec::new(),
    }
}

/// Cuts a piece out of a timeline.
fn without<T: Clone>(known: &Timeline<T>, hole: TimeSpan) -> Timeline<T> {
    let before = known.within(TimeSpan::new(UnixMillis(i64::MIN), hole.start));
    before.or(&known.within(TimeSpan::new(hole.end, UnixMillis(i64::MAX))))
}

/// Start in minutes, length in seconds, load and sun in W, prices in cents.
fn slots_shown(ahead: &Ahead, now: UnixMillis) -> Vec<(i64, u64, f64, f64, f64, f64)> {
    let cents = |price: f64| (price * 1e4).round() / 1e2;
    let shown = |slot: &Slot| {
        (
            (slot.span.start.0 - DAY.0) / MINUTE_MS,
            slot.span.length().as_secs(),
            slot.load_w,
            slot.pv_w,
            cents(slot.import_price),
            cents(slot.export_price),
        )
    };
    slots(ahead, now).iter().map(shown).collect()
}

/// Of each case: the instant it is, what is spoilt, how many slots there are, and the first and the last of them.
#[rstest]
#[case::on_the_quarter(DAY, |_: &mut Ahead| {}, 8, (0, 900, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 100.0, 20.0, 5.0))]
#[case::within_a_quarter(at(10), |_: &mut Ahead| {}, 8, (10, 300, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 100.0, 20.0, 5.0))]
#[case::a_second_is_a_slot(UnixMillis(at(15).0 - 1000), |_: &mut Ahead| {}, 8, (14, 1, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 100.0, 20.0, 5.0))]
#[case::less_than_a_second_is_none(UnixMillis(at(15).0 - 999), |_: &mut Ahead| {}, 7, (15, 900, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 100.0, 20.0, 5.0))]
#[case::ends_where_prices_have_a_gap(
    DAY, |it: &mut Ahead| it.prices = without(&it.prices, stretch(60, 75)),
    4, (0, 900, 500.0, 100.0, 20.0, 5.0), (45, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::ends_where_a_price_is_no_number(
    DAY, |it: &mut Ahead| it.prices.set(stretch(60, 75), price(f64::NAN, 0.0)),
    4, (0, 900, 500.0, 100.0, 20.0, 5.0), (45, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::ends_where_an_export_price_is_endless(
    DAY, |it: &mut Ahead| it.prices.set(stretch(60, 75), price(0.2, f64::INFINITY)),
    4, (0, 900, 500.0, 100.0, 20.0, 5.0), (45, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::ends_where_the_load_is_not_known(
    DAY, |it: &mut Ahead| it.load_w = without(&it.load_w, stretch(30, 45)),
    2, (0, 900, 500.0, 100.0, 20.0, 5.0), (15, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::ends_where_the_load_is_no_number(
    DAY, |it: &mut Ahead| it.load_w.set(stretch(30, 45), Band::certain(f64::NAN)),
    2, (0, 900, 500.0, 100.0, 20.0, 5.0), (15, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::panels_that_nobody_heard_of_give_nothing(
    DAY, |it: &mut Ahead| it.pv_w = without(&it.pv_w, stretch(105, 120)),
    8, (0, 900, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 0.0, 20.0, 5.0)
)]
#[case::so_do_those_whose_power_is_no_number(
    DAY, |it: &mut Ahead| it.pv_w.set(stretch(105, 120), Band::certain(f64::NAN)),
    8, (0, 900, 500.0, 100.0, 20.0, 5.0), (105, 900, 500.0, 0.0, 20.0, 5.0)
)]
#[case::no_power_is_below_0(
    DAY, |it: &mut Ahead| {
        it.load_w.set(stretch(0, 15), Band::certain(-40.0));
        it.pv_w.set(stretch(0, 15), Band::certain(-3.0));
    },
    8, (0, 900, 0.0, 0.0, 20.0, 5.0), (105, 900, 500.0, 100.0, 20.0, 5.0)
)]
#[case::prices_are_below_0(
    DAY, |it: &mut Ahead| it.prices.set(stretch(0, 15), price(-0.03, -0.1)),
    8, (0, 900, 500.0, 100.0, -3.0, -10.0), (105, 900, 500.0, 100.0, 20.0, 5.0)
)]
fn slots_of_what_is_known(
    #[case] now: UnixMillis,
    #[case] spoil: fn(&mut Ahead),
    #[case] count: usize,
    #[case] first: (i64, u64, f64, f64, f64, f64),
    #[case] last: (i64, u64, f64, f64, f64, f64),
) {
    let mut ahead = two_hours();
    spoil(&mut ahead);
    let found = slots_shown(&ahead, now);
    assert_eq!((found.len(), found[0], found[count - 1]), (count, first, last));
    assert!(slots(&ahead, now).windows(2).all(|two| two[0].span.end == two[1].span.start));
}

/// Without a first slot there is no plan, and what is missing of that very quarter is the reason.
#[rstest]
#[case::no_price(|it: &mut Ahead| it.prices = without(&it.prices, stretch(0, 15)), &[], "no_price_now")]
#[case::no_number(|it: &mut Ahead| it.prices.set(stretch(0, 15), price(0.2, f64::NAN)), &[], "no_price_now")]
#[case::a_gap_is_told(
    |it: &mut Ahead| it.prices = Timeline::default(),
    &[Lack::SunAsOfLate, Lack::PriceGap { hours: 2.0 }], "price_gap"
)]
#[case::no_tariffs(|it: &mut Ahead| it.prices = Timeline::default(), &[Lack::SunAsOfLate, Lack::NoTariffs], "no_tariffs")]
#[case::no_load(|it: &mut Ahead| it.load_w = Timeline::default(), &[Lack::PriceGap { hours: 1.0 }], "no_load_now")]
fn why_there_is_no_slot(#[case] spoil: fn(&mut Ahead), #[case] missing: &[Lack], #[case] expected: &str) {
    let mut ahead = Ahead { missing: missing.to_vec(), ..two_hours() };
    spoil(&mut ahead);
    assert_eq!(slots(&ahead, DAY), []);
    assert_eq!(why_no_slots(&ahead).code(), expected);
}

#[test]
fn nothing_looked_at_is_nothing_to_plan() {
    assert_eq!(slots(&Ahead::default(), DAY), []);
    assert_eq!(why_no_slots(&Ahead::default()), Lack::NoPriceNow);
}

/// What is looked at in a test of [`ahead`].
#[derive(Default)]
struct Scene {
    /// Null where the configuration says nothing.
    tariffs: serde_json::Value,
    outlook: Outlook,
    past: Past,
    panels: Panels,
}

impl Scene {
    fn ahead(&self, now: UnixMillis, zone: &TimeZone, horizon: Duration) -> Ahead {
        let tariffs: Option<Tariffs> = serde_json::from_value(self.tariffs.clone()).expect("tariffs");
        let known = Known {
            now,
            zone,
            past: &self.past,
            outlook: &self.outlook,
            tempo: Told::of(None),
            tariffs: tariffs.as_ref(),
            foreign: None,
            of_supplier: false,
            panels: &self.panels,
            pv_now_w: None,
        };
        ahead(&known, horizon)
    }
}

fn fixed() -> serde_json::Value {
    serde_json::json!({ "import": { "fixed": "0.2 EUR/kWh" } })
}

fn market() -> serde_json::Value {
    serde_json::json!({ "import": { "market": {} }, "export": { "market": {} } })
}

fn loads(days: i64) -> Past {
    let mut past = Past::default();
    past.load_w = hours(-24 * days, 0, 400.0);
    past
}

/// Eight days of the house, and more.
fn with(more: fn(&mut Past)) -> Past {
    let mut past = loads(8);
    more(&mut past);
    past
}

#[rstest]
#[case::nothing_at_all(Scene::default(), &[Lack::NoTariffs, Lack::FewHabits { hours: 0.0 }])]
#[case::a_contract_and_a_week(Scene { tariffs: fixed(), past: loads(7), ..Scene::default() }, &[])]
#[case::less_than_a_week(
    Scene { tariffs: fixed(), past: loads(6), ..Scene::default() },
    &[Lack::FewHabits { hours: 144.0 }]
)]
#[case::no_market_price(
    Scene { tariffs: market(), past: loads(8), ..Scene::default() },
    &[Lack::PriceGap { hours: 4.0 }]
)]
#[case::a_market_that_has_told_one_hour(
    Scene {
        tariffs: market(),
        past: loads(8),
        outlook: outlook(&[(Quantity::SpotPrice, hours(0, 1, 0.2))]),
        ..Scene::default()
    },
    &[Lack::PriceGap { hours: 3.0 }]
)]
#[case::guessed_from_what_was_stored(
    Scene {
        tariffs: market(),
        past: with(|past| past.spot_per_kwh = hours(-11 * 24, 0, 0.1)),
        ..Scene::default()
    },
    &[Lack::PriceGuessed { hours: 4.0 }]
)]
#[case::tempo_without_a_colour(
    Scene { tariffs: serde_json::json!({ "import": { "tempo": {} } }), past: loads(8), ..Scene::default() },
    &[Lack::ColourNotTold { hours: 4.0 }]
)]
#[case::panels_of_which_only_the_last_days_are_known(
    Scene { tariffs: fixed(), past: with(|past| past.pv_w = hours(-48, 0, 300.0)), ..Scene::default() },
    &[Lack::SunAsOfLate]
)]
#[case::a_service_foretells_the_sun(
    Scene {
        tariffs: fixed(),
        past: loads(8),
        outlook: outlook(&[(Quantity::PvPower, hours(0, 4, 700.0))]),
        ..Scene::default()
    },
    &[]
)]
fn what_is_missing_is_told(#[case] scene: Scene, #[case] expected: &[Lack]) {
    let found = scene.ahead(DAY, &TimeZone::UTC, 4 * HOUR);
    assert_eq!(found.missing, expected);
}

#[test]
fn a_house_without_a_history_is_an_ordinary_one() {
    let scene = Scene { tariffs: fixed(), ..Scene::default() };
    let found = scene.ahead(DAY, &TimeZone::UTC, 4 * HOUR);
    let slots = slots(&found, DAY);
    assert_eq!(slots.len(), 16);
    assert!(slots.iter().all(|slot| (slot.load_w - 400.0).abs() < 1e-9), "{slots:?}");
}

/// A day of the clock in Paris from midnight on. Off-peak is from 22:00 until 06:00 of the clock.
#[rstest]
#[case::ordinary("2026-03-28T00:00+01:00[Europe/Paris]", 96, 24, 88)]
#[case::an_hour_less("2026-03-29T00:00+01:00[Europe/Paris]", 92, 20, 84)]
#[case::an_hour_more("2026-10-25T00:00+02:00[Europe/Paris]", 100, 28, 92)]
fn days_on_which_the_clock_is_set(
    #[case] midnight: &str,
    #[case] quarters: usize,
    #[case] dear_from: usize,
    #[case] cheap_from: usize,
) {
    let midnight: jiff::Zoned = midnight.parse().expect("a time");
    let next = midnight.tomorrow().expect("a day after");
    let [now, end] = [&midnight, &next].map(|it| UnixMillis(it.timestamp().as_millisecond()));
    let scene = Scene {
        tariffs: serde_json::json!({
            "import": { "zones": { "price": "0.2 EUR/kWh", "zones": [{ "price": "0.1 EUR/kWh", "hours": ["22:00-06:00"] }] } }
        }),
        ..Scene::default()
    };
    let found = scene.ahead(now, midnight.time_zone(), TimeSpan::new(now, end).length());
    let slots = slots(&found, now);
    assert_eq!(slots.len(), quarters);
    assert!(slots.iter().all(|slot| slot.span.length() == QUARTER));
    let is_dear = |place: usize| (dear_from..cheap_from).contains(&place);
    let dear: Vec<_> = slots.iter().map(|slot| slot.import_price > 0.15).collect();
    assert_eq!(dear, (0..quarters).map(is_dear).collect::<Vec<_>>());
}

/// A slot is by hand or it is the plan's, to the second; what no plan can be made with is taken as what it means.
#[test]
fn slots_are_cut_where_something_by_hand_begins_or_ends() {
    let minute = |minute: i64| UnixMillis(DAY.0 + minute * 60_000);
    let slot = |from, to| Slot {
        span: TimeSpan::new(minute(from), minute(to)),
        load_w: 500.0,
        pv_w: 0.0,
        import_price: 0.2,
        export_price: 0.1,
    };
    let asked = |mode: &str, from, to| Override {
        device: "a".parse().unwrap(),
        mode: mode.parse().unwrap(),
        asked_by: "rest".to_owned(),
        asked_at: None,
        since: minute(from),
        ends: minute(to),
    };
    let pins = pins(
        [asked("charge 2000 MW", 20, 25), asked("idle", -60, 5), asked("hold", 45, 200)].iter(),
        minute(1),
    );
    assert_eq!(pins[0].mode, BatteryMode::Charge { power: None, until: None });
    assert_eq!(pins[1].span, TimeSpan::new(minute(1), minute(5)));
    let pieces = cut(vec![slot(1, 15), slot(15, 30), slot(30, 45), slot(45, 60)], pins.iter());
    let found: Vec<_> = pieces.iter().map(|slot| [slot.span.start, slot.span.end]).collect();
    let expected = [(1, 5), (5, 15), (15, 20), (20, 25), (25, 30), (30, 45), (45, 60)];
    assert_eq!(found, expected.map(|(from, to)| [from, to].map(minute)));
}

/// A supplier's price has a gap: what the market asks is no price of its customers.
#[test]
fn a_market_does_not_fill_the_gap_of_a_supplier() {
    let known = [(Quantity::FullPrice, hours(-24 * 11, 0, 0.3)), (Quantity::SpotPrice, hours(-24, 1, 0.05))];
    let found = priced(&outlook(&known), &Timeline::default(), true).expect("guessed from other days");
    assert!((found.import_per_kwh - 0.3).abs() < 1e-9 && found.estimated, "{found:?}");
    assert!((found.export_per_kwh - 0.05).abs() < 1e-9, "{found:?}");
}

#[test]
fn prices_in_another_currency_are_none() {
    let mut known =
        outlook(&[(Quantity::SpotPrice, hours(0, 1, 0.2)), (Quantity::AirTemperature, hours(0, 1, 7.0))]);
    known.currency = Some("NOK".to_owned());
    assert_eq!((known.foreign_currency("EUR"), known.foreign_currency("NOK")), (Some("NOK"), None));
    assert!(priced(&known.without_foreign_prices("EUR"), &Timeline::default(), false).is_none());
    assert!(priced(&known.without_foreign_prices("NOK"), &Timeline::default(), false).is_some());
    assert!(!known.without_foreign_prices("EUR").figures(Quantity::AirTemperature).is_empty());
}

/// RTE says nothing until 21:45 of an evening in March with reds left: tomorrow is planned for as a red day, not by its odds.
#[test]
fn a_colour_that_is_late_is_planned_for_as_red() {
    let instant = |text: &str| UnixMillis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let tariffs: Tariffs =
        serde_json::from_value(serde_json::json!({ "import": { "tempo": {} } })).expect("tariffs");
    let nothing = Timeline::default();
    let known = Outlook::default();
    let market = Market {
        outlook: &known,
        stored_spot_per_kwh: &nothing,
        stored_import_per_kwh: &nothing,
        of_supplier: false,
    };
    let noon = TimeSpan::lasting(instant("2026-03-10T11:00:00Z"), HOUR);
    let price = |now: &str| {
        let told = Told::of(None).late_is_red(instant(now));
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let prices = prices_of(&tariffs, &market, told, noon, &zone);
        *prices.at(noon.start).expect("a price")
    };
    let (early, late) = (price("2026-03-09T20:44:00Z"), price("2026-03-09T20:46:00Z"));
    assert!(early.import_per_kwh < 0.4 && late.import_per_kwh > 0.6, "{early:?} {late:?}");
    assert!(late.estimated, "it is not known");
}
