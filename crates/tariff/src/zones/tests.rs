use ohmstead_model::UnixMillis;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::civil::tests::{ms, paris, span};

/// A French contract with two off-peak windows, one over midnight.
const HP_HC: &str = r#"
price: 0.2146 EUR/kWh
zones:
  - { price: 0.1696 EUR/kWh, hours: ["23:30-06:30", "14:30-15:30"] }
"#;

/// Dear winter evenings on weekdays, a free first hour of Sunday that goes before them.
const LATER_WINS: &str = r#"
price: 20 ct/kWh
zones:
  - { price: 0.5, days: mon-fri, hours: 17-20, months: nov-mar }
  - { price: 0.1, days: [sat, sun] }
  - { price: 0, days: sun, hours: "0-1" }
"#;

/// The night of Friday reaches into Saturday, that of 31 March into April.
const OVERNIGHT: &str = r#"{ price: 2, zones: [{ price: 1, days: fri, hours: "22:00-06:00" }, { price: 3, days: tue, months: mar, hours: "23-5" }] }"#;

fn zones(yaml: &str) -> Zones {
    serde_saphyr::from_str(yaml).unwrap()
}

#[rstest]
#[case(HP_HC, "2026-01-15T22:29:59Z", 0.2146)]
#[case(HP_HC, "2026-01-15T22:30:00Z", 0.1696)]
#[case(HP_HC, "2026-01-16T05:29:59Z", 0.1696)]
#[case(HP_HC, "2026-01-16T05:30:00Z", 0.2146)]
#[case(HP_HC, "2026-01-16T13:30:00Z", 0.1696)]
#[case(HP_HC, "2026-07-16T12:30:00Z", 0.1696)]
#[case(HP_HC, "2026-07-16T13:30:00Z", 0.2146)]
#[case::winter_evening(LATER_WINS, "2026-01-15T17:00:00Z", 0.5)]
#[case::winter_saturday(LATER_WINS, "2026-01-17T17:00:00Z", 0.1)]
#[case::summer_evening(LATER_WINS, "2026-07-15T17:00:00Z", 0.2)]
#[case::first_of_sunday(LATER_WINS, "2026-01-17T23:30:00Z", 0.0)]
#[case::second_of_sunday(LATER_WINS, "2026-01-18T00:00:00Z", 0.1)]
#[case::friday_night(OVERNIGHT, "2026-01-17T04:59:59Z", 1.0)]
#[case::thursday_night(OVERNIGHT, "2026-01-16T04:59:59Z", 2.0)]
#[case::last_night_of_march(OVERNIGHT, "2026-04-01T01:00:00Z", 3.0)]
fn prices_by_the_clock(#[case] yaml: &str, #[case] at: &str, #[case] expected: f64) {
    let day = TimeSpan::lasting(ms(at), std::time::Duration::from_secs(60));
    assert_eq!(zones(yaml).prices(day, &paris()).at(ms(at)), Some(&expected));
}

#[rstest]
// 00:00-06:30, 14:30-15:30 and 23:30-24:00 are 8 hours of an ordinary day.
#[case::ordinary("2026-05-01T22:00:00Z", "2026-05-02T22:00:00Z", 8.0, 24.0)]
#[case::set_back("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 9.0, 25.0)]
#[case::set_forward("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 7.0, 23.0)]
fn hours_of_a_day(#[case] start: &str, #[case] end: &str, #[case] cheap_h: f64, #[case] all_h: f64) {
    let prices = zones(HP_HC).prices(span(start, end), &paris());
    let cheap = prices.slots().filter(|(_, price)| **price < 0.2).map(|(span, _)| span.hours()).sum::<f64>();
    assert_eq!(Some(cheap), Some(cheap_h));
    assert_eq!(Some(prices.slots().map(|(span, _)| span.hours()).sum::<f64>()), Some(all_h));
}

#[test]
fn the_hour_that_comes_twice_is_in_its_zone_twice() {
    let zones = zones(r#"{ price: 2, zones: [{ price: 1, hours: "02:15-02:45" }] }"#);
    let cheap_h = |window| -> f64 {
        let prices = zones.prices(window, &paris());
        prices.slots().filter(|(_, price)| **price < 1.5).map(|(span, _)| span.hours()).sum()
    };
    assert_eq!(Some(cheap_h(span("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"))), Some(1.0));
    assert_eq!(Some(cheap_h(span("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"))), Some(0.0));
    assert_eq!(Some(cheap_h(span("2026-05-01T22:00:00Z", "2026-05-02T22:00:00Z"))), Some(0.5));
}

#[rstest]
#[case("{ price: 1, zones: [{ price: 1, hours: 25-3 }] }", r#""25-3" is unknown: expected hours such as"#)]
#[case(r#"{ price: 1, zones: [{ price: 1, hours: "22:0-6" }] }"#, "is unknown: expected hours")]
#[case("{ price: 1, zones: [{ price: 1, hours: 22 }] }", "is unknown: expected hours")]
#[case("{ price: 1, zones: [{ price: 1, days: funday }] }", r#""funday" is unknown: expected days"#)]
#[case("{ price: 1, zones: [{ price: 1, days: [] }] }", "the list is empty: expected days")]
#[case("{ price: 1, zones: [{ price: 1, months: 13 }] }", r#""13" is unknown: expected months"#)]
#[case("{ price: 1, zones: [{ price: 1, months: [[1]] , hours: [[[1,2]]] }] }", "list")]
#[case("{ price: 1, zones: [{ days: mon }] }", "missing field `price`")]
#[case("{ price: .nan }", "non-finite")]
#[case("{ price: 1, zone: [] }", "zone")]
fn wrong_zones_say_why(#[case] yaml: &str, #[case] why: &str) {
    let error = serde_saphyr::from_str::<Zones>(yaml).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

proptest! {
    /// A zone holds as many minutes as a count of the minutes on the wall clock says, on any day.
    #[test]
    fn cut_prices_are_those_of_every_minute(
        day in 0_i64..800, from in 0_u32..96, to in 0_u32..96, days in 1_u8..128, months in 1_u16..4096,
    ) {
        let quarter = |quarter: u32| {
            let (hour, minute) = (i8::try_from(quarter / 4).unwrap(), i8::try_from(quarter % 4 * 15).unwrap());
            Time::new(hour, minute, 0, 0).unwrap()
        };
        let zone = Zone {
            price: EnergyPrice::per_kwh(1.0),
            days: Days(days),
            hours: Hours(vec![(quarter(from), quarter(to))]),
            months: Months(months),
        };
        let start = UnixMillis(ms("2025-01-01T00:00:00Z").0 + day * 86_400_000);
        let window = TimeSpan::new(start, UnixMillis(start.0 + 86_400_000));
        let prices = by_clock(EnergyPrice::per_kwh(2.0), std::slice::from_ref(&zone), window, &paris());
        for minute in 0..1440 {
            let at = UnixMillis(start.0 + minute * 60_000);
            let expected = if zone.holds(civil::on_wall(at, &paris()).unwrap()) { 1.0 } else { 2.0 };
            prop_assert_eq!(prices.at(at), Some(&expected));
        }
    }
}
