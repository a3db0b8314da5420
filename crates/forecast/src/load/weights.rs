//! How much each view of the house counts: least squares, held near what suits most houses until the past says otherwise
//! (ridge regression with a prior).

use crate::Step;

/// Views: lately, weekday, kind of day, kind of day at the level of late, that level alone, heating, cooling.
pub(super) const FEATURES: usize = 7;

/// What each view says, in parts of the mean load.
pub(super) type Features = [f64; FEATURES];

/// What suits most houses.
const PRIOR: Features = [0.25, 0.10, 0.35, 0.25, 0.05, 0.0, 0.0];

/// How firmly: like so many hours of history.
const PRIOR_HOURS: f64 = 18.0;

/// In so many days the past fades to a third.
const FADING_DAYS: f64 = 120.0;

/// Weights, and the sums that they are solved from.
pub(super) struct Weights {
    of_views: Features,
    squares: [Features; FEATURES],
    products: Features,
    hours: f64,
}

impl Weights {
    pub(super) fn new(step: Step) -> Self {
        Self {
            of_views: PRIOR,
            squares: [[0.0; FEATURES]; FEATURES],
            products: [0.0; FEATURES],
            hours: step.hours(),
        }
    }

    pub(super) fn expected(&self, features: &Features) -> f64 {
        let sum: f64 = self.of_views.iter().zip(features).map(|(weight, feature)| weight * feature).sum();
        sum.max(0.0)
    }

    /// Takes what was learned until now, and lets it fade.
    pub(super) fn begin_day(&mut self) {
        let mut matrix = self.squares;
        let mut right = self.products;
        for (index, prior) in PRIOR.iter().enumerate() {
            matrix[index][index] += PRIOR_HOURS;
            right[index] += PRIOR_HOURS * prior;
        }
        if let Some(weights) = solve(matrix, right) {
            self.of_views = weights;
        }
        let fading = (-1.0 / FADING_DAYS).exp();
        self.squares.iter_mut().flatten().chain(&mut self.products).for_each(|sum| *sum *= fading);
    }

    pub(super) fn learn(&mut self, features: &Features, load: f64) {
        for (index, feature) in features.iter().enumerate() {
            for (sum, other) in self.squares[index].iter_mut().zip(features) {
                *sum += self.hours * feature * other;
            }
            self.products[index] += self.hours * feature * load;
        }
    }
}

/// Solves a symmetric, positive definite system by Gauss; nothing where it is not one.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for pivot in 0..N {
        let row = matrix[pivot];
        if row[pivot].is_nan() || row[pivot] <= 1e-12 {
            return None;
        }
        for below in pivot + 1..N {
            let factor = matrix[below][pivot] / row[pivot];
            matrix[below].iter_mut().zip(row).for_each(|(value, above)| *value -= factor * above);
            right[below] -= factor * right[pivot];
        }
    }
    let mut solution = [0.0; N];
    for index in (0..N).rev() {
        let known: f64 = (index + 1..N).map(|later| matrix[index][later] * solution[later]).sum();
        solution[index] = (right[index] - known) / matrix[index][index];
    }
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_solved_or_refused() {
        let solution = solve([[4.0, 1.0], [1.0, 3.0]], [1.0, 2.0]).unwrap();
        assert!((solution[0] - 1.0 / 11.0).abs() < 1e-12 && (solution[1] - 7.0 / 11.0).abs() < 1e-12);
        assert_eq!(solve([[1.0, 1.0], [1.0, 1.0]], [1.0, 2.0]), None);
        assert_eq!(solve([[f64::NAN]], [1.0]), None);
    }

    #[test]
    fn the_view_that_is_right_gets_the_weight() {
        let mut weights = Weights::new(Step::Hour);
        let features = |hour: usize| {
            let of = |period: usize| 1.0 + (hour % period) as f64 / period as f64;
            [of(3), of(5), of(7), of(11), of(13), 0.0, 0.0]
        };
        for hour in 0..24 * 60 {
            weights.learn(&features(hour), features(hour)[1]);
        }
        weights.begin_day();
        assert!(weights.of_views[1] > 0.8, "{:?}", weights.of_views);
        assert!((weights.expected(&features(4)) - 1.8).abs() < 0.05);
    }
}
