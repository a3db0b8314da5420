//! Profiles by the time of day: several views of what the house usually does, each fading at its own pace.

use super::weights::{FEATURES, Features};
use crate::Step;
use crate::cells::Cell;

/// A mean that fades: what is older counts less.
#[derive(Debug, Clone, Copy, Default)]
struct Fading {
    sum: f64,
    weight: f64,
    day: usize,
}

impl Fading {
    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// Adds a value of a day; `days` is how long it takes to fade to a third.
    fn add(&mut self, value: f64, day: usize, days: f64) {
        let fading = (-(day.saturating_sub(self.day) as f64) / days).exp();
        *self = Self { sum: self.sum * fading + value, weight: self.weight * fading + 1.0, day };
    }
}

/// Days in which each view fades to a third. Tried on one house over a winter; between half and double of these the error
/// changes by a percent.
const LATELY_DAYS: f64 = 2.0;
const KIND_DAYS: f64 = 10.0;
const WEEKDAY_DAYS: f64 = 21.0;
const LEVEL_DAYS: f64 = 2.5;
const TEMPERATURE_DAYS: f64 = 5.0;

/// Below this a house may heat, above that it may cool, in degrees Celsius.
const HEATING_BELOW_C: f64 = 15.0;
const COOLING_ABOVE_C: f64 = 22.0;

/// What one place of the day is known to be like. Loads are in parts of the mean load.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    lately: Fading,
    of_kind: [Fading; 2],
    of_weekday: [Fading; 7],
    heating: Fading,
    cooling: Fading,
}

/// What holds as a whole at the outset of a day.
#[derive(Debug, Clone, Copy)]
struct Outset {
    /// How much more than usual is used lately, as a factor.
    ratio: f64,
    /// The mean of each kind of day.
    kind_means: [f64; 2],
}

const NOTHING_KNOWN: Outset = Outset { ratio: 1.0, kind_means: [1.0; 2] };

/// All views of the house.
pub(super) struct Profiles {
    places: Vec<Place>,
    all: Fading,
    /// What was used lately, and what the profile of the kind of day would have been: `(used, usual)`.
    level: (f64, f64),
    level_fading: f64,
    days: usize,
    /// The day that is learned, and what it was foretold with. What was off in it since is [`super::recent`]'s matter.
    today: (usize, Outset),
    /// What the days after it are foretold with.
    later: Outset,
    /// What is counted on where nothing is known.
    ordinary: f64,
}

impl Profiles {
    pub(super) fn new(step: Step, scale_w: f64) -> Self {
        Self {
            places: vec![Place::default(); step.per_day()],
            all: Fading::default(),
            level: (0.0, 0.0),
            level_fading: (-1.0 / (LEVEL_DAYS * step.per_day() as f64)).exp(),
            days: 0,
            today: (usize::MAX, NOTHING_KNOWN),
            later: NOTHING_KNOWN,
            ordinary: super::ORDINARY_W / scale_w,
        }
    }

    /// Whether more than so many days have begun.
    pub(super) fn has_seen_days(&self, days: usize) -> bool {
        self.days > days
    }

    /// Takes what the day is foretold with.
    pub(super) fn begin_day(&mut self, day: usize) {
        self.days += 1;
        self.today = (day, self.outset());
    }

    /// Takes what the days after the last one that was begun are foretold with.
    pub(super) fn end_history(&mut self) {
        self.later = self.outset();
    }

    fn outset(&self) -> Outset {
        let (used, usual) = self.level;
        let ratio = if usual > 0.0 { (used / usual).min(5.0) } else { 1.0 };
        let mean = |kind| {
            self.places.iter().map(|place| self.usual(place, kind)).sum::<f64>() / self.places.len() as f64
        };
        Outset { ratio, kind_means: [mean(0), mean(1)] }
    }

    /// What each view says of a cell.
    pub(super) fn features(&self, cell: &Cell, temperature_c: Option<f64>) -> Features {
        let place = &self.places[cell.slot];
        let usual = self.usual(place, cell.kind());
        let Outset { ratio, kind_means } = if cell.day == self.today.0 { self.today.1 } else { self.later };
        let mut features = [0.0; FEATURES];
        features[0] = place.lately.mean().unwrap_or(usual);
        features[1] = place.of_weekday[cell.weekday].mean().unwrap_or(usual);
        features[2] = usual;
        features[3] = usual * ratio;
        features[4] = kind_means[cell.kind()] * ratio;
        if let Some(temperature) = temperature_c {
            // Degrees more than lately at this time of day, in tens: what is usual already holds the weather of late.
            let more = |now: f64, lately: &Fading| lately.mean().map_or(0.0, |lately| (now - lately) / 10.0);
            features[5] = more(heating(temperature), &place.heating);
            features[6] = more(cooling(temperature), &place.cooling);
        }
        features
    }

    /// What is usual at a place on this kind of day: else on the other kind, else at any time, else in any house.
    fn usual(&self, place: &Place, kind: usize) -> f64 {
        let of_kind = place.of_kind[kind].mean().or_else(|| place.of_kind[1 - kind].mean());
        of_kind.or_else(|| self.all.mean()).unwrap_or(self.ordinary)
    }

    pub(super) fn learn(&mut self, cell: &Cell, load: f64, temperature_c: Option<f64>) {
        let usual = self.usual(&self.places[cell.slot], cell.kind());
        let fading = self.level_fading;
        self.level = (self.level.0 * fading + load, self.level.1 * fading + usual);
        self.all.add(load, cell.day, KIND_DAYS);
        let place = &mut self.places[cell.slot];
        place.lately.add(load, cell.day, LATELY_DAYS);
        place.of_kind[cell.kind()].add(load, cell.day, KIND_DAYS);
        place.of_weekday[cell.weekday].add(load, cell.day, WEEKDAY_DAYS);
        self.learn_temperature(cell, temperature_c);
    }

    pub(super) fn learn_temperature(&mut self, cell: &Cell, temperature_c: Option<f64>) {
        let Some(temperature) = temperature_c else { return };
        let place = &mut self.places[cell.slot];
        place.heating.add(heating(temperature), cell.day, TEMPERATURE_DAYS);
        place.cooling.add(cooling(temperature), cell.day, TEMPERATURE_DAYS);
    }
}

fn heating(temperature_c: f64) -> f64 {
    (HEATING_BELOW_C - temperature_c).clamp(0.0, 60.0)
}

fn cooling(temperature_c: f64) -> f64 {
    (temperature_c - COOLING_ABOVE_C).clamp(0.0, 60.0)
}
