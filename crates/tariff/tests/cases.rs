//! Prices of ready-made problems, which were worked out elsewhere: Tempo over red days and over the day of 25 hours, and a
//! German market price with what is added to it.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, as it should")]

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_tariff::tempo::Colours;
use ohmstead_tariff::{Known, Metered, Tariffs, bill, prices};
use rstest::rstest;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    start: Date,
    tz: String,
    step_min: u64,
    price_import: Vec<f64>,
    price_export: Vec<f64>,
}

#[derive(Deserialize)]
struct EnergyCharts {
    unix_seconds: Vec<i64>,
    /// EUR/MWh.
    price: Vec<f64>,
}

fn shared(file: &str) -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("OHMSTEAD_SHARED")?).join("data/optim");
    Some(std::fs::read_to_string(folder.join(file)).unwrap())
}

fn colours() -> Option<Colours> {
    let text = shared("tempo_colours_2024-2025.csv")?;
    let day = |line: &str| {
        let (date, colour) = line.split_once(',').unwrap();
        (date.parse().unwrap(), colour.parse().unwrap())
    };
    Some(text.lines().skip(1).map(day).collect())
}

fn market() -> Option<Timeline<f64>> {
    let charts: EnergyCharts =
        serde_saphyr::from_str(&shared("energy_charts_DE-LU_2024-12-10_11.json")?).unwrap();
    let hours = charts.unix_seconds.iter().zip(&charts.price).map(|(start, price)| {
        (TimeSpan::lasting(UnixMillis(start * 1000), Duration::from_secs(3600)), price / 1000.0)
    });
    Some(Timeline::of(hours))
}

#[rstest]
#[case::red_day("case_tempo_red_1d_30m.json", "{ import: { tempo: {} } }", 48)]
#[case::red_days("case_tempo_red_2d_15m.json", "{ import: { tempo: {} } }", 192)]
#[case::day_of_25_hours(
    "case_dst_oct_1d_15m.json",
    "{ import: { tempo: {} }, export: { fixed: 4 ct/kWh } }",
    100
)]
#[case::market(
    "case_spot_2d_30m.json",
    "{ import: { market: { add: 16 ct/kWh, vat: 19 % } }, export: { fixed: 8 ct/kWh } }",
    96
)]
fn prices_are_those_of_the_case(#[case] file: &str, #[case] yaml: &str, #[case] slots: usize) {
    let (Some(text), Some(colours), Some(market)) = (shared(file), colours(), market()) else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let case: Case = serde_saphyr::from_str(&text).unwrap();
    let tariffs: Tariffs = serde_saphyr::from_str(yaml).unwrap();
    let zone = TimeZone::get(&case.tz).unwrap();
    let start = UnixMillis(case.start.to_zoned(zone.clone()).unwrap().timestamp().as_millisecond());
    let step = Duration::from_secs(case.step_min * 60);
    let end = start.plus(step * u32::try_from(slots).unwrap());
    let known = Known { colours: &colours, import_spot_per_kwh: &market, ..Known::nothing() };
    let found = prices(&tariffs, known, TimeSpan::new(start, end), &zone);
    assert_eq!((case.price_import.len(), case.price_export.len()), (slots, slots));
    for (index, expected) in case.price_import.iter().zip(&case.price_export).enumerate() {
        let at = start.plus(step * u32::try_from(index).unwrap());
        let price = found.at(at).unwrap();
        let off = (price.import_per_kwh - expected.0).abs() + (price.export_per_kwh - expected.1).abs();
        assert!(off < 2e-6 && !price.estimated, "slot {index}: {price:?}, {expected:?}");
    }
}

/// Load less solar of a real home, in watts, where the grid gives it; gaps of the load are bridged by a straight line.
fn home() -> Option<Timeline<f64>> {
    let text = shared("home_fr_30min_2024-09_2025-02.csv")?;
    let rows: Vec<(jiff::Timestamp, Option<f64>, f64)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<&str> = line.split(',').collect();
            (columns[0].parse().unwrap(), columns[1].parse().ok(), columns[2].parse().unwrap_or(0.0))
        })
        .collect();
    let known: Vec<(usize, f64)> =
        rows.iter().enumerate().filter_map(|(index, row)| Some((index, row.1?))).collect();
    let load = |index: usize| {
        let after = known.partition_point(|(known, _)| *known < index);
        let ((left, from), (right, to)) = (known[after.saturating_sub(1)], known[after]);
        if right == index { to } else { from + (to - from) * (index - left) as f64 / (right - left) as f64 }
    };
    let half_hour = Duration::from_secs(1800);
    let import_kwh = rows.iter().enumerate().map(|(index, (start, _, solar))| {
        let span = TimeSpan::lasting(UnixMillis(start.as_millisecond()), half_hour);
        (span, (load(index) - solar).max(0.0) / 2000.0)
    });
    Some(Timeline::of(import_kwh))
}

#[test]
fn the_bill_of_a_real_home_is_that_of_the_study() {
    let (Some(import_kwh), Some(colours)) = (home(), colours()) else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let start = import_kwh.slots().next().unwrap().0.start;
    // The study leaves out the last half hour.
    let window = TimeSpan::new(start, import_kwh.end().unwrap().minus(Duration::from_secs(1800)));
    // The first night still belongs to the last day of another season.
    let mut colours = colours;
    colours.set("2024-08-31".parse().unwrap(), TempoColour::Blue);
    let known = Known { colours: &colours, ..Known::nothing() };
    let tariffs: Tariffs = serde_saphyr::from_str("import: { tempo: {} }").unwrap();
    let prices = prices(&tariffs, known, window, &zone);
    let metered = Metered { import_kwh: &import_kwh, export_kwh: None };
    let bill = bill(metered, &prices, window, &zone);
    assert!((bill.whole.total() - 918.61).abs() < 0.005, "{:?}", bill.whole);
    assert!(bill.whole.unknown_h < 1e-6 && bill.whole.estimated_h < 1e-6, "{:?}", bill.whole);
}
