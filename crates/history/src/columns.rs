//! Values as they are stored, series by series and sorted by time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The place of a series in the registry, for as long as the store is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub(crate) usize);

/// A value as stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    /// A number in units of 10^-decimals of its series.
    Number(i64),
    /// A state's key or a text.
    Text(Arc<str>),
}

/// A value with its time, ms since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) value: Stored,
}

/// The points of some series; each sorted by time, no time twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Columns(BTreeMap<Slot, Vec<Point>>);

impl Columns {
    /// From points in the order of their arrival: of two at the same time the later arrival wins.
    pub(crate) fn from_arrivals(arrivals: impl Iterator<Item = (Slot, Point)>) -> Self {
        let mut columns = Self::default();
        for (slot, point) in arrivals {
            columns.0.entry(slot).or_default().push(point);
        }
        for points in columns.0.values_mut() {
            settle(points);
        }
        columns
    }

    /// Takes `newer` in; where both have a value at the same time, the newer one wins.
    pub(crate) fn absorb(&mut self, newer: Self) {
        for (slot, points) in newer.0 {
            let column = self.0.entry(slot).or_default();
            *column = merge(std::mem::take(column), points);
        }
    }

    /// All series with their points.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &[Point])> {
        self.0.iter().map(|(slot, points)| (*slot, points.as_slice()))
    }

    /// The points of one series.
    pub(crate) fn get(&self, slot: Slot) -> &[Point] {
        self.0.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// How many points.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The series grouped by equal time stamps, so that these are stored once.
    pub(crate) fn by_times(&self) -> Vec<Vec<(Slot, &[Point])>> {
        let mut groups: Vec<Vec<(Slot, &[Point])>> = Vec::new();
        let mut group_of: HashMap<Vec<i64>, usize> = HashMap::new();
        for (slot, points) in self.iter() {
            let times: Vec<i64> = points.iter().map(|point| point.at).collect();
            let group = *group_of.entry(times).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push((slot, points));
        }
        groups
    }

    /// Changes the unit of the numbers of a series to one that is `factor` times finer.
    pub(crate) fn refine(&mut self, slot: Slot, factor: i64) {
        for point in self.0.get_mut(&slot).into_iter().flatten() {
            point.value.refine(factor);
        }
    }
}

impl Stored {
    /// The same number in a unit that is `factor` times finer.
    pub(crate) fn refine(&mut self, factor: i64) {
        if let Self::Number(number) = self {
            *number = number.saturating_mul(factor);
        }
    }
}

/// Sorts points by time; of several at the same time the last stays.
pub(crate) fn settle(points: &mut Vec<Point>) {
    if points.is_sorted_by(|left, right| left.at < right.at) {
        return;
    }
    points.sort_by_key(|point| point.at);
    points.dedup_by(|later, kept| {
        let same = later.at == kept.at;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
}

/// Both sorted lists in one; where both have a point at the same time, the newer one stays.
pub(crate) fn merge(mut older: Vec<Point>, newer: Vec<Point>) -> Vec<Point> {
    if let (Some(last), Some(first)) = (older.last(), newer.first())
        && last.at >= first.at
    {
        older.extend(newer);
        settle(&mut older);
        return older;
    }
    older.extend(newer);
    older
}

/// 10^`decimals`, as a factor for stored numbers.
pub(crate) fn factor(decimals: u8) -> i64 {
    10i64.saturating_pow(u32::from(decimals))
}

/// A length as the database counts.
pub(crate) fn signed(len: usize) -> i64 {
    i64::try_from(len).expect("no collection is longer than isize::MAX")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: i64, number: i64) -> Point {
        Point { at, value: Stored::Number(number) }
    }

    #[test]
    fn of_several_values_at_one_time_the_last_arrival_wins() {
        let arrivals = [(3, 1), (1, 2), (3, 3), (2, 4), (3, 5), (1, 6)];
        let columns = Columns::from_arrivals(arrivals.into_iter().map(|(at, n)| (Slot(0), point(at, n))));
        assert_eq!(columns.get(Slot(0)), [point(1, 6), point(2, 4), point(3, 5)]);
    }

    #[test]
    fn merging_keeps_the_newer_value() {
        let merged = merge(vec![point(1, 1), point(2, 1)], vec![point(0, 2), point(2, 2), point(9, 2)]);
        assert_eq!(merged, [point(0, 2), point(1, 1), point(2, 2), point(9, 2)]);
    }

    #[test]
    fn series_polled_together_are_grouped() {
        let arrivals = [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2)];
        let columns =
            Columns::from_arrivals(arrivals.into_iter().map(|(slot, at)| (Slot(slot), point(at, 7))));
        let slots: Vec<Vec<usize>> =
            columns.by_times().iter().map(|group| group.iter().map(|(slot, _)| slot.0).collect()).collect();
        assert_eq!(slots, [vec![0, 1], vec![2]]);
    }
}
