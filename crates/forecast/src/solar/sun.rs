//! Where the sun stands: the formulas of NOAA's solar calculator (after Meeus), good to a hundredth of a degree in this century.

use ohmstead_model::{TimeSpan, UnixMillis};

/// A place on Earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// The sun as it is seen from a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sun {
    /// Degrees above the horizon, of its centre, without what the air bends.
    pub elevation: f64,
    /// Degrees from south, east is -90, west is 90.
    pub azimuth: f64,
    /// Distance in astronomical units.
    pub distance_au: f64,
}

/// What the sun is like on the whole Earth at an instant; angles in radians.
struct Orbit {
    declination: f64,
    /// Minutes that a sundial is ahead of the clock.
    equation_of_time_min: f64,
    distance_au: f64,
}

/// Its upper edge is on the horizon: half its width, and what the air bends.
const RISES_AT: f64 = -0.833;

const MINUTE_MS: i64 = 60_000;

impl Place {
    /// Where the sun stands at an instant.
    pub fn sun(self, at: UnixMillis) -> Sun {
        let orbit = Orbit::at(at);
        let minutes = at.0.rem_euclid(1440 * MINUTE_MS) as f64 / MINUTE_MS as f64;
        let sundial_min = minutes + orbit.equation_of_time_min + 4.0 * self.longitude;
        let hour_angle = (sundial_min / 4.0 - 180.0).to_radians();
        let latitude = self.latitude.to_radians();
        let (sin_latitude, cos_latitude) = latitude.sin_cos();
        let (sin_declination, cos_declination) = orbit.declination.sin_cos();
        let height = sin_latitude * sin_declination + cos_latitude * cos_declination * hour_angle.cos();
        let west = cos_declination * hour_angle.sin();
        let south = sin_latitude * cos_declination * hour_angle.cos() - cos_latitude * sin_declination;
        Sun {
            elevation: height.clamp(-1.0, 1.0).asin().to_degrees(),
            azimuth: west.atan2(south).to_degrees(),
            distance_au: orbit.distance_au,
        }
    }

    /// From sunrise to sunset, to the second, within `day`; nothing where the sun does not rise in it or does not set after
    /// that.
    pub fn daylight(self, day: TimeSpan) -> Option<TimeSpan> {
        let is_up = |at: UnixMillis| self.sun(at).elevation > RISES_AT;
        let step_ms = 10 * MINUTE_MS;
        let steps = (day.end.0.saturating_sub(day.start.0) / step_ms).clamp(0, 1000);
        let at = |step: i64| UnixMillis(day.start.0.saturating_add(step * step_ms));
        let turn = |from: i64, up: bool| {
            let step = (from..steps).find(|step| is_up(at(*step)) != up && is_up(at(step + 1)) == up)?;
            Some((step, between(at(step), at(step + 1), |instant| is_up(instant) == up)))
        };
        let (step, sunrise) = turn(0, true)?;
        let (_, sunset) = turn(step, false)?;
        Some(TimeSpan::new(sunrise, sunset))
    }
}

/// The instant at which `has` begins to hold, to the second.
fn between(before: UnixMillis, after: UnixMillis, has: impl Fn(UnixMillis) -> bool) -> UnixMillis {
    let (mut before, mut after) = (before.0, after.0);
    while after - before > 1000 {
        let middle = i64::midpoint(before, after);
        if has(UnixMillis(middle)) { after = middle } else { before = middle }
    }
    UnixMillis(after)
}

