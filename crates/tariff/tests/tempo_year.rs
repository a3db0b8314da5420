//! A season's bill against a calculation that shares nothing with the crate: minute by minute, in whole millionths of a
//! cent, with its own calendar and the rule of the European Union for the clock (last Sunday of March and October, 01:00
//! UTC).
#![expect(clippy::unwrap_used, reason = "a conversion that fails fails the test, as it should")]

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_tariff::tempo::Colours;
use ohmstead_tariff::{Known, Metered, Tariffs, bill, prices};
use proptest::prelude::*;

/// Days since the epoch of 1 September 2024 and of 1 September 2025.
const FIRST_DAY: i64 = 19_967;
const END_DAY: i64 = FIRST_DAY + 365;

/// Days since the epoch of the last Sundays of October 2024 and March 2025, on which the clock is changed.
const SET_BACK_DAY: i64 = 20_023;
const SET_FORWARD_DAY: i64 = 20_177;

/// Grids by their first day: 1 February 2024, 1 February and 1 August 2025. Millionths of a cent per watt hour: blue HC,
/// HP, white HC, HP, red HC, HP.
const GRIDS: [(i64, [i64; 6]); 3] = [
    (19_754, [12_960, 16_090, 14_860, 18_940, 15_680, 75_620]),
    (20_120, [12_880, 15_520, 14_470, 17_920, 15_180, 65_860]),
    (20_301, [12_320, 14_940, 13_910, 17_300, 14_600, 64_680]),
];

/// Minutes that the clock in Paris is ahead, at a minute since the epoch.
fn ahead(minute: i64) -> i64 {
    let winter = (SET_BACK_DAY * 1440 + 60..SET_FORWARD_DAY * 1440 + 60).contains(&minute);
    if winter { 60 } else { 120 }
}

/// The price in force at a minute: from the colours of the days since [`FIRST_DAY`] less one.
fn price(minute: i64, colours: &[usize]) -> i64 {
    let local = minute + ahead(minute);
    let (day, of_day) = (local.div_euclid(1440), local.rem_euclid(1440));
    let tariff_day = if of_day < 6 * 60 { day - 1 } else { day };
    let colour = colours[usize::try_from(tariff_day - (FIRST_DAY - 1)).unwrap()];
    let is_peak = (6 * 60..22 * 60).contains(&of_day);
    let grid = GRIDS.iter().rev().find(|(from, _)| *from <= day).unwrap().1;
    grid[colour * 2 + usize::from(is_peak)]
}

/// A day of the season.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Day {
    minutes: i64,
    micro_cents: i64,
}

/// What each civil day costs, with `wh` watt hours a minute in each half hour since the season began.
fn by_minutes(colours: &[usize], wh_a_minute: &[i64]) -> Vec<Day> {
    let start = FIRST_DAY * 1440 - 120;
    let mut days = vec![Day { minutes: 0, micro_cents: 0 }; 365];
    for (half_hour, wh) in wh_a_minute.iter().enumerate() {
        let first = start + i64::try_from(half_hour).unwrap() * 30;
        for minute in first..first + 30 {
            let day = (minute + ahead(minute)).div_euclid(1440) - FIRST_DAY;
            let day = &mut days[usize::try_from(day).unwrap()];
            day.minutes += 1;
            day.micro_cents += wh * price(minute, colours);
        }
    }
    days
}

/// The same through the crate: the days' hours and costs, and the total.
fn by_crate(colours: &[usize], wh_a_minute: &[i64]) -> (Vec<(f64, f64)>, f64) {
    let first: Date = "2024-08-31".parse().unwrap();
    let days = first.series(jiff::ToSpan::days(1)).zip(colours);
    let colours: Colours = days.map(|(date, colour)| (date, TempoColour::ALL[*colour])).collect();
    let start = UnixMillis((FIRST_DAY * 1440 - 120) * 60_000);
    let window = TimeSpan::new(start, UnixMillis((END_DAY * 1440 - 120) * 60_000));
    let slot = |index: usize| {
        TimeSpan::lasting(
            start.plus(Duration::from_secs(1800) * u32::try_from(index).unwrap()),
            Duration::from_secs(1800),
        )
    };
    let energy = wh_a_minute.iter().enumerate();
    let import_kwh = Timeline::of(energy.map(|(index, wh)| (slot(index), *wh as f64 * 30.0 / 1000.0)));
    let tariffs: Tariffs = serde_saphyr::from_str("import: { tempo: {} }").unwrap();
    let known = Known { colours: &colours, ..Known::nothing() };
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let prices = prices(&tariffs, known, window, &zone);
    let bill = bill(Metered { import_kwh: &import_kwh, export_kwh: None }, &prices, window, &zone);
    assert!(bill.whole.unknown_h < 1e-6 && bill.whole.estimated_h < 1e-6, "{:?}", bill.whole);
    (bill.days.iter().map(|(_, cost)| (cost.known_h, cost.import_cost)).collect(), bill.whole.total())
}

/// Both agree on every day, and on the season to the cent.
fn compare(colours: &[usize], wh_a_minute: &[i64]) -> Result<(), TestCaseError> {
    let expected = by_minutes(colours, wh_a_minute);
    let (days, total) = by_crate(colours, wh_a_minute);
    prop_assert_eq!(days.len(), 365);
    for (index, ((hours, cost), expected)) in days.iter().zip(&expected).enumerate() {
        prop_assert!((hours * 60.0 - expected.minutes as f64).abs() < 1e-6, "day {index}: {hours} h");
        let difference_cents = cost * 100.0 - expected.micro_cents as f64 / 1e6;
        prop_assert!(difference_cents.abs() < 1e-6, "day {index}: {difference_cents} ct");
    }
    let minutes = |day: i64| expected[usize::try_from(day - FIRST_DAY).unwrap()].minutes;
    prop_assert_eq!((minutes(SET_BACK_DAY), minutes(SET_FORWARD_DAY)), (25 * 60, 23 * 60));
    let exact = expected.iter().map(|day| day.micro_cents).sum::<i64>();
    prop_assert!((total * 1e8 - exact as f64).abs() < 100.0, "{total} EUR, exactly {exact}");
    Ok(())
}

/// Numbers without an order, the same ones for a seed.
fn numbers(seed: u64, below: u64) -> impl Iterator<Item = u64> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % below
    })
}

/// Half hours of the season: 365 days, an hour more in October, an hour less in March.
const HALF_HOURS: usize = 365 * 48;

fn energies(seed: u64) -> Vec<i64> {
    numbers(seed, 160).take(HALF_HOURS).map(|wh| i64::try_from(wh).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_season_costs_the_same_to_the_cent(colour_seed in any::<u64>(), energy_seed in any::<u64>()) {
        let colours: Vec<_> = numbers(colour_seed, 3).take(366).map(|colour| usize::try_from(colour).unwrap()).collect();
        compare(&colours, &energies(energy_seed))?;
    }
}

/// The colours as they were, where the table of them is at hand.
#[test]
fn the_season_of_2024_costs_the_same_to_the_cent() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let path = std::path::Path::new(&shared).join("data/optim/tempo_colours_2024-2025.csv");
    let text = std::fs::read_to_string(path).expect("the table of colours");
    let read = |line: &str| {
        let (_, colour) = line.split_once(',').expect("two columns");
        TempoColour::ALL.iter().position(|known| Ok(*known) == colour.parse()).expect("a colour")
    };
    let colours: Vec<_> = std::iter::once(0).chain(text.lines().skip(1).map(read)).collect();
    assert_eq!(colours.len(), 366);
    compare(&colours, &energies(42)).unwrap();
}
