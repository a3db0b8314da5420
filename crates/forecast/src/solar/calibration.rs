//! What the panels really gave against what was forecast: a factor for each hour, a band, and what is seen right now.

use jiff::tz::TimeZone;
use ohmstead_model::{Band, TimeSpan, Timeline, UnixMillis};

use crate::Step;
use crate::cells::{self, Cell};
use crate::quantile::quantiles;

/// So many days count.
const DAYS: i64 = 14;

/// How firmly the forecast is believed as it is: like so many days on which it was right, and so many hours of its band.
const PRIOR_DAYS: f64 = 2.0;
const PRIOR_HOURS: f64 = 8.0;

/// Below this part of the highest forecast, measured and forecast say nothing about each other.
const DIM: f64 = 0.05;

/// No house has more, in watts.
const POSSIBLE_MAX_W: f64 = 1e7;

/// In so much time what is seen right now fades.
const PRESENT_FADES_MS: i64 = 3_600_000;

/// A ratio of the present beyond this is a glint through a hole in the clouds.
const PRESENT_RATIO_MAX: f64 = 2.0;

/// What was forecast and what was measured, both in watts.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    /// What the panels gave.
    pub measured_w: &'r Timeline<f64>,
    /// What had been forecast, uncalibrated.
    pub forecast_w: &'r Timeline<f64>,
    /// When less was taken from the panels than they could give; the days that have such a time are left out.
    pub curtailed: &'r [TimeSpan],
}

/// How a forecast is corrected, and how far off it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// By hour of the day in UTC: the sun does not change its clock.
    factors: [f64; 24],
    /// Measured over corrected forecast, at the levels of a band.
    ratios: [f64; 5],
    /// A correction beyond is no correction but a fault.
    factor_min: f64,
    factor_max: f64,
}

impl Default for Calibration {
    /// Of a weather forecast with which nothing was compared yet.
    fn default() -> Self {
        Self { factors: [1.0; 24], ratios: [0.35, 0.70, 1.00, 1.20, 1.40], factor_min: 0.5, factor_max: 1.5 }
    }
}

impl Calibration {
    /// Of [`super::Array::clear_sky`] taken for a forecast, where there is no better one: clouds take some four tenths of it,
    /// which is a rule of thumb for the middle of Europe until the roof has taught better.
    pub fn of_clear_sky() -> Self {
        Self { factors: [0.6; 24], ratios: [0.20, 0.50, 1.00, 1.45, 1.65], factor_min: 0.1, factor_max: 1.5 }
    }

    /// The same with what the last 14 days taught. `zone` says when days begin.
    #[must_use]
    pub fn learned(&self, record: Record<'_>, now: UnixMillis, zone: &TimeZone) -> Self {
        let from = UnixMillis(now.0.saturating_sub(DAYS * 86_400_000));
        let cells = cells::cells(TimeSpan::new(from, now), Step::Hour, zone);
        let dropped: Vec<usize> =
            cells.iter().filter(|cell| is_curtailed(cell, record)).map(|cell| cell.day).collect();
        let measured = cells::means(record.measured_w, &cells);
        let forecast = cells::means(record.forecast_w, &cells);
        let pairs = cells.iter().zip(measured).zip(forecast);
        let hours: Vec<Hour> = pairs
            .filter(|((cell, _), _)| cell.span.end <= now && !dropped.contains(&cell.day))
            .filter_map(|((cell, measured), forecast)| Hour::of(cell, measured?, forecast?))
            .collect();
        let factors = std::array::from_fn(|hour| {
            factor(&hours, hour, self.factors[hour]).clamp(self.factor_min, self.factor_max)
        });
        Self { factors, ratios: ratios(&hours, &factors, self.ratios), ..*self }
    }

    /// The factor of the hour that holds an instant.
    pub fn factor(&self, at: UnixMillis) -> f64 {
        self.factors[hour_of(at)]
    }

    /// A forecast in watts, corrected and with its band, nowhere more than `most_w`. What is no number is not known.
    pub fn band(&self, forecast_w: &Timeline<f64>, most_w: f64) -> Timeline<Band> {
        let known = forecast_w.slots().filter(|(_, power)| power.is_finite());
        Timeline::of(known.map(|(span, power)| {
            let mean = (power * self.factor(span.start)).max(0.0).min(most_w);
            (span, Band::of(mean, self.ratios.map(|ratio| (mean * ratio).min(most_w))))
        }))
    }
}

