//! What is known about stretches of time: prices, colours, forecasts, plans.
//!
//! Sources answer in quarters, half hours, hours and days, mixed, with holes and with days of 23 and 25 hours. So nothing
//! here is ever found by its place in a list, only by time.

use std::time::Duration;

use crate::UnixMillis;

/// A stretch of time: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    /// Its first instant.
    pub start: UnixMillis,
    /// The first instant after it.
    pub end: UnixMillis,
}

impl TimeSpan {
    /// From `start` until `end`; empty if `end` is not later.
    pub fn new(start: UnixMillis, end: UnixMillis) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From `start` for `length`.
    pub fn lasting(start: UnixMillis, length: Duration) -> Self {
        Self { start, end: start.plus(length) }
    }

    /// Whether it holds no instant.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether an instant belongs to it.
    pub fn contains(self, instant: UnixMillis) -> bool {
        self.start <= instant && instant < self.end
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_millis(u64::try_from(self.end.0.saturating_sub(self.start.0)).unwrap_or(0))
    }

    /// How long it is, in hours.
    pub fn hours(self) -> f64 {
        self.length().as_secs_f64() / 3600.0
    }

    /// What both have in common; empty if nothing.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// Values of stretches of time, in order and without overlap. Where there is no stretch, nothing is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<T> {
    /// Sorted; none is empty; none overlaps the next.
    slots: Vec<(TimeSpan, T)>,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<T: Clone> Timeline<T> {
    /// Of stretches in any order. Where several are of the same time, the one that comes later in `slots` counts.
    pub fn of(slots: impl IntoIterator<Item = (TimeSpan, T)>) -> Self {
        let mut timeline = Self::default();
        for (span, value) in slots {
            timeline.set(span, value);
        }
        timeline
    }

    /// Says what holds for a stretch, whatever was known of it before.
    pub fn set(&mut self, span: TimeSpan, value: T) {
        if span.is_empty() {
            return;
        }
        let first = self.slots.partition_point(|(held, _)| held.end <= span.start);
        let last = first + self.slots[first..].partition_point(|(held, _)| held.start < span.end);
        let mut between = Vec::with_capacity(3);
        if let Some((held, before)) = self.slots[first..last].first()
            && held.start < span.start
        {
            between.push((TimeSpan::new(held.start, span.start), before.clone()));
        }
        between.push((span, value));
        if let Some((held, after)) = self.slots[first..last].last()
            && held.end > span.end
        {
            between.push((TimeSpan::new(span.end, held.end), after.clone()));
        }
        self.slots.splice(first..last, between);
    }

    /// This one, and `other` where this one knows nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut both = other.clone();
        for (span, value) in &self.slots {
            both.set(*span, value.clone());
        }
        both
    }

    /// What lies within `window`; stretches that stick out are cut.
    #[must_use]
    pub fn within(&self, window: TimeSpan) -> Self {
        let cut = self.touching(window).map(|(span, value)| (span.common(window), value.clone()));
        Self { slots: cut.filter(|(span, _)| !span.is_empty()).collect() }
    }
}

impl<T> Timeline<T> {
    /// What holds at an instant.
    pub fn at(&self, instant: UnixMillis) -> Option<&T> {
        self.slot_at(instant).map(|(_, value)| value)
    }

    /// The stretch of an instant, with what holds in it.
    pub fn slot_at(&self, instant: UnixMillis) -> Option<(TimeSpan, &T)> {
        let first = self.slots.partition_point(|(held, _)| held.end <= instant);
        self.slots.get(first).filter(|(held, _)| held.contains(instant)).map(|(held, value)| (*held, value))
    }

