//! The data of the benchmark is what its figures claim.

#[path = "../benches/store/station/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses more of it")]
mod station;

use std::collections::BTreeSet;

use ohmstead_model::UnixMillis;
use station::{Class, DAY_MS, JUNE, Station};

#[test]
fn there_are_300_metrics_of_three_paces() {
    let station = Station::new(JUNE);
    assert_eq!(Class::ALL.map(|class| station.metrics(class).count()), [50, 150, 100]);
    assert_eq!(station.all_metrics().into_iter().collect::<BTreeSet<_>>().len(), 300);
    let sixteen = Station::sixteen(JUNE);
    assert_eq!(Class::ALL.map(|class| sixteen.metrics(class).count()), [6, 5, 5]);
}

/// A month has 45, 90 and 6 metrics that change; a day shows it, but for a counter of what never happened in it.
#[test]
fn a_day_has_its_share_of_values_that_change() {
    let mut station = Station::new(JUNE);
    let mut seen: [Vec<BTreeSet<i32>>; 3] =
        Class::ALL.map(|class| vec![BTreeSet::new(); station.metrics(class).count()]);
    let mut values = 0;
    while let Some(batch) = station.next(UnixMillis(JUNE.0 + 2 * DAY_MS)) {
        values += batch.raw.len();
        for (raw, seen) in batch.raw.iter().zip(&mut seen[batch.class as usize]) {
            seen.insert(*raw);
        }
    }
    // One poll in a thousand is missed.
    assert!((1_350_000..1_353_600).contains(&values), "{values}");
    let changing = seen.map(|class| class.iter().filter(|values| values.len() > 1).count());
    assert_eq!(changing, [45, 90, 6]);
}

#[test]
fn answers_come_late_and_in_order() {
    let mut station = Station::new(JUNE);
    let mut newest = [i64::MIN; 3];
    let (mut late, mut very_late, mut answers) = (0, 0, 0);
    while let Some(batch) = station.next(UnixMillis(JUNE.0 + DAY_MS)) {
        let delay = (batch.at.0 - JUNE.0) % 10_000;
        assert!((0..500).contains(&delay), "{delay} ms");
        (late, very_late, answers) = (late + delay, very_late + i64::from(delay > 100), answers + 1);
        assert!(batch.at.0 > newest[batch.class as usize], "a class goes back in time");
        newest[batch.class as usize] = batch.at.0;
    }
    let mean = late / answers;
    assert!((15..30).contains(&mean), "{mean} ms late in the mean");
    assert!((answers / 250..answers / 80).contains(&very_late), "{very_late} of {answers} very late");
}

/// Figures of two versions are of the same data only if this never changes.
#[test]
fn the_data_never_changes() {
    let mut station = Station::new(JUNE);
    let mut sum: u64 = 0;
    while let Some(batch) = station.next(UnixMillis(JUNE.0 + DAY_MS)) {
        for number in std::iter::once(batch.at.0).chain(batch.raw.iter().map(|raw| i64::from(*raw))) {
            sum = sum.rotate_left(5).wrapping_add(number.cast_unsigned());
        }
    }
    assert_eq!(sum, 4_698_755_452_742_847_465);
}

#[test]
fn a_reading_says_what_the_batch_says() {
    let mut station = Station::new(JUNE);
    let batch = station.next(UnixMillis(JUNE.0 + DAY_MS)).expect("the first answer");
    let reading = batch.reading();
    assert_eq!((reading.at.unix, reading.values.len()), (batch.at, batch.raw.len()));
    for ((metric, told), (same, number)) in reading.values.iter().zip(batch.numbers()) {
        assert_eq!(*metric, same);
        if let Some(told) = told.as_ref().expect("a value").number() {
            assert_eq!(Some(told), number);
        }
    }
}
