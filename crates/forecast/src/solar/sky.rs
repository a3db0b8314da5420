//! Light from a sky without a cloud, and how much of any light falls on a tilted plane.

use super::{Plane, Sun};

/// Light on the ground, in W/m².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Irradiance {
    /// On a level plane, all of it.
    pub global: f64,
    /// Straight from the sun, on a plane that looks at it.
    pub direct: f64,
    /// From the rest of the sky, on a level plane.
    pub diffuse: f64,
}

/// Outside the air, at one astronomical unit, in W/m².
const OUTSIDE_W_M2: f64 = 1361.0;

/// What the ground throws back.
const ALBEDO: f64 = 0.2;

/// Below this elevation (its sine) the sun is too low to compare planes by.
const LOW: f64 = 0.05;

impl Irradiance {
    /// Of a clear sky: global after Haurwitz, direct after Meinel, the rest is diffuse.
    pub fn of_clear_sky(sun: Sun) -> Self {
        let height = sun.elevation.to_radians().sin();
        if height.is_nan() || height <= 0.0 {
            return Self { global: 0.0, direct: 0.0, diffuse: 0.0 };
        }
        let near = sun.distance_au.powi(-2);
        let global = 1098.0 * height * (-0.059 / height).exp() * near;
        // Air that the light goes through, after Kasten and Young; 1 straight above.
        let air = 1.0 / (height + 0.505_72 * (sun.elevation + 6.079_95).powf(-1.6364));
        let direct = OUTSIDE_W_M2 * 0.7_f64.powf(air.powf(0.678)) * near;
        let direct = direct.min(global / height);
        Self { global, direct, diffuse: global - direct * height }
    }

    /// What of it falls on a plane, in W/m², after Hay and Davies: of the diffuse light a part comes from around the sun, the
    /// rest evenly from the sky that the plane sees.
    pub fn on_plane(&self, plane: &Plane, sun: Sun) -> f64 {
        let (elevation, tilt) = (sun.elevation.to_radians(), plane.tilt.to_radians());
        let aside = (sun.azimuth - plane.azimuth).to_radians();
        let height = elevation.sin();
        let facing = (height * tilt.cos() + elevation.cos() * tilt.sin() * aside.cos()).max(0.0);
        let around_sun = (self.direct / (OUTSIDE_W_M2 * sun.distance_au.powi(-2))).clamp(0.0, 1.0);
        let seen = f64::midpoint(1.0, tilt.cos());
        let diffuse = self.diffuse * (around_sun * facing / height.max(LOW) + (1.0 - around_sun) * seen);
        let ground = self.global * ALBEDO * (1.0 - seen);
        (self.direct * facing + diffuse + ground).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use ohmstead_units::Watts;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn sun(elevation: f64, azimuth: f64) -> Sun {
        Sun { elevation, azimuth, distance_au: 1.0 }
    }

    fn plane(tilt: f64, azimuth: f64) -> Plane {
        Plane { peak: Watts(1000.0), tilt, azimuth }
    }

    #[rstest]
    // By hand: 1098 sin(h) exp(-0.059 / sin(h)), and 1361 * 0.7^(air^0.678) with 1.0 and 1.994 times the air above.
    #[case(90.0, 1035.1, 952.9)]
    #[case(30.0, 487.9, 770.0)]
    #[case(0.0, 0.0, 0.0)]
    #[case(-10.0, 0.0, 0.0)]
    fn a_clear_sky_by_the_height_of_the_sun(
        #[case] elevation: f64,
        #[case] global: f64,
        #[case] direct: f64,
    ) {
        let sky = Irradiance::of_clear_sky(sun(elevation, 0.0));
        assert!((sky.global - global).abs() < 0.1 && (sky.direct - direct).abs() < 1.0, "{sky:?}");
        let january = Irradiance::of_clear_sky(Sun { distance_au: 0.9833, ..sun(elevation, 0.0) });
        assert!((january.global - sky.global * 1.0343).abs() < 0.1, "nearer, so brighter: {january:?}");
    }

    #[test]
    fn the_evening_sun_is_for_panels_to_the_west() {
        let evening = sun(20.0, 80.0);
        let sky = Irradiance::of_clear_sky(evening);
        assert!(sky.on_plane(&plane(30.0, 90.0), evening) > 2.0 * sky.on_plane(&plane(30.0, -90.0), evening));
    }

    #[test]
    fn a_plane_gets_most_when_it_looks_at_the_sun() {
        let low = sun(30.0, 0.0);
        let sky = Irradiance::of_clear_sky(low);
        let on = |tilt, azimuth| sky.on_plane(&plane(tilt, azimuth), low);
        assert!(on(60.0, 0.0) > 1.5 * on(0.0, 0.0));
        assert!(on(60.0, 0.0) > on(60.0, -90.0) && on(60.0, -90.0) > on(60.0, 180.0));
        assert!((on(0.0, 0.0) - sky.global).abs() < 1e-9, "level: as on the ground");
        assert!((on(60.0, -40.0) - on(60.0, 40.0)).abs() < 1e-9, "east and west are alike at noon");
    }

    proptest! {
        #[test]
        fn light_is_never_negative_and_never_more_than_there_is(
            elevation in -90.0..=90.0_f64, azimuth in -180.0..180.0_f64, tilt in 0.0..=90.0_f64, looks in -180.0..180.0_f64,
        ) {
            let sun = sun(elevation, azimuth);
            let sky = Irradiance::of_clear_sky(sun);
            prop_assert!(sky.diffuse >= -1e-9 && sky.direct >= 0.0 && sky.direct < OUTSIDE_W_M2, "{sky:?}");
            let light = sky.on_plane(&plane(tilt, looks), sun);
            prop_assert!((0.0..1400.0).contains(&light), "{light}");
        }
    }
}
