//! What a counter grew by.
//!
//! A counter that falls below nine tenths of what it had was reset, and what it shows is growth since; a smaller fall is
//! the noise of the device, and there is no growth until it is made up for. (Home Assistant judges `total_increasing`
//! by the same tenth.)

/// Follows a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Growth {
    /// The highest value since the last reset.
    top: Option<i64>,
    pub(crate) total: i128,
    pub(crate) resets: u64,
}

/// The growth within a part of a counter's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grown {
    /// The first value of the part.
    pub(crate) first: i64,
    /// The highest since the last reset in it.
    pub(crate) top: i64,
    /// What it grew by after `first`.
    pub(crate) increase: i64,
    pub(crate) resets: u64,
}

impl Growth {
    /// Takes in the next value.
    pub(crate) fn add(&mut self, number: i64) {
        let top = *self.top.get_or_insert(number);
        if number >= top {
            self.total += i128::from(number) - i128::from(top);
            self.top = Some(number);
        } else if i128::from(number) * 10 < i128::from(top) * 9 {
            self.total += i128::from(number.max(0));
            self.resets += 1;
            self.top = Some(number);
        }
    }

    /// Takes in the next part.
    pub(crate) fn add_part(&mut self, part: &Grown) {
        self.add(part.first);
        let top = self.top.unwrap_or(part.first);
        // Within the part growth began at its first value; up to `top` it only made up for a fall.
        let made_up =
            if part.resets == 0 { top.saturating_sub(part.first).clamp(0, part.increase.max(0)) } else { 0 };
        self.total += i128::from(part.increase - made_up);
        self.resets += part.resets;
        self.top = Some(if part.resets == 0 { top.max(part.top) } else { part.top });
    }

    /// What follows, counted from here.
    pub(crate) fn restarted(self) -> Self {
        Self { total: 0, resets: 0, ..self }
    }

    /// As a part that began with `first`.
    pub(crate) fn grown(&self, first: i64) -> Grown {
        let increase = i64::try_from(self.total).unwrap_or(i64::MAX);
        Grown { first, top: self.top.unwrap_or(first), increase, resets: self.resets }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn growth(values: &[i64]) -> Growth {
        let mut growth = Growth::default();
        for value in values {
            growth.add(*value);
        }
        growth
    }

    #[rstest]
    #[case(&[], 0, 0)]
    #[case(&[500], 0, 0)]
    #[case(&[500, 500, 510, 530], 30, 0)]
    #[case(&[500, 3, 5], 5, 1)]
    #[case(&[500, 498, 499, 502], 2, 0)]
    #[case(&[500, 449, 460], 460, 1)]
    #[case(&[500, 450, 460], 0, 0)]
    fn falls_are_resets_or_noise(#[case] values: &[i64], #[case] total: i128, #[case] resets: u64) {
        let growth = growth(values);
        assert_eq!((growth.total, growth.resets), (total, resets));
    }

    proptest! {
        /// A counter that only grows or is reset: its parts give the same as the whole.
        #[test]
        fn parts_add_up(steps in prop::collection::vec(prop_oneof![9 => 0i64..50, 1 => Just(-1)], 1..60), cut in 1usize..20) {
            let values: Vec<i64> = steps.iter().scan(1_000, |at, step| {
                *at = if *step < 0 { 0 } else { *at + step };
                Some(*at)
            }).collect();
            let mut parts = Growth::default();
            for part in values.chunks(cut) {
                parts.add_part(&growth(part).grown(part[0]));
            }
            prop_assert_eq!(parts.total, growth(&values).total);
        }
    }
}
