//! What the driver published beside what was really the case when the unit was asked. Every value has a row in
//! [`super::truth`], or a reason there why it has none.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Metric, Reading, Value};
use ohmstead_plant::voltronic::{Nameplate, Profile};

use super::cable::Heard;
use super::truth::{Expected, Place, expected};
use super::{Driven, Told, World};

/// Some values are sums of what several answers told, which were asked for so long apart at least.
const TOGETHER: Duration = Duration::from_secs(25);

/// How much was compared.
#[derive(Debug, Default, Clone)]
pub(crate) struct Compared {
    pub(crate) values: usize,
    pub(crate) readings: usize,
    /// Of each metric how often it was known, and how often not.
    pub(crate) metrics: BTreeMap<&'static str, (usize, usize)>,
}

impl Compared {
    /// Values that were not known.
    pub(crate) fn unknown(&self) -> usize {
        self.metrics.values().map(|(_, unknown)| unknown).sum()
    }

    /// The metrics that were known at one time and not at another.
    pub(crate) fn lost(&self) -> Vec<(&'static str, (usize, usize))> {
        let lost = self.metrics.iter().filter(|(_, (known, unknown))| *known > 0 && *unknown > 0);
        lost.map(|(id, counts)| (*id, *counts)).collect()
    }
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.values += other.values;
        self.readings += other.readings;
        for (id, (known, unknown)) in other.metrics {
            let counts = self.metrics.entry(id).or_default();
            *counts = (counts.0 + known, counts.1 + unknown);
        }
    }
}

/// Compares every reading with the truth at the question that it answers, and fails on the first wrong value. What was
/// compared is forgotten.
pub(crate) fn compare(world: &World, driven: &Driven, unit: &str) -> Compared {
    let heard = world.cables.heard(unit);
    let (profile, plate) = world.cables.unit(unit, |unit| (unit.profile(), unit.nameplate.clone()));
    let together = TOGETHER.max(driven.interval.mul_f64(1.5) + Duration::from_secs(5));
    let times = Times { together, late: Duration::ZERO };
    let compared = compare_with(&driven.told, &heard, profile, &plate, times);
    world.cables.forget_heard(unit, together.max(Duration::from_secs(120)));
    compared
}

/// How far apart things may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The answers of which a sum is made.
    pub(crate) together: Duration,
    /// A question and its answer. Where an answer got lost the next one to the same question counts as that old: nobody
    /// can tell.
    pub(crate) late: Duration,
}

/// The same by what the unit heard, and when.
pub(crate) fn compare_with(
    told: &Told,
    heard: &[Heard],
    profile: Profile,
    plate: &Nameplate,
    times: Times,
) -> Compared {
    let mut compared = Compared::default();
    for reading in told.readings() {
        // Questions are strictly one after the other: the last one before the reading is the one that it answers.
        let asked = heard.partition_point(|heard| heard.at.mono <= reading.at.mono);
        let Some((asked, later)) = asked.checked_sub(1).and_then(|index| heard.get(index..)?.split_first())
        else {
            panic!("a reading that nobody asked for: {reading:?}");
        };
        let again = later.iter().filter(|heard| {
            heard.text == asked.text && heard.at.mono <= reading.at.mono.saturating_add(times.late)
        });
        let judged = |asked: &Heard| {
            let since = asked.at.mono.saturating_sub(times.together);
            let recent = heard.iter().filter(|heard| (since..=asked.at.mono).contains(&heard.at.mono));
            let recent: Vec<_> = recent.collect();
            check(&reading, &Place { profile: profile.name(), plate, asked, recent: &recent })
        };
        let first = judged(asked);
        let right = std::iter::once(first.clone()).chain(again.map(judged)).find_map(Result::ok);
        compared += right.unwrap_or_else(|| {
            let why = first.err().unwrap_or_default();
            panic!("{why}\n{reading:?}\n{:#?}", told.state().evidence)
        });
    }
    told.forget_readings();
    compared
}

/// Compares a reading with the truth; says what is wrong in it.
fn check(reading: &Reading, place: &Place<'_>) -> Result<Compared, String> {
    let mut compared = Compared { readings: 1, ..Compared::default() };
    for (metric, observation) in &reading.values {
        let counts = compared.metrics.entry(metric.id()).or_default();
        let Ok(value) = observation else {
            counts.1 += 1;
            continue;
        };
        counts.0 += 1;
        let expected = expected(*metric, place);
        if matches!(expected, Expected::Elsewhere(_)) {
            continue;
        }
        if !is_right(value, &expected) {
            let (asked, measured) = (asked(place.asked), &place.asked.truth.reading);
            return Err(format!("{metric} = {value:?} is wrong: {expected:?}\n{asked}\n{measured:?}"));
        }
        compared.values += 1;
    }
    Ok(compared)
}

fn asked(heard: &Heard) -> String {
    format!("asked {} at {:?}", heard.text, heard.at.mono)
}

fn is_right(value: &Value, expected: &Expected) -> bool {
    match (value, expected) {
        (Value::Number(number), Expected::Between(low, high)) => (low - 1e-6..=high + 1e-6).contains(number),
        (Value::State(word), Expected::Word(expected)) => word == expected,
        (Value::Text(text), Expected::Word(expected)) => &**text == expected.as_str(),
        (Value::Text(text), Expected::Names(expected)) => {
            let mut names: Vec<_> = text.split(", ").filter(|name| *name != "none").collect();
            names.sort_unstable();
            names == *expected
        }
        _ => false,
    }
}

/// A unit with nothing wrong reports no value as unknown that it reports otherwise.
pub(crate) fn assert_nothing_lost(compared: &Compared, excused: &[(Metric, &str)]) {
    let lost: Vec<_> = compared
        .lost()
        .into_iter()
        .filter(|(id, _)| !excused.iter().any(|(metric, _)| metric.id() == *id))
        .collect();
    assert!(lost.is_empty(), "known and then unknown, how often: {lost:?}");
}
