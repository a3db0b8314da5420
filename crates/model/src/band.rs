//! What is expected, and how far off it may be.

/// A forecast value: what to count on in the mean, and quantiles around it, all in one unit (the timeline says which).
///
/// The mean is what sums and costs are made with; the median (`p50`) is the likeliest single guess. Where a distribution
/// leans to one side, as a household's load does, the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Band {
    /// Expected value.
    pub mean: f64,
    /// One in ten lies below.
    pub p10: f64,
    /// One in four lies below.
    pub p25: f64,
    /// Half lie below.
    pub p50: f64,
    /// Three in four lie below.
    pub p75: f64,
    /// Nine in ten lie below.
    pub p90: f64,
}

impl Band {
    /// The shares of [`Band::quantiles`].
    pub const LEVELS: [f64; 5] = [0.10, 0.25, 0.50, 0.75, 0.90];

    /// A value of which one is sure.
    pub fn certain(value: f64) -> Self {
        Self::of(value, [value; 5])
    }

    /// A mean, and quantiles at [`Band::LEVELS`]; quantiles that cross are put in order.
    pub fn of(mean: f64, mut quantiles: [f64; 5]) -> Self {
        quantiles.sort_by(f64::total_cmp);
        let [p10, p25, p50, p75, p90] = quantiles;
        Self { mean, p10, p25, p50, p75, p90 }
    }

    /// The quantiles at [`Band::LEVELS`].
    pub fn quantiles(&self) -> [f64; 5] {
        [self.p10, self.p25, self.p50, self.p75, self.p90]
    }

    /// The value that a share of all outcomes lies below, 0.1 to 0.9: between the quantiles that are known in a straight
    /// line, beyond them the outermost one.
    pub fn quantile(&self, share: f64) -> f64 {
        let (levels, values) = (Self::LEVELS, self.quantiles());
        let above = levels.partition_point(|level| *level < share).clamp(1, levels.len() - 1);
        let part = (share - levels[above - 1]) / (levels[above] - levels[above - 1]);
        values[above - 1] + (values[above] - values[above - 1]) * part.clamp(0.0, 1.0)
    }

    /// Everything multiplied by `factor`; by a negative one, the quantiles change places.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self::of(self.mean * factor, self.quantiles().map(|value| value * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_order_and_between_them_is_a_line() {
        let band = Band::of(5.0, [2.0, 1.0, 4.0, 8.0, 9.0]);
        assert_eq!(band, Band { mean: 5.0, p10: 1.0, p25: 2.0, p50: 4.0, p75: 8.0, p90: 9.0 });
        for (share, value) in [(0.0, 1.0), (0.1, 1.0), (0.375, 3.0), (0.9, 9.0), (1.0, 9.0)] {
            assert_eq!(Some(band.quantile(share)), Some(value), "{share}");
        }
        assert_eq!(band.scaled(-1.0), Band::of(-5.0, [-9.0, -8.0, -4.0, -2.0, -1.0]));
        assert_eq!(Some(Band::certain(7.0).quantile(0.2)), Some(7.0));
    }
}
