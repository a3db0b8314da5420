//! What the panels will give: the forecast that there is, corrected by what they really gave.

use jiff::tz::TimeZone;
use ohmstead_config::Config;
use ohmstead_forecast::Step;
use ohmstead_forecast::solar::{Array, Calibration, Place, Record, blend_present};
use ohmstead_model::{Band, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::settings::{ForecastSolar, OpenMeteo, PvSource};
use ohmstead_outlook::{Outlook, Quantity, Sourced};

use super::past::QUARTER;

/// What is known of the site's panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panels {
    /// The panels, where the configuration says them.
    pub(crate) array: Option<Array>,
    /// Where they stand.
    pub(crate) place: Option<Place>,
    /// Whether any service is asked for them.
    pub(crate) are_foretold: bool,
}

impl Panels {
    /// What a configuration says: the panels of the first source that is told of any.
    pub(crate) fn of(config: &Config) -> Self {
        let planes = config.forecast.pv.0.iter().find_map(|source| match source {
            PvSource::OpenMeteo(OpenMeteo { planes, .. })
            | PvSource::ForecastSolar(ForecastSolar { planes, .. }) => Some(planes.clone()),
            PvSource::Solcast(_) | PvSource::Vrm(_) => None,
        });
        let place = config.site.latitude.zip(config.site.longitude);
        Self {
            are_foretold: !config.forecast.pv.0.is_empty(),
            array: planes.map(|planes| Array::of(planes, None)),
            place: place.map(|(latitude, longitude)| Place { latitude, longitude }),
        }
    }
}

/// Where a forecast of the sun comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A service foretold the power.
    Power,
    /// A service foretold the irradiance.
    Irradiance,
    /// A service foretold one of them, and has been silent for too long since.
    Old,
    /// No service: a sky as cloudy as of late.
    ClearSky,
    /// Nothing is known of the panels but what they gave in the last days.
    LastDays,
    /// There are no panels.
    None,
}

/// What is looked at.
pub(crate) struct Sky<'s> {
    pub(crate) outlook: &'s Outlook,
    pub(crate) panels: &'s Panels,
    /// What the panels gave, W.
    pub(crate) measured_w: &'s Timeline<f64>,
    /// What had been foretold of that, as far as it was stored, W.
    pub(crate) foretold_w: &'s Timeline<f64>,
    /// When they were held back.
    pub(crate) held_back: &'s [TimeSpan],
    /// What they give now, W.
    pub(crate) now_w: Option<f64>,
    pub(crate) zone: &'s TimeZone,
}

/// What the panels will give in `window`, W. A panel that was never heard of gives nothing.
pub(crate) fn forecast(sky: &Sky<'_>, now: UnixMillis, window: TimeSpan) -> (Timeline<Band>, Basis) {
    let past = TimeSpan::new(UnixMillis(now.0 - DAYS_MS * LEARNED), window.end);
    let clear = clear_sky(sky.panels, past);
    let services = services(sky.outlook, sky.panels);
    let foretold = together(&services);
    let (late, basis_of_late) = last_days(sky.measured_w, now, window);
    let of_services = services.iter().find(|(power, _)| !power.within(window).is_empty());
    let basis = match of_services {
        Some((_, basis)) => *basis,
        None if clear.is_empty() => return (late, basis_of_late),
        None => Basis::ClearSky,
    };
    // What was said at the time, not what the service says of yesterday today; the outlook forgets after two days besides.
    let said = sky.foretold_w.or(&foretold);
    let weather = learned(sky, &said, &Calibration::default(), now).band(&foretold.within(window), most(sky));
    let cloudless =
        learned(sky, &clear, &Calibration::of_clear_sky(), now).band(&clear.within(window), most(sky));
    // Where the services have a hole the sky of late is better than nothing, and the last days where that is not known.
    let all = weather.or(&cloudless).or(&late);
    (blend_present(&all, sky.now_w, now, most(sky)), basis)
}

pub(super) const DAYS_MS: i64 = 86_400_000;
/// Days from which a correction is learned.
pub(super) const LEARNED: i64 = 14;

