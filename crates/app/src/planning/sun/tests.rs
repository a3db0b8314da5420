//! Where a forecast of the sun comes from, and what it may come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_outlook::Sourced;
use rstest::rstest;

use super::*;

const NOON: UnixMillis = UnixMillis(1_795_262_400_000);

/// The quarters of noon of each of some days, beginning so many days from now.
fn noons<T: Clone>(days: std::ops::Range<i64>, value: &T) -> Timeline<T> {
    let quarters = days.flat_map(|day| (0..4).map(move |quarter| NOON.0 + day * DAYS_MS + quarter * 900_000));
    Timeline::of(quarters.map(|at| (TimeSpan::lasting(UnixMillis(at), QUARTER), value.clone())))
}

/// Of panels that nobody measures at present, and that were never held back.
fn sky<'s>(
    outlook: &'s Outlook,
    panels: &'s Panels,
    measured_w: &'s Timeline<f64>,
    foretold_w: &'s Timeline<f64>,
) -> Sky<'s> {
    const ZONE: &TimeZone = &TimeZone::UTC;
    Sky { outlook, panels, measured_w, foretold_w, held_back: &[], now_w: None, zone: ZONE }
}

fn tomorrow(measured_w: &Timeline<f64>, foretold_w: &Timeline<f64>) -> f64 {
    let figure = Sourced { value: 1000.0, source: Arc::from("test"), fetched_at: NOON, is_stale: false };
    // The outlook knows of two days that are past, of which it says today what it did not say then.
    let series = BTreeMap::from([(Quantity::PvPower, noons(-2..2, &figure))]);
    let outlook = Outlook { series, ..Outlook::default() };
    let panels = Panels::default();
    let sky = sky(&outlook, &panels, measured_w, foretold_w);
    let window = TimeSpan::new(NOON, UnixMillis(NOON.0 + 2 * DAYS_MS));
    let (bands, basis) = forecast(&sky, NOON, window);
    assert_eq!(basis, Basis::Power);
    bands.at(UnixMillis(NOON.0 + DAYS_MS)).expect("foretold").mean
}

#[test]
fn what_was_said_of_two_weeks_corrects_what_is_said_now() {
    let measured_w = noons(-14..0, &700.0);
    let of_outlook_alone = tomorrow(&measured_w, &Timeline::default());
    let of_two_weeks = tomorrow(&measured_w, &noons(-14..0, &1000.0));
    // Two days teach a little, two weeks nearly all of it.
    assert!((of_two_weeks - 700.0).abs() < 40.0, "{of_two_weeks}");
    assert!(of_outlook_alone > of_two_weeks + 20.0, "{of_outlook_alone} {of_two_weeks}");
    // What was said then counts, and not what the service says of it now.
    let right_then = tomorrow(&measured_w, &noons(-14..0, &700.0));
    assert!((right_then - 1000.0).abs() < 1.0, "{right_then}");
}

#[test]
fn what_is_stored_is_no_forecast_of_what_comes() {
    let outlook = Outlook::default();
    let (panels, measured_w, foretold_w) = (Panels::default(), noons(-3..0, &500.0), noons(-14..1, &900.0));
    let sky = sky(&outlook, &panels, &measured_w, &foretold_w);
    let (_, basis) = forecast(&sky, NOON, TimeSpan::lasting(NOON, QUARTER));
    assert_eq!(basis, Basis::LastDays);
}

/// One kilowatt of panels to the south, as the place of a test has them.
fn roof(place: Option<Place>) -> Panels {
    let plane =
        ohmstead_forecast::solar::Plane { peak: ohmstead_units::Watts(1000.0), tilt: 30.0, azimuth: 0.0 };
    Panels { array: Some(Array::of(vec![plane], None)), place, are_foretold: true }
}

fn knowing(quantity: Quantity, value: f64) -> Outlook {
    let figure = Sourced { value, source: Arc::from("test"), fetched_at: NOON, is_stale: false };
    Outlook { series: BTreeMap::from([(quantity, noons(0..2, &figure))]), ..Outlook::default() }
}

const HERE: Option<Place> = Some(Place { latitude: 48.8, longitude: 2.3 });

