//! Choosing points whose line looks like that of all of them: largest triangle, three buckets (Steinarsson, 2013), after
//! a first choice of the lowest and the highest of each of four times as many buckets (`MinMaxLTTB`, Van Der Donckt 2023), so
//! that any number of values streams through bounded memory.

use std::ops::Range;

/// Values of the first choice for each of the last.
const FIRST_CHOICE: usize = 4;

/// Time and value.
type TimedValue = (i64, i64);

/// A choice being made.
pub(crate) struct Lttb {
    span: Range<i64>,
    wish: usize,
    /// Of each bucket that has any: its number, lowest and highest value so far.
    buckets: Vec<(usize, TimedValue, TimedValue)>,
    ends: Option<(TimedValue, TimedValue)>,
}

impl Lttb {
    /// For `wish` (three or more) points of values within `span`.
    pub(crate) fn new(span: Range<i64>, wish: usize) -> Self {
        Self { span, wish, buckets: Vec::new(), ends: None }
    }

    /// Takes in the next value.
    pub(crate) fn add(&mut self, at: i64, number: i64) {
        self.ends = Some((self.ends.map_or((at, number), |(first, _)| first), (at, number)));
        let bucket = self.bucket(at);
        match self.buckets.last_mut().filter(|(last, ..)| *last == bucket) {
            Some((_, lowest, highest)) => {
                if number < lowest.1 {
                    *lowest = (at, number);
                }
                if number > highest.1 {
                    *highest = (at, number);
                }
            }
            None => self.buckets.push((bucket, (at, number), (at, number))),
        }
    }

    fn bucket(&self, at: i64) -> usize {
        let width = (self.span.end as f64 - self.span.start as f64).max(1.0);
        let share = (at as f64 - self.span.start as f64) / width;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a small number"
        )]
        let bucket = (share.clamp(0.0, 1.0) * (self.wish * FIRST_CHOICE / 2) as f64) as usize;
        bucket
    }

    /// The chosen values, oldest first.
    pub(crate) fn finish(self) -> Vec<(i64, i64)> {
        let Some((first, last)) = self.ends else { return Vec::new() };
        let mut values = vec![first];
        for (_, lowest, highest) in self.buckets {
            let (one, other) = if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
            values.extend([one, other]);
        }
        values.push(last);
        values.dedup();
        values.sort_unstable();
        values.dedup();
        choose(&values, self.wish)
    }
}

/// `wish` of `values`, first and last among them.
fn choose(values: &[(i64, i64)], wish: usize) -> Vec<(i64, i64)> {
    if values.len() <= wish || wish < 3 {
        return values.to_vec();
    }
    let inner = values.len() - 2;
    let edge = |bucket: usize| 1 + bucket * inner / (wish - 2);
    let mut chosen = vec![values[0]];
    for bucket in 0..wish - 2 {
        let next = &values[edge(bucket + 1)..values.len().min(edge(bucket + 2).max(edge(bucket + 1) + 1))];
        let mean = |of: fn(&(i64, i64)) -> i64| {
            next.iter().map(|value| of(value) as f64).sum::<f64>() / next.len() as f64
        };
        let (next_at, next_number) = (mean(|value| value.0), mean(|value| value.1));
        let (at, number) = chosen[chosen.len() - 1];
        let area = |value: &(i64, i64)| {
            let (dx, dy) = (at as f64 - next_at, number as f64 - next_number);
            ((value.1 as f64 - number as f64) * dx - (value.0 as f64 - at as f64) * dy).abs()
        };
        let here = &values[edge(bucket)..edge(bucket + 1)];
        chosen.extend(here.iter().max_by(|one, other| area(one).total_cmp(&area(other))));
    }
    chosen.push(values[values.len() - 1]);
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_choice_is_short_in_order_and_of_the_values(
            values in prop::collection::btree_map(-10_000i64..10_000, -500i64..500, 1..400), wish in 3usize..60,
        ) {
            let all: Vec<_> = values.into_iter().collect();
            let mut lttb = Lttb::new(all[0].0..all[all.len() - 1].0 + 1, wish);
            for (at, number) in &all {
                lttb.add(*at, *number);
            }
            let chosen = lttb.finish();
            prop_assert!(chosen.len() <= wish.max(1));
            prop_assert!(chosen.is_sorted_by(|one, other| one.0 < other.0));
            prop_assert!(chosen.iter().all(|value| all.contains(value)));
            prop_assert_eq!((chosen[0], chosen[chosen.len() - 1]), (all[0], all[all.len() - 1]));
        }
    }

    #[test]
    fn a_spike_is_kept() {
        let mut lttb = Lttb::new(0..100_000, 20);
        for at in 0..100_000 {
            lttb.add(at, if at == 54_321 { 9_000 } else { at % 7 });
        }
        assert!(lttb.finish().contains(&(54_321, 9_000)));
    }
}
