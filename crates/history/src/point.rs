//! Values as they are stored.

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

impl Stored {
    /// The same number in a unit that is `factor` times finer.
    pub(crate) fn refine(&mut self, factor: i64) {
        if let Self::Number(number) = self {
            *number = number.saturating_mul(factor);
        }
    }
}

/// Both ascending lists in one; where both have a point at the same time, the newer one stays.
pub(crate) fn merge(mut older: Vec<Point>, newer: Vec<Point>) -> Vec<Point> {
    let is_after = match (older.last(), newer.first()) {
        (Some(last), Some(first)) => last.at < first.at,
        _ => true,
    };
    if is_after {
        older.extend(newer);
        return older;
    }
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.into_iter().peekable();
    for point in newer {
        while let Some(before) = older.next_if(|before| before.at < point.at) {
            merged.push(before);
        }
        older.next_if(|same| same.at == point.at);
        merged.push(point);
    }
    merged.extend(older);
    merged
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

    fn points(points: &[(i64, i64)]) -> Vec<Point> {
        points.iter().map(|(at, n)| Point { at: *at, value: Stored::Number(*n) }).collect()
    }

    #[test]
    fn merging_keeps_the_newer_value() {
        let merged = merge(points(&[(1, 1), (2, 1), (7, 1)]), points(&[(0, 2), (2, 2), (9, 2)]));
        assert_eq!(merged, points(&[(0, 2), (1, 1), (2, 2), (7, 1), (9, 2)]));
        assert_eq!(merge(points(&[(1, 1)]), points(&[(2, 2)])), points(&[(1, 1), (2, 2)]));
        assert_eq!(merge(Vec::new(), points(&[(2, 2)])), points(&[(2, 2)]));
    }
}