impl Orbit {
    fn at(at: UnixMillis) -> Self {
        // Julian centuries since noon of 1 January 2000.
        let century = (at.0 as f64 / 86_400_000.0 + 2_440_587.5 - 2_451_545.0) / 36_525.0;
        let polynomial = |terms: [f64; 3]| terms[0] + century * (terms[1] + century * terms[2]);
        let mean_longitude = polynomial([280.466_46, 36_000.769_83, 0.000_303_2]).to_radians();
        let anomaly = polynomial([357.529_11, 35_999.050_29, -0.000_153_7]).to_radians();
        let eccentricity = polynomial([0.016_708_634, -0.000_042_037, -0.000_000_126_7]);
        let centre = anomaly.sin() * polynomial([1.914_602, -0.004_817, -0.000_014])
            + (2.0 * anomaly).sin() * (0.019_993 - 0.000_101 * century)
            + (3.0 * anomaly).sin() * 0.000_289;
        let node = (125.04 - 1934.136 * century).to_radians();
        let longitude = mean_longitude + (centre - 0.005_69 - 0.004_78 * node.sin()).to_radians();
        let obliquity_s = polynomial([21.448, -46.815, -0.000_59]);
        let obliquity = (23.0 + (26.0 + obliquity_s / 60.0) / 60.0 + 0.002_56 * node.cos()).to_radians();
        let y = (obliquity / 2.0).tan().powi(2);
        let equation = y * (2.0 * mean_longitude).sin() - 2.0 * eccentricity * anomaly.sin()
            + 4.0 * eccentricity * y * anomaly.sin() * (2.0 * mean_longitude).cos()
            - 0.5 * y * y * (4.0 * mean_longitude).sin()
            - 1.25 * eccentricity * eccentricity * (2.0 * anomaly).sin();
        let true_anomaly = anomaly + centre.to_radians();
        Self {
            declination: (obliquity.sin() * longitude.sin()).asin(),
            equation_of_time_min: 4.0 * equation.to_degrees(),
            distance_au: 1.000_001_018 * (1.0 - eccentricity * eccentricity)
                / (1.0 + eccentricity * true_anomaly.cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const PARIS: Place = Place { latitude: 48.8566, longitude: 2.3522 };
    /// The example of NREL's report on its solar position algorithm (SPA), Golden, Colorado.
    const GOLDEN: Place = Place { latitude: 39.742_476, longitude: -105.178_6 };

    fn ms(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn as_in_the_example_of_nrel() {
        // 17 October 2003, 12:30:30 at UTC-7: zenith 50.11162° with refraction (0.0163°), azimuth 194.34024° from north.
        let sun = GOLDEN.sun(ms("2003-10-17T19:30:30Z"));
        assert!((sun.elevation - (90.0 - 50.111_62 - 0.016_3)).abs() < 0.01, "{sun:?}");
        assert!((sun.azimuth - 14.340_24).abs() < 0.01, "{sun:?}");
    }

    #[rstest]
    #[case::march("2024-03-20T03:06:00Z", 0.0)]
    #[case::june("2024-06-20T20:51:00Z", 23.44)]
    #[case::september("2024-09-22T12:44:00Z", 0.0)]
    #[case::december("2024-12-21T09:20:00Z", -23.44)]
    fn seasons_begin_when_they_do(#[case] at: &str, #[case] declination: f64) {
        assert!((Orbit::at(ms(at)).declination.to_degrees() - declination).abs() < 0.01);
    }

    #[rstest]
    #[case::nearest("2024-01-03T00:38:00Z", 0.983_307)]
    #[case::farthest("2024-07-05T05:06:00Z", 1.016_725)]
    fn the_earth_comes_near_and_goes_far(#[case] at: &str, #[case] distance_au: f64) {
        assert!((PARIS.sun(ms(at)).distance_au - distance_au).abs() < 0.000_05);
    }

    #[rstest]
    // The sundial is farthest ahead in early November, farthest behind in February.
    #[case("2024-11-03T12:00:00Z", 16.4)]
    #[case("2024-02-11T12:00:00Z", -14.2)]
    fn the_sundial_is_ahead_or_behind(#[case] at: &str, #[case] minutes: f64) {
        assert!((Orbit::at(ms(at)).equation_of_time_min - minutes).abs() < 0.1);
    }

    #[rstest]
    #[case::longest(PARIS, "2024-06-19T22:00:00Z", "2024-06-20T03:46:00Z", "2024-06-20T19:57:00Z")]
    #[case::shortest(PARIS, "2024-12-20T23:00:00Z", "2024-12-21T07:41:00Z", "2024-12-21T15:56:00Z")]
    #[case::nrel(GOLDEN, "2003-10-17T07:00:00Z", "2003-10-17T13:12:43Z", "2003-10-18T00:20:19Z")]
    fn sunrise_and_sunset_to_two_minutes(
        #[case] place: Place,
        #[case] midnight: &str,
        #[case] sunrise: &str,
        #[case] sunset: &str,
    ) {
        let day = TimeSpan::lasting(ms(midnight), std::time::Duration::from_secs(86_400));
        let light = place.daylight(day).unwrap();
        assert!((light.start.0 - ms(sunrise).0).abs() <= 120_000, "{light:?}");
        assert!((light.end.0 - ms(sunset).0).abs() <= 120_000, "{light:?}");
    }

    #[test]
    fn at_midsummer_in_the_north_it_does_not_set() {
        let tromso = Place { latitude: 69.65, longitude: 18.96 };
        let day = TimeSpan::lasting(ms("2024-06-20T22:00:00Z"), std::time::Duration::from_secs(86_400));
        assert_eq!(tromso.daylight(day), None);
    }

    proptest! {
        /// At noon by the sundial it is due south or due north, and as high as latitude and declination say.
        #[test]
        fn noon_is_noon(at in 0_i64..4_000_000_000_000, latitude in -66.0..66.0_f64, longitude in -180.0..180.0_f64) {
            let place = Place { latitude, longitude };
            let day = at.div_euclid(86_400_000) * 86_400_000;
            #[expect(clippy::cast_possible_truncation, reason = "within a day or two")]
            let noon_by = |near: UnixMillis| {
                let minutes = 720.0 - Orbit::at(near).equation_of_time_min - 4.0 * longitude;
                UnixMillis(day + (minutes * 60_000.0) as i64)
            };
            let noon = noon_by(noon_by(UnixMillis(at)));
            let sun = place.sun(noon);
            let highest = 90.0 - (latitude - Orbit::at(noon).declination.to_degrees()).abs();
            prop_assert!((sun.elevation - highest).abs() < 0.02, "{sun:?} {highest}");
        }

        #[test]
        fn no_instant_is_too_far(at in any::<i64>(), latitude in any::<f64>()) {
            let place = Place { latitude, longitude: 0.0 };
            let _ = place.sun(UnixMillis(at));
            let _ = place.daylight(TimeSpan::new(UnixMillis(at), UnixMillis(i64::MAX)));
        }
    }
}
