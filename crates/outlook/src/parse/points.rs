//! Values with stamps, in any order, with holes, into stretches of time. Nothing is found by its place in a list.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use ohmstead_model::{TimeSpan, Timeline, UnixMillis};

use super::ParseError;

/// More values than any answer has: sixteen days of quarter hours are a third of it.
const POINTS_MAX: usize = 5_000;

/// No source has longer steps; what looks like one is a hole.
const STEP_MAX: Duration = Duration::from_secs(3600);
/// Shorter ones come from broken stamps.
const STEP_MIN: Duration = Duration::from_secs(60);

/// Values that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Left {
    /// Absurd, or with a stamp that is none.
    pub(crate) refused: usize,
    /// Null, or no number.
    pub(crate) blank: usize,
}

/// Values whose stretch begins, or ends, at their stamp, and whose length follows from the stamps around them.
pub(crate) struct Points {
    sane: RangeInclusive<f64>,
    by_stamp: BTreeMap<UnixMillis, Option<f64>>,
    left: Left,
}

impl Points {
    /// Values outside of `sane` are refused.
    pub(crate) fn within(sane: RangeInclusive<f64>) -> Self {
        Self { sane, by_stamp: BTreeMap::new(), left: Left::default() }
    }

    /// One more. `None` is a hole. Of several with one stamp the last counts.
    pub(crate) fn add(&mut self, at: UnixMillis, value: Option<f64>) -> Result<(), ParseError> {
        let kept = value.filter(|value| self.sane.contains(value));
        self.left.blank += usize::from(value.is_none());
        self.left.refused += usize::from(value.is_some() && kept.is_none());
        self.by_stamp.insert(at, kept);
        if self.by_stamp.len() > POINTS_MAX { Err(ParseError::TooMany(POINTS_MAX)) } else { Ok(()) }
    }

    /// One whose stamp could not be read.
    pub(crate) fn refuse(&mut self) {
        self.left.refused += 1;
    }

    /// Stretches that begin at the stamps, and what was left out. `lone` is the step of a single stamp.
    pub(crate) fn beginning(self, lone: Duration) -> (Timeline<f64>, Left) {
        let stamps: Vec<UnixMillis> = self.by_stamp.keys().copied().collect();
        let steps = steps(&stamps, lone);
        let slots = self.by_stamp.iter().zip(steps);
        let slots = slots.filter_map(|((at, value), step)| Some((TimeSpan::lasting(*at, step), (*value)?)));
        (Timeline::of(slots), self.left)
    }

    /// Stretches that end at the stamps.
    pub(crate) fn ending(self, lone: Duration) -> (Timeline<f64>, Left) {
        // Seen backwards in time an end is a beginning.
        let stamps: Vec<UnixMillis> =
            self.by_stamp.keys().rev().map(|at| UnixMillis(at.0.saturating_neg())).collect();
        let mut steps = steps(&stamps, lone);
        steps.reverse();
        let slots = self
            .by_stamp
            .iter()
            .zip(steps)
            .filter_map(|((at, value), step)| Some((TimeSpan::new(at.minus(step), *at), (*value)?)));
        (Timeline::of(slots), self.left)
    }
}

/// How long each stretch is. Steps of quarters, half hours and hours may follow each other, and stamps may be missing: the
/// distance to the next stamp counts if a neighbouring distance is the same, else the shortest around it.
fn steps(stamps: &[UnixMillis], lone: Duration) -> Vec<Duration> {
    let distance = |index: usize| {
        let (from, to) = (stamps.get(index)?, stamps.get(index + 1)?);
        Some(TimeSpan::new(*from, *to).length()).filter(|length| *length <= STEP_MAX && *length >= STEP_MIN)
    };
    let mut steps: Vec<Duration> = Vec::with_capacity(stamps.len());
    for index in 0..stamps.len() {
        let next = distance(index);
        let before = index.checked_sub(1).and_then(distance);
        let after = distance(index + 1);
        let step = match next {
            Some(_) if next == before || next == after => next,
            Some(_) => [before, next, after].into_iter().flatten().min(),
            // The last one, or one before a hole: as long as the one before it, if that is known.
            None => before.and(steps.last().copied()).or(after),
        };
        let room = stamps.get(index + 1).map(|next| TimeSpan::new(stamps[index], *next).length());
        let step = step.unwrap_or(lone);
        steps.push(room.map_or(step, |room| step.min(room)));
    }
    steps
}

/// Values whose stretches are given with both ends.
pub(crate) struct Spans {
    sane: RangeInclusive<f64>,
    slots: Vec<(TimeSpan, f64)>,
    left: Left,
}

impl Spans {
    /// Values outside of `sane` are refused.
    pub(crate) fn within(sane: RangeInclusive<f64>) -> Self {
        Self { sane, slots: Vec::new(), left: Left::default() }
    }