    /// All stretches, in order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = (TimeSpan, &T)> + DoubleEndedIterator {
        self.slots.iter().map(|(span, value)| (*span, value))
    }

    /// The stretches that have something in common with `window`, whole.
    pub fn touching(&self, window: TimeSpan) -> impl Iterator<Item = (TimeSpan, &T)> {
        let first = self.slots.partition_point(|(held, _)| held.end <= window.start);
        let held = self.slots[first..].iter().take_while(move |(held, _)| held.start < window.end);
        held.map(|(span, value)| (*span, value))
    }

    /// Whether nothing is known at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The last instant of which something is known, exclusive.
    pub fn end(&self) -> Option<UnixMillis> {
        self.slots.last().map(|(span, _)| span.end)
    }

    /// The parts of `window` of which nothing is known.
    pub fn gaps(&self, window: TimeSpan) -> Vec<TimeSpan> {
        let mut gaps = Vec::new();
        let mut reached = window.start;
        for (span, _) in self.touching(window) {
            gaps.push(TimeSpan::new(reached, span.start));
            reached = span.end;
        }
        gaps.push(TimeSpan::new(reached, window.end));
        gaps.retain(|gap| !gap.is_empty());
        gaps
    }

    /// The same stretches with other values.
    pub fn map<U>(&self, mut change: impl FnMut(TimeSpan, &T) -> U) -> Timeline<U> {
        Timeline { slots: self.slots.iter().map(|(span, value)| (*span, change(*span, value))).collect() }
    }

    /// What comes of both where both are known, cut where either begins or ends.
    pub fn zip<U, V>(&self, other: &Timeline<U>, mut both: impl FnMut(TimeSpan, &T, &U) -> V) -> Timeline<V> {
        let mut slots = Vec::with_capacity(self.slots.len().max(other.slots.len()));
        let mut first = 0;
        for (span, value) in &self.slots {
            first += other.slots[first..].partition_point(|(held, _)| held.end <= span.start);
            let touching = other.slots[first..].iter().take_while(|(held, _)| held.start < span.end);
            slots.extend(touching.map(|(held, beside)| {
                let common = span.common(*held);
                (common, both(common, value, beside))
            }));
        }
        Timeline { slots }
    }
}

impl Timeline<f64> {
    /// The mean over `window`, weighted by time; `None` if any part of it is unknown, or if it is empty.
    pub fn mean(&self, window: TimeSpan) -> Option<f64> {
        if window.is_empty() || !self.gaps(window).is_empty() {
            return None;
        }
        let parts = self.touching(window).map(|(span, value)| value * span.common(window).hours());
        Some(parts.sum::<f64>() / window.hours())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> TimeSpan {
        TimeSpan::new(UnixMillis(start), UnixMillis(end))
    }

    #[test]
    fn what_is_said_later_counts_and_cuts_what_was_there() {
        let mut timeline = Timeline::of([(span(0, 10), 1.0), (span(10, 20), 2.0), (span(30, 40), 3.0)]);
        timeline.set(span(5, 35), 9.0);
        let slots: Vec<_> =
            timeline.slots().map(|(span, value)| (span.start.0, span.end.0, *value)).collect();
        assert_eq!(slots, [(0, 5, 1.0), (5, 35, 9.0), (35, 40, 3.0)]);
        timeline.set(span(10, 20), 4.0);
        timeline.set(span(50, 50), 7.0);
        let slots: Vec<_> = timeline.slots().map(|(span, value)| (span.start.0, *value)).collect();
        assert_eq!(slots, [(0, 1.0), (5, 9.0), (10, 4.0), (20, 9.0), (35, 3.0)]);
    }

    #[test]
    fn a_mean_is_weighted_by_time_and_unknown_where_a_part_is() {
        let timeline = Timeline::of([(span(0, 10), 1.0), (span(10, 40), 5.0), (span(50, 60), 7.0)]);
        assert_eq!(timeline.mean(span(0, 40)), Some(4.0));
        assert_eq!(timeline.mean(span(5, 15)), Some(3.0));
        assert_eq!(timeline.mean(span(30, 55)), None);
        assert_eq!(timeline.mean(span(7, 7)), None);
        assert_eq!(timeline.gaps(span(-5, 70)), [span(-5, 0), span(40, 50), span(60, 70)]);
    }

    #[test]
    fn two_together_are_known_where_both_are() {
        let left = Timeline::of([(span(0, 10), 1), (span(10, 20), 2), (span(30, 40), 3)]);
        let right = Timeline::of([(span(5, 15), 10), (span(15, 16), 20), (span(25, 50), 30)]);
        let both = left.zip(&right, |_, left, right| left + right);
        let slots: Vec<_> = both.slots().map(|(span, value)| (span.start.0, span.end.0, *value)).collect();
        assert_eq!(slots, [(5, 10, 11), (10, 15, 12), (15, 16, 22), (30, 40, 33)]);
        assert_eq!(right.zip(&left, |_, right, left| left + right), both);
        assert!(left.zip(&Timeline::<i32>::default(), |_, left, _| *left).is_empty());
    }

    #[test]
    fn the_first_of_two_fills_up_from_the_second() {
        let known = Timeline::of([(span(10, 20), 'a')]);
        let guessed = Timeline::of([(span(0, 15), 'b'), (span(15, 30), 'c')]);
        let both = known.or(&guessed);
        assert_eq!(
            [0, 10, 19, 20, 30].map(|at| both.at(UnixMillis(at)).copied()),
            [Some('b'), Some('a'), Some('a'), Some('c'), None]
        );
    }
}
