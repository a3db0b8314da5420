//! At which units services are looked for, and when. Pure.
//!
//! Since Venus OS 2.60 a service may be at any unit from 1 to 247. Asking all of them at once would keep the device busy:
//! the likely ones come first, then one unit after the other, for as long as the connection lasts.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The time from one unit to the next: all 247 take four minutes.
const STEP: Duration = Duration::from_secs(1);
/// A few units are not asked more often than this all together.
const ROUND_MIN: Duration = Duration::from_secs(60);
/// What the usual ports have.
const USUAL: [u8; 10] = [246, 247, 245, 242, 227, 228, 239, 238, 225, 226];
/// Where meters, PV inverters and tanks begin.
const METERS: RangeInclusive<u8> = 20..=40;
/// Where system, settings and everything else with the instance 0 is.
pub(super) const CENTRAL: u8 = 100;
const LAST: u8 = 247;

/// The units in the order in which they are asked.
#[derive(Debug)]
pub(super) struct Units {
    all: Vec<u8>,
    /// How many of them are asked at the start, without a pause.
    likely: usize,
    next: usize,
}

impl Units {
    /// Every unit, or those that the owner names.
    pub(super) fn new(named: &[u8]) -> Self {
        if !named.is_empty() {
            return Self { all: named.to_vec(), likely: named.len(), next: 0 };
        }
        let likely: Vec<u8> = USUAL.into_iter().chain([CENTRAL]).chain(223..=LAST).chain(METERS).collect();
        let mut all = Vec::new();
        for unit in likely.iter().copied().chain(1..=LAST) {
            if !all.contains(&unit) {
                all.push(unit);
            }
        }
        let likely = likely.iter().collect::<BTreeSet<_>>().len();
        Self { all, likely, next: 0 }
    }

    /// Those to ask at the start; the others come after them.
    pub(super) fn first(&mut self) -> Vec<u8> {
        self.next = self.likely;
        self.all.iter().take(self.likely).copied().collect()
    }

    /// The next one to ask; after the last one the first.
    pub(super) fn next(&mut self) -> Option<u8> {
        let unit = self.all.get(self.next).or_else(|| self.all.first()).copied()?;
        self.next = if self.next >= self.all.len() { 1 } else { self.next + 1 };
        Some(unit)
    }

    /// The time from one to the next.
    pub(super) fn step(&self) -> Duration {
        let count = u32::try_from(self.all.len()).unwrap_or(u32::MAX).max(1);
        STEP.max(ROUND_MIN / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_asked_within_a_few_minutes() {
        let mut units = Units::new(&[]);
        let first: BTreeSet<u8> = units.first().into_iter().collect();
        assert_eq!(first, (20..=40).chain([100]).chain(223..=247).collect());
        let rest: Vec<u8> = (1..=247).filter(|unit| !first.contains(unit)).collect();
        let asked: Vec<u8> = (0..rest.len()).filter_map(|_| units.next()).collect();
        assert_eq!(asked, rest);
        let round: BTreeSet<u8> = (0..247).filter_map(|_| units.next()).collect();
        assert_eq!(round, (1..=247).collect());
        assert!(units.step() * 247 < Duration::from_secs(300));
    }

    #[test]
    fn of_a_few_units_each_is_asked_once_a_minute() {
        let mut units = Units::new(&[100, 61]);
        assert_eq!(units.first(), [100, 61]);
        assert_eq!([units.next(), units.next(), units.next()], [Some(100), Some(61), Some(100)]);
        assert_eq!(units.step(), Duration::from_secs(30));
    }
}