/// An hour in which something was forecast.
struct Hour {
    of_day: usize,
    measured: f64,
    forecast: f64,
}

impl Hour {
    fn of(cell: &Cell, measured: f64, forecast: f64) -> Option<Self> {
        // An inverter at night may take a few watts. What no roof gives is no measurement.
        let is_sound = measured <= POSSIBLE_MAX_W && forecast > 0.0 && forecast <= POSSIBLE_MAX_W;
        is_sound.then(|| Self { of_day: hour_of(cell.span.start), measured: measured.max(0.0), forecast })
    }
}

fn is_curtailed(cell: &Cell, record: Record<'_>) -> bool {
    record.curtailed.iter().any(|span| !span.common(cell.span).is_empty())
}

fn hour_of(at: UnixMillis) -> usize {
    usize::try_from(at.0.div_euclid(3_600_000).rem_euclid(24)).unwrap_or_default()
}

/// Measured over forecast of an hour of the day, held near `prior` while there is little to go by.
fn factor(hours: &[Hour], hour: usize, prior: f64) -> f64 {
    let of_hour = || hours.iter().filter(|each| each.of_day == hour);
    let count = of_hour().count() as f64;
    let (measured, forecast) = of_hour()
        .fold((0.0, 0.0), |(measured, forecast), each| (measured + each.measured, forecast + each.forecast));
    if count < 1.0 || forecast <= 0.0 {
        return prior;
    }
    let believed = PRIOR_DAYS * forecast / count;
    (measured + believed * prior) / (forecast + believed)
}

/// How far measured powers were off the corrected ones, by energy.
fn ratios(hours: &[Hour], factors: &[f64; 24], prior: [f64; 5]) -> [f64; 5] {
    let highest = hours.iter().map(|hour| hour.forecast).fold(0.0, f64::max);
    let mut samples: Vec<(f64, f64)> = prior.iter().map(|ratio| (*ratio, PRIOR_HOURS / 5.0)).collect();
    let bright = hours.iter().filter(|hour| hour.forecast > DIM * highest);
    samples.extend(bright.map(|hour| {
        let foretold = hour.forecast * factors[hour.of_day];
        (hour.measured / foretold, 2.0 * hour.forecast / highest)
    }));
    quantiles(&mut samples, Band::LEVELS).unwrap_or(prior)
}

/// A forecast with what is seen right now in it: the ratio of measured to forecast power counts in full at once and fades
/// within an hour. At dawn and dusk, and where nothing is measured, the forecast stays as it is.
#[must_use]
pub fn blend_present(
    forecast: &Timeline<Band>,
    measured_w: Option<f64>,
    now: UnixMillis,
    most_w: f64,
) -> Timeline<Band> {
    let highest = forecast.slots().map(|(_, band)| band.mean).fold(0.0, f64::max);
    let present = forecast.slot_at(now).filter(|(_, band)| band.mean > DIM * highest);
    let (Some((present, band)), Some(measured)) = (present, measured_w.filter(|power| power.is_finite()))
    else {
        return forecast.clone();
    };
    let ratio = (measured / band.mean).clamp(0.0, PRESENT_RATIO_MAX);
    forecast.map(|span, band| {
        let ahead = span.start.0.saturating_sub(present.start.0);
        if !(0..PRESENT_FADES_MS).contains(&ahead) {
            return *band;
        }
        let left = 1.0 - ahead as f64 / PRESENT_FADES_MS as f64;
        seen(band, ratio, left, most_w)
    })
}

/// A band of which the part `left` is settled by what is seen: it moves, and becomes narrower.
fn seen(band: &Band, ratio: f64, left: f64, most_w: f64) -> Band {
    let mean = (band.mean * (1.0 + (ratio - 1.0) * left)).min(most_w);
    let width = 1.0 - 0.7 * left;
    let around = |value: f64| (mean + (value - band.mean) * width).max(0.0).min(most_w);
    Band::of(mean, band.quantiles().map(around))
}