    /// One more; a stretch that ends before it begins is refused too. Of several for one time the last counts.
    pub(crate) fn add(&mut self, span: TimeSpan, value: Option<f64>) -> Result<(), ParseError> {
        let Some(value) = value else {
            self.left.blank += 1;
            return Ok(());
        };
        if span.is_empty() || !self.sane.contains(&value) {
            self.left.refused += 1;
            return Ok(());
        }
        self.slots.push((span, value));
        if self.slots.len() > POINTS_MAX { Err(ParseError::TooMany(POINTS_MAX)) } else { Ok(()) }
    }

    /// One that could not be read.
    pub(crate) fn refuse(&mut self) {
        self.left.refused += 1;
    }

    /// The stretches, and what was left out.
    pub(crate) fn timeline(mut self) -> (Timeline<f64>, Left) {
        // Stable: of equals the later one stays the later one. In order it is quick.
        self.slots.sort_by_key(|(span, _)| span.start);
        (Timeline::of(self.slots), self.left)
    }
}

/// The sum where every one of them is known.
pub(crate) fn sum(parts: &[Timeline<f64>]) -> Timeline<f64> {
    if let [only] = parts {
        return only.clone();
    }
    let mut edges: Vec<UnixMillis> =
        parts.iter().flat_map(Timeline::slots).flat_map(|(span, _)| [span.start, span.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let slots = edges.windows(2).filter_map(|pair| {
        let total = parts.iter().map(|part| part.at(pair[0]).copied()).sum::<Option<f64>>()?;
        Some((TimeSpan::new(pair[0], pair[1]), total))
    });
    Timeline::of(slots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn minutes(stamps: &[i64]) -> Vec<(i64, i64)> {
        let mut points = Points::within(-10.0..=10.0);
        for at in stamps {
            points.add(UnixMillis(at * 60_000), Some(1.0)).unwrap();
        }
        let (timeline, _) = points.beginning(HOUR);
        timeline.slots().map(|(span, _)| (span.start.0 / 60_000, span.end.0 / 60_000)).collect()
    }

    #[rstest]
    #[case::hours(&[0, 60, 120], &[(0, 60), (60, 120), (120, 180)])]
    #[case::unordered_and_twice(&[60, 0, 120, 60], &[(0, 60), (60, 120), (120, 180)])]
    #[case::a_missing_hour(&[0, 60, 180, 240], &[(0, 60), (60, 120), (180, 240), (240, 300)])]
    #[case::a_missing_quarter(&[0, 15, 45, 60], &[(0, 15), (15, 30), (45, 60), (60, 75)])]
    #[case::quarters_after_hours(&[0, 60, 120, 135, 150], &[(0, 60), (60, 120), (120, 135), (135, 150), (150, 165)])]
    #[case::hours_after_quarters(&[0, 15, 30, 90, 150], &[(0, 15), (15, 30), (30, 90), (90, 150), (150, 210)])]
    #[case::the_last_after_a_hole(&[0, 15, 30, 600], &[(0, 15), (15, 30), (30, 45), (600, 660)])]
    #[case::one(&[30], &[(30, 90)])]
    #[case::none(&[], &[])]
    fn the_step_is_seen_from_the_stamps(#[case] stamps: &[i64], #[case] expected: &[(i64, i64)]) {
        assert_eq!(minutes(stamps), expected);
    }

    #[test]
    fn stamps_at_the_end_are_the_mirror_image() {
        let mut points = Points::within(0.0..=10.0);
        for (at, value) in [(60, 1.0), (120, 2.0), (240, 3.0), (300, 99.0), (360, 4.0)] {
            points.add(UnixMillis(at * 60_000), Some(value)).unwrap();
        }
        let (timeline, left) = points.ending(HOUR);
        let slots: Vec<_> = timeline
            .slots()
            .map(|(span, value)| (span.start.0 / 60_000, span.end.0 / 60_000, *value))
            .collect();
        assert_eq!(slots, [(0, 60, 1.0), (60, 120, 2.0), (180, 240, 3.0), (300, 360, 4.0)]);
        assert_eq!(left, Left { refused: 1, blank: 0 });
    }

    #[test]
    fn a_sum_is_known_where_all_parts_are() {
        let span = |from, to| TimeSpan::new(UnixMillis(from), UnixMillis(to));
        let east = Timeline::of([(span(0, 10), 1.0), (span(10, 20), 2.0)]);
        let west = Timeline::of([(span(5, 15), 10.0)]);
        let both = sum(&[east.clone(), west]);
        let slots: Vec<_> = both.slots().map(|(span, value)| (span.start.0, span.end.0, *value)).collect();
        assert_eq!(slots, [(5, 10, 11.0), (10, 15, 12.0)]);
        assert_eq!(sum(std::slice::from_ref(&east)), east);
        assert!(sum(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn no_stretch_is_empty_or_overlaps(stamps in proptest::collection::vec(0_i64..3000, 0..60)) {
            let slots = minutes(&stamps);
            let mut distinct = stamps.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(slots.iter().map(|(start, _)| *start).collect::<Vec<_>>(), distinct);
            for (start, end) in &slots {
                prop_assert!(start < end && end - start <= 60);
            }
            for pair in slots.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].0);
            }
        }
    }
}