/// What services foretell of the panels, W, uncorrected.
pub(crate) fn foretold(outlook: &Outlook, panels: &Panels) -> Timeline<f64> {
    together(&services(outlook, panels))
}

/// The same by what it is made from: power before irradiance, and what is fresh before what is old.
fn services(outlook: &Outlook, panels: &Panels) -> [(Timeline<f64>, Basis); 4] {
    let irradiance = |is_meant: fn(&Sourced) -> bool| {
        let Some(array) = &panels.array else { return Timeline::default() };
        let plane = |plane| Quantity::Irradiance(u8::try_from(plane).unwrap_or(u8::MAX));
        let planes: Vec<_> =
            (0..array.planes.len()).map(|number| figures(outlook, plane(number), is_meant)).collect();
        array.power(&planes, &outlook.figures(Quantity::AirTemperature))
    };
    let power = |is_meant| figures(outlook, Quantity::PvPower, is_meant);
    let (fresh, old) = (|it: &Sourced| !it.is_stale, |it: &Sourced| it.is_stale);
    [
        (power(fresh), Basis::Power),
        (irradiance(fresh), Basis::Irradiance),
        (power(old), Basis::Old),
        (irradiance(old), Basis::Old),
    ]
}

fn together(services: &[(Timeline<f64>, Basis)]) -> Timeline<f64> {
    services.iter().fold(Timeline::default(), |known, (next, _)| known.or(next))
}

fn figures(outlook: &Outlook, quantity: Quantity, is_meant: fn(&Sourced) -> bool) -> Timeline<f64> {
    let Some(known) = outlook.series.get(&quantity) else { return Timeline::default() };
    Timeline::of(known.slots().filter(|(_, it)| is_meant(it)).map(|(span, it)| (span, it.value)))
}

fn clear_sky(panels: &Panels, window: TimeSpan) -> Timeline<f64> {
    match (&panels.array, panels.place) {
        (Some(array), Some(place)) => array.clear_sky(place, window, Step::Quarter),
        _ => Timeline::default(),
    }
}

fn learned(sky: &Sky<'_>, foretold: &Timeline<f64>, before: &Calibration, now: UnixMillis) -> Calibration {
    let record = Record { measured_w: sky.measured_w, forecast_w: foretold, curtailed: sky.held_back };
    before.learned(record, now, sky.zone)
}

/// What the panels can give at most, W.
fn most(sky: &Sky<'_>) -> f64 {
    let array = sky.panels.array.as_ref();
    let peak = array
        .map(|array| array.ac_max.map_or(array.planes.iter().map(|plane| plane.peak.0).sum(), |most| most.0));
    let seen = sky.measured_w.slots().map(|(_, power)| *power).fold(0.0, f64::max);
    peak.map_or(f64::INFINITY, |peak: f64| peak.max(seen))
}

/// The mean of this time of day over the last week, with the least and the most of it around.
fn last_days(measured_w: &Timeline<f64>, now: UnixMillis, window: TimeSpan) -> (Timeline<Band>, Basis) {
    let mut bands = Timeline::default();
    let mut start = super::past::floor(window.start);
    while start < window.end {
        let of_day = |day: i64| {
            let back = (start.0 - now.0).max(0) / DAYS_MS + day;
            let power = measured_w.at(UnixMillis(start.0 - back * DAYS_MS));
            power.filter(|power| power.is_finite()).map(|power| power.max(0.0))
        };
        let known: Vec<f64> = (1..=7).filter_map(of_day).collect();
        if !known.is_empty() {
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let (low, high) = (
                known.iter().copied().fold(f64::INFINITY, f64::min),
                known.iter().copied().fold(0.0, f64::max),
            );
            bands.set(
                TimeSpan::lasting(start, QUARTER),
                Band::of(mean, [low, f64::midpoint(low, mean), mean, f64::midpoint(mean, high), high]),
            );
        }
        start = start.plus(QUARTER);
    }
    let basis = if bands.is_empty() { Basis::None } else { Basis::LastDays };
    (bands, basis)
}

#[cfg(test)]
mod tests;
