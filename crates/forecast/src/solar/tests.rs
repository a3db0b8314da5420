use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ohmstead_model::{Band, UnixMillis};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const PARIS: Place = Place { latitude: 48.8566, longitude: 2.3522 };
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn ms(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn plane(peak_w: f64, tilt: f64, azimuth: f64) -> Plane {
    Plane { peak: Watts(peak_w), tilt, azimuth }
}

fn hour(value: f64) -> Timeline<f64> {
    Timeline::of([(TimeSpan::lasting(ms("2026-06-20T11:00:00Z"), HOUR), value)])
}

fn only(timeline: &Timeline<f64>) -> Option<f64> {
    timeline.slots().next().map(|(_, value)| *value)
}

#[rstest]
// By hand: 6000 W * 0.8 * (1 - 0.004 * (20 + 0.0342 * 800 - 25)) * 0.95.
#[case::warm(800.0, Some(20.0), None, Some(4152.0))]
#[case::cold_is_better(800.0, Some(-10.0), None, Some(4699.2))]
#[case::limited(800.0, Some(20.0), Some(3000.0), Some(3000.0))]
#[case::negative_light_is_none(-84.0, Some(20.0), None, Some(0.0))]
#[case::unknown_light(f64::NAN, Some(20.0), None, None)]
#[case::unknown_air_is_ordinary(800.0, None, None, Some(4243.2))]
fn power_of_a_plane(
    #[case] light: f64,
    #[case] air_c: Option<f64>,
    #[case] ac_max_w: Option<f64>,
    #[case] expected_w: Option<f64>,
) {
    let array = Array::of(vec![plane(6000.0, 30.0, 0.0)], ac_max_w.map(Watts));
    let air = air_c.map(hour).unwrap_or_default();
    let power = only(&array.power(&[hour(light)], &air));
    assert_eq!(power.map(f64::round), expected_w.map(f64::round));
}

#[test]
fn planes_are_summed_where_all_are_known() {
    let array = Array::of(vec![plane(3000.0, 30.0, -90.0), plane(3000.0, 30.0, 90.0)], Some(Watts(4000.0)));
    let air = hour(20.0);
    let both = array.power(&[hour(800.0), hour(400.0)], &air);
    let one = Array::of(vec![plane(3000.0, 30.0, 0.0)], None);
    let apart = [800.0, 400.0].map(|light| only(&one.power(&[hour(light)], &air)).unwrap());
    assert!((only(&both).unwrap() - apart.iter().sum::<f64>()).abs() < 1e-9);
    assert!(array.power(&[hour(800.0), Timeline::default()], &air).is_empty());
    assert!(array.power(&[hour(800.0)], &air).is_empty());
    assert!(Array::of(Vec::new(), None).power(&[], &air).is_empty());
}

#[test]
fn a_clear_day_has_the_energy_of_one() {
    let array = Array::of(vec![plane(1000.0, 30.0, 0.0)], None);
    let day_kwh = |midnight: &str| {
        let window = TimeSpan::lasting(ms(midnight), DAY);
        let power = array.clear_sky(PARIS, window, Step::Quarter);
        assert!(power.gaps(window).is_empty());
        power.slots().map(|(span, power)| power * span.hours() / 1000.0).sum::<f64>()
    };
    // What good days give in Paris per kilowatt peak.
    let (summer, winter) = (day_kwh("2026-06-20T00:00:00Z"), day_kwh("2026-12-21T00:00:00Z"));
    assert!((6.3..7.8).contains(&summer), "{summer} kWh");
    assert!((2.2..3.6).contains(&winter), "{winter} kWh");
    let night = array.clear_sky(PARIS, TimeSpan::lasting(ms("2026-06-20T23:00:00Z"), HOUR), Step::Quarter);
    assert!(night.slots().all(|(_, power)| *power <= 0.0));
}

/// 14 days of hours before `now`: what a clear sky would give, times something.
fn days(now: UnixMillis, factor: impl Fn(i64, i64) -> f64) -> Timeline<f64> {
    let array = Array::of(vec![plane(5000.0, 30.0, 0.0)], None);
    let sky = array.clear_sky(PARIS, TimeSpan::new(now.minus(DAY * 14), now), Step::Hour);
    sky.map(|span, power| {
        power * factor((now.0 - span.start.0 - 1) / 86_400_000, span.start.0 / 3_600_000 % 24)
    })
}

fn learned(measured_w: &Timeline<f64>, now: UnixMillis, curtailed: &[TimeSpan]) -> Calibration {
    let forecast = days(now, |_, _| 1.0);
    let record = Record { measured_w, forecast_w: &forecast, curtailed };
    Calibration::default().learned(record, now, &TimeZone::get("Europe/Paris").unwrap())
}

#[test]
fn a_tree_in_the_morning_is_learned() {
    let now = ms("2026-06-20T00:00:00Z");
    let measured = days(now, |_, hour| if hour < 8 { 0.6 } else { 1.1 });
    let calibration = learned(&measured, now, &[]);
    let factor = |text| calibration.factor(ms(text));
    assert!((0.6..0.68).contains(&factor("2026-06-20T06:30:00Z")), "{calibration:?}");
    assert!((1.08..1.1).contains(&factor("2026-06-20T12:00:00Z")), "{calibration:?}");
    assert_eq!(Some(factor("2026-06-20T23:30:00Z")), Some(1.0));
}

#[test]
fn a_clear_sky_learns_the_clouds_of_the_place() {
    let now = ms("2026-06-20T00:00:00Z");
    let forecast = days(now, |_, _| 1.0);
    let measured = days(now, |_, _| 0.2);
    let record = Record { measured_w: &measured, forecast_w: &forecast, curtailed: &[] };
    let (at_first, grey) =
        (Calibration::of_clear_sky(), Calibration::of_clear_sky().learned(record, now, &TimeZone::UTC));
    let noon = ms("2026-06-20T12:00:00Z");
    assert_eq!(Some(at_first.factor(noon)), Some(0.6));
    assert!((0.2..0.3).contains(&grey.factor(noon)), "{grey:?}");
}

#[rstest]
#[case::broken_sensor(0.0, 0.5)]
#[case::too_good(4.0, 1.5)]
fn factors_are_bounded(#[case] really: f64, #[case] expected: f64) {
    let now = ms("2026-06-20T00:00:00Z");
    let calibration = learned(&days(now, |_, _| really), now, &[]);
    assert_eq!(Some(calibration.factor(ms("2026-06-20T12:00:00Z"))), Some(expected));
}

#[test]
fn curtailed_days_are_left_out() {
    let now = ms("2026-06-20T00:00:00Z");
    let measured = days(now, |days_ago, _| if days_ago == 3 { 0.0 } else { 1.0 });
    let noon = ms("2026-06-20T12:00:00Z");
    assert!(learned(&measured, now, &[]).factor(noon) < 0.97);
    // Three days ago is 16 June from 00:00 to 24:00 UTC, an hour of it was curtailed.
    let curtailed = [TimeSpan::lasting(ms("2026-06-16T11:00:00Z"), HOUR)];
    assert!((learned(&measured, now, &curtailed).factor(noon) - 1.0).abs() < 0.01);
}

#[test]
fn the_band_is_as_wide_as_the_past_was_off() {
    let now = ms("2026-06-20T00:00:00Z");
    let steady = learned(&days(now, |_, _| 1.0), now, &[]);
    let changing = learned(&days(now, |day, _| if day % 2 == 0 { 1.6 } else { 0.4 }), now, &[]);
    let width = |calibration: &Calibration| {
        let band = calibration.band(&hour(1000.0), 6000.0);
        let (_, band) = band.slots().next().map(|(span, band)| (span, *band)).unwrap();
        (band.p90 - band.p10) / band.mean
    };
    assert!(width(&steady) < 0.3 && width(&changing) > 1.0, "{} {}", width(&steady), width(&changing));
    let limited = changing.band(&hour(1000.0), 900.0);
    assert!(limited.slots().all(|(_, band)| band.p90 <= 900.0 && band.mean <= 900.0));
}

fn quarters(means: &[f64]) -> Timeline<Band> {
    let quarter = Duration::from_secs(900);
    let start = ms("2026-06-20T11:00:00Z");
    Timeline::of(means.iter().zip(0_u32..).map(|(mean, place)| {
        (
            TimeSpan::lasting(start.plus(quarter * place), quarter),
            Band::of(*mean, [0.5, 0.8, 1.0, 1.2, 1.4].map(|ratio| ratio * mean)),
        )
    }))
}

#[rstest]
#[case::half(Some(500.0), [500.0, 625.0, 750.0, 875.0, 1000.0, 1000.0])]
#[case::more(Some(1400.0), [1400.0, 1300.0, 1200.0, 1100.0, 1000.0, 1000.0])]
#[case::limited(Some(9000.0), [1500.0, 1500.0, 1500.0, 1250.0, 1000.0, 1000.0])]
#[case::unknown(None, [1000.0; 6])]
#[case::no_number(Some(f64::NAN), [1000.0; 6])]
fn what_is_seen_fades_within_an_hour(#[case] measured_w: Option<f64>, #[case] expected: [f64; 6]) {
    let now = ms("2026-06-20T11:07:00Z");
    let blended = blend_present(&quarters(&[1000.0; 6]), measured_w, now, 1500.0);
    let means: Vec<f64> = blended.slots().map(|(_, band)| band.mean.round()).collect();
    assert_eq!(means, expected);
}

#[test]
fn at_dawn_the_forecast_stays_as_it_is() {
    let forecast = quarters(&[20.0, 100.0, 1000.0]);
    let now = ms("2026-06-20T11:07:00Z");
    assert_eq!(blend_present(&forecast, Some(60.0), now, 5000.0), forecast);
    assert_eq!(blend_present(&forecast, Some(60.0), ms("2026-06-20T15:00:00Z"), 5000.0), forecast);
}

#[rstest]
#[case("{ peak: 6 kWp, tilt: 30, azimuth: 0 }", None)]
#[case("{ peak: 6 kWp, tilt: 100, azimuth: 0 }", Some("100 is out of range: expected a tilt"))]
#[case("{ peak: 6 kWp, tilt: 30, azimuth: 270 }", Some("270 is out of range: expected an azimuth"))]
#[case("{ peak: -6 kWp, tilt: 30, azimuth: 0 }", Some("not negative"))]
#[case("{ peak: 6, tilt: 30, azimuth: 0, size: 1 }", Some("size"))]
fn a_wrong_plane_says_why(#[case] yaml: &str, #[case] why: Option<&str>) {
    let error = serde_saphyr::from_str::<Plane>(yaml).err().map(|error| error.to_string());
    assert_eq!(error.is_some(), why.is_some(), "{error:?}");
    assert!(error.unwrap_or_default().contains(why.unwrap_or_default()));
}

proptest! {
    /// Whatever was measured and forecast: factors within their bounds, bands in order.
    #[test]
    fn a_calibration_is_one(
        slots in prop::collection::vec((0_i64..400, 1_i64..5, prop::num::f64::ANY, prop::num::f64::ANY), 0..60),
    ) {
        let now = ms("2026-06-20T00:00:00Z");
        let at = |hour: i64| UnixMillis(now.0 - hour * 3_600_000);
        let record = |pick: fn(&(i64, i64, f64, f64)) -> f64| {
            Timeline::of(slots.iter().map(|slot| (TimeSpan::new(at(slot.0 + slot.1), at(slot.0)), pick(slot))))
        };
        let (measured_w, forecast_w) = (record(|slot| slot.2), record(|slot| slot.3));
        let record = Record { measured_w: &measured_w, forecast_w: &forecast_w, curtailed: &[] };
        let calibration = Calibration::default().learned(record, now, &TimeZone::UTC);
        for hour in 0..24 {
            prop_assert!((0.5..=1.5).contains(&calibration.factor(at(-hour))), "{calibration:?}");
        }
        for (_, band) in calibration.band(&hour(1000.0), 5000.0).slots() {
            prop_assert!(band.quantiles().is_sorted() && band.p90 <= 5000.0 && band.p10 >= 0.0, "{band:?}");
        }
    }
}
