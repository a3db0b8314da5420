//! What the house will use: learned from its own history, again with every call.
//!
//! ```text
//! history --> profiles (by time of day: lately, this weekday, this kind of day, its level) --weights--> expected
//!                what was off in the last hours --------------------------------> next hours
//!                how far off it was at this time of day -----------------------> quantiles
//! ```
//!
//! The weights of the profiles are learned from how well each of them would have foretold the past, one day ahead. With
//! little history they are what suits most houses; with none at all the answer is an ordinary house, in a wide band.

mod futures;
mod profile;
mod recent;
mod spread;
mod weights;

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{Band, TimeSpan, Timeline, UnixMillis};

use crate::Step;
use crate::cells::{self, Cell};
use profile::Profiles;
use recent::Recent;
use spread::Spread;
use weights::{Features, Weights};

/// What is counted on where nothing is known: 3500 kWh a year.
const ORDINARY_W: f64 = 400.0;

/// No more history is looked at.
const HISTORY_DAYS_MAX: i64 = 400;

/// Nothing is foretold beyond.
const HORIZON_MAX: Duration = Duration::from_secs(10 * 86_400);

const DAY_MS: i64 = 86_400_000;

/// What is known of a house.
#[derive(Debug, Clone, Copy)]
pub struct House<'h> {
    /// What it used, in watts, in stretches of any length up to an hour. What is later than the moment of the forecast is
    /// not looked at. Unknown stretches may lack.
    pub load_w: &'h Timeline<f64>,
    /// Temperature outside in degrees Celsius, measured and forecast; may be empty.
    pub temperature_c: &'h Timeline<f64>,
    /// The zone of its people's clocks.
    pub zone: &'h TimeZone,
}

/// What the house will use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Foretold {
    /// What to expect, in watts.
    pub bands: Timeline<Band>,
    /// Ways in which it may come, in watts, each as likely as the others: what is expected, with what was off in a stretch of the
    /// past, the latest first; where that is not known, the bands' quantiles. Each spans the whole horizon.
    pub futures: Vec<Timeline<f64>>,
}

/// What the house will use from the step that holds `now` on, in watts.
pub fn forecast(house: House<'_>, now: UnixMillis, horizon: Duration, step: Step) -> Timeline<Band> {
    foretell(house, now, horizon, step, 0).bands
}

/// The same, with up to so many ways in which it may come.
pub fn foretell(
    house: House<'_>,
    now: UnixMillis,
    horizon: Duration,
    step: Step,
    futures: usize,
) -> Foretold {
    let present = UnixMillis(now.0.div_euclid(step.millis()).saturating_mul(step.millis()));
    let end = now.plus(horizon.min(HORIZON_MAX));
    let from = UnixMillis(present.0.saturating_sub(HISTORY_DAYS_MAX * DAY_MS));
    let cells = cells::cells(TimeSpan::new(from, end), step, house.zone);
    let (past, future) = cells.split_at(cells.partition_point(|cell| cell.span.start < present));
    let past_w = sound(cells::means(house.load_w, past));
    let temperature = cells::means(house.temperature_c, &cells);
    let learned = Learned::of(past, &past_w, &temperature, step);
    let bands = future
        .iter()
        .enumerate()
        .map(|(ahead, cell)| (cell.span, learned.band(cell, ahead, temperature[past.len() + ahead])));
    let bands = Timeline::of(bands);
    let futures = futures::of(&learned, &bands, step, futures);
    Foretold { bands, futures }
}

/// No house uses more, in watts; what is beyond was never measured.
const POSSIBLE_MAX_W: f64 = 1e7;

/// The history without what cannot be: negative loads (but for the noise of a meter at zero), and peaks far above all
/// others.
fn sound(mut load_w: Vec<Option<f64>>) -> Vec<Option<f64>> {
    for load in &mut load_w {
        *load = load.filter(|load| (-100.0..=POSSIBLE_MAX_W).contains(load));
    }
    let mut known: Vec<f64> = load_w.iter().flatten().copied().collect();
    if known.is_empty() {
        return load_w;
    }
    let place = (known.len() * 99 / 100).min(known.len() - 1);
    let (_, high, _) = known.select_nth_unstable_by(place, f64::total_cmp);
    let most = (3.0 * *high).max(1000.0);
    for load in &mut load_w {
        *load = load.map(|load| load.clamp(0.0, most));
    }
    load_w
}

/// All that is learned from a history.
struct Learned {
    profiles: Profiles,
    weights: Weights,
    recent: Recent,
    spread: Spread,
    scale_w: f64,
    /// What was off in each cell of the past, in parts of the mean load.
    off: Vec<Option<f64>>,
}

impl Learned {
    /// Goes through the history once, in order; each day is foretold from what was known at its beginning.
    fn of(past: &[Cell], past_w: &[Option<f64>], temperature: &[Option<f64>], step: Step) -> Self {
        let scale_w = scale(past_w);
        let mut profiles = Profiles::new(step, scale_w);
        let mut weights = Weights::new(step);
        let mut recent = Recent::new(step);
        let mut spread = Spread::new(step);
        let last_day = past.last().map_or(0, |cell| cell.day);
        let mut today = None;
        let mut off = Vec::with_capacity(past.len());
        for ((cell, load), temperature) in past.iter().zip(past_w).zip(temperature) {
            if today != Some(cell.day) {
                today = Some(cell.day);
                profiles.begin_day(cell.day);
                weights.begin_day();
            }
            let features: Features = profiles.features(cell, *temperature);
            let foretold = weights.expected(&features);
            let load = load.map(|load| load / scale_w);
            off.push(load.map(|load| load - foretold));
            recent.learn(load.map(|load| load - foretold), last_day - cell.day);
            if let Some(load) = load {
                if profiles.has_seen_days(7) {
                    spread.learn(cell.slot, load, foretold, last_day - cell.day);
                }
                weights.learn(&features, load);
                profiles.learn(cell, load, *temperature);
            } else {
                profiles.learn_temperature(cell, *temperature);
            }
        }
        profiles.end_history();
        weights.begin_day();
        recent.solve();
        spread.solve();
        Self { profiles, weights, recent, spread, scale_w, off }
    }

    /// What to expect of a cell, so many steps ahead of the present.
    fn band(&self, cell: &Cell, ahead: usize, temperature: Option<f64>) -> Band {
        let base = self.weights.expected(&self.profiles.features(cell, temperature));
        let (correction, narrowing) = self.recent.ahead(ahead);
        self.spread.band(cell.slot, base, correction, narrowing).scaled(self.scale_w)
    }
}

/// The mean load: everything is learned in parts of it, so that large and small houses are alike.
fn scale(past_w: &[Option<f64>]) -> f64 {
    let (count, sum) =
        past_w.iter().flatten().fold((0_usize, 0.0), |(count, sum), load| (count + 1, sum + load));
    let mean = sum / count.max(1) as f64;
    if mean > 1.0 { mean } else { ORDINARY_W }
}

#[cfg(test)]
mod tests;
