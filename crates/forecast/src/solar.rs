//! What the panels will give: from the irradiance on their plane, else from a clear sky, corrected by what they really gave.
//!
//! ```text
//! irradiance on each plane, air temperature --+--> Array::power --> Calibration::band --> blend_present
//! no forecast: Array::clear_sky --------------+          ^                                     ^
//!                                     measured, last 14 days                            measured now
//! ```

mod calibration;
mod sky;
mod sun;

use ohmstead_model::{TimeSpan, Timeline};
use ohmstead_units::Watts;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::Step;

pub use calibration::{Calibration, Record, blend_present};
pub use sky::Irradiance;
pub use sun::{Place, Sun};

/// Panels that look one way.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plane {
    /// Peak power of its panels, direct current.
    #[serde(deserialize_with = "peak")]
    pub peak: Watts,
    /// Degrees from level, 0 to 90.
    #[serde(deserialize_with = "tilt")]
    pub tilt: f64,
    /// Degrees from south, east is -90, west is 90 (as Open-Meteo and forecast.solar count).
    #[serde(deserialize_with = "azimuth")]
    pub azimuth: f64,
}

/// All panels behind one limit, and what gets lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The planes.
    pub planes: Vec<Plane>,
    /// The most that the inverter gives.
    pub ac_max: Option<Watts>,
    /// What arrives of what the panels give, 0 to 1.
    pub efficiency: f64,
    /// Change of power per kelvin of cell temperature above 25 °C, a negative fraction.
    pub per_kelvin: f64,
    /// Kelvin that the cells are warmer than the air, per W/m² (Ross): 0.02 well cooled, 0.0563 on a roof without a gap.
    pub kelvin_per_w_m2: f64,
}

/// Cells have their peak power at this temperature.
const RATED_C: f64 = 25.0;

/// The air where nobody says how warm it is. Ten degrees more or less are four percent.
const AIR_C: f64 = 15.0;

impl Array {
    /// With the usual losses (temperature: evcc's defaults).
    pub fn of(planes: Vec<Plane>, ac_max: Option<Watts>) -> Self {
        Self { planes, ac_max, efficiency: 0.95, per_kelvin: -0.004, kelvin_per_w_m2: 0.0342 }
    }

    /// Power in watts from the irradiance on each plane, in W/m², in the planes' order. Where that of one plane is not known,
    /// neither is the sum; an unknown temperature counts as an ordinary one. Negative irradiance, which sources do send, is none.
    pub fn power(&self, on_planes: &[Timeline<f64>], air_c: &Timeline<f64>) -> Timeline<f64> {
        if on_planes.len() != self.planes.len() {
            return Timeline::default();
        }
        let mut planes = self.planes.iter().zip(on_planes);
        let Some((plane, irradiance)) = planes.next() else { return Timeline::default() };
        let first = self.of_plane(plane, irradiance, air_c);
        let sum = planes.fold(first, |sum, (plane, irradiance)| {
            sum.zip(&self.of_plane(plane, irradiance, air_c), |_, sum, power| sum + power)
        });
        sum.map(|_, power| self.limited(*power))
    }

    /// Power in watts under a sky without a cloud: the most that can be expected.
    pub fn clear_sky(&self, place: Place, window: TimeSpan, step: Step) -> Timeline<f64> {
        let cells = crate::cells::cells(window, step, &jiff::tz::TimeZone::UTC);
        Timeline::of(cells.into_iter().map(|cell| {
            let middle = cell.span.start.plus(cell.span.length() / 2);
            let sun = place.sun(middle);
            let sky = Irradiance::of_clear_sky(sun);
            let planes =
                self.planes.iter().map(|plane| self.plane_power_w(plane, sky.on_plane(plane, sun), AIR_C));
            (cell.span, self.limited(planes.sum()))
        }))
    }

    fn of_plane(&self, plane: &Plane, irradiance: &Timeline<f64>, air_c: &Timeline<f64>) -> Timeline<f64> {
        let known = irradiance.slots().filter(|(_, irradiance)| irradiance.is_finite());
        Timeline::of(known.map(|(span, irradiance)| {
            let middle = span.start.plus(span.length() / 2);
            let air = air_c.at(middle).copied().filter(|air| air.is_finite()).unwrap_or(AIR_C);
            (span, self.plane_power_w(plane, *irradiance, air))
        }))
    }

    fn plane_power_w(&self, plane: &Plane, irradiance_w_m2: f64, air_c: f64) -> f64 {
        let irradiance = irradiance_w_m2.clamp(0.0, 1500.0);
        let cell_c = air_c.clamp(-60.0, 60.0) + self.kelvin_per_w_m2 * irradiance;
        let warm = 1.0 + self.per_kelvin * (cell_c - RATED_C);
        (plane.peak.0 * irradiance / 1000.0 * warm * self.efficiency).max(0.0)
    }

    fn limited(&self, power_w: f64) -> f64 {
        self.ac_max.map_or(power_w, |most| power_w.min(most.0.max(0.0)))
    }
}

fn peak<'de, D: Deserializer<'de>>(source: D) -> Result<Watts, D::Error> {
    let peak = Watts::deserialize(source)?;
    if peak.0 >= 0.0 { Ok(peak) } else { Err(D::Error::custom("a peak power is not negative")) }
}

fn tilt<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    within(source, 0.0, 90.0, "a tilt from 0 (level) to 90 (upright)")
}

fn azimuth<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    within(source, -180.0, 180.0, "an azimuth from -180 to 180, 0 is south, -90 east, 90 west")
}

fn within<'de, D: Deserializer<'de>>(
    source: D,
    low: f64,
    high: f64,
    expected: &str,
) -> Result<f64, D::Error> {
    let degrees = f64::deserialize(source)?;
    if (low..=high).contains(&degrees) {
        return Ok(degrees);
    }
    Err(D::Error::custom(format!("{degrees} is out of range: expected {expected}")))
}

#[cfg(test)]
mod tests;
