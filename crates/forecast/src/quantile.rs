//! Quantiles of weighted samples.

/// The values that the shares `levels` of all weight lie below. `samples` are (value, weight); nothing where there is no
/// weight. Between samples a straight line, each sample standing for the middle of its weight.
pub(crate) fn quantiles<const N: usize>(samples: &mut [(f64, f64)], levels: [f64; N]) -> Option<[f64; N]> {
    samples.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let total: f64 = samples.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mut found = [samples.last()?.0; N];
    let mut reached = 0.0;
    let mut before: Option<(f64, f64)> = None;
    let mut next = 0;
    for (value, weight) in samples {
        let middle = (reached + *weight / 2.0) / total;
        while next < N && levels[next] <= middle {
            found[next] = match before {
                Some((place, low)) if middle > place => {
                    low + (*value - low) * (levels[next] - place) / (middle - place)
                }
                _ => *value,
            };
            next += 1;
        }
        reached += *weight;
        before = Some((middle, *value));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_for_the_middle_of_their_weight() {
        let mut samples = [(3.0, 1.0), (1.0, 1.0), (2.0, 2.0)];
        assert_eq!(quantiles(&mut samples, [0.0, 0.125, 0.5, 0.6875, 1.0]), Some([1.0, 1.0, 2.0, 2.5, 3.0]));
        assert_eq!(quantiles(&mut [(7.0, 0.5)], [0.1, 0.9]), Some([7.0, 7.0]));
        assert_eq!(quantiles(&mut [(7.0, 0.0)], [0.5]), None);
        assert_eq!(quantiles(&mut [], [0.5]), None);
    }
}
