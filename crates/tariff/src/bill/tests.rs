use std::time::Duration;

use ohmstead_model::{PriceSource, UnixMillis};

use super::*;
use crate::civil::tests::{paris, span};

fn price(import_per_kwh: f64, export_per_kwh: f64) -> Price {
    Price { import_per_kwh, export_per_kwh, estimated: false, source: PriceSource::Contract }
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

/// One value for every slot of `minutes` in the window.
fn every(window: TimeSpan, minutes: u64, value: f64) -> Timeline<f64> {
    let length = Duration::from_secs(minutes * 60);
    let step = usize::try_from(length.as_millis()).unwrap();
    let starts = (window.start.0..window.end.0).step_by(step);
    Timeline::of(starts.map(|start| (TimeSpan::lasting(UnixMillis(start), length), value)))
}

#[test]
fn a_slot_is_split_where_the_price_changes() {
    let day = span("2026-01-15T00:00:00Z", "2026-01-15T01:00:00Z");
    let prices = Timeline::of([
        (span("2026-01-15T00:00:00Z", "2026-01-15T00:15:00Z"), price(0.4, 0.0)),
        (span("2026-01-15T00:15:00Z", "2026-01-15T01:00:00Z"), price(-0.1, 0.05)),
    ]);
    let (import_kwh, export_kwh) = (Timeline::of([(day, 4.0)]), Timeline::of([(day, 2.0)]));
    let metered = Metered { import_kwh: &import_kwh, export_kwh: Some(&export_kwh) };
    let whole = bill(metered, &prices, day, &paris()).whole;
    assert!(close(whole.import_cost, 0.4 - 0.3), "{whole:?}");
    assert!(close(whole.export_income, 1.5 * 0.05), "{whole:?}");
    assert!(close(whole.total(), 0.1 - 0.075));
}

#[test]
fn what_is_unknown_is_counted_as_time_not_as_nothing() {
    let day = span("2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z");
    let half = span("2026-01-14T23:00:00Z", "2026-01-15T11:00:00Z");
    let mut energy = every(day, 60, 1.0);
    energy.set(span("2026-01-15T01:00:00Z", "2026-01-15T02:00:00Z"), f64::NAN);
    energy.set(span("2026-01-15T02:00:00Z", "2026-01-15T03:00:00Z"), -5.0);
    let metered = Metered { import_kwh: &energy, export_kwh: None };
    let whole = bill(metered, &Timeline::of([(half, price(0.2, 0.0))]), day, &paris()).whole;
    assert!(close(whole.unknown_h, 14.0) && close(whole.known_h, 10.0), "{whole:?}");
    assert!(close(whole.import_cost, 2.0) && close(whole.import_kwh, 10.0), "{whole:?}");

    let no_export = Timeline::default();
    let metered = Metered { import_kwh: &energy, export_kwh: Some(&no_export) };
    let unknown = bill(metered, &Timeline::of([(day, price(0.2, 0.0))]), day, &paris()).whole;
    assert!(close(unknown.unknown_h, 24.0) && close(unknown.total(), 0.0), "{unknown:?}");
}

#[test]
fn days_and_months_are_civil() {
    // Two days and an hour around the end of March, with the day of 23 hours in them.
    let window = span("2026-03-28T23:00:00Z", "2026-03-31T23:00:00Z");
    let energy = every(window, 60, 1.0);
    let metered = Metered { import_kwh: &energy, export_kwh: None };
    let mut estimated = price(0.1, 0.0);
    estimated.estimated = true;
    let bill = bill(metered, &Timeline::of([(window, estimated)]), window, &paris());
    let days: Vec<_> = bill.days.iter().map(|(date, cost)| (date.to_string(), cost.known_h)).collect();
    let expected = [("2026-03-29", 23.0), ("2026-03-30", 24.0), ("2026-03-31", 24.0), ("2026-04-01", 1.0)];
    assert_eq!(days, expected.map(|(date, hours)| (date.to_owned(), hours)));
    let months: Vec<_> = bill.months.iter().map(|(month, cost)| (month.month, cost.estimated_h)).collect();
    assert_eq!(months, [(3, 71.0), (4, 1.0)]);
    assert!(close(bill.whole.import_cost, 7.2));
}

#[test]
fn a_slot_over_midnight_belongs_to_both_days() {
    let window = span("2026-01-14T22:00:00Z", "2026-01-15T01:00:00Z");
    let energy = Timeline::of([(window, 3.0)]);
    let metered = Metered { import_kwh: &energy, export_kwh: None };
    let bill = bill(metered, &Timeline::of([(window, price(0.1, 0.0))]), window, &paris());
    let days: Vec<_> = bill.days.iter().map(|(_, cost)| (cost.import_kwh, cost.known_h)).collect();
    assert_eq!(days, [(1.0, 1.0), (2.0, 2.0)]);
}

#[test]
fn nothing_gives_an_empty_bill() {
    let nothing = Timeline::default();
    let metered = Metered { import_kwh: &nothing, export_kwh: None };
    let instant = span("2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z");
    assert_eq!(bill(metered, &Timeline::default(), instant, &paris()), Bill::default());
}
