//! How far off the expected load may be: quantiles of used/foretold at the same time of day over the last weeks.

use ohmstead_model::Band;

use crate::Step;
use crate::quantile::quantiles;

/// So many days count, fading to a third in so many.
const DAYS: usize = 60;
const FADING_DAYS: f64 = 30.0;

/// Times of day so near count with it, the less the farther.
const NEAR_HOURS: usize = 1;

/// Quantiles of used/foretold in a house of which nothing is known, and how many hours of history they are worth.
const PRIOR: [f64; 5] = [0.25, 0.45, 0.80, 1.30, 2.00];
const PRIOR_HOURS: f64 = 3.0;

/// What is foretold as next to nothing counts as this part of the mean load: nothing can be compared to nothing.
const FORETOLD_MIN: f64 = 0.05;

pub(super) struct Spread {
    /// By place of the day: used/foretold, and its weight in hours.
    ratios: Vec<Vec<(f64, f64)>>,
    quantiles: Vec<[f64; 5]>,
    hours: f64,
    near: usize,
}

impl Spread {
    pub(super) fn new(step: Step) -> Self {
        Self {
            ratios: vec![Vec::new(); step.per_day()],
            quantiles: Vec::new(),
            hours: step.hours(),
            near: step.count(NEAR_HOURS),
        }
    }

    pub(super) fn learn(&mut self, slot: usize, used: f64, foretold: f64, days_ago: usize) {
        if days_ago <= DAYS {
            let weight = self.hours * (-(days_ago as f64) / FADING_DAYS).exp();
            self.ratios[slot].push((used / foretold.max(FORETOLD_MIN), weight));
        }
    }

    /// Works the quantiles out, once all is learned.
    pub(super) fn solve(&mut self) {
        self.quantiles = (0..self.ratios.len()).map(|slot| self.at(slot)).collect();
    }

    fn at(&self, slot: usize) -> [f64; 5] {
        let places = self.ratios.len();
        let prior_weight = PRIOR_HOURS / 5.0;
        let mut samples: Vec<(f64, f64)> = PRIOR.iter().map(|ratio| (*ratio, prior_weight)).collect();
        for distance in 0..=self.near {
            let nearness = 1.0 - distance as f64 / (self.near + 1) as f64;
            let (before, after) = ((slot + places - distance) % places, (slot + distance) % places);
            let sides: &[usize] = if distance == 0 { &[slot] } else { &[before, after] };
            let near = sides.iter().flat_map(|side| &self.ratios[*side]);
            samples.extend(near.map(|(ratio, weight)| (*ratio, weight * nearness)));
        }
        quantiles(&mut samples, Band::LEVELS).unwrap_or(PRIOR)
    }

    /// The band around what is foretold and corrected. It is as wide as the past was off from the foretold, uncorrected;
    /// `narrowing` is 1 for the whole of it, 0 for none.
    pub(super) fn band(&self, slot: usize, foretold: f64, correction: f64, narrowing: f64) -> Band {
        let ratios = self.quantiles.get(slot).copied().unwrap_or(PRIOR);
        let mean = (foretold + correction).max(0.0);
        let width = foretold.max(FORETOLD_MIN) * narrowing;
        Band::of(mean, ratios.map(|ratio| (mean + width * (ratio - 1.0)).max(0.0)))
    }
}