/// What is foretold of the noon of tomorrow, W: the mean; and from what.
#[rstest]
#[case::nothing(Outlook::default(), Panels::default(), &[], None, Basis::None)]
#[case::of_last_days(Outlook::default(), Panels::default(), &[400.0, 600.0], Some(500.0..500.1), Basis::LastDays)]
#[case::a_night_draw_is_no_sun(Outlook::default(), Panels::default(), &[-20.0, 600.0], Some(300.0..300.1), Basis::LastDays)]
#[case::what_is_no_number_is_not_counted(Outlook::default(), Panels::default(), &[f64::NAN, 600.0], Some(600.0..600.1), Basis::LastDays)]
#[case::nor_is_what_is_endless(Outlook::default(), Panels::default(), &[f64::INFINITY, 600.0], Some(600.0..600.1), Basis::LastDays)]
#[case::nothing_but_nonsense(Outlook::default(), Panels::default(), &[f64::NAN], None, Basis::None)]
#[case::a_place_without_panels(Outlook::default(), Panels { array: None, place: HERE, are_foretold: false }, &[], None, Basis::None)]
#[case::panels_without_a_place(Outlook::default(), roof(None), &[], None, Basis::None)]
#[case::panels_without_a_place_that_were_measured(Outlook::default(), roof(None), &[300.0], Some(300.0..300.1), Basis::LastDays)]
// The end of November at noon, a quarter of an hour long: less than in June, more than nothing.
#[case::a_clear_sky(Outlook::default(), roof(HERE), &[], Some(100.0..900.0), Basis::ClearSky)]
#[case::power(knowing(Quantity::PvPower, 700.0), Panels::default(), &[], Some(699.0..701.0), Basis::Power)]
#[case::no_more_than_the_panels_have(knowing(Quantity::PvPower, 9000.0), roof(None), &[], Some(999.0..1000.1), Basis::Power)]
#[case::irradiance(knowing(Quantity::Irradiance(0), 500.0), roof(None), &[], Some(400.0..500.0), Basis::Irradiance)]
#[case::irradiance_of_a_plane_that_is_not_there(knowing(Quantity::Irradiance(3), 500.0), roof(None), &[], None, Basis::None)]
#[case::power_goes_before_a_clear_sky(knowing(Quantity::PvPower, 30.0), roof(HERE), &[], Some(29.0..31.0), Basis::Power)]
fn where_it_comes_from(
    #[case] outlook: Outlook,
    #[case] panels: Panels,
    #[case] yesterday_and_before: &[f64],
    #[case] expected: Option<std::ops::Range<f64>>,
    #[case] basis: Basis,
) {
    let days = yesterday_and_before.iter().zip(1..).map(|(power, day)| noons(-day..1 - day, power));
    let measured_w = days.fold(Timeline::default(), |known, day| known.or(&day));
    let foretold_w = Timeline::default();
    let sky = sky(&outlook, &panels, &measured_w, &foretold_w);
    let (bands, found) = forecast(&sky, NOON, TimeSpan::new(NOON, UnixMillis(NOON.0 + 2 * DAYS_MS)));
    let mean = bands.at(UnixMillis(NOON.0 + DAYS_MS)).map(|band| band.mean);
    assert_eq!(found, basis, "{mean:?}");
    match (mean, &expected) {
        (Some(mean), Some(range)) => assert!(range.contains(&mean), "{mean} in {range:?}"),
        _ => assert_eq!(mean.is_some(), expected.is_some(), "{mean:?}"),
    }
    let ordered = |band: &Band| band.quantiles().is_sorted() && band.p10 >= 0.0;
    assert!(bands.slots().all(|(_, band)| ordered(band)), "{bands:?}");
}

/// What the panels give now counts for what they give soon, and not for tomorrow.
#[rstest]
#[case(None, 700.0)]
#[case(Some(200.0), 200.0)]
#[case(Some(0.0), 0.0)]
fn the_present_is_what_is_measured(#[case] now_w: Option<f64>, #[case] expected: f64) {
    let (outlook, panels, nothing) =
        (knowing(Quantity::PvPower, 700.0), Panels::default(), Timeline::default());
    let sky = Sky { now_w, ..sky(&outlook, &panels, &nothing, &nothing) };
    let (bands, _) = forecast(&sky, NOON, TimeSpan::new(NOON, UnixMillis(NOON.0 + 2 * DAYS_MS)));
    let mean = |at| bands.at(at).expect("foretold").mean;
    assert!((mean(NOON) - expected).abs() < 120.0, "{}", mean(NOON));
    assert!((mean(UnixMillis(NOON.0 + DAYS_MS)) - 700.0).abs() < 1.0);
}

fn figure(value: f64, is_stale: bool) -> Sourced {
    Sourced { value, source: Arc::from("test"), fetched_at: NOON, is_stale }
}

/// A service that went silent does not stand before one that answers, nor does its end mean that there is no sun.
#[rstest]
#[case::the_silent_one_is_left(&[(true, 0..2)], &[(false, 0..2)], roof(None), Basis::Irradiance)]
#[case::nobody_else(&[(true, 0..2)], &[], roof(None), Basis::Old)]
#[case::power_goes_first(&[(false, 0..2)], &[(false, 0..2)], roof(None), Basis::Power)]
#[case::it_ended_yesterday(&[(true, -2..0)], &[], Panels::default(), Basis::LastDays)]
#[case::it_ended_and_there_is_a_sky(&[(true, -2..0)], &[], roof(HERE), Basis::ClearSky)]
fn what_is_old_steps_back(
    #[case] power: &[(bool, std::ops::Range<i64>)],
    #[case] irradiance: &[(bool, std::ops::Range<i64>)],
    #[case] panels: Panels,
    #[case] expected: Basis,
) {
    let known = |of: &[(bool, std::ops::Range<i64>)], value: f64| {
        of.iter().fold(Timeline::default(), |known: Timeline<Sourced>, (is_stale, days)| {
            known.or(&noons(days.clone(), &figure(value, *is_stale)))
        })
    };
    let series = BTreeMap::from([
        (Quantity::PvPower, known(power, 900.0)),
        (Quantity::Irradiance(0), known(irradiance, 500.0)),
    ]);
    let outlook = Outlook { series, ..Outlook::default() };
    let (measured_w, foretold_w) = (noons(-7..0, &300.0), Timeline::default());
    let sky = sky(&outlook, &panels, &measured_w, &foretold_w);
    let (bands, basis) = forecast(&sky, NOON, TimeSpan::new(NOON, UnixMillis(NOON.0 + 2 * DAYS_MS)));
    assert_eq!(basis, expected);
    let tomorrow = bands.at(UnixMillis(NOON.0 + DAYS_MS)).expect("foretold").mean;
    assert!(tomorrow > 50.0, "{tomorrow}");
}
