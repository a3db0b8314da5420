use jiff::Timestamp;
use jiff::civil::DateTime;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

fn ms(civil: &str) -> UnixMillis {
    let civil: DateTime = civil.parse().unwrap();
    UnixMillis(civil.to_zoned(paris()).unwrap().timestamp().as_millisecond())
}

fn on_wall(at: UnixMillis) -> DateTime {
    paris().to_datetime(Timestamp::from_millisecond(at.0).unwrap())
}

/// Quarters of the `days` before `now`, by what the clock shows and how many days are left.
fn quarters(now: UnixMillis, days: u32, value: impl Fn(DateTime, f64) -> f64) -> Timeline<f64> {
    let quarter = Duration::from_secs(900);
    Timeline::of((0..days * 96).rev().map(|back| {
        let start = now.minus(quarter * (back + 1));
        (TimeSpan::lasting(start, quarter), value(on_wall(start), f64::from(back) / 96.0))
    }))
}

/// Up at seven, cooking at noon and in the evening, later at weekends.
fn routine(civil: DateTime, _: f64) -> f64 {
    let weekend = civil.date().weekday().to_monday_zero_offset() >= 5;
    let morning = if weekend { 9 } else { 7 };
    match i32::from(civil.hour()) {
        12 | 18 | 19 => 2000.0,
        hour if hour == morning => 1500.0,
        _ => 300.0,
    }
}

fn foretell(load_w: &Timeline<f64>, now: UnixMillis) -> Timeline<Band> {
    foretell_with(load_w, &Timeline::default(), now)
}

fn foretell_with(load_w: &Timeline<f64>, temperature_c: &Timeline<f64>, now: UnixMillis) -> Timeline<Band> {
    let zone = paris();
    forecast(House { load_w, temperature_c, zone: &zone }, now, DAY * 2, Step::Quarter)
}

fn mean(foretold: &Timeline<Band>, from: UnixMillis, length: Duration) -> f64 {
    foretold.map(|_, band| band.mean).mean(TimeSpan::lasting(from, length)).unwrap()
}

#[test]
fn of_an_unknown_house_an_ordinary_one_is_expected_in_a_wide_band() {
    let now = ms("2026-11-30T10:07");
    let foretold = foretell(&Timeline::default(), now);
    let (first, band) = foretold.slots().next().unwrap();
    assert_eq!(first.start, ms("2026-11-30T10:00"));
    assert!((band.mean - 400.0).abs() < 1.0, "{band:?}");
    assert!(band.p10 < 0.4 * band.mean && band.p90 > 1.5 * band.mean, "{band:?}");
    assert!(foretold.gaps(TimeSpan::lasting(now, DAY * 2)).is_empty());
}

#[test]
fn one_day_of_history_sets_the_level_and_the_band_stays_wide() {
    let now = ms("2026-11-30T00:00");
    let foretold = foretell(&quarters(now, 1, |_, _| 1000.0), now);
    let band = foretold.at(ms("2026-11-30T15:00")).unwrap();
    assert!((900.0..1100.0).contains(&band.mean) && band.p90 > 1500.0, "{band:?}");
}

#[rstest]
#[case::ordinary("2026-11-30T00:00")]
#[case::from_the_middle_of_a_day("2026-11-30T13:45")]
#[case::into_winter_time("2026-10-24T12:00")]
#[case::into_summer_time("2026-03-28T12:00")]
fn a_routine_is_foretold_by_the_clock(#[case] now: &str) {
    let now = ms(now);
    let foretold = foretell(&quarters(now, 60, routine), now);
    for (span, band) in foretold.slots().skip(1) {
        let expected = routine(on_wall(span.start), 0.0);
        let off = (band.mean - expected).abs() / expected;
        assert!(off < 0.2, "{}: {band:?}, {expected} W", on_wall(span.start));
        assert!(band.p90 - band.p10 < 0.5 * expected, "{}: {band:?}", on_wall(span.start));
    }
}

#[test]
fn a_house_whose_people_leave_is_followed_within_days() {
    let now = ms("2026-11-30T00:00");
    let away = |days: f64| {
        let load = quarters(now, 60, |civil, left| if left < days { 150.0 } else { routine(civil, 0.0) });
        mean(&foretell(&load, now), now, DAY)
    };
    let (usual, after_3, after_7) = (away(0.0), away(3.0), away(7.0));
    assert!(after_3 < 0.6 * usual, "{after_3} W of {usual} W");
    assert!(after_7 < 0.4 * usual, "{after_7} W of {usual} W");
}

#[test]
fn what_cannot_be_is_left_out() {
    let now = ms("2026-11-30T00:00");
    let clean = quarters(now, 30, routine);
    let mut soiled = clean.clone();
    for (back, value) in [(40, 1e12), (80, f64::NAN), (120, f64::INFINITY), (160, -5000.0)] {
        soiled.set(
            TimeSpan::lasting(now.minus(Duration::from_secs(900 * back)), Duration::from_secs(900)),
            value,
        );
    }
    let (clean, soiled) = (foretell(&clean, now), foretell(&soiled, now));
    for ((span, clean), (_, soiled)) in clean.slots().zip(soiled.slots()) {
        assert!((clean.mean - soiled.mean).abs() < 0.1 * clean.mean + 150.0, "{}", on_wall(span.start));
    }
}

