//! Where the sun stands, and what a clear sky gives to a tilted panel.

use std::f64::consts::PI;

use super::weather::Sky;

/// A flat array of panels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Panels {
    /// Power at standard test conditions, W.
    pub peak_w: f64,
    /// 0 = flat on the ground, 90 = upright, degrees.
    pub tilt_deg: f64,
    /// 0 = south, positive towards west, degrees.
    pub azimuth_deg: f64,
}

/// What falls on a panel under a clear sky, in parts of 1000 W/m2.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Light {
    pub(crate) beam: f64,
    pub(crate) diffuse: f64,
}

/// The sun's direction: elevation above the horizon and azimuth (0 = south, + west), radians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sun {
    elevation: f64,
    azimuth: f64,
}

/// Position by the usual short formulas (declination, equation of time): within half a degree, enough for a panel.
pub(crate) fn position(unix_ms: i64, latitude_deg: f64, longitude_deg: f64) -> Sun {
    const DAY_MS: i64 = 86_400_000;
    // 365.2425 days a year, counted from 1 January 1970.
    let day_of_year = (unix_ms as f64 / DAY_MS as f64).rem_euclid(365.2425);
    let angle = 2.0 * PI * (day_of_year - 81.0) / 365.2425;
    let declination = 23.45_f64.to_radians() * angle.sin();
    let equation_min = 9.87 * (2.0 * angle).sin() - 7.53 * angle.cos() - 1.5 * angle.sin();
    let utc_hours = unix_ms.rem_euclid(DAY_MS) as f64 / 3_600_000.0;
    let solar_hours = utc_hours + longitude_deg / 15.0 + equation_min / 60.0;
    let hour_angle = (solar_hours - 12.0) * PI / 12.0;
    let latitude = latitude_deg.to_radians();
    let sin_elevation =
        latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos();
    let azimuth =
        hour_angle.sin().atan2(hour_angle.cos() * latitude.sin() - declination.tan() * latitude.cos());
    Sun { elevation: sin_elevation.clamp(-1.0, 1.0).asin(), azimuth }
}

/// Clear-sky light on the panel. Beam after Meinel (1353 W/m2 x 0.7^(AM^0.678)), diffuse a tenth of it.
pub(crate) fn clear_sky(sun: Sun, panels: Panels) -> Light {
    let sin_elevation = sun.elevation.sin();
    if sin_elevation <= 0.01 {
        return Light::default();
    }
    let direct = 1.353 * 0.7_f64.powf(sin_elevation.recip().powf(0.678));
    let tilt = panels.tilt_deg.to_radians();
    let incidence = sin_elevation * tilt.cos()
        + sun.elevation.cos() * tilt.sin() * (sun.azimuth - panels.azimuth_deg.to_radians()).cos();
    Light { beam: direct * incidence.max(0.0), diffuse: 0.1 * direct * f64::midpoint(1.0, tilt.cos()) }
}

/// What falls on the panel through the clouds, W/m2.
pub(crate) fn irradiance_w_m2(light: Light, sky: Sky) -> f64 {
    (light.beam * sky.beam_through + light.diffuse * sky.diffuse_gain) * 1_000.0
}

/// AC (or DC) output of the panels: 14 % are lost in cables, dirt and conversion.
pub(crate) fn output_w(light: Light, sky: Sky, panels: Panels) -> f64 {
    (panels.peak_w * irradiance_w_m2(light, sky) / 1_000.0 * 0.86).clamp(0.0, panels.peak_w)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARIS: (f64, f64) = (48.8, 2.3);
    const CLEAR: Sky = Sky { beam_through: 1.0, diffuse_gain: 1.0 };

    #[rstest::rstest]
    // 2024-06-21 11:52 UTC is solar noon in Paris: 90 - 48.8 + 23.4 = 64.6 degrees.
    #[case(1_718_970_720_000, 64.6, 0.0)]
    // 2024-12-21 11:49 UTC: 90 - 48.8 - 23.4 = 17.8 degrees.
    #[case(1_734_781_740_000, 17.8, 0.0)]
    // 2024-03-20 06:00 UTC, equinox: the sun is at the horizon in the east.
    #[case(1_710_914_400_000, 0.0, -90.0)]
    // 2024-11-03 11:34:24 UTC: solar noon is 16.4 minutes early, 90 - 48.8 - 15.2 = 26.0 degrees.
    #[case(1_730_633_664_000, 26.0, 0.0)]
    fn the_sun_stands_where_the_almanac_says(
        #[case] unix_ms: i64,
        #[case] elevation_deg: f64,
        #[case] azimuth_deg: f64,
    ) {
        let sun = position(unix_ms, PARIS.0, PARIS.1);
        assert!((sun.elevation.to_degrees() - elevation_deg).abs() < 1.0, "{sun:?}");
        assert!((sun.azimuth.to_degrees() - azimuth_deg).abs() < 2.0, "{sun:?}");
    }

    #[test]
    fn a_clear_summer_noon_gives_most_of_the_peak_and_night_nothing() {
        let panels = Panels { peak_w: 4_000.0, tilt_deg: 30.0, azimuth_deg: 0.0 };
        let noon = clear_sky(position(1_718_970_720_000, PARIS.0, PARIS.1), panels);
        let power = output_w(noon, CLEAR, panels);
        assert!((2_800.0..=3_800.0).contains(&power), "{power}");
        let midnight = clear_sky(position(1_718_928_000_000, PARIS.0, PARIS.1), panels);
        assert!(output_w(midnight, CLEAR, panels).abs() < f64::EPSILON);
    }
    #[test]
    fn panels_give_most_when_the_sun_is_before_them() {
        // 2024-06-21 16:00 UTC: the sun is in the west.
        let sun = position(1_718_985_600_000, PARIS.0, PARIS.1);
        let facing =
            |azimuth_deg| clear_sky(sun, Panels { peak_w: 1_000.0, tilt_deg: 60.0, azimuth_deg }).beam;
        assert!(
            facing(90.0) > 0.7 && facing(90.0) > 2.0 * facing(0.0),
            "west {} south {}",
            facing(90.0),
            facing(0.0)
        );
        assert!(facing(-90.0) < 0.05, "east {}", facing(-90.0));
    }
}