#[test]
fn a_history_is_made_sound() {
    let mut load_w = vec![Some(500.0); 300];
    load_w[..4].copy_from_slice(&[Some(-5000.0), Some(-50.0), Some(1e300), Some(9e6)]);
    let sound = sound(load_w);
    assert_eq!(sound[..5], [None, Some(0.0), None, Some(1500.0), Some(500.0)]);
    assert_eq!(super::sound(vec![None, Some(f64::NAN)]), [None, None]);
}

#[test]
fn what_is_later_is_not_looked_at() {
    let now = ms("2026-11-30T10:00");
    let past = quarters(now, 30, routine);
    let mut with_future = past.clone();
    with_future.set(TimeSpan::lasting(now, DAY * 3), 9999.0);
    assert_eq!(foretell(&past, now), foretell(&with_future, now));
}

/// A house in which a heavy consumer runs for four hours, at no particular time.
fn restless(civil: DateTime, left: f64) -> f64 {
    let days = f64::from(civil.date().day_of_year());
    let begins = ((days * 12.9898).sin() * 43_758.545_3).rem_euclid(1.0) * 20.0;
    let hour = f64::from(civil.hour()) + f64::from(civil.minute()) / 60.0;
    let runs = (begins..begins + 4.0).contains(&hour) && left > 0.5;
    500.0 + if runs { 2000.0 } else { 0.0 }
}

#[test]
fn what_runs_now_runs_a_while_longer() {
    let now = ms("2026-11-30T15:00");
    let quiet = quarters(now, 60, restless);
    let running =
        quarters(now, 60, |civil, left| restless(civil, left) + if left < 0.04 { 2000.0 } else { 0.0 });
    let (quiet, running) = (foretell(&quiet, now), foretell(&running, now));
    let more = |hours: u64| {
        let at = now.plus(Duration::from_secs(hours * 3600));
        mean(&running, at, Duration::from_secs(900)) - mean(&quiet, at, Duration::from_secs(900))
    };
    assert!(
        more(0) > 700.0 && more(1) < more(0) && more(12).abs() < 0.25 * more(0),
        "{} {} {}",
        more(0),
        more(1),
        more(12)
    );
    let width = |at: UnixMillis| running.at(at).map(|band| band.p90 - band.p10).unwrap();
    assert!(width(now) < 0.8 * width(now.plus(DAY)), "the band of what is near is narrower");
}

#[test]
fn a_cold_night_is_foretold_where_its_temperature_is_known() {
    let now = ms("2026-11-30T00:00");
    let cold = |at: DateTime| 8.0 + 6.0 * (f64::from(at.date().day_of_year()) * 1.7).sin();
    let load = |civil: DateTime, _: f64| 300.0 + 100.0 * (15.0 - cold(civil)).max(0.0);
    let load_w = quarters(now, 90, load);
    let mut temperature_c = quarters(now.plus(DAY * 2), 92, |civil, _| cold(civil));
    temperature_c.set(TimeSpan::lasting(now, DAY * 2), -8.0);
    let blind = mean(&foretell(&load_w, now), now, DAY);
    let seeing = mean(&foretell_with(&load_w, &temperature_c, now), now, DAY);
    let truth = 300.0 + 100.0 * 23.0;
    assert!((seeing - truth).abs() < 0.15 * truth, "{seeing} W, {truth} W");
    assert!((blind - truth).abs() > 0.3 * truth, "{blind} W needs no temperature");
}

#[test]
fn a_year_is_learned_quickly() {
    let now = ms("2026-11-30T00:00");
    let load_w = quarters(now, 365, restless);
    let run = |_| {
        #[expect(clippy::disallowed_methods, reason = "how long it takes is the question")]
        let begin = std::time::Instant::now();
        assert_eq!(foretell(&load_w, now).slots().len(), 192);
        begin.elapsed()
    };
    let best = (0..10).map(run).min().unwrap();
    println!("a year in quarters of an hour, best of 10: {:.1} ms", best.as_secs_f64() * 1000.0);
    // Far more than it takes: only a mistake of principle is caught here, not a busy machine.
    assert!(best < Duration::from_millis(500), "{best:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was measured: two whole days in order, every figure a number, none negative, quantiles in order.
    #[test]
    fn a_forecast_is_one(
        slots in prop::collection::vec((0_i64..4000, 1_i64..30, prop::num::f64::ANY), 0..80),
        quarter in 0_i64..4000, minute in 0_i64..15,
    ) {
        let origin = ms("2026-10-01T00:00").0;
        let at = |quarter: i64| UnixMillis(origin + quarter * 900_000);
        let load_w = Timeline::of(slots.iter().map(|(start, length, load)| (TimeSpan::new(at(*start), at(start + length)), *load)));
        let temperature_c = load_w.map(|_, load| load / 100.0);
        let now = UnixMillis(at(quarter).0 + minute * 60_000);
        let foretold = foretell_with(&load_w, &temperature_c, now);
        prop_assert!(foretold.gaps(TimeSpan::lasting(now, DAY * 2)).is_empty());
        for (_, band) in foretold.slots() {
            prop_assert!(band.mean.is_finite() && band.mean >= 0.0, "{band:?}");
            prop_assert!(band.quantiles().is_sorted() && band.p10 >= 0.0 && band.p90.is_finite(), "{band:?}");
        }
    }

    #[test]
    fn no_instant_is_too_far(now in any::<i64>()) {
        let _ = foretell(&Timeline::default(), UnixMillis(now));
    }
}
